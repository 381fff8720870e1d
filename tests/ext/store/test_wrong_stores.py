"""A store that is none, or is closed, is refused where it is given; one that nobody holds stays open."""

import gc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from miniagents import Message, MiniAgents, StreamedPromise
from miniagents.ext.store import (
    SQLiteStore,
    Store,
    StoreClosedError,
    answer_call,
    cached,
    durable,
    forget_answers,
    forget_durable,
    once,
    open_calls,
    open_store,
    read_stream,
    write_stream,
)
from miniagents.ext.store.kept_contents import contents_of
from miniagents.messages import MessagePromise
from miniagents.testing import scripted_agent

echo: Final = scripted_agent("hello", "hello", alias="echo")

TAKE_STORES: Final[dict[str, Callable[[Any], object]]] = {  # Any: whatever is wrong
    "store": lambda wrong: MiniAgents(store=wrong),
    "durable": lambda wrong: durable(wrong, run="order-17"),
    "cached": lambda wrong: cached(echo, wrong),
    "forget_answers": lambda wrong: forget_answers(wrong, older_than=1),
    "forget_durable": lambda wrong: forget_durable(wrong, run="order-17"),
    "open_calls": lambda wrong: anext(open_calls(wrong, run="order-17")),
    "contents_of": lambda wrong: anext(contents_of(wrong, aiter(StreamedPromise.of(())))),
    "answer_call": lambda wrong: answer_call(wrong, run="order-17", key="1", answer=()),
    "read_stream": lambda wrong: read_stream(wrong, "news", Message),
    "write_stream": lambda wrong: write_stream(wrong, "news", MessagePromise.of_message(Message("a"))),
}


@pytest.mark.parametrize("wrong", ["runs.db", Path("runs.db"), None, SQLiteStore])
@pytest.mark.parametrize("name", TAKE_STORES)
async def test_the_path_of_a_store_is_no_store(name: str, wrong: object) -> None:
    if name == "store" and wrong is None:
        MiniAgents(store=None)  # which is none on purpose
        return
    said = r"is no store; write `async with SQLiteStore\(…\) as store:`$"
    with pytest.raises(TypeError, match=f"^{name}: .* {said}"):
        made = TAKE_STORES[name](wrong)
        if isinstance(made, Awaitable):
            await made


def any_of(given: Any) -> Any:  # Any: what the checkers refuse is to be tried
    return given


MISTAKES: Final[dict[str, tuple[Callable[[Any], object], str]]] = {  # Any: whatever is wrong
    "a text put": (lambda store: store.put("hello"), r"^put: 'hello' is no message"),
    "texts put": (lambda store: store.put(["hello"]), "^put: 'hello' is no message; write UserMessage"),
    "a message as its key": (lambda store: store.get(Message("a"), Message), "write message.hash_key"),
    "a text written": (lambda store: write_stream(store, "news", any_of("hello")), "'hello' is no promise"),
    "messages written": (lambda store: write_stream(store, "news", any_of([])), r"\[\] is no promise"),
    "a number of a run": (lambda store: durable(store, run=any_of(17)), "^durable: run: 17 is no text"),
    "a value taken once": (lambda _: once(any_of(17.5)), r"^once: 17.5 is no function; write once\(lambda"),
    "an answer of text": (
        lambda store: answer_call(store, run="one", key="1", answer=any_of("yes")),
        "^answer_call: answer: 'yes' is no message; write UserMessage",
    ),
    "an answer of texts": (
        lambda store: answer_call(store, run="one", key="1", answer=any_of(["yes"])),
        "^answer_call: answer: 'yes' is no message",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_other_things_than_messages_and_promises_are_refused_by_name(name: str) -> None:
    make, said = MISTAKES[name]
    async with SQLiteStore(":memory:") as store:
        with pytest.raises(TypeError, match=said):
            made = make(store)
            if isinstance(made, Awaitable):
                await made


@pytest.mark.parametrize("address", ["sqlite:///runs.db", "mysql://host/runs", "file://runs.db"])
def test_the_address_of_another_database_is_no_file(address: str) -> None:
    with pytest.raises(ValueError, match=r"is no address of a store; a SQLite file is named by its path alone"):
        open_store(address)


async def test_a_store_that_was_closed_is_refused_before_it_loses_a_run(opened: Callable[[], Store]) -> None:
    async with opened() as store:
        await store.put(Message("before"))
    with pytest.raises(StoreClosedError, match="the store was closed; make another one$"):
        MiniAgents(store=store)
    with pytest.raises(StoreClosedError, match="the store was closed; make another one$"):
        async with store:
            pytest.fail("it is entered")


async def test_a_store_that_only_its_context_holds_is_not_closed_under_it(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    async with MiniAgents(store=SQLiteStore(path)):
        gc.collect()
        await echo.inquire("a")
        gc.collect()
        await echo.inquire("b")
    gc.collect()
    async with SQLiteStore(path) as store:
        (run,) = [run async for run in store.runs()]
        assert (run.calls, run.failed) == (2, 0)
        assert run.ended is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"path": None}, 'path: None is no path of a file, and not ":memory:"'),
        ({"path": "runs.db", "lease": "1"}, "lease='1': give a number, not str"),
        ({"path": "runs.db", "patience": None}, "patience=None: give a number, not NoneType"),
    ],
)
def test_a_store_is_made_of_a_path_and_numbers(options: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=f"^SQLiteStore: {said}$"):
        SQLiteStore(**options)


def test_errors_that_a_durable_run_cannot_make_again_are_refused() -> None:
    wrong: Any = "KeyError"  # Any: the checkers refuse it
    with pytest.raises(TypeError, match="^durable: errors: 'KeyError' is no class of exceptions"):
        durable(SQLiteStore(":memory:"), run="order-17", errors=[wrong])

"""P10: the helpers of tests say what was given wrongly, where it is given."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from miniagents import InteractionContext, MiniAgents, NoActiveContextError, miniagent
from miniagents.messages import Message, UserMessage
from miniagents.promising import PromisingContext
from miniagents.testing import (
    CassetteError,
    CassetteMissingError,
    CassetteMode,
    Pause,
    Several,
    assert_marbles,
    cassette,
    diagram,
    marble,
    marbles,
    run_marbles,
    scripted_agent,
    transcript,
)


def any_of(given: Any) -> Any:  # Any: what the checkers refuse is to be tried
    return given


@miniagent
async def bot(ctx: InteractionContext) -> None:
    ctx.reply("yes")


async def later() -> str:
    return "a-|"


# --- diagrams ---


@pytest.mark.parametrize("source", [marbles, marble])
def test_a_source_that_is_made_outside_of_a_scenario_says_what_a_scenario_is(source: Callable[[str], object]) -> None:
    name = source.__name__
    with pytest.raises(
        NoActiveContextError, match=rf"as in `run_marbles\(lambda: {name}\(\.\.\.\)\)`, or write `async"
    ):
        run_marbles(any_of(source("-a")))


WRONG_SCENARIOS: Final[list[tuple[object, str]]] = [
    ("a-b|", "'a-b|' is no function"),
    (5, "5 is no function"),
    (None, "None is no function"),
    (later, "later is async; give a plain function"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG_SCENARIOS)
def test_what_is_no_scenario_is_refused(wrong: object, said: str) -> None:
    with pytest.raises(TypeError, match=rf"^run_marbles: {said.replace('|', '[|]')}$"):
        run_marbles(any_of(wrong))
    with pytest.raises(TypeError, match=rf"^assert_marbles: {said.replace('|', '[|]')}$"):
        assert_marbles(any_of(wrong), "a|")


WRONG_LINES: Final[list[tuple[object, str]]] = [
    ("a-", "the line 'result': 'a-' is no promise and no stream; several are given by their labels"),
    (None, "the line 'result': None is no promise"),
    ([1], r"the line 'result': \[1\] is no promise"),
    ({"a": 5}, "the line 'a': 5 is no promise"),
    ({1: 5}, "the label of a line: 1 is no text"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG_LINES)
def test_what_cannot_be_drawn_is_refused_with_its_label(wrong: object, said: str) -> None:
    with pytest.raises(TypeError, match=f"^a diagram: {said}"):
        run_marbles(lambda: any_of(wrong))

    async def drawn() -> None:
        async with PromisingContext():
            with pytest.raises(TypeError, match=f"^a diagram: {said}"):
                await diagram(any_of(wrong))

    asyncio.run(drawn())


@pytest.mark.parametrize("wrong", [5, None, ["a|"]])
def test_what_is_expected_of_a_line_is_a_text(wrong: object) -> None:
    for expected, label in ((wrong, "result"), ({"source": wrong}, "source")):
        with pytest.raises(TypeError, match=rf"^assert_marbles: the expected line '{label}': .* is no text; write one"):
            assert_marbles(lambda: marbles("a|"), any_of(expected))


@pytest.mark.parametrize("name", ["unit", "until", "pause", "cancel_at"])
def test_lengths_are_numbers(name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name}=x: give a number, not str$"):
        run_marbles(lambda: marbles("a|"), **any_of({name: "x"}))


def test_a_class_of_contexts_is_no_context() -> None:
    with pytest.raises(
        TypeError, match=r"^run_marbles: context: <class .*> is no context; write PromisingContext\(\)$"
    ):
        run_marbles(lambda: marbles("a|"), context=any_of(PromisingContext))


WRONG_SOURCES: Final[list[tuple[tuple[object, ...], dict[str, object], str]]] = [
    ((5,), {}, "5 is no diagram; write a text such as '-a'"),
    ((["a"],), {}, r"\['a'\] is no diagram"),
    ((b"a",), {}, "b'a' is no diagram"),
    (("a",), {"values": 5}, "values: 5 is no mapping and no function"),
    (("a",), {"values": ["x"]}, r"values: \['x'\] is no mapping and no function"),
    (("a",), {"values": later}, "values: later is async; give a plain function"),
    (("a",), {"errors": [KeyError()]}, r"errors: .* is no mapping; write \{'x': KeyError\(\)\}"),
    (("x",), {"errors": {"x": "no"}}, r"the error for 'x': 'no' is no exception; write KeyError\(\)"),
    (("x",), {"errors": {"x": KeyError}}, r"the error for 'x': <class 'KeyError'> is no exception; write KeyError\(\)"),
]


@pytest.mark.parametrize(("args", "kwargs", "said"), WRONG_SOURCES)
@pytest.mark.parametrize("source", [marbles, marble])
async def test_a_source_of_something_else_than_a_diagram_is_refused(
    source: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object], said: str
) -> None:
    async with PromisingContext():
        with pytest.raises(TypeError, match=f"^{source.__name__}: {said}"):
            source(*args, **kwargs)


async def test_a_transcript_is_of_a_promise() -> None:
    async with MiniAgents():
        for wrong, said in (
            (5, "5 is no promise$"),
            ([1], r"\[1\] is no promise"),
            (bot, r"<MiniAgent 'bot'> is no promise; write bot\.inquire\(…\)"),
        ):
            with pytest.raises(TypeError, match=f"^transcript: {said}"):
                await transcript(any_of(wrong))


# --- scripted agents ---

WRONG_REPLIES: Final[list[tuple[object, str]]] = [
    (5, "5 is no reply$"),
    (None, "None is no reply$"),
    ({"text": "a"}, "{'text': 'a'} is no reply$"),
    (UserMessage, "<class .*UserMessage'> is no reply; give an object of it$"),
    (ValueError, "<class 'ValueError'> is no reply; give an object of it$"),
    (["a", 5], "5 is no reply$"),
    (["a", KeyError], "<class 'KeyError'> is no reply; give an object of it$"),
    (Several("a", any_of(5)), "5 is no reply$"),
    (Pause(1), r"Pause\(seconds=1\) is no reply$"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG_REPLIES)
async def test_what_a_scripted_agent_cannot_say_is_refused(wrong: object, said: str) -> None:
    with pytest.raises(TypeError, match=f"^scripted agent 'scripted_agent': {said}"):
        scripted_agent("a", any_of(wrong))
    if wrong is not None:  # where None stands for none
        with pytest.raises(TypeError, match=f"^scripted agent 'scripted_agent': {said}"):
            scripted_agent("a", otherwise=any_of(wrong))
    async with MiniAgents():
        with pytest.raises(TypeError, match=f"^scripted agent 'scripted_agent': {said.removesuffix('$')}"):
            await scripted_agent(lambda _: any_of(wrong)).inquire("a")


async def test_what_a_scripted_agent_can_say_is_not_refused() -> None:
    agent = scripted_agent(
        "a", ["b", Pause(0)], [], (), Several("c", Pause(0), Message("d"), ["e"], KeyError("f")), KeyError("g"), ""
    )
    async with MiniAgents():
        texts = [await transcript(agent.inquire("x")) for _ in range(7)]
    assert [text.splitlines()[-1] for text in texts] == ["end"] * 7


@pytest.mark.parametrize("name", ["takes", "gives"])
@pytest.mark.parametrize("wrong", [5, "UserMessage", UserMessage("a"), int])
def test_a_scripted_agent_takes_and_gives_classes_of_messages(name: str, wrong: object) -> None:
    with pytest.raises(TypeError, match=rf"^scripted_agent: {name}: .* is no class of messages$"):
        scripted_agent("a", **any_of({name: wrong}))


def test_pauses_are_numbers_that_are_not_negative() -> None:
    with pytest.raises(TypeError, match=r"^Pause\('1'\): give a number, not str$"):
        Pause(any_of("1"))
    with pytest.raises(ValueError, match=r"^Pause\(-1\): give a number that is not negative$"):
        Pause(-1)
    with pytest.raises(TypeError, match="^scripted_agent: pause='1': give a number, not str$"):
        scripted_agent("a", pause=any_of("1"))


# --- cassettes ---


def denied(*_: object) -> bool:
    return False


@pytest.mark.parametrize("mode", ["once", "record", "replay", "none_new"])
def test_a_folder_is_no_cassette(tmp_path: Path, mode: CassetteMode) -> None:
    with pytest.raises(CassetteError, match="it is a folder; give the path of a file$") as raised:
        cassette(tmp_path, mode=mode).__enter__()
    assert raised.value.path == str(tmp_path)


@pytest.mark.parametrize("mode", ["once", "record"])
def test_a_place_where_nothing_can_be_written_is_told_before_a_call_is_made(
    tmp_path: Path, mode: CassetteMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CassetteError, match=r"it cannot be written: .*file is no folder; give another path$"):
        cassette(tmp_path / "file" / "a" / "b.cassette", mode=mode).__enter__()
    with cassette(tmp_path / "new" / "deep" / "b.cassette", mode=mode):
        assert not (tmp_path / "new").exists()  # made when there is something to write
    monkeypatch.setattr(os, "access", denied)
    with pytest.raises(CassetteError, match=r"it cannot be written: the folder .* is protected; give another path$"):
        cassette(tmp_path / "b.cassette", mode=mode).__enter__()


@pytest.mark.parametrize("mode", ["replay", "none_new"])
def test_a_cassette_in_a_folder_that_is_none_is_missing(tmp_path: Path, mode: CassetteMode) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "b.cassette", tmp_path / "none" / "b.cassette"):
        with pytest.raises(CassetteMissingError, match="there is no such cassette: record it"):
            cassette(path, mode=mode).__enter__()


def test_a_cassette_that_must_not_be_read_is_an_error_of_cassettes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", unread)
    with pytest.raises(CassetteError, match=r"a\.cassette: it cannot be read: Permission denied$"):
        cassette(tmp_path / "a.cassette", mode="replay").__enter__()


def test_a_file_that_is_protected_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.cassette").touch()
    monkeypatch.setattr(os, "access", denied)
    with pytest.raises(CassetteError, match=r"a\.cassette: it cannot be written: Permission denied$"):
        cassette(tmp_path / "a.cassette", mode="record").__enter__()


WRONG_OPTIONS: Final[list[tuple[dict[str, object], str]]] = [
    ({"kinds": 5}, "kinds: 5 is no list$"),
    ({"secrets": "key"}, r"secrets is a list, as in secrets=\['key'\]$"),
    ({"secrets": 5}, "secrets: 5 is no list$"),
    ({"secrets": [5]}, "secrets: 5 is no text$"),
    ({"when": 5}, "when: 5 is no function$"),
    ({"when": later}, "when: later is async; give a plain function$"),
]


@pytest.mark.parametrize(("options", "said"), WRONG_OPTIONS)
def test_wrong_options_of_a_cassette_are_refused(tmp_path: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(TypeError, match=f"^cassette: {said}"):
        cassette(tmp_path / "a.cassette", **any_of(options))


@pytest.mark.parametrize("wrong", [5, None, b"a.cassette", ["a.cassette"]])
def test_a_cassette_has_a_path(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"^cassette: .* is no path$"):
        cassette(any_of(wrong))

"""P10: what a combinator takes for a function is looked at when it is given, for every combinator there is."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Final

import pytest

from miniagents import InteractionContext, miniagent
from miniagents.messages import Message, MessagePromise, MessageSequencePromise
from miniagents.promising import Promise, PromisingContext, StreamedPromise

KINDS: Final[dict[type, Callable[[], Any]]] = {  # Any: a promise of each kind
    Promise: lambda: Promise.resolved(1),
    StreamedPromise: lambda: StreamedPromise.of("a"),
    MessagePromise: lambda: MessagePromise.of_message(Message("a")),
    MessageSequencePromise: lambda: MessageSequencePromise.of_messages([Message("a")]),
}


def taking_functions() -> Iterator[tuple[type, str, inspect.Parameter]]:
    """Give each public method that takes a function, and the parameter for it."""
    for kind in KINDS:
        for name in dir(kind):
            method = inspect.getattr_static(kind, name)
            if not name.startswith("_") and inspect.isfunction(method):
                for parameter in inspect.signature(method).parameters.values():
                    if "Callable" in str(parameter.annotation):
                        yield kind, name, parameter


TAKING: Final = list(taking_functions())
NAMES: Final = [f"{kind.__name__}.{name}" for kind, name, _ in TAKING]
WAITING: Final = [(kind, name, parameter) for kind, name, parameter in TAKING if "Awaitable" in parameter.annotation]
PLAIN: Final = [each for each in TAKING if each not in WAITING]
PLAIN_NAMES: Final = [f"{kind.__name__}.{name}" for kind, name, _ in PLAIN]


async def waits(*_: object) -> int:
    return 1


async def numbers(*_: object) -> AsyncIterator[int]:
    yield 1


@miniagent
async def bot(ctx: InteractionContext) -> None:
    ctx.reply("yes")


class Waits:
    async def __call__(self, *_: object) -> int:
        return 1


def given(kind: type, name: str, parameter: inspect.Parameter, function: object) -> tuple[Promise[object], ...]:
    """Call a method with an object in the place of its function, and with 1 wherever it needs more."""
    method = getattr(KINDS[kind](), name)
    before, named = list[object](), dict[str, object]()
    for other in inspect.signature(method).parameters.values():
        if other.name == parameter.name and other.kind is other.KEYWORD_ONLY:
            named[other.name] = function
        elif other.name == parameter.name:
            before.append(function)
        elif other.default is other.empty and other.kind is other.POSITIONAL_ONLY:
            before.append(1)
    made = method(*before, **named)
    return made if name == "partition" else (made,)


def test_there_are_such_methods() -> None:
    assert {"map", "then", "recover", "starmap", "fold", "scan", "map_text", "recover_messages", "batch"} <= {
        name for _, name, _ in TAKING
    }
    assert {name for _, name, _ in WAITING} == {"then", "then_pieces", "then_message", "then_messages"}


@pytest.mark.parametrize(("kind", "name", "parameter"), TAKING, ids=NAMES)
async def test_what_is_no_function_is_refused_where_it_is_given(
    kind: type, name: str, parameter: inspect.Parameter
) -> None:
    async with PromisingContext():
        for wrong, hint in (
            (5, ""),
            ("x", ""),
            ([len], ""),
            (Promise.resolved(1), ""),
            (bot, r"; write bot\.inquire\(…\), whose replies can be awaited"),
            (waits(), "; give the function itself, without calling it: waits"),
            (numbers(), "; give the function itself, without calling it: numbers"),
            *(() if parameter.default is None else ((None, ""),)),
        ):
            with pytest.raises(TypeError, match=rf"^{name}: .* is no function{hint}$"):
                given(kind, name, parameter, wrong)


@pytest.mark.parametrize(("kind", "name", "parameter"), PLAIN, ids=PLAIN_NAMES)
async def test_an_async_function_whose_result_nobody_would_await_is_refused_where_it_is_given(
    kind: type, name: str, parameter: inspect.Parameter
) -> None:
    async with PromisingContext():
        for wrong, called in ((waits, "waits"), (Waits(), "Waits"), (Waits().__call__, "Waits.__call__")):
            with pytest.raises(TypeError, match=rf"^{name}: {called} is async; give a plain function"):
                given(kind, name, parameter, wrong)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("map", "then"),
        ("map_pieces", "then_pieces"),
        ("map_message", "then_message"),
        ("map_messages", "then_messages"),
    ],
)
async def test_an_async_function_has_a_method_of_its_own(name: str, instead: str) -> None:
    kind = next(kind for kind, each, _ in TAKING if each == name)
    async with PromisingContext():
        said = rf"^{name}: waits is async; give a plain function, or write {instead}\(…\)$"
        with pytest.raises(TypeError, match=said):
            getattr(KINDS[kind](), name)(waits)


class Made:
    def __init__(self, *_: object) -> None:
        pass

    async def __call__(self) -> int:
        return 1

    @staticmethod
    def made(*_: object) -> int:
        return 1


OF_PYTHON: Final[list[object]] = [Made, str, print, str.upper, "".join, partial(str), Made.made]


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize(("kind", "name", "parameter"), TAKING, ids=NAMES)
async def test_a_class_and_a_function_of_python_are_functions(
    kind: type, name: str, parameter: inspect.Parameter
) -> None:
    async with PromisingContext():
        for plain in OF_PYTHON:
            for promise in given(kind, name, parameter, plain):
                promise.cancel()

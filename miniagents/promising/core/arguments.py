"""Checks of arguments that a type cannot say, or that would do harm long after the call."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Iterable

__all__ = [
    "check_awaitables",
    "check_callable",
    "check_errors",
    "check_kind",
    "check_not_negative",
    "check_plain",
    "check_streams",
]


def check_not_negative(what: str, number: float) -> None:
    """Refuses what is no length of time, which may well be without end.

    Raises:
        ValueError: it is negative or "not a number".
    """
    if not number >= 0:  # nor is nan, which would bring the timers of a loop into disorder
        raise ValueError(f"{what}: give a number that is not negative")


def check_callable(what: str, function: object) -> None:
    """Refuses what is no function, and would be called when nobody knows any more where it came from.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(function):
        raise TypeError(f"{what}: {function!r:.200} is no function")


def check_plain(what: str, function: object) -> None:
    """Refuses a function whose answer would have to be awaited, and so would never be looked at.

    Raises:
        TypeError: it is async, or nothing that can be called.
    """
    check_callable(what, function)
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004 - it must not be async
        name: str = getattr(function, "__qualname__", type(function).__qualname__)
        raise TypeError(f"{what}: {name} is async; give a plain function")


def check_kind(what: str, given: object, kind: type, said: str) -> None:
    """Refuses what is of another kind than the types say.

    Raises:
        TypeError: it is not of the kind; `said` is what is said of it then.
    """
    if not isinstance(given, kind):
        raise TypeError(f"{what}: {given!r:.200} is {said}")


def check_errors(what: str, classes: tuple[object, ...]) -> None:
    """Refuses what is no class of exceptions: it would be found out when there is an error, and hide that.

    Raises:
        TypeError: something else is among them.
    """
    for each in classes:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"{what}: {each!r:.200} is no class of exceptions; give each class by itself")


def check_awaitables(what: str, given: Iterable[object]) -> None:
    """Refuses what cannot be awaited, above all a list of promises instead of the promises.

    Raises:
        TypeError: something else is among it.
    """
    for each in given:
        if not inspect.isawaitable(each):
            hint = f"; write {what}(*...) to give what is in it" if isinstance(each, list | tuple) else ""
            raise TypeError(f"{what}: {each!r:.200} is no promise{hint}")


def check_streams(what: str, given: Iterable[object]) -> None:
    """Refuses what is no async iterable, above all a list, be it of pieces or of streams.

    Raises:
        TypeError: something else is among it.
    """
    for each in given:
        if not isinstance(each, AsyncIterable):
            hint = (
                "; give streams one by one, and pieces as StreamedPromise.of(...)" if isinstance(each, Iterable) else ""
            )
            raise TypeError(f"{what}: {each!r:.200} is no stream{hint}")

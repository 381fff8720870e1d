"""Checks of arguments that a type cannot say, and that would do harm long after the call."""

from __future__ import annotations

import inspect

__all__ = ["check_not_negative", "check_plain"]


def check_not_negative(what: str, number: float) -> None:
    """Refuses what is no length of time, which may well be without end.

    Raises:
        ValueError: it is negative or "not a number".
    """
    if not number >= 0:  # nor is nan, which would bring the timers of a loop into disorder
        raise ValueError(f"{what}: give a number that is not negative")


def check_plain(what: str, function: object) -> None:
    """Refuses a function whose answer would have to be awaited, and so would always be taken for a yes.

    Raises:
        TypeError: it is async, or nothing that can be called.
    """
    if not callable(function):
        raise TypeError(f"{what}: {function!r:.200} is no function")
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004 - it must not be async
        name: str = getattr(function, "__qualname__", type(function).__qualname__)
        raise TypeError(f"{what}: {name} is async; give a plain function")

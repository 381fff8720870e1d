"""Checks of arguments that a type cannot express, or whose harm would show long after the call."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import AsyncIterable, Iterable, Mapping
from functools import partial
from operator import index
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    UnionType,
)
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import SupportsIndex

__all__ = [
    "NO_STORE",
    "async_functions",
    "check_async",
    "check_awaitables",
    "check_bound",
    "check_callable",
    "check_concurrency",
    "check_count",
    "check_errors",
    "check_kind",
    "check_method",
    "check_not_negative",
    "check_plain",
    "check_recovery",
    "check_streams",
    "copied",
    "did_you_mean",
]

V = TypeVar("V")
F = TypeVar("F", bound="Callable[..., object]")

NO_STORE: Final = "no store; write `async with SQLiteStore(…) as store:`"
"""What is said of an object in the place of a store."""

_FUNCTIONS: Final = frozenset((FunctionType, MethodType))
_OF_PYTHON: Final = frozenset((BuiltinFunctionType, MethodDescriptorType))


def check_not_negative(
    what: str,
    number: float,
    *,
    if_negative: str = "give a number that is not negative",
    if_zero: str = "",
    if_infinite: str = "",
) -> None:
    """Refuse a number that is no length of time; zero and infinity are some.

    Args:
        what: The option, with the number in it.
        number: The number.
        if_negative: What the error text says of a negative number, and of nan.
        if_zero: What the error text says where zero is refused as well, of all of these.
        if_infinite: What the error text says where infinity is refused as well.

    Raises:
        TypeError: It cannot be compared with a number.
        ValueError: It is negative or "not a number", or zero or infinity where that is refused.
    """
    try:
        # neither is true of nan, which would break the order of a loop's timers
        is_right = number > 0 if if_zero else number >= 0
    except TypeError:
        raise TypeError(f"{what}: give a number, not {type(number).__qualname__}") from None
    if not is_right:
        raise ValueError(f"{what}: {if_zero or if_negative}")
    if if_infinite and number == math.inf:
        raise ValueError(f"{what}: {if_infinite}")


def check_count(what: str, count: SupportsIndex, least: int | None = None, reason: str = "") -> None:
    """Refuse a number that is no count: 2.5, nan, infinity, or a string.

    Args:
        what: The call, with the number in it.
        count: The number.
        least: The smallest count that is allowed; None for any.
        reason: What the error text says of a smaller one; "" if the smallest one says it all.

    Raises:
        TypeError: It is no integer.
        ValueError: It is too small.
    """
    try:
        number = index(count)
    except TypeError:
        raise TypeError(f"{what}: give an integer, not {type(count).__qualname__}") from None
    if least is not None and number < least:
        raise ValueError(f"{what}: {reason}" if reason else f"{what} must be at least {least}")


def check_bound(max_ahead: int | None) -> None:
    """Refuse a bound that lets nothing through.

    Raises:
        TypeError: It is no integer.
        ValueError: It is less than one.
    """
    if max_ahead is not None:
        check_count(
            f"max_ahead={max_ahead!r}", max_ahead, 1, "a bound lets at least one piece through; None means no bound"
        )


def check_concurrency(what: str, concurrency: int | None, runs: str) -> None:
    """Refuse a limit that lets nothing run.

    Args:
        what: The call.
        concurrency: The limit.
        runs: What the error text says of a smaller limit than one.

    Raises:
        TypeError: It is no integer.
        ValueError: It is less than one.
    """
    if concurrency is not None:
        check_count(f"{what}(concurrency={concurrency!r})", concurrency, 1, f"{runs}; None means no limit")


def check_callable(what: str, function: object) -> None:
    """Refuse an object that is no function, which would be called far from the place where it was given.

    Raises:
        TypeError: It cannot be called.
    """
    if type(function) in _FUNCTIONS:
        return  # without a look for an attribute that is not there, which would be a twentieth of the cost of a promise
    if not callable(function) or hasattr(type(function), "_instead_of_calling"):
        instead: object = getattr(function, "_instead_of_calling", None)
        if isinstance(function, CoroutineType | AsyncGeneratorType):
            instead = f"give the function itself, without calling it: {function.__name__}"
        if isinstance(function, CoroutineType):
            function.close()  # otherwise Python warns as well that it was never awaited
        hint = f"; {instead}" if isinstance(instead, str) else ""
        raise TypeError(f"{what}: {function!r:.200} is no function{hint}")


def check_plain(what: str, function: object, *, instead: str = "") -> None:
    """Refuse an async function, whose result would have to be awaited and would never be looked at.

    Args:
        what: The option, or the call.
        function: The function. A class is one: calling it makes an object, and nothing to await.
        instead: What takes async functions, as it is written; "" if nothing does.

    Raises:
        TypeError: It is async, or cannot be called.
    """
    if type(function) is FunctionType:  # by its flags, in a tenth of the time that `inspect` takes for its questions
        if not function.__code__.co_flags & inspect.CO_COROUTINE and not function.__dict__:
            return
    elif type(function) in _OF_PYTHON:
        return
    check_callable(what, function)
    if isinstance(function, type):
        return
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004 - it must not be async
        hint = f", or write {instead}" if instead else ""
        raise TypeError(f"{what}: {_name_of(function)} is async; give a plain function{hint}")


def async_functions(option: str, given: F | Iterable[F]) -> tuple[F, ...]:
    """Return the function, or the functions, given to an option as a tuple.

    Raises:
        TypeError: One of them is not an async function.
    """
    if callable(given):
        functions: tuple[F, ...] = (given,)
    else:
        checked: object = given
        if isinstance(checked, str):
            check_callable(option, checked)  # each of its characters would be refused otherwise
        try:
            functions = tuple(given)
        except TypeError:
            raise TypeError(f"{option}: {given!r:.200} is neither an async function nor several of them") from None
    for function in functions:
        check_async(option, function)
    return functions


def check_async(what: str, function: object) -> None:
    """Refuse a function whose result cannot be awaited.

    Raises:
        TypeError: It is not async, or cannot be called.
    """
    check_callable(what, function)
    called = function
    while isinstance(called, partial):
        called = called.func
    if isinstance(called, BuiltinFunctionType) and _is_of_python(called.__self__):
        raise TypeError(f"{what}: {_name_of(called)} is not async; write an `async def` that calls it")
    is_plain = type(called) in _FUNCTIONS and not inspect.iscoroutinefunction(called)
    if is_plain and not hasattr(called, "__wrapped__"):  # a decorated function may return an awaitable
        name = _name_of(called)
        if inspect.isasyncgenfunction(called):
            raise TypeError(f"{what}: {name} is an async generator; write `return` instead of `yield` in it")
        raise TypeError(f"{what}: {name} is not async; write `async def`, or `{name}()` if that makes a function")


def check_method(what: str, given: object, method: str, said: str) -> None:
    """Refuse an object, or a class in its place, without the method that it is used by.

    Raises:
        TypeError: It does not have it; `said` says what it is then.
    """
    if isinstance(given, type) or not callable(getattr(given, method, None)):
        raise TypeError(f"{what}: {given!r:.200} is {said}")


def check_kind(what: str, given: object, kind: type | UnionType, said: str) -> None:
    """Refuse an object of another kind than the types say.

    Raises:
        TypeError: It is not of the kind; `said` says what it is then.
    """
    if not isinstance(given, kind):
        raise TypeError(f"{what}: {given!r:.200} is {said}")


def copied(what: str, values: Mapping[str, V]) -> dict[str, V]:
    """Return a copy of a mapping.

    Raises:
        TypeError: It is none.
    """
    check_kind(what, values, Mapping, "no mapping of names to values")
    return dict(values)


def check_errors(what: str, classes: tuple[object, ...]) -> None:
    """Refuse what is no class of exceptions: Python finds that only when there is an error, and hides the error then.

    Raises:
        TypeError: Something else is among them.
    """
    for each in classes:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"{what}: {each!r:.200} is no class of exceptions; give each class by itself")


def check_recovery(
    what: str, function: object, classes: tuple[type[BaseException], ...]
) -> tuple[type[BaseException], ...]:
    """Return the classes of the errors that a function is called with: any `Exception` if none are given.

    Raises:
        TypeError: The function is async, or cannot be called, or something else than a class is among the classes.
    """
    check_plain(what, function)
    check_errors(what, classes)
    return classes or (Exception,)


def check_awaitables(what: str, given: Iterable[object]) -> None:
    """Refuse objects that cannot be awaited, above all a list of promises instead of the promises.

    Raises:
        TypeError: Something else is among them.
    """
    for each in given:
        instead: object = getattr(each, "_instead_of_calling", None)  # an agent has it, and a method that awaits it
        if instead is not None or not inspect.isawaitable(each):
            hint = "" if instead is None else f"; {instead}"
            if isinstance(each, list | tuple):
                hint = f"; write {what}(*...) to give what is in it"
            elif not hint and callable(each):
                hint = f"; call it: {_name_of(each)}()"
            raise TypeError(f"{what}: {each!r:.200} is no promise{hint}")


def check_streams(what: str, given: Iterable[object]) -> None:
    """Refuse objects that are no async iterables, above all a list of pieces or of streams.

    Raises:
        TypeError: Something else is among them.
    """
    for each in given:
        if not isinstance(each, AsyncIterable):
            hint = (
                "; give streams one by one, and pieces as StreamedPromise.of(...)" if isinstance(each, Iterable) else ""
            )
            raise TypeError(f"{what}: {each!r:.200} is no stream{hint}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the known name that is most like this one, or "" if none is.

    >>> did_you_mean("tmies", ["times", "text"])
    "; did you mean 'times'?"
    """
    from difflib import get_close_matches  # noqa: PLC0415  # only errors need it

    nearest = get_close_matches(name, known, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _is_of_python(owner: object) -> bool:
    """Return whether a module, or the class of an object, is Python's own and gives nothing to await."""
    name: object = owner.__name__ if isinstance(owner, ModuleType) else type(owner).__module__
    return name in sys.stdlib_module_names and not isinstance(owner, AsyncGeneratorType)  # `asend` can be awaited


def _name_of(function: object) -> str:
    name: str = getattr(function, "__qualname__", type(function).__qualname__)
    return name

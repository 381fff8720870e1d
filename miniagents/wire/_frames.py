"""What goes over the wire for a promise that is still arriving: frames, each a record of its own.

A message is `Opened`, any number of `Text`, `Event` and `Failed` in the order of its pieces, and `Whole` or `Broken` at
its end. A sequence is `Sequence`, messages that may arrive at the same time, each under a number, `Failed` without a
number for an error between messages, and `End`.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from miniagents.messages.coding.codec import DecodeError
from miniagents.promising.errors import (
    AppenderAbandonedError,
    AppenderClosedError,
    ContextStateError,
    NoActiveContextError,
    PromiseCancelledError,
    PromisingError,
)
from miniagents.wire.record_errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Broken",
    "End",
    "ErrorInfo",
    "Event",
    "Failed",
    "Frame",
    "Opened",
    "Sequence",
    "Text",
    "Whole",
    "error_classes",
    "error_of",
    "info_of",
]


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error, as far as it can be told elsewhere."""

    type: str
    """Its class with the module."""
    text: str
    """What it says."""
    args: tuple[str | int | float | bool | None, ...] | None = None
    """What it was made of; None if that is more than scalars."""
    notes: tuple[str, ...] = ()
    """What was added to it."""


class Sequence(msgspec.Struct, frozen=True, tag="sequence", tag_field="frame"):
    """A sequence of messages begins."""


class Opened(msgspec.Struct, frozen=True, tag="opened", tag_field="frame", omit_defaults=True):
    """A message begins."""

    number: int = 0
    tag: str | None = None
    """The tag of its class, if that is known."""
    known: dict[str, msgspec.Raw] = {}  # msgspec gives each its own
    """Fields that are known already, by the names that they have in Python."""


class Text(msgspec.Struct, frozen=True, tag="text", tag_field="frame", omit_defaults=True):
    """A token."""

    text: str
    number: int = 0


class Event(msgspec.Struct, frozen=True, tag="event", tag_field="frame", omit_defaults=True):
    """Another piece."""

    event: msgspec.Raw
    number: int = 0


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="frame", omit_defaults=True):
    """An error in the place of a piece; without a number in that of a message."""

    error: ErrorInfo
    number: int | None = None


class Whole(msgspec.Struct, frozen=True, tag="whole", tag_field="frame", omit_defaults=True):
    """A message is complete."""

    message: msgspec.Raw
    number: int = 0


class Broken(msgspec.Struct, frozen=True, tag="broken", tag_field="frame", omit_defaults=True):
    """A message ends with an error instead."""

    number: int = 0
    error: ErrorInfo | None = None
    """The error; None for the first one among its pieces."""


class End(msgspec.Struct, frozen=True, tag="end", tag_field="frame"):
    """A sequence ends."""


Frame: TypeAlias = Sequence | Opened | Text | Event | Failed | Whole | Broken | End
"""Any of them."""

_SCALARS: Final = frozenset((str, int, float, bool, type(None)))
_OURS: Final = (
    AppenderAbandonedError,
    AppenderClosedError,
    ContextStateError,
    DecodeError,
    NoActiveContextError,
    PromiseCancelledError,
    PromisingError,
)


def info_of(error: BaseException) -> ErrorInfo:
    """Tell what there is to tell of an error."""
    if isinstance(error, RemoteError):  # passed on under its own name
        return ErrorInfo(error.type_name, error.text)
    args: tuple[Any, ...] = error.args  # Any: looked at here
    if isinstance(error, DecodeError):
        args = (error.path, error.reason)
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001  # somebody's own __str__; the error must be told all the same
        text = f"(its text cannot be had: {type(broken).__name__})"
    notes: list[object] = getattr(error, "__notes__", [])
    return ErrorInfo(
        name_of_class(type(error)),
        _sound(text),
        tuple(_sound(arg) for arg in args) if _SCALARS.issuperset(map(type, args)) else None,
        tuple(_sound(note) for note in notes if isinstance(note, str)),
    )


def _sound(value: Any) -> Any:  # Any: a scalar
    """Give a text that can be encoded, a number that JSON has, and what is neither as it is."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return str(value) if isinstance(value, int | float) and not -(2.0**63) < value < 2.0**63 else value


def name_of_class(cls: type) -> str:
    """Name a class with its module."""
    return f"{cls.__module__}.{cls.__qualname__}"


def error_classes(given: Iterable[type[BaseException]]) -> Mapping[str, type[BaseException]]:
    """List the classes whose errors are made here, by name: Python's own, those of promises, and the given ones.

    Those that end programs and tasks (`KeyboardInterrupt`, `SystemExit`, `CancelledError`, …) are not among them: what
    ended another process is no order to this one.
    """
    own = [cls for cls in vars(builtins).values() if isinstance(cls, type) and issubclass(cls, Exception)]
    return {name_of_class(cls): cls for cls in (*own, *_OURS, *given)}


def error_of(info: ErrorInfo, classes: Mapping[str, type[BaseException]]) -> BaseException:
    """Make an error again: of its class, if that is among those given and makes the same of the same arguments."""
    error: BaseException = RemoteError(info.type, info.text)
    cls = classes.get(info.type)
    if cls is not None and info.args is not None:
        try:
            made = cls(*info.args)
            if _sound(str(made)) == info.text:
                error = made
        except Exception:  # noqa: BLE001, S110  # it takes other arguments than it keeps: then it is told by name
            pass
    for note in info.notes:
        error.add_note(note)
    return error

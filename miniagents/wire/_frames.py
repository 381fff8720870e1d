"""The frames that carry a promise that is still arriving; each frame is a record of its own.

`frames.schema.json` beside this file is the contract for other languages; a test compares both. The classes are written
by hand, because they take over parts that are encoded already, and ignore properties of newer versions.

A message begins with `Opened` and ends with `Whole` or `Broken`. `Text`, `Event` and `Failed` between them are its
pieces, in their order. A sequence begins with `Sequence` and ends with `End`. The frames of its messages may be mixed,
and so each has the number of its message. `Failed` without a number is an error between messages.
"""

from __future__ import annotations

import builtins
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from miniagents.messages.coding.codec import DecodeError
from miniagents.messages.coding.typed_codec import Codec
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

    from miniagents.messages.coding.codec import Format

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
    "codec_of_frames",
    "error_classes",
    "error_of",
    "info_of",
]


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error, as another process can read it."""

    type: str
    """The name of its class, with the module."""
    text: str
    """Its `str()`."""
    args: tuple[str | int | float | bool | None, ...] | None = None
    """Its `args`; None if they are not all scalars."""
    notes: tuple[str, ...] = ()
    """The notes that were added with `add_note`."""


class Sequence(msgspec.Struct, frozen=True, tag="sequence", tag_field="frame"):
    """A sequence of messages begins."""


class Opened(msgspec.Struct, frozen=True, tag="opened", tag_field="frame", omit_defaults=True):
    """A message begins."""

    number: int = 0
    tag: str | None = None
    """The tag of its class, if that is known."""
    known: dict[str, msgspec.Raw] = {}  # msgspec copies the default for each object
    """Fields that are known already, by their names in Python."""


class Text(msgspec.Struct, frozen=True, tag="text", tag_field="frame", omit_defaults=True):
    """A token of the message."""

    text: str
    number: int = 0


class Event(msgspec.Struct, frozen=True, tag="event", tag_field="frame", omit_defaults=True):
    """A piece of the message that is not text."""

    event: msgspec.Raw
    number: int = 0


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="frame", omit_defaults=True):
    """An error in the place of a piece of a message or, without a number, in the place of a message."""

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
    """The error; None if it is the first one among the pieces, which was sent already."""


class End(msgspec.Struct, frozen=True, tag="end", tag_field="frame"):
    """A sequence ends."""


Frame: TypeAlias = Sequence | Opened | Text | Event | Failed | Whole | Broken | End
"""Any frame."""

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


@cache
def codec_of_frames(format: Format, *, unique_keys: bool = False) -> Codec[Frame]:
    """Return the codec of all frames in a format."""
    return Codec(Frame, format, unique_keys=unique_keys)


def info_of(error: BaseException) -> ErrorInfo:
    """Describe an error for another process.

    Texts that UTF-8 cannot write and numbers beyond 64 bits are changed so that they can be encoded.
    """
    if isinstance(error, RemoteError):  # it keeps the name of the class that it had in its own process
        return ErrorInfo(error.type_name, error.text)
    args: tuple[Any, ...] = error.args  # Any: only scalars are sent
    if isinstance(error, DecodeError):
        args = (error.path, error.reason)
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001  # the __str__ of a user's class; the error must be sent anyway
        text = f"(its text cannot be read: {type(broken).__name__})"
    notes: list[object] = getattr(error, "__notes__", [])
    return ErrorInfo(
        name_of_class(type(error)),
        _sound(text),
        tuple(_sound(arg) for arg in args) if _SCALARS.issuperset(map(type, args)) else None,
        tuple(_sound(note) for note in notes if isinstance(note, str)),
    )


def _sound(value: Any) -> Any:  # Any: a scalar
    """Return a scalar that can be encoded: lone surrogates are escaped, numbers beyond 64 bits become texts."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return str(value) if isinstance(value, int | float) and not -(2.0**63) < value < 2.0**63 else value


def name_of_class(cls: type) -> str:
    """Return the name of a class with its module."""
    return f"{cls.__module__}.{cls.__qualname__}"


def error_classes(given: Iterable[type[BaseException]]) -> Mapping[str, type[BaseException]]:
    """Return the classes of errors that are made again here, by name.

    They are Python's own, those of promises, and the given ones. Errors that end programs and tasks
    (`KeyboardInterrupt`, `SystemExit`, `CancelledError`, …) are left out: they ended another process, and must not end
    this one.
    """
    classes = {name_of_class(cls): cls for cls in given}
    return _known_classes() | classes if classes else _known_classes()


@cache
def _known_classes() -> dict[str, type[BaseException]]:
    own = [cls for cls in vars(builtins).values() if isinstance(cls, type) and issubclass(cls, Exception)]
    return {name_of_class(cls): cls for cls in (*own, *_OURS)}


def error_of(info: ErrorInfo, classes: Mapping[str, type[BaseException]]) -> BaseException:
    """Make an error from its description.

    It is of its own class if that class is given and makes an error with the same text from the same arguments. Else it
    is a `RemoteError`.
    """
    error: BaseException = RemoteError(info.type, info.text)
    cls = classes.get(info.type)
    if cls is not None and info.args is not None:
        try:
            made = cls(*info.args)
            if _sound(str(made)) == info.text:
                error = made
        except Exception:  # noqa: BLE001, S110  # its __init__ takes other arguments than `args`: `RemoteError` names it
            pass
    for note in info.notes:
        error.add_note(note)
    return error

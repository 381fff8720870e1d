"""The codec of the frames that `schemas/frames.schema.json` describes, and the errors that they carry."""

from __future__ import annotations

import builtins
from functools import cache
from typing import TYPE_CHECKING, Any, Final

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
from miniagents.wire._error_parts import arguments_of, errors_in_group, keywords_of, ways_to_make
from miniagents.wire._generated import ErrorInfo, Frame
from miniagents.wire.record_errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from miniagents.messages.coding.codec import Format

__all__ = ["codec_of_frames", "error_classes", "error_of", "info_of"]


_DEEPEST: Final = 16
"""In how many groups an error may be."""
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


def info_of(error: BaseException, encoded: Callable[[object], bytes], *, depth: int = 0) -> ErrorInfo:
    """Describe an error for another process.

    Texts that UTF-8 cannot write and numbers beyond 64 bits are changed so that they can be encoded.

    Args:
        error: The error.
        encoded: Encodes a value in the format of the stream.
        depth: In how many groups of errors it is.
    """
    if isinstance(error, RemoteError):  # it keeps the name of the class that it had in its own process
        return ErrorInfo(error.type_name, error.text)
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001  # the __str__ of a user's class; the error must be sent anyway
        text = f"(its text cannot be read: {type(broken).__name__})"
    args = arguments_of(error)
    notes: list[object] = getattr(error, "__notes__", [])
    keywords = keywords_of(error, encoded)
    inner = errors_in_group(error) if depth < _DEEPEST else ()
    return ErrorInfo(
        name_of_class(type(error)),
        _sound(text),
        tuple(_sound(arg) for arg in args) if _SCALARS.issuperset(map(type, args)) else None,
        tuple(_sound(note) for note in notes if isinstance(note, str)),
        keywords.values,
        keywords.messages,
        tuple(info_of(each, encoded, depth=depth + 1) for each in inner),
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


def error_of(info: ErrorInfo, classes: Mapping[str, type[BaseException]], format: Format) -> BaseException:
    """Make an error from its description.

    It is of its own class if that class is given and makes an error with the same text from what is known of it. Else
    it is a `RemoteError`.
    """
    error: BaseException = RemoteError(info.type, info.text)
    cls = classes.get(info.type)
    args: Sequence[Any] | None = info.args  # Any: scalars, and the errors of a group
    if info.errors and args is not None:
        args = (*args, [error_of(each, classes, format) for each in info.errors])
    for make in () if cls is None else ways_to_make(cls, args, info.keywords, info.messages, format):
        try:
            made = make()
            if _sound(str(made)) == info.text:
                error = made
                break
        except Exception:  # noqa: BLE001, S112  # its __init__ takes something else: `RemoteError` names it
            continue
    for note in info.notes:
        error.add_note(note)
    return error

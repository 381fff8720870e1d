"""`encode` and `encode_into`: values to JSON or MessagePack, without loss.

Most values are encoded by one call of msgspec. For each class a survey finds out once what else its values need. It is
surveyed again after a class was made, and after one of the fields that it depends on held something other than plain
JSON for the first time; see `values/untyped.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import msgspec
from msgspec import UNSET

from miniagents.messages.coding.contents import Survey, contents_of, survey
from miniagents.messages.coding.exactness import refuse_inexact, refuse_unwritable
from miniagents.messages.coding.extras import merged
from miniagents.messages.coding.finiteness import finite_check_of, is_finite, nullable_writer
from miniagents.messages.coding.msgspec_formats import functions_of, may_have_nan, refuse_unpackable
from miniagents.messages.coding.rewriting import UnsureError, rewriter_of, rewritten
from miniagents.messages.coding.unknown_message import UnknownMessage
from miniagents.messages.values.freezing import is_list, is_mapping, is_set, is_tuple
from miniagents.messages.values.frozen import Frozen, when_classes_change
from miniagents.messages.values.untyped import notes_lock, when_noted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from miniagents.messages.coding.msgspec_formats import Format, FormatFunctions

__all__ = ["are_simple", "encode", "encode_into", "known_writers", "refuse", "writer_of", "written_first"]


def encode(value: object, format: Format = "json") -> bytes:
    """Encode a message, or a container of messages, as bytes.

    Args:
        value: The message or container.
        format: "json" or "msgpack". `decode` reads both; MessagePack turns a `datetime` with an offset into the same
            moment in UTC.

    Raises:
        ValueError: The value contains NaN, infinity or a lone surrogate; the text has its path. Or MessagePack cannot
            express an integer of more than 64 bits. Or the value is nested deeper than Python's recursion limit. NaN in
            a field that is not declared as float, which type checkers refuse, is found only in JSON, in messages and in
            records with a field that may be None.
        TypeError: A part of the value is not JSON-serialisable, or would be decoded as something else, such as a date
            in a field declared as `object` or `Any`. The text has its path and a remedy.
    """
    try:
        if format == "json":
            return _searching_writers[type(value)](value)
        return _writers[format][type(value)](value)
    except KeyError:  # the class has no writer yet
        pass
    except (UnicodeEncodeError, RecursionError, OverflowError) as error:
        refuse(value, error)
    kind = type(value)
    return written_first(value, _new_searching_writer(kind) if format == "json" else writer_of(kind, format))


def encode_into(value: object, buffer: bytearray, offset: int = 0, format: Format = "json") -> None:
    """Encode a value into a buffer from `offset` on; the buffer ends where the value ends.

    `encode` allocates memory for each value. A buffer that is used again needs no allocation once it is large enough.

    Args:
        value: The message or container.
        buffer: The buffer. Its bytes before `offset` stay, and those after it are replaced.
        offset: The number of bytes to leave unchanged; -1 for all bytes of the buffer.
        format: "json" or "msgpack".

    Raises:
        ValueError: The value cannot be encoded, see `encode`; the buffer then ends at the offset. Or the offset is
            beyond the end of the buffer.
        TypeError: The value cannot be encoded, see `encode`; the buffer then ends at the offset.
    """
    native, native_into = _JSON if format == "json" else functions_of(format)[:2]
    start = len(buffer) if offset == -1 else offset
    if not 0 <= start <= len(buffer):
        raise ValueError(f"offset={offset} is not in the buffer, which has {len(buffer)} bytes")
    kind = type(value)
    write = _writers[format].get(kind) or writer_of(kind, format)
    try:
        if write is native:
            native_into(value, buffer, start)
        else:
            del buffer[start:]
            buffer += write(value)
    except (UnicodeEncodeError, RecursionError, OverflowError) as error:
        del buffer[start:]
        refuse(value, error)


def written_first(value: object, write: Writer) -> bytes:
    """Encode the first value of a class by its new writer, with the errors of `encode`."""
    try:
        return write(value)
    except (UnicodeEncodeError, RecursionError, OverflowError) as error:
        refuse(value, error)


def refuse(value: object, error: Exception) -> NoReturn:
    """Raise a clearer error than msgspec's for a value that it cannot encode.

    Raises:
        ValueError: Always; the text has the path, if there is one.
    """
    if isinstance(error, RecursionError):
        text = f"this {type(value).__qualname__} is nested too deep to be written"
        raise ValueError(text) from None  # noqa: TRY004  # it is the value that is wrong
    if isinstance(error, UnicodeEncodeError):
        refuse_unwritable(value)
    elif isinstance(error, OverflowError):
        refuse_unpackable(value)
    raise error


# The writer of each class --------------------------------------------------------------------------------------------

Writer: TypeAlias = "Callable[[Any], bytes]"  # Any: a value of a certain class


def writer_of(cls: type, format: Format = "json") -> Writer:
    """Return the function that encodes values of a class; it is msgspec's own one if they need nothing else.

    Raises:
        ValueError: There is no such format.
    """
    functions = functions_of(format)
    known = _writers[format].get(cls)
    if known is None:
        with notes_lock:
            known = _writers[format][cls] = _new_writer(cls, format, functions)
    return known


def known_writers(format: Format) -> dict[type, Writer]:
    """Return, by class, what `writer_of` has returned before.

    Raises:
        ValueError: There is no such format.
    """
    functions_of(format)
    return _writers[format]


def are_simple(items: Iterable[object], format: Format) -> bool:
    """Return whether msgspec alone encodes these values, so that it also encodes many of them at once."""
    write = functions_of(format).encode
    return all(writer_of(kind, format) is write for kind in set(map(type, items)))


def _new_writer(cls: type, format: Format, functions: FormatFunctions) -> Writer:
    write, mark = functions.encode, functions.mark

    def write_carefully(value: object) -> bytes:
        return _write_carefully(value, format)

    def write_rewritten(value: object) -> bytes:
        try:
            ready = rewrite(value)
        except (UnsureError, RecursionError):
            return write_carefully(value)
        return write(ready)

    def write_nested(value: object) -> bytes:
        data = write(value)
        # A search for one byte takes a third of the time of another search.
        return write_rewritten(value) if _AT in data and data.rpartition(mark)[0] else data

    def write_open(value: Any) -> bytes:  # Any: a value of the class
        if value.__stored_extra_properties__ is not UNSET:
            return write_rewritten(value)
        data = write(value)
        return write_rewritten(value) if parts_are_open and _AT in data and data.rpartition(mark)[0] else data

    if not issubclass(cls, Frozen) or cls is UnknownMessage:
        return write_carefully
    parts, is_open = _surveyed(cls), contents_of(cls).is_open
    if parts.is_clean and not parts.has_open and not is_open:
        return write
    rewrite, parts_are_open = rewriter_of(cls), parts.has_open
    if not parts.is_clean:
        return write_rewritten
    return write_open if is_open else write_nested


def _new_searching_writer(cls: type) -> Writer:
    """Return the function that encodes values of a class as JSON and finds NaN in them wherever it is.

    Constructors refuse NaN in all fields that may hold a float. So messages are searched only if calls have noted a
    value of another type than declared, or look not at all fields; see `values/declared.py`. Records are searched only
    if one of their fields may be None as well, as which NaN would be read back.
    """
    with notes_lock:
        write, is_sound = writer_of(cls), finite_check_of(cls)

        def write_message(value: object) -> bytes:
            data = write(value)
            # `rfind` takes a third longer than `rpartition`, and `in` three times as long
            if data.rpartition(b"null")[0] and not is_sound(value):
                refuse_unwritable(value)
            return data

        parts = _surveyed(cls) if issubclass(cls, Frozen) else None
        if parts is not None and (parts.is_finite or not (parts.has_messages or parts.may_be_null)):
            found = write
        elif issubclass(cls, Frozen) and contents_of(cls).nullable:
            found = nullable_writer(cls, write, refuse_unwritable)
        else:
            found = write_message
        _searching_writers[cls] = found
        return found


def _surveyed(cls: type[Frozen]) -> Survey:
    """Return the survey of a class; with thousands of classes it takes milliseconds."""
    known = _surveys.get(cls)
    if known is None:
        known = _surveys[cls] = survey(cls)
    return known


_writers: Final[dict[Format, dict[type, Writer]]] = {"json": {}, "msgpack": {}}
_searching_writers: Final[dict[type, Writer]] = {}
_surveys: Final[dict[type, Survey]] = {}
_JSON: Final = functions_of("json")[:2]
_AT: Final = ord("@")


def _forget() -> None:
    with notes_lock:  # or a survey that began before would be kept
        for writers in (*_writers.values(), _searching_writers):
            writers.clear()
        _surveys.clear()


when_classes_change.append(_forget)
when_noted.append(_forget)


# Values that need a look ---------------------------------------------------------------------------------------------


def _write_carefully(value: object, format: Format) -> bytes:
    functions = functions_of(format)
    if (is_list(value) or is_tuple(value)) and are_simple(value, format):
        return functions.encode(value)
    try:
        ready = _with_structs(value, rewritten)
    except (UnsureError, RecursionError):
        ready = merged(_checked(value))
    data = functions.encode(ready)
    if _AT in data and data.find(functions.mark) != -1:
        data = functions.encode(merged(_checked(value)))
    if (b"null" in data if format == "json" else may_have_nan(data)) and not is_finite(value):
        refuse_unwritable(value)
    return data


def _checked(value: object) -> object:
    """Return what to encode instead of a value that `rewritten` is not sure of.

    Raises:
        TypeError: A part of the value would be decoded as something else.
    """
    return _with_structs(value, _exact)


def _exact(value: msgspec.Struct) -> object:
    refuse_inexact(value)
    return value


def _with_structs(value: object, ready: Callable[[msgspec.Struct], object]) -> object:
    """Return a value with other objects for the Structs in it. An `UnknownMessage` becomes the message it holds."""
    if isinstance(value, msgspec.Struct):
        made = ready(value)
        return value.raw if type(value) is UnknownMessage else made
    if is_list(value) or is_tuple(value) or is_set(value):
        return [_with_structs(item, ready) for item in value]
    if is_mapping(value):
        return {key: _with_structs(item, ready) for key, item in value.items()}
    return value

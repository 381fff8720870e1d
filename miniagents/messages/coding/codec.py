"""`encode` and `decode`: values to JSON or MessagePack and back, without loss.

The common path is one call of msgspec in each direction. Around it are the checks for values that msgspec would lose
silently (`exactness.py`). There are slower paths for data that it cannot decode: subclasses in fields
(`rebuilding.py`), records that it cannot tell apart and records with schemas (`schema_codec.py`).

A decoded value equals the encoded one and has the same classes, if the values have the types that their fields declare.
Type checkers enforce that. A field declared as `object` or `Any` is decoded as plain JSON, so `encode` accepts nothing
else in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping  # noqa: TC003  # evaluated by msgspec
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, TypeVar, cast, overload

import msgspec

from miniagents.messages._generated import Message
from miniagents.messages.coding.decode_errors import DecodeError, UnknownFormError
from miniagents.messages.coding.exactness import (
    NOTHING,
    fields_to_check,
    known_fields,
    refuse_inexact,
    refuse_unwritable,
)
from miniagents.messages.coding.extras import merged
from miniagents.messages.coding.msgspec_formats import (
    Format,
    functions_of,
    may_have_nan,
    refuse_unpackable,
    refuse_unpacked,
    traits_of,
    traits_of_own,
    with_string_keys,
)
from miniagents.messages.coding.readers import known_readers, learn, read_unpacked, reader_of
from miniagents.messages.coding.rebuilding import Rebuilder
from miniagents.messages.values.freezing import is_list, is_mapping, is_set, is_tuple
from miniagents.messages.values.frozen import when_classes_change

if TYPE_CHECKING:
    from typing_extensions import TypeForm


__all__ = ["DecodeError", "Format", "Unknown", "UnknownMessage", "decode", "encode", "encode_into"]

T = TypeVar("T")

Unknown: TypeAlias = Literal["refuse", "ignore", "keep"]
"""How `decode` handles unknown tags and fields: it raises, leaves them out, or keeps an `UnknownMessage`."""


class UnknownMessage(Message, kw_only=True):
    """A message with a tag or a field that no loaded class has; `decode` returns it with ``unknown="keep"``.

    `encode` writes the same JSON again; only white space and the notation of numbers may differ.
    """

    raw: Mapping[str, object]
    """The whole message as plain JSON, with its tag under "@type"."""


def encode(value: object, format: Format = "json") -> bytes:
    """Encode a message, or a container of messages, as bytes.

    Args:
        value: The message or container.
        format: "json" or "msgpack". `decode` reads both; MessagePack turns a `datetime` with an offset into the same
            moment in UTC.

    Raises:
        ValueError: The value contains NaN, infinity or a lone surrogate; the text has its path. Or MessagePack cannot
            express an integer of more than 64 bits. Or the value is nested deeper than Python's recursion limit.
        TypeError: A part of the value is not JSON-serialisable, or would be decoded as something else, such as a date
            in a field declared as `object` or `Any`. The text has its path and a remedy.
    """
    if format != "json":
        return _encode_msgpack(value, format)
    try:
        known = known_fields(type(value))
        if known is NOTHING:
            return _encode_json(value)
        if known is not None and not known:  # every field is decoded exactly
            data = _encode_json(value)
        else:
            ready = _ready(value)
            data = _encode_json(ready)
            if data.find(_JSON_MARK) != -1:  # `in` takes twice as long
                data = _encode_json(merged(ready))
    except (UnicodeEncodeError, RecursionError) as error:
        _refuse(value, error)
    if data.rfind(b"null") != -1:  # msgspec writes it for NaN and infinity too; `find` takes a third longer
        refuse_unwritable(value)
    return data


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
    functions = functions_of(format)
    start = len(buffer) if offset == -1 else offset
    if not 0 <= start <= len(buffer):
        raise ValueError(f"offset={offset} is not in the buffer, which has {len(buffer)} bytes")
    if _is_simple(type(value)):
        try:
            functions.encode_into(value, buffer, start)
        except (UnicodeEncodeError, RecursionError, OverflowError) as error:
            del buffer[start:]
            _refuse(value, error)
        return
    del buffer[start:]
    buffer += encode(value, format)


@overload
def decode(
    data: bytes | str, form: TypeForm[T], format: Format = "json", *, unknown: Literal["refuse", "ignore"] = "refuse"
) -> T: ...
@overload
def decode(
    data: bytes | str, form: TypeForm[T], format: Format = "json", *, unknown: Literal["keep"]
) -> T | UnknownMessage: ...
def decode(
    data: bytes | str, form: TypeForm[T], format: Format = "json", *, unknown: Unknown = "refuse"
) -> T | UnknownMessage:
    """Decode a value of the type `form`; wherever `form` has a message class, derived classes are accepted too.

    Args:
        data: The encoded value, from `encode` or from elsewhere; untrusted input is safe.
        form: The type: a class, a union, or a container of them such as ``tuple[Message, ...]``.
        format: "json" or "msgpack".
        unknown: How to handle a tag that no loaded class derived from `form` has, or a field that its class does not
            have. "refuse" raises. "keep" returns an `UnknownMessage` instead of the outermost message that contains it;
            in a container this works only where `Message` is declared. "ignore" decodes an unknown tag as the declared
            class, if there is only one, and leaves out unknown fields.

    Raises:
        DecodeError: The data is not of that format or type; the error has the path, and lists the known tags if a tag
            is unknown.
        TypeError: The data is not bytes. For JSON it may also be a str.
    """
    try:  # a type that was decoded before; calling a function for this would take twice the time
        read = known_readers[format][form]
    except (KeyError, TypeError):  # TypeError: the type has arguments that cannot be hashed
        read = reader_of(form, format)
    try:
        return read(data)  # type: ignore[no-any-return] # of the type that the reader is for
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return decode_slowly(data, form, format, unknown)


def encode_any(value: object, format: Format) -> bytes:
    _is_simple(type(value))  # puts the class into the cache for the next call
    return encode(value, format)


def _encode_msgpack(value: object, format: Format) -> bytes:
    functions = functions_of(format)
    try:
        if _simple.get(type(value)) or _is_simple(type(value)):
            return functions.encode(value)
        ready = _ready(value)
        data = functions.encode(ready)
        if data.find(functions.mark) != -1:
            data = functions.encode(merged(ready))
    except (UnicodeEncodeError, RecursionError, OverflowError) as error:
        _refuse(value, error)
    if may_have_nan(data):
        refuse_unwritable(value)
    return data


_simple: dict[type, bool] = {}
when_classes_change.append(_simple.clear)


def _is_simple(cls: type) -> bool:
    """Return whether values of a class need no check when they are encoded, or decoded from MessagePack.

    They contain no NaN, because messages refuse it in fields that may hold a float, and no untyped values.
    """
    known = _simple.get(cls)
    if known is None:
        traits = traits_of_own(cls)
        known = _simple[cls] = not traits.unguarded_floats and not traits.untyped
    return known


def is_simple_form(form: object) -> bool:
    """Return whether values of a type, a class or another one, need no check, as `_is_simple` does for a class."""
    traits = traits_of(form)
    return not traits.unguarded_floats and not traits.untyped


def _refuse(value: object, error: Exception) -> NoReturn:
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


def decode_slowly(data: bytes | str, form: TypeForm[T], format: Format, unknown: Unknown) -> T | UnknownMessage:
    """Decode data that the reader of the type has refused, or raise a `DecodeError` that says what is wrong.

    Raises:
        DecodeError: The data is not of that format or type; the error has the path.
    """
    keep = _kept if unknown == "keep" else None
    raw: object = None
    has_other_keys = False
    try:
        raw = functions_of(format).decode_plain(data)
        if format != "json":
            with contextlib.suppress(msgspec.MsgspecError):
                return cast("T", read_unpacked(data, form))  # of the type it was asked for
            refuse_unpacked(raw, untyped=False)  # here it looks for NaN only
            unpacked, raw = raw, with_string_keys(raw)
            has_other_keys = raw != unpacked
        made = Rebuilder(keep, UnknownMessage, ignore=unknown == "ignore").build(raw, form)
    except UnknownFormError:
        if keep is None or not is_mapping(raw):
            raise
        made = _kept(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("$", str(error)) from None
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None
    if format != "json":
        refuse_unpacked(made, untyped=form is object)
    if learn(at_once=has_other_keys):
        with contextlib.suppress(msgspec.MsgspecError):
            read_unpacked(data, form)  # only msgspec tells apart the keys of typed and of untyped parts
    return cast("T", made)  # as above


_SCALARS = (str, int, float, bytes, type(None))
_TOO_DEEP = "nested deeper than Python's recursion limit"
_encode_json = functions_of("json").encode
_JSON_MARK = functions_of("json").mark


def _kept(raw: Mapping[object, object]) -> UnknownMessage:
    return UnknownMessage(raw={str(key): value for key, value in raw.items()})


def _ready(value: object) -> object:
    """Check a value and return the value to encode instead: the raw JSON of each `UnknownMessage`."""
    if isinstance(value, msgspec.Struct):
        if fields_to_check(type(value)):
            refuse_inexact(value)
        return value.raw if type(value) is UnknownMessage else value
    if is_list(value) or is_tuple(value) or is_set(value):
        return [_ready(item) for item in value]
    if is_mapping(value):
        return {key: _ready(item) for key, item in value.items()}
    return value

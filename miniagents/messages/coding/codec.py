"""Encode and decode: values to JSON and back, with nothing lost.

The common path is one call of msgspec each way. Beside it stand the checks that keep what msgspec would lose without a
word (`exactness.py`), and the way around for what it cannot decode: subclasses in fields (`rebuilding.py`), and records
that it cannot tell apart or that have more to say than their types (`schema_codec.py`).

What is read back equals what was written, with the same classes, as long as values are of the types that their fields
declare, which type checkers see to. A field that is declared as `object` or `Any` is read back as plain JSON, so
nothing else can be written in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping  # noqa: TC003  # evaluated by msgspec
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias, TypeVar, cast, overload

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
from miniagents.messages.coding.planning import has_only_sound_records, names_records
from miniagents.messages.coding.rebuilding import Rebuilder
from miniagents.messages.coding.type_shapes import widened
from miniagents.messages.values.freezing import is_list, is_mapping, is_set, is_tuple
from miniagents.messages.values.frozen import when_classes_change

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from miniagents.messages.values.frozen import Frozen

__all__ = ["DecodeError", "Format", "Unknown", "UnknownMessage", "decode", "encode", "encode_into"]

T = TypeVar("T")

Unknown: TypeAlias = Literal["refuse", "ignore", "keep"]
"""What to do with tags and fields that are not known; see `decode`."""


class UnknownMessage(Message, kw_only=True):
    """A message that was read although no loaded class is known for it or one of its fields; see `decode`.

    `encode` writes back what was read: the same JSON but for white space and the way numbers are written.
    """

    raw: Mapping[str, object]
    """All that was read, the tag under "@type" included."""


def encode(value: object, format: Format = "json") -> bytes:
    """Write a message, or a container of messages.

    Args:
        value: What is written.
        format: "json" or "msgpack". Both can be read back; in MessagePack a `datetime` with an offset comes back as the
            same moment in UTC.

    Raises:
        ValueError: NaN, infinity or a lone surrogate, with its path; for MessagePack also an integer of more than 64
            bits; or nested deeper than Python's recursion limit.
        TypeError: Something that JSON has no form for, or that would not be read back as it is: in a field declared as
            `object` or `Any` anything but plain JSON. The text has its path and what to do.
    """
    if format != "json":
        return _encode_msgpack(value, format)
    try:
        known = known_fields(type(value))
        if known is NOTHING:
            return _encode_json(value)
        if known is not None and not known:  # all of it is read back as it is
            data = _encode_json(value)
        else:
            ready = _ready(value)
            data = _encode_json(ready)
            if data.find(_JSON_MARK) != -1:  # `in` takes twice as long
                data = _encode_json(merged(ready))
    except (UnicodeEncodeError, RecursionError) as error:
        _refuse(value, error)
    if data.rfind(b"null") != -1:  # what msgspec writes for NaN and infinity; `find` takes a third longer
        refuse_unwritable(value)
    return data


def encode_into(value: object, buffer: bytearray, offset: int = 0, format: Format = "json") -> None:
    """Write a value into a buffer that is used again and again: behind `offset`, where the buffer then ends.

    What `encode` gives costs an allocation for each value. A buffer costs none once it has grown.

    Args:
        value: What is written.
        buffer: Where to. What was behind `offset` is gone; of what is in front of it nothing changes.
        offset: How many bytes of the buffer to leave as they are; -1 for all of them.
        format: "json" or "msgpack".

    Raises:
        ValueError: See `encode`; or the offset is beyond the end of the buffer. The buffer then ends at the offset.
        TypeError: See `encode`.
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
    """Read a value of the type `form`; where that says a message class, any class derived from it may stand.

    Args:
        data: What `encode` has written, or others have.
        form: The type: a class, a union, a container of them, as in ``tuple[Message, ...]``.
        format: "json" or "msgpack".
        unknown: What to do with a tag that no loaded class derived from `form` has, and with a field that its class
            does not have. "refuse" raises. "keep" gives an `UnknownMessage` for the whole message around it that is in
            no other message; in a container it can only stand where `Message` may. "ignore" reads what has an unknown
            tag as the class that is declared where it stands, if only one is, and leaves out unknown fields.

    Raises:
        DecodeError: It is not in that format, or not of that type; with the path, and for a tag those that are known.
        TypeError: The data is no bytes; text may only be JSON.
    """
    try:  # a type that was read before: half as dear as to ask for it in a function
        decoder, is_sound = _decoders[format][form]
    except (KeyError, TypeError):  # TypeError: a type with arguments that cannot be hashed
        decoder, is_sound = _decoder(form, format)
    try:
        if decoder is not None:
            made = decoder.decode(data)
            if not is_sound:
                _look_at_unpacked(made, form, data)
            return cast("T", made)  # of the type the decoder was made for
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("$", str(error)) from None
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None
    return _decode_slowly(data, form, format, unknown)


def encode_any(value: object, format: Format) -> bytes:
    _is_simple(type(value))  # to be known the next time
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
    """Tell whether values of a class need not be looked at when they are written, or were read from MessagePack.

    There is no NaN in them, as messages refuse it in fields that may hold a float, and nothing untyped.
    """
    known = _simple.get(cls)
    if known is None:
        traits = traits_of_own(cls)
        known = _simple[cls] = not traits.unguarded_floats and not traits.untyped
    return known


def is_simple_form(form: object) -> bool:
    """Tell the same of all values of a type."""
    traits = traits_of(form)
    return not traits.unguarded_floats and not traits.untyped


def _refuse(value: object, error: Exception) -> NoReturn:
    """Say better what msgspec said of a value that it cannot write.

    Raises:
        ValueError: Always.
    """
    if isinstance(error, RecursionError):
        text = f"this {type(value).__qualname__} is nested too deep to be written"
        raise ValueError(text) from None  # noqa: TRY004  # it is the value that is wrong
    if isinstance(error, UnicodeEncodeError):
        refuse_unwritable(value)
    elif isinstance(error, OverflowError):
        refuse_unpackable(value)
    raise error


def _look_at_unpacked(value: object, form: object, data: bytes | str) -> None:
    if _is_simple(type(value)):
        return
    traits = traits_of_own(type(value)) if isinstance(value, msgspec.Struct) else traits_of(form)
    if traits.untyped or (traits.unguarded_floats and isinstance(data, bytes) and may_have_nan(data)):
        refuse_unpacked(value, untyped=form is object or form is Any)  # the class `Any` itself


def _decode_slowly(data: bytes | str, form: TypeForm[T], format: Format, unknown: Unknown) -> T | UnknownMessage:
    """Read what msgspec alone could not, or say why it cannot be read."""
    try:
        raw = functions_of(format).decode_plain(data)
        if format != "json":
            refuse_unpacked(raw, untyped=False)  # NaN
            raw = with_string_keys(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("$", str(error)) from None
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None
    keep = _kept if unknown == "keep" else None
    try:
        made = Rebuilder(keep, UnknownMessage, ignore=unknown == "ignore").build(raw, form)
    except UnknownFormError:
        if keep is None or not is_mapping(raw):
            raise
        made = _kept(raw)
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None
    if format != "json":
        refuse_unpacked(made, untyped=form is object)
    return cast("T", made)  # of the type it was asked for


_SCALARS = (str, int, float, bytes, type(None))
_TOO_DEEP = "nested deeper than Python's recursion limit"
_encode_json = functions_of("json").encode
_JSON_MARK = functions_of("json").mark
# Of each type in each format: msgspec's decoder, None if msgspec cannot read it, and whether what it reads is sound.
_Reading: TypeAlias = tuple[Any, bool]  # Any: decoders of any type
_decoders: dict[Format, dict[object, _Reading]] = {"json": {}, "msgpack": {}}
_MOST_DECODERS = 512
when_classes_change += [decoders.clear for decoders in _decoders.values()]


def _decoder(form: object, format: Format) -> _Reading:
    decoder = _new_decoder(form, format)
    # JSON has no NaN that could be read into messages
    made = decoder, decoder is not None and (format == "json" or is_simple_form(form))
    decoders = _decoders[format]
    with contextlib.suppress(TypeError):  # a type with arguments that cannot be hashed
        if len(decoders) >= _MOST_DECODERS:
            decoders.pop(next(iter(decoders)), None)
        decoders[form] = made
    return made


def _new_decoder(form: object, format: Format) -> Any:  # Any: as above
    new = functions_of(format).new_decoder
    if not has_only_sound_records(form):
        return None
    try:
        return new(widened(form, fits=has_only_sound_records))
    except (NameError, TypeError):
        # One of the classes has annotations that msgspec cannot evaluate or decode. That must not be felt by others: it
        # is told to those whose data has its tag.
        pass
    try:
        return new(widened(form, fits=_is_decodable))
    except TypeError:
        if not names_records(form):
            raise
        return None  # a union of records that msgspec cannot tell apart


def _is_decodable(cls: type[Frozen]) -> bool:
    try:
        msgspec.json.Decoder(cls)
    except (NameError, TypeError):
        return False
    return has_only_sound_records(cls)


def _kept(raw: Mapping[object, object]) -> UnknownMessage:
    return UnknownMessage(raw={str(key): value for key, value in raw.items()})


def _ready(value: object) -> object:
    """Check a value and give what is to be encoded for it."""
    if isinstance(value, msgspec.Struct):
        if fields_to_check(type(value)):
            refuse_inexact(value)
        return value.raw if type(value) is UnknownMessage else value
    if is_list(value) or is_tuple(value) or is_set(value):
        return [_ready(item) for item in value]
    if is_mapping(value):
        return {key: _ready(item) for key, item in value.items()}
    return value

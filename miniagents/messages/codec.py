"""Encode and decode: values to JSON and back, with nothing lost.

The common path is one call of msgspec each way. Beside it stand the checks that keep what msgspec would lose without a
word (`exactness.py`), and the way around for what it cannot decode: subclasses in fields (`rebuilding.py`), and records
that it cannot tell apart or that have more to say than their types (`schema_codec.py`).

What is read back equals what was written, with the same classes, as long as values are of the types that their fields
declare, which type checkers see to. A field that is declared as `object` or `Any` is read back as plain JSON, so
nothing else can be written in it.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # evaluated by msgspec
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

import msgspec

from miniagents.messages._generated import Message
from miniagents.messages.decode_errors import DecodeError, UnknownFormError
from miniagents.messages.exactness import NOTHING, fields_to_check, known_fields, refuse_inexact, refuse_unwritable
from miniagents.messages.extras import MARK, merged
from miniagents.messages.freezing import is_list, is_mapping, is_set, is_tuple
from miniagents.messages.frozen import when_classes_change
from miniagents.messages.planning import has_only_sound_records, names_records
from miniagents.messages.rebuilding import Rebuilder
from miniagents.messages.shapes import widened

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from miniagents.messages.frozen import Frozen

__all__ = ["DecodeError", "UnknownMessage", "decode", "encode"]

T = TypeVar("T")


class UnknownMessage(Message, kw_only=True):
    """A message that was read although no loaded class is known for it or one of its fields; see `decode`.

    `encode` writes back what was read: the same JSON but for white space and the way numbers are written.
    """

    raw: Mapping[str, object]
    """All that was read, the tag under "@type" included."""


def encode(value: object) -> bytes:
    """Write a message, or a container of messages, as JSON.

    Raises:
        ValueError: NaN, infinity or a lone surrogate, with its path; or nested deeper than Python's recursion limit.
        TypeError: Something that JSON has no form for, or that would not be read back as it is: in a field declared as
            `object` or `Any` anything but plain JSON. The text has its path and what to do.
    """
    try:
        known = known_fields(type(value))
        if known is NOTHING:
            return _encode(value)
        if known == ():  # all of it is read back as it is
            data = _encode(value)
        else:
            ready = _ready(value)
            data = _encode(ready)
            if data.find(MARK) != -1:  # `in` takes twice as long
                data = _encode(merged(ready))
    except UnicodeEncodeError:
        refuse_unwritable(value)
        raise
    except RecursionError:
        raise ValueError(f"this {type(value).__qualname__} is nested too deep to be written as JSON") from None
    if data.find(b"null") != -1:  # what msgspec writes for NaN and infinity
        refuse_unwritable(value)
    return data


@overload
def decode(data: bytes | str, form: TypeForm[T], *, unknown: Literal["refuse"] = "refuse") -> T: ...
@overload
def decode(data: bytes | str, form: TypeForm[T], *, unknown: Literal["keep"]) -> T | UnknownMessage: ...
def decode(
    data: bytes | str, form: TypeForm[T], *, unknown: Literal["refuse", "keep"] = "refuse"
) -> T | UnknownMessage:
    """Read a value of the type `form` from JSON; where that says a message class, any class derived from it may stand.

    Args:
        data: The JSON.
        form: The type: a class, a union, a container of them, as in ``tuple[Message, ...]``.
        unknown: What to do with a tag that no loaded class derived from `form` has, and with a field that its class
            does not have. "refuse" raises. "keep" gives an `UnknownMessage` for the whole message around it that is in
            no other message; in a container it can only stand where `Message` may.

    Raises:
        DecodeError: Not JSON, or not of that type; with the path, and for a tag the ones that are known.
    """
    try:
        decoder = _decoder(form)
        if decoder is not None:
            return cast("T", decoder.decode(data))  # of the type the decoder was made for
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("$", str(error)) from None
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None
    return _decode_slowly(data, form, unknown)


def _decode_slowly(data: bytes | str, form: TypeForm[T], unknown: Literal["refuse", "keep"]) -> T | UnknownMessage:
    """Read what msgspec alone could not, or say why it cannot be read."""
    try:
        raw: object = _plain_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("$", str(error)) from None
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None
    keep = _kept if unknown == "keep" else None
    try:
        return cast("T", Rebuilder(keep, UnknownMessage).build(raw, form))  # of the type it was asked for
    except UnknownFormError:
        if keep is None or not is_mapping(raw):
            raise
        return _kept(raw)
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None


_TOO_DEEP = "nested deeper than Python's recursion limit"
_encode = msgspec.json.Encoder().encode
_plain_decoder = msgspec.json.Decoder()
_decoders: dict[object, msgspec.json.Decoder[Any] | None] = {}  # Any: one for each type; None: msgspec cannot read it
_MOST_DECODERS = 512
when_classes_change.append(_decoders.clear)


def _decoder(form: object) -> msgspec.json.Decoder[Any] | None:  # Any: the type is known when the program runs
    try:
        known = _decoders.get(form)
    except TypeError:  # a type with arguments that cannot be hashed
        return _new_decoder(form)
    if known is None and form not in _decoders:
        known = _new_decoder(form)
        if len(_decoders) >= _MOST_DECODERS:
            _decoders.pop(next(iter(_decoders)), None)
        _decoders[form] = known
    return known


def _new_decoder(form: object) -> msgspec.json.Decoder[Any] | None:  # Any: the type is known when the program runs
    if not has_only_sound_records(form):
        return None
    try:
        return msgspec.json.Decoder(widened(form, fits=has_only_sound_records))
    except (NameError, TypeError):
        # One of the classes has annotations that msgspec cannot evaluate or decode. That must not be felt by others: it
        # is told to those whose data has its tag.
        pass
    try:
        return msgspec.json.Decoder(widened(form, fits=_is_decodable))
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

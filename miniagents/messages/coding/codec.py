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
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, cast, overload

import msgspec

from miniagents.messages.coding.crowds import has_large_integers, refuse_crowds
from miniagents.messages.coding.decode_errors import DecodeError, UnknownFormError
from miniagents.messages.coding.encoding import encode, encode_into
from miniagents.messages.coding.msgspec_formats import Format, functions_of, refuse_unpacked, with_string_keys
from miniagents.messages.coding.readers import known_readers, learn, read_large, read_open, read_unpacked, reader_of
from miniagents.messages.coding.rebuilding import Rebuilder
from miniagents.messages.coding.unknown_message import UnknownMessage
from miniagents.messages.coding.value_message import ValueMessage
from miniagents.messages.values.freezing import is_mapping

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["DecodeError", "Format", "Unknown", "UnknownMessage", "ValueMessage", "decode", "encode", "encode_into"]

T = TypeVar("T")

Unknown: TypeAlias = Literal["refuse", "ignore", "keep"]
"""How `decode` handles unknown tags and fields: it raises, leaves them out, or keeps an `UnknownMessage`."""


@overload
def decode(
    data: bytes | str,
    form: TypeForm[T],
    format: Format = "json",
    *,
    unknown: Literal["refuse", "ignore"] = "refuse",
    unique_keys: bool = False,
) -> T: ...
@overload
def decode(
    data: bytes | str,
    form: TypeForm[T],
    format: Format = "json",
    *,
    unknown: Literal["keep"],
    unique_keys: bool = False,
) -> T | UnknownMessage: ...
def decode(
    data: bytes | str,
    form: TypeForm[T],
    format: Format = "json",
    *,
    unknown: Unknown = "refuse",
    unique_keys: bool = False,
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
        unique_keys: Refuse an object that has a key twice, ``"@type"`` included. By default the last value wins. Data
            then takes three to five times as long to decode, and data with escaped colons or odd MessagePack longer.

    Raises:
        DecodeError: The data is not of that format or type; the error has the path, and lists the known tags if a tag
            is unknown.
        TypeError: The data is not bytes, or `form` is no type. For JSON the data may also be a str.
        ValueError: There is no such format, or no such way with what is unknown.
    """
    if unique_keys:
        from miniagents.messages.coding.unique_keys import refuse_repeated_keys  # noqa: PLC0415  # few programs need it

        value = decode(data, form, format, unknown=unknown)
        refuse_repeated_keys(data, format)
        return value
    try:  # a type that was decoded before; calling a function for this would take twice the time
        read = known_readers[format][form]
    except (KeyError, TypeError):  # TypeError: the type has arguments that cannot be hashed
        check_form("decode", form, data)
        check_unknown("decode", unknown)
        read = reader_of(form, format)
    try:
        return read(data)  # type: ignore[no-any-return] # of the type that the reader is for
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    except TypeError:
        check_data("decode", data, format)
        raise
    return decode_slowly(data, form, format, unknown)


def decode_slowly(data: bytes | str, form: TypeForm[T], format: Format, unknown: Unknown) -> T | UnknownMessage:
    """Decode data that the reader of the type has refused, or raise a `DecodeError` that says what is wrong.

    Raises:
        DecodeError: The data is not of that format or type; the error has the path.
    """
    check_unknown("decode", unknown)
    keep = _kept if unknown == "keep" else None
    raw: object = None
    has_other_keys = False
    if format == "json" and has_large_integers(data):
        refuse_crowds(data)
        with contextlib.suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
            return cast("T", read_large(data, form))  # of the type it was asked for
    try:  # `suppress` takes much longer than this
        return cast("T", read_open(data, form, format))  # of the type it was asked for
    except (msgspec.MsgspecError, UnicodeError, KeyError, RecursionError):
        pass
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
    except (msgspec.DecodeError, UnicodeError) as error:
        raise DecodeError("$", str(error)) from None
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None
    if format != "json":
        refuse_unpacked(made, untyped=form is object)
    if learn(at_once=has_other_keys):
        with contextlib.suppress(msgspec.MsgspecError):
            read_unpacked(data, form)  # only msgspec tells apart the keys of typed and of untyped parts
    return cast("T", made)  # as above


def check_form(what: str, form: object, data: object = None) -> None:
    """Refuse what is no type, above all the data or the name of a class.

    Raises:
        TypeError: It is none.
    """
    if isinstance(form, _DATA) or (isinstance(form, str) and isinstance(data, type)):
        hint = f"; the data comes first, then the type: {what}(data, form)" if what == "decode" else ""
    elif isinstance(form, str):
        hint = "; give the class itself, not its name"
    elif isinstance(form, tuple | list):
        hint = "; write several types as A | B"
    elif issubclass(kind := type(form), msgspec.Struct | int | float | Mapping):
        hint = f"; give a class, such as {kind.__qualname__}"
    else:
        return
    raise TypeError(f"{what}: {form!r:.200} is no type{hint}")


def check_data(what: str, data: object, format: str) -> None:
    """Refuse what cannot be read, above all an object that is decoded already.

    Raises:
        TypeError: It is no bytes, nor, for JSON, text.
    """
    kind = type(data)
    if not issubclass(kind, (*_DATA, str) if format == "json" else _DATA):
        hint = f"; it is decoded already: write {what}(json.dumps(data), form)" if kind in (dict, list) else ""
        wanted = "bytes or text" if format == "json" else "bytes"
        raise TypeError(f"{what}: the data are {wanted}, not {kind.__qualname__}{hint}")


def check_unknown(what: str, unknown: str) -> None:
    """Refuse what is no way to handle unknown tags and fields.

    Raises:
        ValueError: It is none.
    """
    if unknown not in ("refuse", "ignore", "keep"):
        raise ValueError(f'{what}: unknown is "refuse", "ignore" or "keep", not {unknown!r:.200}')


_DATA = (bytes, bytearray, memoryview)
_TOO_DEEP = "nested deeper than Python's recursion limit"


def _kept(raw: Mapping[object, object]) -> UnknownMessage:
    return UnknownMessage(raw={str(key): value for key, value in raw.items()})

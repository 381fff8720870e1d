"""JSON and MessagePack: the functions of msgspec for each format, and the checks that each format needs.

JSON cannot express NaN, so msgspec writes null for it. MessagePack can express more than JSON: NaN, keys that are not
strings, bytes and timestamps. These must not get into untyped fields, so that every decoded value can be encoded in
both formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from miniagents.messages.coding.decode_errors import DecodeError
from miniagents.messages.coding.exactness import refuse_inexact, refuse_unwritable
from miniagents.messages.values.freezing import is_list, is_mapping, is_set, is_tuple, path_of
from miniagents.messages.values.record import EXTRAS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Format",
    "FormatFunctions",
    "functions_of",
    "may_have_nan",
    "refuse_unpackable",
    "refuse_unpacked",
    "with_string_keys",
]

Format: TypeAlias = Literal["json", "msgpack"]
"""The format of encoded values: JSON text, or MessagePack, which is binary and smaller."""


class FormatFunctions(NamedTuple):
    """The functions of msgspec for one format."""

    encode: Callable[[object], bytes]
    encode_into: Callable[[object, bytearray, int], None]
    decode_plain: Callable[[Any], object]  # Any: bytes, and str for JSON
    new_decoder: Callable[[Any], Any]  # Any: of the type that it is given
    mark: bytes
    """Bytes that the encoded form of every open record with extras contains."""


_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()
_FORMATS: Final[dict[str, FormatFunctions]] = {
    "json": FormatFunctions(
        _json.encode,
        _json.encode_into,
        msgspec.json.Decoder().decode,
        msgspec.json.Decoder,
        f'"{EXTRAS_KEY}":'.encode(),
    ),
    "msgpack": FormatFunctions(
        _msgpack.encode,
        _msgpack.encode_into,
        msgspec.msgpack.Decoder().decode,
        msgspec.msgpack.Decoder,
        _msgpack.encode(EXTRAS_KEY),
    ),
}


def functions_of(format: Format) -> FormatFunctions:
    """Return the functions of msgspec for a format.

    Raises:
        ValueError: There is no such format.
    """
    try:
        return _FORMATS[format]
    except KeyError:
        raise ValueError(f"there is no format {format!r}: it is one of {', '.join(map(repr, _FORMATS))}") from None


# What MessagePack can express and JSON cannot -------------------------------------------------------------------------


def may_have_nan(data: bytes) -> bool:
    """Return whether MessagePack may contain a float: a search for two bytes, much faster than visiting values."""
    return _FLOAT64 in data or _FLOAT32 in data


_FLOAT64 = 0xCB
_FLOAT32 = 0xCA


def refuse_unpacked(value: object, *, untyped: bool) -> None:
    """Raise an error if a value decoded from MessagePack cannot come from JSON.

    Args:
        value: The decoded value.
        untyped: Whether the value itself has no declared type, so that it must be plain JSON.

    Raises:
        DecodeError: The value contains NaN or infinity, or an untyped part is not plain JSON; the error has its path.
    """
    try:
        refuse_unwritable(value)
        _refuse_not_plain(value, untyped=untyped)
    except (TypeError, ValueError) as error:
        path, _, reason = str(error).partition(": ")
        raise DecodeError(path, reason) from None


def _refuse_not_plain(value: object, *, untyped: bool) -> None:
    pending: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while pending:
        steps, current = pending.pop()
        if isinstance(current, msgspec.Struct):
            try:
                refuse_inexact(current)
            except TypeError as error:
                raise TypeError(f"{path_of('$', steps)}{str(error).removeprefix('$')}") from None
        elif is_list(current) or is_tuple(current) or is_set(current):
            pending += (((*steps, index), item) for index, item in enumerate(current))
        elif is_mapping(current):
            if untyped and (strange := next((key for key in current if not isinstance(key, str)), None)) is not None:
                raise TypeError(f"{path_of('$', steps)}: the key {strange!r} is no string")
            pending += (((*steps, str(key)), item) for key, item in current.items())
        elif untyped and not isinstance(current, (str, int, float, bool, type(None))):
            raise TypeError(f"{path_of('$', steps)}: {type(current).__qualname__} is no plain JSON")


def with_string_keys(raw: object) -> object:
    """Return a copy of plain data whose keys are strings, as JSON would have them.

    Raises:
        DecodeError: Two keys of an object become the same string, or a part has an extension type.
    """
    root: list[object] = [None]
    pending: list[tuple[Any, object, object]] = [(root, 0, raw)]  # Any: lists and dicts, with the place to be filled
    while pending:
        target, place, current = pending.pop()
        if is_list(current):
            target[place] = items = list(current)
            pending += [(items, index, item) for index, item in enumerate(items)]
        elif is_mapping(current):
            target[place] = made = {_as_key(key): item for key, item in current.items()}
            if len(made) != len(current):
                raise DecodeError("$", "two keys of an object are the same")
            pending += [(made, key, item) for key, item in made.items()]
        elif isinstance(current, msgspec.msgpack.Ext):
            raise DecodeError("$", f"MessagePack's extension type {current.code} is nothing that is known here")
        else:
            target[place] = current
    return root[0]


def _as_key(key: object) -> str:
    if isinstance(key, str):
        return key
    try:
        return next(iter(msgspec.json.decode(msgspec.json.encode({key: None}), type=dict[str, None])))
    except (TypeError, ValueError) as error:
        raise DecodeError("$", f"the key {key!r:.200} cannot be one: {error}") from None


def refuse_unpackable(value: object) -> None:
    """Raise an error if MessagePack cannot express an integer in a value.

    Raises:
        ValueError: There is an integer of more than 64 bits; the text has its path.
    """
    pending: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while pending:
        steps, current = pending.pop()
        if isinstance(current, int) and not -(2**63) <= current < 2**64:
            raise ValueError(
                f"{path_of('$', steps)}: MessagePack has no form for an integer of {current.bit_length()} bits, "
                "64 are the most: write JSON"
            )
        if isinstance(current, msgspec.Struct):
            pending += (((*steps, name), getattr(current, name)) for name in current.__struct_fields__)
        elif is_list(current) or is_tuple(current) or is_set(current):
            pending += (((*steps, index), item) for index, item in enumerate(current))
        elif is_mapping(current):
            pending += (((*steps, repr(key)), key) for key in current)
            pending += (((*steps, str(key)), item) for key, item in current.items())

"""JSON and MessagePack: the functions of msgspec for each format, and the checks that each format needs.

JSON cannot express NaN, so msgspec writes null for it. MessagePack can express more than JSON: NaN, keys that are not
strings, bytes and timestamps. These must not get into untyped fields, so that every decoded value can be encoded in
both formats.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, get_args, get_origin

import msgspec

from miniagents.messages.coding.decode_errors import DecodeError
from miniagents.messages.coding.exactness import fields_to_check, refuse_inexact, refuse_unwritable
from miniagents.messages.coding.type_shapes import bare, is_message_class, kind_of
from miniagents.messages.values.freezing import is_list, is_mapping, is_set, is_tuple, path_of
from miniagents.messages.values.frozen import loaded_classes, when_classes_change
from miniagents.messages.values.record import EXTRAS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "Format",
    "FormatFunctions",
    "functions_of",
    "may_have_nan",
    "refuse_unpackable",
    "refuse_unpacked",
    "traits_of",
    "traits_of_own",
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


# What types can hold -------------------------------------------------------------------------------------------------


class Traits(NamedTuple):
    """The parts of values of a type that encoding and decoding have to check."""

    unguarded_floats: bool
    """Whether there may be floats that nothing checks when they are passed or decoded, so that they may be NaN.

    Messages check their floats; records and containers do not.
    """
    untyped: bool
    """Whether there may be untyped values or extras, which must be plain JSON."""


_ANYTHING: Final = Traits(unguarded_floats=True, untyped=True)


def traits_of(form: object) -> Traits:
    """Return the traits of the values of a type, of all loaded classes that it allows."""
    try:
        return _traits_of(form)
    except TypeError:  # the type has arguments that cannot be hashed, or a class that cannot be decoded
        return _ANYTHING


def traits_of_own(cls: type) -> Traits:
    """Return the traits of the values of exactly this class, without derived classes."""
    try:
        return _traits_of_own(cls)
    except TypeError:  # see `traits_of`
        return _ANYTHING


@lru_cache(maxsize=512)
def _traits_of(form: object) -> Traits:
    return _traits(_leaves(form, set(), guarded=False))


@lru_cache(maxsize=512)
def _traits_of_own(cls: type) -> Traits:
    if is_message_class(cls):
        guarded = not cls.is_record
        return _traits(_leaves_of_fields(cls, {(cls, guarded)}, guarded=guarded))
    return _traits(_leaves(cls, set(), guarded=False))


def _traits(leaves: Iterable[tuple[Any, bool]]) -> Traits:  # Any: classes, among them `object`
    known = set(leaves)
    return Traits(
        unguarded_floats=any(kind in _MAYBE_FLOATS and not guarded for kind, guarded in known),
        untyped=any(kind is object for kind, _ in known),
    )


when_classes_change.append(_traits_of_own.cache_clear)
when_classes_change.append(_traits_of.cache_clear)
_MAYBE_FLOATS = frozenset((float, object))
_CONTAINERS = (tuple, list, dict, set, frozenset)


def _leaves(form: Any, seen: set[object], *, guarded: bool) -> Iterator[tuple[object, bool]]:  # Any: of whatever kind
    """Yield the types inside a type that are not containers, each with whether a message contains it.

    `object` stands for any value.

    Raises:
        TypeError: A class has annotations that cannot be evaluated.
    """
    form = bare(form)
    kind = kind_of(form)
    if is_message_class(kind):
        for cls in loaded_classes(kind):
            guarded = not cls.is_record
            if (cls, guarded) not in seen:
                seen.add((cls, guarded))
                yield from _leaves_of_fields(cls, seen, guarded=guarded)
    elif get_origin(form) is Literal:
        yield type(None), guarded
    elif arguments := get_args(form):
        for argument in arguments:
            if argument is not ...:
                yield from _leaves(argument, seen, guarded=guarded)
    elif kind is None or issubclass(object, kind) or issubclass(kind, _CONTAINERS):
        yield object, guarded
    else:
        yield kind, guarded


def _leaves_of_fields(cls: type[msgspec.Struct], seen: set[object], *, guarded: bool) -> Iterator[tuple[object, bool]]:
    if fields_to_check(cls):
        yield object, guarded
    try:
        fields = msgspec.structs.fields(cls)
    except NameError as error:
        raise TypeError(str(error)) from None
    for field in fields:
        yield from _leaves(field.type, seen, guarded=guarded)


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

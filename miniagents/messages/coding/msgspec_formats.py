"""JSON and MessagePack: what msgspec does in each format, and what has to be looked at around it.

JSON has no form for NaN, for which msgspec writes null. MessagePack has forms for more than JSON has (NaN, keys that
are no strings, bytes, moments in time), which must not come into untyped fields that way: what is written in one format
can be written in the other. Private to the codec.
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
"""How values are written: as JSON text, or as MessagePack, which is smaller and for machines alone."""


class FormatFunctions(NamedTuple):
    """What msgspec does in one format."""

    encode: Callable[[object], bytes]
    encode_into: Callable[[object, bytearray, int], None]
    decode_plain: Callable[[Any], object]  # Any: bytes, and str for JSON
    new_decoder: Callable[[Any], Any]  # Any: of the type that it is given
    mark: bytes
    """What is found in all data of open records with extras."""


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
    """Give what msgspec does in a format.

    Raises:
        ValueError: There is no such format.
    """
    try:
        return _FORMATS[format]
    except KeyError:
        raise ValueError(f"there is no format {format!r}: it is one of {', '.join(map(repr, _FORMATS))}") from None


# What types can hold -------------------------------------------------------------------------------------------------


class Traits(NamedTuple):
    """What may stand somewhere in values of a type, as far as encoding and decoding have to look at it."""

    unguarded_floats: bool
    """Floats that nothing looks at when they are given or read, so that NaN might be among them.

    Messages look at theirs, records and containers do not.
    """
    untyped: bool
    """Untyped values or extras, which must be plain JSON."""


_ANYTHING: Final = Traits(unguarded_floats=True, untyped=True)


def traits_of(form: object) -> Traits:
    """Tell what may stand in values of a type, whatever loaded classes they have."""
    try:
        return _traits_of(form)
    except TypeError:  # a type with arguments that cannot be hashed, or a class that nothing can be read into
        return _ANYTHING


def traits_of_own(cls: type) -> Traits:
    """Tell what may stand in values of this class, and not of those derived from it."""
    try:
        return _traits_of_own(cls)
    except TypeError:  # as above
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
    """List what is no container in a type, each with whether it is in a message; `object` stands for whatever may be.

    Raises:
        TypeError: A class has annotations that nobody can evaluate.
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


# What MessagePack can say and JSON cannot ---------------------------------------------------------------------------


def may_have_nan(data: bytes) -> bool:
    """Tell whether there may be a float in MessagePack; looks for two bytes, which is many times faster than a walk."""
    return _FLOAT64 in data or _FLOAT32 in data


_FLOAT64 = 0xCB
_FLOAT32 = 0xCA


def refuse_unpacked(value: object, *, untyped: bool) -> None:
    """Refuse what was read from MessagePack and could not have been read from JSON.

    Args:
        value: What was read.
        untyped: Nothing says of what type it is, so it must be plain JSON.

    Raises:
        DecodeError: NaN or infinity; or in a place without a type something else than plain JSON, with its path.
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
    """Give plain data with the keys that JSON would have; each container anew.

    Raises:
        DecodeError: Two keys of an object would be the same, or something is of an extension type.
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
    """Refuse an integer for which MessagePack has no form.

    Raises:
        ValueError: There is one; with its path.
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

"""Readers: the functions of msgspec that decode data of declared types, made when they are first needed.

A reader accepts only the classes that it knows. These are the declared classes, and the derived ones whose tags have
been in data before (`classes_met`). Data of any other class is decoded by the slow way, which gives equal values. After
some of it, the readers are made again and know its class. So a program pays for the classes that it decodes, not for
all that are loaded, and making a class costs its readers nothing. Only a tag that is used again makes them forget all
classes, because data that was clear until then may have become ambiguous.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import msgspec
from msgspec import UNSET

from miniagents.messages.coding.msgspec_formats import Format, functions_of, refuse_unpacked
from miniagents.messages.coding.msgspec_hooks import OBJECTS, made_of_json, made_of_msgpack
from miniagents.messages.coding.native_types import NativeTypes, NoNativeTypeError
from miniagents.messages.coding.planning import names_records, schemas_of
from miniagents.messages.coding.rebuilding import classes_met
from miniagents.messages.values.freezing import FrozenDict, class_of, freeze
from miniagents.messages.values.frozen import when_tags_repeat

if TYPE_CHECKING:
    from collections.abc import Callable

Reader: TypeAlias = "Callable[[Any], Any]"  # Any: from bytes, and from str for JSON, to a value of the declared type
"""Decodes data or raises an error, mostly one of msgspec. Another way may still decode data that it refuses."""

known_readers: Final[dict[Format, dict[object, Reader]]] = {"json": {}, "msgpack": {}}
"""The readers made so far, by format and declared type."""

when_readers_change: Final[list[Callable[[], None]]] = []
"""Functions to call when the readers made so far are outdated."""


def reader_of(form: object, format: Format) -> Reader:
    """Return the reader of a declared type.

    Raises:
        ValueError: There is no such format.
        TypeError: msgspec supports no such type.
    """
    functions_of(format)
    return _kept(known_readers[format], form, _new_json_reader if format == "json" else _new_msgpack_reader)


def read_open(data: object, form: object, format: Format) -> object:
    """Decode data with properties that records do not declare, as fast as their module can.

    Raises:
        MsgspecError: It cannot.
    """
    return _kept(_open_readers[format], form, _new_open_reader if format == "json" else _new_open_unpacker)(data)


def read_large(data: object, form: object) -> object:
    """Decode JSON with integers of any size in sets and keys; call `refuse_crowds` before.

    Raises:
        MsgspecError: msgspec alone cannot decode the data.
    """
    return _kept(_unchecked_readers["json"], form, _new_large_reader)(data)


def read_unpacked(data: object, form: object) -> object:
    """Decode MessagePack, then look at the whole value for parts that JSON cannot express.

    Raises:
        DecodeError: There is such a part; the error has its path.
        MsgspecError: msgspec alone cannot decode the data.
    """
    value: object = _kept(_unchecked_readers["msgpack"], form, _new_unchecked_reader)(data)
    refuse_unpacked(value, untyped=form is object or form is Any)  # `Any` itself as the type
    return value


def learn(*, at_once: bool = False) -> bool:
    """Note that data was decoded slowly; after enough of it, the readers are made again if they miss a class.

    Returns:
        Whether they are made again because of `at_once`.
    """
    _knowledge.slow += 1
    outdated = _knowledge.classes < len(classes_met)
    if outdated and (at_once or len(classes_met) <= _knowledge.slow * 4):  # then both cost about the same
        _forget_readers()
    return outdated and at_once


def _kept(readers: dict[object, Reader], form: object, new: Callable[[object], Reader]) -> Reader:
    try:
        known = readers.get(form)
    except TypeError:  # the type has arguments that cannot be hashed
        with _making:
            return new(form)
    if known is None:
        with _making:
            known = readers.get(form) or new(form)
            if len(readers) >= _MOST_READERS:
                readers.pop(next(iter(readers)), None)
            readers[form] = known
    return known


def _new_json_reader(form: object) -> Reader:
    reader = _unchecked(form, _knowledge.limited, msgspec.json.Decoder, made_of_json)
    return reader if reader is not _refuse else (*_native_ways(form), _refuse)[0]


def _new_open_reader(form: object) -> Reader:
    return (*_native_ways(form)[1:], _refuse)[0]


def _new_open_unpacker(form: object) -> Reader:
    schemas = schemas_of(form)
    return (schemas.unpacking_open(form) if schemas is not None else None) or _refuse


def _native_ways(form: object) -> tuple[Reader, ...]:
    schemas = schemas_of(form)
    return schemas.native(form) if schemas is not None else ()


def _new_unchecked_reader(form: object) -> Reader:
    return _unchecked(form, _knowledge.native, msgspec.msgpack.Decoder, _frozen)


def _new_large_reader(form: object) -> Reader:
    return _unchecked(form, _knowledge.native, msgspec.json.Decoder, made_of_json)


def _new_msgpack_reader(form: object) -> Reader:
    native: Any  # Any: msgspec takes what it documents as a class
    try:
        native = _knowledge.plain.of(form)
        return msgspec.msgpack.Decoder(native, dec_hook=made_of_msgpack).decode
    except (NoNativeTypeError, NameError, TypeError, RecursionError):
        schemas = schemas_of(form)
        read = schemas.unpacking(form) if schemas is not None else None
        return read if read is not None else lambda data: read_unpacked(data, form)


def _frozen(form: object, raw: Any) -> object:  # Any: of any class
    """Do the work of `made_of_json` for a part that may hold what JSON cannot express."""
    if class_of(raw) is not dict or form not in OBJECTS:
        return raw
    return freeze(raw) if raw or form is FrozenDict else UNSET


def _unchecked(
    form: object,
    natives: NativeTypes,
    new_decoder: Callable[..., Any],  # Any: of the type that it is given
    frozen: Callable[[object, object], object],
) -> Reader:
    """Return a reader that accepts from MessagePack also what JSON cannot express."""
    try:
        reader: Reader = new_decoder(natives.of(form), dec_hook=frozen).decode
    except (NoNativeTypeError, NameError, RecursionError):
        return _refuse
    except TypeError:
        if not names_records(form):
            new_decoder(form)  # raises msgspec's own error, unless only the native type is not supported
        return _refuse
    return reader


def _refuse(_: object) -> NoReturn:
    raise msgspec.ValidationError("msgspec alone cannot decode this type")


class _Knowledge:
    """The classes that the readers know, and how often they were not enough."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Know the classes met until now."""
        known = tuple(classes_met)
        self.classes = len(known)
        self.slow = 0
        self.native = NativeTypes(known)
        self.limited = NativeTypes(known, limited=True)
        self.plain = NativeTypes(known, plain=True)


_MOST_READERS: Final = 512
_unchecked_readers: Final[dict[Format, dict[object, Reader]]] = {"json": {}, "msgpack": {}}
_making: Final = RLock()  # msgspec (0.22) crashes where two threads look at a class for the first time
_open_readers: Final[dict[Format, dict[object, Reader]]] = {"json": {}, "msgpack": {}}
_knowledge: Final = _Knowledge()


def _forget_readers() -> None:
    _knowledge.renew()
    for readers in (known_readers, _unchecked_readers, _open_readers):
        # new ones, because another thread may still put a reader into an old one
        readers.update((each, {}) for each in tuple(readers))
    for forget in when_readers_change:
        forget()


def _forget_classes() -> None:
    classes_met.clear()
    _forget_readers()


when_tags_repeat.append(_forget_classes)

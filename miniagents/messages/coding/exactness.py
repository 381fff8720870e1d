"""Refuse values that would be decoded as something else.

msgspec writes NaN as null, and a UUID in an untyped field as its text. The codec looks for NaN only if the output
contains a null. It looks for UUIDs and the like only in untyped fields, so classes without such fields pay nothing.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NoReturn, TypeAlias, cast, get_args

import msgspec

from miniagents.messages.coding.type_shapes import Shape, bare, has_messages, is_message_class, kind_of, shape_of
from miniagents.messages.values.freezing import FrozenDict, is_list, is_mapping, is_record, is_set, is_tuple, path_of
from miniagents.messages.values.frozen import Frozen, loaded_classes, when_classes_change
from miniagents.messages.values.record import EXTRAS_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


_Path: TypeAlias = "tuple[_Path | None, str | int]"


def fields_to_check(cls: type[msgspec.Struct]) -> tuple[tuple[str, Shape], ...]:
    """List the fields of a class, with their shapes, whose values might be decoded as something else.

    The field of extras is always one of them, because msgspec does not write extras where they belong.
    """
    known = _to_check.get(cls)
    if known is None:
        known = tuple((name, shape) for name, shape in _shapes(cls) if name == EXTRAS_FIELD or _asks(shape, set()))
        if not known and is_record(cls) and _holds_only_records(cls, set()):
            known = NOTHING
        _to_check[cls] = known
    return known


def refuse_inexact(value: msgspec.Struct) -> None:
    """Raise an error if an untyped field holds a value that would be decoded as something else.

    Raises:
        TypeError: There is such a value; the text has its path and a remedy.
    """
    pending: list[tuple[_Path | None, object, Shape]] = [(None, value, Shape())]
    while pending:
        path, current, shape = pending.pop()
        if shape.untyped:
            if not _is_plain(current):
                _refuse_typed(path, current)
        elif isinstance(current, msgspec.Struct):
            for name, field in fields_to_check(type(current)):
                pending.append(((path, name), getattr(current, name), field))
        elif is_tuple(current) and (shape.fixed or shape.items):
            for index, item in enumerate(current):
                item_shape = shape.fixed[index] if index < len(shape.fixed) else shape.items
                if item_shape is not None:
                    pending.append(((path, index), item, item_shape))
        elif is_set(current) and shape.items:
            pending += (((path, "..."), item, shape.items) for item in current)
        elif is_mapping(current) and (shape.string_keys or shape.values):
            if shape.string_keys and not _ONLY_STRINGS.issuperset(map(type, current)):
                _refuse_key(path, next(key for key in current if type(key) is not str))
            values = shape.values
            if values and not (values.untyped and _JSON_SCALARS.issuperset(map(type, current.values()))):
                pending += (((path, _step(key)), item, values) for key, item in current.items())


def refuse_unwritable(value: object) -> None:
    """Raise an error if a value contains something that JSON cannot express, although msgspec may write it.

    Raises:
        ValueError: The value contains NaN, infinity or a lone surrogate; the text has its path.
    """
    pending: list[tuple[_Path | None, object]] = [(None, value)]
    while pending:
        path, current = pending.pop()
        if isinstance(current, float) and current - current != 0:
            raise ValueError(f"{_text(path)}: {current} cannot be written: JSON has only finite numbers")
        if isinstance(current, str) and not current.isascii():
            _refuse_surrogates(path, current)
        elif isinstance(current, msgspec.Struct):
            pending += (((path, name), getattr(current, name)) for name in current.__struct_fields__)
        elif is_list(current) or is_tuple(current):
            pending += (((path, index), item) for index, item in enumerate(current))
        elif is_set(current):
            pending += (((path, "..."), item) for item in current)
        elif is_mapping(current):
            pending += (((path, "..."), key) for key in current)
            pending += (((path, _step(key)), at) for key, at in current.items())


def _step(key: object) -> str:
    return key if isinstance(key, str) else repr(key)


def _text(path: _Path | None) -> str:
    steps: list[str | int | None] = []
    while path is not None:
        path, step = path
        steps.append(step)
    return path_of("$", steps[::-1])


_to_check: dict[type, tuple[tuple[str, Shape], ...]] = {}
known_fields: Callable[[type], tuple[tuple[str, Shape], ...] | None] = _to_check.get
"""The cached answer of `fields_to_check` for a class, or None if it was not asked before."""
when_classes_change.append(_to_check.clear)


class _Nothing(tuple[tuple[str, Shape], ...]):
    """A tuple whose empty instance is a different object from ``()``."""

    __slots__ = ()


NOTHING: tuple[tuple[str, Shape], ...] = _Nothing()
"""The answer of `fields_to_check` for records that are not searched for NaN either.

Decoding JSON creates no NaN, and constructors refuse it in all fields that may hold a float.
"""


def _holds_only_records(form: object, seen: set[object]) -> bool:
    """Return whether values of a type contain no messages, but records or nothing of the kind."""
    form = bare(form)
    kind = kind_of(form)
    if not is_message_class(kind):
        return all(_holds_only_records(part, seen) for part in get_args(form) if has_messages(part))
    if not kind.is_record:
        return False
    classes = set(loaded_classes(kind)) - seen
    seen |= classes
    try:
        return all(_holds_only_records(field.type, seen) for cls in classes for field in msgspec.structs.fields(cls))
    except NameError:  # an annotation that cannot be evaluated
        return False


def _shapes(cls: type[msgspec.Struct]) -> Iterator[tuple[str, Shape]]:
    try:
        fields = msgspec.structs.fields(cls)
    except NameError:  # an annotation cannot be evaluated, so values of this class cannot be decoded either
        return
    for field in fields:
        yield field.name, shape_of(field.type)


def _asks(shape: Shape, seen: set[type]) -> bool:
    """Return whether a shape may contain untyped values or records with extras, in any class that it allows."""
    if shape.untyped or shape.string_keys:
        return True
    inner = [part for part in (shape.items, shape.values, *shape.fixed) if part is not None]
    classes = set(chain.from_iterable(map(_derived, shape.classes))) - seen
    if any(EXTRAS_FIELD in cls.__struct_fields__ for cls in classes):
        return True
    seen |= classes
    inner += [field for cls in classes for _, field in _shapes(cls)]
    return any(_asks(part, seen) for part in inner)


def _derived(cls: type[Frozen]) -> Iterable[type[Frozen]]:
    return loaded_classes(cls)


_JSON_SCALARS = frozenset((type(None), bool, int, float, str))
_ONLY_STRINGS = frozenset((str,))


def _is_plain(value: object) -> bool:
    """Return whether a value is plain JSON."""
    pending = [value]
    while pending:
        current = pending.pop()
        kind = type(current)
        if kind is FrozenDict:
            mapping = cast("Mapping[object, object]", current)  # `kind` narrows nothing
            if not _ONLY_STRINGS.issuperset(map(type, mapping)):
                return False
            if not _JSON_SCALARS.issuperset(map(type, mapping.values())):
                pending += mapping.values()
        elif kind is tuple:
            items = cast("tuple[object, ...]", current)  # `kind` narrows nothing
            if not _JSON_SCALARS.issuperset(map(type, items)):
                pending += items
        elif kind not in _JSON_SCALARS:
            return False
    return True


def _refuse_typed(path: _Path | None, value: object) -> None:
    """Raise an error with the path of the part that is not plain JSON; slower than `_is_plain`."""
    pending: list[tuple[_Path | None, object]] = [(path, value)]
    while pending:
        path, current = pending.pop()
        kind = type(current)
        if kind in _JSON_SCALARS or current is msgspec.UNSET:
            continue
        if kind is tuple and is_tuple(current):
            pending += (((path, index), item) for index, item in enumerate(current))
        elif is_mapping(current) and isinstance(current, FrozenDict):
            for key, item in current.items():
                if type(key) is not str:
                    _refuse_key(path, key)
                pending.append(((path, key), item))
        else:
            raise TypeError(
                f"{_text(path)}: {kind.__qualname__} would be read back as plain JSON, for nothing here says its type: "
                "declare it in the field, instead of object or Any"
            )


def _refuse_key(path: _Path | None, key: object) -> NoReturn:
    raise TypeError(
        f"{_text(path)}: the key {key!r} would be read back as a string, for its type is not declared: "
        "declare one type for all keys, which is no union, object or Any"
    )


def _refuse_surrogates(path: _Path | None, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{_text(path)}: the string {text!a} has a lone surrogate at {error.start}") from None

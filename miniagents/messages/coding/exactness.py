"""Refuse values that would be decoded as something else.

msgspec writes NaN as null, and a UUID in an untyped field as its text. This module finds them with their paths. The
codec calls it only if `finiteness.py` or `rewriting.py`, the fast ways, are not sure of a value.
"""

from __future__ import annotations

from typing import NoReturn, TypeAlias

import msgspec

from miniagents.messages.coding.contents import contents_of
from miniagents.messages.coding.type_shapes import Shape
from miniagents.messages.values.freezing import FrozenDict, is_list, is_mapping, is_set, is_tuple, path_of
from miniagents.messages.values.untyped import JSON_SCALARS, is_plain

_Path: TypeAlias = "tuple[_Path | None, str | int]"


def refuse_inexact(value: msgspec.Struct) -> None:
    """Raise an error if an untyped field holds a value that would be decoded as something else.

    Raises:
        TypeError: There is such a value; the text has its path and a remedy.
    """
    pending: list[tuple[_Path | None, object, Shape]] = [(None, value, Shape())]
    while pending:
        path, current, shape = pending.pop()
        if shape.untyped:
            if not is_plain(current):
                _refuse_typed(path, current)
        elif isinstance(current, msgspec.Struct):
            for name, field in contents_of(type(current)).shapes.items():
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
            if values and not (values.untyped and JSON_SCALARS.issuperset(map(type, current.values()))):
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


_ONLY_STRINGS = frozenset((str,))


def _refuse_typed(path: _Path | None, value: object) -> None:
    """Raise an error with the path of the part that is not plain JSON; slower than `_is_plain`."""
    pending: list[tuple[_Path | None, object]] = [(path, value)]
    while pending:
        path, current = pending.pop()
        kind = type(current)
        if kind in JSON_SCALARS or current is msgspec.UNSET:
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

"""Turn values into what msgspec has to encode instead: open records with extras become dicts.

msgspec writes extras as a property "@extra", but they belong beside the declared properties. Each class gets a function
that visits only the fields which may hold extras or untyped parts. A value that holds no extras stays the same object,
so msgspec encodes it without a copy.

These functions know the values that fit the declared types. Everything else raises `UnsureError`, and the slower
functions of `exactness.py` and `extras.py` decide.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast
from uuid import UUID

import msgspec

from miniagents.messages.coding.contents import contents_of, has_classes, has_untyped, json_fields, survey
from miniagents.messages.values.freezers import attribute, function, slot_for, slot_of
from miniagents.messages.values.freezing import is_mapping, is_set, is_tuple
from miniagents.messages.values.frozen import Frozen, when_classes_change
from miniagents.messages.values.record import EXTRAS_FIELD, EXTRAS_KEY
from miniagents.messages.values.untyped import JSON_SCALARS, is_plain, notes_lock, when_noted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miniagents.messages.coding.type_shapes import Shape

__all__ = ["UnsureError", "rewriter_of", "rewritten"]

Rewrite: TypeAlias = "Callable[[Any], object]"  # Any: a value of a certain type
"""A function of a value; it returns what to encode instead, or the same object."""


class UnsureError(Exception):
    """A value may hold a part that would be decoded as something else."""


def rewritten(value: object) -> object:
    """Return what to encode instead of a value of a declared type.

    Raises:
        UnsureError: Something in the value may not be encoded, or does not fit its declared type.
    """
    kind = type(value)
    if kind in _settled:
        return value
    rewrite = _rewrites.get(kind)
    if rewrite is not None:
        return rewrite(value)
    if isinstance(value, Frozen):
        return rewriter_of(type(value))(value)
    if is_tuple(value) or is_set(value):
        return _same_or(value, [rewritten(item) for item in value])
    if is_mapping(value):
        return _same_mapping_or(value, [rewritten(item) for item in value.values()])
    return value if isinstance(value, Enum) else _unsure()


def rewriter_of(cls: type[Frozen]) -> Rewrite:
    """Return the function that does the work of `rewritten` for values of exactly this class.

    It is valid until a class is made or a note; see `values/untyped.py`.
    """
    with notes_lock:
        known = _rewrites.get(cls)
        if known is None:
            known = _rewrites[cls] = _rewrite_of(cls)
            parts = survey(cls)
            if parts.is_clean and not parts.has_open and not contents_of(cls).is_open:
                _settled.add(cls)
    return known


def _items(value: object) -> object:
    """Do the work of `rewritten` faster for a tuple of messages."""
    if type(value) is not tuple:
        return rewritten(value)
    messages = cast("tuple[Frozen, ...]", value)  # if they are something else, it is looked up in vain
    if _settled.issuperset(map(type, messages)):
        return messages
    try:
        items = [_rewrites[type(item)](item) for item in messages]
    except KeyError:
        return rewritten(messages)
    return _same_or(messages, items)


def _same_or(value: tuple[object, ...] | set[object] | frozenset[object], items: list[object]) -> object:
    # This compares identities first. A dict instead of a message is never equal to it.
    return value if items == [*value] else items


def _same_mapping_or(value: Mapping[object, object], items: list[object]) -> object:
    return value if items == [*value.values()] else dict(zip(value, items, strict=True))


def _unsure() -> NoReturn:
    raise UnsureError


def _plain(value: object) -> object:
    if value is not msgspec.UNSET and not is_plain(value):
        _unsure()
    return value


def _of_shape(shape: Shape) -> Rewrite:
    """Return the function for values of a shape that has untyped parts or classes."""
    if shape.untyped:
        return _plain
    if not has_untyped(shape):
        return rewritten if shape.items is None else _items
    of_items = rewritten if shape.items is None else _of_shape(shape.items)
    of_values = rewritten if shape.values is None else _of_shape(shape.values)
    of_fixed = tuple(map(_of_shape, shape.fixed))

    def rewrite(value: object) -> object:
        if is_plain(value):
            return value
        if is_tuple(value):
            rewrites = *of_fixed[: len(value)], *[of_items] * (len(value) - len(of_fixed))
            return _same_or(value, [of(item) for of, item in zip(rewrites, value, strict=True)])
        if is_set(value):
            return _same_or(value, [of_items(item) for item in value])
        if is_mapping(value):
            if shape.string_keys and not all(type(key) is str for key in value):
                _unsure()
            return _same_mapping_or(value, [of_values(item) for item in value.values()])
        return rewritten(value)

    return rewrite


def _rewrite_of(cls: type[Frozen]) -> Rewrite:
    """Return the function for values of one class.

    For a class with the fields `text`, `parts` and `extra_properties`, its source is::

        old1 = value.parts
        new1 = old1 if type(old1) in settled else of1(old1)
        extras = value.__stored_extra_properties__
        if new1 is old1 and extras is UNSET: return value
        old0 = value.text
        if old0 is UNSET or old1 is UNSET: unsure()
        made = {'text': old0, 'parts': new1}
        if extras is not UNSET: made.update(extras)
        return made
    """
    names: dict[str, object] = {"UNSET": msgspec.UNSET, "unsure": _unsure}
    names |= {"plain_scalars": JSON_SCALARS | {msgspec.UnsetType}, "settled": _settled}
    known = json_fields(cls)
    shapes = {name: shape for name, shape in contents_of(cls).shapes.items() if name not in known}
    if not contents_of(cls).shapes and contents_of(cls).untyped:  # the annotations cannot be evaluated yet
        return lambda _: _unsure()
    encoded = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
    places = {name: place for place, name in enumerate(encoded)}
    lines: list[str] = []
    same: list[str] = []
    for name, shape in shapes.items():
        place = places[name]
        names[f"of{place}"] = _of_shape(shape)
        if name == EXTRAS_FIELD and contents_of(cls).is_open:
            continue
        lines.append(f"old{place} = {attribute(slot_of(cls, name))}")
        if has_classes(shape):
            scalars = "plain_scalars" if has_untyped(shape) else "settled"
            lines.append(f"new{place} = old{place} if type(old{place}) in {scalars} else of{place}(old{place})")
            same.append(f"new{place} is old{place}")
        else:
            lines.append(
                f"if type(old{place}) not in plain_scalars and of{place}(old{place}) is not old{place}: unsure()"
            )
            lines.append(f"new{place} = old{place}")
    if contents_of(cls).is_open:
        lines.append(f"extras = value.{slot_for(EXTRAS_FIELD)}")
        same.append("extras is UNSET")
    if not same:
        return function((*lines, "return value"), names)
    lines.append(f"if {' and '.join(same)}: return value")
    return function((*lines, *_properties(cls, encoded, shapes, names)), names)


def _properties(
    cls: type[Frozen], encoded: dict[str, str], shapes: dict[str, Shape], names: dict[str, object]
) -> list[str]:
    """Write the lines that return a dict of the properties, in the order of msgspec, followed by the extras."""
    config = cls.__struct_config__
    # Fields without a default come first if fields are not sorted; keyword-only fields count from the end as well.
    fields = cls.__struct_fields__
    defaults = dict(zip(fields[len(fields) - len(cls.__struct_defaults__) :], cls.__struct_defaults__, strict=True))
    display = [] if config.tag_field is None else [f"{config.tag_field!r}: {config.tag!r}"]
    loads: list[str] = []
    required: list[str] = []
    assignments: list[str] = []
    for place, (name, key) in enumerate(encoded.items()):
        if name == EXTRAS_FIELD and key == EXTRAS_KEY:
            continue
        old, new = f"old{place}", f"{'new' if name in shapes else 'old'}{place}"
        if name not in shapes:
            loads.append(f"{old} = {attribute(slot_of(cls, name))}")
        default = names[f"default{place}"] = defaults.get(name, msgspec.NODEFAULT)
        if default is msgspec.NODEFAULT and not assignments:
            required.append(f"{old} is UNSET")
            display.append(f"{key!r}: {new}")
        else:
            is_omitted = config.omit_defaults and default not in (msgspec.UNSET, msgspec.NODEFAULT)
            default_or_not = f" and {old} is not default{place}" if is_omitted else ""
            assignments.append(f"if {old} is not UNSET{default_or_not}: made[{key!r}] = {new}")
    if required:  # a display takes a third of the time of assignments, but it leaves out nothing
        loads.append(f"if {' or '.join(required)}: unsure()")
    if contents_of(cls).is_open:
        extras = f"of{list(encoded).index(EXTRAS_FIELD)}(extras)" if EXTRAS_FIELD in shapes else "extras"
        assignments.append(f"if extras is not UNSET: made.update({extras})")
    return [*loads, f"made = {{{', '.join(display)}}}", *assignments, "return made"]


_TYPED_SCALARS = JSON_SCALARS | {msgspec.UnsetType, bytes, UUID, date, timedelta, datetime, time, Decimal}
_rewrites: dict[type, Rewrite] = {}
_settled: set[type] = {*_TYPED_SCALARS}
"""The classes whose values stay as they are: scalars, and classes without extras or untyped parts at any depth."""


def _forget() -> None:
    with notes_lock:
        _rewrites.clear()
        _settled.intersection_update(_TYPED_SCALARS)


when_classes_change.append(_forget)
when_noted.append(_forget)

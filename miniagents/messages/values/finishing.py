"""Calls of Frozen classes: what happens to a value that is made from arguments instead of being decoded.

The code that freezes fields is written here as well, because classes are compiled by their first value.

Decoding yields no lone surrogates, and freezes the fields of most classes. So these are left to calls, which decoding
does not make: a `__post_init__` would slow it down by half. `CalledMeta` says how a call gets here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import force_setattr

from miniagents.messages.values.declared import declared_fields, is_declared
from miniagents.messages.values.freezers import attribute, function, slot_for, slot_of
from miniagents.messages.values.freezing import (
    UNCHANGED,
    FrozenDict,
    FrozenType,
    freeze_field,
    path_of,
)
from miniagents.messages.values.surrogates import NO_TEXT, look_for_surrogates, surrogate_in
from miniagents.messages.values.untyped import note

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from inspect import Signature

    from miniagents.messages.values.freezers import Exact, FieldFreezer

__all__ = ["as_read", "finisher", "freezing_lines"]


def finisher(
    cls: Any,  # Any: a Frozen class
    given: Mapping[str, FieldFreezer],
    texts: Collection[str],
) -> Callable[[Any], Callable[..., None]]:  # Any: values of the class
    """Compile the function that is called with each value that a call has made; it returns `ignore_arguments`.

    Args:
        cls: The class.
        given: The fields that are frozen only in calls.
        texts: The fields in which a lone surrogate is refused.
    """
    defaults = dict(zip(reversed(cls.__struct_fields__), reversed(cls.__struct_defaults__), strict=False))
    names: dict[str, object] = {
        "kinds": NO_TEXT,
        "look": look_for_surrogates,
        "refuse": partial(_refuse, texts),
        "ignore_arguments": ignore_arguments,
    }
    lines = freezing_lines(given, names) if given else []
    declared_types = declared_fields(cls)
    scalars = {
        name: declared_types[name]
        for name in cls.__struct_fields__
        if name in declared_types and name not in cls.__frozen_fields__
    }
    if texts or scalars:
        lines += ["try:"]
    for place, name in enumerate(name for name in cls.__struct_fields__ if name in texts or name in scalars):
        names[f"default_{place}"] = defaults.get(name, "")
        declared = scalars.get(name)
        if declared is not None:
            lines += _scalar_lines(name, declared.kinds, place, names, is_text=name in texts)
            continue
        lines += [
            f" value = {attribute(name, of='self')}",
            " if type(value) is str: value.isascii() or value.encode()",
            f" elif value is not default_{place}:",
            "  if type(value) is not tuple:",
            "   if type(value) not in kinds: look(value)",
            "  else:",
            "   for item in value:",
            "    if type(item) is str: item.isascii() or item.encode()",
            "    elif type(item) not in kinds:",
            "     look(value)",
            "     break",
        ]
    if texts or scalars:
        lines += ["except UnicodeEncodeError: refuse(self)"]
    return function((*lines, "return ignore_arguments"), names, "finish(self)")


def _scalar_lines(
    name: str, kinds: frozenset[type], place: int, names: dict[str, object], *, is_text: bool
) -> Iterator[str]:
    """Yield the source that looks at a field of scalars: at its text, and whether it has a declared type."""

    def look_at_other(made: object, value: object) -> None:
        if is_text:
            look_for_surrogates(value)
        if type(value) not in kinds:
            note(type(made), name)

    usual = str if str in kinds else next((kind for kind in kinds if kind in _USUAL), object)
    names |= {f"usual_{place}": usual, f"kinds_{place}": kinds, f"other_{place}": look_at_other}
    text = "value.isascii() or value.encode()" if is_text and usual is str else "pass"
    yield f" value = {attribute(name, of='self')}"
    yield f" if type(value) is usual_{place}: {text}"
    yield f" elif value is not default_{place} and type(value) not in kinds_{place}: other_{place}(self, value)"


_USUAL: Final = (int, bool, bytes)
_number: Any = 0  # Any: checkers refuse `__init__` of a value
ignore_arguments: Final[Callable[..., None]] = _number.__init__
"""`object.__init__`, which takes any arguments where a class has a `__new__` of its own, as int has."""


def as_read(told: Signature, freezers: Mapping[str, FieldFreezer]) -> Signature:
    """Return a signature with the defaults that absent fields read as."""
    empties = {name: freezer.empty for name, freezer in freezers.items() if freezer.empty is not None}
    parameters = told.parameters.values()
    return told.replace(parameters=[each.replace(default=empties.get(each.name, each.default)) for each in parameters])


def _refuse(names: Collection[str], made: object) -> None:
    """Raise a ValueError that names the field which contains a lone surrogate."""
    for name in names:
        found = surrogate_in(getattr(made, name))
        if found is not None:
            raise ValueError(f"{path_of(f'{type(made).__qualname__}.{name}', found.steps)}: {found.reason}") from None


def freezing_lines(fields: Mapping[str, FieldFreezer], names: dict[str, object]) -> list[str]:
    """Return the lines of Python source that freeze these fields of `self`, and add the names in them to `names`."""

    def freeze_one(message: msgspec.Struct, name: str, value: object) -> None:
        cls = type(message)
        freeze = fields[name].freeze
        kind = type(value)
        if kind is dict or freeze is not freeze_field or not (kind in UNCHANGED or isinstance(kind, FrozenType)):
            frozen = freeze(value, cls, name)
            if frozen is not value:
                force_setattr(message, slot_of(cls, name), frozen)
                value = frozen
        declared = declared_fields(cls).get(name)
        if declared is not None and not is_declared(value, declared):
            note(cls, name)

    names |= {"freeze_one": freeze_one, "nothing": (), "UNSET": msgspec.UNSET}
    lines: list[str] = []
    for place, (name, field) in enumerate(fields.items()):
        freeze = f"freeze_one(self, {name!r}, value)"
        if field.empty is not None:
            lines += [f"value = self.{slot_for(name)}", f"if value is not UNSET: {freeze}"]
            continue
        lines += [f"value = {attribute(name, of='self')}"]
        other = _other("value", field.exact, f"exact_{place}", names)
        if field.items is None:
            lines += [f"if {other}: {freeze}"]
        else:
            lines += [
                "if value is not nothing:",  # most tuples of messages are empty
                " if type(value) is tuple:",
                "  for item in value:",
                f"   if {_other('item', field.items, f'items_{place}', names)}:",
                f"    {freeze}",
                "    break",
                f" elif {other}: {freeze}",
            ]
    return lines


def _other(name: str, exact: Exact, known_as: str, names: dict[str, object]) -> str:
    """Write the condition (Python source) that a value needs its freezer."""
    conditions: list[str] = []
    kinds = exact.kinds
    for absent in (msgspec.UNSET, None):  # optional fields are absent more often than not
        if type(absent) in kinds:
            kinds -= {type(absent)}
            names[f"absent_{absent}"] = absent
            conditions += [f"{name} is not absent_{absent}"]
    if exact.json:
        names["FrozenDict"] = FrozenDict
        conditions += [f"(type({name}) is not FrozenDict or not {name}._is_json)"]
    if exact.floats:
        conditions += [f"(type({name}) is not float or {name} - {name})"]  # NaN for infinity and NaN, otherwise zero
    if len(kinds) == 1:  # testing for one class takes half the time
        (names[known_as],) = kinds
        conditions += [f"type({name}) is not {known_as}"]
    elif kinds:
        names[known_as] = kinds
        conditions += [f"type({name}) not in {known_as}"]
    classes = tuple(kind for kind in exact.kinds if isinstance(kind, FrozenType))
    if classes:  # values of derived classes are frozen as well
        names[f"{known_as}_classes"] = classes[0] if len(classes) == 1 else classes
        conditions += [f"not isinstance({name}, {known_as}_classes)"]
    return " and ".join(conditions) or "True"

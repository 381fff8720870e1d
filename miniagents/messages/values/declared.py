"""The values that fields are declared to hold, as far as calls of their class tell these from all others.

A float that is NaN or infinity is written as null in JSON. Freezing refuses it wherever a float may stand. Elsewhere
type checkers refuse it, and nothing raises when a value is made. But a call looks at nearly all fields anyway. So it
notes on the class the fields that have ever held a value of another type than the declared one; see `untyped.py`.
Values of a class without such a note contain no NaN, and `encode` searches for none.
"""

from __future__ import annotations

import collections.abc
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args, get_origin
from uuid import UUID

import msgspec
from typing_extensions import Format, get_annotations

from miniagents.messages.values.freezers import _float_field, _untyped_field, alternatives_of
from miniagents.messages.values.freezing import FrozenDict, FrozenType, class_of, freeze_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from miniagents.messages.values.freezers import FieldFreezer

__all__ = ["Declared", "declared_fields", "is_declared", "notices_all"]


class Declared(NamedTuple):
    """The values that a field is declared to hold."""

    kinds: frozenset[type]
    """The classes of scalars; values of derived classes do not count."""
    classes: tuple[type, ...] = ()
    """The Frozen classes; values of derived classes count as well."""
    items: Mapping[type, Declared] = {}
    """The items of containers, or the values of mappings, by the class of the container.

    Keys do not count: freezing refuses NaN in them as well, and nothing encodes keys that contain messages.
    """


def is_declared(value: Any, declared: Declared) -> bool:  # Any: of any class
    """Return whether a frozen value is one of those that are declared."""
    kind = class_of(value)
    if kind in declared.kinds:
        return True
    items = declared.items.get(kind)
    if items is None:
        return isinstance(value, declared.classes)
    parts = value.values() if kind is FrozenDict else value
    return items.kinds.issuperset(map(type, parts)) or all(is_declared(part, items) for part in parts)


def declared_fields(cls: type) -> dict[str, Declared]:
    """Return, by name, what fields are declared to hold; those are missing of which no call could tell."""
    known: dict[str, Declared] | None = cls.__dict__.get(_DECLARED)
    if known is None:
        forms = {
            name: (form, base)
            for base in reversed(cls.__mro__)
            if isinstance(base, FrozenType)
            for name, form in get_annotations(base, format=Format.FORWARDREF).items()
        }
        found = {name: _declared(*forms[name]) for name in forms}
        known = {name: declared for name, declared in found.items() if declared is not None}
        setattr(cls, _DECLARED, known)
    return known


def notices_all(cls: Any) -> bool:  # Any: a Frozen class whose calls look at the new value
    """Return whether calls note each field that holds another value than declared; decoding makes no such values."""
    post_init: object = getattr(cls, "__post_init__", None)
    if post_init is not None and getattr(post_init, "__runs_code__", True):
        return False  # it may set fields to anything after decoding
    declared = declared_fields(cls)
    defaults: tuple[object, ...] = cls.__struct_defaults__
    given = dict(zip(reversed(cls.__struct_fields__), reversed(defaults), strict=False))
    frozen: dict[str, FieldFreezer] = getattr(cls, "__frozen_fields__", {})  # the root has no fields at all
    for name in cls.__struct_fields__:
        freezer = frozen.get(name)
        if freezer is None or freezer.freeze in _BY_TYPE:
            if name not in declared:
                return False
        elif freezer.freeze is not _untyped_field and freezer.empty is None:
            return False
        if not _is_harmless(given.get(name)):
            return False
    return True


def _is_harmless(default: object) -> bool:
    """Return whether a field may take its default: decoding takes it as well, and nothing looks at it."""
    factory: Any = getattr(default, "factory", None)  # Any: a function or a class, of msgspec
    return default == () or factory in _EMPTY or type(default) in _SCALARS or default is msgspec.NODEFAULT


def _declared(form: object, cls: type) -> Declared | None:
    """Return what an annotation declares, or None if it declares anything else than scalars, tuples and classes."""
    kinds: set[type] = set()
    classes: list[type] = []
    items: dict[type, Declared] = {}
    for each in alternatives_of(form, cls, whole=True, literals=True):
        if get_origin(each) is Literal:
            kinds.update(map(type, get_args(each)))
        elif isinstance(each, FrozenType):
            classes.append(each)
        elif (kind := _container(each)) is not None and kind not in items:
            declared = _declared([part for part in get_args(each) if part is not ...][-1], cls)
            if declared is None:
                return None
            items[kind] = declared
        elif each in _SCALARS or each in _LOOKED_AT or (isinstance(each, type) and _is_plain_enum(each)):
            kinds.add(each)
        else:
            return None
    if int in kinds:
        kinds.add(bool)  # type checkers accept it
    return Declared(frozenset(kinds), tuple(classes), items)


def _container(form: object) -> type | None:
    """Return the class of the frozen containers of a type with arguments; None for tuples of fixed length."""
    kind = get_origin(form)
    if kind in _MAPPINGS:
        return FrozenDict
    if kind is tuple:
        return tuple if get_args(form)[1:] == (...,) else None
    return frozenset if kind is frozenset else None


def _is_plain_enum(kind: type) -> bool:
    members: Iterable[Any] = kind if issubclass(kind, Enum) else ()  # Any: members
    values = [member.value for member in members]
    return bool(values) and {str, int}.issuperset(map(type, values))


_DECLARED: Final = "__declared__"
_SCALARS: Final = frozenset((type(None), bool, int, str, bytes, UUID, date, timedelta, msgspec.UnsetType))
_LOOKED_AT: Final = frozenset((float, datetime, time, Decimal))
"""Classes of scalars at which freezing looks."""
_MAPPINGS: Final = (collections.abc.Mapping, FrozenDict, dict)
_EMPTY: Final = (tuple, frozenset, FrozenDict, dict, list, set)
_BY_TYPE: Final = (freeze_field, _float_field)

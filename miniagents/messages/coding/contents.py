"""The parts that values of a class may have: untyped ones, extras, and values of other classes.

The own parts of a class follow from its own fields and are computed once. The parts of its parts depend on the classes
that are loaded, so `survey` visits them again after a class was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

import msgspec

from miniagents.messages.coding.type_shapes import Shape, bare, is_union, shape_of
from miniagents.messages.values.freezers import METADATA_FIELD, has_metadata
from miniagents.messages.values.frozen import CalledMeta, Frozen, loaded_classes
from miniagents.messages.values.record import EXTRAS_FIELD, EXTRAS_KEY
from miniagents.messages.values.untyped import noted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Contents", "Survey", "contents_of", "has_classes", "has_untyped", "json_fields", "survey"]


class Contents(NamedTuple):
    """The parts that a class declares in its own fields."""

    shapes: dict[str, Shape]
    """By name the shapes of the fields that may hold untyped parts or values of message classes."""
    untyped: frozenset[str]
    """The names of the fields that may hold untyped parts, at any depth."""
    classes: frozenset[type[Frozen]]
    """The message classes that the fields declare, at any depth of containers."""
    nullable: tuple[str, ...]
    """The names of the fields that are written as null if they are None."""
    is_open: bool
    """Whether there is a field of extras."""
    may_be_null: bool = True
    """Whether a field may be None, so that null is read as a value of it."""
    holders: tuple[str, ...] = ()
    """The names of the fields that may hold messages, at any depth; metadata is plain JSON."""
    is_looked_at: bool = False
    """Whether calls note each field that holds another value than declared; see `values/declared.py`."""


class Survey(NamedTuple):
    """The parts that values of exactly one class may have, at any depth, in all loaded classes."""

    is_clean: bool
    """Whether all untyped parts are plain JSON, because no field of these classes has ever held anything else."""
    has_open: bool
    """Whether there may be extras in the parts; the class itself may have others."""
    has_messages: bool
    """Whether there are messages, and not only records."""
    may_be_null: bool
    """Whether a field of one of the classes may be None."""
    is_finite: bool
    """Whether no part is NaN or infinity, because each field of these classes has only held what it declares."""


def contents_of(cls: type[msgspec.Struct]) -> Contents:
    """Return the parts that a class declares; if annotations cannot be evaluated yet, that may be anything."""
    known: Contents | None = vars(cls).get(_CONTENTS)
    if known is None:
        from miniagents.messages.values.declared import notices_all  # noqa: PLC0415  # many programs encode nothing

        try:
            infos = msgspec.structs.fields(cls)
            fields = {field.name: shape_of(field.type) for field in infos}
        except NameError:
            names = cls.__struct_fields__
            return Contents({}, frozenset(names), frozenset((Frozen,)), (), _is_open(cls), holders=_holders(cls, names))
        shapes = {name: shape for name, shape in fields.items() if has_untyped(shape) or has_classes(shape)}
        known = Contents(
            shapes,
            frozenset(name for name, shape in shapes.items() if has_untyped(shape)),
            frozenset(kind for shape in shapes.values() for part in _parts(shape) for kind in part.classes),
            tuple(field.name for field in infos if field.default is not None and _is_nullable(field.type)),
            _is_open(cls),
            any(_is_nullable(field.type) for field in infos),
            _holders(cls, shapes),
            (isinstance(cls, CalledMeta) or not infos) and notices_all(cls),
        )
        setattr(cls, _CONTENTS, known)
    return known


def _holders(cls: type[msgspec.Struct], names: Iterable[str]) -> tuple[str, ...]:
    is_told = METADATA_FIELD in cls.__struct_fields__ and issubclass(cls, Frozen) and has_metadata(cls)
    return tuple(name for name in names if name != METADATA_FIELD or not is_told)


def _is_nullable(form: object) -> bool:
    inner = bare(form)
    return inner is None or inner is type(None) or (is_union(inner) and any(map(_is_nullable, get_args(inner))))


def json_fields(cls: type[msgspec.Struct]) -> set[str]:
    """Return the names of the fields that certainly hold plain JSON, because they never held anything else."""
    shapes = contents_of(cls).shapes
    return {name for name, shape in shapes.items() if has_untyped(shape) and not has_classes(shape)} - noted(cls)


def survey(cls: type[Frozen]) -> Survey:
    """Return the parts that values of exactly this class may have."""
    is_clean, has_open, has_messages, may_be_null, is_finite = True, False, False, False, True
    pending: list[type[Frozen]] = [cls]
    seen: set[type] = {cls}
    declared: set[type] = set()
    while pending:
        current = pending.pop()
        contents = contents_of(current)
        spoilt = noted(current)
        is_clean = is_clean and (not spoilt or contents.untyped.isdisjoint(spoilt))
        has_open = has_open or (contents.is_open and current is not cls)
        has_messages = has_messages or not current.is_record
        may_be_null = may_be_null or contents.may_be_null
        is_finite = is_finite and contents.is_looked_at and not spoilt
        for kind in contents.classes - declared:
            declared.add(kind)
            has_open = has_open or (contents_of(cls).is_open and issubclass(cls, kind))
            new = [each for each in loaded_classes(kind) if each not in seen]
            seen.update(new)
            pending += new
    return Survey(is_clean, has_open, has_messages, may_be_null, is_finite)


def _is_open(cls: type[msgspec.Struct]) -> bool:
    return EXTRAS_FIELD in cls.__struct_fields__ and EXTRAS_KEY in cls.__struct_encode_fields__


def has_untyped(shape: Shape) -> bool:
    """Return whether a shape has untyped values or keys, at any depth of containers."""
    return any(part.untyped or part.string_keys for part in _parts(shape))


def has_classes(shape: Shape) -> bool:
    """Return whether a shape has message classes, at any depth of containers."""
    return any(part.classes for part in _parts(shape))


def _parts(shape: Shape) -> Iterator[Shape]:
    yield shape
    for part in (shape.items, shape.values, *shape.fixed):
        if part is not None:
            yield from _parts(part)


_CONTENTS = "__contents__"

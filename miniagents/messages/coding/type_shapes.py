"""Shapes: the facts about declared types that the codec needs.

The codec must know where messages can stand, because msgspec decodes a field declared as a message class only if the
data has the tag of exactly that class. It must also know which fields are untyped: their values are decoded as plain
JSON, so nothing else may be encoded.
"""

from __future__ import annotations

import collections.abc
import inspect
import types
from functools import reduce
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    NamedTuple,
    TypeGuard,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec

from miniagents.messages.coding.schema_names import SchemaName
from miniagents.messages.values.freezers import Metadata
from miniagents.messages.values.freezing import FrozenDict, FrozenType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniagents.messages.values.frozen import Frozen


class Shape(NamedTuple):
    """The values that a declared type allows; for a union, the values that any of its members allows."""

    untyped: bool = False
    """Whether any plain JSON is allowed, and nothing else."""
    typed: bool = False
    """Whether scalars and sets are allowed that plain JSON does not have; the type tells how to decode them."""
    classes: frozenset[type[Frozen]] = frozenset()
    """The message classes that are allowed, with all classes derived from them."""
    items: Shape | None = None
    """The shape of each item of an array; None if the items need no check."""
    fixed: tuple[Shape, ...] = ()
    """The shapes of the items of an array of fixed length."""
    string_keys: bool = False
    """Whether all keys of an object are decoded as strings."""
    values: Shape | None = None
    """The shape of each value of an object; None if the values need no check."""


PLAIN: Shape = Shape()
_PLAIN_KINDS = frozenset((type(None), bool, int, float, str, msgspec.UnsetType))


def shape_of(form: Any) -> Shape:  # Any: a type of whatever kind
    """Return the shape of a declared type."""
    form = bare(form)
    kind = kind_of(form)
    if is_union(form):
        return reduce(_either, map(shape_of, get_args(form)))
    if isinstance(form, TypeVar) and form.__bound__ is not None:
        return shape_of(form.__bound__)
    if form is Any or form is object or isinstance(form, TypeVar):
        return Shape(untyped=True)
    if is_message_class(kind):
        return Shape(classes=frozenset((kind,)))
    if kind is None or kind in _PLAIN_KINDS:
        return PLAIN
    arguments = get_args(form)
    if is_typeddict(kind):
        return Shape(values=reduce(_or, map(shape_of, get_type_hints(kind).values()), None))
    if is_a(kind, tuple):
        if hasattr(kind, "_fields"):
            arguments = tuple(get_type_hints(kind).values())
        elif not arguments and form is tuple:
            arguments = (object, ...)
        if arguments[1:] == (...,):
            return Shape(items=shape_of(arguments[0]))
        return Shape(fixed=tuple(map(shape_of, arguments)))
    if is_a(kind, collections.abc.Mapping):
        key, value = arguments if len(arguments) == 2 else (object, object)
        # msgspec decodes the keys of a union with str as str
        return Shape(string_keys=shape_of(key).untyped or is_union(bare(key)), values=shape_of(value))
    if is_array_kind(kind):
        return Shape(typed=is_a(kind, collections.abc.Set), items=shape_of(arguments[0] if arguments else object))
    return Shape(typed=True)


def bare(form: Any) -> Any:  # Any: a type of whatever kind
    """Return the type inside `Annotated`, NewType and aliases made by `type`, which only annotate or name it."""
    return unwrapped(form)[0]


def unwrapped(form: Any) -> tuple[Any, tuple[object, ...]]:  # Any: a type of whatever kind
    """Return the type inside `Annotated`, NewType and aliases made by `type`, with the metadata of all of them."""
    metadata: tuple[object, ...] = ()
    while not inspect.isclass(form):
        origin = get_origin(form)
        if origin is Annotated:
            metadata = form.__metadata__ + metadata
            form = get_args(form)[0]
        elif origin is not None and hasattr(origin, "__value__"):
            form = origin.__value__[get_args(form)]
        elif hasattr(form, "__value__"):
            form = form.__value__
        elif hasattr(form, "__supertype__"):
            form = form.__supertype__
        else:
            break
    return form, metadata


def unnamed(form: Any) -> Any:  # Any: a type of whatever kind
    """Return the type that an alias of a generated module stands for; return any other type itself."""
    metadata: tuple[object, ...] = getattr(form, "__metadata__", ())
    kept = tuple(each for each in metadata if not isinstance(each, SchemaName))
    if len(kept) == len(metadata):
        return form
    return Annotated[(get_args(form)[0], *kept)] if kept else get_args(form)[0]


def flat_members(form: object) -> tuple[Any, ...]:  # Any: types of whatever kind
    """Return the members of a union once each, those of the generated aliases in it included.

    The only member of any other type is the type itself.
    """
    inner = unnamed(form)
    if not is_union(inner):
        return (inner,)
    found: list[object] = []
    for member in get_args(inner):
        found.extend(each for each in flat_members(member) if each not in found)  # not all types are hashable
    return tuple(found)


def kind_of(form: Any) -> type | None:  # Any: a type of whatever kind
    """Return the class of a bare type: `tuple` for ``tuple[int, ...]``, and a class for itself."""
    kind: type = FrozenDict if form is Metadata else get_origin(form) or form
    return kind if inspect.isclass(kind) else None


def limits_of(form: Any) -> list[msgspec.Meta]:  # Any: a type of whatever kind
    """Return the constraints in the annotations of a type."""
    return [each for each in getattr(form, "__metadata__", ()) if isinstance(each, msgspec.Meta)]


def union_of(forms: Iterable[object]) -> Any:  # Any: made of what is known when the program runs
    """Return the union of types, of which there is at least one."""
    union: Any = Union  # Any: as above
    return union[tuple(forms)]


def is_union(form: object) -> bool:
    """Return whether a bare type is a union."""
    return get_origin(form) in (Union, types.UnionType)


def is_message_class(kind: object) -> TypeGuard[type[Frozen]]:
    """Return whether a type is Frozen or a class derived from it, records included."""
    return isinstance(kind, FrozenType)


def is_a(kind: type, *bases: type) -> bool:
    """Return whether a class is derived from one of others; unlike `issubclass`, it does not narrow the type."""
    return issubclass(kind, bases)


def is_array_kind(kind: type) -> bool:
    """Return whether values of a class are encoded as arrays."""
    return issubclass(kind, collections.abc.Iterable) and not issubclass(
        kind, (str, bytes, bytearray, memoryview, collections.abc.Mapping)
    )


def has_messages(form: object) -> bool:
    """Return whether a type contains messages or a FrozenDict, so that msgspec alone might not decode it."""
    form = bare(form)
    kind = kind_of(form)
    return kind is FrozenDict or is_message_class(kind) or any(map(has_messages, get_args(form)))


def _either(one: Shape, other: Shape) -> Shape:
    """Merge the shapes of two members of a union."""
    places = range(max(len(one.fixed), len(other.fixed)))
    fixed = (_or(_at(one, place), _at(other, place)) for place in places)
    return Shape(
        untyped=one.untyped or other.untyped,
        typed=one.typed or other.typed,
        classes=one.classes | other.classes,
        items=_or(one.items, other.items),
        fixed=tuple(shape or PLAIN for shape in fixed),
        string_keys=one.string_keys or other.string_keys,
        values=_or(one.values, other.values),
    )


def _at(shape: Shape, place: int) -> Shape | None:
    return shape.fixed[place] if place < len(shape.fixed) else shape.items


def _or(one: Shape | None, other: Shape | None) -> Shape | None:
    """Merge the shapes of the same place in two containers.

    A value there is in one container or in the other, and the value alone does not tell in which. So if one container
    has a type for it, it does not matter that the other has none.
    """
    if one is None or other is None:
        return one or other
    merged = _either(one, other)
    if one.untyped is not other.untyped and _has_types(other if one.untyped else one):
        return merged._replace(untyped=False)
    return merged


def _has_types(shape: Shape) -> bool:
    inner = (shape.items, shape.values, *shape.fixed)
    return shape.typed or bool(shape.classes) or any(_has_types(part) for part in inner if part is not None)

"""The fields of the classes that JSON objects and tuples are decoded as: what they are called, and their types."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

import msgspec
from msgspec import inspect as types
from typing_extensions import Format, get_annotations

from miniagents.messages.coding.type_shapes import is_a
from miniagents.messages.values.freezers import METADATA_FIELD, NO_METADATA, has_metadata
from miniagents.messages.values.frozen import Frozen

__all__ = ["Field", "fields_of", "has_fields", "is_ours", "own_fields"]


class Field(NamedTuple):
    """A field of a class.

    Attributes:
        name: Its name in Python.
        key: Its name in JSON.
        form: Its type.
        required: Whether it must be given.
        default: Its default; `msgspec.NODEFAULT` if it has none.
        factory: Makes its default; `msgspec.NODEFAULT` if nothing does.
    """

    name: str
    key: str
    form: object
    required: bool
    default: object
    factory: object


def has_fields(cls: Any) -> bool:  # Any: a class of whatever kind
    """Return whether a class is a Struct, a dataclass, a TypedDict, a NamedTuple, or a class of attrs."""
    is_tuple = is_a(cls, tuple) and hasattr(cls, "_fields")
    names = ("__struct_fields__", "__dataclass_fields__", "__attrs_attrs__")
    return is_tuple or is_typeddict(cls) or any(hasattr(cls, name) for name in names)


def fields_of(form: Any) -> list[Field]:  # Any: a class, or Class[arguments]
    """Return the fields of a class, in their order.

    Raises:
        TypeError: A field has a type that msgspec cannot decode.
        NameError: An annotation has a name that is not known.
    """
    cls: Any = get_origin(form) or form  # Any: a class of whatever kind
    if issubclass(cls, msgspec.Struct):
        return [
            Field(
                each.name,
                each.encode_name,
                each.type,
                each.required,
                _as_read(cls, each.name, each.default),
                each.default_factory,
            )
            for each in msgspec.structs.fields(form)
        ]
    told: Any = types.type_info(form)  # Any: of one of three kinds; each has fields
    hints, arguments = get_type_hints(cls, include_extras=True), _arguments(form)
    by_name = {each.name: each for each in told.fields}  # of a TypedDict sorted by name
    return [
        Field(
            name, name, _filled(hints.get(name, object), arguments), each.required, each.default, each.default_factory
        )
        for name, each in ((name, by_name[name]) for name in sorted(by_name, key=[*hints].index))
    ]


def _as_read(cls: type, name: str, default: object) -> object:
    """Return the default of a field; that of metadata is what absent metadata reads as."""
    is_absent = name == METADATA_FIELD and default is msgspec.UNSET and issubclass(cls, Frozen) and has_metadata(cls)
    return NO_METADATA if is_absent else default


def _arguments(form: Any) -> dict[object, object]:  # Any: as above
    """Return what the type parameters of a class and of its bases stand for."""
    cls = get_origin(form) or form
    parameters: tuple[object, ...] = getattr(cls, "__parameters__", ())
    own = dict(zip(parameters, get_args(form), strict=False))  # a class may stand without its arguments
    bases = getattr(cls, "__orig_bases__", ())
    return {name: _filled(each, own) for base in bases for name, each in _arguments(base).items()} | own


def _filled(form: object, arguments: dict[object, object]) -> object:
    """Return a type with what its type parameters stand for; a class without arguments stays as it is."""
    if isinstance(form, TypeVar):
        return arguments.get(form, form)
    parameters: tuple[object, ...] = () if inspect.isclass(form) else getattr(form, "__parameters__", ())
    generic: Any = form  # Any: what has type parameters takes arguments
    return generic[tuple(arguments.get(each, each) for each in parameters)] if parameters else form


def own_fields(cls: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields that the author of a class gave it, without those of its base in the library."""
    base = next(filter(is_ours, cls.__mro__), None)
    if base is None or base is cls or not issubclass(base, Frozen):
        has_ours = base is not None and issubclass(base, Frozen) and has_metadata(base)
        return frozenset(cls.__struct_fields__) - ({METADATA_FIELD} if has_ours else set())
    annotated = {
        name
        for each in cls.__mro__[: cls.__mro__.index(base)]
        for name in get_annotations(each, format=Format.FORWARDREF)
    }
    return frozenset(cls.__struct_fields__) - (frozenset(base.__struct_fields__) - annotated)


def is_ours(cls: type) -> bool:
    """Return whether a class is one of the messages that the library brings along."""
    return cls.__module__.startswith("miniagents.messages")

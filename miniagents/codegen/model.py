"""What a generated module is made of, free of JSON Schema and of Python text.

The reader makes these values, the checks judge them and the emitter writes them. All are frozen. What is written for
people (descriptions, places) is left out of equality, so that two fields are equal when they mean the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from miniagents.codegen.documents import JsonValue, Place

ScalarKind: TypeAlias = Literal["string", "integer", "number", "boolean", "null"]
Kind: TypeAlias = Literal["string", "integer", "number", "boolean", "null", "array", "object"]
LimitName: TypeAlias = Literal["ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern"]

Limits: TypeAlias = tuple[tuple[LimitName, int | float | str], ...]
"""Constraints by the names of `msgspec.Meta`'s arguments, sorted."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number, truth value or null."""

    kind: ScalarKind
    limits: Limits = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of fixed values."""

    values: tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """Any number of items of one form."""

    item: "Form"
    limits: Limits = ()


@dataclass(frozen=True, slots=True)
class MapOf:
    """Any names with values of one form."""

    value: "Form"
    limits: Limits = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A type of this module, or one of the library's, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Several forms that can be told apart: by their JSON type, objects by their tag."""

    forms: tuple["Form", ...]
    place: Place | None = field(default=None, compare=False)


Form: TypeAlias = Scalar | Choice | ArrayOf | MapOf | Named | OneOf


@dataclass(frozen=True, slots=True)
class Default:
    """The value of a property that is left out."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Field:
    """A property of an object.

    Attributes:
        name: The name in Python.
        json_name: The name in JSON.
        form: What it holds.
        required: Whether it must be there. When not, and without default, it is `UNSET` when absent.
        default: What it is when it is left out, if the schema says so.
        doc: What the schema says about it.
        place: Where it is described; None for the library's own.
    """

    name: str
    json_name: str
    form: Form
    required: bool = False
    default: Default | None = None
    doc: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A class.

    Attributes:
        name: The name of the class and its tag.
        base: The name of the class it extends.
        fields: Its own properties, in the order of the schema.
        template: Its text, with `{property}` where a property's value stands.
        positional: Whether the constructor takes its fields by position.
        doc: What the schema says about it.
        place: Where it is described; None for the library's own.
    """

    name: str
    base: str
    fields: tuple[Field, ...] = ()
    template: str | None = None
    positional: bool = False
    doc: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class AliasType:
    """A name for a form that is no class."""

    name: str
    form: Form
    doc: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)


TypeDefinition: TypeAlias = ObjectType | AliasType
Types: TypeAlias = Mapping[str, TypeDefinition]


@dataclass(frozen=True, slots=True)
class Module:
    """Everything one generated module holds.

    Attributes:
        types: Its types in the order of the schemas.
        known: Its types and those of the library that they may name.
        doc: What the schema files say about themselves.
        is_library: Whether it is the library's own module.
        files: The schema files.
    """

    types: tuple[TypeDefinition, ...]
    known: Types
    doc: str = ""
    is_library: bool = False
    files: tuple[Path, ...] = ()


def named_in(form: Form) -> tuple[str, ...]:
    """Return the names of the types that `form` mentions, in order, each once."""
    names: dict[str, None] = {}
    todo: list[Form] = [form]
    while todo:
        part = todo.pop()
        if isinstance(part, Named):
            names[part.name] = None
        elif isinstance(part, ArrayOf):
            todo.append(part.item)
        elif isinstance(part, MapOf):
            todo.append(part.value)
        elif isinstance(part, OneOf):
            todo.extend(reversed(part.forms))
    return tuple(names)


def made_of(definition: TypeDefinition | None) -> tuple[str, ...]:
    """Return the types that must exist before a type: for a class its base, for an alias all that it mentions."""
    if isinstance(definition, AliasType):
        return named_in(definition.form)
    return () if definition is None else (definition.base,)


def ancestors(types: Types, name: str) -> tuple[str, ...]:
    """Return the bases of a class, nearest first; the last one may be a hand-written class."""
    names: list[str] = []
    current = types.get(name)
    while isinstance(current, ObjectType):
        names.append(current.base)
        current = types.get(current.base)
    return tuple(names)


def inherited_fields(types: Types, name: str) -> dict[str, Field]:
    """Return the fields that a class has from its bases, by their names in JSON."""
    fields: dict[str, Field] = {}
    for base in reversed(ancestors(types, name)):
        definition = types.get(base)
        if isinstance(definition, ObjectType):
            fields.update({each.json_name: each for each in definition.fields})
    return fields

"""What a generated module is made of, free of JSON Schema and of Python text.

The reader makes these values, the checks judge them and the emitter writes them. All are frozen. What is written for
people (descriptions, places) is left out of equality, so that two fields are equal when they mean the same.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from miniagents.codegen.documents import JsonValue, Place
from miniagents.validation.keywords import LimitName
from miniagents.validation.values import JsonType

ScalarKind: TypeAlias = Literal["string", "integer", "number", "boolean", "null"]
Kind: TypeAlias = JsonType

Limits: TypeAlias = tuple[tuple[LimitName, int | float | str], ...]
"""Constraints by the names of `msgspec.Meta`'s arguments, sorted."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number, truth value or null.

    Attributes:
        kind: Which of them.
        limits: Constraints.
        format: Of a text: the format that has it turned into a type of Python's.
    """

    kind: ScalarKind
    limits: Limits = ()
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever JSON can say."""


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
class TupleOf:
    """Items of different forms, each in its place, and maybe more of one form behind them."""

    items: tuple["Form", ...]
    rest: "Form | None" = None


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


Form: TypeAlias = Anything | Scalar | Choice | ArrayOf | TupleOf | MapOf | Named | OneOf


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
        extras: What properties hold that are not declared; None when there can be none.
        tag: The property that tells it from others in unions, by its name in JSON, and its value there.
        doc: What the schema says about it.
        place: Where it is described; None for the library's own.
    """

    name: str
    base: str
    fields: tuple[Field, ...] = ()
    template: str | None = None
    positional: bool = False
    extras: Form | None = None
    tag: tuple[str, str | int] | None = None
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
        schemas: The schemas that its codec needs, by name: of the definitions, and of classes that no schema alone is.
        keys: Where in them the schema of each type stands: a name, or a name with "#" and a JSON pointer.
        namespace: What tells its records from those of other modules.
        loose: Why msgspec may accept for a type what its schema does not, by the names of the types for which it may.
    """

    types: tuple[TypeDefinition, ...]
    known: Types
    doc: str = ""
    is_library: bool = False
    files: tuple[Path, ...] = ()
    schemas: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    namespace: str = ""
    loose: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def parts_of(form: Form) -> tuple[Form, ...]:
    """Return the forms that a form is made of."""
    match form:
        case ArrayOf():
            return (form.item,)
        case TupleOf():
            return form.items if form.rest is None else (*form.items, form.rest)
        case MapOf():
            return (form.value,)
        case OneOf():
            return form.forms
        case _:
            return ()


def forms_of(definition: TypeDefinition) -> tuple[Form, ...]:
    """Return the forms that a type is made of: of an alias what it stands for, of a class those of its properties."""
    if isinstance(definition, AliasType):
        return (definition.form,)
    own = tuple(each.form for each in definition.fields)
    return own if definition.extras is None else (*own, definition.extras)


def within(form: Form) -> Iterator[Form]:
    """Yield a form and all forms in it, those of named types left out."""
    todo = [form]
    while todo:
        part = todo.pop()
        yield part
        todo.extend(reversed(parts_of(part)))


def rebuilt(form: Form, change: Callable[[Form], Form]) -> Form:
    """Return a form with something else in the place of what it is made of, from the innermost out."""
    match form:
        case ArrayOf():
            form = replace(form, item=rebuilt(form.item, change))
        case MapOf():
            form = replace(form, value=rebuilt(form.value, change))
        case TupleOf():
            rest = None if form.rest is None else rebuilt(form.rest, change)
            form = TupleOf(tuple(rebuilt(each, change) for each in form.items), rest)
        case OneOf():
            form = replace(form, forms=tuple(rebuilt(each, change) for each in form.forms))
        case _:
            pass
    return change(form)


def named_in(form: Form) -> tuple[str, ...]:
    """Return the names of the types that `form` mentions, in order, each once."""
    return tuple(dict.fromkeys(part.name for part in within(form) if isinstance(part, Named)))


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


def root_of(types: Types, name: str) -> str:
    """Return the hand-written class that a class extends in the end, or the name itself for no class."""
    return (name, *ancestors(types, name))[-1].removeprefix("_")


def inherited_fields(types: Types, name: str) -> dict[str, Field]:
    """Return the fields that a class has from its bases, by their names in JSON."""
    fields: dict[str, Field] = {}
    for base in reversed(ancestors(types, name)):
        definition = types.get(base)
        if isinstance(definition, ObjectType):
            fields.update({each.json_name: each for each in definition.fields})
    return fields

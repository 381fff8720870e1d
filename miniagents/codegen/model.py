"""The model of a generated module, independent of JSON Schema and of Python text.

`shaping` makes these values and checks them, and the emitter writes them. All are frozen. Descriptions and places do
not count for equality, so two fields are equal if they mean the same.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from miniagents.codegen.documents import JsonValue, Place
from miniagents.validation.keywords import FORMAT_CHOICE, KEYWORDS, LimitName
from miniagents.validation.values import JsonType

ScalarKind: TypeAlias = Literal["string", "integer", "number", "boolean", "null"]
Kind: TypeAlias = JsonType

ALSO: Final = "Also checked: "
"""The beginning of the paragraph with the rules that no type says; they are separated by semicolons."""

UNTOLD: Final = "the rest of the schema"
"""The rule of a type whose schema says more than the type, in a way that has no short name."""

Limits: TypeAlias = tuple[tuple[LimitName, int | float | str], ...]
"""Constraints, sorted by their names, which are arguments of `msgspec.Meta`."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number, truth value or null.

    Attributes:
        kind: The kind of the scalar.
        limits: The constraints on its values.
        format: The format of a text that is decoded to another Python type.
    """

    kind: ScalarKind
    limits: Limits = ()
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several fixed values."""

    values: tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """Any number of items of one form."""

    item: "Form"
    limits: Limits = ()


@dataclass(frozen=True, slots=True)
class TupleOf:
    """Items of different forms at fixed positions, with or without more items of one form after them."""

    items: tuple["Form", ...]
    rest: "Form | None" = None


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with any names and values of one form."""

    value: "Form"
    limits: Limits = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A type of this module, or one of the library's, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """A union of forms that can be told apart: by their JSON types, or by the tags of objects."""

    forms: tuple["Form", ...]
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A member of a union that a value is of only if it fits another schema: the `then` of an `if`.

    Attributes:
        form: The form of the values.
        condition: The key of the other schema: a name, "#" and a JSON pointer.
    """

    form: "Form"
    condition: str


Form: TypeAlias = Anything | Scalar | Choice | ArrayOf | TupleOf | MapOf | Named | OneOf | Chosen


@dataclass(frozen=True, slots=True)
class Default:
    """The value of a property that is missing."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Field:
    """A property of an object.

    Attributes:
        name: The name in Python.
        json_name: The name in JSON.
        form: The form of its values.
        required: Whether it must be given. A missing property without a default is `UNSET`.
        default: Its value if it is missing; None if the schema has no default.
        doc: Its description.
        place: The place of its schema; None for the library's own.
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
        name: The name of the class, which is also its tag.
        base: The name of the class it extends.
        fields: Its own properties, in the order of the schema.
        template: Its text, with `{property}` for the value of a property.
        positional: Whether the constructor takes its fields by position.
        extras: The form of undeclared properties; None if they are not allowed, or if the base has them already.
        tag: The property that tells it apart in unions: its name in JSON, and its value.
        doc: Its description.
        place: The place of its schema; None for the library's own.
        checks_extras: Whether its schema may say more of undeclared properties than their form.
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
    checks_extras: bool = False


@dataclass(frozen=True, slots=True)
class AliasType:
    """A type alias: a name for a form that is not a class."""

    name: str
    form: Form
    doc: str = field(default="", compare=False)
    place: Place | None = field(default=None, compare=False)


TypeDefinition: TypeAlias = ObjectType | AliasType
Types: TypeAlias = Mapping[str, TypeDefinition]


@dataclass(frozen=True, slots=True)
class Module:
    """One generated module.

    Attributes:
        types: Its types in the order of the schemas.
        known: Its types, and the types of the library that they may name.
        doc: The descriptions of the schema files.
        is_library: Whether it is the library's own module.
        files: The schema files.
        schemas: The schemas that its codec needs, by name. They are those of the definitions, and of classes that are
            made from several schemas.
        keys: The keys of the schemas of its types, by type: a name, or a name with "#" and a JSON pointer.
        namespace: The name that distinguishes its records from those of other modules.
        loose: The types for which msgspec may accept more than their schemas, each with the reasons.
        checked: Those of them whose schemas say more than their fields.
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
    checked: frozenset[str] = frozenset()

    def also_checked(self, name: str) -> tuple[str, ...]:
        """Return the rules of a type that only its schema says, in words."""
        if name not in self.checked:
            return ()
        keywords = ("format" if each == FORMAT_CHOICE else each for each in self.loose[name])
        told = dict.fromkeys(KEYWORDS[each].rule if each in KEYWORDS else UNTOLD for each in keywords)
        return tuple(sorted(told, key=lambda each: each == UNTOLD))


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
        case Chosen():
            return (form.form,)
        case _:
            return ()


def forms_of(definition: TypeDefinition) -> tuple[Form, ...]:
    """Return the forms that a type is made of: the form of an alias, or the forms of the properties of a class."""
    if isinstance(definition, AliasType):
        return (definition.form,)
    own = tuple(each.form for each in definition.fields)
    return own if definition.extras is None else (*own, definition.extras)


def within(form: Form) -> Iterator[Form]:
    """Yield a form and all forms in it, except those of named types."""
    todo = [form]
    while todo:
        part = todo.pop()
        yield part
        todo.extend(reversed(parts_of(part)))


def rebuilt(form: Form, change: Callable[[Form], Form]) -> Form:
    """Return a form in which `change` replaced every form, from the innermost to the outermost."""
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
        case Chosen():
            form = replace(form, form=rebuilt(form.form, change))
        case _:
            pass
    return change(form)


def named_in(form: Form) -> tuple[str, ...]:
    """Return the names of the types that a form mentions, in order and without repetitions."""
    return tuple(dict.fromkeys(part.name for part in within(form) if isinstance(part, Named)))


def made_of(definition: TypeDefinition | None) -> tuple[str, ...]:
    """Return the types that must exist before a type: the base of a class, or all types that an alias mentions."""
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
    """Return the hand-written class at the end of the bases of a class; return any other name itself."""
    return (name, *ancestors(types, name))[-1].removeprefix("_")


def inherited_fields(types: Types, name: str) -> dict[str, Field]:
    """Return the fields that a class inherits, by their names in JSON."""
    fields: dict[str, Field] = {}
    for base in reversed(ancestors(types, name)):
        definition = types.get(base)
        if isinstance(definition, ObjectType):
            fields.update({each.json_name: each for each in definition.fields})
    return fields

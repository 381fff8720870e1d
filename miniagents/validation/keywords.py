"""The table of the keywords of JSON Schema, one row for each, for all code that reads, checks, compares or writes them.

No other module lists keywords by hand. Most modules use the sets after the table, which are computed from its columns.
The module is cheap to import, and imports only cheap modules.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from miniagents.validation.values import TYPES, JsonType, JsonValue, is_array, is_object

LimitName: TypeAlias = Literal["ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern"]
"""The limits that msgspec checks, by the names of `msgspec.Meta`'s arguments."""

Role: TypeAlias = Literal["assertion", "format", "content", "documentation", "identity", "hint"]
"""The purpose of a keyword.

- assertion: it can refuse a value;
- format: it can refuse a value, if the schema asks for the check;
- content: it describes the content of a text, and refuses nothing;
- documentation: it is for people, and refuses nothing;
- identity: it identifies a schema or its dialect, and does not describe values;
- hint: it tells the generator something that JSON Schema cannot express.
"""

Holding: TypeAlias = Literal["", "one", "many", "named"]
"""How a keyword holds schemas: not at all, as its argument, in an array, or in an object."""

Applied: TypeAlias = Literal["", "always", "sometimes", "negated", "members", "items", "names", "content"]
"""The values to which the schemas of a keyword, or the schema that it refers to, are applied.

- always: the value itself, which must fit all of the schemas;
- sometimes: the value itself, which must fit some of the schemas, depending on the value;
- negated: the value itself, which must fit none of the schemas;
- members, items, names: the properties of an object, the items of an array, the names of properties;
- content: the JSON in a text.
"""

HINTS: Final = "x-miniagents"
"""The keyword for hints to the generator that JSON Schema cannot express."""

FORMAT_CHOICE: Final = "x-miniagents-format"
"""The keyword that tells whether a `format` is a note, checked, or a type. It has no row: it belongs to `format`."""


# --- the forms of arguments ---


class Argument(NamedTuple):
    """A form that the argument of a keyword can have."""

    fits: Callable[[Any], bool]  # Any: any JSON
    """Returns whether an argument has this form, at least enough to check values with it."""
    expected: str
    """The form in words."""
    wrong: str = ""
    """What is wrong with an argument of another form."""
    remedy: str = ""
    """What to write instead, if it is not simply "write" and `expected`."""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:  # Any: any JSON
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and isfinite(value))


def _is_positive(value: Any) -> bool:  # Any: any JSON
    return _is_number(value) and value > 0


def _is_count(value: Any) -> bool:  # Any: any JSON
    return _is_number(value) and value >= 0 and value == int(value)


def _is_names(value: object) -> bool:
    return is_array(value) and all(map(_is_text, value))


def _is_dependencies(value: object) -> bool:
    return is_object(value) and all(map(_is_names, value.values()))


def _is_type(value: object) -> bool:
    names = value if is_array(value) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _is_schema(value: object) -> bool:
    return isinstance(value, bool | dict)


def _is_schemas(value: object) -> bool:
    return is_array(value) and bool(value)


def _is_anything(_: object) -> bool:
    return True


ANYTHING: Final = Argument(_is_anything, "any value")
VALUES: Final = Argument(is_array, "an array of values", "is no array of values")
TEXT: Final = Argument(_is_text, "a text", "is no text")
FLAG: Final = Argument(_is_flag, "true or false", "is neither true nor false")
NUMBER: Final = Argument(_is_number, "a number", "is no number")
POSITIVE: Final = Argument(_is_positive, "a number above 0", "is no number above 0")
COUNT: Final = Argument(_is_count, "an integer from 0 on", "is no count")
PATTERN: Final = Argument(_is_text, "a regular expression", "is no text")
FORMAT: Final = Argument(_is_text, 'a name such as "date-time"', "is no text")
TYPE: Final = Argument(
    _is_type,
    f"one of {', '.join(TYPES)}, or a list of them",
    "is none of JSON's types, nor an array of different ones",
    'write "string", "number", "integer", "boolean", "object", "array" or "null", or an array of them',
)
NAMES: Final = Argument(
    _is_names,
    "an array of names",
    "is no array of different names",
    'write the names of properties: "required": ["name"]',
)
DEPENDENCIES: Final = Argument(
    _is_dependencies,
    "an object of arrays of names",
    "is no object of arrays of different names",
    'write {"name": ["other name"]}',
)
SCHEMA: Final = Argument(_is_schema, "a schema", "is no schema", "write an object, or true or false")
SCHEMAS: Final = Argument(_is_schemas, "an array of schemas", "is no array of schemas with at least one")
MEMBERS: Final = Argument(
    is_object, "an object of schemas", "is no object of schemas", "write an object whose members are schemas"
)
SCHEMAS_OR_NAMES: Final = Argument(
    is_object, "an object", "is no object of schemas and arrays of names", 'write {"name": ["other name"]}'
)
REFERENCE: Final = Argument(_is_text, "a reference", "is no text", "write a reference such as #/$defs/Name")
ANCHOR_REFERENCE: Final = Argument(_is_text, "a reference", "is no reference", 'write "#name"')
ROOT_REFERENCE: Final = Argument(_is_text, "a reference", "is no reference", 'write "#"')
ANCHOR: Final = Argument(_is_text, "a name", "is no name", "write a letter, then letters, digits, and . _ -")
URI: Final = Argument(_is_text, "a URI", "is no URI")
DIALECT: Final = Argument(_is_text, "the URI of a dialect", "is no URI")
VOCABULARY: Final = Argument(is_object, "an object", "is no object", "remove it")
OBJECT: Final = Argument(is_object, "an object", "is no object")


# --- the table ---


class Keyword(NamedTuple):
    """A keyword and its properties, a row of the table."""

    name: str
    argument: Argument
    """The form of its argument."""
    role: Role = "assertion"
    about: JsonType | None = None
    """The type of the values that it restricts ("number" includes integers); None for values of any type."""
    holds: Holding = ""
    """How its argument holds schemas."""
    applied: Applied = ""
    """The values to which those schemas, or the schema that it refers to, are applied."""
    limit: LimitName | None = None
    """The equivalent limit of msgspec; None if there is none."""
    idle: JsonValue = None
    """The argument with which it accepts everything; None if there is none."""
    beside: str = ""
    """The keyword that must stand beside it; without that keyword it accepts everything."""
    is_opaque: bool = False
    """Whether `diff` reports any change of its argument as a whole, without comparing the parts."""
    since: int = 4
    """The number of the first dialect that knows it."""
    until: int = 2020
    """The number of the last dialect that knows it."""
    instead: str = ""
    """What to write in a dialect that does not know it, if the dialect has a substitute."""
    rule: str = ""
    """The rule in a few words, for readers of types that cannot express it."""


_ROWS: Final = (
    # --- where a schema is found, and what it is written in
    Keyword("$schema", DIALECT, "identity"),
    Keyword("$id", URI, "identity", since=6, instead='write "id"'),
    Keyword("id", URI, "identity", until=4, instead='write "$id"'),
    Keyword("$defs", MEMBERS, "identity", holds="named"),
    Keyword("definitions", MEMBERS, "identity", holds="named"),
    Keyword("$anchor", ANCHOR, "identity", since=2019, instead='write "$id": "#name"'),
    Keyword("$vocabulary", VOCABULARY, "identity", since=2019),
    Keyword("$dynamicAnchor", ANCHOR, "identity", since=2020, instead='write "$anchor"'),
    Keyword("$recursiveAnchor", FLAG, "identity", since=2019, until=2019, instead='write "$dynamicAnchor"'),
    # --- values of any type
    Keyword("$ref", REFERENCE, applied="always"),
    Keyword("$dynamicRef", ANCHOR_REFERENCE, applied="always", since=2020, instead='write "$ref"'),
    Keyword("$recursiveRef", ROOT_REFERENCE, applied="always", since=2019, until=2019, instead='write "$dynamicRef"'),
    Keyword("type", TYPE),
    Keyword("const", ANYTHING, since=6, instead='write "enum": [...]', rule="the value is the given one"),
    Keyword("enum", VALUES, rule="the value is one of those listed"),
    Keyword("allOf", SCHEMAS, holds="many", applied="always"),
    Keyword("anyOf", SCHEMAS, holds="many", applied="sometimes", rule="one of the alternatives fits"),
    Keyword("oneOf", SCHEMAS, holds="many", applied="sometimes", rule="exactly one of the alternatives fits"),
    Keyword(
        "not",
        SCHEMA,
        holds="one",
        applied="negated",
        is_opaque=True,
        rule="the schema that is excluded does not fit",
    ),
    Keyword("if", SCHEMA, holds="one", applied="sometimes", since=7, rule="conditions hold (if, then, else)"),
    Keyword("then", SCHEMA, holds="one", applied="sometimes", beside="if", since=7),
    Keyword("else", SCHEMA, holds="one", applied="sometimes", beside="if", since=7),
    # --- texts
    Keyword("pattern", PATTERN, about="string", limit="pattern"),
    Keyword("minLength", COUNT, about="string", limit="min_length", idle=0),
    Keyword("maxLength", COUNT, about="string", limit="max_length"),
    Keyword("format", FORMAT, "format", rule="the format is right"),
    Keyword("contentEncoding", TEXT, "content", about="string"),
    Keyword("contentMediaType", TEXT, "content", about="string"),
    Keyword("contentSchema", SCHEMA, "content", about="string", holds="one", applied="content", since=2019),
    # --- numbers
    Keyword("minimum", NUMBER, about="number", limit="ge"),
    Keyword("exclusiveMinimum", NUMBER, about="number", limit="gt"),
    Keyword("maximum", NUMBER, about="number", limit="le"),
    Keyword("exclusiveMaximum", NUMBER, about="number", limit="lt"),
    Keyword("multipleOf", POSITIVE, about="number", limit="multiple_of"),
    # --- arrays
    Keyword("items", SCHEMA, about="array", holds="one", applied="items", idle=True),
    Keyword(
        "prefixItems",
        SCHEMAS,
        about="array",
        holds="many",
        applied="items",
        since=2020,
        instead='write "items": [...] for the first items and "additionalItems" for the others',
        rule="the first items have forms of their own",
    ),
    Keyword(
        "additionalItems",
        SCHEMA,
        about="array",
        holds="one",
        applied="items",
        until=2019,
        instead='write "prefixItems" for the first items and "items" for the others',
    ),
    Keyword("minItems", COUNT, about="array", limit="min_length", idle=0),
    Keyword("maxItems", COUNT, about="array", limit="max_length"),
    Keyword("uniqueItems", FLAG, about="array", idle=False, rule="items are unique"),
    Keyword("contains", SCHEMA, about="array", holds="one", applied="items", since=6, rule="some items fit `contains`"),
    Keyword("minContains", COUNT, about="array", beside="contains", since=2019),
    Keyword("maxContains", COUNT, about="array", beside="contains", since=2019),
    Keyword(
        "unevaluatedItems",
        SCHEMA,
        about="array",
        holds="one",
        applied="items",
        idle=True,
        since=2019,
        rule="all items are described",
    ),
    # --- objects
    Keyword("properties", MEMBERS, about="object", holds="named", applied="members"),
    Keyword(
        "patternProperties",
        MEMBERS,
        about="object",
        holds="named",
        applied="members",
        rule="the names of properties decide their values",
    ),
    Keyword(
        "additionalProperties",
        SCHEMA,
        about="object",
        holds="one",
        applied="members",
        idle=True,
        rule="there are no other properties",
    ),
    Keyword(
        "propertyNames",
        SCHEMA,
        about="object",
        holds="one",
        applied="names",
        idle=True,
        since=6,
        rule="the names of properties have their form",
    ),
    Keyword("required", NAMES, about="object", idle=[], rule="required properties are there"),
    Keyword("minProperties", COUNT, about="object", limit="min_length", idle=0, rule="there are enough properties"),
    Keyword("maxProperties", COUNT, about="object", limit="max_length", rule="there are not too many properties"),
    Keyword(
        "dependentRequired",
        DEPENDENCIES,
        about="object",
        since=2019,
        instead='write "dependencies"',
        rule="some properties require others",
    ),
    Keyword(
        "dependentSchemas",
        MEMBERS,
        about="object",
        holds="named",
        applied="sometimes",
        since=2019,
        instead='write "dependencies"',
        rule="some properties restrict the others",
    ),
    Keyword(
        "dependencies",
        SCHEMAS_OR_NAMES,
        about="object",
        holds="named",
        applied="sometimes",
        until=7,
        instead='write "dependentRequired" for names and "dependentSchemas" for schemas',
    ),
    Keyword(
        "unevaluatedProperties",
        SCHEMA,
        about="object",
        holds="one",
        applied="members",
        idle=True,
        since=2019,
        rule="all properties are described",
    ),
    # --- what is said to people, and to the generator
    Keyword("title", TEXT, "documentation"),
    Keyword("description", TEXT, "documentation"),
    Keyword("$comment", TEXT, "documentation"),
    Keyword("default", ANYTHING, "documentation"),
    Keyword("example", ANYTHING, "documentation"),
    Keyword("examples", VALUES, "documentation"),
    Keyword("deprecated", FLAG, "documentation"),
    Keyword("readOnly", FLAG, "documentation"),
    Keyword("writeOnly", FLAG, "documentation"),
    Keyword("discriminator", OBJECT, "documentation"),  # this keyword and the next two are from OpenAPI
    Keyword("externalDocs", OBJECT, "documentation"),
    Keyword("xml", OBJECT, "documentation"),
    Keyword(HINTS, OBJECT, "hint"),
)

KEYWORDS: Final[Mapping[str, Keyword]] = {each.name: each for each in _ROWS}
"""Every keyword of any of the dialects by its name."""


# --- what follows from the table ---


def _names(is_meant: Callable[[Keyword], object]) -> frozenset[str]:
    return frozenset(each.name for each in _ROWS if is_meant(each))


KNOWN: Final = frozenset(KEYWORDS)
"""Every keyword of any of the dialects."""

ASSERTIONS: Final = _names(lambda each: each.role == "assertion")
"""Keywords that can refuse a value; a `format` that is checked can do so as well."""

ABOUT: Final[Mapping[JsonType | None, frozenset[str]]] = {
    kind: frozenset(each.name for each in _ROWS if each.role == "assertion" and each.about == kind)
    for kind in (None, *get_args(JsonType))
}
"""The keywords that can refuse a value, by the type of the values that they restrict; None stands for any type."""

IDENTITY: Final = _names(lambda each: each.role == "identity")
"""Keywords that identify a schema or its dialect, and do not describe values."""

DOCUMENTATION: Final = _names(lambda each: each.role == "documentation")
"""Keywords that are for people, and refuse nothing."""

CONTENT: Final = _names(lambda each: each.role == "content")
"""Keywords that describe the content of a text, and refuse nothing."""

DATA: Final = _names(lambda each: each.argument in (ANYTHING, VALUES))
"""Keywords whose arguments are data, without schemas and keywords."""

COUNTS: Final = _names(lambda each: each.argument is COUNT)
"""Keywords that limit a number of items, properties or characters."""

ONE: Final = _names(lambda each: each.holds == "one")
"""Keywords that take a schema; `items` takes an array of them in the older dialects."""

MANY: Final = _names(lambda each: each.holds == "many")
"""Keywords that take an array of schemas."""

NAMED: Final = _names(lambda each: each.holds == "named")
"""Keywords that take an object of schemas; in `dependencies`, some of them may be arrays of names."""

DEFINITIONS: Final = tuple(each.name for each in _ROWS if each.role == "identity" and each.holds)
"""Keywords that hold schemas for references."""

REFERENCES: Final = tuple(each.name for each in _ROWS if each.applied and not each.holds)
"""Keywords that refer to a schema."""

IN_PLACE: Final = _names(lambda each: each.applied in ("always", "sometimes", "negated"))
"""Keywords whose schemas are applied to the value itself."""

SOMETIMES: Final = _names(lambda each: each.applied == "sometimes")
"""Keywords whose schemas are applied to the value itself, but depending on the value."""

OF_MEMBERS: Final = _names(lambda each: each.applied == "members")
"""Keywords whose schemas are applied to the properties of an object."""

OF_ITEMS: Final = _names(lambda each: each.applied == "items")
"""Keywords whose schemas are applied to the items of an array."""

LIMITS: Final[Mapping[str, Mapping[LimitName, str]]] = {
    kind: {
        each.limit: each.name
        for each in _ROWS
        if each.limit is not None and each.about == ("number" if kind == "integer" else kind)
    }
    for kind in get_args(JsonType)
}
"""The keywords for the limits that msgspec checks, by the type of the values and the name of the limit."""


def is_idle(schema: Mapping[str, object], keyword: str) -> bool:
    """Return whether a keyword accepts everything, because of its argument or because its companion is missing."""
    row, value = KEYWORDS[keyword], schema[keyword]
    if row.beside and row.beside not in schema:
        return True
    return row.idle is not None and type(value) is type(row.idle) and value == row.idle

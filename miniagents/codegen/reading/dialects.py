"""The dialects of JSON Schema that files may be written in, and what their keywords are.

A keyword that another dialect knows is refused by name where its own does not: the standard would have it ignored, and
its author meant something by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from miniagents.codegen.documents import JsonValue


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of JSON Schema.

    Attributes:
        name: What people call it.
        uri: What stands in `$schema`, without the fragment and whatever its scheme.
        number: Orders the dialects.
    """

    name: str
    uri: str
    number: int


DRAFT_06: Final = Dialect("draft-06", "http://json-schema.org/draft-06/schema#", 6)
DRAFT_07: Final = Dialect("draft-07", "http://json-schema.org/draft-07/schema#", 7)
DRAFT_2019_09: Final = Dialect("2019-09", "https://json-schema.org/draft/2019-09/schema", 2019)
DRAFT_2020_12: Final = Dialect("2020-12", "https://json-schema.org/draft/2020-12/schema", 2020)

DIALECTS: Final = (DRAFT_06, DRAFT_07, DRAFT_2019_09, DRAFT_2020_12)
"""The dialects that are read."""

HINTS: Final = "x-miniagents"
"""The keyword for what JSON Schema has no word for."""

FORMATS: Final = "x-miniagents-format"
"""The keyword that says what a `format` is: a note, checked, or a type."""

ONE: Final = frozenset(
    {
        *("not", "if", "then", "else", "additionalProperties", "propertyNames", "contains", "contentSchema"),
        *("additionalItems", "unevaluatedItems", "unevaluatedProperties"),
    }
)
"""Keywords that take a schema."""

MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords that take an array of schemas."""

DEFINITIONS: Final = ("$defs", "definitions")
"""Keywords that hold schemas for references."""

NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas", *DEFINITIONS})
"""Keywords that take an object of schemas."""

IDENTITY: Final = frozenset(
    {"$schema", "$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary", *DEFINITIONS}
)
"""Keywords that say where a schema is found and what it is written in, and nothing of values."""

DOCUMENTATION: Final = frozenset(
    {
        *("title", "description", "$comment", "examples", "example", "deprecated", "readOnly", "writeOnly", "default"),
        *("discriminator", "externalDocs", "xml"),  # OpenAPI's
    }
)
"""Keywords that accept and refuse nothing."""

_EVERYWHERE = (6, 2020)
_FROM_2019 = (2019, 2020)
_VERSIONS: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(sorted(DOCUMENTATION), _EVERYWHERE),
    **dict.fromkeys(("$schema", "$id", "$ref", "$defs", "definitions", HINTS), _EVERYWHERE),
    **dict.fromkeys(("type", "enum", "const", "allOf", "anyOf", "oneOf", "not", "format"), _EVERYWHERE),
    **dict.fromkeys(("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _EVERYWHERE),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "contentEncoding", "contentMediaType"), _EVERYWHERE),
    **dict.fromkeys(("items", "contains", "minItems", "maxItems", "uniqueItems"), _EVERYWHERE),
    **dict.fromkeys(("properties", "patternProperties", "additionalProperties", "propertyNames"), _EVERYWHERE),
    **dict.fromkeys(("required", "minProperties", "maxProperties"), _EVERYWHERE),
    **dict.fromkeys(("if", "then", "else"), (7, 2020)),
    **dict.fromkeys(("$anchor", "$vocabulary", "dependentRequired", "dependentSchemas"), _FROM_2019),
    **dict.fromkeys(("minContains", "maxContains", "contentSchema"), _FROM_2019),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties"), _FROM_2019),
    **dict.fromkeys(("$recursiveRef", "$recursiveAnchor"), (2019, 2019)),
    **dict.fromkeys(("$dynamicRef", "$dynamicAnchor", "prefixItems"), (2020, 2020)),
    "additionalItems": (6, 2019),
    "dependencies": (6, 7),
}
KNOWN: Final = frozenset(_VERSIONS)
"""Every keyword of any of the dialects."""

INSTEAD: Final = {
    "$anchor": 'write "$id": "#name"',
    "$dynamicAnchor": 'write "$anchor"',
    "$dynamicRef": 'write "$ref"',
    "$recursiveAnchor": 'write "$dynamicAnchor"',
    "$recursiveRef": 'write "$dynamicRef"',
    "additionalItems": 'write "prefixItems" for the first items and "items" for the others',
    "dependencies": 'write "dependentRequired" for names and "dependentSchemas" for schemas',
    "dependentRequired": 'write "dependencies"',
    "dependentSchemas": 'write "dependencies"',
    "prefixItems": 'write "items": [...] for the first items and "additionalItems" for the others',
}
"""What to write in a dialect that does not know a keyword."""


def knows(dialect: Dialect, keyword: str) -> bool:
    """Whether a keyword means something in a dialect."""
    first, last = _VERSIONS.get(keyword, (0, -1))
    return first <= dialect.number <= last


def dialect_of(uri: str) -> Dialect | None:
    """Return the dialect that a `$schema` names; None when it is not read here.

    >>> dialect_of("https://json-schema.org/draft-07/schema#").name
    'draft-07'
    """
    return next((each for each in DIALECTS if _plain(each.uri) == _plain(uri)), None)


def guessed(schema: JsonValue) -> Dialect:
    """Return the dialect of a file without `$schema`: the newest, unless only older ones know what it uses."""
    has_definitions = False
    todo = [schema]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            has_definitions = has_definitions or "definitions" in each
            if "$defs" in each or any(_VERSIONS.get(keyword, _EVERYWHERE)[0] >= 2019 for keyword in each):
                return DRAFT_2020_12
            todo.extend(member for _, _, member in subschemas(each, None))
    return DRAFT_07 if has_definitions else DRAFT_2020_12


def subschemas(
    schema: dict[str, JsonValue], dialect: Dialect | None
) -> Iterator[tuple[str, tuple[str, ...], JsonValue]]:
    """Yield what stands right within a schema where schemas stand: keyword, steps to it, value (which may be none).

    Args:
        schema: The schema.
        dialect: What it is written in; None for whatever any dialect may mean.
    """
    only_reference = dialect is not None and ignores_siblings(dialect) and isinstance(schema.get("$ref"), str)
    for keyword, argument in schema.items():
        if keyword not in _NESTING or (dialect is not None and not knows(dialect, keyword)):
            continue
        if only_reference and keyword not in DEFINITIONS:
            continue
        if keyword in ONE or (keyword == "items" and isinstance(argument, bool | dict)):
            yield keyword, (keyword,), argument
        elif isinstance(argument, list):
            is_tuple = keyword == "items" and (dialect is None or dialect.number <= 2019)
            for index, item in enumerate(argument if keyword in MANY or is_tuple else ()):
                yield keyword, (keyword, str(index)), item
        elif isinstance(argument, dict) and (keyword in NAMED or keyword == "dependencies"):
            for name, member in argument.items():
                if keyword in NAMED or not isinstance(member, list):
                    yield keyword, (keyword, name), member


def ignores_siblings(dialect: Dialect) -> bool:
    """Whether what stands beside a `$ref` means nothing."""
    return dialect.number <= 7


_NESTING: Final = ONE | MANY | NAMED | {"items", "dependencies"}


def _plain(uri: str) -> str:
    return uri.removeprefix("https://").removeprefix("http://").removesuffix("#")

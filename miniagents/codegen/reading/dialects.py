"""The supported dialects of JSON Schema, and the places of sub-schemas in each of them.

Schemas in API documents have dialects too. OpenAPI 3.0 and Swagger 2.0 have their own, close to draft-04. OpenAPI 3.1
uses 2020-12, and AsyncAPI uses draft-07.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.validation.keywords import ASSERTIONS, DEFINITIONS, KEYWORDS, KNOWN, REFERENCES


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of JSON Schema.

    Attributes:
        name: The usual name of the dialect.
        uri: The value of `$schema`, which is compared without its scheme and fragment.
        number: A number that orders the dialects.
        is_openapi: Whether its schemas have `nullable`, and `required` is only meant for one direction if a property is
            `readOnly` or `writeOnly`.
        left_out: The keywords that mean nothing, because the meta-schema does not name their vocabularies.
        checks_formats: Whether the meta-schema names the vocabulary in which every `format` is a condition.
    """

    name: str
    uri: str
    number: int
    is_openapi: bool = False
    left_out: frozenset[str] = frozenset()
    checks_formats: bool = False


DRAFT_04: Final = Dialect("draft-04", "http://json-schema.org/draft-04/schema#", 4)
DRAFT_06: Final = Dialect("draft-06", "http://json-schema.org/draft-06/schema#", 6)
DRAFT_07: Final = Dialect("draft-07", "http://json-schema.org/draft-07/schema#", 7)
DRAFT_2019_09: Final = Dialect("2019-09", "https://json-schema.org/draft/2019-09/schema", 2019)
DRAFT_2020_12: Final = Dialect("2020-12", "https://json-schema.org/draft/2020-12/schema", 2020)

SWAGGER_2_0: Final = Dialect("Swagger 2.0", "https://spec.openapis.org/swagger/2.0", 4, is_openapi=True)
OPENAPI_3_0: Final = Dialect("OpenAPI 3.0", "https://spec.openapis.org/oas/3.0/dialect", 4, is_openapi=True)

DIALECTS: Final = (DRAFT_04, DRAFT_06, DRAFT_07, DRAFT_2019_09, DRAFT_2020_12)
"""The supported dialects of JSON Schema."""

_NAMED: Final = re.compile(r"draft[-_/]?0?([467])\b|draft[-_/](2019-09|2020-12)")
_OLD_ANCHOR: Final = re.compile(r"#[A-Za-z][\w.:-]*")


def knows(dialect: Dialect, keyword: str) -> bool:
    """Return whether a keyword means something in a dialect."""
    row = KEYWORDS.get(keyword)
    return row is not None and row.since <= dialect.number <= row.until and keyword not in dialect.left_out


def dialect_of(uri: str) -> Dialect | None:
    """Return the dialect that a `$schema` names, or None if it is not supported.

    >>> dialect_of("https://json-schema.org/draft-07/schema#").name
    'draft-07'
    """
    return next((each for each in DIALECTS if _plain(each.uri) == _plain(uri)), None)


def named_in(uri: str) -> Dialect | None:
    """Return the dialect whose name is a part of the URI of another meta-schema, or None if there is none.

    >>> named_in("https://json.schemastore.org/metaschema-draft-07-unofficial-strict.json").name
    'draft-07'
    """
    if "spec.openapis.org/oas/3.1/dialect" in uri:
        return DRAFT_2020_12
    words = {word for match in _NAMED.finditer(uri) for word in match.groups() if word}
    return next((each for each in DIALECTS if words == {each.name.removeprefix("draft-0")}), None)


def built_on(uri: str, read: Callable[[str], JsonValue]) -> Dialect | None:
    """Return the dialect that a meta-schema is built on, or None if it is not known.

    Args:
        uri: The URI of the meta-schema.
        read: The function that returns the meta-schema with a URI, or null if there is none.
    """
    found, seen, todo = named_in(uri), {uri}, [uri]
    while found is None and todo:
        value = read(todo.pop())
        bases = [*_bases(value)] if isinstance(value, dict) else []
        found = next(filter(None, map(dialect_of, bases)), None)
        todo += [each for each in bases if each not in seen]
        seen.update(bases)
    return found and _with_vocabularies(found, read(uri))


def _with_vocabularies(dialect: Dialect, meta: JsonValue) -> Dialect:
    """Return a dialect without the keywords whose vocabularies a meta-schema does not name."""
    named = meta.get("$vocabulary") if isinstance(meta, dict) else None
    if not isinstance(named, dict) or not knows(dialect, "$vocabulary"):
        return dialect
    names = {uri.rpartition("/vocab/")[2] for uri in named}
    left_out = frozenset(keyword for keyword in ASSERTIONS if _vocabulary(keyword, dialect) not in names)
    return replace(dialect, left_out=left_out - {*REFERENCES}, checks_formats="format-assertion" in names)


def _vocabulary(keyword: str, dialect: Dialect) -> str:
    """Return the name of the vocabulary of a keyword that can refuse a value."""
    if keyword.startswith("unevaluated") and dialect.number >= DRAFT_2020_12.number:
        return "unevaluated"
    return "applicator" if KEYWORDS[keyword].applied else "validation"


def _bases(meta: dict[str, JsonValue]) -> Iterator[str]:
    """Yield the URIs of the meta-schemas that a meta-schema names."""
    every = meta.get("allOf")
    parts = [
        ("$schema", meta),
        ("$ref", meta),
        *(("$ref", each) for each in (every if isinstance(every, list) else ())),
    ]
    for keyword, part in parts:
        uri = part.get(keyword) if isinstance(part, dict) else None
        if isinstance(uri, str):
            yield uri


def guessed(schema: JsonValue) -> Dialect:
    """Return the dialect of a file without `$schema`: the newest, unless it uses what only older ones have."""
    marks: set[str] = set()
    todo = [schema]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            marks.update(_marks(each))
            todo.extend(member for _, _, member in subschemas(each, None))
    if "recursion" in marks or {"2019", "array of items"} <= marks:
        return DRAFT_2019_09
    if "2019" in marks:
        return DRAFT_2020_12
    has_old_id = isinstance(schema, dict) and isinstance(schema.get("id"), str)
    if ((has_old_id or "old anchor" in marks) and "6" not in marks) or "boolean limit" in marks:
        return DRAFT_04
    return DRAFT_07 if marks - {"6", "old anchor"} else DRAFT_2020_12


def _marks(schema: dict[str, JsonValue]) -> Iterator[str]:
    """Yield what a schema uses of single dialects."""
    for keyword in schema.keys() & KNOWN:
        row = KEYWORDS[keyword]
        if keyword == "$defs" or row.since >= 2019:
            yield "recursion" if row.until == 2019 else "2019"
        elif keyword == "definitions" or 4 < row.until < 2020:
            yield "7"
        elif row.since >= 6:
            yield "6"
    if isinstance(schema.get("items"), list) and "prefixItems" not in schema:
        yield "array of items"
    if any(isinstance(schema.get(keyword), bool) for keyword in ("exclusiveMinimum", "exclusiveMaximum")):
        yield "boolean limit"
    identity = schema.get("id")
    if isinstance(identity, str) and _OLD_ANCHOR.fullmatch(identity):
        yield "old anchor"


def subschemas(
    schema: dict[str, JsonValue], dialect: Dialect | None
) -> Iterator[tuple[str, tuple[str, ...], JsonValue]]:
    """Yield the direct sub-schemas of a schema: keyword, steps to it, and its value, which may be no valid schema.

    Args:
        schema: The schema.
        dialect: The dialect of the schema; None to use the keywords of all dialects.
    """
    only_reference = dialect is not None and ignores_siblings(dialect) and isinstance(schema.get("$ref"), str)
    for keyword, argument in schema.items():
        holds = KEYWORDS[keyword].holds if keyword in KEYWORDS else ""
        if not holds or (dialect is not None and not knows(dialect, keyword)):
            continue
        if only_reference and keyword not in DEFINITIONS:
            continue
        if holds == "one" and (keyword != "items" or isinstance(argument, bool | dict)):
            yield keyword, (keyword,), argument
        elif isinstance(argument, list):
            is_tuple = keyword == "items" and (dialect is None or dialect.number <= 2019)
            for index, item in enumerate(argument if holds == "many" or is_tuple else ()):
                yield keyword, (keyword, str(index)), item
        elif isinstance(argument, dict) and holds == "named":
            for name, member in argument.items():
                if keyword != "dependencies" or not isinstance(member, list):
                    yield keyword, (keyword, name), member


def nullable_of(dialect: Dialect) -> str:
    """Return the keyword that allows null in a dialect: `nullable`, Swagger's extension `x-nullable`, or ""."""
    return "nullable" if dialect is OPENAPI_3_0 else "x-nullable" if dialect is SWAGGER_2_0 else ""


def is_nullable_as_a_whole(schema: JsonValue, dialect: Dialect) -> bool:
    """Return whether `nullable` adds null to a whole schema, because it has neither `type` nor `enum` to add it to.

    OpenAPI 3.0.0 to 3.0.2 say that it allows null for the schema. 3.0.3 says that it belongs to a `type`, but authors
    still write it beside `anyOf` and `allOf`, and send null.
    """
    if not isinstance(schema, dict) or schema.get(nullable_of(dialect)) is not True:
        return False
    is_reference = isinstance(schema.get("$ref"), str)
    return not is_reference and not schema.keys() & {"type", "enum"} and bool(schema.keys() & ASSERTIONS)


def ignores_siblings(dialect: Dialect) -> bool:
    """Return whether a dialect ignores the keywords beside a `$ref`."""
    return dialect.number <= 7


def _plain(uri: str) -> str:
    return uri.removeprefix("https://").removeprefix("http://").removesuffix("#")

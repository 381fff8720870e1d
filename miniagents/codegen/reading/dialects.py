"""The supported dialects of JSON Schema, and the places of sub-schemas in each of them.

A keyword that the dialect of a file does not know, but another dialect does, is refused by name. The standard would
ignore it, although its author must have meant something.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.validation.keywords import DEFINITIONS, KEYWORDS, KNOWN


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of JSON Schema.

    Attributes:
        name: The usual name of the dialect.
        uri: The value of `$schema`, which is compared without its scheme and fragment.
        number: A number that orders the dialects.
    """

    name: str
    uri: str
    number: int


DRAFT_06: Final = Dialect("draft-06", "http://json-schema.org/draft-06/schema#", 6)
DRAFT_07: Final = Dialect("draft-07", "http://json-schema.org/draft-07/schema#", 7)
DRAFT_2019_09: Final = Dialect("2019-09", "https://json-schema.org/draft/2019-09/schema", 2019)
DRAFT_2020_12: Final = Dialect("2020-12", "https://json-schema.org/draft/2020-12/schema", 2020)

DIALECTS: Final = (DRAFT_06, DRAFT_07, DRAFT_2019_09, DRAFT_2020_12)
"""The supported dialects."""


def knows(dialect: Dialect, keyword: str) -> bool:
    """Return whether a keyword means something in a dialect."""
    row = KEYWORDS.get(keyword)
    return row is not None and row.since <= dialect.number <= row.until


def dialect_of(uri: str) -> Dialect | None:
    """Return the dialect that a `$schema` names, or None if it is not supported.

    >>> dialect_of("https://json-schema.org/draft-07/schema#").name
    'draft-07'
    """
    return next((each for each in DIALECTS if _plain(each.uri) == _plain(uri)), None)


def guessed(schema: JsonValue) -> Dialect:
    """Return the dialect of a file without `$schema`: the newest, unless only older ones know its keywords."""
    has_definitions = False
    todo = [schema]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            has_definitions = has_definitions or "definitions" in each
            if "$defs" in each or any(KEYWORDS[keyword].since >= 2019 for keyword in each.keys() & KNOWN):
                return DRAFT_2020_12
            todo.extend(member for _, _, member in subschemas(each, None))
    return DRAFT_07 if has_definitions else DRAFT_2020_12


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


def ignores_siblings(dialect: Dialect) -> bool:
    """Return whether a dialect ignores the keywords beside a `$ref`."""
    return dialect.number <= 7


def _plain(uri: str) -> str:
    return uri.removeprefix("https://").removeprefix("http://").removesuffix("#")

"""Check that schemas are valid: each is checked against the meta-schema of its dialect.

Keywords that a dialect does not have are annotations, as the standard says. Those of other dialects, and those that
resemble a keyword, are reported: the author must have meant something else.

The package `jsonschema` contains the meta-schemas. It checks one schema at a time, without its sub-schemas and data, so
neither depth nor size is a danger. What is left of most schemas of a file is the same, so results are cached.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.reading.dialects import (
    DRAFT_04,
    DRAFT_06,
    DRAFT_07,
    DRAFT_2019_09,
    OPENAPI_3_0,
    SWAGGER_2_0,
    Dialect,
    ignores_siblings,
    is_nullable_as_a_whole,
    knows,
)
from miniagents.codegen.reading.registry import Site
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import Reading
from miniagents.validation.keywords import COUNTS, DOCUMENTATION, HINTS, IDENTITY, KEYWORDS, KNOWN, MANY, ONE, TYPE

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_NO_TYPES: Final = {
    "any": 'remove "type"',
    **dict.fromkeys(("str", "text", "date", "datetime", "char"), 'write "string"'),
    **dict.fromkeys(("float", "double", "decimal"), 'write "number"'),
    **dict.fromkeys(("int", "long"), 'write "integer"'),
    "bool": 'write "boolean"',
    **dict.fromkeys(("dict", "map"), 'write "object"'),
    **dict.fromkeys(("list", "tuple", "set"), 'write "array"'),
    **dict.fromkeys(("None", "nil", "undefined"), 'write "null"'),
}


class Metaschemas:
    """Checks schemas against the meta-schemas of their dialects.

    Args:
        reading: Which unknown keywords are refused, and which are not reported.

    Raises:
        GenerationError: The package is not installed.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._validators = _validators()
        self._known: dict[str, tuple[str, ...]] = {}
        self._meant = _misspellings()
        self._doubtful: dict[tuple[str, str, str], list[Problem]] = {}

    def problems(self, site: Site) -> Iterator[Problem]:
        """Yield the problems of one schema, without its sub-schemas."""
        schema = site.members
        if ignores_siblings(site.dialect) and isinstance(schema.get("$ref"), str):
            return  # the standard ignores the keywords beside `$ref`, even invalid ones
        for keyword in self._violated(schema, site.dialect):
            wrong, remedy = _explained(keyword, schema, site.dialect)
            problem = site.at(keyword).problem(keyword, wrong, remedy)
            if keyword in DOCUMENTATION and not self._reading.strict_keywords:  # it refuses nothing; it is left out
                self._doubtful.setdefault((problem.file, keyword, wrong), []).append(problem)
            else:
                yield problem
        for keyword, value in schema.items():
            if _is_newer_limit(keyword, value, site.dialect):
                remedy = f'write "$schema": "{DRAFT_06.uri}" at the root, or true here and "minimum" or "maximum"'
                problem = site.at(keyword).problem(keyword, "is a number as in draft-06, and read as such", remedy)
                self._doubtful.setdefault((problem.file, keyword, problem.wrong), []).append(problem)
            if knows(site.dialect, keyword) or keyword in self._reading.ignored_keywords:
                continue
            found = self._unknown(keyword, site)
            if found is None:
                continue
            wrong, remedy = found
            problem = site.at(keyword).problem(keyword, wrong, f"{remedy} (--ignore-keyword {keyword} accepts it)")
            if self._reading.strict_keywords or keyword.lower() == HINTS:
                yield problem
            else:
                self._doubtful.setdefault((problem.file, keyword, wrong), []).append(problem)

    def warnings(self) -> Iterator[Problem]:
        """Yield a warning for each unknown keyword of each file, with its first place."""
        for first, *others in self._doubtful.values():
            more = f" ({len(others) + 1} times)" if others else ""
            yield replace(first, wrong=f"{first.wrong}{more}")

    def _unknown(self, keyword: str, site: Site) -> tuple[str, str] | None:
        """Return what is wrong with a keyword that the dialect does not have, and what to write; None if nothing is."""
        dialect = site.dialect
        if keyword in dialect.left_out:
            return "the meta-schema does not name its vocabulary, so it is ignored", "remove it"
        if keyword in KNOWN:
            wrong = f"{dialect.name} has no such keyword and ignores it"
            remedy = KEYWORDS[keyword].instead or 'remove it, or write "$schema": ".../2020-12/schema" at the root'
            return wrong, remedy
        if keyword == "nullable":
            if dialect is OPENAPI_3_0:
                values = site.members.get("enum")
                is_added = isinstance(values, list) and None not in values and site.members[keyword] is True
                wrong = "OpenAPI 3.0.3 adds null to a type alone; it is read as null for the whole schema"
                remedy = 'write null into "enum", or "type" beside it'
                return (wrong, remedy) if is_added or is_nullable_as_a_whole(site.value, dialect) else None
            remedy = 'write "type": [..., "null"], or "anyOf": [..., {"type": "null"}]'
            wrong = "JSON Schema has no such keyword and ignores it"
            return None if site.members[keyword] is False else (wrong, remedy)
        if keyword.startswith("x-") and keyword.lower() != HINTS:
            return None
        meant = self._meant_by(keyword)
        if meant is not None:
            return "unknown keyword", f'did you mean "{meant}"?'
        return (
            ("unknown keyword", f'write "x-{keyword}" if it is a note of yours')
            if self._reading.strict_keywords
            else None
        )

    def _meant_by(self, keyword: str) -> str | None:
        """Return the keyword that a misspelt one resembles, or None.

        It may have one character too many or too few, a wrong character, or two characters in the wrong order.
        """
        for each in _shortened(keyword):
            meant = self._meant.get(each)
            if meant is not None and (len(meant) > 3 or each == keyword.lower()):
                return meant
        return None

    def _violated(self, schema: dict[str, JsonValue], dialect: Dialect) -> tuple[str, ...]:
        """Return the keywords that the meta-schema refuses."""
        stub = {key: _stub(key, value, dialect) for key, value in schema.items() if knows(dialect, key)}
        text = f"{dialect.name} {json.dumps(stub)}"
        if text not in self._known:
            errors = self._validators[dialect.name].iter_errors(stub)
            # An error of the whole stub is that of a keyword without its companion, such as a limit without its flag.
            found = (str(error.absolute_path[0]) for error in errors if error.absolute_path)
            self._known[text] = tuple(dict.fromkeys(found))
        return self._known[text]


def _validators() -> "Mapping[str, Validator]":
    try:
        import jsonschema  # noqa: PLC0415 - an extra
    except ImportError:
        remedy = "install it: pip install 'miniagents[codegen]'"
        wrong = "reading schemas needs the package jsonschema"
        raise GenerationError((Problem("jsonschema", 0, 0, "", "", wrong, remedy),)) from None
    kinds = {
        **dict.fromkeys((DRAFT_04, OPENAPI_3_0, SWAGGER_2_0), jsonschema.Draft4Validator),
        DRAFT_06: jsonschema.Draft6Validator,
        DRAFT_07: jsonschema.Draft7Validator,
        DRAFT_2019_09: jsonschema.Draft201909Validator,
    }
    latest = jsonschema.Draft202012Validator
    return {"2020-12": latest(latest.META_SCHEMA)} | {each.name: kind(kind.META_SCHEMA) for each, kind in kinds.items()}


def _stub(keyword: str, value: JsonValue, dialect: Dialect) -> JsonValue:
    """Return a small value for which the meta-schema gives the same result as for the argument of a keyword."""
    if keyword in MANY or (keyword == "items" and isinstance(value, list) and dialect.number <= 2019):
        return [{} for _ in value[:1]] if isinstance(value, list) else _kind(value)
    if keyword in ONE:
        return {} if isinstance(value, bool | dict) else _kind(value)
    if keyword == "required":
        return _names(value) or ([""] if isinstance(value, list) else value)  # draft-04 has at least one, in vain
    if keyword in {"dependentRequired", "dependencies"} and isinstance(value, dict):
        lists = (_names(names) for names in value.values() if keyword != "dependencies" or isinstance(names, list))
        return {str(place): stub for place, stub in enumerate(lists) if stub != []}
    if keyword in {"type", "enum"} and isinstance(value, list):
        return value[:20] if keyword == "type" else [None]
    if keyword in {"const", "default"}:
        return None
    if _is_newer_limit(keyword, value, dialect):
        return True
    if keyword in COUNTS and isinstance(value, float) and value.is_integer():
        return int(value)  # 3.0 is no integer in draft-04
    if isinstance(value, str) and (keyword == "type" or keyword in IDENTITY):
        return value
    return _kind(value)


def _is_newer_limit(keyword: str, value: JsonValue, dialect: Dialect) -> bool:
    """Return whether a limit of draft-04 is a number, although that dialect has a flag instead."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and dialect.number < DRAFT_06.number and keyword in {"exclusiveMinimum", "exclusiveMaximum"}


def _kind(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return ""
    if isinstance(value, list):
        return []
    return {} if isinstance(value, dict) else value


def _names(value: JsonValue) -> JsonValue:
    if not isinstance(value, list):
        return _kind(value)
    if all(isinstance(each, str) for each in value):
        return [] if len({str(each) for each in value}) == len(value) else ["", ""]
    return [0]


def _explained(keyword: str, schema: dict[str, JsonValue], dialect: Dialect) -> tuple[str, str]:
    """Return what is wrong with the argument of a keyword, and what to write instead."""
    value = schema.get(keyword)
    if keyword in {"exclusiveMinimum", "exclusiveMaximum"} and isinstance(value, bool):
        inclusive = keyword.replace("exclusiveM", "m")
        limit = schema.get(inclusive)
        if not value or isinstance(limit, bool) or not isinstance(limit, int | float):
            return "is no number, but true or false as in draft-04", "remove it"
        remedy = f'write "{keyword}": {limit} and no "{inclusive}"'
        return "is no number, but true or false as in draft-04", remedy
    if keyword == "type" and isinstance(value, str):
        return f"{value[:60]} is none of JSON's types", _NO_TYPES.get(value, TYPE.remedy)
    if keyword == "required" and isinstance(value, bool):
        return "is true or false as in draft-03", 'write the name at the object: "required": ["name"]'
    if keyword == "items" and isinstance(value, list):
        return "is an array as in older dialects", 'write "prefixItems": [...], and "items" for those behind'
    if keyword == "$id" and isinstance(value, str):
        return "has a fragment", f'write "$anchor": "{value.partition("#")[2][:60]}"'
    form = KEYWORDS[keyword].argument
    if not form.wrong:
        return f"is not as {dialect.name} has it", "correct it"
    return form.wrong, form.remedy or f"write {form.expected}"


def _shortened(word: str) -> Iterator[str]:
    """Yield a word and its variants with one character left out, in lower case."""
    word = word.lower()
    yield word
    if len(word) <= 30:
        yield from (word[:place] + word[place + 1 :] for place in range(len(word)))


def _misspellings() -> dict[str, str]:
    """Return the known keywords by their variants with at most one character left out; short keywords have none."""
    found: dict[str, str] = {}
    for keyword in sorted(KNOWN):
        for each in _shortened(keyword) if len(keyword) > 3 else (keyword,):
            found.setdefault(each, keyword)
    found |= {keyword.lower().lstrip("$"): keyword for keyword in sorted(KNOWN) if keyword.startswith("$")}
    return found | {keyword.lower(): keyword for keyword in sorted(KNOWN)}

"""Survey schemas before they are compiled, and refuse those that cannot be checked.

All later steps can rely on this: keywords have arguments of the right form, references have targets, and no schema
refers to itself endlessly.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from miniagents.validation.formats import FORMATS, is_checked
from miniagents.validation.keywords import IN_PLACE, KEYWORDS, ONE, Keyword
from miniagents.validation.values import JsonValue, is_array, is_object, shown

__all__ = ["UnsupportedSchemaError"]

PREFIX: Final = "#/$defs/"
_DEEPEST: Final = 64
_CHECKED: Final[dict[str, Keyword]] = {
    name: each for name, each in KEYWORDS.items() if each.role == "assertion" and each.until == 2020
}
"""The keywords that can refuse a value. All others are notes, and so is a `format` that is not checked."""


class UnsupportedSchemaError(Exception):
    """A schema that cannot be checked.

    Attributes:
        definition: The name of the definition.
        pointer: The JSON pointer in the definition to the schema with the keyword; "" is the whole definition.
        keyword: The wrong keyword; "" if the schema itself is wrong.
        reason: What is wrong with the keyword or the schema.
    """

    def __init__(self, definition: str, pointer: str, keyword: str, reason: str) -> None:
        self.definition: str = definition
        self.pointer: str = pointer
        self.keyword: str = keyword
        self.reason: str = reason
        super().__init__(": ".join(part for part in (definition, f"#{pointer}", keyword, reason) if part))


class Reference(NamedTuple):
    """A `$ref` in a definition."""

    target: str
    """The name of the definition that it refers to."""
    pointer: str
    depth: int
    """The number of schemas around it that apply to the same value."""
    is_in_place: bool
    """Whether it applies to the value of the whole definition, rather than to a part of that value."""


class Surveyed(NamedTuple):
    """The result of the survey of one definition."""

    problems: tuple[UnsupportedSchemaError, ...]
    references: tuple[Reference, ...]
    """References to definitions; references to predicates are left out."""


_REFUSED: Final = {
    "$dynamicRef": "what it refers to depends on who refers to it; write a $ref to the definition that is meant",
    "$recursiveRef": "it is of an older JSON Schema; write a $ref to the definition that is meant",
    "$id": "it changes what references mean; they are to be resolved beforehand",
}


def target_of(reference: str) -> str:
    """Return the name of the definition that a `$ref` refers to, or the reference itself if it has another form."""
    return reference.removeprefix(PREFIX)


def escaped(name: str) -> str:
    """Escape a name for a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def subschemas(schema: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:  # Any: schemas, if their form is right
    """Yield the direct sub-schemas of a schema: keyword, JSON pointer from this schema, sub-schema."""
    for keyword, argument in schema.items():
        row = _CHECKED.get(keyword)
        if row is None or (row.beside and row.beside not in schema):
            continue
        if row.holds == "one":
            yield keyword, f"/{keyword}", argument
        elif row.holds == "many" and is_array(argument):
            for place, item in enumerate(argument):
                yield keyword, f"/{keyword}/{place}", item
        elif row.holds == "named" and is_object(argument):
            for name, member in argument.items():
                yield keyword, f"/{keyword}/{escaped(name)}", member


def at_pointer(schema: JsonValue, pointer: str) -> JsonValue:
    """Return the value at a JSON pointer.

    Raises:
        KeyError: There is no value at the pointer.
    """
    place = schema
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict):
            place = place[key]
        elif isinstance(place, list) and key.isdecimal() and int(key) < len(place):
            place = place[int(key)]
        else:
            raise KeyError(pointer)
    return place


class Surveyor:
    """Surveys definitions and caches the results."""

    def __init__(self, definitions: Mapping[str, JsonValue], predicates: Collection[str]) -> None:
        self._definitions = definitions
        self._predicates = predicates
        self._surveyed: dict[str, Surveyed] = {}
        self._good: set[str] = set()

    def surveyed(self, name: str) -> Surveyed:
        """Return the result of the survey of a definition."""
        if name not in self._surveyed:
            self._surveyed[name] = self._survey(name)
        return self._surveyed[name]

    def ensure(self, name: str) -> None:
        """Survey a definition and all definitions that it refers to, directly or indirectly.

        Raises:
            UnsupportedSchemaError: One of the definitions cannot be checked.
        """
        todo, reached = [name], {name}
        while todo:
            current = todo.pop()
            if current in self._good:
                continue
            surveyed = self.surveyed(current)
            if surveyed.problems:
                raise surveyed.problems[0]
            new = [each.target for each in surveyed.references if each.target not in reached]
            reached.update(new)
            todo += dict.fromkeys(new)
        for problem in self._endless(sorted(reached - self._good)):
            raise problem
        self._good |= reached

    def problems(self) -> tuple[UnsupportedSchemaError, ...]:
        """Return the errors of all keywords and schemas that cannot be checked, in all definitions."""
        found = [problem for name in self._definitions for problem in self.surveyed(name).problems]
        return (*found, *self._endless(self._definitions))

    def _survey(self, name: str) -> Surveyed:
        problems: list[UnsupportedSchemaError] = []
        references: list[Reference] = []
        todo: list[tuple[Any, str, str, int, bool]] = [(self._definitions[name], "", "", 0, True)]  # Any: schemas
        while todo:
            schema, pointer, within, depth, is_in_place = todo.pop()
            if isinstance(schema, bool):
                continue
            if not is_object(schema):
                if within not in ONE:  # otherwise the keyword was already refused for its form
                    problems.append(UnsupportedSchemaError(name, pointer, within, f"{shown(schema)} is no schema"))
                continue
            if depth == _DEEPEST:
                reason = f"more than {_DEEPEST} schemas for one value are nested here"
                problems.append(UnsupportedSchemaError(name, pointer, within, reason))
                continue
            wrong = list(self._wrong(schema))
            problems += (UnsupportedSchemaError(name, pointer, keyword, reason) for keyword, reason in wrong)
            reference = schema.get("$ref")
            if not wrong and isinstance(reference, str) and reference not in self._predicates:
                references.append(Reference(target_of(reference), pointer, depth, is_in_place))
            for keyword, path, subschema in reversed(list(subschemas(schema))):
                stays = keyword in IN_PLACE
                todo.append((subschema, pointer + path, keyword, depth + 1 if stays else 0, stays and is_in_place))
        return Surveyed(tuple(problems), tuple(references))

    def _wrong(self, schema: dict[str, Any]) -> Iterator[tuple[str, str]]:  # Any: any JSON
        for keyword, argument in schema.items():
            if keyword in _REFUSED:
                yield keyword, _REFUSED[keyword]
            elif keyword in _CHECKED and not _CHECKED[keyword].argument.fits(argument):
                yield keyword, f"expected {_CHECKED[keyword].argument.expected}; got {shown(argument)}"
            elif keyword in {"pattern", "patternProperties"}:
                for pattern in [argument] if isinstance(argument, str) else argument:
                    if not _is_pattern(pattern):
                        yield keyword, f"{shown(pattern)} is no regular expression of Python"
            elif keyword == "$ref" and argument not in self._predicates:
                name = target_of(argument)
                if name not in self._definitions or (name == argument and not argument.startswith("miniagents:")):
                    yield keyword, f'{shown(argument)} is not known; write "{PREFIX}" and the name of a definition'
        if is_checked(schema) and not (isinstance(schema["format"], str) and schema["format"] in FORMATS):
            known = ", ".join(FORMATS)
            yield "format", f"{shown(schema['format'])} cannot be checked; known are {known}"

    def _endless(self, names: Collection[str]) -> Iterator[UnsupportedSchemaError]:
        """Yield references that lead back to their own definition for the same value, or that are nested too deep."""
        depths: dict[str, int] = {}
        for start in names:
            path: list[str] = []
            todo: list[tuple[str, bool]] = [(start, False)]
            while todo:
                name, is_left = todo.pop()
                own = [each for each in self._references_in_place(name) if each.target in self._definitions]
                if is_left:
                    path.pop()
                    depths[name] = max([each.depth + 1 + depths.get(each.target, 0) for each in own], default=0)
                    if depths[name] > _DEEPEST and all(depths.get(each.target, 0) <= _DEEPEST for each in own):
                        reason = f"more than {_DEEPEST} references for one value lead on from here"
                        yield UnsupportedSchemaError(name, own[0].pointer, "$ref", reason)
                    continue
                if name in depths:
                    continue
                depths[name] = 0
                path.append(name)
                todo.append((name, True))
                for each in own:
                    if each.target in path:
                        circle = " -> ".join([*path[path.index(each.target) :], each.target])
                        yield UnsupportedSchemaError(
                            name, each.pointer, "$ref", f"refers to itself without end: {circle}"
                        )
                todo += [(each.target, False) for each in own]

    def _references_in_place(self, name: str) -> list[Reference]:
        return [each for each in self.surveyed(name).references if each.is_in_place]


def _is_pattern(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError, ValueError):  # the last is about numbers with thousands of digits
        return False
    return True

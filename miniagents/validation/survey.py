"""A look at a schema before it is compiled: what cannot be checked is refused here, by name.

All that comes later can rely on it: keywords have arguments of the right form, references are known, and no schema
refers to itself without end.
"""

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from miniagents.validation.formats import FORMATS, is_checked
from miniagents.validation.values import TYPES, JsonValue, is_array, is_object, shown

__all__ = ["UnsupportedSchemaError"]

PREFIX: Final = "#/$defs/"
_DEEPEST: Final = 64
_ONE: Final = frozenset(
    {
        *("not", "if", "then", "else", "additionalProperties", "propertyNames", "items", "contains"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
_MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
_IN_PLACE: Final = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
"""Keywords whose schemas are applied to the value itself."""


class UnsupportedSchemaError(Exception):
    """A schema that cannot be checked.

    Attributes:
        definition: The name of the definition.
        pointer: JSON pointer within it to the schema with the keyword; "" is the whole.
        keyword: The keyword that is at fault; "" where the schema itself is.
        reason: What is wrong with it.
    """

    def __init__(self, definition: str, pointer: str, keyword: str, reason: str) -> None:
        self.definition: str = definition
        self.pointer: str = pointer
        self.keyword: str = keyword
        self.reason: str = reason
        super().__init__(": ".join(part for part in (definition, f"#{pointer}", keyword, reason) if part))


class Reference(NamedTuple):
    """A `$ref`."""

    target: str
    """The name of a definition."""
    pointer: str
    depth: int
    """In how many schemas for the same value it stands."""
    is_in_place: bool
    """Whether that is the value of the whole definition."""


class Surveyed(NamedTuple):
    """What is known of one definition."""

    problems: tuple[UnsupportedSchemaError, ...]
    references: tuple[Reference, ...]
    """To definitions; those to predicates are left out."""


# --- the forms of arguments ---


def _is_number(value: Any) -> bool:  # Any: any JSON
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:  # Any: any JSON
    return _is_number(value) and value >= 0 and value == int(value)


def _is_names(value: object) -> bool:
    return is_array(value) and all(isinstance(name, str) for name in value)


def _is_type(value: object) -> bool:
    names = value if is_array(value) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _is_dependencies(value: object) -> bool:
    return is_object(value) and all(_is_names(names) for names in value.values())


def _is_schema(value: object) -> bool:
    return isinstance(value, bool | dict)


def _is_schemas(value: object) -> bool:
    return is_array(value) and bool(value)


_Form: TypeAlias = tuple[Callable[[Any], bool], str]  # Any: any JSON
_NUMBER: Final[_Form] = (_is_number, "a number")
_COUNT: Final[_Form] = (_is_count, "an integer from 0 on")
_FORMS: Final[dict[str, _Form]] = {
    "type": (_is_type, f"one of {', '.join(TYPES)}, or a list of them"),
    "enum": (is_array, "an array"),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"), _COUNT),
    **dict.fromkeys(("minProperties", "maxProperties"), _COUNT),
    "pattern": (lambda value: isinstance(value, str), "a regular expression"),
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    "required": (_is_names, "an array of names"),
    "dependentRequired": (_is_dependencies, "an object of arrays of names"),
    **dict.fromkeys(sorted(_ONE), (_is_schema, "a schema")),
    **dict.fromkeys(sorted(_MANY), (_is_schemas, "an array of schemas")),
    **dict.fromkeys(sorted(_NAMED), (is_object, "an object of schemas")),
    "$ref": (lambda value: isinstance(value, str), "a reference"),
}
_REFUSED: Final = {
    "$dynamicRef": "what it refers to depends on who refers to it; write a $ref to the definition that is meant",
    "$recursiveRef": "it is of an older JSON Schema; write a $ref to the definition that is meant",
    "$id": "it changes what references mean; they are to be resolved beforehand",
}


def target_of(reference: str) -> str:
    """Return the name of what a `$ref` refers to: of a definition, or as it is."""
    return reference.removeprefix(PREFIX)


def escaped(name: str) -> str:
    """Return a name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def subschemas(schema: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:  # Any: schemas, if their form is right
    """Yield the schemas right within one: keyword, JSON pointer from here, schema."""
    for keyword, argument in schema.items():
        if keyword in _ONE and (keyword not in {"then", "else"} or "if" in schema):
            yield keyword, f"/{keyword}", argument
        elif keyword in _MANY and is_array(argument):
            for place, item in enumerate(argument):
                yield keyword, f"/{keyword}/{place}", item
        elif keyword in _NAMED and is_object(argument):
            for name, member in argument.items():
                yield keyword, f"/{keyword}/{escaped(name)}", member


def at_pointer(schema: JsonValue, pointer: str) -> JsonValue:
    """Return what lies at a JSON pointer.

    Raises:
        KeyError: Nothing lies there.
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
    """Surveys definitions, each once."""

    def __init__(self, definitions: Mapping[str, JsonValue], predicates: Collection[str]) -> None:
        self._definitions = definitions
        self._predicates = predicates
        self._surveyed: dict[str, Surveyed] = {}
        self._good: set[str] = set()

    def surveyed(self, name: str) -> Surveyed:
        """Return what is known of a definition."""
        if name not in self._surveyed:
            self._surveyed[name] = self._survey(name)
        return self._surveyed[name]

    def ensure(self, name: str) -> None:
        """Survey a definition and all that it refers to.

        Raises:
            UnsupportedSchemaError: One of them cannot be checked.
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
        """Return everything that cannot be checked in any definition."""
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
                if within not in _ONE:  # otherwise the keyword has been refused for its form
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
                stays = keyword in _IN_PLACE
                todo.append((subschema, pointer + path, keyword, depth + 1 if stays else 0, stays and is_in_place))
        return Surveyed(tuple(problems), tuple(references))

    def _wrong(self, schema: dict[str, Any]) -> Iterator[tuple[str, str]]:  # Any: any JSON
        for keyword, argument in schema.items():
            if keyword in _REFUSED:
                yield keyword, _REFUSED[keyword]
            elif keyword in _FORMS and not _FORMS[keyword][0](argument):
                yield keyword, f"expected {_FORMS[keyword][1]}; got {shown(argument)}"
            elif keyword in {"pattern", "patternProperties"}:
                for pattern in [argument] if isinstance(argument, str) else argument:
                    if not _is_pattern(pattern):
                        yield keyword, f"{shown(pattern)} is no regular expression of Python"
            elif keyword == "$ref" and argument not in self._predicates:
                name = target_of(argument)
                if name not in self._definitions or (name == argument and not argument.startswith("miniagents:")):
                    yield keyword, f'{shown(argument)} is not known; write "{PREFIX}" and the name of a definition'
        if is_checked(schema) and schema["format"] not in FORMATS:
            known = ", ".join(FORMATS)
            yield "format", f"{shown(schema['format'])} cannot be checked; known are {known}"

    def _endless(self, names: Collection[str]) -> Iterator[UnsupportedSchemaError]:
        """Yield references that come back to the definition they stand in, for the same value, or go too deep."""
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
    except (re.error, OverflowError, RecursionError):
        return False
    return True

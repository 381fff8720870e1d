"""Quick facts about a normalised schema: its types, its values, its references.

`lint` and `diff` share them. Nothing here decides whether a value fits a schema. All answers are certain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from miniagents.codegen.documents import JsonValue, Place, escape
from miniagents.codegen.reading.bundle import Definition
from miniagents.codegen.reading.normalising import text_of
from miniagents.validation.keywords import ASSERTIONS, FORMAT_CHOICE, MANY, NAMED, ONE

KINDS: Final = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""Kinds of values that do not overlap: a number is either an integer or a fraction."""

REFERENCE: Final = "#/$defs/"
"""The prefix of references between definitions."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A schema inside a definition.

    Attributes:
        definition: The definition.
        pointer: The JSON pointer in its normalised schema.
        schema: The schema.
    """

    definition: Definition
    pointer: str
    schema: JsonValue

    @property
    def members(self) -> dict[str, JsonValue]:
        """The keywords of the schema; none for true and false."""
        return self.schema if isinstance(self.schema, dict) else {}

    def place(self, *steps: str) -> Place:
        """Return the place of the schema in its file, or of a part of it at some steps."""
        origins = self.definition.origins
        known, rest = self.pointer, ""
        while known not in origins and known:
            known, _, step = known.rpartition("/")
            rest = f"/{step}{rest}"
        origin = origins.get(known, self.definition.place)
        return Place(origin.document, "/".join((f"{origin.pointer}{rest}", *map(escape, steps))))

    def child(self, keyword: str, step: str | int | None = None) -> "Spot":
        """Return the sub-schema at a keyword, or at a name or an index in the value of the keyword."""
        value = self.members[keyword]
        pointer = f"{self.pointer}/{escape(keyword)}"
        if isinstance(value, dict) and isinstance(step, str):
            return Spot(self.definition, f"{pointer}/{escape(step)}", value[step])
        if isinstance(value, list) and isinstance(step, int):
            return Spot(self.definition, f"{pointer}/{step}", value[step])
        return Spot(self.definition, pointer, value)

    def many(self, keyword: str) -> "list[Spot]":
        """Return the sub-schemas in the array of a keyword; none if the keyword is missing."""
        value = self.members.get(keyword)
        return [self.child(keyword, index) for index in range(len(value) if isinstance(value, list) else 0)]

    def named(self, keyword: str) -> "dict[str, Spot]":
        """Return the sub-schemas in the object of a keyword, by name; none if the keyword is missing."""
        value = self.members.get(keyword)
        return {name: self.child(keyword, name) for name in (value if isinstance(value, dict) else {})}

    def member(self, keyword: str, name: str) -> "Spot | None":
        """Return the sub-schema of a name in the object of a keyword, or None."""
        value = self.members.get(keyword)
        return self.child(keyword, name) if isinstance(value, dict) and name in value else None

    def one(self, keyword: str) -> "Spot":
        """Return the sub-schema at a keyword, or the schema true if the keyword is missing."""
        if keyword in self.members:
            return self.child(keyword)
        return Spot(self.definition, f"{self.pointer}/{keyword}", True)

    def inner(self) -> "Iterator[Spot]":
        """Yield the direct sub-schemas."""
        for keyword, value in self.members.items():
            if keyword not in ASSERTIONS:
                continue
            if keyword in ONE:
                yield self.child(keyword)
            elif keyword in MANY and isinstance(value, list):
                yield from self.many(keyword)
            elif keyword in NAMED:
                yield from self.named(keyword).values()

    def within(self) -> "Iterator[Spot]":
        """Yield the schema and all schemas inside it, in the order of the file."""
        todo: list[Spot] = [self]
        while todo:
            spot = todo.pop()
            yield spot
            todo.extend(reversed([*spot.inner()]))


Spots = Mapping[str, Spot]
"""The schemas of the definitions of a bundle, by name."""


def spots_of(definitions: Mapping[str, Definition]) -> dict[str, Spot]:
    """Return the schemas of definitions by name."""
    return {name: Spot(each, "", each.schema) for name, each in definitions.items()}


def names_in(value: JsonValue) -> list[str]:
    """Return the strings in an array; none if the value is not an array."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def reference_of(spot: Spot) -> str | None:
    """Return the name of the definition that a schema refers to, or the whole reference to a type of the library."""
    reference = spot.members.get("$ref")
    return reference.removeprefix(REFERENCE) if isinstance(reference, str) else None


def constrains(spot: Spot) -> bool:
    """Return whether a schema may refuse any value."""
    return spot.schema is False or bool(asserted(spot))


def asserted(spot: Spot) -> dict[str, JsonValue]:
    """Return the keywords of a schema that may refuse values."""
    return {
        keyword: value
        for keyword, value in spot.members.items()
        if keyword in ASSERTIONS or (keyword == "format" and is_checked(spot))
    }


def is_checked(spot: Spot) -> bool:
    """Return whether the `format` of a schema is checked, rather than being a note."""
    return "format" in spot.members and spot.members.get(FORMAT_CHOICE) in {"checked", "typed"}


def followed(spot: Spot, spots: Spots) -> Spot:
    """Follow a schema that is only a reference, and return its target; return any other schema itself."""
    seen: set[str] = set()
    while asserted(spot).keys() == {"$ref"}:
        name = reference_of(spot)
        if name is None or name in seen or name not in spots:
            break
        seen.add(name)
        spot = spots[name]
    return spot


def parts(spot: Spot, spots: Spots) -> list[Spot]:
    """Return all schemas that a value must fit to fit a schema: itself, its references, its `allOf`."""
    found: list[Spot] = []
    todo, seen = [spot], set[tuple[str, str]]()
    while todo:
        each = todo.pop()
        if (each.definition.name, each.pointer) in seen:
            continue
        seen.add((each.definition.name, each.pointer))
        found.append(each)
        todo.extend(reversed(each.many("allOf")))
        name = reference_of(each)
        if name is not None and name in spots:
            todo.append(spots[name])
    return found


def kind_of(value: JsonValue) -> str:
    """Return the kind of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "fraction"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def kinds_named(word: str) -> tuple[str, ...]:
    """Return the kinds of the values of a type of JSON Schema.

    >>> kinds_named("number"), kinds_named("array")
    (('integer', 'fraction'), ('array',))
    """
    return ("integer", "fraction") if word == "number" else (word,)


def own_kinds(spot: Spot) -> frozenset[str]:
    """Return the kinds of values that `type`, `const` and `enum` of a schema allow."""
    if spot.schema is False:
        return frozenset()
    kinds = KINDS
    declared = spot.members.get("type")
    if declared is not None:
        words = names_in(declared if isinstance(declared, list) else [declared])
        kinds = KINDS & frozenset(kind for word in words for kind in kinds_named(word))
    for keyword in ("const", "enum"):
        if keyword in spot.members:
            value = spot.members[keyword]
            listed = value if keyword == "enum" and isinstance(value, list) else [value]
            kinds &= {kind_of(each) for each in listed}
    return kinds


def own_values(spot: Spot) -> dict[str, JsonValue] | None:
    """Return the values that `type`, `const` and `enum` allow, by a text for each; None if they are not listed."""
    members = spot.members
    found: dict[str, JsonValue] | None = None
    for keyword in ("const", "enum"):
        if keyword in members:
            value = members[keyword]
            listed = value if keyword == "enum" and isinstance(value, list) else [value]
            known = {same_text(each): each for each in listed}
            found = known if found is None else {text: each for text, each in known.items() if text in found}
    if found is None and spot.schema is not False and (kinds := own_kinds(spot)) <= {"null", "boolean"}:
        found = {"null": None} if "null" in kinds else {}
        found |= {"false": False, "true": True} if "boolean" in kinds else {}
    if found is None:
        return None
    kinds = own_kinds(spot)
    return {text: value for text, value in found.items() if kind_of(value) in kinds}


def same_text(value: JsonValue) -> str:
    """Return a text that is the same for values that are equal in JSON Schema, and different for all others."""
    return text_of(_plain(value))


def _plain(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def kinds_of(spot: Spot, spots: Spots, depth: int = 12) -> frozenset[str]:
    """Return the kinds of values that a schema may accept: all that it accepts, and possibly more."""
    kinds = KINDS
    for part in parts(spot, spots):
        kinds &= own_kinds(part)
        for keyword in ("anyOf", "oneOf"):
            if keyword in part.members and depth:
                kinds &= frozenset[str]().union(*(kinds_of(each, spots, depth - 1) for each in part.many(keyword)))
    return kinds


def is_closed(spot: Spot) -> bool:
    """Return whether a schema refuses properties that it does not declare."""
    return spot.members.get("additionalProperties") is False or spot.members.get("unevaluatedProperties") is False


def required(spot: Spot, spots: Spots) -> set[str]:
    """Return the properties that a schema certainly requires."""
    return {name for part in parts(spot, spots) for name in names_in(part.members.get("required"))}


def property_of(spot: Spot, name: str, spots: Spots) -> list[Spot]:
    """Return the schemas that certainly apply to a property."""
    found = (part.member("properties", name) for part in parts(spot, spots))
    return [each for each in found if each is not None]


def tag_values(spot: Spot, spots: Spots) -> dict[str, str]:
    """Return the required properties of a schema that allow only one value, each with a text for that value."""
    found: dict[str, str] = {}
    for name in sorted(required(spot, spots)):
        for each in property_of(spot, name, spots):
            values = own_values(followed(each, spots))
            if values is not None and len(values) == 1:
                found[name] = next(iter(values))
    return found

"""Rules for the shape of types: missing details, ambiguous unions, and repeated or unused definitions."""

from collections.abc import Iterator

from miniagents.codegen.documents import Place
from miniagents.codegen.linting.lint_context import Context, Finding, is_public, is_type, step_of
from miniagents.codegen.reading.bundle import Definition
from miniagents.codegen.reading.disjoint import disjoint, message_of
from miniagents.codegen.reading.normalising import text_of
from miniagents.codegen.reading.views import (
    KINDS,
    Spot,
    asserted,
    kinds_of,
    names_in,
    parts,
    property_of,
    reference_of,
    tag_values,
)
from miniagents.codegen.shown import listed, shown
from miniagents.validation.keywords import ABOUT, HINTS, OF_ITEMS, SOMETIMES


def type_missing(context: Context) -> Iterator[Finding]:
    """Yield schemas that restrict values of one type, but allow all other types."""
    for spot in context.schemas:
        keywords = asserted(spot)
        if keywords and is_type(spot) and not keywords.keys() & ABOUT[None]:
            word = '"type": "object"' if keywords.keys() & ABOUT["object"] else '"type"'
            wrong = f"{listed([*keywords][:3])} restrict only some values; without a type every other value is accepted"
            yield Finding(spot.place(), wrong, f"write {word}")


def property_untyped(context: Context) -> Iterator[Finding]:
    """Yield properties and items that may be anything."""
    for spot in context.schemas:
        place, name = step_of(spot)
        if not is_type(spot) or asserted(spot) or spot.schema is False:
            continue
        if place == "properties":
            yield Finding(spot.place(), f"{shown(name)} may be anything", "say what it is")
        elif place in {"items", "prefixItems"}:
            yield Finding(spot.place(), "the items may be anything", "say what they are")


def items_missing(context: Context) -> Iterator[Finding]:
    """Yield arrays whose items may be anything."""
    for spot in context.schemas:
        is_array = spot.members.get("type") == "array" and is_type(spot)
        if is_array and not spot.members.keys() & (OF_ITEMS | {"$ref", "allOf", "const", "enum"}):
            yield Finding(spot.place("type"), "the items may be anything", 'write "items": {...}')


def required_undeclared(context: Context) -> Iterator[Finding]:
    """Yield required names that are not declared as properties."""
    for spot in context.schemas:
        if "required" not in spot.members or not is_type(spot):
            continue
        if step_of(spot)[0] in {"anyOf", "oneOf"} and "properties" not in spot.members:
            continue  # the branch only requires properties of the schema around it
        every = parts(spot, context.spots)
        elsewhere = SOMETIMES | {"patternProperties"}
        if any(part.members.keys() & elsewhere or reference_of(part) not in {None, *context.spots} for part in every):
            continue  # the property may be declared there
        for index, name in enumerate(names_in(spot.members["required"])):
            if not property_of(spot, name, context.spots):
                place = spot.place("required", str(index))
                yield Finding(place, f"{shown(name)} is no property", "declare it, or remove it")


def closed_unsaid(context: Context) -> Iterator[Finding]:
    """Yield objects that do not say whether they may have more properties."""
    extended = {
        reference_of(spot)
        for spot in context.schemas
        if reference_of(spot) is not None and (step_of(spot)[0] == "allOf" or len(asserted(spot)) > 1)
    }
    for spot in context.schemas:
        is_object = spot.members.get("type") == "object" and "properties" in spot.members and is_type(spot)
        is_base = not spot.pointer and spot.definition.name in extended
        said = {"additionalProperties", "unevaluatedProperties"} & spot.members.keys()
        if is_object and not is_base and not said:
            word = "unevaluatedProperties" if spot.members.keys() & {"allOf", "$ref"} else "additionalProperties"
            wrong = "it does not say whether it may have more properties: a misspelt name is data"
            yield Finding(spot.place(), wrong, f'write "{word}": false, or true if that is meant')


def union_ambiguous(context: Context) -> Iterator[Finding]:
    """Yield unions with two branches that one value may fit."""
    for spot in context.schemas:
        for keyword in ("anyOf", "oneOf"):
            branches = spot.many(keyword)
            if not is_type(spot) or all(_only_says_more(each) for each in branches):
                continue
            pair = _overlap(context, branches)
            if pair is not None:
                first, second = (_name(branches[place], place) for place in pair)
                wrong = f"a value may fit both {first} and {second}"
                remedy = 'give each a required property with a "const" of its own, or another type'
                yield Finding(spot.place(keyword), wrong, remedy)


def union_untagged(context: Context) -> Iterator[Finding]:
    """Yield unions of objects without a property that tells them apart."""
    for spot in context.schemas:
        for keyword in ("anyOf", "oneOf"):
            objects = [each for each in spot.many(keyword) if kinds_of(each, context.spots) == frozenset({"object"})]
            if len(objects) < 2 or not is_type(spot) or _overlap(context, spot.many(keyword)) is not None:
                continue
            tags = [tag_values(each, context.spots) for each in objects]
            names = frozenset(tags[0]).intersection(*tags)
            messages = [each for each in objects if message_of(each, context.spots) is not None]
            if len(messages) == len(objects) or context.bundle.is_library:
                continue
            if not any(len({each[name] for each in tags}) == len(tags) for name in names):
                wrong = "no property tells the objects apart: readers must try one after the other"
                yield Finding(spot.place(keyword), wrong, 'give each a required "type" with a "const" of its own')


def _overlap(context: Context, branches: list[Spot]) -> tuple[int, int] | None:
    """Return the positions of the first two branches that one value may fit, or None if there are none."""
    if context.bundle.is_library:
        return None  # its types are told apart by their names
    for place, branch in enumerate(branches):
        for other in range(place + 1, len(branches)):
            if not disjoint(branch, branches[other], context.spots):
                return place, other
    return None


def _only_says_more(spot: Spot) -> bool:
    """Return whether a branch only adds conditions to the schema around the union, as {"required": ["a"]} does."""
    return kinds_of(spot, {}) == KINDS and reference_of(spot) is None


def _name(spot: Spot, place: int) -> str:
    name = reference_of(spot) or spot.members.get("title")
    return name if isinstance(name, str) else f"branch {place + 1}"


def definition_unused(context: Context) -> Iterator[Finding]:
    """Yield definitions without references to them, in files that describe a value themselves."""
    roots = {each.place.document for each in context.bundle.definitions.values() if each.place.pointer == "#"}
    for name, spot in context.spots.items():
        place = spot.definition.place
        users = [each for each in context.references.get(name, ()) if each.definition.name != name]
        if is_public(spot) and place.pointer != "#" and place.document in roots and not users:
            yield Finding(place, f"nothing refers to {name}", "refer to it, or remove it")


def definition_repeated(context: Context) -> Iterator[Finding]:
    """Yield definitions that are the same as an earlier one."""
    seen = dict[str, Definition]()
    for spot in context.spots.values():
        keywords = asserted(spot)
        if HINTS in spot.members or context.bundle.is_library:
            continue  # messages are told apart by their names
        if not is_public(spot) or not keywords.keys() & {"properties", "enum", "anyOf", "oneOf"}:
            continue
        text = text_of(keywords)
        other = seen.setdefault(text, spot.definition)
        if other is not spot.definition:
            wrong = f"{spot.definition.name} says the same as {other.name}"
            yield Finding(spot.place(), wrong, f'write {{"$ref": "#/$defs/{other.name}"}} where it is used')


def object_repeated(context: Context) -> Iterator[Finding]:
    """Yield objects that are the same as an earlier one."""
    seen: dict[str, Spot] = {}
    for spot in context.schemas:
        if spot.pointer and spot.members.get("properties") and spot.members.get("type") == "object":
            other = seen.setdefault(text_of(asserted(spot)), spot)
            if other is not spot:
                wrong = f"the same object is described at {other.place().pointer}"
                yield Finding(spot.place(), wrong, 'describe it once in "$defs", and refer to it')


def dialect_unsaid(context: Context) -> Iterator[Finding]:
    """Yield files that do not name their dialect."""
    for document in context.documents:
        if isinstance(document.value, dict) and "$schema" not in document.value:
            remedy = 'write "$schema": "https://json-schema.org/draft/2020-12/schema"'
            yield Finding(Place(document, "#"), "the file does not say which version of JSON Schema it is", remedy)

"""The context of the rules of `lint`, which has the schemas, and the findings that rules report."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from miniagents.codegen.documents import Document, JsonValue, Place
from miniagents.codegen.library import LIBRARY, SCHEME
from miniagents.codegen.linting.levels import Level
from miniagents.codegen.reading.bundle import Bundle
from miniagents.codegen.reading.views import Spot, reference_of, spots_of
from miniagents.codegen.schema_errors import Problem
from miniagents.validation import UnsupportedSchemaError, Validator
from miniagents.validation.keywords import DEFINITIONS, IN_PLACE, ONE


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a file.

    Attributes:
        place: The member of an object, or the item of an array, that is removed or replaced.
        member: The name and the value of the member that takes its place; None if it is removed.
    """

    place: Place
    member: tuple[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a rule.

    Attributes:
        place: The place of the finding.
        wrong: What is wrong.
        remedy: What to write instead.
        edit: The mechanical correction, which changes neither what the schema accepts nor the type; None for none.
    """

    place: Place
    wrong: str
    remedy: str
    edit: Edit | None = None

    def problem(self, rule: str) -> Problem:
        """Return the finding as a problem with the name of its rule."""
        return self.place.problem(rule, self.wrong, self.remedy)


@dataclass(frozen=True)
class Context:
    """The schemas that are checked.

    Attributes:
        bundle: The schemas.
    """

    bundle: Bundle

    @cached_property
    def spots(self) -> Mapping[str, Spot]:
        """The schemas of the definitions, by name."""
        return spots_of(self.bundle.definitions)

    @cached_property
    def schemas(self) -> tuple[Spot, ...]:
        """Every schema of every definition."""
        return tuple(spot for definition in self.spots.values() for spot in definition.within())

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """The schema files."""
        return tuple(dict.fromkeys(each.place.document for each in self.bundle.definitions.values()))

    @cached_property
    def references(self) -> Mapping[str, tuple[Spot, ...]]:
        """The schemas that refer to a definition, by its name."""
        found: dict[str, list[Spot]] = {}
        for spot in self.schemas:
            name = reference_of(spot)
            if name is not None:
                found.setdefault(name, []).append(spot)
        return {name: tuple(spots) for name, spots in found.items()}

    @cached_property
    def _validator(self) -> Validator:
        definitions = {name: each.schema for name, each in self.bundle.definitions.items()}
        return Validator(definitions, {f"{SCHEME}{name}": _anything for name in LIBRARY})

    def refusal(self, spot: Spot, value: JsonValue) -> str | None:
        """Return why a value does not fit a schema, or None if it fits or the schema cannot be checked."""
        try:
            found = self._validator.violation(spot.definition.name, value, spot.pointer)
        except UnsupportedSchemaError:
            return None
        if found is None:
            return None
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in found.path)
        return f"${path}: {found.message}" if path else found.message


def _anything(_: JsonValue) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of `lint`.

    Attributes:
        id: The name of the rule.
        level: The least strict level that includes the rule.
        why: The reason for the rule.
        check: The function that yields the findings.
    """

    id: str
    level: Level
    why: str
    check: Callable[[Context], Iterator[Finding]]


def is_public(spot: Spot) -> bool:
    """Return whether a file defines a schema by name or as a whole."""
    steps = spot.definition.place.pointer.split("/")
    return not spot.pointer and (len(steps) == 1 or (len(steps) == 3 and steps[1] in DEFINITIONS))


def key_of(spot: Spot) -> str:
    """Return the name of a definition as the file writes it; an empty text for a whole file."""
    return unescaped(spot.definition.place.pointer.rpartition("/")[2]) if "/" in spot.definition.place.pointer else ""


def unescaped(step: str) -> str:
    """Return the name that a step of a JSON pointer encodes."""
    return step.replace("~1", "/").replace("~0", "~")


def step_of(spot: Spot) -> tuple[str, str]:
    """Return the keyword that contains a schema, and the name of the schema there, if it has one."""
    steps = [*map(unescaped, spot.pointer.split("/"))]
    if len(steps) >= 3 and steps[-2] in {"properties", "patternProperties", "dependentSchemas"}:
        return steps[-2], steps[-1]
    if len(steps) >= 3 and steps[-1].isdecimal():
        return steps[-2], ""
    return steps[-1], ""


def is_type(spot: Spot) -> bool:
    """Return whether a schema describes a whole value, unlike the parts of `allOf`, `not`, `if` and the like."""
    steps = spot.pointer.split("/")[1:]
    place = 0
    while place < len(steps):
        keyword = steps[place]
        if keyword in IN_PLACE - {"anyOf", "oneOf"} or keyword in {"propertyNames", "contains"}:
            return False
        place += 1 if keyword in ONE else 2
    return True

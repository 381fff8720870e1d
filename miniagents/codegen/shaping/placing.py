"""Name classes that are described where they are used, by their places.

A name depends only on the place, so that additions elsewhere do not change it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.names import definition_name
from miniagents.codegen.reading.qualified_names import digests
from miniagents.codegen.shaping.conjunctions import REFERENCE, Schemas, Site
from miniagents.validation.keywords import HINTS, MANY, NAMED

_WORDS: Final = {"items": "Item", "additionalProperties": "Value", "unevaluatedProperties": "Value"}
_BRANCHES: Final = frozenset({"anyOf", "oneOf"})
_WITH_STEP: Final = MANY | NAMED
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Where:
    """The context in which a form is read.

    Attributes:
        owner: The type that the form is a part of.
        name: The name of a class that is made here.
        merged: The number of merges on the way to the form.
        depth: The depth of the form.
        around: The schemas that are being read around it, up to the next class.
        decided: The schemas there whose `if` is decided.
    """

    owner: str
    name: str
    merged: int = 0
    depth: int = 0
    around: frozenset[tuple[Site, ...]] = frozenset()
    decided: frozenset[Site] = frozenset()

    def inner(self, name: str) -> "Where":
        """Return the context for a part of the form."""
        return replace(self, name=name, depth=self.depth + 1)


class Names:
    """Gives names to classes.

    If two places give one name, the place that is nearer to its definition has it. The other gets a qualified name,
    with an underscore, which also comes from its place alone.

    Args:
        schemas: The schemas of all definitions.
        taken: The names of definitions, which no other class can have.
    """

    def __init__(self, schemas: Schemas, taken: Mapping[str, object]) -> None:
        self._schemas = schemas
        self._taken = set(taken)
        self._at: dict[Site, str] = {}
        holders: dict[str, Site] = {}
        for site in sorted(filter(self._may_be_class, schemas), key=_by_depth):
            name = self.at(site)
            if holders.setdefault(name, site) != site:
                name = next(each for each in self._qualified(site, name) if each not in holders)
                holders[name] = site
                self._at[site] = name

    def at(self, site: Site) -> str:
        """Return the name of a class at a place, if no other type has it."""
        if site not in self._at:
            self._at[site] = self._made(site)
        return self._at[site]

    def claim(self, name: str, sites: Iterable[Site], *, hint: bool = False) -> str | None:
        """Return and reserve a name that no other class has, or None if the name in a hint is taken.

        Args:
            name: The name that the class should have.
            sites: The schemas of the class.
            hint: Whether the author of the schema wrote the name.
        """
        if hint and name in self._taken:
            return None
        places = digests(*(f"{each.definition}{each.pointer}" for each in sites))
        names = chain((name, f"{name}Object"), (f"{name}_{place}" for place in places))
        free = next(each for each in names if each not in self._taken)
        self._taken.add(free)
        return free

    def _may_be_class(self, site: Site) -> bool:
        """Return whether a class of its own may be made of a schema inside a definition."""
        members = self._schemas.members(site)
        steps = site.pointer.split("/")
        is_object = bool(members.get("properties")) or members.get("additionalProperties") is False
        return is_object and len(steps) > 1 and "allOf" not in steps[-2:] and self.at(site) != self.at(_outer(site))

    def _qualified(self, site: Site, name: str) -> Iterator[str]:
        """Yield the qualified names of a class, without end."""
        owner = self.at(_outer(site))
        keyword, step = _last_steps(site.pointer)
        if keyword in _BRANCHES and step is not None:
            yield f"{name}_Option{int(step) + 1}"
        else:
            yield f"{owner}_{name.removeprefix(owner)}"
        yield from (f"{name}_{place}" for place in digests(site.definition, site.pointer))

    def _made(self, site: Site) -> str:
        if not site.pointer:
            return site.definition
        keyword, step = _last_steps(site.pointer)
        owner = self.at(_outer(site))
        if keyword in _BRANCHES and step is not None:
            return owner + branch_word(self._schemas, site, int(step))
        if keyword == "allOf":
            return owner
        if step is None:
            return owner + _WORDS.get(keyword, definition_name(keyword))
        if keyword == "patternProperties":
            return f"{owner}Value"
        if keyword == "prefixItems":
            return f"{owner}Item{int(step) + 1}"
        return owner + pascal(step.replace("~1", "/").replace("~0", "~"))


def branch_word(schemas: Schemas, site: Site, index: int) -> str:
    """Return the words that are added to the name of a union for a class that is one of its branches."""
    members = schemas.members(site)
    hints = members.get(HINTS)
    if isinstance(members.get("title"), str):
        return pascal(str(members["title"]))
    if isinstance(hints, dict) and isinstance(hints.get("name"), str):
        return ""
    reference = members.get("$ref")
    if isinstance(reference, str):
        return reference.removeprefix(REFERENCE).rpartition(":")[2]
    properties = members.get("properties")
    required = members.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    for name in names:
        value = _only_value(properties.get(name) if isinstance(properties, dict) else None)
        if isinstance(value, str):
            return pascal(value)
        if value is not None:  # this word alone says little
            return pascal(name) + str(value).replace("-", "Minus")
    if names:
        return "With" + "And".join(pascal(name) for name in names[:3])
    return f"Option{index + 1}"


def pascal(text: str) -> str:
    """Return a text as a part of a name in PascalCase."""
    name = definition_name(text[:_LONGEST])
    return name.removeprefix("Type") if text[:1].isdigit() else name


def _only_value(schema: JsonValue) -> str | int | None:
    if not isinstance(schema, dict):
        return None
    values = schema["enum"] if "enum" in schema else [schema.get("const")]
    return values[0] if isinstance(values, list) and len(values) == 1 and isinstance(values[0], (str, int)) else None


def _outer(site: Site) -> Site:
    """Return the schema around a schema."""
    _, step = _last_steps(site.pointer)
    return Site(site.definition, site.pointer.rsplit("/", 1 if step is None else 2)[0])


def _by_depth(site: Site) -> tuple[int, str, str]:
    return site.pointer.count("/"), site.definition, site.pointer


def _last_steps(pointer: str) -> tuple[str, str | None]:
    """Return the keyword that contains a schema, and the name or index of the schema there, if there is one.

    >>> _last_steps("/properties/items"), _last_steps("/properties/a/items")
    (('properties', 'items'), ('items', None))
    """
    steps = pointer.split("/")[1:]
    index = 0
    while True:
        keyword = steps[index]
        step = steps[index + 1] if keyword in _WITH_STEP else None
        index += 1 if step is None else 2
        if index >= len(steps):
            return keyword, step

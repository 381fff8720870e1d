"""Find the property that tells the branches of a union apart."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from miniagents.validation.survey import target_of
from miniagents.validation.values import JsonValue, Schema


class Found(NamedTuple):
    """A property that every branch requires, and the strings that each branch allows for it."""

    name: str
    tags: tuple[frozenset[str], ...]


class Tags:
    """Finds the properties that schemas require to be certain strings. The schemas must have been surveyed."""

    def __init__(self, definitions: Mapping[str, JsonValue]) -> None:
        self._definitions: Mapping[str, Any] = definitions  # Any: schemas
        self._known: dict[str, dict[str, frozenset[str]]] = {}

    def of_branches(self, branches: list[Schema]) -> Found | None:
        """Return the property that tells the branches apart best, or None if no property does.

        An object without the property, or with another value there, fits no branch.
        """
        required = [self._required(branch) for branch in branches]
        best: Found | None = None
        best_size = len(branches)
        for name in required[0] if required else ():
            if all(name in each for each in required):
                tags = tuple(each[name] for each in required)
                size = max((sum(tag in group for group in tags) for tag in frozenset[str]().union(*tags)), default=0)
                if size < best_size:
                    best, best_size = Found(name, tags), size
        return best

    def _required(self, schema: Schema) -> dict[str, frozenset[str]]:
        """Return the properties that an object must have and whose values must be certain strings."""
        if isinstance(schema, bool):
            return {}
        found: dict[str, frozenset[str]] = {}
        parts = [self._required(branch) for branch in schema.get("allOf", ())]
        if "$ref" in schema:
            parts.append(self._required_by(target_of(schema["$ref"])))
        needed = set(schema.get("required", ()))
        own = {name: _strings(below) for name, below in schema.get("properties", {}).items() if name in needed}
        parts.append({name: strings for name, strings in own.items() if strings is not None})
        for part in parts:
            for name, strings in part.items():
                found[name] = found.get(name, strings) & strings
        return found

    def _required_by(self, name: str) -> dict[str, frozenset[str]]:
        if name not in self._definitions:
            return {}
        if name not in self._known:
            self._known[name] = self._required(self._definitions[name])
        return self._known[name]


def _strings(schema: Schema) -> frozenset[str] | None:
    """Return the strings that a schema accepts if it accepts nothing else, or None."""
    if isinstance(schema, bool) or not ("const" in schema or "enum" in schema):
        return None
    values = [schema["const"]] if "const" in schema else schema["enum"]
    return frozenset(values) if all(isinstance(value, str) for value in values) else None

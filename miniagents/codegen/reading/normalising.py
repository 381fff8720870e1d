"""Turn schemas of any dialect into schemas of 2020-12 whose references are names of definitions.

Keywords that do not describe values are left out: identities, inner definitions (those with references to them have
names of their own), and keywords that the standard ignores. Notes are kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from miniagents.codegen.documents import JsonValue, Place, escape
from miniagents.codegen.library import SCHEME
from miniagents.codegen.patterns.translating import translate
from miniagents.codegen.reading.api_documents import tags_of
from miniagents.codegen.reading.dialects import DRAFT_04, ignores_siblings, is_nullable_as_a_whole, knows, nullable_of
from miniagents.codegen.reading.hints import ON_PROPERTY
from miniagents.codegen.reading.registry import Registry, Site
from miniagents.codegen.reading.scopes import Key, Scope, ScopedKey
from miniagents.codegen.schema_errors import Problem
from miniagents.codegen.settings import FORMATS as CHOICES, Formats
from miniagents.validation.formats import FORMATS
from miniagents.validation.keywords import (
    COUNTS,
    DEFINITIONS,
    DOCUMENTATION,
    FORMAT_CHOICE,
    HINTS,
    IDENTITY,
    KEYWORDS,
    KNOWN,
    MANY,
    ONE,
    REFERENCES,
)

IGNORING: Final = 'or in a file for --overlay: "ignore-keywords":'
"""The way to generate a schema without a keyword, as remedies name it; the name of the keyword follows."""

Targets: TypeAlias = Mapping[tuple[Key, Scope, str], tuple[Site, Scope] | str]
"""The targets of references, by schema, scope and keyword: a schema and the scope in it, or a type of the library."""


@dataclass(slots=True)
class Normaliser:
    """Normalises schemas.

    Attributes:
        registry: The registry of the schemas.
        targets: The targets of references.
        names: The names of definitions by their document, pointer and scope.
        formats: The meaning of a `format` if its schema does not tell.
        problems: The problems of parts that could not be normalised.
        incomplete: The schemas with references that lead nowhere.
    """

    registry: Registry
    targets: Targets
    names: Mapping[ScopedKey, str]
    formats: Formats = "note"
    problems: list[Problem] = field(default_factory=list[Problem])
    incomplete: list[Place] = field(default_factory=list[Place])
    _origins: dict[str, Place] = field(default_factory=dict[str, Place])
    _scope: Scope = ()

    def normalised(self, site: Site, scope: Scope = ()) -> tuple[JsonValue, dict[str, Place]]:
        """Return the normalised schema of a definition, and the places of all schemas in it by JSON pointer.

        Args:
            site: The schema.
            scope: The dynamic scope in which it is reached.
        """
        self._origins = {}
        self._scope = scope
        schema = self._written_out(site, "", is_definition=True)
        return schema, self._origins

    def _schema(self, site: Site, steps: tuple[str, ...], here: str) -> JsonValue:
        """Return a normalised sub-schema of `site`; a definition becomes a reference."""
        inner = self.registry.sites.get((site.source.document, "/".join((site.pointer, *map(escape, steps)))))
        if inner is None:
            return True  # not a schema, which was reported before
        outer = self._scope
        scope = self.registry.scope(inner, outer)
        name = self.names.get((inner.source.document, inner.pointer, scope))
        if name is None:
            self._scope = scope
            schema = self._written_out(inner, here, is_definition=False)
            self._scope = outer
            return schema
        self._origins[here] = inner.place
        notes = {key: value for key, value in inner.members.items() if key in DOCUMENTATION and _fits(key, value)}
        given = inner.members.get(HINTS)
        hints = {key: value for key, value in given.items() if key in ON_PROPERTY} if isinstance(given, dict) else {}
        return {"$ref": f"#/$defs/{name}", **notes, **({HINTS: hints} if hints else {})}

    def _written_out(self, site: Site, here: str, *, is_definition: bool) -> JsonValue:
        if not is_nullable_as_a_whole(site.value, site.dialect):
            return self._written(site, here, is_definition=is_definition)
        schema = self._written(site, f"{here}/anyOf/0", is_definition=is_definition)
        members = schema if isinstance(schema, dict) else {}
        notes = {keyword: members.pop(keyword) for keyword in members.keys() & DOCUMENTATION}
        self._origins |= {here: site.place, f"{here}/anyOf/1": site.place}
        return {**notes, "anyOf": [members, {"type": "null"}]}

    def _written(self, site: Site, here: str, *, is_definition: bool) -> JsonValue:
        self._origins[here] = site.place
        if isinstance(site.value, bool):
            return site.value
        result: dict[str, JsonValue] = {}
        more: list[JsonValue] = []
        only_reference = ignores_siblings(site.dialect) and isinstance(site.value.get("$ref"), str)
        for keyword, value in site.value.items():
            if keyword in IDENTITY or (only_reference and not _is_kept_beside_reference(keyword)):
                continue
            if keyword in REFERENCES and knows(site.dialect, keyword):
                self._reference(site, keyword, result, more)
            elif keyword == HINTS:
                result[HINTS] = self._hints(site, value, is_definition=is_definition)
            elif keyword in {"then", "else"} and "if" not in site.value:
                continue
            elif keyword in DOCUMENTATION and not _fits(keyword, value):
                continue  # a warning says so
            elif knows(site.dialect, keyword):
                self._keyword(site, keyword, value, result, here)
            elif keyword not in KNOWN:
                result[keyword] = value
        if site.dialect.number == DRAFT_04.number:
            _modernise(site, result)
        if site.source.document in self.registry.apis:
            self._discriminated(site, result, here)
        self._format(site, result)
        if more:
            given = result.get("allOf")
            rest = given if isinstance(given, list) else []
            for index in range(len(rest), len(rest) + len(more)):
                self._origins[f"{here}/allOf/{index}"] = site.place
            result["allOf"] = [*rest, *more]
        return result

    def _keyword(self, site: Site, keyword: str, value: JsonValue, result: dict[str, JsonValue], here: str) -> None:
        if keyword == "additionalItems" or (keyword == "items" and isinstance(value, list)):
            if keyword == "items" and isinstance(value, list):
                result["prefixItems"] = [
                    self._schema(site, ("items", str(index)), f"{here}/prefixItems/{index}")
                    for index in range(len(value))
                ]
            elif isinstance(site.members.get("items"), list):
                result["items"] = self._schema(site, (keyword,), f"{here}/items")
        elif keyword in ONE:
            result[keyword] = self._schema(site, (keyword,), f"{here}/{keyword}")
        elif keyword in MANY:
            result[keyword] = [
                self._schema(site, (keyword, str(index)), f"{here}/{keyword}/{index}")
                for index in range(len(value) if isinstance(value, list) else 0)
            ]
        elif keyword == "patternProperties":
            result[keyword] = self._patterns(site, value if isinstance(value, dict) else {}, here)
        elif keyword in {"properties", "dependentSchemas"}:
            result[keyword] = {
                name: self._schema(site, (keyword, name), f"{here}/{keyword}/{escape(name)}")
                for name in (value if isinstance(value, dict) else {})
            }
        elif keyword == "dependencies" and isinstance(value, dict):
            names: dict[str, JsonValue] = {name: each for name, each in value.items() if isinstance(each, list)}
            if names:
                result["dependentRequired"] = names
            if len(names) < len(value):
                result["dependentSchemas"] = {
                    name: self._schema(site, (keyword, name), f"{here}/dependentSchemas/{escape(name)}")
                    for name in value
                    if name not in names
                }
        elif keyword == "pattern" and isinstance(value, str):
            result[keyword] = self._translated(value, site.at(keyword), keyword)
        elif keyword in COUNTS and isinstance(value, float):
            result[keyword] = int(value)
        else:
            result[keyword] = value

    def _discriminated(self, site: Site, result: dict[str, JsonValue], here: str) -> None:
        """Let the alternatives of an API document have only the tags that its `discriminator` gives them.

        An alternative whose schema lists its tags itself stays as it is. Schemas inside of `oneOf` have no tags.
        """
        for keyword in ("oneOf", "anyOf"):
            branches = result.get(keyword)
            for index, branch in enumerate(branches if isinstance(branches, list) else ()):
                key = site.source.document, f"{site.pointer}/{keyword}/{index}"
                target = self.targets.get((key, self._scope, "$ref"))
                if not isinstance(target, tuple) or not isinstance(branch, dict) or "properties" in branch:
                    continue
                name, tags = tags_of(site.members, self.registry.sites[key].members.get("$ref"), target[0].members)
                if tags:
                    branch["properties"] = {name: {"enum": [*tags]}}
                    origin = site.at("discriminator")
                    self._origins[f"{here}/{keyword}/{index}/properties/{escape(name)}"] = origin

    def _format(self, site: Site, result: dict[str, JsonValue]) -> None:
        """Add the keyword that tells whether a `format` is checked or typed; a note needs none."""
        usual = "checked" if site.dialect.checks_formats and self.formats == "note" else self.formats
        given = result.pop(FORMAT_CHOICE, usual)
        if given not in CHOICES:
            said = ", ".join(CHOICES)
            self.problems.append(
                site.at(FORMAT_CHOICE).problem(FORMAT_CHOICE, f"{str(given)[:60]} is none of {said}", "write one")
            )
            return
        if given == "typed" and result.get("contentEncoding") == "base64" and "format" not in result:
            result["format"] = "byte"
        name = result.get("format")
        if given == "note" or not isinstance(name, str):
            return
        if name in FORMATS:
            result[FORMAT_CHOICE] = given
        else:
            wrong = f"{name[:60]} cannot be checked"
            remedy = f'write one of {", ".join(FORMATS)}; or "{FORMAT_CHOICE}": "note" beside it'
            self.problems.append(site.at("format").problem("format", wrong, remedy))

    def _patterns(self, site: Site, members: dict[str, JsonValue], here: str) -> JsonValue:
        groups: dict[str, list[str]] = {}
        for pattern in members:
            place = Place(site.source.document, f"{site.pointer}/patternProperties/{escape(pattern)}")
            groups.setdefault(self._translated(pattern, place, "patternProperties"), []).append(pattern)
        result: dict[str, JsonValue] = {}
        for translated, patterns in groups.items():
            pointer = f"{here}/patternProperties/{escape(translated)}"
            if len(patterns) == 1:
                result[translated] = self._schema(site, ("patternProperties", patterns[0]), pointer)
            else:
                self._origins[pointer] = site.at("patternProperties")
                every = [
                    self._schema(site, ("patternProperties", pattern), f"{pointer}/allOf/{index}")
                    for index, pattern in enumerate(patterns)
                ]
                result[translated] = {"allOf": every}
        return result

    def _translated(self, pattern: str, place: Place, keyword: str) -> str:
        translated = translate(pattern)
        if translated is None:
            wrong = "this expression may mean something else in Python"
            remedy = (
                f'use plain characters, [a-z], \\d, \\w, groups, |, ^, $ and * + ? {{n,m}}; {IGNORING} ["{keyword}"]'
            )
            self.problems.append(place.problem(keyword, wrong, remedy))
            return pattern
        return translated

    def _reference(self, site: Site, keyword: str, result: dict[str, JsonValue], more: list[JsonValue]) -> None:
        target = self.targets.get(((site.source.document, site.pointer), self._scope, keyword))
        if target is None:
            self.incomplete.append(site.place)
            return
        reference = self._name_of(target)
        if "$ref" in result:
            more.append({"$ref": reference})
        else:
            result["$ref"] = reference

    def _name_of(self, target: tuple[Site, Scope] | str) -> str:
        if isinstance(target, str):
            return target
        site, scope = target
        return f"#/$defs/{self.names[site.source.document, site.pointer, scope]}"

    def _hints(self, site: Site, value: JsonValue, *, is_definition: bool) -> JsonValue:
        if not isinstance(value, dict):
            return value
        hints = dict(value)
        if is_definition and site.steps and site.steps[0] not in DEFINITIONS:
            hints = {key: hint for key, hint in hints.items() if key not in ON_PROPERTY}  # they stay at the property
        target = self.targets.get(((site.source.document, site.pointer), self._scope, HINTS))
        if "base" in hints and target is not None:
            hints["base"] = self._name_of(target).removeprefix(SCHEME)
        return hints


def _modernise(site: Site, result: dict[str, JsonValue]) -> None:
    """Change what draft-04 and OpenAPI 3.0 say differently: limits with a flag, and properties of one direction."""
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(result.get(exclusive), bool) and result.pop(exclusive) and inclusive in result:
            result[exclusive] = result.pop(inclusive)
    if not site.dialect.is_openapi:
        return
    declared, values = result.get("type"), result.get("enum")
    if result.pop(nullable_of(site.dialect), False) is True:
        if isinstance(declared, str):
            result["type"] = [declared, "null"]
        if isinstance(values, list) and None not in values:
            result["enum"] = [*values, None]
    required, properties = result.get("required"), site.members.get("properties")
    if isinstance(required, list) and isinstance(properties, dict):
        one_way = {name for name, each in properties.items() if isinstance(each, dict) and _is_one_way(each)}
        if one_way.intersection(each for each in required if isinstance(each, str)):
            result["required"] = [each for each in required if each not in one_way]


def _is_one_way(schema: dict[str, JsonValue]) -> bool:
    return schema.get("readOnly") is True or schema.get("writeOnly") is True


def text_of(schema: JsonValue) -> str:
    """Return a text that is the same for equal schemas, and different for all others."""
    return json.dumps(schema, sort_keys=True, ensure_ascii=False)


def _fits(keyword: str, value: JsonValue) -> bool:
    return KEYWORDS[keyword].argument.fits(value)


def _is_kept_beside_reference(keyword: str) -> bool:
    return keyword == "$ref" or keyword in DOCUMENTATION or keyword == HINTS or keyword not in KNOWN

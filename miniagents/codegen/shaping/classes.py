"""Turn objects into classes with properties, extras and bases."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from miniagents.codegen.documents import Node, Place
from miniagents.codegen.library import FRAME_BASE, FROZEN, RECORD, SCHEME, foreign
from miniagents.codegen.model import Default, Field, Form, Named, ObjectType
from miniagents.codegen.names import definition_name, field_name
from miniagents.codegen.reading.bundle import Bundle
from miniagents.codegen.reading.hints import ON_OBJECT, ON_PROPERTY, Hints, read_hints
from miniagents.codegen.schema_errors import Problem
from miniagents.codegen.shaping.conjunctions import REFERENCE, Part, Schemas, Site
from miniagents.codegen.shaping.docstring_notes import documentation
from miniagents.codegen.shaping.placing import Names, Where
from miniagents.codegen.shaping.unions import united
from miniagents.validation.keywords import ABOUT, HINTS, OF_MEMBERS, SOMETIMES

_SAID: Final = {"properties", "required"} | {"additionalProperties", "patternProperties", "unevaluatedProperties"}
"""Keywords that a class expresses by its fields and its extras."""

_UNSAID: Final = ABOUT["object"] - _SAID
EXTRAS: Final = "@extra"
"""The name by which msgspec knows the extras of an open object."""

_EVALUATING: Final = SOMETIMES | {"not"} | OF_MEMBERS - {"properties"}


class ClassMaker:
    """Makes the classes of a module.

    Args:
        bundle: What the schemas describe.
        schemas: The schemas of all definitions.
        names: Gives names to classes.
        form: Reads the form of what all of some schemas accept.
        loosen: Notes that msgspec may accept more than a schema, and why.

    Attributes:
        classes: The classes that were made, by their names.
        sites: The schemas of each class.
        problems: The problems of schemas that cannot be expressed.
    """

    def __init__(
        self,
        bundle: Bundle,
        schemas: Schemas,
        names: Names,
        form: Callable[[tuple[Site, ...], Where], Form],
        loosen: Callable[[Where, str], None],
    ) -> None:
        self._bundle = bundle
        self._schemas = schemas
        self._names = names
        self._form = form
        self._loosen = loosen
        self._made: dict[tuple[Site, ...], str] = {}
        self.classes: dict[str, ObjectType] = {}
        self.sites: dict[str, tuple[Site, ...]] = {}
        self.problems: list[Problem] = []

    def place(self, site: Site) -> Place:
        """Return the place of a schema in its file."""
        definition = self._bundle.definitions[site.definition]
        pointer = site.pointer
        while pointer not in definition.origins and pointer:
            pointer = pointer.rpartition("/")[0]
        return definition.origins.get(pointer, definition.place)

    def node(self, site: Site) -> Node:
        """Return a schema with its place in its file."""
        place = self.place(site)
        return Node(place.document, place.pointer, self._schemas.at(site))

    def hints(self, site: Site) -> Hints:
        """Return the hints at a schema; their problems are reported elsewhere."""
        if HINTS not in self._schemas.members(site):
            return Hints()
        return read_hints(self.node(site), ON_OBJECT | ON_PROPERTY, _ignore)

    def is_class(self, parts: Sequence[Part]) -> bool:
        """Return whether an object becomes a class, rather than a map."""
        return _is_closed(parts) or any(part.schema.get("properties") for part in parts)

    def named(
        self,
        sites: tuple[Site, ...],
        parts: Sequence[Part],
        where: Where,
        notes: Iterable[str],
        *,
        is_alone: bool,
    ) -> Named:
        """Return the class of an object by its name, and make it if it is not made yet.

        Args:
            sites: The schemas of the object.
            parts: All parts of these schemas.
            where: The context for which the class is made.
            notes: The keywords of the schemas that no type can express.
            is_alone: Whether the schemas accept only objects.
        """
        if sites not in self._made:
            name = self._name(sites, where, is_alone=is_alone)
            self._made[sites] = name
            self.sites[name] = sites
            inner = replace(where, owner=name, name=name, around=frozenset(), decided=frozenset())
            for note in notes:
                self._loosen(inner, note)
            self._make(sites, parts, inner)
        return Named(self._made[sites])

    def rest(self, parts: Sequence[Part], where: Where) -> Form:
        """Return the form of undeclared properties."""
        patterns = [
            part.site.at("patternProperties", name) for part in parts for name in _members(part, "patternProperties")
        ]
        if patterns and len(_speaking(parts)) > 1:
            self._loosen(where, "patternProperties")
        forms = [self._form((site,), where) for site in patterns]
        # to a name without a pattern apply the rules of all parts for others
        others = tuple(part.site.at(keyword) for part, keyword in _rules_for_others(parts))
        if not forms or not any(self._schemas.at(site) is False for site in others):
            forms.append(self._form(others, where))
        return united(forms, exclusive=False)[0]

    def foreign(self, reference: str) -> str:
        """Return the spelling of a type of the library in the module."""
        return foreign(reference.removeprefix(SCHEME), self._bundle.definitions)

    def base(self, site: Site) -> str:
        """Return the base of the class at a place."""
        base = self.hints(site).base
        if self._bundle.is_library and base is None:
            return FROZEN
        if base is None and not site.pointer:
            base = self._bundle.settings.base
        if base is None or base == RECORD:
            return self.foreign(RECORD)
        is_own = base.startswith(REFERENCE) or self._bundle.is_library
        return base.removeprefix(REFERENCE) if is_own else self.foreign(base)

    def is_record(self, base: str) -> bool:
        """Return whether a class with this base is a record, whose values do not name their class."""
        seen: set[str] = set()
        while base in self._bundle.definitions and base not in seen:
            seen.add(base)
            base = self.base(Site(base))
        return base == self.foreign(RECORD) or base in seen

    def has_own_tag(self, base: str) -> bool:
        """Return whether a class with this base is told apart by one of its properties, instead of "@type"."""
        return self.is_record(base) or base == FRAME_BASE

    def _name(self, sites: tuple[Site, ...], where: Where, *, is_alone: bool) -> str:
        first = sites[0]
        if len(sites) == 1 and not first.pointer and is_alone:
            return first.definition
        hint = self.hints(first).name if len(sites) == 1 and first.pointer else None
        if hint is not None:
            name = self._names.claim(hint, sites, hint=True)
            if name is not None:
                return name
            wrong, remedy = f"{hint} is also the name of another type", "write another name"
            self.problems.append(self.place(first).problem(HINTS, f"name: {wrong}", remedy))
        return self._names.claim(where.name, sites) or where.name

    def _make(self, sites: tuple[Site, ...], parts: Sequence[Part], where: Where) -> None:
        first = sites[0]
        hints = self.hints(first) if len(sites) == 1 else Hints()
        base = self.base(first) if len(sites) == 1 else self.foreign(RECORD)
        is_record = self.is_record(base)
        place = self.place(first)
        fields, odd = self._fields(parts, where, is_record=is_record)
        self._note(sites, parts, where, {each.json_name for each in fields})
        extras: Form | None = None
        if odd:
            self._loosen(where, "names that no field can have")
            rest = [] if _is_closed(parts) else [self.rest(parts, where.inner(f"{where.name}Value"))]
            extras = united([*odd, *rest], exclusive=False)[0]
        elif not _is_closed(parts):
            if is_record:
                extras = self.rest(parts, where.inner(f"{where.name}Value"))
            elif base != FRAME_BASE:
                wrong = "an open object would lose the properties it does not know"
                remedy = 'write "additionalProperties": false, or "x-miniagents": {"base": "Record"}'
                self.problems.append(place.problem("additionalProperties", wrong, remedy))
        if hints.positional:
            optional = [each for each in fields if not each.required]
            if optional and any(each.required for each in fields[fields.index(optional[0]) :]):
                wrong = "positional: a required property stands behind an optional one"
                self.problems.append(place.problem(HINTS, wrong, "write the required ones first"))
        doc = documentation(self._schemas.members(sites[-1] if len(sites) > 1 else first))
        self.classes[where.owner] = ObjectType(
            where.owner,
            base,
            fields,
            hints.template,
            hints.positional,
            extras,
            doc=doc,
            place=place,
            checks_extras=extras is not None and bool(odd or _speaking(parts)),
        )

    def _fields(self, parts: Sequence[Part], where: Where, *, is_record: bool) -> tuple[tuple[Field, ...], list[Form]]:
        """Return the fields, and the forms of the properties that cannot be fields and become extras."""
        required = {name for part in parts for name in _texts(part.schema.get("required"))}
        sites: dict[str, list[Site]] = {}
        for part in parts:
            for key in _members(part, "properties"):
                sites.setdefault(key, []).append(part.site.at("properties", key))
        used: set[str] = set()
        fields: list[Field] = []
        odd: list[Form] = []
        for key, declared in sites.items():
            place = self.place(declared[0])
            is_odd = key == EXTRAS or any(char in '\\"' or char < " " for char in key)
            if not is_record and (is_odd or key == "@type"):
                self.problems.append(_unusable(key, place))
                continue
            others = self._others(parts, key, where)
            name = f"{where.name}{definition_name(key)}"
            form = self._form((*declared, *others), where.inner(name))
            if is_odd:
                odd.append(form)
                continue
            members = self._schemas.members(declared[0])
            default = None
            if not is_record and "default" in members and key not in required:
                default = Default(members["default"])
            hint = self.hints(declared[0]).field
            python_name = hint or _free(field_name(key), used)
            if python_name in used:
                wrong = f"{python_name} would also be the name of another property in Python"
                self.problems.append(place.problem("name", wrong, "write another name"))
            used.add(python_name)
            doc = documentation(members, with_default=default is None)
            fields.append(Field(python_name, key, form, key in required, default, doc, place))
        return tuple(fields), odd

    def _others(self, parts: Sequence[Part], key: str, where: Where) -> list[Site]:
        """Return other schemas that apply to a declared property: patterns, and rules of other parts for extras."""
        found: list[Site] = []
        for part in parts:
            patterns = [each for each in _members(part, "patternProperties") if re.search(each, key)]
            found.extend(part.site.at("patternProperties", each) for each in patterns)
            if not patterns and key not in _members(part, "properties") and "additionalProperties" in part.schema:
                if part.schema["additionalProperties"] is False:
                    self._loosen(where, "additionalProperties of another branch")
                else:
                    found.append(part.site.at("additionalProperties"))
        return found

    def _note(self, sites: tuple[Site, ...], parts: Sequence[Part], where: Where, known: set[str]) -> None:
        """Note the rules that a class cannot express."""
        for part in parts:
            checked = self._schemas.checked(part.site)
            for keyword in sorted(checked & _UNSAID):
                self._loosen(where, keyword)
            if not known.issuperset(_texts(part.schema.get("required"))):
                self._loosen(where, "required")
            is_top = len(sites) == 1 and part is parts[0]
            if "unevaluatedProperties" in part.schema and not (is_top and _is_closed(parts)):
                self._loosen(where, "unevaluatedProperties")


def _speaking(parts: Sequence[Part]) -> list[Part]:
    """Return the parts that say what undeclared properties may be."""
    return [
        part
        for part in parts
        if part.schema.get("additionalProperties", True) not in (True, {}) or part.schema.get("patternProperties")
    ]


def _rules_for_others(parts: Sequence[Part]) -> list[tuple[Part, str]]:
    """Return the keywords that say what properties without a declaration and without a pattern may be."""
    found = [(part, "additionalProperties") for part in parts if "additionalProperties" in part.schema]
    if found or any(SOMETIMES & part.schema.keys() for part in parts):
        return found
    unevaluated = [(part, "unevaluatedProperties") for part in parts if "unevaluatedProperties" in part.schema]
    return unevaluated if len(unevaluated) == 1 else []


def _is_closed(parts: Sequence[Part]) -> bool:
    """Return whether there are no properties but those that are declared."""
    if any(
        part.schema.get("additionalProperties") is False and not _members(part, "patternProperties") for part in parts
    ):
        return True
    first, *others = parts
    return (
        first.schema.get("unevaluatedProperties") is False
        and not (_EVALUATING - {"unevaluatedProperties"}) & first.schema.keys()
        and not any(_EVALUATING & part.schema.keys() for part in others)
    )


def _unusable(key: str, place: Place) -> Problem:
    if key == "@type":
        wrong = "this name is taken by the tag of the type"
    else:
        wrong = "no field of a message can have a name with quotes, backslashes or control characters"
    return place.problem("properties", wrong, "give the property another name")


def _free(name: str, used: set[str]) -> str:
    while name in used:
        name += "_"
    return name


def _members(part: Part, keyword: str) -> Mapping[str, object]:
    members = part.schema.get(keyword)
    return members if isinstance(members, dict) else {}


def _texts(value: object) -> list[str]:
    items: list[object] = [*value] if isinstance(value, list) else []
    return [each for each in items if isinstance(each, str)]


def _ignore(_: object) -> None:
    """Drop a report, because another call makes it."""

"""Turn schemas into forms, which describe values as precisely as types can.

A form accepts everything that its schema accepts. If it accepts more, so that msgspec would accept values that the
schema refuses, this is noted, and data is checked against the schema as well.
"""

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import replace
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.library import SCHEME
from miniagents.codegen.model import (
    Anything,
    ArrayOf,
    Chosen,
    Form,
    Kind,
    Limits,
    MapOf,
    Named,
    OneOf,
    Scalar,
    ScalarKind,
    TupleOf,
    within,
)
from miniagents.codegen.reading.bundle import Bundle
from miniagents.codegen.reading.disjoint import all_disjoint
from miniagents.codegen.reading.views import Spot, spots_of
from miniagents.codegen.shaping.choices import choice_of, kind_of_value
from miniagents.codegen.shaping.classes import ClassMaker
from miniagents.codegen.shaping.conjunctions import REFERENCE, Part, Schemas, Site
from miniagents.codegen.shaping.format_types import typed
from miniagents.codegen.shaping.limits import limits_of
from miniagents.codegen.shaping.placing import Names, Where, branch_word
from miniagents.codegen.shaping.soundness import OVERLAP
from miniagents.codegen.shaping.unions import united
from miniagents.validation.keywords import ABOUT, FORMAT_CHOICE, LIMITS, OF_ITEMS, OF_MEMBERS, SOMETIMES, LimitName

DEEPEST: Final = 60
"""The greatest depth of a form; deeper parts may be anything and are checked against the schema."""

MOST_MERGED: Final = 5
"""The greatest number of merges inside each other."""

MOST_MERGES: Final = 200
"""The greatest number of merges for one definition: the branches of unions that must all hold multiply."""

_OF_VALUES: Final = ("additionalProperties", "patternProperties")
_IF: Final = frozenset({"if", "then", "else"})
_SCALARS: Final[tuple[ScalarKind, ...]] = ("string", "integer", "number", "boolean", "null")
_KINDS: Final[tuple[Kind, ...]] = (*_SCALARS[:4], "array", "object", "null")
_UNTYPED: Final = frozenset({*(Scalar(kind) for kind in _SCALARS), ArrayOf(Anything()), MapOf(Anything())})
"""The forms of all types if nothing is known of their parts."""

_SHAPES: Final = (
    {"type", "const", "enum"}
    | {"anyOf", "oneOf"}
    | (OF_MEMBERS | OF_ITEMS) - {"contains", "unevaluatedItems", "unevaluatedProperties"}
)
"""Keywords that describe the structure of values, rather than refusing some of them."""


class Shaper:
    """Reads forms.

    Args:
        bundle: What the schemas describe.
        schemas: The schemas of all definitions.
        names: Gives names to classes.

    Attributes:
        classes: Makes the classes of the objects in them.
        loose: The reasons why msgspec may accept more than the schema of a type, by the names of types.
    """

    def __init__(self, bundle: Bundle, schemas: Schemas, names: Names) -> None:
        self._bundle = bundle
        self._spots = spots_of(bundle.definitions)
        self._schemas = schemas
        self._names = names
        self._merges = 0
        self.classes: ClassMaker = ClassMaker(bundle, schemas, names, self.form, self.loosen)
        self.loose: dict[str, dict[str, None]] = {}

    def loosen(self, where: Where, reason: str) -> None:
        """Note that msgspec may accept more than the schema."""
        self.loose.setdefault(where.owner, {})[reason] = None

    def form(self, sites: tuple[Site, ...], where: Where) -> Form:
        """Return the form of the values that all of some schemas accept."""
        sites = self._schemas.united(sites)
        if len(sites) > 1 and not any(site in each for each in where.around for site in sites):
            sites = self._schemas.strictest(sites)  # the schemas of a chosen branch stay as they are
        if not sites:
            return Anything()
        if len(sites) == 1:
            (site,) = sites
            if site.definition.startswith(SCHEME):
                return Named(self.classes.foreign(site.definition))
            if not site.pointer:
                return Named(site.definition)
            where = replace(where, name=self._names.at(site))
        else:
            where = replace(where, merged=where.merged + 1)
            self._merges += 1
            if self._merges > MOST_MERGES:
                return self._first(sites, where, "too many combinations")
        return self.written_out(sites, where)

    def _first(self, sites: tuple[Site, ...], where: Where, reason: str) -> Form:
        """Return the form of one of several schemas where all of them together say too much, or nothing."""
        self.loosen(where, reason)
        alone = next(((site,) for site in sites if (site,) not in where.around), ())
        return self.form(alone, where) if len(sites) > 1 else Anything()

    def definition(self, root: Site) -> Form:
        """Return the type of a definition: its own class, or the form of an alias."""
        where = Where(root.definition, root.definition)
        self._merges = 0
        meant = self._schemas.united((root,))
        if meant and (meant[0].definition != root.definition or meant == (Site(root.definition),)) and meant != (root,):
            return self.form(meant, where)
        return self.written_out((root,), where) if meant else Anything()

    def written_out(self, sites: tuple[Site, ...], where: Where) -> Form:
        """Return the form of schemas that are more than a reference."""
        if sites in where.around:
            return self._first(sites, where, "recursion")
        where = replace(where, around=where.around | {sites})
        parts = self._schemas.parts(sites)
        if where.depth > DEEPEST or where.merged > MOST_MERGED:
            return self._first(sites if where.depth <= DEEPEST else sites[:1], where, "nesting")
        for part in parts:
            if part.site.definition.startswith(SCHEME):
                self.loosen(where, "allOf with a type of the library")
                return Named(self.classes.foreign(part.site.definition))
        notes = {keyword: None for part in parts for keyword in _UNSAID if keyword in part.schema}
        union = self._union(parts, sites)
        if union is not None:
            form = self._distributed(union, parts, sites, where)
            if form is not None:
                for note in notes:
                    self.loosen(where, note)
                return form
            notes[union[1]] = None
        form = self._conditional(parts, sites, where)
        if form is not None:
            return form
        for note in notes:
            self.loosen(where, note)
        kinds: list[Kind] | None = _kinds(parts)
        given = [part.schema[key] for part in parts for key in ("const", "enum") if key in part.schema]
        is_any = kinds is None
        if kinds is None and not given and (self.classes.is_class(parts) or any(map(_says_parts, parts))):
            kinds = [*_KINDS]  # an object or array whose parts are described, or any other value
            kinds.remove("integer")
        if kinds is None:
            self.loosen(where, "no type")
            return Anything()
        if given:
            form, is_exact = choice_of(parts, kinds)
            if form == Anything():
                return self._first(sites, where, "no value fits")
            if not is_exact:
                self.loosen(where, "const" if "const" in parts[0].schema else "enum")
            return form
        if not kinds:
            return self._first(sites, where, "no value fits")
        forms = [self._of_kind(kind, kinds, sites, parts, where, notes) for kind in kinds]
        if is_any and _UNTYPED.issuperset(forms):
            return Anything()
        return united(forms, exclusive=True)[0]

    def _union(self, parts: Sequence[Part], sites: tuple[Site, ...]) -> tuple[Part, str] | None:
        """Return the first union without a chosen branch."""
        for part in parts:
            for keyword in ("anyOf", "oneOf"):
                chosen = f"{part.site.pointer}/{keyword}/"
                if keyword in part.schema and not any(
                    site.definition == part.site.definition
                    and site.pointer.startswith(chosen)
                    and "/" not in site.pointer.removeprefix(chosen)
                    for site in sites
                ):
                    return part, keyword
        return None

    def _distributed(
        self, union: tuple[Part, str], parts: Sequence[Part], sites: tuple[Site, ...], where: Where
    ) -> Form | None:
        """Return the form of a union, or None if its branches only restrict values that other parts describe."""
        part, keyword = union
        branches = part.schema[keyword]
        count = len(branches) if isinstance(branches, list) else 0
        chosen = [part.site.at(keyword, str(index)) for index in range(count)]
        kinds = _kinds([Part(each.site, _without(each.schema, keyword)) for each in parts])
        is_alone = all(
            self._schemas.checked(each.site) <= ({keyword} if each is part else {"$ref", "allOf"}) for each in parts
        )
        if not is_alone and any(self._only_constrains(site) for site in chosen):
            return None
        only_types = all(
            self._schemas.checked(each.site) <= ({keyword, "type"} if each is part else {"type", "$ref", "allOf"})
            for each in parts
        )
        forms: list[Form] = []
        possible = [site for site in chosen if is_alone or not _is_empty(self._schemas.parts((*sites, site)))]
        for index, site in enumerate(chosen):
            if possible and site not in possible:
                continue
            inner = where.inner(where.name + branch_word(self._schemas, site, index))
            own = _kinds(self._schemas.parts((site,)))
            if is_alone or (only_types and kinds is not None and own is not None and set(own) <= _covered(kinds)):
                forms.append(self.form((site,), inner))
            else:
                forms.append(self.form((*sites, site), inner))
        form, is_exact = united(forms, exclusive=keyword == "oneOf")
        if not is_exact or (keyword == "oneOf" and self._overlap_by_name(chosen)):
            self.loosen(where, keyword)
        if keyword == "oneOf" and isinstance(form, OneOf) and not self._are_disjoint(chosen):
            self.loosen(where, OVERLAP)
        return form

    def _conditional(self, parts: Sequence[Part], sites: tuple[Site, ...], where: Where) -> Form | None:
        """Return the form of an `if` with two branches, or None if something else says what the values are."""
        found = [part for part in parts if part.schema.keys() >= _IF and part.site not in where.decided]
        said = frozenset[str]().union(*(self._schemas.checked(part.site) for part in parts))
        if len(found) != 1 or said - _IF - {"type", "$ref", "allOf"}:
            return None
        decided = found[0].site
        branches = [decided.at("then"), decided.at("else")]
        own = [_kinds(self._schemas.parts((each,))) for each in branches]
        if any(
            kinds is None and not self._schemas.members(each).keys() >= _IF
            for kinds, each in zip(own, branches, strict=True)
        ):
            return None  # a branch without a type only restricts values
        self.loosen(where, "if")
        kinds = _kinds(parts)
        forms: list[Form] = []
        for branch, kinds_of_branch, word in zip(branches, own, ("Then", "Else"), strict=True):
            is_whole = kinds is None or (kinds_of_branch is not None and set(kinds_of_branch) <= _covered(kinds))
            inner = replace(where.inner(f"{where.name}{word}"), decided=where.decided | {decided})
            forms.append(self.form((branch,) if is_whole else (*sites, branch), inner))
        if not self._are_disjoint(branches) and any(isinstance(part, Named) for part in within(forms[0])):
            forms[0] = Chosen(forms[0], f"{decided.definition}#{decided.at('if').pointer}")
        return united(forms, exclusive=False)[0]

    def _are_disjoint(self, branches: Sequence[Site]) -> bool:
        definitions = self._bundle.definitions
        found = [Spot(definitions[each.definition], each.pointer, self._schemas.at(each)) for each in branches]
        return all_disjoint(found, self._spots)

    def _overlap_by_name(self, branches: Sequence[Site]) -> bool:
        """Return whether a branch refers to a type that is not a class, and may overlap with another branch."""
        found = [_kinds(self._schemas.parts((site,))) for site in branches]
        for index, site in enumerate(branches):
            reference = self._schemas.members(site).get("$ref")
            if not isinstance(reference, str) or not reference.startswith(REFERENCE):
                continue
            target = self._schemas.members(Site(reference.removeprefix(REFERENCE)))
            own, others = found[index], found[:index] + found[index + 1 :]
            if "type" not in target or own is None:
                return True
            for other in others:
                shared = set[Kind](own) if other is None else _covered(own) & _covered(other)
                if shared - ({"object"} if target.get("properties") else set()):
                    return True
        return False

    def _only_constrains(self, site: Site) -> bool:
        return not any(
            _SHAPES & part.schema.keys() or part.site.definition.startswith(SCHEME)
            for part in self._schemas.parts((site,))
        )

    def _of_kind(
        self,
        kind: Kind,
        kinds: Sequence[Kind],
        sites: tuple[Site, ...],
        parts: Sequence[Part],
        where: Where,
        notes: Iterable[str],
    ) -> Form:
        if kind == "object" and self.classes.is_class(parts):
            return self.classes.named(sites, parts, where, notes, is_alone=len(kinds) == 1)
        limits, is_exact = limits_of(kind, (part.schema for part in parts))
        if not is_exact:
            self.loosen(where, "limits")
        for part in parts:
            for keyword in sorted(self._schemas.checked(part.site) & _UNSAID_OF[kind]):
                self.loosen(where, keyword)
        if kind == "array":
            return self._array(parts, limits, where)
        if kind == "object":
            return MapOf(self.classes.rest(parts, where.inner(f"{where.name}Value")), limits)
        format_ = typed(part.schema for part in parts) if kind == "string" and not limits else None
        return Scalar(kind, limits, format_)

    def _array(self, parts: Sequence[Part], limits: Limits, where: Where) -> Form:
        inner = where.inner(f"{where.name}Item")
        tuples = [part for part in parts if "prefixItems" in part.schema]
        if tuples:
            if any("items" in part.schema for part in parts if part is not tuples[0]) or tuples[1:]:
                self.loosen(where, "prefixItems")
            return self._tuple(tuples[0], dict(limits), where)
        return ArrayOf(
            self.form(tuple(part.site.at("items") for part in parts if "items" in part.schema), inner), limits
        )

    def _tuple(self, part: Part, limits: Mapping[LimitName, object], where: Where) -> Form:
        prefix = part.schema["prefixItems"]
        count = len(prefix) if isinstance(prefix, list) else 0
        items = tuple(
            self.form((part.site.at("prefixItems", str(index)),), where.inner(f"{where.name}Item{index + 1}"))
            for index in range(count)
        )
        least = limits.get("min_length", 0)
        most = limits.get("max_length")
        is_closed = part.schema.get("items") is False or most == count
        if isinstance(least, int) and least >= count and (not isinstance(most, int) or most >= count):
            if is_closed:
                if least > count:
                    self.loosen(where, "no value fits")
                return TupleOf(items)
            self.loosen(where, "prefixItems")
            return TupleOf(items, self._rest(part, where))
        self.loosen(where, "prefixItems")
        rest = () if is_closed else (self._rest(part, where),)
        forms = [*items, *rest]
        return ArrayOf(united(forms, exclusive=False)[0] if forms else Anything())

    def _rest(self, part: Part, where: Where) -> Form:
        if "items" not in part.schema:
            return Anything()
        return self.form((part.site.at("items"),), where.inner(f"{where.name}Item"))


_UNSAID: Final = (*sorted(ABOUT[None] - _SHAPES - SOMETIMES - {"$ref", "allOf"} | {"if"}), FORMAT_CHOICE)
"""Keywords for values of any type that no form can express."""

_SAID_OF: Final[Mapping[Kind, AbstractSet[str]]] = {
    "array": {"items", "prefixItems"},
    "object": {"properties", "additionalProperties"},
}
_UNSAID_OF: Final[Mapping[Kind, AbstractSet[str]]] = {
    kind: ABOUT["number" if kind == "integer" else kind]
    - _SAID_OF.get(kind, frozenset[str]())
    - {*LIMITS[kind].values()}
    for kind in _KINDS
}
"""Keywords for values of one type that no form except a class can express."""


def _kinds(parts: Sequence[Part]) -> list[Kind] | None:
    """Return the JSON types that values may have, or None if no keyword restricts the type."""
    allowed: set[Kind] | None = None
    for part in parts:
        said: set[Kind] | None = None
        if "type" in part.schema:
            types = part.schema["type"]
            said = _covered([each for each in _KINDS if each in (types if isinstance(types, list) else [types])])
        values: list[JsonValue] = []
        if "const" in part.schema:
            values = [part.schema["const"]]
        enum = part.schema.get("enum")
        if isinstance(enum, list):
            values = enum
        if "const" in part.schema or isinstance(enum, list):
            of_values = _covered([kind_of_value(value) for value in values])
            said = of_values if said is None else said & of_values
        if said is not None:
            allowed = said if allowed is None else allowed & said
    if allowed is None:
        return None
    if "number" in allowed:
        allowed.discard("integer")
    return [kind for kind in _KINDS if kind in allowed]


def _is_empty(parts: Sequence[Part]) -> bool:
    """Return whether types, constants and lists of values leave no value that fits all of some schemas."""
    kinds = _kinds(parts)
    has_values = any(keyword in part.schema for part in parts for keyword in ("const", "enum"))
    return kinds is not None and (not kinds or (has_values and choice_of(parts, kinds)[0] == Anything()))


def _says_parts(part: Part) -> bool:
    """Return whether a schema describes the items of arrays, or the values of objects."""
    return any(part.schema.get(keyword, True) not in (True, {}) for keyword in ("items", "prefixItems", *_OF_VALUES))


def _covered(kinds: Sequence[Kind]) -> set[Kind]:
    """Return types together with the types that they include, such as integer in number."""
    return {*kinds, "integer"} if "number" in kinds else {*kinds}


def _without(schema: Mapping[str, JsonValue], keyword: str) -> Mapping[str, JsonValue]:
    return {key: value for key, value in schema.items() if key != keyword}

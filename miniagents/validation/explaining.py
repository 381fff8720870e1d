"""Interpret schemas, the thorough way that explains why a value does not fit.

Each schema is evaluated by a generator, which yields the generators of the schemas it needs. `_run` keeps them on a
stack of its own, so values may be nested to any depth. The result of a generator is the set of evaluated properties or
items, or the finding that refuses the value.
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias, Union

from miniagents.validation.findings import Finding, describe_union, ordinal
from miniagents.validation.leaves import Leaf, constraints, leaves
from miniagents.validation.survey import at_pointer, escaped, target_of
from miniagents.validation.tags import Tags
from miniagents.validation.values import JsonValue, Memo, Schema, counted, listed, shown

_Result: TypeAlias = Union["set[str | int]", Finding]
_Steps: TypeAlias = Generator["_Steps", _Result, _Result]


class _Place(NamedTuple):
    """The place of a schema; its JSON pointer is built only when a finding needs it."""

    definition: str
    parts: tuple[str | int, ...] = ()
    around: "_Place | str" = ""
    """The place where `parts` begin, or the JSON pointer of that place."""

    def below(self, *parts: str | int) -> "_Place":
        return _Place(self.definition, parts, self)

    def finding(self, keyword: str, message: str, expected: str = "") -> Finding:
        pointer = ""
        place: _Place | str = self
        while not isinstance(place, str):
            pointer = "".join(f"/{escaped(str(part))}" for part in place.parts) + pointer
            place = place.around
        return Finding(keyword, message, self.definition, place + pointer, expected)


def _run(steps: _Steps) -> _Result:
    stack = [steps]
    result: _Result = set()
    is_new = True
    while True:
        try:
            stack.append(next(stack[-1]) if is_new else stack[-1].send(result))
            is_new = True
        except StopIteration as end:
            result, is_new = end.value, False
            stack.pop()
            if not stack:
                return result


class Explainer:
    """Explains why the definitions of a validator refuse values."""

    def __init__(
        self, definitions: Mapping[str, JsonValue], predicates: Mapping[str, Callable[[JsonValue], bool]]
    ) -> None:
        self._definitions: Mapping[str, Any] = definitions  # Any: schemas, once surveyed
        self._predicates = predicates
        self._tags = Tags(definitions)
        self._leaves: dict[int, tuple[tuple[Leaf, ...], tuple[Leaf, ...]]] = {}

    def finding(self, name: str, value: JsonValue, pointer: str = "") -> Finding | None:
        """Return why a value does not fit the schema at a JSON pointer in a definition, or None if it does."""
        schema: Any = at_pointer(self._definitions[name], pointer)  # Any: a schema
        result = _run(_Evaluation(self, {}).schema(schema, value, _Place(name, (), pointer)))
        return result if isinstance(result, Finding) else None

    def leaves_of(self, schema: dict[str, Any]) -> tuple[tuple[Leaf, ...], tuple[Leaf, ...]]:  # Any: a schema
        """Return the keywords about a value itself: those to evaluate before all others, and those to evaluate last.

        Missing properties come last: errors inside the properties that are there say more.
        """
        known = self._leaves.get(id(schema))
        if known is None:
            late = tuple(leaf for leaf in constraints(schema) if leaf.keyword in {"required", "dependentRequired"})
            names = {leaf.keyword for leaf in late}
            early = tuple(leaf for leaf in leaves(schema) if leaf.keyword not in names)
            known = self._leaves[id(schema)] = (early, late)
        return known


class _Evaluation:
    """One evaluation of one value, with its cache of results."""

    def __init__(self, explainer: Explainer, memo: dict[tuple[str, int], _Result]) -> None:
        self._explainer = explainer
        self._memo = memo
        self._checked: Memo = {}

    def schema(self, schema: Schema, value: JsonValue, place: _Place) -> _Steps:
        """Evaluate a schema for a value; return the evaluated properties or items, or the first finding."""
        if isinstance(schema, bool):
            return set() if schema else place.finding("false", f"Expected nothing at all; got {shown(value)}")
        early, late = self._explainer.leaves_of(schema)
        seen: set[str | int] = set()
        for leaf in early:
            if not self._accepts(leaf, value):
                return place.finding(leaf.keyword, leaf.message(value, self._checked), leaf.expected)
        inside: _Steps | None = None
        if isinstance(value, dict):
            inside = self._members(schema, value, place)
        elif isinstance(value, list):
            inside = self._items(schema, value, place)
        if inside is not None:
            result = yield inside
            if isinstance(result, Finding):
                return result
            seen |= result
        for leaf in late:
            if not self._accepts(leaf, value):
                return place.finding(leaf.keyword, leaf.message(value, self._checked))
        for step in self._in_place(schema, value, place):
            result = yield step
            if isinstance(result, Finding):
                return result
            seen |= result
        if isinstance(value, dict) and "unevaluatedProperties" in schema:
            result = yield self._rest(schema["unevaluatedProperties"], value, seen, place, "unevaluatedProperties")
        elif isinstance(value, list) and "unevaluatedItems" in schema:
            result = yield self._rest(schema["unevaluatedItems"], value, seen, place, "unevaluatedItems")
        else:
            return seen
        return result if isinstance(result, Finding) else seen | result

    def _accepts(self, leaf: Leaf, value: JsonValue) -> bool:
        # `isinstance` would take True and False for integers; in JSON they are not.
        return type(value) not in leaf.classes or leaf.accepts(value, self._checked)

    # --- inside ---

    def _members(self, schema: dict[str, Any], value: dict[str, JsonValue], place: _Place) -> _Steps:  # Any: a schema
        seen: set[str | int] = set()
        properties: dict[str, Schema] = schema.get("properties", {})
        patterns: dict[str, Schema] = schema.get("patternProperties", {})
        for name, member in value.items():
            below = [(name, properties[name], "properties")] if name in properties else []
            below += [(text, patterns[text], "patternProperties") for text in patterns if re.search(text, name)]
            for key, subschema, keyword in below:
                if subschema is False:
                    return place.finding(keyword, f"property {shown(name)} is not allowed")
                result = yield self.schema(subschema, member, place.below(keyword, key))
                if isinstance(result, Finding):
                    return result.below(name)
                seen.add(name)
        if "additionalProperties" in schema:
            rest = yield self._rest(schema["additionalProperties"], value, seen, place, "additionalProperties")
            if isinstance(rest, Finding):
                return rest
            seen |= rest
        if "propertyNames" in schema:
            for name in value:
                result = yield self.schema(schema["propertyNames"], name, place.below("propertyNames"))
                if isinstance(result, Finding):
                    return replace(result, message=f"name of property {shown(name)}: {result.message}", expected="")
        return seen

    def _rest(
        self,
        schema: Schema,
        value: dict[str, JsonValue] | list[JsonValue],
        seen: set[str | int],
        place: _Place,
        keyword: str,
    ) -> _Steps:
        """Apply a schema to the properties or items that are not in `seen`."""
        members: Iterator[tuple[str | int, JsonValue]] = iter(
            value.items() if isinstance(value, dict) else enumerate(value)
        )
        rest = [(key, member) for key, member in members if key not in seen]
        if rest and schema is False:
            if isinstance(value, list):
                return place.finding(keyword, f"item {rest[0][0]} is not allowed")
            names = [shown(key) for key, _ in rest]
            noun = "property" if len(names) == 1 else "properties"
            return place.finding(keyword, f"unknown {noun} {listed(names, 'and')}")
        for key, member in rest:
            result = yield self.schema(schema, member, place.below(keyword))
            if isinstance(result, Finding):
                return result.below(key)
        return {key for key, _ in rest}

    def _items(self, schema: dict[str, Any], value: list[JsonValue], place: _Place) -> _Steps:  # Any: a schema
        seen: set[str | int] = set()
        first: list[Schema] = schema.get("prefixItems", [])
        for index, (subschema, item) in enumerate(zip(first, value, strict=False)):
            result = yield self.schema(subschema, item, place.below("prefixItems", index))
            if isinstance(result, Finding):
                return result.below(index)
            seen.add(index)
        if schema.get("items") is False and len(value) > len(first):
            return place.finding("items", f"Expected at most {counted(len(first), 'item')}; got {len(value)}")
        if "items" in schema:
            result = yield self._rest(schema["items"], value, seen, place, "items")
            if isinstance(result, Finding):
                return result
            seen |= result
        if "contains" in schema:
            found: set[str | int] = set()
            for index, item in enumerate(value):
                result = yield self.schema(schema["contains"], item, place.below("contains"))
                if not isinstance(result, Finding):
                    found.add(index)
            least, most = schema.get("minContains", 1), schema.get("maxContains")
            if len(found) < least:
                keyword = "minContains" if "minContains" in schema else "contains"
                words = f'Expected at least {counted(least, "item")} as "contains" says; got {len(found)}'
                return place.finding(keyword, words)
            if most is not None and len(found) > most:
                words = f'Expected at most {counted(most, "item")} as "contains" says; got {len(found)}'
                return place.finding("maxContains", words)
            seen |= found
        return seen

    # --- in place ---

    def _in_place(self, schema: dict[str, Any], value: JsonValue, place: _Place) -> Iterator[_Steps]:  # Any: a schema
        if "$ref" in schema:
            yield self._reference(schema["$ref"], value, place)
        for index, branch in enumerate(schema.get("allOf", ())):
            yield self.schema(branch, value, place.below("allOf", index))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                yield self._union(keyword, schema[keyword], value, place)
        if "not" in schema:
            yield self._not(schema["not"], value, place)
        if "if" in schema:
            yield self._conditional(schema, value, place)
        if isinstance(value, dict):
            for name, branch in schema.get("dependentSchemas", {}).items():
                if name in value:
                    yield self.schema(branch, value, place.below("dependentSchemas", name))

    def _reference(self, reference: str, value: JsonValue, place: _Place) -> _Steps:
        explainer = self._explainer
        if reference in explainer._predicates:
            if not explainer._predicates[reference](value):
                return place.finding("$ref", f"Expected {reference}; got {shown(value)}", reference)
            return (
                set(value) if isinstance(value, dict) else set(range(len(value))) if isinstance(value, list) else set()
            )
        name = target_of(reference)
        key = (name, id(value))
        if key not in self._memo:
            self._memo[key] = yield self.schema(explainer._definitions[name], value, _Place(name))
        return self._memo[key]

    def _union(self, keyword: str, branches: list[Schema], value: JsonValue, place: _Place) -> _Steps:
        findings: dict[int, Finding] = {}
        fitting: list[int] = []
        seen: set[str | int] = set()
        for index, branch in enumerate(branches):
            result = yield self.schema(branch, value, place.below(keyword, index))
            if isinstance(result, Finding):
                findings[index] = result
            else:
                fitting.append(index)
                seen |= result
        if len(fitting) > 1 and keyword == "oneOf":
            which = listed([ordinal(index) for index in fitting], "and")
            return place.finding(keyword, f"Expected a value for exactly one of the choices; it fits the {which}")
        if fitting:
            return seen
        found = self._explainer._tags.of_branches(branches)
        return describe_union(findings, found, value, place.finding(keyword, ""))

    def _not(self, schema: Schema, value: JsonValue, place: _Place) -> _Steps:
        result = yield self.schema(schema, value, place.below("not"))
        if isinstance(result, Finding):
            return set()
        what = "else"
        if isinstance(schema, dict) and len(schema) == 1:
            kinds = [leaf.expected for leaf in self._explainer.leaves_of(schema)[0] if leaf.expected]
            what = f"but {kinds[0]}" if kinds else what
        return place.finding("not", f"Expected anything {what}; got {shown(value)}")

    def _conditional(self, schema: dict[str, Any], value: JsonValue, place: _Place) -> _Steps:  # Any: a schema
        condition = yield self.schema(schema["if"], value, place.below("if"))
        seen: set[str | int] = set()
        keyword = "else"
        if not isinstance(condition, Finding):
            seen |= condition
            keyword = "then"
        result = yield self.schema(schema.get(keyword, True), value, place.below(keyword))
        return result if isinstance(result, Finding) else seen | result

"""Rules for values: enums, limits, formats, defaults and examples."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from miniagents.codegen.comparing.leaf_changes import SIZES, exact
from miniagents.codegen.documents import JsonValue
from miniagents.codegen.linting.lint_context import Context, Edit, Finding, is_type
from miniagents.codegen.patterns.backtracking import backtracks
from miniagents.codegen.reading.views import (
    KINDS,
    Spot,
    kind_of,
    kinds_named,
    names_in,
    own_kinds,
    reference_of,
    required,
    same_text,
)
from miniagents.codegen.shown import listed, shown
from miniagents.validation.keywords import KEYWORDS, LIMITS

FORMATS: Final = frozenset(
    {
        *("date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
        *("uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "regex"),
        *("json-pointer", "relative-json-pointer"),
        *("byte", "binary", "password", "int32", "int64", "float", "double"),  # OpenAPI's
    }
)
"""The formats that other tools know."""

_EXACT: Final = 2**53 - 1


def default_refused(context: Context) -> Iterator[Finding]:
    """Yield defaults that do not fit their own schema."""
    for spot in context.schemas:
        if "default" in spot.members:
            reason = context.refusal(spot, spot.members["default"])
            if reason is not None:
                yield Finding(
                    spot.place("default"), f"does not fit its own schema: {reason}", "correct it, or remove it"
                )


def example_refused(context: Context) -> Iterator[Finding]:
    """Yield examples that do not fit their own schema."""
    for spot in context.schemas:
        examples = spot.members.get("examples")
        for index, value in enumerate(examples if isinstance(examples, list) else ()):
            reason = context.refusal(spot, value)
            if reason is not None:
                place = spot.place("examples", str(index))
                yield Finding(place, f"does not fit its own schema: {reason}", "correct it, or remove it")


def default_required(context: Context) -> Iterator[Finding]:
    """Yield defaults of required properties."""
    for spot in context.schemas:
        for name, each in spot.named("properties").items():
            if "default" in each.members and name in names_required(spot):
                wrong = f"{shown(name)} is required, so its default is never needed"
                yield Finding(each.place("default"), wrong, "remove it, or do not require the property")


def names_required(spot: Spot) -> set[str]:
    """Return the properties that a schema itself requires, without its references."""
    return required(spot, {})


def keyword_idle(context: Context) -> Iterator[Finding]:
    """Yield keywords that do not restrict any value that the schema allows."""
    for spot in context.schemas:
        kinds = own_kinds(spot)
        if not kinds or kinds == KINDS:
            continue
        for keyword in spot.members:
            about = KEYWORDS[keyword].about if keyword in KEYWORDS else None
            if about is not None and kinds.isdisjoint(kinds_named(about)):
                wrong = f"says nothing of a value that is no {about}"
                place = spot.place(keyword)
                is_plain = not isinstance(spot.members[keyword], dict | list)  # otherwise the type may be the mistake
                edit = Edit(place) if is_plain else None
                yield Finding(place, wrong, 'remove it, or correct "type"', edit)


def enum_value_idle(context: Context) -> Iterator[Finding]:
    """Yield values of enums that are repeated, or that the type beside them refuses."""
    for spot in context.schemas:
        values = spot.members.get("enum")
        seen: set[str] = set()
        kinds = own_kinds(_without_values(spot))
        for index, value in enumerate(values if isinstance(values, list) else ()):
            place = spot.place("enum", str(index))
            if same_text(value) in seen:
                yield Finding(place, f"{shown(value)} is there twice", "remove one of them", Edit(place))
            elif kind_of(value) not in kinds:
                wrong = f"{shown(value)} is not of the type beside it"
                yield Finding(place, wrong, 'remove it, or correct "type"', Edit(place))
            seen.add(same_text(value))
        if "const" in spot.members and kind_of(spot.members["const"]) not in kinds:
            wrong = f"{shown(spot.members['const'])} is not of the type beside it"
            yield Finding(spot.place("const"), wrong, 'correct it, or "type"')


def _without_values(spot: Spot) -> Spot:
    rest = {keyword: value for keyword, value in spot.members.items() if keyword not in {"const", "enum"}}
    return Spot(spot.definition, spot.pointer, rest)


def enum_single(context: Context) -> Iterator[Finding]:
    """Yield enums with one value."""
    for spot in context.schemas:
        values = spot.members.get("enum")
        if isinstance(values, list) and len(values) == 1:
            place = spot.place("enum")
            remedy = f'write "const": {shown(values[0])}'
            yield Finding(place, "it has one value only", remedy, Edit(place, ("const", values[0])))


def enum_mixed(context: Context) -> Iterator[Finding]:
    """Yield enums with values of several types; null does not count."""
    for spot in context.schemas:
        values = spot.members.get("enum")
        kinds = {kind_of(value) for value in values} - {"null"} if isinstance(values, list) else set[str]()
        kinds = {"integer" if kind == "fraction" else kind for kind in kinds}
        if len(kinds) > 1:
            yield Finding(
                spot.place("enum"), f"its values are of several types: {listed(sorted(kinds))}", "keep to one"
            )


def limits_crossed(context: Context) -> Iterator[Finding]:
    """Yield limits with no value between them."""
    for spot in context.schemas:
        if kinds_beside_numbers(spot):
            for low in ("minimum", "exclusiveMinimum"):
                for high in ("maximum", "exclusiveMaximum"):
                    least, most = _number(spot, low), _number(spot, high)
                    if least is None or most is None:
                        continue
                    is_empty = exact(least) > exact(most) or (
                        exact(least) == exact(most) and (low, high) != ("minimum", "maximum")
                    )
                    if is_empty:
                        wrong = f"no number is between {low} {shown(least)} and {high} {shown(most)}"
                        yield Finding(spot.place(low), wrong, "correct one of them")
        for high in SIZES:
            low = high.replace("max", "min")
            least, most = _number(spot, low), _number(spot, high)
            if high.startswith("max") and least is not None and most is not None and least > most:
                wrong = f"nothing has {low} {shown(least)} and {high} {shown(most)}"
                yield Finding(spot.place(low), wrong, "correct one of them")
        least, most = _number(spot, "minContains"), _number(spot, "maxContains")
        least = 1 if least is None else least
        if "contains" in spot.members and most is not None and least > most:
            wrong = f"nothing has minContains {shown(least)} and maxContains {shown(most)}"
            yield Finding(spot.place("maxContains"), wrong, "correct one of them")


def kinds_beside_numbers(spot: Spot) -> bool:
    """Return whether numbers may fit a schema."""
    return bool(own_kinds(spot) & {"integer", "fraction"})


def _number(spot: Spot, keyword: str) -> int | float | None:
    value = spot.members.get(keyword)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


class _Value(NamedTuple):
    """A value in a schema, and the steps to it."""

    steps: tuple[str, ...]
    value: JsonValue


def integer_unsafe(context: Context) -> Iterator[Finding]:
    """Yield integers that a double cannot represent exactly."""
    for spot in context.schemas:
        places = [
            _Value((keyword,), spot.members[keyword])
            for keyword in (*LIMITS["number"].values(), "const", "default")
            if keyword in spot.members
        ]
        values = spot.members.get("enum")
        if isinstance(values, list):
            places += [_Value(("enum", str(index)), value) for index, value in enumerate(values)]
        for steps, value in places:
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT:
                wrong = f"{shown(value)} is beyond ±(2^53 - 1): JavaScript and others read another number"
                yield Finding(spot.place(*steps), wrong, "write a text for such numbers")


def integer_unbounded(context: Context) -> Iterator[Finding]:
    """Yield integers without a lower or upper limit."""
    for spot in context.schemas:
        is_integer = spot.members.get("type") == "integer" and not spot.members.keys() & {"enum", "const"}
        if not is_integer or not is_type(spot):
            continue
        least = _number(spot, "minimum") if "minimum" in spot.members else _number(spot, "exclusiveMinimum")
        most = _number(spot, "maximum") if "maximum" in spot.members else _number(spot, "exclusiveMaximum")
        if least is None or most is None:
            missing = listed(name for name, limit in (("minimum", least), ("maximum", most)) if limit is None)
            wrong = "it may be of any size, also beyond 2^53, where others lose digits"
            yield Finding(spot.place("type"), wrong, f"write {missing}")


def format_unknown(context: Context) -> Iterator[Finding]:
    """Yield unknown formats."""
    for spot in context.schemas:
        name = spot.members.get("format")
        if isinstance(name, str) and name not in FORMATS:
            remedy = "write one of JSON Schema's, such as date-time, or a pattern"
            yield Finding(spot.place("format"), f"{shown(name)} is no known format: nothing will check it", remedy)


def pattern_open(context: Context) -> Iterator[Finding]:
    r"""Yield patterns that need not match the whole text (here they are for Python, where `\Z` is the end)."""
    for spot in context.schemas:
        pattern = spot.members.get("pattern")
        if not isinstance(pattern, str):
            continue
        inner = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "", pattern.removesuffix(r"\Z"))
        if not pattern.startswith("^") or not pattern.endswith(r"\Z") or ("|" in inner and "(" not in inner):
            yield Finding(
                spot.place("pattern"), "a text fits that only contains it", "write ^(...)$ if all of it is meant"
            )


def pattern_slow(context: Context) -> Iterator[Finding]:
    """Yield patterns for which some texts take exponential time."""
    for spot in context.schemas:
        found = [("pattern", names_in([spot.members.get("pattern")]))]
        found.append(("patternProperties", [*spot.named("patternProperties")]))
        for keyword, pattern in ((keyword, each) for keyword, patterns in found for each in patterns):
            if backtracks(pattern):
                wrong = "a text can match its loop in many ways: a short hostile text may take years"
                remedy = "let each part of the loop begin or end with a sign of its own, as in ^[a-z]+(-[a-z]+)*$"
                yield Finding(spot.place(keyword), wrong, remedy)


def nullable_optional(context: Context) -> Iterator[Finding]:
    """Yield properties that may be both absent and null."""
    for spot in context.schemas:
        names = required(spot, {})
        for name, each in spot.named("properties").items():
            if name not in names and is_type(each) and _may_be_null(each):
                wrong = f"{shown(name)} may be absent and may be null: two ways to say nothing"
                yield Finding(each.place(), wrong, "require it, or do not allow null")


def _may_be_null(spot: Spot) -> bool:
    if reference_of(spot) is not None or not spot.members.keys() & {"type", "anyOf", "oneOf", "enum"}:
        return False
    branches = [*spot.many("anyOf"), *spot.many("oneOf")]
    if branches:
        return any(own_kinds(each) == frozenset({"null"}) for each in branches)
    return "null" in own_kinds(spot)

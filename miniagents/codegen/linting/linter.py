"""`lint`, which finds what could be better in valid schemas.

Rules have levels. Each rule can be switched off for a run, or by `"x-miniagents-ignore": ["rule-id"]` in a schema, for
the schema and all its parts. A rule that is switched off needlessly is a finding too.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from miniagents.codegen.documents import Document, JsonValue, Place, escape
from miniagents.codegen.linting import name_rules, shape_rules, value_rules
from miniagents.codegen.linting.levels import LEVELS, Level, Strictness
from miniagents.codegen.linting.lint_context import Context, Edit, Finding, Rule
from miniagents.codegen.reading.bundle import Bundle
from miniagents.codegen.schema_errors import Problem
from miniagents.codegen.shown import shown
from miniagents.validation.keywords import DATA

__all__ = ["IGNORE", "IGNORE_RULES", "LEVELS", "RULES", "Found", "Level", "Rule", "findings", "lint", "problems_of"]

IGNORE: Final = "x-miniagents-ignore"
"""The keyword that switches rules off in place."""

RULES: Final[Mapping[str, Rule]] = {
    rule.id: rule
    for rule in (
        Rule("default-refused", "basic", "a default that does not fit is no default", value_rules.default_refused),
        Rule("example-refused", "basic", "an example that does not fit misleads", value_rules.example_refused),
        Rule("enum-value-idle", "basic", "a value that can never be used is a mistake", value_rules.enum_value_idle),
        Rule("keyword-idle", "basic", "a limit that limits nothing was meant otherwise", value_rules.keyword_idle),
        Rule("limits-crossed", "basic", "nothing can fit", value_rules.limits_crossed),
        Rule(
            "required-undeclared", "basic", "a name misspelt here can never be given", shape_rules.required_undeclared
        ),
        Rule("type-missing", "basic", "without a type every other value fits", shape_rules.type_missing),
        Rule("closed-unsaid", "standard", "open by default is rarely meant", shape_rules.closed_unsaid),
        Rule("default-required", "standard", "what is always there needs no default", value_rules.default_required),
        Rule("definition-repeated", "standard", "two types for one thing", shape_rules.definition_repeated),
        Rule("definition-unused", "standard", "what nothing refers to is left over", shape_rules.definition_unused),
        Rule("deprecated-silent", "standard", "readers must know what to do instead", name_rules.deprecated_silent),
        Rule("enum-mixed", "standard", "values of several types are hard to use", value_rules.enum_mixed),
        Rule("enum-single", "standard", "one value is a const", value_rules.enum_single),
        Rule("enum-style", "standard", "values should look alike", name_rules.enum_style),
        Rule("format-unknown", "standard", "a format that nobody knows is a comment", value_rules.format_unknown),
        Rule("integer-unsafe", "standard", "others read another number", value_rules.integer_unsafe),
        Rule("items-missing", "standard", "any item fits", shape_rules.items_missing),
        Rule("pattern-slow", "standard", "a hostile text stops the program", value_rules.pattern_slow),
        Rule("property-style", "standard", "properties should look alike", name_rules.property_style),
        Rule("property-untyped", "standard", "anything fits", shape_rules.property_untyped),
        Rule("type-description", "standard", "it becomes the docstring", name_rules.type_description),
        Rule("type-name", "standard", "the file and the class should have one name", name_rules.type_name),
        Rule("union-ambiguous", "standard", "which branch is meant must be clear", shape_rules.union_ambiguous),
        Rule("dialect-unsaid", "strict", "others must guess what keywords mean", shape_rules.dialect_unsaid),
        Rule("enum-zero", "strict", "old readers need a value for new ones", name_rules.enum_zero),
        Rule("integer-unbounded", "strict", "others lose digits beyond 2^53", value_rules.integer_unbounded),
        Rule(
            "nullable-optional", "strict", "absent and null should not both mean nothing", value_rules.nullable_optional
        ),
        Rule("object-repeated", "strict", "one thing should be one type", shape_rules.object_repeated),
        Rule("pattern-open", "strict", "all of a text is usually meant", value_rules.pattern_open),
        Rule("property-description", "strict", "it becomes the docs of the field", name_rules.property_description),
        Rule("property-python-name", "strict", "one name in JSON and Python", name_rules.property_python_name),
        Rule("union-untagged", "strict", "a tag is faster and clearer than trying", shape_rules.union_untagged),
    )
}
"""Every rule by its name, from the least to the most strict level."""

IGNORE_RULES: Final = {
    "ignore-unknown": "a misspelt name switches nothing off",
    "ignore-needless": "what is switched off for nothing hides what comes",
}
"""The rules about switching rules off, with their reasons; they cannot be switched off themselves."""

_ALL_RULES: Final = "lint --rules lists them all"
_HABIT: Final = 5


class Found(NamedTuple):
    """A finding, and the name of the rule that found it."""

    rule: str
    finding: Finding


def lint(bundle: Bundle, level: Level = "standard", *, ignored: Collection[str] = ()) -> tuple[Problem, ...]:
    """Return the findings of the rules of a level, sorted by file and line.

    Args:
        bundle: The schemas.
        level: The strictness.
        ignored: The names of rules that are switched off for this run.
    """
    strictness = Strictness(level, frozenset(ignored))
    return problems_of(findings(bundle, lambda _: strictness), lambda _: strictness)


def findings(bundle: Bundle, strictness: Callable[[str], Strictness]) -> tuple[Found, ...]:
    """Return the findings in schemas, each with the name of its rule, in the order of the rules.

    Args:
        bundle: The schemas.
        strictness: Returns the strictness for the name of a file.
    """
    context = Context(bundle)
    asked = {document: strictness(document.name) for document in context.documents}
    switches = {(document, pointer): names for document in context.documents for pointer, names in _switches(document)}
    used: set[tuple[Document, str, str]] = set()
    result: list[Found] = []
    for rule in RULES.values():
        if not any(each.asks(rule.id, rule.level) for each in asked.values()):
            continue
        found: dict[Place, Finding] = {finding.place: finding for finding in rule.check(context)}
        for place, finding in found.items():
            off = [
                pointer for pointer in _around(place.pointer) if rule.id in switches.get((place.document, pointer), ())
            ]
            used.update((place.document, pointer, rule.id) for pointer in off)
            if not off and asked[place.document].asks(rule.id, rule.level):
                result.append(Found(rule.id, finding))
    for (document, pointer), rules in switches.items():
        if asked[document].level is None:
            continue
        place = Place(document, f"{pointer}/{IGNORE}")
        is_needless = {
            name: asked[document].asks(name, RULES[name].level) and (document, pointer, name) not in used
            for name in rules
            if name in RULES
        }
        for index, name in enumerate(rules):
            if name not in RULES:
                result.append(Found("ignore-unknown", Finding(place, f"{shown(name)} is no rule", _ALL_RULES)))
            elif is_needless[name]:
                is_all = all(is_needless.get(each) for each in rules)
                edit = Edit(place if is_all else Place(document, f"{place.pointer}/{index}"))
                finding = Finding(place, f"{name} finds nothing here", "remove it", edit)
                result.append(Found("ignore-needless", finding))
    return tuple(result)


def problems_of(found: Collection[Found], strictness: Callable[[str], Strictness]) -> tuple[Problem, ...]:
    """Return findings as problems, sorted by file and line.

    More than five findings of one rule in a file are a habit of its author. They are reported once, at the first of
    them, unless the rule is about mistakes or the file is checked strictly.
    """
    groups: dict[tuple[Document, str], list[Problem]] = {}
    for rule, finding in found:
        groups.setdefault((finding.place.document, rule), []).append(finding.problem(rule))
    problems: list[Problem] = []
    for (document, rule), group in groups.items():
        is_habit = rule in RULES and RULES[rule].level != "basic" and strictness(document.name).level != "strict"
        if is_habit and len(group) > _HABIT:
            first = min(group)
            remedy = f"{first.remedy}; --level strict lists all, --ignore {rule} none"
            problems.append(replace(first, wrong=f"{first.wrong} (and {len(group) - 1} more like it)", remedy=remedy))
        else:
            problems += group
    return tuple(sorted(problems))


def _around(pointer: str) -> Iterator[str]:
    """Yield a JSON pointer, and the pointers of all values around it."""
    yield pointer
    while "/" in pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


def _switches(document: Document) -> Iterator[tuple[str, list[str]]]:
    """Yield the places where rules are switched off, each with the names of the rules."""
    todo: list[tuple[str, JsonValue]] = [("#", document.value)]
    while todo:
        pointer, value = todo.pop()
        if isinstance(value, dict):
            names = value.get(IGNORE)
            if names is not None:
                listed = names if isinstance(names, list) else [names]
                yield pointer, [each if isinstance(each, str) else shown(each) for each in listed]
            todo += [(f"{pointer}/{escape(name)}", each) for name, each in value.items() if name not in DATA]
        elif isinstance(value, list):
            todo += [(f"{pointer}/{index}", each) for index, each in enumerate(value)]

"""Reports of `lint` and `diff` for programs that show them beside the lines of files: GitHub, and readers of SARIF."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from miniagents.codegen.comparing.rules import DIFF_RULES, Change, Gate
from miniagents.codegen.documents import JsonValue
from miniagents.codegen.linting.levels import Level
from miniagents.codegen.linting.linter import IGNORE_RULES, RULES
from miniagents.codegen.schema_errors import Problem
from miniagents.codegen.shown import listed
from miniagents.printing import printable

Weight: TypeAlias = Literal["error", "warning", "note"]
"""The importance of an annotation, in the words of SARIF."""

REFUSED: Final = "schema-refused"
"""The rule of everything because of which schemas cannot be read."""

_COMMANDS: Final[Mapping[Weight, str]] = {"error": "error", "warning": "warning", "note": "notice"}
_WEIGHTS: Final[Mapping[Level, Weight]] = {"basic": "error", "standard": "warning", "strict": "note"}
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text about a line of a file.

    Attributes:
        weight: Its importance.
        rule: The name of the rule that it comes from.
        text: The text, on one line.
        file: The path of the file; "" if it is about none.
        line: The line, beginning with 1; 0 for the whole file.
        pointer: The JSON pointer of the value in the file; "" if it is about none.
    """

    weight: Weight
    rule: str
    text: str
    file: str
    line: int
    pointer: str


def of_findings(findings: Iterable[Problem]) -> Iterator[Annotation]:
    """Yield an annotation for each finding of `lint`."""
    for each in findings:
        rule = RULES.get(each.keyword)
        weight = _WEIGHTS[rule.level] if rule is not None else "warning"
        text = "; ".join(part for part in (each.wrong, each.remedy) if part)
        yield Annotation(weight, each.keyword, printable(text), each.file, each.line, each.pointer)


def of_refusals(problems: Iterable[Problem]) -> Iterator[Annotation]:
    """Yield an annotation for each problem because of which schemas cannot be read."""
    for each in problems:
        what = ": ".join(part for part in (each.keyword, each.wrong) if part)
        text = "; ".join(part for part in (what, each.remedy) if part)
        yield Annotation("error", REFUSED, printable(text), each.file, each.line, each.pointer)


def of_changes(changes: Iterable[Change], gate: Gate) -> Iterator[Annotation]:
    """Yield an annotation for each change that breaks or could break somebody."""
    for change in changes:
        place = change.new or change.old
        if place is None or not change.concerns:
            continue
        weight: Weight = "error" if gate.broken(change) else "warning" if change.breaks else "note"
        where = place.problem(change.rule, change.what, effect(change))
        text = printable(f"{change.type}: {change.what}; {effect(change)}")
        yield Annotation(weight, change.rule, text, where.file, where.line, where.pointer)


def effect(change: Change) -> str:
    """Return in words whom a change breaks."""
    words = [f"breaks {listed(change.breaks)}"] if change.breaks else []
    words += [f"could break {listed(change.could_break)}"] if change.could_break else []
    return ", ".join(words) or "breaks nobody"


def github(annotations: Iterable[Annotation]) -> str:
    """Return commands of GitHub's workflows, one on each line, which make annotations of a change request."""
    lines: list[str] = []
    for each in annotations:
        about = {"file": each.file, "line": str(each.line or ""), "title": each.rule}
        options = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in about.items() if value)
        text = f"{each.pointer}: {each.text}" if each.pointer else each.text
        lines.append(f"::{_COMMANDS[each.weight]} {options}::{_escaped(printable(text))}\n")
    return "".join(lines)


def _escaped(text: str, more: str = "") -> str:
    """Return a text in which nothing ends a command of GitHub's workflows, or a property of it."""
    return "".join(f"%{ord(char):02X}" if char in f"%\r\n{more}" else char for char in text)


def sarif(annotations: Iterable[Annotation]) -> str:
    """Return a log in SARIF 2.1.0."""
    every = [*annotations]
    rules = sorted({each.rule for each in every})
    run: JsonValue = {
        "tool": {
            "driver": {
                "name": "miniagents",
                "rules": [{"id": rule, "shortDescription": {"text": _reason(rule)}} for rule in rules],
            }
        },
        "invocations": [{"executionSuccessful": REFUSED not in rules}],
        "results": [_result(each, rules) for each in every],
    }
    log: JsonValue = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _reason(rule: str) -> str:
    if rule in RULES:
        return RULES[rule].why
    return {**DIFF_RULES, **IGNORE_RULES, REFUSED: "schemas that are wrong cannot be read"}[rule]


def _result(annotation: Annotation, rules: Sequence[str]) -> JsonValue:
    result: dict[str, JsonValue] = {
        "ruleId": annotation.rule,
        "ruleIndex": rules.index(annotation.rule),
        "level": annotation.weight,
        "message": {"text": annotation.text},
    }
    if annotation.file:
        place: dict[str, JsonValue] = {"artifactLocation": {"uri": _uri(annotation.file)}}
        if annotation.line:
            place["region"] = {"startLine": annotation.line}
        location: dict[str, JsonValue] = {"physicalLocation": place}
        if annotation.pointer:
            location["logicalLocations"] = [{"fullyQualifiedName": annotation.pointer}]
        result["locations"] = [location]
    return result


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(file, errors="surrogatepass")

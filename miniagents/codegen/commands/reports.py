"""Reports of `lint` and `diff`, as text for people and as JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby

from miniagents.codegen.commands.line_annotations import effect
from miniagents.codegen.commands.painting import Paint, painted
from miniagents.codegen.comparing.rules import AUDIENCES, Change, Gate
from miniagents.codegen.documents import JsonValue, Place
from miniagents.codegen.schema_errors import Problem
from miniagents.printing import printable


def diff_text(changes: Sequence[Change], gate: Gate, paint: Paint) -> str:
    """Return the changes as text, by type, each with its place, its rule and the audiences it breaks."""
    lines: list[str] = []
    for name, group in groupby(changes, key=lambda change: change.type):
        lines.append(paint(printable(name), "bold"))
        for change in group:
            colour = "red" if gate.broken(change) else "yellow" if change.concerns else "green"
            what = printable(f"{where(change)}: {change.rule}: {change.what}")
            lines.append(f"  {what}; {paint(effect(change), colour)}")
    lines.append(summary(changes))
    return "\n".join(lines) + "\n"


def diff_json(changes: Iterable[Change], gate: Gate) -> str:
    """Return the changes as JSON."""
    every = [*changes]
    report: JsonValue = {
        "changes": [
            {
                "type": change.type,
                "rule": change.rule,
                "breaks": [*change.breaks],
                "could_break": [*change.could_break],
                "old": _json_place(change.old),
                "new": _json_place(change.new),
                "what": change.what,
            }
            for change in every
        ],
        "breaks": {each: sum(each in change.breaks for change in every) for each in AUDIENCES},
        "could_break": {each: sum(each in change.could_break for change in every) for each in AUDIENCES},
        "against": [*gate.audiences, gate.severity],
        "ok": not any(map(gate.broken, every)),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def lint_text(findings: Sequence[Problem], paint: Paint) -> str:
    """Return the findings as text, one on each line."""
    return "".join(f"{painted(str(each), paint)}\n" for each in findings)


def lint_json(findings: Iterable[Problem]) -> str:
    """Return the findings as JSON."""
    report: JsonValue = [
        {
            "file": each.file,
            "line": each.line,
            "pointer": each.pointer,
            "rule": each.keyword,
            "wrong": each.wrong,
            "remedy": each.remedy,
        }
        for each in findings
    ]
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def line_of(place: Place) -> int:
    """Return the number of the line where a place begins."""
    return place.problem("", "", "").line


def where(change: Change) -> str:
    """Return the places of a change in the old and in the new version."""
    old = f"{change.old.document.name}:{line_of(change.old)}" if change.old is not None else ""
    if change.new is None:
        return f"{old}: {change.old.pointer}" if change.old is not None else old
    new = f"{change.new.document.name}:{line_of(change.new)}"
    if not old:
        return f"{new}: {change.new.pointer}"
    pointer = change.new.pointer
    if change.old is not None and len(change.old.pointer) > len(pointer):
        pointer = change.old.pointer  # a removed part has a place only in the old version
    return f"{old} -> {new}: {pointer}"


def _json_place(place: Place | None) -> JsonValue:
    if place is None:
        return None
    return {"file": place.document.name, "line": line_of(place), "pointer": place.pointer}


def summary(changes: Sequence[Change]) -> str:
    """Return how many changes there are, and how many of them break or could break whom."""
    if not changes:
        return "nothing changed"
    count = f"{len(changes)} change{'s' if len(changes) > 1 else ''}"
    parts: list[str] = []
    for each in AUDIENCES:
        number = sum(each in change.breaks for change in changes)
        parts += [f"{number} break{'s' if number == 1 else ''} {each}"] if number else []
    for each in AUDIENCES:
        number = sum(each in change.could_break for change in changes)
        parts += [f"{number} could break {each}"] if number else []
    return f"{count}: {', '.join(parts) or 'none breaks anybody'}"

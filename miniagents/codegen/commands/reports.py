"""Reports of `lint` and `diff`, as text for people and as JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby

from miniagents.codegen.commands.painting import Paint, painted
from miniagents.codegen.comparing.rules import AUDIENCES, Audience, Change
from miniagents.codegen.documents import JsonValue, Place
from miniagents.codegen.schema_errors import Problem
from miniagents.codegen.shown import listed
from miniagents.printing import printable


def diff_text(changes: Sequence[Change], against: Sequence[Audience], paint: Paint) -> str:
    """Return the changes as text, by type, each with its place, its rule and the audiences it breaks."""
    lines: list[str] = []
    for name, group in groupby(changes, key=lambda change: change.type):
        lines.append(paint(printable(name), "bold"))
        for change in group:
            place = _where(change)
            counts = [each for each in change.breaks if each in against]
            effect = f"breaks {listed(change.breaks)}" if change.breaks else "breaks nobody"
            effect = paint(effect, "red" if counts else "yellow" if change.breaks else "green")
            what = printable(f"{place}: {change.rule}: {change.what}")
            lines.append(f"  {what}; {effect}")
    lines.append(_summary(changes))
    return "\n".join(lines) + "\n"


def diff_json(changes: Iterable[Change], against: Sequence[Audience]) -> str:
    """Return the changes as JSON."""
    every = [*changes]
    report: JsonValue = {
        "changes": [
            {
                "type": change.type,
                "rule": change.rule,
                "breaks": [*change.breaks],
                "old": _json_place(change.old),
                "new": _json_place(change.new),
                "what": change.what,
            }
            for change in every
        ],
        "breaks": {each: sum(each in change.breaks for change in every) for each in AUDIENCES},
        "against": [*against],
        "ok": not any(each in change.breaks for change in every for each in against),
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


def _where(change: Change) -> str:
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


def _summary(changes: Sequence[Change]) -> str:
    if not changes:
        return "nothing changed"
    count = f"{len(changes)} change{'s' if len(changes) > 1 else ''}"
    broken = [(each, sum(each in change.breaks for change in changes)) for each in AUDIENCES]
    parts = [f"{number} break{'s' if number == 1 else ''} {each}" for each, number in broken if number]
    return f"{count}: {', '.join(parts) or 'none breaks anybody'}"

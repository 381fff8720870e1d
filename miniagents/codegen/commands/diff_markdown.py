"""The report of `diff` for change requests, as Markdown."""

import re
from collections.abc import Sequence

from miniagents.codegen.commands.line_annotations import effect
from miniagents.codegen.commands.reports import summary, where
from miniagents.codegen.comparing.rules import Change, Gate
from miniagents.printing import printable


def diff_markdown(changes: Sequence[Change], gate: Gate) -> str:
    """Return the changes as Markdown: a table of those that break, of those that could, and, folded, of the others."""
    is_ok = not any(gate.broken(change) for change in changes)
    groups = [
        ("Breaks", [change for change in changes if change.breaks]),
        ("Could break", [change for change in changes if change.could_break and not change.breaks]),
        ("Breaks nobody", [change for change in changes if not change.concerns]),
    ]
    lines = [f"## Schemas: {'passed' if is_ok else 'failed'}", "", f"{summary(changes).capitalize()}."]
    for title, group in groups:
        if not group:
            continue
        table = ["| Type | Change | Effect | Where |", "|---|---|---|---|", *map(_row, group)]
        if title == "Breaks nobody":
            head = f"<summary>{title}: {len(group)}</summary>"
            lines += ["", "<details>", head, "", *table, "", "</details>"]
        else:
            lines += ["", f"### {title}: {len(group)}", "", *table]
    return "\n".join(lines) + "\n"


def _row(change: Change) -> str:
    cells = (_code(change.type), f"{_text(change.what)} (`{change.rule}`)", effect(change), _code(where(change)))
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Return a text in which nothing is Markdown, HTML, or a mention of somebody."""
    escaped = re.sub(r"[\\`*_{}\[\]<>()#+!|~$&-]", r"\\\g<0>", printable(text))
    return re.sub(r"(?i)@|(?<=http)(?=s?:)|(?<=www)(?=\.)", r"\g<0>&#8203;", escaped)


def _code(text: str) -> str:
    """Return a text as code, in a cell of a table."""
    plain = printable(text)
    if not re.search(r"[`|\\]", plain):
        return f"`{plain}`"
    # no code between backticks can have a backslash before a bar: it would end the cell
    entities = re.sub(r"[^\w ]", lambda found: f"&#{ord(found[0])};", plain)
    return f"<code>{entities}</code>"

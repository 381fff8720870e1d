"""Pages of runs that are made up, and what they hold."""

import json
import random
import re
from functools import cache
from typing import Any

from miniagents.messages import CallRecord, Identity, Message
from miniagents.picturing.drawn_calls import DrawnCall
from miniagents.picturing.page import html_page

HOSTILE = (
    "</script><script>document.title = 'owned'</script>"
    "<img src=x onerror=\"document.title = 'owned'\">{data}{script}"
    "\u2028\u2029\x00\ud800 \u202eabc --><!--<script> ]]> ' \" ` ${1} \\u003c &lt; é 漢 🙂"
)
"""What a page must show as it is, except for what no HTML can hold."""


def call(number: int, parent: int | None = None, **facts: Any) -> DrawnCall:  # any facts of a record
    """Return a call that took a second, after as many seconds as its number says."""
    given: dict[str, Any] = {
        "run": "r",
        "called": Identity(kind="agent", name=f"agent{number}"),
        "began": 1000 + number,
        "ended": 1001 + number,
        "outcome": "done",
    }
    given.update(facts)
    return DrawnCall(record=CallRecord(number=number, parent=parent, **given))


def data_of(page: str) -> dict[str, Any]:
    """Return what a page draws."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(text)
    texts = data.pop("texts")
    for more in data["details"]:
        for name in {"messages", "replies"} & set(more or ()):
            more[name] = [texts[place] for place in more[name]]
    return data


@cache
def many(count: int) -> str:
    """Return the page of a run of so many calls: nested, of all kinds, some failed, some not finished."""
    chance = random.Random(count)
    calls: list[DrawnCall] = []
    times: list[tuple[float, float]] = [(0.0, 600.0)]
    for number in range(1, count + 1):
        parent = None if number == 1 else max(1, number // chance.choice((2, 3, 9)))
        above = times[parent or 0]
        began = above[0] + chance.random() * 0.6 * (above[1] - above[0])
        ended = above[1] if parent is None else began + chance.random() * (above[1] - began)
        times.append((began, ended))
        outcome = "failed" if number == 5 else chance.choices(("done", "failed", "cancelled", None), (900, 5, 5, 2))[0]
        calls.append(
            call(
                number,
                parent,
                called=Identity(kind=chance.choice(("agent", "tool", "model")), name=f"name {number % 7}"),
                began=1.7e9 + began,
                first_piece=1.7e9 + began + 0.4 * (ended - began),
                ended=None if outcome is None else 1.7e9 + ended,
                outcome=outcome,
                error="ValueError: no" if outcome == "failed" else None,
                arguments={"number": number},
            )
        )
    return html_page(calls, f"{count} calls")


def hostile() -> str:
    """Return the page of a call whose texts try to become code."""
    record = CallRecord(
        run=HOSTILE.replace("\ud800", ""),
        number=7,
        called=Identity(kind="agent", name=HOSTILE.replace("\ud800", "")),
        arguments={"text": HOSTILE.replace("\ud800", "")},
        began=1,
        ended=2,
        outcome="failed",
        error=HOSTILE.replace("\ud800", ""),
    )
    said = (Message(HOSTILE.replace("\ud800", "")),)
    return html_page([DrawnCall(record=record, messages=said, replies=said)], HOSTILE)

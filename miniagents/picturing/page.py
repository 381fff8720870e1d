"""The picture of a run as one HTML page.

Nothing in a run can become markup or code: its texts are JSON in which no `<` stands, the page puts them where text
belongs, and its policy lets it run just its own script and load nothing.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from miniagents.calls.call import kind_of
from miniagents.printing import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from miniagents.picturing.drawn_calls import DrawnCall

__all__ = ["html_frame", "html_page"]

_FOLDER: Final = Path(__file__).parent
_Key: TypeAlias = tuple[str, int]
"""The run of a call, and its number there."""

_KINDS: Final = ("agent", "tool", "model")
_LATEST: Final = 1e12
"""No call is made after this second since 1970."""

_OUTCOMES: Final = (None, "done", "failed", "cancelled")


def html_page(calls: Iterable[DrawnCall], title: str, *, until: float | None = None) -> str:
    """Return the page that draws calls.

    Args:
        calls: The calls; of several records of a call the last one counts.
        title: What stands at the top of the page.
        until: The time to which calls go on that have not ended, in seconds since 1970; None for the last one known.

    Raises:
        TypeError: A path is given instead of calls.
    """
    given: object = calls
    if isinstance(given, str | bytes | PathLike):
        raise TypeError(
            "html_page: give calls, not the path of a file; `miniagents picture FILE` draws those of a file"
        )
    script, style = (_read(f"picture.{kind}") for kind in ("js", "css"))
    # no `<` ends the script, and no browser reads anything but ASCII here, not even a lone surrogate
    data = json.dumps(_data(calls, until), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    parts = {
        "data": data,
        "policy": f"default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"script-src '{_hash(script)}'; style-src '{_hash(style)}'",
        "script": script,
        "style": style,
        "title": escape(printable(title)).encode("ascii", "xmlcharrefreplace").decode(),
    }
    return re.sub(r"\{(\w+)\}", lambda place: parts[place[1]], _read("picture.html"))


def html_frame(page: str) -> str:
    """Return a frame for a notebook that shows a page, which cannot reach the notebook."""
    return (
        f'<iframe sandbox="allow-scripts" style="width: 100%; height: 480px; border: 0" srcdoc="{escape(page)}">'
        "</iframe>"
    )


def _data(calls: Iterable[DrawnCall], until: float | None) -> dict[str, object]:
    by_key = {(call.record.run, call.record.number): call for call in calls}
    rows = list(_in_lanes(by_key))
    times = [time for call, _, _ in rows for time in _times(call) if time is not None]
    times += [time for call, _, _ in rows for time in (*call.pieces[:1], *call.pieces[-1:])]
    start = min(times, default=0.0)
    end = max(times, default=0.0)
    texts = _Texts()
    names: dict[str, int] = {}
    columns: dict[str, list[object]] = {
        name: [] for name in ("number", "depth", "size", "kind", "name", "began", "first", "ended", "outcome")
    }
    for call, depth, size in rows:
        record = call.record
        began, first, ended = (None if time is None else round((time - start) * 1000, 3) for time in _times(call))
        for name, value in (
            ("number", record.number),
            ("depth", depth),
            ("size", size),
            ("kind", _KINDS.index(kind_of(record))),
            ("name", names.setdefault(record.called.name, len(names))),
            ("began", began),
            ("first", first),
            ("ended", ended),
            ("outcome", _OUTCOMES.index(record.outcome)),
        ):
            columns[name].append(value)
    return {
        "names": list(names),
        "columns": columns,
        "replayed": [at for at, (call, _, _) in enumerate(rows) if call.record.replayed],
        "details": [texts.taken_from(call.more(start)) for call, _, _ in rows],
        "end": round((max(end, until or end) - start) * 1000, 3),
        "texts": texts.all,
    }


class _Texts:
    """The texts of a run, each of them once: a conversation sends the same messages again with each call."""

    def __init__(self) -> None:
        self._places: dict[object, int] = {}

    @property
    def all(self) -> list[object]:
        return [*self._places]

    def taken_from(self, more: dict[str, object] | None) -> dict[str, object] | None:
        """Put the places of texts in their stead."""
        for name in ("messages", "replies"):
            if more is not None and name in more:
                texts: Any = more[name]  # Any: pairs of a label and a text
                more[name] = [self._places.setdefault(text, len(self._places)) for text in texts]
        return more


def _in_lanes(calls: Mapping[_Key, DrawnCall]) -> Iterable[tuple[DrawnCall, int, int]]:
    """Return the calls, each before those that it made, with its depth, and how many it and those below are."""
    children: dict[_Key | None, list[_Key]] = {}
    sizes = dict.fromkeys(calls, 1)
    for key in sorted(calls, key=lambda key: key[1], reverse=True):
        parent = calls[key].record.parent
        above = None if parent is None else (key[0], parent)
        # a parent is older than its calls: records that say anything else make no circles here
        if above is None or above not in calls or above[1] >= key[1]:
            above = None
        else:
            sizes[above] += sizes[key]
        children.setdefault(above, []).append(key)
    waiting = [(key, 0) for key in children.get(None, ())]
    while waiting:
        key, depth = waiting.pop()
        yield calls[key], depth, sizes[key]
        waiting += [(child, depth + 1) for child in children.get(key, ())]


def _times(call: DrawnCall) -> tuple[float | None, float | None, float | None]:
    """Return when a call began, gave its first piece and ended, in an order that can be drawn."""
    record = call.record
    began, first, ended = map(_known, (record.began, record.first_piece, record.ended))
    if began is None:
        return None, None, None
    return began, None if first is None else max(began, first), None if ended is None else max(began, ended)


def _known(time: float | None) -> float | None:
    """Return a time that a record has, unless no clock can show it."""
    return float(time) if time is not None and abs(time) < _LATEST else None


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")

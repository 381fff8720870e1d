"""The text of diagrams: a line for each promise, a column for each moment.

The marks on a line are those of `marbles`, so a source looks as it was written. If a mark has more than one character,
the other lines get spaces in its column, which have no meaning. Marks in the same column happened at the same time.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from miniagents.printing import printable
from miniagents.promising import Promise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Set as AbstractSet

__all__ = [
    "ERROR",
    "Line",
    "Picture",
    "Row",
    "as_mark",
    "error_in_words",
    "events_in",
    "in_columns",
    "in_words",
    "promises_in",
]

ERROR: Final = "#"
"""The mark of an error, and the text of the `ValueError` that a source raises by default."""

LONGEST_GAP: Final = 20
"""The greatest number of empty columns in a row that are drawn one by one."""

_LONG_GAP: Final = re.compile(r"~(\d+)~")
_SPACES_OUTSIDE_QUOTES: Final = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")| +""")

_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


class Line:
    """The events of one source or result, with their times.

    Args:
        picture: The picture that the line belongs to.
        label: The text in front of the line.
        begin: The moment at which the line begins; None if it has not begun.
    """

    def __init__(self, picture: Picture, label: str, begin: float | None = None) -> None:
        self._picture = picture
        self.label = label
        self.begin = begin
        self.end: float | None = None
        self.marks: list[tuple[float, str]] = []
        self.nested: list[Line] = []
        self.whole = ""

    def mark(self, text: str, *, last: bool = False) -> None:
        """Add a mark at the present moment; `last` ends the line there."""
        if not self._picture.finished:
            self.marks.append((self._picture.now(), text))
        if last:
            self.ends()

    def ends(self) -> None:
        """End the line at the present moment."""
        if not self._picture.finished:
            self.end = self._picture.now()
            self._picture.line_ended.set()

    def subscription(self) -> Line:
        """Return the line that shows when this source started, and whether it ended or was cancelled."""
        line = Line(self._picture, self.label)
        if self.begin is not None:
            line.begin, line.end = 0.0, self.end
            line.marks.append((self.begin, "^"))
            if self.end is not None:
                line.marks.append((self.end, "!" if self.marks[-1][1] == "!" else "|"))
        return line

    def piece(self, piece: object, *, last: bool = False) -> None:
        """Add a piece, or the value of a promise, at the present moment."""
        self.mark(as_mark(piece), last=last)

    def error(self, error: BaseException, *, last: bool = False) -> None:
        """Add an error at the present moment."""
        plain = type(error) is ValueError and str(error) == ERROR
        self.mark(ERROR if plain else f"<{ERROR}{type(error).__name__}>", last=last)


class Row(NamedTuple):
    """A line of a picture as text.

    Attributes:
        label: The text in front of the line.
        body: The marks, in the columns of the picture.
        whole: The whole result; empty if there is none.
    """

    label: str
    body: str
    whole: str


class Picture:
    """The lines of a picture; time is measured in units from the creation of the picture.

    Args:
        unit: The width of a column, in seconds of the loop's clock.
    """

    def __init__(self, unit: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin = self._loop.time()
        self.unit = unit
        self.finished = False
        self.shows_subscriptions = False
        """Whether each source has a second line with its start and its end."""
        self.sources: list[Line] = []
        self.results: list[Line] = []
        self.known: list[object] = []
        """Promises that have a line already; a promise among pieces gets one only once."""
        self.line_ended = asyncio.Event()
        self.reach = 0.0
        """The moment up to which lines without an end are drawn at least, in units."""

    def now(self) -> float:
        """Return the present moment, in units from the creation of the picture."""
        return round((self._loop.time() - self._origin) / self.unit, 6)

    def rows(self) -> list[Row]:
        """Return the lines of sources, then those of results, in columns."""
        lines = list(_rows(self._sources_in_order()))
        lines += _rows((line.label, line) for line in self.results)
        bodies = _bodies([line for _, line in lines], self.reach)
        return [Row(label, body, line.whole) for body, (label, line) in zip(bodies, lines, strict=True)]

    def _sources_in_order(self) -> Iterator[tuple[str, Line]]:
        for label, line in zip(_numbered(self.sources), self.sources, strict=True):
            yield label, line
            if self.shows_subscriptions:
                yield f"{label} ^", line.subscription()

    def is_complete(self) -> bool:
        """Return whether every line that has begun has ended."""
        rows = _rows(("", line) for line in [*self.sources, *self.results])
        return all(line.begin is None or line.end is not None for _, line in rows)


def in_columns(rows: Sequence[Row]) -> str:
    """Return rows as the text of a picture."""
    labels = max((len(row.label) for row in rows), default=0)
    width = max((len(row.body) for row in rows if row.whole), default=0)
    return "\n".join(
        f"{row.label:<{labels}}  {row.body:<{width if row.whole else 0}}  {row.whole}".rstrip() for row in rows
    )


def events_in(body: str) -> str:
    """Return the marks of a line without what has no meaning: columns, and the pause after the last mark."""
    alone = _SPACES_OUTSIDE_QUOTES.sub(r"\1", body)
    return _LONG_GAP.sub(lambda gap: "-" * int(gap[1]), alone).rstrip("-")


def as_mark(piece: object) -> str:
    """Return the mark of a piece: one character, or text in quotes or brackets such as `'text'`, `[ab]`, `<10>`."""
    text = _bare(piece)
    return text if _is_one_mark(text) or text.startswith(("'", '"', "[", "{", "<")) else f"<{text}>"


def in_words(value: object) -> str:
    """Return text like the `repr` of a value, with `*` for promises.

    The text is the same in every run: addresses are left out, and the items of sets are sorted.
    """
    if isinstance(value, Promise):
        return "*"
    if isinstance(value, BaseException):
        return _ADDRESS.sub("", f"{type(value).__name__}({', '.join(in_words(item) for item in value.args)})")
    kind = type(value)
    if kind in (tuple, list) and _has_order(value):
        items = [in_words(item) for item in value]
        if kind is list:
            return f"[{', '.join(items)}]"
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    if kind in (set, frozenset) and _has_no_order(value):
        items = sorted(in_words(item) for item in value)  # their own order differs from run to run
        return f"{{{', '.join(items)}}}" if items else f"{kind.__name__}()"
    return _ADDRESS.sub("", repr(value)).replace("\n", " ")


def promises_in(value: object) -> Iterator[Promise[object]]:
    """Yield the promises in a value: the value itself, or the promises in tuples and lists at any depth."""
    if isinstance(value, Promise):
        yield value
    elif _has_order(value):
        for item in value:
            yield from promises_in(item)


def error_in_words(error: BaseException) -> str:
    """Return the class and the text of an error, in one line."""
    said = _ADDRESS.sub("", printable(" ".join(str(error).split())))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


# --- machinery ---


def _has_order(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, tuple | list)


def _has_no_order(value: object) -> TypeGuard[AbstractSet[object]]:
    return isinstance(value, set | frozenset)


def _bare(piece: object) -> str:
    if isinstance(piece, str) and len(piece) == 1 and piece.isalnum():
        return piece
    if _has_order(piece):
        items = [_bare(item) for item in piece]
        if all(map(_is_one_mark, items)):
            return f"[{''.join(items)}]"
        return f"[{','.join(items)}{',' if len(items) == 1 else ''}]"
    return in_words(piece)


def _is_one_mark(text: str) -> bool:
    return len(text) == 1 and (text.isalnum() or text == "*")


def _numbered(lines: list[Line]) -> list[str]:
    """Return the labels of lines; labels that occur more than once get a number."""
    names = Counter(line.label for line in lines)
    numbers: Counter[str] = Counter()
    labels: list[str] = []
    for line in lines:
        numbers[line.label] += 1
        labels.append(f"{line.label} {numbers[line.label]}" if names[line.label] > 1 else line.label)
    return labels


def _rows(lines: Iterable[tuple[str, Line]], indent: str = "") -> Iterator[tuple[str, Line]]:
    """Yield the lines with their labels, each followed by the indented lines of the promises among its pieces."""
    for label, line in lines:
        yield indent + label, line
        yield from _rows(((inner.label, inner) for inner in line.nested), f"{indent}  ")


def _bodies(lines: list[Line], reach: float) -> list[str]:
    """Return the text of each line, all with the same columns."""
    drawn = [_cells(line) for line in lines]
    busy = {column for cells in drawn for column in cells} | {int(line.begin) for line in lines if line.begin}
    last = max(busy, default=-1)
    if any(line.begin is not None and line.end is None for line in lines):
        last = max(last + 1, int(reach) - 1)
    bodies = ["" for _ in lines]
    for columns in _columns(busy, last):
        gap = f"~{len(columns)}~" if len(columns) > 1 else "-"
        column = columns[0]
        texts = [
            cells.get(column, gap if _lives(line, column) else "") for line, cells in zip(lines, drawn, strict=True)
        ]
        # the last mark of a line does not widen its column, because the rest of that line is empty
        going_on = (text for text, line in zip(texts, lines, strict=True) if not _ends_at(line, column))
        width = max(map(len, (gap, *going_on)))
        bodies = [f"{body}{text:<{width}}" for body, text in zip(bodies, texts, strict=True)]
    return [body.rstrip() for body in bodies]


def _lives(line: Line, column: int) -> bool:
    """Return whether a line has begun and not ended in a column."""
    return line.begin is not None and int(line.begin) <= column and (line.end is None or column < line.end)


def _ends_at(line: Line, column: int) -> bool:
    return line.end is not None and int(line.end) == column


def _cells(line: Line) -> dict[int, str]:
    """Return the text of each column that has marks; a moment between two columns is written out."""
    cells: dict[int, list[str]] = {}
    for moment, text in line.marks:
        if moment != int(moment):
            text = f"<{text.removeprefix('<').removesuffix('>')}@{moment}>"  # noqa: PLW2901 - the same mark and its time
        cells.setdefault(int(moment), []).append(text)
    return {column: texts[0] if len(texts) == 1 else f"({''.join(texts)})" for column, texts in cells.items()}


def _columns(busy: set[int], last: int) -> Iterator[range]:
    """Yield the columns to draw: each is one moment, or a long range of empty moments."""
    column = 0
    while column <= last:
        following = min((other for other in busy if other >= column), default=last + 1)
        if following - column > LONGEST_GAP:
            yield range(column, following)
            column = following
        else:
            yield range(column, column + 1)
            column += 1

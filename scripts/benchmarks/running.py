"""Runs each workload on all sides in turns, compares their results, and makes rows of the figures."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from scripts.benchmarks.results import Cell, Row, Sides

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scripts.benchmarks.definitions import Figure, Workload
    from scripts.benchmarks.processes import Side

__all__ = ["SMALLEST", "ResultsDifferError", "measure"]

FEWEST = 3
"""The smallest number of rounds, even if they take long: a median of fewer says little."""
SMALLEST = 40
"""The size of the first run, which compares results and warms the machine up."""


class ResultsDifferError(Exception):
    """Two sides gave different results for the same workload."""


def measure(
    workload: Workload,
    sides: Sequence[Side],
    *,
    rounds: int,
    scale: float = 1.0,
    seconds: float = 10.0,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Measure a workload and return one row for each of its figures.

    Args:
        workload: The workload.
        sides: The sides, ours and the limit among them; sides without a function for the workload are left out.
        rounds: The number of runs of each side; the order of the sides changes with each round.
        scale: The factor for all sizes.
        seconds: The time after which no further round begins, if `FEWEST` rounds are done.
        tell: A function that shows the progress.

    Raises:
        ResultsDifferError: Two sides gave different results.
        SideError: A side failed.
    """
    taking_part = [side for side in sides if workload.function in side.functions and _size(workload, side, scale)]
    for n in sorted({min(SMALLEST, _size(workload, side, scale)) for side in taking_part}):
        _compare(workload, taking_part, n)
    values: dict[str, list[dict[str, float]]] = {side.name: [] for side in taking_part}
    start = time.monotonic()
    for place in range(rounds):
        if place >= FEWEST and time.monotonic() - start > seconds:
            break
        for side in taking_part if place % 2 else reversed(taking_part):
            tell(f"{workload.title}: round {place + 1} of {rounds}: {side.name}")
            values[side.name].append(_once(workload, side, scale))
    return [_row(workload, figure, _size(workload, taking_part[0], scale), values) for figure in workload.figures]


def _size(workload: Workload, side: Side, scale: float) -> int:
    size = workload.old_size if side.name == "old" and workload.old_size is not None else workload.size
    return size if workload.fixed and scale > 0.01 else math.ceil(size * scale)  # smoke tests scale fixed sizes too


def _compare(workload: Workload, sides: Sequence[Side], n: int) -> None:
    """Compare the results of a small run of all sides."""
    answers = {side.name: side.run(workload, n) for side in sides}
    comparable = {name: answer for name, answer in answers.items() if answer["digest"] is not None}
    if len({answer["digest"] for answer in comparable.values()}) > 1:
        shown = "\n".join(f"  {name}: {answer['shown']}" for name, answer in comparable.items())
        raise ResultsDifferError(f"{workload.title!r} with n={n}: the sides gave different results:\n{shown}")


def _once(workload: Workload, side: Side, scale: float) -> dict[str, float]:
    """Return the figures of one run, in their units."""
    size = _size(workload, side, scale)
    if workload.grows_from is not None:
        small = max(1, math.ceil(workload.grows_from * scale))
        times = max(1, min(5, size // small))  # a short run is repeated, because one alone is too noisy
        few = [side.run(workload, small)["figures"]["cpu"] for _ in range(times)]
        many = side.run(workload, size)["figures"]["cpu"]
        return {"cpu": math.log(many / (sum(few) / times)) / math.log(size / small)}
    figures: dict[str, Any] = side.run(workload, size)["figures"]  # Any: as the process wrote it
    operations = workload.operations(size)
    return {
        figure.name: figures[figure.name] * figure.scale / (operations if figure.per_operation else 1)
        for figure in workload.figures
    }


def _row(workload: Workload, figure: Figure, size: int, values: Mapping[str, Sequence[Mapping[str, float]]]) -> Row:
    ours = tuple(each[figure.name] for each in values["ours"])

    def cell(name: str, target: float | None) -> Cell | None:
        if name not in values:
            return None
        theirs = tuple(each[figure.name] for each in values[name])
        pairs = zip(ours, theirs, strict=True)
        by_limit = name == "limit"
        ratios = tuple(_ratio(*((our, their) if by_limit != figure.is_rate else (their, our))) for our, their in pairs)
        return Cell(values=theirs, ratios=ratios, target=target)

    return Row(
        title=workload.title_of(figure),
        unit=figure.unit,
        size=size,
        values=ours,
        others=Sides(
            limit=cell("limit", figure.most),
            old=cell("old", figure.least),
            aiostream=cell("aiostream", figure.peers),
        ),
        absolute=figure.absolute,
        more=figure.more,
        exponent=figure.exponent,
        is_rate=figure.is_rate,
    )


def _ratio(one: float, other: float) -> float:
    return max(one, _LEAST) / max(other, _LEAST)  # a run may be shorter than a tick of the clock


_LEAST = 1e-9

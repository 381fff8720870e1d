"""Has the sides take turns at each workload, holds their results against each other, and makes rows of the figures."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from scripts.benchmarks.results import Cell, Row, Sides

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scripts.benchmarks.processes import Side
    from scripts.benchmarks.workloads import Figure, Workload

__all__ = ["SMALLEST", "ResultsDifferError", "measure"]

FEWEST = 3
"""Rounds that are made however long they take: a median of fewer says little."""
SMALLEST = 40
"""A size at which results are compared before anything is measured, and the machine warms up."""


class ResultsDifferError(Exception):
    """Two sides did not do the same work."""


def measure(
    workload: Workload,
    sides: Sequence[Side],
    *,
    rounds: int,
    scale: float = 1.0,
    seconds: float = 10.0,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Measures a workload: one row for each of its figures.

    Args:
        workload: what to do.
        sides: who does it, ours and the limit among them; others are left out where they have no function for it.
        rounds: how often each side does it; the order changes from one round to the next.
        scale: what sizes are multiplied by.
        seconds: when these are over, and `FEWEST` rounds are done, there are no more.
        tell: is told what is going on.

    Raises:
        ResultsDifferError: two sides gave different results.
        SideError: ours, or the limit, failed.
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
    return size if workload.fixed and scale > 0.01 else math.ceil(size * scale)  # but for smoke tests


def _compare(workload: Workload, sides: Sequence[Side], n: int) -> None:
    """Holds the results of a small run against each other."""
    answers = {side.name: side.run(workload, n) for side in sides}
    comparable = {name: answer for name, answer in answers.items() if answer["digest"] is not None}
    if len({answer["digest"] for answer in comparable.values()}) > 1:
        shown = "\n".join(f"  {name}: {answer['shown']}" for name, answer in comparable.items())
        raise ResultsDifferError(f"{workload.title!r} with n={n}: the sides gave different results:\n{shown}")


def _once(workload: Workload, side: Side, scale: float) -> dict[str, float]:
    """One run's figures, in their units."""
    size = _size(workload, side, scale)
    if workload.grows_from is not None:
        small = max(1, math.ceil(workload.grows_from * scale))
        times = max(1, min(5, size // small))  # a short run is repeated
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

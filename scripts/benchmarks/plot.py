"""A plot of all ratios as SVG: a line per workload, from the limit's cost to the costs of the other sides."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.benchmarks.results import Report, Row

__all__ = ["plot"]

LINE = 20
LEFT = 330
WIDTH = 620
TOP = 64
FURTHEST = 300.0
"""The largest ratio to the limit on the scale; larger ones are drawn at the edge."""
COLOURS = {"ours": "#1f6feb", "missed": "#d1242f", "old": "#8c959f", "aiostream": "#bf8700", "target": "#1a7f37"}


def plot(report: Report) -> str:
    """Draw how many times the limit's cost each side needs, on a logarithmic scale."""
    rows = [row for row in report.rows if row.others.limit is not None and row.exponent is None]
    ratios = [ratio for row in rows for ratio in _points(row).values()]
    most = min(FURTHEST, max([10.0, *ratios]))
    least = min([1.0, *ratios])
    decades = math.log10(most / least)

    def x(ratio: float) -> float:
        return LEFT + WIDTH * math.log10(min(ratio, most) / least) / decades

    height = TOP + LINE * len(rows) + 16
    width = LEFT + WIDTH + 70
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-weight="bold">How many times what the limit needs</text>',
        *_legend(),
    ]
    for tick in _ticks(least, most):
        parts.append(
            f'<line x1="{x(tick):.1f}" y1="{TOP - 8}" x2="{x(tick):.1f}" y2="{height - 16}" stroke="#d0d7de"/>'
        )
        parts.append(f'<text x="{x(tick):.1f}" y="{TOP - 12}" text-anchor="middle" fill="#57606a">{tick:g}</text>')
    for place, row in enumerate(rows):
        parts += _line(row, TOP + LINE * place + LINE // 2, x)
    return "\n".join([*parts, "</svg>", ""])


def _points(row: Row) -> dict[str, float]:
    """Return how many times the limit's cost each side needs."""
    limit = row.others.limit
    if limit is None:
        return {}
    points = {"ours": limit.ratio}
    if row.others.old is not None:
        points["old"] = limit.ratio * row.others.old.ratio
    if row.others.aiostream is not None:
        points["aiostream"] = limit.ratio * row.others.aiostream.ratio
    return points


def _line(row: Row, y: int, x: Callable[[float], float]) -> list[str]:
    points = _points(row)
    limit = row.others.limit
    title = escape(row.title)
    parts = [f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{title}</text>']
    ends = [x(1.0), *(x(ratio) for ratio in points.values())]
    parts.append(
        f'<line x1="{min(ends):.1f}" y1="{y}" x2="{max(ends):.1f}" y2="{y}" stroke="#eaeef2" stroke-width="6"/>'
    )
    if limit is not None and limit.target is not None:
        at = f"{x(limit.target):.1f}"
        parts.append(
            f'<line x1="{at}" y1="{y - 7}" x2="{at}" y2="{y + 7}" stroke="{COLOURS["target"]}" stroke-width="2"/>'
        )
    for name, ratio in sorted(points.items()):
        colour = COLOURS["missed" if name == "ours" and "limit" in row.missed else name]
        about = f"<title>{title}: {name} {ratio:.3g}</title>"
        parts.append(f'<circle cx="{x(ratio):.1f}" cy="{y}" r="5" fill="{colour}">{about}</circle>')
        if ratio > FURTHEST:
            parts.append(f'<text x="{x(ratio) + 10:.1f}" y="{y + 4}" fill="#57606a">{ratio:,.0f}</text>')
    return parts


def _legend() -> list[str]:
    words = {
        "ours": "this library",
        "missed": "this library, target missed",
        "old": "0.0.35",
        "aiostream": "aiostream",
        "target": "target",
    }
    parts: list[str] = []
    at = LEFT
    for name, text in words.items():
        parts.append(f'<circle cx="{at + 5}" cy="32" r="5" fill="{COLOURS[name]}"/>')
        parts.append(f'<text x="{at + 14}" y="36" fill="#57606a">{text}</text>')
        at += 34 + 7 * len(text)
    return parts


def _ticks(least: float, most: float) -> list[float]:
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
    return [tick for tick in ticks if least <= tick <= most]

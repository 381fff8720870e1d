"""Profiles the measured part. It imports only the standard library, because the worker has nothing else."""

from __future__ import annotations

import cProfile
import pstats
from collections import defaultdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from scripts.benchmarks.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ProfilingWatch"]

MOST = 20


class ProfilingWatch(Watch):
    """Profiles what runs inside `with watch:`; calls of built-in functions count as their callers' own time."""

    def __init__(self) -> None:
        super().__init__()
        self._profile = cProfile.Profile(builtins=False)

    def __enter__(self) -> Self:
        super().__enter__()
        self._profile.enable()
        return self

    def __exit__(self, *details: object) -> None:
        self._profile.disable()
        super().__exit__(*details)

    def told(self, operations: int) -> str:
        """Return the slowest files and functions, with the number of calls of a function for one operation."""
        self._profile.create_stats()
        stats: Any = pstats.Stats(self._profile)  # Any: its stub lacks `stats` and `total_tt`
        functions: Mapping[tuple[str, int, str], tuple[int, int, float, float, object]] = stats.stats
        total: float = stats.total_tt
        files: defaultdict[str, float] = defaultdict(float)
        for (file, _, _), (_, _, own, _, _) in functions.items():
            files[_short(file)] += own
        lines = [
            f"{total / operations * 1e6:.3g} µs per operation with the profiler, which makes calls look slow.",
            *(f"{files[file] / total:6.1%}  {file}" for file in sorted(files, key=files.__getitem__, reverse=True)[:8]),
            "   own  with callees  calls per operation",
        ]
        slowest = sorted(functions.items(), key=lambda item: item[1][2], reverse=True)[:MOST]
        for (file, line, name), (_, calls, own, cumulative, _) in slowest:
            shares = f"{own / total:6.1%}  {cumulative / total:12.0%}  {calls / operations:19.2f}"
            lines.append(f"{shares}  {_short(file)}:{line} {name}")
        return "\n".join(lines)


def _short(file: str) -> str:
    return "/".join(PurePath(file).parts[-2:])

"""A progress bar on stderr, for terminals only."""

from __future__ import annotations

import sys
import time
from typing import Final

__all__ = ["Progress", "in_bytes"]

_WIDTH: Final = 24
_SECONDS: Final = 0.1
"""The shortest time between two drawings, in seconds."""


class Progress:
    """Draws a progress bar while work is being done; it draws nothing if stderr is no terminal.

    Args:
        total: The number of bytes of all the work; None if it is unknown.
        start: The number of bytes that an earlier run has done; they do not count for the speed.
    """

    def __init__(self, total: int | None, start: int = 0) -> None:
        self._total = total
        self._start = start
        self._began = time.monotonic()
        self._next = self._began + _SECONDS
        self._is_on = sys.stderr.isatty()
        self._is_drawn = False

    def update(self, done: int) -> None:
        """Draw the bar for a number of finished bytes, if the last drawing is old enough."""
        now = time.monotonic()
        if self._is_on and now >= self._next:
            self._next = now + _SECONDS
            self._is_drawn = True
            sys.stderr.write(f"\r{self.line(done, now - self._began)}\033[K")
            sys.stderr.flush()

    def line(self, done: int, seconds: float) -> str:
        """Return the bar as text.

        Args:
            done: The number of finished bytes, with those of earlier runs.
            seconds: The time since the work began.
        """
        speed = (done - self._start) / seconds if seconds > 0 else 0.0
        pace = f"{in_bytes(speed)}/s"
        if not self._total:
            return f"{in_bytes(done)}  {pace}"
        share = min(done / self._total, 1.0)
        bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
        left = f"  {(self._total - done) / speed:.0f} s left" if speed > 0 and done < self._total else ""
        return f"[{bar}] {share:4.0%}  {in_bytes(done)} of {in_bytes(self._total)}  {pace}{left}"

    def clear(self) -> None:
        """Remove the bar, so that other text can be written."""
        if self._is_drawn:
            self._is_drawn = False
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def in_bytes(count: float) -> str:
    """Return a number of bytes with its unit, such as "1.5 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"

"""A progress bar on stderr, for people who look at a terminal."""

from __future__ import annotations

import sys
import time
from typing import Final

__all__ = ["Progress", "in_bytes"]

_WIDTH: Final = 24
_SECONDS: Final = 0.1
"""How often it is drawn at most."""


class Progress:
    """Draws how much is done, as long as the work goes on; where stderr is no terminal, nothing.

    Args:
        total: How many bytes there are; None if nobody knows.
        start: How many of them were done before.
    """

    def __init__(self, total: int | None, start: int = 0) -> None:
        self._total = total
        self._start = start
        self._began = time.monotonic()
        self._next = self._began + _SECONDS
        self._is_on = sys.stderr.isatty()
        self._is_drawn = False

    def update(self, done: int) -> None:
        """Say how many bytes are done."""
        now = time.monotonic()
        if self._is_on and now >= self._next:
            self._next = now + _SECONDS
            self._is_drawn = True
            sys.stderr.write(f"\r{self.line(done, now - self._began)}\033[K")
            sys.stderr.flush()

    def line(self, done: int, seconds: float) -> str:
        """Give what is drawn when so much is done after so many seconds."""
        speed = (done - self._start) / seconds if seconds > 0 else 0.0
        pace = f"{in_bytes(speed)}/s"
        if not self._total:
            return f"{in_bytes(done)}  {pace}"
        share = min(done / self._total, 1.0)
        bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
        left = f"  {(self._total - done) / speed:.0f} s left" if speed > 0 and done < self._total else ""
        return f"[{bar}] {share:4.0%}  {in_bytes(done)} of {in_bytes(self._total)}  {pace}{left}"

    def clear(self) -> None:
        """Take it away, so that something else can be written."""
        if self._is_drawn:
            self._is_drawn = False
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def in_bytes(count: float) -> str:
    """Write a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"

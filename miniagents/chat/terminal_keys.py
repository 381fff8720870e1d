"""What the user types while no prompt is shown: it is kept for the next one, and not shown."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["typed_so_far", "unseen"]


def typed_so_far() -> str:
    """Return what was typed before `unseen` was entered for the first time, each Enter as a key that sends.

    The terminal has made a line end of it, which at a prompt would begin a new line.
    """
    typed = b""
    with contextlib.suppress(OSError, ValueError):  # no terminal, or closed
        file = sys.stdin.fileno()
        while select.select([file], [], [], 0)[0] and (piece := os.read(file, 4096)):
            typed += piece
    return typed.decode(errors="ignore").replace("\n", "\r").replace("\0", "")


@contextmanager
def unseen() -> Generator[None]:
    """Return a context in which the terminal keeps typed keys for the next prompt and does not show them.

    Canonical mode is off, so that the next prompt also gets a line without its Enter. ICRNL is off as well: it would
    turn Enter into Ctrl+J, which begins a new line instead of sending.
    """
    try:
        import termios  # noqa: PLC0415 - does not exist on Windows
    except ImportError:
        yield
        return
    before = None
    with contextlib.suppress(termios.error, OSError, ValueError):
        before = termios.tcgetattr(sys.stdin)
        silent = termios.tcgetattr(sys.stdin)
        silent[0] &= ~termios.ICRNL
        silent[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(sys.stdin, termios.TCSANOW, silent)
    try:
        yield
    finally:
        if before is not None:
            with contextlib.suppress(termios.error, OSError, ValueError):
                termios.tcsetattr(sys.stdin, termios.TCSANOW, before)

"""A terminal for programs, and what one sees on it: a pseudo-terminal with an emulator behind it."""

import os
import select
import struct
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pyte
from pyte.screens import Char

from tests.watchdog import PATIENCE

if sys.platform != "win32":
    import fcntl
    import pty
    import termios
import time

LOOK: Final = 0.05
"""Seconds that a look takes which sees nothing new."""
LOOKS: Final = round(PATIENCE / LOOK)
"""After so many of them in vain, a test gives up."""

ROOT: Final = Path(__file__).parents[2]

_WITH_TERMINAL: Final = (
    "import fcntl, os, signal, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "signal.signal(signal.SIGINT, signal.SIG_DFL);"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""Makes the terminal the one whose Ctrl+C comes as a signal, also where the run of the tests ignores that signal."""


class Terminal:
    """A terminal on which a program runs."""

    def __init__(self, master: int, program: subprocess.Popen[bytes], width: int, height: int) -> None:
        self.written = b""
        """All that the program has written."""
        self._master = master
        self._program = program
        self._screen = _Screen(width, height, lambda text: os.write(master, text.encode()))
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """What is to be seen, without the empty lines at the end."""
        lines = [line.rstrip() for line in self._screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def all_lines(self) -> list[str]:
        """What is to be seen, with all that was scrolled out at the top."""
        return [_text_of(line, self._screen.columns) for line in self._screen.history.top] + self.lines

    @property
    def is_cursor_hidden(self) -> bool:
        return self._screen.cursor.hidden

    def colours_of(self, text: str) -> set[str]:
        """The colours of a text where it is seen first, also if that was scrolled out."""
        lines = [*self._screen.history.top, *(self._screen.buffer[y] for y in range(self._screen.lines))]
        for line in lines:
            start = _text_of(line, self._screen.columns).find(text)
            if start >= 0:
                return {line[x].fg for x in range(start, start + len(text)) if line[x].data != " "}
        raise AssertionError(f"{text!r} was not seen:\n{self.text}")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, *texts: str) -> None:
        """Waits until all these texts are to be seen."""
        self.until_true(lambda: all(text in self.text for text in texts), f"{texts} were not seen")

    def until_prompt(self) -> None:
        """Waits until the program waits for the user."""
        self.until_true(lambda: self.lines[-1:] == [">"], "there was no prompt")

    def until_true(self, condition: Callable[[], bool], otherwise: str) -> None:
        looks = 0
        while not condition():
            assert looks < LOOKS, f"{otherwise}:\n{self.text}"
            looks += 1  # also where there was something new: a program may draw for ever
            self._read()

    def watch(self, seconds: float) -> None:
        """Reads for some time, or longer."""
        looks = 0
        while looks < seconds / LOOK:
            looks += not self._read()

    def ended(self) -> int:
        """Waits for the end of the program; gives its exit status."""
        self.until_true(lambda: self._program.poll() is not None, "the program did not end")
        self._read()
        return self._program.returncode

    def _read(self) -> bool:
        """Looks once; gives whether there was something new."""
        if not select.select([self._master], [], [], LOOK)[0]:
            return False
        try:
            piece = os.read(self._master, 65536)
        except OSError:  # how Linux says, at once and as often as one asks, that the other side is closed
            time.sleep(LOOK)
            return False
        self.written += piece
        self._stream.feed(piece)
        return True


def terminal(
    *arguments: str, environment: Mapping[str, str], width: int = 70, height: int = 24
) -> AbstractContextManager[Terminal]:
    """`miniagents chat` on a terminal; killed in the end, should it not have ended by itself."""
    return terminal_of("miniagents", "chat", *arguments, environment=environment, width=width, height=height)


@contextmanager
def terminal_of(
    module: str, *arguments: str, environment: Mapping[str, str], width: int, height: int
) -> Generator[Terminal]:
    """A module that runs as a program on a terminal; killed in the end, should it not have ended by itself."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    program = subprocess.Popen(
        [sys.executable, "-c", _WITH_TERMINAL, "-m", module, *arguments],
        cwd=ROOT,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "", "LINES": "", **environment},
    )
    os.close(slave)
    with program:
        try:
            yield Terminal(master, program, width, height)
        finally:
            program.kill()
            os.close(master)


class _Screen(pyte.HistoryScreen):
    """Answers programs that ask the terminal where its cursor is."""

    def __init__(self, width: int, height: int, answer: Callable[[str], object]) -> None:
        super().__init__(width, height, history=10_000)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


def _text_of(line: Mapping[int, Char], width: int) -> str:
    return "".join(line[x].data for x in range(width)).rstrip()

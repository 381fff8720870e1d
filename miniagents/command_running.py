"""Run a command to its exit status, whatever happens at its edge: interrupts, and streams that are closed or full.

Commands do not care for these. They write and read, and let such errors pass to `run_command`. This module imports
nothing of the package but `printing`: the generator uses it too.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from miniagents.printing import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

__all__ = ["run_command"]

DONE, WRONG, INTERRUPTED = 0, 2, 130
"""Exit statuses: success; the arguments, files or streams are wrong; Ctrl+C."""

_NOWHERE: Final = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)
"""The modes in which a closed stdin, stdout and stderr are opened.

With them the first two still fail when they are used, and stderr does not: an error must not hide another one.
"""


def run_command(program: str, run: Callable[[], int]) -> int:
    """Run a command and return its exit status, after a line on stderr if something went wrong at its edge.

    | what happens                                           | status |
    |--------------------------------------------------------|--------|
    | Ctrl+C, also while modules are imported                | 130    |
    | the arguments are wrong; `--help`                      | 2; 0   |
    | the reader of stdout has closed it, as `head` does     | 0      |
    | stdout is closed or full, or cannot encode a character | 2      |
    | stderr is closed or full                               | that of the command |

    Warnings are shown as one line each.

    Args:
        program: The program and the command, as errors name them.
        run: The command; it returns its exit status.
    """
    _open_closed_streams()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        say(f"{program}: warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        try:
            try:
                status = run()
            except SystemExit as stop:  # the parser has shown its help, or what is wrong with the arguments
                if not isinstance(stop.code, int):
                    raise
                status = stop.code
            sys.stdout.flush()
        except KeyboardInterrupt:
            say(f"{program}: interrupted")
            status = INTERRUPTED
        except BrokenPipeError:
            status = DONE
        except OSError as error:
            name = "the output cannot be written" if error.filename is None else error.filename
            say(f"{program}: {name}: {error.strerror or error}")
            status = WRONG
        except UnicodeEncodeError as error:
            say(f"{program}: the output cannot be written as {error.encoding}: set PYTHONIOENCODING=utf-8")
            status = WRONG
        for stream in (sys.stdout, sys.stderr):
            _let_go(stream)
        return status


def _open_closed_streams() -> None:
    """Open the standard streams that the parent process has closed.

    Otherwise the next opened file would take the place of such a stream, and Python has None for it.
    """
    for number, mode in enumerate(_NOWHERE):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - a stream for the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - a stream for the process


def _let_go(stream: TextIO) -> None:
    """Write what a stream still holds; if that fails, drop it, as Python would report it when it exits."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):  # a stream that replaces another may have no number
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)

"""Ctrl+C while a context waits for its cancelled tasks.

`asyncio.run` cancels the main task at the first Ctrl+C, and raises `KeyboardInterrupt` in the midst of the loop at the
second one. Then it waits without end for tasks that do not stop. So as long as a context waits for such tasks, the
second Ctrl+C tells the context to wait no longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

__all__ = ["impatience", "is_machinery"]

_MACHINERY: Final = frozenset(("asyncio", "miniagents", "uvloop"))


@contextlib.contextmanager
def impatience() -> Generator[asyncio.Future[None]]:
    """Give a future that is done as soon as the user has no more patience.

    That is when the handler of SIGINT would raise a `KeyboardInterrupt` while no code of the user runs. A later one is
    raised as always. Python's own handler knows no first Ctrl+C, and is not replaced.
    """
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if is_main else None
    if not callable(handler) or handler is signal.default_int_handler:
        yield future
        return
    # Contexts of requests stop at the same time, and end in any order. With a handler of its own, each would restore
    # that of another one, which may have ended.
    if isinstance(handler, _Interrupts):
        interrupts = handler
    else:
        interrupts = _Interrupts(handler)
        signal.signal(signal.SIGINT, interrupts)
    before = interrupts.before
    interrupts.waiting.append(future)
    try:
        yield future
    finally:
        interrupts.waiting.remove(future)
        if not interrupts.waiting and signal.getsignal(signal.SIGINT) is interrupts:
            signal.signal(signal.SIGINT, before)


class _Interrupts:
    """The handler of SIGINT while contexts wait for cancelled tasks; one serves all of them.

    Args:
        before: The handler that it stands in for.
    """

    def __init__(self, before: Callable[[int, FrameType | None], object]) -> None:
        self.before: Final = before
        self.waiting: Final[list[asyncio.Future[None]]] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        try:
            self.before(number, frame)
        except KeyboardInterrupt:
            patient = [future for future in self.waiting if not future.done()]
            if not patient or (asyncio.current_task(patient[0].get_loop()) is not None and not is_machinery(frame)):
                raise
            for future in patient:
                future.get_loop().call_soon_threadsafe(_lose_patience, future)


def _lose_patience(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def is_machinery(frame: FrameType | None) -> bool:
    """Return whether the running code is asyncio's or the library's own, which an exception could leave half done.

    Other code of the standard library is attributed to its caller.
    """
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package in _MACHINERY:
            return True
        if package == "__main__" or package not in sys.stdlib_module_names:
            return False
        frame = frame.f_back
    return False

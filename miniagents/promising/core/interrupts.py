"""Ctrl+C while a context waits for its cancelled tasks.

`asyncio.run` cancels the main task at the first Ctrl+C, and raises `KeyboardInterrupt` in the midst of the loop at the
second one. Then it waits without end for tasks that do not stop. So as long as a context waits for such tasks, the
second Ctrl+C tells the context to wait no longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

__all__ = ["impatience"]


@contextlib.contextmanager
def impatience() -> Generator[asyncio.Future[None]]:
    """Give a future that is done as soon as the user has no more patience.

    That is when the handler of SIGINT would raise a `KeyboardInterrupt` while the loop runs no code of a task. A later
    one is raised as always. Python's own handler knows no first Ctrl+C, and is not replaced.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if is_main else None
    if not callable(before) or before is signal.default_int_handler:
        yield future
        return

    def lose_patience() -> None:
        if not future.done():
            future.set_result(None)

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except KeyboardInterrupt:
            if future.done() or asyncio.current_task(loop) is not None:
                raise
            loop.call_soon_threadsafe(lose_patience)

    signal.signal(signal.SIGINT, handle)
    try:
        yield future
    finally:
        if signal.getsignal(signal.SIGINT) is handle:
            signal.signal(signal.SIGINT, before)

"""The one thread in which a SQLite store works: what is ready while a commit is under way is committed together.

| what the thread finds            | then                                                                              |
|----------------------------------|-----------------------------------------------------------------------------------|
| requests that write              | all run in one transaction, and are answered when it is committed, or with the    |
|                                  | error if it cannot be; a request that was refused changes nothing for the others  |
| requests that read               | they run behind that: no reader sees anything that is not committed               |
| requests that wait for something | they are tried again after each commit of this process or of another one, and now |
|                                  | and then without one: a writer that is killed commits nothing any more            |
| nothing                          | it sleeps, renews the lease, or looks for commits of other processes              |
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Connected", "Worker"]

T = TypeVar("T")

_MOST: Final = 1000
"""How many requests are committed together at most: a larger transaction saves nothing, and its readers wait longer."""
_QUICK: Final = 0.002
"""Seconds between two looks for commits of other processes, after one was seen."""
_SLOW: Final = 0.02
"""Seconds between two looks when none was seen for long."""
_LOOKS: Final = 25
"""After how many looks without a commit those that wait are tried again."""

Kind = Literal["write", "read", "wait"]


class Connected(Protocol):
    """What the thread works on; it is made, used and closed there."""

    connection: sqlite3.Connection

    def beat(self) -> float | None:
        """Renew what must be renewed; return the seconds until this must be called again, None for never."""
        ...

    def check(self) -> None:
        """Raise an error of SQLite if nothing can be committed."""
        ...

    def rolled_back(self) -> None:
        """Forget what was remembered of the transaction that failed."""
        ...

    def error_of(self, error: sqlite3.Error) -> Exception:
        """Return the error that says what to do about one of SQLite."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class _Request(NamedTuple):
    kind: Kind
    work: Callable[[Any], object]  # Any: of the class that `connect` returns
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]  # Any: of what the work returns


class Worker:
    """A thread with a connection.

    Args:
        name: The name of the thread.
        connect: Makes the connection; it is called in the thread, when the first request comes.
        closed: Makes the error for requests behind the end.
    """

    def __init__(self, name: str, connect: Callable[[], Connected], closed: Callable[[], Exception]) -> None:
        self._name = name
        self._connect = connect
        self._closed_error = closed
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.is_closed: bool = False

    async def do(self, kind: Kind, work: Callable[[Any], T]) -> T:  # Any: of the class that `connect` returns
        """Have work done in the thread, and return what it returns.

        Work that waits returns None as long as there is nothing.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if self.is_closed:
                raise self._closed_error()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._requests.put(_Request(kind, work, loop, future))
        return await future

    def check_open(self) -> None:
        """Raise the error for requests behind the end, if it has come."""
        if self.is_closed:
            raise self._closed_error()

    def stop(self) -> None:
        """End the thread behind the requests that are there; this does not wait."""
        with self._lock:
            self.is_closed = True
            self._requests.put(None)

    def join(self) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None:
            self._thread.join()

    # --- in the thread ---

    def _run(self) -> None:
        try:
            connected = self._connect()
        except Exception as error:  # noqa: BLE001  # all requests are told
            self._refuse(error)
            return
        try:
            self._serve(connected)
        finally:
            connected.close()

    def _refuse(self, error: Exception) -> None:
        """Answer everything that is there with an error; the next request tries to connect again."""
        with self._lock:
            self._thread = None
            settled: list[_Settled] = []
            while not self._requests.empty():
                request = self._requests.get()
                if request is not None:
                    settled.append((request, error, None))
        _settle(settled)

    def _serve(self, connected: Connected) -> None:
        waiting: list[_Request] = []
        version = _version(connected)
        pause = _QUICK
        looks = 0
        beats_at = _deadline(connected.beat())
        while True:
            now = time.monotonic()
            left = None if beats_at is None else max(beats_at - now, 0.0)
            if waiting:
                left = pause if left is None else min(pause, left)
            requests, is_last = self._ready(left)
            is_changed = False
            writes = [request for request in requests if request.kind == "write"]
            if writes:
                _settle(_written(connected, writes))
                is_changed = True
            _settle([_tried(connected, request) for request in requests if request.kind == "read"])
            waiting += (request for request in requests if request.kind == "wait")
            is_late = beats_at is not None and time.monotonic() >= beats_at
            if is_late or (writes and beats_at is None):
                beats_at = _deadline(_beaten(connected))
            if waiting:
                seen = _version(connected)
                is_other = seen != version
                version = seen
                pause = _QUICK if is_other else min(pause * 1.1, _SLOW)
                looks += 1
                if is_changed or is_other or is_late or requests or is_last or looks > _LOOKS:
                    waiting = _tried_again(connected, waiting)
                    looks = 0
            if is_last:
                error = self._closed_error()
                _settle([(request, error, None) for request in waiting])
                return

    def _ready(self, timeout: float | None) -> tuple[list[_Request], bool]:
        """Return the requests that are there, and whether they are the last ones; wait for one if there is none."""
        requests: list[_Request] = []
        try:
            request = self._requests.get(timeout=timeout)
            while request is not None:
                requests.append(request)
                if len(requests) == _MOST:
                    return requests, False
                request = self._requests.get_nowait()
        except queue.Empty:
            return requests, False
        return requests, True


_Settled = tuple[_Request, "Exception | None", object]


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _beaten(connected: Connected) -> float | None:
    try:
        return connected.beat()
    except sqlite3.Error:
        return _SLOW  # a lock, most likely: the next beat is soon


def _version(connected: Connected) -> int:
    try:
        version: int = connected.connection.execute("PRAGMA data_version").fetchone()[0]
    except sqlite3.Error:
        return -1  # the next request is told
    return version


def _written(connected: Connected, requests: list[_Request]) -> list[_Settled]:
    """Run requests in one transaction."""
    settled: list[_Settled] = []
    connection = connected.connection
    try:
        connection.execute("BEGIN IMMEDIATE")
        for request in requests:
            settled.append(_tried(connected, request))
            error = settled[-1][1]
            if isinstance(error, sqlite3.Error):
                raise error
        connected.check()
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connected.rolled_back()
        said = connected.error_of(error)
        refused = {
            id(each[0]): each for each in settled if each[1] is not None and not isinstance(each[1], sqlite3.Error)
        }
        return [refused.get(id(request), (request, said, None)) for request in requests]
    return settled


def _tried(connected: Connected, request: _Request) -> _Settled:
    if request.kind != "write" and request.future.cancelled():
        return request, None, None
    try:
        return request, None, request.work(connected)
    except sqlite3.Error as error:
        return request, error if request.kind == "write" else connected.error_of(error), None
    except Exception as error:  # noqa: BLE001  # who has asked is told
        return request, error, None


def _tried_again(connected: Connected, waiting: list[_Request]) -> list[_Request]:
    settled = [_tried(connected, request) for request in waiting if not request.future.cancelled()]
    _settle([each for each in settled if each[1] is not None or each[2] is not None])
    return [request for request, error, result in settled if error is None and result is None]


def _settle(settled: list[_Settled]) -> None:
    """Tell those who have asked, with one call for each loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Settled]] = {}
    for each in settled:
        loops.setdefault(each[0].loop, []).append(each)
    for loop, part in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(_set, part)


def _set(settled: list[_Settled]) -> None:
    for (_, _, _, future), error, result in settled:
        if not future.done():
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

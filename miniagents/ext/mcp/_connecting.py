"""A server's connection: opened when it is needed, and again when it was lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from miniagents.ext.mcp.errors import MCPConnectionError, MCPError
from miniagents.promising.core.ending import despite_cancellations

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from miniagents.ext.mcp._sdk import Session
    from miniagents.ext.mcp.servers import HTTPServer, MCPLimits, StdioServer

__all__ = ["Connected"]


class Connected:
    """A server with at most one connection that new calls use.

    | state  | event                              | then                                                    |
    |--------|------------------------------------|---------------------------------------------------------|
    | none   | a call                             | opening: a task of its own enters the SDK's client      |
    | opening| the session is there               | open                                                    |
    | opening| an error, or `limits.opening`      | none: all who wait are raised the error                 |
    | open   | the server ends the connection, or | none; calls that run on it fail. The task leaves the    |
    |        | a call finds it lost               | client when the last of them is over                    |
    | any    | `close`                            | closed: all tasks leave their clients                   |

    Args:
        server: The server.
        limits: What is taken from it.
    """

    def __init__(self, server: StdioServer | HTTPServer, limits: MCPLimits) -> None:
        self.server = server
        self._limits = limits
        self._current: _Connection | None = None
        self._all: set[_Connection] = set()
        self._is_closed = False

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session]:
        """Give the open connection for a call; open it if there is none.

        Raises:
            MCPConnectionError: It cannot be opened, or was closed.
        """
        if self._is_closed:
            raise MCPConnectionError(repr(self.server), "it was closed: its `async with mcp_tools(...)` has ended")
        connection = self._current
        if connection is None or connection.is_lost:
            sdk: Any = await asyncio.to_thread(_sdk)  # Any: a module. Its first import takes a second
            connection = self._current
            if connection is None or connection.is_lost:
                connection = self._current = _Connection(self.server, sdk)
                self._all.add(connection)
                connection.task.add_done_callback(partial(self._ended, connection))
        connection.calls += 1
        try:
            yield await connection.session(self._limits.opening)
        except MCPConnectionError:
            connection.lose()
            raise
        finally:
            connection.calls -= 1
            connection.end_if_over()

    def _ended(self, connection: _Connection, _: object) -> None:
        self._all.discard(connection)

    async def close(self) -> None:
        """Leave all connections, in the tasks that entered them."""
        self._is_closed = True
        tasks = [connection.task for connection in self._all]
        for connection in tuple(self._all):
            connection.end()
        if tasks:
            await despite_cancellations(_all_ended(tasks))


async def _all_ended(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks)


def _sdk() -> object:
    try:
        return import_module("miniagents.ext.mcp._sdk")
    except ModuleNotFoundError as error:
        if error.name not in ("mcp", "mcp_types"):
            raise
    raise MCPError("of any kind", "the package 'mcp' is not installed; install it with: pip install 'miniagents[mcp]'")


class _Connection:
    """One connection, in a task of its own: the SDK's cancel scopes must be left by the task that entered them."""

    def __init__(self, server: StdioServer | HTTPServer, sdk: Any) -> None:  # Any: a module
        self.is_lost = False
        self.calls = 0
        self._server = server
        self._over = asyncio.Event()
        self._ready: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] = asyncio.create_task(self._hold(sdk), name=f"connection to {server!r}")
        self.task.add_done_callback(self._ended)

    async def session(self, within: float) -> Session:
        """Return the session once it is there."""
        await asyncio.wait((self._ready,), timeout=within)  # cancelling one who waits cancels nothing for the others
        if not self._ready.done():
            self.end()
            self._ready.set_exception(
                MCPConnectionError(
                    repr(self._server), f"it did not start within {within} s: see MCPLimits(opening=...)"
                )
            )
        return self._ready.result()

    def lose(self) -> None:
        """Have no further call use this."""
        self.is_lost = True
        self.end_if_over()

    def end_if_over(self) -> None:
        """Leave the connection if it is lost, and no call runs on it."""
        if self.is_lost and not self.calls:
            self.end()

    def end(self) -> None:
        """Leave the connection."""
        self.is_lost = True
        self._over.set()
        if not self._ready.done():
            self.task.cancel()

    async def _hold(self, sdk: Any) -> None:  # Any: a module
        async with sdk.opened(self._server, self.lose) as session:
            if not self._ready.done():
                self._ready.set_result(session)
            await self._over.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.is_lost = True
        error = None if task.cancelled() else task.exception()
        if not self._ready.done():
            if not isinstance(error, MCPError):
                error = MCPConnectionError(repr(self._server), "it was closed before it was open")
            self._ready.set_exception(error)
            self._ready.exception()  # whoever waits has it; it is nobody's loss if that is no one

"""`mcp_tools`: the tools of an MCP server as tools of models."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from miniagents.ext.mcp._connecting import Connected
from miniagents.ext.mcp._naming import name_for_models
from miniagents.ext.mcp.errors import MCPError
from miniagents.ext.mcp.servers import HTTPServer, MCPLimits, StdioServer
from miniagents.messages import (
    ContentPart,
    FilePart,
    FrozenDict,
    ImagePart,
    JsonValue,
    Message,
    MessagePromise,
    ToolProgress,
    encode,
)
from miniagents.promising.core.arguments import check_kind, check_not_negative
from miniagents.tools import Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Collection

    from miniagents.messages import StreamEvent
    from miniagents.tools import Approve

__all__ = ["MCPResultMessage", "MCPTool", "mcp_tools"]

_MOST_REPORTS: Final = 1_000
_LONGEST_NOTE: Final = 500


class MCPResultMessage(Message, kw_only=True):
    """What a tool of an MCP server returns.

    Attributes:
        content: The pictures and files.
        structured: The structured content; None if there is none. A server that gives one should give it as text too;
            if it does not, the text is its JSON.
    """

    content: tuple[ContentPart, ...] = ()
    structured: JsonValue = None


MCPTool: TypeAlias = Tool[[dict[str, Any]], MessagePromise[MCPResultMessage]]  # Any: JSON that fits the schema
"""A tool of an MCP server. Programs call it with the arguments as one mapping."""


@asynccontextmanager
async def mcp_tools(
    server: StdioServer | HTTPServer,
    /,
    *,
    allow: Collection[str] | None = None,
    prefix: str = "",
    timeout: float | None = None,  # noqa: ASYNC109 - of the calls, not of this
    approve: Approve = False,
    limits: MCPLimits | None = None,
) -> AsyncGenerator[tuple[MCPTool, ...]]:
    """Give the tools of an MCP server, for the `tools` of a model.

    The server is started, or connected to, for this block. A connection that is lost fails the calls that run on it
    with an `MCPConnectionError`, and the next call opens it again. To share a server, enter this once for all:
    `await MiniAgents.current().shared_async("files", lambda: mcp_tools(server))`.

    A server says what it likes. Whatever its tools return, and their descriptions, are read by the model as well: allow
    the tools that you need. Names that vendors refuse are changed, in the same way each time.

    Args:
        server: The server.
        allow: The names of the tools that are used, as the server says them; by default all.
        prefix: Stands before the names for models, so that the tools of several servers have different names.
        timeout: Seconds that a call may take; by default as long as it likes.
        approve: Whether each call of a model needs approval; see `tool`.
        limits: How much is taken from the server.

    Raises:
        TypeError: The server is none, `allow` is one text, or an option is of another type.
        ValueError: The timeout is not above zero.
        MCPError: A tool that is allowed is not there, two have the same name, or something is beyond the limits; or the
            package `mcp` is not installed.
        MCPConnectionError: The server cannot be started or reached.
    """
    limits = limits if limits is not None else MCPLimits()
    if isinstance(allow, str):
        raise TypeError(f"mcp_tools: allow={allow!r}: give a set of names: {{{allow!r}}}")
    _check_server(server)
    check_kind("mcp_tools: limits", limits, MCPLimits, "no MCPLimits(...)")
    if timeout is not None:
        check_not_negative(f"mcp_tools: timeout={timeout!r}", timeout, if_zero="give seconds above zero")
    connected = Connected(server, limits)
    try:
        async with connected.session() as session:
            definitions = await session.definitions(limits.tools)
        names = [name for name, _, _ in definitions]
        missing = sorted(set(allow or ()).difference(names))
        if missing:
            raise MCPError(
                repr(server), f"it has no tool {missing[0]!r}; it has: {', '.join(sorted(map(repr, names))) or 'none'}"
            )
        made: dict[str, MCPTool] = {}
        for name, description, schema in definitions:
            if allow is None or name in allow:
                each = _tool(
                    connected,
                    name,
                    description,
                    schema,
                    prefix=prefix,
                    timeout=timeout,
                    approve=approve,
                    limits=limits,
                )
                if each.name in made:
                    raise MCPError(repr(server), f"two of its tools are {each.name!r}")
                made[each.name] = each
        yield tuple(made.values())
    finally:
        await connected.close()


# Machinery -----------------------------------------------------------------------------------------------------------


def _check_server(given: object) -> None:
    if not isinstance(given, StdioServer | HTTPServer):
        kind = type(given).__qualname__  # not its `repr`: an address may have a password
        raise TypeError(f"mcp_tools: a {kind} is no server; write StdioServer(command, ...) or HTTPServer(url)")


def _tool(
    connected: Connected,
    name: str,
    description: str | None,
    schema: dict[str, Any],  # Any: JSON
    *,
    prefix: str,
    timeout: float | None,
    approve: Approve,
    limits: MCPLimits,
) -> MCPTool:
    server = repr(connected.server)
    size = len(name.encode()) + len((description or "").encode()) + len(encode(FrozenDict(schema)))
    if size > limits.definition:
        raise MCPError(
            server,
            f"its tool {name:.100} takes {size:,} bytes to describe, and {limits.definition:,} are allowed: "
            "name the others in allow={...}, or see MCPLimits(definition=...)",
        )

    def call(arguments: dict[str, Any], /) -> MessagePromise[MCPResultMessage]:  # Any: JSON
        if not isinstance(arguments, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # programs may be untyped
            raise TypeError(f"tool {name!r}: give the arguments as one dict, as in {{'name': 'value'}}")
        return _called(connected, name, arguments, timeout, limits.result)

    call.__qualname__ = name_for_models(name, prefix)  # Python's error for wrong arguments has it
    try:
        # the server checks the arguments; a schema of its is nothing to spend time on here
        return Tool.of_schema(
            name_for_models(name, prefix),
            description,
            schema,
            call,
            check=False,
            in_thread=False,
            approve=approve,
        )
    except TypeError as error:
        raise MCPError(server, f"its tool {name:.100!r} cannot be used: {error}") from error


def _called(
    connected: Connected,
    name: str,
    arguments: dict[str, Any],  # Any: JSON
    timeout: float | None,
    most: int,
) -> MessagePromise[MCPResultMessage]:
    made: list[MCPResultMessage] = []

    async def pieces() -> AsyncIterator[str | StreamEvent]:
        reports = _Reports()
        call = asyncio.ensure_future(_result_of(connected, name, arguments, timeout, reports))
        call.add_done_callback(reports.wake)
        try:
            while not call.done():
                await reports.news()
                if reports.latest is not None:
                    report, reports.latest = reports.latest, None
                    yield report
            result = await call
        finally:
            if not call.done():
                call.cancel()
                await asyncio.wait((call,))
        text = result.text or ""
        files = (part for part in result.content if isinstance(part, ImagePart | FilePart))
        size = len(text) + sum(len(part.data or "") for part in files)
        if size > most:
            raise ToolError(f"The result has {size:,} characters, and {most:,} are allowed. Ask for less.")
        made.append(result)
        yield text

    async def whole(tokens: AsyncIterable[str]) -> MCPResultMessage:
        async for _ in tokens:  # raises the error of the call
            pass
        return made[0]

    return MessagePromise(
        pieces, whole, message_class=MCPResultMessage, start_asap=True, name=f"tool {name!r} of {connected.server!r}"
    )


async def _result_of(
    connected: Connected,
    name: str,
    arguments: dict[str, Any],  # Any: JSON
    within: float | None,
    reports: _Reports,
) -> MCPResultMessage:
    async with connected.session() as session:
        failed, texts, parts, value = await session.call(name, arguments, within=within, progress=reports.add)
    if value is not None and not texts:
        texts = [encode(value).decode()]
    if failed:
        raise ToolError("\n\n".join(texts) or "The tool failed, and did not say why.")
    structured: Any = value  # Any: JSON
    return MCPResultMessage("\n\n".join(texts), content=tuple(parts), structured=structured)


class _Reports:
    """The reports of a call's progress: the latest one, if the reader is slower than the server."""

    def __init__(self) -> None:
        self.latest: ToolProgress | None = None
        self._left = _MOST_REPORTS
        self._wakes: asyncio.Future[None] | None = None

    async def add(self, progress: float, total: float | None, message: str | None) -> None:
        """Add a report."""
        if self._left and math.isfinite(progress) and (total is None or math.isfinite(total)):
            self._left -= 1
            self.latest = ToolProgress(progress=progress, total=total, note=(message or "")[:_LONGEST_NOTE])
            self.wake()

    def wake(self, _: object = None) -> None:
        """Have `news` return."""
        if self._wakes is not None and not self._wakes.done():
            self._wakes.set_result(None)

    async def news(self) -> None:
        """Wait for a report, or the end of the call."""
        self._wakes = asyncio.get_running_loop().create_future()
        if self.latest is None:
            await self._wakes

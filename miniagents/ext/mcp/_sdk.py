"""All that is used of the SDK of MCP: the one module that changes when the SDK does. It is imported when it is used."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self, TextIO, TypeGuard

import anyio
import mcp_types as types
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError as SDKError
from pydantic import ValidationError

from miniagents.ext.mcp.errors import MCPConnectionError, MCPError, MCPTimeoutError
from miniagents.ext.mcp.servers import StdioServer
from miniagents.messages import FilePart, ImagePart

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from types import TracebackType

    from mcp.client._transport import ReadStream, Transport, TransportStreams
    from mcp.shared.dispatcher import ProgressFnT
    from mcp.shared.message import SessionMessage

    from miniagents.ext.mcp.servers import HTTPServer
    from miniagents.messages import ContentPart

__all__ = ["Session", "opened"]

_PAGES: Final = 100
_LAST_WORDS: Final = 2_000


class Session:
    """An open connection to a server.

    Args:
        client: The SDK's client.
        server: The server, for errors.
    """

    def __init__(self, client: Client, server: str) -> None:
        self._client = client
        self._server = server

    async def definitions(self, at_most: int) -> list[tuple[str, str | None, dict[str, Any]]]:  # Any: JSON
        """Return the names, descriptions and schemas of the tools.

        Raises:
            MCPError: The server has more tools, or fails.
        """
        found: list[types.Tool] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            with _translated(self._server):
                page = await self._client.list_tools(cursor=cursor, cache_mode="bypass")
            found += page.tools
            cursor = page.next_cursor
            if len(found) > at_most or cursor is None:
                break
        if len(found) > at_most or cursor is not None:
            raise MCPError(self._server, f"it has more than {at_most} tools: see MCPLimits(tools=...)")
        return [(tool.name, tool.description or tool.title, tool.input_schema) for tool in found]

    async def call(
        self,
        name: str,
        arguments: dict[str, Any],  # Any: JSON
        *,
        within: float | None,
        progress: ProgressFnT,
    ) -> tuple[bool, list[str], list[ContentPart], object]:
        """Call a tool.

        Args:
            name: The server's own name of it.
            arguments: The arguments.
            within: Seconds that it may take.
            progress: Called with each report.

        Returns:
            Whether it failed, its texts, its pictures and files, and its structured content.

        Raises:
            MCPError: The server refuses the call, or fails.
        """
        with _translated(self._server):
            result = await self._client.call_tool(
                name, arguments, read_timeout_seconds=within, progress_callback=progress
            )
        texts: list[str] = []
        parts: list[ContentPart] = []
        for block in result.content:
            _sort(block, texts, parts)
        return result.is_error, texts, parts, result.structured_content


@asynccontextmanager
async def opened(server: StdioServer | HTTPServer, lost: Callable[[], None]) -> AsyncGenerator[Session]:
    """Open a connection to a server.

    Args:
        server: The server.
        lost: Called when the server ends the connection.

    Raises:
        MCPConnectionError: It cannot be opened.
    """
    words = _LastWords()
    is_open = False
    try:
        async with AsyncExitStack() as stack:
            if isinstance(server, StdioServer):
                parameters = StdioServerParameters(
                    command=server.command, args=list(server.args), env=dict(server.env), cwd=server.cwd
                )
                transport: Transport = stdio_client(parameters, errlog=words.listen())
            else:
                http = await stack.enter_async_context(create_mcp_http_client(headers=dict(server.headers)))
                transport = streamable_http_client(server.url, http_client=http)
            client = await stack.enter_async_context(Client(_watched(transport, lost), cache=None))
            words.close()  # the server has its own end
            is_open = True
            yield Session(client, repr(server))
    except Exception as error:
        if is_open:
            raise
        hint = ""
        if isinstance(error, FileNotFoundError) and isinstance(server, StdioServer) and " " in server.command:
            hint = "; give the program and its arguments one by one: StdioServer('python', '-m', 'my_server')"
        reason = f"it cannot be opened: {_said(error)}{hint}{await words.all_of_them()}"
        raise MCPConnectionError(repr(server), reason) from None  # the text says what the SDK's frames would
    finally:
        words.close()


# Machinery -----------------------------------------------------------------------------------------------------------


def _sort(block: types.ContentBlock, texts: list[str], parts: list[ContentPart]) -> None:
    """Put a piece of a result to the texts, or to the pictures and files."""
    match block:
        case types.TextContent():
            texts.append(block.text)
        case types.ImageContent():
            parts.append(ImagePart(data=block.data, media_type=block.mime_type))
        case types.AudioContent():
            parts.append(FilePart(data=block.data, media_type=block.mime_type))
        case types.ResourceLink():
            texts.append(f"{block.title or block.name}: {block.uri}")
        case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
            texts.append(resource.text)
        case types.EmbeddedResource(resource=types.BlobResourceContents() as resource):
            kind = resource.mime_type or "application/octet-stream"
            if kind.startswith("image/"):
                parts.append(ImagePart(data=resource.blob, media_type=kind))
            else:
                name = str(resource.uri).rstrip("/").rpartition("/")[2] or None
                parts.append(FilePart(data=resource.blob, media_type=kind, name=name))
        case _:
            texts.append(f"(something of the kind {type(block).__name__}, which is not understood here)")


class _translated:  # noqa: N801 - it is used as a function
    """Raises the SDK's errors as those of this package."""

    def __init__(self, server: str) -> None:
        self._server = server

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the error that stands for the SDK's."""
        match error:
            case SDKError(code=types.CONNECTION_CLOSED):
                raise MCPConnectionError(self._server, f"the connection was lost: {error}") from None
            case SDKError(code=types.REQUEST_TIMEOUT):
                raise MCPTimeoutError(self._server, "it did not answer in time") from None
            case SDKError():
                raise MCPError(self._server, f"it refuses: {error}") from None
            case ValidationError():
                raise MCPError(self._server, "its answer is not of the form that the protocol asks for") from error
            case RuntimeError() if (
                error.__traceback__ is not None
            ):  # of a structured result that does not fit its schema
                raise MCPError(self._server, str(error)) from error
            case anyio.ClosedResourceError() | anyio.BrokenResourceError() | OSError():
                raise MCPConnectionError(self._server, f"the connection was lost: {_said(error)}") from None
            case _:
                pass


def _said(error: BaseException) -> str:
    if _is_group(error):
        return _said(error.exceptions[0])
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(error, BaseExceptionGroup)


@asynccontextmanager
async def _watched(transport: Transport, lost: Callable[[], None]) -> AsyncGenerator[TransportStreams]:
    async with transport as (read, write):
        yield _Watched(read, lost), write


class _Watched:
    """A stream of a server's messages that says when it has ended."""

    def __init__(self, stream: ReadStream[SessionMessage | Exception], lost: Callable[[], None]) -> None:
        self._stream = stream
        self._lost = lost

    @property
    def last_context(self) -> Any:  # Any: the SDK looks for it, and nothing else does
        """The variables of the sender, which the SDK's own streams may have."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message."""
        try:
            return await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._lost()
            raise

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    def __aiter__(self) -> ReadStream[SessionMessage | Exception]:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc_val, exc_tb)


class _LastWords:
    """The end of what a server writes to its standard error, for the error that says why it does not start.

    A server may write as much as it likes: a thread reads it, and keeps only the end.
    """

    def __init__(self) -> None:
        self._end: TextIO | None = None
        self._kept: deque[bytes] = deque(maxlen=2)
        self._thread: threading.Thread | None = None

    def listen(self) -> TextIO:
        """Return what the server is to write to."""
        read_end, write_end = os.pipe()
        self._end = os.fdopen(write_end, "w")
        self._thread = threading.Thread(
            target=self._read, args=(read_end,), name="stderr of an MCP server", daemon=True
        )
        self._thread.start()
        return self._end

    def close(self) -> None:
        """Close this process's end: when the server ends, so does the thread."""
        if self._end is not None:
            self._end.close()

    async def all_of_them(self) -> str:
        """Return what came last, once the server has ended."""
        self.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 0.5)
        text = b"".join(self._kept)[-_LAST_WORDS:].decode("utf-8", "replace").strip()
        return f"\nIt wrote:\n{text}" if text else ""

    def _read(self, end: int) -> None:
        with suppress(OSError):
            while piece := os.read(end, 4 * _LAST_WORDS):
                self._kept.append(piece)
        os.close(end)

"""The tools that the command line gives to a model: functions of the user, and those of MCP servers."""

from __future__ import annotations

import shlex
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from miniagents.chat.chat_errors import ChatError
from miniagents.chat.user_modules import imported_module, split_place
from miniagents.miniagents import MiniAgent
from miniagents.tools import Tool, tool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

__all__ = ["opened_servers", "user_tools"]

AnyTool: TypeAlias = Tool[..., object]


def user_tools(places: Iterable[str]) -> tuple[AnyTool, ...]:
    """Import the functions, tools and agents of the user, and return them as tools.

    Raises:
        ChatError: One is not there, or cannot be a tool.
    """
    return tuple(map(_user_tool, places))


@asynccontextmanager
async def opened_servers(servers: Iterable[str]) -> AsyncGenerator[tuple[AnyTool, ...]]:
    """Start MCP servers, or connect to them, and give their tools.

    Raises:
        ChatError: A server cannot be used.
    """
    async with AsyncExitStack() as stack:
        tools: list[AnyTool] = []
        for each in servers:
            tools += await stack.enter_async_context(_server_tools(each))
        yield tuple(tools)


# --- machinery ---


def _user_tool(place: str) -> AnyTool:
    where, name = split_place(place)
    if not name:
        raise ChatError(f"--tool {place}: say which function, as in {where}:NAME")
    found: object = imported_module(where)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise ChatError(f"--tool: {where} has no {name!r}")
    given: Any = found  # Any: a function, tool or agent of any types
    try:
        if isinstance(found, Tool):
            made: AnyTool = given
        elif isinstance(found, MiniAgent):
            made = given.as_tool()
        elif callable(found):
            made = tool(given)
        else:
            raise ChatError(f"--tool {place}: it is no function, but {type(found).__qualname__}")
    except (TypeError, ValueError) as error:
        raise ChatError(f"--tool {place}: {error}") from None
    return made


@asynccontextmanager
async def _server_tools(given: str) -> AsyncGenerator[tuple[AnyTool, ...]]:
    from miniagents.ext.mcp import HTTPServer, MCPError, StdioServer, mcp_tools  # noqa: PLC0415 - few chats need it

    async with AsyncExitStack() as stack:
        try:
            if given.startswith(("http://", "https://")):
                server: HTTPServer | StdioServer = HTTPServer(given)
            else:
                server = StdioServer(*_words(given))
            tools = await stack.enter_async_context(mcp_tools(server))
        except (MCPError, ValueError) as error:
            raise ChatError(f"--mcp: {error}") from None
        yield tools


def _words(command: str) -> list[str]:
    words = shlex.split(command)
    if not words:
        raise ValueError("give a command, or an address that begins with http")
    return words

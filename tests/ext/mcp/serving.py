"""An MCP server on the SDK's own `MCPServer`, for tests: over stdio, or over HTTP on a port.

`python serving.py` speaks over stdio; `python serving.py PORT` over streamable HTTP.
"""

import asyncio
import base64
import os
import sys
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, EmbeddedResource, ResourceLink, TextContent, TextResourceContents

server = MCPServer("for-tests")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@server.tool()
def add(left: int, right: int) -> int:
    """Adds two numbers."""
    return left + right


@server.tool()
def fail(text: str) -> str:
    """Fails."""
    raise ToolError(text)


@server.tool(structured_output=False)
def picture() -> list[Any]:
    """Shows a picture."""
    return ["a pixel", Image(data=PIXEL, format="png")]


@server.tool()
def resources() -> CallToolResult:
    """Gives resources."""
    return CallToolResult(
        content=[
            TextContent(text="see"),
            ResourceLink(name="notes", uri="file:///notes.txt"),
            EmbeddedResource(resource=TextResourceContents(uri="file:///a.txt", text="in it")),
        ]
    )


@server.tool()
def only_structured() -> CallToolResult:
    """Gives structured content without a text."""
    return CallToolResult(content=[], structured_content={"a": [1, None]})


@server.tool()
async def steps(count: int, ctx: Context[Any, Any]) -> str:
    """Tells of its progress."""
    for number in range(count):
        await ctx.report_progress(number + 1, count, f"step {number + 1}")
    return "done"


@server.tool()
def large(size: int) -> str:
    """Gives much text."""
    return "x" * size


@server.tool()
def environment(name: str) -> str:
    """Tells a variable of the environment."""
    return os.environ.get(name, "(none)")


@server.tool()
def process() -> int:
    """Tells the number of the process."""
    return os.getpid()


@server.tool()
async def die() -> str:
    """Ends the server."""
    os._exit(3)


def note(path: str, text: str) -> None:
    Path(path).write_text(text)


@server.tool()
async def hang(path: str) -> str:
    """Never answers; writes to a file when it begins and when it is cancelled."""
    note(path, "begun")
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        note(path, "cancelled")
        raise
    return "never"


@server.tool(name="files/read.all")
def read_all() -> str:
    """Has a name that vendors refuse."""
    return "all"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")

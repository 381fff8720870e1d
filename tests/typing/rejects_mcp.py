"""What the type checkers must refuse: tools of MCP servers.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from miniagents.ext.mcp import (
    HTTPServer,
    MCPConnectionError,
    MCPError,
    MCPLimits,
    MCPResultMessage,
    MCPTimeoutError,
    StdioServer,
    mcp_tools,
)


async def servers() -> None:
    StdioServer(["serve"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    StdioServer("serve", env={"A": 3})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    HTTPServer()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MCPLimits(tools="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mcp_tools("serve")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async with mcp_tools(StdioServer("serve")) as tools:
        tools[0](a=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MCPResultMessage("x", content=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MCPError("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MCPConnectionError("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MCPTimeoutError("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

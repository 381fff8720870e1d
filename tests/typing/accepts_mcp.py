"""What the type checkers must accept and infer: tools of MCP servers.

Checked, not run.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from miniagents import ContentPart, JsonValue, MessagePromise, MiniAgents, OpenAIMessage, ToolResultMessage
from miniagents.ext.llm import OpenAIAgent, create_openai_agent
from miniagents.ext.mcp import (
    HTTPServer,
    MCPConnectionError,
    MCPError,
    MCPLimits,
    MCPResultMessage,
    MCPTimeoutError,
    MCPTool,
    StdioServer,
    mcp_tools,
)


async def servers() -> None:
    stdio = StdioServer("serve", "--port", "3", env={"A": "b"}, cwd=Path())
    http = HTTPServer("http://localhost:1/mcp", headers={"Authorization": "x"})
    limits = MCPLimits(tools=3, definition=1_000, result=1_000, opening=3)
    assert_type(limits.opening, float)
    async with mcp_tools(stdio, allow={"a", "b"}, prefix="x_", timeout=3, approve=True, limits=limits) as tools:
        assert_type(tools, tuple[MCPTool, ...])
        promise = tools[0]({"a": [1]})
        assert_type(promise, MessagePromise[MCPResultMessage])
        assert_type((await promise).structured, JsonValue)
        assert_type((await promise).content, tuple[ContentPart, ...])
        agent = create_openai_agent("gpt", tools=tools)
        assert_type(agent, OpenAIAgent[OpenAIMessage | ToolResultMessage])
        create_openai_agent("gpt", tools=[*tools])
    shared = await MiniAgents.current().shared_async("server", lambda: mcp_tools(http))
    assert_type(shared, tuple[MCPTool, ...])
    MCPResultMessage("x", content=(), structured={"a": 1})
    try:
        pass
    except (MCPConnectionError, MCPTimeoutError) as lost:
        error: MCPError = lost
        assert_type(error.server, str)
        assert_type(error.reason, str)
        raise MCPError("server", "reason") from None
    assert_type((stdio.command, stdio.args, http.url), tuple[str, tuple[str, ...], str])
    assert stdio.env
    assert http.headers
    assert stdio.cwd is not None

"""Tools of MCP servers: programs that are started here, and servers on the network.

It needs the extra `mcp` (`pip install 'miniagents[mcp]'`), which is imported when a server is first used.
"""

from typing import TYPE_CHECKING

from miniagents._lazy import at_home, teaching
from miniagents.ext.mcp.errors import MCPConnectionError, MCPError, MCPTimeoutError
from miniagents.ext.mcp.servers import HTTPServer, MCPLimits, StdioServer
from miniagents.ext.mcp.serving_tools import MCPResultMessage, MCPTool, mcp_tools

if not TYPE_CHECKING:  # for checkers this would allow any name
    __getattr__ = teaching(__name__)

__all__ = [
    "HTTPServer",
    "MCPConnectionError",
    "MCPError",
    "MCPLimits",
    "MCPResultMessage",
    "MCPTimeoutError",
    "MCPTool",
    "StdioServer",
    "mcp_tools",
]

at_home(__name__)

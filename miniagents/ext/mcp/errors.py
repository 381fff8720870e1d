"""The errors of MCP servers."""

from __future__ import annotations

__all__ = ["MCPConnectionError", "MCPError", "MCPTimeoutError"]


class MCPError(Exception):
    """An MCP server failed, or something that it says cannot be used.

    Attributes:
        server: The server, without secrets.
        reason: What is wrong.
    """

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(server, reason)
        self.server: str = server
        self.reason: str = reason

    def __str__(self) -> str:
        return f"the MCP server {self.server}: {self.reason}"


class MCPConnectionError(MCPError, ConnectionError):
    """A server cannot be started or reached, or the connection was lost during a call; the next call opens it again."""


class MCPTimeoutError(MCPError, TimeoutError):
    """A server did not answer in time."""

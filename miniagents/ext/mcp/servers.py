"""Where MCP servers are, and how much is taken from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from miniagents.messages import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["HTTPServer", "MCPLimits", "StdioServer"]


class StdioServer:
    """A server that is a program, which is started and spoken to over its standard input and output.

    Args:
        command: The program.
        args: Its arguments.
        env: Environment variables for it. It gets these and the harmless ones of this process, such as PATH, and no
            others: a server does not see the keys of your program unless you give them to it.
        cwd: The directory that it runs in; by default the current one.

    Raises:
        TypeError: The program, an argument or a variable is no text.
    """

    def __init__(
        self, command: str, /, *args: str, env: Mapping[str, str] | None = None, cwd: str | Path | None = None
    ) -> None:
        for each in (command, *args):
            _check_text(each)
        _check_texts("StdioServer: env", env)
        self.command: Final = command
        self.args: Final = args
        self.env: Final = FrozenDict(env or {})
        self.cwd: Final = cwd

    def __repr__(self) -> str:
        """Show the program, and no argument or variable: there may be a key among them."""
        return f"StdioServer({self.command!r})"


class HTTPServer:
    """A server that is reached over streamable HTTP.

    Args:
        url: Its address.
        headers: Headers for all requests, for example with a token.

    Raises:
        TypeError: A header is no text.
        ValueError: The address is not one of HTTP.
    """

    def __init__(self, url: str, /, *, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("HTTPServer: the address must begin with http:// or https:// and the name of a host")
        _check_texts("HTTPServer: headers", headers)
        self.url: Final = url
        self.headers: Final = FrozenDict(headers or {})

    def __repr__(self) -> str:
        """Show the address without user name, password and query, and no header."""
        parts = urlsplit(self.url)
        return f"HTTPServer('{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}')"


@dataclass(frozen=True, kw_only=True)
class MCPLimits:
    """How much is taken from a server, which nobody vouches for.

    Attributes:
        tools: How many tools it may have.
        definition: How many bytes the name, description and schema of a tool may have. A model is sent all of them with
            each request.
        result: How many characters the result of a call may have, pictures and files included.
        opening: Seconds that it may take to start and to say which tools it has.
    """

    tools: int = 128
    definition: int = 32_768
    result: int = 1_000_000
    opening: float = 30.0


def _check_text(given: object) -> None:
    if not isinstance(given, str):
        hint = ": give the arguments one by one" if type(given) in (list, tuple) else ""
        kind = type(given).__qualname__
        raise TypeError(f"StdioServer: the program and its arguments are texts, and one is a {kind}{hint}")


def _check_texts(what: str, given: Mapping[str, str] | None) -> None:
    for name, value in (given or {}).items():
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # programs may be untyped
            raise TypeError(f"{what}: the value of {name!r} is a {type(value).__qualname__}: give a text")

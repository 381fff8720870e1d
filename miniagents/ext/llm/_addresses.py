"""Addresses of servers: what is wrong with one is told when the agent is made, and not by its first request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from miniagents.ext.llm._secrets import Hidden

__all__ = ["check_address", "fault_of"]

_ENDPOINTS: Final = ("/chat/completions", "/v1/messages", "/responses", "/embeddings", "/messages")
"""Ends of the addresses that requests go to; a client adds them."""
_FORM: Final = "http://localhost:11434/v1"


def check_address(where: str, address: Hidden[str | None]) -> None:
    """Refuse an address that no request can be sent to.

    The text of the error does not have the address, which may have a password or a key in it.

    Args:
        where: The function that the user called.
        address: The address; None for the provider's own.

    Raises:
        TypeError: It is no text.
        ValueError: It is wrong.
    """
    given: type = type(address.reveal())
    if given is type(None):
        return
    if not issubclass(given, str):
        raise TypeError(f"{where}: base_url: give a text such as {_FORM!r}, not {given.__qualname__}")
    fault = fault_of(address)
    if fault:
        raise ValueError(f"{where}: base_url: {fault}")


def fault_of(address: Hidden[object]) -> str:
    """Return what is wrong with an address, and what to do; "" if nothing is.

    No frame of this function is part of an error's traceback, so that it may hold the address.
    """
    text = str(address.reveal())
    if not text:
        return f"the address is empty; give one such as {_FORM!r}"
    if any(map(str.isspace, text)):
        return "the address has white space in it; leave it out"
    if not text.lower().startswith(("http://", "https://")):
        return f"the address does not begin with http:// or https://; write one such as {_FORM!r}"
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname)
        _ = parts.port
    except ValueError:
        return f"the address has a wrong host or port; write one such as {_FORM!r}"
    if not has_host:
        return f"the address names no server; write one such as {_FORM!r}"
    path = parts.path.rstrip("/")
    endpoint = next((each for each in _ENDPOINTS if path.endswith(each)), "")
    return f"leave out {endpoint} at the end of the address: the client adds it" if endpoint else ""

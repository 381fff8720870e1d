"""What takes long before a first request: importing an SDK, and loading certificates. Both are done in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from miniagents.miniagents import MiniAgents

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from miniagents.ext.llm._agent import ModelAgent
    from miniagents.messages import Message

__all__ = ["http_client_of", "warm_up", "warmed"]


async def warm_up(*agents: ModelAgent[Message]) -> None:
    """Get ready to ask models: import their SDKs in a thread, and make their clients in the active context.

    The first question does the same, which takes a second or two. A server that calls this when it starts answers its
    first request as fast as the others. No request is made.

    Args:
        agents: The agents that will be asked.

    Raises:
        LanguageModelError: An SDK is not installed, or there is no key.
        TypeError: An agent is no model.
        NoActiveContextError: There is no active `MiniAgents`.

    >>> from miniagents.ext.llm import create_openai_agent
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         await warm_up(create_openai_agent("gpt-5", api_key="sk-example"))
    >>> asyncio.run(main())
    """
    from miniagents.ext.llm._agent import ModelAgent  # noqa: PLC0415 - a circle: its models call `warmed`

    context = MiniAgents.current()
    for agent in agents:
        if not isinstance(agent, ModelAgent):  # pyright: ignore[reportUnnecessaryIsInstance]  # programs without a checker
            raise TypeError(f"warm_up: {agent!r:.200} is no model; give the agents of models that it asks")
    models = [agent._model() for agent in agents]
    for model in models:
        await warmed(model.protocol.modules)
    for model in models:
        model.client_of(context)


async def warmed(modules: Sequence[str]) -> None:
    """Import the modules of an SDK, the first of which is the SDK itself, without stopping the event loop.

    A module that cannot be imported is no error here, but where it is used.
    """
    if not all(map(_is_imported, modules)):
        await asyncio.to_thread(_warm, modules)


def http_client_of(sdk: Any) -> Any:  # Any: a module that is imported by name, and of the HTTP library that it uses
    """Return an HTTP client for a client of an SDK in the manner of OpenAI's and Anthropic's.

    It follows no redirects: another server must not get the key. All such clients share the certificates that they
    trust, because loading these takes long.
    """
    return sdk.DefaultAsyncHttpxClient(follow_redirects=False, verify=_tls_context_for(sdk))


# --- machinery ---


def _tls_context_for(sdk: Any) -> ssl.SSLContext:  # Any: as above
    http: str = sdk.DefaultAsyncHttpxClient.__bases__[0].__module__.partition(".")[0]
    return _tls_context(http, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


def _is_imported(name: str) -> bool:
    """Return whether a module is imported; while another thread imports it, it is there but incomplete."""
    module = sys.modules.get(name)
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def _warm(modules: Sequence[str]) -> None:
    with contextlib.suppress(Exception):  # it comes again where the client is made
        _tls_context_for(importlib.import_module(modules[0]))
        for name in modules[1:]:
            importlib.import_module(name)


@functools.lru_cache(maxsize=8)
def _tls_context(http: str, *_certificates: str | None) -> ssl.SSLContext:
    """Return the default context of an HTTP library, which reads these places of certificates in the environment."""
    library: Any = importlib.import_module(http)  # Any: a module that is imported by name
    context: ssl.SSLContext = library.create_ssl_context()
    return context

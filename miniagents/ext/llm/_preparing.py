"""What takes long before a first request: importing an SDK, and loading certificates. Both are done in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

__all__ = ["http_client_of", "warmed"]


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

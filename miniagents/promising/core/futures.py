"""Futures that are made of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["following"]


def following(future: asyncio.Future[None]) -> asyncio.Future[None]:
    """Return a future that is done when another one is, and can be cancelled without cancelling that."""
    own: asyncio.Future[None] = future.get_loop().create_future()
    future.add_done_callback(lambda _: None if own.done() else own.set_result(None))
    return own

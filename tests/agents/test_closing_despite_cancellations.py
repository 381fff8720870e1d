"""P8: the end of a context in a cancel scope of anyio, as web servers have them; on the real clock.

Such a scope cancels its tasks again at each turn of the loop, so a virtual clock would never move.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from miniagents import MiniAgents

anyio = pytest.importorskip("anyio", reason="what web servers stand on")


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_p8_resources_are_closed_in_a_scope_that_cancels_again_at_each_turn(is_cancelled: bool) -> None:
    events: list[str] = []

    async def close(name: str) -> None:
        await asyncio.sleep(0.01)
        events.append(f"closed {name}")

    @contextlib.asynccontextmanager
    async def opened() -> AsyncGenerator[str]:
        yield "held"
        await close("held")

    with anyio.CancelScope() as scope:
        async with MiniAgents() as context:
            context.shared("plain", lambda: "plain", close)
            await context.shared_async("held", opened)
            if is_cancelled:
                scope.cancel()
                await asyncio.sleep(1)
    assert scope.cancelled_caught is is_cancelled
    assert events == ["closed held", "closed plain"]

"""Shared resources that are given wrongly, wait for themselves, or fail while nobody waits."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from miniagents import InteractionContext, Message, MiniAgents, PromiseDeadlockError, miniagent


@contextlib.asynccontextmanager
async def connected() -> AsyncGenerator[str]:
    yield "connection"


async def wait_for_it() -> None:
    """Make nothing."""


def any_of(given: Any) -> Any:  # Any: what the checkers refuse is to be tried
    return given


@pytest.mark.parametrize(
    ("enter", "said"),
    [
        (5, r"^shared_async\('k'\): 5 is no function$"),
        (connected(), r"^shared_async\('k'\): .* is made already; give a function that makes it, as in lambda: "),
        (lambda: 5, r"^shared_async\('k'\): 5 is no async context manager$"),
    ],
)
async def test_what_opens_no_resource_is_refused_with_its_key(enter: object, said: str) -> None:
    async with MiniAgents() as context:
        with pytest.raises(TypeError, match=said):
            await context.shared_async("k", any_of(enter))
        assert await context.shared_async("k", connected) == "connection"


async def test_what_makes_or_closes_nothing_is_refused_where_it_is_given() -> None:
    async with MiniAgents() as context:
        with pytest.raises(TypeError, match=r"^shared\('k'\): make: 5 is no function$"):
            context.shared("k", any_of(5), any_of(5))
        with pytest.raises(TypeError, match=r"^shared\('k'\): close: None is no function$"):
            context.shared("k", lambda: 1, any_of(None))
        with pytest.raises(TypeError, match=r"^shared\('k'\): make: .* is async; .*, or write shared_async\(…\)$"):
            context.shared("k", any_of(wait_for_it), any_of(wait_for_it))


async def test_a_resource_that_waits_for_itself_is_an_error_and_no_wait() -> None:
    def waits_for(key: str) -> Any:  # Any: a context manager of any value
        @contextlib.asynccontextmanager
        async def entered() -> AsyncGenerator[str]:
            yield await MiniAgents.current().shared_async(key, waits_for({"a": "b", "b": "c", "c": "a"}.get(key, key)))

        return entered

    async with MiniAgents() as context:
        with pytest.raises(PromiseDeadlockError, match=r"^promise \"shared_async\('me'\)\" waits for itself"):
            await context.shared_async("me", waits_for("me"))
        with pytest.raises(PromiseDeadlockError) as raised:
            await context.shared_async("a", waits_for("b"))
        assert {*raised.value.circle} == {f"shared_async({key!r})" for key in "abc"}
        assert await context.shared_async("a", connected) == "connection"  # who asks next tries again


@pytest.mark.virtual_clock
@pytest.mark.parametrize("next_key", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a"}])
async def test_a_resource_that_waits_for_itself_through_agents_is_an_error_and_no_wait(
    next_key: dict[str, str],
) -> None:
    @contextlib.asynccontextmanager
    async def opened(key: str) -> AsyncGenerator[str]:
        yield str(await user.inquire(next_key[key]))

    @miniagent
    async def user(ctx: InteractionContext[Message, Message]) -> None:
        key = str((await ctx.messages)[0])
        ctx.reply(await MiniAgents.current().shared_async(key, lambda: opened(key)))

    async with MiniAgents() as context:
        for _ in range(2):  # who asks next tries again
            with pytest.raises(PromiseDeadlockError):
                await context.shared_async("a", lambda: opened("a"))
        with pytest.raises(PromiseDeadlockError):
            await user.inquire("a")
        assert await context.shared_async("a", connected) == "connection"


@pytest.mark.virtual_clock
async def test_agents_that_wait_for_a_resource_that_waits_for_agents_are_no_circle() -> None:
    @miniagent
    async def slow(ctx: InteractionContext[Message, Message]) -> None:
        await asyncio.sleep(60)
        ctx.reply("ready")

    @contextlib.asynccontextmanager
    async def opened() -> AsyncGenerator[str]:
        await asyncio.sleep(60)
        yield str((await slow.inquire("x"))[0])

    @miniagent
    async def user(ctx: InteractionContext[Message, Message]) -> None:
        ctx.reply(await MiniAgents.current().shared_async("k", opened))

    async with MiniAgents():
        replies = [user.inquire("x") for _ in range(3)]
        assert [str(message) for each in replies for message in await each] == ["ready"] * 3


async def test_an_error_that_comes_after_all_have_given_up_is_logged_and_not_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    may_fail = asyncio.Event()

    async def refused() -> str:
        await may_fail.wait()
        raise ConnectionError("refused")

    @contextlib.asynccontextmanager
    async def slow() -> AsyncGenerator[str]:
        yield await refused()

    async with MiniAgents() as context:
        asking = asyncio.ensure_future(context.shared_async("k", slow))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait((asking,))
        may_fail.set()
        while not caplog.records:
            await asyncio.sleep(0)
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == [
        "shared_async('k') failed after all who waited for it had given up"
    ]


async def test_a_resource_that_is_not_there_when_the_context_ends_leaves_no_error_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @contextlib.asynccontextmanager
    async def stuck() -> AsyncGenerator[str]:
        await asyncio.Event().wait()
        yield ""

    async with MiniAgents() as context:
        asking = asyncio.ensure_future(context.shared_async("k", stuck))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait((asking,))
    del asking
    gc.collect()
    assert not caplog.records

"""P8: under `python -W error` a context ends as it does otherwise; the warnings are raised when it has ended."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncGenerator, Iterator

import pytest

from miniagents import (
    Call,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    Proceed,
    Promise,
    PromisingContext,
    TaskAbandonedWarning,
    miniagent,
)

pytestmark = pytest.mark.virtual_clock


@pytest.fixture(autouse=True)
def warnings_as_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TaskAbandonedWarning)
        yield


async def until(gate: asyncio.Event) -> None:
    """Wait for a gate, whoever cancels that."""
    while not gate.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await gate.wait()


@contextlib.asynccontextmanager
async def opened_gate() -> AsyncGenerator[asyncio.Event]:
    """Give a gate, which opens at the end, so that no task is left."""
    gate = asyncio.Event()
    try:
        yield gate
    finally:
        gate.set()
        await asyncio.sleep(0.1)


async def test_p8_all_tasks_are_given_up_and_what_was_said_is_kept() -> None:
    async with opened_gate() as gate:
        kept: list[Message] = []

        async def keep(messages: tuple[Message, ...]) -> None:
            await asyncio.sleep(0.1)
            kept.extend(messages)

        @miniagent
        async def stubborn(ctx: InteractionContext) -> None:
            ctx.reply("said")
            await until(gate)

        with pytest.raises(BaseExceptionGroup) as raised:
            async with MiniAgents(on_persist_messages=keep, on_leave="cancel", shutdown_timeout=2):
                for number in range(3):
                    async for promise in stubborn.inquire(str(number)):
                        await promise
                        break
        assert [type(each) for each in raised.value.exceptions] == [TaskAbandonedWarning] * 3
        assert "said" in [message.text for message in kept]
        assert asyncio.all_tasks() == {asyncio.current_task()}  # `asyncio.run` would wait for others without end


async def test_p8_the_error_that_left_the_block_stays_the_error(logged: list[str]) -> None:
    async with opened_gate() as gate:

        @miniagent
        async def stubborn(_: InteractionContext) -> None:
            await until(gate)

        with pytest.raises(ValueError, match="of the block"):
            async with MiniAgents(shutdown_timeout=2):
                stubborn.inquire()
                await asyncio.sleep(0.1)
                raise ValueError("of the block")
        assert any("did not stop within 2 s" in line for line in logged)


async def test_p8_a_plain_context_raises_the_warning() -> None:
    async with opened_gate() as gate:
        with pytest.raises(TaskAbandonedWarning, match="did not stop within 2 s"):
            async with PromisingContext(on_leave="cancel", shutdown_timeout=2):
                Promise(lambda: until(gate))
                await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_p8_resources_are_closed_behind_one_that_does_not_stop(logged: list[str]) -> None:
    async with opened_gate() as gate:
        closed: list[str] = []

        @contextlib.asynccontextmanager
        async def resource() -> AsyncGenerator[None]:
            yield
            closed.append("first")

        @contextlib.asynccontextmanager
        async def stubborn() -> AsyncGenerator[None]:
            yield
            await until(gate)

        with pytest.raises(BaseExceptionGroup) as raised:
            async with MiniAgents(shutdown_timeout=2) as context:
                await context.shared_async("first", resource)
                await context.shared_async("second", stubborn)
                context.shared("third", lambda: gate, until)
        assert [type(each) for each in raised.value.exceptions] == [TaskAbandonedWarning] * 2
        assert closed == ["first"]
        assert len(logged) == 2


async def test_p8_handlers_that_see_cancelled_calls_are_all_given_up() -> None:
    async with opened_gate() as gate:

        async def stubborn(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
            try:
                return proceed()
            finally:
                await until(gate)

        @miniagent
        async def echo(ctx: InteractionContext) -> None:
            ctx.reply(ctx.messages)

        with pytest.raises(BaseExceptionGroup) as raised:
            async with MiniAgents(around_calls=[stubborn, stubborn], shutdown_timeout=2):
                echo.inquire("x").cancel()
        assert [type(each) for each in raised.value.exceptions] == [TaskAbandonedWarning] * 2

"""Tracebacks of errors that promises carry: the lines of users, and nothing that only the collector frees."""

import asyncio
import gc
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import FrameType
from weakref import WeakSet

import pytest

from miniagents import (
    AppenderClosedError,
    Call,
    CallHandler,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    Proceed,
    Promise,
    PromiseCancelledError,
    StreamedPromise,
    miniagent,
    stream_message,
)

NOTED = r"^no\nin agent 'low', called by 'middle', called by 'top'\npassed on by 'middle'\npassed on by 'top'$"


class Large:
    """A local variable of a frame."""


held: WeakSet[Large] = WeakSet()


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    gc.collect()
    held.clear()
    gc.disable()
    yield
    gc.enable()


async def fail() -> int:
    large = Large()
    held.add(large)
    await asyncio.sleep(0)
    raise ValueError("no")


async def fail_after_a_piece() -> AsyncIterator[str]:
    large = Large()
    held.add(large)
    yield "piece"
    raise ValueError("no")


async def wait_for_what_is_cancelled() -> int:
    large = Large()
    held.add(large)
    await cancelled_query()
    return 0


def cancelled_query() -> asyncio.Future[None]:
    query: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(query.cancel)
    return query


async def nothing(_: object) -> None: ...


# no variable of these holds the promise: a frame of the user that does is a cycle of the user's


async def read_pieces() -> None:
    async for _ in StreamedPromise(fail_after_a_piece, nothing):
        pass


async def read_tokens() -> None:
    async for _ in stream_message(Message, fail_after_a_piece()):
        pass


READERS: dict[str, Callable[[], Awaitable[object]]] = {
    "a promise": lambda: Promise(fail),
    "a mapped promise": lambda: Promise(fail).map(abs).map(abs),
    "a promise that was cancelled within": lambda: Promise(wait_for_what_is_cancelled),
    "pieces": read_pieces,
    "tokens": read_tokens,
    "a message": lambda: stream_message(Message, fail_after_a_piece()),
}


@pytest.mark.parametrize("reader", READERS)
def test_p1_an_error_that_was_read_is_freed_without_the_collector(reader: str) -> None:
    async def main() -> int:
        for _ in range(200):
            with pytest.raises(Exception, match=r"no|cancelled") as raised:
                await READERS[reader]()
            del raised
        await asyncio.sleep(0.01)
        return len(held)

    assert MiniAgents().run(main()) == 0


@miniagent
async def failing(ctx: InteractionContext) -> None:
    large = Large()
    held.add(large)
    ctx.reply("a reply")
    await asyncio.sleep(0)
    raise ValueError("no")


@miniagent
async def passing_on(ctx: InteractionContext) -> None:
    large = Large()
    held.add(large)
    ctx.reply(await failing.inquire())


@miniagent
async def with_what_is_cancelled(_: InteractionContext) -> None:
    await wait_for_what_is_cancelled()


@miniagent
async def waiting(ctx: InteractionContext) -> None:
    large = Large()
    held.add(large)
    asyncio.get_running_loop().call_soon(ctx.reply, "seen")
    await asyncio.sleep(1_000)


class Failing:
    def __init__(self, ctx: InteractionContext) -> None:
        self.ctx = ctx

    async def __call__(self) -> None:
        await fail()


async def read_and_cancel() -> None:
    replies = waiting.inquire()
    async for _ in replies:
        break
    replies.cancel()
    await replies


async def around(_: Call, proceed: Proceed) -> MessageSequencePromise:
    return proceed()


AGENTS: dict[str, Callable[[], Awaitable[object]]] = {
    "one that fails": failing.inquire,
    "one that passes on an error": passing_on.inquire,
    "an object": miniagent(Failing).inquire,
    "one that waits for what is cancelled": with_what_is_cancelled.inquire,
}


@pytest.mark.parametrize("handlers", [(), (around,)], ids=["alone", "with a handler"])
@pytest.mark.parametrize("agent", AGENTS)
def test_a3_an_agent_whose_error_was_read_is_freed_without_the_collector(
    agent: str, handlers: tuple[CallHandler, ...]
) -> None:
    async def main() -> int:
        for _ in range(20):
            with pytest.raises(Exception, match=r"no|cancelled") as raised:
                await AGENTS[agent]()
            del raised
        await asyncio.sleep(0.01)
        return len(held)

    assert MiniAgents(around_calls=handlers).run(main()) == 0


def test_a5_an_agent_that_was_cancelled_is_freed_without_the_collector() -> None:
    async def main() -> int:
        for _ in range(20):
            await asyncio.gather(asyncio.create_task(read_and_cancel()), return_exceptions=True)
        await asyncio.sleep(0.01)
        return len(held)

    assert MiniAgents().run(main()) == 0


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_p11_nothing_can_be_added_to_the_replies_of_an_agent_that_has_failed(is_cancelled: bool) -> None:
    contexts: list[InteractionContext] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        contexts.append(ctx)
        await asyncio.sleep(1_000 if is_cancelled else 0)
        raise ValueError("no")

    async def nothing() -> None: ...

    refused = "'agent' was cancelled: nothing can be" if is_cancelled else "'agent' is closed: nothing can be"
    async with MiniAgents():
        replies = agent.inquire()
        while not contexts:
            await asyncio.sleep(0)
        if is_cancelled:
            replies.cancel()
        with pytest.raises((ValueError, PromiseCancelledError)):
            await replies
        await asyncio.sleep(0.01)
        (ctx,) = contexts
        for change in (ctx.reply, ctx.reply_out_of_order):
            with pytest.raises((AppenderClosedError, PromiseCancelledError), match=refused):
                change("late")
            with pytest.raises((AppenderClosedError, PromiseCancelledError), match=refused):
                await asyncio.to_thread(change, "late")
        with pytest.raises((AppenderClosedError, PromiseCancelledError), match=refused):
            ctx.make_sure_to_wait(nothing())
        ctx.finish_early()
        await ctx.drain()


def lines_of(error: BaseException) -> list[str]:
    frames: list[FrameType] = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return [
        f"{'' if frame.f_globals['__name__'] == __name__ else 'not mine: '}{frame.f_code.co_name}" for frame in frames
    ]


def test_p1_a_traceback_through_agents_shows_the_lines_of_users() -> None:
    @miniagent
    async def low(ctx: InteractionContext) -> None:
        raise ValueError("no")

    @miniagent
    async def middle(ctx: InteractionContext) -> None:
        async for promise in low.inquire():
            await promise

    @miniagent
    async def top(ctx: InteractionContext) -> None:
        await middle.inquire()

    async def main() -> None:
        replies = top.inquire()
        for _ in range(3):  # it does not grow with its readers
            with pytest.raises(ValueError, match=NOTED) as raised:
                await replies
            assert lines_of(raised.value) == ["main", "top", "middle", "low"]

    MiniAgents().run(main())


def test_p1_a_traceback_shows_where_the_library_refused_something() -> None:
    @miniagent
    async def wrong(ctx: InteractionContext) -> None:
        ctx.reply(3)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType, reportCallIssue] # the mistake

    async def main() -> None:
        with pytest.raises(TypeError) as raised:
            await wrong.inquire()
        assert lines_of(raised.value)[:3] == ["main", "wrong", "not mine: reply"]

    MiniAgents().run(main())


def test_p5_an_error_that_is_raised_again_elsewhere_has_the_lines_of_where_it_first_happened() -> None:
    async def main() -> None:
        stored: list[ValueError] = []

        async def again() -> int:
            raise stored[0]

        try:
            await Promise(fail)
        except ValueError as error:
            stored.append(error)
        with pytest.raises(ValueError, match="^no$") as raised:
            await Promise(again)
        assert lines_of(raised.value) == ["main", "fail"]

    MiniAgents().run(main())

"""P14 for agents: a call whose replies no result needs any more is cancelled, unless somebody holds or reads them."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Generator

import pytest

from miniagents import (
    InteractionContext,
    Message,
    MessagePromise,
    MiniAgents,
    chain,
    miniagent,
    parallel,
    stream_message,
)
from miniagents.calls import Call, Proceed
from miniagents.messages import MessageSequencePromise
from miniagents.promising import Stream, merge

pytestmark = pytest.mark.virtual_clock


@pytest.fixture(autouse=True)
def nothing_lies_in_circles() -> Generator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Log:
    """How many calls were begun, and how many were cancelled or have ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []


@miniagent
async def slow(ctx: InteractionContext, log: Log, seconds: float = 100) -> None:
    try:
        ctx.reply("one")
        await asyncio.sleep(1)
        ctx.reply("two")
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        log.ended.append("cancelled")
        raise
    log.ended.append("finished")


@miniagent
async def forwards(ctx: InteractionContext, log: Log) -> None:
    ctx.reply(slow.inquire(log=log))


@miniagent
async def streams(ctx: InteractionContext, log: Log) -> None:
    async def tokens() -> AsyncIterator[str]:
        for token in "abc":
            yield token
            await asyncio.sleep(1)

    try:
        ctx.reply(stream_message(Message, tokens()))
        await asyncio.sleep(100)
    finally:
        log.ended.append("left")


async def seconds_of(context: MiniAgents) -> float:
    return context.watch.loop.time()


async def through(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
    return proceed()


async def hook(*_: object) -> None:
    """Hears of everything."""


CONTEXTS: dict[str, Callable[[], MiniAgents]] = {
    "plain": MiniAgents,
    "with handlers around calls": lambda: MiniAgents(around_calls=[through]),
    "with hooks": lambda: MiniAgents(on_promise_resolved=[hook]),
    "with records": lambda: MiniAgents(on_persist_messages=[hook]),
}


@pytest.mark.parametrize("kind", CONTEXTS)
@pytest.mark.parametrize("forwarded", [False, True])
async def test_p14_the_first_message_is_enough(kind: str, *, forwarded: bool) -> None:
    log = Log()
    async with CONTEXTS[kind]() as context:
        assert str(await (forwards.inquire(log=log) if forwarded else slow.inquire(log=log)).first()) == "one"
        await asyncio.sleep(0.5)
        assert log.ended == ["cancelled"]
        assert await seconds_of(context) < 100


async def test_p14_replies_that_are_held_go_on() -> None:
    log = Log()
    async with MiniAgents():
        replies = slow.inquire(log=log, seconds=2)
        first = await replies.first()
        rest = [str(await message) async for message in replies]
        assert [str(first), *rest] == ["one", "one", "two"]
    assert log.ended == ["finished"]


async def test_a5_a_call_that_nobody_reads_is_finished() -> None:
    log = Log()
    async with MiniAgents():
        slow.inquire(log=log, seconds=2)
    assert log.ended == ["finished"]


async def test_p14_a_message_that_is_held_holds_the_call_until_it_is_complete() -> None:
    log = Log()
    async with MiniAgents():
        message = await anext(aiter(streams.inquire(log=log).take(1)))
        await asyncio.sleep(0.5)
        assert log.ended == []
        assert str(await message) == "abc"
        await asyncio.sleep(1)
        assert log.ended == ["left"]


async def test_p14_an_error_that_is_kept_keeps_no_call() -> None:
    log = Log()
    async with MiniAgents():
        kept: list[BaseException] = []
        with contextlib.suppress(TimeoutError):
            try:
                await slow.inquire(log=log).timeout(2)
            except TimeoutError as error:
                kept.append(error)
                raise
        await asyncio.sleep(1)
        assert log.ended == ["cancelled"]


# --- messages that are still arriving, and come through others to whoever lets go ---


@miniagent
async def streams_and_more(ctx: InteractionContext, log: Log) -> None:
    async def tokens() -> AsyncIterator[str]:
        for token in "abc":
            yield token
            await asyncio.sleep(1)

    try:
        ctx.reply(stream_message(Message, tokens()))
        ctx.reply("more")
        await asyncio.sleep(100)
    finally:
        log.ended.append("left")


@miniagent
async def passes_on(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


@miniagent
async def passes_on_what_has_begun(ctx: InteractionContext, log: Log) -> None:
    replies = streams_and_more.inquire(log=log)
    await asyncio.sleep(0.5)
    ctx.reply(replies)


Asking = Callable[[Log], Stream[MessagePromise[Message]]]

PASSED_ON: dict[str, Asking] = {
    "not at all": lambda log: streams_and_more.inquire(log=log).pieces(),
    "by an agent": lambda log: passes_on_what_has_begun.inquire(log=log).pieces(),
    "by a chain": lambda log: chain(streams_and_more.bound(log=log), passes_on).inquire().pieces(),
    "by parallel agents": lambda log: parallel(streams_and_more.bound(log=log)).inquire().pieces(),
    "as they come": lambda log: parallel(streams_and_more.bound(log=log), ordered=False).inquire().pieces(),
    "by merge": lambda log: merge(streams_and_more.inquire(log=log)).pieces(),
    "by a filter": lambda log: streams_and_more.inquire(log=log).filter(lambda _: True).pieces(),
    "by map_messages": lambda log: streams_and_more.inquire(log=log).map_messages(lambda message: message).pieces(),
}


@pytest.mark.parametrize("how", PASSED_ON)
async def test_p14_a_message_that_is_passed_on_holds_no_call(how: str) -> None:
    log = Log()
    async with MiniAgents() as context:
        assert await PASSED_ON[how](log).skip(1).map_pieces(lambda _: "behind it").take(1) == ("behind it",)
        await asyncio.sleep(0.5)
        assert log.ended == ["left"]
        assert await seconds_of(context) < 2


@pytest.mark.parametrize("how", PASSED_ON)
@pytest.mark.parametrize("pause", [0, 0.1])
async def test_p14_a_message_that_was_passed_on_and_is_held_arrives(how: str, pause: float) -> None:
    log = Log()
    async with MiniAgents():
        (message,) = await PASSED_ON[how](log).take(1)
        await asyncio.sleep(pause)  # 0: it is read before anybody looks whether it is held
        assert str(await message) == "abc"
        await asyncio.sleep(0.1)
        assert log.ended == ["left"]


async def test_p14_a_message_whose_reader_leaves_holds_no_call() -> None:
    log = Log()
    async with MiniAgents() as context:
        tokens = aiter((await streams_and_more.inquire(log=log).pieces().take(1))[0])
        assert await anext(tokens) == "a"
        del tokens
        await asyncio.sleep(1)
        assert log.ended == ["left"]
        assert await seconds_of(context) < 2

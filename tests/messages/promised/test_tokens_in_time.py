"""P10: the combinators of time and of groups take the tokens of a message, whatever else its stream holds."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Coroutine
from typing import Any

from miniagents import Message
from miniagents.messages import MessagePromise, ReasoningDelta, StreamEvent
from miniagents.promising import PromisingContext
from miniagents.testing import VirtualClockEventLoop


async def pieces() -> AsyncIterator[str | StreamEvent]:
    for token in "abcd":
        yield token
        await asyncio.sleep(1)
        yield ReasoningDelta("hm")  # no text, so that for the text nothing has come


async def message(tokens: AsyncIterable[str]) -> Message:
    return Message("".join([token async for token in tokens]))


def in_virtual_time(main: Coroutine[Any, Any, object]) -> object:  # Any: the type of all coroutines
    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        return runner.run(main)


def test_p10_only_tokens_count() -> None:
    async def main() -> object:
        async with PromisingContext():
            promise = MessagePromise(pieces, message)
            in_time = [
                promise.throttle(2.5),
                promise.debounce(0.7),
                promise.batch(9, within=1.3),
                promise.timeout_pieces(each=1.5),
                promise.then_pieces(lambda token: asyncio.sleep(0, token.upper())),
                promise.buffer(1),
            ]
            groups = await promise.group_by("ab".__contains__)
            return [await stream for stream in in_time], [await group for _, group in groups], await promise

    assert in_virtual_time(main()) == (
        [("a", "c", "d"), tuple("abcd"), (("a", "b"), ("c", "d")), tuple("abcd"), tuple("ABCD"), tuple("abcd")],
        [("a", "b"), ("c", "d")],
        Message("abcd"),
    )


def test_p10_an_event_is_no_token_in_time() -> None:
    async def main() -> object:
        async with PromisingContext():
            promise = MessagePromise(pieces, message)
            late = promise.timeout_pieces(each=0.9).recover_pieces(lambda _: "late", TimeoutError)
            return await late, await promise

    assert in_virtual_time(main()) == (("a", "late"), Message("abcd"))


def test_p10_cancelling_the_result_frees_the_message() -> None:
    async def main() -> object:
        async with PromisingContext() as context:
            promise = MessagePromise(pieces, message)
            result = promise.debounce(60)
            await asyncio.sleep(1.5)
            result.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return promise.cancelled(), len(context.tasks)

    assert in_virtual_time(main()) == (True, 0)

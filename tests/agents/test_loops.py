"""P11, P12, A8 on each kind of loop: asyncio's own, with eager tasks, and uvloop, with asyncio's debug mode as well."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial
from typing import Any, Final

import pytest

from miniagents import (
    AgentReplyNode,
    Call,
    CallHandler,
    InteractionContext,
    Message,
    MiniAgents,
    PromiseDeadlockError,
    StreamAppender,
    approval,
    limits,
    miniagent,
    stream_message,
)
from tests.calls.handlers import HANDLERS, Seen

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
REQUESTS: Final = 5


def eager_loop() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    made.set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009 - Python 3.11 has none
    return made


def uvloop_loop() -> asyncio.AbstractEventLoop:
    made: asyncio.AbstractEventLoop = pytest.importorskip("uvloop", reason="it knows no Windows").new_event_loop()
    return made


def eager_uvloop() -> asyncio.AbstractEventLoop:
    make: Any = getattr(asyncio, "eager_task_factory")  # noqa: B009  # Any: Python 3.11 has none

    def factory(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> Any:  # Any: as asyncio has it
        options.pop("eager_start", None)  # uvloop gives it, also where asyncio does not take it: until Python 3.13.3
        return make(loop, work, **options)

    made = uvloop_loop()
    made.set_task_factory(factory)
    return made


NEEDS_EAGER = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")


@pytest.fixture(
    params=[
        pytest.param(asyncio.new_event_loop, id="asyncio"),
        pytest.param(uvloop_loop, id="uvloop"),
        pytest.param(eager_loop, id="eager", marks=NEEDS_EAGER),
        pytest.param(eager_uvloop, id="eager-uvloop", marks=NEEDS_EAGER),
    ]
)
def factory(request: pytest.FixtureRequest) -> LoopFactory:
    made: LoopFactory = request.param
    return made


@miniagent
async def echo(ctx: InteractionContext) -> None:
    async def tokens(text: str) -> AsyncIterator[str]:
        for token in text:
            yield token

    for message in await ctx.messages:
        ctx.reply(stream_message(Message, tokens(str(message))))


@miniagent
async def asking(ctx: InteractionContext) -> None:
    ctx.reply(echo.inquire(ctx.messages))


async def allow(_: Call) -> bool:
    await asyncio.sleep(0)
    return True


@pytest.mark.parametrize("handlers", [*HANDLERS, (approval(allow), limits(calls=100))])
@pytest.mark.parametrize("debug", [False, True])
def test_a8_handlers_stand_around_calls(factory: LoopFactory, debug: bool, handlers: tuple[CallHandler, ...]) -> None:
    seen = Seen()

    async def main() -> None:
        replies = asking.inquire(["one", "two"])
        tokens = [[token async for token in message] async for message in replies]
        assert tokens == [["o", "n", "e"], ["t", "w", "o"]]
        assert [str(message) for message in await replies] == ["one", "two"]

    MiniAgents(around_calls=[seen, *handlers]).run(main(), debug=debug, loop_factory=factory)
    assert sorted((call.name, call.outcome) for call in seen.calls) == [("asking", "done"), ("echo", "done")]


def test_p12_tasks_from_outside_enter_a_context(factory: LoopFactory) -> None:
    kept: list[Message] = []
    events: list[str] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        kept.extend(messages)

    @contextlib.asynccontextmanager
    async def client() -> AsyncGenerator[str]:
        async with asyncio.TaskGroup():
            events.append("open")
            yield "client"
        events.append("close")

    async def request(context: MiniAgents, opened: asyncio.Event, number: int) -> str:
        await opened.wait()
        with context.entered():
            assert await context.shared_async("client", client) == "client"
            async with MiniAgents(on_leave="cancel"):
                return str((await asking.inquire(str(number)))[0])

    async def main() -> None:
        context, opened = MiniAgents(on_persist_messages=keep), asyncio.Event()
        requests = [asyncio.create_task(request(context, opened, number)) for number in range(REQUESTS)]
        async with context:
            opened.set()
            assert await asyncio.gather(*requests) == [str(number) for number in range(REQUESTS)]

    with asyncio.Runner(loop_factory=factory, debug=True) as runner:
        runner.run(main())
    assert events == ["open", "close"]
    assert sum(isinstance(message, AgentReplyNode) for message in kept) == 2 * REQUESTS


def test_p11_threads_call_agents_and_feed_streams(factory: LoopFactory) -> None:
    got: list[str] = []

    def call(context: MiniAgents, number: int) -> None:
        got.append(str(context.from_thread(asking.inquire, str(number)).result()[0]))

    async def main() -> None:
        context = MiniAgents.current()
        appender = StreamAppender[str](name="fed by threads")
        threads = [threading.Thread(target=partial(call, context, number)) for number in range(REQUESTS)]
        threads += [threading.Thread(target=appender.append, args=("a",)) for _ in range(REQUESTS)]
        for thread in threads:
            thread.start()
        pieces = aiter(appender)
        assert [await anext(pieces) for _ in range(REQUESTS)] == ["a"] * REQUESTS
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await asyncio.to_thread(appender.close)
        assert await anext(pieces, None) is None

    MiniAgents().run(main(), debug=True, loop_factory=factory)
    assert sorted(got) == [str(number) for number in range(REQUESTS)]


def test_p8_an_error_and_a_cancellation_reach_readers(factory: LoopFactory) -> None:
    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        ctx.reply("before")
        raise ValueError("no")

    async def main() -> None:
        replies = failing.inquire()
        assert str(await (await anext(aiter(replies)))) == "before"
        with pytest.raises(ValueError, match="no"):
            await replies
        async with MiniAgents(on_leave="cancel") as inner:
            waiting = miniagent(never).inquire()
            await asyncio.sleep(0)
            assert inner.tasks
        assert waiting.done()
        assert await waiting.recover(lambda error: (type(error).__name__,)) == ("PromiseCancelledError",)

    async def never(ctx: InteractionContext) -> None:
        await asyncio.Event().wait()

    MiniAgents().run(main(), debug=True, loop_factory=factory)


def test_a_shared_resource_that_waits_for_itself_is_an_error(factory: LoopFactory) -> None:
    @contextlib.asynccontextmanager
    async def selfish() -> AsyncGenerator[str]:
        yield await MiniAgents.current().shared_async("selfish", selfish)

    async def main() -> None:
        async with MiniAgents() as context:
            with pytest.raises(PromiseDeadlockError, match="'selfish'.* waits for itself"):
                await context.shared_async("selfish", selfish)

    with asyncio.Runner(loop_factory=factory, debug=True) as runner:
        runner.run(main())

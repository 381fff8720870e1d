"""Calls of agents: what runs when, who called whom, what ends with what."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from miniagents import (
    AgentCall,
    AppenderClosedError,
    ContextStateError,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    NoActiveContextError,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    StreamAppender,
    miniagent,
    stream_message,
)
from miniagents.testing import VirtualClockEventLoop


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


def texts(messages: tuple[Message, ...]) -> list[str | None]:
    return [message.text for message in messages]


# --- A3: calls return at once, agents run in parallel ---


def test_a3_inquire_returns_at_once_and_agents_run_in_parallel() -> None:
    async def main() -> None:
        meeting = asyncio.Barrier(3)

        @miniagent
        async def guest(ctx: InteractionContext, name: str) -> None:
            await meeting.wait()  # opens only when all three are there
            ctx.reply(name)

        replies = [guest.inquire(None, name) for name in "abc"]
        assert not any(reply.done() for reply in replies)
        assert [texts(await reply) for reply in replies] == [["a"], ["b"], ["c"]]

    MiniAgents().run(main())


def test_a3_replies_stream_through_a_chain_of_agents_while_the_first_still_works() -> None:
    async def main() -> None:
        read = asyncio.Event()

        @miniagent
        async def slow(ctx: InteractionContext) -> None:
            ctx.reply("first")
            await read.wait()
            ctx.reply("second")

        pieces = aiter(echo.inquire(echo.inquire(slow.inquire())))
        assert (await (await anext(pieces))).text == "first"
        read.set()
        assert (await (await anext(pieces))).text == "second"

    MiniAgents().run(main())


def test_a3_replies_can_be_replayed_by_any_number_of_readers() -> None:
    async def main() -> None:
        replies = echo.inquire(["a", "b"])
        first = [promise async for promise in replies]
        assert first == [promise async for promise in replies]
        assert await replies is await replies is await replies.aresolve_messages()

    MiniAgents().run(main())


@pytest.mark.parametrize("lazy_context", [True, False])
def test_a_lazy_call_starts_when_its_replies_are_first_read(lazy_context: bool) -> None:
    started: list[str] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        started.append("started")
        ctx.reply("done")

    async def main() -> None:
        replies = (agent if lazy_context else agent.options(start_asap=False)).inquire()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not started
        assert texts(await replies) == ["done"]
        eager = agent.options(start_asap=True).inquire()
        for _ in range(5):
            await asyncio.sleep(0)
        assert started == ["started"] * 2
        await eager

    MiniAgents(start_asap=not lazy_context).run(main())


def test_a3_a_lazy_call_that_nobody_reads_never_starts() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        raise AssertionError("nobody reads this")

    async def main() -> None:
        agent.options(start_asap=False).inquire("hello")

    MiniAgents().run(main())  # had it started, its error would be logged, which fails the test


# --- replies ---


def test_replies_keep_their_order_and_those_out_of_order_come_when_they_are_there() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def later(text: str) -> Message:
            await gate.wait()
            return Message(text)

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply("1")
            ctx.reply(items("2", "3"))
            ctx.reply("4")
            ctx.reply_out_of_order("at once")
            ctx.reply_out_of_order(["these", "too"])
            ctx.reply_out_of_order(
                items(
                    "last",
                )
            )

        async def items(*parts: str) -> AsyncIterator[Message]:
            for part in parts:
                yield await later(part)

        seen: list[str | None] = []
        async for promise in agent.inquire():
            seen.append((await promise).text)
            if seen == ["1", "at once", "these", "too"]:
                gate.set()
        assert seen[:4] == ["1", "at once", "these", "too"]
        assert [text for text in seen[4:] if text != "last"] == ["2", "3", "4"]
        assert "last" in seen[4:]

    MiniAgents().run(main())


def test_a_reply_after_the_agent_has_finished_is_refused() -> None:
    kept: list[InteractionContext] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        kept.append(ctx)

    async def main() -> None:
        await agent.inquire()
        for reply in (kept[0].reply, kept[0].reply_out_of_order):
            with pytest.raises(AppenderClosedError, match="^'agent' is closed: nothing can be added to it$"):
                reply("too late")

    MiniAgents().run(main())


def test_finish_early_ends_the_replies_while_the_agent_works_on() -> None:
    async def main() -> None:
        may_end = asyncio.Event()

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply("all there is")
            ctx.finish_early()
            with pytest.raises(AppenderClosedError):
                ctx.reply("more")
            await may_end.wait()
            ended.append("ended")

        assert texts(await agent.inquire()) == ["all there is"]
        assert not ended
        may_end.set()

    ended: list[str] = []
    MiniAgents().run(main())
    assert ended == ["ended"], "the context waits for it"


def test_only_the_context_waits_for_work_in_the_background() -> None:
    done: list[str] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        async def work() -> None:
            for _ in range(10):
                await asyncio.sleep(0)
            done.append("work")

        ctx.in_background(work())
        ctx.reply("done")

    async def main() -> None:
        assert texts(await agent.inquire()) == ["done"]
        assert not done

    MiniAgents().run(main())
    assert done == ["work"]


# --- who called ---


def test_an_agent_knows_the_chain_of_its_callers() -> None:
    seen: list[Any] = []

    @miniagent
    async def inner(ctx: InteractionContext) -> None:
        seen.append([agent.alias for agent in (ctx.this_agent, *ctx.callers)])
        assert InteractionContext.current() is ctx
        caller = ctx.caller
        assert caller is not None
        assert caller.this_agent is middle

    @miniagent
    async def middle(ctx: InteractionContext) -> None:
        async def called_by_a_task() -> None:
            await inner.inquire()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(called_by_a_task())

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        assert ctx.caller is None
        assert ctx.callers == ()
        await middle.inquire()

    async def main() -> None:
        await outer.options(alias="renamed").inquire()
        with pytest.raises(NoActiveContextError, match=r"^no agent is running here: InteractionContext\.current"):
            InteractionContext.current()

    MiniAgents().run(main())
    assert seen == [["inner", "middle", "renamed"]]


def test_a_lazy_call_has_the_caller_that_made_it_not_the_one_that_read_it() -> None:
    callers: list[str] = []

    @miniagent
    async def inner(ctx: InteractionContext) -> None:
        callers.extend(agent.alias for agent in ctx.callers)

    @miniagent
    async def maker(ctx: InteractionContext) -> None:
        ctx.reply(inner.options(start_asap=False).inquire())

    @miniagent
    async def reader(ctx: InteractionContext) -> None:
        await ctx.messages

    async def main() -> None:
        await reader.inquire(maker.inquire())

    MiniAgents().run(main())
    assert callers == ["maker"]


# --- unfinished calls ---


def test_messages_can_be_sent_until_the_call_is_finished() -> None:
    async def main() -> None:
        call = echo.initiate_inquiry()
        assert call.send_message("a").send_message(["b"]) is call
        replies = call.reply_sequence()
        assert call.reply_sequence() is replies
        with pytest.raises(AppenderClosedError):
            call.send_message("c")
        assert texts(await replies) == ["a", "b"]

    MiniAgents().run(main())


def test_a5_a_call_not_finished_when_its_agent_ends_is_finished() -> None:
    received: list[Any] = []
    calls: list[AgentCall[Message, Message]] = []

    @miniagent
    async def receiver(ctx: InteractionContext) -> None:
        received.append(texts(await ctx.messages))

    @miniagent
    async def caller(ctx: InteractionContext) -> None:
        calls.append(receiver.initiate_inquiry().send_message("sent"))

    async def main() -> None:
        await caller.inquire()
        with pytest.raises(AppenderClosedError):
            calls[0].send_message("too late")

    MiniAgents().run(main())
    assert received == [["sent"]]


def test_a5_a_call_not_finished_when_its_context_ends_is_finished() -> None:
    received: dict[str | None, float] = {}
    held: list[AgentCall[Message, Message]] = []  # a call that is dropped is finished as well

    @miniagent
    async def receiver(ctx: InteractionContext) -> None:
        [text] = texts(await ctx.messages)
        received[text] = asyncio.get_running_loop().time()

    async def main() -> None:
        held.append(receiver.initiate_inquiry().send_message("from the body"))

        async def work() -> None:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            # nobody waits for this promise: the context is ending by now
            held.append(receiver.initiate_inquiry().send_message("from a promise"))

        Promise(work)

    MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)
    assert received.keys() == {"from a promise", "from the body"}
    assert received["from the body"] == 0  # at once, not when it is found out that nobody else will finish the call


def test_finished_calls_are_forgotten() -> None:
    async def main() -> None:
        context = MiniAgents.current()
        for _ in range(100):
            await echo.initiate_inquiry().send_message("a").reply_sequence()
        assert not context.open_calls

    MiniAgents().run(main())


# --- A5: cancellation ---


def test_a5_cancelling_a_call_cancels_the_calls_it_made() -> None:
    async def main() -> None:
        waiting = asyncio.Semaphore(0)
        stopped: list[str] = []

        async def wait_as(name: str) -> None:
            waiting.release()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.append(name)

        @miniagent
        async def leaf(ctx: InteractionContext, name: str) -> None:
            await wait_as(name)

        @miniagent
        async def middle(ctx: InteractionContext) -> None:
            ctx.reply(leaf.inquire(None, "first leaf"))
            leaf.inquire(None, "second leaf")
            ctx.finish_early()
            await wait_as("middle")

        @miniagent
        async def top(ctx: InteractionContext) -> None:
            ctx.reply(middle.inquire())

        replies = top.inquire()
        for _ in range(3):
            await waiting.acquire()
        assert replies.cancel()
        with pytest.raises(PromiseCancelledError, match="top"):
            await replies
        while len(stopped) < 3:
            await asyncio.sleep(0)
        assert sorted(stopped) == ["first leaf", "middle", "second leaf"]
        assert not replies.cancel(), "there is nothing left to cancel"

    MiniAgents().run(main())


def test_a5_cancelling_a_call_leaves_others_alone() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            await gate.wait()
            ctx.reply("done")

        cancelled, other = agent.inquire(), agent.inquire()
        await asyncio.sleep(0)
        cancelled.cancel()
        gate.set()
        assert texts(await other) == ["done"]

    MiniAgents().run(main())


def test_a5_cancelling_a_call_that_has_not_begun_keeps_it_from_beginning() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        raise AssertionError("it was cancelled before")

    async def main() -> None:
        replies = agent.inquire(), agent.options(start_asap=False).inquire()
        for reply in replies:
            assert reply.cancel()
        for reply in replies:
            with pytest.raises(PromiseCancelledError):
                await reply

    MiniAgents().run(main())


def test_p3_a_reader_that_times_out_leaves_the_agent_to_the_others_and_the_context_to_its_end() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply("first")
            await gate.wait()
            ctx.reply("second")

        replies = agent.inquire()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(replies, 0.01)
        gate.set()
        assert texts(await replies) == ["first", "second"]

    MiniAgents().run(main())


def test_p8_leaving_the_context_after_a_timeout_by_an_error_returns_and_cancels_the_agents() -> None:
    stopped: list[str] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("stopped")

    async def main() -> None:
        async with MiniAgents():
            await asyncio.wait_for(agent.inquire(), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert stopped == ["stopped"]


# --- P7: nothing hangs ---


def test_p7_an_agent_that_awaits_its_own_replies_gets_an_error_that_names_the_circle() -> None:
    async def main() -> None:
        own: list[MessageSequencePromise[Message]] = []

        @miniagent
        async def narcissus(ctx: InteractionContext) -> None:
            with pytest.raises(PromiseDeadlockError, match="^promise 'narcissus' waits for itself$"):
                await own[0]
            ctx.reply("done")

        own.append(narcissus.inquire())
        assert texts(await own[0]) == ["done"]

    MiniAgents().run(main())


def test_p7_two_agents_that_wait_for_each_other_get_an_error_that_names_the_circle() -> None:
    async def main() -> None:
        promises: list[MessageSequencePromise[Message]] = []

        @miniagent
        async def agent(ctx: InteractionContext, other: int) -> None:
            ctx.reply(await promises[other])

        promises.append(agent.options(alias="one").inquire(None, 1))
        promises.append(agent.options(alias="two").inquire(None, 0))
        for promise in promises:
            with pytest.raises(PromiseDeadlockError) as deadlock:
                await promise
            assert sorted(deadlock.value.circle) == ["one", "two"]

    MiniAgents().run(main())


def test_p7_an_agent_that_replies_its_own_replies_gets_an_error() -> None:
    async def main() -> None:
        own: list[MessageSequencePromise[Message]] = []

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply(own[0])

        own.append(agent.inquire())
        with pytest.raises(PromiseDeadlockError, match="'agent'"):
            await own[0]

    MiniAgents().run(main())


def test_p7_messages_whose_appender_was_dropped_end_with_an_error() -> None:
    from miniagents import AppenderAbandonedError  # noqa: PLC0415 - it reads better here

    async def main() -> None:
        replies = echo.inquire(stream_message(Message, StreamAppender[str](name="forgotten")))
        with pytest.raises(AppenderAbandonedError, match="forgotten"):
            await replies

    MiniAgents().run(main())


# --- contexts ---


def test_an_agent_called_outside_a_context_is_refused_with_what_to_write() -> None:
    expected = r"^agent 'echo' was called where there is no active MiniAgents here: write `async with MiniAgents\(\):`"
    for call in (echo.inquire, echo.initiate_inquiry):
        with pytest.raises(NoActiveContextError, match=expected):
            call()

    async def main() -> None:
        async with PromisingContext():
            with pytest.raises(NoActiveContextError, match=expected):
                echo.inquire()

    asyncio.run(main())


def test_an_agent_called_after_its_context_has_ended_is_refused() -> None:
    async def main() -> None:
        async def late() -> None:
            await left.wait()
            for _ in range(2):
                with pytest.raises(ContextStateError, match="^'echo.messages' cannot start: its MiniAgents is closed"):
                    await echo.inquire()

        left = asyncio.Event()
        async with MiniAgents():
            task = asyncio.create_task(late())
        left.set()
        await task

    asyncio.run(main())


def test_run_inside_a_running_loop_is_refused_with_what_to_write() -> None:
    async def main() -> None:
        async def inner() -> None:
            raise AssertionError("it must not run")

        with pytest.raises(RuntimeError, match=r"^run\(\) cannot be called where an event loop is running: write"):
            MiniAgents().run(inner())

    asyncio.run(main())


def test_run_of_something_else_than_a_coroutine_is_refused() -> None:
    async def main() -> None: ...

    wrong: Any = main
    with pytest.raises(TypeError, match=r"^run\(\) takes a coroutine, as in `run\(main\(\)\)`, not <function"):
        MiniAgents().run(wrong)

    async def in_a_loop() -> None:
        with pytest.raises(TypeError, match=r"^run\(\) takes a coroutine"):
            MiniAgents().run(wrong)

    asyncio.run(in_a_loop())


def test_a_context_used_twice_is_refused_with_what_to_do() -> None:
    context = MiniAgents()

    async def main() -> int:
        assert texts(await echo.inquire("a")) == ["a"]
        return 42

    assert context.run(main()) == 42
    with pytest.raises(ContextStateError, match=r"serves one `async with` only: make one per run or request"):
        context.run(main())

    async def two_requests() -> None:
        shared = MiniAgents()

        async def request() -> None:
            async with shared:
                await echo.inquire("a")

        results = await asyncio.gather(request(), request(), return_exceptions=True)
        assert results[0] is None
        assert isinstance(results[1], ContextStateError)

    asyncio.run(two_requests())


def test_a_context_in_each_of_two_concurrent_requests_works() -> None:
    async def main() -> None:
        async def request(name: str) -> list[str | None]:
            async with MiniAgents():
                return texts(await echo.inquire([name, echo.inquire(name)]))

        first, second = await asyncio.gather(request("a"), request("b"))
        assert (first, second) == (["a", "a"], ["b", "b"])

    asyncio.run(main())


def test_activate_and_afinalize_in_different_tasks_work() -> None:
    async def main() -> None:
        context = MiniAgents()
        replies: list[MessageSequencePromise[Message]] = []

        async def begin() -> None:
            context.activate()
            replies.append(echo.inquire("a"))

        await asyncio.create_task(begin())
        assert texts(await replies[0]) == ["a"]
        await asyncio.create_task(context.afinalize())
        assert texts(await replies[0]) == ["a"], "the answer is the same after the end"
        with pytest.raises(NoActiveContextError):
            echo.inquire()

    asyncio.run(main())


def test_awaiting_after_the_end_of_the_context_gives_the_same_answer_each_time(logged: list[str]) -> None:
    async def main() -> None:
        async with MiniAgents():
            good = echo.inquire("a")
            bad = echo.inquire(ValueError("no"))
        assert len(logged) == 1
        for _ in range(2):
            assert texts(await good) == ["a"]
            with pytest.raises(ValueError, match=r"^no\nin agent 'echo'$"):
                await bad

    asyncio.run(main())


def test_an_agent_belongs_to_its_agents_context_though_called_in_one_inside() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            await gate.wait()
            ctx.reply(stream_message(Message, tokens()))

        async def tokens() -> AsyncIterator[str]:
            yield "done"

        async with MiniAgents():
            lazy = agent.options(start_asap=False).inquire()
            async with PromisingContext():
                eager = agent.inquire()
                async with MiniAgents(errors_as_messages=True):
                    reader = asyncio.create_task(lazy.aresolve_messages())
                    await asyncio.sleep(0)
            gate.set()
            assert texts(await eager) == texts(await reader) == ["done"]

    asyncio.run(main())


def test_longer_hash_keys_are_those_of_the_context() -> None:
    async def main() -> None:
        message = Message("a")
        assert len(message.hash_key) == 40
        async with MiniAgents(longer_hash_keys=True):
            assert len(message.hash_key) == 64
            async with PromisingContext(), MiniAgents():
                assert len(message.hash_key) == 40
            assert len(message.hash_key) == 64
        assert len(message.hash_key) == 40

    asyncio.run(main())


def test_a5_a_call_that_is_dropped_is_finished() -> None:
    async def main() -> None:
        call = echo.initiate_inquiry().send_message("x")
        replies = call._replies
        del call
        gc.collect()
        async with asyncio.timeout(1):
            assert texts(await replies) == ["x"]

    MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)

"""Replies of replies: order, errors, readers, cancellation, circles and ends at any depth."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    InteractionContext,
    Message,
    MessageSequence,
    MessageSequencePromise,
    MiniAgents,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    StreamAppender,
    UserMessage,
    miniagent,
    stream_message,
)
from miniagents.promising import FlatSequence
from miniagents.promising.core import access
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import FAIR_SHARE

pytestmark = pytest.mark.virtual_clock


async def outcomes(replies: MessageSequencePromise[Message]) -> list[str]:
    """Read one by one: the texts, and the errors in their places."""
    read: list[str] = []
    messages = aiter(replies)
    while True:
        try:
            read.append(str(await (await anext(messages))))
        except StopAsyncIteration:
            return read
        except (ValueError, TypeError, PromiseCancelledError, PromiseDeadlockError) as error:
            read.append(repr(error))


async def settle(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


# --- what an agent does in the examples: a tree of replies ---


@dataclass(frozen=True)
class Say:
    """Reply a message of this text; a streamed one if there are several parts."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Fail:
    """Reply an error."""

    text: str


@dataclass(frozen=True)
class Pause:
    """Let the loop turn so many times."""

    turns: int


@dataclass(frozen=True)
class Ask:
    """Reply the replies of agents that do these, in one list or each by itself."""

    agents: tuple[tuple[Act, ...], ...]
    at_once: bool


Act = Say | Fail | Pause | Ask


@miniagent
async def actor(ctx: InteractionContext, acts: Sequence[Act]) -> None:
    for act in acts:
        match act:
            case Say((text,)):
                ctx.reply(text)
            case Say(parts):
                ctx.reply(stream_message(Message, slowly(parts)))
            case Fail(text):
                ctx.reply(ValueError(text))
            case Pause(turns):
                await settle(turns)
            case Ask(agents, at_once):
                asked = [actor.inquire(acts=each) for each in agents]
                for replies in [asked] if at_once else asked:
                    ctx.reply(replies)


async def slowly(parts: Sequence[str]) -> AsyncIterator[str]:
    for part in parts:
        yield part
        await asyncio.sleep(0)


def expected(acts: Sequence[Act]) -> list[str]:
    said: list[str] = []
    for act in acts:
        match act:
            case Say(parts):
                said.append("".join(parts))
            case Fail(text):
                said.append(repr(ValueError(text)))
            case Ask(agents):
                for each in agents:
                    said.extend(expected(each))
            case Pause():
                pass
    return said


_letters = st.text("abc", min_size=1, max_size=3)
_leaf = st.one_of(
    st.builds(Say, st.lists(_letters, min_size=1, max_size=3).map(tuple)),
    st.builds(Fail, _letters),
    st.builds(Pause, st.integers(0, 4)),
)
_acts = st.recursive(
    st.lists(_leaf, max_size=3).map(tuple),
    lambda inner: st.lists(
        st.one_of(_leaf, st.builds(Ask, st.lists(inner, max_size=3).map(tuple), st.booleans())), max_size=3
    ).map(tuple),
    max_leaves=12,
)


@given(_acts, st.booleans(), st.lists(st.integers(0, 12), max_size=4))
async def test_p4_p5_p6_every_reader_of_nested_replies_gets_the_same_in_order_whenever_it_comes(
    acts: tuple[Act, ...], start_asap: bool, delays: list[int]
) -> None:
    async def late(replies: MessageSequencePromise[Message], turns: int) -> list[str]:
        await settle(turns)
        return await outcomes(replies)

    async with MiniAgents(start_asap=start_asap):
        replies = actor.inquire(acts=acts)
        readers = [asyncio.create_task(late(replies, turns)) for turns in delays]
        partly = aiter(replies)
        leaving = asyncio.create_task(anext(partly, None))
        await settle(2)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert await outcomes(replies) == expected(acts)
        for reader in readers:
            assert await reader == expected(acts)
        errors = [each for each in expected(acts) if each.startswith("ValueError")]
        if errors:
            with pytest.raises(ValueError) as raised:
                await replies
            assert repr(raised.value) == errors[0]
        else:
            assert [message.text for message in await replies] == expected(acts)


@given(st.lists(_acts, max_size=4))
async def test_p6_replies_out_of_order_are_all_there_each_in_its_own_order(given_acts: list[tuple[Act, ...]]) -> None:
    @miniagent
    async def disorderly(ctx: InteractionContext) -> None:
        for acts in given_acts:
            ctx.reply_out_of_order(actor.inquire(acts=acts))

    async with MiniAgents():
        read = await outcomes(disorderly.inquire())
        assert sorted(read) == sorted(each for acts in given_acts for each in expected(acts))
        for acts in given_acts:
            rest = iter(read)
            assert all(each in rest for each in expected(acts)), "a part lost its own order"


# --- P6: no task passes replies on ---


@pytest.mark.parametrize("out_of_order", [False, True])
async def test_replies_of_replies_need_no_task_of_their_own(out_of_order: bool) -> None:
    gate = asyncio.Event()

    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        await gate.wait()
        ctx.reply("done")

    @miniagent
    async def asking(ctx: InteractionContext) -> None:
        for _ in range(3):
            (ctx.reply_out_of_order if out_of_order else ctx.reply)(waiting.inquire())

    async with MiniAgents():
        before = len(asyncio.all_tasks())
        replies = asking.inquire()
        await settle()
        assert len(asyncio.all_tasks()) == before + 3
        gate.set()
        assert len(await replies) == 3


async def test_p4_many_nested_replies_starve_nobody() -> None:
    @miniagent
    async def many(ctx: InteractionContext) -> None:
        for _ in range(100):
            ctx.reply([Message("m")] * 1_000)
        await asyncio.sleep(0)

    @miniagent
    async def asking(ctx: InteractionContext) -> None:
        ctx.reply(many.inquire())

    turns = 0

    async def ticker() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with MiniAgents():
        ticking = asyncio.create_task(ticker())
        assert len(await asking.inquire()) == 100_000
        assert turns >= 100_000 // FAIR_SHARE
        ticking.cancel()
        await settle(2)


async def test_p4_a_stream_that_is_passed_on_as_it_comes_starves_nobody() -> None:
    async with MiniAgents():
        source, passed_on = MessageSequence(), MessageSequence()
        passed_on.put(source.promise)
        source.put([Message("m")] * 50_000)
        turns = 0
        while len(access.buffer_of(passed_on.promise).pieces) < 50_000:
            await asyncio.sleep(0)
            turns += 1
        source.close()
        passed_on.close()
        assert turns >= 20


async def test_p14_nothing_is_passed_on_behind_a_cancellation() -> None:
    def cancelling(item: object) -> object:
        if item == 2:
            passed_on.promise.cancel()
        return item if isinstance(item, int) else NotImplemented

    async with MiniAgents():
        source: FlatSequence[int] = FlatSequence(lambda item: item)
        passed_on: FlatSequence[int] = FlatSequence(cancelling)
        passed_on.put(source.promise)
        source.put(1)
        source.put(2)
        source.close()
        await settle()
        pieces = access.buffer_of(passed_on.promise).pieces
        assert [type(piece) for piece in pieces] == [int, Failure]


async def test_a4_a_list_that_contains_itself_often_is_refused_at_once() -> None:
    endless: list[object] = []
    endless.extend([endless] * 1_000)
    async with MiniAgents():
        sequence: FlatSequence[int] = FlatSequence(lambda item: item if isinstance(item, int) else NotImplemented)
        with pytest.raises(TypeError, match="list that contains itself"):
            sequence.put(endless)
        sequence.close()


async def test_p6_two_thousand_levels_of_replies_pass_messages_errors_and_the_end() -> None:
    async with MiniAgents():
        sequences = [MessageSequence() for _ in range(2_000)]
        for outer, inner in pairwise(sequences):
            outer.put(inner.promise)
            outer.close()
        await settle()
        innermost = sequences[-1]
        innermost.put("one")
        await settle()
        innermost.put(ValueError("two"))
        innermost.close()
        assert await outcomes(sequences[0].promise) == ["one", "ValueError('two')"]


# --- P5, A2, A3: errors ---


async def test_a3_an_unread_error_of_a_nested_reply_is_logged_once(logged: list[str]) -> None:
    async with MiniAgents():
        actor.inquire(acts=(Ask(((Ask(((Fail("deep"),),), at_once=False),),), at_once=True),))
    assert len(logged) == 1
    assert "deep" in logged[0]


@pytest.mark.parametrize("is_read", [True, False])
async def test_a3_an_error_that_another_stream_drops_unread_is_left_to_the_replies_it_came_from(
    is_read: bool, logged: list[str]
) -> None:
    @miniagent
    async def deaf(ctx: InteractionContext) -> None:
        ctx.reply("done")

    async with MiniAgents():
        replies = actor.inquire(acts=(Fail("once"),))
        await deaf.inquire(replies)
        await settle()
        gc.collect()
        assert not logged
        if is_read:
            with pytest.raises(ValueError, match="once"):
                await replies
    assert len(logged) == (0 if is_read else 1)


async def test_a2_a_nested_reply_of_a_wrong_class_is_an_error_in_its_place() -> None:
    @miniagent
    async def strict(ctx: InteractionContext[Message, UserMessage]) -> None:
        inner: MessageSequencePromise[Message] = actor.inquire(acts=(Pause(2), Say(("wrong",))))
        ctx.reply(UserMessage("before"))
        ctx.reply(inner)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # the class is wrong
        ctx.reply(UserMessage("after"))

    async with MiniAgents():
        before, wrong, after = await outcomes(strict.inquire())
    assert (before, after) == ("before", "after")
    assert "agent 'strict': reply: got Message where UserMessage is declared" in wrong


# --- P3, P7: cancellation ---


async def test_p7_cancelling_replies_keeps_what_had_arrived_and_stops_only_what_was_started_for_them() -> None:
    async with MiniAgents():
        shared = MessageSequence(name="shared")

        @miniagent
        async def asking(ctx: InteractionContext) -> None:
            ctx.reply(shared.promise)

        replies, others = asking.inquire(), asking.inquire()
        shared.put("one")
        await settle()
        assert replies.cancel()
        shared.put("two")
        shared.close()
        assert await outcomes(others) == ["one", "two"]
        one, cancelled = await outcomes(replies)
        assert one == "one"
        assert "'asking' was cancelled" in cancelled
        assert not shared.promise.cancelled()
        for _ in range(2):
            with pytest.raises(PromiseCancelledError):
                await replies


async def test_p7_cancelling_the_outermost_replies_stops_the_agents_behind_them() -> None:
    stopped = asyncio.Event()

    @miniagent
    async def endless(ctx: InteractionContext) -> None:
        try:
            ctx.reply("begun")
            await asyncio.Event().wait()
        finally:
            stopped.set()

    @miniagent
    async def middle(ctx: InteractionContext) -> None:
        ctx.reply(endless.inquire())

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        ctx.reply(middle.inquire())

    async with MiniAgents():
        replies = outer.inquire()
        assert str(await (await anext(aiter(replies)))) == "begun"
        assert replies.cancel()
        await stopped.wait()
        assert not replies.cancel()


async def test_p3_a_source_that_is_read_only_by_being_passed_on_is_spared() -> None:
    gate = asyncio.Event()

    @miniagent
    async def slow(ctx: InteractionContext) -> None:
        await gate.wait()
        ctx.reply("done")

    async with MiniAgents():
        source = slow.inquire()
        sequence = MessageSequence()
        sequence.put(source)
        sequence.close()
        await settle()
        assert source.map_messages(lambda message: message).cancel()
        gate.set()
        assert [message.text for message in await sequence.promise] == ["done"]


@pytest.mark.parametrize("turns", range(6))
async def test_p8_nested_replies_that_their_context_cancels_do_not_look_complete(turns: int) -> None:
    sequence: MessageSequence | None = None
    with pytest.raises(ZeroDivisionError):
        async with MiniAgents():
            inner = actor.inquire(acts=(Say(("one",)), Pause(100), Say(("two",))))
            sequence = MessageSequence()
            sequence.put(inner)
            sequence.close()
            await settle(turns)
            raise ZeroDivisionError
    assert sequence is not None
    with pytest.raises(PromiseCancelledError):
        await sequence.promise
    assert sequence.promise.done()


# --- P7: circles ---


async def test_p7_an_agent_that_waits_for_replies_that_are_its_own_is_told_of_the_circle() -> None:
    @miniagent
    async def passing(ctx: InteractionContext) -> None:
        ctx.reply(ctx.messages)

    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        await (await passed)

    passed: asyncio.Future[MessageSequencePromise[Message]] = asyncio.get_running_loop().create_future()
    async with MiniAgents():
        own = waiting.inquire()
        passed.set_result(passing.inquire(own))
        with pytest.raises(PromiseDeadlockError) as raised:
            await own
        assert set(raised.value.circle) == {"waiting", "passing", "passing.messages"}
        with pytest.raises(PromiseDeadlockError):
            await passed.result()


async def test_p7_replies_that_are_each_other_s_are_a_circle_that_no_task_waits_in() -> None:
    async with MiniAgents():
        first, second = MessageSequence(name="first"), MessageSequence(name="second")
        first.put(second.promise)
        second.put(first.promise)
        first.close()
        second.close()
        with pytest.raises(PromiseDeadlockError, match="first.*second|second.*first"):
            await first.promise


# --- P8, P2: ends and beginnings ---


async def test_p8_a_context_waits_for_replies_that_an_outside_task_still_feeds() -> None:
    async def feed(appender: StreamAppender[str], sequence: MessageSequence) -> None:
        await asyncio.sleep(1)
        with appender:
            appender.append("late")
        sequence.close()

    async with MiniAgents():
        fed = MessageSequence(name="fed")
        appender = StreamAppender[str]()
        fed.put(stream_message(Message, appender))
        outer = MessageSequence(name="outer")
        outer.put(fed.promise)
        outer.close()
        feeding = asyncio.create_task(feed(appender, fed))
    assert outer.promise.done()
    assert [message.text for message in await outer.promise] == ["late"]
    await feeding


async def test_p2_lazy_replies_start_when_their_turn_comes() -> None:
    started: list[str] = []
    gate = asyncio.Event()

    @miniagent
    async def lazy(ctx: InteractionContext, name: str) -> None:
        started.append(name)
        if name == "first":
            await gate.wait()
        ctx.reply(name)

    async with MiniAgents():
        sequence = MessageSequence()
        agent = lazy.options(start_asap=False)
        sequence.put([agent.inquire(name="first"), agent.inquire(name="second")])
        sequence.close()
        await settle()
        assert started == ["first"]
        gate.set()
        assert [message.text for message in await sequence.promise] == ["first", "second"]


async def test_p7_a_call_whose_task_other_code_cancels_before_it_began_tells_its_readers() -> None:
    @miniagent
    async def never(ctx: InteractionContext) -> None:
        raise AssertionError(ctx)

    async with MiniAgents():
        known = asyncio.all_tasks()
        replies = never.inquire()
        for task in asyncio.all_tasks() - known:
            task.cancel()
        with pytest.raises(PromiseCancelledError, match="'never' was cancelled"):
            await replies

        for call in (never.inquire(), never.inquire().pieces(), Promise(asyncio.Event().wait)):
            for task in asyncio.all_tasks() - known:
                task.cancel()
            await settle(2)
            assert call.done()  # also to code that asks again and again instead of waiting

        promise = Promise(asyncio.Event().wait, name="waiting")
        for task in asyncio.all_tasks() - known:
            task.cancel()
    assert promise.cancelled()  # the context could be left, and has told

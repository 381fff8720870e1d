"""P9: a bound holds through agents, and harms nobody.

An agent that is bounded stays near its furthest reader. Readers get what they get without a bound. A context ends, even
if nobody reads what a bounded agent still has to say.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import given, settings, strategies as st

from miniagents import (
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequence,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    StreamedPromise,
    miniagent,
    stream_message,
)
from miniagents.composition import chain, first_to_reply, loop, map_agent, parallel
from miniagents.promising import FlatSequence, PromisingContext

pytestmark = pytest.mark.virtual_clock

AnyAgent: TypeAlias = MiniAgent[Any, Any, []]  # Any: of any messages

A_WHILE: Final = 400
"""Turns of the loop after which nothing moves any more that waits."""


async def turns(count: int = A_WHILE) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def ignored(_: AsyncIterable[object]) -> None:
    pass


class Numbers:
    """An endless source that counts what it has made."""

    def __init__(self) -> None:
        self.made = 0

    def _next(self) -> str:
        self.made += 1
        return f"{self.made} "

    def messages(self, max_ahead: int | None) -> MessageSequencePromise[Message]:
        """Return them as a sequence of messages."""

        async def messages() -> AsyncIterator[MessagePromise[Message]]:
            while True:
                yield MessagePromise.of_message(Message(self._next()))
                await asyncio.sleep(0)

        return MessageSequencePromise.of_promises(StreamedPromise(messages, ignored, max_ahead=max_ahead))

    async def tokens(self) -> AsyncIterator[str]:
        """Give them as the tokens of a message."""
        while True:
            yield self._next()
            await asyncio.sleep(0)

    def agent(self) -> AnyAgent:
        """Return an agent that replies with them, one by one."""

        @miniagent
        async def counting(ctx: InteractionContext) -> None:
            while True:
                ctx.reply(self._next())
                await ctx.drain()

        return counting


@miniagent
async def passing(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


@miniagent
async def mapping(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages.map_messages(lambda message: Message(f"{message}!")))


@miniagent
async def copying(ctx: InteractionContext) -> None:
    async for promise in ctx.messages:
        ctx.reply(promise)
        await ctx.drain()


@miniagent
async def generating(ctx: InteractionContext) -> None:
    async def messages() -> AsyncIterator[MessagePromise[Message]]:
        async for promise in ctx.messages:
            yield promise

    ctx.reply(messages())


@miniagent
async def nesting(ctx: InteractionContext) -> None:
    async def messages() -> AsyncIterator[object]:
        async for promise in ctx.messages:
            yield [[promise]]

    ctx.reply(["first", [messages()]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]  # lists of lists


@miniagent
async def once(ctx: InteractionContext) -> None:
    async for promise in ctx.messages:
        ctx.reply(promise)
        return


@miniagent
async def spelling(ctx: InteractionContext) -> None:
    async def tokens(message: Message) -> AsyncIterator[str]:
        for letter in message.text or "":
            yield letter

    async for promise in ctx.messages:
        ctx.reply(stream_message(Message, tokens(await promise)))
        ctx.reply_out_of_order([])
        await ctx.drain()


@miniagent
async def failing(ctx: InteractionContext) -> None:
    async for promise in ctx.messages:
        ctx.reply([ValueError("in its place"), promise])
        await ctx.drain()
    raise ValueError("at the end")


COMPOSED: Final[dict[str, Callable[[], AnyAgent]]] = {
    "an agent that passes messages on": lambda: passing,
    "one that maps them": lambda: mapping,
    "one that drains": lambda: copying,
    "one that reads them in a generator": lambda: generating.options(max_ahead=3),
    "one with nested replies": lambda: nesting.options(max_ahead=3),
    "a chain": lambda: passing >> mapping >> copying,
    "a long chain": lambda: chain(*[passing] * 10),
    "agents in parallel": lambda: parallel(passing, copying, mapping),
    "the first agent to reply": lambda: first_to_reply(passing),
    "agents in parallel, out of order": lambda: parallel(passing, copying, ordered=False),
    "an agent called for each": lambda: map_agent(passing),
    "an agent called for each, out of order": lambda: map_agent(copying, ordered=False),
    "an agent called for each, two at a time": lambda: map_agent(passing, concurrency=2),
    "with retries": lambda: passing.with_retry(attempts=2),
    "with a fallback": lambda: copying.with_fallback(passing, ValueError),
    "replies of replies": lambda: map_agent(parallel(passing >> copying, passing)),
}
"""Agents that reply with what they are sent, forever if it never ends."""

each_composed = pytest.mark.parametrize("name", COMPOSED)


@asynccontextmanager
async def cancelled_at_the_end(**options: Any) -> AsyncGenerator[MiniAgents]:  # Any: those of a context
    """Give a context that is left by an error, because endless agents run there."""
    with pytest.raises(KeyError):
        async with MiniAgents(**options) as context:
            yield context
            raise KeyError


def levels(agent: AnyAgent) -> int:
    """Return how many sequences there may be between a source and a reader, at most."""
    return 8 + 4 * agent.alias.count(">>")


# --- near the furthest reader ---


@each_composed
async def test_p9_a_bounded_source_stays_bounded_through_agents(name: str) -> None:
    numbers, agent = Numbers(), COMPOSED[name]()
    async with cancelled_at_the_end():
        replies = aiter(agent.inquire(numbers.messages(3)))
        for count in range(1, 5):
            await anext(replies)
            await turns()
            assert numbers.made <= count + 4 * levels(agent)


@each_composed
async def test_p9_a_bounded_agent_stays_bounded_through_others(name: str) -> None:
    numbers, agent = Numbers(), COMPOSED[name]()
    async with cancelled_at_the_end():
        replies = aiter(agent.inquire(numbers.agent().options(max_ahead=3).inquire()))
        for count in range(1, 5):
            await anext(replies)
            await turns()
            assert numbers.made <= count + 4 * levels(agent)


@each_composed
async def test_p9_combinators_of_replies_that_are_bounded_later_are_bounded(name: str) -> None:
    numbers, agent = Numbers(), COMPOSED[name]()
    async with cancelled_at_the_end():
        replies = agent.inquire(numbers.messages(3))
        mapped = replies.map_messages(lambda message: Message(f"{message}?"))
        pieces = aiter(mapped.filter_messages(lambda message: message.text).filter(bool).buffer(2))
        await anext(pieces)
        await turns()
        assert numbers.made <= 4 * (levels(agent) + 4)


@pytest.mark.parametrize("max_ahead", [1, 2, 7])
async def test_p9_drain_keeps_an_agent_at_its_bound(max_ahead: int) -> None:
    numbers = Numbers()
    async with cancelled_at_the_end():
        replies = numbers.agent().options(max_ahead=max_ahead).inquire()
        await turns()
        assert numbers.made == max_ahead
        reader = aiter(replies)
        for count in range(1, 10):
            await anext(reader)
            await turns()
            assert numbers.made == count + max_ahead
        late = aiter(replies)  # the furthest reader counts
        for _ in range(5):
            await anext(late)
        await turns()
        assert numbers.made == 9 + max_ahead


async def test_p9_the_context_gives_the_bound_and_an_agent_may_have_another() -> None:
    first, second, third = Numbers(), Numbers(), Numbers()
    async with cancelled_at_the_end(max_ahead=4):
        kept = [
            first.agent().inquire(),
            second.agent().options(max_ahead=2).inquire(),
            third.agent().options(max_ahead=None).inquire(),
        ]
        await turns()
        assert (first.made, second.made) == (4, 2)
        assert third.made > 100
        assert len(kept) == 3


async def test_p9_the_bound_of_a_composition_is_that_of_its_members() -> None:
    first, second = Numbers(), Numbers()
    async with cancelled_at_the_end():
        both = parallel(first.agent(), second.agent() >> copying).options(max_ahead=3)
        replies = aiter(both.inquire())
        await anext(replies)
        await turns()
        assert first.made <= 8
        assert second.made <= 16


@pytest.mark.parametrize("agent_is_bounded", [True, False])
async def test_p9_tokens_that_a_bounded_agent_streams_are_bounded(agent_is_bounded: bool) -> None:
    numbers = Numbers()

    @miniagent
    async def speaking(ctx: InteractionContext) -> None:
        ctx.reply(stream_message(Message, numbers.tokens()))

    async with cancelled_at_the_end(max_ahead=None if agent_is_bounded else 3):
        agent = speaking.options(max_ahead=3) if agent_is_bounded else speaking
        async for promise in (passing >> agent).inquire():
            tokens = aiter(promise)
            for count in range(1, 5):
                await anext(tokens)
                await turns()
                assert numbers.made <= count + 4
            break


async def test_p9_a_message_made_in_another_way_has_the_bound_too_unless_it_says_so() -> None:
    bounded, unbounded = Numbers(), Numbers()

    async def whole(tokens: AsyncIterable[str]) -> Message:
        return Message("".join([token async for token in tokens]))

    @miniagent
    async def speaking(ctx: InteractionContext) -> None:
        ctx.reply(MessagePromise(bounded.tokens, whole))
        ctx.reply(MessagePromise(unbounded.tokens, whole, max_ahead=None))

    async with cancelled_at_the_end():
        replies = speaking.options(max_ahead=3).inquire()
        await turns()
        assert bounded.made <= 4
        assert unbounded.made > 100
        assert not replies.done()


async def test_p9_a_reply_behind_one_that_is_to_come_counts() -> None:
    made = 0
    numbers = MessageSequence()

    @miniagent
    async def counting(ctx: InteractionContext) -> None:
        nonlocal made
        ctx.reply(numbers.promise)
        for made in itertools.count(1):  # noqa: B007  # it is looked at outside
            ctx.reply("behind")
            await ctx.drain()

    async with cancelled_at_the_end():
        replies = aiter(counting.options(max_ahead=5).inquire())
        first = asyncio.ensure_future(anext(replies))
        await turns()
        assert made <= 6
        numbers.close()
        await first
        await turns()
        assert made <= 8


async def test_p9_parts_that_turn_out_empty_make_room() -> None:
    made = 0
    empty = [MessageSequence() for _ in range(20)]

    @miniagent
    async def counting(ctx: InteractionContext) -> None:
        nonlocal made
        for sequence in empty:
            ctx.reply(sequence.promise)
            made += 1
            await ctx.drain()

    async with MiniAgents():
        replies = aiter(counting.options(max_ahead=2).inquire())
        end = asyncio.ensure_future(anext(replies, None))
        await turns()
        for sequence in empty:
            assert made <= empty.index(sequence) + 3
            sequence.close()
            await turns(20)
        assert await end is None


async def test_p9_flat_sequences_keep_to_their_bound() -> None:
    made = 0

    async def numbers() -> AsyncIterator[int]:
        nonlocal made
        for made in itertools.count(1):
            yield made

    with pytest.raises(KeyError):
        async with PromisingContext():
            sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented, max_ahead=3)
            sequence.put([0, [numbers()]])
            pieces = aiter(sequence.promise)
            for count in range(5):
                assert await anext(pieces) == count
                await turns(20)
                assert made <= count + 4
            drained = asyncio.ensure_future(sequence.drain())
            await turns(20)
            assert not drained.done()
            await anext(pieces)
            await anext(pieces)
            drained.cancel()
            raise KeyError


@pytest.mark.parametrize("max_ahead", [0, -1])
def test_p9_a_bound_that_lets_nothing_through_is_refused(max_ahead: int) -> None:
    makers: tuple[Callable[[], object], ...] = (
        lambda: passing.options(max_ahead=max_ahead),
        lambda: MiniAgents(max_ahead=max_ahead),
        lambda: FlatSequence[int](lambda item: item, max_ahead=max_ahead),
        lambda: MessageSequence(max_ahead=max_ahead),
    )
    for make in makers:
        with pytest.raises(ValueError, match=f"max_ahead={max_ahead}: a bound lets at least one piece through"):
            make()


# --- readers that do not count ---


async def test_p9_handlers_that_keep_messages_are_no_readers() -> None:
    numbers, tokens = Numbers(), Numbers()
    kept: list[Message] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        kept.extend(messages)

    async def resolved(promise: object, result: object) -> None:
        pass

    @miniagent
    async def speaking(ctx: InteractionContext) -> None:
        ctx.reply(stream_message(Message, tokens.tokens()))

    async with cancelled_at_the_end(on_persist_messages=keep, on_promise_resolved=resolved, max_ahead=3):
        replies = (passing >> numbers.agent() >> passing).inquire()
        spoken = speaking.inquire()
        reader = aiter(replies)
        await anext(reader)
        await asyncio.sleep(1)
        assert numbers.made <= 20
        await anext(aiter(await anext(aiter(spoken))))
        await asyncio.sleep(1)
        assert tokens.made <= 5
    assert {str(message) for message in kept} >= {"1 ", "2 "}


async def test_p9_a_call_of_map_agent_that_nobody_reads_yet_does_not_run_on() -> None:
    numbers = Numbers()
    async with cancelled_at_the_end():
        replies = map_agent(numbers.agent().options(max_ahead=3), concurrency=2).inquire(["a", "b", "c"])
        await turns()
        assert numbers.made <= 12
        assert not replies.done()


# --- nothing hangs ---


async def test_p8_an_agent_whose_replies_nobody_reads_does_its_work() -> None:
    done: list[str] = []

    @miniagent
    async def working(ctx: InteractionContext) -> None:
        for number in range(20):
            ctx.reply(str(number))
            await ctx.drain()
        done.append(ctx.this_agent.alias)

    async with MiniAgents(max_ahead=2):
        working.inquire()
        (passing >> working >> copying >> working).inquire("go")
        parallel(working, working, ordered=False).inquire()
    assert done == ["working"] * 5


async def test_p9_a_context_inside_another_one_has_the_bound_of_that_unless_it_has_its_own() -> None:
    """Whether it is opened inside of the outer one, or is told of it; None is a bound of its own as well."""
    made: list[int] = []
    ahead: list[int] = []

    @miniagent
    async def counting(ctx: InteractionContext) -> None:
        for number in range(20):
            made[-1] += 1
            ctx.reply(str(number))
            await ctx.drain()

    async with MiniAgents(max_ahead=3) as outer, PromisingContext() as between:
        opened_inside = MiniAgents(), MiniAgents(max_ahead=2), MiniAgents(max_ahead=None)
        for inner in (*opened_inside, MiniAgents(parent=between), MiniAgents(parent=outer)):
            made.append(0)
            async with inner:
                replies = counting.inquire()
                await turns()
                ahead.append(made[-1])
                assert len(await replies) == 20
    assert ahead == [3, 2, 20, 3, 3]


async def test_p8_an_endless_agent_whose_replies_nobody_reads_on_is_ended() -> None:
    numbers = Numbers()
    ended: list[int] = []

    @miniagent
    async def endless(ctx: InteractionContext) -> None:
        try:
            while True:
                ctx.reply("more")
                await ctx.drain()
        finally:
            ended.append(numbers.made)

    async with MiniAgents(max_ahead=2):
        async for _ in (endless >> copying).inquire():
            break
        async for _ in (passing >> copying).inquire(numbers.messages(3)):
            break
    assert len(ended) == 1
    assert numbers.made < 40


async def test_p8_helpers_of_an_agent_that_drain_for_it_are_let_go() -> None:
    done = 0

    @miniagent
    async def working(ctx: InteractionContext) -> None:
        async def part() -> None:
            nonlocal done
            for _ in range(5):
                ctx.reply("part")
                await ctx.drain()
            done += 1

        await asyncio.gather(part(), part())

    async with MiniAgents(max_ahead=1):
        working.inquire()
    assert done == 2


async def test_p7_drain_returns_when_the_call_was_cancelled() -> None:
    seen: list[str] = []

    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        ctx.reply("one")
        try:
            await ctx.drain()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async with MiniAgents(max_ahead=1):
        replies = waiting.inquire()
        await turns(5)
        assert replies.cancel()
    assert seen == ["cancelled"]


async def test_p9_messages_whose_tokens_nobody_reads_hold_up_no_other() -> None:
    @miniagent
    async def speaking(ctx: InteractionContext) -> None:
        async def tokens() -> AsyncIterator[str]:
            for number in range(20):
                yield f"{number} "

        ctx.reply(stream_message(Message, tokens()))

    async with MiniAgents(max_ahead=2):
        agent = map_agent(speaking, concurrency=1)
        promises = [promise async for promise in agent.inquire(["a", "b", "c", "d"])]
        assert [len(str(await promise).split()) for promise in reversed(promises)] == [20] * 4


async def test_p9_two_readers_of_which_one_is_late() -> None:
    async with MiniAgents(max_ahead=1):
        messages = [str(number) for number in range(30)]
        replies = (copying >> map_agent(passing)).inquire(messages)
        early = aiter(replies)
        pairs = [(str(await one), str(await other)) async for one, other in replies.zip(replies)]
        assert pairs == [(text, text) for text in messages]
        assert str(await (await anext(early))) == "0"
        assert [str(message) for message in await replies] == messages


# --- the same as without ---


@st.composite
def agents(draw: st.DrawFn) -> AnyAgent:
    """Give agents that end, composed at random."""
    simple = st.sampled_from([passing, mapping, copying, generating, nesting, once, spelling, failing])

    def composed(inner: st.SearchStrategy[AnyAgent]) -> st.SearchStrategy[AnyAgent]:
        return st.one_of(
            st.tuples(inner, inner).map(lambda pair: pair[0] >> pair[1]),
            st.tuples(inner, inner).map(lambda pair: parallel(*pair)),
            st.tuples(inner, st.none() | st.integers(1, 2)).map(
                lambda given: map_agent(given[0], concurrency=given[1])
            ),
            inner.map(lambda agent: agent.with_retry(attempts=2)),
            inner.map(lambda agent: agent.with_timeout(60)),
            inner.map(lambda agent: loop(agent, until=lambda _: True, max_rounds=1)),
            st.tuples(inner, st.none() | st.integers(1, 3)).map(lambda given: given[0].options(max_ahead=given[1])),
        )

    agent: AnyAgent = draw(st.recursive(simple, composed, max_leaves=4))
    return agent


async def read(replies: MessageSequencePromise[Message], manner: str) -> list[str]:
    texts: list[str] = []
    if manner == "at once":
        with contextlib.suppress(ValueError):
            return [str(message) for message in await replies]
    pieces = aiter(replies)
    while True:
        if manner == "slowly":
            await turns(3)
        try:
            promise = await anext(pieces)
            texts.append("".join([token async for token in promise]) if manner == "tokens" else str(await promise))
        except StopAsyncIteration:
            return texts
        except ValueError as error:
            texts.append(str(error))


@pytest.mark.leaves_errors_unread
@settings(deadline=None, max_examples=150)
@given(
    agents(),
    st.lists(st.sampled_from(["x", "y"]), max_size=6),
    st.integers(1, 3),
    st.none() | st.integers(1, 3),
    st.booleans(),
    st.sampled_from(["at once", "one by one", "slowly", "tokens"]),
)
def test_p9_readers_get_the_same_with_any_bound(
    agent: AnyAgent, texts: list[str], bound: int, source_bound: int | None, start_asap: bool, manner: str
) -> None:
    async def result(max_ahead: int | None, source_max_ahead: int | None) -> list[str]:
        async def messages() -> AsyncIterator[MessagePromise[Message]]:
            for text in texts:
                yield MessagePromise.of_message(Message(text))
                await asyncio.sleep(0)

        async with asyncio.timeout(60), MiniAgents(max_ahead=max_ahead, start_asap=start_asap):
            stream = StreamedPromise(messages, ignored, max_ahead=source_max_ahead)
            return await read(agent.inquire(MessageSequencePromise.of_promises(stream)), manner)

    assert asyncio.run(result(bound, source_bound)) == asyncio.run(result(None, None))

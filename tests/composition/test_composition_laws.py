"""The laws of combinators for agents: one suite over everything that makes an agent of agents.

To add a combinator, add a case: what it makes of an agent, and what that replies, given what the agent itself does.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import pytest
from syrupy.assertion import SnapshotAssertion

import miniagents.composition
from miniagents import (
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    PromiseCancelledError,
    case,
    chain,
    first_to_reply,
    loop,
    map_agent,
    miniagent,
    parallel,
    route,
    stream_message,
)
from miniagents.promising.core.pieces import FAIR_SHARE
from miniagents.testing import VirtualClockEventLoop, diagram

AnyAgent = MiniAgent[Message, Message, []]
Outcomes = list[str]


@miniagent
async def picky(ctx: InteractionContext) -> None:
    """Gives each message back, and an error in the place of an "x"."""
    ctx.reply(ctx.messages.map_messages(refuse_x))


def refuse_x(message: Message) -> Message:
    if str(message) == "x":
        raise ValueError("x")
    return message


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


@miniagent
async def mute(ctx: InteractionContext) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class Case:
    """A way to make an agent of another one.

    Attributes:
        name: the combinator's, and behind a colon how it is used.
        make: makes the agent.
        gives: what it replies, given the outcomes of the agent that it is made of and the texts that it is asked.
        ordered: whether the order of the replies follows from the messages alone.
        many: how many messages the law about many of them gives; fewer where each is a call.
    """

    name: str
    make: Callable[[AnyAgent], AnyAgent]
    gives: Callable[[Outcomes, list[str]], Outcomes] = lambda replies, _: replies
    ordered: bool = True
    many: int = 5_000

    def __str__(self) -> str:
        return self.name


def told(replies: Outcomes) -> Outcomes:
    """Errors as `ErrorMessage` tells them."""
    return ["ValueError: x" if reply == repr(ValueError("x")) else reply for reply in replies]


CASES: Final = [
    Case(">>", lambda agent: echo >> agent),
    Case("chain", lambda agent: chain(agent, echo, echo)),
    Case("parallel", lambda agent: parallel(agent, agent), lambda replies, _: 2 * replies),
    Case(
        "parallel: as they come",
        lambda agent: parallel(agent, echo, ordered=False),
        lambda replies, texts: replies + texts,
        False,
    ),
    Case(
        "parallel: settled",
        lambda agent: parallel(agent, echo, settled=True),
        lambda replies, texts: told(replies) + texts,
    ),
    Case("first_to_reply", lambda agent: first_to_reply(mute, agent)),
    Case("route", lambda agent: route(case(Message, agent)), many=600),
    Case("route: otherwise", lambda agent: route(case(lambda _: False, echo), otherwise=agent), many=600),
    Case("case", lambda agent: route(case(lambda _: True, agent)), many=600),
    Case("loop", lambda agent: loop(agent, until=lambda _: True, max_rounds=1)),
    Case("loop: every round", lambda agent: loop(agent, until=lambda _: True, max_rounds=1, every_round=True)),
    Case(
        "loop: the question again",
        lambda agent: loop(agent, until=lambda texts: len(texts) > 1, max_rounds=2, keep_question=True),
        lambda replies, texts: replies if len(texts) > 1 or texts == ["x"] else replies * 2,
    ),
    Case("map_agent", map_agent, many=600),
    Case(
        "map_agent: settled", lambda agent: map_agent(agent, settled=True), lambda replies, _: told(replies), many=600
    ),
    Case("map_agent: one at a time", lambda agent: map_agent(agent, concurrency=1), many=600),
    Case("map_agent: as they come", lambda agent: map_agent(agent, ordered=False), ordered=False, many=600),
    Case("with_retry", lambda agent: agent.with_retry(attempts=2)),
    Case(
        "with_repair",
        lambda agent: agent.with_repair(lambda _: "again", attempts=2),
        lambda replies, texts: [*replies, "again"] if "x" in texts else replies,
    ),
    Case("with_timeout", lambda agent: agent.with_timeout(1000)),
    Case("with_timeout: too late", lambda agent: agent.with_timeout(1.5)),
    Case(
        "with_fallback",
        lambda agent: agent.with_fallback(echo),
        lambda replies, texts: texts if texts[0] == "x" else replies,
    ),
]

each_case = pytest.mark.parametrize("law_case", CASES, ids=str)


def run(main: Coroutine[Any, Any, None], **options: Any) -> None:  # Any: what MiniAgents takes
    MiniAgents(**options).run(main, loop_factory=VirtualClockEventLoop)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def outcomes(replies: MessageSequencePromise[Message]) -> Outcomes:
    """The text of each message, or the error in its place."""
    seen: Outcomes = []
    pieces = aiter(replies)
    while True:
        try:
            seen.append(str(await (await anext(pieces))))
        except StopAsyncIteration:
            return seen
        except Exception as error:  # noqa: BLE001 - it is compared
            seen.append(repr(error))


def test_each_combinator_of_agents_has_a_case() -> None:
    functions = {
        name for name in miniagents.composition.__all__ if inspect.isfunction(vars(miniagents.composition)[name])
    }
    methods = {name for cls in MiniAgent.__mro__ for name in vars(cls) if name.startswith("with_")}
    assert {each.name.partition(":")[0] for each in CASES} == functions | methods | {">>"}


def test_p10_each_combinator_has_an_example() -> None:
    """Which is run: tests/test_doctests.py."""
    names = {each.name.partition(":")[0].replace(">>", "__rshift__") for each in CASES}
    found = {name: getattr(miniagents.composition, name, None) or getattr(MiniAgent, name) for name in names}
    assert [name for name, combinator in found.items() if ">>> " not in (inspect.getdoc(combinator) or "")] == []


@each_case
@pytest.mark.parametrize("texts", [["a", "b"], ["x", "a", "b"], ["a", "x", "b"], ["a", "b", "x"], ["x", "x"], ["x"]])
def test_p4_p5_errors_stand_in_their_places_for_all_readers(law_case: Case, texts: list[str]) -> None:
    """P4 and P5: an error at any position is where the docstring says, and a late reader gets the same."""
    expected = law_case.gives([repr(ValueError("x")) if text == "x" else text for text in texts], texts)

    async def main() -> None:
        replies = law_case.make(picky).inquire(texts)
        early = asyncio.create_task(outcomes(replies))
        left = asyncio.create_task(outcomes(replies))
        await turns(2)
        left.cancel()
        read = await early
        assert read == expected if law_case.ordered else sorted(read) == sorted(expected)
        assert await outcomes(replies) == read
        for _ in range(2):  # the first error, in whatever order they come, and always the same object
            try:
                whole = [str(message) for message in await replies]
            except ValueError:
                whole = []
            assert whole == ([] if repr(ValueError("x")) in read else read)
        await asyncio.gather(left, return_exceptions=True)

    run(main())


@each_case
@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, 40])
@pytest.mark.parametrize("nested", [False, True])
def test_a5_cancelling_the_replies_stops_the_calls_within_a_turn_and_leaves_no_task(
    law_case: Case, moment: int, nested: bool
) -> None:
    running: list[str] = []

    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        running.append("call")
        try:
            await ctx.messages
            await asyncio.Event().wait()
        finally:
            running.pop()

    async def main() -> None:
        agent = law_case.make(law_case.make(waiting) if nested else waiting)
        replies = agent.inquire(["a", "b"])
        reader = asyncio.create_task(outcomes(replies))
        await turns(moment)
        assert running or moment < 40
        assert replies.cancel()
        await turns(1)
        assert not running
        await turns(5)
        assert asyncio.all_tasks() - {asyncio.current_task()} == set()
        assert PromiseCancelledError.__name__ in (await reader)[-1]

    run(main())


@miniagent
async def slow(ctx: InteractionContext) -> None:
    for text in "abc":
        await asyncio.sleep(1)
        ctx.reply(text)


@pytest.mark.leaves_errors_unread  # a timeout, by then
@each_case
def test_p3_messages_that_somebody_else_reads_go_on_when_the_replies_are_cancelled(law_case: Case) -> None:
    async def main() -> None:
        source = slow.inquire()
        reader = asyncio.create_task(outcomes(source))
        replies = law_case.make(picky).inquire(source)
        await asyncio.sleep(1.5)
        replies.cancel()
        assert await reader == ["a", "b", "c"]

    run(main())


@each_case
@pytest.mark.parametrize("lazy_context", [True, False])
def test_p2_what_is_lazy_starts_when_somebody_reads(law_case: Case, lazy_context: bool) -> None:
    asked: list[str] = []

    @miniagent
    async def noting(ctx: InteractionContext) -> None:
        asked.append("asked")
        ctx.reply(ctx.messages)

    async def main() -> None:
        agent = law_case.make(noting)
        replies = (agent if lazy_context else agent.options(start_asap=False)).inquire(["a", "b"])
        await turns(20)
        assert not asked
        expected = law_case.gives(["a", "b"], ["a", "b"])
        assert sorted(await outcomes(replies)) == sorted(expected)
        assert asked

    run(main(), start_asap=not lazy_context)


@each_case
def test_p4_many_messages_leave_the_loop_responsive(law_case: Case) -> None:
    async def main() -> None:
        count = 0

        async def tick() -> None:
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        ticker = asyncio.create_task(tick())
        replies = law_case.make(echo).inquire([str(number) for number in range(law_case.many)])
        assert len(await replies) >= law_case.many
        assert count > law_case.many // (2 * FAIR_SHARE)
        ticker.cancel()

    run(main())


# --- when what comes ---


@miniagent
async def speak(ctx: InteractionContext) -> None:
    """Says each message letter by letter, one a second; raises an error where it is a "#"."""
    async for promise in ctx.messages:
        text = str(await promise)
        if text == "#":
            raise ValueError("#")
        ctx.reply(stream_message(Message, letters(text)))


async def letters(text: str) -> AsyncIterator[str]:
    for letter in text:
        await asyncio.sleep(1)
        yield letter


@each_case
@pytest.mark.parametrize("texts", [["abc", "d"], ["ab", "#"], ["#", "a"]], ids=" ".join)
def test_replies_are_drawn(law_case: Case, texts: list[str], snapshot: SnapshotAssertion) -> None:
    """Tokens are there as soon as they are made, wherever the combinator need not wait for the whole."""
    drawn: list[str] = []

    async def main() -> None:
        drawn.append(await diagram({law_case.name: law_case.make(speak).inquire(texts)}))

    run(main())
    assert drawn[0] == snapshot

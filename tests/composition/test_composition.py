"""Agents made of agents: `>>`, `chain`, `parallel`, `first_to_reply`, `route`, `loop`, `map_agent`."""

import asyncio
import functools
import gc
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final, TypeVar

import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AgentCallNode,
    AgentReplyNode,
    AssistantMessage,
    ErrorMessage,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MessageType,
    MiniAgent,
    MiniAgents,
    NoRouteError,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    StreamAppender,
    SystemMessage,
    TooManyRoundsError,
    UserMessage,
    case,
    chain,
    first_ok,
    first_to_reply,
    gather,
    loop,
    map_agent,
    miniagent,
    parallel,
    route,
    stream_message,
)
from miniagents.testing import Pause, VirtualClockEventLoop, scripted_agent, transcript
from tests.effort import examples

T = TypeVar("T")
AnyAgent = MiniAgent[Any, Any, []]  # Any: what flows is looked at when it has flown


def run(main: Coroutine[Any, Any, T], **options: Any) -> T:
    return MiniAgents(**options).run(main, loop_factory=VirtualClockEventLoop)


def now() -> float:
    return asyncio.get_running_loop().time()


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def outcomes(replies: MessageSequencePromise[Message]) -> list[str]:
    """The text of each message, or the error in its place."""
    seen: list[str] = []
    pieces = aiter(replies)
    while True:
        try:
            seen.append(str(await (await anext(pieces))))
        except StopAsyncIteration:
            return seen
        except Exception as error:  # noqa: BLE001
            seen.append(repr(error))


class Draft(Message, frozen=True): ...


class Review(Message, frozen=True): ...


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


@miniagent
async def shout(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages.map_messages(lambda message: Message(f"{message}!")))


@miniagent
async def twice(ctx: InteractionContext) -> None:
    ctx.reply([ctx.messages, ctx.messages])


@miniagent
async def fail(ctx: InteractionContext) -> None:
    ctx.reply("before")
    raise ValueError("no")


@miniagent
async def write(ctx: InteractionContext[UserMessage, Draft]) -> None:
    ctx.reply([f"draft of {message}" for message in await ctx.messages])


@miniagent
async def review(ctx: InteractionContext[Draft, Review], mark: str = "+") -> None:
    ctx.reply([f"{mark}{message}" for message in await ctx.messages])


@miniagent
async def forever(ctx: InteractionContext) -> None:
    await asyncio.Event().wait()


@miniagent
async def sleeper(ctx: InteractionContext) -> None:
    """Sleeps as long as it is told, and then says so."""
    for message in await ctx.messages:
        await asyncio.sleep(float(str(message)))
        ctx.reply(f"slept {message}")


# --- chains ---


def test_each_agent_of_a_chain_is_asked_the_replies_of_the_one_before_it() -> None:
    async def main() -> None:
        assert await (write >> review).inquire(["a", "b"]) == (Review("+draft of a"), Review("+draft of b"))
        assert await chain(shout, twice, shout).inquire("a") == (Message("a!!"), Message("a!!"))
        assert await chain(echo).inquire("a") == (Message("a"),)

    run(main())


@miniagent
async def drop_first(ctx: InteractionContext) -> None:
    pieces = aiter(ctx.messages)
    await anext(pieces, None)
    ctx.reply(pieces)


@miniagent
async def refuse_b(ctx: InteractionContext) -> None:
    async for promise in ctx.messages:
        message = await promise
        if str(message) == "b":
            raise ValueError("b")
        ctx.reply(message)


@miniagent
async def spell(ctx: InteractionContext) -> None:
    async def letters(text: str) -> AsyncIterator[str]:
        for letter in text:
            await asyncio.sleep(0)
            yield letter

    async for promise in ctx.messages:
        ctx.reply(stream_message(Message, letters(str(await promise))))


@pytest.mark.leaves_errors_unread
@examples(60)
@given(
    agents=st.lists(st.sampled_from([echo, shout, twice, drop_first, refuse_b, spell, fail]), min_size=3, max_size=5),
    texts=st.lists(st.sampled_from("abc"), max_size=4),
    named=st.booleans(),
)
def test_law_chaining_is_associative(agents: list[MiniAgent], texts: list[str], named: bool) -> None:
    """Also where the chain within the chain has a name of its own and is not taken apart."""

    def inner(agent: MiniAgent) -> MiniAgent:
        return agent.options(alias="inner") if named else agent

    async def main() -> None:
        left = functools.reduce(lambda a, b: inner(a >> b), agents)
        right = functools.reduce(lambda a, b: inner(b >> a), reversed(agents))
        replies = [await outcomes(agent.inquire(texts)) for agent in (left, right, chain(*agents))]
        by_hand: MessageType[Message] = texts
        for agent in agents:
            by_hand = agent.inquire(by_hand)
        assert isinstance(by_hand, MessageSequencePromise)
        assert replies == [await outcomes(by_hand)] * 3

    run(main())


@examples(30)
@given(agent=st.sampled_from([shout, twice, drop_first, spell]), texts=st.lists(st.sampled_from("abc"), max_size=4))
def test_law_an_agent_that_gives_what_it_is_given_changes_nothing(agent: MiniAgent, texts: list[str]) -> None:
    async def main() -> None:
        plain = await outcomes(agent.inquire(texts))
        assert await outcomes((echo >> agent).inquire(texts)) == plain
        assert await outcomes((agent >> echo).inquire(texts)) == plain

    run(main())


def test_tokens_stream_through_a_chain_while_the_first_agent_still_makes_them(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        agent = scripted_agent("one two three", pause=1) >> echo >> echo
        replies = agent.inquire()
        lines: list[str] = []
        async for promise in replies:
            async for token in promise:
                lines.append(f"{now():g} {token!r}")  # noqa: PERF401
        return "\n".join(lines)

    assert run(main()) == snapshot


def test_p5_an_error_stays_in_its_place_and_names_the_chain() -> None:
    async def main() -> None:
        assert await outcomes((fail >> echo).inquire()) == ["before", "ValueError('no')"]
        assert await outcomes((echo >> fail).inquire("x")) == ["before", "ValueError('no')"]

    run(main())


def test_a3_an_error_that_nobody_reads_is_logged_with_the_chain(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        (echo >> fail).inquire()

    run(main())
    assert "in 'fail', called by 'echo >> fail'" in caplog.text
    assert len(caplog.records) == 1
    caplog.clear()


def test_a5_cancelling_a_chain_cancels_every_call_and_leaves_no_task() -> None:
    async def main() -> None:
        replies = (echo >> forever >> echo).inquire("x")
        await turns()
        assert MiniAgents.current().tasks
        replies.cancel()
        await turns(3)
        assert not MiniAgents.current().tasks
        with pytest.raises(PromiseCancelledError):
            await replies

    run(main())


def test_a_chain_of_a_thousand_agents() -> None:
    async def main() -> None:
        one_by_one = functools.reduce(lambda left, right: left >> right, [shout] * 1_000)
        for agent in (chain(*[shout] * 1_000), one_by_one):
            [reply] = await agent.inquire("a")
            assert str(reply) == "a" + 1_000 * "!"
        assert (
            one_by_one.alias == "shout >> shout >> shout >> shout >> … 992 more … >> shout >> shout >> shout >> shout"
        )

        replies = chain(*[*[echo] * 999, forever]).inquire("a")
        await turns()
        replies.cancel()
        await turns(3)
        assert not MiniAgents.current().tasks

    run(main())


def test_agents_with_optional_parameters_take_part_on_either_side() -> None:
    async def main() -> None:
        assert await (write >> review).inquire("a") == (Review("+draft of a"),)
        assert await (write >> review.bound("-")).inquire("a") == (Review("-draft of a"),)
        assert str((await (review >> echo).inquire("a"))[0]) == "+a"

    run(main())


def test_whatever_can_be_asked_can_be_a_part_of_a_chain() -> None:
    class Remote:
        def inquire(self, messages: MessageType[Message] | None = None, /) -> MessageSequencePromise[Message]:
            return shout.inquire(messages)

    async def main() -> None:
        assert await (echo >> Remote()).inquire("a") == (Message("a!"),)
        agent = chain(Remote(), echo)
        assert (agent.alias, await agent.inquire("a")) == ("Remote >> echo", (Message("a!"),))

    run(main())


def test_a6_compositions_are_values_and_agents_like_any_other() -> None:
    async def main() -> None:
        pipeline = write >> review
        named = pipeline.options(alias="pipeline", start_asap=False)
        assert (pipeline.alias, named.alias, pipeline.description) == ("write >> review", "pipeline", None)
        assert repr(pipeline) == "<MiniAgent 'write >> review'>"
        assert (named >> echo).alias == "pipeline >> echo"
        assert await pipeline.bound().inquire("a") == (Review("+draft of a"),)
        call = named.initiate_inquiry()
        call.send_message("a").send_message("b")
        assert len(await call.reply_sequence()) == 2
        many = [pipeline.inquire(str(number)) for number in range(50)]
        assert [str((await replies)[0]) for replies in many] == [f"+draft of {number}" for number in range(50)]
        wrong: Any = pipeline
        said = "too many positional arguments; it takes none besides the messages, several as one list"
        with pytest.raises(TypeError, match=f"^agent 'write >> review': {said}$"):
            wrong.inquire("a", 3)

    run(main())


MAKERS: Final[list[Callable[[AnyAgent], AnyAgent]]] = [
    lambda agent: agent >> agent,
    lambda agent: parallel(agent, agent),
    lambda agent: parallel(agent, agent, ordered=False),
    lambda agent: first_to_reply(agent, agent),
    lambda agent: route(case(Message, agent)),
    lambda agent: route(case(lambda _: True, agent)),
    lambda agent: loop(agent, until=lambda _: True, max_rounds=1),
    map_agent,
    lambda agent: map_agent(agent, concurrency=1),
    lambda agent: agent.with_retry(),
    lambda agent: agent.with_timeout(1),
    lambda agent: agent.with_fallback(agent),
]


@pytest.mark.parametrize("lazy_context", [True, False])
@pytest.mark.parametrize("make", MAKERS)
def test_p2_a_lazy_composition_starts_when_somebody_reads(
    make: Callable[[AnyAgent], AnyAgent], lazy_context: bool
) -> None:
    asked: list[str] = []

    @miniagent
    async def noting(ctx: InteractionContext) -> None:
        asked.append("asked")
        ctx.reply(ctx.messages)

    async def main() -> None:
        agent = make(noting) if lazy_context else make(noting).options(start_asap=False)
        replies = agent.inquire("a")
        await turns()
        assert not asked
        assert await replies
        assert asked
        if not lazy_context:
            asked.clear()
            eager = make(noting).inquire("a")
            await turns(10)
            assert asked
            await eager
        agent.inquire("nobody reads this, so it never starts")

    run(main(), start_asap=not lazy_context)


# --- all of them ---


def made_by(agent: AnyAgent, make: Callable[[AnyAgent], AnyAgent]) -> AnyAgent:
    return make(agent)


def after(first: AnyAgent, second: AnyAgent) -> AnyAgent:
    return first >> second


def beside(first: AnyAgent, second: AnyAgent, ordered: bool) -> AnyAgent:
    return parallel(first, second, ordered=ordered)


def one_of(first: AnyAgent, second: AnyAgent) -> AnyAgent:
    return route(case(is_a, first), otherwise=second)


def instead(first: AnyAgent, second: AnyAgent) -> AnyAgent:
    return first.with_fallback(second)


def trees(*leaves: AnyAgent) -> st.SearchStrategy[AnyAgent]:
    """Compositions of compositions."""
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            st.builds(made_by, inner, st.sampled_from(MAKERS)),
            st.builds(beside, inner, inner, st.booleans()),
            *(st.builds(make, inner, inner) for make in (after, one_of, instead)),
        ),
        max_leaves=8,
    )


def is_a(message: Message) -> bool:
    return str(message) == "a"


@miniagent
async def pausing(ctx: InteractionContext) -> None:
    async for promise in ctx.messages:
        await asyncio.sleep(1)
        ctx.reply(promise)


@miniagent
async def fail_in_the_end(ctx: InteractionContext) -> None:
    ctx.reply(await ctx.messages)
    raise ValueError("end")


each_example = examples(100)
some_texts = st.lists(st.sampled_from("abc"), max_size=3)


@pytest.mark.leaves_errors_unread  # awaiting replies raises the first error among them
@each_example
@given(agent=trees(echo, shout, twice, refuse_b, spell, fail_in_the_end, pausing), texts=some_texts)
def test_p4_whatever_is_composed_can_be_replayed_and_called_again(agent: AnyAgent, texts: list[str]) -> None:
    """And no error is lost or counts as unread that somebody has read."""

    async def main() -> None:
        replies = agent.inquire(texts)
        first = await outcomes(replies)
        assert await outcomes(replies) == first
        assert await outcomes(agent.inquire(texts)) == first

    run(main())


@pytest.mark.leaves_errors_unread  # the time limit of an agent may have come before the cancellation
@each_example
@given(agent=trees(echo, shout, twice, spell, pausing), texts=some_texts, seconds=st.sampled_from([0, 0, 0.5, 1.5]))
def test_a5_whatever_is_composed_can_be_cancelled(agent: AnyAgent, texts: list[str], seconds: float) -> None:
    async def main() -> None:
        replies = agent.inquire(texts)
        await asyncio.sleep(seconds)
        replies.cancel()
        await turns(10)
        assert len(asyncio.all_tasks()) == 1

    run(main())


def test_p7_a_composition_that_waits_for_itself_is_told_so(logged: list[str]) -> None:
    async def main() -> None:
        waited_for: list[MessageSequencePromise[Message]] = []

        @miniagent
        async def waiting(ctx: InteractionContext) -> None:
            await waited_for[-1]

        for make in MAKERS:
            waited_for.append(make(waiting).inquire(["a", "b"]))
            with pytest.raises(PromiseDeadlockError):
                await waited_for[-1]
            waited_for[-1].cancel()
            await turns(5)

    run(main())
    gc.collect()
    unread = re.compile("an error that nobody has read, in .*PromiseDeadlockError")
    assert [line for line in logged if not unread.match(line)] == []


# --- what is declared ---


def test_a2_declared_classes_flow_through() -> None:
    async def main() -> None:
        wrong: Any = Review("x")
        with pytest.raises(
            TypeError, match=r"^agent 'write >> review': messages: got Review where UserMessage is declared$"
        ):
            (write >> review).inquire(wrong)
        with pytest.raises(TypeError, match=r"messages: got Review where UserMessage is declared$"):
            parallel(echo, write).inquire(wrong)
        with pytest.raises(TypeError, match=r"messages: got Review where UserMessage or Draft is declared$"):
            route(case(UserMessage, write), case(lambda _: True, review)).inquire(wrong)
        with pytest.raises(TypeError, match=r"messages: got Review where Draft is declared$"):
            map_agent(review).inquire(wrong)
        [replied] = await parallel(write).inquire("x")
        assert type(replied) is Draft

    run(main())


def test_agents_that_can_never_fit_are_refused_when_they_are_composed() -> None:
    wrong_write: Any = write
    with pytest.raises(
        TypeError, match=r"^write >> write: agent 'write' gives Draft where agent 'write' takes UserMessage$"
    ):
        any_after(wrong_write, wrong_write)
    with pytest.raises(TypeError, match=r"agent 'write' gives Draft where agent 'write' takes UserMessage$"):
        chain(echo, wrong_write, wrong_write)
    with pytest.raises(TypeError, match=r"agent 'review' gives Review where agent 'write' takes UserMessage$"):
        any_after(write >> review, wrong_write)
    with pytest.raises(
        TypeError,
        match=r"^parallel: there is no message that all agents take: 'write' takes UserMessage, 'review' takes Draft$",
    ):
        parallel(wrong_write, review)
    with pytest.raises(TypeError, match=r"^case: the route gives Review where agent 'write' takes UserMessage$"):
        case(Review, wrong_write)
    with pytest.raises(TypeError, match=r"^loop: agent 'write' gives Draft where it takes UserMessage$"):
        loop(wrong_write, until=bool, max_rounds=1)


def test_what_may_turn_out_to_fit_is_composed() -> None:
    async def main() -> None:
        wide: Any = echo
        assert await (wide >> review).inquire(Draft("a")) == (Review("+a"),)
        assert (await outcomes((wide >> review).inquire("a")))[0].startswith("TypeError(")

    run(main())


def test_a_class_that_is_defined_further_down_is_checked_at_the_first_call() -> None:
    async def early(ctx: Any) -> None:
        ctx.reply("x")

    early.__annotations__["ctx"] = "InteractionContext[Message, LateMessage]"
    wrong: AnyAgent = miniagent(early)
    composed = wrong >> review

    class LateMessage(Message, frozen=True): ...

    globals()["LateMessage"] = LateMessage
    try:

        async def main() -> None:
            with pytest.raises(TypeError, match=r"agent 'early' gives .*LateMessage where agent 'review' takes Draft$"):
                composed.inquire()
            assert len(await (wrong >> echo).inquire()) == 1

        run(main())
    finally:
        del globals()["LateMessage"]


@miniagent
async def tuned(ctx: InteractionContext, temperature: float) -> None: ...


# Any: what the checkers refuse is to be tried
any_tuned: Any = tuned
any_after: Any = after
any_turns: Any = turns
any_case: Any = case
any_chain: Any = chain
any_parallel: Any = parallel
any_first_to_reply: Any = first_to_reply
any_route: Any = route


class Plain:
    """A class that no decorator made an agent of."""


@pytest.mark.parametrize(
    ("compose", "said"),
    [
        (any_chain, "chain: there is no agent; give it at least one"),
        (any_parallel, "parallel: there is no agent; give it at least one"),
        (any_first_to_reply, "first_to_reply: there is no agent; give it at least one"),
        (lambda: any_chain(echo, 3), "chain: 3 is no agent, it has no `inquire`"),
        (
            lambda: any_chain([echo, echo]),
            "chain: [<MiniAgent 'echo'>, <MiniAgent 'echo'>] is no agent, it has no `inquire`; give agents one by one",
        ),
        (
            lambda: any_tuned >> echo,
            "chain: agent 'tuned': missing a required argument: 'temperature'; give it with `bound(...)`",
        ),
        (lambda: map_agent(any_tuned), "map_agent: agent 'tuned': missing a required argument"),
        (lambda: loop(any_tuned, until=bool, max_rounds=1), "loop: agent 'tuned': missing a required argument"),
        (lambda: echo.with_fallback(any_tuned), "with_fallback: agent 'tuned': missing a required argument"),
        (any_route, "route: there is no case; give it at least one"),
        (lambda: any_route(echo), "route: <MiniAgent 'echo'> is not a case; write case(SomeMessage, agent)"),
        (lambda: route(case(Message, echo), otherwise=any_tuned), "route: agent 'tuned': missing a required argument"),
        (lambda: any_case(str, echo), "case: str is not a class of messages"),
        (lambda: any_case("x", echo), "case: 'x' is neither a class of messages nor a function"),
        (lambda: any_case(turns, echo), "case: turns is async; give a plain function"),
        (lambda: loop(echo, until=any_turns, max_rounds=1), "loop: until: turns is async; give a plain function"),
    ],
)
def test_what_cannot_be_composed_is_refused_with_what_to_do(compose: Callable[[], object], said: str) -> None:
    with pytest.raises(TypeError) as refused:
        compose()
    assert str(refused.value).startswith(said)


def test_functions_and_classes_are_no_agents_and_are_told_how_to_become_them() -> None:
    plain: object
    for plain in (lambda: None, turns, Plain):
        with pytest.raises(TypeError, match="^parallel: .* is no agent, .*; make it an agent with @miniagent$"):
            any_parallel(plain)
    for other in (Message, "echo"):
        with pytest.raises(TypeError, match="^parallel: .* is no agent, it has no `inquire`$"):
            any_parallel(other)


async def test_replies_in_place_of_agents_and_agents_in_place_of_replies_are_refused_with_what_to_do() -> None:
    async with MiniAgents():
        with pytest.raises(
            TypeError, match=r"^parallel: <.*> is no agent, .*; give the agent itself, without `.inquire"
        ):
            any_parallel(echo.inquire("x"))
        for combine in (gather, first_ok):
            combined: Any = combine
            with pytest.raises(
                TypeError, match=rf"^{combine.__name__}: <MiniAgent 'echo'> is no promise; write echo\.inquire\(…\)"
            ):
                combined(echo.inquire("x"), echo)


@pytest.mark.parametrize(
    "compose",
    [
        lambda: map_agent(echo, concurrency=0),
        lambda: loop(echo, until=bool, max_rounds=0),
        lambda: echo.with_retry(attempts=0),
        lambda: echo.with_retry(backoff=-1),
        lambda: echo.with_retry(backoff=float("nan")),
        lambda: echo.with_timeout(0),
        lambda: echo.with_timeout(float("inf")),
    ],
)
def test_numbers_that_make_no_sense_are_refused(compose: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must be at least 1|give a finite number of seconds"):
        compose()


def test_what_is_no_agent_cannot_stand_beside_the_operator() -> None:
    wrong: Any = echo
    composed: list[Callable[[], object]] = [lambda: wrong >> 3, lambda: 3 >> wrong]
    for compose in composed:
        with pytest.raises(TypeError, match="unsupported operand"):
            compose()


# --- side by side ---


def test_parallel_replies_keep_the_order_of_the_agents() -> None:
    async def main() -> None:
        agent = parallel(sleeper, shout)
        assert await outcomes(agent.inquire("2")) == ["slept 2", "2!"]
        assert now() == 2
        assert agent.alias == "parallel(sleeper, shout)"

    run(main())


def test_parallel_replies_may_come_as_they_are_there() -> None:
    async def main() -> None:
        late = scripted_agent(["late", Pause(3), "r"])
        agent = parallel(sleeper, fail, late, shout, ordered=False)
        assert await outcomes(agent.inquire("2")) == ["before", "ValueError('no')", "later", "2!", "slept 2"]

    run(main())


def test_parallel_agents_all_work_from_the_beginning(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        slow, quick = scripted_agent("a b c", pause=2), scripted_agent("1 2 3", pause=1)
        text = await transcript(parallel(slow, quick).inquire())
        assert now() == 6
        return text

    assert run(main()) == snapshot


def test_parallel_an_error_of_one_agent_stays_among_its_replies() -> None:
    async def main() -> None:
        assert await outcomes(parallel(fail, shout).inquire("x")) == ["before", "ValueError('no')", "x!"]

    run(main())


def test_a5_cancelling_parallel_agents_cancels_all_of_them() -> None:
    async def main() -> None:
        for ordered in (True, False):
            replies = parallel(forever, forever, ordered=ordered).inquire()
            await turns()
            replies.cancel()
            await turns(3)
            assert not MiniAgents.current().tasks

    run(main())


# --- the first to reply ---


@miniagent
async def mute(ctx: InteractionContext) -> None:
    """Says nothing."""


def test_the_first_token_decides_and_the_others_are_cancelled(snapshot: SnapshotAssertion) -> None:
    """The winner streams from its first token, and need not be the first to end."""

    async def main() -> str:
        ended: list[str] = []

        @miniagent
        async def waiting(ctx: InteractionContext) -> None:
            try:
                ctx.reply(scripted_agent("too late", pause=10).inquire())
                await asyncio.sleep(20)
            finally:
                ended.append(f"waiting at {now()}")

        slow, quick = scripted_agent("a", pause=5), scripted_agent("1 2 3", pause=3)
        agent = first_to_reply(waiting, slow, quick)
        assert agent.alias.startswith("first_to_reply(waiting, ")
        text = await transcript(agent.inquire())
        assert ended == ["waiting at 3.0"]
        assert now() == 9
        return text

    assert run(main()) == snapshot


def test_an_agent_that_fails_or_says_nothing_is_out(logged: list[str]) -> None:
    async def main() -> None:
        broken = scripted_agent(ConnectionError("lost"), ConnectionError("lost"))
        assert await outcomes(first_to_reply(broken, mute, shout).inquire("x")) == ["x!"]
        assert await outcomes(first_to_reply(broken, mute).inquire("x")) == ["ConnectionError('lost')"]
        assert await outcomes(first_to_reply(mute, mute).inquire("x")) == []

    run(main())
    assert logged == []


def test_p5_an_error_behind_the_first_part_stays_in_its_place() -> None:
    async def main() -> None:
        assert await outcomes(first_to_reply(forever, fail).inquire("x")) == ["before", "ValueError('no')"]

    run(main())


def test_a5_a_call_for_the_first_reply_cancels_all_calls() -> None:
    async def main() -> None:
        replies = first_to_reply(forever, forever).inquire()
        await turns()
        replies.cancel()
        await turns(3)
        assert not MiniAgents.current().tasks

    run(main())


# --- routes ---


def is_question(message: Message) -> bool:
    return str(message).endswith("?")


@miniagent
async def user_desk(ctx: InteractionContext[UserMessage, AssistantMessage]) -> None:
    await asyncio.sleep(1)
    ctx.reply([f"user {message}" for message in await ctx.messages])


@miniagent
async def question_desk(ctx: InteractionContext[UserMessage | SystemMessage, AssistantMessage]) -> None:
    ctx.reply([f"question {message}" for message in await ctx.messages])


@miniagent
async def other_desk(ctx: InteractionContext) -> None:
    ctx.reply([Message(f"other {message}") for message in await ctx.messages])


def test_each_message_goes_to_the_first_agent_that_fits_and_replies_keep_the_order_of_messages() -> None:
    async def main() -> None:
        desk = route(case(is_question, question_desk), case(UserMessage, user_desk), otherwise=other_desk)
        messages = [UserMessage("a"), SystemMessage("b?"), SystemMessage("c"), UserMessage("d?"), Message("e?")]
        assert await outcomes(desk.inquire(messages)) == [
            *("user a", "question b?", "other c", "question d?", "other e?")
        ]
        assert now() == 1
        assert desk.alias == "route(is_question: question_desk, UserMessage: user_desk, otherwise: other_desk)"

    run(main())


def test_a_message_that_fits_nowhere_is_an_error_in_its_place_that_names_class_and_routes() -> None:
    async def main() -> None:
        desk = route(case(is_question, question_desk))
        replies = desk.inquire([UserMessage("a?"), SystemMessage("b"), UserMessage("c?")])
        assert len(await outcomes(replies)) == 3
        with pytest.raises(NoRouteError) as refused:
            await replies
        assert str(refused.value) == "no route for this SystemMessage: the routes are is_question: question_desk"
        assert refused.value.message_class is SystemMessage
        assert refused.value.routes == ("is_question: question_desk",)

    run(main())


def test_a_route_does_not_wait_for_the_messages_behind_nor_for_the_tokens_of_a_known_class() -> None:
    async def main() -> None:
        desk = route(case(UserMessage, echo), otherwise=other_desk)
        call = desk.initiate_inquiry()
        with StreamAppender[str]() as appender:
            call.send_message(stream_message(UserMessage, appender))
            appender.append("to")
            promise = await anext(aiter(call._replies))
            tokens = aiter(promise)
            assert await anext(tokens) == "to"
            appender.append("ken")
            assert await anext(tokens) == "ken"
        assert await promise == UserMessage("token")
        await call.reply_sequence()

    run(main())


def test_a_message_whose_class_is_not_known_yet_holds_up_none_behind_it() -> None:
    async def main() -> None:
        arrived = asyncio.Event()
        asked: list[tuple[str, float]] = []

        async def later() -> Message:
            await asyncio.sleep(5)
            return UserMessage("late?")

        @miniagent
        async def noting(ctx: InteractionContext) -> None:
            asked.extend([(str(message), now()) for message in await ctx.messages])
            ctx.reply(ctx.messages)

        desk = route(case(is_question, noting), otherwise=noting)
        unknown: Promise[Message] = Promise(later)
        assert await outcomes(desk.inquire([unknown, "now", "now?"])) == ["late?", "now", "now?"]
        assert asked == [("now", 0), ("now?", 0), ("late?", 5)]
        arrived.set()

    run(main())


def test_errors_among_the_messages_and_of_the_function_stay_in_their_places() -> None:
    def explode(message: Message) -> bool:
        if str(message) == "b":
            raise KeyError("b")
        return True

    async def failing() -> Message:
        raise OSError("lost")

    async def main() -> None:
        desk = route(case(explode, echo))
        replies = desk.inquire(["a", ValueError("v"), "b", Promise(failing), "c"])
        assert await outcomes(replies) == ["a", "ValueError('v')", "KeyError('b')", "OSError('lost')", "c"]

    run(main())


def test_a5_cancelling_a_route_cancels_all_its_calls() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        return Message()

    async def main() -> None:
        desk = route(case(is_question, echo), otherwise=forever)
        waiting = Promise(never)
        replies = desk.inquire(["a", "b", waiting])
        await turns(10)
        replies.cancel()
        waiting.cancel()
        await turns()
        assert not MiniAgents.current().tasks

    run(main())


# --- loops ---


@miniagent
async def longer(ctx: InteractionContext[Draft, Draft]) -> None:
    await asyncio.sleep(1)
    ctx.reply([f"{message}x" for message in await ctx.messages])


def test_a_loop_asks_the_agent_its_own_replies_until_the_function_says_yes() -> None:
    async def main() -> None:
        agent = loop(longer, until=lambda drafts: len(str(drafts[0])) > 3, max_rounds=10)
        assert await agent.inquire(["a", "b"]) == (Draft("axxx"), Draft("bxxx"))
        assert now() == 3
        assert agent.alias == "loop(longer)"

    run(main())


def test_a_loop_that_comes_to_no_end_is_an_error() -> None:
    async def main() -> None:
        replies = loop(longer, until=lambda _: False, max_rounds=3).inquire("a")
        with pytest.raises(
            TooManyRoundsError, match=r"^agent 'longer' was called 3 times, and its replies never"
        ) as error:
            await replies
        assert (error.value.agent, error.value.rounds, error.value.replies) == ("longer", 3, (Draft("axxx"),))

    run(main())


def test_a_round_with_an_error_is_the_last_one_and_is_given_as_it_is() -> None:
    async def main() -> None:
        agent = loop(refuse_b >> shout, until=lambda _: False, max_rounds=3)
        assert await outcomes(agent.inquire(["a", "b", "c"])) == ["a!", "ValueError('b')"]
        exploding = loop(echo, until=lambda messages: 1 / len(messages), max_rounds=3)
        assert await outcomes(exploding.inquire([])) == ["ZeroDivisionError('division by zero')"]

    run(main())


def test_a5_cancelling_a_loop_cancels_the_round_under_way() -> None:
    async def main() -> None:
        replies = loop(longer, until=lambda _: False, max_rounds=100).inquire("a")
        await asyncio.sleep(2.5)
        replies.cancel()
        await turns(3)
        assert not MiniAgents.current().tasks

    run(main())


# --- once per message ---


@pytest.mark.parametrize(("concurrency", "seconds"), [(None, 3), (1, 7), (2, 4), (3, 3), (100, 3)])
def test_map_agent_makes_a_call_for_each_message_within_the_bound(concurrency: int | None, seconds: float) -> None:
    async def main() -> None:
        agent = map_agent(sleeper, concurrency=concurrency)
        assert await outcomes(agent.inquire(["3", "1", "3"])) == ["slept 3", "slept 1", "slept 3"]
        assert now() == seconds

    run(main())


def test_map_agent_replies_may_come_as_they_are_there() -> None:
    async def main() -> None:
        agent = map_agent(sleeper, concurrency=2, ordered=False)
        assert await outcomes(agent.inquire(["3", "1", "1.5"])) == ["slept 1", "slept 1.5", "slept 3"]
        assert now() == 3

    run(main())


def test_map_agent_streams_in_and_out() -> None:
    async def main() -> None:
        call = map_agent(echo, concurrency=1).initiate_inquiry()
        with StreamAppender[str]() as appender:
            call.send_message(stream_message(Message, appender))
            pieces = aiter(call._replies)
            tokens = aiter(await anext(pieces))
            appender.append("to")
            assert await anext(tokens) == "to"
        call.send_message("b")
        assert await (await anext(pieces)) == Message("b")
        await call.reply_sequence()

    run(main())


def test_map_agent_errors_stay_in_their_places() -> None:
    async def main() -> None:
        for ordered in (True, False):
            agent = map_agent(refuse_b, concurrency=1, ordered=ordered)
            replies = agent.inquire(["a", KeyError("k"), "b", "c"])
            assert sorted(await outcomes(replies)) == ["KeyError('k')", "ValueError('b')", "a", "c"]
        ordered_replies = map_agent(refuse_b).inquire(["a", KeyError("k"), "b", "c"])
        assert await outcomes(ordered_replies) == ["a", "KeyError('k')", "ValueError('b')", "c"]

    run(main())


def test_a5_cancelling_map_agent_cancels_all_its_calls() -> None:
    async def main() -> None:
        for concurrency in (None, 2):
            replies = map_agent(forever, concurrency=concurrency).inquire(["a", "b", "c"])
            await turns()
            replies.cancel()
            await turns(4)
            assert len(asyncio.all_tasks()) == 1

    run(main())


def test_map_agent_takes_many_messages() -> None:
    async def main() -> None:
        replies = await map_agent(shout, concurrency=10).inquire([str(number) for number in range(1_000)])
        assert [str(reply) for reply in replies] == [f"{number}!" for number in range(1_000)]

    run(main())


# --- hooks, errors as messages ---


def test_a7_compositions_are_recorded_with_the_calls_they_made() -> None:
    kept: list[Message] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        kept.extend(messages)

    async def main() -> None:
        await (echo >> shout).with_retry().inquire("a")

    run(main(), on_persist_messages=keep)
    calls = {node.agent: node for node in kept if isinstance(node, AgentCallNode)}
    assert set(calls) == {"(echo >> shout).with_retry(3)", "echo >> shout", "echo", "shout"}
    assert calls["echo"].caller == calls["shout"].caller == calls["echo >> shout"].hash_key
    assert calls["echo >> shout"].caller == calls["(echo >> shout).with_retry(3)"].hash_key
    replies = {node.agent: [str(said) for said in node.messages] for node in kept if isinstance(node, AgentReplyNode)}
    assert replies["echo >> shout"] == ["a!"]


def test_errors_as_messages_flow_as_they_do_between_agents_by_hand() -> None:
    async def main() -> None:
        replies = await (echo >> fail).inquire("x")
        assert replies[-1] == ErrorMessage(
            "ValueError: no", error_type="builtins.ValueError", agent="fail", callers=("echo >> fail",)
        )
        [missing] = await route(case(is_question, question_desk)).inquire("x")
        assert isinstance(missing, ErrorMessage)
        assert str(missing).startswith("NoRouteError: no route for this UserMessage")
        [too_many] = await loop(echo, until=lambda _: False, max_rounds=2).inquire("x")
        assert isinstance(too_many, ErrorMessage)
        rounds = await loop(fail, until=lambda _: False, max_rounds=2).inquire("x")
        assert [type(message) for message in rounds] == [Message, ErrorMessage]

    run(main(), errors_as_messages=True)

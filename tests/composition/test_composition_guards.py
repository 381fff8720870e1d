"""Agents that look after another one: `with_retry`, `with_fallback`, `with_timeout`."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AssistantMessage,
    EndLoop,
    ErrorMessage,
    InteractionContext,
    Message,
    MiniAgent,
    MiniAgents,
    Promise,
    PromiseCancelledError,
    ReasoningDelta,
    UserMessage,
    miniagent,
    stream_message,
)
from miniagents.promising.core.pieces import FAIR_SHARE
from miniagents.testing import Pause, Reply, VirtualClockEventLoop, scripted_agent, transcript
from tests.effort import examples

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], **options: Any) -> T:
    return MiniAgents(**options).run(main, loop_factory=VirtualClockEventLoop)


def now() -> float:
    return asyncio.get_running_loop().time()


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def scripts(agent: Callable[[MiniAgent], MiniAgent], *replies: Reply) -> str:
    """What is delivered by something made of a scripted agent."""

    async def main() -> str:
        return await transcript(agent(scripted_agent(*replies, alias="model")).inquire("x"))

    return run(main())


def lost(number: int) -> ConnectionError:
    return ConnectionError(f"lost {number}")


async def error_of(delivered: Any) -> BaseException:
    with pytest.raises(BaseException) as raised:
        await delivered
    return raised.value


def notes(error: BaseException) -> list[str]:
    notes: list[str] = getattr(error, "__notes__", [])
    return [note for note in notes if not note.startswith(("in agent ", "passed on by "))]


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_the_pauses_that_a_function_gives_are_not_negative(seconds: float) -> None:
    async def main() -> None:
        agent = scripted_agent(lost(1), "never asked", alias="model").with_retry(backoff=lambda _: seconds)
        error = await error_of(agent.inquire())
        assert str(error) == (
            f"model.with_retry(3): the backoff function gave {seconds}: give a number that is not negative"
        )

    run(main())


# --- what a reader may have seen is never repeated ---


@pytest.mark.parametrize(
    ("first", "replaced"),
    [
        (lost(1), True),  # nothing of the reply was there
        ([lost(1)], True),  # a message, but none of its tokens
        (["half", lost(1)], False),
        ([ReasoningDelta(text="hm"), lost(1)], False),  # an event is something to be seen
        (["half", Pause(3), lost(1)], False),
        ([Pause(3), lost(1)], True),
        ("fine", False),
    ],
)
def test_only_a_reply_of_which_nothing_was_there_to_be_read_is_replaced(first: Reply, replaced: bool) -> None:
    guards: list[Callable[[MiniAgent], MiniAgent]] = [
        lambda agent: agent.with_retry(attempts=2),
        lambda agent: agent.with_fallback(scripted_agent("second")),
    ]
    for guard in guards:
        plain = scripts(lambda agent: agent, first)
        assert scripts(guard, first, "second") == (scripts(lambda agent: agent, "second") if replaced else plain)


def test_retries_and_fallbacks_read_as_follows(snapshot: SnapshotAssertion) -> None:
    replies: list[Reply] = [[Pause(1), lost(1)], ["half", lost(2)], "whole"]

    async def main() -> str:
        model = scripted_agent(*replies, alias="model")
        retried = await transcript(model.with_retry(attempts=3).inquire())
        model = scripted_agent(*replies, alias="model")
        fallen_back = await transcript(model.with_fallback(scripted_agent("Sorry")).inquire())
        timed = await transcript(scripted_agent("one two three", pause=1).with_timeout(2.5).inquire())
        return f"with_retry\n{retried}\nwith_fallback\n{fallen_back}\nwith_timeout\n{timed}"

    assert run(main()) == snapshot


@examples(80)
@given(
    replies=st.lists(
        st.lists(st.sampled_from(["a", "b", Pause(1), ReasoningDelta(text="hm"), ValueError]), max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_law_a_retried_agent_gives_the_first_reply_that_began_or_else_the_last(replies: list[list[Any]]) -> None:
    made = [[step("no") if step is ValueError else step for step in reply] for reply in replies]

    def begins(reply: list[Any]) -> bool:
        seen = [step for step in reply if not isinstance(step, Pause)]
        return not seen or not isinstance(seen[0], ValueError)

    expected = next((reply for reply in made if begins(reply)), made[-1])
    got = scripts(lambda agent: agent.with_retry(attempts=len(made)), *made)
    assert got == scripts(lambda agent: agent, expected)


def test_tokens_flow_from_the_first_one_on_while_they_are_made() -> None:
    async def main() -> None:
        for guarded in (
            scripted_agent("one two", pause=1).with_retry(),
            scripted_agent("one two", pause=1).with_fallback(scripted_agent("x")),
            scripted_agent("one two", pause=1).with_timeout(60),
        ):
            began = now()
            async for promise in guarded.inquire():
                assert [(token, now() - began) async for token in promise] == [("one", 1), (" two", 2)]

    run(main())


def test_an_empty_reply_and_an_empty_message_are_replies() -> None:
    @miniagent
    async def silent(ctx: InteractionContext) -> None: ...

    async def main() -> None:
        assert await silent.with_retry().inquire() == ()
        assert await silent.with_fallback(scripted_agent("x")).inquire() == ()
        assert await silent.with_timeout(1).inquire() == ()
        assert await scripted_agent("").with_retry().inquire() == (Message(""),)

    run(main())


def test_a_message_that_fails_as_a_whole_before_any_token_is_replaced() -> None:
    async def failing() -> Message:
        await asyncio.sleep(1)
        raise OSError("gone")

    calls: list[int] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        calls.append(1)
        ctx.reply(Promise(failing) if len(calls) == 1 else "fine")

    async def main() -> None:
        assert await agent.with_retry().inquire() == (Message("fine"),)

    run(main())


def test_p5_a_later_error_stays_in_its_place_and_what_is_behind_it_can_be_read() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.reply(["a", ValueError("v"), "b"])

    async def main() -> None:
        plain = await transcript(agent.inquire())
        assert await transcript(agent.with_retry().inquire()) == plain
        assert await transcript(agent.with_timeout(1).inquire()) == plain
        assert await transcript(agent.with_fallback(agent).inquire()) == plain

    run(main())


# --- how often, how long, after which errors ---


def test_attempts_are_counted_and_the_last_error_says_what_the_others_were() -> None:
    async def main() -> None:
        model = scripted_agent(lost(1), ValueError("two\nlines"), lost(3), "never", alias="model")
        error = await error_of(model.with_retry(attempts=3).inquire())
        assert str(error) == "lost 3"
        assert notes(error) == [
            "agent 'model' failed in 3 attempts, before this one by ConnectionError: lost 1; ValueError: two"
        ]
        assert "before this one by ConnectionError: lost 1" in "".join(traceback.format_exception(error))

    run(main())


def test_the_note_comes_also_where_the_last_attempt_fails_half_way() -> None:
    async def main() -> None:
        model = scripted_agent(lost(1), ["half", Pause(1), lost(2)], alias="model")
        error = await error_of(model.with_retry(attempts=3).inquire())
        await turns()
        assert notes(error) == ["agent 'model' failed in 2 attempts, before this one by ConnectionError: lost 1"]

    run(main())


def test_one_attempt_and_an_error_of_another_class_leave_everything_as_it_is() -> None:
    async def main() -> None:
        error = await error_of(scripted_agent(lost(1)).with_retry(attempts=1).inquire())
        assert (str(error), notes(error)) == ("lost 1", [])
        error = await error_of(scripted_agent(lost(1), "x").with_retry(errors=(ValueError, KeyError)).inquire())
        assert (str(error), notes(error)) == ("lost 1", [])
        assert await scripted_agent(lost(1), "x").with_retry(errors=OSError).inquire() == (Message("x"),)
        error = await error_of(scripted_agent(lost(1)).with_fallback(scripted_agent("x"), ValueError).inquire())
        assert str(error) == "lost 1"

    run(main())


def test_an_exception_object_that_is_raised_again_and_again_gets_its_note_once() -> None:
    same = ValueError("same")

    async def main() -> None:
        @miniagent
        async def failing(ctx: InteractionContext) -> None:
            raise same

        for _ in range(3):
            assert await error_of(failing.with_retry(attempts=2).inquire()) is same
        assert len(notes(same)) == 1

    run(main())


def test_an_error_whose_class_forbids_assignments_gets_its_note_all_the_same() -> None:
    @dataclass(frozen=True)
    class FrozenError(Exception):
        code: int

    async def main() -> None:
        model = scripted_agent(lost(1), FrozenError(7), alias="model")
        error = await error_of(model.with_retry(attempts=2).inquire())
        assert isinstance(error, FrozenError)
        assert notes(error) == ["agent 'model' failed in 2 attempts, before this one by ConnectionError: lost 1"]

    run(main())


def test_very_many_errors_are_not_all_named() -> None:
    async def main() -> None:
        model = scripted_agent(*[lost(number) for number in range(30)])
        [note] = notes(await error_of(model.with_retry(attempts=30).inquire()))
        assert "by 19 more; ConnectionError: lost 19; " in note

    run(main())


def test_pauses_between_attempts() -> None:
    async def main() -> None:
        replies = [lost(number) for number in range(3)]
        assert await scripted_agent(*replies, "x").with_retry(attempts=4, backoff=2).inquire()
        assert now() == 6
        asked: list[int] = []

        def backoff(failed: int) -> float:
            asked.append(failed)
            return 10.0**failed

        assert await scripted_agent(*replies, "x").with_retry(attempts=4, backoff=backoff).inquire()
        assert (now(), asked) == (6 + 1110, [1, 2, 3])

    run(main())


@pytest.mark.parametrize("error", [EndLoop(), PromiseCancelledError("cancelled"), asyncio.CancelledError()])
def test_cancellations_and_the_end_of_a_loop_are_never_retried(error: BaseException) -> None:
    calls: list[int] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        calls.append(1)
        raise error

    async def main() -> None:
        for guarded in (agent.with_retry(errors=BaseException), agent.with_fallback(agent, BaseException)):
            calls.clear()
            with pytest.raises((EndLoop, PromiseCancelledError)):
                await guarded.inquire()
            assert calls == [1]

    run(main())


def test_what_is_retried_was_cancelled_before() -> None:
    running: list[str] = []

    @miniagent
    async def worker(ctx: InteractionContext) -> None:
        running.append("worker")
        try:
            await asyncio.Event().wait()
        finally:
            running.remove("worker")

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        worker.inquire()
        await turns()
        ctx.reply(ValueError("first"))
        await asyncio.Event().wait()

    async def main() -> None:
        guarded = agent.with_fallback(scripted_agent("x"))
        assert await guarded.inquire() == (Message("x"),)
        assert running == []
        await turns(2)
        assert not MiniAgents.current().tasks

    run(main())


def test_a_fallback_that_fails_as_well_says_why_it_was_asked() -> None:
    async def main() -> None:
        first, second = scripted_agent(lost(1), alias="first"), scripted_agent(lost(2), alias="second")
        error = await error_of(first.with_fallback(second).inquire())
        assert str(error) == "lost 2"
        assert notes(error) == ["agent 'second' was asked because agent 'first' had failed by ConnectionError: lost 1"]

    run(main())


def test_a_fallback_is_asked_the_same_messages() -> None:
    @miniagent
    async def failing(ctx: InteractionContext[Message, AssistantMessage], code: int) -> None:
        await ctx.messages
        raise OSError(code)

    @miniagent
    async def echo(ctx: InteractionContext[UserMessage, UserMessage]) -> None:
        ctx.reply(ctx.messages)

    async def main() -> None:
        wide: Any = failing.with_fallback(echo)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        assert await wide.inquire(["a", "b"], code=3) == (UserMessage("a"), UserMessage("b"))
        with pytest.raises(TypeError, match="got AssistantMessage where UserMessage is declared"):
            wide.inquire(AssistantMessage("x"), code=3)

    run(main())


# --- timeouts ---


def test_a_reply_that_is_complete_in_time_is_the_reply() -> None:
    async def main() -> None:
        agent = scripted_agent("one two", AssistantMessage("x", model="m"), pause=1).with_timeout(5)
        assert await agent.inquire() == (Message("one two"),)
        assert await agent.inquire() == (AssistantMessage("x", model="m"),)
        await asyncio.sleep(10)

    run(main())


def test_what_has_come_in_time_stays_and_the_timeout_stands_in_its_place(snapshot: SnapshotAssertion) -> None:
    async def words(*texts: str) -> AsyncIterator[str]:
        for text in texts:
            await asyncio.sleep(1)
            yield text

    @miniagent
    async def slow(ctx: InteractionContext[Message, AssistantMessage]) -> None:
        ctx.reply("at once")
        ctx.reply(stream_message(AssistantMessage, words("in time"), model="m"))
        ctx.reply(stream_message(AssistantMessage, words("one", "two", "three"), model="m"))
        await asyncio.sleep(60)

    async def main() -> str:
        replies = slow.with_timeout(2.5).inquire()
        text = await transcript(replies)
        assert now() == 2.5
        assert not MiniAgents.current().tasks
        error = await error_of(replies)
        assert str(error) == "agent 'slow' did not complete its reply within 2.5 s"
        return text

    assert run(main()) == snapshot


@pytest.mark.parametrize("count", [1, FAIR_SHARE - 1, FAIR_SHARE, FAIR_SHARE + 1, 4 * FAIR_SHARE])
def test_what_was_there_in_time_stays_although_nobody_had_read_it(count: int) -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.reply([Message(str(number)) for number in range(count)])
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualClockEventLoop)
        await asyncio.sleep(0)
        loop.jump(60)
        await asyncio.Event().wait()

    async def main() -> None:
        replies = agent.with_timeout(60).inquire()
        *delivered, (_, late) = [outcome async for outcome in replies.settled_messages()]
        assert isinstance(late, TimeoutError)
        assert delivered == [(Message(str(number)), None) for number in range(count)]
        assert await error_of(replies) is late

    run(main())


def test_known_fields_and_the_class_of_a_message_are_those_of_the_agent_s() -> None:
    async def words() -> AsyncIterator[str]:
        await asyncio.sleep(1)
        yield "x"

    @miniagent
    async def agent(ctx: InteractionContext[Message, AssistantMessage]) -> None:
        ctx.reply(stream_message(AssistantMessage, words(), model="m"))

    async def main() -> None:
        promise = await anext(aiter(agent.with_timeout(5).inquire()))
        assert (promise.message_class, promise.known["model"]) == (AssistantMessage, "m")
        assert await promise == AssistantMessage("x", model="m")

    run(main())


def test_p3_a_timeout_does_no_harm_to_messages_that_others_read() -> None:
    @miniagent
    async def echo(ctx: InteractionContext) -> None:
        ctx.reply(ctx.messages)

    async def words() -> AsyncIterator[str]:
        for text in ("one", " two"):
            await asyncio.sleep(1)
            yield text

    async def main() -> None:
        message = stream_message(Message, words())
        error = await error_of(echo.with_timeout(1.5).inquire(message))
        assert isinstance(error, TimeoutError)
        assert await message == Message("one two")

    run(main())


def test_the_end_of_the_replies_does_not_wait_for_their_messages() -> None:
    async def main() -> None:
        replies = scripted_agent("one two", pause=10).with_timeout(60).inquire()
        assert len([promise async for promise in replies]) == 1
        assert now() == 0
        await replies

    run(main())


def test_a_timeout_of_the_agent_s_own_is_an_error_like_any_other() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        async with asyncio.timeout(1):
            await asyncio.sleep(5)

    async def main() -> None:
        assert str(await error_of(agent.with_timeout(3).inquire())) == ""
        assert now() == 1

    run(main())


def test_attempts_may_have_timeouts_and_all_of_them_one_together() -> None:
    async def main() -> None:
        model = scripted_agent([Pause(60), "slow"], [Pause(60), "slow"], "quick", alias="model")
        assert await model.with_timeout(5).with_retry(attempts=3).inquire() == (Message("quick"),)
        assert now() == 10
        model = scripted_agent(*[lost(number) for number in range(9)], alias="model")
        error = await error_of(model.with_retry(attempts=9, backoff=2).with_timeout(5).inquire())
        assert str(error) == "agent 'model.with_retry(9)' did not complete its reply within 5 s"
        assert now() == 15

    run(main())


# --- as agents ---


def test_guarded_agents_keep_parameters_names_and_descriptions() -> None:
    @miniagent
    async def agent(ctx: InteractionContext, /, times: int, *, mark: str = "!", ctx_: int = 0) -> None:
        """Repeats."""
        ctx.reply([f"{message}{mark}" for message in await ctx.messages] * times)

    async def main() -> None:
        for guarded in (agent.with_retry(attempts=2), agent.with_timeout(1), agent.with_fallback(scripted_agent("x"))):
            assert await guarded.inquire("a", 2) == (Message("a!"), Message("a!"))
            assert await guarded.bound(times=1, mark="?").inquire("a") == (Message("a?"),)
            assert len(await guarded.initiate_inquiry(3).send_message("a").reply_sequence()) == 3
            with pytest.raises(
                TypeError,
                match=rf"^agent '{guarded.alias}': missing a required argument: 'times'$".replace("(", r"\(").replace(
                    ")", r"\)"
                ),
            ):
                guarded.inquire("a")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
            assert guarded.description == "Repeats."
        bound = agent.bound(2).with_retry()
        assert await bound.inquire("a") == (Message("a!"), Message("a!"))
        assert (bound >> agent.bound(1)).alias == "agent.with_retry(3) >> agent"
        assert (bound >> bound).with_timeout(3).alias == (
            "(agent.with_retry(3) >> agent.with_retry(3)).with_timeout(3)"
        )

    run(main())


def test_a5_cancelling_a_guarded_agent_cancels_whatever_it_waits_for() -> None:
    @miniagent
    async def forever(ctx: InteractionContext) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        for guarded in (
            forever.with_retry(),
            forever.with_timeout(60),
            forever.with_fallback(forever),
            scripted_agent(lost(1)).with_retry(backoff=60),
            scripted_agent(lost(1)).with_fallback(forever),
            scripted_agent(["a", Pause(60), "b"]).with_timeout(600),
            scripted_agent(lost(1), ["a", Pause(60), "b"]).with_retry(),
        ):
            replies = guarded.inquire()
            await turns(20)
            assert MiniAgents.current().tasks
            replies.cancel()
            await turns(3)
            assert not MiniAgents.current().tasks
            assert len(asyncio.all_tasks()) == 1

    run(main())


def test_a3_the_last_error_is_logged_where_nobody_reads_it(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        scripted_agent(lost(1), lost(2), alias="model").with_retry(attempts=2).inquire()

    run(main())
    assert "lost 2" in caplog.text
    assert len(caplog.records) == 1
    caplog.clear()


def test_errors_as_messages_are_retried_as_errors_and_the_last_is_a_message() -> None:
    @miniagent
    async def late(ctx: InteractionContext) -> None:
        ctx.reply("a")
        raise ValueError("late")

    async def main() -> None:
        assert await scripted_agent(lost(1), "x").with_retry().inquire() == (Message("x"),)
        chained = (scripted_agent("q") >> scripted_agent(lost(1), "x")).with_fallback(scripted_agent("y"))
        assert await chained.inquire() == (Message("y"),)
        guards: list[Callable[[MiniAgent], MiniAgent]] = [
            lambda agent: agent.with_retry(attempts=1),
            lambda agent: agent.with_fallback(agent),
            lambda agent: agent.with_timeout(1),
        ]
        for guard in guards:
            first, error = await guard(late).inquire()
            assert first == Message("a")
            assert isinstance(error, ErrorMessage)
            assert str(error) == "ValueError: late"
        [timeout] = await scripted_agent(Message("x"), pause=0).with_timeout(1).inquire()
        assert timeout == Message("x")

        @miniagent
        async def forever(ctx: InteractionContext) -> None:
            await asyncio.Event().wait()

        [timeout] = await forever.with_timeout(1).inquire()
        assert str(timeout) == "TimeoutError: agent 'forever' did not complete its reply within 1 s"

    run(main(), errors_as_messages=True)


def test_a6_guarded_agents_are_used_by_many_calls_at_once() -> None:
    failed: set[str] = set()

    @miniagent
    async def flaky(ctx: InteractionContext) -> None:
        [message] = await ctx.messages
        await asyncio.sleep(1)
        if str(message) not in failed:
            failed.add(str(message))
            raise OSError(str(message))
        ctx.reply(message)

    async def main() -> None:
        guarded = flaky.with_timeout(5).with_retry(attempts=2).with_fallback(flaky)
        calls = [guarded.inquire(str(number)) for number in range(100)]
        assert [str((await call)[0]) for call in calls] == [str(number) for number in range(100)]
        assert now() == 2

    run(main())

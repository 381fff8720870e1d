"""`approval`, `limits` and `trace`."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from miniagents import (
    Approval,
    AssistantMessage,
    Call,
    CallRefusedError,
    ContextStateError,
    InteractionContext,
    LimitExceededError,
    Message,
    MiniAgents,
    PromiseCancelledError,
    Usage,
    approval,
    limits,
    miniagent,
    stream_message,
    trace,
)
from tests.calls.handlers import passing


@miniagent
async def echo(ctx: InteractionContext, times: int = 1) -> None:
    ctx.reply([ctx.messages] * times)


@miniagent
async def slow(ctx: InteractionContext) -> None:
    async def tokens() -> AsyncIterator[str]:
        for token in "abcd":
            await asyncio.sleep(1)
            yield token

    ctx.reply("first")
    ctx.reply(stream_message(Message, tokens()))


# --- approval ---


async def test_a_refused_call_of_an_agent_fails() -> None:
    async def ask(call: Call) -> Approval:
        return False if call.name == "echo" else "never"

    async with MiniAgents(around_calls=approval(ask, kinds=["agent"])):
        with pytest.raises(CallRefusedError, match="the call of agent 'echo' was refused\n") as refused:
            await echo.inquire("x")
        assert refused.value.call.name == "echo"
        with pytest.raises(CallRefusedError, match="the call of agent 'other' was refused: never\n"):
            await echo.options(alias="other").inquire("x")


async def test_approval_may_change_arguments_and_asks_an_agent() -> None:
    @miniagent
    async def adviser(ctx: InteractionContext) -> None:
        ctx.reply("3" if "echo" in str((await ctx.messages)[0]) else "1")

    async def ask(call: Call) -> Approval:
        return {"times": int(str(await adviser.inquire(call.name).only()))}

    async with MiniAgents(around_calls=approval(ask, kinds=["agent"])):
        assert len(await echo.inquire("x")) == 3


async def test_an_approval_that_says_nothing_is_an_error() -> None:
    async def ask(_: Call) -> Any:
        return None

    async with MiniAgents(around_calls=approval(ask, kinds=["agent"])):
        with pytest.raises(TypeError, match="approval: the answer None is neither True, False, a reason nor arguments"):
            await echo.inquire("x")


async def test_nobody_is_asked_about_a_call_that_was_cancelled_before() -> None:
    asked: list[Call] = []

    async def ask(call: Call) -> Approval:
        asked.append(call)
        return True

    async with MiniAgents(around_calls=approval(ask, kinds=["agent"])):
        echo.inquire("x").cancel()
    assert not asked


def test_kinds_that_are_none_are_refused() -> None:
    kinds: Any = ("tol", "tool")
    with pytest.raises(ValueError, match="^limits: 'tol' is no kind of calls; there are 'agent', 'tool', 'model'$"):
        limits(calls=1, kinds=kinds)


# --- limits ---


async def test_calls_are_limited_per_run_or_per_agent() -> None:
    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        ctx.reply([echo.inquire("a"), echo.options(alias="other").inquire("b"), echo.inquire("c")])

    async def told(**options: Any) -> list[str]:
        async with MiniAgents(around_calls=limits(**options)):
            return [str(reply) async for reply in _outcomes(outer.inquire())]

    assert await told(calls=3) == ["a", "b", "the run has reached its limit of 3 calls"]
    assert await told(calls=1, per="agent") == ["a", "b", "agent 'echo' has reached its limit of 1 calls"]
    assert await told(calls=10) == ["a", "b", "c"]


async def _outcomes(replies: Any) -> AsyncIterator[object]:
    pieces = aiter(replies)
    while True:
        try:
            yield str(await (await anext(pieces)))
        except StopAsyncIteration:
            return
        except (LimitExceededError, PromiseCancelledError) as error:
            yield error


async def test_each_run_has_limits_of_its_own() -> None:
    handler = limits(calls=1)
    for _ in range(2):
        async with MiniAgents(around_calls=handler):
            await echo.inquire("x")
            with pytest.raises(LimitExceededError) as exceeded:
                await echo.inquire("x")
            assert (exceeded.value.limit, exceeded.value.most, exceeded.value.of) == ("calls", 1, "the run")


@pytest.mark.virtual_clock
async def test_what_still_runs_when_the_time_is_over_is_cut_off() -> None:
    async with MiniAgents(around_calls=limits(seconds=2.5)):
        replies = slow.inquire()
        assert str(await replies.first()) == "first"
        begun = asyncio.get_running_loop().time()
        seen = [outcome async for outcome in _outcomes(replies)]
        assert asyncio.get_running_loop().time() - begun == pytest.approx(2.5)
        assert [type(outcome) for outcome in seen] == [str, LimitExceededError], "behind what has come of the message"
        with pytest.raises(LimitExceededError, match=r"the run has reached its limit of 2\.5 seconds"):
            await echo.inquire("x")


@pytest.mark.virtual_clock
async def test_a_message_that_is_cut_off_has_the_error_behind_its_tokens() -> None:
    @miniagent
    async def asking(ctx: InteractionContext) -> None:
        ctx.reply(slow.inquire())

    async with MiniAgents(around_calls=limits(seconds=2.5)):
        replies = asking.inquire()
        messages = [message async for message in replies.pieces().take(2)]
        tokens: list[str] = []
        with pytest.raises(LimitExceededError):
            async for token in messages[1]:
                tokens.append(token)  # noqa: PERF401 - those before the error
        assert tokens == ["a", "b"]
        for promise in (messages[1], replies):
            with pytest.raises(LimitExceededError):
                await promise


@pytest.mark.virtual_clock
async def test_a_message_of_others_goes_on_although_the_call_that_passed_it_on_is_cut_off() -> None:
    @miniagent
    async def sending(ctx: InteractionContext) -> None:
        ctx.reply(ctx.messages)
        await asyncio.Event().wait()

    async def tokens() -> AsyncIterator[str]:
        for token in "abcd":
            await asyncio.sleep(1)
            yield token

    async with MiniAgents(around_calls=limits(seconds=2.5)):
        message = stream_message(Message, tokens())
        with pytest.raises(LimitExceededError):
            await sending.inquire(message)
        assert str(await message) == "abcd"


@pytest.mark.virtual_clock
async def test_the_replies_of_a_call_that_is_cut_off_end_with_the_error() -> None:
    stopped: list[str] = []

    @miniagent
    async def endless(ctx: InteractionContext) -> None:
        ctx.reply("first")
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("stopped")

    async with MiniAgents(around_calls=limits(seconds=2.5)):
        seen = [outcome async for outcome in _outcomes(endless.inquire())]
        await asyncio.sleep(0)
        assert stopped
    assert [type(outcome) for outcome in seen] == [str, LimitExceededError]


@pytest.mark.virtual_clock
async def test_a_call_that_ends_in_time_is_not_cut_off() -> None:
    async with MiniAgents(around_calls=limits(seconds=10, calls=5, tokens=100)):
        assert [str(reply) for reply in await slow.inquire()] == ["first", "abcd"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calls": 0}, "calls=0 must be at least 1"),
        ({"tokens": -1}, "tokens=-1"),
        ({"seconds": 0}, "seconds=0: give a number above 0"),
        ({"seconds": float("nan")}, "seconds=nan: give a number above 0"),
        ({"cost": 0, "prices": {}}, "cost=0: give a number above 0"),
        ({}, "it limits nothing: give calls=..., tokens=..., seconds=..., or cost=... with prices"),
        ({"calls": 1, "per": "runs"}, 'per is "run" or "agent", not \'runs\''),
        ({"cost": 5}, "give cost and prices together"),
        ({"prices": {}}, "give cost and prices together"),
    ],
)
def test_limits_that_nothing_can_keep_are_refused(options: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"^limits: {re.escape(said)}"):
        limits(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calls": "3"}, "calls='3': give an integer, not str"),
        ({"tokens": 2.5}, "tokens=2.5: give an integer, not float"),
        ({"seconds": "1"}, "seconds='1': give a number, not str"),
        ({"cost": "1", "prices": {}}, "cost='1': give a number, not str"),
        ({"cost": 1, "prices": {"gpt-5": 3}}, "prices['gpt-5']: 3 is no Price"),
        ({"calls": 1, "kinds": "agent"}, "kinds='agent': give several, such as ('agent',)"),
    ],
)
def test_limits_are_numbers(options: Any, said: str) -> None:
    with pytest.raises(TypeError, match=f"^limits: {re.escape(said)}$"):
        limits(**options)


def at_once(call: Call) -> bool:
    return bool(call)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (3, "3 is no function"),
        (at_once, "at_once is not async; write `async def`"),
        (print, "print is not async; write an `async def` that calls it"),
    ],
)
def test_who_is_asked_for_an_approval_may_take_time(wrong: Any, said: str) -> None:
    with pytest.raises(TypeError, match=f"^approval: {said}"):
        approval(wrong)


# --- traces ---


@pytest.mark.virtual_clock
async def test_a_trace_prints_as_a_tree_with_times() -> None:
    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        ctx.reply(slow.inquire())
        await asyncio.sleep(0.5)
        raise ValueError("no")

    @miniagent
    async def boss(ctx: InteractionContext) -> None:
        await failing.inquire().recover(repr, ValueError)
        ctx.reply([echo.inquire("x"), echo.inquire("y")])

    async with trace() as traced:
        await boss.inquire()
        slow.inquire().cancel()
        replies = slow.inquire()
        await asyncio.sleep(0.25)
        assert "still running" in str(traced.run)
        replies.cancel()
    assert (
        str(traced.run)
        == """\
agent 'boss': at 0.000 s, for 4.000 s, first piece after 4.000 s
├─ agent 'failing': at 0.000 s, for 4.000 s, first piece after 0.000 s, failed: ValueError: no
│  └─ agent 'slow': at 0.000 s, for 4.000 s, first piece after 0.000 s
├─ agent 'echo': at 4.000 s, for 0.000 s, first piece after 0.000 s
└─ agent 'echo': at 4.000 s, for 0.000 s, first piece after 0.000 s
agent 'slow': cancelled before it began
agent 'slow': at 4.000 s, for 0.250 s, first piece after 0.000 s, cancelled"""
    )
    assert [record.outcome for record in traced.run.records] == [
        *("done", "failed", "done", "done", "done"),
        *("cancelled", "cancelled"),
    ]
    with pytest.raises(ContextStateError, match="serves one `async with` only"):
        async with traced:
            pass


async def test_a_trace_inside_a_context_has_its_options_and_its_handlers() -> None:
    seen: list[str] = []

    async def outer(call: Call, proceed: Any) -> Any:
        seen.append(call.name)
        return proceed()

    async with MiniAgents(errors_as_messages=True, start_asap=False, around_calls=[outer, passing]):
        async with trace() as traced:
            current = MiniAgents.current()
            assert (current.errors_as_messages, current.start_asap) == (True, False)
            await echo.inquire("x")
        await echo.options(alias="outside").inquire("x")
    assert [call.name for call in traced.run.calls] == ["echo"]
    assert seen == ["echo", "outside"]


async def test_a_trace_of_calls_nested_as_deep_as_one_likes_prints() -> None:
    @miniagent
    async def down(ctx: InteractionContext, depth: int) -> None:
        ctx.reply(down.inquire("x", depth - 1) if depth else "bottom")

    async with trace() as traced:
        await down.inquire("x", 2_000)
    assert len(str(traced.run).splitlines()) == 2_001


def test_a_usage_without_a_model_is_not_counted() -> None:
    # only requests to models count: an agent that passes an answer on has not asked twice
    async def main() -> int:
        @miniagent
        async def passing_on(ctx: InteractionContext) -> None:
            ctx.reply(AssistantMessage("x", usage=Usage(input_tokens=1_000, output_tokens=1_000)))

        async with MiniAgents(around_calls=limits(tokens=10)):
            return len(await passing_on.inquire()) + len(await passing_on.inquire())

    assert asyncio.run(main()) == 2

"""Loops of agents."""

import asyncio
from typing import Any

import pytest

from miniagents import (
    AWAIT,
    CLEAR,
    EndLoop,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MessageType,
    MiniAgents,
    achain_loop,
    miniagent,
)
from miniagents.utils import Link


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


@miniagent
async def counting_down(ctx: InteractionContext, seen: list[int], end: type[Exception] = EndLoop) -> None:
    number = int(str((await ctx.messages)[0]))
    if not number:
        raise end
    seen.append(number)
    ctx.reply(str(number - 1))


def loop(*steps: Link, initial_input: MessageType[Message] | None = None) -> None:
    async def main() -> None:
        await achain_loop(steps, initial_input)

    MiniAgents().run(main())


@pytest.mark.parametrize("end", [EndLoop, EOFError])
def test_an_agent_ends_the_loop(end: type[Exception]) -> None:
    seen: list[int] = []
    loop(counting_down.bound(seen, end), AWAIT, echo, initial_input="3")
    assert seen == [3, 2, 1]


def test_the_end_passes_through_the_agents_between() -> None:
    seen: list[int] = []
    loop(counting_down.bound(seen), echo, echo, AWAIT, initial_input=["2", "ignored"])
    assert seen == [2, 1]


def test_an_agent_ends_the_loop_though_the_next_one_does_not_read_its_replies() -> None:
    @miniagent
    async def deaf(ctx: InteractionContext) -> None:
        ctx.reply("next")
        await asyncio.sleep(0)

    @miniagent
    async def ending(ctx: InteractionContext) -> None:
        rounds.append(1)
        if len(rounds) == 3:
            raise EndLoop

    rounds: list[int] = []
    loop(deaf, AWAIT, ending)
    assert len(rounds) == 3


def test_await_lets_the_next_agent_start_when_the_replies_so_far_are_complete() -> None:
    events: list[str] = []

    @miniagent
    async def talking(ctx: InteractionContext, name: str) -> None:
        events.append(f"{name} begins")
        await ctx.messages
        for _ in range(3):
            await asyncio.sleep(0)
        events.append(f"{name} ends")
        if len(events) >= 8:
            raise EndLoop
        ctx.reply(name)

    loop(talking.bound("a"), AWAIT, talking.bound("b"), AWAIT)
    assert events == [f"{name} {what}" for name in "abab" for what in ("begins", "ends")]


def test_clear_lets_the_next_agent_start_with_no_messages() -> None:
    given: list[int] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        given.append(len(await ctx.messages))
        if len(given) == 3:
            raise EndLoop
        ctx.reply("a reply")

    loop(agent, AWAIT, CLEAR, initial_input=["one", "two"])
    assert given == [2, 0, 0]


def test_await_waits_also_for_replies_that_were_cleared() -> None:
    rounds: list[int] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        rounds.append(1)
        if len(rounds) == 3:
            raise EndLoop

    loop(agent, CLEAR, AWAIT)
    assert len(rounds) == 3


@pytest.mark.parametrize("steps", [(AWAIT,), (CLEAR, AWAIT)])
def test_any_other_error_is_raised(steps: tuple[Link, ...]) -> None:
    with pytest.raises(ZeroDivisionError):
        loop(counting_down.bound([], ZeroDivisionError), *steps, initial_input="0")


def test_errors_that_only_look_like_the_end_of_input_are_raised() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        raise asyncio.IncompleteReadError(b"", 3)

    with pytest.raises(asyncio.IncompleteReadError):
        loop(agent, AWAIT)


def test_functions_that_call_agents_are_steps() -> None:
    seen: list[int] = []

    def twice(messages: MessageType[Message] | None) -> MessageSequencePromise[Message]:
        return echo.inquire(echo.inquire(messages))

    loop(counting_down.bound(seen), twice, AWAIT, initial_input="2")
    assert seen == [2, 1]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((echo,), "without AWAIT among its steps the loop would call agents without end"),
        ((), "without AWAIT"),
        ((AWAIT, CLEAR), "there is no agent among its steps"),
    ],
)
def test_loops_that_would_never_wait_are_refused(steps: tuple[Link, ...], said: str) -> None:
    with pytest.raises(ValueError, match=f"^achain_loop: {said}"):
        loop(*steps)


def test_a_step_that_is_nothing_to_call_is_refused() -> None:
    wrong: Any = "echo"
    with pytest.raises(
        TypeError, match=r"^achain_loop: 'echo' is neither an agent nor a function nor AWAIT nor CLEAR$"
    ):
        loop(wrong, AWAIT)


def test_a6_two_conversations_at_once_see_nothing_of_each_other() -> None:
    @miniagent
    async def remembering(ctx: InteractionContext, history: list[str], turns: int) -> None:
        if len(history) == turns:
            raise EndLoop
        history.extend(str(message) for message in await ctx.messages)
        await asyncio.sleep(0)
        ctx.reply(f"{history[0]} {len(history)}")

    async def conversation(name: str) -> list[str]:
        history: list[str] = []
        async with MiniAgents():
            await achain_loop([remembering.bound(history=history, turns=3), AWAIT], name)
        return history

    async def main() -> list[list[str]]:
        return list(await asyncio.gather(conversation("Ada"), conversation("Grace")))

    assert asyncio.run(main()) == [["Ada", "Ada 1", "Ada 2"], ["Grace", "Grace 1", "Grace 2"]]

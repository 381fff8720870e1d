"""A6: what a conversation remembers is a value that each turn gets and returns."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies

from miniagents import (
    AWAIT,
    Conversation,
    EndLoop,
    InteractionContext,
    Message,
    MiniAgents,
    PromiseCancelledError,
    PromiseDeadlockError,
    UserMessage,
    achain_loop,
    chain,
    miniagent,
)

if TYPE_CHECKING:
    from miniagents import MessageSequencePromise

History = tuple[str, ...]


async def remember(ctx: InteractionContext, history: History) -> History:
    """Reply with everything so far; the message "fail" raises."""
    history = (*history, *[str(message) for message in await ctx.messages])
    if history[-1] == "fail":
        raise ValueError("no")
    ctx.reply(" ".join(history))
    return history


def test_each_turn_gets_the_state_that_the_one_before_it_returned() -> None:
    async def main() -> None:
        chat = Conversation(remember, state=())
        assert [str(message) for message in await chat.inquire("a")] == ["a"]
        assert chat.state == ("a",)
        assert [str(message) for message in await chat.inquire(["b", "c"])] == ["a b c"]
        other = Conversation(remember, state=("x",))
        assert [str(message) for message in await other.inquire("y")] == ["x y"]
        assert chat.state == tuple("abc")

    MiniAgents().run(main())


@given(said=strategies.lists(strategies.sampled_from(["a", "b", "fail"]), max_size=6), start_asap=strategies.booleans())
def test_turns_that_are_inquired_at_once_are_taken_in_order(said: list[str], start_asap: bool) -> None:
    """The law: a conversation is a fold over its messages; turns that fail leave the state as it was."""

    async def main() -> None:
        chat = Conversation(remember, state=())
        turns = [chat.inquire(text).recover_messages(lambda error: Message(f"! {error}")) for text in said]
        expected: History = ()
        for text, turn in zip(said, turns, strict=True):
            (message,) = await turn
            expected = expected if text == "fail" else (*expected, text)
            assert message.text == ("! no" if text == "fail" else " ".join(expected))
        assert chat.state == expected

    MiniAgents(start_asap=start_asap).run(main())


def test_a_turn_waits_for_the_one_before_it_even_if_that_ended_its_replies_early() -> None:
    async def main() -> None:
        may_end = asyncio.Event()

        async def slow(ctx: InteractionContext, turns: int) -> int:
            ctx.reply(str(turns))
            ctx.finish_early()
            if not turns:
                await may_end.wait()
            return turns + 1

        chat = Conversation(slow, state=0)
        await chat.inquire()
        second = chat.inquire()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not second.done()
        may_end.set()
        assert [message.text for message in await second] == ["1"]

    MiniAgents().run(main())


@pytest.mark.parametrize("turns_of_the_loop", [0, 1, 5])
def test_a_cancelled_turn_leaves_the_state_as_it_was(turns_of_the_loop: int) -> None:
    async def wait(ctx: InteractionContext, state: int) -> int:
        if str((await ctx.messages)[0]) == "wait":
            await asyncio.Event().wait()
        ctx.reply(str(state))
        return state + 1

    async def main() -> None:
        chat = Conversation(wait, state=0)
        await chat.inquire("go on")
        waiting, after = chat.inquire("wait"), chat.inquire("go on")
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(PromiseCancelledError):
            await waiting
        assert [message.text for message in await after] == ["1"]
        assert chat.state == 2

    MiniAgents().run(main())


def test_a_caller_that_is_cancelled_does_not_end_a_conversation_that_others_have_too() -> None:
    async def main() -> None:
        chat = Conversation(remember, state=())

        @miniagent
        async def caller(ctx: InteractionContext) -> None:
            await chat.inquire(ctx.messages)
            await asyncio.Event().wait()

        replies = caller.inquire("a")
        while not chat.state:
            await asyncio.sleep(0)
        replies.cancel()
        assert [str(message) for message in await chat.inquire("b")] == ["a b"]

    MiniAgents().run(main())


def test_a_turn_that_waits_for_the_next_one_is_a_circle() -> None:
    async def main() -> None:
        async def ask_again(ctx: InteractionContext, state: int) -> int:
            ctx.reply(await chat.inquire())
            return state

        chat: Conversation[Message, Message, int] = Conversation(ask_again, state=0)
        with pytest.raises(PromiseDeadlockError):
            await chat.inquire()

    MiniAgents().run(main())


def test_a_conversation_stands_where_an_agent_does() -> None:
    async def user(ctx: InteractionContext, lines: History) -> History:
        seen.extend([str(message) for message in await ctx.messages])
        if not lines:
            raise EndLoop
        ctx.reply(lines[0])
        return lines[1:]

    seen: list[str] = []

    async def main() -> None:
        chat = Conversation(remember, state=())
        await achain_loop([Conversation(user, state=("a", "b")), AWAIT, chat])
        assert seen == ["a", "a b"]
        both = chain(chat, Conversation(remember, state=("then",), alias="second"))
        assert [str(message) for message in await both.inquire("c")] == ["then a b c"]
        assert both.alias == "remember >> second"

    MiniAgents().run(main())


def test_a_conversation_takes_and_gives_what_its_function_declares() -> None:
    async def greet(ctx: InteractionContext[UserMessage, UserMessage], state: int) -> int:
        ctx.reply([f"{message}!" for message in await ctx.messages])
        return state

    async def main() -> None:
        chat = Conversation(greet, state=0)
        assert await chat.inquire("x") == (UserMessage("x!"),)
        with pytest.raises(TypeError, match="agent 'greet': messages: got Message where UserMessage is declared"):
            chat.inquire(Message("x"))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        assert await chat.inquire("y") == (UserMessage("y!"),), "a call that was refused is no turn"

    MiniAgents().run(main())


def test_mistakes_are_told() -> None:
    @miniagent
    async def agent(_: InteractionContext, state: int) -> None: ...

    with pytest.raises(TypeError, match="give an async function, without @miniagent"):
        Conversation(agent, state=0)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="give an async function"):
        Conversation(3, state=0)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    def plain(_: InteractionContext, state: int) -> int:
        return state

    with pytest.raises(TypeError, match="Conversation: .*plain is not async; write `async def`"):
        Conversation(plain, state=0)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_a_long_conversation_does_not_hold_its_turns() -> None:
    async def main() -> None:
        chat = Conversation(remember, state=())
        turns: list[weakref.ref[MessageSequencePromise[Message]]] = []
        for number in range(20):
            replies = chat.inquire(str(number))
            await replies
            turns.append(weakref.ref(replies))
            del replies
        gc.collect()
        assert sum(turn() is not None for turn in turns) <= 2

    MiniAgents().run(main())

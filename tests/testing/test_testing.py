"""The tools for tests of agents are tested like everything else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AssistantMessage,
    ErrorMessage,
    InteractionContext,
    Message,
    MiniAgents,
    Promise,
    ReasoningDelta,
    StreamedPromise,
    miniagent,
    stream_message,
)
from miniagents.testing import Pause, Reply, scripted_agent, transcript
from tests.effort import examples


def ask(*replies: Reply, times: int = 1, **options: Any) -> str:
    async def main() -> str:
        agent = scripted_agent(*replies, **options)
        return "\n".join([await transcript(agent.inquire()) for _ in range(times)])

    return MiniAgents().run(main())


def test_a_scripted_agent_gives_its_replies_one_call_after_the_other(snapshot: SnapshotAssertion) -> None:
    replies: list[Reply] = [
        "Hello there,  world ",
        ["to", "k", ReasoningDelta(text="hm"), Pause(0.0), "ens"],
        AssistantMessage("a whole one", model="m"),
        ErrorMessage("no", error_type="ValueError"),
        ValueError("raised"),
        ["half", ValueError("cut")],
        "",
    ]
    assert ask(*replies, times=len(replies)) == snapshot


def test_a_call_beyond_the_last_reply_fails_and_says_so() -> None:
    async def main() -> None:
        agent = scripted_agent("only", alias="shy")
        await agent.inquire()
        with pytest.raises(
            AssertionError, match=r"^scripted agent 'shy' has 1 replies and was called once more\nin agent 'shy'$"
        ):
            await agent.inquire()

    MiniAgents().run(main())


def test_a_scripted_agent_pauses_before_each_word() -> None:
    assert ask("one two", pause=0.001) == ask("one two")


def test_an_error_of_a_script_is_logged_when_nobody_reads_it(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        scripted_agent(ValueError("raised"), alias="shy").inquire()

    MiniAgents().run(main())
    assert "in 'shy'" in caplog.text


@examples(100)
@given(text=st.text(st.characters(codec="utf-8"), max_size=30))
def test_the_words_of_a_scripted_reply_are_its_text(text: str) -> None:
    async def main() -> None:
        [promise] = [promise async for promise in scripted_agent(text).inquire()]
        tokens = [token async for token in promise]
        assert "".join(tokens) == text
        assert all(tokens)
        assert await promise == Message(text)

    MiniAgents().run(main())


def test_a_transcript_shows_how_messages_overlap(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        begun, first, second = asyncio.Event(), asyncio.Event(), asyncio.Event()
        # what is there before anybody reads would be read in one go
        asyncio.get_running_loop().call_later(0.02, begun.set)

        async def slow() -> AsyncIterator[str]:
            await begun.wait()
            yield "slow "
            first.set()
            await second.wait()
            yield "message"

        async def quick() -> AsyncIterator[str]:
            await first.wait()
            yield "quick "
            second.set()
            await asyncio.sleep(0)
            yield "one"

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply([stream_message(Message, slow()), stream_message(Message, quick())])
            ctx.reply(KeyError("between"))
            ctx.reply("done")

        return await transcript(agent.inquire())

    assert MiniAgents().run(main()) == snapshot


def test_an_error_in_a_transcript_commands_no_terminal() -> None:
    async def main() -> str:
        return await transcript(Promise.failed(ValueError("\x1b[2J\nmore")))

    assert asyncio.run(main()) == "= ! ValueError: \\x1b[2J\nmore"


def test_a_transcript_is_made_of_any_promise(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        async def answer() -> int:
            return 42

        async def failing() -> int:
            raise ValueError("no")

        delivered = [
            Promise(answer),
            Promise(failing),
            StreamedPromise.of("ab"),
            StreamedPromise.of("ab").into("".join),
        ]
        return "\n--\n".join([await transcript(promise) for promise in delivered])

    assert MiniAgents().run(main()) == snapshot

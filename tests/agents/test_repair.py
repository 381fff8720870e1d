"""`with_repair`: an agent is asked again, with its error in the question."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from miniagents import EndLoop, InteractionContext, Message, MiniAgents, PromiseCancelledError, UserMessage, miniagent
from miniagents.testing import Pause, Several, VirtualClockEventLoop, scripted_agent, transcript


def run(main: Coroutine[Any, Any, None], **options: Any) -> None:  # Any: what MiniAgents takes
    MiniAgents(**options).run(main, loop_factory=VirtualClockEventLoop)


def texts(messages: tuple[Message, ...]) -> list[str]:
    return [str(message) for message in messages]


def test_each_call_is_told_all_errors_before_it() -> None:
    agent = scripted_agent(ValueError("one"), ["half", ValueError("two")], Several("a", "b"), alias="bot")

    async def main() -> None:
        repaired = agent.with_repair(lambda error: f"wrong: {error}")
        assert texts(await repaired.inquire(["Question?", "Please."])) == ["a", "b"]
        assert [texts(call.messages) for call in agent.asked] == [
            ["Question?", "Please."],
            ["Question?", "Please.", "wrong: one"],
            ["Question?", "Please.", "wrong: one", "wrong: two"],
        ]

    run(main())


def test_no_token_is_read_before_the_whole_reply_is_known_to_be_right() -> None:
    agent = scripted_agent(["bad", Pause(1), ValueError("no")], ["go", Pause(1), "od"])

    async def main() -> None:
        replies = agent.with_repair(str).inquire()
        loop = asyncio.get_running_loop()
        assert [token async for promise in replies async for token in promise] == ["go", "od"]
        assert loop.time() == 2.0

    run(main())


def test_the_last_error_has_a_note_about_those_before_it() -> None:
    agent = scripted_agent(ValueError("one"), KeyError("two"), OSError("three"), alias="bot")

    async def main() -> None:
        with pytest.raises(OSError, match="three") as raised:
            await agent.with_repair(str, attempts=3).inquire()
        assert any("failed in 3 attempts, before this one by" in note for note in raised.value.__notes__)

    run(main())


@pytest.mark.parametrize("error", [EndLoop(), OSError("other"), PromiseCancelledError("no")])
def test_other_errors_are_not_repaired(error: BaseException) -> None:
    agent = scripted_agent(error, "never")

    async def main() -> None:
        with pytest.raises(type(error)):
            await agent.with_repair(str, ValueError, EndLoop, PromiseCancelledError).inquire()
        assert len(agent.asked) == 1

    run(main())


def test_an_error_of_the_function_is_the_reply() -> None:
    async def main() -> None:
        replies = scripted_agent(ValueError("no")).with_repair(lambda error: str(1 // 0) + str(error)).inquire()
        assert "ZeroDivisionError" in await transcript(replies)

    run(main())


def test_arguments_and_types_are_kept() -> None:
    @miniagent
    async def number(ctx: InteractionContext[UserMessage, UserMessage], base: int) -> None:
        ctx.reply(str(int(str((await ctx.messages)[-1]), base)))

    async def main() -> None:
        repaired = number.bound(base=2).with_repair(lambda error: "101" if "base 2" in str(error) else "")
        assert await repaired.inquire("7") == (UserMessage("5"),)

    run(main())


def test_members_of_a_composition_keep_errors_as_errors() -> None:
    """`errors_as_messages` must not hide from the repair that there was an error."""
    agent = scripted_agent(ValueError("one"), "fine")

    async def main() -> None:
        assert texts(await agent.with_repair(str).inquire()) == ["fine"]

    run(main(), errors_as_messages=True)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((3,), {}, "with_repair: 3 is no function"),
        ((str, 3), {}, "with_repair: 3 is no class of exceptions"),
        ((str,), {"attempts": 0}, "with_repair: attempts=0 must be at least 1"),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, options: Any, message: str) -> None:  # Any: they are wrong
    with pytest.raises((TypeError, ValueError), match=message):
        scripted_agent("x").with_repair(*arguments, **options)

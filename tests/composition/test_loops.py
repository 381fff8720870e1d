"""`loop`: what each round is asked, and what of it can be read when."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from miniagents import ErrorMessage, Message, MiniAgents, TooManyRoundsError, loop
from miniagents.testing import Pause, VirtualClockEventLoop, scripted_agent, transcript


def run(main: Coroutine[Any, Any, None], **options: Any) -> None:  # Any: what MiniAgents takes
    MiniAgents(**options).run(main, loop_factory=VirtualClockEventLoop)


def texts(messages: tuple[Message, ...]) -> list[str]:
    return [str(message) for message in messages]


def is_third(replies: tuple[Message, ...]) -> bool:
    return str(replies[-1]) == "three"


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("every", [False, True])
def test_a_round_is_asked_with_the_round_before_it_and_perhaps_the_question(keep: bool, every: bool) -> None:
    agent = scripted_agent("one", "two", "three")

    async def main() -> None:
        rounds = loop(agent, until=is_third, max_rounds=5, keep_question=keep, every_round=every)
        assert texts(await rounds.inquire(["q", "r"])) == (["one", "two", "three"] if every else ["three"])
        question = ["q", "r"] if keep else []
        assert [texts(call.messages) for call in agent.asked] == [["q", "r"], [*question, "one"], [*question, "two"]]

    run(main())


def test_tokens_of_every_round_are_read_while_it_goes_on() -> None:
    agent = scripted_agent(["o", Pause(1), "ne"], ["thr", Pause(1), "ee"])

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        read: list[tuple[str, float]] = []
        async for promise in loop(agent, until=is_third, max_rounds=2, every_round=True).inquire():
            read.extend([(token, clock()) async for token in promise])
        assert read == [("o", 0.0), ("ne", 1.0), ("thr", 1.0), ("ee", 2.0)]

    run(main())


@pytest.mark.leaves_errors_unread  # `settled_messages` does not count as a reader
@pytest.mark.parametrize("as_messages", [False, True])
def test_what_ends_the_rounds_without_success_stands_behind_them(as_messages: bool) -> None:
    async def main() -> None:
        rounds = loop(scripted_agent("one", "two"), until=is_third, max_rounds=2, every_round=True).inquire()
        outcomes = [error or message async for message, error in rounds.settled_messages()]
        assert [str(message) for message in outcomes[:2]] == ["one", "two"]
        assert isinstance(outcomes[2], ErrorMessage if as_messages else TooManyRoundsError)
        failed = loop(scripted_agent("one", ["t", ValueError("cut")]), until=is_third, max_rounds=9, every_round=True)
        assert "ValueError: cut" in await transcript(failed.inquire())

    run(main(), errors_as_messages=as_messages)

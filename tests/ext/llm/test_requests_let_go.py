"""P14 for models: the request for an answer that no result needs any more is stopped; its tokens cost money."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import pytest

from miniagents import InteractionContext, MiniAgents, first_to_reply, miniagent
from tests.ext.llm.agents import ModelAgent, agent_for, each_path, streamed_or_not
from tests.ext.llm.answers import answer
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying

BEFORE: Final = {CHAT: 4, RESPONSES: 7, MESSAGES: 6}
"""How many events there are before the last token."""

Reading: TypeAlias = Callable[[ModelServer, ModelAgent], Awaitable[object]]


def stalls(after: int | None) -> Saying:
    return Saying(answer("one two three four"), change=lambda script: script.stall(after=after))


async def first_message(server: ModelServer, agent: ModelAgent) -> object:
    """Reads a message that stands before the answer of the model."""

    @miniagent
    async def announces(ctx: InteractionContext) -> None:
        answered = agent.inquire("Hi")
        await server.until_stalled()
        ctx.reply("It says:")
        ctx.reply(answered)

    return str(await announces.inquire().first()) == "It says:"


async def a_faster_agent(server: ModelServer, agent: ModelAgent) -> object:
    """Reads another agent, which is the first to say something."""

    @miniagent
    async def quick(ctx: InteractionContext) -> None:
        await server.until_stalled()
        ctx.reply("quick")

    return str(await first_to_reply(quick, agent).inquire("Hi").only()) == "quick"


async def too_late(server: ModelServer, agent: ModelAgent) -> object:
    """Waits for the answer no longer than it takes the server to stall."""
    replies = agent.inquire("Hi")
    await server.until_stalled()
    return await replies.timeout(0, default="late") == "late"


@each_path
@streamed_or_not
@pytest.mark.parametrize("reading", [first_message, a_faster_agent, too_late])
async def test_p14_the_request_stops_when_its_answer_is_let_go(path: str, stream: bool, reading: Reading) -> None:
    async with ModelServer(stalls(after=None)) as server, MiniAgents():
        assert await reading(server, agent_for(path, server, stream=stream))
        await server.until_client_gone()  # while the context is open


@each_path
@pytest.mark.parametrize("reading", [first_message, too_late])
async def test_p14_the_request_stops_between_two_tokens(path: str, reading: Reading) -> None:
    async with ModelServer(stalls(after=BEFORE[path])) as server, MiniAgents():
        assert await reading(server, agent_for(path, server))
        await server.until_client_gone()


@each_path
async def test_p14_a_few_tokens_are_enough(path: str) -> None:
    async with ModelServer(stalls(after=BEFORE[path])) as server, MiniAgents():
        assert await agent_for(path, server).inquire("Hi").only().take(2) == ("one", " two")
        await server.until_client_gone()


@each_path
async def test_p14_an_answer_that_is_held_is_read_to_its_end(path: str) -> None:
    async with ModelServer(stalls(after=BEFORE[path])) as server, MiniAgents():
        message = agent_for(path, server).inquire("Hi").only()
        assert await message.take(2) == ("one", " two")
        await server.until_stalled()
        server.release()
        assert str(await message) == "one two three four"
        assert server.clients_gone == 0

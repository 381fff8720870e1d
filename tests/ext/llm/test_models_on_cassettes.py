"""Requests to models on cassettes, over all protocols: they are replayed without the server, and no key enters."""

from pathlib import Path
from typing import Any, Final

import pytest

from miniagents import MiniAgents, PromiseCancelledError, tool
from miniagents.ext.llm import AuthenticationError, RateLimitError
from miniagents.testing import cassette, transcript
from tests.ext.llm import agents
from tests.ext.llm.agents import each_path, streamed_or_not
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.clients import KEY
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying, http_error, script_for

asked: list[str] = []
SAID: Final = answer("one two three four")
BEFORE: Final = {CHAT: 4, RESPONSES: 7, MESSAGES: 6}
"""How many events there are before the fourth token."""
HEADERS: Final = {"X-Planted": "planted-0123456789"}


@tool
async def weather(city: str) -> str:
    """The weather at a place."""
    asked.append(city)
    return f"sun in {city}"


def content(path: Path) -> bytes:
    return path.read_bytes()


@each_path
@streamed_or_not
async def test_a_conversation_with_tools_is_replayed_without_the_server(
    path: str, stream: bool, tmp_path: Path
) -> None:
    asked.clear()
    file = tmp_path / "run.cassette"
    script = (Saying(answer(tool_calls=[tool_call("weather", {"city": "Kiel"})])), Saying(answer("Sunny.")))
    seen: list[str] = []
    async with ModelServer(*script) as server:
        agent: Any = agents.agent_for(path, server, tools=[weather], stream=stream, extra_headers=HEADERS)
        for _ in range(2):
            with cassette(file) as tape:
                async with MiniAgents(around_calls=tape):
                    seen.append(await transcript(agent.inquire("Hi")))
        assert len(server.requests) == 2
    assert seen[1] == seen[0]
    assert asked == ["Kiel"]
    assert KEY.encode() not in content(file)
    assert b"planted" not in content(file)


@each_path
@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (429, RateLimitError)])
async def test_errors_of_models_have_their_classes_again(
    path: str, status: int, error: type[Exception], tmp_path: Path
) -> None:
    file = tmp_path / "run.cassette"
    texts: list[str] = []
    async with ModelServer(http_error(status, message=f"no, {KEY} is wrong")) as server:
        agent: Any = agents.agent_for(path, server)
        for _ in range(2):
            with cassette(file, secrets=[KEY]) as tape:
                async with MiniAgents(around_calls=tape):
                    with pytest.raises(error) as caught:
                        await agent.inquire("Hi")
                    texts.append(str(caught.value))
        assert len(server.requests) == 1
    assert texts[1] == texts[0].replace(KEY, "[SECRET]")
    assert KEY.encode() not in content(file)


@each_path
async def test_an_answer_that_was_cancelled_stays_open_until_it_is_again(path: str, tmp_path: Path) -> None:
    async with ModelServer(script_for(path, SAID).stall(after=BEFORE[path])) as server:
        agent: Any = agents.agent_for(path, server)
        for _ in range(2):
            with cassette(tmp_path / "run.cassette") as tape:
                async with MiniAgents(around_calls=tape):
                    replies = agent.inquire("Hi")
                    reply = await anext(aiter(replies))
                    assert await anext(aiter(reply)) == "one"
                    replies.cancel()
                    with pytest.raises(PromiseCancelledError):
                        await reply
        assert len(server.requests) == 1

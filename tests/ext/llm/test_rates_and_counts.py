"""Limits of the rate that models share, and the number of tokens before a model is asked, over all protocols."""

import asyncio
import dataclasses
import json
from typing import Any, Final

import pytest

from miniagents import AssistantMessage, MiniAgents, SystemMessage, UserMessage, tool
from miniagents.calls import RateLimit
from miniagents.ext.llm import LanguageModelError, create_anthropic_agent
from miniagents.histories import estimated_tokens
from tests.ext.llm.agents import agent_for, each_path, streamed_or_not
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.protocols import Reply, Request, Response, json_response
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying, http_error
from tests.ext.llm.test_secrets import KEY, assert_hides_the_key, keyed_agent

PER: Final = 60.0


@tool
async def now() -> str:
    return "noon"


@dataclasses.dataclass(frozen=True)
class Body:
    """A plain answer."""

    body: Any
    status: int = 200

    def to(self, request: Request) -> Response:
        return json_response(self.body, status=self.status)


@each_path
@streamed_or_not
@pytest.mark.virtual_clock
async def test_agents_of_one_key_share_a_limit(path: str, stream: bool) -> None:
    loop, limit = asyncio.get_running_loop(), RateLimit(requests=2, per=PER)
    async with ModelServer(*[Saying(answer("Yes."))] * 3) as server, MiniAgents():
        one, other = (agent_for(path, server, alias=alias, stream=stream) for alias in ("one", "other"))
        one, other = (agent.bound(rate_limit=limit) for agent in (one, other))
        began = loop.time()
        assert [str((await agent.inquire("?"))[0]) for agent in (one, other)] == ["Yes."] * 2
        assert loop.time() - began < PER
        await one.inquire("?")
        assert loop.time() - began >= PER


@each_path
@pytest.mark.virtual_clock
async def test_each_request_of_a_loop_with_tools_counts(path: str) -> None:
    loop, limit = asyncio.get_running_loop(), RateLimit(requests=1, per=PER)
    asking = Saying(answer(tool_calls=[tool_call("now", {})]))
    async with ModelServer(asking, Saying(answer("Noon."))) as server, MiniAgents():
        agent: Any = agent_for(path, server, tools=[now])
        began = loop.time()
        assert str((await agent.with_rate_limit(limit).inquire("?"))[-1]) == "Noon."
        assert loop.time() - began >= PER


@each_path
@streamed_or_not
async def test_the_usage_of_an_answer_counts_in_place_of_the_estimate(path: str, stream: bool) -> None:
    limit = RateLimit(tokens=1_000)
    async with ModelServer(Saying(answer("Yes."))) as server, MiniAgents():
        await agent_for(path, server, stream=stream, rate_limit=limit).inquire("?" * 3_000)
    assert limit._spent == 11 + 7


async def test_the_greatest_number_for_an_answer_is_a_part_of_the_estimate() -> None:
    limit = RateLimit(tokens=10_000)
    async with ModelServer(http_error(500)) as server, MiniAgents():
        agent = agent_for(MESSAGES, server, rate_limit=limit, max_tokens=500)
        with pytest.raises(LanguageModelError):
            await agent.inquire("Hello")
    assert limit._spent == 500 + estimated_tokens(UserMessage("Hello")), "no usage says otherwise"


@each_path
@pytest.mark.virtual_clock
async def test_a_request_that_is_cancelled_while_it_waits_is_never_made(path: str) -> None:
    limit = RateLimit(requests=1, per=PER)
    await limit.admit()
    async with ModelServer(Saying(answer("Yes."))) as server, MiniAgents():
        agent = agent_for(path, server, rate_limit=limit)
        waiting = agent.inquire("first").only()
        task = asyncio.ensure_future(_awaited(waiting))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.wait([task])
        assert str((await agent.inquire("second"))[0]) == "Yes."
    assert len(server.requests) == 1
    assert "second" in str(server.requests[0].body)


async def _awaited(promise: Any) -> object:
    try:
        return await promise
    except Exception as error:  # noqa: BLE001 - it was cancelled
        return error


@each_path
async def test_a_limit_is_no_part_of_what_a_model_is(path: str) -> None:
    async with ModelServer() as server:
        agent = agent_for(path, server)
        assert agent.bound(rate_limit=RateLimit(requests=1)).identity == agent.identity


def test_something_else_than_a_limit_is_refused() -> None:
    agent = create_anthropic_agent("m", api_key="k")
    with pytest.raises(TypeError, match=r"rate_limit=60: give a RateLimit"):
        agent.with_rate_limit(60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the mistake


# --- counting ---

HISTORY: Final = [SystemMessage("Be brief."), UserMessage("Hi"), AssistantMessage("Yes?"), UserMessage("What time?")]
ENDPOINTS: Final = {RESPONSES: "/v1/responses/input_tokens", MESSAGES: "/v1/messages/count_tokens"}


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_providers_count_what_they_would_be_asked(path: str) -> None:
    async with ModelServer(Body({"object": "x", "input_tokens": 42}), Saying(answer("Noon."))) as server, MiniAgents():
        agent: Any = agent_for(path, server, tools=[now], system="Be kind.")
        retried = agent.with_retry(attempts=2).with_timeout(60)
        assert await retried.count_tokens(HISTORY) == 42
        await agent.inquire(HISTORY)
    counted, asked = server.requests
    assert counted.path.partition("?")[0] == ENDPOINTS[path]
    assert counted.body == {name: each for name, each in asked.body.items() if name not in ("stream", "max_tokens")}


@each_path
@pytest.mark.parametrize("status", [404, 405, 501])
async def test_where_nobody_counts_it_is_an_estimate(path: str, status: int) -> None:
    replies = [] if path == CHAT else [Body({"detail": "Not Found"}, status)]
    async with ModelServer(*replies) as server, MiniAgents():
        agent: Any = agent_for(path, server, tools=[now], system="Be kind.")
        plain: Any = agent_for(path, server)
        if path == CHAT:
            assert await plain.count_tokens(HISTORY) == estimated_tokens(*HISTORY)
        beside = await agent.count_tokens(HISTORY) - estimated_tokens(*HISTORY)
    assert beside > estimated_tokens(SystemMessage("Be kind.")), "tools count as well"


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("reply", [Body({}), Body([1]), Body({"input_tokens": "many"}), Body({"error": KEY}, 401)])
async def test_other_failures_are_errors_without_the_key(path: str, reply: Reply) -> None:
    async with ModelServer(reply) as server, MiniAgents():
        agent: Any = keyed_agent(path, server.url)
        with pytest.raises(LanguageModelError) as caught:
            await agent.count_tokens("Hi")
    assert_hides_the_key(caught.value)
    assert KEY not in json.dumps(str(caught.value))


@each_path
async def test_an_empty_conversation_is_told(path: str) -> None:
    async with ModelServer() as server, MiniAgents():
        agent: Any = agent_for(path, server)
        with pytest.raises(ValueError, match="there is nothing to answer"):
            await agent.count_tokens()

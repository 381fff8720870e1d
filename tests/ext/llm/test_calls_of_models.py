"""Requests to models with handlers around them, and the identities of models, over all protocols."""

import json
from typing import Any, Final

import pytest

from miniagents import (
    AssistantMessage,
    Call,
    LimitExceededError,
    Message,
    MessageType,
    MiniAgents,
    Proceed,
    approval,
    encode,
    limits,
    tool,
    trace,
)
from miniagents.ext.llm import create_anthropic_agent, create_openai_agent
from miniagents.messages import Identity
from tests.ext.llm import agents
from tests.ext.llm.agents import each_path, streamed_or_not
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import Saying

SECRET = "sk-planted-key-0123456789"


@tool
async def weather(city: str) -> str:
    """The weather at a place."""
    return f"sun in {city}"


CALLING: Final = (Saying(answer(tool_calls=[tool_call("weather", {"city": "Kiel"})])),)


@each_path
@streamed_or_not
async def test_agents_tools_and_requests_are_seen_with_their_callers(path: str, stream: bool) -> None:
    async with ModelServer(*CALLING, Saying(answer("Sunny."))) as server, trace() as traced:
        agent: Any = agents.agent_for(path, server, tools=[weather], stream=stream)
        replies = await agent.inquire("Hi")
    assert [str(reply) for reply in replies][1:] == ["sun in Kiel", "Sunny."]
    asked, first, of_tool, second = traced.run.calls
    assert [call.kind for call in traced.run.calls] == ["agent", "model", "tool", "model"]
    assert [call.parent for call in traced.run.calls] == [None, asked, asked, asked]
    assert [str(message) for message in await first.messages] == ["Hi"]
    assert len(await second.messages) == 3
    assert dict(of_tool.arguments) == {"city": "Kiel"}
    assert isinstance(second.complete_replies[0], AssistantMessage)
    assert first.identity == second.identity
    assert all(call.outcome == "done" for call in traced.run.calls)


@each_path
async def test_a_request_is_answered_without_the_model(path: str) -> None:
    async def answering(call: Call, proceed: Proceed) -> MessageType[Message]:
        return "from the cache" if call.kind == "model" else proceed()

    async with ModelServer() as server, MiniAgents(around_calls=answering):
        agent: Any = agents.agent_for(path, server, tools=[weather])
        (reply,) = await agent.inquire("Hi")
        assert isinstance(reply, AssistantMessage)
        assert str(reply) == "from the cache"
        assert not server.requests


@each_path
async def test_a_request_is_made_with_other_messages_and_options(path: str) -> None:
    async def changing(call: Call, proceed: Proceed) -> MessageType[Message]:
        if call.kind == "agent":
            return proceed()
        return proceed(messages="Something else", arguments={"system": "Be brief."})

    async with ModelServer(Saying(answer("Yes."))) as server, MiniAgents(around_calls=changing):
        await agents.agent_for(path, server).inquire("Hi")
        (request,) = server.requests
        assert "Be brief." in json.dumps(request.body)
        assert "Something else" in json.dumps(request.body)


@each_path
async def test_options_that_the_model_does_not_take_are_refused(path: str) -> None:
    async def changing(call: Call, proceed: Proceed) -> MessageType[Message]:
        return proceed(arguments={"temprature": 1.0}) if call.kind == "model" else proceed()

    async with ModelServer() as server, MiniAgents(around_calls=changing):
        with pytest.raises(TypeError, match="model 'gpt-test|model 'claude-test") as raised:
            await agents.agent_for(path, server).inquire("Hi")
        assert "temprature" in str(raised.value)


@each_path
async def test_a_refused_call_is_told_to_the_model(path: str) -> None:
    async def ask(_: Call) -> bool | str:
        return "the user says no"

    async with ModelServer(*CALLING, Saying(answer("Pity."))) as server, MiniAgents(around_calls=approval(ask)):
        agent: Any = agents.agent_for(path, server, tools=[weather])
        replies = await agent.inquire("Hi")
        assert [str(reply) for reply in replies][1:] == [
            "the call of tool 'weather' was refused: the user says no",
            "Pity.",
        ]
        assert "the user says no" in json.dumps(server.requests[1].body)


@each_path
async def test_the_tokens_of_a_run_are_limited(path: str) -> None:
    async with ModelServer(Saying(answer("One."))) as server, MiniAgents(around_calls=limits(tokens=1)):
        agent = agents.agent_for(path, server)
        await agent.inquire("Hi")
        with pytest.raises(LimitExceededError, match="the run has reached its limit of 1 tokens"):
            await agent.inquire("Hi")
        assert len(server.requests) == 1


# --- identities ---


def test_models_that_answer_otherwise_have_other_identities() -> None:
    def made(**options: Any) -> Identity:
        name = options.pop("name", "gpt-test")
        create: Any = options.pop("create", create_openai_agent)
        agent: Any = create(name, **{"api_key": SECRET, **options})
        identity: Identity = agent.identity
        return identity

    identities = [
        made(),
        made(name="gpt-other"),
        made(api="responses"),
        made(create=create_anthropic_agent),
        made(temperature=0.5),
        made(base_url="http://localhost:8000/v1"),
        made(tools=[weather]),
        made(system="Be brief."),
    ]
    assert len({identity.hash_key for identity in identities}) == len(identities)
    assert made() == made(api_key="another-key-0123456789")
    assert made(base_url="http://localhost:8000/v1") == made(base_url="http://user:pass@localhost:8000/v1/?key=x")


def test_bound_options_and_guards_are_a_part_of_the_identity() -> None:
    agent = create_openai_agent("gpt-test", api_key=SECRET)
    keys = [each.identity.hash_key for each in (agent, agent.bound(temperature=0.5), agent.with_retry(attempts=2))]
    other = create_openai_agent("gpt-other", api_key=SECRET, alias="gpt-test")
    assert len({*keys, other.with_retry(attempts=2).identity.hash_key}) == 4


@each_path
async def test_no_key_is_in_anything_that_handlers_see(path: str) -> None:
    seen: list[bytes] = []

    async def looking(call: Call, proceed: Proceed) -> MessageType[Message]:
        seen.append(encode(call.record()))
        return proceed()

    kept: list[Message] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        kept.extend(messages)

    headers = {"Authorization": f"Bearer {SECRET}", "X-Custom": SECRET}
    async with (
        ModelServer(Saying(answer("Yes."))) as server,
        MiniAgents(around_calls=looking, on_persist_messages=keep),
    ):
        agent: Any = agents.agent_for(path, server, extra_query={"token": SECRET})
        await agent.inquire("Hi", extra_headers=headers, extra_body={"nested": [{"api_key": SECRET}]})
    assert len(seen) == 2
    assert SECRET.encode() not in b"".join([*seen, *map(encode, kept)])

"""What is sent: the exact bodies of the requests, for every kind of message and option."""

import json
from collections.abc import Sequence
from typing import Any, Final

import pytest
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AnthropicMessage,
    AssistantMessage,
    FilePart,
    ImagePart,
    Message,
    OpenAIMessage,
    Reasoning,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)
from miniagents.ext.llm import ToolDefinition
from miniagents.ext.llm._conversation import conversation_of
from miniagents.ext.llm._protocol import ModelProtocol, ModelRequest
from miniagents.ext.llm.anthropic.messages import DEFAULT_MAX_TOKENS, AnthropicMessages
from miniagents.ext.llm.common import ReplySchema
from miniagents.ext.llm.openai.chat import ChatCompletions
from miniagents.ext.llm.openai.responses import Responses
from tests.ext.llm.agents import agent_for, answer_of, each_path
from tests.ext.llm.answers import answer
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, script_for

PIXEL: Final = "iVBORw0KGgo="
ASKING: Final = AssistantMessage(
    "I look it up.",
    tool_calls=(ToolCall(id="call_1", name="weather", arguments='{"city": "Rome"}'), ToolCall(id="call:2", name="now")),
)
CONVERSATION: Final[Sequence[Message]] = (
    SystemMessage("Answer in one word."),
    UserMessage("What is this?", content=(ImagePart(data=PIXEL), ImagePart(url="https://x/y.jpg", detail="low"))),
    OpenAIMessage("A pixel.", reasoning=(Reasoning("It is small."),)),
    UserMessage(content=(TextPart("And this?"), FilePart(data="JVBERg==", name="a.pdf"), FilePart(file_id="file_1"))),
    AnthropicMessage("A page.", reasoning=(Reasoning("It has words.", "signed"), Reasoning("unsigned"))),
    AssistantMessage("Two models spoke."),
    AssistantMessage("", refusal="I will not."),
    Message("What of the weather?"),
    ASKING,
    ToolResultMessage("noon", tool_call_id="call:2"),
    ToolResultMessage(
        "none", tool_call_id="call_1", is_error=True, content=(TextPart("at all"), ImagePart(data=PIXEL))
    ),
    UserMessage("Well?"),
)
WEATHER: Final = ToolDefinition(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
    strict=True,
)
NOW: Final = ToolDefinition(name="now", parameters={"type": "object"})


async def body_of(path: str, messages: Any, **options: Any) -> str:  # whatever an agent takes
    async with ModelServer(script_for(path, answer("Hi"))) as server:
        await answer_of(agent_for(path, server, **options), messages)
        return json.dumps(server.requests[0].body, indent=1, ensure_ascii=False)


@each_path
async def test_a_conversation_with_everything(path: str, snapshot: SnapshotAssertion) -> None:
    assert await body_of(path, CONVERSATION, system="Be kind.") == snapshot


@each_path
async def test_a_single_message(path: str, snapshot: SnapshotAssertion) -> None:
    assert await body_of(path, "Hi") == snapshot
    assert await body_of(path, "Hi", stream=False) == snapshot


OPTIONS: Final[dict[str, dict[str, Any]]] = {  # of three APIs
    CHAT: {
        "temperature": 0,
        "max_completion_tokens": 5,
        "reasoning_effort": "low",
        "stream_options": {},
        "stop": ["x"],
    },
    RESPONSES: {"store": False, "reasoning": {"effort": "low"}, "max_output_tokens": 5, "text": {"verbosity": "low"}},
    MESSAGES: {"max_tokens": 5, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
}


@each_path
async def test_options_tools_and_bodies_of_other_servers(path: str, snapshot: SnapshotAssertion) -> None:
    body = await body_of(path, "Hi", tools=[WEATHER, NOW, {"type": "own"}], extra_body={"top_k": 5}, **OPTIONS[path])
    assert body == snapshot


@each_path
async def test_options_of_a_call_go_before_those_of_the_agent(path: str) -> None:
    async with ModelServer(by=lambda request: script_for(request.path, answer("Hi"))) as server:
        agent = agent_for(path, server, system="agent", extra_body={"a": 1})
        await answer_of(agent.bound(system="call"), "Hi")
        await answer_of(agent, "Hi")
        first, second = (json.dumps(request.body) for request in server.requests)
    assert "call" in first
    assert "agent" not in first
    assert "agent" in second
    assert '"a": 1' in first


async def test_reasoning_goes_back_to_the_servers_that_want_it() -> None:
    """Only what such a server said: the reasoning of others is no business of its."""
    own = OpenAIMessage("A pixel.", reasoning=(Reasoning("It is "), Reasoning("small.")))
    other = AnthropicMessage("A page.", reasoning=(Reasoning("It has words.", "signed"),))
    messages = [UserMessage("What is this?"), own, UserMessage("And this?"), other, UserMessage("Sure?")]
    sent = await body_of(CHAT, messages, send_reasoning_as="reasoning_content")
    assert json.loads(sent)["messages"][1] == {
        "role": "assistant",
        "content": "A pixel.",
        "reasoning_content": "It is small.",
    }
    assert "words" not in sent
    assert "send_reasoning_as" not in sent
    assert "small." not in await body_of(CHAT, messages)


async def test_the_limit_of_tokens_is_what_is_given() -> None:
    for given, sent in ((None, DEFAULT_MAX_TOKENS), (0, 0), (7, 7)):
        body = json.loads(await body_of(MESSAGES, "Hi", max_tokens=given))
        assert body["max_tokens"] == sent


@pytest.mark.parametrize("protocol", [ChatCompletions(), Responses(), AnthropicMessages()])
def test_a_schema_for_the_reply(protocol: ModelProtocol[Any, Any], snapshot: SnapshotAssertion) -> None:
    request = ModelRequest(
        model="m",
        conversation=conversation_of([UserMessage("Hi")], protocol.rules),
        reply_schema=ReplySchema(name="Weather", description="A weather.", schema={"type": "object"}),
        options={"output_config": {"effort": "low"}} if isinstance(protocol, AnthropicMessages) else {},
    )
    assert json.dumps(protocol.body(request), indent=1) == snapshot


@each_path
async def test_calls_that_are_no_json_can_still_be_told(path: str) -> None:
    cut = AssistantMessage("", tool_calls=(ToolCall(id="a", name="now", arguments='{"x'),))
    text = await body_of(path, [UserMessage("Hi"), cut, ToolResultMessage("no", tool_call_id="a"), UserMessage("So?")])
    body = json.loads(text)
    if path == CHAT:
        arguments = json.loads(body["messages"][1]["tool_calls"][0]["function"]["arguments"])
    elif path == RESPONSES:
        arguments = json.loads(body["input"][1]["arguments"])
    else:
        arguments = body["messages"][1]["content"][0]["input"]
    assert arguments == {"invalid_json": '{"x'}


@pytest.mark.parametrize("part", [ImagePart(), ImagePart(url="x", data="y"), FilePart()])
@each_path
async def test_a_part_has_one_source(path: str, part: ImagePart | FilePart) -> None:
    async with ModelServer() as server:
        with pytest.raises(
            ValueError,
            match="Part: give one of url, data and file_id, not (none of them|url and data)\nin agent '[a-z]+-test'$",
        ):
            await answer_of(agent_for(path, server), UserMessage(content=(part,)))


async def test_parts_that_a_protocol_has_no_form_for() -> None:
    for part in (ImagePart(file_id="f"), FilePart(url="https://x")):
        async with ModelServer() as server:
            expected = "chat completions take no .*; give .*, or api='responses'\nin agent 'gpt-test'$"
            with pytest.raises(ValueError, match=expected):
                await answer_of(agent_for(CHAT, server), UserMessage(content=(part,)))
    assert '"file_url": "https://x"' in await body_of(RESPONSES, UserMessage(content=(FilePart(url="https://x"),)))


async def test_recordings() -> None:
    body = await body_of(CHAT, UserMessage(content=(FilePart(data="AAAA", media_type="audio/mpeg"),)))
    assert '"format": "mp3"' in body

"""Cache points: where they stand in the requests to Anthropic's API, and that other APIs never see them."""

from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    CachePoint,
    ImagePart,
    Message,
    MiniAgents,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolResultMessage,
    UserMessage,
    tool,
)
from miniagents.ext.llm import ToolDefinition
from miniagents.ext.llm._conversation import conversation_of
from miniagents.ext.llm.anthropic.messages import AnthropicMessages
from miniagents.ext.llm.providers import ModelRequest
from miniagents.histories import estimated_tokens
from tests.ext.llm.agents import agent_for, answer_of, each_path
from tests.ext.llm.answers import Usage, answer
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying, script_for

MARK: Final = {"type": "ephemeral"}
HOUR: Final = {"type": "ephemeral", "ttl": "1h"}


@tool
async def now() -> str:
    return "noon"


def body_of(messages: Sequence[Message], **options: Any) -> dict[str, Any]:
    protocol = AnthropicMessages()
    return protocol.body(ModelRequest(model="m", conversation=conversation_of(messages, protocol.rules), **options))


def test_a_point_marks_what_stands_before_it() -> None:
    call = ToolCall(id="1", name="now")
    body = body_of(
        [
            UserMessage("A long document.", content=(CachePoint(ttl="1h"), TextPart("What is it?"))),
            AssistantMessage("I look.", tool_calls=(call,)),
            ToolResultMessage("noon", tool_call_id="1", content=(CachePoint(), TextPart("sharp"))),
            UserMessage("", content=(CachePoint(), TextPart("And?"))),
        ]
    )
    first, _, second = body["messages"]
    assert first["content"] == [
        {"type": "text", "text": "A long document.", "cache_control": HOUR},
        {"type": "text", "text": "What is it?"},
    ]
    result, question = second["content"]
    assert result["cache_control"] == MARK
    assert [block["text"] for block in result["content"]] == ["noon", "sharp"]
    assert question == {"type": "text", "text": "And?"}


def test_a_point_behind_nothing_is_left_out_and_white_space_is_nothing() -> None:
    assert body_of([UserMessage(" \n", content=(CachePoint(), TextPart("Hi")))])["messages"][0]["content"] == "Hi"
    with pytest.raises(ValueError, match="there is nothing to answer"):
        body_of([UserMessage(content=(CachePoint(),))])


def test_instructions_and_tools_are_marked_at_their_ends() -> None:
    tools = tuple(ToolDefinition(name=name, parameters={}) for name in ("a", "b"))
    body = body_of(
        [SystemMessage("Be brief."), UserMessage("Hi")],
        tools=tools,
        cache_system=CachePoint(ttl="1h"),
        cache_tools=CachePoint(),
    )
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": HOUR}]
    assert body["tools"] == [
        {"name": "a", "input_schema": {}},
        {"name": "b", "input_schema": {}, "cache_control": MARK},
    ]
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    plain = body_of([UserMessage("Hi")], cache_system=CachePoint(), cache_tools=CachePoint())
    assert plain == body_of([UserMessage("Hi")]), "there is nothing to mark"


parts: Final = st.lists(
    st.sampled_from([TextPart("x"), TextPart(" "), ImagePart(data="aGk="), CachePoint(), CachePoint(ttl="1h")]),
    max_size=6,
).map(tuple)
histories: Final = st.lists(st.builds(UserMessage, st.sampled_from([None, "a"]), content=parts), min_size=1, max_size=6)


def without_points(message: UserMessage) -> UserMessage:
    said = tuple(part for part in message.content if not isinstance(part, CachePoint))
    return UserMessage(message.text, content=said)


def blocks_in(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks of all messages; a text by itself is one, too."""
    contents = [message["content"] for message in body["messages"]]
    return [
        block
        for content in contents
        for block in ([{"type": "text", "text": content}] if isinstance(content, str) else content)
    ]


@given(histories, st.booleans(), st.booleans())
def test_points_change_nothing_else_and_are_never_more_than_the_api_takes(
    history: list[UserMessage], marks_system: bool, marks_all: bool
) -> None:
    first = [SystemMessage("Be brief."), UserMessage("Hi")]
    options: dict[str, object] = {"cache_control": MARK} if marks_all else {}
    point = CachePoint() if marks_system else None
    marked = blocks_in(body_of([*first, *history], cache_system=point, options=options))
    assert sum("cache_control" in block for block in marked) <= 4 - marks_system - marks_all
    unmarked = [{name: each for name, each in block.items() if name != "cache_control"} for block in marked]
    assert unmarked == blocks_in(body_of([*first, *map(without_points, history)]))


def test_the_last_points_are_kept() -> None:
    history: list[Message] = []
    for turn in range(6):
        history += [UserMessage(f"q{turn}", content=(CachePoint(),)), AssistantMessage(f"a{turn}")]
    body = body_of([*history, UserMessage("And?")], cache_system=CachePoint())
    marked = [block["text"] for block in blocks_in(body) if "cache_control" in block]
    assert marked == ["q2", "q3", "q4", "q5"], "there are no instructions, so all four are for messages"


@each_path
async def test_other_apis_never_see_them(path: str) -> None:
    plain = [UserMessage("Hi", content=(TextPart("there"),)), UserMessage("So?")]
    marked = [
        UserMessage("Hi", content=(CachePoint(), TextPart("there"), CachePoint())),
        UserMessage("So?", content=(CachePoint(),)),
        UserMessage("", content=(CachePoint(),)),
    ]
    async with ModelServer(*[Saying(answer("Yes."))] * 2) as server:
        for messages in (plain, marked):
            await answer_of(agent_for(path, server), messages)
    first, second = (request.body for request in server.requests)
    assert (first == second) == (path != MESSAGES)
    assert ("cache_control" in str(second)) == (path == MESSAGES)
    assert estimated_tokens(*marked[:2]) == estimated_tokens(*plain)


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_the_options_are_anthropics(path: str) -> None:
    server: Any = None
    with pytest.raises(TypeError, match="takes no 'cache_system'"):
        agent_for(path, server, client=lambda: None, cache_system=CachePoint())
    with pytest.raises(TypeError, match="cache_system=True: give a CachePoint"):
        agent_for(MESSAGES, server, client=lambda: None, cache_system=True)


async def test_hits_are_in_the_usage() -> None:
    said = script_for(MESSAGES, answer("Yes."), usage=Usage(input_tokens=11, output_tokens=7, cached_tokens=5))
    async with ModelServer(said) as server, MiniAgents():
        agent = agent_for(MESSAGES, server, tools=[now], system="Be brief.", cache_system=CachePoint())
        (reply,) = await agent.inquire("Hi")
    assert reply.usage is not None
    assert reply.usage.cache_read_tokens == 5
    assert server.requests[0].body["system"][0]["cache_control"] == MARK

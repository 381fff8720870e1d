"""Nothing poisons a conversation: whatever models wrote, and wherever they were cut off, what goes back is valid."""

from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AnthropicMessage,
    AssistantMessage,
    Message,
    MiniAgents,
    OpenAIMessage,
    Reasoning,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    UserMessage,
    tool,
)
from miniagents.ext.llm import ToolDefinition
from miniagents.ext.llm._conversation import conversation_of
from miniagents.ext.llm._protocol import ModelProtocol, ModelRequest
from miniagents.ext.llm.anthropic.messages import AnthropicMessages
from miniagents.ext.llm.openai.chat import ChatCompletions
from miniagents.ext.llm.openai.responses import Responses
from tests.effort import examples
from tests.ext.llm.agents import agent_for, answer_of, each_path, streamed_or_not
from tests.ext.llm.answers import Answer, answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.protocols import Request
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying
from tests.ext.llm.strict import Strict, history_faults

PROTOCOLS: Final[dict[str, ModelProtocol[Any, Any]]] = {
    CHAT: ChatCompletions(),
    RESPONSES: Responses(),
    MESSAGES: AnthropicMessages(),
}


def faults_of(path: str, messages: list[Message]) -> list[str]:
    """Return what a strict server finds wrong with a conversation."""
    protocol = PROTOCOLS[path]
    conversation = conversation_of([UserMessage("Hi"), *messages, UserMessage("So?")], protocol.rules)
    body = protocol.body(ModelRequest(model="m", conversation=conversation, server="s"))
    return history_faults(Request("POST", path, {}, b"", body))


texts: Final = st.sampled_from(["", " ", "\n", "Hello", "é\ud83d".encode("utf-8", "replace").decode()])
ids: Final = st.sampled_from(["", "a", "b", "call 1", "call_0", "x" * 70, "é:/?"])
tool_names: Final = st.sampled_from(["", "now", "functions.get weather", "é" * 80, "a/b", "x" * 70])
arguments: Final = st.sampled_from(
    ["", "{}", '{"a": 1}', '{"a": "', "[1]", "null", '"x"', "{}{}", '{"a": NaN}', "not JSON", '{"a":"\n"}']
)
calls: Final = st.lists(st.builds(ToolCall, id=ids, name=tool_names, arguments=arguments), max_size=3).map(tuple)
blocks: Final = st.lists(
    st.sampled_from([
        {"type": "text", "text": ""},
        {"type": "text", "text": " \n"},
        {"type": "thinking", "thinking": "Hm"},
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
    ]),
    max_size=3,
).map(tuple)  # fmt: skip
messages: Final = st.lists(
    st.builds(UserMessage, texts)
    | st.builds(SystemMessage, texts)
    | st.builds(AssistantMessage, texts, tool_calls=calls)
    | st.builds(
        OpenAIMessage, texts, tool_calls=calls, refusal=st.none() | texts, reasoning=st.just((Reasoning("Hm"),))
    )
    | st.builds(AnthropicMessage, texts, tool_calls=calls)
    | st.builds(AnthropicMessage, st.sampled_from(["", " \n"]), content_blocks=blocks)
    | st.builds(ToolResultMessage, texts, tool_call_id=ids, is_error=st.booleans()),
    max_size=8,
)


@each_path
@examples(300)
@given(said=messages)
def test_law_no_server_finds_a_fault_with_any_conversation(path: str, said: list[Message]) -> None:
    assert faults_of(path, said) == []


def test_the_strict_server_does_find_faults() -> None:
    """Otherwise the law above would say nothing."""
    cut: dict[str, Any] = {"id": "a", "type": "function", "function": {"name": "", "arguments": '{"x'}}
    chat = {"messages": [{"role": "assistant", "content": "", "x": 1}, {"role": "assistant", "tool_calls": [cut, cut]}]}
    assert len(history_faults(Request("POST", CHAT, {}, b"", chat))) == 8
    item = {"type": "function_call", "call_id": "", "name": "", "arguments": "[]"}
    assert len(history_faults(Request("POST", RESPONSES, {}, b"", {"input": [item]}))) == 4
    block = {"type": "tool_use", "id": "é", "name": "a b", "input": "{}"}
    content = [{"type": "text", "text": " "}, {"type": "thinking", "thinking": "x"}, block]
    anthropic = {"messages": [{"role": "assistant", "content": content}]}
    assert len(history_faults(Request("POST", MESSAGES, {}, b"", anthropic))) == 6


@tool
def search(query: str) -> str:
    """Search."""
    return f"{query} is found"


async def replies_with(path: str, *turns: Answer, stream: bool = True, **options: Any) -> list[str]:
    """Ask an agent with a tool, of a server that refuses invalid history."""
    async with ModelServer(*(Strict(Saying(turn)) for turn in turns)) as server, MiniAgents():
        replied = await agent_for(path, server, tools=[search], stream=stream, **options).inquire("Look")
        return [str(each) for each in replied]


@each_path
@streamed_or_not
async def test_arguments_that_were_cut_off_do_not_end_the_conversation(path: str, stream: bool) -> None:
    cut = answer(tool_calls=[tool_call("search", ['{"query": "te'])], finish="length")
    *_, last = await replies_with(path, cut, answer("again"), stream=stream)
    assert last == "again"


@each_path
@pytest.mark.parametrize("written", ["not JSON", "[1]", "null", '{"query": "tea"', "{}{}"])
async def test_arguments_that_are_no_object_are_told_to_the_model(path: str, written: str) -> None:
    wrong, right = (answer(tool_calls=[tool_call("search", [each], id="a")]) for each in (written, '{"query": "tea"}'))
    replied = await replies_with(path, wrong, right, answer("done"))
    assert replied[-2:] == ["tea is found", "done"]  # the identifier is used twice as well


@each_path
async def test_a_tool_that_does_not_exist_does_not_end_the_conversation(path: str) -> None:
    odd = answer(tool_calls=[tool_call("functions.look up", ["{}"])])
    assert (await replies_with(path, odd, answer("done")))[-1] == "done"


@each_path
async def test_names_of_tools_that_the_server_knows_stay_as_they_are(path: str) -> None:
    dotted = ToolDefinition(name="maps.find", parameters={"type": "object"})
    said = AssistantMessage("", tool_calls=(ToolCall(id="a", name="maps.find"), ToolCall(id="b", name="maps.lost")))
    async with ModelServer(Saying(answer("Hi"))) as server:
        await answer_of(agent_for(path, server, tools=[dotted]), ["Hi", said, "So?"])
        sent = str(server.requests[0].body)
    assert "'maps.find'" in sent
    assert "'maps_lost'" in sent


@each_path
async def test_results_keep_their_calls_where_identifiers_are_made_anew(path: str) -> None:
    asked = AssistantMessage("", tool_calls=(ToolCall(id="0", name="a"), ToolCall(id="0", name="b")))
    found = [ToolResultMessage("of a", tool_call_id="0"), ToolResultMessage("of b", tool_call_id="0")]
    assert faults_of(path, [asked, *found, asked, *found]) == []
    async with ModelServer(Strict(Saying(answer("Hi")))) as server:
        await answer_of(agent_for(path, server), ["Hi", asked, *found, asked, *found, "So?"])
        body = str(server.requests[0].body)
    assert body.count("of a") == body.count("of b") == 2

"""What only a provider understands (its own tools, citations) is kept as it came, and goes back unchanged."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pytest

from miniagents import AnthropicMessage, AssistantMessage, MiniAgents, OpenAIMessage, UserMessage, decode, encode
from miniagents.ext.llm import ToolDefinition
from miniagents.ext.llm._assembling import Assembler
from miniagents.ext.llm._conversation import conversation_of
from miniagents.ext.llm._json import frozen_object
from miniagents.ext.llm._protocol import ModelProtocol, ModelRequest
from miniagents.ext.llm.anthropic.message_reading import MessagesReader
from miniagents.ext.llm.anthropic.messages import AnthropicMessages
from miniagents.ext.llm.openai.chat import ChatCompletions
from miniagents.ext.llm.openai.responses import Responses
from tests.ext.llm.agents import agent_for
from tests.ext.llm.answers import tool_call
from tests.ext.llm.anthropic.answering import anthropic_messages
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.protocols import Event, Json, Script, encode as encode_json, json_response, stream_response
from tests.ext.llm.replies import MESSAGES

Chunk = Mapping[str, object]

CITATION: Final = {"type": "web_search_result_location", "url": "https://x", "title": "X", "cited_text": "tea"}
SEARCH: Final[dict[str, Json]] = {
    "type": "server_tool_use",
    "id": "srvtoolu_1",
    "name": "web_search",
    "input": {"query": "tea"},
}
FOUND: Final = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result"}],
}
CITED: Final = {"type": "text", "text": "Tea is a drink.", "citations": [CITATION]}


def read(protocol: ModelProtocol[Any, Any], chunks: Iterable[Chunk]) -> AssistantMessage:
    reader, assembler = protocol.reader(), Assembler(protocol.message)
    for chunk in chunks:
        for event in reader.read(chunk):
            assembler.feed(event)
    assert assembler.is_finished
    message: AssistantMessage = assembler.message()
    return message


def sent_back(
    protocol: ModelProtocol[Any, Any], message: AssistantMessage, **options: object
) -> Any:  # the vendor's JSON
    again = decode(encode(message), AssistantMessage)
    conversation = conversation_of([UserMessage("Hi"), again, UserMessage("So?")], protocol.rules)
    body = protocol.body(ModelRequest(model="m", conversation=conversation, options=options))
    return body.get("messages") or body["input"]


def anthropic_stream(*blocks: tuple[Chunk, *tuple[Chunk, ...]]) -> list[Chunk]:
    events: list[Chunk] = []
    for index, (start, *deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    return [*events, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]


def test_tools_and_citations_of_anthropic() -> None:
    query = {"type": "input_json_delta", "partial_json": '{"query":"tea"}'}
    message = read(
        AnthropicMessages(),
        anthropic_stream(
            ({"type": "text", "text": ""}, {"type": "text_delta", "text": "I search."}),
            ({**SEARCH, "input": {}}, query),
            (FOUND,),
            (
                {"type": "text", "text": "", "citations": []},
                {"type": "text_delta", "text": "Tea is a drink."},
                {"type": "citations_delta", "citation": CITATION},
            ),
        ),
    )
    assert isinstance(message, AnthropicMessage)
    assert message.text == "I search.Tea is a drink."
    assert message.tool_calls == ()  # the provider has called its tool itself
    blocks = sent_back(AnthropicMessages(), message)[1]["content"]
    assert blocks == [{"type": "text", "text": "I search."}, SEARCH, FOUND, CITED]
    assert sent_back(ChatCompletions(), message)[1] == {"role": "assistant", "content": "I search.Tea is a drink."}


def test_reasoning_between_calls_keeps_its_place() -> None:
    thought = ({"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "Hm"})
    signed = {"type": "signature_delta", "signature": "s"}
    call: Chunk = {"type": "tool_use", "id": "a", "name": "now", "input": {}}
    message = read(
        AnthropicMessages(), anthropic_stream((*thought, signed), (call,), (*thought, signed), ({**call, "id": "b"},))
    )
    assert [each.text for each in message.reasoning] == ["Hm", "Hm"]
    assert [each.id for each in message.tool_calls] == ["a", "b"]
    kinds = [block["type"] for block in sent_back(AnthropicMessages(), message)[1]["content"]]
    assert kinds == ["thinking", "tool_use", "thinking", "tool_use"]


def test_plain_answers_are_kept_once() -> None:
    """What the fields say is not kept a second time as the provider said it."""
    message = read(AnthropicMessages(), anthropic_stream(({"type": "text", "text": "Hi", "citations": None},)))
    assert isinstance(message, AnthropicMessage)
    assert message.content_blocks == ()
    assert encode(message).count(b"Hi") == 1


def test_a_piece_before_its_block() -> None:
    delta: Chunk = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
    stop: list[Chunk] = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]
    assert read(AnthropicMessages(), [delta, *stop]).text == "Hi"


def test_unknown_reasons_are_kept() -> None:
    reader, assembler = MessagesReader(), Assembler(AnthropicMessages().message)
    for chunk in ({"type": "message_delta", "delta": {"stop_reason": "bored"}}, {"type": "message_stop"}):
        for event in reader.read(chunk):
            assembler.feed(event)
    message = assembler.message()
    assert (message.finish_reason, message.provider_data) == ("other", {"finish_reason": "bored"})


SEARCH_ITEM: Final = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
ANNOTATED: Final = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Tea.", "annotations": [{"type": "url_citation", "url": "https://x"}]}],
}


def test_tools_and_citations_of_openai() -> None:
    response = {"id": "resp_1", "model": "m", "status": "completed", "output": [SEARCH_ITEM, ANNOTATED]}
    message = read(Responses(), [{"type": "response.completed", "response": response}])  # nothing was streamed before
    assert isinstance(message, OpenAIMessage)
    assert message.text == "Tea."
    assert sent_back(Responses(), message)[1:3] == [SEARCH_ITEM, ANNOTATED]
    changed = OpenAIMessage("Coffee.", output_items=message.output_items)
    assert sent_back(Responses(), changed)[1:] == [
        {"role": "assistant", "content": "Coffee."},
        {"role": "user", "content": "So?"},
    ]


def test_summaries_of_reasoning_are_parted() -> None:
    def delta(index: int, text: str) -> Chunk:
        kind = "response.reasoning_summary_text.delta"
        return {"type": kind, "output_index": 0, "summary_index": index, "delta": text}

    item: Chunk = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"}
    done: Chunk = {"type": "response.output_item.done", "output_index": 0, "item": item}
    end: Chunk = {"type": "response.completed", "response": {"status": "completed", "output": [item]}}
    message = read(Responses(), [delta(0, "One"), delta(0, " thing."), delta(1, "Another."), done, end])
    assert [(each.text, each.signature) for each in message.reasoning] == [("One thing.\n\nAnother.", "e")]


def test_a_paused_turn_is_sent_back_to_go_on() -> None:
    message = AnthropicMessage("", content_blocks=(frozen_object(SEARCH),), finish_reason="pause")
    conversation = conversation_of([UserMessage("Hi"), message], AnthropicMessages.rules)
    body = AnthropicMessages().body(ModelRequest(model="m", conversation=conversation))
    assert body["messages"] == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [SEARCH]}]


async def test_a_paused_turn_goes_on_where_all_tools_are_the_provider_s_own() -> None:
    events: list[Json] = [
        {"type": "content_block_start", "index": 0, "content_block": SEARCH},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "pause_turn"}},
        {"type": "message_stop"},
    ]
    paused = Script(
        json_response({"type": "message", "content": [SEARCH], "stop_reason": "pause_turn"}),
        stream_response(
            *(Event(encode_json(each), name=str(each["type"])) for each in events if isinstance(each, dict))
        ),
    )
    own = {"type": "web_search_20250305", "name": "web_search"}
    for stream in (True, False):
        async with ModelServer(paused, anthropic_messages("Tea is a drink.")) as server, MiniAgents():
            replies = await agent_for(MESSAGES, server, tools=[own], stream=stream).inquire("What is tea?")
            assert [str(each) for each in replies] == ["", "Tea is a drink."]
            assert server.requests[1].body["messages"][1] == {"role": "assistant", "content": [SEARCH]}


async def test_calls_that_the_caller_carries_out_end_the_reply_beside_the_provider_s_tools() -> None:
    tools = [
        ToolDefinition(name="now", parameters={"type": "object"}),
        {"type": "web_search_20250305", "name": "web_search"},
    ]
    async with ModelServer(anthropic_messages(tool_calls=[tool_call("now", {})])) as server, MiniAgents():
        reply = await agent_for(MESSAGES, server, tools=tools).inquire("What time is it?").only()
    assert [call.name for call in reply.tool_calls] == ["now"]


@pytest.mark.parametrize(
    ("model", "options", "is_asked_for"),
    [
        ("gpt-5.1", {"store": False}, True),
        ("o4-mini", {"store": False}, True),
        ("openai/gpt-5-mini", {"store": False}, True),
        ("ft:o3:acme", {"store": False}, True),
        ("gpt-5-chat-latest", {"store": False}, False),
        ("gpt-4o", {"store": False}, False),
        ("gpt-4o", {"store": False, "reasoning": {"effort": "low"}}, True),
        ("gpt-5.1", {}, False),
        ("gpt-5.1", {"store": False, "include": []}, False),
    ],
)
def test_encrypted_reasoning_is_asked_for_where_nothing_is_stored(
    model: str, options: Mapping[str, object], is_asked_for: bool
) -> None:
    conversation = conversation_of([UserMessage("Hi")], Responses.rules)
    body = Responses().body(ModelRequest(model=model, conversation=conversation, options=options))
    assert (body.get("include") == ["reasoning.encrypted_content"]) == is_asked_for

"""What a server says beyond the protocol goes back to it in the next request of a tool loop, and to no other server."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents import AssistantMessage, MiniAgents, OpenAIMessage, UserMessage, decode, encode, tool
from miniagents.ext.llm._growing import GrowingFields
from miniagents.ext.llm.errors import ProtocolError
from miniagents.messages.values.freezing import is_list, is_mapping
from tests.effort import examples
from tests.ext.llm.agents import agent_for, answer_of, streamed_or_not
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import DONE, chat_chunk, delta, openai_chat
from tests.ext.llm.protocols import Json, Request, Script, json_response, stream_response
from tests.ext.llm.replies import CHAT
from tests.ext.llm.strict import Strict

SIGNED: Final = {"google": {"thought_signature": "EjQKMgEM=="}}
CALL: Final[dict[str, Json]] = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "search", "arguments": '{"query": "tea"}'},
}


@tool
def search(query: str = "nothing") -> str:
    """Search."""
    return f"{query} is found"


def saying(*deltas: Mapping[str, Json], whole: Mapping[str, Json]) -> Script:
    """Return a script whose stream has these deltas, and whose plain answer has this message."""
    chunks = [chat_chunk([delta(0, each)]) for each in deltas]
    choice: Json = {"index": 0, "message": {"role": "assistant", **whole}, "finish_reason": "tool_calls"}
    body: Json = {"id": "chatcmpl-1", "model": "gpt-mock", "choices": [choice]}
    last = chat_chunk([delta(0, {}, "tool_calls")])
    return Script(json_response(body), stream_response(*chunks, last, DONE))


async def second_request(script: Script, own: Sequence[str], *, stream: bool, **options: Any) -> dict[str, Any]:
    """Return the assistant's message in the second request of a tool loop, which the server does not refuse."""
    replies = [Strict(each, frozenset(own)) for each in (script, openai_chat("done"))]
    async with ModelServer(*replies) as server, MiniAgents():
        agent = agent_for(CHAT, server, tools=[search], stream=stream, **options)
        replies_of_agent = await agent.inquire("Look for tea")
        assert [str(each) for each in replies_of_agent[-2:]] == ["tea is found", "done"]
        sent: dict[str, Any] = server.requests[1].body["messages"][1]
        return sent


def message_with_call(**fields: Json) -> dict[str, Json]:
    return {"content": None, "tool_calls": [CALL], **fields}


GEMINI: Final = saying(
    {"tool_calls": [{**CALL, "extra_content": SIGNED}]}, whole={"tool_calls": [{**CALL, "extra_content": SIGNED}]}
)
GEMINI_LATE: Final = saying(
    {"tool_calls": [CALL]},
    {"tool_calls": [{"extra_content": SIGNED}]},
    whole={"tool_calls": [{**CALL, "extra_content": SIGNED}]},
)


@streamed_or_not
@pytest.mark.parametrize("script", [GEMINI, GEMINI_LATE])
async def test_signatures_of_thoughts_on_calls(script: Script, stream: bool) -> None:
    sent = await second_request(script, ["extra_content"], stream=stream)
    assert sent["tool_calls"] == [
        {
            "extra_content": SIGNED,
            "id": "call_1",
            "type": "function",
            "function": {"name": "search", "arguments": '{"query": "tea"}'},
        }
    ]


@streamed_or_not
async def test_thoughts_that_are_marked_are_no_text(stream: bool) -> None:
    """Gemini sends them as content."""
    thought: dict[str, Json] = {"content": "<thought>Hm</thought>", "extra_content": {"google": {"thought": True}}}
    script = saying(thought, {"tool_calls": [CALL]}, whole=message_with_call(**thought))
    async with ModelServer(script) as server:
        message = await answer_of(agent_for(CHAT, server, stream=stream))
    assert (message.text, [each.text for each in message.reasoning]) == ("", ["Hm"])


DETAILS: Final[Json] = [
    {
        "type": "reasoning.text",
        "text": "Let me think.",
        "format": "anthropic-claude-v1",
        "index": 0,
        "signature": "Et8B",
    },
    {"type": "reasoning.encrypted", "data": "abc", "format": "x", "index": 0, "id": "rs_1"},
]
OPENROUTER: Final = saying(
    {
        "reasoning": "Let",
        "reasoning_details": [{"type": "reasoning.text", "text": "Let", "format": "anthropic-claude-v1", "index": 0}],
    },
    {
        "reasoning": " me think.",
        "reasoning_details": [
            {"type": "reasoning.text", "text": " me think.", "format": "anthropic-claude-v1", "index": 0}
        ],
    },
    {
        "reasoning_details": [
            {"type": "reasoning.text", "signature": "Et8B", "format": "anthropic-claude-v1", "index": 0}
        ]
    },
    {"reasoning_details": [{"type": "reasoning.encrypted", "data": "abc", "format": "x", "index": 0, "id": "rs_1"}]},
    {"tool_calls": [CALL]},
    whole=message_with_call(reasoning="Let me think.", reasoning_details=DETAILS),
)


@streamed_or_not
async def test_details_of_reasoning_come_in_pieces_and_go_back_whole(stream: bool) -> None:
    sent = await second_request(OPENROUTER, ["reasoning_details"], stream=stream)
    assert sent["reasoning_details"] == DETAILS
    assert "reasoning" not in sent  # the details have it


@streamed_or_not
@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_reasoning_goes_back_under_the_name_that_the_server_has_for_it(name: str, stream: bool) -> None:
    script = saying(
        {name: "Hm"}, {name: ", well"}, {"tool_calls": [CALL]}, whole=message_with_call(**{name: "Hm, well"})
    )
    assert (await second_request(script, [name], stream=stream))[name] == "Hm, well"
    assert (await second_request(script, ["thoughts"], stream=stream, send_reasoning_as="thoughts"))[
        "thoughts"
    ] == "Hm, well"
    assert name not in await second_request(script, [], stream=stream, send_reasoning_as=None)


PARTS: Final[Json] = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, well"}]},
    {"type": "text", "text": "I look."},
]
MISTRAL: Final = saying(
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": ", well"}]}]},
    {"content": "I "},
    {"content": "look."},
    {"tool_calls": [CALL]},
    whole=message_with_call(content=PARTS),
)


@streamed_or_not
async def test_content_in_parts_goes_back_in_parts(stream: bool) -> None:
    assert (await second_request(MISTRAL, [], stream=stream))["content"] == PARTS
    plain = await second_request(MISTRAL, [], stream=stream, send_reasoning_as=None)
    assert plain["content"] == "I look."


async def test_a_changed_text_is_what_goes_back() -> None:
    async with ModelServer(MISTRAL, openai_chat("done")) as server:
        agent = agent_for(CHAT, server)
        message = await answer_of(agent)
        assert [thought.text for thought in message.reasoning] == ["Hm, well"]
        assert isinstance(message, OpenAIMessage)
        changed = OpenAIMessage("I don't.", server_fields=message.server_fields)
        await answer_of(agent, ["Hi", changed, UserMessage("So?")])
        assert server.requests[1].body["messages"][1] == {"role": "assistant", "content": "I don't."}


EVERYTHING: Final = saying(
    {"reasoning_content": "Hm", "surprise": {"of": ["a", None]}},
    {"tool_calls": [{**CALL, "extra_content": SIGNED}]},
    whole=message_with_call(reasoning_content="Hm", surprise={"of": ["a", None]}),
)


async def test_no_other_server_gets_it() -> None:
    """Not from a message that was stored and read again either, and not from one that a server here said before."""
    async with ModelServer(EVERYTHING) as first, ModelServer(Strict(openai_chat("done"))) as second:
        message = await answer_of(agent_for(CHAT, first))
        again = decode(encode(message), AssistantMessage)
        assert again == message
        await answer_of(agent_for(CHAT, second), ["Hi", again, UserMessage("So?")])
        assert second.requests[0].body["messages"][1]["tool_calls"] == [
            {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"query": "tea"}'}}
        ]


async def test_a_message_that_was_stored_goes_back_to_its_server() -> None:
    own = frozenset(("reasoning_content", "surprise", "extra_content"))
    async with ModelServer(EVERYTHING, Strict(openai_chat("done"), own)) as server:
        agent = agent_for(CHAT, server)
        again = decode(encode(await answer_of(agent)), AssistantMessage)
        await answer_of(agent, ["Hi", again, UserMessage("So?")])
        sent = server.requests[1].body["messages"][1]
    assert (sent["reasoning_content"], sent["surprise"]) == ("Hm", {"of": ["a", None]})


async def test_the_address_of_the_server_is_not_kept() -> None:
    """It may have a key in it."""
    async with ModelServer(EVERYTHING) as server:
        message = await answer_of(agent_for(CHAT, server))
        assert server.url.removeprefix("http://").encode() not in encode(message)


async def test_what_a_message_says_goes_before_what_a_server_said() -> None:
    """A server that sends a `role` or an `id` of its own in unknown places changes nothing that is known."""
    function: Json = {"name": "search", "arguments": '{"query": "tea"}', "strict": True}
    odd = saying({"tool_calls": [{**CALL, "function": function}], "name": None}, whole={})
    sent = await second_request(odd, ["name"], stream=True)
    assert sent["role"] == "assistant"
    assert sent["tool_calls"][0]["function"] == {"strict": True, "name": "search", "arguments": '{"query": "tea"}'}
    assert "name" not in sent


async def test_a_server_that_wants_its_reasoning_back_refuses_who_does_not_send_it() -> None:
    """The test server is one that refuses: without the field the loop would end in an error."""

    def missing(request: Request) -> list[str]:
        assistant = [message for message in request.body["messages"] if message["role"] == "assistant"]
        return ["`reasoning_content` must be passed back"] * any("reasoning_content" not in each for each in assistant)

    script = saying({"reasoning_content": "Hm"}, {"tool_calls": [CALL]}, whole={})
    strict = [Strict(each, frozenset(("reasoning_content",)), missing) for each in (script, openai_chat("done"))]
    async with ModelServer(*strict) as server, MiniAgents():
        assert str((await agent_for(CHAT, server, tools=[search]).inquire("Hi"))[-1]) == "done"


# --- pieces of any kind ---

any_json: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "text"]), inner, max_size=3),
    max_leaves=8,
)


@examples(200)
@given(st.lists(st.text("ab {\u00e9", min_size=1), min_size=1, max_size=6), st.integers(0, 3), st.booleans())
def test_law_however_a_text_in_an_item_is_cut_it_is_one_item(pieces: list[str], index: int, has_index: bool) -> None:
    growing = GrowingFields()
    place = {"index": index} if has_index else {}
    for piece in pieces:
        growing.add({"details": [{"type": "reasoning.text", "text": piece, **place}]})
    growing.add({"details": [{"type": "reasoning.text", "signature": "s", **place}]})
    whole = {"type": "reasoning.text", "text": "".join(pieces), **place, "signature": "s"}
    assert growing.fields() == {"details": [whole]}


@examples(200)
@given(st.dictionaries(st.sampled_from(["x", "y", "z"]), any_json, max_size=3))
def test_law_a_value_in_one_piece_is_kept_as_it_is_but_for_nulls(value: dict[str, object]) -> None:
    growing = GrowingFields()
    growing.add(value)
    assert growing.fields() == {name: _without_nulls(each) for name, each in value.items() if each is not None}


def _without_nulls(value: object) -> object:
    if is_mapping(value):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if is_list(value) else value


def test_items_of_other_kinds_stay_apart() -> None:
    growing = GrowingFields()
    growing.add({"details": [{"type": "a", "text": "1", "index": 0}, {"type": "b", "text": "2", "index": 0}]})
    growing.add({"details": [{"type": "a", "text": "3", "index": 0}, {"type": "a", "text": "4", "index": 1}]})
    growing.add({"blobs": [{"type": "e", "data": "x"}]})
    growing.add({"blobs": [{"type": "e", "data": "y"}]})
    assert growing.fields()["details"] == [
        {"type": "a", "text": "13", "index": 0},
        {"type": "b", "text": "2", "index": 0},
        {"type": "a", "text": "4", "index": 1},
    ]
    assert growing.fields()["blobs"] == [{"type": "e", "data": "x"}, {"type": "e", "data": "y"}]


def test_fields_without_end_are_refused() -> None:
    deep: object = "x"
    for _ in range(500):
        deep = {"a": deep}
    with pytest.raises(ProtocolError, match="nested too deeply"):
        GrowingFields().add({"a": deep})

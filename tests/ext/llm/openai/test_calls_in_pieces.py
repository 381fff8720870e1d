"""Calls of tools are the same however a server cuts them into pieces, and whatever it leaves out of these."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents import AssistantMessage, ToolCallDelta
from miniagents.ext.llm._assembling import Assembler
from miniagents.ext.llm._events import StreamedEvent
from miniagents.ext.llm.errors import ProtocolError
from miniagents.ext.llm.openai.chat import ChatCompletions
from tests.effort import examples
from tests.ext.llm.agents import agent_for, answer_of, streamed_or_not
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import DONE, chat_chunk, delta
from tests.ext.llm.protocols import Event, Json, encode, json_response, stream_response
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES

Piece = Mapping[str, Any]  # a call as a server sends it
Called = tuple[str, str]

A: Final[Called] = ("search", '{"q":"A"}')
B: Final[Called] = ("search", '{"q":"B"}')
C: Final[Called] = ("fetch", '{"at":"C"}')


def piece(name: str | None = None, arguments: object = None, /, **fields: object) -> Piece:
    said = {"name": name, "arguments": arguments}
    return {**fields, "function": {key: value for key, value in said.items() if value is not None}}


def read(*deltas: Sequence[Piece]) -> tuple[AssistantMessage, list[StreamedEvent]]:
    """Return the message of calls that came in these deltas, and what readers saw."""
    reader, assembler = ChatCompletions().reader(), Assembler(ChatCompletions().message)
    chunks: list[dict[str, object]] = [{"choices": [{"delta": {"tool_calls": list(each)}}]} for each in deltas]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    seen = [assembler.feed(event) for chunk in chunks for event in reader.read(chunk)]
    return assembler.message(), [each for each in seen if each is not None]


def calls(*deltas: Sequence[Piece]) -> list[Called]:
    message, seen = read(*deltas)
    assert len({call.id for call in message.tool_calls}) == len(message.tool_calls)
    for place, call in enumerate(message.tool_calls):  # readers of the pieces see the same
        own = [each for each in seen if isinstance(each, ToolCallDelta) and each.index == place]
        assert "".join(each.name or "" for each in own) == call.name
        assert ("".join(each.arguments for each in own) or "{}") == call.arguments
    return [(call.name, call.arguments) for call in message.tool_calls]


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([[piece(*A), piece(*B)], [piece(*C)]], id="no index and no id"),
        pytest.param([[piece(*A)], [piece(*B)], [piece(*C)]], id="no index and no id, one at a time"),
        pytest.param(
            [[piece(*A, index=0, id="")], [piece(*B, index=0, id="")], [piece(*C, index=0, id="")]], id="index 0"
        ),
        pytest.param(
            [[piece(*A, index=0, id="a")], [piece(*B, index=0, id="b")], [piece(*C, index=0, id="c")]], id="ids"
        ),
        pytest.param([[piece(*A, id="a"), piece(*B, id="b")], [piece(*C, id="c")]], id="no index"),
        pytest.param([[piece(*A, id="x")], [piece(*B, id="x")], [piece(*C, id="x")]], id="one id for all"),
        pytest.param(
            [
                [piece("search", "")],
                [piece(None, '{"q":')],
                [piece(None, '"A"}')],
                [piece("search", '{"q":"B"}')],
                [piece("fetch", "")],
                [piece(None, '{"at":"C"}')],
            ],
            id="the same name again",
        ),
        pytest.param(
            [[piece("search"), piece("search"), piece("fetch")], [piece(None, each[1]) for each in (A, B, C)]],
            id="names, then arguments",
        ),
        pytest.param(
            [[piece(*A, index="0")], [piece(*B, index="1")], [piece(*C, index="2")]], id="indexes that are texts"
        ),
        pytest.param(
            [[piece(*A, index=0, id=7)], [piece(*B, index=0, id=8)], [piece(*C, index=0, id=9)]],
            id="ids that are numbers",
        ),
        pytest.param(
            [
                [piece("search", '{"q":', index=0, id="1")],
                [piece(None, '"A"}', index=0, id="2")],
                [piece(*B, index=1, id="3")],
                [piece(*C, index=2, id="4")],
            ],
            id="another id with each fragment",
        ),
        pytest.param(
            [
                [piece("search", '{"q":', index=0, id="a")],
                [piece("search", '"A"}', index=0, id="a")],
                [piece("search", "", index=0, id="a")],
                [piece(*B, index=1, id="b")],
                [piece(*C, index=2, id="c")],
            ],
            id="name and id with each fragment",
        ),
        pytest.param(
            [
                [piece("search", '{"q":', index=0, id="a")],
                [piece(None, '"A"}', index=0)],
                [piece(*A, index=0, id="a")],
                [piece(*B, index=1, id="b")],
                [piece(*C, index=2, id="c")],
            ],
            id="the whole call at its end",
        ),
        pytest.param(
            [
                [piece("sea", index=0, id="a")],
                [piece("rch", index=0)],
                [piece(None, '{"q":"A"}', index=0)],
                [piece(*B, index=1)],
                [piece(*C, index=2)],
            ],
            id="a name in two pieces",
        ),
        pytest.param(
            [[piece("search", {"q": "A"}), piece("search", {"q": "B"})], [piece("fetch", {"at": "C"})]],
            id="arguments that are objects",
        ),
    ],
)
def test_three_calls_are_three_calls(deltas: Sequence[Sequence[Piece]]) -> None:
    assert calls(*deltas) == [A, B, C]


def test_one_call_alone_is_a_call_as_well() -> None:
    reader, assembler = ChatCompletions().reader(), Assembler(ChatCompletions().message)
    for said in (
        {"tool_calls": piece(*A)},
        {"function_call": {"name": "fetch"}},
        {"function_call": {"arguments": C[1]}},
    ):
        for event in reader.read({"choices": [{"delta": said}]}):
            assembler.feed(event)
    assert [(call.name, call.arguments) for call in assembler.message().tool_calls] == [A, C]


names: Final = st.text("abc_", min_size=1, max_size=8)
some_json: Final = st.recursive(
    st.integers(-99, 99) | st.text('a}{"\\\ud83d\ude00 é', max_size=4) | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text('x}"', max_size=2), inner, max_size=2),
    max_leaves=4,
)
arguments_of: Final = st.dictionaries(st.text("abc", max_size=3), some_json, max_size=3)
cuts: Final = st.lists(st.integers(0, 30), max_size=5)


def cut(text: str, places: Sequence[int]) -> list[str]:
    ends = sorted({0, len(text), *(place for place in places if place < len(text))})
    return [text[a:b] for a, b in pairwise(ends)]


@examples(300)
@given(
    st.lists(st.tuples(names, arguments_of, cuts, cuts), min_size=1, max_size=4),
    st.sampled_from(["index", "id", "both", "neither"]),
)
def test_law_any_cut_of_names_and_arguments_gives_the_same_calls(
    said: list[tuple[str, dict[str, Any], list[int], list[int]]], with_: str
) -> None:
    """Without indexes and identifiers as well, if a call has arguments before the next one begins."""
    deltas: list[list[Piece]] = []
    expected: list[Called] = []
    for place, (name, given_arguments, cuts_of_name, cuts_of_arguments) in enumerate(said):
        text = encode(given_arguments)
        marks: dict[str, object] = {"index": place} if with_ in ("index", "both") else {}
        first = {"id": f"c{place}"} if with_ in ("id", "both") else {}
        pieces_of_name = cut(name, cuts_of_name)
        if any(name.startswith(each) for each in pieces_of_name[1:2]) and len(pieces_of_name) > 1:
            pieces_of_name = [name]  # "aa" in two pieces is "a", repeated: nobody can tell
        for number, each in enumerate(pieces_of_name):
            deltas.append([piece(each, None, **marks, **(first if number == 0 else {}))])
        deltas += [[piece(None, each, **marks)] for each in cut(text, cuts_of_arguments)]
        expected.append((name, text))
    assert calls(*deltas) == expected


# --- wrong types ---


@streamed_or_not
@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
async def test_arguments_that_are_an_object_are_the_arguments(path: str, stream: bool) -> None:
    """The native form of Ollama; a text of JSON, where Anthropic's protocol has an object."""
    given_to: dict[str, Json] = {"query": "A"}
    item: Json
    if path == CHAT:
        call: Json = {"function": {"name": "search", "arguments": given_to}}
        whole: Json = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
        events = [chat_chunk([delta(0, {"tool_calls": [call]})]), chat_chunk([delta(0, {}, "stop")]), DONE]
    elif path == RESPONSES:
        item = {"type": "function_call", "call_id": "a", "name": "search", "arguments": given_to}
        whole = {"status": "completed", "output": [item]}
        events = [Event(encode({"type": "response.completed", "response": whole}), name="response.completed")]
    else:
        item = {"type": "tool_use", "id": "a", "name": "search", "input": encode(given_to)}
        whole = {"type": "message", "content": [item], "stop_reason": "tool_use"}
        parts: list[Json] = [
            {"type": "content_block_start", "index": 0, "content_block": item},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            {"type": "message_stop"},
        ]
        events = [Event(encode(each), name=str(each["type"])) for each in parts if isinstance(each, dict)]
    async with ModelServer(stream_response(*events) if stream else json_response(whole)) as server:
        message = await answer_of(agent_for(path, server, stream=stream))
    assert [(call.name, call.arguments) for call in message.tool_calls] == [("search", '{"query":"A"}')]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"content": 42}, "'content' is 42"),
        ({"content": [7]}, "'content' is 7"),
        ({"content": [{"type": "text", "text": ["a"]}]}, "'text' is"),
        ({"reasoning": {"of": "a kind"}}, "'reasoning' is"),
        ({"content": [{"type": "thinking", "thinking": 7}]}, "'thinking' is 7"),
        ({"refusal": True}, "'refusal' is True"),
        ({"tool_calls": "search"}, "'tool_calls' is 'search'"),
        ({"tool_calls": ["search"]}, "'tool_calls' is 'search'"),
        ({"tool_calls": [{"function": "search"}]}, "'function' is 'search'"),
        ({"tool_calls": [{"function": {"name": 7}}]}, "'name' is 7"),
    ],
)
@streamed_or_not
async def test_what_cannot_be_read_is_an_error_that_names_it(said: Json, what: str, stream: bool) -> None:
    """To pass it over would lose a part of the answer, or call a tool with its defaults."""
    choice: Json = {"message": said, "delta": said, "finish_reason": "stop"}
    body: Json = {"id": "x", "choices": [choice]}
    reply = stream_response(Event(encode(body)), DONE) if stream else json_response(body)
    async with ModelServer(reply) as server:
        with pytest.raises(ProtocolError, match=f"the answer is not what the protocol says: {what}"):
            await answer_of(agent_for(CHAT, server, stream=stream))


@streamed_or_not
async def test_numbers_are_identifiers_as_well(stream: bool) -> None:
    body: Json = {
        "id": 12,
        "choices": [{"message": {"content": "Hi"}, "delta": {"content": "Hi"}, "finish_reason": "stop"}],
    }
    reply = stream_response(Event(encode(body)), DONE) if stream else json_response(body)
    async with ModelServer(reply) as server:
        assert (await answer_of(agent_for(CHAT, server, stream=stream))).response_id == "12"

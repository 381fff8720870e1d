"""M8: text of models is mended: halves of surrogate pairs are joined, and U+FFFD replaces a lone one."""

import pytest
from hypothesis import given, strategies as st

from miniagents import AssistantMessage, ReasoningDelta, RefusalDelta, ToolCall, ToolCallDelta, decode, encode
from miniagents.ext.llm._assembling import Assembler
from miniagents.ext.llm._events import Finished, ModelEvent, ReasoningEnded, ToolCallPiece, raw_piece
from miniagents.ext.llm._json import frozen_object
from miniagents.messages.values.surrogates import mended
from tests.effort import examples
from tests.ext.llm.agents import agent_for, asked, each_path, streamed_or_not
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import script_for

HALVES = ("a\ud83d", "\ude00b", "\ud83d", "c")
JOINED = "a\U0001f600b\ufffdc"


@each_path
@streamed_or_not
async def test_m8_no_wire_brings_text_that_cannot_be_written(path: str, stream: bool) -> None:
    script = script_for(
        path, answer(HALVES, reasoning=HALVES, tool_calls=[tool_call("a", {"b": "\ud83d"}, id="i\udc00")])
    )
    async with ModelServer(script) as server, asked(agent_for(path, server, stream=stream)) as promise:
        tokens = [token async for token in promise]
        events = [event async for event in promise.events]
        message = await promise
    assert message.text == "".join(tokens) == JOINED
    assert [thought.text for thought in message.reasoning] == [JOINED]
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == JOINED
    assert [call.id for call in message.tool_calls] == ["i\ufffd"]
    assert decode(encode(message), AssistantMessage) == message
    assert message.hash_key


def assembler() -> Assembler[AssistantMessage]:
    return Assembler(lambda message, _, __: message)


any_text = st.text(st.characters(exclude_categories=()) | st.sampled_from("\ud83d\ude00a"), max_size=12)


@examples(300)
@given(st.lists(any_text, max_size=6))
def test_m8_every_part_of_an_answer_is_mended_wherever_it_is_cut(pieces: list[str]) -> None:
    made = assembler()
    events: list[ModelEvent] = []
    for piece in pieces:  # the parts come in turns, and each waits for its own halves
        events += [piece, raw_piece(ReasoningDelta, piece), raw_piece(RefusalDelta, piece)]
        events += [ToolCallPiece(0, "a", "b", piece), ToolCallPiece(1, "c", "d", piece)]
    seen = [made.feed(event) for event in [*events, ReasoningEnded(), Finished("stop")]]
    message = made.message()
    whole = mended("".join(pieces))
    assert "".join(piece for piece in seen if isinstance(piece, str)) == message.text == whole
    assert "".join(thought.text for thought in message.reasoning) == whole
    assert (message.refusal or "") == whole
    calls = [ToolCall(id="a", name="b", arguments=whole or "{}"), ToolCall(id="c", name="d", arguments=whole or "{}")]
    assert list(message.tool_calls) == (calls if pieces else [])
    for shown in seen:
        if isinstance(shown, ReasoningDelta | RefusalDelta | ToolCallDelta):
            encode(shown)
    assert decode(encode(message), AssistantMessage) == message


def test_m8_what_a_model_said_before_its_connection_broke_is_mended() -> None:
    made = assembler()
    made.feed("a\ud83d")
    made.feed(raw_piece(ReasoningDelta, "b\ud83d"))
    message = made.message()
    assert message.text == "a\ufffd"
    assert message.reasoning[0].text == "b\ufffd"


@pytest.mark.parametrize("value", [{"a": ["\ud83d\ude00", {"\ud83d": 1}]}, {"a": ["x"]}])
def test_m8_json_of_providers_is_mended(value: dict[str, object]) -> None:
    assert frozen_object(value) == ({"a": ("\U0001f600", {"\ufffd": 1})} if "x" not in str(value) else {"a": ("x",)})

"""What models answer becomes typed messages, the same for all protocols, streamed or not."""

from collections.abc import Mapping
from typing import Final

import pytest
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AnthropicMessage,
    AssistantMessage,
    MiniAgents,
    OpenAIMessage,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    decode,
    encode,
)
from miniagents.testing import transcript
from tests.ext.llm.agents import agent_for, answer_of, asked, each_path, nameless, streamed_or_not
from tests.ext.llm.answers import Answer, Usage as Spent, answer, tool_call
from tests.ext.llm.anthropic.answering import SIGNATURE, anthropic_messages, unknown_anthropic_event
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat, unknown_chat_event
from tests.ext.llm.openai.answering_responses import openai_responses, unknown_responses_event
from tests.ext.llm.protocols import Event, Reply, Script, stream_response
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, script_for

PARIS: Final = tool_call("weather", {"city": "Paris", "days": 2}, id="call_paris")
NOW: Final = tool_call("now", {}, id="call_now")
ALL: Final = answer("I look it up.", reasoning="Two things are wanted.", tool_calls=[PARIS, NOW])
SPENT: Final = Spent(input_tokens=20, output_tokens=9, cached_tokens=8)
CLASSES: Final[dict[str, type[AssistantMessage]]] = {
    CHAT: OpenAIMessage,
    RESPONSES: OpenAIMessage,
    MESSAGES: AnthropicMessage,
}


async def said(path: str, reply: Reply, *, stream: bool = True) -> AssistantMessage:
    (message,) = await all_said(path, reply, stream=stream)
    return message


async def all_said(path: str, *replies: Reply, stream: bool = True) -> list[AssistantMessage]:
    """Return what one server says."""
    async with ModelServer(*replies) as server:
        return [await answer_of(agent_for(path, server, stream=stream)) for _ in replies]


async def transcript_of(path: str, reply: Reply, *, stream: bool = True) -> str:
    async with ModelServer(reply) as server, MiniAgents():
        return nameless(await transcript(agent_for(path, server, stream=stream).inquire("Hi")))


@each_path
@streamed_or_not
async def test_an_answer_has_text_reasoning_calls_usage_and_reason(path: str, stream: bool) -> None:
    message = await said(path, script_for(path, ALL, SPENT), stream=stream)
    assert type(message) is CLASSES[path]
    assert message.text == "I look it up."
    assert [thought.text for thought in message.reasoning] == ["Two things are wanted."]
    assert message.tool_calls == (
        ToolCall(id="call_paris", name="weather", arguments='{"city":"Paris","days":2}'),
        ToolCall(id="call_now", name="now", arguments="{}"),
    )
    assert message.usage is not None
    assert (message.usage.input_tokens, message.usage.output_tokens, message.usage.cache_read_tokens) == (20, 9, 8)
    assert message.finish_reason == "tool_calls"
    assert message.refusal is None
    assert message.model is not None
    assert message.response_id is not None


@each_path
async def test_a_streamed_answer_is_the_same_message_as_a_whole_one(path: str) -> None:
    for each in (answer("Hello there"), ALL, answer(refusal="I will not"), answer("Cut", finish="length")):
        async with ModelServer(script_for(path, each), script_for(path, each)) as server:
            streamed, whole = [await answer_of(agent_for(path, server, stream=stream)) for stream in (True, False)]
        assert streamed == whole
        assert streamed.hash_key == whole.hash_key


@each_path
async def test_the_pieces_of_a_stream(path: str, snapshot: SnapshotAssertion) -> None:
    assert await transcript_of(path, script_for(path, ALL)) == snapshot
    assert await transcript_of(path, script_for(path, answer(refusal="I will not"))) == snapshot


@each_path
async def test_events_have_reasoning_text_and_calls_as_they_grow(path: str) -> None:
    async with ModelServer(script_for(path, ALL)) as server, asked(agent_for(path, server)) as promise:
        events = [event async for event in promise.events]
        message = await promise
    assert "".join(each.text for each in events if isinstance(each, ReasoningDelta)) == message.reasoning[0].text
    assert "".join(each.text for each in events if isinstance(each, TextDelta)) == message.text
    pieces = [each for each in events if isinstance(each, ToolCallDelta)]
    for place, call in enumerate(message.tool_calls):
        own = [piece for piece in pieces if piece.index == place]
        assert "".join(piece.arguments for piece in own) == call.arguments
        assert {piece.id for piece in own} - {None} == {call.id}
        assert {piece.name for piece in own} - {None} == {call.name}
    assert len(pieces) > 4  # in fragments, not as a whole


@each_path
@streamed_or_not
async def test_a_refusal_is_whole_and_no_text_of_an_answer(path: str, stream: bool) -> None:
    message = await said(path, script_for(path, answer(refusal="I will not do that")), stream=stream)
    assert message.finish_reason == "refusal"
    assert message.refusal
    if path != MESSAGES:  # Anthropic's models say it in the text, and the reason is all that tells
        assert (message.text, message.refusal) == ("", "I will not do that")


async def test_the_pieces_of_a_refusal_are_events_and_no_tokens() -> None:
    async with ModelServer(openai_chat(refusal="I will not")) as server, asked(agent_for(CHAT, server)) as promise:
        assert [token async for token in promise] == []
        assert [each async for each in promise.events] == [RefusalDelta(each) for each in ("I", " will", " not")]


@each_path
@streamed_or_not
async def test_an_answer_cut_by_the_limit_of_tokens_says_so(path: str, stream: bool) -> None:
    message = await said(path, script_for(path, answer("Once upon", finish="length")), stream=stream)
    assert (message.text, message.finish_reason) == ("Once upon", "length")


@each_path
@streamed_or_not
async def test_a_call_cut_by_the_limit_of_tokens_is_kept_as_it_is(path: str, stream: bool) -> None:
    cut = answer(tool_calls=[tool_call("weather", ['{"city', '": "Par'])], finish="length")
    message = await said(path, script_for(path, cut), stream=stream)
    assert message.finish_reason == "length"
    expected = "{}" if path == MESSAGES and not stream else '{"city": "Par'  # a whole message of Anthropic has no more
    assert [call.arguments for call in message.tool_calls] == [expected]


@each_path
@streamed_or_not
async def test_an_empty_answer_is_an_answer(path: str, stream: bool) -> None:
    message = await said(path, script_for(path, Answer()), stream=stream)
    assert (message.text, message.finish_reason) == ("", "stop")


@each_path
@pytest.mark.parametrize("size", [1, 7])
async def test_it_does_not_matter_how_the_bytes_come(path: str, size: int) -> None:
    script = script_for(path, answer("Größe: 10 €", tool_calls=[PARIS]))
    expected = await said(path, script)
    assert await said(path, script.chopped(size)) == expected
    assert await said(path, script.with_line_ends("\r\n")) == expected


UNKNOWN: Final = {
    CHAT: unknown_chat_event(),
    RESPONSES: unknown_responses_event(),
    MESSAGES: unknown_anthropic_event(),
}


@each_path
async def test_unknown_events_are_passed_over(path: str) -> None:
    script = script_for(path, ALL)
    with_unknown = script.insert(UNKNOWN[path], after=3).insert(UNKNOWN[path], after=1)
    first, second = await all_said(path, with_unknown, script)
    assert first == second


# --- servers that speak chat completions in ways of their own ---


@pytest.mark.parametrize("place", ["no choices", "a choice", "not asked for", "in the last chunk"])
async def test_the_usage_is_on_the_message_wherever_the_server_sends_it(place: str) -> None:
    script = openai_chat("Hi there", usage_chunk=place)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] # one of the literals
    message = await said(CHAT, script)
    assert message.usage == Usage(input_tokens=11, output_tokens=7)
    assert message.text == "Hi there"


@streamed_or_not
async def test_without_usage_there_is_none(stream: bool) -> None:
    assert (await said(CHAT, openai_chat("Hi", usage=None), stream=stream)).usage is None


@streamed_or_not
async def test_without_a_role_the_assistant_speaks(stream: bool) -> None:
    message = await said(CHAT, openai_chat("Hi there", role=False), stream=stream)
    assert (message.role, message.text) == ("assistant", "Hi there")


async def test_of_odd_ids_the_first_one_counts() -> None:
    assert (await said(CHAT, openai_chat("Hi there", odd_ids=True))).response_id == "chatcmpl-1"


@streamed_or_not
async def test_of_several_choices_the_first_is_the_answer(stream: bool) -> None:
    script = openai_chat("First", tool_calls=[PARIS], others=[answer("Second", tool_calls=[NOW])])
    message = await said(CHAT, script, stream=stream)
    assert (message.text, [call.id for call in message.tool_calls]) == ("First", ["call_paris"])


async def test_fragments_of_calls_that_come_in_turns_are_merged_by_index() -> None:
    message = await said(CHAT, openai_chat(tool_calls=[PARIS, NOW], interleaved=True))
    assert [call.arguments for call in message.tool_calls] == [PARIS.arguments, "{}"]


@each_path
async def test_what_readers_missed_they_read_from_the_start(path: str) -> None:
    """P4 holds for models as for everything else."""
    async with (
        ModelServer(script_for(path, answer("one two three"))) as server,
        asked(agent_for(path, server)) as promise,
    ):
        await promise
        assert [token async for token in promise] == ["one", " two", " three"]


# --- what the providers want back ---


async def test_reasoning_of_anthropic_has_its_signature() -> None:
    message = await said(MESSAGES, anthropic_messages("Hi", reasoning="Hm, well"))
    assert message.reasoning == (Reasoning("Hm, well", SIGNATURE),)


async def test_reasoning_without_a_signature_is_kept_as_well() -> None:
    message = await said(MESSAGES, anthropic_messages("Hi", reasoning="Hm", signature=None))
    assert [thought.text for thought in message.reasoning] == ["Hm"]


async def test_servers_that_leave_out_message_start_are_understood() -> None:
    message = await said(MESSAGES, anthropic_messages("Hi there").without("message_start"))
    assert (message.text, message.model) == ("Hi there", None)


@streamed_or_not
@pytest.mark.parametrize(
    ("path", "script"),
    [
        (MESSAGES, anthropic_messages("Hi", reasoning="Hm", redacted="c2VjcmV0", tool_calls=[PARIS])),
        (MESSAGES, anthropic_messages("Hi", reasoning="Hm", tool_calls=[PARIS, NOW])),
        (RESPONSES, openai_responses("Hi", reasoning="Hm", encrypted="gAAA", tool_calls=[PARIS])),
        (CHAT, openai_chat("Hi", reasoning="Hm", tool_calls=[PARIS])),
    ],
)
async def test_an_answer_survives_json(path: str, script: Script, stream: bool) -> None:
    message = await said(path, script, stream=stream)
    assert decode(encode(message), AssistantMessage) == message
    assert decode(encode(message), AssistantMessage).hash_key == message.hash_key


async def test_log_probabilities_and_the_like_are_kept() -> None:
    token = {"token": "Hi", "logprob": -0.1}
    first: Mapping[str, object]
    second: Mapping[str, object]
    first, second = ({"delta": {"content": text}, "logprobs": {"content": [token]}} for text in "Hi")
    last: dict[str, object] = {"choices": [], "service_tier": "flex"}
    chunks: list[dict[str, object]] = [{"choices": [first]}, {"choices": [{**second, "finish_reason": "stop"}]}, last]
    events = [Event(encode(chunk).decode()) for chunk in chunks]
    message = await said(CHAT, stream_response(*events, Event("[DONE]")))
    assert isinstance(message, OpenAIMessage)
    assert message.text == "Hi"
    assert message.provider_data == {"logprobs": {"content": (token, token)}, "service_tier": "flex"}

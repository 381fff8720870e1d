"""Messages over HTTP: Anthropic's own client reads what the script says, plain and streamed."""

import pytest
from anthropic.types import (
    Message,
    RawMessageStreamEvent,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
)

from tests.ext.llm.answers import Usage, tool_call
from tests.ext.llm.anthropic.answering import anthropic_messages, unknown_anthropic_event
from tests.ext.llm.clients import anthropic_client
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.protocols import KEEP_ALIVE, Script

PARIS = tool_call("weather", {"city": "Paris", "unit": "C"}, id="toolu_paris")
LONDON = tool_call("weather", ['{"city"', ': "Lon', 'don"}'], id="toolu_london")


async def plain(script: Script) -> Message:
    async with ModelServer(script) as server, anthropic_client(server) as client:
        return await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])


async def streamed(script: Script) -> list[RawMessageStreamEvent]:
    async with ModelServer(script) as server, anthropic_client(server) as client:
        stream = await client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        return [event async for event in stream]


async def accumulated(script: Script) -> Message:
    """The stream as the client itself puts it together."""
    async with (
        ModelServer(script) as server,
        anthropic_client(server) as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as stream,
    ):
        return await stream.get_final_message()


def texts(events: list[RawMessageStreamEvent]) -> list[str]:
    deltas = (event.delta for event in events if event.type == "content_block_delta")
    return [delta.text for delta in deltas if delta.type == "text_delta"]


async def test_a_plain_message() -> None:
    message = await plain(anthropic_messages("Hello there, you", usage=Usage(5, 7, cached_tokens=2)))
    assert message.content == [TextBlock(type="text", text="Hello there, you")]
    assert (message.role, message.model, message.stop_reason) == ("assistant", "claude-mock", "end_turn")
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens) == (3, 2, 7)
    assert message._request_id == "req_mock"


async def test_a_streamed_message() -> None:
    events = await streamed(anthropic_messages("Hello there, you"))
    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert texts(events) == ["Hello", " there", ",", " you"]
    assert events[0].type == "message_start"
    assert (events[0].message.content, events[0].message.usage.output_tokens) == ([], 1)
    assert events[-2].type == "message_delta"
    assert (events[-2].delta.stop_reason, events[-2].usage.output_tokens) == ("end_turn", 7)


@pytest.mark.parametrize(
    "script",
    [
        anthropic_messages("Hello!"),
        anthropic_messages(["Hel", "lo", " \N{SNOWMAN}\n"]),
        anthropic_messages("42", reasoning="Six times seven"),
        anthropic_messages("42", reasoning="Six times seven", signature=None),
        anthropic_messages("42", redacted="c2VjcmV0"),
        anthropic_messages(reasoning="Hmm", tool_calls=[PARIS, LONDON]),
        anthropic_messages("Let me look.", tool_calls=[PARIS]),
        anthropic_messages(tool_calls=[tool_call("now", {})]),
        anthropic_messages(refusal="I would rather not."),
        anthropic_messages("It was cut off", finish="length"),
        anthropic_messages("Hello!", usage=Usage(5, 7, cached_tokens=2)),
        anthropic_messages("Grüße, 世界").chopped(7),
        anthropic_messages("Hello!").with_line_ends("\r\n"),
        anthropic_messages("Hello!").with_line_ends("\r").chopped(1),
        anthropic_messages("Hello!").insert(KEEP_ALIVE, after=0).insert(KEEP_ALIVE, after=3),
    ],
)
async def test_plain_and_streamed_say_the_same(script: Script) -> None:
    assert (await accumulated(script)).model_dump() == (await plain(script)).model_dump()


async def test_thinking_is_signed_at_its_end() -> None:
    events = await streamed(anthropic_messages("42", reasoning="Six times seven"))
    deltas = [event.delta for event in events if event.type == "content_block_delta" and event.index == 0]
    assert [delta.thinking for delta in deltas if delta.type == "thinking_delta"] == ["Six", " times", " seven"]
    last = deltas[-1]
    assert last.type == "signature_delta"
    assert last.signature == "EqQB-signature"
    thinking, _ = (await plain(anthropic_messages("42", reasoning="Six times seven"))).content
    assert thinking == ThinkingBlock(type="thinking", thinking="Six times seven", signature="EqQB-signature")


async def test_redacted_thinking() -> None:
    redacted, _ = (await plain(anthropic_messages("42", redacted="c2VjcmV0"))).content
    assert redacted == RedactedThinkingBlock(type="redacted_thinking", data="c2VjcmV0")


async def test_parallel_uses_of_tools() -> None:
    script = anthropic_messages(tool_calls=[PARIS, LONDON])
    events = await streamed(script)
    starts = [event.content_block for event in events if event.type == "content_block_start"]
    assert [(block.id, block.name, block.input) for block in starts if isinstance(block, ToolUseBlock)] == [
        ("toolu_paris", "weather", {}),
        ("toolu_london", "weather", {}),
    ]
    fragments = [
        (event.index, event.delta.partial_json)
        for event in events
        if event.type == "content_block_delta" and event.delta.type == "input_json_delta"
    ]
    assert fragments == [
        (0, ""),
        (0, '{"city":"Paris"'),
        (0, ',"unit":"C"}'),
        (1, ""),
        (1, '{"city"'),
        (1, ': "Lon'),
        (1, 'don"}'),
    ]
    message = await plain(script)
    assert message.stop_reason == "tool_use"
    assert [block.input for block in message.content if isinstance(block, ToolUseBlock)] == [
        {"city": "Paris", "unit": "C"},
        {"city": "London"},
    ]


async def test_a_tool_use_that_the_token_limit_cut() -> None:
    script = anthropic_messages(tool_calls=[tool_call("weather", ['{"city": "Par'])], finish="length")
    message = await plain(script)
    assert message.stop_reason == "max_tokens"
    assert [block.input for block in message.content if isinstance(block, ToolUseBlock)] == [{}]


async def test_a_refusal() -> None:
    message = await plain(anthropic_messages(refusal="I would rather not."))
    assert message.stop_reason == "refusal"
    assert message.content == [TextBlock(type="text", text="I would rather not.")]


async def test_pings_are_dropped() -> None:
    script = anthropic_messages("Hello!")
    assert b"event: ping" in b"".join(each for each in script.streamed.writes() if isinstance(each, bytes))
    assert "ping" not in {str(event.type) for event in await streamed(script)}


async def test_an_unknown_event_has_its_own_type_and_the_class_of_another() -> None:
    events = await streamed(anthropic_messages("Hello!").insert(unknown_anthropic_event(), after=2))
    assert (str(events[1].type), type(events[1]).__name__) == ("message_surprise", "RawMessageStartEvent")
    assert texts(events) == ["Hello!"]


async def test_no_start_of_the_message() -> None:
    script = anthropic_messages("Hello!").without("message_start")
    assert texts(await streamed(script)) == ["Hello!"]
    with pytest.raises(AssertionError):  # from the helper of the client
        await accumulated(script)


async def test_events_without_a_name_are_dropped() -> None:
    assert await streamed(anthropic_messages("Hello!").nameless()) == []

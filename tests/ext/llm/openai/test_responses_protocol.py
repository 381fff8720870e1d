"""The responses API and embeddings over HTTP: OpenAI's own client reads what the script says."""

import pytest
from openai.types.responses import (
    Response,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseReasoningItem,
    ResponseStreamEvent,
)

from tests.ext.llm.answers import Usage, tool_call
from tests.ext.llm.clients import openai_client
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_embeddings import embeddings
from tests.ext.llm.openai.answering_responses import (
    openai_responses,
    response_failed,
    responses_error,
    unknown_responses_event,
)
from tests.ext.llm.protocols import Script

PARIS = tool_call("weather", {"city": "Paris", "unit": "C"}, id="call_paris")
LONDON = tool_call("weather", {"city": "London"}, id="call_london")


async def plain(script: Script) -> Response:
    async with ModelServer(script) as server, openai_client(server) as client:
        return await client.responses.create(model="m", input="Hi")


async def streamed(script: Script) -> list[ResponseStreamEvent]:
    async with ModelServer(script) as server, openai_client(server) as client:
        stream = await client.responses.create(model="m", input="Hi", stream=True)
        return [event async for event in stream]


def types(events: list[ResponseStreamEvent]) -> list[str]:
    return [event.type.removeprefix("response.") for event in events]


async def test_a_plain_response() -> None:
    script = openai_responses(
        "It is 42.", reasoning="Six times seven", usage=Usage(3, 5, cached_tokens=2, reasoning_tokens=1)
    )
    response = await plain(script)
    assert response.status == "completed"
    assert response.output_text == "It is 42."
    reasoning, message = response.output
    assert isinstance(reasoning, ResponseReasoningItem)
    assert isinstance(message, ResponseOutputMessage)
    assert [each.text for each in reasoning.summary] == ["Six times seven"]
    assert reasoning.encrypted_content == "gAAAA-encrypted"
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (3, 5, 8)
    assert response.usage.input_tokens_details.cached_tokens == 2
    assert response.usage.output_tokens_details.reasoning_tokens == 1


async def test_the_events_of_reasoning_and_text() -> None:
    events = await streamed(openai_responses("It is", reasoning="Six times"))
    assert types(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event.sequence_number for event in events] == list(range(17))
    assert [event.delta for event in events if event.type == "response.output_text.delta"] == ["It", " is"]
    assert [each.delta for each in events if each.type == "response.reasoning_summary_text.delta"] == ["Six", " times"]


async def test_parallel_function_calls() -> None:
    events = await streamed(openai_responses(tool_calls=[PARIS, LONDON]))
    added = [event.item for event in events if event.type == "response.output_item.added"]
    assert all(isinstance(item, ResponseFunctionToolCall) and item.arguments == "" for item in added)
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [
        (item.call_id, item.name, item.arguments) for item in done if isinstance(item, ResponseFunctionToolCall)
    ] == [
        ("call_paris", "weather", '{"city":"Paris","unit":"C"}'),
        ("call_london", "weather", '{"city":"London"}'),
    ]
    deltas = [event for event in events if event.type == "response.function_call_arguments.delta"]
    assert [(event.output_index, event.delta) for event in deltas] == [
        (0, '{"city":"Paris"'),
        (0, ',"unit":"C"}'),
        (1, '{"city":"London"}'),
    ]


async def test_a_refusal() -> None:
    script = openai_responses(refusal="I would rather not.")
    events = await streamed(script)
    assert [each.delta for each in events if each.type == "response.refusal.delta"] == [
        "I",
        " would",
        " rather",
        " not.",
    ]
    (message,) = (await plain(script)).output
    assert isinstance(message, ResponseOutputMessage)
    assert message.content == [ResponseOutputRefusal(type="refusal", refusal="I would rather not.")]


@pytest.mark.parametrize(
    "script",
    [
        openai_responses("Hello there, you"),
        openai_responses("It is 42.", reasoning="Six times seven"),
        openai_responses(reasoning="Hmm", encrypted=None, tool_calls=[PARIS, LONDON]),
        openai_responses("Let me look.", tool_calls=[PARIS]),
        openai_responses("Grüße, 世界").chopped(7),
    ],
)
async def test_the_stream_ends_with_the_plain_response(script: Script) -> None:
    last = (await streamed(script))[-1]
    assert last.type == "response.completed"
    assert last.response.model_dump() == (await plain(script)).model_dump()


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
async def test_an_incomplete_response(finish: str, reason: str) -> None:
    script = openai_responses("It was cut", finish="length" if finish == "length" else "content_filter")
    last = (await streamed(script))[-1]
    assert last.type == "response.incomplete"
    for response in (last.response, await plain(script)):
        assert response.status == "incomplete"
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == reason


async def test_a_response_that_fails_is_no_error_of_the_client() -> None:
    script = response_failed("server_error", "It broke.")
    last = (await streamed(script))[-1]
    assert last.type == "response.failed"
    for response in (last.response, await plain(script)):
        assert response.status == "failed"
        assert response.error is not None
        assert (response.error.code, response.error.message) == ("server_error", "It broke.")


async def test_an_error_in_mid_stream_is_an_event() -> None:
    last = (await streamed(openai_responses("a b c").fail(responses_error("server_error", "It broke."), after=5)))[-1]
    assert last.type == "error"
    assert (last.code, last.message) == ("server_error", "It broke.")


async def test_an_unknown_event_has_its_own_type_and_the_class_of_another() -> None:
    events = await streamed(openai_responses("a b c").insert(unknown_responses_event(), after=5))
    assert types(events)[5] == "surprise.delta"
    assert type(events[5]).__name__ == "ResponseAudioDeltaEvent"


@pytest.mark.parametrize("encoding", ["base64", "float"])
@pytest.mark.parametrize("shuffled", [False, True])
async def test_embeddings(encoding: str, shuffled: bool) -> None:
    vectors = [(0.5, -0.25, 2.0), (1.0, 0.0, -3.5)]
    async with ModelServer(embeddings(*vectors, shuffled=shuffled)) as server, openai_client(server) as client:
        if encoding == "float":
            response = await client.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
        else:
            response = await client.embeddings.create(model="m", input=["a", "b"])
    assert server.requests[0].path == "/v1/embeddings"
    assert server.requests[0].body["encoding_format"] == encoding
    assert [each.index for each in response.data] == ([1, 0] if shuffled else [0, 1])
    assert [tuple(each.embedding) for each in sorted(response.data, key=lambda each: each.index)] == vectors
    assert response.usage.prompt_tokens == 5

"""Chat completions over HTTP: OpenAI's own client reads what the script says, plain and streamed."""

import pytest
from openai import ContentFilterFinishReasonError, LengthFinishReasonError
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageFunctionToolCall
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCallFunction

from tests.ext.llm.answers import Usage, answer, tool_call
from tests.ext.llm.clients import openai_client
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import UsageChunk, chat_chunk, delta, openai_chat, unknown_chat_event
from tests.ext.llm.protocols import KEEP_ALIVE, Json, Script

PARIS = tool_call("weather", {"city": "Paris", "unit": "C"}, id="call_paris")
LONDON = tool_call("weather", ['{"city"', ': "Lon', 'don"}'], id="call_london")


async def plain(script: Script) -> ChatCompletion:
    async with ModelServer(script) as server, openai_client(server) as client:
        return await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])


async def streamed(script: Script, *, include_usage: bool = True) -> list[ChatCompletionChunk]:
    async with ModelServer(script) as server, openai_client(server) as client:
        stream = await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": include_usage},
        )
        return [chunk async for chunk in stream]


async def accumulated(script: Script) -> ChatCompletion:
    """The stream as the client itself puts it together."""
    async with (
        ModelServer(script) as server,
        openai_client(server) as client,
        client.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "Hi"}], stream_options={"include_usage": True}
        ) as stream,
    ):
        return await stream.get_final_completion()


def said_in(completion: ChatCompletion) -> tuple[list[object], CompletionUsage | None]:
    """What the choices say, and the usage."""
    choices: list[object] = [
        (
            choice.finish_reason,
            choice.message.role,
            choice.message.content or None,
            choice.message.refusal,
            [
                (call.id, call.function.name, call.function.arguments)
                for call in choice.message.tool_calls or ()
                if call.type == "function"
            ],
        )
        for choice in completion.choices
    ]
    return choices, completion.usage


def texts(chunks: list[ChatCompletionChunk], index: int = 0) -> list[str]:
    """The text of a choice, token by token."""
    choices = (choice for chunk in chunks for choice in chunk.choices if choice.index == index)
    return [choice.delta.content for choice in choices if choice.delta.content]


async def test_a_plain_completion() -> None:
    completion = await plain(openai_chat("Hello there, you", usage=Usage(3, 5, cached_tokens=2, reasoning_tokens=1)))
    assert completion.choices[0].message.content == "Hello there, you"
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "gpt-mock"
    assert completion._request_id == "req_mock"
    assert completion.usage is not None
    assert completion.usage.model_dump(include={"prompt_tokens", "completion_tokens", "total_tokens"}) == {
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "total_tokens": 8,
    }
    assert completion.usage.prompt_tokens_details is not None
    assert completion.usage.prompt_tokens_details.cached_tokens == 2
    assert completion.usage.completion_tokens_details is not None
    assert completion.usage.completion_tokens_details.reasoning_tokens == 1


async def test_a_streamed_completion() -> None:
    chunks = await streamed(openai_chat("Hello there, you"))
    assert texts(chunks) == ["Hello", " there", ",", " you"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert {chunk.id for chunk in chunks} == {"chatcmpl-1"}


@pytest.mark.parametrize(
    "script",
    [
        openai_chat("Hello!"),
        openai_chat(["Hel", "lo", " \N{SNOWMAN}\n"]),
        openai_chat(tool_calls=[PARIS, LONDON]),
        openai_chat("Let me look.", tool_calls=[PARIS, LONDON], interleaved=True),
        openai_chat(refusal="I would rather not."),
        openai_chat("One", others=[answer("Two and more"), answer(refusal="No")]),
        openai_chat("Hello!", usage_chunk="in the last chunk"),
        openai_chat("Hello!", usage=None),
        openai_chat("Grüße, 世界").chopped(7),
        openai_chat("Hello!").with_line_ends("\r\n"),
        openai_chat("Hello!").with_line_ends("\r").chopped(1),
        openai_chat("Hello!").insert(KEEP_ALIVE, after=0).insert(KEEP_ALIVE, after=2),
    ],
)
async def test_plain_and_streamed_say_the_same(script: Script) -> None:
    assert said_in(await accumulated(script)) == said_in(await plain(script))


async def test_the_helper_of_the_client_raises_where_an_answer_is_cut_off() -> None:
    script = openai_chat("It was cut off", finish="length")
    with pytest.raises(LengthFinishReasonError) as caught:
        await accumulated(script)
    assert said_in(caught.value.completion) == said_in(await plain(script))


async def test_the_helper_of_the_client_raises_where_an_answer_is_filtered() -> None:
    script = openai_chat("It was filt", finish="content_filter")
    with pytest.raises(ContentFilterFinishReasonError) as caught:
        await accumulated(script)
    assert caught.value.completion is not None
    assert said_in(caught.value.completion) == said_in(await plain(script))


async def test_only_the_first_fragment_of_a_tool_call_has_its_id_and_name() -> None:
    chunks = await streamed(openai_chat(tool_calls=[PARIS]))
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    assert (calls[0].id, calls[0].type) == ("call_paris", "function")
    assert [call.function.arguments for call in calls if call.function] == ["", '{"city":"Paris"', ',"unit":"C"}']
    assert {(call.id, call.function.name) for call in calls[1:] if call.function} == {(None, None)}
    assert chunks[-2].choices[0].finish_reason == "tool_calls"


async def test_parallel_tool_calls_come_one_after_the_other_or_in_turns() -> None:
    def indices(chunks: list[ChatCompletionChunk]) -> list[int]:
        return [call.index for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]

    assert indices(await streamed(openai_chat(tool_calls=[PARIS, LONDON]))) == [0, 0, 0, 1, 1, 1, 1]
    assert indices(await streamed(openai_chat(tool_calls=[PARIS, LONDON], interleaved=True))) == [0, 1, 0, 1, 0, 1, 1]


async def test_a_plain_tool_call() -> None:
    message = (await plain(openai_chat(tool_calls=[PARIS, LONDON]))).choices[0].message
    assert message.tool_calls is not None
    first, second = message.tool_calls
    assert isinstance(first, ChatCompletionMessageFunctionToolCall)
    assert isinstance(second, ChatCompletionMessageFunctionToolCall)
    assert (first.id, first.function.name, first.function.arguments) == (
        "call_paris",
        "weather",
        '{"city":"Paris","unit":"C"}',
    )
    assert (second.id, second.function.arguments) == ("call_london", '{"city": "London"}')


async def test_a_tool_call_that_the_token_limit_cut() -> None:
    chunks = await streamed(openai_chat(tool_calls=[tool_call("weather", ['{"city": "Par'])], finish="length"))
    assert chunks[-2].choices[0].finish_reason == "length"


async def test_a_streamed_refusal() -> None:
    chunks = await streamed(openai_chat(refusal="I would rather not."))
    refusals = [choice.delta.refusal for chunk in chunks for choice in chunk.choices if choice.delta.refusal]
    assert refusals == ["I", " would", " rather", " not."]
    assert texts(chunks) == []


async def test_reasoning_is_a_field_that_the_client_does_not_know() -> None:
    script = openai_chat("42", reasoning="Six times seven")
    completion = await plain(script)
    assert (completion.choices[0].message.model_extra or {})["reasoning_content"] == "Six times seven"
    deltas = [choice.delta.model_extra or {} for chunk in await streamed(script) for choice in chunk.choices]
    assert [extra["reasoning_content"] for extra in deltas if extra] == ["Six", " times", " seven"]


@pytest.mark.parametrize(
    ("usage_chunk", "choices"), [("no choices", 0), ("a choice", 1), ("not asked for", 0), ("in the last chunk", 1)]
)
async def test_the_usage_chunk_has_choices_or_not(usage_chunk: UsageChunk, choices: int) -> None:
    chunks = await streamed(openai_chat("Hello!", usage_chunk=usage_chunk))
    assert [chunk.usage is not None for chunk in chunks] == [*[False] * (len(chunks) - 1), True]
    assert len(chunks[-1].choices) == choices


@pytest.mark.parametrize(
    ("usage_chunk", "has_usage"),
    [("no choices", False), ("a choice", False), ("not asked for", True), ("in the last chunk", True)],
)
async def test_usage_that_nobody_asked_for(usage_chunk: UsageChunk, has_usage: bool) -> None:
    chunks = await streamed(openai_chat("Hello!", usage_chunk=usage_chunk), include_usage=False)
    assert any(chunk.usage for chunk in chunks) is has_usage
    assert texts(chunks) == ["Hello!"]


async def test_usage_in_every_chunk() -> None:
    chunks = await streamed(openai_chat("Hello!", usage_chunk="in every chunk"), include_usage=False)
    assert all(chunk.usage for chunk in chunks)


async def test_a_first_chunk_without_choices() -> None:
    chunks = await streamed(openai_chat("Hello!").insert(chat_chunk([]), after=0))
    assert [len(chunk.choices) for chunk in chunks[:2]] == [0, 1]
    assert texts(chunks) == ["Hello!"]


async def test_a_tool_call_in_one_piece() -> None:
    """As some servers send it, with whatever else there may be in a chunk."""
    call: Json = {"index": 0, "id": "", "function": {"name": "now", "arguments": "{}"}}
    chunks = await streamed(openai_chat("Hi").insert(chat_chunk([delta(0, {"tool_calls": [call]})]), after=2))
    calls = chunks[2].choices[0].delta.tool_calls
    assert calls is not None
    (found,) = calls
    assert (found.index, found.id, found.function) == (0, "", ChoiceDeltaToolCallFunction(name="now", arguments="{}"))


async def test_no_role() -> None:
    chunks = await streamed(openai_chat("Hello!", role=False))
    assert {choice.delta.role for chunk in chunks for choice in chunk.choices} == {None}
    assert texts(chunks) == ["Hello!"]


async def test_odd_ids() -> None:
    chunks = await streamed(openai_chat("Hello there, you", odd_ids=True))
    assert len({chunk.id for chunk in chunks}) == len(chunks)


async def test_several_choices_come_in_turns() -> None:
    chunks = await streamed(openai_chat("a b c", others=[answer("1 2")]))
    assert texts(chunks, 0) == ["a", " b", " c"]
    assert texts(chunks, 1) == ["1", " 2"]
    assert [choice.index for chunk in chunks for choice in chunk.choices] == [0, 1, 0, 1, 0, 1, 0, 0, 1]


async def test_an_unknown_event_is_a_chunk_without_any_field() -> None:
    chunks = await streamed(openai_chat("Hello!").insert(unknown_chat_event(), after=1))
    assert chunks[1].model_fields_set == {"object"}
    assert chunks[1].model_extra == {"surprise": {"of": "a later version"}}
    assert chunks[1].model_dump(include={"id", "choices"}) == {"id": None, "choices": None}  # whatever their types say
    assert texts([chunks[0], *chunks[2:]]) == ["Hello!"]

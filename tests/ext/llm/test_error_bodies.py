"""Errors are read in every form in which servers say them: their class is the right one, and their words are told."""

from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents.ext.llm import (
    AuthenticationError,
    ContentFilterError,
    ContextTooLongError,
    LanguageModelError,
    ModelTimeoutError,
    OverloadedError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestRefusedError,
    TransientModelError,
)
from miniagents.ext.llm._error_bodies import class_of, error_of_body, said_in
from tests.effort import examples
from tests.ext.llm.agents import agent_for, answer_of, each_path, streamed_or_not
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import DONE, chat_chunk, delta, openai_chat
from tests.ext.llm.protocols import Event, Json, Reply, encode, json_response, stream_response, text_response
from tests.ext.llm.replies import CHAT, MESSAGES

PAGE: Final = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>h1 {color: red}</style></head>"
    "<body><h1>The upstream is &quot;away&quot;</h1><script>alert(1)</script></body></html>"
)

FORMS: Final[dict[str, tuple[Json, str]]] = {
    "OpenAI": ({"error": {"message": "No.", "type": "x", "code": None}}, "No."),
    "Google's list": ([{"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}], "No."),
    "error as text": ({"error": "No."}, "No."),
    "FastAPI": ({"detail": "No."}, "No."),
    "FastAPI's list": (
        {"detail": [{"loc": ["body", "messages", 0], "msg": "field required", "type": "missing"}]},
        "body.messages.0: field required",
    ),
    "vLLM": ({"object": "error", "message": "No.", "type": "BadRequestError", "code": 400}, "No."),
    "errors": (
        {"success": False, "errors": [{"code": 7003, "message": "No."}, {"message": "Not at all."}]},
        "No.; Not at all.",
    ),
    "message": ({"message": "No."}, "No."),
    "a list of texts": ({"error": ["No.", "Not at all."]}, "No.; Not at all."),
    "OpenRouter": (
        {
            "error": {
                "code": 400,
                "message": "Provider returned error",
                "metadata": {"raw": "No tools here", "provider_name": "X"},
            }
        },
        "Provider returned error: No tools here",
    ),
    "an error in an error": ({"error": {"message": {"error": {"message": "No."}}}}, "No."),
}


async def error_of(path: str, reply: Reply, *, stream: bool = True) -> LanguageModelError:
    async with ModelServer(reply) as server:
        with pytest.raises(LanguageModelError) as caught:
            await answer_of(agent_for(path, server, stream=stream))
    return caught.value


@each_path
@pytest.mark.parametrize("form", FORMS)
async def test_the_words_of_a_refusal_are_told_whatever_their_form(path: str, form: str) -> None:
    body, words = FORMS[form]
    error = await error_of(path, json_response(body, status=400))
    assert str(error).endswith(f" (HTTP 400): {words}")
    assert type(error) is RequestRefusedError


@each_path
@pytest.mark.parametrize("text", ["No.", PAGE])
async def test_the_words_of_texts_and_pages_are_told(path: str, text: str) -> None:
    kind = ("content-type", "text/html" if text == PAGE else "text/plain")
    error = await error_of(path, text_response(text, status=502, headers=(kind,)))
    assert type(error) is ProviderError
    assert str(error).endswith('502 Bad Gateway The upstream is "away"' if text == PAGE else ": No.")


@each_path
@streamed_or_not
@pytest.mark.parametrize("form", [form for form, (body, _) in FORMS.items() if isinstance(body, dict)])
async def test_an_error_with_the_status_200_is_an_error(path: str, form: str, stream: bool) -> None:
    """As the whole answer, where a stream was asked for as well."""
    body, words = FORMS[form]
    error = await error_of(path, json_response(body), stream=stream)
    assert str(error).endswith(f": {words}")
    assert not isinstance(error, ProtocolError)


BY_CODE: Final[list[tuple[object, type[LanguageModelError]]]] = [
    (400, RequestRefusedError),
    (401, AuthenticationError),
    (402, QuotaExceededError),
    (403, AuthenticationError),
    (404, RequestRefusedError),
    (408, ModelTimeoutError),
    (413, ContextTooLongError),
    (429, RateLimitError),
    (500, ProviderError),
    (502, ProviderError),
    (503, OverloadedError),
    ("402", QuotaExceededError),
    ("1113", QuotaExceededError),
    ("RESOURCE_EXHAUSTED", RateLimitError),
    ("content_filter", ContentFilterError),
    ("exceeded_current_quota_error", QuotaExceededError),
    ("something else", ProviderError),
]


@pytest.mark.parametrize(
    "place", ["the stream", "the middle", "a choice", "the end", "whole", "vLLM's", "without stream"]
)
@pytest.mark.parametrize(("code", "cls"), BY_CODE)
async def test_a_code_is_an_error_of_its_own_wherever_it_is(
    place: str, code: Json, cls: type[LanguageModelError]
) -> None:
    """What will never succeed is not transient, so that no retry repeats "insufficient credits"."""
    said: Json = {"code": code, "message": "No."}
    failed: dict[str, Json] = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    replies: dict[str, Reply] = {
        "the stream": stream_response(Event(encode({"error": said}))),
        "the middle": openai_chat("one two").fail(Event(encode({"error": said})), after=2),
        "a choice": openai_chat("one two").fail(Event(encode({"choices": [{**failed, "error": said}]})), after=2),
        "the end": openai_chat("one two").fail(Event(encode({"choices": [failed], "error": said})), after=2),
        "whole": json_response({"error": said}),
        "vLLM's": stream_response(Event(encode({"object": "error", "code": code, "message": "No."})), DONE),
        "without stream": json_response({"error": said, "choices": None}),
    }
    error = await error_of(CHAT, replies[place], stream=place != "without stream")
    assert type(error) is cls
    assert str(error).endswith(": No.")
    assert error.code == str(code)
    assert (error.partial is not None) == (place in ("the middle", "a choice", "the end"))
    assert isinstance(error, TransientModelError) == issubclass(cls, TransientModelError)


@pytest.mark.parametrize(
    ("status", "words", "cls"),
    [
        (400, "This model's maximum context length is 4096 tokens.", ContextTooLongError),
        (400, "the request exceeds the available context size", ContextTooLongError),
        (400, "The input token count (9) exceeds the maximum number of tokens allowed (8).", ContextTooLongError),
        (500, "the prompt is greater than the context length", ContextTooLongError),
        (400, "This model's maximum prompt length is 131072 but the request has more.", ContextTooLongError),
        (429, "Too many tokens, please wait before trying again.", RateLimitError),
        (400, "Your credit balance is too low to access the API.", QuotaExceededError),
        (429, "Insufficient balance or no resource package.", QuotaExceededError),
        (401, "No auth credentials found", AuthenticationError),
    ],
)
@each_path
async def test_words_tell_where_the_code_does_not(
    path: str, status: int, words: str, cls: type[LanguageModelError]
) -> None:
    assert type(await error_of(path, json_response({"error": {"message": words}}, status=status))) is cls


async def test_a_page_instead_of_an_answer_is_told() -> None:
    for path, stream in ((CHAT, True), (CHAT, False), (MESSAGES, True)):
        error = await error_of(path, text_response(PAGE, headers=(("content-type", "text/html"),)), stream=stream)
        assert type(error) is ProtocolError
        assert 'The upstream is "away"' in str(error)


async def test_a_whole_answer_without_choices_is_none() -> None:
    error = await error_of(CHAT, json_response({"id": "x", "choices": []}), stream=False)
    assert type(error) is ProtocolError
    assert "'choices' is []" in str(error)


@each_path
async def test_a_server_that_does_not_stream_is_understood(path: str) -> None:
    bodies: dict[str, Any] = {
        "chat": {"id": "x", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]},
        "messages": {"type": "message", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"},
        "responses": {
            "status": "completed",
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}],
        },
    }
    body = next(body for name, body in bodies.items() if name in path)
    async with ModelServer(json_response(body)) as server:
        assert (await answer_of(agent_for(path, server, stream=True))).text == "Hi"


async def test_events_that_are_called_json_are_read() -> None:
    script = openai_chat("Hi there").with_headers(("content-type", "application/json"))
    async with ModelServer(script) as server:
        assert (await answer_of(agent_for(CHAT, server))).text == "Hi there"


async def test_a_chunk_of_usage_alone_is_no_error() -> None:
    script = openai_chat("Hi").insert(chat_chunk([]), after=0).insert(chat_chunk([delta(0, {})]), after=1)
    async with ModelServer(script) as server:
        assert (await answer_of(agent_for(CHAT, server))).text == "Hi"


bodies: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(PAGE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "detail", "errors", "type", "loc", "metadata", "raw"]), inner
        )
    ),
    max_leaves=12,
)


@examples(500)
@given(bodies, st.none() | st.integers(400, 599))
def test_law_any_body_is_an_error_with_some_words(body: object, status: int | None) -> None:
    said = said_in(body)
    assert issubclass(class_of(said, status), LanguageModelError)
    error = error_of_body(body)
    assert str(error)
    assert len(str(error)) <= 1001
    assert "<html" not in str(error).lower()

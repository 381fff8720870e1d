"""What goes wrong between client and server, and what the vendors' own clients make of it: the facts to build on."""

import asyncio
import json
from typing import Final

import anthropic
import httpx2
import openai
import pytest

from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.anthropic.answering import anthropic_error_event, anthropic_messages
from tests.ext.llm.clients import anthropic_client, outcome_of
from tests.ext.llm.model_server import ModelServer, unreachable_url
from tests.ext.llm.openai.answering_chat import chat_error, openai_chat
from tests.ext.llm.protocols import Reply
from tests.ext.llm.replies import (
    CHAT,
    MESSAGES,
    RESPONSES,
    Saying,
    empty_body,
    http_error,
    malformed_body,
    malformed_event,
    script_for,
    wrong_content_type,
)

SAID: Final = answer("Hello there, you", reasoning="Hmm", tool_calls=[tool_call("weather", {"city": "Paris"})])
each_path = pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
streamed_or_not = pytest.mark.parametrize("stream", [False, True])


def first_pieces(path: str) -> int:
    """How many pieces the client gives of the first four events: Anthropic's keeps the ping for itself."""
    return 3 if path == MESSAGES else 4


@each_path
@streamed_or_not
@pytest.mark.parametrize(
    ("status", "of_openai", "of_anthropic"),
    [
        (400, openai.BadRequestError, anthropic.BadRequestError),
        (401, openai.AuthenticationError, anthropic.AuthenticationError),
        (403, openai.PermissionDeniedError, anthropic.PermissionDeniedError),
        (404, openai.NotFoundError, anthropic.NotFoundError),
        (408, openai.APIStatusError, anthropic.RequestTimeoutError),
        (409, openai.ConflictError, anthropic.ConflictError),
        (413, openai.APIStatusError, anthropic.ContentTooLargeError),
        (422, openai.UnprocessableEntityError, anthropic.UnprocessableEntityError),
        (429, openai.RateLimitError, anthropic.RateLimitError),
        (500, openai.InternalServerError, anthropic.InternalServerError),
        (503, openai.InternalServerError, anthropic.ServiceUnavailableError),
        (529, openai.InternalServerError, anthropic.OverloadedError),
    ],
)
async def test_an_error_status(path: str, stream: bool, status: int, of_openai: type, of_anthropic: type) -> None:
    async with ModelServer(http_error(status, message="Because.", retry_after=1.5)) as server:
        pieces, error = await outcome_of(server, path, stream=stream)
    assert pieces == []
    assert type(error) is (of_anthropic if path == MESSAGES else of_openai)
    assert isinstance(error, openai.APIStatusError | anthropic.APIStatusError)
    assert (error.status_code, error.request_id, error.response.headers["retry-after"]) == (status, "req_mock", "1.5")
    assert "Because." in str(error)


@pytest.mark.parametrize(
    ("status", "of_openai", "of_anthropic"),
    [
        (401, ("invalid_request_error", "invalid_api_key"), "authentication_error"),
        (429, ("requests", "rate_limit_exceeded"), "rate_limit_error"),
        (529, ("server_error", None), "overloaded_error"),
    ],
)
async def test_the_type_of_an_error(status: int, of_openai: tuple[str, str | None], of_anthropic: str) -> None:
    async with ModelServer(http_error(status), http_error(status)) as server:
        _, chat_failed = await outcome_of(server, CHAT, stream=True)
        _, message_failed = await outcome_of(server, MESSAGES, stream=True)
    assert isinstance(chat_failed, openai.APIStatusError)
    assert isinstance(message_failed, anthropic.APIStatusError)
    assert (chat_failed.type, chat_failed.code) == of_openai
    assert message_failed.type == of_anthropic


# --- connections ---


@each_path
@pytest.mark.parametrize("fault", ["cut", "reset"])
async def test_a_connection_lost_in_mid_stream(path: str, fault: str) -> None:
    """OpenAI's client has an error of its own for it, Anthropic's lets that of the transport through."""
    script = script_for(path, SAID)
    async with ModelServer(script.cut(after=4) if fault == "cut" else script.reset(after=4)) as server:
        pieces, error = await outcome_of(server, path, stream=True)
    assert len(pieces) == first_pieces(path)
    cause = error if path == MESSAGES else getattr(error, "__cause__", None)
    assert type(cause) is (httpx2.RemoteProtocolError if fault == "cut" else httpx2.ReadError)
    assert path == MESSAGES or type(error) is openai.APIConnectionError


@each_path
@streamed_or_not
@pytest.mark.parametrize("fault", ["cut", "reset"])
async def test_a_connection_lost_before_the_head(path: str, stream: bool, fault: str) -> None:
    script = script_for(path, SAID)
    async with ModelServer(script.cut(after=None) if fault == "cut" else script.reset(after=None)) as server:
        pieces, error = await outcome_of(server, path, stream=stream)
    assert pieces == []
    assert type(error) is (anthropic.APIConnectionError if path == MESSAGES else openai.APIConnectionError)


@each_path
@pytest.mark.parametrize("fault", ["cut", "reset"])
async def test_a_connection_lost_in_a_plain_body(path: str, fault: str) -> None:
    script = script_for(path, SAID)
    async with ModelServer(script.cut(after=0) if fault == "cut" else script.reset(after=0)) as server:
        _, error = await outcome_of(server, path, stream=False)
    assert type(error) is (anthropic.APIConnectionError if path == MESSAGES else openai.APIConnectionError)


async def test_a_port_where_nobody_listens() -> None:
    async with openai.AsyncOpenAI(api_key="x", base_url=unreachable_url(), max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError):
            await client.models.list()
    async with anthropic.AsyncAnthropic(api_key="x", base_url=unreachable_url(), max_retries=0) as other:
        with pytest.raises(anthropic.APIConnectionError):
            await other.models.list()


# --- time ---


@pytest.mark.virtual_clock
@each_path
async def test_silence_in_mid_stream(path: str) -> None:
    async with ModelServer(script_for(path, SAID).stall(after=4)) as server:
        pieces, error = await outcome_of(server, path, stream=True, read_timeout=30)
        await server.until_client_gone()
    assert len(pieces) == first_pieces(path)
    assert type(error) is (httpx2.ReadTimeout if path == MESSAGES else openai.APITimeoutError)
    assert asyncio.get_running_loop().time() == pytest.approx(30, abs=1)


@pytest.mark.virtual_clock
@each_path
@streamed_or_not
async def test_silence_before_the_head(path: str, stream: bool) -> None:
    async with ModelServer(script_for(path, SAID).stall(after=None)) as server:
        pieces, error = await outcome_of(server, path, stream=stream, read_timeout=30)
        await server.until_client_gone()
    assert pieces == []
    assert type(error) is (anthropic.APITimeoutError if path == MESSAGES else openai.APITimeoutError)


@pytest.mark.virtual_clock
@each_path
@streamed_or_not
async def test_slow_is_not_silent(path: str, stream: bool) -> None:
    """The timeout is for each read, not for the whole."""
    script = script_for(path, SAID)
    async with ModelServer(script.slow(20)) as server:
        pieces, error = await outcome_of(server, path, stream=stream, read_timeout=30)
    assert error is None
    assert pieces
    assert asyncio.get_running_loop().time() >= 20 * len(pieces)


@pytest.mark.virtual_clock
@each_path
@pytest.mark.parametrize("status", [408, 409, 429, 500, 529])
async def test_clients_try_again_after_the_delay_they_are_told(path: str, status: int) -> None:
    async with ModelServer(http_error(status, retry_after=45), Saying(SAID)) as server:
        pieces, error = await outcome_of(server, path, stream=True, max_retries=1)
    assert error is None
    assert pieces
    assert [request.headers["x-stainless-retry-count"] for request in server.requests] == ["0", "1"]
    assert asyncio.get_running_loop().time() == pytest.approx(45, abs=1)


@pytest.mark.virtual_clock
@each_path
async def test_clients_differ_in_the_delay_that_is_too_long_for_them(path: str) -> None:
    async with ModelServer(http_error(429, retry_after=121), by=lambda _: Saying(SAID)) as server:
        _, error = await outcome_of(server, path, stream=True, max_retries=1)
    assert error is None if path == MESSAGES else type(error) is openai.RateLimitError
    assert len(server.requests) == (2 if path == MESSAGES else 1)


@each_path
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_clients_do_not_try_again_what_cannot_work(path: str, status: int) -> None:
    async with ModelServer(http_error(status)) as server:
        _, error = await outcome_of(server, path, stream=True, max_retries=3)
    assert error is not None
    assert len(server.requests) == 1


# --- bodies ---


@each_path
async def test_a_stream_that_ends_too_early_ends_in_silence(path: str) -> None:
    async with ModelServer(script_for(path, SAID).truncate(after=4)) as server:
        pieces, error = await outcome_of(server, path, stream=True)
    assert len(pieces) == first_pieces(path)
    assert error is None


@each_path
@pytest.mark.parametrize("fault", ["truncated", "malformed", "empty"])
async def test_a_plain_body_that_is_no_json(path: str, fault: str) -> None:
    script = script_for(path, SAID)
    replies: dict[str, Reply] = {
        "truncated": script.truncate(after=0),
        "malformed": malformed_body(),
        "empty": empty_body(),
    }
    async with ModelServer(replies[fault]) as server:
        _, error = await outcome_of(server, path, stream=False)
    assert type(error) is json.JSONDecodeError


@each_path
async def test_an_event_that_is_no_json(path: str) -> None:
    async with ModelServer(malformed_event()) as server:
        pieces, error = await outcome_of(server, path, stream=True)
    assert (pieces, type(error)) == ([], json.JSONDecodeError)


@each_path
@pytest.mark.parametrize("reply", [malformed_body(), wrong_content_type(), empty_body()])
async def test_a_body_without_events_is_an_empty_stream(path: str, reply: Reply) -> None:
    async with ModelServer(reply) as server:
        assert await outcome_of(server, path, stream=True) == ([], None)


async def test_the_helper_of_anthropic_fails_on_an_empty_stream() -> None:
    async with (
        ModelServer(empty_body()) as server,
        anthropic_client(server) as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]) as stream,
    ):
        with pytest.raises(AssertionError):
            await stream.get_final_message()


@each_path
async def test_a_page_for_people_is_a_string(path: str) -> None:
    async with ModelServer(wrong_content_type("<html></html>")) as server:
        assert await outcome_of(server, path, stream=False) == (["<html></html>"], None)


# --- errors as events ---


async def test_an_error_in_mid_stream_of_a_chat() -> None:
    script = openai_chat("Hello there, you").fail(chat_error("server_error", "It broke.", code="broken"), after=3)
    async with ModelServer(script) as server:
        pieces, error = await outcome_of(server, CHAT, stream=True)
    assert len(pieces) == 3
    assert type(error) is openai.APIError
    assert (error.message, error.type, error.code) == ("It broke.", "server_error", "broken")


async def test_an_error_in_mid_stream_of_a_message() -> None:
    script = anthropic_messages("Hello there, you").fail(
        anthropic_error_event("overloaded_error", "Too much."), after=4
    )
    async with ModelServer(script) as server:
        pieces, error = await outcome_of(server, MESSAGES, stream=True)
    assert len(pieces) == 3
    assert type(error) is anthropic.APIStatusError
    assert (error.status_code, error.type, error.api_message) == (200, "overloaded_error", "Too much.")


# --- keys ---


async def test_a_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(openai.OpenAIError, match="OPENAI_API_KEY"):
        openai.AsyncOpenAI()
    async with ModelServer() as server, anthropic.AsyncAnthropic(base_url=server.anthropic_url) as client:
        with pytest.raises(TypeError, match="authentication"):
            await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
    assert server.connections_made == 0

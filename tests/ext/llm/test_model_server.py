"""The server of the tests itself: what it answers, counts, waits for, and what it does not let pass."""

import asyncio
import json
from typing import Final

import h11
import httpx2
import openai
import pytest

from tests.ext.llm.answers import answer
from tests.ext.llm.anthropic.answering import anthropic_messages
from tests.ext.llm.clients import anthropic_client, openai_client, outcome_of
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat
from tests.ext.llm.protocols import Chunk, Request, Response, Script
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying, http_error

HI: Final = answer("Hi there")
each_path = pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
streamed_or_not = pytest.mark.parametrize("stream", [False, True])


# --- requests ---


async def test_requests_are_kept_as_they_came() -> None:
    async with ModelServer(openai_chat("Hello!")) as server, openai_client(server) as client:
        await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Grüße"}], extra_body={"mine": [1, None]}
        )
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-of-the-tests"
    assert request.body == {"model": "m", "messages": [{"role": "user", "content": "Grüße"}], "mine": [1, None]}
    assert json.loads(request.content) == request.body


async def test_anthropic_asks_at_its_own_path_with_its_version() -> None:
    async with ModelServer(anthropic_messages("Hello!")) as server, anthropic_client(server) as client:
        await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
    assert server.requests[0].path == "/v1/messages"
    assert server.requests[0].headers["authorization"] == "Bearer sk-of-the-tests"
    assert "anthropic-version" in server.requests[0].headers


@each_path
@streamed_or_not
async def test_one_description_is_said_in_every_protocol(path: str, stream: bool) -> None:
    async with ModelServer(Saying(answer("Marvellous"))) as server:
        pieces, error = await outcome_of(server, path, stream=stream)
    assert error is None
    assert "Marvellous" in repr(pieces)
    assert server.requests[0].path == path


async def test_replies_come_in_their_order_and_then_from_a_function() -> None:
    def echo(request: Request) -> Script:
        return openai_chat(f"You said {request.body['messages'][-1]['content']}")

    async with ModelServer(openai_chat("One"), openai_chat("Two"), by=echo) as server, openai_client(server) as client:
        said = [
            (await client.chat.completions.create(model="m", messages=[{"role": "user", "content": str(number)}]))
            .choices[0]
            .message.content
            for number in range(4)
        ]
    assert said == ["One", "Two", "You said 2", "You said 3"]


# --- connections ---


@each_path
@streamed_or_not
async def test_a_client_uses_its_connection_again(path: str, stream: bool) -> None:
    async with ModelServer(by=lambda _: Saying(HI)) as server, httpx2.AsyncClient() as client:
        for _ in range(3):
            body = {"stream": stream}
            assert (await client.post(server.url + path, json=body)).status_code == 200
        assert (server.connections_made, server.open_connections, server.clients_gone) == (1, 1, 0)
    assert (server.open_connections, server.clients_gone) == (0, 0)


async def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    async with ModelServer(by=lambda _: Saying(HI)) as server, httpx2.AsyncClient() as client:
        await asyncio.gather(*(client.post(server.url + CHAT, json={"stream": True}) for _ in range(5)))
        assert server.connections_made == 5
        assert len(server.requests) == 5


@each_path
@streamed_or_not
async def test_no_client_goes_early_that_reads_to_the_end(path: str, stream: bool) -> None:
    async with ModelServer(Saying(HI)) as server:
        assert (await outcome_of(server, path, stream=stream))[1] is None
        await server.until_all_closed()
        assert (server.connections_made, server.clients_gone) == (1, 0)


async def test_a_client_that_goes_in_mid_stream_is_noticed() -> None:
    async with ModelServer(openai_chat("Hello there, you").stall(after=2)) as server:
        client = openai_client(server)
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        async for _ in stream:
            break
        assert server.clients_gone == 0
        await stream.close()
        await server.until_client_gone()
        assert server.open_connections == 0
        await client.close()


@each_path
@streamed_or_not
@pytest.mark.parametrize("after", [None, 3])
async def test_a_cancelled_client_is_noticed(path: str, stream: bool, after: int | None) -> None:
    async with ModelServer(Saying(HI, change=lambda script: script.stall(after=after))) as server:
        asking = asyncio.create_task(outcome_of(server, path, stream=stream))
        await server.until_stalled()
        asking.cancel()
        await server.until_client_gone()
        assert (server.open_connections, server.stalled) == (0, 0)
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_a_client_that_does_not_read_holds_the_server_up() -> None:
    """So it can go in mid-stream however small the memory of a socket is."""
    megabyte = Chunk(b"x" * 2**20)
    async with ModelServer(Response((megabyte,) * 64)) as server, httpx2.AsyncClient() as client:
        async with client.stream("POST", server.url + CHAT) as response:
            pieces = response.aiter_bytes()
            assert await anext(pieces)
            for _ in range(1000):
                await asyncio.sleep(0)
            assert server.clients_gone == 0
        await server.until_client_gone()


# --- waits ---


@each_path
@streamed_or_not
@pytest.mark.parametrize("after", [None, 0, 3])
async def test_a_stalled_response_goes_on_when_it_is_released(path: str, stream: bool, after: int | None) -> None:
    async with ModelServer(Saying(HI, change=lambda script: script.stall(after=after)), Saying(HI)) as server:
        asking = asyncio.create_task(outcome_of(server, path, stream=stream))
        await server.until_stalled()
        assert not asking.done()
        server.release()
        pieces, error = await asking
        assert error is None
        assert repr(pieces) == repr((await outcome_of(server, path, stream=stream))[0])


async def test_a_stream_step_by_step() -> None:
    """Each event is there before the next one is sent."""
    seen: list[str] = []
    async with ModelServer(openai_chat("a b c").stepwise()) as server, openai_client(server) as client:

        async def read() -> None:
            async for chunk in await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
            ):
                seen.extend(choice.delta.content or "" for choice in chunk.choices)

        reading = asyncio.create_task(read())
        for expected in ([], [""], ["", "a"], ["", "a", " b"], ["", "a", " b", " c"], ["", "a", " b", " c", ""]):
            await server.until_stalled()
            while len(seen) < len(expected):
                await asyncio.sleep(0)
            assert seen == expected
            server.release()
        await reading


# --- what does not pass ---


async def test_a_request_without_a_reply_fails_the_test() -> None:
    server = ModelServer(Saying(HI))
    with pytest.raises(AssertionError, match="no reply is left for request 2"):
        async with server:
            await outcome_of(server, CHAT, stream=True)
            _, error = await outcome_of(server, CHAT, stream=True, max_retries=5)
            assert isinstance(error, openai.BadRequestError)
    assert len(server.requests) == 2


async def test_a_reply_that_nobody_asked_for_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="1 replies were not asked for"):
        async with ModelServer(Saying(HI), http_error(500)) as server:
            await outcome_of(server, CHAT, stream=True)


@pytest.mark.virtual_clock
async def test_a_connection_left_open_fails_the_test() -> None:
    async with httpx2.AsyncClient() as client:
        with pytest.raises(AssertionError, match=r"left connections open, which were for \['/v1/messages'\]"):
            async with ModelServer(Saying(HI)) as server:
                await client.post(server.url + MESSAGES, json={})


async def test_a_connection_may_be_left_open_where_the_test_says_so() -> None:
    async with httpx2.AsyncClient() as client:
        async with ModelServer(Saying(HI), may_stay_open=True) as server:
            await client.post(server.url + MESSAGES, json={})
        assert server.open_connections == 0


async def test_what_a_function_raises_is_raised_in_the_test() -> None:
    def broken(request: Request) -> Script:
        raise LookupError("a bug in the test")

    with pytest.raises(LookupError, match="a bug in the test"):
        async with ModelServer(by=broken) as server:
            await outcome_of(server, CHAT, stream=True)


async def test_a_response_that_cannot_be_sent_fails_the_test() -> None:
    with pytest.raises(h11.LocalProtocolError, match="Content-Length"):
        async with ModelServer(Response((Chunk(b"too long"),), length=1)) as server:
            _, error = await outcome_of(server, CHAT, stream=False)
            assert isinstance(error, openai.APIConnectionError)


async def test_the_error_of_the_test_is_not_hidden_by_those_of_the_server() -> None:
    with pytest.raises(LookupError) as caught:
        async with ModelServer(Saying(HI)) as server, httpx2.AsyncClient() as client:
            await client.post(server.url + "/v1/nothing")
            raise LookupError
    assert caught.value.__notes__ == ["in the server: AssertionError('no model answers at /v1/nothing')"]

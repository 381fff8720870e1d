"""No frame of a raised error holds a key: neither by `repr`, nor by a walk over attributes, nor in a chained error."""

import asyncio
from collections.abc import Callable
from functools import partial
from traceback import walk_tb
from typing import Any, Final

import httpx2
import openai
import pytest
from typing_extensions import override

from miniagents import MiniAgents, NoActiveContextError, PromiseCancelledError, tool
from miniagents.ext.llm import (
    LanguageModelError,
    ModelConnectionError,
    ModelSetupError,
    TooManyTurnsError,
    create_anthropic_agent,
    create_openai_agent,
    create_openai_embedding_agent,
)
from miniagents.ext.llm._secrets import Hidden
from tests.ext.llm.agents import ModelAgent, each_path, streamed_or_not
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.anthropic.answering import anthropic_error_event
from tests.ext.llm.frames import errors_of, places_of
from tests.ext.llm.model_server import ModelServer, unreachable_url
from tests.ext.llm.openai.answering_chat import chat_error
from tests.ext.llm.openai.answering_responses import responses_error
from tests.ext.llm.protocols import Reply, Response
from tests.ext.llm.replies import (
    CHAT,
    MESSAGES,
    RESPONSES,
    empty_body,
    http_error,
    malformed_body,
    malformed_event,
    script_for,
    wrong_content_type,
)

KEY: Final = "sk-planted-4f9a"
HEADERS: Final = {"Authorization": f"Bearer {KEY}", "X-Auth-Token": KEY}
SAID: Final = answer("one two three four", tool_calls=[tool_call("weather", {"city": "Paris"})])
ERROR_EVENTS: Final = {
    CHAT: chat_error("sorry", f"Sorry, {KEY}", code=KEY),
    RESPONSES: responses_error("server_error", f"Sorry, {KEY}"),
    MESSAGES: anthropic_error_event("api_error", f"Sorry, {KEY}"),
}


def keyed_agent(path: str, url: str, **options: Any) -> ModelAgent:  # any options of the agent
    """Return an agent with a client of the library, which has the key wherever it can be given."""
    settings: Any = {"api_key": KEY, "max_retries": 0, "default_headers": {"X-Api-Token": KEY}, **options}
    make: Any = create_anthropic_agent if path == MESSAGES else create_openai_agent
    if path != MESSAGES:
        settings["api"] = "responses" if path == RESPONSES else "chat_completions"
    settings.setdefault("base_url", url if path == MESSAGES else f"{url}/v1")
    agent: ModelAgent = make("m", **settings)
    return agent


def assert_hides_the_key(error: BaseException) -> None:
    assert error.__traceback__ is not None
    assert not places_of(KEY, error)


async def error_of(agent: ModelAgent, **options: Any) -> BaseException:  # any options of the agent
    async with MiniAgents():
        with pytest.raises(LanguageModelError) as caught:
            await agent.inquire("Hi", **options)
    return caught.value


REPLIES: Final[dict[str, Reply]] = {
    "wrong key": http_error(401, message=f"Incorrect API key provided: {KEY}"),
    "rate limit": http_error(429, message=f"Slow down, {KEY}"),
    "bad request": http_error(400, message=f"{KEY} may not"),
    "overloaded": http_error(529, message=KEY),
    "redirect": Response(status=307, headers=(("location", f"http://localhost:1/{KEY}"),), length=0),
    "wrong body": wrong_content_type(f"<html>{KEY}</html>"),
    "no body": empty_body(),
    "half a body": malformed_body(f'{{"id": "{KEY}'),
    "half an event": malformed_event(f'{{"id": "{KEY}'),
    "no object": malformed_body(f'["{KEY}"]'),
}


@each_path
@streamed_or_not
@pytest.mark.parametrize("reply", REPLIES)
async def test_an_error_of_a_server_that_repeats_the_key(path: str, stream: bool, reply: str) -> None:
    async with ModelServer(REPLIES[reply]) as server:
        error = await error_of(keyed_agent(path, server.url, stream=stream), extra_headers=HEADERS)
        assert KEY in str(server.requests[0].headers)
    assert_hides_the_key(error)


@each_path
@pytest.mark.parametrize("ending", ["cut", "reset", "truncate", "error event"])
async def test_a_broken_stream(path: str, ending: str) -> None:
    script = script_for(path, SAID)
    broken = {
        "cut": lambda: script.cut(after=5),
        "reset": lambda: script.reset(after=5),
        "truncate": lambda: script.truncate(after=5),
        "error event": lambda: script.insert(ERROR_EVENTS[path], after=5),
    }[ending]()
    async with ModelServer(broken) as server:
        assert_hides_the_key(await error_of(keyed_agent(path, server.url, extra_headers=HEADERS)))


@pytest.mark.virtual_clock
@each_path
async def test_a_timeout(path: str) -> None:
    for after in (None, 5):
        async with ModelServer(script_for(path, SAID).stall(after=after)) as server:
            assert_hides_the_key(await error_of(keyed_agent(path, server.url, timeout=0.05)))


@pytest.mark.virtual_clock
@each_path
async def test_an_agent_that_takes_too_long(path: str) -> None:
    for after in (None, 5):
        async with ModelServer(script_for(path, SAID).stall(after=after)) as server, MiniAgents():
            replies = keyed_agent(path, server.url, extra_headers=HEADERS).with_timeout(0.05).inquire("Hi")
            with pytest.raises(TimeoutError) as caught:
                await replies
            assert_hides_the_key(caught.value)
            await server.until_client_gone()


@each_path
async def test_no_server(path: str) -> None:
    error = await error_of(keyed_agent(path, unreachable_url().removesuffix("/v1"), max_retries=1))
    assert isinstance(error, ModelConnectionError)
    assert_hides_the_key(error)


@each_path
async def test_retries_that_are_exhausted(path: str) -> None:
    async with ModelServer(by=lambda _: http_error(500, message=KEY, retry_after=0.001)) as server:
        agent = keyed_agent(path, server.url, max_retries=1).with_retry(attempts=2, errors=LanguageModelError)
        assert_hides_the_key(await error_of(agent, extra_headers=HEADERS))
        assert len(server.requests) == 4


@each_path
@pytest.mark.parametrize("after", [None, 5])
async def test_a_cancelled_answer(path: str, after: int | None) -> None:
    async with ModelServer(script_for(path, SAID).stall(after=after)) as server, MiniAgents():
        replies = keyed_agent(path, server.url, extra_headers=HEADERS).inquire("Hi")
        promise = await anext(aiter(replies))
        await server.until_stalled()
        promise.cancel()
        await server.until_client_gone()
        with pytest.raises(PromiseCancelledError) as caught:
            await promise
        assert_hides_the_key(caught.value)


class _Cancelled(httpx2.AsyncBaseTransport):
    """Raises a cancellation that nobody asked for, as a request does whose connection another task has cancelled."""

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise asyncio.CancelledError(request.method)


@pytest.mark.parametrize("make", [create_openai_agent, create_openai_embedding_agent])
async def test_a_cancellation_inside_of_the_sdk(make: Callable[..., ModelAgent]) -> None:
    """The error of the readers is chained to it: the chain has no frame of the SDK."""
    http_client = openai.DefaultAsyncHttpx2Client(transport=_Cancelled())
    async with openai.AsyncOpenAI(api_key=KEY, http_client=http_client) as client, MiniAgents():
        with pytest.raises(PromiseCancelledError) as caught:
            await make("m", client=client).inquire("Hi")
    errors = errors_of(caught.value)
    assert asyncio.CancelledError in map(type, errors)
    assert_hides_the_key(caught.value)
    for error in errors:
        names = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
        assert not [name for name in names if "site-packages" in name]


@each_path
async def test_a_context_that_is_left_by_an_error(path: str) -> None:
    async with ModelServer(script_for(path, SAID).stall(after=5)) as server:
        context = MiniAgents()
        await context.__aenter__()
        promise = keyed_agent(path, server.url, extra_headers=HEADERS).inquire("Hi").only()
        await server.until_stalled()
        await context.__aexit__(ZeroDivisionError, ZeroDivisionError(), None)
        await server.until_client_gone()
        with pytest.raises(PromiseCancelledError) as caught:
            await promise
        assert_hides_the_key(caught.value)


async def test_embeddings() -> None:
    for reply in (http_error(401, message=KEY), malformed_body(KEY)):
        async with ModelServer(reply) as server, MiniAgents():
            agent = create_openai_embedding_agent(
                "m", api_key=KEY, base_url=server.openai_url, max_retries=0, default_headers=HEADERS
            )
            with pytest.raises(LanguageModelError) as caught:
                await agent.inquire("Hi")
            assert_hides_the_key(caught.value)
    async with ModelServer(script_for(CHAT, SAID).stall(after=None)) as server, MiniAgents():
        agent = create_openai_embedding_agent("m", api_key=KEY, base_url=server.openai_url)
        replies = agent.inquire("Hi")
        await server.until_stalled()
        replies.cancel()
        await server.until_client_gone()
        with pytest.raises(PromiseCancelledError) as cancelled:
            await replies
        assert_hides_the_key(cancelled.value)


# --- errors of the library, before and between requests ---


def raised_by(function: Callable[[], object], *classes: type[Exception]) -> Exception:
    with pytest.raises(classes) as caught:
        function()
    return caught.value


@each_path
async def test_wrong_options(path: str) -> None:
    url = "http://localhost:1"
    assert_hides_the_key(raised_by(lambda: keyed_agent(path, url, extra_headers=HEADERS, temprature=1), TypeError))
    assert_hides_the_key(raised_by(lambda: keyed_agent(path, url, extra_headers=HEADERS, tools=[3]), TypeError))
    assert_hides_the_key(raised_by(lambda: keyed_agent(path, url, max_turns=0), ValueError))
    client = openai.AsyncOpenAI(api_key=KEY)
    assert_hides_the_key(raised_by(lambda: keyed_agent(path, url, client=client), TypeError))
    agent = keyed_agent(path, url)
    assert_hides_the_key(raised_by(lambda: agent.bound(extra_headers=HEADERS, temprature=1), TypeError))
    async with MiniAgents():
        assert_hides_the_key(raised_by(lambda: agent.inquire("Hi", extra_headers=HEADERS, temprature=1), TypeError))
        bound = agent.bound(extra_headers=HEADERS)
        assert KEY not in repr(bound)
        with pytest.raises(ValueError, match="nothing to answer") as caught:
            await bound.inquire([])
        assert_hides_the_key(caught.value)
    assert_hides_the_key(raised_by(lambda: bound.inquire("Hi"), NoActiveContextError))


@each_path
@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": f"{KEY}\n"},
        {"api_key": f"{KEY}é"},
        {"api_key": f"{KEY}\x00 and more"},
        {"default_headers": {"X-Key": f"{KEY}\x00"}},
    ],
)
async def test_settings_that_are_refused(path: str, settings: dict[str, str]) -> None:
    async with ModelServer(by=lambda _: http_error(401)) as server:
        own = {"api_key": KEY, "max_retries": 0, "base_url": f"{server.url}/v1"} | settings
        make: Any = create_anthropic_agent if path == MESSAGES else create_openai_agent
        assert_hides_the_key(await error_of(make("m", **own)))


@each_path
@pytest.mark.parametrize(
    "address",
    [
        f"http://[{KEY}",
        f"http://ada:{KEY}@localhost:nothing",
        f"ada:{KEY}@localhost/v1",
        f"http://ada:{KEY}@localhost/v1/chat/completions",
        f"http://localhost/v1?key={KEY} ",
        KEY.encode(),
    ],
)
def test_addresses_that_are_refused_where_they_are_given(path: str, address: object) -> None:
    given = Hidden(address)
    make = partial(keyed_agent, path, "http://localhost:1")
    assert_hides_the_key(raised_by(lambda: make(base_url=given.reveal()), ValueError, TypeError))


@each_path
@pytest.mark.parametrize("address", [f"ada:{KEY}@localhost/v1", f"http://ada:{KEY}@localhost/v1/chat/completions"])
async def test_addresses_of_the_environment_that_are_refused(
    path: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, address)
    make: Any = create_anthropic_agent if path == MESSAGES else create_openai_agent  # Any: of any model
    error = await error_of(make("m", api_key=KEY))
    assert isinstance(error, ModelSetupError)
    assert "base_url, or the variable of the environment for it: " in str(error)
    assert_hides_the_key(error)


async def test_a_client_that_the_user_makes() -> None:
    async with ModelServer(by=lambda _: http_error(401, message=KEY)) as server:
        make = partial(openai.AsyncOpenAI, api_key=KEY, base_url=server.openai_url, max_retries=0)
        async with make() as client:
            for given in (client, make):
                agent = create_openai_agent("m", client=given)
                assert_hides_the_key(await error_of(agent))


class _Stuck(httpx2.AsyncBaseTransport):
    """Neither connects nor closes."""

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("stuck", request=request)

    @override
    async def aclose(self) -> None:
        raise OSError("stuck")


async def test_a_client_that_cannot_be_closed(caplog: pytest.LogCaptureFixture) -> None:
    http_client = openai.DefaultAsyncHttpx2Client(transport=_Stuck())
    async with MiniAgents():
        with pytest.raises(ModelConnectionError):
            await create_openai_agent(
                "m", client=lambda: openai.AsyncOpenAI(api_key=KEY, http_client=http_client, max_retries=0)
            ).inquire("Hi")
    (record,) = [each for each in caplog.records if each.exc_info]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], OSError)
    assert_hides_the_key(record.exc_info[1])


async def test_a_client_that_the_context_shares() -> None:
    """The context is a variable of many frames, and has the clients."""
    async with ModelServer(script_for(CHAT, SAID)) as server, MiniAgents() as context:
        await keyed_agent(CHAT, server.url).inquire("Hi")

        def fail() -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError) as caught:
            context.shared("other", fail, lambda _: asyncio.sleep(0))
        assert_hides_the_key(caught.value)


@each_path
async def test_too_many_turns(path: str) -> None:
    @tool
    def weather(city: str) -> str:
        """Tell the weather."""
        return city

    async with ModelServer(by=lambda _: script_for(path, SAID)) as server:
        agent = keyed_agent(path, server.url, tools=[weather])
        error = await error_of(agent, extra_headers=HEADERS, max_turns=2)
    assert isinstance(error, TooManyTurnsError)
    assert_hides_the_key(error)

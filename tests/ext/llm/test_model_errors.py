"""What goes wrong with a model is a typed error with what had arrived; nothing hangs and no connection is left."""

import asyncio
import gc
import pickle
from typing import Final

import pytest

from miniagents import EndLoop, MessagePromise, MiniAgents, PromiseCancelledError
from miniagents.ext.llm import (
    AuthenticationError,
    ContentFilterError,
    ContextTooLongError,
    LanguageModelError,
    ModelConnectionError,
    ModelTimeoutError,
    OverloadedError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestRefusedError,
    TransientModelError,
    TruncatedError,
    create_openai_agent,
)
from tests.ext.llm.agents import ModelAgent, agent_for, answer_of, asked, each_path, streamed_or_not
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.anthropic.answering import anthropic_error_event, anthropic_messages
from tests.ext.llm.clients import openai_client
from tests.ext.llm.model_server import ModelServer, unreachable_url
from tests.ext.llm.openai.answering_chat import chat_error, openai_chat
from tests.ext.llm.openai.answering_responses import openai_responses, response_failed, responses_error
from tests.ext.llm.protocols import Event, Reply
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

SAID: Final = answer("one two three four", tool_calls=[tool_call("weather", {"city": "Paris"})])
BEFORE: Final = {CHAT: 4, RESPONSES: 7, MESSAGES: 6}
"""How many events there are before the fourth token."""


async def error_of(path: str, reply: Reply, *, stream: bool = True) -> LanguageModelError:
    async with ModelServer(reply) as server:
        with pytest.raises(LanguageModelError) as caught:
            await answer_of(agent_for(path, server, stream=stream))
    assert caught.value.provider == ("Anthropic" if path == MESSAGES else "OpenAI")
    assert caught.value.model == ("claude-test" if path == MESSAGES else "gpt-test")
    return caught.value


# --- refused before anything came ---

BY_STATUS: Final[list[tuple[int, type[LanguageModelError]]]] = [
    (400, RequestRefusedError),
    (401, AuthenticationError),
    (403, AuthenticationError),
    (404, RequestRefusedError),
    (408, ModelTimeoutError),
    (409, TransientModelError),
    (413, ContextTooLongError),
    (422, RequestRefusedError),
    (429, RateLimitError),
    (500, ProviderError),
    (503, OverloadedError),
    (529, OverloadedError),
]


@each_path
@streamed_or_not
@pytest.mark.parametrize(("status", "cls"), BY_STATUS)
async def test_a_status_is_an_error_of_its_own(
    path: str, stream: bool, status: int, cls: type[LanguageModelError]
) -> None:
    reply = http_error(status, retry_after=1.5)
    if status in (503, 529) and path != MESSAGES:
        reply = http_error(status, "overloaded", retry_after=1.5)  # what the code says goes before the status
    if status == 503 and path == MESSAGES:
        reply = http_error(status, "overloaded_error", retry_after=1.5)
    error = await error_of(path, reply, stream=stream)
    assert type(error) is cls
    assert (error.status, error.retry_after, error.partial) == (status, 1.5, None)
    assert error.request_id == "req_mock"
    assert f"(HTTP {status}): The server says no." in str(error)


@each_path
async def test_codes_say_more_than_statuses(path: str) -> None:
    too_long = http_error(400, message="prompt is too long: 300000 tokens > 200000 maximum")
    assert type(await error_of(path, too_long)) is ContextTooLongError


@pytest.mark.parametrize(
    ("status", "code", "cls"),
    [
        (400, "context_length_exceeded", ContextTooLongError),
        (400, "content_policy_violation", ContentFilterError),
        (429, "insufficient_quota", QuotaExceededError),
    ],
)
async def test_codes_of_openai(status: int, code: str, cls: type[LanguageModelError]) -> None:
    error = await error_of(CHAT, http_error(status, code=code))
    assert (type(error), error.code) == (cls, code)


async def test_a_date_says_as_well_when_to_come_again() -> None:
    reply = http_error(429, headers=(("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),))
    assert (await error_of(CHAT, reply)).retry_after == 0.0


# --- broken off, failed, or no answer at all ---


@each_path
@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_a_lost_connection_says_what_had_arrived(path: str, ending: str) -> None:
    script = script_for(path, SAID)
    after = BEFORE[path]
    error = await error_of(path, script.cut(after=after) if ending == "cut" else script.reset(after=after))
    assert type(error) is ModelConnectionError
    assert error.partial is not None
    assert error.partial.text in ("one two three", "one two")
    assert error.partial.finish_reason is None
    assert "in the middle of the answer: the connection was lost" in str(error)


@each_path
async def test_a_truncated_stream_is_not_taken_for_an_answer(path: str) -> None:
    error = await error_of(path, script_for(path, SAID).truncate(after=BEFORE[path]))
    assert type(error) is TruncatedError
    assert error.partial is not None
    assert error.partial.text in ("one two three", "one two")


async def test_calls_that_had_arrived_are_in_the_partial_answer() -> None:
    script = openai_chat(tool_calls=[tool_call("weather", ['{"city"', ': "Paris"}'])]).truncate(after=3)
    error = await error_of(CHAT, script)
    assert error.partial is not None
    assert [call.arguments for call in error.partial.tool_calls] == ['{"city"']


@each_path
@streamed_or_not
async def test_what_is_broken_before_anything_came(path: str, stream: bool) -> None:
    script = script_for(path, SAID)
    for broken in (script.cut(after=0), script.reset(after=0)):
        error = await error_of(path, broken, stream=stream)
        assert isinstance(error, ModelConnectionError)
        assert error.partial is None


@each_path
@streamed_or_not
async def test_what_is_no_answer_of_the_protocol(path: str, stream: bool) -> None:
    for reply in (malformed_body(), wrong_content_type(), empty_body()):
        error = await error_of(path, reply, stream=stream)
        assert type(error) is ProtocolError, str(error)
        assert error.partial is None


@each_path
async def test_an_event_that_is_no_json(path: str) -> None:
    assert type(await error_of(path, malformed_event())) is ProtocolError


@each_path
async def test_an_event_that_is_no_object(path: str) -> None:
    error = await error_of(path, script_for(path, SAID).insert(Event("[1, 2]", name="message_start"), after=0))
    assert type(error) is ProtocolError
    assert "no object, but [1, 2]" in str(error)


@pytest.mark.parametrize(
    ("path", "reply", "cls"),
    [
        (CHAT, openai_chat("one two three").fail(chat_error("server_error", "Sorry"), after=3), ProviderError),
        (
            CHAT,
            openai_chat("one two").fail(chat_error("x", "Sorry", code="rate_limit_exceeded"), after=3),
            RateLimitError,
        ),
        (RESPONSES, openai_responses("one two").fail(responses_error("server_error", "Sorry"), after=6), ProviderError),
        (RESPONSES, response_failed("rate_limit_exceeded", "Sorry"), RateLimitError),
        (
            MESSAGES,
            anthropic_messages("one two").fail(anthropic_error_event("overloaded_error", "Sorry"), after=5),
            OverloadedError,
        ),
        (
            MESSAGES,
            anthropic_messages("one two").fail(anthropic_error_event("api_error", "Sorry"), after=5),
            ProviderError,
        ),
    ],
)
async def test_an_error_in_the_stream_is_the_error_it_says(
    path: str, reply: Reply, cls: type[LanguageModelError]
) -> None:
    error = await error_of(path, reply)
    assert type(error) is cls
    assert "Sorry" in str(error)


@streamed_or_not
async def test_a_response_that_failed_is_an_error(stream: bool) -> None:
    assert type(await error_of(RESPONSES, response_failed("server_error", "Sorry"), stream=stream)) is ProviderError


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@streamed_or_not
async def test_an_answer_cut_by_a_filter_is_an_error_with_what_passed(path: str, stream: bool) -> None:
    error = await error_of(path, script_for(path, answer("one two", finish="content_filter")), stream=stream)
    assert type(error) is ContentFilterError
    assert error.partial is not None
    assert error.partial.text == "one two"


async def test_only_the_farewell_was_lost() -> None:
    """The finish reason was there: the answer is complete, whatever happens to the connection after it."""
    async with ModelServer(openai_chat("Hi there").cut(after=4)) as server:
        message = await answer_of(agent_for(CHAT, server))
    assert (message.text, message.finish_reason) == ("Hi there", "stop")


async def test_a_server_that_nobody_finds() -> None:
    agent = create_openai_agent("gpt-test", base_url=f"{unreachable_url()}/v1", api_key="x", max_retries=0)
    with pytest.raises(ModelConnectionError, match="the connection failed"):
        await answer_of(agent)


@pytest.mark.virtual_clock
@each_path
async def test_a_server_that_is_too_slow(path: str) -> None:
    for after in (None, BEFORE[path]):
        async with ModelServer(script_for(path, SAID).stall(after=after)) as server:
            with pytest.raises(ModelTimeoutError) as caught:
                await answer_of(agent_for(path, server, timeout=0.05))
            assert (caught.value.partial is None) == (after is None)
            assert isinstance(caught.value, TimeoutError)


@each_path
@streamed_or_not
async def test_an_answer_that_is_nested_without_end(path: str, stream: bool) -> None:
    deep = "[" * 100_000
    reply = malformed_event(deep) if stream else malformed_body(deep)
    assert type(await error_of(path, reply, stream=stream)) is ProtocolError


# --- cancelled, retried, replaced ---


@each_path
async def test_p7_cancelling_the_promise_closes_the_stream(path: str) -> None:
    async with ModelServer(script_for(path, SAID).stall(after=BEFORE[path])) as server:
        async with asked(agent_for(path, server)) as promise:
            tokens = aiter(promise)
            assert await anext(tokens) == "one"
            await server.until_stalled()
            promise.cancel()
            await server.until_client_gone()
            with pytest.raises(PromiseCancelledError):
                await promise
        assert server.clients_gone == 1


@each_path
async def test_cancelling_before_the_answer_begins_closes_the_connection(path: str) -> None:
    async with ModelServer(script_for(path, SAID).stall(after=None)) as server, MiniAgents():
        replies = agent_for(path, server).inquire("Hi")
        await server.until_stalled()
        replies.cancel()
        await server.until_client_gone()
        with pytest.raises(PromiseCancelledError):
            await replies


@each_path
async def test_p8_leaving_the_context_by_an_error_closes_the_stream(path: str) -> None:
    async with ModelServer(script_for(path, SAID).stall(after=BEFORE[path])) as server:
        with pytest.raises(EndLoop):
            async with asked(agent_for(path, server)):
                await server.until_stalled()
                raise EndLoop
        await server.until_client_gone()


async def tokens_of(promise: MessagePromise) -> list[str]:
    return [token async for token in promise]


@each_path
async def test_a_retry_never_repeats_a_token(path: str) -> None:
    script = script_for(path, answer("one two three"))
    async with ModelServer(http_error(529), script) as server, MiniAgents():
        agent = agent_for(path, server).with_retry(attempts=3, errors=TransientModelError)
        assert await tokens_of(agent.inquire("Hi").only()) == ["one", " two", " three"]
    broken = script.cut(after=BEFORE[path])
    async with ModelServer(broken) as server, MiniAgents():
        agent = agent_for(path, server).with_retry(attempts=3, errors=TransientModelError)
        promise = agent.inquire("Hi").only()
        with pytest.raises(ModelConnectionError):
            await promise
        assert len(server.requests) == 1  # nothing was asked again, for a token had been given


@each_path
async def test_a_stream_that_broke_before_its_first_token_is_asked_again(path: str) -> None:
    script = script_for(path, answer("one two"))
    async with ModelServer(script.truncate(after=1), script) as server, MiniAgents():
        agent = agent_for(path, server).with_retry(attempts=2, errors=TransientModelError)
        assert str(await agent.inquire("Hi").only()) == "one two"


async def test_a_retry_waits_as_long_as_the_server_asks_for() -> None:
    async with ModelServer(http_error(429, retry_after=0.2), openai_chat("Hi")) as server, MiniAgents():
        agent = agent_for(CHAT, server).with_retry(errors=RateLimitError)
        began = asyncio.get_running_loop().time()
        assert str(await agent.inquire("Hi").only()) == "Hi"
        assert asyncio.get_running_loop().time() - began >= 0.2


async def test_another_agent_answers_instead() -> None:
    async with ModelServer(http_error(529), anthropic_messages("from the other")) as server, MiniAgents():
        agent: ModelAgent = agent_for(CHAT, server).with_fallback(
            agent_for(MESSAGES, server), OverloadedError, ProviderError
        )
        assert str(await agent.inquire("Hi").only()) == "from the other"
    async with ModelServer(http_error(401)) as server, MiniAgents():
        agent = agent_for(CHAT, server).with_fallback(agent_for(MESSAGES, server), TransientModelError)
        with pytest.raises(AuthenticationError):
            await agent.inquire("Hi")


@each_path
async def test_no_other_agent_answers_behind_a_token(path: str) -> None:
    """What was read cannot be taken back, and the other agent would begin anew."""
    async with ModelServer(script_for(path, SAID).cut(after=BEFORE[path])) as server, MiniAgents():
        other = agent_for(MESSAGES, server)
        agent: ModelAgent = agent_for(path, server).with_fallback(other, LanguageModelError)
        promise = agent.inquire("Hi").only()
        read: list[str] = []
        with pytest.raises(ModelConnectionError):
            async for token in promise:
                read.append(token)  # noqa: PERF401 - it has those before the error
        assert "".join(read) in ("one two three", "one two")
        assert len(server.requests) == 1


async def test_the_sdk_asks_again_only_before_an_answer_begins() -> None:
    async with ModelServer(http_error(500, retry_after=0.001), openai_chat("Hi")) as server:
        agent = create_openai_agent("gpt-test", client=lambda: openai_client(server, max_retries=1))
        assert (await answer_of(agent)).text == "Hi"
        assert len(server.requests) == 2
    async with ModelServer(openai_chat("one two three").reset(after=3)) as server:
        agent = create_openai_agent("gpt-test", client=lambda: openai_client(server, max_retries=5))
        with pytest.raises(ModelConnectionError):
            await answer_of(agent)
        assert len(server.requests) == 1


# --- the errors themselves ---


async def test_p1_the_same_error_every_time() -> None:
    async with ModelServer(http_error(429)) as server, asked(agent_for(CHAT, server)) as promise:
        errors: list[LanguageModelError] = []
        for _ in range(2):
            with pytest.raises(RateLimitError) as caught:
                await promise
            errors.append(caught.value)
        assert errors[0] is errors[1]


async def test_nothing_of_the_sdk_hangs_on_an_error() -> None:
    error = await error_of(CHAT, openai_chat("one two three").cut(after=3))
    assert error.__cause__ is None
    assert error.__context__ is None
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.partial) == (type(error), str(error), error.partial)


async def test_nothing_is_left_behind() -> None:
    """Many broken answers, and no task and no connection more than before."""
    before = len(asyncio.all_tasks())
    for path in (CHAT, RESPONSES, MESSAGES):
        script = script_for(path, SAID)
        replies: list[Reply] = [
            script.cut(after=BEFORE[path]),
            script.truncate(after=3),
            malformed_event(),
            http_error(500),
        ]
        async with ModelServer(*replies) as server, MiniAgents():
            agent = agent_for(path, server)
            for _ in replies:
                with pytest.raises(LanguageModelError):
                    await agent.inquire("Hi")
            await asyncio.sleep(0)
        assert server.open_connections == 0
    gc.collect()
    for _ in range(20):  # tasks of the loop close the generators of the SDKs
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before

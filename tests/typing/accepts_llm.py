"""What the type checkers must accept and infer: agents that are language models.

Checked, not run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, assert_type

from miniagents import (
    AnthropicMessage,
    AssistantMessage,
    CachePoint,
    ContentPart,
    EmbeddingMessage,
    FilePart,
    ImagePart,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    OpenAIMessage,
    Reasoning,
    TextPart,
    ToolCall,
    ToolResultMessage,
    Usage,
    UserMessage,
    ValueMessage,
    decode,
    parallel,
)
from miniagents.calls import RateLimit
from miniagents.ext.llm import (
    AnthropicAgent,
    AuthenticationError,
    ContentFilterError,
    ContextTooLongError,
    LanguageModelError,
    MissingKeyError,
    MissingSDKError,
    ModelConnectionError,
    ModelSetupError,
    ModelTimeoutError,
    OpenAIAgent,
    OpenAIResponsesAgent,
    OverloadedError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ReplySchema,
    RequestRefusedError,
    ToolDefinition,
    TransientModelError,
    TruncatedError,
    create_anthropic_agent,
    create_openai_agent,
    create_openai_embedding_agent,
    warm_up,
)
from miniagents.ext.llm.anthropic import DEFAULT_MAX_TOKENS, MessagesOptions
from miniagents.ext.llm.openai import ChatOptions, ResponsesOptions

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.lib.bedrock import AsyncAnthropicBedrock
    from anthropic.types import ThinkingConfigParam
    from openai import AsyncAzureOpenAI, AsyncOpenAI
    from openai.types.chat import ChatCompletionToolChoiceOptionParam
    from openai.types.shared_params import Reasoning as ReasoningParam

deepseek = create_openai_agent("deepseek", base_url="https://example.com", send_reasoning_as="reasoning_content")
tagged = create_openai_agent("qwen3", base_url="https://example.com", think_tags=True)
gpt = create_openai_agent("gpt", temperature=0.2, reasoning_effort="low", stop=["x"], system="Be brief.", stream=False)
assert_type(gpt, OpenAIAgent[OpenAIMessage])
thinker = create_openai_agent("gpt", api="responses", reasoning={"effort": "high"}, store=False, alias="thinker")
assert_type(thinker, OpenAIResponsesAgent[OpenAIMessage])
claude = create_anthropic_agent("claude", max_tokens=99, thinking={"type": "adaptive"}, extra_body={"top_k": 5})
assert_type(claude, AnthropicAgent[AnthropicMessage])
embedder = create_openai_embedding_agent("embed", dimensions=3)


def with_clients(openai_client: AsyncOpenAI, anthropic_client: AsyncAnthropic) -> None:
    create_openai_agent("gpt", client=openai_client)
    create_openai_agent("gpt", client=lambda: openai_client)
    create_anthropic_agent("claude", client=anthropic_client, tools=[ToolDefinition(name="now", parameters={})])
    create_anthropic_agent("claude", tools=[{"type": "web_search_20250305", "name": "web_search"}])


def with_other_clients(azure: AsyncAzureOpenAI, bedrock: AsyncAnthropicBedrock) -> None:
    create_openai_agent("gpt", client=azure)
    create_anthropic_agent("claude", client=bedrock)
    create_openai_embedding_agent("embed", client=azure)


def with_values_of_the_sdks(
    choice: ChatCompletionToolChoiceOptionParam, reasoning: ReasoningParam, thinking: ThinkingConfigParam
) -> None:
    create_openai_agent("gpt", tool_choice=choice)
    create_openai_agent("gpt", api="responses", reasoning=reasoning)
    create_anthropic_agent("claude", thinking=thinking)


def with_options_from_elsewhere(chat: ChatOptions, responses: ResponsesOptions, messages: MessagesOptions) -> None:
    create_openai_agent("gpt", **chat)
    create_openai_agent("gpt", api="responses", **responses)
    create_anthropic_agent("claude", **messages)
    create_anthropic_agent("claude", max_tokens=2 * DEFAULT_MAX_TOKENS)


async def asked() -> None:
    assert_type(gpt.inquire("Hi", temperature=0, timeout=3), MessageSequencePromise[OpenAIMessage])
    assert_type(claude.inquire(["Hi", UserMessage("x")], max_tokens=3), MessageSequencePromise[AnthropicMessage])
    assert_type(thinker.bound(max_output_tokens=3), OpenAIResponsesAgent[OpenAIMessage])
    promise = gpt.inquire().only()
    assert_type(promise, MessagePromise[OpenAIMessage])
    message = await promise
    assert_type(message.tool_calls, tuple[ToolCall, ...])
    assert_type(message.usage, Usage | None)
    for call in message.tool_calls:
        claude.inquire([message, ToolResultMessage("no", tool_call_id=call.id, is_error=True)])
    (embedding,) = await embedder.inquire("Hi")
    assert_type(embedding, EmbeddingMessage)


def composed() -> None:
    assert_type(gpt >> claude, MiniAgent[Message, AnthropicMessage, []])
    assert_type(gpt.with_retry(errors=TransientModelError).bound(seed=3), OpenAIAgent[OpenAIMessage])
    panel = parallel(gpt, claude)
    assert_type(panel.inquire("Hi"), MessageSequencePromise[OpenAIMessage | AnthropicMessage])
    general: MiniAgent[UserMessage, AssistantMessage, ...] = gpt
    either = gpt.with_fallback(claude, RateLimitError)
    assert_type(either.inquire("Hi"), MessageSequencePromise[OpenAIMessage | AnthropicMessage])
    assert_type(either, OpenAIAgent[OpenAIMessage | AnthropicMessage])
    either.bound(temperature=0.2).inquire("Hi", max_tokens=3)
    assert_type(thinker.with_fallback(gpt), OpenAIResponsesAgent[OpenAIMessage])
    assert_type(claude.with_fallback(gpt), AnthropicAgent[AnthropicMessage | OpenAIMessage])
    assert_type(gpt.as_tool(name="gpt")("Hi", temperature=0.2), MessageSequencePromise[OpenAIMessage])
    assert_type(thinker.as_tool()("Hi", store=False), MessageSequencePromise[OpenAIMessage])
    assert_type(claude.as_tool()("Hi", max_tokens=3), MessageSequencePromise[AnthropicMessage])
    create_openai_agent("gpt", tools=[claude.as_tool()])
    general.inquire("Hi")


class Sunny(Message, frozen=True, kw_only=True):
    city: str


class Rainy(Message, frozen=True, kw_only=True):
    millimetres: float


def replies_of_a_type() -> None:
    assert_type(create_openai_agent("gpt", reply_type=Sunny), OpenAIAgent[Sunny])
    assert_type(create_openai_agent("gpt", reply_type=Sunny | Rainy), OpenAIAgent[Sunny | Rainy])
    assert_type(create_anthropic_agent("claude", reply_type=Sunny | Rainy), AnthropicAgent[Sunny | Rainy])
    assert_type(
        create_openai_agent("gpt", api="responses", tools=[claude.as_tool()], reply_type=Sunny | Rainy),
        OpenAIResponsesAgent[OpenAIMessage | ToolResultMessage | Sunny | Rainy],
    )


async def ready() -> None:
    await warm_up(gpt, claude, create_openai_agent("gpt", reply_type=Sunny), gpt.with_fallback(gpt, TruncatedError))


@dataclass
class Order:
    number: int


async def values_of_a_type() -> None:
    orders = create_openai_agent("gpt", reply_type=list[Order])
    assert_type(orders, OpenAIAgent[ValueMessage[list[Order]]])
    reply = await orders.inquire("Which?").only()
    assert_type(reply.value, list[Order])
    assert_type((reply.value[0].number, reply.text, reply.value_type), tuple[int, str | None, str])
    assert_type(create_openai_agent("gpt", reply_type=Order), OpenAIAgent[ValueMessage[Order]])
    assert_type(create_openai_agent("gpt", reply_type=Order | int), OpenAIAgent[ValueMessage[Order | int]])
    assert_type(
        create_openai_agent("gpt", tools=[claude.as_tool()], reply_type=Order),
        OpenAIAgent[OpenAIMessage | ToolResultMessage | ValueMessage[Order]],
    )
    assert_type(
        create_openai_agent("gpt", api="responses", reply_type=Order), OpenAIResponsesAgent[ValueMessage[Order]]
    )
    assert_type(create_anthropic_agent("claude", reply_type=Order), AnthropicAgent[ValueMessage[Order]])
    assert_type(create_anthropic_agent("claude", reply_type=list[Sunny]), AnthropicAgent[ValueMessage[list[Sunny]]])
    assert_type(decode(b"{}", ValueMessage[Order]).value, Order)
    assert_type(ValueMessage[int]("3", data=3, value_type="int").value, int)


def parts(message: AssistantMessage) -> None:
    content: tuple[ContentPart, ...] = (TextPart("x"), ImagePart(url="x", detail="low"), FilePart(data="x", name="y"))
    UserMessage("Hi", content=content)
    AnthropicMessage("Hi", reasoning=(Reasoning("Hm", "signed"),), content_blocks=({"type": "text"},))
    if message.finish_reason == "length":
        assert_type(message.reasoning, tuple[Reasoning, ...])


def errors(error: LanguageModelError) -> float | None:
    expected = (
        *(ModelSetupError, MissingSDKError, MissingKeyError, RequestRefusedError, AuthenticationError),
        *(ContextTooLongError, ContentFilterError, QuotaExceededError, TransientModelError, RateLimitError),
        *(OverloadedError, ProviderError, ModelConnectionError, ModelTimeoutError, TruncatedError, ProtocolError),
    )
    assert_type(error.partial, AssistantMessage | None)
    if isinstance(error, expected) and error.status == 429:
        raise RateLimitError("no", retry_after=1.5, partial=AssistantMessage("so far"))
    return error.retry_after


def built_upon(context: MiniAgents, schema: ReplySchema) -> None:
    async def close(_: dict[str, int]) -> None: ...

    assert_type(context.shared("key", lambda: {"a": 1}, close), dict[str, int])
    assert_type(schema.strict, bool)


async def rates_and_tokens(limit: RateLimit) -> None:
    assert_type(claude.with_rate_limit(limit), AnthropicAgent)
    assert_type(claude.bound(rate_limit=limit), AnthropicAgent)
    assert_type(create_openai_agent("gpt", rate_limit=limit).with_rate_limit(limit), OpenAIAgent)
    assert_type(create_openai_agent("gpt", api="responses").with_rate_limit(limit), OpenAIResponsesAgent)
    assert_type(await claude.count_tokens([UserMessage("Hi"), "there"]), int)


def cache_points() -> None:
    point = CachePoint(ttl="1h")
    assert_type(point.ttl, Literal["5m", "1h"] | None)
    content: tuple[ContentPart, ...] = (TextPart("x"), point)
    UserMessage("A long document", content=content)
    create_anthropic_agent("claude", cache_system=point, cache_tools=CachePoint(), system="Be brief.")

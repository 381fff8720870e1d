"""What the type checkers must refuse: agents that are language models.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from openai import OpenAI

from miniagents import (
    AnthropicMessage,
    CachePoint,
    EmbeddingMessage,
    FilePart,
    ImagePart,
    Message,
    MessageSequencePromise,
    MiniAgents,
    OpenAIMessage,
    Reasoning,
    TextPart,
    ToolCall,
    ToolResultMessage,
    Usage,
    UserMessage,
    ValueMessage,
)
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

gpt = create_openai_agent("gpt")
thinker = create_openai_agent("gpt", api="responses")
claude = create_anthropic_agent("claude")
embedder = create_openai_embedding_agent("embed")


def made() -> None:
    create_openai_agent()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    create_openai_agent("gpt", temprature=0.2)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_openai_agent("gpt", temperature="warm")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_openai_agent("gpt", reasoning_effort="immense")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_openai_agent("gpt", max_output_tokens=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_openai_agent("gpt", functions=[])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_openai_agent("gpt", api="responses", max_tokens=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", api="responses", send_reasoning_as="reasoning")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", api="assistants")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", client="https://example.com")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_openai_agent("gpt", tools=["now"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_anthropic_agent("claude", temperature=0.2)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_anthropic_agent("claude", top_p=0.2)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_anthropic_agent("claude", max_tokens="many")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_anthropic_agent("claude", thinking="yes")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_anthropic_agent("claude", stop="x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_openai_agent("gpt", reply_type=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_anthropic_agent("claude", reply_type=[Message])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", client=OpenAI())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    create_openai_embedding_agent("embed", temperature=0.2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ToolDefinition("now", {})  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]


def takes(replies: MessageSequencePromise[AnthropicMessage], agent: OpenAIAgent) -> None: ...


async def ready() -> None:
    await warm_up(embedder)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await warm_up([gpt])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def takes_text(value: str, agent: OpenAIAgent[ValueMessage[str]]) -> None: ...


def values(message: ValueMessage[int]) -> None:
    takes_text(message.value, create_openai_agent("gpt", reply_type=str))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    takes_text("x", create_openai_agent("gpt", reply_type=int))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    message.value = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    ValueMessage[int]("3", data=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def asked() -> None:
    gpt.inquire(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    gpt.inquire("Hi", temprature=0.2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    gpt.inquire("Hi", temperature="warm")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    thinker.inquire("Hi", reasoning_effort="low")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    claude.inquire("Hi", temperature=0.2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    claude.bound(seed=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    embedder.inquire("Hi", dimensions=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    gpt.with_fallback(claude).inquire("Hi", temprature=0.2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    gpt.with_fallback(claude).inquire("Hi", temperature="warm")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    gpt.as_tool()("Hi", temprature=0.2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    gpt.as_tool()("Hi", temperature="warm")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    thinker.as_tool()("Hi", reasoning_effort="low")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    thinker.with_fallback(gpt).inquire("Hi", store="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    claude.as_tool()("Hi", max_tokens="many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    claude.with_fallback(gpt).inquire("Hi", max_tokens="many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    takes(gpt.inquire("Hi"), gpt)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    takes(claude.inquire("Hi"), thinker)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def messages(message: OpenAIMessage) -> None:
    message.finish_reason = "stop"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    OpenAIMessage("Hi", finish_reason="done")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OpenAIMessage("Hi", usage=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ToolCall("now")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Usage(tokens=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    UserMessage("Hi", content=[Message("x")])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UserMessage("Hi", content="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def parts() -> None:
    AnthropicMessage("Hi", content_blocks=["x"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    EmbeddingMessage("Hi")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ToolResultMessage("Hi")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TextPart()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ImagePart(detail="blurred")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FilePart(path="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Reasoning(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def errors() -> None:
    LanguageModelError("no", status="429")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AuthenticationError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ContentFilterError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ContextTooLongError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MissingKeyError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MissingSDKError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ModelConnectionError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ModelSetupError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ModelTimeoutError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OverloadedError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ProtocolError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ProviderError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    QuotaExceededError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RateLimitError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RequestRefusedError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TransientModelError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TruncatedError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def built_upon(context: MiniAgents) -> None:
    context.shared("key", lambda: 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ReplySchema(name="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OpenAIAgent()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OpenAIResponsesAgent()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AnthropicAgent()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def rates_and_tokens() -> None:
    claude.with_rate_limit(60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    create_anthropic_agent("claude", rate_limit=60)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await claude.count_tokens(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def cache_points() -> None:
    CachePoint(ttl="2h")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    create_anthropic_agent("claude", cache_system=True)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]

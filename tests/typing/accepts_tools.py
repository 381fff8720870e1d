"""What the type checkers must accept and infer: tools, and replies of a type.

Checked, not run.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, assert_type

import msgspec

from miniagents import (
    AnthropicMessage,
    Approval,
    AssistantMessage,
    Call,
    InteractionContext,
    JsonValue,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    OpenAIMessage,
    Promise,
    Tool,
    ToolCall,
    ToolContext,
    ToolError,
    ToolResultMessage,
    UserMessage,
    approval,
    miniagent,
    tool,
)
from miniagents.ext.llm import (
    AnthropicAgent,
    OpenAIAgent,
    OpenAIResponsesAgent,
    Partial,
    ToolDefinition,
    TooManyTurnsError,
    WrongReplyError,
    create_anthropic_agent,
    create_openai_agent,
    partial_values,
)
from miniagents.promising import Stream
from miniagents.tools import Approve, ToolReturn


class Weather(Message, kw_only=True):
    city: str
    celsius: float


@dataclass
class Pair:
    left: int
    right: int


@tool
async def forecast(city: str, days: Annotated[int, msgspec.Meta(ge=1)] = 1, *, unit: Literal["C", "K"] = "C") -> str:
    return f"{city} {days} {unit}"


@tool(name="add", description="Adds.", strict=True, in_thread=False, timeout=3)
def addition(pair: Pair, weather: Weather | None = None) -> int:
    return pair.left + pair.right + (weather is None)


@tool
async def words() -> AsyncIterator[str]:
    yield "Hello"


@tool
async def nothing() -> None: ...


@tool
def records() -> Mapping[str, list[Pair]]:
    return {"first": [Pair(1, 2)]}


@tool
async def later() -> Promise[int]:
    return Promise.resolved(3)


@miniagent
async def writer(ctx: InteractionContext[UserMessage, AssistantMessage], length: int, mood: str = "sad") -> None:
    ctx.reply(f"{await ctx.messages} {length} {mood}")


@tool
async def asking(topic: str) -> MessageSequencePromise[AssistantMessage]:
    return writer.inquire(topic, length=3)


async def called() -> None:
    assert_type(await forecast("Kiel", unit="K"), str)
    assert_type(addition(Pair(1, 2), weather=Weather(city="Kiel", celsius=3)), int)
    assert_type(words(), AsyncIterator[str])
    assert_type(addition.name, str)
    assert_type(addition.description, str | None)
    assert_type(addition.parameters, Mapping[str, object])
    assert_type(addition.strict, bool)
    assert_type(addition.timeout, float | None)
    assert_type(forecast.decode("{}"), inspect.BoundArguments)
    promise = forecast.answer(ToolCall(id="1", name="forecast"))
    assert_type(promise, MessagePromise[ToolResultMessage])
    kept: list[Tool[..., ToolReturn]] = [addition, records, asking]
    everything: list[Tool[..., object]] = [addition, records, asking, writer.as_tool()]
    assert everything
    assert kept


@dataclass
class Bank:
    money: int


@tool
async def balance(ctx: ToolContext[Bank], account: str, call: InteractionContext | None = None) -> int:
    assert_type(ctx.deps, Bank)
    assert_type(ctx.call, ToolCall)
    assert_type(ctx.messages, Sequence[Message])
    if not account:
        raise ToolError("There is no such account.")
    return ctx.deps.money


def by_schema(arguments: dict[str, Any]) -> str:
    return str(arguments)


def by_schema_with_context(arguments: Mapping[str, object], ctx: ToolContext[Bank]) -> int:
    return ctx.deps.money + len(arguments)


async def ask(context: ToolContext[Bank]) -> Approval:
    return context.deps.money > 3 or "no money"


@tool(approve=ask, timeout=3)
async def spend(ctx: ToolContext[Bank], amount: int) -> str:
    return str(amount)


@tool(approve=lambda context: {"amount": 3})
async def save(amount: int) -> str:
    return str(amount)


async def tools_to_approve(by_people: Promise[Approval]) -> None:
    assert_type(await spend(ToolContext(deps=Bank(3)), 4), str)
    approve: Approve = spend.approve
    tool(approve=approve)(ask_for)
    tool(approve=lambda context: by_people)(ask_for)
    Tool.of_schema("x", None, {}, by_schema, approve=True)
    MiniAgents(around_calls=approval(ask_about, only_required=True))


async def ask_about(call: Call) -> Approval:
    return call.name == "x"


def ask_for(name: str) -> str:
    return name


async def tools_with_context() -> None:
    assert_type(await balance(ToolContext(deps=Bank(3)), "a"), int)
    assert_type(ToolContext(deps=Bank(3), call=ToolCall(id="1", name="x"), messages=[Message("x")]), ToolContext[Bank])
    balance.answer(ToolCall(id="1", name="balance"), deps=Bank(3), messages=[Message("x")])
    assert_type(ToolError("no").text, str)
    gpt = create_openai_agent("gpt", tools=[balance], deps=Bank(3))
    gpt.bound(deps=Bank(4)).inquire("Hi", deps=Bank(5))
    create_anthropic_agent("claude", tools=[balance], deps=Bank(3)).inquire("Hi", deps=Bank(5))
    made = Tool.of_schema(
        "by_schema", "Does it.", {"properties": {}}, by_schema, check=False, in_thread=False, timeout=3
    )
    assert_type(made({"a": 1}), str)
    other = Tool.of_schema("by_schema", None, {}, by_schema_with_context)
    assert_type(other({"a": 1}, ToolContext(deps=Bank(3))), int)
    create_openai_agent("gpt", tools=[made, other, Tool.of_schema("x", None, {}, by_schema_with_context)])


async def agents_as_tools() -> None:
    ask = writer.as_tool(name="write", description="Writes.", strict=True)
    assert_type(ask("Tea", length=3), MessageSequencePromise[AssistantMessage])
    assert_type(ask(UserMessage("Tea"), 3, mood="merry"), MessageSequencePromise[AssistantMessage])
    assert_type(writer.bound(length=3).as_tool()("Tea"), MessageSequencePromise[AssistantMessage])
    create_openai_agent("gpt", tools=[ask, (writer.bound(length=3) >> create_openai_agent("gpt")).as_tool(name="two")])


def models_with_tools(definition: ToolDefinition) -> None:
    gpt = create_openai_agent("gpt", tools=[forecast, addition, writer.as_tool(), definition], max_turns=3)
    assert_type(gpt, OpenAIAgent[OpenAIMessage | ToolResultMessage])
    gpt.inquire("Hi", max_turns=2, max_calls=8, show_inner_calls=True, temperature=0.2)
    responses = create_openai_agent("gpt", api="responses", tools=(words,))
    assert_type(responses, OpenAIResponsesAgent[OpenAIMessage | ToolResultMessage])
    claude = create_anthropic_agent("claude", tools=[nothing, {"type": "web_search_20250305", "name": "web_search"}])
    assert_type(claude, AnthropicAgent[AnthropicMessage | ToolResultMessage])
    assert_type(create_openai_agent("gpt", tools=[definition]), OpenAIAgent[OpenAIMessage])
    assert_type(create_anthropic_agent("claude", tools=[]), AnthropicAgent[AnthropicMessage])


async def replies_of_a_type() -> None:
    gpt = create_openai_agent("gpt", reply_type=Weather, temperature=0.2, repair_turns=1)
    assert_type(gpt, OpenAIAgent[Weather])
    responses = create_openai_agent("gpt", api="responses", reply_type=Weather, strict_reply=False)
    assert_type(responses, OpenAIResponsesAgent[Weather])
    claude = create_anthropic_agent("claude", reply_type=Weather, max_tokens=99)
    assert_type(claude, AnthropicAgent[Weather])
    promise = claude.inquire("Kiel?").only()
    assert_type(promise, MessagePromise[Weather])
    assert_type((await promise).celsius, float)
    assert_type(partial_values(promise), Stream[Partial])
    async for value in partial_values(promise):
        assert_type(value.get("city"), JsonValue)
    both = create_openai_agent("gpt", reply_type=Weather, tools=[forecast])
    assert_type(both, OpenAIAgent[OpenAIMessage | ToolResultMessage | Weather])
    of_both = create_anthropic_agent("claude", reply_type=Weather, tools=[forecast])
    assert_type(of_both, AnthropicAgent[AnthropicMessage | ToolResultMessage | Weather])
    try:
        station: MiniAgent[UserMessage, Weather, ...] = gpt
        await station.inquire("Kiel?")
    except WrongReplyError as error:
        assert_type(error.path, str)
        assert_type(error.reason, str)
        assert_type(error.partial, AssistantMessage | None)
    except TooManyTurnsError:
        pass


def any_result(result: Any) -> ToolReturn:  # Any: what a checker knows nothing of
    return result  # type: ignore[no-any-return]  # as the line above says

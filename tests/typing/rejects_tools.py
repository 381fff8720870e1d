"""What the type checkers must refuse: tools, and replies of a type.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from miniagents import (
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgent,
    Tool,
    ToolCall,
    ToolContext,
    ToolError,
    miniagent,
    tool,
)
from miniagents.ext.llm import (
    TooManyTurnsError,
    WrongReplyError,
    create_anthropic_agent,
    create_openai_agent,
    partial_values,
)


class Weather(Message, kw_only=True):
    city: str


class Other(Message, kw_only=True):
    what: str


@tool
async def forecast(city: str, days: int = 1) -> str:
    return f"{city} {days}"


@miniagent
async def writer(ctx: InteractionContext[Message, Message], length: int) -> None:
    ctx.reply(str(length))


# --- what is no tool ---


@tool  # pyright: ignore[reportUnknownArgumentType]
def untyped(city) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    return "x"


@tool  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
def returns_what_json_cannot_say() -> complex:
    return 1j


@tool  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
async def returns_an_object() -> object:
    return object()


@tool  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
def generates() -> Iterator[str]:
    yield "x"


tool(title="x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
tool(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
tool(approve="yes")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
tool(timeout="3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
tool(name=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


# --- how tools are called ---


async def called() -> None:
    await forecast()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await forecast(city=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await forecast("Kiel", hours=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    forecast.decode({})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    forecast.answer("{}")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    forecast.answer(call=ToolCall(id="1", name="x"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    number: int = await forecast("Kiel")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    narrow: Tool[[int], str] = forecast  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(number, narrow)  # noqa: T201 - so that they are used
    Tool(forecast)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@tool
async def balance(ctx: ToolContext[int], account: str) -> int:
    ctx.deps = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    return ctx.deps.real


def by_schema(arguments: list[str]) -> str:
    return str(arguments)


async def tools_with_context() -> None:
    await balance("a")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    await balance(ToolContext(deps="x"), "a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ToolContext()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ToolError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    balance.answer(ToolCall(id="1", name="x"), messages=[3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Tool.of_schema("x", None, {}, by_schema)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Tool.of_schema("x", {}, by_schema)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def agents_as_tools() -> None:
    ask = writer.as_tool()
    ask("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ask(3, length=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ask("x", length="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    writer.as_tool(title="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# --- models ---


def function() -> str:
    return "x"


def models_with_tools() -> None:
    create_openai_agent("gpt", tools=[function])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", tools=[writer])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", tools=forecast)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_anthropic_agent("claude", tools=[function])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", tools=[forecast], max_turns="3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", tools=[forecast], show_inner_calls=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_openai_agent("gpt", tools=[forecast], max_calls="3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


def takes(replies: MessageSequencePromise[Other], agent: MiniAgent[Message, Other, ...]) -> None: ...


async def replies_of_a_type() -> None:
    create_openai_agent("gpt", reply_type=Weather(city="x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    gpt = create_openai_agent("gpt", reply_type=Weather)
    claude = create_anthropic_agent("claude", reply_type=Weather)
    takes(gpt.inquire("x"), gpt)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    takes(claude.inquire("x"), claude)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (weather,) = await gpt.inquire("x")
    weather.what  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    partial_values(weather)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    gpt.inquire("x", repair_turns="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    WrongReplyError("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TooManyTurnsError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

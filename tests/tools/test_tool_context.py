"""What the loop gives to tools: it is no argument of the model, and it is of the type that the tool asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypedDict, runtime_checkable

import pytest

from miniagents import (
    Call,
    InteractionContext,
    Message,
    MiniAgents,
    NoActiveContextError,
    Proceed,
    Tool,
    ToolCall,
    ToolContext,
    ToolError,
    ToolResultMessage,
    UserMessage,
    miniagent,
    tool,
)


@dataclass
class Bank:
    money: int


class Row(TypedDict):
    money: int


class Opens(Protocol):
    def open(self) -> None: ...


@runtime_checkable
class HasMoney(Protocol):
    @property
    def money(self) -> int: ...


def call(arguments: str = "{}", name: str = "some") -> ToolCall:
    return ToolCall(id="call_1", name=name, arguments=arguments)


def properties(some: Tool[..., Any]) -> set[str]:
    found: Any = some.parameters["properties"]
    return {*found}


async def told(some: Tool[..., Any], arguments: str = "{}", **given: Any) -> ToolResultMessage:
    async with MiniAgents():
        return await some.answer(call(arguments, some.name), **given)


# --- parameters that the loop gives ---


@tool
async def positional(ctx: ToolContext[Bank], account: str, /, days: int = 1) -> str:
    return f"{ctx.deps.money} {account} {days} {ctx.call.id}"


@tool
async def last(account: str, days: int = 1, *, ctx: ToolContext[Bank]) -> str:
    return f"{ctx.deps.money} {account} {days} {ctx.call.id}"


@tool
def in_a_thread(account: str, ctx: Annotated["ToolContext[Bank]", "for the bank"], days: int = 1) -> str:
    return f"{ctx.deps.money} {account} {days} {ctx.call.id}"


@tool
async def perhaps(account: str, days: int = 1, ctx: ToolContext[Bank] | None = None) -> str:
    """Look.

    Args:
        account: Which.
        ctx: Where it is.
    """
    return f"{ctx and ctx.deps.money} {account} {days} {ctx and ctx.call.id}"


@pytest.mark.parametrize("some", [positional, last, in_a_thread, perhaps])
async def test_the_loop_gives_it_and_the_model_does_not_see_it(some: Tool[..., Any]) -> None:
    assert properties(some) == {"account", "days"}
    assert some.decode('{"account": "a"}').arguments == {"account": "a"}
    assert str(await told(some, '{"account": "a"}', deps=Bank(3))) == "3 a 1 call_1"
    assert str(await told(some, '{"account": "a", "days": 2}', deps=Bank(3))) == "3 a 2 call_1"


@pytest.mark.parametrize("some", [positional, last, in_a_thread, perhaps])
async def test_a_model_cannot_write_it(some: Tool[..., Any]) -> None:
    result = await told(some, '{"account": "a", "ctx": {"deps": {"money": 1000}}}', deps=Bank(3))
    assert (result.is_error, str(result)) == (
        True,
        "$.ctx: there is no such argument; the arguments are: account, days",
    )


async def test_a_program_calls_the_function_with_a_context_of_its_own() -> None:
    assert await positional(ToolContext(deps=Bank(4)), "b") == "4 b 1 "
    assert await perhaps("b") == "None b 1 None"


async def test_it_has_the_conversation_with_the_call() -> None:
    @tool
    async def count(ctx: ToolContext) -> list[str]:
        return [str(message) for message in ctx.messages]

    assert str(await told(count, messages=[UserMessage("Hi"), UserMessage("there")])) == '["Hi","there"]'


async def test_the_call_is_the_one_that_handlers_have_changed() -> None:
    async def twice(call: Call, proceed: Proceed) -> Any:
        return proceed(arguments={"account": "other"})

    @tool
    async def look(ctx: ToolContext[Bank], account: str) -> str:
        return f"{ctx.call.arguments} {account} {ctx.deps.money}"

    async with MiniAgents(around_calls=twice):
        result = await look.answer(call('{"account": "a"}'), deps=Bank(1))
    assert str(result) == '{"account":"other"} other 1'


async def test_the_call_of_the_agent_that_asks_the_model() -> None:
    @tool
    async def who(ctx: InteractionContext[Message, Message], word: str) -> str:
        ctx.reply(f"from the tool: {word}")
        return ctx.this_agent.alias

    @miniagent
    async def asking(ctx: InteractionContext) -> None:
        ctx.reply(await who.answer(call('{"word": "x"}')))

    async with MiniAgents():
        replies = await asking.inquire()
        assert {str(reply) for reply in replies} == {"from the tool: x", "asking"}
        with pytest.raises(NoActiveContextError, match="tool 'who': parameter 'ctx' is given the call of the agent"):
            who.answer(call('{"word": "x"}'))


# --- deps of the wrong type ---


def taking(form: Any) -> Tool[..., Any]:
    """A tool that needs deps of a type, and says of which they are."""

    async def take(ctx: ToolContext[Any]) -> str:
        return type(ctx.deps).__name__

    take.__annotations__["ctx"] = ToolContext[form]
    return tool(take)


@pytest.mark.parametrize(
    ("form", "fits", "wrong"),
    [
        (Bank, Bank(1), 3),
        (Bank | str, "x", 3),
        (Bank | None, None, 3),
        (dict[str, int], {"a": 1}, [1]),
        (Annotated[Bank, "of the user"], Bank(1), "x"),
        (HasMoney, Bank(1), 3),
        (Callable[[], int], len, 3),
    ],
)
async def test_the_type_of_deps_is_checked_before_the_function_runs(form: Any, fits: object, wrong: object) -> None:
    some = taking(form)
    assert str(await told(some, deps=fits)) == type(fits).__name__
    with pytest.raises(TypeError, match=r"tool 'take': parameter 'ctx' needs deps of the type .*; got "):
        await told(some, deps=wrong)


@pytest.mark.parametrize("form", [Any, object, Row, Opens])
async def test_a_type_that_cannot_be_checked_takes_everything(form: Any) -> None:
    assert str(await told(taking(form), deps={"money": 1})) == "dict"


async def test_missing_deps_say_where_to_give_them() -> None:
    with pytest.raises(TypeError, match="needs deps of the type Bank, and there are none: give deps=... where the"):
        await told(positional, '{"account": "a"}')


def test_a_context_inside_of_another_type_has_no_form_in_json() -> None:
    with pytest.raises(TypeError, match="tool 'wrong': parameter ctx"):

        @tool
        async def wrong(ctx: list[ToolContext[Bank]]) -> str:
            return "x"


# --- agents as tools ---


async def test_an_agent_as_a_tool_is_given_it_as_well() -> None:
    @miniagent
    async def teller(ctx: InteractionContext, bank: ToolContext[Bank], days: int = 1) -> None:
        ctx.reply(f"{await ctx.messages.only()} {bank.deps.money} {days}")

    some = teller.as_tool()
    assert properties(some) == {"message", "days"}
    assert str(await told(some, '{"message": "Hi", "days": 2}', deps=Bank(5))) == "Hi 5 2"


# --- errors that are told as they are ---


async def test_a_tool_error_is_told_as_it_is_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def read(path: str) -> str:
        raise ToolError(f"There is no {path}.")

    result = await told(read, '{"path": "x"}')
    assert (result.is_error, str(result)) == (True, "There is no x.")
    assert not caplog.records


# --- tools of a schema ---

CITY = {
    "$defs": {"Name": {"type": "string", "minLength": 1}},
    "properties": {"city": {"$ref": "#/$defs/Name"}, "kind": True},
    "required": ["city"],
}


async def test_a_tool_of_a_schema_is_given_the_arguments_as_one_mapping() -> None:
    seen: list[dict[str, Any]] = []

    def look(arguments: dict[str, Any]) -> str:
        seen.append(arguments)
        return "done"

    some = Tool.of_schema("look-up", "Looks.", CITY, look)
    assert (some.name, some.description, some.parameters["type"]) == ("look-up", "Looks.", "object")
    assert some({"city": "Kiel"}) == "done"
    assert str(await told(some, '{"city": "Rom", "kind": {"self": [1, null]}, "in": 1}')) == "done"
    assert seen == [{"city": "Kiel"}, {"city": "Rom", "kind": {"self": [1, None]}, "in": 1}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"city": ""}', "$.city: "),
        ("{}", "$: "),
        ("[]", "$: the arguments must be an object"),
        ('{"city": "x", "city": "y"}', "$: "),
        ('{"city": NaN}', "$: "),
        ('{"city', "$: "),
    ],
)
async def test_arguments_that_do_not_fit_the_schema_go_back_to_the_model(arguments: str, said: str) -> None:
    some = Tool.of_schema("look", None, CITY, lambda arguments: "done")
    result = await told(some, arguments)
    assert result.is_error
    assert str(result).startswith(said)


async def test_a_function_may_check_its_arguments_itself() -> None:
    some = Tool.of_schema("look", None, {"pattern": "(", "required": ["x"]}, lambda arguments: arguments, check=False)
    assert str(await told(some, "")) == "{}"


async def test_a_context_may_stand_beside_the_arguments() -> None:
    async def by_place(arguments: dict[str, Any], ctx: ToolContext[Bank], /) -> str:
        return f"{arguments} {ctx.deps.money}"

    async def by_name(arguments: dict[str, Any], more: str = "x", *, ctx: ToolContext[Bank]) -> str:
        return f"{arguments} {ctx.deps.money}"

    assert str(await told(Tool.of_schema("look", None, {}, by_place), '{"a": 1}', deps=Bank(2))) == "{'a': 1} 2"
    named = Tool.of_schema("look", None, {}, by_name)
    assert str(await told(named, '{"a": 1}', deps=Bank(2))) == "{'a': 1} 2"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "array"}, "must be one of objects"),
        ({"properties": 3}, "cannot be checked here"),
        ({"pattern": "("}, "give check=False"),
        ({"default": object()}, "is not JSON-serialisable"),
    ],
)
def test_a_wrong_schema_is_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        Tool.of_schema("look", None, schema, lambda arguments: "x")


def two(arguments: dict[str, Any], other: str) -> str:
    return other


def by_name_only(*, arguments: dict[str, Any]) -> str:
    return str(arguments)


@pytest.mark.parametrize("function", [two, by_name_only, lambda: "x"])
def test_a_function_of_something_else_is_refused(function: Any) -> None:
    with pytest.raises(TypeError, match=r"tool 'look': its function (is given|must take)"):
        Tool.of_schema("look", None, {}, function)


def test_a_tool_context_shows_no_conversation() -> None:
    assert "secret" not in repr(ToolContext(deps=1, messages=[UserMessage("secret")]))

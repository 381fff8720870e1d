"""`agent.as_tool()`: what a model gives, what the agent is asked, and what becomes of the replies."""

import asyncio
import dataclasses
import json
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import msgspec
import pytest

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MiniAgents,
    Tool,
    ToolCall,
    ToolResultMessage,
    UserMessage,
    miniagent,
)
from miniagents.testing import VirtualClockEventLoop, scripted_agent

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    return MiniAgents().run(main, loop_factory=VirtualClockEventLoop)


def answer(some: Tool[..., Any], **arguments: object) -> ToolResultMessage:
    async def main() -> ToolResultMessage:
        return await some.answer(ToolCall(id="call_1", name=some.name, arguments=json.dumps(arguments)))

    return run(main())


def parameters_of(some: Tool[..., Any]) -> dict[str, Any]:  # Any: plain JSON
    return dict(json.loads(json.dumps(some.parameters)))


class Purchase(Message, kw_only=True):
    """What somebody wants.

    Attributes:
        item: What.
    """

    item: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


class Question(Message, kw_only=True):
    """A question in words."""


@miniagent
async def shop(ctx: InteractionContext[Purchase, Message], discount: float = 0.0) -> None:
    """Sells things.

    Args:
        ctx: The orders.
        discount: A part of the price.
    """
    for order in await ctx.messages:
        ctx.reply(f"{order.count} {order.item}, {discount}")


def test_an_agent_that_takes_text_is_given_text() -> None:
    for cls in (Message, UserMessage, AssistantMessage, Question):

        async def echo(ctx: InteractionContext[Any, Message]) -> None:  # Any: the class is given below
            for message in await ctx.messages:
                ctx.reply(f"{type(message).__name__}: {message}")

        echo.__annotations__["ctx"] = InteractionContext[cls, Message]  # type: ignore[valid-type]  # of this turn
        made = miniagent(echo).as_tool()
        assert parameters_of(made) == {
            "type": "object",
            "properties": {"message": {"description": "What is asked.", "type": "string"}},
            "required": ["message"],
            "additionalProperties": False,
        }
        assert answer(made, message="Hello").text == f"{cls.__name__}: Hello"


def test_an_agent_that_takes_fields_is_given_fields() -> None:
    made = shop.as_tool()
    assert (made.name, made.description) == ("shop", "Sells things.")
    assert parameters_of(made)["properties"] == {
        "message": {
            "description": "What is asked.",
            "type": "object",
            "properties": {
                "item": {"description": "What.", "type": "string"},
                "count": {"type": "integer", "minimum": 1, "default": 1},
            },
            "required": ["item"],
            "additionalProperties": False,
        },
        "discount": {"description": "A part of the price.", "type": "number", "default": 0.0},
    }
    assert answer(made, message={"item": "tea", "count": 2}, discount=0.5).text == "2 tea, 0.5"
    wrong = answer(made, message={"item": "tea", "count": 0})
    assert (wrong.text, wrong.is_error) == ("$.message.count: Expected `int` >= 1", True)


def test_an_agent_that_takes_several_classes_is_given_one_with_its_tag() -> None:
    class Return(Message, kw_only=True):
        item: str

    @miniagent
    async def counter(ctx: InteractionContext[Purchase | Return, Message]) -> None:
        for message in await ctx.messages:
            ctx.reply(f"{type(message).__name__} {message.item}")

    made = counter.as_tool()
    tags = [each["properties"]["@type"]["const"] for each in parameters_of(made)["properties"]["message"]["anyOf"]]
    assert sorted(tags) == ["Purchase", "Return"]
    assert answer(made, message={"@type": "Return", "item": "tea"}).text == "Return tea"


def test_name_and_description_may_be_given() -> None:
    made = shop.as_tool(name="buy", description="Buys.", strict=True)
    assert (made.name, made.description, made.strict) == ("buy", "Buys.", True)


def test_arguments_that_are_bound_are_not_the_models_to_give() -> None:
    made = shop.bound(discount=0.25).as_tool()
    assert [*parameters_of(made)["properties"]] == ["message"]
    assert answer(made, message={"item": "tea"}).text == "1 tea, 0.25"


def test_agents_that_are_classes_are_tools() -> None:
    @dataclasses.dataclass
    class Clerk:
        ctx: InteractionContext
        mood: str = "merry"

        async def __call__(self) -> None:
            self.ctx.reply(f"{self.mood}: {await self.ctx.messages.only()}")

    made = miniagent(Clerk).as_tool(description="Talks.")
    assert [*parameters_of(made)["properties"]] == ["message", "mood"]
    assert answer(made, message="Hi", mood="sad").text == "sad: Hi"


def test_agents_made_of_agents_are_tools() -> None:
    both = scripted_agent("one", alias="first") >> scripted_agent("two", alias="second")
    with pytest.raises(TypeError, match=r"tool 'first >> second': the name of a tool has up to 64 ASCII letters"):
        both.as_tool()
    assert answer(both.as_tool(name="both"), message="x").text == "two"


def test_a_parameter_that_is_called_message_is_refused() -> None:
    @miniagent
    async def odd(ctx: InteractionContext, message: str) -> None:
        ctx.reply(message)

    with pytest.raises(
        TypeError, match="tool 'odd': there are two parameters 'message': give one of them another name"
    ):
        odd.as_tool()
    assert answer(odd.bound(message="x").as_tool(), message="y").text == "x"


def test_a_parameter_that_no_model_can_give_is_refused() -> None:
    @miniagent
    async def odd(ctx: InteractionContext, lock: asyncio.Lock) -> None:
        async with lock:
            ctx.reply("x")

    with pytest.raises(TypeError, match="tool 'odd': parameter lock: Lock has no form in JSON"):
        odd.as_tool()


def test_the_texts_of_all_replies_are_the_result_but_for_those_of_its_own_tools() -> None:
    @miniagent
    async def busy(ctx: InteractionContext[Message, Message]) -> None:
        ctx.reply(["I look.", ToolResultMessage("42", tool_call_id="inner"), AssistantMessage(""), "It is 42."])

    assert answer(busy.as_tool(), message="x").text == "I look.\n\nIt is 42."


def test_a_tool_is_called_like_the_agent() -> None:
    async def main() -> list[str]:
        made = shop.as_tool()
        return [str(reply) for reply in await made(Purchase(item="tea"), discount=0.1)]

    assert run(main()) == ["1 tea, 0.1"]

"""P10: mistakes of somebody who writes a first program; each error says what to write."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from miniagents import InteractionContext, Message, MiniAgents, PromisingContext, UserMessage, decode, miniagent


def any_of(given: Any) -> Any:  # Any: what the checkers refuse is to be tried
    return given


@miniagent
async def bot(ctx: InteractionContext) -> None:
    ctx.reply("yes")


@pytest.mark.parametrize("cls", [MiniAgents, PromisingContext])
def test_a_context_is_entered_asynchronously(cls: type[PromisingContext]) -> None:
    name = cls.__name__
    said = rf"^{name} works in an event loop: write `async with {name}\(\):` in an async function$"
    with pytest.raises(TypeError, match=said), any_of(cls()):
        pass


@pytest.mark.parametrize("name", ["message", "messages", "prompt", "text"])
async def test_messages_have_no_name(name: str) -> None:
    async with MiniAgents():
        with pytest.raises(TypeError) as caught:
            bot.inquire(**any_of({name: "x"}))
    said = f"got an unexpected keyword argument {name!r}; it takes none; messages come first, without a name"
    assert str(caught.value) == f"agent 'bot': {said}"


async def test_several_messages_are_one_list() -> None:
    said = "^agent 'bot': too many positional arguments; it takes none besides the messages, several as one list$"
    with pytest.raises(TypeError, match=said):
        any_of(bot).bound("x")
    async with MiniAgents():
        with pytest.raises(TypeError, match=said):
            any_of(bot).inquire("x", "y")


async def not_an_agent(ctx: InteractionContext) -> None:
    ctx.reply("no")


class NotAnAgent:
    """Could be decorated."""


@pytest.mark.parametrize("other", [not_an_agent, any_of, NotAnAgent])
def test_a_function_behind_an_agent_has_to_be_one(other: object) -> None:
    with pytest.raises(TypeError, match=r"^>>: .* is no agent, it has no `inquire`; make it an agent with @miniagent$"):
        assert not any_of(bot) >> other


def test_what_knows_better_is_asked() -> None:
    class Sink:
        def __rrshift__(self, other: object) -> str:
            return "sunk"

    assert any_of(bot) >> Sink() == "sunk"
    with pytest.raises(TypeError, match="^unsupported operand type"):
        assert not any_of(bot) >> 5


@pytest.mark.parametrize("alias", [5, b"bot", ["bot"]])
def test_an_alias_is_a_text(alias: object) -> None:
    with pytest.raises(TypeError, match="^alias: .* is no text$"):
        miniagent(alias=any_of(alias))(not_an_agent)
    with pytest.raises(TypeError, match="^alias: .* is no text$"):
        bot.options(alias=any_of(alias))


def test_a_method_is_no_agent() -> None:
    class Owner:
        async def method(self, ctx: InteractionContext) -> None:
            ctx.reply("no")

    said = (
        r"define `async def .*method\(ctx: InteractionContext, \.\.\.\)` outside of the class, and give it the object"
    )
    with pytest.raises(TypeError, match=rf"^agent '.*method': a method cannot be an agent: {said}"):
        any_of(miniagent)(Owner.method)


OF_TASKS: Final[list[Callable[[Any], object]]] = [  # Any: any promise
    lambda promise: promise.add_done_callback(print),
    lambda promise: promise.result(),
    lambda promise: promise.exception(),
]


@pytest.mark.parametrize("use", OF_TASKS)
async def test_a_promise_is_no_task(use: Callable[[Any], object]) -> None:
    async with MiniAgents():
        replies = bot.inquire("x")
        for promise in (replies, replies.first(), replies.map(len)):
            with pytest.raises(
                AttributeError, match=r"; a promise is no task: await it, or give .*ensure_future\(promise\)$"
            ):
                use(promise)


async def test_what_the_error_says_of_tasks_is_true() -> None:
    async with MiniAgents():
        done, _ = await asyncio.wait([asyncio.ensure_future(bot.inquire("x"))])
        assert [str(message) for task in done for message in task.result()] == ["yes"]


@pytest.mark.parametrize(
    ("data", "format", "said"),
    [
        (
            {"text": "a"},
            "json",
            "the data are bytes or text, not dict; it is decoded already: write decode(json.dumps(",
        ),
        (
            [{"text": "a"}],
            "json",
            "the data are bytes or text, not list; it is decoded already: write decode(json.dumps(",
        ),
        (5, "json", "the data are bytes or text, not int"),
        (None, "json", "the data are bytes or text, not NoneType"),
        (Message("a"), "json", "the data are bytes or text, not Message"),
        ("{}", "msgpack", "the data are bytes, not str"),
    ],
)
def test_what_is_decoded_is_bytes_or_text(data: object, format: Any, said: str) -> None:  # Any: one of two texts
    with pytest.raises(TypeError) as caught:
        decode(any_of(data), UserMessage, format)
    assert str(caught.value).startswith(f"decode: {said}")


async def test_metadata_are_a_mapping() -> None:
    async with MiniAgents():
        for wrong in (5, None, "topic", [1]):
            for promise in (bot.inquire("x"), bot.inquire("x").first()):
                with pytest.raises(TypeError, match=r"^with_metadata: .* is no mapping of names to values$"):
                    any_of(promise).with_metadata(wrong)


async def test_a_delimiter_is_a_text() -> None:
    async with MiniAgents():
        for wrong in (5, b"x", ["x"]):
            with pytest.raises(TypeError, match="^split_messages: the delimiter: .* is no text$"):
                bot.inquire("x").first().split(any_of(wrong))
            with pytest.raises(TypeError, match="^split_messages: the code fence: .* is no text$"):
                bot.inquire("x").first().split("x", code_fence=any_of(wrong))


@pytest.mark.parametrize("name", [5, b"bot", ["bot"]])
def test_the_name_of_a_tool_is_a_text(name: object) -> None:
    with pytest.raises(TypeError, match="the name of a tool has up to 64 ASCII letters"):
        bot.as_tool(name=any_of(name))

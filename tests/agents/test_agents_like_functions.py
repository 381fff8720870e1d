"""Agents and tools look like the functions that they are made of, and are pickled by reference as these are."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
from typing import Any

import pytest

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MiniAgent,
    MiniAgents,
    Person,
    Promise,
    PromisingContext,
    StreamedPromise,
    Tool,
    UserMessage,
    case,
    chain,
    loop,
    map_agent,
    miniagent,
    parallel,
    route,
    stream_message,
    tool,
)
from miniagents.ext.llm import create_openai_agent
from miniagents.testing import scripted_agent


@miniagent
async def bot(ctx: InteractionContext[UserMessage, AssistantMessage], times: int, *, loud: bool = False) -> None:
    """Answer some times."""
    ctx.reply(["LOUD" if loud else "hi"] * times)


@miniagent
async def echo(ctx: InteractionContext) -> None:
    """Say it again."""
    ctx.reply(ctx.messages)


@miniagent(alias="clerk", version="2")
class Clerk:
    """Note everything."""

    def __init__(self, ctx: InteractionContext, place: str = "here") -> None:
        self.ctx = ctx
        self.place = place

    async def __call__(self) -> None:
        self.ctx.reply(f"noted {self.place}")


async def plain(ctx: InteractionContext) -> None:
    ctx.reply("plain")


named_otherwise = miniagent(
    plain,
)
with_options = miniagent(alias="other", description="Does it.", version="3")(plain)


def is_long(replies: tuple[Message, ...]) -> bool:
    return len(str(replies[-1])) > 3


def told(error: Exception) -> str:
    return str(error)


@tool
def add(left: int, right: int) -> int:
    """Add two numbers."""
    return left + right


def subtract(left: int, right: int) -> int:
    """Subtract."""
    return left - right


minus = tool(name="minus", strict=True, in_thread=False)(subtract)

AnyAgent = MiniAgent[Any, Any, ...]  # Any: of any messages

CLERK: Any = Clerk  # Any: mypy takes a decorated class for the class
NAMED: list[AnyAgent] = [bot, echo, CLERK]
MADE: list[AnyAgent] = [
    named_otherwise,
    with_options,
    bot.bound(times=2),
    bot.bound(2).options(alias="twice", max_ahead=3, start_asap=False, errors_as_messages=True),
    CLERK.bound(place="there"),
    echo >> with_options,
    chain(echo, echo >> echo),
    chain(echo).options(alias="alone"),
    parallel(echo, CLERK, ordered=False, settled=True),
    map_agent(echo, concurrency=2, ordered=False),
    loop(echo, until=is_long, max_rounds=2, keep_question=True),
    route(case(UserMessage, echo), case(is_long, CLERK), otherwise=with_options),
    echo.with_retry(attempts=2, backoff=0.5, errors=ValueError),
    echo.with_repair(told, ValueError, attempts=2),
    echo.with_timeout(2),
    echo.with_fallback(CLERK, ValueError),
    bot.bound(times=2).with_retry().with_timeout(3).options(alias="careful"),
]


@pytest.mark.parametrize("agent", NAMED, ids=repr)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_decorated_function_is_pickled_by_reference(agent: AnyAgent, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(agent, protocol)) is agent


@pytest.mark.parametrize("agent", MADE, ids=repr)
async def test_what_is_made_of_such_agents_is_pickled_as_the_way_to_make_it(agent: AnyAgent) -> None:
    again: AnyAgent = pickle.loads(pickle.dumps(agent))
    assert again == agent
    assert again.identity == agent.identity
    assert again.__name__ == agent.__name__
    async with MiniAgents(errors_as_messages=True):
        assert await again.inquire(UserMessage("x")) == await agent.inquire(UserMessage("x"))


def test_tools_are_pickled_too() -> None:
    assert pickle.loads(pickle.dumps(add)) is add
    tools: list[Tool[..., Any]] = [
        minus,
        echo.as_tool(),
        bot.as_tool(name="ask_bot", description="Asks."),
    ]  # Any: of any
    for each in tools:
        again = pickle.loads(pickle.dumps(each))
        assert again.identity == each.identity
        assert (again.strict, again._in_thread) == (each.strict, each._in_thread)


def local() -> tuple[AnyAgent, Tool[..., Any]]:  # Any: of any result
    @miniagent
    async def inner(ctx: InteractionContext) -> None:
        ctx.reply("x")

    @tool
    def inner_tool(number: int) -> int:
        return number

    return inner, inner_tool


@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        (local()[0], r"agent 'inner' cannot be pickled: no import finds local\.<locals>\.inner; define it at the top"),
        (local()[0] >> echo, "agent 'inner' cannot be pickled"),
        (local()[0].with_retry(), "agent 'inner' cannot be pickled"),
        (local()[1], r"tool 'inner_tool' cannot be pickled: no import finds local\.<locals>\.inner_tool"),
        (local()[0].as_tool(), "agent 'inner' cannot be pickled"),
        (scripted_agent("x", alias="stand-in"), "agent 'stand-in' cannot be pickled: it is made of"),
        (
            create_openai_agent("gpt-5", api_key="sk-1"),
            "agent 'gpt-5' cannot be pickled: a language model has a client",
        ),
        (create_openai_agent("gpt-5").bound(temperature=1), "agent 'gpt-5' cannot be pickled"),
        (echo >> create_openai_agent("gpt-5"), "agent 'gpt-5' cannot be pickled"),
    ],
)
def test_what_cannot_be_pickled_says_so(thing: object, reason: str) -> None:
    with pytest.raises(pickle.PicklingError, match=reason) as caught:
        pickle.dumps(thing)
    assert "sk-1" not in str(caught.value)


async def test_promises_are_not_pickled() -> None:
    async with MiniAgents():
        for promise in (echo.inquire("x"), Promise.resolved(1), Person("p").ask()):
            for use in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match="cannot be pickled or copied; await the promise first"):
                    use(promise)
            promise.cancel()


def test_an_agent_has_the_names_and_the_docstring_of_its_function() -> None:
    for agent in (bot, bot.bound(times=2), bot.with_retry()):
        assert (agent.__name__, agent.__qualname__, agent.__module__) == ("bot", "bot", __name__)
        assert agent.__doc__ == "Answer some times."
        assert inspect.unwrap(agent).__qualname__ == "bot"  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers see no function
    assert (CLERK.__name__, CLERK.__doc__) == ("Clerk", "Note everything.")
    assert (with_options.__name__, with_options.__doc__) == ("plain", "Does it.")
    assert ((echo >> echo).__name__, (echo >> echo).__doc__) == ("echo >> echo", None)
    model = create_openai_agent("gpt-5")
    assert (model.__name__, model.__doc__) == ("gpt-5", "The language model gpt-5.")
    assert MiniAgent.__doc__ is not None
    assert MiniAgent.__doc__.startswith("An agent function or class together with")
    assert MiniAgent.__name__ == "MiniAgent"


@pytest.mark.parametrize(
    ("agent", "signature"),
    [
        (bot, "(messages: 'MessageType[UserMessage] | None', /, times: 'int', *, loud: 'bool' = False)"),
        (bot.bound(times=2), "(messages: 'MessageType[UserMessage] | None' = None, /, *, loud: 'bool' = False)"),
        (bot.bound(2, loud=True), "(messages: 'MessageType[UserMessage] | None' = None, /)"),
        (CLERK, "(messages: 'MessageType[Message] | None' = None, /, place: 'str' = 'here')"),
        (echo >> echo, "(messages: 'MessageType[Message] | None' = None, /)"),
        (route(case(UserMessage, echo)), "(messages: 'MessageType[UserMessage] | None' = None, /)"),
    ],
)
def test_its_signature_is_that_of_inquire(agent: Any, signature: str) -> None:  # Any: checkers see no function
    assert str(inspect.signature(agent)).partition(" -> ")[0] == signature


def test_help_shows_its_docstring_and_the_class_has_its_own() -> None:
    assert "Answer some times." in pydoc.render_doc(bot)
    assert "function" in inspect.signature(MiniAgent).parameters
    assert "An agent function or class" in pydoc.render_doc(MiniAgent)


# --- agents that are taken for functions ---

INSTEAD = r"write bot\.inquire\(…\), whose replies can be awaited"


async def test_an_agent_that_is_called_or_awaited_says_what_to_write() -> None:
    function: Any = bot  # Any: checkers refuse it
    with pytest.raises(TypeError, match=f"agent 'bot' cannot be called like a function; {INSTEAD}"):
        function("x", times=2)
    with pytest.raises(TypeError, match=f"agent 'bot' cannot be awaited; {INSTEAD}"):
        await function
    chained: Any = echo >> echo  # Any: as above
    with pytest.raises(TypeError, match=r"agent 'echo >> echo' cannot be awaited; write agent\.inquire\(…\)"):
        await chained


async def test_an_agent_that_is_given_for_a_function_says_what_to_write() -> None:
    function: Any = bot  # Any: checkers refuse it
    async with PromisingContext():
        with pytest.raises(TypeError, match=f"Promise: <MiniAgent 'bot'> is no function; {INSTEAD}"):
            Promise(function)
        with pytest.raises(TypeError, match=f"filter: <MiniAgent 'bot'> is no function; {INSTEAD}"):
            StreamedPromise.of("a").filter(function)
        with pytest.raises(TypeError, match=f"not MiniAgent: {INSTEAD}"):
            stream_message(Message, function)
    with pytest.raises(TypeError, match=r"@tool: <MiniAgent 'bot'> is an agent; write bot\.as_tool\(\)"):
        tool(function)
    with pytest.raises(TypeError, match="@miniagent: bot is an agent already"):
        miniagent(function)
    with pytest.raises(TypeError, match=f"on_persist_messages: <MiniAgent 'bot'> is no function; {INSTEAD}"):
        MiniAgents(on_persist_messages=function)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"times": 1, "luod": True}, "got an unexpected keyword argument 'luod'; did you mean 'loud'?"),
        ({"times": 1, "xyz": True}, "got an unexpected keyword argument 'xyz'; it takes: times, loud"),
        ({"tmies": 1}, "missing a required argument: 'times', and got an unexpected 'tmies'; did you mean 'times'?"),
        ({}, "missing a required argument: 'times'"),
    ],
)
async def test_a_misspelt_argument_is_told_with_the_right_name(given: Any, said: str) -> None:  # Any: as users err
    async with MiniAgents():
        with pytest.raises(TypeError) as caught:
            bot.inquire("a", **given)
    assert str(caught.value) == f"agent 'bot': {said}"


async def test_an_agent_without_parameters_takes_none() -> None:
    @miniagent
    async def mute(_: InteractionContext) -> None:
        pass

    wrong: Any = {"times": 1}  # Any: as above
    async with MiniAgents():
        with pytest.raises(TypeError, match="^agent '.*mute': got an unexpected .* 'times'; it takes none$"):
            mute.inquire("a", **wrong)


async def test_an_agent_that_takes_any_name_is_told_of_no_name() -> None:
    @miniagent
    async def open_bot(ctx: InteractionContext, /, times: int, **more: int) -> None:
        ctx.reply(f"{times}{more}")

    wrong: Any = {"tmies": 1}  # Any: as above
    async with MiniAgents():
        with pytest.raises(TypeError, match="^agent '.*open_bot': missing a required argument: 'times'$"):
            open_bot.inquire("a", **wrong)

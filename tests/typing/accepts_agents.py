"""What the type checkers must take: agents. Checked, not run; see `rejects_agents.py` for what they must refuse."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from heapq import nlargest
from itertools import takewhile
from typing import Any, Generic, Literal, TypeVar, assert_type

import msgspec

from miniagents import (
    AWAIT,
    CLEAR,
    AgentCall,
    AssistantMessage,
    EndLoop,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MessageType,
    MiniAgent,
    MiniAgents,
    PersistenceError,
    Promise,
    PromisingContext,
    ReasoningDelta,
    StreamedPromise,
    UserMessage,
    __version__,
    achain_loop,
    miniagent,
)
from miniagents.miniagents import AgentBody, AgentFunction, AnyAgent, Inquirable, PersistHandler
from miniagents.testing import Pause, Reply, ScriptedAgent, Step, VirtualClockEventLoop, scripted_agent, transcript
from miniagents.utils import Link

M = TypeVar("M", bound=Message)


class NamedMessage(AssistantMessage, kw_only=True):
    """A subclass of a declared class."""

    name: str = ""


@miniagent
async def bare(ctx: InteractionContext) -> None:
    ctx.reply("hello")
    ctx.reply([bare.inquire(), bare.inquire("x")])
    async for p in ctx.messages:
        assert_type(await p, Message)


@miniagent
async def chat(ctx: InteractionContext[UserMessage, AssistantMessage], temperature: float) -> None:
    assert_type(await ctx.messages.aresolve_messages(), tuple[UserMessage, ...])
    assert_type(temperature, float)
    ctx.reply(AssistantMessage("x"))
    ctx.reply(NamedMessage("x"))


@miniagent(alias="X")
async def named(
    _: InteractionContext[UserMessage, AssistantMessage], temperature: float, *, model: str = "m"
) -> None: ...


@miniagent(alias="Y", description="d", errors_as_messages=True)
async def named_bare(_: InteractionContext) -> None: ...


async def calls() -> None:
    assert_type(int(__version__.partition(".")[0]), int)
    assert_type(bare, MiniAgent[Message, Message, []])
    assert_type(bare.inquire(), MessageSequencePromise[Message])
    assert_type(chat.inquire("hi", temperature=0.3), MessageSequencePromise[AssistantMessage])
    assert_type(chat.inquire("hi", 0.3), MessageSequencePromise[AssistantMessage])
    assert_type(chat.inquire([UserMessage("x"), "y"], temperature=1), MessageSequencePromise[AssistantMessage])
    assert_type(named.inquire("hi", temperature=0.3, model="x"), MessageSequencePromise[AssistantMessage])
    assert_type(named_bare.inquire("x"), MessageSequencePromise[Message])
    assert_type(await chat.inquire("x", 0.1).aresolve_messages(), tuple[AssistantMessage, ...])
    chat.options(start_asap=False).inquire("x", temperature=0.3)
    chat.options(max_ahead=3).options(max_ahead=None).inquire("x", temperature=0.3)
    chat.options(errors_as_messages=False).inquire("x", temperature=0.3)
    assert_type(chat == chat.options(alias="x"), bool)
    assert_type({chat: 1}.get(chat), int | None)
    assert_type(chat.initiate_inquiry(temperature=0.3), AgentCall[UserMessage, AssistantMessage])
    chat.initiate_inquiry(temperature=0.3).send_message("x").send_message(UserMessage("y")).reply_sequence()
    _agent: MiniAgent = bare
    _agents: list[MiniAgent] = [bare, named_bare]
    bare.inquire(chat.inquire("x", 0.3))


async def more_of_calls(call: AgentCall[UserMessage, AssistantMessage]) -> None:
    assert_type(call.send_message(["x", [UserMessage("y")]]), AgentCall[UserMessage, AssistantMessage])
    assert_type(call.reply_sequence(), MessageSequencePromise[AssistantMessage])
    assert_type(call.replies, MessageSequencePromise[AssistantMessage])
    call.send_message(["x", [UserMessage("y")]], out_of_order=True)
    with call as same:
        assert_type(same, AgentCall[UserMessage, AssistantMessage])
    call.finish()
    async for promise in chat.inquire("x", 0.3):
        assert_type(promise, MessagePromise[AssistantMessage])
        assert_type([token async for token in promise], list[str])
    assert_type(chat.alias, str)
    assert_type(chat.description, str | None)
    assert_type(chat.inquire(None, 0.3), MessageSequencePromise[AssistantMessage])
    chat.inquire(bare_to_user.inquire("x"), 0.3)


@miniagent
async def bare_to_user(ctx: InteractionContext[Message, UserMessage]) -> None:
    ctx.reply(ctx.messages.map_messages(lambda m: UserMessage(m.text)))
    ctx.reply(bare_to_user.inquire(ctx.messages))


@miniagent
async def user_or_assistant(ctx: InteractionContext[UserMessage | AssistantMessage, AssistantMessage]) -> None:
    assert_type(await ctx.messages, tuple[UserMessage | AssistantMessage, ...])
    ctx.reply(chat.inquire("x", 0.3))
    ctx.reply([user_or_assistant.inquire(["x", UserMessage("x"), AssistantMessage("y")]), "x"])


@miniagent
async def interaction(ctx: InteractionContext[UserMessage, AssistantMessage]) -> None:
    assert_type(ctx.messages, MessageSequencePromise[UserMessage])
    assert_type(ctx.this_agent.alias, str)
    assert_type([agent.alias for agent in ctx.callers], list[str])
    if ctx.caller is not None:
        assert_type(ctx.caller.this_agent.alias, str)
    ctx.reply_out_of_order(["x", chat.inquire("x", 0.3), ValueError("no")])
    ctx.make_sure_to_wait(chat.inquire("x", 0.3))
    ctx.make_sure_to_wait(calls())
    ctx.in_background(chat.inquire("x", 0.3))
    ctx.in_background(calls())
    ctx.finish_early()
    await ctx.drain()
    if ctx.call_node is not None:
        assert_type(await ctx.call_node, str)
    assert_type(InteractionContext.current().this_agent.alias, str)
    raise EndLoop


def bound() -> None:
    assert_type(chat.bound(0.3), MiniAgent[UserMessage, AssistantMessage, []])
    assert_type(chat.bound(temperature=0.3).inquire("x"), MessageSequencePromise[AssistantMessage])
    assert_type(named.bound(0.3, model="x"), MiniAgent[UserMessage, AssistantMessage, []])
    assert_type(bare.bound().bound(), MiniAgent[Message, Message, []])
    assert_type(
        chat.options(alias="Z").bound(0.3).options(start_asap=True).inquire(), MessageSequencePromise[AssistantMessage]
    )


@miniagent
async def forecast(_: InteractionContext, town: str, days: int, *, unit: str = "m") -> None: ...


def partly_bound() -> None:
    forecast.bound("Kiel").inquire("x", days=3, unit="km")
    forecast.bound("Kiel").inquire("x", 3)
    assert_type(forecast.bound("Kiel").bound(3, unit="km"), MiniAgent[Message, Message, []])
    assert_type(forecast.bound("Kiel", days=3), MiniAgent[Message, Message, []])
    assert_type(forecast.bound("Kiel").bound(days=3).inquire("x"), MessageSequencePromise[Message])
    forecast.bound("Kiel").bound(3).inquire("x")
    agents: list[AnyAgent] = [bare, bare_to_user, forecast.bound("Kiel", 3)]
    assert_type(agents[0].inquire("x"), MessageSequencePromise[Message])


def variance() -> None:
    # whoever takes more and gives less can stand in
    _narrow: MiniAgent[UserMessage, Message, []] = bare
    _wide: MiniAgent[UserMessage, Message, []] = chat.bound(0.3)
    asked: Inquirable[UserMessage, AssistantMessage] = chat.bound(0.3)
    assert_type(asked.inquire(["x", UserMessage("y")]), MessageSequencePromise[AssistantMessage])
    _bare_asked: Inquirable[UserMessage, Message] = bare
    _call: AgentCall[UserMessage, Message] = bare.initiate_inquiry()
    _function: AgentFunction[Message, Message, []] = plain_function
    assert_type(miniagent(plain_function), MiniAgent[Message, Message, []])


async def plain_function(_: InteractionContext) -> None: ...


# Agents that are classes: `agent = miniagent(Class)` is checked by all.


class Greeter:
    def __init__(
        self, ctx: InteractionContext[UserMessage, AssistantMessage], greeting: str, *, times: int = 1
    ) -> None:
        self.ctx = ctx
        self.greeting = greeting
        self.times = times

    async def __call__(self) -> None:
        self.ctx.reply(self.greeting * self.times)


@dataclass
class Counter:
    ctx: InteractionContext
    start: int = 0

    async def __call__(self) -> None: ...


class Configured(msgspec.Struct):
    ctx: InteractionContext[UserMessage, AssistantMessage]
    temperature: float

    async def __call__(self) -> None: ...


class Configuration(msgspec.Struct, frozen=True):
    temperature: float


@miniagent
async def with_configuration(_: InteractionContext, configuration: Configuration) -> None:
    assert_type(configuration.temperature, float)


class Asker(Generic[M]):
    def __init__(self, ctx: InteractionContext[M, AssistantMessage], word: str = "") -> None: ...

    async def __call__(self) -> None: ...


asker = miniagent(Asker[UserMessage])
greeter = miniagent(Greeter)
counter = miniagent(Counter)
configured = miniagent(Configured)
greeter_with_alias = miniagent(alias="greeter", description="Greets.")(Greeter)


def class_agents(ctx: InteractionContext[UserMessage, AssistantMessage]) -> None:
    assert_type(asker.bound("y"), MiniAgent[UserMessage, AssistantMessage, []])
    assert_type(asker.inquire("x", word="y"), MessageSequencePromise[AssistantMessage])
    assert_type(greeter.inquire("x", "Hello"), MessageSequencePromise[AssistantMessage])
    assert_type(greeter.inquire("x", greeting="Hello", times=2), MessageSequencePromise[AssistantMessage])
    assert_type(greeter.bound("Hello"), MiniAgent[UserMessage, AssistantMessage, []])
    assert_type(greeter_with_alias.inquire("x", "Hello"), MessageSequencePromise[AssistantMessage])
    assert_type(counter.inquire(["x", AssistantMessage("y")], start=1), MessageSequencePromise[Message])
    assert_type(configured.inquire("x", temperature=0.3), MessageSequencePromise[AssistantMessage])
    assert_type(with_configuration.inquire("x", Configuration(0.3)), MessageSequencePromise[Message])
    _body: AgentBody = Greeter(ctx, "Hello")


# `@miniagent` on a class is checked by pyright and ty only: mypy and pyrefly ignore what a class decorator returns and
# go on taking the name for the class, so that every use of the agent has to be told to them.


@miniagent
class Decorated:
    def __init__(self, ctx: InteractionContext[UserMessage, AssistantMessage], greeting: str) -> None: ...

    async def __call__(self) -> None: ...


def decorated() -> None:
    assert_type(Decorated.inquire("x", "Hello"), MessageSequencePromise[AssistantMessage])  # type: ignore[attr-defined, assert-type]


# Text stands for a message only if the class can be made of text alone.


class Station(Message, kw_only=True):
    town: str


class Told(Message, kw_only=True):
    """Its own text, by keyword; the one that agents make of a string."""

    text: str | None = None
    town: str = ""


@miniagent
async def in_words(ctx: InteractionContext[Told, NamedMessage], texts: Sequence[str]) -> None:
    ctx.reply("x")
    ctx.reply(["x", ("y", [NamedMessage("z")])])
    ctx.reply(text for text in texts)
    in_words.inquire(texts, [])
    in_words.initiate_inquiry([]).send_message("x")


@miniagent
async def station(ctx: InteractionContext[Station, Station], stations: Sequence[Station]) -> None:
    ctx.reply([Station(town="Berlin"), ([Station(town="Bonn")], ValueError("no"))])
    ctx.reply(sorted(stations, key=lambda m: m.town))
    station.inquire(stations, [])
    station.inquire([Station(town="Berlin"), [ctx.messages]], ())
    narrow: MiniAgent[Station] = bare  # which takes any message
    narrow.inquire(stations)


# A lambda over messages knows their class, where the messages are all of one class.


@miniagent
async def of_lambdas(ctx: InteractionContext[UserMessage, UserMessage]) -> None:
    messages = await ctx.messages
    ctx.reply(sorted(messages, key=lambda m: m.text or ""))
    ctx.reply(filter(lambda m: m.text, messages))
    ctx.reply(nlargest(3, messages, key=lambda m: len(m.content)))
    ctx.reply(takewhile(lambda m: m.content, messages))
    ctx.reply(map(lambda m: UserMessage(m.text), messages))  # noqa: C417 - a lambda is what this is about
    ctx.reply(max(messages, key=lambda m: len(m.content)))
    ctx.reply(reversed(messages))
    ctx.reply_out_of_order(sorted(messages, key=lambda m: m.text or ""))
    of_lambdas.initiate_inquiry().send_message(sorted(messages, key=lambda m: m.text or ""))


# The context


async def keep(messages: tuple[Message, ...]) -> None:
    assert_type([message.hash_key for message in messages], list[str])


class Keeper:
    async def __call__(self, messages: tuple[Message, ...]) -> None: ...

    async def method(self, messages: Sequence[Message]) -> None: ...


async def on_resolved(promise: Promise[object], result: object) -> None:
    assert_type((promise.name, result), tuple[str, object])


async def main() -> int:
    return 42


@contextlib.asynccontextmanager
async def connected() -> AsyncGenerator[int]:
    yield 42


async def contexts(handlers: list[PersistHandler]) -> None:
    async with MiniAgents(
        start_asap=False, errors_as_messages=True, longer_hash_keys=True, shutdown_timeout=1
    ) as context:
        assert_type(context, MiniAgents)
        assert_type(MiniAgents.current(), MiniAgents)
    MiniAgents(on_persist_messages=keep, on_promise_resolved=on_resolved)
    MiniAgents(on_persist_messages=[keep, Keeper(), Keeper().method], on_promise_resolved=[on_resolved])
    MiniAgents(on_persist_messages=handlers, persist_filter=lambda message: bool(message.text))
    assert_type(await context.flush(), None)
    assert_type(context.activate(), MiniAgents)
    await context.afinalize()
    _base: PromisingContext = context
    MiniAgents(parent=context, on_leave="cancel")
    MiniAgents(parent=_base, on_leave="wait")
    with context.entered() as entered:
        assert_type(entered, MiniAgents)
    assert_type(context.from_thread(bare.inquire, "x").result(timeout=1), tuple[Message, ...])
    assert_type(context.from_thread(main), Future[int])
    assert_type(await context.shared_async("key", connected), int)
    assert_type(context.on_leave, Literal["wait", "cancel"])


def programs(coroutine: Coroutine[Any, Any, str]) -> None:
    assert_type(MiniAgents().run(main()), int)
    assert_type(MiniAgents().run(coroutine, debug=True), str)
    assert_type(MiniAgents().run(bare.inquire("x").aresolve_messages()), tuple[Message, ...])
    try:
        MiniAgents(on_persist_messages=keep).run(contexts([]))
    except PersistenceError as error:
        assert_type(error.messages, tuple[Message, ...])
        assert_type(error.handler, str)


# Loops


def ask(messages: MessageType[Message] | None) -> MessageSequencePromise[Message]:
    return bare.inquire(messages)


def ask_assistant(messages: MessageType[Message] | None) -> MessageSequencePromise[AssistantMessage]:
    return user_or_assistant.inquire("x") if messages is None else chat.inquire("x", 0.3)


async def loops(links: list[Link]) -> None:
    await achain_loop([bare, AWAIT])
    await achain_loop([bare, chat.bound(0.3), AWAIT, CLEAR], "x")
    await achain_loop((bare, AWAIT, ask, ask_assistant), [UserMessage("x"), bare.inquire("x")])
    await achain_loop([lambda messages: bare.inquire(messages), AWAIT])
    await achain_loop(links, initial_input="x")
    await achain_loop([bare_to_user, chat.bound(0.3), AWAIT, scripted_agent("x")])


# Testing


async def testing(replies: list[Reply], steps: list[Step]) -> None:
    assert_type(scripted_agent("Hello", "there"), ScriptedAgent[Message, Message, []])
    scripted_agent("x", UserMessage("x"), ValueError("no"), ["to", Pause(0.1), ReasoningDelta("x"), ValueError("no")])
    scripted_agent(*replies, alias="A", pause=0.1)
    scripted_agent(steps)
    assert_type(await transcript(scripted_agent("x").inquire("x")), str)
    assert_type(await transcript(StreamedPromise.of([1])), str)
    assert_type(await transcript(main()), str)


def virtual_time(event_loop: VirtualClockEventLoop) -> None:
    assert_type(MiniAgents().run(main(), loop_factory=VirtualClockEventLoop), int)
    assert_type(event_loop.time(), float)
    event_loop.jump(3.5)

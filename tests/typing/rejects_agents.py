"""What the type checkers must refuse: agents.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from miniagents import (
    AWAIT,
    DEFAULT,
    AgentCall,
    AssistantMessage,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    PersistenceError,
    Promise,
    UserMessage,
    achain_loop,
    miniagent,
)
from miniagents.miniagents import AnyAgent, Inquirable
from miniagents.testing import Pause, VirtualClockEventLoop, scripted_agent, transcript


@miniagent
async def bare(ctx: InteractionContext) -> None:
    ctx.reply(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


@miniagent
async def chat(ctx: InteractionContext[UserMessage, AssistantMessage], temperature: float) -> None:
    assert temperature
    ctx.reply(UserMessage("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply(Message("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


@miniagent(alias="X")
async def named(
    _: InteractionContext[UserMessage, AssistantMessage], temperature: float, *, model: str = "m"
) -> None: ...


async def calls() -> None:
    chat.inquire("hi")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # missing
    chat.inquire("hi", temperature="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # type
    chat.inquire("hi", temprature=0.3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # keyword
    chat.inquire("hi", temperature=0.3, foo=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # extra
    chat.inquire(AssistantMessage("x"), temperature=0.3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong message
    chat.inquire(["x", [AssistantMessage("x")]], temperature=0.3)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # nested wrong
    chat.inquire(chat.inquire("x", 0.3), temperature=0.3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong sequence
    named.inquire("hi", temperature=0.3, model=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bare.inquire("x", foo=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chat.options(start_asap="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chat.options(max_ahead="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chat.options(start=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@miniagent  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # not async
def sync_agent(_: InteractionContext) -> None: ...


@miniagent  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # no context
async def no_context() -> None: ...


@miniagent  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong context
async def wrong_context(_: int) -> None: ...


@miniagent(alais="x")  # type: ignore[call-overload, untyped-decorator]  # pyright: ignore[reportCallIssue, reportUntypedFunctionDecorator]
async def wrong_option(_: InteractionContext) -> None: ...


async def more_of_calls(call: AgentCall[UserMessage, AssistantMessage]) -> None:
    bare.inquire(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bare.inquire("x", "y")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    bare.inquire({"a": "b"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bare.inquire(messages="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # positional only
    chat.inquire("x", 0.3, 0.4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chat.inquire("x", 0.3, temperature=0.3)  # type: ignore[misc]  # pyright: ignore[reportCallIssue]  # twice
    named.inquire("x", 0.3, "m")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # by keyword only
    chat.initiate_inquiry()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chat.initiate_inquiry("x", temperature=0.3)  # type: ignore[arg-type, misc]  # pyright: ignore[reportCallIssue]  # messages are sent to the call
    call.send_message(AssistantMessage("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    call.send_message([["x", Message("x")]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    call.send_message("x", True)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # by name only
    call.replies = call.replies  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    async with call:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # there is nothing to wait for
        pass
    call.send_message(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await call  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]  # its replies can be awaited
    await chat  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    chat("x")  # type: ignore[operator]  # pyright: ignore[reportCallIssue]  # inquired, not called
    await chat(0.3)  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
    for _ in bare.inquire("x"):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    _other: MessageSequencePromise[UserMessage] = chat.inquire("x", 0.3)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _message: AssistantMessage = await chat.inquire("x", 0.3)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # a tuple of them
    chat.alias = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # agents are values
    chat.description = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    chat.options(errors_as_messages="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chat.bound(temperature=0.3).inquire("x", temperature=0.4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # given already
    chat.options(temperature=0.3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    chat.options(start_asap=AWAIT)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@miniagent
async def interaction(ctx: InteractionContext[UserMessage, AssistantMessage]) -> None:
    ctx.reply(chat)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # the agent itself
    ctx.reply(ctx.messages)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # what came in is not what may go out
    ctx.reply([["x", [UserMessage("x")]]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    ctx.reply(None)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply_out_of_order(UserMessage("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.drain(3)  # type: ignore[call-arg, unused-coroutine]  # pyright: ignore[reportCallIssue]
    ctx.make_sure_to_wait(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ctx.in_background(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ctx.messages = ctx.messages  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    ctx.nope  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    bare_context: InteractionContext = ctx  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # it may reply what is not declared
    bare_context.reply("x")
    chat.inquire(chat.inquire(ctx.messages, 0.3), 0.3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await ctx.reply("x")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]  # nothing to wait for


@miniagent
async def forecast(_: InteractionContext, town: str, days: int) -> None: ...


def partly_bound() -> None:
    forecast.bound(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    forecast.bound("Kiel").inquire("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    forecast.bound("Kiel").inquire("x", "three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    forecast.bound("Kiel").inquire("x", 3, 4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    forecast.bound("Kiel", "three")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    forecast.bound("Kiel", 3, 4)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    _agents: list[AnyAgent] = [forecast]  # type: ignore[list-item]  # pyright: ignore[reportAssignmentType]


# Text stands for a message only if the class can be made of text alone.


class Station(Message, kw_only=True):
    town: str


@miniagent
async def station(ctx: InteractionContext[Station, Station], stations: list[Station], names: list[str]) -> None:
    ctx.reply("Berlin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply(["Berlin"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply(names)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply(name for name in names)  # type: ignore[misc]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply_out_of_order("Berlin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply(sorted(stations, key=lambda m: m.twn))  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]


@miniagent
async def either(ctx: InteractionContext[Station, AssistantMessage | Station]) -> None:
    ctx.reply("Berlin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]


async def in_words(
    call: AgentCall[Station, Station],
    asked: Inquirable[Station, Station],
    narrow: MiniAgent[Station, Station, []],
    names: list[str],
) -> None:
    station.inquire("Berlin", [], [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    station.inquire(["Berlin", Station(town="Berlin")], [], [])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    station.inquire(names, [], [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    call.send_message("Berlin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    asked.inquire("Berlin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    narrow.inquire("Berlin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    either.with_repair(str)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


_text_context: InteractionContext[str, str]  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeArguments]  # messages only


def bound() -> None:
    chat.bound()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # all or nothing
    chat.bound("x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    chat.bound(temprature=0.3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    chat.bound(0.3).inquire("x", 0.3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # given twice
    chat.bound(0.3).inquire(AssistantMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bare.bound(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def makers() -> None:
    # the library makes them
    MiniAgent(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    InteractionContext(chat)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AgentCall(bare.inquire("x"))  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    PersistenceError("keep", (Message("x"),))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def variance(
    assistant: MiniAgent[AssistantMessage, Message, []], asked: Inquirable[UserMessage, AssistantMessage]
) -> None:
    asked.inquire(AssistantMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    asked.inquire("x", 0.3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    _wider: MiniAgent[Message, AssistantMessage, []] = chat.bound(0.3)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # takes less
    _gives: MiniAgent[UserMessage, UserMessage, []] = chat.bound(0.3)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _params: MiniAgent[UserMessage, AssistantMessage, []] = chat  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _asked: Inquirable[UserMessage, AssistantMessage] = chat  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # it needs an argument
    _other: Inquirable[UserMessage, Message] = assistant  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


# Agents that are classes: `agent = miniagent(Class)` is checked by all.


class Greeter:
    def __init__(self, ctx: InteractionContext[UserMessage, AssistantMessage], greeting: str) -> None:
        ctx.reply(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
        ctx.reply(greeting)

    async def __call__(self) -> None: ...


class NoCall:
    def __init__(self, ctx: InteractionContext) -> None: ...


class SyncCall:
    def __init__(self, ctx: InteractionContext) -> None: ...

    def __call__(self) -> None: ...


class CallWithArguments:
    def __init__(self, ctx: InteractionContext) -> None: ...

    async def __call__(self, greeting: str) -> None: ...


class NoContext:
    async def __call__(self) -> None: ...


greeter = miniagent(Greeter)
miniagent(NoCall)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
miniagent(SyncCall)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
miniagent(CallWithArguments)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
miniagent(NoContext)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def class_agents() -> None:
    greeter.inquire("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    greeter.inquire("x", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    greeter.inquire("x", greeting="Hello", times=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    greeter.inquire(AssistantMessage("x"), "Hello")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    greeter.bound()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    miniagent(Greeter, name="x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


# `@miniagent` on a class is checked by pyright and ty only. mypy and pyrefly take `Decorated` for the class itself, so
# that they find no `inquire` whatever the arguments, right or wrong; mypy does look at what the decorator is given.


@miniagent
class Decorated:
    def __init__(self, ctx: InteractionContext[UserMessage, AssistantMessage], greeting: str) -> None: ...

    async def __call__(self) -> None: ...


@miniagent  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
class DecoratedSync:
    def __init__(self, ctx: InteractionContext) -> None: ...

    def __call__(self) -> None: ...


def decorated() -> None:
    Decorated.inquire("x")  # type: ignore[attr-defined]  # pyright: ignore[reportCallIssue]
    Decorated.inquire("x", 3)  # type: ignore[attr-defined]  # pyright: ignore[reportArgumentType]
    Decorated.inquire(AssistantMessage("x"), "Hello")  # type: ignore[attr-defined]  # pyright: ignore[reportArgumentType]


# The context


def sync_keep(_: tuple[Message, ...]) -> None: ...


async def keep_one(_: Message) -> None: ...


async def keep_users(_: tuple[UserMessage, ...]) -> None: ...


async def keep_list(_: list[Message]) -> None: ...


async def on_resolved(_: Promise[object]) -> None: ...


async def main() -> int:
    return 42


async def contexts() -> None:
    await MiniAgents().afinalize("no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(on_persist_messages=sync_keep)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(on_persist_messages=keep_one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(on_persist_messages=keep_users)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(on_persist_messages=keep_list)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(on_persist_messages=[sync_keep])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    MiniAgents(persist_filter="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await MiniAgents().flush(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MiniAgents(on_promise_resolved=on_resolved)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(start_asap=DEFAULT)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the default is the context's to say
    MiniAgents(errors_as_messages="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MiniAgents(model="m")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MiniAgents().run(main)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # called, please
    MiniAgents().run(bare.inquire("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a promise is made inside the context
    _text: str = MiniAgents().run(main())  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    MiniAgents(on_leave="stop")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(parent="outer")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents().on_leave = "wait"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    MiniAgents().from_thread(bare.inquire, times=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MiniAgents().from_thread(len, "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # nothing to await
    await MiniAgents().shared_async("key", main)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async with MiniAgents().entered():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # `with`
        pass
    with MiniAgents():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # `async with`
        pass


# Loops


def takes_text(_: str) -> MessageSequencePromise[Message]:
    return bare.inquire("x")


def gives_text(_: object) -> str:
    return "x"


async def async_link(_: object) -> MessageSequencePromise[Message]:
    return bare.inquire("x")


async def loops() -> None:
    await achain_loop([chat, AWAIT])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # it needs an argument
    await achain_loop(["x", AWAIT])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await achain_loop([bare, DEFAULT])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await achain_loop([takes_text, AWAIT])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await achain_loop([gives_text, AWAIT])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await achain_loop([async_link, AWAIT])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await achain_loop([bare, AWAIT], 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await achain_loop(bare, AWAIT)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await achain_loop()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# Testing


async def testing() -> None:
    scripted_agent(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    scripted_agent(["to", 3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    scripted_agent("x", pause="1")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    scripted_agent("x", name="A")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    scripted_agent("x").inquire("x", 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    MiniAgents().run(main(), loop_factory=VirtualClockEventLoop())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    VirtualClockEventLoop(1.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    VirtualClockEventLoop().jump("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Pause("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Pause(1).seconds = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    transcript("x")  # type: ignore[arg-type, unused-coroutine]  # pyright: ignore[reportArgumentType, reportUnusedCoroutine]
    _text: str = transcript(bare.inquire("x"))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


async def agents_are_no_functions(agent: MiniAgent, replies: MessageSequencePromise) -> None:
    agent("x")  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
    await agent  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    agent.trigger("x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    len(replies)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    replies[0]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    replies.text  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

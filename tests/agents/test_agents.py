"""Agents and what they declare: the decorator, the messages that are taken and refused, `bound` and `options`."""

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
import pytest

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MessageType,
    MiniAgent,
    MiniAgents,
    Promise,
    StreamAppender,
    StreamedPromise,
    SystemMessage,
    UserMessage,
    miniagent,
    stream_message,
)


class Question(Message, frozen=True, kw_only=True):
    urgent: bool = False


class Answer(Message, frozen=True, kw_only=True):
    confidence: float = 1.0


class Measured(Message, frozen=True, kw_only=True):
    """A message that no string can become."""

    metres: float


def ask(
    agent: Any,  # Any: mypy takes a decorated class for the class that it was
    messages: MessageType[Message] | None = None,
    *args: Any,
    **kwargs: Any,
) -> tuple[Message, ...]:
    """What an agent answers, in a context of its own."""

    async def main() -> tuple[Message, ...]:
        replies: tuple[Message, ...] = await agent.inquire(messages, *args, **kwargs)
        return replies

    return MiniAgents().run(main())


def refusal(agent: MiniAgent[Any, Any, ...], messages: Any) -> str:
    with pytest.raises(TypeError) as refused:
        ask(agent, messages)
    return str(refused.value)


# --- functions and classes ---


def test_a1_a_function_is_an_agent_that_takes_arguments() -> None:
    @miniagent
    async def greeter(ctx: InteractionContext, greeting: str, *, mark: str = "!") -> None:
        """Greets."""
        ctx.reply([f"{greeting}, {message.text}{mark}" for message in await ctx.messages])

    assert ask(greeter, ["Ann", "Bob"], "Hello", mark="?") == (Message("Hello, Ann?"), Message("Hello, Bob?"))
    assert (greeter.alias, greeter.description, repr(greeter)) == ("greeter", "Greets.", "<MiniAgent 'greeter'>")


def test_a1_a_decorator_with_options_names_and_describes_the_agent() -> None:
    @miniagent(alias="host", description="Says hello.")
    async def greeter(ctx: InteractionContext) -> None:
        """Greets."""
        ctx.reply(ctx.this_agent.alias)

    assert ask(greeter) == (Message("host"),)
    assert greeter.description == "Says hello."


def test_a1_a_class_is_an_agent_made_anew_for_each_call() -> None:
    @miniagent
    class Counter:
        """Counts."""

        def __init__(self, ctx: InteractionContext[Question, Answer], start: int = 0) -> None:
            self.ctx = ctx
            self.count = start

        async def __call__(self) -> None:
            async for _ in self.ctx.messages:
                self.count += 1
            self.ctx.reply(str(self.count))

    assert ask(Counter, ["a", "b"]) == (Answer("2"),)
    assert ask(Counter, ["a", "b"], start=5) == (Answer("7"),)
    counter: Any = Counter  # Any: as above
    assert (counter.alias, counter.description) == ("Counter", "Counts.")


def test_a1_a_dataclass_is_an_agent() -> None:
    @dataclass
    class Repeater:
        """Repeats."""

        ctx: InteractionContext[Question, Answer]
        times: int = 1
        said: list[str] = field(default_factory=list[str])

        async def __call__(self) -> None:
            self.said.extend(str(message) for message in await self.ctx.messages)
            self.ctx.reply(self.said * self.times)

    repeater = miniagent(Repeater)
    assert ask(repeater, "ho", times=2) == (Answer("ho"), Answer("ho"))
    assert ask(repeater, "ha") == (Answer("ha"),), "objects share nothing"


def test_a1_a_struct_is_an_agent() -> None:
    class Repeater(msgspec.Struct):
        ctx: InteractionContext[Question, Answer]
        times: int = 1

        async def __call__(self) -> None:
            self.ctx.reply([await self.ctx.messages.join().map(lambda one: Answer(one.text))] * self.times)

    assert ask(miniagent(Repeater), "ho", times=2) == (Answer("ho"), Answer("ho"))
    assert miniagent(Repeater).description is None, "what a base class says of itself does not describe the agent"


Kind = TypeVar("Kind", bound=Message)


class Naming(Generic[Kind]):
    """Tells the classes of messages."""

    def __init__(self, ctx: InteractionContext[Kind, Message], mark: str = "") -> None:
        self.ctx = ctx
        self.mark = mark

    async def __call__(self) -> None:
        self.ctx.reply([type(message).__name__ + self.mark for message in await self.ctx.messages])


def test_a1_a_generic_class_with_its_types_is_an_agent() -> None:
    users, answers = miniagent(Naming[UserMessage]), miniagent(Naming[AssistantMessage])

    async def main() -> None:
        async with MiniAgents():
            assert [str(name) for name in await users.bound("!").inquire("x")] == ["UserMessage!"]
            assert [str(name) for name in await answers.inquire("x")] == ["AssistantMessage"]
            with pytest.raises(TypeError, match="got UserMessage where AssistantMessage is declared"):
                await answers.inquire(UserMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    asyncio.run(main())
    assert (users.alias, users.description) == ("Naming", "Tells the classes of messages.")
    assert users == miniagent(Naming[UserMessage])
    assert users != answers
    with pytest.raises(TypeError, match="class list needs `async def __call__"):
        miniagent(list[int])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a1_a_class_that_inherits_its_constructor_is_an_agent() -> None:
    class Base(ABC):
        def __init__(self, ctx: InteractionContext[Question, Answer]) -> None:
            self.ctx = ctx

        async def __call__(self) -> None:
            self.ctx.reply(await self.text())

        @abstractmethod
        async def text(self) -> str: ...

    @miniagent
    class Concrete(Base):
        async def text(self) -> str:
            return "done"

    assert ask(Concrete) == (Answer("done"),)


def test_a1_a_partial_and_an_object_with_an_async_call_are_agents() -> None:
    async def repeat(ctx: InteractionContext[Question, Answer], times: int) -> None:
        """Repeats."""
        ctx.reply([str(message) for message in await ctx.messages] * times)

    class Repeat:
        async def __call__(self, ctx: InteractionContext[Question, Answer]) -> None:
            await repeat(ctx, 3)

    twice = miniagent(functools.partial(repeat, times=2))
    assert ask(twice, "ho") == (Answer("ho"), Answer("ho"))
    assert twice.description == "Repeats."
    assert ask(miniagent(Repeat()), "ho") == (Answer("ho"),) * 3


def test_a_docstring_with_braces_is_a_docstring() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        """Takes {"a": 1} and {unknown}, {0} and {."""
        ctx.reply("done")

    assert agent.description == 'Takes {"a": 1} and {unknown}, {0} and {.'
    assert ask(agent) == (Message("done"),)


# --- decorations that are refused ---


def test_a_function_that_is_not_async_is_refused() -> None:
    def agent(ctx: InteractionContext) -> None:
        ctx.reply("never")

    with pytest.raises(TypeError, match=r"^@miniagent: .*agent is not async: write `async def .*agent\(ctx, \.\.\.\)`"):
        miniagent(agent)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_a_class_without_an_async_call_is_refused() -> None:
    class Agent:
        def __init__(self, ctx: InteractionContext) -> None: ...

    with pytest.raises(TypeError, match=r"^@miniagent: class .*Agent needs `async def __call__\(self\) -> None`$"):
        miniagent(Agent)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^@miniagent: 'greeter' is no function and no class; write `@miniagent` or"):
        miniagent("greeter")  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]


async def _no_parameters() -> None: ...


async def _keywords_only(*, ctx: InteractionContext) -> None: ...


@pytest.mark.parametrize("agent", [_no_parameters, _keywords_only])
def test_a_function_that_takes_no_context_is_refused(agent: Any) -> None:
    with pytest.raises(TypeError, match=r"^agent '_\w+': the first parameter must take the InteractionContext: write "):
        miniagent(agent)


async def _wrong_class(ctx: str) -> None: ...


async def _wrong_name(ctx: "list[Message]") -> None: ...


@pytest.mark.parametrize("agent", [_wrong_class, _wrong_name])
def test_an_annotation_that_is_no_context_is_refused(agent: Any) -> None:
    with pytest.raises(
        TypeError,
        match=r"^agent '_wrong_\w+': parameter 'ctx' must be annotated with InteractionContext or "
        r"InteractionContext\[In, Out\], not with ",
    ):
        miniagent(agent)


def test_a_declared_class_that_is_no_message_is_refused() -> None:
    async def agent(ctx: Any) -> None: ...

    agent.__annotations__["ctx"] = "InteractionContext[str, Message]"
    with pytest.raises(TypeError, match=r"^agent 'agent': <class 'str'> is no message class; agents exchange"):
        miniagent(agent)


def test_a_name_that_is_known_nowhere_is_named_when_the_agent_is_called() -> None:
    async def agent(ctx: InteractionContext) -> None: ...

    agent.__annotations__["ctx"] = "InteractionContext[Nowhere, Message]"
    called = miniagent(agent)
    with pytest.raises(NameError, match=r"^agent 'agent': the annotation of 'ctx' has a name .*'Nowhere'.*TYPE_CHECK"):
        ask(called)


# --- declared types ---


@miniagent
async def defined_before(ctx: InteractionContext["Later", "Later | Answer"]) -> None:
    ctx.reply([f"{type(message).__name__}" for message in await ctx.messages])


@miniagent
async def defined_before_as_a_whole(ctx: "InteractionContext[Later, Later]") -> None:
    ctx.reply([f"{type(message).__name__}" for message in await ctx.messages])


class Later(Message, frozen=True): ...


@pytest.mark.parametrize("agent", [defined_before, defined_before_as_a_whole])
def test_a1_a_class_that_is_defined_further_down_can_be_declared(agent: MiniAgent[Later, Message, []]) -> None:
    assert ask(agent, "now") == (Later("Later"),)


def test_a1_a_local_class_can_be_declared_in_quotes() -> None:
    class Local(Message, frozen=True): ...

    @miniagent
    async def agent(ctx: "InteractionContext[Local, Local]") -> None:
        ctx.reply(await ctx.messages)

    assert ask(agent, "here") == (Local("here"),)


def test_a1_a_bare_context_declares_any_messages() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.reply(await ctx.messages)

    given = (Question("q"), Answer("a"), Message("m"))
    assert ask(agent, given) == given


def test_a1_a_context_without_an_annotation_declares_any_messages() -> None:
    async def agent(ctx: Any) -> None:
        ctx.reply(await ctx.messages)

    agent.__annotations__.clear()
    assert ask(miniagent(agent), [Question("q"), "m"]) == (Question("q"), Message("m"))


def test_a1_a_union_declares_each_of_its_classes_and_strings_become_the_first() -> None:
    @miniagent
    async def agent(ctx: InteractionContext[Question | Answer, Answer | Question]) -> None:
        ctx.reply([*(await ctx.messages), "reply"])

    assert ask(agent, ["text", Answer("a")]) == (Question("text"), Answer("a"), Answer("reply"))
    assert "got Measured where Question or Answer is declared" in refusal(agent, Measured(metres=1))


T = TypeVar("T", bound="Later")
V = TypeVar("V")


class Boxed(Message, Generic[V], frozen=True, kw_only=True):
    value: V | None = None


def test_a1_type_variables_and_generic_messages_can_be_declared() -> None:
    async def agent(ctx: InteractionContext[T, Boxed[int]]) -> None:
        ctx.reply([str(message) for message in await ctx.messages])

    called: MiniAgent[Any, Boxed[int], []] = miniagent(agent)
    assert ask(called, "x") == (Boxed("x"),)
    assert "got Question where Later is declared" in refusal(called, Question("no"))


def test_a1_one_class_declares_what_is_taken_and_leaves_open_what_is_given() -> None:
    @miniagent
    async def agent(ctx: InteractionContext[Question]) -> None:
        ctx.reply([Answer("a"), *(await ctx.messages)])

    assert ask(agent, "q") == (Answer("a"), Question("q"))


# --- A2 ---


def test_a2_a_string_becomes_the_declared_type() -> None:
    @miniagent
    async def agent(ctx: InteractionContext[UserMessage, AssistantMessage]) -> None:
        ctx.reply([f"{type(message).__name__} {message}" for message in await ctx.messages])

    assert ask(agent, ["one", ["two"]]) == (AssistantMessage("UserMessage one"), AssistantMessage("UserMessage two"))


def test_a2_a_string_becomes_a_message_where_nothing_is_declared() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.reply([*(await ctx.messages), "two"])

    assert ask(agent, "one") == (Message("one"), Message("two"))


def test_a2_a_string_that_cannot_become_the_declared_type_is_refused() -> None:
    @miniagent
    async def agent(ctx: InteractionContext[Measured, Measured]) -> None:
        ctx.reply(await ctx.messages)

    assert ask(agent, Measured(metres=2.0)) == (Measured(metres=2.0),)
    said = refusal(agent, "two metres")
    assert said.startswith("agent 'agent': messages: a plain string cannot become Measured: ")
    assert "'metres'" in said


@miniagent
async def answering(ctx: InteractionContext[Question, Answer], reply: Any = None) -> None:
    await ctx.messages
    ctx.reply(reply)


async def _never() -> AsyncIterator[str]:
    await asyncio.Event().wait()
    yield "never"


def test_a2_a_message_of_another_type_is_refused_with_agent_field_and_both_types() -> None:
    assert refusal(answering, Answer("no")) == ("agent 'answering': messages: got Answer where Question is declared")
    with pytest.raises(TypeError) as refused:
        ask(answering, "?", Question("no"))
    assert str(refused.value) == "agent 'answering': reply: got Question where Answer is declared"


def test_a2_a_subclass_is_taken_and_a_base_class_is_not() -> None:
    class Urgent(Question, frozen=True, kw_only=True): ...

    assert ask(answering, Urgent("now"), Answer("yes")) == (Answer("yes"),)
    assert refusal(answering, Message("hm")).endswith("got Message where Question is declared")


def test_a2_a_stream_of_another_type_is_refused_before_it_has_come_to_its_end() -> None:
    async def main() -> None:
        never = stream_message(Answer, _never())
        with pytest.raises(TypeError, match=r"^agent 'answering': messages: got Answer where Question is"):
            answering.inquire(never)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        never.cancel()

    MiniAgents().run(main())


def test_a2_a_promise_whose_type_is_not_known_before_is_refused_where_it_is_read() -> None:
    async def other() -> Message:
        return Message("other")

    async def known() -> Question:
        return Question("fine")

    async def main() -> None:
        @miniagent
        async def reader(ctx: InteractionContext[Question, Answer]) -> None:
            first, second = [promise async for promise in ctx.messages]
            assert await first == Question("fine")
            with pytest.raises(TypeError, match=r"^agent 'reader': messages: got Message where Question is"):
                await second
            ctx.reply("refused")

        messages: Any = [Promise(known), Promise(other)]
        assert await reader.inquire(messages) == (Answer("refused"),)

    MiniAgents().run(main())


def test_a2_a_message_promise_of_unknown_type_keeps_its_tokens_and_is_checked_at_its_end() -> None:
    async def tokens() -> AsyncIterator[str]:
        yield "to"
        yield "kens"

    async def whole(_: object) -> Message:
        return Answer("tokens")

    async def main() -> None:
        unknown: MessagePromise[Any] = MessagePromise(tokens, whole)

        @miniagent
        async def reader(ctx: InteractionContext[Question, Answer]) -> None:
            [promise] = [promise async for promise in ctx.messages]
            assert [token async for token in promise] == ["to", "kens"]
            with pytest.raises(TypeError, match=r"got Answer where Question is declared"):
                await promise
            ctx.reply(unknown)

        assert await reader.inquire(unknown) == (Answer("tokens"),)

    MiniAgents().run(main())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (3, "got int, which is no message; give Question, a string, or promises or sequences of them: 3"),
        ({"text": "q"}, "got dict, which is no message; "),
        ({"q"}, "got set, which is no message; "),
        (b"bytes", "got bytes, which is no message; "),
        (["fine", [None]], "got NoneType, which is no message; "),
        (answering, "got MiniAgent, which is no message: write answering.inquire(…), "),
    ],
)
def test_what_is_no_message_is_refused_with_agent_and_field(wrong: Any, said: str) -> None:
    assert refusal(answering, wrong).startswith(f"agent 'answering': messages: {said}")


def test_a_stream_that_is_no_message_is_refused_with_what_to_write() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            for wrong in (appender, StreamedPromise.of("abc")):
                messages: Any = wrong
                with pytest.raises(TypeError, match=r"streams pieces of something, not messages; write stream_message"):
                    answering.inquire(messages)

    MiniAgents().run(main())


def test_nothing_is_sent_when_a_part_is_refused() -> None:
    received: list[str] = []

    @miniagent
    async def agent(ctx: InteractionContext[Question, Answer]) -> None:
        received.extend([str(message) for message in await ctx.messages])

    async def main() -> None:
        call = agent.initiate_inquiry()
        mixed: Any = ["a", Answer("b"), "c"]
        with pytest.raises(TypeError):
            call.send_message(mixed)
        call.send_message("d")
        await call.reply_sequence()

    MiniAgents().run(main())
    assert received == ["d"]


# --- A4 ---


def test_a4_whatever_stands_for_messages_becomes_one_flat_sequence() -> None:
    @miniagent
    async def echo(ctx: InteractionContext) -> None:
        ctx.reply(ctx.messages)

    async def later() -> Message:
        return Message("promise")

    def some(messages: MessageType[Message]) -> MessageType[Message]:
        return messages  # pyright looks no deeper in a `yield`

    async def items() -> AsyncIterator[MessageType[Message]]:
        yield "async"
        yield ["iterator", some(iter(["in", ("it",)]))]

    async def tokens() -> AsyncIterator[str]:
        yield "str"
        yield "eam"

    async def main() -> None:
        messages: list[MessageType[Message]] = [
            "string",
            Message("message"),
            (Message("tuple"), "of both", SystemMessage("mixed")),
            [[[["deep"]]], []],
            Promise(later),
            stream_message(Message, tokens()),
            MessagePromise.of_message(Message("of_message")),
            MessageSequencePromise.of_messages([Message("se"), Message("quence")]),
            echo.inquire(["inner", ["agent"]]),
            items(),
            (text for text in ("gene", "rator")),
        ]
        replies = await echo.inquire(messages)
        assert [reply.text for reply in replies] == [
            *("string", "message", "tuple", "of both", "mixed", "deep", "promise", "stream", "of_message"),
            *("se", "quence", "inner", "agent", "async", "iterator", "in", "it", "gene", "rator"),
        ]
        assert replies[4] == SystemMessage("mixed")

    MiniAgents().run(main())


def test_a4_what_is_mutable_is_taken_as_it_was_at_the_call() -> None:
    @miniagent
    async def echo(ctx: InteractionContext) -> None:
        ctx.reply(given := [str(message) for message in await ctx.messages])
        given.append("later")

    async def main() -> None:
        given = ["a", "b"]
        nested: list[MessageType[Message]] = [given, [given]]
        replies = echo.inquire(nested)
        given.append("c")
        nested.clear()
        assert [reply.text for reply in await replies] == ["a", "b", "a", "b"]

    MiniAgents().run(main())


def test_a4_an_error_among_the_messages_is_raised_at_its_place() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        pieces = aiter(ctx.messages)
        ctx.reply(await anext(pieces))
        with pytest.raises(ValueError, match="^second$"):
            await anext(pieces)
        ctx.reply(await anext(pieces))

    assert ask(agent, ["first", ValueError("second"), "third"]) == (Message("first"), Message("third"))


# --- bound and options ---


@miniagent
async def counting(ctx: InteractionContext, start: int, *, step: int = 1) -> None:
    ctx.reply([str(start), str(start + step)])


def test_a6_bound_makes_a_new_agent_and_changes_nothing() -> None:
    by_two = counting.bound(1, step=2)
    assert ask(by_two) == (Message("1"), Message("3"))
    assert ask(counting, None, 5) == (Message("5"), Message("6"))
    assert (by_two.alias, by_two.description) == (counting.alias, counting.description)


def test_a6_options_make_a_new_agent_and_change_nothing() -> None:
    renamed = counting.options(alias="other")
    lazy = renamed.options(start_asap=False)
    assert (counting.alias, renamed.alias, lazy.alias) == ("counting", "other", "other")
    assert ask(lazy.bound(3)) == (Message("3"), Message("4"))


@pytest.mark.parametrize(
    "call",
    [
        lambda: counting.bound("a", "b", "c"),  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportUnknownLambdaType]
        lambda: ask(counting),
        lambda: ask(counting, None, 1, stride=2),
        lambda: ask(counting.bound(1), None, 2),
    ],
)
def test_arguments_that_do_not_fit_are_refused_at_the_call(call: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="^agent 'counting': "):
        call()


def test_a6_state_is_shared_by_nobody_who_does_not_share_the_agent() -> None:
    """A default conversation of the whole process would show one user what another said."""

    @miniagent
    class Remembering:
        def __init__(self, ctx: InteractionContext, history: list[str] | None = None) -> None:
            self.ctx = ctx
            self.history: list[str] = [] if history is None else history

        async def __call__(self) -> None:
            self.history.extend(str(message) for message in await self.ctx.messages)
            self.ctx.reply(" ".join(self.history))

    remembering: Any = Remembering  # Any: as above
    ann, bob = remembering.bound(history=[]), remembering.bound(history=[])
    assert ask(ann, "I am Ann") == (Message("I am Ann"),)
    assert ask(bob, "I am Bob") == (Message("I am Bob"),)
    assert ask(ann, "still") == (Message("I am Ann still"),)
    assert ask(Remembering, "who?") == (Message("who?"),)

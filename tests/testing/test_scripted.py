"""Scripted agents that stand for others: their types, arguments, replies, and what they were asked."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MiniAgents,
    ReasoningDelta,
    SystemMessage,
    ToolCall,
    ToolCallDelta,
    ToolResultMessage,
    UserMessage,
    miniagent,
    stream_message,
    tool,
)
from miniagents.ext.llm import create_openai_agent
from miniagents.testing import Asked, Pause, Reply, Several, VirtualClockEventLoop, scripted_agent, transcript


def run(main: Coroutine[Any, Any, None]) -> None:
    MiniAgents().run(main, loop_factory=VirtualClockEventLoop)


def loosely(thing: Any) -> Any:  # Any: for mistakes that the checkers would find
    return thing


class City(Message, frozen=True, kw_only=True):
    name: str


@miniagent
async def translator(
    ctx: InteractionContext[UserMessage, AssistantMessage], language: str, *, polite: bool = True
) -> None:
    raise AssertionError((ctx, language, polite))


# --- what it stands for ---


def test_it_takes_the_messages_and_arguments_of_the_agent_it_stands_for() -> None:
    async def main() -> None:
        fake = scripted_agent("Bonjour", of=translator)
        assert fake.alias == "translator"
        with pytest.raises(TypeError, match="missing a required argument: 'language'"):
            loosely(fake).inquire("Hello")
        with pytest.raises(TypeError, match="got SystemMessage where UserMessage is declared"):
            loosely(fake).inquire(SystemMessage("Hello"), language="French")
        assert await fake.inquire("Hello", "French", polite=False) == (AssistantMessage("Bonjour"),)
        (asked,) = fake.asked
        assert asked.messages == (UserMessage("Hello"),)
        assert asked.arguments == {"language": "French", "polite": False}

    run(main())


def test_what_is_bound_stays_bound() -> None:
    async def main() -> None:
        fake = scripted_agent("Bonjour", of=translator.bound("French"), alias="fake")
        assert fake.alias == "fake"
        assert await fake.inquire("Hello") == (AssistantMessage("Bonjour"),)
        assert fake.asked[0].arguments == {"language": "French"}

    run(main())


def test_it_takes_the_options_of_a_model_and_shows_no_key() -> None:
    model = create_openai_agent("gpt-5-nano", api_key="secret")

    async def main() -> None:
        fake = scripted_agent("4", of=model)
        with pytest.raises(TypeError, match="temprature"):
            fake.inquire("2 + 2?", temprature=1)
        await fake.inquire("2 + 2?", temperature=0, extra_headers={"Authorization": "secret"})
        assert fake.asked[0].arguments["temperature"] == 0
        assert "secret" not in repr(fake.asked)

    run(main())


def test_classes_are_declared_without_an_agent() -> None:
    async def main() -> None:
        fake = scripted_agent("fine", City(name="Kiel"), takes=UserMessage, gives=Message)
        with pytest.raises(TypeError, match="got SystemMessage where UserMessage is declared"):
            loosely(fake).inquire(SystemMessage("Hello"))
        assert await fake.inquire("Hello") == (Message("fine"),)
        assert await fake.inquire("Hello") == (City(name="Kiel"),)
        assert [call.messages for call in fake.asked] == [(UserMessage("Hello"),)] * 2
        assert await scripted_agent("a", gives=AssistantMessage).inquire() == (AssistantMessage("a"),)

    run(main())


@pytest.mark.parametrize("replies", [(UserMessage("x"),), ("a", Several("b", UserMessage("x")))])
def test_a_message_of_a_wrong_class_is_refused_where_it_is_given(replies: Any) -> None:  # Any: they are wrong
    with pytest.raises(TypeError, match="agent 'translator': got UserMessage where AssistantMessage is declared"):
        scripted_agent(*replies, of=translator)
    with pytest.raises(TypeError, match="agent 'translator': got UserMessage where AssistantMessage is declared"):
        scripted_agent(of=translator, otherwise=replies[-1])
    with pytest.raises(TypeError, match="scripted_agent: of: 3 is no MiniAgent"):
        scripted_agent("x", of=loosely(3))


# --- what it answers ---


def test_functions_answer_with_what_was_asked() -> None:
    async def slowly(asked: Asked[UserMessage]) -> Reply:
        await asyncio.sleep(3)
        return f"{asked.arguments['language']}: {asked.messages[0]}"

    async def main() -> None:
        fake = scripted_agent("first", of=translator, otherwise=slowly)
        said = [str(*await fake.inquire(text, "French")) for text in ("a", "b", "c")]
        assert said == ["first", "French: b", "French: c"]
        assert asyncio.get_running_loop().time() == 6

    run(main())


def test_a_function_waits_for_messages_that_still_arrive() -> None:
    async def main() -> None:
        slow = scripted_agent(["a", Pause(1), "b"])
        fake = scripted_agent(lambda asked: f"got {asked.messages[0]}")
        replies = fake.inquire(slow.inquire())
        await asyncio.sleep(0.5)
        with pytest.raises(
            RuntimeError, match=r"'scripted_agent.messages' are still arriving: write `await asked.promise`"
        ):
            fake.asked[0].messages  # noqa: B018  # it raises
        assert await replies == (Message("got ab"),)
        assert fake.asked[0].messages == (Message("ab"),)

    run(main())


def test_an_error_among_the_messages_is_raised_where_they_are_looked_at() -> None:
    async def main() -> None:
        fake = scripted_agent("fine")
        assert await fake.inquire(["a", ValueError("no")]) == (Message("fine"),)
        with pytest.raises(ValueError, match="no"):
            fake.asked[0].messages  # noqa: B018  # it raises

    run(main())


def test_several_messages_come_one_after_the_other() -> None:
    async def main() -> None:
        fake = scripted_agent(
            Several(["a", Pause(1), "b"], Pause(2), "c", KeyError("k"), AssistantMessage("d"), [ValueError("cut")], "e")
        )
        text = await transcript(fake.inquire())
        assert [line for line in text.splitlines() if "=" in line or "!" in line] == [
            "1 = Message(text='ab')",
            "2 = Message(text='c')",
            "! KeyError: 'k'",
            "3 = AssistantMessage(text='d')",
            "4 ! ValueError: cut",
            "4 = ! ValueError: cut",
            "5 = Message(text='e')",
        ]
        assert asyncio.get_running_loop().time() == 3

    run(main())


def test_tool_calls_are_streamed_and_stand_in_the_message() -> None:
    call, other = ToolCall(id="1", name="look", arguments='{"at": "sea"}'), ToolCall(id="2", name="wait")

    async def main() -> None:
        fake = scripted_agent(
            ["Let me ", ReasoningDelta(text="hm"), "look.", call, other], AssistantMessage("Again.", tool_calls=(call,))
        )
        (promise,) = [promise async for promise in fake.inquire()]
        assert [event async for event in promise.events if isinstance(event, ToolCallDelta)] == [
            ToolCallDelta(index=0, id="1", name="look", arguments='{"at": "sea"}'),
            ToolCallDelta(index=1, id="2", name="wait", arguments="{}"),
        ]
        assert await promise == AssistantMessage("Let me look.", tool_calls=(call, other))
        (promise,) = [promise async for promise in fake.inquire()]
        assert [event async for event in promise.events if isinstance(event, ToolCallDelta)][0].name == "look"
        assert await promise == AssistantMessage("Again.", tool_calls=(call,))

    run(main())


def test_a_function_can_carry_its_tool_calls_out() -> None:
    """As a model with tools does."""

    @tool
    async def double(number: int) -> int:
        """Double a number."""
        return number * 2

    async def answer(asked: Asked[Message]) -> Reply:
        call = ToolCall(id="1", name="double", arguments=f'{{"number": {asked.messages[0]}}}')
        result = await double.answer(call)
        return Several([call], ToolResultMessage(result.text, tool_call_id="1"), f"That makes {result}.")

    async def main() -> None:
        messages = await scripted_agent(otherwise=answer).inquire("21")
        assert [type(message) for message in messages] == [AssistantMessage, ToolResultMessage, Message]
        assert str(messages[-1]) == "That makes 42."

    run(main())


# --- what it remembers ---


def test_copies_share_script_and_memory() -> None:
    async def main() -> None:
        fake = scripted_agent("one", "two", "three", alias="fake")
        named = fake.options(alias="named")
        await fake.inquire("a")
        await named.inquire("b")
        await named.with_retry().inquire("c")
        assert [str(*call.messages) for call in fake.asked] == ["a", "b", "c"]
        assert fake == fake.options()
        assert fake != named
        assert fake != scripted_agent("one", "two", "three", alias="fake")
        with pytest.raises(AttributeError, match="'asked' cannot be changed"):
            loosely(fake).asked = ()

    run(main())


def test_what_was_asked_is_shown() -> None:
    async def main() -> None:
        fake = scripted_agent("one", of=translator, otherwise="more")
        await fake.inquire(["a", UserMessage("b")], "French")
        assert repr(fake.asked[0]) == "Asked((UserMessage(text='a'), UserMessage(text='b')), language='French')"
        fake.inquire(stream_message(UserMessage, letters()), "French")
        await asyncio.sleep(0.5)
        assert repr(fake.asked[1]).startswith("Asked(<MessageSequencePromise 'translator.messages'")

    run(main())


async def letters() -> AsyncIterator[str]:
    await asyncio.sleep(1)
    yield "a"

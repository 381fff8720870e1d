"""`show_inner_calls`: the events of models and tools that are called inside the call of a tool."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from miniagents import (
    Call,
    InnerEvent,
    Message,
    MessageSequencePromise,
    MiniAgents,
    Proceed,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolProgress,
    ToolResultMessage,
    tool,
)
from tests.ext.llm.agents import agent_for, each_path, streamed_or_not
from tests.ext.llm.answers import Answer, answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, Saying


@tool
async def search(what: str) -> AsyncIterator[str | ToolProgress]:
    """Searches."""
    yield ToolProgress(progress=1, note=what)
    yield "found"


OUTER = answer("I ask.", tool_calls=[tool_call("research", {"message": "tea"}, id="c1")])
INNER = answer("I search.", reasoning="Hm.", tool_calls=[tool_call("search", {"what": "tea"}, id="c2")])
FACT = answer("Tea is hot.")
DONE = answer("It is hot.")


def saying(*answers: Answer) -> list[Saying]:
    return [Saying(said) for said in answers]


async def events_of(replies: MessageSequencePromise[Message]) -> list[list[StreamEvent]]:
    return [[event async for event in promise.events] async for promise in replies]


def inner_of(events: list[StreamEvent]) -> list[InnerEvent]:
    return [event for event in events if isinstance(event, InnerEvent)]


def told_of(replies: Sequence[Message]) -> Message:
    """What the outer model is told of the call: the message between its answers."""
    _, told, _ = replies
    return told


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def text_at(events: list[StreamEvent], ids: tuple[str, ...]) -> str:
    return text_of([each.event for each in inner_of(events) if each.ids == ids])


@each_path
@streamed_or_not
async def test_events_of_inner_calls_come_with_their_path(path: str, stream: bool) -> None:
    async with ModelServer(*saying(OUTER, INNER, FACT, DONE)) as server, MiniAgents():
        research = agent_for(path, server, tools=[search], stream=stream, alias="research")
        agent = agent_for(path, server, tools=[research.as_tool()], stream=stream, show_inner_calls=True)
        replies = agent.inquire("Is tea hot?")
        first, result, last = await events_of(replies)
        told = told_of(await replies)
    model = agent.alias
    assert not inner_of(first)
    assert not inner_of(last)
    inner = inner_of(result)
    paths = {each.ids: each.path for each in inner}
    assert paths == {
        ("c1", "1"): ("research", model),
        ("c1", "1", "c2"): ("research", model, "search"),
        ("c1", "2"): ("research", model),
    }
    assert text_at(result, ("c1", "1")) == "I search."
    assert text_at(result, ("c1", "1", "c2")) == "found"
    assert text_at(result, ("c1", "2")) == "Tea is hot."
    kinds = [(each.ids, type(each.event)) for each in inner]
    assert (("c1", "1"), ToolCallDelta) in kinds
    assert (("c1", "1"), ReasoningDelta) in kinds
    assert InnerEvent(
        path=paths["c1", "1", "c2"], ids=("c1", "1", "c2"), event=ToolProgress(progress=1, note="tea")
    ) in (inner)
    order = [ids for place, (ids, _) in enumerate(kinds) if not place or kinds[place - 1][0] != ids]
    assert order == [("c1", "1"), ("c1", "1", "c2"), ("c1", "2")]
    # they are no text, and neither the message nor what the model is told has them
    assert text_of(result) == "I search.\n\nTea is hot."
    assert told == ToolResultMessage("I search.\n\nTea is hot.", tool_call_id="c1", tool_name="research")
    assert all("show_inner_calls" not in request.body for request in server.requests)


@each_path
async def test_by_default_and_in_outer_replies_nothing_is_shown(path: str) -> None:
    """The option is one of a model: what an inner one shows is not shown by the outer one."""
    async with ModelServer(*saying(OUTER, INNER, FACT, DONE)) as server, MiniAgents():
        research = agent_for(path, server, tools=[search], alias="research", show_inner_calls=True)
        events = await events_of(agent_for(path, server, tools=[research.as_tool()]).inquire("Is tea hot?"))
    assert not any(map(inner_of, events))


async def test_both_models_may_show_their_inner_calls() -> None:
    asked: list[MessageSequencePromise[Message]] = []

    @tool
    async def research(message: str) -> MessageSequencePromise[Message]:
        asked.append(inner.inquire(message))
        return asked[0]

    deeper = answer(tool_calls=[tool_call("deepest", {"message": "tea"}, id="c2")])
    async with ModelServer(*saying(OUTER, deeper, answer("Deep."), FACT, DONE)) as server, MiniAgents():
        deepest = agent_for(CHAT, server, alias="deepest")
        inner = agent_for(CHAT, server, tools=[deepest.as_tool()], show_inner_calls=True)
        outer = agent_for(CHAT, server, tools=[research], show_inner_calls=True)
        _, result, _ = await events_of(outer.inquire("Is tea hot?"))
        _, inner_result, _ = await events_of(asked[0])
    assert text_at(result, ("c1", "1", "c2", "2")) == "Deep."
    assert {each.ids for each in inner_of(inner_result)} == {("c2", "1")}
    assert text_at(inner_result, ("c2", "1")) == "Deep."


async def test_calls_that_nobody_returns_are_shown_and_those_at_the_same_time_have_different_ids() -> None:
    @tool
    async def research(message: str) -> str:
        replies = [inner.inquire(f"{message} {number}") for number in range(2)]
        return " ".join([str(await each.only()) for each in replies])

    async with ModelServer(*saying(OUTER, FACT, FACT, DONE)) as server, MiniAgents():
        inner = agent_for(CHAT, server)
        agent = agent_for(CHAT, server, tools=[research])
        _, result, _ = await events_of(agent.inquire("Is tea hot?", show_inner_calls=True))
    assert [text_at(result, ("c1", number)) for number in "12"] == ["Tea is hot."] * 2
    assert text_of(result) == "Tea is hot. Tea is hot."


async def test_a_result_does_not_wait_for_calls_inside_and_starts_none() -> None:
    """A call that goes on, and one that is lazy and not read, are no reason to wait, nor to keep the context open."""
    kept: list[object] = []

    @tool
    async def research(message: str) -> str:
        kept.append(slow.inquire(message))
        await began.wait()
        kept.append(inner.options(start_asap=False).inquire(message))
        return "at once"

    began, may_end = asyncio.Event(), asyncio.Event()

    @tool
    async def wait() -> str:
        began.set()
        await may_end.wait()
        return "late"

    waiting = answer("I wait.", tool_calls=[tool_call("wait", {}, id="c2")])
    async with ModelServer(*saying(OUTER, waiting, DONE, FACT)) as server:
        async with MiniAgents():
            inner, slow = agent_for(CHAT, server), agent_for(CHAT, server, tools=[wait])
            agent = agent_for(CHAT, server, tools=[research], show_inner_calls=True)
            _, result, last = await events_of(agent.inquire("Is tea hot?"))
            assert not may_end.is_set()
            may_end.set()
        assert len(server.requests) == 4
    assert text_at(result, ("c1", "1")) == "I wait."
    assert (text_of(result), text_of(last)) == ("at once", "It is hot.")


async def test_cancelling_a_result_cancels_the_calls_inside() -> None:
    waits, is_cancelled = asyncio.Event(), asyncio.Event()

    @tool(name="search")
    async def forever(what: str) -> str:
        waits.set()
        try:
            await asyncio.sleep(1_000_000)
        finally:
            is_cancelled.set()
        return what

    async with ModelServer(*saying(OUTER, INNER, DONE)) as server, MiniAgents():
        research = agent_for(CHAT, server, tools=[forever], alias="research")
        replies = aiter(agent_for(CHAT, server, tools=[research.as_tool()], show_inner_calls=True).inquire("Go"))
        await anext(replies)
        result = await anext(replies)
        await waits.wait()
        result.cancel()
        await is_cancelled.wait()
        assert str(await (await anext(replies))) == "It is hot."
    assert "This was cancelled." in str(server.requests[2].body)


async def test_calls_inside_of_a_tool_that_fails_are_shown(caplog: pytest.LogCaptureFixture) -> None:
    @tool(name="research")
    async def failing(message: str) -> str:
        await inner.inquire(message)
        raise LookupError("no more")

    async with ModelServer(*saying(OUTER, FACT, DONE)) as server, MiniAgents():
        inner = agent_for(CHAT, server)
        replies = agent_for(CHAT, server, tools=[failing], show_inner_calls=True).inquire("Go")
        _, result, _ = await events_of(replies)
        told = told_of(await replies)
    assert text_at(result, ("c1", "1")) == "Tea is hot."
    assert isinstance(told, ToolResultMessage)
    assert (str(told), told.is_error) == ("LookupError: no more", True)
    assert "tool 'research' failed" in caplog.text


async def test_the_option_is_a_truth_value_and_does_not_change_the_identity() -> None:
    async with ModelServer() as server, MiniAgents():
        with pytest.raises(TypeError, match="show_inner_calls='yes': give True or False"):
            agent_for(CHAT, server, tools=[search], show_inner_calls="yes")
        showing = agent_for(CHAT, server, tools=[search], show_inner_calls=True)
        assert showing.identity == agent_for(CHAT, server, tools=[search]).identity


@pytest.mark.parametrize("max_ahead", [None, 1])
async def test_events_come_while_the_tool_still_works(max_ahead: int | None) -> None:
    """Also if the result is bounded, and if handlers stand around the calls."""
    seen = asyncio.Event()

    @tool(name="research")
    async def patient(message: str) -> AsyncIterator[str]:
        yield str(await inner.inquire(message).only())
        await seen.wait()
        for _ in range(5):
            yield "!"

    async def around(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        return proceed()

    async with (
        ModelServer(*saying(OUTER, FACT, DONE)) as server,
        MiniAgents(around_calls=[around], max_ahead=max_ahead),
    ):
        inner = agent_for(CHAT, server)
        replies = aiter(agent_for(CHAT, server, tools=[patient], show_inner_calls=True).inquire("Go"))
        assert str(await (await anext(replies))) == "I ask."
        result = await anext(replies)
        events: list[StreamEvent] = []
        async for event in result.events:
            events.append(event)
            if text_at(events, ("c1", "1")) == "Tea is hot.":
                seen.set()
        assert [str(await promise) async for promise in replies] == ["It is hot."]
    assert text_of(events) == "Tea is hot.!!!!!"
    assert events.index(TextDelta("Tea is hot.")) >= len(inner_of(events))


async def test_calls_in_a_loop_of_another_thread_are_not_shown() -> None:
    """Its promises are not of this loop."""

    @tool(name="research", in_thread=True)
    def elsewhere(message: str) -> str:
        async def main() -> str:
            async with ModelServer(*saying(FACT)) as server, MiniAgents():
                return str(await agent_for(CHAT, server).inquire(message).only())

        return asyncio.run(main())

    async with ModelServer(*saying(OUTER, DONE)) as server, MiniAgents():
        agent = agent_for(CHAT, server, tools=[elsewhere], show_inner_calls=True)
        _, result, _ = await events_of(agent.inquire("Go"))
    assert result == [TextDelta("Tea is hot.")]


async def test_a_thousand_calls_at_once_are_shown_each() -> None:
    count = 1000

    @tool
    async def scripted(what: str) -> str:
        return what

    calls = [tool_call("scripted", {"what": f"{number}"}, id=f"i{number}") for number in range(count)]
    async with ModelServer(*saying(OUTER, answer(tool_calls=calls), FACT, DONE)) as server, MiniAgents():
        inner = agent_for(CHAT, server, tools=[scripted], alias="research", max_calls=count)
        agent = agent_for(CHAT, server, tools=[inner.as_tool()], show_inner_calls=True)
        _, result, _ = await events_of(agent.inquire("Go"))
    assert [text_at(result, ("c1", "1", f"i{number}")) for number in (0, 1, count - 1)] == ["0", "1", f"{count - 1}"]
    assert len({each.ids for each in inner_of(result)}) == count + 2

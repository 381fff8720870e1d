"""Who said a message: `promise.by` of the replies of `parallel`, `map_agent` and `route`."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    EndLoop,
    ErrorMessage,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MessageType,
    MiniAgent,
    MiniAgents,
    PromiseCancelledError,
    ReasoningDelta,
    Speaker,
    UserMessage,
    case,
    chain,
    map_agent,
    miniagent,
    observe,
    parallel,
    route,
    stream_message,
)
from miniagents.testing import Pause, Several, Step, VirtualClockEventLoop, scripted_agent, transcript
from tests.effort import examples


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


@miniagent
async def shout(ctx: InteractionContext) -> None:
    ctx.reply([f"{message}!" for message in await ctx.messages])


class Remote:
    """An agent from outside the library."""

    def inquire(self, messages: MessageType[Message] | None = None, /) -> MessageSequencePromise[Message]:
        return shout.inquire(messages)


def run(main: Coroutine[Any, Any, None], **options: Any) -> None:  # Any: what MiniAgents takes
    MiniAgents(**options).run(main, loop_factory=VirtualClockEventLoop)


async def promised(replies: MessageSequencePromise[Message]) -> list[MessagePromise[Message]]:
    return [promise async for promise in replies]


def told(promise: MessagePromise[Message]) -> str:
    """The speakers, from the one that was asked to the one that it quotes."""
    names: list[str] = []
    speaker = promise.by
    while speaker is not None:
        names.append(speaker.alias)
        speaker = speaker.quotes
    return " < ".join(names)


@pytest.mark.parametrize("ordered", [True, False])
def test_parallel_tells_who_said_what(ordered: bool) -> None:
    async def main() -> None:
        replies = await promised(parallel(shout, echo, ordered=ordered).inquire(["a", "b"]))
        said = [(told(promise), str(await promise)) for promise in replies]
        assert sorted(said) == [("echo", "a"), ("echo", "b"), ("shout", "a!"), ("shout", "b!")]
        assert all(promise.by is not None and promise.by.answers is None for promise in replies)
        assert {promise.by.agent for promise in replies if promise.by is not None} == {shout, echo}

    run(main())


def test_map_agent_and_route_tell_which_message_is_answered() -> None:
    async def main() -> None:
        for agent in (map_agent(shout), map_agent(shout, ordered=False), route(case(Message, shout))):
            for promise in await promised(agent.inquire(["a", "b"])):
                assert promise.by is not None
                assert promise.by.answers is not None
                assert str(await promise) == f"{await promise.by.answers}!"
                assert promise.by.agent == shout

    run(main())


def test_a_route_that_waits_for_the_message_tells_it_too() -> None:
    async def letters() -> AsyncIterator[str]:
        await asyncio.sleep(1)
        yield "a"

    async def main() -> None:
        desk = route(case(lambda message: message.text == "a", shout))
        (promise,) = await promised(desk.inquire(stream_message(Message, letters())))
        assert told(promise) == "shout"

    run(main())


def test_an_agent_that_passes_a_message_on_quotes_its_speaker() -> None:
    async def main() -> None:
        team = chain(parallel(shout, echo), parallel(echo.options(alias="parrot"))).inquire("a")
        assert [told(promise) for promise in await promised(team)] == ["parrot < shout", "parrot < echo"]
        nested = map_agent(parallel(shout, echo)).inquire("a")
        assert [told(promise) for promise in await promised(nested)] == [
            "parallel(shout, echo) < shout",
            "parallel(shout, echo) < echo",
        ]

    run(main())


def test_one_promise_among_the_replies_of_several_agents_has_several_speakers() -> None:
    """The promise that was sent is nobody's, and stays so."""

    async def main() -> None:
        sent = stream_message(Message, letters("abc"))
        parrots = [echo.options(alias=name) for name in ("polly", "rio")]
        replies = await promised(parallel(*parrots).inquire(sent))
        assert [told(promise) for promise in replies] == ["polly", "rio"]
        assert sent.by is None
        assert [await promise for promise in replies] == [await sent] * 2
        assert (await replies[0]) is (await sent)
        assert [[token async for token in promise] for promise in (sent, *replies)] == [["a", "b", "c"]] * 3

    run(main())


async def letters(text: str) -> AsyncIterator[str]:
    for letter in text:
        await asyncio.sleep(1)
        yield letter


def test_agents_from_outside_the_library_are_told_too() -> None:
    async def main() -> None:
        promises = await promised(parallel(Remote(), shout).inquire("a"))
        assert [told(promise) for promise in promises] == ["Remote", "shout"]

    run(main())


def test_messages_made_of_others_are_by_nobody() -> None:
    async def main() -> None:
        (said,) = await promised(parallel(scripted_agent(["a", Pause(1), "b"], alias="shy")).inquire())
        assert told(said) == "shy"
        assert [told(each) for each in (said.timeout(9), said.recover_message(lambda _: Message("")))] == ["shy"] * 2
        assert told(said.checked(lambda message: message)) == "shy"
        assert said.map_text(str.upper).by is None
        assert said.map_message(lambda message: message).by is None
        (timed,) = await promised(parallel(scripted_agent(["a", Pause(1), "b"], alias="shy")).with_timeout(9).inquire())
        assert told(timed) == "shy"

    run(main())


def test_messages_that_nobody_composed_are_by_nobody() -> None:
    async def main() -> None:
        for agent in (shout, shout >> echo, shout.with_retry()):
            assert [promise.by async for promise in agent.inquire("a")] == [None]
        assert MessagePromise.of_message(Message("a")).by is None

    run(main())


STEPS = st.lists(st.sampled_from(["a", "bc", Pause(1), ReasoningDelta(text="hm"), KeyError("k")]), max_size=5)


@examples(60)
@given(steps=STEPS, lazy=st.booleans(), moment=st.integers(0, 4))
def test_what_is_passed_on_is_the_same_in_all_else(steps: list[Step], lazy: bool, moment: int) -> None:
    """P4, P5 and M7: tokens, events, errors, the whole and what is known are those of the promise that is passed on."""

    async def main() -> None:
        source = await anext(aiter(scripted_agent(steps, gives=AssistantMessage).inquire()))
        (view,) = await promised(parallel(echo).inquire(source))
        assert view.message_class is source.message_class
        assert view.known == source.known
        await asyncio.sleep(moment)
        assert (view.done(), repr(view).partition(" ")[2]) == (source.done(), repr(source).partition(" ")[2])
        assert await transcript(view) == await transcript(source)
        assert await transcript(view.events) == await transcript(source.events)
        assert [repr(seen.piece) async for seen in observe(view)] == [
            repr(seen.piece) async for seen in observe(source)
        ]
        assert (view.done(), view.cancelled()) == (True, False)

    run(main(), start_asap=not lazy)


def test_cancelling_what_is_passed_on_stops_its_source() -> None:
    async def main() -> None:
        stopped: list[str] = []

        async def endless() -> AsyncIterator[str]:
            try:
                yield "a"
                await asyncio.Event().wait()
            finally:
                stopped.append("stopped")

        @miniagent
        async def speaking(ctx: InteractionContext) -> None:
            ctx.reply(stream_message(Message, endless()))

        (view,) = await promised(parallel(speaking).inquire())
        made = view.map_text(str.upper)
        reader = asyncio.create_task(transcript(made))
        await asyncio.sleep(1)
        assert made.cancel()
        assert "PromiseCancelledError" in await reader
        assert stopped == ["stopped"]
        assert view.cancelled()
        with pytest.raises(PromiseCancelledError):
            await view

    run(main())


# --- errors as values ---


failing = scripted_agent(otherwise=ConnectionError("lost"), alias="failing")
cut = scripted_agent(otherwise=["half", Pause(1), ValueError("cut")], alias="cut")
fine = scripted_agent(otherwise=Several("one", "two"), alias="fine")


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("as_messages", [True, False])
def test_settled_replies_have_no_errors(ordered: bool, as_messages: bool) -> None:
    async def main() -> None:
        replies = parallel(failing, cut, fine, ordered=ordered, settled=True).inquire()
        messages = await replies
        said = [(told(promise), str(await promise)) for promise in await promised(replies)]
        assert sorted(said) == [
            ("cut", "ValueError: cut"),
            ("failing", "ConnectionError: lost"),
            ("fine", "one"),
            ("fine", "two"),
        ]
        errors = [message for message in messages if isinstance(message, ErrorMessage)]
        assert {(error.agent, error.error_type) for error in errors} >= {("failing", "builtins.ConnectionError")}
        if not as_messages:
            assert all(error.callers == ("parallel(failing, cut, fine)",) for error in errors)

    run(main(), errors_as_messages=as_messages)


def test_settled_calls_of_map_agent_tell_which_message_failed() -> None:
    @miniagent
    async def number(ctx: InteractionContext[UserMessage, AssistantMessage]) -> None:
        for message in await ctx.messages:
            ctx.reply(str(int(str(message)) + 1))

    async def main() -> None:
        replies = map_agent(number, settled=True, concurrency=1).inquire(["1", "x", "3"])
        told_of = [
            (str(await promise.by.answers), type(await promise))
            for promise in await promised(replies)
            if promise.by is not None and promise.by.answers is not None
        ]
        assert told_of == [("1", AssistantMessage), ("x", ErrorMessage), ("3", AssistantMessage)]

    run(main())


def test_the_error_that_ends_a_loop_of_agents_stays_an_error() -> None:
    async def main() -> None:
        with pytest.raises(EndLoop):
            await parallel(scripted_agent(EndLoop()), settled=True).inquire()

    run(main())


def test_a_message_that_may_fail_has_no_tokens_before_it_is_complete() -> None:
    """Else some of them would have to be taken back."""

    async def main() -> None:
        (promise,) = await promised(parallel(cut, settled=True).inquire())
        assert [token async for token in promise] == ["ValueError: cut"]

    run(main())


def test_a_speaker_is_shown_by_its_name() -> None:
    assert repr(Speaker(shout)) == "<Speaker 'shout'>"
    agent: MiniAgent[Message, Message, []] = shout.options(alias="loud")
    assert Speaker(agent).alias == "loud"

"""A8: one thing stands around every call. What handlers see, what they change, and what they must not change."""

import asyncio
import gc
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from miniagents import (
    AgentCallNode,
    Call,
    CallHandler,
    EndLoop,
    ErrorMessage,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MessageType,
    MiniAgent,
    MiniAgents,
    Proceed,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    UserMessage,
    loop,
    miniagent,
    observe,
    parallel,
    stream_message,
    tool,
    trace,
)
from miniagents.messages import ToolCall
from miniagents.testing import transcript
from tests.calls.handlers import HANDLERS, Seen, forwarding, passing


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def tokens() -> AsyncIterator[str]:
    for token in ("to", "ken", "s"):
        yield token
        await asyncio.sleep(0.1)


@miniagent
async def echo(ctx: InteractionContext, times: int = 1) -> None:
    ctx.reply([ctx.messages] * times)


@miniagent
async def busy(ctx: InteractionContext) -> None:
    """Does everything that can be seen in a transcript."""
    ctx.reply("first")
    ctx.reply(stream_message(Message, tokens()))
    ctx.reply_out_of_order(echo.inquire("out of order"))
    ctx.reply(ValueError("in the middle"))
    await asyncio.sleep(1)
    ctx.reply([echo.inquire(ctx.messages), [UserMessage("nested")]])
    call = echo.initiate_inquiry(times=2)
    call.send_message("one").send_message(stream_message(UserMessage, tokens()))
    ctx.reply(call.reply_sequence())
    raise KeyError("at the end")


# --- a handler that passes calls on changes nothing ---


@pytest.mark.virtual_clock
@pytest.mark.parametrize("handlers", HANDLERS, ids=lambda handlers: "+".join(each.__name__ for each in handlers))
@pytest.mark.parametrize("options", [{}, {"start_asap": False}, {"errors_as_messages": True}], ids=str)
async def test_what_passes_calls_on_changes_nothing(handlers: tuple[CallHandler, ...], options: Any) -> None:
    async def told(*around: CallHandler) -> list[str]:
        async with MiniAgents(around_calls=around, **options):
            lines = await transcript(busy.inquire(["Hello", stream_message(Message, tokens())]))
        # what comes at one moment may come in another order; what belongs to one message may not
        return sorted(lines.splitlines(), key=lambda line: line.partition(" ")[0])

    assert await told(*handlers) == await told()


@pytest.mark.parametrize("handlers", HANDLERS, ids=lambda handlers: "+".join(each.__name__ for each in handlers))
async def test_the_end_of_a_loop_goes_through_handlers(handlers: tuple[CallHandler, ...]) -> None:
    asked = 0

    @miniagent
    async def user(ctx: InteractionContext) -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise EndLoop
        ctx.reply(ctx.messages)

    async with MiniAgents(around_calls=handlers):
        with pytest.raises(EndLoop):
            await loop(user, until=lambda _: False, max_rounds=10).inquire("go")
    assert asked == 3


async def test_the_tokens_are_not_held_back() -> None:
    @miniagent
    async def endless(ctx: InteractionContext) -> None:
        ctx.reply(stream_message(Message, tokens()))
        await asyncio.Event().wait()

    async with MiniAgents(around_calls=[passing, forwarding, passing]):
        replies = endless.inquire()
        assert [token async for token in replies.first()] == ["to", "ken", "s"]
        replies.cancel()


# --- what a handler sees ---


async def test_calls_know_run_number_place_parent_and_arguments() -> None:
    seen = Seen()

    @miniagent
    async def outer(ctx: InteractionContext, first: object, *, second: int) -> None:
        del first, second
        ctx.reply([echo.bound(times=1).inquire("a"), echo.inquire("b", 2)])

    async with MiniAgents(around_calls=seen):
        await outer.inquire("x", object(), second=2)
        await outer.inquire("y", [1, "two"], second=3)
    one, first, second, two, *_ = seen.calls
    assert [call.name for call in seen.calls] == ["outer", "echo", "echo"] * 2
    assert len({call.run for call in seen.calls}) == 1
    assert [call.number for call in seen.calls] == [1, 2, 3, 4, 5, 6]
    assert [call.place for call in seen.calls] == [(1,), (1, 1), (1, 2), (2,), (2, 1), (2, 2)]
    assert (one.parent, first.parent, second.parent, two.parent) == (None, one, one, None)
    assert dict(one.arguments) == {"second": 2}
    assert dict(one.opaque_arguments) == {"first": "builtins.object"}
    assert dict(two.arguments) == {"first": (1, "two"), "second": 3}
    assert [dict(call.arguments) for call in (first, second)] == [{"times": 1}, {"times": 2}]
    assert all(call.kind == "agent" and call.outcome == "done" for call in seen.calls)
    assert [str(message) for message in await one.messages] == ["x"]
    assert [str(message) for message in one.complete_replies] == ["a", "b", "b"]


@pytest.mark.virtual_clock
async def test_calls_know_when_they_began_gave_their_first_piece_and_ended() -> None:
    @miniagent
    async def slow(ctx: InteractionContext) -> None:
        await asyncio.sleep(2)
        ctx.reply(stream_message(Message, tokens()))

    seen = Seen()
    async with MiniAgents(around_calls=seen, start_asap=False):
        replies = slow.inquire()
        await asyncio.sleep(5)
        assert not seen.calls, "a lazy call begins when somebody reads"
        await replies
    (call,) = seen.calls
    assert call.began is not None
    assert call.first_piece is not None
    assert call.ended is not None
    assert call.first_piece - call.began == pytest.approx(2)
    assert call.ended - call.began == pytest.approx(2.3)


async def test_outcomes_are_done_failed_or_cancelled() -> None:
    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        ctx.reply("before")
        raise ValueError("no")

    @miniagent
    async def failing_message(ctx: InteractionContext) -> None:
        async def broken() -> AsyncIterator[str]:
            yield "a"
            raise ValueError("no")

        ctx.reply(stream_message(Message, broken()))

    @miniagent
    async def endless(ctx: InteractionContext) -> None:
        ctx.reply("before")
        await asyncio.Event().wait()

    seen = Seen()
    ends: list[str] = []
    async with MiniAgents(around_calls=seen):
        for agent in (failing, failing_message):
            await agent.inquire().recover(repr, ValueError)
        seen.calls[0].when_ended(lambda: ends.append("at once"))
        replies = endless.inquire()
        await settle()
        seen.calls[-1].when_ended(lambda: ends.append("cancelled"))
        replies.cancel()
        assert ends == ["at once", "cancelled"]
    assert [call.outcome for call in seen.calls] == ["failed", "failed", "cancelled"]
    assert [type(call.error) for call in seen.calls] == [ValueError, ValueError, PromiseCancelledError]
    assert all(call.ended for call in seen.calls)


@miniagent
async def failing_after_a_reply(ctx: InteractionContext) -> None:
    ctx.reply("before")
    raise ValueError("no")


@pytest.mark.parametrize(
    "agent",
    [
        failing_after_a_reply,
        failing_after_a_reply.with_retry(attempts=2),
        failing_after_a_reply.with_fallback(echo),
        failing_after_a_reply.with_timeout(60),
    ],
    ids=lambda agent: agent.alias,
)
@pytest.mark.parametrize("handler", [passing, forwarding])
async def test_a_failed_call_whose_error_is_a_message_has_failed(
    agent: MiniAgent[Message, Message, ...], handler: CallHandler
) -> None:
    seen = Seen()
    async with MiniAgents(around_calls=[seen, handler], errors_as_messages=True):
        assert [type(message) for message in await agent.inquire()] == [Message, ErrorMessage]
    assert seen.calls[0].outcome == "failed"
    assert repr(seen.calls[0].error) == "ValueError('no')"


@miniagent
async def passing_on(ctx: InteractionContext) -> None:
    ctx.reply(failing_after_a_reply.inquire())


@miniagent
async def looking_away(ctx: InteractionContext) -> None:
    await failing_after_a_reply.inquire()
    ctx.reply(ErrorMessage("another one", error_type="ValueError", agent="other"))


@pytest.mark.parametrize(
    "agent",
    [
        echo >> failing_after_a_reply,
        failing_after_a_reply >> echo,
        parallel(echo, failing_after_a_reply),
        (echo >> failing_after_a_reply) >> echo,
        passing_on,
    ],
    ids=lambda agent: agent.alias,
)
async def test_a_call_that_passes_on_the_message_of_an_error_has_failed_with_the_error(
    agent: MiniAgent[Message, Message, ...],
) -> None:
    """As it has where the error is raised."""
    seen = Seen()
    async with MiniAgents(around_calls=seen, errors_as_messages=True):
        assert any(isinstance(message, ErrorMessage) for message in await agent.inquire("x"))
    assert (seen.calls[0].outcome, repr(seen.calls[0].error)) == ("failed", "ValueError('no')")
    assert [call.outcome for call in seen.calls if call.name == "echo"] in ([], ["done"], ["done"] * 2)


async def test_a_call_that_does_not_pass_on_the_message_of_an_error_is_done() -> None:
    seen = Seen()
    async with MiniAgents(around_calls=seen, errors_as_messages=True):
        await looking_away.inquire()
    assert [(call.name, call.outcome) for call in seen.calls] == [
        ("looking_away", "done"),
        ("failing_after_a_reply", "failed"),
    ]


async def test_an_agent_that_makes_calls_for_ever_keeps_few_of_their_errors() -> None:
    @miniagent
    async def failing_in_turn(ctx: InteractionContext, number: int) -> None:
        raise ValueError(number)

    @miniagent
    async def asking(ctx: InteractionContext) -> None:
        for number in range(299):
            await failing_in_turn.inquire(number=number)
        ctx.reply(failing_in_turn.inquire(number=299))
        await asyncio.sleep(0.01)
        kept = seen.calls[0]._progress.told
        assert kept is not None
        assert len(kept) <= 100

    seen = Seen()
    async with MiniAgents(around_calls=seen, errors_as_messages=True):
        (reply,) = await asking.inquire()
        assert str(reply) == "ValueError: 299"
    assert repr(seen.calls[0].error) == "ValueError(299)"


@pytest.mark.parametrize("start_asap", [True, False])
async def test_a_call_that_is_cancelled_before_it_began_is_seen(start_asap: bool) -> None:
    seen = Seen()
    waited: list[str] = []

    async def waiting(call: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        waited.append("began")
        await asyncio.sleep(0)
        waited.append("went on")
        return proceed()

    async with MiniAgents(around_calls=[seen, waiting], start_asap=start_asap):
        echo.inquire("x").cancel()
    (call,) = seen.calls
    assert (call.outcome, call.began) == ("cancelled", None)
    assert waited == ["began"]


async def test_a_handler_that_reads_a_call_cancelled_before_it_began_has_not_failed(logged: list[str]) -> None:
    ended: list[str] = []

    async def reading(call: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        replies = proceed()
        try:
            await replies
        finally:
            ended.append(call.name)
        return replies

    async with MiniAgents(around_calls=[reading]):
        echo.inquire("x").cancel()
    assert (ended, logged) == (["echo"], [])


async def test_calls_that_the_end_of_the_context_cancels_before_they_began_are_seen() -> None:
    seen = Seen()
    with pytest.raises(ValueError, match="out"):
        async with MiniAgents(around_calls=[seen]):
            echo.inquire("x")
            raise ValueError("out")
    assert [call.outcome for call in seen.calls] == ["cancelled"]


# --- what a handler changes ---


async def replies_with(handler: CallHandler, **options: Any) -> list[str]:
    async with MiniAgents(around_calls=[passing, handler, forwarding], **options):
        return [str(reply) for reply in await echo.inquire("x", times=2)]


async def test_a_handler_replaces_the_replies() -> None:
    async def replacing(_: Call, __: Proceed) -> MessageType[Message]:
        return ["instead", Message("of it")]

    assert await replies_with(replacing) == ["instead", "of it"]


async def test_a_handler_gives_other_messages_and_arguments_and_those_inside_see_them() -> None:
    async def changing(_: Call, proceed: Proceed) -> MessageType[Message]:
        return proceed(messages="y", arguments={"times": 3})

    inside = Seen()
    async with MiniAgents(around_calls=[changing, inside]):
        assert [str(reply) for reply in await echo.inquire("x")] == ["y"] * 3
    assert dict(inside.calls[0].arguments) == {"times": 3}
    assert [str(message) for message in await inside.calls[0].messages] == ["y"]


async def test_a_handler_makes_a_call_again() -> None:
    attempts = 0

    @miniagent
    async def flaky(ctx: InteractionContext) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ConnectionError("lost")
        ctx.reply(f"after {attempts}")

    async def again(_: Call, proceed: Proceed) -> MessageType[Message]:
        while True:
            replies = proceed()
            try:
                await replies
            except ConnectionError:
                continue
            return replies

    async with MiniAgents(around_calls=[passing, again, forwarding]):
        assert [str(reply) for reply in await flaky.inquire()] == ["after 3"]


async def test_attempts_run_at_the_same_time() -> None:
    async def twice(_: Call, proceed: Proceed) -> MessageType[Message]:
        return [proceed(messages="a"), proceed(messages="b"), proceed()]

    assert await replies_with(twice) == ["a", "a", "b", "b", "x", "x"]


async def test_a_handler_reads_the_replies_and_gives_others_made_of_them() -> None:
    async def shouting(_: Call, proceed: Proceed) -> MessageType[Message]:
        return proceed().map_messages(lambda message: Message(f"{message}!"))

    async def counting(_: Call, proceed: Proceed) -> MessageType[Message]:
        return [f"{len(await proceed())} messages"]

    assert await replies_with(shouting) == ["x!", "x!"]
    assert await replies_with(counting) == ["2 messages"]


async def test_a_handler_that_gives_nothing_is_told_so() -> None:
    async def nothing(_: Call, __: Proceed) -> None:
        return

    async with MiniAgents(around_calls=nothing):
        with pytest.raises(RuntimeError, match="did not call `proceed") as raised:
            await echo.inquire("x")
    assert "in the handler" in raised.value.__notes__[0]
    assert "'echo'" in raised.value.__notes__[0]


async def test_an_error_of_a_handler_is_that_of_the_call_and_names_the_handler() -> None:
    async def failing(_: Call, proceed: Proceed) -> MessageType[Message]:
        proceed()
        raise ValueError("no")

    async with MiniAgents(around_calls=[passing, failing]):
        with pytest.raises(ValueError, match="no") as raised:
            await echo.inquire("x")
        assert [note for note in raised.value.__notes__ if "failing" in note and "agent 'echo'" in note]
    async with MiniAgents(around_calls=failing, errors_as_messages=True):
        (message,) = await echo.inquire("x")
        assert isinstance(message, ErrorMessage)


@pytest.mark.parametrize("handlers", HANDLERS)
async def test_the_traceback_of_an_error_has_no_frames_of_what_runs_handlers(handlers: tuple[CallHandler, ...]) -> None:
    async def reading(_: Call, proceed: Proceed) -> MessageType[Message]:
        replies = proceed()
        await asyncio.sleep(0)
        return await replies

    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async with MiniAgents(around_calls=[reading, *handlers]):
        with pytest.raises(ValueError, match="no") as raised:
            await failing.inquire()
    files = [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert len(files) == files.count(__file__) == 3  # here, in `reading`, in `failing`


async def test_a_handler_that_has_returned_cannot_go_on() -> None:
    later: list[Proceed] = []

    async def keeping(_: Call, proceed: Proceed) -> MessageType[Message]:
        later.append(proceed)
        return proceed()

    async with MiniAgents(around_calls=[keeping, passing]):
        await echo.inquire("x")
        with pytest.raises(RuntimeError, match="called after its handler had returned, for <Call 1 of agent 'echo'"):
            later[0]()


async def test_replies_of_a_wrong_class_are_refused() -> None:
    @miniagent
    async def strict(ctx: InteractionContext[Message, UserMessage]) -> None:
        ctx.reply("x")

    async def wrong(_: Call, __: Proceed) -> MessageType[Message]:
        return Message("wrong")

    async with MiniAgents(around_calls=wrong):
        with pytest.raises(TypeError, match="agent 'strict': reply: got Message where UserMessage is declared"):
            await strict.inquire()


async def test_arguments_that_the_agent_does_not_take_are_refused() -> None:
    async def wrong(_: Call, proceed: Proceed) -> MessageType[Message]:
        return proceed(arguments={"tmes": 3})

    async with MiniAgents(around_calls=wrong):
        with pytest.raises(TypeError, match="agent 'echo': got an unexpected argument 'tmes'"):
            await echo.inquire()


# --- how calls and handlers end together ---


@pytest.mark.parametrize("reads", [True, False])
async def test_cancelling_the_replies_cancels_handlers_and_the_call(reads: bool) -> None:
    ended: list[str] = []

    @miniagent
    async def endless(ctx: InteractionContext) -> None:
        ctx.reply("x")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("call")

    async def reading(_: Call, proceed: Proceed) -> MessageType[Message]:
        try:
            replies = proceed()
            if reads:
                await replies
            return replies
        finally:
            ended.append("handler")

    async with MiniAgents(around_calls=reading):
        replies = endless.inquire()
        await settle()
        replies.cancel()
        await settle()
        assert sorted(ended) == ["call", "handler"]


async def test_what_was_cancelled_inside_a_handler_cancels_nobody_else() -> None:
    async def querying(_: Call, __: Proceed) -> MessageType[Message]:
        query = asyncio.get_running_loop().create_future()
        query.cancel()
        await query
        return []

    async with MiniAgents(around_calls=querying):
        with pytest.raises(PromiseCancelledError, match="waited for something that was cancelled"):
            await echo.inquire()


async def test_a_handler_that_waits_for_the_replies_it_has_yet_to_give_is_told_of_the_circle() -> None:
    async def waiting(call: Call, proceed: Proceed) -> MessageType[Message]:
        await call.replies
        return proceed()

    async with MiniAgents(around_calls=waiting):
        with pytest.raises(PromiseDeadlockError, match="'echo' waits for itself"):
            await echo.inquire()


async def test_a_handler_is_not_around_the_calls_that_it_makes_itself() -> None:
    outside, inside = Seen(), Seen()

    async def asking(_: Call, proceed: Proceed) -> MessageType[Message]:
        await echo.options(alias="adviser").inquire("may it?")
        return proceed()

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        ctx.reply(echo.inquire("x"))

    async with MiniAgents(around_calls=[outside, asking, inside]):
        await outer.inquire()
    assert [call.name for call in outside.calls] == ["outer", "adviser", "echo", "adviser"]
    assert [call.name for call in inside.calls] == ["outer", "echo"]
    assert outside.calls[1].parent is outside.calls[0]


async def test_inner_contexts_have_the_handlers_of_the_outer_ones() -> None:
    outer, inner = Seen(), Seen()

    @miniagent
    async def opening(ctx: InteractionContext) -> None:
        async with PromisingContext(), MiniAgents(around_calls=inner):
            ctx.reply(await echo.inquire("x"))

    async with MiniAgents(around_calls=outer):
        await opening.inquire()
        async with MiniAgents():
            await echo.inquire("y")
    assert [call.name for call in outer.calls] == ["opening", "echo", "echo"]
    assert [call.name for call in inner.calls] == ["echo"]
    opened, called, separate = outer.calls
    assert called.parent is opened
    assert called.run is opened.run
    assert separate.run is not opened.run


async def test_a_context_for_a_request_has_the_handlers_of_its_parent_and_is_a_run_of_its_own() -> None:
    seen = Seen()
    async with MiniAgents(around_calls=seen) as server:

        async def request() -> None:
            async with MiniAgents(parent=server):
                await echo.inquire("x")

        await asyncio.gather(request(), request())
    assert len({call.run for call in seen.calls}) == len(seen.calls) == 2


def any_of(given: Any) -> Any:  # Any: what the checkers refuse is to be tried
    return given


async def test_a_plain_function_is_refused() -> None:
    async def yielding(call: Call, proceed: Proceed) -> AsyncIterator[MessageType[Message]]:
        yield proceed()

    with pytest.raises(TypeError, match=r"around_calls: .*plain is not async"):
        MiniAgents(around_calls=lambda_of(lambda call, proceed: proceed()))
    with pytest.raises(TypeError, match="around_calls: 3 is neither an async function nor several"):
        MiniAgents(around_calls=any_of(3))
    with pytest.raises(TypeError, match="^around_calls: 'logged' is no function$"):
        MiniAgents(around_calls=any_of("logged"))
    with pytest.raises(
        TypeError, match=r"^around_calls: <Trace 0 calls> is no function; write `async with trace\(\) as"
    ):
        MiniAgents(around_calls=any_of([trace()]))
    with pytest.raises(
        TypeError, match="around_calls: .*yielding is an async generator; write `return` instead of `yield`"
    ):
        MiniAgents(around_calls=any_of(yielding))


async def reading(_: Call, proceed: Proceed) -> MessageType[Message]:
    return await proceed()


async def reading_one_by_one(_: Call, proceed: Proceed) -> MessageType[Message]:
    return [await message async for message in proceed()]


async def making_something_of_them(_: Call, proceed: Proceed) -> MessageType[Message]:
    return proceed().map_messages(lambda message: message)


async def failing_itself(_: Call, proceed: Proceed) -> MessageType[Message]:
    raise KeyError(proceed())


@pytest.mark.parametrize("handler", [reading, reading_one_by_one, making_something_of_them, failing_itself])
@pytest.mark.parametrize("ends", [False, True])
async def test_a_call_that_is_cancelled_before_it_began_is_no_error_of_its_handlers(
    caplog: pytest.LogCaptureFixture, handler: CallHandler, ends: bool
) -> None:
    async def main() -> None:
        async with MiniAgents(around_calls=handler):
            replies = echo.inquire("x")
            if ends:
                raise RuntimeError("it ends")
            replies.cancel()

    await asyncio.wait([task := asyncio.create_task(main())])
    assert (task.exception() is not None) == ends
    assert len(caplog.messages) == (handler is failing_itself)


def lambda_of(function: Callable[[Call, Proceed], MessageSequencePromise[Message]]) -> CallHandler:
    def plain(call: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        return function(call, proceed)

    return plain


async def test_calls_leave_no_circles_of_references() -> None:
    for handlers in HANDLERS:
        async with MiniAgents(around_calls=handlers):
            await echo.inquire("x")
            await settle()
            gc.collect()
            gc.disable()
            try:
                for _ in range(20):
                    await echo.inquire("x")
                await settle()
                left = [each for each in gc.get_objects() if isinstance(each, Call)]
                assert len(left) <= 1, [handler.__name__ for handler in handlers]
            finally:
                gc.enable()


# --- hooks and records ---


async def test_hooks_hear_of_the_replies_once() -> None:
    heard: list[str] = []

    async def hear(promise: Any, _: object) -> None:
        heard.append(promise.name)

    async with MiniAgents(around_calls=[passing, forwarding], on_promise_resolved=hear):
        await echo.inquire("x")
    assert sorted(heard) == ["echo", "echo.messages"]


async def test_calls_with_other_arguments_leave_other_nodes() -> None:
    for handlers in ((), (passing, forwarding)):
        kept: list[Message] = []

        async def keep(messages: tuple[Message, ...], kept: list[Message] = kept) -> None:
            kept.extend(messages)

        async with MiniAgents(on_persist_messages=keep, around_calls=handlers):
            await echo.inquire("x", times=1)
            await echo.inquire("x", times=2)
            await echo.inquire("x", times=2)
        nodes = [node for node in kept if isinstance(node, AgentCallNode)]
        assert [dict(node.arguments) for node in nodes] == [{"times": 1}, {"times": 2}]


# --- tools ---


@tool
async def add(left: int, right: int) -> int:
    """Adds."""
    return left + right


def call_of_add(left: int = 1) -> ToolCall:
    return ToolCall(id="7", name="add", arguments=f'{{"left": {left}, "right": 2}}')


async def test_calls_of_tools_are_seen_changed_and_replaced() -> None:
    seen = Seen()

    async def changing(call: Call, proceed: Proceed) -> MessageType[Message] | None:
        if call.arguments["left"] == 10:
            return "too much"
        if call.arguments["left"] == 2:
            return proceed(arguments={"right": 5})
        proceed()
        return None

    async with MiniAgents(around_calls=[seen, changing]):
        results = [await add.answer(call_of_add(left)) for left in (1, 2, 10)]
        wrong = await add.answer(ToolCall(id="7", name="add", arguments="no JSON")).recover(lambda error: error)
    assert [str(result) for result in results] == ["3", "7", "too much"]
    assert {(result.tool_call_id, result.tool_name, result.is_error) for result in results} == {("7", "add", False)}
    assert isinstance(wrong, KeyError)
    assert [(call.kind, call.name) for call in seen.calls] == [("tool", "add")] * 4
    assert seen.calls[0].tool_call == call_of_add()
    assert dict(seen.calls[3].arguments) == {"": "no JSON"}


async def test_agents_that_tools_call_have_the_call_of_the_tool_as_their_parent() -> None:
    seen = Seen()
    asking = echo.as_tool(name="ask")
    async with MiniAgents(around_calls=[seen, passing]):
        result = await asking.answer(ToolCall(id="1", name="ask", arguments='{"message": "hi"}'))
    assert str(result) == "hi"
    of_tool, of_agent = seen.calls
    assert (of_tool.kind, of_agent.kind, of_agent.parent) == ("tool", "agent", of_tool)


async def test_observers_are_no_readers() -> None:
    async with MiniAgents(start_asap=False):
        replies = echo.inquire("x")
        observer = asyncio.ensure_future(_observed(replies))
        await settle()
        assert not observer.done(), "an observer starts nothing"
        await replies
        assert await observer == [0, 1]


async def _observed(replies: MessageSequencePromise[Message]) -> list[int]:
    return [seen.position async for seen in observe(replies)]


async def test_what_is_no_promise_of_pieces_cannot_be_observed() -> None:
    async with MiniAgents():
        for wrong in ("x", echo, Promise.resolved(1)):
            replies: MessageSequencePromise = any_of(wrong)
            with pytest.raises(TypeError, match=r"^observe: .* is no promise of messages, of a message or of pieces$"):
                await _observed(replies)


# --- mistakes of who writes a handler ---


@pytest.mark.parametrize("unnamed", [("other",), (Message("other"), {"times": 2}), (None,)])
async def test_what_proceed_takes_has_names(unnamed: tuple[object, ...]) -> None:
    async def unaware(_: Call, proceed: Any) -> Any:  # Any: what the checkers refuse
        return proceed(*unnamed)

    async with MiniAgents(around_calls=unaware):
        with pytest.raises(TypeError, match="^proceed: give other messages or arguments by name: proceed.messages=…, "):
            await echo.inquire("a")


async def test_proceed_itself_is_no_reply() -> None:
    async def forgetful(_: Call, proceed: Any) -> Any:  # Any: as above
        return proceed

    async with MiniAgents(around_calls=forgetful):
        with pytest.raises(TypeError, match=r"which is no message: call it: proceed\(\); give"):
            await echo.inquire("a")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"argument": {"times": 2}}, "proceed() got an unexpected keyword argument 'argument'"),
        ({"arguments": [2]}, "proceed: arguments: [2] is no mapping of names to values"),
        ({"arguments": {"tmies": 2}}, "agent 'echo': got an unexpected argument 'tmies'; did you mean 'times'?"),
        ({"arguments": {"z": 2}}, "agent 'echo': got an unexpected argument 'z'; it takes: times"),
    ],
)
async def test_a_handler_that_gives_wrong_arguments_is_told_in_its_own_words(given: Any, said: str) -> None:
    @miniagent
    async def echo(ctx: InteractionContext, times: int = 1) -> None:
        ctx.reply([ctx.messages] * times)

    async def wrong(_: Call, proceed: Proceed) -> MessageSequencePromise:
        return proceed(**given)

    async with MiniAgents(around_calls=wrong):
        with pytest.raises(TypeError) as caught:
            await echo.inquire("x")
    assert str(caught.value).startswith(said)  # newer Pythons suggest a name as well


async def test_what_is_no_plain_function_for_the_end_of_a_call_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def later() -> None:
        """Would never run."""

    async def handler(call: Call, proceed: Proceed) -> MessageType[Message]:
        with pytest.raises(TypeError, match="^when_ended: None is no function$"):
            call.when_ended(any_of(None))
        call.when_ended(later)
        return proceed()

    async with MiniAgents(around_calls=handler):
        await echo.inquire("x")
    assert "later is async; give a plain function" in caplog.text

"""P12: a context for each request, inside one that lives as long as the program."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import partial
from typing import Any, Final

import pytest

from miniagents import (
    AgentCallNode,
    AgentReplyNode,
    Call,
    ContextStateError,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    NoActiveContextError,
    Proceed,
    PromiseCancelledError,
    PromisingContext,
    TaskAbandonedWarning,
    miniagent,
)
from miniagents.promising import PromiseResolvedHandler

pytestmark = pytest.mark.virtual_clock


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


@miniagent
async def slow(ctx: InteractionContext) -> None:
    ctx.reply("begun")
    await asyncio.sleep(3600)


class Store:
    def __init__(self) -> None:
        self.kept: list[Message] = []

    async def keep(self, messages: tuple[Message, ...]) -> None:
        await asyncio.sleep(0)
        self.kept.extend(messages)

    @property
    def said(self) -> list[str]:
        return [str(message) for message in self.kept if not isinstance(message, AgentCallNode | AgentReplyNode)]

    def nodes(self, kind: type[Message]) -> int:
        return sum(isinstance(message, kind) for message in self.kept)


async def in_other_task(work: Callable[[], Awaitable[object]], opened: asyncio.Event) -> None:
    """Work of a task that was started before the context was opened, as a web server starts its requests."""
    await opened.wait()
    await work()


# --- entering ---


async def test_p12_requests_that_enter_the_context_call_agents_in_it() -> None:
    store, opened = Store(), asyncio.Event()
    context = MiniAgents(on_persist_messages=store.keep)

    async def request(text: str) -> None:
        with pytest.raises(NoActiveContextError, match=r"agent 'echo' was called where .* open in this loop: the Min"):
            echo.inquire(text)
        with context.entered():
            assert (await echo.inquire(text))[0].text == text

    requests = [asyncio.create_task(in_other_task(partial(request, text), opened)) for text in "abc"]
    async with context:
        opened.set()
        await asyncio.gather(*requests)
    assert sorted(store.said) == ["a", "b", "c"]


async def test_p12_the_context_decides_about_hash_keys_where_it_is_entered() -> None:
    async with MiniAgents() as short, MiniAgents(longer_hash_keys=True) as long:
        with short.entered():
            assert len(Message("a").hash_key) == 40
            with long.entered():
                assert len(Message("b").hash_key) == 64
            assert len(Message("c").hash_key) == 40
        assert len(Message("d").hash_key) == 64


# --- hooks and records ---


@pytest.mark.parametrize("is_inside", [True, False])
async def test_a7_handlers_of_the_outer_context_keep_the_messages_of_the_inner_one(is_inside: bool) -> None:
    """Whether the inner one is opened inside of the outer one, or is told of it."""
    store, opened = Store(), asyncio.Event()
    context = MiniAgents(on_persist_messages=store.keep)

    async def request() -> None:
        async with MiniAgents(parent=None if is_inside else context):
            assert (await echo.inquire("hello"))[0].text == "hello"

    if is_inside:
        async with context:
            await request()
    else:
        task = asyncio.create_task(in_other_task(request, opened))
        async with context:
            opened.set()
            await task
    assert store.said == ["hello"]
    assert (store.nodes(AgentCallNode), store.nodes(AgentReplyNode)) == (1, 1)


async def test_a7_handlers_of_both_contexts_keep_the_messages_of_the_inner_one() -> None:
    outer, inner = Store(), Store()
    async with MiniAgents(on_persist_messages=outer.keep):
        await echo.inquire("one")
        async with PromisingContext(), MiniAgents(on_persist_messages=inner.keep):
            await echo.inquire("two")
    assert (sorted(outer.said), inner.said) == (["one", "two"], ["two"])
    assert (outer.nodes(AgentReplyNode), inner.nodes(AgentReplyNode)) == (2, 1)


async def test_a7_flush_of_the_inner_context_waits_for_the_handlers_of_the_outer_one_too() -> None:
    outer, inner = Store(), Store()

    async def keep_slowly(messages: tuple[Message, ...]) -> None:
        await asyncio.sleep(10)
        await outer.keep(messages)

    async with MiniAgents(on_persist_messages=keep_slowly), MiniAgents(on_persist_messages=inner.keep) as context:
        await echo.inquire("hello")
        await context.flush()
        assert len(outer.kept) == len(inner.kept) == 3


async def test_a7_a_reply_that_was_read_is_kept_although_leaving_cancels() -> None:
    store = Store()
    async with MiniAgents(on_persist_messages=store.keep) as context, MiniAgents(parent=context, on_leave="cancel"):
        await echo.inquire("hello")
    assert store.said == ["hello"]
    assert (store.nodes(AgentCallNode), store.nodes(AgentReplyNode)) == (1, 1)


async def test_a7_a_request_that_fails_cuts_no_record_of_another_one_short() -> None:
    store = Store()

    @miniagent
    async def later(ctx: InteractionContext) -> None:
        ctx.reply("first")
        await asyncio.sleep(10)
        ctx.reply("second")

    async with MiniAgents(on_persist_messages=store.keep) as context:

        async def request(fails: bool) -> None:
            async with MiniAgents(parent=context):
                replies = later.inquire("x")
                await asyncio.sleep(1)
                if fails:
                    raise ValueError("stop")
                assert len(await replies) == 2

        failed, _ = await asyncio.gather(request(True), request(False), return_exceptions=True)
        assert isinstance(failed, ValueError)
    nodes = [message for message in store.kept if isinstance(message, AgentReplyNode)]
    assert sorted((len(node.messages), node.error is None) for node in nodes) == [(1, False), (2, True)]


# --- leaving ---


async def test_p8_a_request_whose_client_is_gone_stops_its_agents() -> None:
    async with MiniAgents() as context:
        async with MiniAgents(parent=context, on_leave="cancel"):
            replies = slow.inquire()
            async for message in replies:
                assert str(await message) == "begun"
                break
        with pytest.raises(PromiseCancelledError):
            await replies


async def test_a5_leaving_the_outer_context_finishes_calls_that_are_open_in_one_that_nobody_leaves() -> None:
    inner = MiniAgents()
    async with MiniAgents():
        inner.activate()
        call = echo.initiate_inquiry()
        call.send_message("hello")
        replies = call._replies
    assert [str(message) for message in await replies] == ["hello"]


# --- shared resources ---

Events = list[str]


class Resource:
    """An async context manager that tells in which task it is entered and left."""

    def __init__(self, name: str, events: Events, *, opening: float = 1.0, closing: float = 0.0) -> None:
        self.name, self.events, self.opening, self.closing = name, events, opening, closing
        self.task: asyncio.Task[object] | None = None

    async def __aenter__(self) -> str:
        self.task = asyncio.current_task()
        await asyncio.sleep(self.opening)
        self.events.append(f"open {self.name}")
        return self.name

    async def __aexit__(self, *_: object) -> None:
        assert asyncio.current_task() is self.task
        await asyncio.sleep(self.closing)
        self.events.append(f"close {self.name}")


async def test_p12_requests_share_what_their_outer_context_has_opened() -> None:
    events: Events = []
    async with MiniAgents() as context:

        async def request() -> str:
            async with MiniAgents(parent=context) as inner:
                return await inner.shared_async("key", lambda: Resource("r", events))

        assert await asyncio.gather(*(request() for _ in range(5))) == ["r"] * 5
        assert events == ["open r"]
    assert events == ["open r", "close r"]


async def test_shared_resources_are_closed_in_the_reverse_order_by_the_tasks_that_opened_them() -> None:
    events: Events = []

    async def close(name: str) -> None:
        events.append(f"close {name}")

    async with MiniAgents() as context:
        await context.shared_async("a", lambda: Resource("a", events))
        context.shared("a", lambda: "b", close)
        async with MiniAgents(parent=context) as inner:
            await asyncio.create_task(inner.shared_async("c", lambda: Resource("c", events)))
    assert events == ["open a", "open c", "close c", "close b", "close a"]


async def test_a_shared_resource_is_left_before_those_that_it_asked_for() -> None:
    events: Events = []

    @contextlib.asynccontextmanager
    async def pool() -> AsyncGenerator[str]:
        server = await MiniAgents.current().shared_async("server", lambda: Resource("server", events))
        yield f"pool of {server}"
        events.append("close pool")

    async with MiniAgents() as context:
        assert await context.shared_async("pool", pool) == "pool of server"
    assert events == ["open server", "close pool", "close server"]


async def test_the_error_says_if_entering_a_shared_resource_was_cancelled_while_the_context_lives() -> None:
    class Cancelled(Resource):
        async def __aenter__(self) -> str:
            raise asyncio.CancelledError

    async with MiniAgents() as context:
        with pytest.raises(ContextStateError, match=r"shared_async\('key'\): entering was cancelled"):
            await context.shared_async("key", lambda: Cancelled("r", []))


async def test_a_shared_resource_may_hold_a_cancel_scope() -> None:
    anyio = pytest.importorskip("anyio", reason="what web servers and clients of models stand on")

    @contextlib.asynccontextmanager
    async def client() -> AsyncGenerator[str]:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep_forever)
            yield "client"
            group.cancel_scope.cancel()

    async with MiniAgents() as context:
        assert await asyncio.create_task(context.shared_async("client", client)) == "client"


async def test_an_error_while_opening_is_raised_to_all_who_wait_and_the_next_one_tries_again() -> None:
    events: Events = []
    attempts = 0

    @contextlib.asynccontextmanager
    async def failing_once() -> AsyncGenerator[str]:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(1)
        if attempts == 1:
            raise OSError("refused")
        yield "there"
        events.append("closed")

    async with MiniAgents() as context:
        asked = [asyncio.create_task(context.shared_async("key", failing_once)) for _ in range(3)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["refused"] * 3
        assert await context.shared_async("key", failing_once) == "there"
    assert (attempts, events) == (2, ["closed"])


async def test_p3_one_who_is_cancelled_while_a_resource_opens_takes_nothing_from_the_others() -> None:
    events: Events = []
    async with MiniAgents() as context:
        asked = [asyncio.create_task(context.shared_async("key", lambda: Resource("r", events))) for _ in range(2)]
        await asyncio.sleep(0)
        asked[0].cancel()
        assert await asked[1] == "r"
    assert events == ["open r", "close r"]


async def test_a_resource_that_is_still_being_opened_where_the_context_ends_is_given_up() -> None:
    events: Events = []
    asked: list[asyncio.Task[str]] = []
    async with MiniAgents() as context:
        asked.append(asyncio.create_task(context.shared_async("key", lambda: Resource("r", events, opening=3600))))
        await asyncio.sleep(0)
    with pytest.raises(ContextStateError, match=r"shared_async\('key'\): the context ended before"):
        await asked[0]
    assert events == []


async def test_a_resource_that_ends_by_itself_is_told_and_opened_again(logged: list[str]) -> None:
    gate = asyncio.Event()

    async def break_down() -> None:
        await gate.wait()
        raise OSError("connection lost")

    @contextlib.asynccontextmanager
    async def fragile() -> AsyncGenerator[str]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(break_down())
            yield "client"
            task.cancel()

    async with MiniAgents() as context:
        await context.shared_async("key", fragile)
        gate.set()
        await asyncio.sleep(1)
        assert [line for line in logged if "shared_async('key') ended before it was left" in line]
        gate.clear()
        assert await context.shared_async("key", fragile) == "client"


LONG: Final = 3600.0


async def test_p8_closing_ends_within_the_shutdown_timeout(logged: list[str]) -> None:
    events: Events = []

    async def close(_: str) -> None:
        await asyncio.sleep(LONG)

    async with MiniAgents(shutdown_timeout=2) as context:
        await context.shared_async("quick", lambda: Resource("quick", events))
        context.shared("stuck", lambda: "stuck", close)
        await context.shared_async("slow", lambda: Resource("slow", events, closing=LONG))
        left = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - left < 3
    assert events == ["open quick", "open slow", "close quick"]
    assert len([line for line in logged if "could not be closed" in line]) >= 2


async def test_a_plain_function_that_closes_a_resource_is_told_by_its_key(logged: list[str]) -> None:
    closed: list[str] = []
    close: Any = closed.append  # Any: checkers refuse it
    async with MiniAgents() as context:
        context.shared("key", lambda: "made", close)
    assert closed == ["made"]
    assert any("shared('key') could not be closed" in line for line in logged)
    assert any("`close` returned None; give an async function" in line for line in logged)


async def test_p8_a_resource_that_does_not_stop_is_given_up_with_a_warning(logged: list[str]) -> None:
    gate = asyncio.Event()

    @contextlib.asynccontextmanager
    async def stubborn() -> AsyncGenerator[str]:
        yield "stubborn"
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        async with MiniAgents(shutdown_timeout=2) as context:
            await context.shared_async("key", stubborn)
    (warning,) = [str(each.message) for each in warned if each.category is TaskAbandonedWarning]
    assert "shared_async('key') did not stop within the `shutdown_timeout` of its context" in warning
    assert len(logged) == 1
    gate.set()
    await asyncio.sleep(0.1)


async def test_p8_resources_are_closed_although_the_end_is_cancelled_while_handlers_see_the_last_calls() -> None:
    events: Events = []

    async def stubborn(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        try:
            return proceed()
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(1)
            await asyncio.sleep(1)

    async def main() -> None:
        async with MiniAgents(around_calls=[stubborn]) as context:
            await context.shared_async("key", lambda: Resource("r", events))
            echo.inquire("x").cancel()

    task = asyncio.create_task(main())
    await asyncio.sleep(1.5)
    task.cancel()
    await asyncio.wait({task})
    assert events == ["open r", "close r"]
    await asyncio.sleep(1)  # for the handler to end


async def test_nothing_is_shared_in_a_context_that_is_not_open() -> None:
    context = MiniAgents()
    with pytest.raises(ContextStateError, match="this MiniAgents is not active yet"):
        await context.shared_async("key", lambda: Resource("r", []))
    async with context:
        pass
    with pytest.raises(ContextStateError, match="this MiniAgents has ended, nothing can be shared"):
        await context.shared_async("key", lambda: Resource("r", []))


# --- what belongs to the outer context ---


@pytest.mark.parametrize("is_left_by", ["cancelling", "an error"])
async def test_a7_hooks_of_the_outer_context_end_although_the_inner_one_cancels_its_work(is_left_by: str) -> None:
    heard: list[object] = []

    async def hook(_: object, result: object) -> None:
        await asyncio.sleep(10)
        heard.append(result)

    async with MiniAgents(on_promise_resolved=hook):
        with contextlib.suppress(ZeroDivisionError):
            async with MiniAgents(on_leave="cancel"):
                await echo.inquire("hello")
                if is_left_by == "an error":
                    raise ZeroDivisionError
        assert heard == []  # leaving the inner one does not wait for them
    assert heard == [(Message("hello"),)] * 2  # the messages of the call, and its replies


async def test_a7_hooks_of_the_inner_context_are_cancelled_with_it() -> None:
    heard: list[str] = []

    def hook(name: str) -> PromiseResolvedHandler:
        async def hear(_: object, __: object) -> None:
            await asyncio.sleep(10)
            heard.append(name)

        return hear

    async with (
        MiniAgents(on_promise_resolved=hook("outer")),
        MiniAgents(on_promise_resolved=hook("inner"), on_leave="cancel"),
    ):
        await echo.inquire("hello")
    assert heard == ["outer"] * 2


# --- resources and handlers that do not stop ---


@contextlib.contextmanager
def given_up() -> Generator[list[str]]:
    """Give the texts of the warnings about what does not stop."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield texts
    texts += [str(each.message) for each in warned if each.category is TaskAbandonedWarning]


async def until(gate: asyncio.Event) -> None:
    """Wait, whoever cancels this."""
    while not gate.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await gate.wait()


async def test_p8_a_plain_resource_whose_closing_does_not_stop_is_given_up_with_a_warning(logged: list[str]) -> None:
    gate = asyncio.Event()
    with given_up() as texts:
        async with MiniAgents(shutdown_timeout=2) as context:
            context.shared("key", lambda: gate, until)
    assert len(texts) == 1
    assert "closing shared('key') did not stop within the `shutdown_timeout`" in texts[0]
    assert len(logged) == 1
    gate.set()
    await asyncio.sleep(0.1)


async def test_p8_a_handler_that_does_not_stop_is_given_up_with_a_warning() -> None:
    gate = asyncio.Event()

    async def stubborn(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        try:
            return proceed()
        finally:
            await until(gate)

    with given_up() as texts:
        async with MiniAgents(around_calls=[stubborn], shutdown_timeout=2):
            echo.inquire("x").cancel()
    assert len(texts) == 1
    assert "stubborn(<Call 1 of agent 'echo': cancelled>) did not stop within 2 s of its cancellation" in texts[0]
    gate.set()
    await asyncio.sleep(0.1)


# --- contexts that are left in another order ---


async def test_p12_leaving_the_outer_context_first_ends_the_inner_one_and_leaves_none_active() -> None:
    outer = MiniAgents(longer_hash_keys=True).activate()
    inner = MiniAgents().activate()
    replies = echo.inquire("hello")
    await outer.afinalize()
    assert (await replies)[0].text == "hello"
    with pytest.raises(NoActiveContextError, match="there is no active MiniAgents here"):
        MiniAgents.current()
    assert len(Message("a").hash_key) == 40
    await inner.afinalize()  # it has ended
    async with MiniAgents() as other:
        assert other.parent is None


async def test_p12_leaving_contexts_in_another_order_makes_the_one_around_them_active() -> None:
    async with MiniAgents() as around:
        contexts = [MiniAgents().activate() for _ in range(3)]
        for number in (1, 0, 2):
            await contexts[number].afinalize()
        assert MiniAgents.current() is around
        assert (await echo.inquire("hello"))[0].text == "hello"

"""Hooks: those that keep messages, and those that are told of promises."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from miniagents import (
    AgentCallNode,
    AgentReplyNode,
    FrozenDict,
    InteractionContext,
    Message,
    MiniAgents,
    PersistenceError,
    Promise,
    PromiseCancelledError,
    miniagent,
    stream_message,
)
from miniagents.agents.persistence import BATCH, LIMIT, _names_of_holders, with_parts
from miniagents.miniagents import PersistHandler


class Holder(Message, frozen=True, kw_only=True, tag="persistence.Holder"):
    parts: tuple[Message, ...] = ()
    one: Message | None = None


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


class Store:
    """Keeps messages, after it failed for the first times that it was asked to."""

    def __init__(self, *, failures: int = 0, error: BaseException | None = None, pause: float = 0) -> None:
        self.pause = pause
        self.kept: list[Message] = []
        self.calls = 0
        self.failures = failures
        self.error = error if error is not None else OSError("the disk is full")

    async def keep(self, messages: tuple[Message, ...]) -> None:
        self.calls += 1
        await asyncio.sleep(self.pause)
        if self.calls <= self.failures:
            raise self.error
        self.kept.extend(messages)

    @property
    def said(self) -> list[Message]:
        return [message for message in self.kept if not isinstance(message, AgentCallNode | AgentReplyNode)]

    def calls_of(self, agent: str) -> list[AgentCallNode]:
        return [node for node in self.kept if isinstance(node, AgentCallNode) and node.agent == agent]

    def replies_of(self, agent: str) -> list[AgentReplyNode]:
        return [node for node in self.kept if isinstance(node, AgentReplyNode) and node.agent == agent]


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miniagents.agents.persistence._PAUSES", (0, 0, 0))


def say(messages: Any, *handlers: PersistHandler, agent: Any = echo) -> None:
    async def main() -> None:
        await agent.inquire(messages)

    MiniAgents(on_persist_messages=handlers).run(main())


# --- what is kept ---


def test_a7_a_message_is_kept_once_however_often_it_is_sent() -> None:
    store = Store()
    message = Message("m")
    say([message, message, Message("m"), "m", "n"], store.keep)
    assert store.said == [Message("m"), Message("n")]


def test_a7_the_messages_inside_a_message_are_kept_once_and_before_it() -> None:
    store = Store()
    part = Message("part")
    inner = Holder(parts=(part, part), one=part)
    outer = Holder("outer", parts=(inner, part), one=inner)
    say([outer, part], store.keep)
    assert store.said == [part, inner, outer]


def test_a7_messages_nested_thousands_deep_are_kept_in_order() -> None:
    message = Message("0")
    for depth in range(2_000):
        message = Holder(str(depth + 1), one=message)
    store = Store()
    say(message, store.keep)
    assert [kept.text for kept in store.said] == [str(depth) for depth in range(2_001)]


def test_a7_calls_and_replies_are_recorded_with_the_keys_of_their_callers() -> None:
    store = Store()

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        ctx.reply(echo.inquire([ctx.messages, "more"]))

    say("hello", store.keep, agent=outer)
    hello, more = Message("hello"), Message("more")
    outer_call = AgentCallNode(agent="outer", messages=(hello,))
    inner_call = AgentCallNode(agent="echo", messages=(hello, more), caller=outer_call.hash_key)
    assert store.calls_of("outer") == [outer_call]
    assert store.calls_of("echo") == [inner_call]
    assert store.replies_of("outer") == [
        AgentReplyNode(agent="outer", call=outer_call.hash_key, messages=(hello, more))
    ]
    assert store.replies_of("echo") == [AgentReplyNode(agent="echo", call=inner_call.hash_key, messages=(hello, more))]
    order = [message.hash_key for message in store.kept]
    assert len(set(order)) == len(order) == 6
    for node in (outer_call, inner_call):
        assert order.index(hello.hash_key) < order.index(node.hash_key)


def test_a7_a_failed_call_is_recorded_with_its_error_and_the_error_still_reaches_its_reader(logged: list[str]) -> None:
    store = Store()

    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        ctx.reply("before")
        raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no\nin agent 'failing'$"):
        say("hello", store.keep, agent=failing)
    assert all("could not keep" in line for line in logged)
    logged.clear()
    # the context was left by the error: what it still had to record may be missing, nothing else
    store = Store()

    async def main() -> None:
        with pytest.raises(ValueError, match=r"^no\nin agent 'failing'$"):
            await failing.inquire("hello")

    MiniAgents(on_persist_messages=store.keep).run(main())
    [reply] = store.replies_of("failing")
    assert (reply.messages, reply.error) == ((Message("before"),), "ValueError: no")
    assert not logged


def test_a7_an_error_whose_text_is_no_unicode_is_recorded_and_the_records_of_other_calls_are_kept() -> None:
    store = Store()

    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        raise ValueError("half \ud83d")

    async def main() -> None:
        failed, replies = failing.inquire("hello"), echo.inquire("hello")
        with pytest.raises(ValueError, match="^half"):
            await failed
        await replies

    MiniAgents(on_persist_messages=store.keep).run(main())
    assert [node.error for node in store.replies_of("failing")] == ["ValueError: half \ufffd"]
    assert len(store.replies_of("echo")) == 1


def test_a7_equal_replies_of_equal_calls_are_recorded_once_and_others_apart() -> None:
    store = Store()
    script = [["a"], ["a"], ["b"], ["a", "b"], ["a"] * 20, ["a"] * 20, ["a"] * 21, []]

    @miniagent
    async def told(ctx: InteractionContext) -> None:
        ctx.reply(script.pop(0))

    async def main() -> None:
        while script:
            await told.inquire("hello")

    MiniAgents(on_persist_messages=store.keep).run(main())
    said = [[str(message) for message in node.messages] for node in store.replies_of("told")]
    assert said == [["a"], ["b"], ["a", "b"], ["a"] * 20, ["a"] * 21, []]
    assert len({node.hash_key for node in store.kept}) == len(store.kept)


def test_a7_recording_does_not_count_as_reading_an_error(caplog: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        raise ValueError("no")

    async def main() -> None:
        failing.inquire("hello")

    MiniAgents(on_persist_messages=Store().keep).run(main())
    assert len([record for record in caplog.records if "nobody has read" in record.getMessage()]) == 1, caplog.text


def test_a7_a_cancelled_call_is_recorded() -> None:
    store = Store()

    async def main() -> None:
        begun = asyncio.Event()

        @miniagent
        async def endless(ctx: InteractionContext) -> None:
            ctx.reply("before")
            begun.set()
            await asyncio.Event().wait()

        replies = endless.inquire("hello")
        await begun.wait()
        replies.cancel()

    MiniAgents(on_persist_messages=store.keep).run(main())
    [reply] = store.replies_of("endless")
    assert reply.messages == (Message("before"),)
    assert reply.error is not None
    assert "cancelled" in reply.error


def test_a7_messages_are_kept_as_they_arrive() -> None:
    async def main() -> None:
        seen = asyncio.Event()

        async def keep(messages: tuple[Message, ...]) -> None:
            if Message("first") in messages:
                seen.set()

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply("first")
            await seen.wait()
            ctx.reply("second")

        async with MiniAgents(on_persist_messages=keep):
            assert len(await agent.inquire()) == 2

    asyncio.run(main())


def test_a7_nothing_is_recorded_where_nobody_keeps_messages() -> None:
    async def main() -> None:
        assert MiniAgents.current().recorder is None
        nodes: list[object] = []

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            nodes.append(ctx.call_node)

        await agent.inquire()
        assert nodes == [None]

    MiniAgents().run(main())


# --- handlers that fail ---


@pytest.mark.usefixtures("no_pauses")
def test_a7_a_failing_handler_is_tried_again() -> None:
    store = Store(failures=2)
    say(["a", "b"], store.keep)
    assert store.said == [Message("a"), Message("b")]


@pytest.mark.usefixtures("no_pauses")
def test_a7_a_handler_that_fails_to_the_end_is_reported_with_what_it_did_not_keep(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store(failures=10_000)
    with pytest.raises(PersistenceError) as reported:
        say(["a"], store.keep)
    error = reported.value
    assert error.messages[0] == Message("a")
    assert len(error.messages) == 3
    assert isinstance(error.__cause__, OSError)
    assert str(error).startswith(
        f"Store.keep could not keep 3 messages (Message {Message('a').hash_key}, AgentCallNode"
    )
    assert str(error).endswith("OSError: the disk is full")
    assert "could not keep" in caplog.text


@pytest.mark.usefixtures("no_pauses")
def test_a7_a_last_attempt_at_the_end_keeps_what_could_not_be_kept_before(logged: list[str]) -> None:
    store = Store(failures=4)  # the first attempt and its three repetitions
    say(["a"], store.keep)
    assert store.said == [Message("a")]
    assert logged
    assert all(line.startswith("Store.keep could not keep") for line in logged)


@pytest.mark.usefixtures("no_pauses")
def test_a7_one_failing_handler_does_not_keep_another_from_its_work(logged: list[str]) -> None:
    broken, working = Store(failures=10_000), Store()
    with pytest.raises(PersistenceError):
        say(["a", "b"], broken.keep, working.keep)
    assert working.said == [Message("a"), Message("b")]
    assert not broken.kept
    assert logged
    assert all(line.startswith("Store.keep could not keep") for line in logged)


def test_a7_a_handler_that_waits_does_not_keep_another_from_its_work() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        kept = asyncio.Event()

        async def slow(_: tuple[Message, ...]) -> None:
            await gate.wait()

        async def quick(_: tuple[Message, ...]) -> None:
            kept.set()

        async with MiniAgents(on_persist_messages=[slow, quick]):
            await echo.inquire("a")
            await kept.wait()
            gate.set()

    asyncio.run(main())


@pytest.mark.usefixtures("no_pauses")
def test_a7_a_handler_that_is_cancelled_from_within_loses_nothing() -> None:
    store = Store(failures=1, error=asyncio.CancelledError())
    say(["a", "b"], store.keep)
    assert store.said == [Message("a"), Message("b")]


def test_a7_what_is_not_kept_because_the_context_was_left_by_an_error_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def never(_: tuple[Message, ...]) -> None:
        asked.set()
        await asyncio.Event().wait()

    async def main() -> None:
        await echo.inquire("a")
        await asked.wait()
        raise KeyError("main")

    asked = asyncio.Event()
    with pytest.raises(KeyError):
        MiniAgents(on_persist_messages=never, shutdown_timeout=0.05).run(main())
    assert "never could not keep" in caplog.text
    assert "the context was left before" in caplog.text


@pytest.mark.leaves_errors_unread
def test_a7_a_message_that_can_have_no_key_is_reported_and_the_others_are_kept() -> None:
    store = Store()
    with pytest.raises(BaseException) as reported:
        say(["a", msgspec.structs.replace(Message(), text="\ud800"), "b"], store.keep)
    assert "Message without a key" in repr([str(error) for error in _all_errors(reported.value)])
    assert store.said == [Message("a"), Message("b")]


def _all_errors(error: BaseException) -> list[BaseException]:
    parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return [inner for part in parts for inner in _all_errors(part)] or [error]


# --- on_promise_resolved ---


def test_a7_on_promise_resolved_is_told_of_every_promise_once() -> None:
    seen: list[tuple[str, object]] = []

    async def hook(promise: Promise[object], result: object) -> None:
        seen.append((promise.name, result))

    async def main() -> None:
        async def answer() -> int:
            return 42

        async def tokens() -> AsyncIterator[str]:
            yield "to"
            yield "kens"

        assert await Promise(answer, name="answer") == 42
        [message] = await echo.inquire(stream_message(Message, tokens()))
        assert message == Message("tokens")

    MiniAgents(on_promise_resolved=hook).run(main())
    assert seen.count(("answer", 42)) == 1
    assert seen.count(("Message", Message("tokens"))) == 1


def test_a7_an_error_of_on_promise_resolved_is_raised_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def hook(_: Promise[object], __: object) -> None:
        raise ValueError("hook")

    async def main() -> None:
        async def answer() -> int:
            return 42

        await Promise(answer)

    with pytest.raises(ValueError, match="^hook$"):
        MiniAgents(on_promise_resolved=hook).run(main())
    assert "on_promise_resolved failed" in caplog.text


def test_a7_there_is_no_task_for_hooks_that_nobody_registered() -> None:
    def tasks_at_most() -> int:
        async def main() -> int:
            async def answer() -> int:
                return 42

            promises = [Promise(answer) for _ in range(50)]
            most = 0
            for promise in promises:
                most = max(most, len(asyncio.all_tasks()))
                await promise
            return most

        return MiniAgents().run(main())

    assert tasks_at_most() == 51


@pytest.mark.parametrize("hooked", [True, False])
def test_a7_a_hook_does_not_start_what_waits_for_a_reader(hooked: bool) -> None:
    started: list[str] = []

    async def hook(_: Promise[object], __: object) -> None: ...

    async def lazy() -> None:
        started.append("started")

    async def main() -> None:
        Promise(lazy, start_asap=False)
        for _ in range(5):
            await asyncio.sleep(0)

    MiniAgents(on_promise_resolved=[hook] if hooked else []).run(main())
    assert not started


def test_a_hook_that_is_not_async_is_refused_at_once() -> None:
    def keep(messages: tuple[Message, ...]) -> None:
        raise AssertionError(messages)

    with pytest.raises(TypeError, match=r"on_persist_messages: .*keep is not async; write `async def"):
        MiniAgents(on_persist_messages=keep)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="on_promise_resolved: 3 is neither an async function nor several of them"):
        MiniAgents(on_promise_resolved=3)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="on_persist_messages: 'x' is no function"):
        MiniAgents(on_persist_messages="x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


# --- runs that fail ---


def test_a7_a_run_that_fails_keeps_its_record() -> None:
    store = Store(pause=0.01)

    async def main() -> None:
        for number in range(6):
            await echo.inquire(f"{number}")
        raise KeyError("main")

    with pytest.raises(KeyError):
        MiniAgents(on_persist_messages=store.keep).run(main())
    assert len(store.said) == len(store.calls_of("echo")) == len(store.replies_of("echo")) == 6


def test_a7_a_run_that_fails_records_the_calls_that_were_cancelled_with_it() -> None:
    store = Store(pause=0.01)

    async def main() -> None:
        begun = asyncio.Event()

        @miniagent
        async def endless(ctx: InteractionContext) -> None:
            ctx.reply("before")
            begun.set()
            await asyncio.Event().wait()

        endless.inquire("hello")
        await begun.wait()
        raise KeyError("main")

    with pytest.raises(KeyError):
        MiniAgents(on_persist_messages=store.keep).run(main())
    [reply] = store.replies_of("endless")
    assert reply.messages == (Message("before"),)
    assert "cancelled" in str(reply.error)


def test_a7_the_handler_is_not_cancelled_with_the_work() -> None:
    finished: list[int] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        await asyncio.sleep(0.01)
        finished.append(len(messages))

    async def main() -> None:
        async with MiniAgents(on_persist_messages=keep) as context:
            await echo.inquire("a")
            flushing = asyncio.create_task(context.flush())
            await asyncio.sleep(0.001)  # the handler has begun
            asyncio.get_running_loop().call_soon(flushing.cancel)
            raise KeyError("main")

    with pytest.raises(KeyError):
        asyncio.run(main())
    assert finished == [3]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
@pytest.mark.parametrize("error", [OSError("full"), asyncio.CancelledError()])
def test_a7_flush_ends_where_tasks_start_eagerly_and_a_handler_never_waits(
    error: BaseException, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that is started to try again is done at once."""
    monkeypatch.setattr("miniagents.agents.persistence._PAUSES", ())
    is_full = True
    kept: list[Message] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        if is_full:
            raise error
        kept.extend(messages)

    async def main() -> None:
        nonlocal is_full
        asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))
        async with asyncio.timeout(30), MiniAgents(on_persist_messages=keep) as context:
            await echo.inquire("hello")
            with pytest.raises(PersistenceError):
                await context.flush()
            is_full = False
            await context.flush()
            assert len(kept) == 3

    asyncio.run(main())
    assert all("could not keep" in line for line in logged)


def test_a7_messages_are_not_lost_without_a_word_if_a_handler_raises_what_is_no_exception(logged: list[str]) -> None:
    class Abort(BaseException):
        """What some libraries stop their own work by."""

    store = Store(failures=9, error=Abort())
    with pytest.raises(PersistenceError, match="could not keep 3 messages .*: Abort") as raised:
        say("hello", store.keep)
    assert len(raised.value.messages) == 3
    assert not store.kept
    assert logged  # by asyncio: the error ends the task


@pytest.mark.virtual_clock
@pytest.mark.parametrize("pauses", [(0,), (0, 0, 0, 0, 0), (0.001,), (0.02, 0.02), (0.001, 0, 0.02)])
async def test_a7_a_run_that_is_cancelled_again_and_again_keeps_its_record(pauses: tuple[float, ...]) -> None:
    store = Store(pause=0.01)
    said = asyncio.Event()

    async def careful() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.005)

    async def main() -> None:
        async with MiniAgents(on_persist_messages=store.keep):
            for number in range(6):
                await echo.inquire(f"{number}")
            Promise(careful, start_asap=True)
            said.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(main())
    await said.wait()
    task.cancel()
    for pause in pauses:
        await asyncio.sleep(pause)
        task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert len(store.said) == len(store.replies_of("echo")) == 6


async def test_a7_a_run_in_a_cancel_scope_that_was_left_keeps_its_record() -> None:
    anyio = pytest.importorskip("anyio", reason="what web servers stand on")
    store = Store(pause=0.01)
    with anyio.CancelScope() as scope:
        async with MiniAgents(on_persist_messages=store.keep):
            for number in range(6):
                await echo.inquire(f"{number}")
            scope.cancel()
            await asyncio.sleep(3600)
    assert scope.cancelled_caught
    assert len(store.said) == len(store.replies_of("echo")) == 6


@pytest.mark.usefixtures("interruptible")
def test_a7_ctrl_c_leaves_the_record_of_the_run() -> None:
    store = Store(pause=0.01)

    async def main() -> None:
        for number in range(6):
            await echo.inquire(f"{number}")
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        MiniAgents(on_persist_messages=store.keep).run(main())
    assert len(store.said) == len(store.replies_of("echo")) == 6


def test_a7_flush_hands_over_all_that_has_arrived() -> None:
    store = Store(pause=0.001)

    async def main() -> None:
        context = MiniAgents.current()
        for number in range(3):
            await echo.inquire(f"{number}")
            await context.flush()
            assert len(store.kept) == 3 * (number + 1)

    MiniAgents(on_persist_messages=store.keep).run(main())


@pytest.mark.usefixtures("no_pauses")
def test_a7_flush_raises_what_could_not_be_kept_and_the_end_tries_again(logged: list[str]) -> None:
    store = Store(failures=5)  # the first attempt, its three repetitions, and that of `flush`

    async def main() -> None:
        await echo.inquire("a")
        with pytest.raises(PersistenceError, match=r"Store\.keep could not keep 3 messages"):
            await MiniAgents.current().flush()

    MiniAgents(on_persist_messages=store.keep).run(main())
    assert store.said == [Message("a")]
    assert len(logged) == 1


@pytest.mark.usefixtures("no_pauses")
def test_a7_flush_is_refused_in_a_hook_and_does_nothing_without_one(logged: list[str]) -> None:
    async def keep(_: tuple[Message, ...]) -> None:
        await context.flush()

    async def main() -> None:
        await echo.inquire("a")

    MiniAgents().run(MiniAgents().flush())
    context = MiniAgents(on_persist_messages=keep)
    with pytest.raises(PersistenceError, match="flush.. was called by a hook"):
        context.run(main())
    assert len(logged) == 1


# --- messages that opt out ---


class Secret(Message, frozen=True, kw_only=True, tag="persistence.Secret"): ...


def test_a7_a_message_can_opt_out_with_all_that_hold_it() -> None:
    store = Store()
    part, secret = Message("part"), Secret("secret")
    holder = Holder("holder", parts=(part, secret), one=Message("other"))

    async def main() -> None:
        await echo.inquire([secret, "said", holder])

    MiniAgents(on_persist_messages=store.keep, persist_filter=lambda message: not isinstance(message, Secret)).run(
        main()
    )
    assert store.said == [Message("said"), part, Message("other")]
    [call], [reply] = store.calls_of("echo"), store.replies_of("echo")
    assert call.messages == reply.messages == (Message("said"),)
    assert reply.call == call.hash_key


def test_a7_a_filter_that_fails_is_reported_and_nothing_is_kept_that_it_was_asked_for() -> None:
    store = Store()

    def failing(message: Message) -> bool:
        if message == Message("a"):
            raise ValueError("no")
        return True

    async def main() -> None:
        await echo.inquire(["a", "b"])

    with pytest.raises(BaseException) as reported:
        MiniAgents(on_persist_messages=store.keep, persist_filter=failing).run(main())
    assert all(isinstance(error, PersistenceError) for error in _all_errors(reported.value))
    assert store.said == [Message("b")]


# --- bounds ---


def test_a7_a_handler_is_given_batches() -> None:
    sizes: list[int] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        sizes.append(len(messages))

    say([str(number) for number in range(10_000)], keep)
    assert sum(sizes) == 10_002
    assert max(sizes) == BATCH


def test_a7_calls_wait_for_a_slow_handler() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        kept = calls = 0

        async def keep(messages: tuple[Message, ...]) -> None:
            nonlocal kept
            await gate.wait()
            kept += len(messages)

        async def call() -> None:
            nonlocal calls
            for number in range(2_000):
                await echo.inquire(f"{number}")
                calls += 1

        async with MiniAgents(on_persist_messages=keep) as context:
            calling = asyncio.create_task(call())
            while context.recorder is None or not context.recorder.persister.is_full:
                await asyncio.sleep(0)
            held_up_at = calls
            for _ in range(1_000):
                await asyncio.sleep(0)
            assert 3 * held_up_at > LIMIT
            assert calls - held_up_at <= 1  # the one that had begun
            gate.set()
            await calling
        assert kept == 6_000

    asyncio.run(main())


def test_a7_nothing_waits_for_ever_for_a_handler_that_is_cancelled() -> None:
    async def keep(_: tuple[Message, ...]) -> None:
        for task in asyncio.all_tasks():
            if task.get_name().startswith("on_persist_messages"):
                task.cancel()
        await asyncio.sleep(0)

    async def main() -> None:
        for number in range(1_000):
            await echo.inquire(f"{number}")

    with pytest.raises(PersistenceError) as reported:
        MiniAgents(on_persist_messages=keep).run(main())
    assert len(reported.value.messages) == 3_000


def test_a7_the_memory_of_what_was_kept_is_bounded() -> None:
    store = Store()
    remembered: list[int] = []

    async def main() -> None:
        recorder = MiniAgents.current().recorder
        assert recorder is not None
        for number in range(4_000):
            await echo.inquire(f"{number}")
            if not number % 100:
                await MiniAgents.current().flush()
                store.kept.clear()
                remembered.append(len(recorder.persister._remembered) + len(recorder.persister._remembered_longer))
                assert not recorder.open

    MiniAgents(on_persist_messages=store.keep).run(main())
    assert max(remembered) <= 8_192


def test_a7_only_fields_that_can_hold_messages_are_looked_at() -> None:
    class Wide(Message, frozen=True, kw_only=True, tag="persistence.Wide"):
        numbers: tuple[int, ...] = ()
        names: FrozenDict[str, str] = FrozenDict()
        part: Message | None = None

    assert [*with_parts(Message("a"))] == [Message("a")]
    assert not _names_of_holders(Message("a"))
    wide = Wide("w", numbers=(1,), part=Message("part"))
    assert [*_names_of_holders(wide)] == ["part"]
    assert [*with_parts(wide)] == [Message("part"), wide]


def test_a7_calls_of_a_handler_are_not_recorded() -> None:
    store = Store()

    async def keep(messages: tuple[Message, ...]) -> None:
        await echo.inquire([f"kept {message}" for message in messages])
        await store.keep(messages)

    say("a", keep)
    assert store.said == [Message("a")]


# --- cancellations of hooks ---


async def _cancelled_query() -> None:
    query = asyncio.create_task(asyncio.sleep(1_000_000))
    asyncio.get_running_loop().call_soon(query.cancel)
    await query


@pytest.mark.usefixtures("no_pauses")
def test_a7_a_handler_whose_own_query_is_cancelled_has_failed(logged: list[str]) -> None:
    async def keep(_: tuple[Message, ...]) -> None:
        await _cancelled_query()

    with pytest.raises(PersistenceError) as reported:
        say("a", keep)
    assert isinstance(reported.value.__cause__, asyncio.CancelledError)
    assert len(reported.value.messages) == 3
    assert logged


@pytest.mark.usefixtures("no_pauses")
def test_a7_a_handler_whose_own_query_is_cancelled_is_tried_again() -> None:
    store = Store()
    calls = 0

    async def keep(messages: tuple[Message, ...]) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            await _cancelled_query()
        await store.keep(messages)

    say("a", keep)
    assert (calls, store.said) == (3, [Message("a")])


def test_a7_a_hook_of_promises_whose_own_query_is_cancelled_has_failed(logged: list[str]) -> None:
    async def hook(_: Promise[object], __: object) -> None:
        await _cancelled_query()

    async def main() -> None:
        async def answer() -> int:
            return 42

        await Promise(answer)

    with pytest.raises(PromiseCancelledError, match="'?on_promise_resolved'? waited for something that was cancelled"):
        MiniAgents(on_promise_resolved=hook).run(main())
    assert len(logged) == 1


def described(message: object) -> None:
    repr(message)


KEPT: list[object] = []
NOT_ASYNC: list[Any] = [print, KEPT.append, described]  # Any: the checkers refuse them


@pytest.mark.parametrize("handler", NOT_ASYNC)
def test_a_handler_that_is_not_async_is_refused(handler: Any) -> None:  # Any: the checkers refuse it
    with pytest.raises(TypeError, match="^on_persist_messages: .* is not async; write"):
        MiniAgents(on_persist_messages=handler)


async def test_a_handler_that_gives_nothing_to_await_is_not_called_again(logged: list[str]) -> None:
    class Plain:
        def __call__(self, messages: Sequence[Message]) -> None:
            batches.append(messages)

    batches: list[Sequence[Message]] = []
    handler: Any = Plain()  # Any: the checkers refuse it
    context = MiniAgents(on_persist_messages=handler)
    with pytest.raises(PersistenceError, match=r"Plain is not async; write `async def`$"):
        async with context:
            await echo.inquire("hi")
    assert len(batches) == 2  # and once more at the end, as with every handler that has failed
    assert all("Plain is not async" in line for line in logged)
    logged.clear()

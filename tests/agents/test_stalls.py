"""P13: a context that waits for long says for whom, who called that, and at which line of the user's code it stands."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

import miniagents
from miniagents import (
    Call,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MessageType,
    MiniAgents,
    Proceed,
    Promise,
    PromisingContext,
    StreamAppender,
    miniagent,
    stream_message,
)
from miniagents.promising.core import holders

pytestmark = pytest.mark.virtual_clock

HERE = str(Path(__file__))
SOURCE = Path(__file__).read_text().splitlines()


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "miniagents")
    return caplog


def now() -> float:
    return asyncio.get_running_loop().time()


def line(mark: str) -> str:
    """Where this file has the line with a mark."""
    (number,) = (number for number, text in enumerate(SOURCE, 1) if text.endswith(f"# {mark}"))
    return f"at {HERE}:{number}, in "


async def cut_off(main: Callable[[], Awaitable[object]], seconds: float = 60) -> None:
    """Run something that never ends by itself."""
    task = asyncio.ensure_future(main())
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    await asyncio.wait([task])


@miniagent
async def stuck(ctx: InteractionContext) -> None:
    await asyncio.Event().wait()  # stands: stuck


@miniagent
async def asking(ctx: InteractionContext) -> None:
    ctx.reply(await stuck.inquire())  # stands: asking


@miniagent
async def heartbeat(ctx: InteractionContext) -> None:
    while True:
        await asyncio.sleep(1)


@miniagent
async def reading(ctx: InteractionContext) -> None:
    async for message in ctx.messages:
        await message  # stands: reading


# --- it is told ---


async def test_p13_a_reader_gave_up_and_the_context_was_left(log: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with MiniAgents():
            replies = asking.inquire()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(replies, 3)
        raise AssertionError("it ended")

    await cut_off(main)
    assert len(log.messages) == 1
    told = log.messages[0]
    assert "which is being left, has made no progress for 10.0 s:" in told
    assert f"the MiniAgents of {HERE}:" in told
    assert "agent 'asking' waits for 'stuck'" in told
    assert "agent 'stuck', called by 'asking' waits for an Event" in told
    assert line("stands: stuck") + "stuck: await asyncio.Event().wait()" in told
    assert line("stands: asking") + "asking: ctx.reply(await stuck.inquire())" in told


async def test_p13_a_lock_is_held_across_a_call(log: pytest.LogCaptureFixture) -> None:
    lock = asyncio.Lock()

    @miniagent
    async def locking(ctx: InteractionContext) -> None:
        async with lock:  # stands: locking
            ctx.reply("got it")

    async def main() -> None:
        async with MiniAgents(), lock:
            await locking.inquire()  # stands: holds the lock

    began = now()
    await cut_off(main, 11)
    assert now() - began == 11
    assert len(log.messages) == 1
    assert "is being left" not in log.messages[0]
    assert line("stands: locking") in log.messages[0]
    assert "agent 'locking' waits for a Lock" in log.messages[0]
    assert line("stands: holds the lock") in log.messages[0]


@pytest.mark.parametrize("leaves", [False, True], ids=["read", "left"])
async def test_p13_a_heartbeat_beside_an_open_appender(log: pytest.LogCaptureFixture, leaves: bool) -> None:
    async def main() -> None:
        async with MiniAgents():
            appender = StreamAppender[str](name="the appender")
            heartbeat.inquire()
            replies = reading.inquire(stream_message(Message, appender))
            if not leaves:
                await replies
        raise AssertionError(f"{appender} ended")

    await cut_off(main)
    assert len(log.messages) == 1
    assert "agent 'reading' waits for 'the appender'" in log.messages[0]
    assert line("stands: reading") in log.messages[0]
    assert ("is being left" in log.messages[0]) is leaves


async def test_p13_a_slow_agent_is_told_of_where_the_context_is_left(log: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def slow(ctx: InteractionContext) -> None:
        await asyncio.sleep(60)  # stands: slow

    async with MiniAgents():
        slow.inquire()
    assert len(log.messages) == 1
    assert line("stands: slow") in log.messages[0]


async def test_p13_each_stall_is_told_once(log: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def slow(ctx: InteractionContext) -> None:
        for _ in range(3):
            await asyncio.sleep(60)
            ctx.reply("a piece")

    async with MiniAgents(stall_warning=5):
        slow.inquire()
    assert len(log.messages) == 3


async def test_p13_the_context_inside_tells_it(log: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with MiniAgents(), MiniAgents():
            stuck.inquire()

    await cut_off(main)
    assert len(log.messages) == 1


async def test_p13_an_async_generator_of_a_promise_stands_at_its_line(log: pytest.LogCaptureFixture) -> None:
    async def tokens() -> AsyncIterator[str]:
        yield "a"
        await asyncio.get_running_loop().create_future()  # stands: generator

    async def main() -> None:
        async with PromisingContext():
            stream_message(Message, tokens())

    await cut_off(main)
    assert len(log.messages) == 1
    assert line("stands: generator") in log.messages[0]


async def test_p13_a_handler_of_calls_stands_at_its_line(log: pytest.LogCaptureFixture) -> None:
    async def unanswered(_: Call, proceed: Proceed) -> MessageType[Message]:
        await asyncio.Event().wait()  # stands: handler
        return proceed()

    async def main() -> None:
        async with MiniAgents(around_calls=unanswered):
            await stuck.inquire()

    await cut_off(main)
    assert len(log.messages) == 1
    assert "'stuck' waits for an Event" in log.messages[0]
    assert line("stands: handler") in log.messages[0]


@pytest.mark.parametrize("leaves", [False, True])
async def test_p13_a_plain_task_that_an_agent_waits_for_stands_at_its_line(
    log: pytest.LogCaptureFixture, leaves: bool
) -> None:
    async def unanswered() -> None:
        await asyncio.Event().wait()  # stands: plain task

    @miniagent
    async def joining(ctx: InteractionContext) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(unanswered(), name="plain task")

    async def main() -> None:
        async with MiniAgents():
            replies = joining.inquire()
            if not leaves:
                await replies

    await cut_off(main)
    assert len(log.messages) == 1
    assert "agent 'joining' waits for task 'plain task'" in log.messages[0]
    assert "task 'plain task' of agent 'joining' waits for an Event" in log.messages[0]
    assert line("stands: plain task") in log.messages[0]


async def test_p13_a_plain_task_that_a_timer_wakes_is_no_stall(log: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def joining(ctx: InteractionContext) -> None:
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(30, event.set)
        await asyncio.create_task(event.wait())

    async with MiniAgents():
        await joining.inquire()
    assert not log.messages


class Wrapping:
    """An awaitable that hands on the iterator of a coroutine."""

    def __await__(self) -> Generator[Any, None, object]:  # Any: what asyncio's futures yield
        return asyncio.Event().wait().__await__()


class Delegating:
    """An awaitable whose iterator delegates to that of a coroutine."""

    def __await__(self) -> Generator[Any, None, object]:  # Any: what asyncio's futures yield
        return (yield from asyncio.Event().wait().__await__())


@pytest.mark.parametrize("awaitable", [Wrapping, Delegating])
async def test_p13_a_wait_inside_an_awaitable_object_is_seen(
    log: pytest.LogCaptureFixture, awaitable: type[Wrapping | Delegating]
) -> None:
    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        await awaitable()

    async def main() -> None:
        async with MiniAgents():
            await waiting.inquire()

    await cut_off(main)
    assert len(log.messages) == 1
    assert "agent 'waiting' waits for an Event" in log.messages[0]


async def test_p13_many_tasks_are_told_of_in_a_short_warning(log: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with MiniAgents():
            for _ in range(1000):
                stuck.inquire()

    await cut_off(main)
    assert "- … 980 more" in log.messages[0]
    assert len(log.messages[0]) < 10_000


# --- each cause in the table of the guide ---


async def a_reader_gave_up() -> None:
    async with MiniAgents():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stuck.inquire(), 0.1)


async def a_lock_is_held() -> object:
    lock = asyncio.Lock()

    @miniagent
    async def writer(ctx: InteractionContext) -> None:
        async with lock:  # stands: writer
            ctx.reply("written")

    @miniagent
    async def editor(ctx: InteractionContext) -> None:
        async with lock:
            ctx.reply(await writer.inquire())

    async with MiniAgents():
        return await editor.inquire()


async def an_appender_is_not_closed() -> object:
    async with MiniAgents():
        appender = StreamAppender[str](name="open")
        await reading.inquire(stream_message(Message, appender))
        return appender


async def a_heartbeat_never_ends() -> None:
    @miniagent
    async def beating(ctx: InteractionContext) -> None:
        while True:
            await asyncio.sleep(1)  # stands: heartbeat

    async with MiniAgents():
        beating.inquire()


async def nobody_feeds_a_queue() -> object:
    inbox = asyncio.Queue[str]()

    @miniagent
    async def consuming(ctx: InteractionContext) -> None:
        ctx.reply(await inbox.get())  # stands: queue

    async with MiniAgents():
        return await consuming.inquire()


async def agents_wait_for_each_other() -> None:
    """Another task holds the means to reply, so it is no circle; it is told once the context is left."""
    own: list[MessageSequencePromise[Message]] = []
    others: list[asyncio.Task[None]] = []

    @miniagent
    async def first(ctx: InteractionContext) -> None:
        async def reply_later() -> None:
            await asyncio.sleep(50)
            ctx.reply("late")

        others.append(asyncio.create_task(reply_later()))
        await own[0]  # stands: circle

    async with MiniAgents():
        own.append(first.inquire())


async def a_service_does_not_answer() -> None:
    @miniagent
    async def requesting(ctx: InteractionContext) -> None:
        reader: asyncio.StreamReader = asyncio.StreamReader()
        ctx.reply((await reader.readline()).decode())  # stands: request

    async with MiniAgents():
        requesting.inquire()


CAUSES: dict[str, tuple[Callable[[], Awaitable[object]], str]] = {
    "an agent stands at `await`, and the context is left": (a_reader_gave_up, "stuck"),
    "an agent waits for a `Lock`": (a_lock_is_held, "writer"),
    "an agent waits for a `StreamAppender`, by its name": (an_appender_is_not_closed, "reading"),
    "an agent stands at `asyncio.sleep`, in a loop": (a_heartbeat_never_ends, "heartbeat"),
    "a task waits for a `Queue` or an `Event`": (nobody_feeds_a_queue, "queue"),
    "an agent waits for another one, which waits for it": (agents_wait_for_each_other, "circle"),
    "an agent stands in a request of a client": (a_service_does_not_answer, "request"),
}
"""What stands in the first column of the table: a program, and the mark of the line that the warning names."""


def test_p13_each_cause_in_the_guide_has_a_test() -> None:
    guide = Path(miniagents.__file__).with_name("guide") / "contexts.md"
    table = guide.read_text(encoding="utf-8").partition("| the warning says |")[2].partition("\n\n")[0]
    rows = [row.split(" | ")[0].removeprefix("| ") for row in table.splitlines()[2:]]
    assert rows == list(CAUSES)


@pytest.mark.parametrize("cause", CAUSES)
async def test_p13_each_cause_in_the_guide_is_told_in_ten_seconds_with_a_line_of_the_user(
    cause: str, log: pytest.LogCaptureFixture
) -> None:
    program, mark = CAUSES[cause]
    await cut_off(program, 10.2)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    assert len(log.messages) == 1
    assert line(f"stands: {mark}") in log.messages[0]


# --- it is not told ---


@pytest.mark.parametrize("stall_warning", [None, math.inf])
async def test_p13_without_the_option_nothing_is_told(
    log: pytest.LogCaptureFixture, stall_warning: float | None
) -> None:
    async def main() -> None:
        async with MiniAgents(stall_warning=stall_warning):
            stuck.inquire()

    await cut_off(main)
    assert log.messages == []


async def test_p13_pieces_are_progress(log: pytest.LogCaptureFixture) -> None:
    async def tokens() -> AsyncIterator[str]:
        for _ in range(10):
            await asyncio.sleep(7)
            yield "a"

    @miniagent
    async def streaming(ctx: InteractionContext) -> None:
        ctx.reply(stream_message(Message, tokens()))

    async with MiniAgents():
        streaming.inquire()
    assert log.messages == []


@pytest.mark.parametrize("seconds", [0.5, 60])
async def test_p13_somebody_who_waits_for_the_world_outside_is_no_stall(
    log: pytest.LogCaptureFixture, seconds: float
) -> None:
    @miniagent
    async def sleeping(ctx: InteractionContext) -> None:
        await asyncio.sleep(seconds)

    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        await sleeping.inquire()

    async with MiniAgents():
        await waiting.inquire()
    assert log.messages == []


async def test_p13_an_idle_session_is_no_stall(log: pytest.LogCaptureFixture) -> None:
    inbox = asyncio.Queue[str]()

    @miniagent
    async def session(ctx: InteractionContext) -> None:
        for _ in range(2):
            ctx.reply(await inbox.get())

    async def user() -> None:
        for _ in range(2):
            await asyncio.sleep(100)
            inbox.put_nowait("hi")

    typing = asyncio.create_task(user())
    async with MiniAgents():
        assert len(await session.inquire()) == 2
    await typing
    assert log.messages == []


async def test_p13_agents_that_wait_for_people_are_seldom_searched_for(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[asyncio.Event] = []
    searches: set[float] = set()

    def searching(things: dict[Any, list[object]], looks: float = math.inf) -> dict[Any, holders.Held]:  # Any: keys
        searches.add(now())
        return found(things, looks)

    found = holders.holders_of
    monkeypatch.setattr(holders, "holders_of", searching)

    @miniagent
    async def asking(ctx: InteractionContext) -> None:
        answer = asyncio.Event()
        answers.append(answer)
        await answer.wait()

    async with MiniAgents():
        replies = asking.inquire()
        reading = asyncio.create_task(anext(aiter(replies), None))
        await asyncio.sleep(3_600)
        assert 2 < len(searches) < 12
        answers.pop()  # nobody can answer any more
        assert log.messages == []
        await asyncio.sleep(3_600 + 15)
        assert "agent 'asking' waits for an Event" in log.messages[0]
        replies.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_p13_a_lock_whose_holder_works_is_no_stall(log: pytest.LogCaptureFixture) -> None:
    lock = asyncio.Lock()

    @miniagent
    async def locking(ctx: InteractionContext) -> None:
        async with lock:
            await asyncio.sleep(50)

    async with MiniAgents():
        first, second = locking.inquire(), locking.inquire()
        await first
        await second
    assert log.messages == []


async def test_p13_time_before_somebody_waits_does_not_count(log: pytest.LogCaptureFixture) -> None:
    async with MiniAgents() as context:
        replies = stuck.inquire()
        await asyncio.sleep(100)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(replies, 5)
        assert log.messages == []
        assert "stuck" in context.describe()
        replies.cancel()


@pytest.mark.parametrize("stall_warning", [0, -1, math.nan])
def test_p13_a_wrong_time_is_refused(stall_warning: float) -> None:
    with pytest.raises(ValueError, match="stall_warning=.*: give seconds above 0, or None"):
        MiniAgents(stall_warning=stall_warning)


# --- describe() ---


async def test_p13_a_context_describes_itself_at_any_time() -> None:
    context = MiniAgents()
    assert "is new" in context.describe()
    async with context:
        assert len(context.describe().splitlines()) == 1
        replies = asking.inquire()
        watching = asyncio.create_task(asyncio.wait([asyncio.ensure_future(replies)]), name="watching")
        await asyncio.sleep(8)
        told = context.describe()
        assert "is active:" in told.splitlines()[0]
        assert "agent 'stuck', called by 'asking' waits for an Event, for 8.0 s" in told
        assert line("stands: asking") in told
        replies.cancel()
        await watching
    assert "is closed" in context.describe()


async def test_p13_a_moment_too_short_to_tell_is_not_told() -> None:
    async with MiniAgents(on_leave="cancel") as context:
        reading = asyncio.ensure_future(stuck.inquire())
        await asyncio.sleep(0.04)
        assert "- agent 'stuck' waits for an Event\n" in context.describe()
        await asyncio.sleep(0.04)
        assert "- agent 'stuck' waits for an Event, for 0.1 s\n" in context.describe()
        reading.cancel()


async def test_p13_a_plain_task_of_an_agent_is_described_with_its_agent() -> None:
    @miniagent
    async def starting(ctx: InteractionContext) -> None:
        working = Promise(asyncio.Event().wait, name="part of it")
        await asyncio.create_task(asyncio.wait_for(working, None), name="plain task")

    async with MiniAgents(on_leave="cancel") as context:
        starting.inquire()
        await asyncio.sleep(1)
        told = context.describe()
        assert "agent 'starting' waits for task 'plain task'" in told
        assert "'part of it' of agent 'starting' waits for an Event" in told


async def test_p13_looking_keeps_no_task_alive() -> None:
    async with MiniAgents(stall_warning=1):
        waiting = asyncio.create_task(asyncio.wait_for(Promise(asyncio.Event().wait), 20))
        await asyncio.sleep(5)
        before = sum(isinstance(each, asyncio.Task) for each in gc.get_objects())
        for _ in range(100):
            await heartbeat.with_timeout(0.3).inquire().recover(lambda _: ())
        gc.collect()
        assert sum(isinstance(each, asyncio.Task) for each in gc.get_objects()) <= before + 5
        with pytest.raises(TimeoutError):
            await waiting
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


def test_p13_a_thread_that_holds_an_appender_is_waited_for_with_a_warning(log: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    class Releasing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            release.set()

    async def main() -> None:
        async with MiniAgents(stall_warning=0.2):
            appender = StreamAppender[str](name="fed by a thread")
            reading.inquire(stream_message(Message, appender))

            def feed(held: StreamAppender[str]) -> None:
                release.wait()
                held.append("a")
                held.close()

            threading.Thread(target=feed, args=(appender,)).start()

    logging.getLogger("miniagents").addHandler(releasing := Releasing())
    try:
        asyncio.run(main())
    finally:
        logging.getLogger("miniagents").removeHandler(releasing)
    assert len(log.messages) == 1
    assert "waits for 'fed by a thread'" in log.messages[0]


def test_p13_the_marks_are_in_this_file() -> None:
    assert inspect.getsource(stuck._function).count("# stands: stuck") == 1


async def test_a_look_that_is_due_but_for_rounding_is_not_due_again_at_once(log: pytest.LogCaptureFixture) -> None:
    """Moments such as 30.01 + 10 are not exact: on a clock that rounds, the look came for ever without time passing."""

    @miniagent
    async def slow(ctx: InteractionContext) -> None:
        await asyncio.sleep(60)
        ctx.reply("done")

    async with MiniAgents():
        for began in (30.0, 100.0, 777.7):
            await asyncio.sleep(began - now())
            assert [str(message) for message in await slow.inquire()] == ["done"]
    assert log.text == ""

"""P11: a change that comes from another thread is made at once, or refused by name."""

import asyncio
import concurrent.futures
import logging
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import pytest

from miniagents.promising import (
    AppenderClosedError,
    ContextStateError,
    FlatSequence,
    NoActiveContextError,
    Promise,
    PromiseCancelledError,
    PromisingContext,
    StreamAppender,
    StreamedPromise,
)
from miniagents.promising.core import watch

Scene = Callable[[], Coroutine[Any, Any, None]]  # Any: as asyncio has it

Change = Callable[[], None]

PIECES: Final = 2_000


@pytest.fixture(autouse=True)
def nothing_else_wakes_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a turn of the loop that a timer happens to bring then hangs."""
    monkeypatch.setattr(watch, "_FIRST_SWEEP", 100_000.0)
    monkeypatch.setattr(watch, "_LAST_SWEEP", 100_000.0)


async def in_thread(work: Callable[[], object]) -> None:
    """Run work in a thread that knows nothing of the loop, and raise its error; the end wakes the loop."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    await asyncio.to_thread(thread.join)
    for error in errors:
        raise error


# --- appenders ---


async def appending() -> None:
    """One piece at a time, each after the one before it was read: any that is late is late for ever."""
    async with PromisingContext():
        appender = StreamAppender[int]()
        turn = threading.Semaphore(0)

        def work() -> None:
            for number in range(20):
                turn.acquire()
                appender.append(number)
            turn.acquire()
            appender.close()

        thread = threading.Thread(target=work)
        thread.start()
        await asyncio.sleep(0.01)
        read: list[int] = []
        turn.release()
        async for piece in appender:
            read.append(piece)
            turn.release()
        assert read == list(range(20))
        thread.join()


async def bursts() -> None:
    async with PromisingContext():
        appenders = [StreamAppender[tuple[str, int]]() for _ in range(3)]

        def work(name: str) -> None:
            for number in range(PIECES):
                for appender in appenders:
                    if number % 7:
                        appender.append((name, number))
                    else:
                        appender.extend([(name, number)])

        readers = [asyncio.create_task(whole(appender)) for appender in appenders for _ in range(2)]
        await asyncio.gather(*(asyncio.to_thread(work, name) for name in "abc"))
        for appender in appenders:
            appender.close()
        for pieces in await asyncio.gather(*readers):
            assert len(pieces) == 3 * PIECES
            for name in "abc":
                assert [number for each, number in pieces if each == name] == list(range(PIECES))


async def whole(stream: StreamAppender[Any]) -> list[Any]:  # Any: pieces of any type
    return [piece async for piece in stream]


async def failing_and_closing() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()
        error = ValueError("no")

        def work() -> None:
            with appender:
                appender.append(1)
                appender.fail(error)
                appender.append(2)
            assert appender.closed
            appender.close()
            changes: list[Change] = [
                lambda: appender.append(3),
                lambda: appender.extend([3]),
                lambda: appender.fail(error),
            ]
            for change in changes:
                with pytest.raises(AppenderClosedError, match="after the stream has ended"):
                    change()

        reader = asyncio.create_task(outcomes(appender))
        await asyncio.sleep(0.01)
        thread = threading.Thread(target=work)
        thread.start()
        assert await reader == [1, error, 2]
        thread.join()
        with pytest.raises(ValueError, match="no"):
            await appender.promise


async def outcomes(stream: StreamAppender[int]) -> list[object]:
    read: list[object] = []
    pieces = aiter(stream)
    while True:
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            return read
        except ValueError as error:
            read.append(error)


async def raising_in_a_block() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()

        def work() -> None:
            with pytest.raises(ValueError, match="no"), appender:
                raise ValueError("no")

        thread = threading.Thread(target=work)
        thread.start()
        with pytest.raises(ValueError, match="no"):
            await appender.promise
        thread.join()


# --- sequences ---


def letters() -> FlatSequence[str]:
    return FlatSequence[str](lambda item: item.upper() if isinstance(item, str) else NotImplemented)


async def later(*items: str) -> AsyncIterator[str]:
    for item in items:
        await asyncio.sleep(0.001)
        yield item


async def putting() -> None:
    async with PromisingContext():
        sequence = letters()
        given = ["b", ["c"]]

        def work() -> None:
            sequence.put("a")
            sequence.put([given, later("d", "e"), StreamedPromise.of("f")])
            given.append("x")  # what is mutable is taken as it was
            sequence.put(iter("gh"))
            sequence.put_out_of_order("z")
            with pytest.raises(TypeError, match="'FlatSequence' takes no int: 1"):
                sequence.put(["y", 1])
            sequence.close()
            assert sequence.closed
            for refused in (sequence.put, sequence.put_out_of_order):
                with pytest.raises(AppenderClosedError, match="is closed"):
                    refused("late")

        reading = asyncio.ensure_future(sequence.promise)
        await asyncio.sleep(0.01)
        thread = threading.Thread(target=work)
        thread.start()
        read = await reading
        thread.join()
        assert "".join(letter for letter in read if letter != "Z") == "ABCDEFGH"
        assert read.count("Z") == 1


async def errors_in_a_sequence() -> None:
    error = ValueError("no")
    async with PromisingContext():
        sequence = letters()

        def work() -> None:
            sequence.put("a")
            sequence.put(StreamedPromise.of([1]))  # what only the loop may look at: an error in its place
            sequence.fail(error)
            sequence.put("b")
            sequence.close()

        thread = threading.Thread(target=work)
        thread.start()
        read: list[object] = []
        pieces = aiter(sequence.promise)
        while True:
            try:
                read.append(await anext(pieces))
            except StopAsyncIteration:
                break
            except (TypeError, ValueError) as raised:
                read.append(type(raised))
        thread.join()
        assert read == ["A", TypeError, ValueError, "B"]


async def cancelling() -> None:
    async with PromisingContext():
        promise = Promise(asyncio.Event().wait, name="for ever")
        appender = StreamAppender[int]()
        sequence = letters()
        await asyncio.sleep(0)
        found: list[bool] = []

        def work() -> None:
            found.extend(each.cancel() for each in (promise, appender.promise, sequence.promise))

        thread = threading.Thread(target=work)
        thread.start()
        for waiting in (promise, appender.promise, sequence.promise):
            with pytest.raises(PromiseCancelledError):
                await waiting
        thread.join()
        assert found == [True, True, True]

        def late() -> None:
            assert not promise.cancel()
            changes: list[Change] = [lambda: appender.append(1), lambda: sequence.put("a")]
            for change in changes:
                with pytest.raises(PromiseCancelledError):
                    change()
            sequence.close()

        await in_thread(late)


# --- calling from a thread ---


async def calling() -> None:
    async with PromisingContext() as context:

        async def answer(number: int, *, times: int = 1) -> int:
            assert PromisingContext.current() is context
            await asyncio.sleep(0)
            return number * times

        async def failing() -> None:
            raise ValueError("no")

        def work() -> None:
            assert context.from_thread(answer, 2, times=21).result() == 42
            failed = context.from_thread(failing)
            with pytest.raises(ValueError, match="no"):
                failed.result()
            assert isinstance(failed.exception(), ValueError)

        await in_thread(work)
        await asyncio.to_thread(work)


async def giving_up_a_call() -> None:
    events: list[str] = []

    async def slow() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            events.append("ended")

    begun = threading.Event()
    async with PromisingContext() as context:

        def work() -> None:
            call = context.from_thread(slow)
            begun.wait()
            with pytest.raises(concurrent.futures.TimeoutError):
                call.result(timeout=0.001)
            assert events == []  # who stops waiting takes nothing away
            assert call.cancel()
            with pytest.raises(concurrent.futures.CancelledError):
                call.result()

        await in_thread(work)
    assert events == ["ended"]


async def leaving_by_an_error() -> None:
    calls: list[concurrent.futures.Future[bool]] = []
    context = PromisingContext()
    with pytest.raises(ValueError, match="stop"):
        async with context:
            await in_thread(lambda: calls.append(context.from_thread(asyncio.Event().wait)))
            await asyncio.sleep(0)
            raise ValueError("stop")

    def work() -> None:
        with pytest.raises(PromiseCancelledError):
            calls[0].result()
        with pytest.raises(ContextStateError, match="this PromisingContext is closed"):
            context.from_thread(asyncio.sleep, 0)

    await in_thread(work)


async def another_loop() -> None:
    """A thread with a loop of its own is another thread as well."""
    async with PromisingContext() as context:
        appender = StreamAppender[int]()

        async def elsewhere() -> None:
            async with PromisingContext():
                appender.append(await Promise(lambda: asyncio.sleep(0, 1)))
            assert await asyncio.wrap_future(context.from_thread(asyncio.sleep, 0, 2)) == 2
            appender.close()

        thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
        thread.start()
        assert await appender.promise == (1,)
        await asyncio.to_thread(thread.join)


SCENES: Final[dict[str, Scene]] = {
    scene.__name__: scene
    for scene in (
        appending,
        bursts,
        failing_and_closing,
        raising_in_a_block,
        putting,
        errors_in_a_sequence,
        cancelling,
        calling,
        giving_up_a_call,
        leaving_by_an_error,
        another_loop,
    )
}


def new_loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "uvloop":
        uvloop = pytest.importorskip("uvloop", reason="uvloop knows no Windows")
        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    loop.slow_callback_duration = 3600.0  # a slow machine is no fault
    if kind == "eager":
        factory = getattr(asyncio, "eager_task_factory", None)
        if factory is None:
            loop.close()
            pytest.skip("eager tasks came with Python 3.12")
        loop.set_task_factory(factory)
    return loop


@pytest.mark.parametrize("kind", ["asyncio", "uvloop", "eager"])
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("scene", SCENES)
def test_p11_at_once_with(scene: str, kind: str, debug: bool) -> None:
    with asyncio.Runner(debug=debug, loop_factory=lambda: new_loop(kind)) as runner:
        runner.run(SCENES[scene]())


def test_p11_the_scenes_run_in_the_development_mode_of_python() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", __file__],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "".join(f"{name}\n" for name in SCENES), "")


# --- what cannot be done from a thread ---


async def test_p11_starting_work_in_a_thread_says_what_to_write() -> None:
    async with PromisingContext():

        def work() -> None:
            for make in (lambda: Promise(lambda: asyncio.sleep(0)), StreamAppender[int]):
                with pytest.raises(ContextStateError, match=r"no event loop runs in this thread.*from_thread"):
                    make()

        await asyncio.to_thread(work)


async def test_p11_a_call_in_the_loops_own_thread_is_refused_instead_of_blocking_it() -> None:
    async with PromisingContext() as context:
        with pytest.raises(ContextStateError, match=r"from_thread\(sleep\) is for other threads"):
            context.from_thread(asyncio.sleep, 0)


def test_p11_a_call_where_the_loop_does_not_run_is_refused_as_its_result_would_never_come() -> None:
    """A worker has one loop for all its jobs, and runs it only while there is one."""
    context = PromisingContext()

    async def open_it() -> None:
        context.activate()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(open_it())
    with pytest.raises(ContextStateError, match=r"this one does not run.*loop.run_until_complete"):
        context.from_thread(asyncio.sleep, 0)
    loop.run_until_complete(context.afinalize())
    loop.close()


def test_p11_a_context_whose_loop_was_closed_is_said_to_be_of_a_closed_loop() -> None:
    context = PromisingContext()

    async def open_it() -> None:
        context.activate()

    asyncio.run(open_it())
    with pytest.raises(ContextStateError, match="the event loop of this PromisingContext is closed"):
        context.from_thread(asyncio.sleep, 0)

    async def use_it() -> None:
        with pytest.raises(ContextStateError, match="the event loop of its PromisingContext is closed"):
            context.entered().__enter__()
        with pytest.raises(NoActiveContextError) as raised:
            PromisingContext.current()
        assert "open in" not in str(raised.value)  # nobody can do anything in it

    asyncio.run(use_it())


async def test_p11_what_a_thread_put_in_too_late_is_logged(logged: list[str]) -> None:
    """The thread looked before the stream ended, and the loop came to it afterwards: nobody is there to be told."""
    async with PromisingContext():
        sequence = letters()
        put = threading.Thread(target=lambda: sequence.put("a"))
        put.start()
        put.join()  # in the loop's own thread, which makes no turn meanwhile
        sequence.close()
        assert await sequence.promise == ()
        await asyncio.sleep(0)
    assert [line for line in logged if "'FlatSequence' ended before it got what another thread had put in" in line]


async def test_a3_the_error_of_a_call_that_no_thread_reads_is_logged(logged: list[str]) -> None:
    async def failing() -> None:
        raise ValueError("nobody reads this")

    async with PromisingContext() as context:
        await in_thread(lambda: context.from_thread(failing))
    assert len([line for line in logged if "nobody reads this" in line]) == 1


if __name__ == "__main__":
    logging.basicConfig()
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of callbacks that a slow machine makes long
    for name, scene in SCENES.items():
        asyncio.run(scene())
        print(name)  # noqa: T201

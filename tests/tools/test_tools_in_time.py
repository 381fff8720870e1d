"""Tools that take too long, and functions in threads that nothing can stop."""

import asyncio
import pickle
import threading
from collections.abc import AsyncIterator

import pytest

from miniagents import MiniAgents, ToolCall, tool


def call(name: str) -> ToolCall:
    return ToolCall(id="call_1", name=name)


STOPPED = "This took longer than 3 s, and was stopped."


@pytest.mark.virtual_clock
async def test_a_call_that_takes_too_long_is_cancelled_and_the_model_is_told() -> None:
    cancelled: list[bool] = []

    @tool(timeout=3)
    async def slow() -> str:
        try:
            await asyncio.sleep(4)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return "never"

    @tool(timeout=3)
    async def streams() -> AsyncIterator[str]:
        yield "some"
        await asyncio.sleep(4)
        yield "never"

    @tool(timeout=3)
    async def quick() -> str:
        await asyncio.sleep(2)
        return "done"

    @tool(timeout=3)
    async def own() -> str:
        raise TimeoutError("its own")

    async with MiniAgents():
        results = [await each.answer(call(each.name)) for each in (slow, streams, quick)]
    assert [(str(result), result.is_error) for result in results] == [
        (STOPPED, True),
        (f"some\n\n{STOPPED}", True),
        ("done", False),
    ]
    assert cancelled == [True]


async def test_an_own_timeout_error_stays_one(caplog: pytest.LogCaptureFixture) -> None:
    @tool(timeout=1000)
    async def own() -> str:
        raise TimeoutError("its own")

    async with MiniAgents():
        assert str(await own.answer(call("own"))) == "TimeoutError: its own"
    assert caplog.messages == ["tool 'own' failed; the model is told the error"]


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_a_positive_number(timeout: float) -> None:
    with pytest.raises(ValueError, match="tool 'some': timeout=.*: give a number of seconds above 0"):

        @tool(timeout=timeout)
        def some() -> str:
            return ""


class Held:
    """A plain tool whose function is held in its thread."""

    def __init__(self, timeout: float | None = None) -> None:
        self.begun = threading.Event()
        self.goes_on = threading.Event()
        self.ended = threading.Event()

        @tool(timeout=timeout)
        def held() -> str:
            self.begun.set()
            self.goes_on.wait()
            self.ended.set()
            return "done"

        self.tool = held


async def test_whoever_leaves_a_context_is_told_of_tools_that_still_run(caplog: pytest.LogCaptureFixture) -> None:
    held = Held()
    try:
        async with MiniAgents():
            result = held.tool.answer(call("held"))
            await asyncio.to_thread(held.begun.wait)
            result.cancel()
        (told,) = caplog.messages
        assert told.startswith(
            "the context of tool 'held' has been left, and its function still runs in a thread, for call 'call_1', at "
        )
        assert "test_tools_in_time.py" in told
        assert "self.goes_on.wait()" in told
    finally:
        held.goes_on.set()


async def test_nothing_is_told_of_one_that_has_ended_meanwhile() -> None:
    held = Held(timeout=0.01)
    async with MiniAgents() as context:
        result = await held.tool.answer(call("held"))
        assert str(result) == "This took longer than 0.01 s, and was stopped."
        assert len(context.last_words) == 1
        held.goes_on.set()
        await asyncio.to_thread(held.ended.wait)
        while context.last_words:
            await asyncio.sleep(0)


@tool(timeout=3)
def at_home() -> str:
    return ""


def test_a_tool_with_a_timeout_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(at_home)).timeout == 3

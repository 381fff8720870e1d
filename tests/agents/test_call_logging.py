"""The logger `miniagents.calls` tells of the course of each call, when it is switched on."""

from __future__ import annotations

import asyncio
import logging

import pytest

from miniagents import InteractionContext, MiniAgents, miniagent

pytestmark = pytest.mark.virtual_clock


@miniagent
async def low(ctx: InteractionContext, *, fails: bool = False, seconds: float = 1) -> None:
    await asyncio.sleep(seconds)
    ctx.reply("one")
    await asyncio.sleep(seconds)
    ctx.reply("two")
    if fails:
        raise ValueError("no\nmore")


@miniagent
async def top(ctx: InteractionContext, seconds: float) -> None:
    ctx.reply(low.inquire(ctx.messages, seconds=seconds))


async def test_a_call_is_logged_with_its_course(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "miniagents.calls")
    async with MiniAgents():
        await top.inquire(["a", "b"], 0.5)
    assert caplog.messages == [
        "agent 'top': begun with seconds=0.5; messages: 2",
        "agent 'low', called by 'top': begun with seconds=0.5; messages: 2",
        "agent 'low', called by 'top': first piece after 0.500 s",
        "agent 'top': first piece after 0.500 s",
        "agent 'low', called by 'top': ended after 1.000 s; messages: 2",
        "agent 'top': ended after 1.000 s; messages: 2",
    ]


async def test_arguments_can_be_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "miniagents.calls.arguments")
    caplog.set_level(logging.DEBUG, "miniagents.calls")
    async with MiniAgents():
        await low.inquire("a", seconds=0.123)
    assert caplog.messages[0] == "agent 'low': begun; messages: 1"
    assert "seconds=" not in caplog.text


async def test_a_failure_and_a_cancellation_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "miniagents.calls")
    async with MiniAgents():
        with pytest.raises(ValueError, match="no"):
            await low.inquire(fails=True)
        cancelled = low.inquire()
        await asyncio.sleep(1.5)
        cancelled.cancel()
    assert caplog.messages[2:] == [
        "agent 'low': failed after 2.000 s; messages: 2; ValueError: no",
        "agent 'low': begun; messages: 0",
        "agent 'low': first piece after 1.000 s",
        "agent 'low': cancelled after 1.500 s; messages: 1",
    ]


async def test_nothing_is_logged_by_default(caplog: pytest.LogCaptureFixture) -> None:
    async with MiniAgents():
        await top.inquire("a", 0.5)
    assert caplog.messages == []


async def test_arguments_are_logged_in_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    class Large:
        def __repr__(self) -> str:
            raise RuntimeError("no repr")

    @miniagent
    async def taking(ctx: InteractionContext, text: str, thing: Large) -> None: ...

    caplog.set_level(logging.DEBUG, "miniagents.calls")
    async with MiniAgents():
        await taking.inquire(None, "x\n" * 10_000, Large())
    assert len(caplog.messages[0]) < 400
    assert "\n" not in caplog.messages[0]

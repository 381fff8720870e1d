"""Conversations of a program's own: the user at the console, and an agent that remembers."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from miniagents import EndLoop, InteractionContext, Message, MiniAgents, UserMessage, achain_loop, miniagent
from miniagents.chat import MemoryHistory, NDJSONHistory, console_user, converse, with_history
from miniagents.promising import AWAIT, PromiseCancelledError
from miniagents.testing import scripted_agent
from tests.chat.terminal import ROOT, terminal_of


@miniagent
async def counting(ctx: InteractionContext) -> None:
    """Says what it was sent."""
    said = [str(message) for message in await ctx.messages]
    if said[-1] == "fail":
        ctx.reply("so far")
        raise ValueError("no more")
    if said[-1] == "bye":
        raise EndLoop
    ctx.reply(" | ".join(said))


async def test_the_agent_is_sent_all_that_was_said() -> None:
    async with MiniAgents():
        said = await converse(counting, user=scripted_agent("a", "b", EndLoop()))
    assert [str(message) for message in said] == ["a", "a", "b", "a | a | b"]


@pytest.mark.parametrize("end", [EndLoop(), EOFError()])
async def test_a_conversation_that_goes_on_begins_with_the_last_answer(tmp_path: Path, end: Exception) -> None:
    shown: list[list[str]] = []

    @miniagent
    async def user(ctx: InteractionContext[Message, UserMessage]) -> None:
        shown.append([str(message) for message in await ctx.messages])
        if len(shown) % 2 == 0:
            raise end
        ctx.reply(UserMessage(f"question {len(shown)}"))

    for _ in range(2):
        async with MiniAgents():
            await converse(scripted_agent("answer"), user=user, history=NDJSONHistory(tmp_path / "kept.ndjson"))
    assert shown == [[], ["answer"], ["answer"], ["answer"]]
    assert [str(each) for each in NDJSONHistory(tmp_path / "kept.ndjson").messages] == [
        "question 1",
        "answer",
        "question 3",
        "answer",
    ]


async def test_an_error_goes_to_the_user_and_what_came_before_it_is_kept() -> None:
    told: list[str] = []

    @miniagent
    async def user(ctx: InteractionContext[Message, UserMessage]) -> None:
        try:
            async for promise in ctx.messages:
                told.append(str(await promise))  # noqa: PERF401 - what came before an error is told as well
        except ValueError as error:
            told.append(str(error))
        if len(told) > 2:
            raise EndLoop
        ctx.reply(UserMessage("fail" if not told else "and now?"))

    async with MiniAgents():
        said = await converse(counting, user=user)
    assert told == ["so far", "no more", "fail | so far | and now?"]
    assert [str(message) for message in said] == ["fail", "so far", "and now?", "fail | so far | and now?"]


async def test_an_error_of_the_user_is_raised() -> None:
    async with MiniAgents():
        with pytest.raises(OSError, match="no microphone"):
            await converse(counting, user=scripted_agent(OSError("no microphone")))


async def test_an_agent_that_ends_the_conversation_ends_it_before_the_user_is_asked_again() -> None:
    asked = 0

    @miniagent
    async def user(ctx: InteractionContext[Message, UserMessage]) -> None:
        nonlocal asked
        await ctx.messages
        asked += 1
        ctx.reply(UserMessage("bye"))

    async with MiniAgents():
        await achain_loop([user, AWAIT, with_history(counting, MemoryHistory())])
    assert asked == 1


DIALOG = """
from miniagents import MiniAgents
from miniagents.chat import converse
from miniagents.chat.scripted import echoing_agent

MiniAgents().run(converse(echoing_agent.bound(pause=0)))
"""


def test_lines_through_pipes() -> None:
    """Empty lines say nothing; thoughts go to stderr; the end of the input ends the conversation."""
    done = subprocess.run(
        [sys.executable, "-c", DIALOG], input="one\n\ntwo", capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == (
        "You said:\n\n> one\n\nNo model is at work here.\nYou said:\n\n> two\n\nNo model is at work here.\n"
    )
    assert done.stderr == "1 word, and I know only a script.\n" * 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("end", ["\x03", "\x04"])
def test_a_dialog_at_a_terminal(tmp_path: Path, end: str) -> None:
    (tmp_path / "dialog.py").write_text(DIALOG)
    where = {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    with terminal_of("dialog", environment=where, width=60, height=24) as screen:
        screen.until_prompt()
        screen.type("several *words*\r")
        screen.until("2 words", "No model is at work here.", "scripted")
        screen.until_prompt()
        screen.type(end)
        assert screen.ended() == 0
    assert "Traceback" not in screen.text


async def test_a_line_that_was_read_for_a_cancelled_call_is_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as source, os.fdopen(writing, "w", encoding="utf-8") as target:
        monkeypatch.setattr("sys.stdin", source)
        async with MiniAgents():
            first = console_user.inquire()
            while not any(thread.name == "console_user" for thread in threading.enumerate()):
                await asyncio.sleep(0)
            first.cancel()
            with pytest.raises(PromiseCancelledError):
                await first
            target.write("late\n")
            target.flush()
            assert str(await console_user.inquire().only()) == "late"
            target.close()
            with pytest.raises(EOFError):
                await console_user.inquire()

"""`miniagents runs --follow` at a real terminal, while another process goes on with the run."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.terminal import LOOK, Terminal, terminal_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

PROGRAM = """
import asyncio, sys
from miniagents import InteractionContext, MiniAgents, miniagent
from miniagents.ext.store import SQLiteStore

@miniagent
async def poet(ctx: InteractionContext) -> None:
    ctx.reply("Roses are red")
    await asyncio.to_thread(sys.stdin.readline)
    ctx.reply("漢字 " * 40)

async def main() -> None:
    async with SQLiteStore(sys.argv[1]) as store, MiniAgents(store=store):
        await poet.inquire()

asyncio.run(main())
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def poet(store: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a run that goes on until it is sent a line."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM, store], stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def terminal(store: Path, poet: subprocess.Popen[bytes]) -> Iterator[Terminal]:
    """A terminal at which the run is seen."""
    while not (store.exists() and store.read_bytes().startswith(b"SQLite")):
        assert poet.poll() is None
        time.sleep(LOOK)
    with terminal_of("miniagents", "runs", str(store), "--follow", environment={}, width=70, height=10) as terminal:
        terminal.until("poet (1)  running for ", ": Roses are red")
        yield terminal


def test_a_run_is_seen_to_its_end(poet: subprocess.Popen[bytes], terminal: Terminal) -> None:
    poet.communicate(b"\n")
    assert terminal.ended() == 0
    call, run = terminal.lines
    assert call.startswith("poet (1)  done after ")
    assert call.endswith(("字…", "漢…", " …"))
    assert run.endswith(": ended, 1 call, 0 failed")
    assert not terminal.is_cursor_hidden


def test_a_process_that_is_killed_is_seen(poet: subprocess.Popen[bytes], terminal: Terminal) -> None:
    poet.kill()
    assert terminal.ended() == 0
    call, run = terminal.lines
    assert call == "poet (1)  cut: Roses are red"
    assert run.endswith(": cut, 1 call, 0 failed")
    assert not terminal.is_cursor_hidden


@pytest.mark.usefixtures("poet")
def test_following_ends_with_ctrl_c_and_gives_the_terminal_back(terminal: Terminal) -> None:
    terminal.type("\x03")
    assert terminal.ended() != 0
    assert not terminal.is_cursor_hidden
    assert "Traceback" not in terminal.text

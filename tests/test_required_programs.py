"""The programs of the requirement run as they were printed; `programs/` has them letter for letter.

They end in `.txt`, so that no formatter and no checker asks for them to be changed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.watchdog import PATIENCE

pytestmark = pytest.mark.usefixtures("interruptible")

PROGRAMS = Path(__file__).parent / "programs"
PROMPT = b"USER: "


def run(name: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAMS / f"{name}.py.txt"],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=PROGRAMS,
    )


@contextmanager
def running(*command: str | Path, stdin: int = subprocess.PIPE) -> Generator[subprocess.Popen[bytes]]:
    """A program that is still running; killed in the end, should it not have ended by itself."""
    program = subprocess.Popen(
        [sys.executable, "-u", *command],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=PROGRAMS,
    )
    with program:
        try:
            yield program
        finally:
            program.kill()


def read_until(program: subprocess.Popen[bytes], text: bytes) -> bytes:
    assert program.stdout is not None
    read = b""
    while not read.endswith(text):
        piece = program.stdout.read(1)
        assert piece, f"the program ended after {read!r}"
        read += piece
    return read


def interrupt_once(program: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Sends one SIGINT; gives the exit status and what was written from then on."""
    program.send_signal(signal.SIGINT)
    # what keeps the program waiting for input is not to end now, so nothing closes it
    code = program.wait(timeout=PATIENCE)
    assert program.stdout is not None
    assert program.stderr is not None
    return code, program.stdout.read().decode(), program.stderr.read().decode()


def assert_interrupted(code: int, err: str) -> None:
    assert code == -signal.SIGINT
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("\nKeyboardInterrupt\n")
    # tracebacks may be chained, as those of `asyncio.run` are; nothing is written beside them
    assert "never retrieved" not in err
    assert "nobody" not in err


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("two_agents", ["(Message(text='Agent 2 received: Hello from Agent 1!'),)"]),
        ("simple_agent", ["Agent is running"]),
        ("aggregator", ["Agent 1 is running", "Agent 2 is running"]),
    ],
)
def test_a_program_of_the_requirement_prints_what_it_says(name: str, lines: list[str]) -> None:
    program = run(name)
    assert (program.returncode, program.stdout.splitlines(), program.stderr) == (0, lines, "")


def test_the_conversation_ends_cleanly_at_the_end_of_its_input() -> None:
    program = run("conversation", "good day\nand good bye\n")
    assert (program.returncode, program.stderr) == (0, "")
    assert program.stdout == (
        "USER: good day\nHello, how can I assist you?\nUSER: and good bye\nHello, how can I assist you?\nUSER: "
    )


def test_the_conversation_ends_cleanly_without_any_input() -> None:
    program = run("conversation")
    assert (program.returncode, program.stdout, program.stderr) == (0, "USER: ", "")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
def test_p8_one_interrupt_ends_the_conversation_that_waits_for_piped_input() -> None:
    with running(PROGRAMS / "conversation.py.txt") as program:
        assert program.stdin is not None
        read_until(program, PROMPT)
        program.stdin.write(b"good day\n")
        read_until(program, PROMPT)
        time.sleep(0.1)  # from the prompt to the waiting in read(): nothing outside tells when
        code, _, err = interrupt_once(program)
    assert_interrupted(code, err)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_p8_one_interrupt_ends_the_conversation_at_a_terminal() -> None:
    import pty  # noqa: PLC0415 - there is none on Windows

    terminal, its_end = pty.openpty()
    try:
        with running(PROGRAMS / "conversation.py.txt", stdin=its_end) as program:
            read_until(program, PROMPT)
            os.write(terminal, b"good day\n")
            read_until(program, PROMPT)
            time.sleep(0.1)  # as above
            code, _, err = interrupt_once(program)
        assert_interrupted(code, err)
    finally:
        os.close(terminal)
        os.close(its_end)


PREAMBLE = """
import asyncio, sys, time
from miniagents import *

def say_asleep():
    # from the loop, when the agent waits
    asyncio.get_running_loop().call_soon(lambda: print("asleep", flush=True))

@miniagent
async def sleeper(ctx: InteractionContext) -> None:
    try:
        say_asleep()
        await asyncio.sleep(1_000_000)
    finally:
        print("woken", flush=True)
"""

SLEEPING = """
async def main():
    async with MiniAgents():
        sleeper.inquire()
        sleeper.inquire()
        await asyncio.sleep(1_000_000)
"""

STUBBORN = """
@miniagent
async def stubborn(ctx: InteractionContext) -> None:
    say_asleep()
    while True:
        try:
            await asyncio.sleep(1_000_000)
        except asyncio.CancelledError:
            print("no", flush=True)

async def main():
    async with MiniAgents(shutdown_timeout=0.2):
        await stubborn.inquire()
"""

BUSY = """
@miniagent
async def busy(ctx: InteractionContext) -> None:
    print("asleep", flush=True)
    time.sleep(1_000_000)

async def main():
    async with MiniAgents():
        await busy.inquire()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
@pytest.mark.parametrize("runner", ["asyncio.run(main())", "MiniAgents().run(main())"])
def test_p8_one_interrupt_ends_agents_that_sleep(runner: str) -> None:
    with running("-c", PREAMBLE + SLEEPING + runner) as program:
        read_until(program, b"asleep\nasleep\n")
        code, out, err = interrupt_once(program)
    assert_interrupted(code, err)
    assert out == "woken\nwoken\n"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
@pytest.mark.parametrize("runner", ["asyncio.run(main())", "MiniAgents().run(main())"])
def test_p8_one_interrupt_ends_a_program_with_an_agent_that_swallows_cancellation(runner: str) -> None:
    with running("-c", PREAMBLE + STUBBORN + runner) as program:
        read_until(program, b"asleep\n")
        code, out, err = interrupt_once(program)
    assert code == -signal.SIGINT
    assert "TaskAbandonedWarning: task 'stubborn' did not stop within 0.2 s" in err
    assert err.count("\nKeyboardInterrupt\n") == 1
    assert set(out.split()) == {"no"}


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
@pytest.mark.parametrize("runner", ["asyncio.run(main())", "MiniAgents().run(main())"])
def test_p8_a_second_interrupt_waits_no_longer_for_what_swallows_cancellation(runner: str) -> None:
    program_text = PREAMBLE + STUBBORN.replace("shutdown_timeout=0.2", "shutdown_timeout=1_000_000") + runner
    with running("-c", program_text) as program:
        read_until(program, b"asleep\n")
        program.send_signal(signal.SIGINT)
        read_until(program, b"no\n")
        time.sleep(0.1)  # from the print to the waiting of the loop: nothing outside tells when
        code, _, err = interrupt_once(program)
    assert code == -signal.SIGINT
    assert "TaskAbandonedWarning: task 'stubborn' did not stop before a second Ctrl+C and was given up" in err
    assert err.count("\nKeyboardInterrupt\n") == 1
    assert "never retrieved" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")
def test_p8_one_interrupt_ends_an_agent_that_holds_up_the_loop() -> None:
    with running("-c", PREAMBLE + BUSY + "MiniAgents().run(main())") as program:
        read_until(program, b"asleep\n")
        time.sleep(0.1)  # from the print to the blocking call: nothing outside tells when
        code, _, err = interrupt_once(program)
    assert_interrupted(code, err)
    assert ", in busy\n" in err


@pytest.mark.parametrize("runner", ["asyncio.run(main())", "MiniAgents().run(main())"])
def test_p8_sys_exit_inside_an_agent_ends_the_program_with_its_status(runner: str) -> None:
    program = subprocess.run(
        [
            sys.executable,
            "-c",
            PREAMBLE
            + """
@miniagent
async def leaver(ctx: InteractionContext) -> None:
    sys.exit(7)

async def main():
    async with MiniAgents():
        sleeper.inquire()
        leaver.inquire()
        await asyncio.sleep(1_000_000)
"""
            + runner,
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=PROGRAMS,
    )
    assert (program.returncode, program.stdout, program.stderr) == (7, "asleep\nwoken\n", "")

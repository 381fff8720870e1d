"""P8: Ctrl+C more than once ends a program cleanly: one warning says what ran, one traceback what ended it."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
    import asyncio, os, signal, threading, time
    from miniagents import InteractionContext, MiniAgents, miniagent

    PRESSES = {presses}
    stuck = threading.Event()


    def press() -> None:
        stuck.wait()
        for _ in range(PRESSES):
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)


    @miniagent
    async def stubborn(ctx: InteractionContext) -> None:
        stuck.set()
        while True:
            try:
                await asyncio.sleep(1_000)
            except asyncio.CancelledError:
                pass


    async def main() -> None:
        stubborn.inquire()
        try:
            await asyncio.sleep(1_000)
        finally:
            await asyncio.sleep({cleaning_up})


    threading.Thread(target=press, daemon=True).start()
    MiniAgents(shutdown_timeout=1_000).run(main())
"""


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("presses", [2, 3])
@pytest.mark.parametrize(
    ("cleaning_up", "said"),
    [
        (0, "task 'stubborn' did not stop before a second Ctrl+C and was given up"),
        (1_000, "Ctrl+C ended the program while these tasks ran: 'Task-1', 'stubborn'"),
    ],
    ids=["an agent does not stop", "nor does the main task"],
)
def test_p8_more_than_one_ctrl_c_ends_the_program_cleanly(
    presses: int, cleaning_up: int, said: str, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM).format(presses=presses, cleaning_up=cleaning_up))
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode != 0
    assert re.findall(r"TaskAbandonedWarning: (.*?)(?:; it stands at |\n)", ended.stderr) == [said], ended.stderr
    assert ended.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert ended.stderr.count("Traceback") == 1, ended.stderr
    assert "Task was destroyed" not in ended.stderr

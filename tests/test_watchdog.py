"""A test that hangs ends the run, and the stacks say where it hangs."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.watchdog import PATIENCE

ROOT = Path(__file__).parent.parent

HANGING = {
    "a callback of the loop that swallows what is raised in it": """
        import asyncio, pytest, time

        @pytest.mark.hang_limit(1)
        def test_hangs():
            def callback():
                while True:
                    try:
                        time.sleep(1_000_000)
                    except BaseException:
                        pass

            async def main():
                asyncio.get_running_loop().call_soon(callback)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

            asyncio.run(main())
        """,
    "code in C that takes no signals": """
        import pytest, re

        @pytest.mark.hang_limit(1)
        def test_hangs():
            re.match("(a*)*b", "a" * 1000)
        """,
    "a fixture": """
        import pytest, time

        @pytest.fixture
        def slow():
            yield
            time.sleep(1_000_000)

        @pytest.mark.hang_limit(1)
        def test_hangs(slow):
            pass
        """,
}


def run_pytest(test: str, folder: Path, workers: str, limit: str) -> subprocess.CompletedProcess[str]:
    """Run a test in a process of its own."""
    (folder / "test_it.py").write_text(textwrap.dedent(test))
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.watchdog"]\n')  # as that of all tests has it
    options = [f"--rootdir={folder}", "-c", f"{folder}/pytest.ini", "--max-worker-restart=0"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-n", workers, folder / "test_it.py"],
        cwd=ROOT,
        env={**os.environ, "HANG_LIMIT": limit},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("where", HANGING)
def test_a_test_that_hangs_ends_the_run_with_the_stacks(where: str, workers: str, tmp_path: Path) -> None:
    ended = run_pytest(HANGING[where], tmp_path, workers, "600")
    assert ended.returncode != 0
    assert "Timeout (0:00:01.5" in ended.stderr
    assert "most recent call first" in ended.stderr
    assert "test_it.py" in ended.stderr.partition("most recent call first")[2]
    if "in C" not in where:
        assert "test_it.py::test_hangs hangs: it has taken more than 1 s" in ended.stderr
    if workers != "0":
        assert "crashed while running" in ended.stdout
        assert "test_it.py::test_hangs" in ended.stdout


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_module_that_hangs_when_it_is_imported_ends_the_run(workers: str, tmp_path: Path) -> None:
    ended = run_pytest("import time\ntime.sleep(1_000_000)", tmp_path, workers, "2")
    assert ended.returncode != 0
    assert "the collection of tests hangs" in ended.stderr
    assert "test_it.py" in ended.stderr

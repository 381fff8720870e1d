"""The kinds of input of `scripts/fuzz`: some of each are tried here, and the script tries as many as one likes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(sys.platform == "win32", reason="the script measures memory and kills processes as on Unix")
def test_some_inputs_of_each_kind() -> None:
    command = [sys.executable, "-m", "scripts.fuzzing", "--count", "20000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused" in done.stdout

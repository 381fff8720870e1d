"""Format generated text with ruff, independently of any configuration in the folders around it."""

import subprocess
import sys
from importlib.util import find_spec

from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.writing.written_docstrings import WIDTH


def formatted(text: str) -> str:
    """Return Python text formatted by ruff.

    Raises:
        GenerationError: The package ruff is not installed, or ruff refuses the text.
    """
    if find_spec("ruff") is None:
        remedy = "pip install 'miniagents[codegen]'"
        raise GenerationError((Problem("ruff", 0, 0, "", "", "the formatter is not installed", remedy),))
    options = ["--isolated", "--no-cache", "--line-length", str(WIDTH), "--target-version", "py311", "-"]
    done = subprocess.run(  # noqa: S603 - the arguments are ours, the text goes through a pipe
        [sys.executable, "-m", "ruff", "format", *options],
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        wrong = f"the formatter failed: {done.stderr.strip()}"
        raise GenerationError((Problem("ruff", 0, 0, "", "", wrong, "report it with the schemas"),))
    return done.stdout

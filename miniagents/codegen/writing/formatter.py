"""Format generated text with ruff, independently of any configuration in the folders around it."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.writing.written_docstrings import WIDTH


def formatted(texts: Mapping[str, str]) -> dict[str, str]:
    """Return Python texts by their file names, formatted by ruff.

    Raises:
        GenerationError: The package ruff is not installed, or ruff refuses a text.
    """
    if find_spec("ruff") is None:
        remedy = "pip install 'miniagents[codegen]'"
        raise GenerationError((Problem("ruff", 0, 0, "", "", "the formatter is not installed", remedy),))
    options = ["--isolated", "--no-cache", "--line-length", str(WIDTH), "--target-version", "py311"]
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder, name) for name in texts}
        for name, text in texts.items():
            paths[name].write_text(text, encoding="utf-8", newline="\n")
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            [sys.executable, "-m", "ruff", "format", *options, *map(str, paths.values())],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            wrong = f"the formatter failed: {done.stderr.strip()}"
            raise GenerationError((Problem("ruff", 0, 0, "", "", wrong, "report it with the schemas"),))
        return {name: path.read_bytes().decode() for name, path in paths.items()}

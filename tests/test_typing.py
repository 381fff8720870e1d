"""The type checkers really see the package: `tests/typing` would say nothing if everything were `Any` to them."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mypy", reason="the type checkers are in the extra `dev`")
pytest.importorskip("pyright", reason="the type checkers are in the extra `dev`")

ROOT = Path(__file__).parent.parent
LIMIT = 120

pytestmark = pytest.mark.timeout(LIMIT)

BAD = """\
from miniagents import AssistantMessage, InteractionContext, UserMessage, miniagent


@miniagent
async def agent(ctx: InteractionContext[UserMessage, AssistantMessage], temperature: float) -> None:
    ctx.reply(AssistantMessage("fine"))
    ctx.reply(UserMessage("wrong"))  # E


def call() -> None:
    agent.inquire("fine", temperature=0.3)
    agent.inquire("wrong", temperature="hot")  # E
    agent.inquire("wrong", temprature=0.3)  # E
    agent.inquire("fine", 0.3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # E: a needless comment
"""
WRONG_LINES = {number for number, line in enumerate(BAD.splitlines(), 1) if "# E" in line}


@pytest.fixture
def bad_file(tmp_path: Path) -> Path:
    path = tmp_path / "bad.py"
    path.write_text(BAD, encoding="utf-8")
    return path


def run(*arguments: object) -> str:
    """The output of a Python module that is run in the repository, with this interpreter before all others."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        timeout=LIMIT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    ).stdout


def report_of(*arguments: object) -> dict[str, Any]:  # Any: JSON
    report: dict[str, Any] = json.loads(run("pyright", "--outputjson", *arguments))  # Any: JSON
    return report


def test_mypy_finds_what_is_wrong(bad_file: Path) -> None:
    output = run("mypy", "--output", "json", bad_file)
    errors = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert {error["line"] for error in errors if error["severity"] == "error"} == WRONG_LINES, output


def test_pyright_finds_what_is_wrong(bad_file: Path) -> None:
    diagnostics = report_of(bad_file)["generalDiagnostics"]
    errors = {entry["range"]["start"]["line"] + 1 for entry in diagnostics if entry["severity"] == "error"}
    assert errors == WRONG_LINES, diagnostics


def test_the_checkers_are_told_to_look_at_everything() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert tools["mypy"]["strict"] is True
    assert tools["pyright"]["typeCheckingMode"] == "strict"
    assert {"miniagents", "tests", "scripts"} <= set(tools["pyright"]["include"])
    assert not {"exclude", "ignore", "overrides"} & (tools["mypy"].keys() | tools["pyright"].keys())
    # so that a line of `tests/typing` that becomes valid is refused
    assert tools["pyright"]["enableTypeIgnoreComments"] is False
    assert tools["pyright"]["reportUnnecessaryTypeIgnoreComment"] == "error"
    assert tools["mypy"].get("warn_unused_ignores", True) is True  # a part of `strict`


def test_every_name_of_the_package_has_a_known_type() -> None:
    types = report_of("--verifytypes", "miniagents", "--ignoreexternal")["typeCompleteness"]
    assert types["pyTypedPath"], "the package was not found"
    # a type that is only known in parts names another that is the cause: those come first
    unknown = [
        f"{symbol['name']}: {diagnostic['message'].splitlines()[0]}"
        for symbol in types["symbols"]
        if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]
        for diagnostic in symbol["diagnostics"]
    ]
    unknown.sort(key=lambda line: "partially unknown" in line)
    assert not unknown[:20]
    assert types["completenessScore"] == 1.0

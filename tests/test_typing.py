"""The type checkers really see the package: `tests/typing` would say nothing if everything were `Any` to them.

mypy and pyright run over everything, `tests/typing` included (see `scripts/check`), and refuse their own needless
comments there. pyrefly and ty run over `tests/typing` here, and are to refuse just the lines that are marked for the
other two; where they do not, `tests/typing/gaps.toml` says why.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mypy", reason="the type checkers are in the extra `dev`")
pytest.importorskip("pyright", reason="the type checkers are in the extra `dev`")
pytest.importorskip("pyrefly", reason="the type checkers are in the extra `dev`")
pytest.importorskip("ty", reason="the type checkers are in the extra `dev`")

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "typing"
FILES = sorted(FOLDER.glob("*.py"))

pytestmark = pytest.mark.hang_limit(3600)  # checkers take half a minute

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


CPU_SECONDS = 120
"""How long a checker may compute that is quick, or does not end: ty takes four seconds for `tests/typing`."""


def run(*arguments: object, is_limited: bool = False) -> str:
    """The output of a Python module that is run in the repository, with this interpreter before all others.

    If it is limited, the system ends it when it has computed for too long, where the system can.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", *map(str, arguments)]
    if is_limited and os.name == "posix":
        command = ["sh", "-c", f'ulimit -t {CPU_SECONDS}; exec "$@"', "sh", *command]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode >= 0, f"{arguments[0]} was ended by signal {-done.returncode}"
    return done.stdout


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


MISTAKES = """\
from miniagents import AssistantMessage, InteractionContext, MessageSequencePromise, miniagent
from miniagents.ext.llm.anthropic import create_anthropic_agent
from miniagents.ext.llm.openai import OpenAIAgent, create_openai_agent
from miniagents.messages import Message


@miniagent  # says: async
def plain(ctx: InteractionContext) -> None: ...


@miniagent
async def forecast(ctx: InteractionContext, *, days: int) -> None: ...


def mistakes(gpt: OpenAIAgent, messages: MessageSequencePromise[AssistantMessage]) -> None:
    messages.filter_messages(lambda message: message.town)  # says: town (not by ty)
    forecast.inquire("x", dais=3)  # says: dais
    gpt.inquire("x", temprature=0.2)  # says: temprature
    gpt.with_fallback(gpt).inquire("x", temprature=0.2)  # says: temprature


def mistakes_in_calls_with_overloads(gpt: OpenAIAgent, reply: type[Message]) -> None:
    create_openai_agent("gpt", temprature=0.2)  # names: temprature (not by ty)
    create_anthropic_agent("claude", max_token=2)  # names: max_token (not by ty)
    create_openai_agent("gpt", api="responses", temprature=0.2)  # names: temprature (not by ty)
    create_openai_agent("gpt", reply_type=reply, temprature=0.2)  # names: temprature (not by ty)
    create_openai_agent("gpt", tools=[gpt.as_tool()], temprature=0.2)  # names: temprature (not by ty)
    create_anthropic_agent("claude", tools=[], reply_type=reply, max_token=2)  # names: max_token (not by ty)
"""
SAID = {
    number: word.groups()
    for number, line in enumerate(MISTAKES.splitlines(), 1)
    if (word := re.search(r"(says|names): (\w+)(?: \(not by (\w+)\))?", line))
}
"""By line: whether the checkers say only the mistake, or also that no overload fits; its word; who does not say it.

Of lambdas beside an overload for `TypeIs`, ty says nothing, as tests/typing/gaps.toml explains. Of overloads it says
only that none fits, and of an option only where it stands.
"""


def said_by_mypy(path: Path, *options: str) -> list[tuple[int, str]]:
    errors = map(json.loads, run("mypy", "--output", "json", "--no-error-summary", *options, path).splitlines())
    return [(error["line"], error["message"]) for error in errors]


def said_by_pyright(path: Path, *options: str) -> list[tuple[int, str]]:
    errors = report_of(*options, path)["generalDiagnostics"]
    return [(error["range"]["start"]["line"] + 1, error["message"]) for error in errors]


def said_by_pyrefly(path: Path, *options: str) -> list[tuple[int, str]]:
    arguments = ("--output-format", "json", "--summary", "none", "--python-interpreter-path", sys.executable, *options)
    errors = json.loads(run("pyrefly", "check", "--config", ROOT / "pyproject.toml", *arguments, path))["errors"]
    return [(error["line"], error["description"]) for error in errors]


def said_by_ty(path: Path, *options: str) -> list[tuple[int, str]]:
    arguments = ("--output-format", "gitlab", "--python", sys.executable, *options)
    errors = json.loads(run("ty", "check", *arguments, path, is_limited=True))
    return [(error["location"]["positions"]["begin"]["line"], error["description"]) for error in errors]


@pytest.mark.parametrize("checker", [said_by_mypy, said_by_pyright, said_by_pyrefly, said_by_ty])
def test_the_checkers_name_the_mistake(checker: Callable[[Path], list[tuple[int, str]]], tmp_path: Path) -> None:
    path = tmp_path / "mistakes.py"
    path.write_text(MISTAKES, encoding="utf-8")
    said = checker(path)
    for line, (how, word, unsaid_by) in SAID.items():
        texts = [text for number, text in said if number == line]
        is_said = word.casefold() in " ".join(texts).casefold()
        assert is_said is (checker.__name__ != f"said_by_{unsaid_by}"), (line, word, texts)
        assert how == "names" or not any("No overload" in text for text in texts), texts


REPLACED = """\
from miniagents import UserMessage


def replaced(message: UserMessage) -> None:
    message.replace(text="new")
    message.replace(text=3)
    message.replace(txt="new")
"""


@pytest.mark.parametrize(
    ("checker", "option", "before"),
    [
        (said_by_mypy, "--python-version", set[int]()),
        (said_by_pyright, "--pythonversion", set[int]()),
        (said_by_pyrefly, "--python-version", {6, 7}),  # it does so for every version
        (said_by_ty, "--python-version", set[int]()),
    ],
)
def test_the_checkers_know_the_fields_in_replace_since_python_3_13(
    checker: Callable[..., list[tuple[int, str]]], option: str, before: set[int], tmp_path: Path
) -> None:
    """They derive `__replace__` from the fields for these versions. Nothing else says that fields may be left out."""
    path = tmp_path / "replaced.py"
    path.write_text(REPLACED, encoding="utf-8")
    assert {line for line, _ in checker(path, option, "3.12")} == before
    assert {line for line, _ in checker(path, option, "3.13")} == {6, 7}


Line = tuple[str, int]
"""The name of a file of `tests/typing`, and the number of a line of it."""


def what_pyrefly_finds() -> dict[Line, str]:
    arguments = ("--output-format", "json", "--summary", "none", "--python-interpreter-path", sys.executable)
    errors = json.loads(run("pyrefly", "check", *arguments, *FILES))["errors"]
    return {(Path(error["path"]).name, error["line"]): f"{error['name']}: {error['description']}" for error in errors}


def what_ty_finds() -> dict[Line, str]:
    errors = json.loads(
        run("ty", "check", "--output-format", "gitlab", "--python", sys.executable, *FILES, is_limited=True)
    )
    places = [error["location"] for error in errors]
    return {
        (Path(place["path"]).name, place["positions"]["begin"]["line"]): error["description"]
        for place, error in zip(places, errors, strict=True)
    }


def code_of(lines: list[str], number: int) -> str:
    """A line without its comments; with a decorator, what it decorates."""
    code = lines[number - 1].partition("  # ")[0].strip()
    return f"{code} {code_of(lines, number + 1)}" if code.startswith("@") else code


def gaps_of(checker: str) -> set[str]:
    gaps = tomllib.loads((FOLDER / "gaps.toml").read_text(encoding="utf-8"))["gap"]
    assert all(gap.keys() == {"checker", "reason", "lines"} and gap["reason"] for gap in gaps)
    assert {gap["checker"] for gap in gaps} <= {"pyrefly", "ty"}
    return {line for gap in gaps if gap["checker"] == checker for line in gap["lines"]}


@pytest.mark.parametrize(("checker", "find"), [("pyrefly", what_pyrefly_finds), ("ty", what_ty_finds)])
def test_pyrefly_and_ty_agree_with_the_marks(checker: str, find: Callable[[], dict[Line, str]]) -> None:
    found = find()
    gaps = gaps_of(checker)
    wrong: list[str] = []
    true_gaps: set[str] = set()
    agreed: set[str] = set()
    for path in FILES:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            entry = f"{path.name}: {code_of(lines, number)}"
            is_marked = path.name.startswith("rejects_") and re.search(r"# (type|pyright): ignore\[", line) is not None
            says = found.get((path.name, number))
            if (says is not None) == is_marked:
                agreed.add(entry)
            elif entry in gaps:
                true_gaps.add(entry)
            else:
                verdict = "does not refuse" if says is None else f"refuses ({says})"
                wrong.append(f"{path.name}:{number}: {checker} {verdict} {entry!r}")
    wrong += [f"gaps.toml: {checker} agrees on {entry!r} now: remove the entry" for entry in sorted(gaps & agreed)]
    wrong += [f"gaps.toml: there is no line {entry!r}" for entry in sorted(gaps - true_gaps - agreed)]
    if wrong:
        advice = "Where the line is right, say in tests/typing/gaps.toml why the checker thinks otherwise."
        pytest.fail("\n".join([*wrong, advice]), pytrace=False)


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
    assert tools["pyrefly"]["preset"] == "strict"
    assert tools["ty"]["rules"] == {"all": "error"}
    # both are to look at the marked lines, and have no marks of their own
    assert tools["pyrefly"]["enabled-ignores"] == ["pyrefly"]
    assert tools["ty"]["analysis"]["respect-type-ignore-comments"] is False
    assert not [path.name for path in FILES if re.search(r"# (pyrefly|ty): ignore", path.read_text(encoding="utf-8"))]


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

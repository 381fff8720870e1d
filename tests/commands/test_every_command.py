"""All commands: their versions, their examples, and what they say of a word that they do not know."""

import argparse
import asyncio
import importlib.metadata
import itertools
import json
import os
import shlex
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

import miniagents
from miniagents import MiniAgents
from miniagents.cli import COMMANDS, main, parser_of
from miniagents.codegen import main as generator
from miniagents.command_parser import CommandParser, Example
from miniagents.ext.store import SQLiteStore
from miniagents.messages import CallRecord, Identity, UserMessage
from miniagents.testing import scripted_agent
from miniagents.wire import write_records

EXAMPLES = [example for name in COMMANDS for example in parser_of(name).examples]

NOT_RUN = {
    "--watch": "it goes on until Ctrl+C",
    "--follow": "it goes on until Ctrl+C",
    "openai:gpt-5": "it needs a network and a key",
    "my_agents.py:poet": "it asks at a terminal",
}
"""Words of examples that are parsed only, and why."""

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Order",
    "description": "What a customer wants.",
    "type": "object",
    "properties": {"total": {"type": "integer", "minimum": 0, "maximum": 1000, "description": "In cents."}},
    "required": ["total"],
    "additionalProperties": False,
}


async def _kept_run() -> None:
    async with SQLiteStore("runs.db") as store, MiniAgents(store=store):
        await scripted_agent("Roses are red", alias="poet").inquire("Rhyme!")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name."""
    monkeypatch.chdir(tmp_path)
    for name in ("schemas", "v1/schemas"):
        Path(name).mkdir(parents=True)
        Path(name, "order.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    write_records("log.jsonl", [UserMessage("Tea, please.")] * 3)
    write_records("calls.jsonl", [CallRecord(run="3fb2", number=1, called=Identity(kind="agent", name="poet"))])
    with monkeypatch.context() as patch:
        patch.setattr("miniagents.calls.call.uuid.uuid4", lambda: uuid.UUID("3fb2" * 8))
        asyncio.run(_kept_run())
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for arguments in (["init", "--quiet"], ["add", "schemas"], ["commit", "--quiet", "--message", "Orders"]):
        subprocess.run([*git, *arguments], check=True)
    assert main(["generate", "schemas", "--output", "messages.py"]) == 0
    return tmp_path


# --- the version ---


def test_the_version_is_that_of_the_installed_package() -> None:
    assert miniagents.__version__ == importlib.metadata.version("miniagents")


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_is_shown(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option]) == 0
    assert capsys.readouterr().out == f"miniagents {miniagents.__version__}\n"


def test_the_version_costs_no_reading_of_metadata() -> None:
    program = "import sys, miniagents; print(miniagents.__version__, 'importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    assert done.stdout == f"{miniagents.__version__} False\n"


# --- examples ---


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_in_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    examples = parser_of(name).examples
    assert 2 <= len(examples) <= 4
    assert capsys.readouterr().out.endswith(
        "\nexamples:\n" + "".join(f"  # {comment}\n  {command}\n" for command, comment in examples)
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("example", EXAMPLES, ids=[example.command for example in EXAMPLES])
def test_an_example_is_true(example: Example) -> None:
    """It is run if it can be, in a process of its own as it may import types; it is parsed if not."""
    line = example.command
    if line.startswith("eval "):  # what the shell is to evaluate is in "$(...)"
        line = line.removeprefix('eval "$(').removesuffix(')"')
    program, name, *arguments = shlex.split(line.partition(" > ")[0])
    assert program == "miniagents"
    parser_of(name).parse_args(arguments)
    if NOT_RUN.keys() & set(arguments):
        return
    environment = os.environ | {"PYTHONPATH": str(Path(miniagents.__file__).parents[1])}
    command = [sys.executable, "-m", "miniagents", name, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_every_reason_not_to_run_an_example_is_needed() -> None:
    words = {word for example in EXAMPLES for word in shlex.split(example.command)}
    assert words >= NOT_RUN.keys()


# --- unknown words ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["genrate"], "there is no command 'genrate'; did you mean generate?"),
        (["poem"], "there is no command 'poem'"),
        (["--verison"], "there is no option --verison; did you mean --version?"),
        (["generate", "schemas", "--ouput", "x.py"], "there is no option --ouput; did you mean --output?"),
        (["generate", "schemas", "--ouput=x.py"], "there is no option --ouput; did you mean --output?"),
        (["lint", "--levle", "strict"], "there is no option --levle; did you mean --level?"),
        (["diff", "a", "b", "--agianst=source"], "there is no option --agianst; did you mean --against?"),
        (["export", "x", "-output", "y"], "there is no option -output; did you mean --output?"),
        (["chat", "--modle", "openai:gpt-5"], "there is no option --modle; did you mean --model?"),
        (["cat", "--prety"], "there is no option --prety; did you mean --pretty?"),
        (["convert", "a", "b", "--form", "json"], "there is no option --form; did you mean --from?"),
        (["guide", "--hepl"], "there is no option --hepl; did you mean --help?"),
        (["completion", "--hepl"], "there is no option --hepl; did you mean --help?"),
        (["cat", "--qqq"], "there is no option --qqq"),
    ],
)
def test_an_unknown_word_is_named_with_the_nearest_one(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    last = err.splitlines()[-1]
    assert last.endswith(f": {said}"), err
    assert err.endswith(f"{last}\n")


def test_no_hidden_option_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "schemas", "--librari"]) == 2
    assert "--library" not in capsys.readouterr().err


class Given(argparse.Namespace):
    """What the parser below understood."""

    option: str | None
    number: str | None
    words: list[str]


@pytest.mark.parametrize(
    ("arguments", "option", "words"),
    [
        (["--option", "x"], "x", []),
        (["--opt=x"], "x", []),
        (["-ox", "a"], "x", ["a"]),
        (["-o", "-5", "-3.5", "-.5"], "-5", ["-3.5", "-.5"]),
        (["-o=-x"], "=-x", []),
        (["-"], None, ["-"]),
        (["-a b"], None, ["-a b"]),
        (["--", "--unknown"], None, ["--unknown"]),
    ],
)
def test_what_argparse_understands_is_not_refused(arguments: list[str], option: str | None, words: list[str]) -> None:
    parsers = [argparse.ArgumentParser(), CommandParser()]
    for parser in parsers:
        parser.add_argument("-o", "--option")
        parser.add_argument("words", nargs="*")
    expected, given = (parser.parse_args(arguments, Given()) for parser in parsers)
    assert vars(expected) == vars(given)
    assert given.option == (option.removeprefix("=") if option else None)
    assert given.words == words


class Named(argparse.Namespace):
    """What the commands below understood."""

    store: str
    file: str
    files: list[str]
    run: str | None
    price: list[str]
    last: int
    follow: bool
    output: str


@pytest.mark.parametrize("order", [*itertools.permutations(("runs.db", "--follow", "3fb2", "--price=gpt-5=1,2"))])
def test_options_stand_anywhere(order: tuple[str, ...]) -> None:
    given = parser_of("runs").parse_args(order, Named())
    first, second = (word for word in order if not word.startswith("-"))
    assert (given.store, given.run, given.follow, given.price) == (first, second, True, ["gpt-5=1,2"])


def test_options_stand_between_files() -> None:
    given = parser_of("picture").parse_args(["runs.db", "--output", "a.html", "3fb2"], Named())
    assert (given.file, given.output, given.run) == ("runs.db", "a.html", "3fb2")
    given = parser_of("cat").parse_args(["a", "--pretty", "b", "--limit", "1", "c"], Named())
    assert given.files == ["a", "b", "c"]
    with pytest.raises(SystemExit):
        parser_of("runs").parse_args(["runs.db", "--follow", "3fb2", "--last", "2", "more"], Named())


def test_the_generator_takes_options_between_schemas(tmp_path: Path) -> None:
    for name in ("Order", "Guest"):
        (tmp_path / f"{name.lower()}.schema.json").write_text(json.dumps({**SCHEMA, "title": name}))
    orders, guests = str(tmp_path / "order.schema.json"), str(tmp_path / "guest.schema.json")
    assert generator(["generate", orders, "--output", f"{tmp_path}/made/", guests]) == 0
    assert {file.name for file in (tmp_path / "made").iterdir()} >= {"order.py", "guest.py"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["genrate"], "there is no command 'genrate'; did you mean generate?"),
        (["poem", "--check"], "there is no command 'poem'"),
        (["--hepl"], "there is no option --hepl; did you mean --help?"),
        (["lint", "--levle"], "there is no option --levle; did you mean --level?"),
    ],
)
def test_the_generator_alone_names_the_nearest_word(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generator(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"error: {said}")

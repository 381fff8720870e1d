"""`miniagents completion`: the scripts are run by their shells where these are there, and complete what there is."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from miniagents.cli import COMMANDS, main, parser_of

pytest.importorskip("shtab", reason="the scripts are written by a package of the extra `completion`")

COMPLETE = """\
source miniagents.bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
completer=$(complete -p miniagents | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$completer" miniagents "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the script for bash, and with two files."""
    monkeypatch.chdir(tmp_path)
    assert main(["completion", "bash"]) == 0
    Path("miniagents.bash").write_text(capsys.readouterr().out, encoding="utf-8")
    Path("log.jsonl").touch()
    Path("schemas").mkdir()
    return tmp_path


def completed(*words: str) -> set[str]:
    """What bash offers for the last of the words."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    command = [bash, "--norc", "--noprofile", "-c", COMPLETE, "bash", "miniagents", *words]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    return set(done.stdout.split())


def options_of(name: str) -> set[str]:
    """The options of a command that its help shows."""
    return {
        option
        for action in parser_of(name)._actions
        if action.help != argparse.SUPPRESS
        for option in action.option_strings
    }


@pytest.mark.usefixtures("folder")
def test_bash_completes_commands() -> None:
    assert completed("") >= COMMANDS.keys()
    assert completed("co") == {"convert", "completion"}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", COMMANDS)
def test_bash_completes_options(name: str) -> None:
    offered = {word for word in completed(name, "-") if word.startswith("-")}
    assert offered == options_of(name)


@pytest.mark.usefixtures("folder")
def test_bash_completes_the_choices_of_an_option() -> None:
    assert completed("lint", "--level", "") == {"basic", "standard", "strict"}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "files"),
    [
        (("cat", "lo"), {"log.jsonl"}),
        (("convert", "lo"), {"log.jsonl"}),
        (("convert", "log.jsonl", "lo"), {"log.jsonl"}),
        (("chat", "--file", "lo"), {"log.jsonl"}),
        (("chat", "--resume", "lo"), {"log.jsonl"}),
        (("generate", "sche"), {"schemas"}),
        (("generate", "--output", "sche"), {"schemas"}),
        (("lint", "sche"), {"schemas"}),
        (("diff", "schemas", "sche"), {"schemas"}),
        (("cat", "--limit", "lo"), set[str]()),
    ],
)
def test_bash_completes_files_where_files_are_meant(words: tuple[str, ...], files: set[str]) -> None:
    assert {name.rstrip("/") for name in completed(*words)} == files


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh", "fish"])
def test_every_shell_has_a_script_of_all_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
    assert all(option.lstrip("-") in script for name in COMMANDS for option in options_of(name))
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=script, check=True, encoding="utf-8")


def test_an_unknown_shell_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "csh"]) == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith("miniagents completion: error: argument SHELL: invalid choice: 'csh' (choose from")
    )


def test_a_missing_package_gives_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert capsys.readouterr() == (
        "",
        "miniagents completion: the package shtab is not installed; pip install 'miniagents[completion]'\n",
    )

"""`miniagents guide` lists the topics and shows them."""

import io
import re
import sys

import pytest

from miniagents.cli import main
from miniagents.commands.guide import topics


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_topic_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide"]) == 0
    listed = dict(re.split(r" {2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert listed == topics()
    assert [*listed][0] == "agents"


@pytest.mark.parametrize("topic", topics())
def test_through_a_pipe_a_page_is_markdown(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide", topic]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# ")
    assert not re.search("^<!--", shown, re.MULTILINE)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> str:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["guide", "chat"]) == 0
    return terminal.getvalue()


def test_at_a_terminal_a_page_is_formatted(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_a_terminal(monkeypatch)
    assert "\x1b[" in shown
    assert "# Chat" not in shown
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert "Next: conversations (conversations.md)." in plain
    assert max(map(len, plain.splitlines())) <= 80


def test_a_terminal_without_rich_gets_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        pass

    monkeypatch.setattr("importlib.util.find_spec", nothing)
    assert at_a_terminal(monkeypatch).startswith("# Chat\n")


@pytest.mark.parametrize(
    ("topic", "remedy"),
    [
        ("stream", "there is no topic 'stream'; did you mean streams?"),
        ("weather", "there is no topic 'weather'; `miniagents guide` lists the topics"),
    ],
)
def test_an_unknown_topic_is_refused(topic: str, remedy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide", topic]) == 2
    said = capsys.readouterr()
    assert remedy in said.err
    assert not said.out

"""`scripts/demo` shows what it says, on terminals of two sizes and without one; no time is tested here."""

import asyncio
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from miniagents import MiniAgents
from miniagents.codegen import generate
from miniagents.testing import VirtualClockEventLoop
from scripts.benchmarks.results import Cell, Row, Sides
from scripts.demonstration import failing, measuring, side_by_side
from scripts.demonstration.agents import SAYS
from scripts.demonstration.generating import SCHEMA, Generated
from scripts.demonstration.next_steps import COMMANDS
from scripts.demonstration.panes import LinePanes
from scripts.demonstration.scenes import SCENES
from scripts.demonstration.stage import Stage
from tests.chat.terminal import terminal_of

ROOT: Final = Path(__file__).parent.parent
MODULE: Final = "scripts.demonstration"
BOTTOM: Final = "╰"


on_terminals = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


def keys_in(lines: list[str]) -> list[str]:
    return [found[1] for line in lines if (found := re.search(r"([0-9a-f]{40}) ✓ again", line))]


# --- without a terminal ---


@pytest.fixture(scope="module")
def plain() -> str:
    """All output, as another program reads it."""
    done = subprocess.run(
        [sys.executable, "-m", MODULE, "--fast"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "FORCE_COLOR": "", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_plain_lines(plain: str, snapshot: SnapshotAssertion) -> None:
    """Streams are lines with names, in the order in which they were full; the class, mypy's lines and keys are real."""
    masked = re.sub(r"\d+ ms", "N ms", plain)
    masked = re.sub(r"[█▏▎▍▌▋▊▉]+ +[\d,.]+ µs", "BAR N µs", masked)
    masked = re.sub(r"is [\d.]+ times", "is N times", masked)
    assert masked == snapshot


def test_plain_lines_are_text_alone(plain: str) -> None:
    assert "\x1b" not in plain
    assert "▌" not in plain.partition("8/9")[0]
    assert [line for line in plain.splitlines() if line != line.rstrip()] == []


def test_code_fits_into_80_columns(plain: str) -> None:
    assert [line for line in plain.splitlines() if line.startswith("  │") and len(line) > 80] == []


# --- on a terminal ---


@dataclass
class Shown:
    """All that was seen on a terminal."""

    lines: list[str]
    width: int
    written: bytes
    error_colours: set[str]
    wire_colours: set[str]
    mypy_colours: set[str]

    def scene(self, number: int) -> list[str]:
        """The lines of a scene, without its title."""
        (start,) = (place for place, line in enumerate(self.lines) if line.startswith(f"{number}/9 "))
        ends = [place for place, line in enumerate(self.lines) if line.startswith(f"{number + 1}/9 ")]
        return self.lines[start + 1 : ends[0] if ends else None]

    def boxes(self, number: int) -> list[dict[str, str]]:
        """The boxes of a scene, row by row: the text of each by its title."""
        rows: list[dict[str, str]] = []
        lines = self.scene(number)
        for place, line in enumerate(lines):
            if line.startswith("╭"):
                edges = [(found.start(), found.end()) for found in re.finditer("╭[^╮]*╮", line)]
                inside = lines[place + 1 : next(i for i in range(place, len(lines)) if lines[i].startswith(BOTTOM))]
                rows.append(
                    {
                        line[left:right].strip("╭╮─ "): " ".join(
                            row[left + 1 : right - 1].strip() for row in inside
                        ).strip()
                        for left, right in edges
                    }
                )
        return rows


@pytest.fixture(scope="module", params=[(80, 24), (120, 40)], ids=["80x24", "120x40"])
def shown(request: pytest.FixtureRequest) -> Iterator[Shown]:
    """A run on a terminal of that size."""
    width, height = request.param
    environment = {"NO_COLOR": "", "PYTHONIOENCODING": "utf-8"}
    with terminal_of(MODULE, "--fast", environment=environment, width=width, height=height) as screen:
        status = screen.ended()
        assert status == 0, screen.text
        assert not screen.is_cursor_hidden
        yield Shown(
            screen.all_lines,
            width,
            screen.written,
            screen.colours_of("✗ ConnectionError"),
            screen.colours_of("✗ record 1"),
            screen.colours_of("error:"),
        )


@on_terminals
def test_each_scene_has_its_title_and_its_point(shown: Shown) -> None:
    titles = [line for line in shown.lines if re.match(r"\d/\d ", line)]
    assert [title.rstrip("─ ") for title in titles] == [f"{n}/9  {scene.name}" for n, scene in enumerate(SCENES, 1)]
    for number, scene in enumerate(SCENES, 1):
        assert shown.scene(number)[:2] == [f"  {scene.point}", ""]


@on_terminals
def test_the_schema_and_its_class(shown: Shown) -> None:
    text = "\n".join(shown.scene(1))
    assert '│   "description": "A specialist\'s part of the answer.",' in text
    assert re.search(r"3 classes, \d+ lines of Python, in \d+ ms", text)
    assert "│     urgency: Literal[1, 2, 3, 4, 5]" in text


@on_terminals
def test_mypy_says_two_lines(shown: Shown) -> None:
    said = " ".join(line.strip() for line in shown.scene(2))
    said = said[said.index("$ mypy") :]
    assert re.findall(r"mistaken.py:(\d+): error: .*?\[([a-z-]+)\]", said) == [("7", "attr-defined"), ("8", "arg-type")]
    assert shown.mypy_colours == {"red"}


@on_terminals
def test_three_columns_and_an_editor(shown: Shown) -> None:
    columns, editor = shown.boxes(3)
    assert columns == SAYS
    assert list(columns) == ["billing", "network", "contract"]
    assert editor == {"editor": " ".join(SAYS.values())}
    assert "  When the first of them ended, the editor had 15 of its 43 tokens." in shown.scene(3)


@on_terminals
def test_one_fails_and_another_one_goes_on(shown: Shown) -> None:
    columns, customer = shown.boxes(4)
    assert columns == {
        "flaky": "Please switch the router off, count to ✗ ConnectionError: the line is dead",
        "stand_in": "ten, and switch it on again.",
    }
    assert customer == {"customer": SAYS["network"]}
    assert shown.error_colours == {"red"}
    assert "  flaky, read again: the same 7 tokens, then the same ConnectionError." in shown.scene(4)


@on_terminals
def test_a_late_reader_reads_from_the_first_token(shown: Shown) -> None:
    (columns,) = shown.boxes(5)
    assert columns == {"in time": SAYS["billing"], "late": SAYS["billing"]}
    assert "  The first token of both: 'The ', 'The '" in shown.scene(5)
    assert "  The late reader came after 8 tokens, and read 8 before the next one arrived." in shown.scene(5)


@on_terminals
def test_a_wrong_message_is_refused_with_its_path(shown: Shown) -> None:
    sent = [line for line in shown.scene(6) if line.startswith("  →")]
    received = [line for line in shown.scene(6) if re.match("  [✓✗]", line)]
    assert [line[2] for line in received] == ["✓", "✗", "✓"]
    offset = len(sent[0].removeprefix("  → ").encode()) + 1
    assert received[1] == f"  ✗ record 1 at byte {offset}: $.topics[1]: Invalid enum value 'sky'"
    assert shown.wire_colours == {"red"}


@on_terminals
def test_m3_keys_are_the_same_in_every_run(shown: Shown, plain: str) -> None:
    keys = keys_in(shown.scene(7))
    assert len(set(keys)) == 4
    assert keys == keys_in(plain.splitlines())


@on_terminals
def test_calls_are_measured(shown: Shown) -> None:
    text = "\n".join(shown.scene(8))
    figures = re.findall(r"^  (bare asyncio|miniagents) +\S+ +([\d.,]+) µs per call$", text, re.MULTILINE)
    assert [name for name, _ in figures] == ["bare asyncio", "miniagents"]
    assert "miniagents 0.0.35 is not measured" in text


# --- options and signals ---


@on_terminals
def test_ctrl_c_ends_it() -> None:
    with terminal_of(MODULE, environment={}, width=80, height=24) as screen:
        screen.until("1/9", "additionalProperties")
        screen.type("\x03")
        assert screen.ended() == 130
        assert not screen.is_cursor_hidden
    assert screen.lines[-1] == "stopped"
    assert "Traceback" not in screen.text


def test_an_unknown_option_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", MODULE, "--fats"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "scripts/demo: error: unrecognized arguments: --fats"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_next_steps_exist(command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == ".venv/bin/miniagents":
        call = [sys.executable, "-m", "miniagents", *arguments, "--help"]
        done = subprocess.run(call, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
    else:
        assert os.access(ROOT / program, os.X_OK)


# --- scenes by themselves ---


def played(play: Callable[[Stage], Awaitable[None]], console: Console) -> None:
    stage = Stage(console=console, generated=Generated(SCHEMA.with_name("help_desk.py"), "", 0.0), baseline_python="")

    async def main() -> None:
        await play(stage)

    MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)


def test_colours_are_for_those_who_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = re.compile(r"\x1b\[(?:[0-9;]*;)?[349][0-7](?:;|m)")
    for no_color in ("", "1"):
        monkeypatch.setenv("NO_COLOR", no_color)
        out = io.StringIO()
        played(failing.play, Console(file=out, force_terminal=True, width=80))
        assert "ConnectionError: the line is dead" in out.getvalue()
        assert bool(coloured.search(out.getvalue())) is not bool(no_color)


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = io.StringIO()
    played(failing.play, Console(file=out, force_terminal=True, width=80, highlight=False))
    assert "  stand_in │ ten, and switch it on again.\n" in out.getvalue()
    assert "╭" not in out.getvalue()


def test_on_a_narrow_terminal_columns_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    out = io.StringIO()
    played(side_by_side.play, Console(file=out, force_terminal=True, width=50, height=30))
    text = re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", out.getvalue())
    last = text[text.rindex("╭─ billing") :]
    assert [line.partition(" ─")[0] for line in last.splitlines() if "╭" in line] == [
        "╭─ billing",
        "╭─ network",
        "╭─ contract",
        "╭─ editor",
    ]


def test_lines_are_written_when_they_are_full() -> None:
    out = io.StringIO()
    panes = LinePanes(Console(file=out, width=30), ("a", "bb"), "")
    for word in ["one", "two", "three", "four", "five", "six"]:
        panes.write("a", f"{word} ")
    assert out.getvalue() == "  a  │ one two three four five\n"
    panes.write("bb", "x\ny")
    assert out.getvalue().splitlines()[1:] == ["  bb │ x"]
    panes.fail("bb", ValueError("no"))
    panes.end("a")
    assert out.getvalue().splitlines()[2:] == ["  bb │ y", "  bb │ ✗ ValueError: no", "  a  │ six"]


def test_the_old_release_is_shown_where_it_is(monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    row = Row(
        title=measuring.TITLE,
        unit="µs per call",
        size=1000,
        values=(15.0,),
        others=Sides(limit=Cell(values=(7.5,), ratios=(2.0,)), old=Cell(values=(600.0,), ratios=(40.0,))),
    )
    sides: list[str] = []

    def measure(workload: object, taking_part: list[object], *, rounds: int) -> list[Row]:
        return [row]

    class Side:
        def __init__(self, name: str, python: str) -> None:
            sides.append(f"{name}: {python}")

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(measuring, "measure", measure)
    monkeypatch.setattr(measuring, "Side", Side)
    out = io.StringIO()
    generated = Generated(SCHEMA.with_name("help_desk.py"), "", 0.0)
    stage = Stage(
        console=Console(file=out, width=80, highlight=False), generated=generated, baseline_python="old/python"
    )
    asyncio.run(measuring.play(stage))
    assert sides == [f"ours: {sys.executable}", f"limit: {sys.executable}", "old: old/python"]
    assert out.getvalue() == snapshot


def test_g1_the_classes_that_checkers_read_are_those_that_the_demo_generates() -> None:
    path = SCHEMA.with_name("help_desk.py")
    assert path.read_text(encoding="utf-8") == generate([SCHEMA], path), "run the command in its first lines"

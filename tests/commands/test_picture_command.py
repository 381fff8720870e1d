"""`miniagents picture`."""

import io
import json
import sys
from pathlib import Path

import pytest

from miniagents import encode
from miniagents.cli import main
from miniagents.messages import CallRecord, Identity, UserMessage
from miniagents.wire import write_records
from tests.picturing.pages import call, data_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the records of three runs."""
    monkeypatch.chdir(tmp_path)
    records = [
        call(1, run="aa1", began=1000, ended=None, outcome=None).record,
        call(1, run="aa2", began=3000).record,
        UserMessage("no call"),
        call(2, 1, run="aa1", began=1001, outcome="failed", error="ValueError: no").record,
        call(1, run="b", began=2000).record,
        call(1, run="aa1", began=1000, ended=1005, outcome="done").record,
    ]
    write_records("calls.jsonl", records)
    write_records("calls.msgpack.gz", records, format="msgpack", compression="gzip")
    return tmp_path


def drawn(path: str = "run.html") -> list[str]:
    data = data_of(Path(path).read_text(encoding="utf-8"))
    return [data["names"][name] for name in data["columns"]["name"]]


@pytest.mark.parametrize("name", ["calls.jsonl", "calls.msgpack.gz"])
def test_the_last_run_is_drawn(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["picture", name]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{name}: this is the last of 3 runs; name another to see it: aa1, b",
        "run.html: 1 call of run aa2",
    ]
    assert drawn() == ["agent1"]
    assert sorted(path.name for path in folder.iterdir()) == ["calls.jsonl", "calls.msgpack.gz", "run.html"]


@pytest.mark.parametrize("run", ["aa1", "b"])
def test_a_run_is_named(folder: Path, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["picture", "calls.jsonl", run, "--output", "other.html"]) == 0
    assert drawn("other.html") == ["agent1", "agent2"][: len(run) - 1 or 1]
    assert "<title>Run " + run in (folder / "other.html").read_text(encoding="utf-8")
    capsys.readouterr()


def test_the_last_record_of_a_call_counts(folder: Path) -> None:
    assert main(["picture", "calls.jsonl", "aa1"]) == 0
    columns = data_of((folder / "run.html").read_text(encoding="utf-8"))["columns"]
    assert (columns["outcome"], columns["depth"]) == ([1, 2], [0, 1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["calls.jsonl", "aa"], "calls.jsonl: several runs begin with 'aa': aa2, aa1"),
        (["calls.jsonl", "c"], "calls.jsonl: there is no run 'c'; leave it out for the last one, or see all: "),
        (["nothing.jsonl"], "nothing.jsonl"),
        (["empty.jsonl"], "empty.jsonl: there is no CallRecord in it; `trace()` makes them: write its `run.records`"),
        (["calls.jsonl", "b", "--output", "."], "Is a directory"),
        (["calls.jsonl", "b", "--output", "no/run.html"], "no"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_mistakes(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.jsonl").touch()
    assert main(["picture", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not Path("run.html").exists()


def test_a_file_that_ends_in_the_middle_of_a_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As that of a program that was killed."""
    whole = b"".join(encode(call(number, number - 1 or None).record) + b"\n" for number in (1, 2, 3))
    (folder / "cut.jsonl").write_bytes(whole[:-30])
    assert main(["picture", "cut.jsonl"]) == 1
    assert "cut.jsonl: " in capsys.readouterr().err
    assert drawn() == ["agent1", "agent2"]


def test_wrong_records_are_told_and_the_others_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {"@type": "CallRecord", "run": "x", "number": -1, "called": {"@type": "Identity", "kind": "agent"}}
    good = encode(call(1).record)
    (folder / "wrong.jsonl").write_bytes(b"\n".join([json.dumps(wrong).encode(), b"{}", good, b"no json", b""]))
    assert main(["picture", "wrong.jsonl"]) == 1
    assert capsys.readouterr().err.count("wrong.jsonl: ") == 2
    assert drawn() == ["agent1"]


@pytest.mark.usefixtures("folder")
def test_pipes(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    given = io.TextIOWrapper(io.BytesIO(encode(call(1).record)))
    monkeypatch.setattr(sys, "stdin", given)
    assert main(["picture", "-", "--output", "-"]) == 0
    assert data_of(capfdbinary.readouterr().out.decode())["columns"]["number"] == [1]
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["picture", "-"]) == 2


def test_a_hostile_name_of_a_run_stays_on_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called = Identity(kind="agent", name="x")
    write_records("odd.jsonl", [CallRecord(run=f"\x1b[31m{each}\n", number=1, called=called) for each in "ab"])
    assert main(["picture", "odd.jsonl"]) == 0
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert len(said.splitlines()) == 2
    assert (folder / "run.html").exists()

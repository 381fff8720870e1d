"""`miniagents picture`."""

import asyncio
import io
import json
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from miniagents import InteractionContext, MiniAgents, encode, miniagent
from miniagents.cli import main
from miniagents.ext.store import SQLiteStore
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


def test_what_is_drawn_is_not_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is another store: nobody wants a page in its place."""
    with closing(sqlite3.connect("runs.db")) as store:
        store.execute("CREATE TABLE runs (id TEXT)")
    (folder / "link.html").symlink_to("calls.jsonl")
    for output in ("calls.jsonl", "link.html", "runs.db"):
        before = (folder / output).read_bytes()
        assert main(["picture", "calls.jsonl", "b", "--output", output]) == 2
        assert f"{output}: it has runs, and the picture would replace them" in capsys.readouterr().err
        assert (folder / output).read_bytes() == before


def test_a_file_that_ends_in_the_middle_of_a_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As that of a program that was killed."""
    whole = b"".join(encode(call(number, number - 1 or None).record) + b"\n" for number in (1, 2, 3))
    (folder / "cut.jsonl").write_bytes(whole[:-30])
    assert main(["picture", "cut.jsonl"]) == 1
    assert "cut.jsonl: " in capsys.readouterr().err
    assert drawn() == ["agent1", "agent2"]


def test_a_file_of_another_kind_is_told_in_a_few_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "notes.txt").write_text("not JSON\n" * 1000)
    assert main(["picture", "notes.txt"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[10] == "notes.txt: 990 more records cannot be read"
    assert len(said) == 12


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


# --- stores ---


@miniagent
async def poet(ctx: InteractionContext, fails: bool) -> None:
    ctx.reply("Roses are red")
    if fails:
        raise ValueError("no rhyme")


async def _kept_runs() -> list[str]:
    async with SQLiteStore("runs.db") as store:
        for fails in (False, True):
            async with MiniAgents(store=store):
                with suppress(ValueError):
                    await poet.inquire("Rhyme!", fails=fails)
        return [run.id async for run in store.runs()]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A store with two runs, of which the later one failed; their identifiers, the latest first."""
    monkeypatch.chdir(tmp_path)
    return asyncio.run(_kept_runs())


def test_the_last_run_of_a_store_is_drawn_with_its_messages(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["picture", "runs.db"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"runs.db: this is the last of 2 runs; name another to see it: {runs[1]}",
        f"run.html: 1 call of run {runs[0]}",
    ]
    (more,) = data_of(Path("run.html").read_text(encoding="utf-8"))["details"]
    assert more["messages"] == [["Message", "Rhyme!"]]
    assert more["replies"] == [["Message", "Roses are red"]]
    assert more["error"] == "ValueError: no rhyme"


def test_a_run_of_a_store_is_named_by_how_its_identifier_begins(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["picture", "runs.db", runs[1][:9], "--output", "-"]) == 0
    (more,) = data_of(capsys.readouterr().out)["details"]
    assert "error" not in more


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runs.db", "x"], "runs.db: there is no run 'x'; `miniagents runs` lists them"),
        (["runs.db", ""], "runs.db: 2 runs begin with ''"),
        (["missing.db"], "missing.db"),
        (["empty.db"], "empty.db: there is no run in it; `MiniAgents(store=...)` keeps runs"),
        (["other.db"], "other.db: "),
        (["postgresql://localhost:1/x"], "look at the server, its address"),
    ],
)
@pytest.mark.usefixtures("runs")
def test_mistakes_with_stores(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def empty() -> None:
        async with SQLiteStore("empty.db") as store:
            await store.flush()

    asyncio.run(empty())
    with closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE theirs (x)")
    assert main(["picture", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not Path("run.html").exists()
    assert not Path("missing.db").exists()

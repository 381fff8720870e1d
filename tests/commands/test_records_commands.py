"""`miniagents cat` and `miniagents convert`: what they print, write and return, and that nothing is lost on the way."""

import gzip
import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents.cli import main
from miniagents.commands import convert
from miniagents.commands._progress import Progress, in_bytes
from miniagents.messages import AssistantMessage, Message, UserMessage
from miniagents.wire import read_records, write_records
from miniagents.wire.compression import BLOCK
from tests.effort import examples
from tests.wire.kinds import Any1, messages

TALK = (
    UserMessage("How warm is it?"),
    AssistantMessage("21 °C\nin the shade", model="small"),
    UserMessage("And tomorrow?"),
    AssistantMessage("25 °C", model="large"),
    AssistantMessage(None, model="large"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands run, with some files."""
    monkeypatch.chdir(tmp_path)
    write_records("talk.ndjson", TALK)
    write_records("talk.msgpack", TALK, "msgpack")
    write_records("talk.ndjson.gz", TALK, compression="gzip")
    Path("damaged.ndjson").write_bytes(
        b'{"@type":"UserMessage","text":"a"}\n{"@type":"UserMessage","text":\n"b"\n{"@type":"Sensor","celsius":21.50}\n'
        b'{"@type":"UserMessage","te'
    )
    Path("wrong.ndjson").write_bytes(b'{"@type":"UserMessage","text":3}\n{"@type":"UserMessage","text":"a"}\n')
    Path("empty.ndjson").touch()
    return tmp_path


Run = Callable[..., str]


@pytest.fixture
def run(folder: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command and give all that one sees of it."""

    def command(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["miniagents"])
        status = main(arguments)
        out, err = capfdbinary.readouterr()
        said = "".join(f"\n--- {name}\n{text.decode()}" for name, text in (("stdout", out), ("stderr", err)) if text)
        return f"$ miniagents {' '.join(arguments)}\n(status {status}){said}"

    return command


# What one sees -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["nonsense"],
        ["cat", "--help"],
        ["convert", "--help"],
        ["cat", "talk.ndjson"],
        ["cat", "talk.msgpack", "--pretty", "--limit", "2"],
        ["cat", "talk.ndjson", "talk.msgpack", "talk.ndjson.gz", "--count"],
        ["cat", "talk.ndjson", "--type", "AssistantMessage", "--where", "model=large"],
        ["cat", "talk.ndjson", "--where", "text~tomorrow"],
        ["cat", "talk.ndjson", "--where", "model!=large", "--count"],
        ["cat", "talk.ndjson", "--where", "no condition"],
        ["cat", "damaged.ndjson"],
        ["cat", "damaged.ndjson", "--skip-errors"],
        ["cat", "damaged.ndjson", "--skip-errors", "--count"],
        ["cat", "damaged.ndjson", "--skip-errors", "--where", "celsius>=21"],
        ["cat", "wrong.ndjson", "--skip-errors"],
        ["cat", "wrong.ndjson", "--skip-errors", "--import", "miniagents"],
        ["cat", "empty.ndjson", "--count"],
        ["cat", "nothing.ndjson"],
        ["cat", "talk.ndjson", "--import", "nothing_to_import"],
        ["cat", "talk.ndjson", "--format", "msgpack"],
        ["cat", "--follow", "talk.ndjson", "talk.msgpack"],
        ["cat", "talk.ndjson", "--max-bytes", "20", "--skip-errors"],
        ["convert", "talk.ndjson", "out.msgpack"],
        ["convert", "talk.ndjson", "out.ndjson", "--type", "UserMessage"],
        ["convert", "damaged.ndjson", "out.msgpack"],
        ["convert", "damaged.ndjson", "out.msgpack", "--skip-errors"],
        ["convert", "talk.ndjson", "talk.ndjson"],
        ["convert", "talk.ndjson", "out"],
        ["convert", "nothing.ndjson", "out.ndjson"],
        ["convert", "talk.ndjson", "out.ndjson", "--resume"],
    ],
    ids=" ".join,
)
def test_what_the_commands_say(
    arguments: list[str], run: Run, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    if "--help" in arguments and sys.version_info >= (3, 13):
        pytest.skip("later versions of Python lay out their help in another way")
    assert run(*arguments) == snapshot


def test_the_generator_is_where_it_was(run: Run) -> None:
    assert "usage: miniagents lint" in run("lint", "--help")
    assert "usage: miniagents generate" in run("generate")


def test_stdin(folder: Path) -> None:
    for name in ("talk.ndjson", "talk.msgpack", "talk.ndjson.gz"):
        data = Path(name).read_bytes()
        done = subprocess.run([sys.executable, "-m", "miniagents", "cat"], input=data, capture_output=True, check=True)
        assert done.stdout == Path("talk.ndjson").read_bytes()


def test_nobody_who_reads_the_output_is_no_error(folder: Path) -> None:
    write_records("many.ndjson", TALK * 20_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "miniagents", "cat", "many.ndjson"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.read(100)
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.usefixtures("interruptible")
def test_a_growing_file_is_followed(folder: Path) -> None:
    log = Path("log.ndjson")
    write_records(log, TALK[:1])
    process = subprocess.Popen(
        [sys.executable, "-m", "miniagents", "cat", "--follow", "log.ndjson"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    expected = io.BytesIO()
    write_records(expected, TALK)
    lines = expected.getvalue().splitlines(keepends=True)
    with process.stdout:
        assert process.stdout.readline() == lines[0]
        with log.open("ab") as file:
            for line in lines[1:]:
                for part in (line[:7], line[7:]):  # a record that is not complete is waited for
                    file.write(part)
                    file.flush()
                    time.sleep(0.15)
                assert process.stdout.readline() == line
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


# What is written -----------------------------------------------------------------------------------------------------


@examples(15, unhealthy=[HealthCheck.function_scoped_fixture])
@given(st.lists(messages, max_size=5))
def test_m5_nothing_is_lost_on_the_way_through_all_formats(folder: Path, values: list[Any1]) -> None:
    write_records("0.ndjson", values)
    names = ["0.ndjson", "1.msgpack", "2.msgpack.gz", "3.ndjson.zst", "4.jsonl", "5.msgpack.zst", "6.json"]
    for before, after in pairwise(names):
        assert main(["convert", before, after]) == 0
        assert not Path(f"{after}.partial").exists()
    assert Path("6.json").read_bytes() == Path("0.ndjson").read_bytes()
    assert list(read_records("5.msgpack.zst", Any1, "msgpack")) == values


def test_what_is_in_the_same_format_is_passed_on_as_it_is(folder: Path) -> None:
    """Whatever a number looks like, and however large it is."""
    text = '{"@type":"X", "n": 1.50, "big": 123456789012345678901234567890, "e": 1E2}\n'
    Path("odd.ndjson").write_text(text)
    assert main(["convert", "odd.ndjson", "same.ndjson", "--type", "X"]) == 0
    assert Path("same.ndjson").read_text() == text


def test_what_the_other_format_cannot_say_is_an_error(run: Run) -> None:
    Path("big.ndjson").write_text('{"a":{"b":123456789012345678901234567890}}\n{"a":1}\n')
    assert "record 0 at byte 0: $.a.b: MessagePack has no form" in run("convert", "big.ndjson", "big.msgpack")
    assert not Path("big.msgpack").exists()
    assert "1 of 2 records, and 1 could not" in run("convert", "big.ndjson", "big.msgpack", "--skip-errors")


def test_output_appears_when_it_is_complete(folder: Path) -> None:
    Path("out.ndjson").write_bytes(b"what was there before\n")
    assert main(["convert", "damaged.ndjson", "out.ndjson"]) == 1
    assert Path("out.ndjson").read_bytes() == b"what was there before\n"
    assert main(["convert", "talk.ndjson", "out.ndjson"]) == 0
    assert Path("out.ndjson").read_bytes() == Path("talk.ndjson").read_bytes()


# Going on ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["many.ndjson", "many.ndjson.gz", "many.msgpack"])
@pytest.mark.parametrize("target", ["out.msgpack", "out.ndjson.gz", "out.ndjson"])
def test_an_interrupted_conversion_goes_on(
    source: str, target: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At every block, over and over: the end is the same as that of one without an interrupt."""
    many = [message for number in range(4000) for message in (AssistantMessage("x" * (number % 300)), *TALK[:2])]
    write_records(
        source,
        many,
        "msgpack" if "msgpack" in source else "json",
        compression="gzip" if source.endswith(".gz") else None,
    )
    monkeypatch.setattr(convert, "_COMPRESSED", 1 << 16)
    arguments = ["convert", source, target, "--type", "AssistantMessage"]
    calls = 0
    update = Progress.update

    def interrupting(self: Progress, done: int) -> None:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise KeyboardInterrupt
        update(self, done)

    monkeypatch.setattr(Progress, "update", interrupting)
    statuses = [main(arguments)]
    while statuses[-1] == 130:
        assert not Path(target).exists()
        statuses.append(main([*arguments, "--resume"]))
        assert len(statuses) < 40
    assert statuses[-1] == 0
    if source != "many.ndjson.gz":  # all of which is in one block
        assert len(statuses) > 1
    records = list(read_records(target, Message, "msgpack" if "msgpack" in target else "json"))
    assert records == [message for message in many if isinstance(message, AssistantMessage)]
    assert f"{target}: {len(records)} of {len(many)} records" in capsys.readouterr().err
    assert sorted(path.name for path in folder.glob(f"{target}*")) == [target]


def signalled_half_way(name: str) -> str:
    """A program that is the command, notes how far it is as often as it can, and sends itself a signal."""
    return f"""
import signal, sys
from miniagents.cli import main
from miniagents.commands import convert

class Progress(convert.Progress):
    calls = 0

    def update(self, done):
        super().update(done)
        self.calls += 1
        if self.calls == 4:
            signal.raise_signal(signal.{name})

convert._SECONDS = 0.0
convert.Progress = Progress
sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_conversion_goes_on(folder: Path) -> None:
    """Even where it could not say anything any more: the last note counts, and what came behind it is done again."""
    many = TALK * 30_000
    write_records("many.ndjson", many)
    command = [sys.executable, "-m", "miniagents", "convert", "many.ndjson", "out.msgpack"]
    killed = subprocess.run([sys.executable, "-c", signalled_half_way("SIGKILL"), *command[3:]], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Path("out.msgpack.partial.json").exists()
    assert not Path("out.msgpack").exists()
    with Path("out.msgpack.partial").open("ab") as file:
        file.write(b"what was written last")
    assert subprocess.run([*command, "--resume"], check=False).returncode == 0
    assert list(read_records("out.msgpack", Message, "msgpack")) == list(many)


@pytest.mark.usefixtures("interruptible")
def test_one_interrupt_ends_a_conversion(folder: Path) -> None:
    write_records("many.ndjson", TALK * 100_000)
    interrupted = subprocess.run(
        [sys.executable, "-c", signalled_half_way("SIGINT"), "convert", "many.ndjson", "out.msgpack"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert interrupted.returncode == 130
    assert interrupted.stderr.startswith("interrupted after ")
    assert interrupted.stderr.endswith(" records; continue with --resume\n")


def test_only_the_same_work_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Progress, done: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "update", interrupt)
        assert "(status 130)" in run("convert", "talk.ndjson", "out.msgpack")
    said = run("convert", "talk.msgpack", "out.msgpack", "--resume")
    assert "is of another conversion, start without --resume" in said
    Path("out.msgpack.partial.json").write_text("{")
    assert "cannot be read, start without --resume" in run("convert", "talk.ndjson", "out.msgpack", "--resume")
    assert "(status 0)" in run("convert", "talk.ndjson", "out.msgpack")


# Progress ------------------------------------------------------------------------------------------------------------


def test_progress_is_drawn_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, drawn in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        progress = Progress(1000)
        progress._next = 0.0
        progress.update(420)
        progress.clear()
        assert ("42%" in stream.getvalue()) is drawn
        assert stream.getvalue().endswith("\r\033[K") is drawn


def test_what_progress_looks_like() -> None:
    progress = Progress(2_000_000_000)
    assert progress.line(500_000_000, 2.0) == "[######..................]  25%  500 MB of 2.0 GB  250 MB/s  6 s left"
    assert progress.line(2_000_000_000, 8.0) == "[########################] 100%  2.0 GB of 2.0 GB  250 MB/s"
    assert Progress(None).line(1500, 1.0) == "1.5 kB  1.5 kB/s"
    assert Progress(None).line(0, 0.0) == "0 B  0 B/s"
    assert in_bytes(5e13) == "50.0 TB"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what a process had in memory")
def test_the_blocks_are_small(folder: Path) -> None:
    """No more than a few of them are in memory, however large a file is."""
    assert BLOCK <= 1 << 20
    with gzip.open("zeros.ndjson.gz", "wb") as file:
        for _ in range(64):
            file.write(b'{"@type":"Message","text":"%s"}\n' % (b"y" * 4000) * 250)
    program = (
        "import sys; from pathlib import Path; from miniagents.cli import main; "
        "print(main(sys.argv[1:])); print(Path('/proc/self/status').read_text())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "convert", "zeros.ndjson.gz", "out.msgpack", "--where", "text=x"],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    # what resource.getrusage says would be that of the process of the tests, which this one was forked from
    kilobytes = re.search(r"(?s)^0\n.*VmHWM:\s*(\d+) kB", done.stdout)
    assert kilobytes is not None, done.stdout
    assert int(kilobytes[1]) < 60_000


@pytest.mark.parametrize(
    ("indented", "program"),
    [
        ('{\n  "a": 1\n}\n', "jq -c ."),
        ('\n{\r\n\t"a": 1\r\n}\r\n', "jq -c ."),
        ('[\n  {"a": 1},\n  {"a": 2}\n]\n', "jq -c '.[]'"),
        ('[{\n  "a": 1\n}]\n', "jq -c '.[]'"),
    ],
)
@pytest.mark.parametrize("command", ["cat indented.json", "convert indented.json out.jsonl", "cat indented.json.gz"])
def test_json_on_several_lines_is_told_from_data_that_is_torn(
    run: Run, command: str, indented: str, program: str
) -> None:
    Path("indented.json").write_text(indented, newline="")
    Path("indented.json.gz").write_bytes(gzip.compress(indented.encode()))
    hint = f"; records are one on each line, and this is JSON on several lines: `{program}` writes it so"
    assert hint in run(*command.split())


@pytest.mark.parametrize("command", ["cat runs.db", "convert runs.db out.jsonl"])
def test_a_store_is_told_from_records(run: Run, command: str) -> None:
    with closing(sqlite3.connect("runs.db")) as database:
        database.execute("CREATE TABLE things (name)")
    said = run(*command.split())
    assert "; this is a database: `miniagents runs` and `miniagents picture` show what a store has" in said


def test_data_that_is_torn_is_not_told_to_be_json_on_several_lines(run: Run) -> None:
    for torn in ('{"a":\n{"b": 1}\n', "{", '{"a": 1}\n{\n', "[[\n"):
        Path("torn.json").write_text(torn)
        said = run("cat", "torn.json")
        assert "torn.json: record" in said
        assert "several lines" not in said

"""The edge of all commands: streams that are closed, full or without a reader, Ctrl+C, and what cannot be encoded.

Each is one line on stderr and the right status, and never a traceback.
"""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, TypeAlias

import pytest

import miniagents
from miniagents import InteractionContext, MiniAgents, miniagent
from miniagents.cli import COMMANDS, main
from miniagents.ext.store import SQLiteStore
from miniagents.messages import CallRecord, Identity, UserMessage
from miniagents.wire import write_records

SCHEMA = {"title": "Order", "type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
LINES: Final = {
    "generate": "generate schemas --output old.py --check",
    "lint": "lint schemas",
    "diff": "diff schemas v2",
    "export": "export messages.py",
    "chat": "chat --model scripted --no-save --ask Tea",
    "cat": "cat log.jsonl",
    "convert": "convert log.jsonl out.msgpack",
    "picture": "picture calls.jsonl --output -",
    "runs": "runs runs.db",
    "guide": "guide agents",
    "completion": "completion bash",
}
"""A line for each command; all but that of `convert` write to stdout."""

WRITING: Final = (*(line for name, line in LINES.items() if name != "convert"), "cat --count log.jsonl")
WRITING_MORE: Final = (
    *WRITING,
    "--help",
    "--version",
    "lint --rules",
    "cat --help",
    "guide",
    "diff schemas v2 --format json",
)

NORMAL: Final = {"generate": 1, "lint": 1, "diff": 1}
"""The statuses of the lines if nothing happens; 0 for the others."""

Stream: TypeAlias = IO[bytes] | int | None


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run in a folder that has what they name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(miniagents.__file__).parents[1]))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # most of the output is written when the command has ended
    for name, schema in (("schemas", SCHEMA), ("v2", SCHEMA | {"required": ["n"]})):
        Path(name).mkdir()
        Path(name, "order.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    write_records("log.jsonl", [UserMessage("Tea, please.")] * 3)
    write_records("calls.jsonl", [CallRecord(run="r", number=1, called=Identity(kind="agent", name="poet"))])
    asyncio.run(_keep_a_run())
    assert main(["generate", "schemas", "--output", "messages.py"]) == 0
    Path("old.py").touch()


async def _keep_a_run() -> None:
    async with SQLiteStore("runs.db") as store, MiniAgents(store=store):
        await poet.inquire()


@miniagent
async def poet(ctx: InteractionContext) -> None:
    ctx.reply("Roses are red")


def started(
    line: str,
    program: tuple[str, ...] = ("-m", "miniagents"),
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.PIPE,
    stderr: Stream = subprocess.PIPE,
    closed: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command, with one of the standard streams closed if that is asked for."""
    return subprocess.Popen(
        [sys.executable, *program, *shlex.split(line)],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=None if closed is None else lambda: os.close(closed),  # noqa: PLW1509 - no threads run here
    )


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Wait for a command, and return its status and what it wrote."""
    out, err = process.communicate(timeout=60)
    return process.returncode, (out or b"").decode(), (err or b"").decode()


def all_of(lines: tuple[str, ...], start: Callable[[str], subprocess.Popen[bytes]]) -> dict[str, tuple[int, str, str]]:
    """Run lines at the same time, which is much faster."""
    processes = {line: start(line) for line in lines}
    return {line: ended(process) for line, process in processes.items()}


def name_of(line: str) -> str:
    """Return how errors name the command of a line."""
    name = line.split(maxsplit=1)[0]
    return f"miniagents {name}" if name in COMMANDS else "miniagents"


def test_each_command_has_a_line() -> None:
    assert list(LINES) == list(COMMANDS)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")  # noqa: PTH110
def test_a_full_stdout_is_one_line() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        found = all_of(WRITING_MORE, lambda line: started(line, stdout=full))
    for line, (status, _, err) in found.items():
        last = err.splitlines()[-1]
        assert (status, last) == (
            2,
            f"{name_of(line)}: the output cannot be written: No space left on device",
        ), line
        assert "Traceback" not in err
        assert line.startswith(("generate", "chat")) or err == f"{last}\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")  # noqa: PTH110
def test_the_generator_alone_has_the_same_edge() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        status, _, err = ended(started("lint schemas", ("-m", "miniagents.codegen"), stdout=full))
        unbuffered = ended(started("lint schemas", ("-u", "-m", "miniagents.codegen"), stdout=full))
    said = "python -m miniagents.codegen: the output cannot be written: No space left on device\n"
    assert (status, err) == (2, said)
    assert unbuffered == (2, "", said)


def test_a_closed_stdout_is_one_line() -> None:
    found = all_of(WRITING, lambda line: started(line, stdout=None, closed=1))
    for line, (status, _, err) in found.items():
        assert (status, err.splitlines()[-1]) == (
            2,
            f"{name_of(line)}: the output cannot be written: Bad file descriptor",
        ), line
        assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_error() -> None:
    def start(line: str) -> subprocess.Popen[bytes]:
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            return started(line, stdout=pipe)

    for line, (status, _, err) in all_of(WRITING, start).items():
        assert status == 0, line
        assert "Traceback" not in err
        assert "rror" not in err
        assert line.startswith(("generate", "chat")) or err == "", line


def test_without_stderr_a_command_does_what_it_does() -> None:
    lines = tuple(LINES.values())
    expected = all_of(lines, started)
    for line, (status, out, _) in expected.items():
        assert status == NORMAL.get(line.split()[0], 0), line
        assert out or line == LINES["convert"]
    found = all_of(lines, lambda line: started(line, stderr=None, closed=2))
    assert found == {line: (status, out, "") for line, (status, out, _) in expected.items()}
    assert Path("out.msgpack").read_bytes().count(b"Tea, please.") == 3
    if os.path.exists("/dev/full"):  # noqa: PTH110
        with open("/dev/full", "wb") as full:  # noqa: PTH123
            assert all_of(lines, lambda line: started(line, stderr=full)) == found


def test_a_file_takes_no_place_of_a_closed_stream() -> None:
    """A file would get the number of the stream, and what is written to the stream would go into the file."""
    status, _, err = ended(started("convert log.jsonl out.jsonl", stdout=None, closed=1))
    assert (status, err) == (0, "out.jsonl: 3 of 3 records\n")
    assert Path("out.jsonl").read_bytes() == Path("log.jsonl").read_bytes()
    status, out, _ = ended(started("cat --skip-errors log.jsonl wrong.jsonl", stderr=None, closed=2))
    assert (status, out.encode()) == (2, Path("log.jsonl").read_bytes())


def test_a_closed_stdin_is_one_line() -> None:
    status, out, err = ended(started("cat", stdin=None, closed=0))
    assert (status, out, err) == (2, "", "miniagents cat: stdin is closed: name a file\n")


def test_a_character_that_stdout_cannot_encode_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    Path("schemas", "ö.schema.json").write_text(json.dumps(SCHEMA | {"title": "Ö"}), encoding="utf-8")
    status, _, err = ended(started("lint schemas"))
    assert (status, err) == (
        2,
        "miniagents lint: the output cannot be written as ascii: set PYTHONIOENCODING=utf-8\n",
    )


# --- Ctrl+C ---

INTERRUPTING: Final = """
import os, signal, sys
from miniagents.cli import main

asked = []

def hook(event, arguments):
    if event == sys.argv[1] and sys.argv[2] in str(arguments[0]) and not asked:
        asked.append(event)
        signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.addaudithook(hook)
sys.exit(main(sys.argv[3:]))
"""
"""A program that is the command, and sends itself the signal of Ctrl+C when it imports or opens something."""

IMPORTED: Final = {
    **dict.fromkeys(("generate", "lint", "diff", "export"), "miniagents.codegen.commands"),
    **dict.fromkeys(("cat", "convert", "picture"), "miniagents.commands._selecting"),
    "chat": "miniagents.chat.agents",
    "runs": "miniagents.ext.store.sqlite",
    "guide": "importlib.resources",
    "completion": "shtab",
}
"""A module that is imported when a command is run."""
OPENED: Final = {
    "cat": "log.jsonl",
    "convert": "log.jsonl",
    "guide": "agents.md",
    "export": "messages.py",
    "picture": "calls.jsonl",
}
"""What a command opens while it runs; schema files for the other commands of the generator."""


def interrupted(line: str, event: str, name: str) -> subprocess.Popen[bytes]:
    return started(line, ("-c", INTERRUPTING, event, name))


def test_ctrl_c_while_the_command_is_imported() -> None:
    found = all_of(tuple(LINES.values()), lambda line: interrupted(line, "import", IMPORTED[line.split()[0]]))
    for line, seen in found.items():
        assert seen == (130, "", f"{name_of(line)}: interrupted\n")


def test_ctrl_c_while_a_module_of_the_user_is_imported() -> None:
    Path("slow.py").write_text("import json.tool\n", encoding="utf-8")
    lines = (
        "cat log.jsonl --import slow",
        "convert log.jsonl x.msgpack --import slow",
        "export slow",
        "chat slow:x --ask x",
    )
    for line, seen in all_of(lines, lambda line: interrupted(line, "import", "json.tool")).items():
        assert seen == (130, "", f"{name_of(line)}: interrupted\n")
    assert not list(Path().glob("x.msgpack*"))


LEAVING_A_THREAD: Final = """
import os, signal, threading
from miniagents import Message

class Tea(Message): ...

def interrupt_the_end() -> None:
    threading.main_thread().join()
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()

threading.Thread(target=interrupt_the_end).start()
"""
"""A module with a thread that keeps the process from its end, and interrupts it there."""


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_at_the_end_of_the_process_ends_it_in_silence() -> None:
    Path("leaving.py").write_text(LEAVING_A_THREAD, encoding="utf-8")
    status, out, err = ended(started("export leaving"))
    assert (status, err) == (-signal.SIGINT, "")
    assert json.loads(out)


def test_ctrl_c_while_a_command_runs() -> None:
    lines = tuple(line for name, line in LINES.items() if name not in ("chat", "completion", "runs"))
    found = all_of(lines, lambda line: interrupted(line, "open", OPENED.get(line.split()[0], "order.schema.json")))
    found |= all_of((LINES["runs"],), lambda line: interrupted(line, "sqlite3.connect", "runs.db"))
    for line, seen in found.items():
        assert seen == (130, "", f"{name_of(line)}: interrupted\n"), line

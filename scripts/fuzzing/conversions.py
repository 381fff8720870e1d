"""Conversions that are killed at random moments and resumed: the output must be that of one that was never disturbed.

Before the last run, the input may grow or be replaced, and the partial output may be damaged. A change of the part that
is already converted must be refused; any other change must be converted.
"""

import os
import random
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stderr
from io import BytesIO, FileIO, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import NamedTuple

import msgspec

from miniagents import _replacing
from miniagents.cli import main
from miniagents.commands import convert
from miniagents.commands._partial import Note
from miniagents.messages import UserMessage
from miniagents.wire import compression, write_records
from scripts.fuzzing.definitions import Case, Kind

BLOCK = 1 << 12
"""How many bytes are read at once here, so that a small input has many blocks."""
MOST_STEPS = 60
"""The last step at which a run may be killed: it writes something, or opens, renames or removes a file."""


class Plan(NamedTuple):
    """What happens to a conversion."""

    source: str
    target: str
    options: tuple[str, ...]
    texts: tuple[str, ...]
    kills: tuple[int, ...]
    """For each run that is killed, the step at which that happens."""
    change: str
    place: float
    """Where the change is, as a share of the whole."""

    def __repr__(self) -> str:
        return f"{self[:3]}, {len(self.texts)} records, {self[4:]}"


def case(number: int, chance: random.Random) -> Case:
    """Make a conversion with its kills and its change."""
    plan = Plan(
        chance.choice(("in.ndjson", "in.msgpack", "in.ndjson.gz")),
        chance.choice(("out.ndjson", "out.msgpack", "out.ndjson.gz", "out.msgpack.gz")),
        ("--where", "text~7") if chance.random() < 0.5 else (),
        tuple(f"{place} {'x' * chance.randrange(400)}" for place in range(chance.randrange(1000))),
        tuple(chance.randrange(MOST_STEPS) for _ in range(chance.randrange(1, 4))),
        chance.choice(("nothing", "grown", "replaced", "one record", "a byte of the output", "the end of the output")),
        chance.random(),
    )
    return Case(f"conversion {number}", plan, lambda: run(plan), seconds=30.0)


def run(plan: Plan) -> str:
    """Convert with kills and a change, and compare the result with that of an undisturbed conversion.

    Raises:
        ValueError: The output is another one, or the change was refused or accepted wrongly.
    """
    with TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        source, target = folder / plan.source, folder / plan.target
        write(source, plan.texts)
        command = ["convert", str(source), str(target), *plan.options]
        ending = "done before a kill"
        for number, step in enumerate(plan.kills):
            status = killed([*command, "--resume"] if number else command, step)
            require(status in (0, -signal.SIGKILL), f"status {status} of run {number}")
            if status == 0:
                break
        else:
            must_refuse = changed(plan, source, target)
            before = target.read_bytes() if target.exists() else None
            status, said = quiet([*command, "--resume"])
            require(status == (2 if must_refuse else 0), f"status {status}: {said}")
            ending = f"{plan.change}: {'refused' if must_refuse else 'resumed'}"
            if must_refuse:
                require("start without --resume" in said and said.count("\n") == 1, said)
                require(before == (target.read_bytes() if target.exists() else None), "the output was changed")
                status, said = quiet(command)
                require(status == 0, said)
        expected = folder / f"expected-{plan.target}"
        status, said = quiet(["convert", str(source), str(expected), *plan.options])
        require(status == 0, said)
        require(target.read_bytes() == expected.read_bytes(), "the output is another one")
        left = {path.name for path in folder.iterdir()} - {plan.source, plan.target, expected.name}
        require(all(each.endswith(".tmp") for each in left), f"these files are left: {left}")
        return ending


def changed(plan: Plan, source: Path, target: Path) -> bool:
    """Change what the plan says; return whether the conversion must refuse to continue."""
    note, partial = progress(target)
    size = partial.stat().st_size if partial.exists() else 0
    read = 0 if note is None else note.read
    before = source.read_bytes()[:read]
    place = int(plan.place * len(plan.texts))
    if plan.change == "grown":
        write(source, ("more", "7"), append=True)
    elif plan.change == "replaced":
        write(source, [f"another {text}" for text in plan.texts])
    elif plan.change == "one record" and plan.texts:
        write(source, [text[::-1] if at == place else text for at, text in enumerate(plan.texts)])
    elif plan.change == "a byte of the output" and size:
        data = bytearray(partial.read_bytes())
        data[int(plan.place * size)] ^= 1
        partial.write_bytes(data)
        return note is not None and int(plan.place * size) < note.written
    elif plan.change == "the end of the output" and size:
        os.truncate(partial, int(plan.place * size))
        return note is not None and int(plan.place * size) < note.written
    return source.read_bytes()[:read] != before


def progress(target: Path) -> tuple[Note | None, Path]:
    """Return the note that counts, and where the partial output is."""
    partial = target.with_name(f"{target.name}.partial")
    note = target.with_name(f"{target.name}.partial.json")
    if not (note.exists() and partial.exists()):
        return None, partial
    return msgspec.json.decode(note.read_bytes(), type=Note), partial


def write(path: Path, texts: tuple[str, ...] | list[str], *, append: bool = False) -> None:
    """Write an input."""
    data = BytesIO()
    write_records(
        data,
        [UserMessage(text) for text in texts],
        "msgpack" if "msgpack" in path.name else "json",
        compression="gzip" if path.suffix == ".gz" else None,
    )
    path.write_bytes((path.read_bytes() if append else b"") + data.getvalue())


def quiet(arguments: list[str]) -> tuple[int, str]:
    """Run the command in this process; return its status and what it says."""
    with redirect_stderr(StringIO()) as said, small_blocks():
        return main(arguments), said.getvalue()


def require(condition: bool, otherwise: str) -> None:
    """Check a result.

    Raises:
        ValueError: The condition is false.
    """
    if not condition:
        raise ValueError(otherwise)


@contextmanager
def small_blocks() -> Generator[None, None, None]:
    """Let conversions work in small steps, and note their progress at each of them."""
    small: list[tuple[ModuleType, str, float]] = [
        (compression, "BLOCK", BLOCK),
        (convert, "BLOCK", BLOCK),
        (convert, "_COMPRESSED", 4 * BLOCK),
        (convert, "_TOGETHER", BLOCK // 4),
        (convert, "_SECONDS", 0.0),
    ]
    before = [(module, name, vars(module)[name]) for module, name, _ in small]
    try:
        for module, name, value in small:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def killed(arguments: list[str], step: int) -> int:
    """Run the command in a process that kills itself at a step; return its status."""
    process = os.fork()
    if process == 0:
        status = 3
        try:
            kill_at(step)
            status, _ = quiet(arguments)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill_at(step: int) -> None:
    """Let this process kill itself at a step; a write may be done in part."""
    left = step

    def is_last() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if is_last():
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    write_all = _replacing.write_all

    def write_counted(file: FileIO, data: bytes) -> None:
        if is_last():
            file.write(data[: step * 97 % (len(data) + 1)])
            os.kill(os.getpid(), signal.SIGKILL)
        write_all(file, data)

    for module in (_replacing, convert):
        vars(module)["write_all"] = write_counted
    for name in ("open", "replace", "unlink", "fsync"):
        setattr(os, name, counted(getattr(os, name)))


KIND = Kind("conversions", case, cost=1000)

"""Git trees with hostile names: `miniagents diff REVISION:` writes nothing anywhere, and reads them or names them."""

import contextlib
import io
import os
import subprocess
import tempfile
from pathlib import Path
from random import Random
from typing import NamedTuple

from miniagents.cli import main
from scripts.fuzzing.definitions import Case, Kind
from scripts.fuzzing.hostile import PIECES, unseen

SCHEMA = b'{"title": "Order", "type": "object", "additionalProperties": false}'


class Entry(NamedTuple):
    """An entry of a tree."""

    name: str
    mode: str
    """The mode as git writes it: 100644 is a file, 120000 a symbolic link, 40000 a tree."""
    content: bytes | str
    """The content of a file, the target of a link, or the key of a tree."""


def git(*words: str, data: bytes = b"") -> str:
    """Run git in the current folder and return what it writes."""
    done = subprocess.run(["git", *words], input=data, capture_output=True, check=True)  # noqa: S603, S607
    return done.stdout.decode().strip()


def made_repository() -> None:
    """Make a repository of the current folder."""
    git("init", "--quiet")


def tree_of(*entries: Entry) -> str:
    """Write a tree as a hostile server could send it, and return its key; git itself would refuse some names."""
    data = b""
    for name, mode, content in entries:
        key = git("hash-object", "-w", "--stdin", data=content) if isinstance(content, bytes) else content
        data += f"{mode} ".encode() + os.fsencode(name) + b"\0" + bytes.fromhex(key)
    return git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", data=data)


def name_of(chance: Random) -> str:
    """Make a name that git can store."""
    text = "".join(chance.choices(PIECES, k=chance.randrange(1, 4))).replace("\0", "")
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") or "x"
    return text if chance.random() < 0.3 else f"{text}.schema.json"


def compared(entries: list[Entry]) -> str:
    """Compare a tree with a file, in a repository of its own.

    Raises:
        AssertionError: A file was written, or the output commands a terminal, or the status is none of `diff`.
    """
    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer, "a", "b", "c")
        folder.mkdir(parents=True)
        with contextlib.chdir(folder):
            made_repository()
            Path("order.schema.json").write_bytes(SCHEMA)
            for name, mode, content in [each for each in entries if each.mode == "40000"]:
                entries.remove(Entry(name, mode, content))
                entries.append(Entry(name, mode, tree_of(Entry("x.schema.json", "100644", SCHEMA))))
            tree = tree_of(*entries)
            screen = io.StringIO()
            with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
                status = main(["diff", f"{tree}:", "order.schema.json", "--color", "never"])
            files = [each for each in Path(outer).rglob("*") if each.is_file() and ".git" not in each.parts]
        if [each.name for each in files] != ["order.schema.json"]:
            raise AssertionError(f"files were written: {files}")
    if status not in {0, 1, 2} or unseen(screen.getvalue(), but="\n"):
        raise AssertionError(f"status {status}, {screen.getvalue()!r}")
    return ("nothing broken", "a change", "refused")[status]


def case(number: int, chance: Random) -> Case:  # noqa: ARG001  # the number is in the chance
    """Make the entries of a tree."""
    modes = ("100644", "100644", "120000", "40000")
    entries = [Entry(name_of(chance), chance.choice(modes), SCHEMA) for _ in range(chance.randrange(1, 4))]
    return Case("tree", entries, lambda: compared([*entries]), seconds=20.0)


KIND = Kind("tree names", case, cost=4000)

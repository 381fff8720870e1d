"""All commands at a terminal, with hostile text at every place where text enters: nothing may command the terminal."""

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final, TypeAlias
from unittest import mock

from miniagents.cli import main
from miniagents.commands import _progress
from miniagents.messages import (
    AssistantMessage,
    ErrorMessage,
    Message,
    Reasoning,
    ToolCall,
    ToolResultMessage,
    UserMessage,
    encode,
)
from miniagents.messages.values.surrogates import mended
from scripts.fuzzing.definitions import Case, Kind
from scripts.fuzzing.hostile import PIECES, text, unseen

Place: TypeAlias = Callable[[str], list[str]]
"""Writes the files for a text into the current folder, and returns the command line."""


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def shown(arguments: list[str], run: Callable[[list[str]], int] = main) -> str:
    """Run a command at a terminal, and return all that it writes.

    Raises:
        AssertionError: The terminal would obey a part of it, or the exit status is none of a command.
    """
    screen = Terminal()
    environment = {"NO_COLOR": "1", "XDG_STATE_HOME": str(Path.cwd())}  # colours and bars are the program's own
    with (
        contextlib.redirect_stdout(screen),
        contextlib.redirect_stderr(screen),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(_progress, "_SECONDS", 1e9),
        mock.patch.object(sys, "argv", ["miniagents"]),
        mock.patch.object(sys, "path", [*sys.path]),
    ):
        status = run(arguments)
    out = screen.getvalue()
    if found := unseen(out, but="\n\t"):
        raise AssertionError(f"{found!r} in {out!r}")
    if status not in {0, 1, 2}:
        raise AssertionError(f"status {status}")
    return out


def name(text: str) -> str:
    """Return a text as the name of a file, as far as it can be one; half characters become bytes that are no UTF-8."""
    plain = text.replace("/", "").replace("\0", "")[:40]
    return plain.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") if plain.strip(".") else "x"


def written(path: str, data: bytes | str) -> str:
    """Write a file and return its path."""
    Path(path).write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
    return path


def schema(text: str, path: str = "a.json", more: Mapping[str, object] = MappingProxyType({})) -> str:
    """Write a schema with a property of a name and with more keywords, and return its path."""
    properties = {text: {"enum": [text, 1]}}
    return written(path, json.dumps({"title": "Order", "type": "object", "properties": properties, **more}))


def runs(text: str) -> str:
    """Write a file with a call in each of two runs, whose names have a text."""
    called = {"@type": "Identity", "kind": "agent", "name": text}
    calls = [{"@type": "CallRecord", "run": f"{text}{each}", "number": 1, "called": called} for each in "ab"]
    return written("runs.jsonl", "".join(f"{json.dumps(call)}\n" for call in calls))


def records(text: str, tag: str | None = None) -> str:
    """Write records in which nothing is escaped that JSON can hold unescaped, and return the path of the file."""
    safe = text.encode("utf-8", "replace").decode()
    record = {"@type": safe if tag is None else tag, safe: safe, "text": 1}
    return written("log.json", json.dumps(record, ensure_ascii=False) + "\n")


def answers(text: str) -> str:
    """Write a conversation whose messages have the text wherever they have text, and return the path of the file."""
    text = mended(text)  # messages cannot have half characters
    calls = tuple(ToolCall(id="1", name=text, arguments=arguments) for arguments in (text, json.dumps({text: text})))
    messages: tuple[Message, ...] = (
        AssistantMessage(text, model=text, reasoning=(Reasoning(text),), refusal=text, finish_reason="length"),
        AssistantMessage(None, tool_calls=calls),
        ToolResultMessage(text, tool_call_id="1", tool_name=text),
        ErrorMessage(text, error_type=text),
    )
    return written("talk.json", b"\n".join(map(encode, (UserMessage("x"), *messages))))


def module(line: str) -> str:
    """Write a module and return its path."""
    return written(
        "a.py", f"import warnings\nfrom miniagents import Message\nwarnings.simplefilter('always')\n{line}\n"
    )


_CHAT: Final = ("chat", "--no-save", "-o", "pause=0", "--ask", "x", "--model")

PLACES: Final[Mapping[str, Place]] = {
    # arguments
    "a command": lambda text: [text],
    "an option": lambda text: ["lint", f"--{text}"],
    "a choice": lambda text: ["lint", "--level", text, "x"],
    "a rule": lambda text: ["lint", "--ignore", text, "x"],
    "an output": lambda text: ["generate", "x", "--output", text],
    "a missing module": lambda text: ["export", name(text)],
    "versions": lambda text: ["diff", name(text), f"HEAD:{name(text)}"],
    "a revision": lambda text: ["diff", f"{name(text)}:x", "x"],
    "a topic": lambda text: ["guide", text],
    "a store": lambda text: ["runs", name(text)],
    "a shell": lambda text: ["completion", text],
    "a condition": lambda text: ["cat", "--where", text, "x"],
    "a missing file": lambda text: ["cat", name(text)],
    "a module of types": lambda text: ["cat", "--import", name(text), "x"],
    "a missing input": lambda text: ["convert", name(text), "out.json"],
    "an output without a format": lambda text: ["convert", written("in.json", "{}"), name(text)],
    "a model": lambda text: [*_CHAT, text],
    "an agent": lambda text: ["chat", text, "--ask", "x"],
    "an option of a model": lambda text: [*_CHAT, "scripted", "-o", text],
    "a question": lambda text: [*_CHAT, "scripted", "--ask", text],
    "a conversation": lambda text: [*_CHAT, "scripted", "--resume", name(text)],
    # names of files
    "a file of records": lambda text: ["cat", "--skip-errors", written(f"{name(text)}.json", '{"a\n')],
    "an input": lambda text: ["convert", "--skip-errors", written(f"{name(text)}.json", '{"a\n{}\n'), "out.msgpack"],
    "an existing conversation": lambda text: [*_CHAT, "scripted", "--file", written(f"{name(text)}.x", "")],
    "a schema file": lambda text: ["lint", str(Path(written(f"{name(text)}.schema.json", "{")).parent)],
    "a module file": lambda text: ["export", written(f"x{name(text)}.py", "1 +")],
    # records
    "records": lambda text: ["cat", records(text)],
    "pretty records": lambda text: ["cat", "--pretty", records(text)],
    "tags": lambda text: ["cat", "--count", records(text)],
    "wrong records": lambda text: ["cat", "--skip-errors", "--import", "miniagents", records(text)],
    "wrong fields": lambda text: ["convert", "--import", "miniagents", records(text, "UserMessage"), "out.msgpack"],
    "the names of runs": lambda text: ["picture", runs(text)],
    "a run": lambda text: ["picture", runs("x"), name(text)],
    # schemas
    "descriptions": lambda text: ["generate", schema(text, more={"description": text}), "--output", "b.py"],
    "titles": lambda text: ["generate", schema("n", more={"title": text}), "--output", "b.py"],
    "the present module": lambda text: ["generate", schema("n"), "--check", "--output", written("b.py", text)],
    "references": lambda text: ["lint", schema(text, more={"$ref": text, "$id": text, "$anchor": text})],
    "dialects": lambda text: ["lint", schema(text, more={"$schema": text, text: text})],
    "findings": lambda text: ["lint", "--level", "strict", schema(text, more={"$defs": {text: {"pattern": text}}})],
    "findings for programs": lambda text: ["lint", "--format", "json", schema(text, more={"$defs": {text: True}})],
    "changes": lambda text: ["diff", schema("n"), schema(text, "b.json", {"title": text})],
    "changes for programs": lambda text: ["diff", "--format", "json", schema(text), schema("n", "b.json")],
    # modules
    "a docstring": lambda text: ["export", module(f"class A(Message):\n    {text!a}\n    a: int")],
    "an exception": lambda text: ["export", module(f"raise ValueError({text!a})")],
    "a warning": lambda text: ["export", module(f"warnings.warn({text!a})")],
    # models
    "answers": lambda text: [*_CHAT, f"scripted:{answers(text)}"],
    "a wrong conversation": lambda text: [*_CHAT, f"scripted:{records(text)}"],
}
"""The places where text enters."""

FILES: Final[Mapping[str, list[str]]] = {
    "cat": ["cat", "a.json"],
    "cat of MessagePack": ["cat", "--skip-errors", "--count", "a.msgpack"],
    "convert": ["convert", "--skip-errors", "a.json", "b.msgpack"],
    "picture": ["picture", "a.json"],
    "generate": ["generate", "a.json", "--output", "b.py"],
    "generate --check": ["generate", "good.json", "--check", "--output", "a.py"],
    "lint of YAML": ["lint", "a.yaml"],
    "diff": ["diff", "a.json", "good.json"],
    "chat": [*_CHAT, "scripted:a.json"],
    "resumed chat": [*_CHAT, "scripted", "--resume", "a.json"],
}
"""The commands that read files, whose bytes may be any; a module is run by `export`, and must be trusted."""

BYTES: Final = (*(piece.encode("utf-8", "surrogatepass") for piece in PIECES), b"\xff", b'{"@type":"', b'"}\n', b"\xc1")


def show_at(place: str, text: str) -> str:
    """Run a command with a text at a place, in a folder of its own, and return all that it writes."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return shown(PLACES[place](text))


def show_file(command: str, data: bytes) -> str:
    """Run a command that reads a file with some content, in a folder of its own, and return all that it writes."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        schema("n", "good.json")
        for file in ("a.json", "a.msgpack", "a.py", "a.yaml"):
            written(file, data)
        return shown(FILES[command])


def case(number: int, chance: Random) -> Case:
    """Make a text for a place, or the bytes of a file."""
    if number % 4:
        place, said = chance.choice(list(PLACES)), text(chance)
        return Case(place, said, lambda: "shown" if show_at(place, said) else "silent")
    command = chance.choice(list(FILES))
    data = chance.randbytes(30) if chance.random() < 0.3 else b"".join(chance.choices(BYTES, k=chance.randrange(9)))
    return Case(command, data, lambda: "shown" if show_file(command, data) else "silent")


KIND = Kind("terminal", case, cost=200)

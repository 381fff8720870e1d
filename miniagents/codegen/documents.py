"""Parse JSON files to trees in which every value knows its line.

The files are untrusted input. Text that is not JSON, repeated names, nesting that would exhaust the stack, and numbers
and characters that cannot be written again are all refused here, so that no other module has to handle them.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from miniagents.codegen.schema_errors import GenerationError, Problem

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_DEPTH = 128
"""The greatest depth of brackets: far more than people write, and far less than Python's stack allows."""
MAX_DIGITS = 4000
"""The greatest number of digits of an integer, which is less than Python's own limit."""


@dataclass(frozen=True, eq=False)
class Document:
    """One parsed file.

    Attributes:
        name: The file as errors name it.
        value: The JSON value.
    """

    name: str
    value: JsonValue
    _find_lines: Callable[[], dict[str, int]] = field(repr=False)

    @property
    def root(self) -> "Node":
        """The whole value, at the pointer `#`."""
        return Node(self, "#", self.value)

    @cached_property
    def lines(self) -> dict[str, int]:
        """The line of each JSON pointer; computed only when a problem needs it."""
        return self._find_lines()


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document: the document and a JSON pointer in it."""

    document: Document
    pointer: str

    def problem(self, keyword: str, wrong: str, remedy: str) -> Problem:
        """Return a problem at this place, with its line."""
        lines = self.document.lines
        known = self.pointer
        while known not in lines and "/" in known:  # values that an alias of YAML repeats have no lines of their own
            known = known.rpartition("/")[0]
        line = lines.get(known, 1)
        return Problem(self.document.name, line, 0, self.pointer, keyword, wrong, remedy)


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document."""

    document: Document
    pointer: str
    value: JsonValue

    @property
    def place(self) -> Place:
        """The place of the value."""
        return Place(self.document, self.pointer)

    def child(self, key: str) -> "Node":
        """Return the member `key` of an object."""
        if not isinstance(self.value, dict):
            raise TypeError(f"{self.pointer} is no object")
        return Node(self.document, f"{self.pointer}/{escape(key)}", self.value[key])

    def items(self) -> "list[Node]":
        """Return the elements of an array; none if the value is not an array."""
        if not isinstance(self.value, list):
            return []
        return [Node(self.document, f"{self.pointer}/{index}", value) for index, value in enumerate(self.value)]


def escape(key: str) -> str:
    """Return `key` as one step of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def has_half_character(text: str) -> bool:
    """Return whether a text holds a lone UTF-16 surrogate, which no file can hold."""
    return _HALF.search(text) is not None


def parse(name: str, data: bytes) -> Document:
    """Parse one file.

    Args:
        name: The name of the file, for errors.
        data: The content of the file.

    Raises:
        GenerationError: The file is not JSON, or is JSON that cannot be used safely.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise _refusal(name, line, column, "not JSON", "not UTF-8", "save the file as UTF-8") from None
    _check_depth(name, text)
    repeated = False

    def members(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        nonlocal repeated
        result = dict(pairs)
        repeated = repeated or len(result) < len(pairs)
        return result

    try:
        value: JsonValue = json.loads(
            text, object_pairs_hook=members, parse_float=_finite, parse_int=_short, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        raise _refusal(name, error.lineno, error.colno, "not JSON", error.msg, "correct the file") from None
    except ValueError as error:
        raise _refusal(
            name, 1, 1, "not JSON", str(error), "write numbers that a double or an integer can hold"
        ) from None
    if repeated:
        places = _scan(text)[1]
        raise GenerationError(
            tuple(
                Problem(
                    name, line, 0, pointer, "duplicate", "the name is given twice in one object", "keep one of them"
                )
                for pointer, line in places
            )
        )
    document = Document(name, value, lambda: _scan(text)[0])
    if "\\u" in text:
        _check_surrogates(document)
    return document


_HALF = re.compile("[\ud800-\udfff]")
# String, bracket, separator or bare word. Every alternative matches in linear time: a string that is not closed runs to
# the end instead of being tried again from each of its quotes.
TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
"""One token of JSON; what is between tokens is white space."""


def _refusal(name: str, line: int, column: int, keyword: str, wrong: str, remedy: str) -> GenerationError:
    return GenerationError((Problem(name, line, column, "", keyword, wrong, remedy),))


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"the number {digits[:40]} is out of range")
    return number


def _short(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"the number {digits[:40]}... is out of range")
    return int(digits)


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is no JSON number")


def _check_depth(name: str, text: str) -> None:
    depth = 0
    for match in TOKEN.finditer(text):
        mark = match.group()
        if mark in {"{", "["}:
            depth += 1
            if depth > MAX_DEPTH:
                line = text.count("\n", 0, match.start()) + 1
                column = match.start() - text.rfind("\n", 0, match.start())
                wrong = f"nested deeper than {MAX_DEPTH} levels"
                raise _refusal(name, line, column, "nesting", wrong, 'move inner schemas to "$defs"')
        elif mark in {"}", "]"}:
            depth -= 1


def _check_surrogates(document: Document) -> None:
    """Raise an error if a string has a lone UTF-16 surrogate, which no file can hold."""
    problems: list[Problem] = []
    todo: list[tuple[str, JsonValue]] = [("#", document.value)]
    while todo:
        pointer, value = todo.pop()
        texts: list[str] = []
        if isinstance(value, dict):
            texts = list(value)
            todo.extend((f"{pointer}/{escape(key)}", item) for key, item in value.items())
        elif isinstance(value, list):
            todo.extend((f"{pointer}/{index}", item) for index, item in enumerate(value))
        elif isinstance(value, str):
            texts = [value]
        if any(map(has_half_character, texts)):
            place = Place(document, pointer)
            problems.append(place.problem("string", "it holds half of a surrogate pair", "write both halves"))
    if problems:
        raise GenerationError(tuple(problems))


@dataclass(slots=True)
class _Frame:
    """An object or array that is being scanned."""

    pointer: str
    is_object: bool
    wants_key: bool
    key: str = ""
    index: int = 0
    seen: set[str] = field(default_factory=set[str])

    def here(self) -> str:
        return f"{self.pointer}/{escape(self.key) if self.is_object else self.index}"


def _scan(text: str) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Return the line of every pointer in valid JSON, and the members that repeat a name."""
    lines: dict[str, int] = {}
    repeated: list[tuple[str, int]] = []
    stack: list[_Frame] = []
    line, last = 1, 0
    for match in TOKEN.finditer(text):
        mark = match.group()
        line += text.count("\n", last, match.start())
        last = match.start()
        top = stack[-1] if stack else None
        if mark in {"}", "]"}:
            stack.pop()
        elif mark == ",":
            if top is not None:
                top.wants_key = top.is_object
                top.index += 1
        elif mark == ":":
            continue
        elif top is not None and top.wants_key:
            top.key, top.wants_key = str(json.loads(mark)), False
            if top.key in top.seen:
                repeated.append((top.here(), line))
            top.seen.add(top.key)
            lines[top.here()] = line
        else:
            pointer = top.here() if top is not None else "#"
            lines.setdefault(pointer, line)
            if mark in {"{", "["}:
                stack.append(_Frame(pointer, is_object=mark == "{", wants_key=mark == "{"))
    return lines, repeated

"""The page on moving from 0.0.35 has every public name of that release, and what it names of this one is there."""

import builtins
import importlib
import inspect
import keyword
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

import miniagents
from miniagents import chat, promising, wire
from miniagents.ext import llm
from miniagents.ext.llm.anthropic import MessagesOptions
from miniagents.ext.llm.openai import ChatOptions

PAGE: Final = (Path(miniagents.__file__).parent / "guide" / "from-0.0.35.md").read_text(encoding="utf-8")
NAMES: Final = (Path(__file__).parent.parent / "data" / "names-0.0.35.txt").read_text(encoding="utf-8")
VERDICTS: Final = {"same", "renamed", "other contract", "not there"}
OPTIONS: Final = {
    "create_openai_agent": ChatOptions.__annotations__,
    "create_anthropic_agent": MessagesOptions.__annotations__,
}
"""What these take besides the parameters in their signatures."""


@dataclass(frozen=True)
class Row:
    """A line of the table of a module."""

    module: str
    old: str
    verdict: str
    here: str


def rows_of(page: str) -> Iterator[Row]:
    for section in page.split("\n### ")[1:]:
        heading, _, text = section.partition("\n")
        for line in re.findall(r"^\| (`.*) \|$", text, re.MULTILINE):
            yield Row(heading.strip("`"), *re.split(r" \| ", line))


def old_names(row: Row) -> Iterator[str]:
    """The names of 0.0.35 in the first column: `f(a=, b=)` stands for two parameters."""
    for span in re.findall(r"`(.*?)`", row.old):
        name, _, parameters = span.partition("(")
        if parameters:
            yield from (f"{row.module} {name}({parameter}=)" for parameter in re.findall(r"\w+", parameters))
        else:
            yield f"{row.module} {name}"


def references(row: Row) -> list[str]:
    """What the third column says of this package and of Python: dotted names, perhaps with a parameter."""
    spans = re.findall(r"`(.*?)`", row.here)
    return [span for span in spans if re.fullmatch(r"[\w.]+(\(\w+=\))?", span) and not keyword.iskeyword(span)]


def found(name: str) -> object:
    """The value that a dotted name stands for.

    Raises:
        LookupError: There is none.
    """
    first, *rest = name.split(".")
    for module in (miniagents, llm, promising, wire, chat):
        if first in module.__all__:
            return member(getattr(module, first), rest)
    if hasattr(builtins, first):
        return member(getattr(builtins, first), rest)
    for end in range(len(name.split(".")), 0, -1):
        path = [first, *rest]
        try:
            module = importlib.import_module(".".join(path[:end]))
        except ImportError:
            continue
        return member(module, path[end:])
    raise LookupError(name)


def member(value: object, path: list[str]) -> object:
    for name in path:
        if name.startswith("_") or not hasattr(value, name):
            raise LookupError(name)
        value = getattr(value, name)
    return value


def check(reference: str) -> None:
    """Find a name, and its parameter.

    Raises:
        LookupError: It is not there.
    """
    name, _, parameter = reference.removesuffix("=)").partition("(")
    value = found(name)
    if parameter:
        if not callable(value):
            raise LookupError(f"{name} takes no parameters")
        if parameter not in {**inspect.signature(value).parameters, **OPTIONS.get(name, {})}:
            raise LookupError(reference)


ROWS: Final = tuple(rows_of(PAGE))


def test_every_name_is_in_the_table_of_its_module_once() -> None:
    known = {line for line in NAMES.splitlines() if not line.startswith("#")}
    named = Counter(name for row in ROWS for name in old_names(row))
    assert len(known) > 450
    assert not known - named.keys()
    assert not named.keys() - known
    assert [name for name, times in named.items() if times > 1] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.module}:{row.old[:40]}")
def test_a_row_refers_to_what_is_there(row: Row) -> None:
    assert row.verdict in VERDICTS
    for reference in references(row):
        check(reference)
    if row.verdict != "not there":
        assert references(row)


@pytest.mark.parametrize(
    "reference",
    [
        "Mesage",
        "Message.content",
        "MiniAgents(start_soon=)",
        "miniagents.messages.TextMessage",
        "promising._pieces",
        "DEFAULT(name=)",
    ],
)
def test_what_is_not_there_is_found_out(reference: str) -> None:
    with pytest.raises(LookupError):
        check(reference)


@pytest.mark.parametrize("old", ["miniagents.ext.llms", "miniagents.ext.llms.openai"])
def test_the_old_place_of_models_says_the_new_one(old: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="write `from miniagents.ext.llm import create_openai_agent`"):
        importlib.import_module(old)

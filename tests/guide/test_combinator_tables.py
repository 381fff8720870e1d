"""The guide's tables name every combinator, and nothing else."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import miniagents.composition
import miniagents.promising
from miniagents import MessagePromise, MessageSequencePromise, MiniAgent, Promise, StreamedPromise

GUIDE: Final = Path(miniagents.__file__).parent / "guide"
COMBINATORS: Final = (GUIDE / "combinators.md").read_text(encoding="utf-8")
PROMISES: Final = (Promise, StreamedPromise, MessagePromise, MessageSequencePromise)


def named_in_tables() -> set[str]:
    """What stands in front of a bracket, or behind a dot, in the first column."""
    cells = re.findall(r"^\| (.*?) \| ", COMBINATORS, re.MULTILINE)
    code = " ".join(piece for cell in cells for piece in re.findall(r"`(.*?)`", cell))
    return {name for match in re.finditer(r"(\w+)\(|\.(\w+)\b", code) for name in match.groups() if name}


def gives_a_promise(member: object) -> bool:
    function = getattr(member, "__func__", getattr(member, "fget", member))  # of a class method, of a property
    returned = str(getattr(function, "__annotations__", {}).get("return", ""))
    return bool(re.search(r"\b(Promise|Stream|StreamedPromise|MessagePromise|MessageSequencePromise)\[", returned))


def combinators() -> Iterator[str]:
    for cls in PROMISES:
        for name, member in inspect.getmembers_static(cls):
            if not name.startswith("_") and gives_a_promise(member):
                yield name
    yield from (name for name in miniagents.promising.__all__ if gives_a_promise(getattr(miniagents.promising, name)))
    functions = (getattr(miniagents.composition, name) for name in miniagents.composition.__all__)
    yield from (function.__name__ for function in functions if inspect.isfunction(function))
    yield from (name for name in dir(MiniAgent) if name.startswith("with_"))


def test_each_combinator_has_its_line_in_a_table() -> None:
    known = set(combinators())
    assert {"map", "then_pieces", "gather", "of_type", "events", "chain", "with_retry"} <= known
    missing = known - named_in_tables()
    assert not missing, f"the guide's tables of combinators lack {sorted(missing)}"


ELSE: Final = {"Promise", "exponential_backoff"}
"""What the tables mention besides: a class in front of its method, and what a combinator is given."""


def test_nothing_else_stands_in_the_tables() -> None:
    unknown = named_in_tables() - set(combinators()) - ELSE
    assert not unknown, f"there are no combinators {sorted(unknown)}: correct the guide's tables"


@pytest.mark.parametrize("line", re.findall(r"^\|.*", COMBINATORS, re.MULTILINE))
def test_a_line_has_two_columns(line: str) -> None:
    assert len(line.strip("|").split("|")) == 2

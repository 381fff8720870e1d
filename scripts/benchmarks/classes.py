"""Measures the first encoding and the first decoding after one more class was made, when many classes are loaded.

This is what a program pays that imports many generated modules, or makes classes while it runs. It is measured in an
interpreter of its own, so that other workloads do not meet the classes.
"""

from __future__ import annotations

import subprocess
import sys
import time
import types
from typing import TYPE_CHECKING, Any, Final, Union

import msgspec

from scripts.benchmarks.processes import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.benchmarks.watch import Watch

__all__ = ["after_one_more_class", "main"]

LOADED: Final = 1000


def after_one_more_class(watch: Watch, n: int, side: str, verb: str) -> None:
    """Take the CPU time of the first `verb` after one more class was made, on average of `n` times."""
    ran = subprocess.run(  # noqa: S603  # our own command
        command(sys.executable, "classes", side, verb, str(n)), capture_output=True, check=True, text=True
    )
    watch.figures["cpu"] = float(ran.stdout)


def main() -> None:
    """Print the seconds that all the first calls took together: side, verb and number of classes."""
    side, verb, n = sys.argv[1:]
    first = {"ours": _ours, "limit": _limit}[side](verb)
    first()  # a program does more before this than its first call
    print(sum(first() for _ in range(int(n))))


def _ours(verb: str) -> Callable[[], float]:
    """Return a function that makes a class and returns the seconds of the next call of `encode` or `decode`."""
    from miniagents import Message, decode, encode  # noqa: PLC0415  # the limit does without them

    def make(place: int) -> type[Message]:
        names: dict[str, Any] = {
            "__module__": __name__,
            "__annotations__": {"note": Message, "label": str},
        }  # Any: as in a class
        return types.new_class(f"Kind{place}", (Message,), {"kw_only": True}, lambda body: body.update(names))

    classes = [make(place) for place in range(LOADED)]
    cls: Any = classes[0]  # Any: no type checker sees its fields
    value = cls(note=Message("a note"), label="a label")
    data = encode(value)

    def first() -> float:
        classes.append(make(len(classes)))
        start = time.process_time()
        if verb == "encode":
            encode(value)
        else:
            decode(data, Message)
        return time.process_time() - start

    return first


def _limit(verb: str) -> Callable[[], float]:
    """Return such a function for bare Structs, which are decoded as the union of all classes."""

    def make(place: int) -> Any:  # Any: a class with fields that no type checker sees
        fields = [("note", _Base), ("label", str)]
        return msgspec.defstruct(f"Kind{place}", fields, bases=(_Base,), tag_field="@type", tag=f"Kind{place}")

    union: Any = Union  # Any: of classes that no type checker sees
    classes = [make(place) for place in range(LOADED)]
    value = classes[0](note=_Base(), label="a label")
    data = msgspec.json.encode(value)

    def first() -> float:
        classes.append(make(len(classes)))
        start = time.process_time()
        if verb == "encode":
            msgspec.json.Encoder().encode(value)
        else:
            msgspec.json.Decoder(union[tuple(classes)]).decode(data)
        return time.process_time() - start

    return first


class _Base(msgspec.Struct, tag_field="@type", tag="Base"):
    """The class of the notes of the limit's values."""

"""Measures the first encoding and the first decoding after one more class was made, when many classes are loaded.

This is what a program pays that imports many generated modules, or makes classes while it runs. It is measured in an
interpreter of its own, so that other workloads do not meet the classes.
"""

from __future__ import annotations

import subprocess
import sys
import time
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Union

import msgspec

from scripts.benchmarks.processes import command

if TYPE_CHECKING:
    from scripts.benchmarks.watch import Watch

__all__ = ["after_one_more_class", "main"]

LOADED: Final = 1000


def after_one_more_class(watch: Watch, n: int, side: str) -> None:
    """Take the CPU time of the first encoding and of the first decoding after each of `n` more classes was made."""
    ran = subprocess.run(  # noqa: S603  # our own command
        command(sys.executable, "classes", side, str(n)), capture_output=True, check=True, text=True
    )
    watch.figures["encode"], watch.figures["decode"] = map(float, ran.stdout.split())


def main() -> None:
    """Print the seconds of all first encodings, and those of all first decodings: side and number of classes."""
    side, n = sys.argv[1:]
    make, encode, decode = {"ours": _ours, "limit": _limit}[side]()
    for work in (encode, decode):
        seconds = 0.0
        for _ in range(int(n)):
            make()
            start = time.process_time()
            work()
            seconds += time.process_time() - start
        print(seconds)


_Work = Callable[[], object]


def _ours() -> tuple[_Work, _Work, _Work]:
    """Load many classes, and return functions that make one more, encode a value, and decode it."""
    from miniagents import Message, decode, encode  # noqa: PLC0415  # the limit does without them

    classes: list[Any] = []  # Any: no type checker sees the fields of these classes

    def make() -> None:
        annotations = {"note": Message, "label": str}
        names: dict[str, Any] = {"__module__": __name__, "__annotations__": annotations}  # Any: as in a class
        name = f"Kind{len(classes)}"
        classes.append(types.new_class(name, (Message,), {"kw_only": True}, lambda body: body.update(names)))

    for _ in range(LOADED):
        make()
    value = classes[0](note=Message("a note"), label="a label")
    data = encode(value)
    return make, lambda: encode(value), lambda: decode(data, Message)


def _limit() -> tuple[_Work, _Work, _Work]:
    """Return such functions for bare Structs, which are decoded as the union of all classes."""
    union: Any = Union  # Any: of classes that no type checker sees
    classes: list[Any] = []  # Any: as above

    def make() -> None:
        fields = [("note", _Base), ("label", str)]
        name = f"Kind{len(classes)}"
        classes.append(msgspec.defstruct(name, fields, bases=(_Base,), tag_field="@type", tag=name))

    for _ in range(LOADED):
        make()
    value = classes[0](note=_Base(), label="a label")
    data = msgspec.json.encode(value)
    return (
        make,
        lambda: msgspec.json.Encoder().encode(value),
        lambda: msgspec.json.Decoder(union[tuple(classes)]).decode(data),
    )


class _Base(msgspec.Struct, tag_field="@type", tag="Base"):
    """The class of the notes of the limit's values."""

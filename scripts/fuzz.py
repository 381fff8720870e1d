"""Feeds damaged and random bytes to every reader of untrusted input, and reports missing typed errors and delays.

Inputs are made from a seed. `scripts/fuzz --seed SEED --count 1 --start NUMBER` makes one of them again.
"""

import argparse
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from miniagents.messages import (
    AssistantMessage,
    Codec,
    DecodeError,
    ErrorMessage,
    Format,
    FrozenDict,
    JsonValue,
    Message,
    Record,
    UserMessage,
    encode,
)
from miniagents.messages.values.record import NO_EXTRAS, Extras
from miniagents.wire import RecordDecoder
from miniagents.wire._frames import Frame
from miniagents.wire.splitting import frame

MAX_BYTES = 1 << 12
SLOW = 2.0
"""The seconds that one input may take, on a busy machine too."""


class Sample(Message, kw_only=True, tag="fuzz.Sample"):
    """A message with a field of most kinds."""

    number: int = 0
    ratio: float = 0.0
    raw: bytes = b""
    key: UUID | None = None
    at: datetime | None = None
    by_number: Mapping[int, bytes] = FrozenDict()  # immutable
    anything: object = None
    parts: tuple[Message, ...] = ()


class Point(Record, frozen=True, kw_only=True):
    """An open record."""

    x: float
    label: str | msgspec.UnsetType = msgspec.UNSET
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


VALUES: tuple[object, ...] = (
    UserMessage("Hello, wörld"),
    AssistantMessage("x" * 40, model="some-model"),
    ErrorMessage("no", error_type="builtins.ValueError", callers=("a", "b")),
    Sample(number=2**40, ratio=1.5, raw=b"\x00\xff", key=UUID(int=7), anything={"a": [1, None, 2.5]}),
    Sample(at=datetime(2024, 1, 2, tzinfo=UTC), by_number={1: b"x"}, parts=(UserMessage("in it"), Sample())),
    Point(x=1.0, extra_properties={"more": (1, {"a": True})}),
)
GOOD: dict[Format, list[bytes]] = {
    "json": [encode(value) for value in VALUES],
    "msgpack": [encode(value, "msgpack") for value in VALUES],
}
PIECES: tuple[bytes, ...] = (
    *(b"[", b"]", b"{", b"}", b'"', b",", b":", b"null", b"true", b"NaN", b"-", b"1e999", b"\\ud800", b"\n", b"\x00"),
    *(b"\xff", b"\xc1", b"\xc1\x00\x00\x00\x02", b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc7\x00\x05"),
    *(b"\xcb\x7f\xf8", b"\x91", b'"@type":', b'{"@type":"Message"}', b'"@extra":', b"\xa5@type", b"\x1f\x8b"),
    *(b"9" * 5000, b"[" * 1200, b"\x91" * 1200),
)

Read = Callable[[bytes], object]


def readers() -> dict[str, Read]:
    """Return all readers by their names. Each may raise only `DecodeError`."""
    found: dict[str, Read] = {}
    formats: tuple[Format, Format] = ("json", "msgpack")
    for format in formats:  # noqa: A001  # the field's word
        codecs: list[tuple[str, Codec[Any]]] = [  # Any: codecs of many types
            ("Message", Codec(Message, format)),
            ("keep", Codec(Message, format, unknown="keep")),
            ("ignore", Codec(Message, format, unknown="ignore")),
            ("union", Codec(UserMessage | Sample, format)),
            ("record", Codec(Point, format)),
            ("many", Codec(tuple[Message, ...], format)),
            ("object", Codec(object, format)),
            ("frame", Codec(Frame, format)),
        ]
        for name, codec in codecs:
            found[f"{format} {name}"] = codec.decode
        found[f"{format} records"] = partial(read_all, codecs[0][1])
    return found


def read_all(codec: Codec[Any], data: bytes) -> None:  # Any: the codec may be of any type
    """Read records from data that arrives in two pieces.

    Raises:
        LookupError: The data gave neither records nor errors.
    """
    decoder = RecordDecoder(codec, max_bytes=MAX_BYTES)
    middle = len(data) // 2
    parts = (*decoder.feed(data[:middle]), *decoder.feed(data[middle:]), *decoder.finish())
    if data.strip() and not parts:
        raise LookupError("the decoder ignored data without an error")


def an_input(number: int, seed: int, format: Format, *, many: bool) -> bytes:
    """Make an input: a damaged good one, pieces of good ones, or random bytes.

    Args:
        number: The number of the input.
        seed: The seed; the same seed and number make the same input.
        format: The format of the good inputs.
        many: Whether the input may have several records.
    """
    chance = random.Random(seed * 1_000_003 + number)  # noqa: S311  # the input must be reproducible
    kind = chance.random()
    if kind < 0.1:
        return chance.randbytes(chance.randrange(80))
    if kind < 0.2:
        return b"".join(chance.choices(PIECES, k=chance.randrange(1, 12)))
    payloads = chance.choices(GOOD[format], k=chance.randrange(1, 4))
    if not many:
        data = bytearray(payloads[0])
    else:
        data = bytearray(b"".join(each + b"\n" if format == "json" else frame(each) for each in payloads))
    for _ in range(chance.randrange(5)):
        place = chance.randrange(len(data) + 1)
        change = chance.random()
        if change < 0.4 and place < len(data):
            data[place] = chance.randrange(256)
        elif change < 0.6:
            del data[place : place + chance.randrange(8)]
        elif change < 0.8:
            data[place:place] = chance.choice(PIECES)
        else:
            data[place:place] = data[chance.randrange(len(data) + 1) :][: chance.randrange(40)]
    return bytes(data)


def main() -> int:
    """Feed the inputs that the command line asks for; return 1 if a reader failed with one of them."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="the number of inputs (default: 100,000)")
    parser.add_argument("--start", type=int, default=0, help="the number of the first input")
    parser.add_argument("--seed", type=int, default=0, help="the seed that inputs are made from (default: 0)")
    options = parser.parse_args()
    everything = tuple(readers().items())
    ends: Counter[str] = Counter()
    wrong = 0
    began = time.monotonic()
    for number in range(options.start, options.start + options.count):
        name, read = everything[number % len(everything)]
        data = an_input(number, options.seed, "json" if "json" in name else "msgpack", many="records" in name)
        before = time.perf_counter()
        try:
            read(data)
        except DecodeError:
            ends["a typed error"] += 1
        except BaseException as error:  # noqa: BLE001  # a panic of an extension is no Exception
            if isinstance(error, KeyboardInterrupt):
                break
            wrong += 1
            print(f"{name}: {type(error).__qualname__}: {error}\n  input {number}: {data!r:.400}")
        else:
            ends["read"] += 1
        took = time.perf_counter() - before
        if took > SLOW:
            wrong += 1
            print(f"{name}: {took:.2f} s\n  input {number}: {data!r:.400}")
        if number % 250_000 == 249_999:
            print(f"{number + 1} inputs, {time.monotonic() - began:.0f} s", flush=True)
    done = sum(ends.values()) + wrong
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)
    print(f"{done} inputs: {dict(ends)}, {wrong} wrong; {time.monotonic() - began:.0f} s, {memory} MB at most")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

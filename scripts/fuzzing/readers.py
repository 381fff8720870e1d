"""Damaged and random bytes for every reader of messages and records: it may raise only typed errors."""

import random
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
from miniagents.wire._generated import Frame
from miniagents.wire.splitting import frame
from scripts.fuzzing.definitions import Case, Kind

MAX_BYTES = 1 << 12


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


def an_input(chance: random.Random, format: Format, *, many: bool) -> bytes:
    """Make an input: a damaged good one, pieces of good ones, or random bytes.

    Args:
        chance: The source of chance.
        format: The format of the good inputs.
        many: Whether the input may have several records.
    """
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


def case(number: int, chance: random.Random) -> Case:
    """Make an input for the reader whose turn it is."""
    name, read = READERS[number % len(READERS)]
    data = an_input(chance, "json" if "json" in name else "msgpack", many="records" in name)

    def run() -> str:
        try:
            read(data)
        except DecodeError:
            return "a typed error"
        return "read"

    return Case(name, data, run)


READERS = tuple(readers().items())
KIND = Kind("readers", case)

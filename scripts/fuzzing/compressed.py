"""Damaged compressed records: all records of the undamaged streams are read, in bounded steps."""

from random import Random
from typing import Final

from miniagents.messages import Codec, DecodeError, Format, Message
from miniagents.wire import Compression, RecordDecoder, RecordError
from miniagents.wire.compression import deflater_of
from miniagents.wire.splitting import frame
from scripts.fuzzing.definitions import Case, Kind
from scripts.fuzzing.readers import GOOD, MAX_BYTES, an_input

MOST_BYTES: Final = 1 << 20
"""The most decompressed bytes that are read."""
CODECS: dict[Format, Codec[Message]] = {"json": Codec(Message, "json"), "msgpack": Codec(Message, "msgpack")}


def compressions() -> tuple[Compression, ...]:
    """Return the compressions that this Python has."""
    try:
        deflater_of("zstd")
    except ModuleNotFoundError:
        return ("gzip",)
    return ("gzip", "zstd")


COMPRESSIONS: Final = compressions()


def compressed(data: bytes, compression: Compression) -> bytes:
    """Return one compressed stream."""
    deflater = deflater_of(compression)
    return deflater.compress(data) + deflater.flush()


def damaged(data: bytes, chance: Random) -> bytes:
    """Return bytes of which some were changed, are missing or were added."""
    changed = bytearray(data)
    place, kind = chance.randrange(len(changed)), chance.random()
    if kind < 0.4:
        changed[place] ^= 1 << chance.randrange(8)
    elif kind < 0.6:
        changed[place : place + 16] = chance.randbytes(16)
    elif kind < 0.8:
        del changed[place : place + chance.randrange(1, 60)]
    else:
        changed[place:place] = chance.randbytes(chance.randrange(1, 60))
    return bytes(changed)


def read(data: bytes, compression: Compression, format: Format, cut: int) -> tuple[list[Message], list[RecordError]]:
    """Read records from data that arrives in two pieces, step by step."""
    decoder = RecordDecoder(
        CODECS[format], compression=compression, max_bytes=MAX_BYTES, max_ratio=2000, max_total=MOST_BYTES
    )
    records: list[Message] = []
    errors: list[RecordError] = []
    for piece in (data[:cut], data[cut:], None):
        for step in decoder.steps(piece):
            for part in step:
                if isinstance(part, RecordError):
                    errors.append(part)
                else:
                    records += part
    return records, errors


def good_records(payloads: list[bytes], format: Format) -> list[Message]:  # the field's word
    """Return the records that can be read."""
    records: list[Message] = []
    for payload in payloads:
        try:
            records.append(CODECS[format].decode(payload))
        except DecodeError:
            continue
    return records


def case(number: int, chance: Random) -> Case:
    """Make several compressed streams, of which one is damaged or decompresses to anything at all."""
    compression = COMPRESSIONS[number % len(COMPRESSIONS)]
    format: Format = "json" if chance.random() < 0.5 else "msgpack"  # noqa: A001  # the field's word
    payloads = [chance.choices(GOOD[format], k=chance.randrange(1, 30)) for _ in range(chance.randrange(2, 6))]
    streams = [
        compressed(b"".join(each + b"\n" if format == "json" else frame(each) for each in stream), compression)
        for stream in payloads
    ]
    place = chance.randrange(len(streams))
    if chance.random() < 0.7:
        streams[place] = damaged(streams[place], chance)
    else:
        filling = chance.choice([b"x\n", b"\n", b"\x00", b"\xc1", b"[", an_input(chance, format, many=True)])
        streams[place] = compressed(filling * chance.randrange(1, 20_000), compression)
    data = b"".join(streams)
    cut = chance.randrange(len(data) + 1)
    before = good_records([each for stream in payloads[:place] for each in stream], format)
    behind = good_records([each for stream in payloads[place + 1 :] for each in stream], format)

    def run() -> str:
        records, errors = read(data, compression, format, cut)
        if records[: len(before)] != before:
            raise LookupError("records before the damage are missing")
        is_cut = any("max_total" in error.reason for error in errors)
        # bytes of JSON that have no line feed are a part of the next line, in whatever stream that is
        if not is_cut and format == "json" and behind[1:] and records[-len(behind) + 1 :] != behind[1:]:
            raise LookupError("records behind the damage are missing")
        return "read with errors" if errors else "read"

    return Case(f"{compression} {format}", data, run)


KIND = Kind("compressed", case, cost=200)

"""Bounds of the readers: memory, turns of the loop and the size of all data, whatever the bytes are."""

from __future__ import annotations

import asyncio
import gc
import gzip
import random
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple
from unittest import mock

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents import MiniAgents
from miniagents.chat.chat_errors import ChatError
from miniagents.chat.history import read_conversation
from miniagents.cli import main as run_command
from miniagents.messages import (
    Codec,
    DecodeError,
    Message,
    MessagePromise,
    MessageSequencePromise,
    UserMessage,
    encode,
)
from miniagents.promising.core.pieces import FAIR_SHARE
from miniagents.wire import (
    InputLimitError,
    RecordDecoder,
    RecordError,
    RecordReader,
    RecordTooLargeError,
    RemoteError,
    aread_records,
    compression as compressing,
    decode_stream,
    read_records,
)
from miniagents.wire.compression import BLOCK, Compression, deflater_of
from miniagents.wire.splitting import STRETCH, Part, frame
from tests.effort import examples, rounds
from tests.wire.kinds import in_pieces

Format = Literal["json", "msgpack"]
COMPRESSIONS = pytest.mark.parametrize("compression", ["gzip", "zstd"])
GOOD: Final = encode(UserMessage("Hello, and good morning")) + b"\n"


def compressed(data: bytes, compression: Compression | None) -> bytes:
    if compression is None:
        return data
    deflater = deflater_of(compression)
    return deflater.compress(data) + deflater.flush()


# Turns and memory ----------------------------------------------------------------------------------------------------


class Load(NamedTuple):
    """What the loop had to bear while records were read."""

    records: int
    errors: int
    turns: int
    most_errors: int
    """The most errors between two turns of the loop."""
    most_steps: int
    """The most steps of decoding between two turns."""


async def load_of(data: bytes, format: Format, *, is_raising: bool) -> Load:
    turns = errors = records = most_errors = most_steps = 0
    errors_before = steps = steps_before = 0

    async def count() -> None:
        nonlocal turns, errors_before, most_errors, steps_before, most_steps
        while True:
            turns += 1
            most_errors, errors_before = max(most_errors, errors - errors_before), errors
            most_steps, steps_before = max(most_steps, steps - steps_before), steps
            await asyncio.sleep(0)

    async def source() -> AsyncIterator[bytes]:
        yield data

    def tell(_: RecordError) -> None:
        nonlocal errors
        errors += 1

    decode = RecordDecoder[Message]._decoded  # each step of the work calls it once

    def decoded(self: RecordDecoder[Message], part: Part) -> object:
        nonlocal steps
        steps += 1
        return decode(self, part)

    counting = asyncio.create_task(count())
    await asyncio.sleep(0)
    with mock.patch.object(RecordDecoder, "_decoded", decoded):
        reader = aread_records(source(), Message, format, on_error=None if is_raising else tell)
        is_there_more = True
        while is_there_more:
            try:
                async for batch in reader.batches():
                    records += len(batch)
                is_there_more = False
            except RecordError:
                errors += 1
    counting.cancel()
    return Load(records, errors, turns, most_errors, most_steps)


MANY: Final = 1 << 19
LOADS: Final[dict[str, tuple[Format, bytes]]] = {
    "blank lines": ("json", b"\n" * MANY),
    "white space": ("json", b" \r\n" * (MANY // 3)),
    "wrong lines": ("json", b"x\n" * (MANY // 128)),
    "good lines": ("json", GOOD * (MANY // len(GOOD))),
    "a line that is too large": ("json", b"x" * (20 * MANY)),
    "zeros": ("msgpack", bytes(MANY)),
    "markers": ("msgpack", b"\xc1" * MANY),
    "wrong frames": ("msgpack", frame(b"\xc1") * (MANY // 64)),
}


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
@pytest.mark.parametrize("kind", LOADS)
def test_the_loop_gets_its_turns_whatever_the_bytes_are(kind: str, compression: Compression | None) -> None:
    written, data = LOADS[kind]
    for is_raising in (False, True):
        load = asyncio.run(load_of(compressed(data, compression), written, is_raising=is_raising))
        assert load.most_errors <= FAIR_SHARE
        assert load.most_steps <= 1
        assert load.turns >= load.errors // FAIR_SHARE
        assert load.records or load.errors or not data.strip()


DAMAGED: Final = gzip.compress(GOOD)[:-8] + bytes(8)
QUIET: Final[dict[str, tuple[Format, bytes, int]]] = {  # with the fewest turns
    "zeros behind a member": ("json", gzip.compress(GOOD) + bytes(MANY), MANY // STRETCH),
    "bytes behind damage": ("json", DAMAGED + b"\xff" * MANY, MANY // STRETCH),
    "members without bytes": ("json", gzip.compress(b"") * 4096, 16),
    "frames of zstd without bytes": ("json", compressed(b"", "zstd") * 4096, 16),
    "a large line in few bytes": ("json", gzip.compress(b"x" * (MANY << 3)), (MANY << 3) // BLOCK),
    "the rest of a line that is too large": ("json", b"x" * (MANY << 6), (MANY << 6) // STRETCH),
    "a line that never ends": ("json", b"[" * MANY, MANY // STRETCH),
    "a frame that never ends": ("msgpack", frame(bytes(2 * MANY))[:MANY], MANY // STRETCH),
    "places that may be frames, at the end": ("msgpack", b"\xc1\x00\x00\x00\x40" * (MANY // 5), MANY // STRETCH),
    "places that may be frames": ("msgpack", b"\xc1\x00\x00\x00\x40" * (MANY << 3), (MANY << 3) // STRETCH),
}


@pytest.mark.parametrize("kind", QUIET)
def test_the_loop_gets_its_turns_while_there_are_no_records(kind: str) -> None:
    """From a source that never waits."""
    written, data, turns = QUIET[kind]
    assert asyncio.run(load_of(data, written, is_raising=False)).turns >= turns


@pytest.mark.parametrize("kind", [kind for kind, (written, _) in LOADS.items() if written == "json"])
def test_a_line_is_decoded_in_steps_of_a_bounded_size(kind: str) -> None:
    _, data = LOADS[kind]
    decoder = RecordDecoder(Codec(Message), compression="gzip")
    steps = sum(1 for step in decoder.steps(gzip.compress(data)) for _ in [list(step)])
    if kind != "a line that is too large":  # nothing of it is decoded
        assert steps >= len(data) // STRETCH


@pytest.mark.parametrize("kind", [kind for kind in LOADS if kind != "a line that is too large"])
def test_compressed_data_takes_as_little_memory_as_plain_data(kind: str) -> None:
    """Per byte: none; in all: the step, and the largest record."""
    written, data = LOADS[kind][0], LOADS[kind][1][: MANY >> 2]
    peaks: list[int] = []
    for compression in (None, "gzip"):
        given_bytes = compressed(data, compression)
        tracemalloc.start()
        for _ in read_records([given_bytes], Message, written, on_error=lambda _: None, max_bytes=1 << 15):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 2 << 20


def test_a_record_in_tiny_pieces_takes_little_memory() -> None:
    """Not 30 times its size, for the objects that hold the pieces."""
    pieces = (b"xy" for _ in range(1 << 17))
    tracemalloc.start()
    errors: list[RecordError] = []
    assert not list(read_records(pieces, Message, on_error=errors.append, max_bytes=1 << 17))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(error) for error in errors] == [RecordTooLargeError]
    assert peak < 1 << 19


def test_a_window_of_zstd_is_as_large_as_records_may_be() -> None:
    """The header alone makes the decompressor take the memory: 128 MiB here, and 8 MiB are always allowed."""
    header = b"\x28\xb5\x2f\xfd\x00\x88\x11\x00\x00x"
    assert list(read_records([header, b""], Message, on_error=lambda _: None)) == []
    with pytest.raises(RecordError, match="requires too much memory"):
        list(read_records([header], Message, max_bytes=1 << 20))


def test_a_stream_lets_others_have_their_turn_between_bytes_without_frames() -> None:
    async def main() -> int:
        turns = 0

        async def source() -> AsyncIterator[bytes]:
            yield b"\n" * MANY
            for _ in range(MANY // 16):
                yield b""

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with MiniAgents():
            counting = asyncio.create_task(count())
            with pytest.raises(RecordError, match="the stream ended before its last frame"):
                await decode_stream(source(), Message)
            counting.cancel()
        return turns

    assert asyncio.run(main()) >= MANY // STRETCH + MANY // 16 // STRETCH


def test_a_stream_lets_others_have_their_turn_between_frames_behind_damage() -> None:
    """The next good frame is only found at the end of the bytes; then there are many."""
    text = frame(msgspec.msgpack.encode({"frame": "text", "text": "x"}))
    count = (1 << 20) // len(text)

    async def main() -> int:
        turns = 0

        async def source() -> AsyncIterator[bytes]:
            yield frame(b"damage")[:-1] + b"." + text * count

        async def tick() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with MiniAgents():
            promise = decode_stream(source(), Message, "msgpack")
            counting = asyncio.create_task(tick())
            reader = aiter(promise)
            with pytest.raises(RecordError, match="the frame is damaged"):
                await anext(reader)
            assert [said async for said in take(reader, count)] == ["x"] * count
            with pytest.raises(RecordError, match="the stream ended before its last frame"):
                await anext(reader)
            counting.cancel()
        return turns

    assert asyncio.run(main()) >= (1 << 20) // STRETCH


async def peak_of(promise: MessagePromise[Message] | MessageSequencePromise[Message]) -> int:
    """Return how many bytes are needed to read a stream to its end."""
    gc.collect()
    tracemalloc.start()
    with pytest.raises((DecodeError, RemoteError)):
        await promise
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


KEPT: Final[dict[str, tuple[object, str, int]]] = {  # with the bytes for each frame; the guide says them
    "texts": (Message, '{"frame":"text","text":"x"}', 150),
    "errors of the other process": (Message, '{"frame":"failed","error":{"type":"X","text":""}}', 1500),
    "messages": (tuple[Message, ...], '{"frame":"opened","number":%d}', 1500),
    "wrong lines": (Message, "x", 150),
    "wrong frames": (Message, '{"frame":"text"}', 150),
    "frames without a place": (Message, '{"frame":"end"}', 150),
    "frames without a message": (tuple[Message, ...], '{"frame":"text","text":"x","number":7}', 150),
    "wrong events": (Message, '{"frame":"event","event":{"@type":"X"}}', 500),
}


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize("kind", KEPT)
def test_a_stream_keeps_no_more_than_the_guide_says(kind: str) -> None:
    """Of wrong frames, it keeps a thousand."""
    form, line, most = KEPT[kind]
    count = 30_000 if most < 1000 else 4000

    async def source() -> AsyncIterator[bytes]:
        for number in range(count):
            yield (line % number if "%" in line else line).encode() + b"\n"

    async def main() -> int:
        async with MiniAgents():
            promise: MessagePromise[Message] | MessageSequencePromise[Message]
            if form is Message:
                promise = decode_stream(source(), Message, start_asap=False)
            else:
                promise = decode_stream(source(), tuple[Message, ...], start_asap=False)
            return await peak_of(promise)

    assert asyncio.run(main()) / count < most


WRONG: Final = [kind for kind, (_, _, most) in KEPT.items() if most < 1000 and kind != "texts"]


@pytest.mark.parametrize("kind", WRONG)
def test_a_stream_with_many_wrong_frames_ends(kind: str) -> None:
    """The source need not end."""
    form, line, _ = KEPT[kind]

    async def main() -> list[type[BaseException]]:
        async with MiniAgents():
            frames = aendless(line.encode() + b"\n")
            reader = aiter(
                decode_stream(frames, Message) if form is Message else decode_stream(frames, tuple[Message, ...])
            )
            seen: list[type[BaseException]] = []
            while True:
                try:
                    await anext(reader)
                except StopAsyncIteration:
                    return seen
                except DecodeError as error:
                    seen.append(type(error))

    errors = asyncio.run(main())
    assert len(errors) == 1001
    assert errors[-1] is InputLimitError
    assert InputLimitError not in errors[:-1]


@pytest.mark.parametrize(
    ("line", "most"),
    [
        ('{"@type":"Message"}', 200),
        ('{"@type":"UserMessage","text":"%d"}', 300),
        ('{"@type":"Unknown"}', 600),
        ('{"@type":"Unknown","object":{"a":1,"b":{}}}', 900),
    ],
)
def test_the_chat_keeps_the_messages_and_nothing_else(line: str, most: int, tmp_path: Path) -> None:
    """In bytes for each short message; the guide says them."""
    path = tmp_path / "talk.ndjson"
    path.write_text("".join(f"{line % number if '%' in line else line}\n" for number in range(10_000)))
    read_conversation(path)  # what is cached for a class is no part of it
    tracemalloc.start()
    messages = read_conversation(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(messages) == 10_000
    assert peak < 10_000 * most + (1 << 20)


# Limits of all the data ----------------------------------------------------------------------------------------------


def endless(block: bytes) -> Iterator[bytes]:
    while True:
        yield block


async def take(reader: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    for _ in range(count):
        yield await anext(reader)


async def aendless(block: bytes) -> AsyncIterator[bytes]:
    while True:
        yield block


@COMPRESSIONS
def test_a_bomb_is_refused(compression: Compression) -> None:
    deflater = deflater_of(compression)
    start = [deflater.compress(GOOD), *(deflater.compress(bytes(1 << 20)) for _ in range(8))]
    errors: list[RecordError] = []
    with mock.patch.object(compressing, "_ALLOWED", 1 << 20):
        records = list(read_records([*start, deflater.flush()], Message, on_error=errors.append, max_ratio=500))
    assert records == [UserMessage("Hello, and good morning")]
    assert [type(error) for error in errors[-1:]] == [InputLimitError]
    assert "no more than max_ratio=500 times their size is read" in str(errors[-1])
    assert errors[-1].offset >= len(GOOD)


def count(records: RecordReader[Message]) -> int:
    return sum(len([record]) for record in records)


def test_what_compresses_well_is_no_bomb() -> None:
    """Many equal messages in gzip, behind the bytes that are always allowed; zstd up to these; all without a limit."""
    data = GOOD * 100_000
    with mock.patch.object(compressing, "_ALLOWED", 1 << 20):
        assert count(read_records([compressed(data, "gzip")], Message)) == 100_000
        assert count(read_records([compressed(data, "zstd")], Message, max_ratio=None)) == 100_000
    assert count(read_records([compressed(data, "zstd")], Message)) == 100_000


@examples(100)
@given(st.integers(1, 400), st.lists(st.integers(0, 9999), max_size=4), st.sampled_from([None, "gzip", "zstd"]))
def test_a_total_cuts_the_data_and_says_so(most: int, cuts: list[int], compression: Compression | None) -> None:
    messages = [UserMessage("x" * number) for number in range(6)]
    lines = [encode(message) + b"\n" for message in messages]
    data = b"".join(lines)
    errors: list[RecordError] = []
    pieces = in_pieces(compressed(data, compression), cuts)
    records = list(read_records(pieces, Message, on_error=errors.append, max_total=most))
    within = [message for number, message in enumerate(messages) if len(b"".join(lines[: number + 1])) <= most]
    assert records == within
    if most >= len(data):
        assert errors == []
    else:
        offset = sum(map(len, lines[: len(within)]))
        assert [(type(error), error.offset, error.index) for error in errors] == [
            (InputLimitError, offset, len(within))
        ]
        assert f"max_total={most}" in str(errors[0])


def test_every_reader_stops_at_the_total_even_if_the_source_never_ends(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    errors: list[RecordError] = []
    read = read_records(endless(GOOD), Message, on_error=errors.append, max_total=1000)
    count = 1000 // len(GOOD)
    assert len(list(read)) == count

    async def main() -> int:
        reader = aread_records(aendless(GOOD), Message, on_error=errors.append, max_total=1000)
        found = len([message async for message in reader])
        async with MiniAgents():
            with pytest.raises(InputLimitError, match="max_total=1000"):
                await decode_stream(aendless(b'{"frame":"text","text":"x"}\n'), Message, max_total=1000)
        return found

    assert asyncio.run(main()) == count
    assert [type(error) for error in errors] == [InputLimitError, InputLimitError]
    path = tmp_path / "talk.jsonl"
    path.write_bytes(GOOD * 100)
    with pytest.raises(ChatError, match=r"talk\.jsonl: the data has more than max_total=1000 bytes"):
        read_conversation(path, max_total=1000)
    arguments = ["--max-total", "1000", "--skip-errors", str(path)]
    assert run_command(["cat", *arguments]) == 1
    assert run_command(["convert", *arguments, str(tmp_path / "out.jsonl")]) == 1
    assert (tmp_path / "out.jsonl").read_bytes() == GOOD * count == capsysbinary.readouterr().out


def test_limits_are_at_least_one() -> None:
    with pytest.raises(ValueError, match="max_ratio=0: the limit is at least 1, or None for no limit"):
        read_records([b""], Message, max_ratio=0)
    with pytest.raises(ValueError, match="max_total=0: the limit is at least 1, or None for no limit"):
        aread_records("nowhere", Message, max_total=0)


# Damage in compressed data -------------------------------------------------------------------------------------------


def streams_of(compression: Compression, chance: random.Random) -> tuple[list[list[UserMessage]], list[bytes]]:
    """Return messages and the compressed streams that hold them, each of some lines."""
    talks = [
        [
            UserMessage(f"{number}-{chance.random()}" * chance.randrange(1, 9))
            for number in range(chance.randrange(1, 60))
        ]
        for _ in range(6)
    ]
    return talks, [compressed(b"".join(encode(message) + b"\n" for message in talk), compression) for talk in talks]


@COMPRESSIONS
def test_damage_loses_no_more_than_its_stream(compression: Compression) -> None:
    chance = random.Random(5)
    told = 0
    for _ in range(rounds(150)):
        talks, streams = streams_of(compression, chance)
        damaged = chance.randrange(len(streams))
        data = bytearray(streams[damaged])
        kind = chance.randrange(3)
        if kind == 0:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        elif kind == 1:
            place = chance.randrange(len(data))
            data[place : place + 40] = chance.randbytes(40)
        else:
            del data[chance.randrange(len(data)) :]
        streams[damaged] = bytes(data)
        cuts = [chance.randrange(10_000) for _ in range(chance.randrange(4))]
        errors: list[RecordError] = []
        pieces = in_pieces(b"".join(streams), cuts)
        records = list(read_records(pieces, Message, compression=compression, on_error=errors.append))
        before = [message for talk in talks[:damaged] for message in talk]
        behind = [message for talk in talks[damaged + 1 :] for message in talk]
        assert records[: len(before)] == before
        assert not behind or records[-len(behind) :] == behind
        told += bool(errors)
        if len(records) < len(before) + len(talks[damaged]) + len(behind):
            assert errors or not data
    assert told


@COMPRESSIONS
def test_a_loss_says_how_much_may_be_missing(compression: Compression) -> None:
    chance = random.Random(3)
    talks, streams = streams_of(compression, chance)
    broken = bytearray(streams[2])
    broken[len(broken) // 2 : len(broken) // 2 + 8] = bytes(8)
    start = sum(map(len, streams[:2]))
    with pytest.raises(RecordError) as caught:
        list(read_records([b"".join((*streams[:2], broken, *streams[3:]))], Message))
    assert caught.value.size == len(broken)
    name = "member" if compression == "gzip" else "frame"
    text = str(caught.value)
    assert (
        f"the {compression} data is damaged in the {name} from byte {start} on, noticed behind byte {start}: " in text
    )
    assert f"{len(broken)} compressed bytes up to the next {name} at byte {start + len(broken)} are skipped" in text
    assert "records may be missing" in text
    errors: list[RecordError] = []
    records = list(read_records([b"".join((*streams[:2], broken))], Message, on_error=errors.append))
    assert records == [*talks[0], *talks[1]]
    assert f"no {name} follows, and the last {len(broken)} compressed bytes are skipped" in str(errors[0])


@COMPRESSIONS
def test_the_blocks_before_damage_are_read(compression: Compression) -> None:
    """gzip may notice damage by the checksum at the end: records before that may be wrong."""
    chance = random.Random(1)
    messages = [UserMessage(f"{number} {chance.random()}") for number in range(30_000)]
    data = bytearray(compressed(b"".join(encode(message) + b"\n" for message in messages), compression))
    place = len(data) // 2
    data[place : place + 100] = chance.randbytes(100)
    errors: list[RecordError] = []
    records = list(read_records([bytes(data)], Message, on_error=errors.append))
    good = next(
        (number for number, pair in enumerate(zip(records, messages, strict=False)) if pair[0] != pair[1]), len(records)
    )
    assert good > 30_000 // 4
    assert good == len(records) or compression == "gzip"
    assert "data is damaged in the" in str(errors[-1])


@pytest.mark.parametrize("line", [b"12345\n", b'"a text"\n', GOOD])
def test_the_end_of_a_line_behind_a_loss_is_no_record(line: bytes) -> None:
    """Streams may be cut anywhere: 45 is not the record 12345."""
    data = line * 3
    for cut in range(1, len(data)):
        first, second = bytearray(gzip.compress(data[:cut])), gzip.compress(data[cut:])
        first[-6] ^= 1
        records = list(read_records([bytes(first) + second], object, on_error=lambda _: None))
        assert records in [[*read_records([line * count], object)] for count in range(3)]


@COMPRESSIONS
def test_many_headers_in_damaged_data_cost_no_more_than_the_data(compression: Compression) -> None:
    """Each of them could hold all that follows: the work would grow with the square of the size."""
    header = (
        gzip.compress(b"")[:10] + b"\x00\xff\xff\x00\x00"
        if compression == "gzip"
        else b"\x28\xb5\x2f\xfd\x00\x58\x00\x00\x10"
    )
    data = header * ((4 << 20) // len(header))
    taken = 0
    inflater = compressing.Inflater(compression, None)
    new = inflater._new  # the count of bytes that are decompressed

    class Counting:
        def __init__(self) -> None:
            self.it = new()

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal taken
            before = len(data)
            try:
                return self.it.decompress(data, most)  # type: ignore[no-any-return]  # of zlib or zstd
            finally:
                taken += before - len(getattr(self.it, "unconsumed_tail", b""))

        def __getattr__(self, name: str) -> object:
            return getattr(self.it, name)

    inflater._new = Counting
    for _ in (*inflater.feed(data), *inflater.finish()):
        pass
    assert len(data) <= taken <= 3 * len(data) + (1 << 25)

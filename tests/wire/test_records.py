"""Records: nothing is lost in silence and nothing is decoded wrong, however the bytes are cut, torn off or damaged."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import pickle
import random
import socket
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import AssistantMessage, Codec, Message, UnknownMessage, UserMessage, encode
from miniagents.wire import (
    Compression,
    RecordDecoder,
    RecordError,
    RecordReader,
    RecordTooLargeError,
    RecordWriter,
    TornRecordError,
    aread_records,
    awrite_records,
    read_records,
    write_records,
)
from miniagents.wire.compression import deflater_of
from miniagents.wire.splitting import frame
from tests.effort import examples, rounds
from tests.wire.kinds import Any1, Reading, in_pieces, messages, small

Format = Literal["json", "msgpack"]
FORMATS = pytest.mark.parametrize("format", ["json", "msgpack"])
COMPRESSIONS = pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
formats = st.sampled_from(["json", "msgpack"])
TALK = tuple(
    UserMessage(f"question {number} ü") if number % 2 else AssistantMessage("x\n" * number) for number in range(12)
)


def written(values: Any, format: Format = "json", compression: Compression | None = None) -> bytes:  # Any: iterables
    file = io.BytesIO()
    write_records(file, values, format, compression=compression)
    return file.getvalue()


CODECS: Final[dict[Format, Codec[Message]]] = {"json": Codec(Message, "json"), "msgpack": Codec(Message, "msgpack")}
"""Making one, as `read_records` does, costs more than a few records."""


def decoded(
    data: bytes | list[bytes], format: Format = "json", compression: Compression | Literal["auto"] | None = "auto"
) -> tuple[list[Message], list[RecordError]]:
    """All records, and the errors among them."""
    decoder = RecordDecoder(CODECS[format], compression=compression)
    parts = [part for piece in ([data] if isinstance(data, bytes) else data) for part in decoder.feed(piece)]
    parts += decoder.finish()
    records = [record for part in parts if isinstance(part, list) for record in part]
    return records, [part for part in parts if isinstance(part, RecordError)]


def read(data: Any, format: Format = "json", **options: Any) -> tuple[list[Message], list[RecordError]]:  # Any: sources
    """The same of a reader."""
    errors: list[RecordError] = []
    source = [data] if isinstance(data, bytes) else data
    records: RecordReader[Message] = read_records(source, Message, format, on_error=errors.append, **options)
    return list(records), errors


async def as_they_come(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


# Round trips and splits ----------------------------------------------------------------------------------------------


@examples(100)
@given(st.lists(messages, max_size=6), formats, st.sampled_from([None, "gzip", "zstd"]), st.lists(st.integers(0, 9999)))
def test_m5_records_are_read_back_however_they_are_cut(
    values: list[Any1], format: Format, compression: Compression | None, cuts: list[int]
) -> None:
    pieces = in_pieces(written(values, format, compression), cuts)
    assert list(read_records(pieces, Any1, format)) == values

    async def read_async() -> list[Any1]:
        return [record async for record in aread_records(as_they_come(pieces), Any1, format)]

    assert asyncio.run(read_async()) == values


@FORMATS
@COMPRESSIONS
def test_every_split_into_two_and_into_single_bytes(format: Format, compression: Compression | None) -> None:
    data = written(TALK, format, compression)
    for cut in range(len(data) + 1):
        assert decoded([data[:cut], data[cut:]], format) == (list(TALK), [])
    assert decoded([data[place : place + 1] for place in range(len(data))], format) == (list(TALK), [])


@FORMATS
@COMPRESSIONS
def test_every_place_where_the_data_may_end(format: Format, compression: Compression | None) -> None:
    data = written(TALK, format, compression)
    ends = [0]
    for message in TALK:
        ends.append(ends[-1] + len(written([message], format)))
    for cut in range(len(data)):
        records, errors = decoded(data[:cut], format)
        assert records == list(TALK[: len(records)])
        if compression is not None:
            assert [type(error) for error in errors] == ([TornRecordError] if cut else [])
            continue
        whole = [end for end in ends if end <= cut]
        at_line_end = format == "json" and cut + 1 in ends  # only the line feed is missing
        assert len(records) == len(whole) - 1 + at_line_end
        if cut in ends or at_line_end:
            assert not errors
        else:
            (error,) = errors
            assert type(error) is TornRecordError
            assert (error.offset, error.index) == (whole[-1], len(records))


def test_a_number_at_the_end_may_have_had_more_digits() -> None:
    for tail in (b"12", b"1.5", b"-", b"tru", b'"a', b"[1", b"{"):
        errors: list[RecordError] = []
        assert list(read_records([b"1\n" + tail], object, on_error=errors.append)) == [1]
        assert [(type(error), error.offset) for error in errors] == [(TornRecordError, 2)]
    assert list(read_records([b'1\n[2]\n{"a":3} '], object)) == [1, [2], {"a": 3}]


def test_lines_of_others_are_read() -> None:
    data = b'{"@type":"Message","text":"a"}\r\n\n  \n {"@type":"UserMessage"} \n{"text":"b"}'
    assert list(read_records([data], Message)) == [Message("a"), UserMessage(), Message("b")]
    assert list(read_records([b""], Message)) == []
    assert list(read_records([], Message)) == []


def test_a_line_has_one_value() -> None:
    for data, good in ((b"1 2\n3\n", [3]), (b"[1,\n2]\n3\n", [3]), (b"1,2\n[1\n2]\n3\n", [3])):
        for cut in range(len(data)):
            errors: list[RecordError] = []
            assert list(read_records([data[:cut], data[cut:]], object, on_error=errors.append)) == good
            assert len(errors) == data.count(b"\n") - 1


# Damage --------------------------------------------------------------------------------------------------------------


@examples(150)
@given(st.data(), formats)
def test_damage_is_told_and_everything_else_is_read(data: st.DataObject, format: Format) -> None:
    """A frame that was damaged is never decoded; of lines, those that were not touched are read as they were."""
    good = written(TALK, format)
    damaged = bytearray(good)
    start = data.draw(st.integers(0, len(good) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=12))
    damaged[start : start + data.draw(st.integers(0, 12))] = junk
    if bytes(damaged) == good:
        return
    records, errors = decoded(bytes(damaged), format, compression=None)
    if format == "msgpack":
        assert errors
        untouched = [message for message in TALK if written([message], format) in damaged]
        assert [message for message in records if message in TALK] == records
        assert len(records) >= len(untouched) - 1  # two messages may be equal
    else:
        lines = bytes(damaged).split(b"\n")
        assert len(records) + len(errors) == len([line for line in lines if line.strip()])
        assert set(TALK) - set(records) <= {each for each in TALK if encode(each) not in lines}


@examples(60)
@given(st.integers(0, 10**6), st.integers(0, 7))
def test_each_bit_of_a_frame_counts(place: int, bit: int) -> None:
    data = bytearray(written(TALK, "msgpack"))
    data[place % len(data)] ^= 1 << bit
    records, errors = decoded(bytes(data), "msgpack")
    assert len(records) == len(TALK) - 1
    assert [message for message in TALK if message in records] == records
    assert len(errors) == 1


def test_reading_goes_on_behind_an_error() -> None:
    lines = [encode(message) for message in TALK[:4]]
    data = b"\n".join([lines[0], b'{"@type":"nope"}', lines[1], b"no json", lines[2], b""])
    reader = read_records([data], Message)
    seen: list[object] = []
    for _ in range(3):
        try:
            seen.extend(reader)
        except RecordError as error:
            seen.append((error.index, error.offset, error.size, error.path))
    first, second = data.index(b'{"@type":"nope"}'), data.index(b"no json")
    assert seen == [TALK[0], (1, first, 17, "$.@type"), TALK[1], (3, second, 8, "$"), TALK[2]]


def test_errors_say_where_and_can_be_sent_elsewhere() -> None:
    with pytest.raises(RecordError, match=r"^record 1 at byte 2: \$: Expected `int`, got `str`") as caught:
        list(read_records([b'1\n"x"\n'], int))
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.offset, again.index, again.size) == (
        RecordError,
        str(caught.value),
        2,
        1,
        4,
    )


def test_damaged_compressed_data_is_told() -> None:
    data = bytearray(gzip.compress(written(TALK * 50)))
    data[len(data) // 2] ^= 0xFF
    records, errors = read(bytes(data))
    assert records == list((TALK * 50)[: len(records)])
    assert len(errors) == 1
    assert "gzip data" in str(errors[0])


def test_compressed_streams_may_follow_each_other_with_zeros_behind() -> None:
    half = len(TALK) // 2
    for compression in ("gzip", "zstd"):
        data = written(TALK[:half], "json", compression) + written(TALK[half:], "json", compression)
        assert list(read_records([data + bytes(100)], Message)) == list(TALK)


@FORMATS
def test_zeros_where_records_were_are_damage(format: Format) -> None:
    """What some file systems leave of a block that was not written before a crash."""
    first, second = written(TALK[:3], format), written(TALK[3:], format)
    zeros = bytes(4096) + (b"\n" if format == "json" else b"")
    records, errors = read(first + zeros + second, format)
    assert records == list(TALK)
    assert len(errors) == 1
    records, errors = read(first + bytes(4096), format)
    assert records == list(TALK[:3])
    assert len(errors) == 1


def test_a_frame_whose_length_is_wrong_does_not_hide_the_next() -> None:
    for length in (0, 1, 40, 10_000, 2**24, 2**32 - 1):
        data = bytearray(written(TALK, "msgpack"))
        data[1:5] = length.to_bytes(4, "big")
        records, errors = read(bytes(data), "msgpack")
        assert records == list(TALK[1:])
        assert [(error.offset, error.index) for error in errors] == [(0, 0)]


def test_what_only_messagepack_can_say_is_an_error_among_records_that_are_read_at_once() -> None:
    good = [Reading(number=number) for number in range(4)]
    untyped = msgspec.msgpack.encode({"@type": "wire.Reading", "anything": b"bytes"})
    errors: list[RecordError] = []
    data = written(good[:2], "msgpack") + frame(untyped) + written(good[2:], "msgpack")
    assert list(read_records([data], Reading, "msgpack", on_error=errors.append)) == good
    assert [error.index for error in errors] == [2]


# Bounds --------------------------------------------------------------------------------------------------------------


@FORMATS
def test_a_record_that_is_too_large_is_passed_over(format: Format) -> None:
    large = Message("x" * 5000)
    values = [TALK[1], large, TALK[2], large]
    data = written(values, format)
    for size in (1, 100, 7000):
        pieces = [data[place : place + size] for place in range(0, len(data), size)]
        records, errors = read(pieces, format, max_bytes=1000)
        assert records == [TALK[1], TALK[2]]
        assert [(type(error), error.index, error.offset) for error in errors] == [
            (RecordTooLargeError, index, len(written(values[:index], format))) for index in (1, 3)
        ]


def blocks_of(size: int, start: bytes, filling: bytes) -> Iterator[bytes]:
    yield start
    block = filling * ((1 << 16) // len(filling))
    for _ in range(size >> 16):
        yield block


@pytest.mark.parametrize(
    ("format", "start", "filling"),
    [
        ("json", b'{"@type":"Message","text":"', b"x"),
        ("json", b"", b"["),
        ("json", b"", b"9"),
        ("msgpack", frame(b"x")[:1] + (2**30).to_bytes(4, "big"), b"x"),
        ("msgpack", frame(b"x")[:1] + (2**20).to_bytes(4, "big"), b"\xc1\x00\x00\x00\x09"),
        ("msgpack", b"", b"\xc1"),
        ("msgpack", b"", b"\x00"),
    ],
)
def test_a_large_record_takes_little_memory(format: Format, start: bytes, filling: bytes) -> None:
    """4 MB, as large as one may be patient with in a test; each block of it is treated alike."""
    tracemalloc.start()
    try:
        records, errors = read(blocks_of(1 << 22, start, filling), format, max_bytes=1 << 18)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not records
    assert errors
    assert peak < 3 << 20


@COMPRESSIONS
def test_few_bytes_that_stand_for_many_take_little_memory(compression: Compression | None) -> None:
    if compression is None:
        return
    deflater = deflater_of(compression)
    bomb = b"".join([deflater.compress(bytes(1 << 20)) for _ in range(64)]) + deflater.flush()
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        records, errors = read(bomb, max_bytes=1 << 18)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not records
    assert [type(error) for error in errors] == [RecordTooLargeError]
    assert peak < 8 << 20


def test_a_wrong_length_is_told_at_once() -> None:
    """Whoever listens to a socket need not wait for what will never come."""

    def endless() -> Iterator[bytes]:
        yield frame(b"x")[:1] + (2**31).to_bytes(4, "big") + bytes(4)
        pytest.fail("more was asked for before the error was told")

    with pytest.raises(RecordTooLargeError):
        list(read_records(endless(), Message, "msgpack"))


def test_bounds_are_at_least_one_byte() -> None:
    with pytest.raises(ValueError, match="max_bytes=0: a record has at least one byte"):
        read_records([b""], Message, max_bytes=0)
    with pytest.raises(ValueError, match="max_ratio=0: the limit is at least 1, or None for no limit"):
        read_records([b""], Message, max_ratio=0)
    text: Any = "1"  # Any: the checkers refuse it
    with pytest.raises(TypeError, match="^max_bytes='1': give an integer, not str$"):
        read_records([b""], Message, max_bytes=text)


# Sources and targets -------------------------------------------------------------------------------------------------


@FORMATS
@COMPRESSIONS
def test_files(format: Format, compression: Compression | None, tmp_path: Path) -> None:
    path = tmp_path / "records"
    assert write_records(path, TALK, format, compression=compression) == len(TALK)
    assert write_records(str(path), TALK[:3], format, compression=compression, append=True) == 3
    expected = [*TALK, *TALK[:3]]
    assert list(read_records(path, Message, format)) == expected
    with path.open("rb") as file:
        assert list(read_records(file, Message, format)) == expected

    async def both() -> None:
        assert [record async for record in aread_records(path, Message, format)] == expected
        assert await awrite_records(path, as_values(), format, compression=compression) == len(TALK)
        assert [record async for record in aread_records(str(path), Message, format)] == list(TALK)
        assert await awrite_records(path, TALK, format, compression=compression, append=True) == len(TALK)

    async def as_values() -> AsyncIterator[Message]:
        for message in TALK:
            yield message

    asyncio.run(both())
    assert list(read_records(path, Message, format)) == [*TALK, *TALK]


@FORMATS
def test_pipes_give_what_is_there(format: Format) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as target:
        writer = RecordWriter(target, format)
        records = iter(read_records(source, Message, format))
        for message in TALK:
            writer.write(message)
            writer.flush()
            assert next(records) == message
        writer.close()
        target.close()
        assert list(records) == []


@FORMATS
def test_sockets(format: Format) -> None:
    here, there = socket.socketpair()
    with here, there:

        def write() -> None:
            write_records(there, TALK * 500, format)
            there.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=write)
        thread.start()
        assert list(read_records(here, Message, format)) == list(TALK * 500)
        thread.join()


@FORMATS
def test_sockets_and_streams_of_asyncio(format: Format) -> None:
    values = TALK * 500

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await awrite_records(writer, aread_records(reader, Message, format), format)
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            with socket.socket() as client:
                client.setblocking(False)
                await asyncio.get_running_loop().sock_connect(client, server.sockets[0].getsockname())
                sending = asyncio.create_task(send(client))
                received = [record async for record in aread_records(client, Message, format)]
                await sending
        assert received == list(values)

    async def send(client: socket.socket) -> None:
        assert await awrite_records(client, values, format) == len(values)
        client.shutdown(socket.SHUT_WR)

    asyncio.run(main())


def test_a_torn_line_is_not_a_part_of_what_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_bytes(written(TALK[:2])[:-5])
    write_records(path, TALK[2:4], append=True)
    records, errors = read(path)
    assert records == [TALK[0], TALK[2], TALK[3]]
    assert [error.index for error in errors] == [1]


@FORMATS
def test_what_was_torn_off_can_be_cut_off(format: Format, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(written(TALK[:2], format)[:-5])
    with pytest.raises(TornRecordError) as caught:
        list(read_records(path, Message, format))
    os.truncate(path, caught.value.offset)
    write_records(path, TALK[2:4], format, append=True)
    assert list(read_records(path, Message, format)) == [TALK[0], TALK[2], TALK[3]]


@FORMATS
def test_reading_starts_where_one_says(format: Format, tmp_path: Path) -> None:
    path = tmp_path / "log"
    write_records(path, TALK, format)
    offset = len(written(TALK[:5], format))
    assert list(read_records(path, Message, format, offset=offset)) == list(TALK[5:])
    os.truncate(path, path.stat().st_size - 3)
    with pytest.raises(TornRecordError) as caught:
        list(read_records(path, Message, format, offset=offset))
    assert caught.value.offset == len(written(TALK[:-1], format))


def test_what_is_no_source_or_target_is_refused(tmp_path: Path) -> None:
    wrong: list[Any] = [3, None, ["text"], io.StringIO("text")]  # Any: what the checkers refuse
    for source in wrong:
        with pytest.raises(TypeError, match="records are read from bytes"):
            list(read_records(source, Message))
    with pytest.raises(FileNotFoundError):
        list(read_records(tmp_path / "nothing", Message))
    target: Any = object()  # Any: as above
    with pytest.raises(TypeError, match="records are written to files and sockets, not to object"):
        write_records(target, TALK)
    with pytest.raises(TypeError, match="append=True is for paths"):
        write_records(io.BytesIO(), TALK, append=True)
    compression: Any = "bz2"  # Any: as above
    with pytest.raises(ValueError, match="there is no compression 'bz2'"):
        write_records(io.BytesIO(), TALK, compression=compression)


async def takes_no_error(_: RecordError) -> None:
    """Never awaited."""


@pytest.mark.parametrize(
    ("wrong", "said"), [(3, "3 is no function$"), (takes_no_error, "takes_no_error is async; give a plain function$")]
)
@pytest.mark.parametrize("read", [read_records, aread_records])
def test_errors_are_told_to_a_plain_function(
    read: Callable[..., object],
    wrong: object,
    said: str,
) -> None:
    with pytest.raises(TypeError, match=f"^on_error: {said}"):
        read([b""], Message, on_error=wrong)


def test_a_value_that_cannot_be_written_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "some"
    with pytest.raises(ValueError, match="nan"):
        write_records(path, [TALK[0], [float("nan")], TALK[1]])
    assert list(read_records(path, Message)) == [TALK[0]]


def test_a_reader_that_stops_half_way_goes_on_later(tmp_path: Path) -> None:
    path = tmp_path / "some"
    write_records(path, TALK)
    with read_records(path, Message) as reader:
        assert next(iter(reader)) == TALK[0]
        assert next(iter(reader)) == TALK[1]
        assert [message for batch in reader.batches() for message in batch] == list(TALK[2:])
        assert list(reader) == []

    async def main() -> None:
        async with aread_records(path, Message) as reader:
            assert await anext(aiter(reader)) == TALK[0]
            assert [message async for batch in reader.batches() for message in batch] == list(TALK[1:])

    asyncio.run(main())


def test_the_unknown_is_kept_or_ignored() -> None:
    data = b'{"@type":"nope","text":"x"}\n{"@type":"UserMessage"}\n'
    kept = list(read_records([data], Message, unknown="keep"))
    assert kept == [UnknownMessage(raw={"@type": "nope", "text": "x"}), UserMessage()]
    assert written(kept) == data
    assert list(read_records([data], Message, unknown="ignore")) == [Message("x"), UserMessage()]


def test_an_async_reader_lets_others_have_their_turn() -> None:
    """Whatever is there already: 2 MB in one piece, and in many."""
    data = written(TALK * 2000)

    async def main(pieces: list[bytes]) -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        reader = aread_records(as_is(pieces), Message)
        assert len([record async for record in reader]) == len(TALK) * 2000
        counting.cancel()
        return turns

    async def as_is(pieces: list[bytes]) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    for size in (1 << 16, len(data)):
        turns = asyncio.run(main([data[place : place + size] for place in range(0, len(data), size)]))
        assert turns >= len(data) >> 19


# Random bytes --------------------------------------------------------------------------------------------------------


@FORMATS
def test_random_bytes_give_errors_and_nothing_else(format: Format) -> None:
    """See scripts/fuzz, which does more of it."""
    chance = random.Random(7)
    for _ in range(rounds(3000)):
        data = chance.randbytes(chance.randrange(60))
        if chance.random() < 0.5:
            data = data + b"\n" + data if format == "json" else frame(data or b"x") * 2
        records, errors = decoded(data, format)
        assert all(isinstance(record, Message) for record in records)
        assert all(isinstance(error, RecordError) for error in errors)
        assert records or errors or not data.strip()


@examples(60)
@given(st.lists(small, max_size=5), formats)
def test_batches_are_the_records(values: list[Any1], format: Format) -> None:
    reader = read_records([written(values, format)], Message, format)
    assert [message for batch in reader.batches() for message in batch] == values

"""M5: records are decoded many at once; neither that nor a cut in the bytes changes a record, an error or a place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Literal, NamedTuple
from unittest import mock

import pytest
from hypothesis import given, strategies as st

from miniagents.messages import AssistantMessage, Codec, DecodeError, Message, UserMessage, encode
from miniagents.wire import RecordDecoder, RecordError, RecordTooLargeError, aread_records, splitting
from miniagents.wire.splitting import frame
from tests.effort import examples
from tests.wire.kinds import in_pieces, messages

Format = Literal["json", "msgpack"]
FORMATS = pytest.mark.parametrize("format", ["json", "msgpack"])
CODECS: Final[dict[Format, Codec[Message]]] = {"json": Codec(Message, "json"), "msgpack": Codec(Message, "msgpack")}
OVERHEAD: Final = {"json": 1, "msgpack": 9}
MOST: Final = 400
"""The largest size of a record, in bytes."""


class Wrong(NamedTuple):
    """Everything that an error says of its record.

    How many bytes of a line that is too large had arrived depends on the pieces, and is left out.
    """

    kind: type[RecordError]
    path: str
    reason: str
    offset: int
    number: int
    size: int


class Stretch(NamedTuple):
    """Bytes in the data that are one record, or none."""

    data: bytes
    payload: bytes | None
    """None if the bytes are damaged."""


Seen = list[Message | Wrong]


def whole(payload: bytes, format: Format) -> Stretch:
    return Stretch(payload + b"\n" if format == "json" else frame(payload), payload)


def spoiled(payload: bytes) -> Stretch:
    data = bytearray(frame(payload))
    data[-1] ^= 0xFF
    return Stretch(bytes(data), None)


def stretches(format: Format) -> st.SearchStrategy[Stretch]:
    """Good records, and those that cannot be read for each of the reasons that there are."""
    payloads = st.builds(encode, messages, st.just(format))
    large = st.integers(MOST, 2 * MOST).map(lambda size: encode(Message("x" * size), format))
    other = [b'{"@type":"nope"}', b"no json", b"1 2", b"\xff\xfe", b"[", b'{"text":3}', b"0", b"\xc1"]
    if format == "json":
        blank = st.sampled_from([b"", b"\r", b"  \t"])
        return st.one_of(payloads, large, st.sampled_from(other), blank).map(lambda each: whole(each, format))
    good = st.one_of(payloads, large, st.sampled_from(other)).map(lambda each: whole(each, format))
    return good | payloads.map(spoiled)


def expected(data: list[Stretch], format: Format) -> Seen:
    """Decode each record by itself."""
    seen: Seen = []
    offset = 0
    was_damaged = False
    for each in data:
        is_damaged = each.payload is None or len(each.payload) > MOST
        if each.payload is None or is_damaged:
            if each.payload is None:
                reason = "the frame is damaged: it does not start as one or its checksum is wrong"
                wrong = Wrong(RecordError, "$", reason, offset, len(seen), len(each.data))
            else:
                wrong = Wrong(RecordTooLargeError, "$", "", offset, len(seen), 0)
            if format == "json" or not was_damaged:  # bytes are passed over up to the next good frame
                seen.append(wrong)
        elif format == "msgpack" or each.payload.strip():
            try:
                seen.append(CODECS[format].decode(each.payload))
            except DecodeError as error:
                seen.append(Wrong(RecordError, error.path, error.reason, offset, len(seen), len(each.data)))
        was_damaged = is_damaged
        offset += len(each.data)
    return seen


def new_decoder(format: Format, offset: int = 0, index: int = 0) -> RecordDecoder[Message]:
    return RecordDecoder(CODECS[format], compression=None, max_bytes=MOST, offset=offset, index=index)


def told(part: list[Message] | RecordError) -> Seen:
    if not isinstance(part, RecordError):
        return [*part]
    place = (type(part), part.path, part.reason, part.offset, part.index, part.size)
    if isinstance(part, RecordTooLargeError):
        place = (*place[:2], "", *place[3:5], 0)
    return [Wrong(*place)]


def decoded(decoder: RecordDecoder[Message], pieces: list[bytes]) -> Seen:
    parts = [part for piece in pieces for part in decoder.feed(piece)]
    return [each for part in [*parts, *decoder.finish()] for each in told(part)]


together = st.sampled_from([1, 30, 200, splitting.STRETCH])


@examples(300)
@given(st.data(), st.sampled_from(["json", "msgpack"]), together, st.lists(st.integers(0, 9999), max_size=6))
def test_records_errors_and_places_are_those_of_each_record_by_itself(
    data: st.DataObject, format: Format, size: int, cuts: list[int]
) -> None:
    given_stretches = data.draw(st.lists(stretches(format), max_size=8))
    written = b"".join(each.data for each in given_stretches)
    with mock.patch.object(splitting, "STRETCH", size):
        seen = decoded(new_decoder(format), in_pieces(written, cuts))
    assert seen == expected(given_stretches, format)


def some_of_all_kinds(format: Format) -> list[Stretch]:
    good = [UserMessage("a"), AssistantMessage("ü\n", model="m"), Message("x" * 90), UserMessage("b" * 250)]
    first, second, third, fourth = [whole(encode(message, format), format) for message in good]
    wrong = whole(b'{"@type":"nope"}', format)
    large = whole(encode(Message("z" * (MOST + 20)), format), format)
    other = whole(b" ", format) if format == "json" else spoiled(b"damaged")
    return [first, wrong, wrong, second, first, large, third, other, first, second, fourth, wrong, large, first]


@FORMATS
def test_at_every_cut_of_the_bytes(format: Format) -> None:
    given_stretches = some_of_all_kinds(format)
    data = b"".join(each.data for each in given_stretches)
    right = expected(given_stretches, format)
    for size in (1, 100, splitting.STRETCH):
        with mock.patch.object(splitting, "STRETCH", size):
            for cut in range(len(data)):
                assert decoded(new_decoder(format), [data[:cut], data[cut:]]) == right
            assert decoded(new_decoder(format), [data[place : place + 1] for place in range(len(data))]) == right


@FORMATS
@pytest.mark.parametrize("size", [1, 100, splitting.STRETCH])
def test_another_decoder_can_continue_behind_every_part(format: Format, size: int) -> None:
    given_stretches = some_of_all_kinds(format)
    data = b"".join(each.data for each in given_stretches)
    right = expected(given_stretches, format)
    continued = 0
    with mock.patch.object(splitting, "STRETCH", size):
        for cut in (0, 70, 300, len(data)):
            decoder = new_decoder(format)
            for piece in (data[:cut], data[cut:]):
                for _ in decoder.feed(piece):
                    if decoder.between_records:
                        rest = new_decoder(format, decoder.offset, decoder.index)
                        assert decoded(rest, [data[decoder.offset :]]) == right[decoder.index :]
                        continued += 1
    assert continued >= 4 * 4


@FORMATS
def test_a_part_is_decoded_when_it_is_asked_for(format: Format) -> None:
    """A reader that stops early, or a bound on what is kept in memory, needs no more than one part."""
    payload = encode(UserMessage("x" * 100), format)
    data = whole(payload, format).data * 3000
    sizes = [len(part) for part in new_decoder(format).feed(data) if isinstance(part, list)]
    assert sum(sizes) == 3000
    assert max(sizes) * len(payload) <= splitting.STRETCH


@FORMATS
def test_a_loop_gets_a_turn_after_each_stretch_of_bytes(format: Format) -> None:
    """Even if the source has everything at once and never waits."""
    data = whole(encode(UserMessage("x" * 100), format), format).data * 3000

    async def source() -> AsyncIterator[bytes]:
        yield data

    async def main() -> tuple[int, list[int]]:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        sizes = [len(batch) async for batch in aread_records(source(), UserMessage, format).batches()]
        counting.cancel()
        return turns, sizes

    turns, sizes = asyncio.run(main())
    assert sum(sizes) == 3000
    assert turns >= len(data) // splitting.STRETCH

"""What is appended to a stream is read from any position, live or later, until it ends or its writer is gone."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from hypothesis import given, strategies as st

from miniagents import AssistantMessage, InteractionContext, Message, MiniAgents, UserMessage, miniagent, stream_message
from miniagents.ext.store import (
    NotStoredError,
    SQLiteStore,
    Store,
    StoreClosedError,
    StoreError,
    StreamAbandonedError,
    StreamEndedError,
    StreamGapError,
    StreamTakenError,
    read_stream,
    write_stream,
)
from miniagents.wire import Pieces
from tests.effort import examples

Opened = Callable[[], Store]


def block(first: int, count: int = 1) -> Pieces:
    return Pieces(first, count, b"".join(b"%d\n" % number for number in range(first, first + count)))


async def numbers(store: Store, stream: str, start: int = 0, *, follow: bool = True) -> list[int]:
    found: list[int] = []
    async for pieces in store.read(stream, start, follow=follow):
        assert pieces.first == start + len(found)
        assert pieces.at is not None
        found += map(int, pieces.data.split())
        assert pieces.end == start + len(found)
    return found


async def test_a_stream_is_read_from_any_position(opened: Opened) -> None:
    store = opened()
    for first, count in (0, 3), (3, 1), (4, 6):
        await store.append("numbers", block(first, count))
    await store.end("numbers")
    for start in range(11):
        assert await numbers(store, "numbers", start) == [*range(start, 10)]
    assert await numbers(store, "numbers", 100) == []
    await store.close()


async def test_a_reader_sees_pieces_as_they_are_committed(opened: Opened) -> None:
    writer, reader = opened(), opened()
    await writer.claim("numbers")
    seen: list[int] = []
    async with aclosing(reader.read("numbers")) as blocks:
        for number in range(5):
            await writer.append("numbers", block(number))
            seen += map(int, (await anext(blocks)).data.split())
        await writer.end("numbers")
        assert [pieces async for pieces in blocks] == []
    assert seen == [*range(5)]
    await writer.close()
    await reader.close()


async def test_without_following_a_reader_takes_what_is_there(opened: Opened) -> None:
    store = opened()
    await store.append("numbers", block(0, 3))
    assert await numbers(store, "numbers", follow=False) == [0, 1, 2]
    await store.close()


async def test_a_reader_may_wait_for_a_stream_that_has_not_begun(opened: Opened) -> None:
    writer, reader = opened(), opened()
    with pytest.raises(NotStoredError, match=r"stream 'later': there is no such stream"):
        await numbers(reader, "later")
    async with aclosing(reader.read("later", wait=True)) as blocks:
        first = asyncio.ensure_future(anext(blocks))
        await asyncio.sleep(0)
        await writer.append("later", block(0))
        assert (await first).data == b"0\n"
    await writer.close()
    await reader.close()


async def test_what_is_there_already_is_left_out(opened: Opened) -> None:
    store = opened()
    for first, count in (0, 3), (0, 3), (1, 1), (2, 4), (0, 6):
        await store.append("numbers", block(first, count))
    await store.end("numbers")
    await store.append("numbers", block(2, 4))
    await store.end("numbers")
    assert await numbers(store, "numbers") == [*range(6)]
    await store.close()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=30))
@examples(100)
def test_any_pieces_in_any_order_are_one_stream_or_an_error(blocks: list[tuple[int, int]]) -> None:
    async def main() -> None:
        async with SQLiteStore(":memory:") as store:
            length = await store.claim("numbers")
            for first, count in blocks:
                try:
                    await store.append("numbers", block(first, count))
                except StreamGapError as error:
                    assert first > length
                    assert (error.stream, error.index) == ("numbers", first)
                else:
                    assert first <= length or not count
                    length = max(length, first + count) if count else length
            await store.end("numbers")
            assert await numbers(store, "numbers") == [*range(length)]

    asyncio.run(main())


async def test_errors_name_the_store_the_stream_and_the_place(opened: Opened) -> None:
    store = opened()
    await store.append("numbers", block(0, 2))
    with pytest.raises(StreamGapError, match=r"stream 'numbers' at piece 5: pieces 2 to 4 are missing before these"):
        await store.append("numbers", block(5))
    with pytest.raises(NotStoredError, match="stream 'none': there is no such stream"):
        await store.end("none")
    await store.end("numbers")
    with pytest.raises(StreamEndedError, match=r"stream 'numbers' at piece 2: it has ended with 2 pieces"):
        await store.append("numbers", block(2))
    with pytest.raises(StreamEndedError):
        await store.claim("numbers")
    with pytest.raises(ValueError, match="start is a position from 0, not -1"):
        await numbers(store, "numbers", -1)
    await store.close()
    with pytest.raises(StoreClosedError):
        await store.append("numbers", block(2))


async def test_a_living_store_keeps_its_streams(opened: Opened) -> None:
    first, second = opened(), opened()
    if first is second:
        pytest.skip("a store in memory is opened once")
    await first.append("numbers", block(0, 2))
    with pytest.raises(StreamTakenError, match="another store that is open writes it"):
        await second.append("numbers", block(2))
    with pytest.raises(StreamTakenError):
        await second.claim("numbers")
    with pytest.raises(StreamTakenError):
        await second.end("numbers")
    await first.append("numbers", block(2))
    await first.close()
    assert await second.claim("numbers") == 3
    await second.append("numbers", block(3))
    await second.end("numbers")
    assert await numbers(second, "numbers") == [0, 1, 2, 3]
    await second.close()


async def test_readers_of_a_stream_that_was_left_are_told(opened: Opened) -> None:
    writer, reader = opened(), opened()
    if writer is reader:
        pytest.skip("a store in memory is opened once")
    await writer.append("numbers", block(0, 2))
    async with aclosing(reader.read("numbers")) as blocks:
        assert (await anext(blocks)).end == 2
        told = asyncio.ensure_future(anext(blocks))
        await asyncio.sleep(0.01)
        assert not told.done()
        await writer.close()
        with pytest.raises(
            StreamAbandonedError, match=r"stream 'numbers' at piece 2: the process that wrote it is gone"
        ):
            await told
    await reader.close()


async def test_streams_are_listed_by_their_names(opened: Opened) -> None:
    store = opened()
    names = [f"run/{number:04}" for number in range(1200)] + ["other", "run%x", "run", "ru", "Run/1"]
    await asyncio.gather(*(store.append(name, block(0, 2)) for name in names))
    await store.end("run/0000")
    listed = [info async for info in store.streams("run/")]
    assert [info.name for info in listed] == sorted(name for name in names if name.startswith("run/"))
    assert [info.is_live for info in listed[:2]] == [False, True]
    assert {info.count for info in listed} == {2}
    assert listed[0].ended is not None
    assert sorted([info.name async for info in store.streams()]) == sorted(names)
    await store.close()


@miniagent
async def talk(ctx: InteractionContext) -> None:
    async def tokens() -> AsyncIterator[str]:
        for number in range(10):
            await asyncio.sleep(0)
            yield f"{number} "
        if [message.text for message in await ctx.messages] == ["fail"]:
            raise ValueError("no more")

    ctx.reply(stream_message(AssistantMessage, tokens()))
    ctx.reply(UserMessage("The end"))


async def test_a_promise_is_written_and_read_while_it_arrives(opened: Opened) -> None:
    writer, reader = opened(), opened()
    async with MiniAgents():
        replies = talk.inquire("go")
        read = read_stream(reader, "talk", tuple[Message, ...], wait=True)
        await write_stream(writer, "talk", replies)
        assert await read == await replies
        tokens = [[token async for token in message] async for message in read]
        assert tokens == [[f"{number} " for number in range(10)], ["The end"]]
        late = read_stream(reader, "talk", tuple[Message, ...])
        assert [[token async for token in message] async for message in late] == tokens
    await writer.close()
    await reader.close()


async def test_errors_in_a_promise_are_kept_in_their_places(opened: Opened) -> None:
    store = opened()
    async with MiniAgents():
        await write_stream(store, "talk", talk.inquire("fail"))
        read = read_stream(store, "talk", tuple[Message, ...])
        first = await anext(aiter(read))
        tokens: list[str] = []
        with pytest.raises(ValueError, match="no more"):
            async for token in first:
                tokens.append(token)  # noqa: PERF401  # the tokens before the error are wanted
        assert len(tokens) == 10
        with pytest.raises(ValueError, match="no more"):
            await read
    await store.close()


@pytest.mark.parametrize("cut", range(17))
async def test_a_cut_stream_goes_on_where_it_was_cut(opened: Opened, cut: int) -> None:
    """The pieces are the same, and have the same positions, whether they come live or later."""
    store = opened()
    async with MiniAgents():
        replies = await talk.inquire("go")
        await write_stream(store, "whole", talk.inquire("go"))
        whole = b"".join([pieces.data async for pieces in store.read("whole")])
        assert len(whole.splitlines()) == 17
        lines = whole.splitlines(keepends=True)[:cut]
        await store.append("cut", Pieces(0, cut, b"".join(lines)))
        await write_stream(store, "cut", talk.inquire("go"))
        assert b"".join([pieces.data async for pieces in store.read("cut")]) == whole
        assert await read_stream(store, "cut", tuple[Message, ...]) == replies
    await store.close()


async def test_errors_of_a_store_can_be_sent(opened: Opened) -> None:
    store = opened()
    with pytest.raises(StoreError) as caught:
        await numbers(store, "none")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.stream) == (NotStoredError, str(caught.value), "none")
    await store.close()

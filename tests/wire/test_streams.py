"""P3 to P7, M5 to M7 for promises that another process reads: tokens as they come, an equal end, errors in place."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Literal, TypeAlias, TypeGuard, assert_type

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    InnerEvent,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MiniAgents,
    PromiseCancelledError,
    ReasoningDelta,
    StreamAppender,
    StreamEvent,
    SystemMessage,
    TextDelta,
    ToolCallDelta,
    UserMessage,
    miniagent,
    stream_message,
)
from miniagents.messages import SchemaName
from miniagents.promising.core.pieces import FAIR_SHARE
from miniagents.wire import RecordError, RemoteError, TornRecordError, decode_stream, encode_stream
from miniagents.wire.splitting import frame
from tests.effort import examples

Format = Literal["json", "msgpack"]
FORMATS = pytest.mark.parametrize("format", ["json", "msgpack"])


class QuotaError(Exception):
    """One that nobody but the one process knows."""


class TwoPartError(Exception):
    def __init__(self, first: str, second: int) -> None:
        super().__init__(first, second)


class OddError(Exception):
    """One that does not keep what it was made of."""

    def __init__(self, first: str) -> None:
        super().__init__()
        self.first = first


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def in_context() -> None:
        async with MiniAgents():
            await main()

    asyncio.run(in_context())


async def given_pieces(*pieces: str | StreamEvent | BaseException) -> AsyncIterator[str | StreamEvent]:
    for piece in pieces:
        await asyncio.sleep(0)
        if isinstance(piece, BaseException):
            raise piece
        yield piece


async def outcomes(stream: AsyncIterator[object]) -> list[object]:
    """Everything that a reader gets who goes on behind errors; errors by class and text."""
    seen: list[object] = []
    while True:
        try:
            seen.append(await anext(stream))
        except StopAsyncIteration:
            return seen
        except BaseException as error:  # noqa: BLE001  # what is tested
            seen.append((type(error), str(error)))


async def turns_until(promise: MessagePromise[Message] | MessageSequencePromise[Message]) -> int:
    turns = 0
    while not promise.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


def is_promise(piece: object) -> TypeGuard[MessagePromise[Message]]:
    return isinstance(piece, MessagePromise)


async def end_of(promise: MessagePromise[Message]) -> object:
    try:
        return await promise
    except BaseException as error:  # noqa: BLE001  # what is tested
        return type(error), str(error)


async def all_of(promise: MessageSequencePromise[Message]) -> list[object]:
    """Each message as its pieces and end, and errors between them."""
    seen: list[object] = []
    for piece in await outcomes(aiter(promise)):
        if is_promise(piece):
            seen.append((await outcomes(aiter(piece.events)), await end_of(piece)))
        else:
            seen.append(piece)
    return seen


pieces_of_messages = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
    | st.builds(ReasoningDelta, text=st.text("ab", max_size=3))
    | st.builds(ToolCallDelta, index=st.integers(0, 3), name=st.none() | st.just("tool"), arguments=st.just("{}"))
    | st.builds(
        InnerEvent, path=st.just(("a", "b")), ids=st.just(("1", "2")), event=st.builds(TextDelta, st.text("ab"))
    )
    | st.builds(ValueError, st.text("ab", max_size=3)),
    max_size=6,
)


# The same in another place -------------------------------------------------------------------------------------------


@FORMATS
def test_m5_p5_what_comes_out_is_what_went_in(format: Format) -> None:
    @examples(40)
    @given(pieces_of_messages)
    def check(pieces: list[str | StreamEvent | BaseException]) -> None:
        async def main() -> None:
            there = stream_message(AssistantMessage, given_pieces(*pieces), model="m")
            here = decode_stream(encode_stream(there, format), AssistantMessage | UserMessage, format)
            assert_type(here, MessagePromise[AssistantMessage | UserMessage])
            assert await outcomes(aiter(here.events)) == await outcomes(aiter(there.events))
            assert await outcomes(aiter(here)) == await outcomes(aiter(there))
            assert await end_of(here) == await end_of(there)

        run(main)

    check()


@FORMATS
def test_p6_sequences_keep_their_order_and_their_errors(format: Format) -> None:
    @examples(25)
    @given(st.lists(pieces_of_messages | st.just("a message that is there"), max_size=4), st.booleans())
    def check(contents: list[list[str | StreamEvent | BaseException] | str], fails: bool) -> None:
        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            for content in contents:
                if isinstance(content, str):
                    ctx.reply([content, KeyError("between")])
                else:
                    ctx.reply(stream_message(AssistantMessage, given_pieces(*content)))
            if fails:
                raise ZeroDivisionError("the end")

        async def main() -> None:
            there = agent.inquire()
            here = decode_stream(encode_stream(there, format), tuple[Message, ...], format)
            assert_type(here, MessageSequencePromise[Message])
            assert await all_of(here) == await all_of(there)

        run(main)

    check()


@FORMATS
def test_tokens_come_one_by_one_and_what_is_known_comes_first(format: Format) -> None:
    """M7, and P4: a second reader gets all of it as well."""

    async def main() -> None:
        with StreamAppender[str]() as appender:
            there = stream_message(AssistantMessage, appender, model="grandfather")
            here = decode_stream(encode_stream(there, format), Message, format)
            tokens = aiter(here)
            for token in ("Once", " upon", " a"):
                appender.append(token)
                assert await anext(tokens) == token
                assert here.known == {"model": "grandfather"}
                assert here.message_class is AssistantMessage
        assert [token async for token in tokens] == []
        assert await here == AssistantMessage("Once upon a", model="grandfather") == await there
        assert [token async for token in here] == ["Once", " upon", " a"]

    run(main)


Turn: TypeAlias = Annotated[UserMessage | AssistantMessage, SchemaName("Turn")]


def test_m7_what_is_known_is_found_by_an_alias_in_a_union() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            there = stream_message(AssistantMessage, appender, model="grandfather")
            here = decode_stream(encode_stream(there), Turn | SystemMessage)
            appender.append("Once")
            assert await anext(aiter(here)) == "Once"
            assert here.known == {"model": "grandfather"}

    run(main)


@FORMATS
def test_messages_of_a_sequence_arrive_at_the_same_time(format: Format) -> None:
    async def main() -> None:
        with StreamAppender[str]() as first, StreamAppender[str]() as second:

            @miniagent
            async def agent(ctx: InteractionContext) -> None:
                ctx.reply([stream_message(UserMessage, first), stream_message(AssistantMessage, second, model="m")])

            here = decode_stream(encode_stream(agent.inquire(), format), tuple[Message, ...], format)
            promises = aiter(here)
            one, two = await anext(promises), await anext(promises)
            tokens_of_one, tokens_of_two = aiter(one), aiter(two)
            second.append("b")
            assert await anext(tokens_of_two) == "b"
            first.append("a")
            assert await anext(tokens_of_one) == "a"
            second.close()
            assert await two == AssistantMessage("b", model="m")
            assert not one.done()
        assert await here == (UserMessage("a"), AssistantMessage("b", model="m"))

    run(main)


@FORMATS
def test_promises_that_are_there_already_and_empty_ones(format: Format) -> None:
    async def main() -> None:
        for message in (Message("x"), Message(""), Message(), AssistantMessage("y", model="m")):
            here = decode_stream(encode_stream(MessagePromise.of_message(message), format), Message, format)
            assert await here == message
        nothing = MessageSequencePromise.of_messages(list[Message]())
        assert await decode_stream(encode_stream(nothing, format), tuple[Message, ...], format) == ()

    run(main)


@FORMATS
def test_another_process_reads_along(format: Format) -> None:
    """Tokens are on their way before the next is made, in a real pipe between real processes."""
    program = f"""
import asyncio, sys
from miniagents import *
from miniagents.wire import encode_stream

async def tokens():
    yield "Hel"
    await asyncio.to_thread(sys.stdin.readline)  # until the reader has seen it
    yield "lo"
    raise ValueError("no more")

async def main():
    async with MiniAgents():
        async for data in encode_stream(stream_message(AssistantMessage, tokens(), model="m"), {format!r}):
            sys.stdout.buffer.write(data)
            sys.stdout.flush()

asyncio.run(main())
"""

    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        promise = decode_stream(process.stdout, Message, format)
        tokens = aiter(promise)
        assert await anext(tokens) == "Hel"
        process.stdin.write(b"\n")
        assert await outcomes(tokens) == ["lo", (ValueError, "no more")]
        with pytest.raises(ValueError, match="no more"):
            await promise
        assert await process.wait() == 0

    run(main)


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "given", "expected"),
    [
        (ValueError("no"), (), (ValueError, "no")),
        (KeyError("no"), (), (KeyError, "'no'")),
        (FileNotFoundError(2, "nothing there"), (), (FileNotFoundError, "[Errno 2] nothing there")),
        (TimeoutError(), (), (TimeoutError, "")),
        (PromiseCancelledError("was cancelled"), (), (PromiseCancelledError, "was cancelled")),
        (QuotaError("none left"), (QuotaError,), (QuotaError, "none left")),
        (TwoPartError("a", 2), (TwoPartError,), (TwoPartError, "('a', 2)")),
        (QuotaError("none left"), (), (RemoteError, f"{__name__}.QuotaError: none left")),
        (OddError("x"), (OddError,), (OddError, "")),
        (ValueError("x", object), (), (RemoteError, "builtins.ValueError: ('x', <class 'object'>)")),
        (ExceptionGroup("two", [ValueError()]), (), (ExceptionGroup, "two (1 sub-exception)")),
        (KeyboardInterrupt("stop"), (), (RemoteError, "builtins.KeyboardInterrupt: stop")),
        (SystemExit(3), (), (RemoteError, "builtins.SystemExit: 3")),
        (RemoteError("elsewhere.QuotaError", "none left"), (), (RemoteError, "elsewhere.QuotaError: none left")),
        (RemoteError(f"{__name__}.QuotaError", "none left"), (), (RemoteError, f"{__name__}.QuotaError: none left")),
        (ValueError("lone \ud800"), (), (ValueError, r"lone \ud800")),
    ],
)
@FORMATS
def test_errors_are_of_their_class_where_that_is_known_and_safe(
    error: BaseException, given: tuple[type[BaseException], ...], expected: object, format: Format
) -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            there = stream_message(UserMessage, appender)
            appender.append("a")
            appender.fail(error)
            appender.append("b")
        here = decode_stream(encode_stream(there, format), Message, format, errors=given)
        seen.append(await outcomes(aiter(here)))
        seen.append(await end_of(here))

    seen: list[object] = []
    with contextlib.suppress(KeyboardInterrupt, SystemExit):  # those that were raised here end the context here
        run(main)
    assert seen == [["a", expected, "b"], expected]


def test_p1_one_error_is_one_object_and_notes_come_along() -> None:
    async def main() -> None:
        error = ValueError("no")
        error.add_note("look there")
        here = decode_stream(encode_stream(stream_message(UserMessage, given_pieces("a", error))), Message)
        with pytest.raises(ValueError, match="no") as whole:
            await here
        tokens = aiter(here)
        assert await anext(tokens) == "a"
        with pytest.raises(ValueError, match="no") as piece:
            await anext(tokens)
        assert piece.value is whole.value
        assert piece.value.__notes__ == ["look there"]

    run(main)


def test_a_message_that_nobody_here_knows_is_an_error_at_its_end() -> None:
    async def main() -> None:
        there = encode_stream(stream_message(AssistantMessage, given_pieces("a", "b"), model="m"))
        here = decode_stream(there, UserMessage)
        assert (await outcomes(aiter(here)))[:2] == ["a", "b"]
        with pytest.raises(ValueError, match=r"no class with the tag 'AssistantMessage' is loaded and may stand here"):
            await here

    run(main)


def test_a_message_that_cannot_be_written_is_an_error_at_its_end() -> None:
    class Odd(Message, kw_only=True, tag="wire.Odd"):
        value: object = None

    async def main() -> None:
        there = stream_message(Odd, given_pieces("a"), value=b"x")
        here = decode_stream(encode_stream(there), Message)
        assert await outcomes(aiter(here)) == ["a"]
        with pytest.raises(TypeError, match="bytes would be read back as plain JSON"):
            await here

    run(main)


# Streams that break off ----------------------------------------------------------------------------------------------


async def everything(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([data async for data in stream])


async def in_two(data: bytes, cut: int) -> AsyncIterator[bytes]:
    yield data[:cut]
    await asyncio.sleep(0)
    yield data[cut:]


@FORMATS
def test_p7_wherever_a_stream_ends_too_early_there_is_an_error(format: Format) -> None:
    async def main() -> None:
        message = stream_message(AssistantMessage, given_pieces("Hel", "lo"), model="m")
        data = await everything(encode_stream(message, format))
        for cut in range(len(data) - 1):
            here = decode_stream(in_two(data[:cut], cut // 2), Message, format)
            seen = await outcomes(aiter(here))
            assert [each for each in seen if isinstance(each, str)] == ["Hel", "lo"][: len(seen) - 1]
            with pytest.raises(TornRecordError):
                await here

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply([message, "x"])

        data = await everything(encode_stream(agent.inquire(), format))
        for cut in range(0, len(data) - 1, 3):
            sequence = decode_stream(in_two(data[:cut], cut // 2), tuple[Message, ...], format)
            for promise in filter(is_promise, await outcomes(aiter(sequence))):
                end = await end_of(promise)
                assert end in (AssistantMessage("Hello", model="m"), Message("x")) or "TornRecordError" in str(end)
            with pytest.raises(TornRecordError):
                await sequence

    run(main)


@FORMATS
def test_every_split_of_a_stream(format: Format) -> None:
    async def main() -> None:
        message = stream_message(AssistantMessage, given_pieces("Hel", ReasoningDelta("hm"), "lo"), model="m")
        data = await everything(encode_stream(message, format))
        for cut in range(len(data)):
            here = decode_stream(in_two(data, cut), Message, format)
            assert [event async for event in here.events] == [TextDelta("Hel"), ReasoningDelta("hm"), TextDelta("lo")]
            assert await here == await message

    run(main)


@FORMATS
def test_damage_is_an_error_in_its_place(format: Format) -> None:
    async def main() -> None:
        message = stream_message(AssistantMessage, given_pieces("Hel", "lo", "!"), model="m")
        data = await everything(encode_stream(message, format))
        place = data.index(b"lo")
        damaged = data[:place] + b"\xff" + data[place + 1 :]
        here = decode_stream(in_two(damaged, 5), Message, format)
        first, error, last = map(str, await outcomes(aiter(here)))
        assert (first, last) == ("Hel", "!")
        assert "record 2 at byte" in error

    run(main)


def test_numbers_that_json_has_not_are_errors_in_their_place() -> None:
    async def main() -> None:
        nan = {"frame": "failed", "error": {"type": "builtins.ValueError", "text": "nan", "args": [float("nan")]}}
        data = await everything(encode_stream(stream_message(UserMessage, given_pieces("a", "b")), "msgpack"))
        place = data.index(frame(msgspec.msgpack.encode({"frame": "text", "text": "b"})))
        here = decode_stream(
            in_two(data[:place] + frame(msgspec.msgpack.encode(nan)) + data[place:], 9), Message, "msgpack"
        )
        first, error, last = map(str, await outcomes(aiter(here)))
        assert (first, last) == ("a", "b")
        assert "$.error.args[0]: nan cannot be written" in error

    run(main)


@pytest.mark.leaves_errors_unread
def test_frames_that_have_no_place_are_errors() -> None:
    async def main() -> None:
        for frames in (
            b'{"frame":"sequence"}\n{"frame":"opened"}\n',
            b'{"frame":"end"}\n',
            b'{"frame":"text","text":3}\n',
            b'{"@type":"Message"}\n',
        ):
            here = decode_stream(in_two(frames, 3), Message)
            seen = await outcomes(aiter(here))
            assert seen
            assert isinstance(await end_of(here), tuple)
        for frames in (
            b'{"frame":"text","text":"x","number":7}\n{"frame":"end"}\n',
            b'{"frame":"opened"}\n{"frame":"opened"}\n{"frame":"end"}\n',
            b'{"frame":"whole","message":{"@type":"Message"}}\n{"frame":"end"}\n',
        ):
            sequence = decode_stream(in_two(frames, 3), tuple[Message, ...])
            with pytest.raises((ValueError, RecordError)):
                await sequence

    run(main)


def test_p6_what_breaks_the_source_is_the_error_of_the_message_that_it_cut() -> None:
    """Whoever reads the message is told what has happened, and not only that it was cut."""

    async def source() -> AsyncIterator[bytes]:
        yield b'{"frame":"sequence"}\n{"frame":"opened","tag":"Message"}\n{"frame":"text","text":"a"}\n'
        raise ConnectionError("the line is dead")

    async def main() -> None:
        (first, behind) = await outcomes(aiter(decode_stream(source(), tuple[Message, ...])))
        assert behind == (ConnectionError, "the line is dead")
        assert isinstance(first, MessagePromise)
        with pytest.raises(ConnectionError, match="the line is dead"):
            await first

    run(main)


# Readers are guests --------------------------------------------------------------------------------------------------


def test_p3_leaving_the_bytes_changes_nothing_for_others() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            there = stream_message(UserMessage, appender)
            carried = encode_stream(there)
            appender.append("a")
            assert b'"opened"' in await anext(carried)
            assert b'"a"' in await anext(carried)
            waiting = asyncio.ensure_future(anext(carried))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait((waiting,))
            appender.append("b")
        assert await there == UserMessage("ab")

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply([stream_message(UserMessage, given_pieces("a", "b")) for _ in range(100)])

        replies = agent.inquire()
        sequence = encode_stream(replies)
        await anext(sequence)
        await sequence.aclose()
        assert len(await replies) == 100

    run(main)
    # all tasks were awaited: none is left pending


def test_cancelling_the_promise_closes_the_source() -> None:
    async def main() -> None:
        closed: list[bool] = []

        async def source() -> AsyncIterator[bytes]:
            try:
                yield b'{"frame":"sequence"}\n{"frame":"opened"}\n{"frame":"text","text":"a"}\n'
                await asyncio.Event().wait()
            finally:
                closed.append(True)

        here = decode_stream(source(), tuple[Message, ...])
        promise = await anext(aiter(here))
        tokens = aiter(promise)
        assert await anext(tokens) == "a"
        here.cancel()
        with pytest.raises(PromiseCancelledError):
            await anext(tokens)
        with pytest.raises(PromiseCancelledError):
            await here
        while not closed:
            await asyncio.sleep(0)

    run(main)


@FORMATS
def test_the_source_is_closed_behind_the_last_frame(format: Format, logged: list[str]) -> None:
    """Also if its iterator would give more; an error of closing it comes too late to be one of the message."""

    async def main() -> None:
        data = await everything(encode_stream(stream_message(UserMessage, given_pieces("a", "b")), format))
        closed: list[bool] = []

        async def source(error: Exception | None) -> AsyncIterator[bytes]:
            try:
                yield data
                yield data
            finally:
                closed.append(True)
                if error is not None:
                    raise error

        here = decode_stream(source(None), Message, format)
        assert await here == UserMessage("ab")
        assert closed == [True]
        assert [token async for token in here] == ["a", "b"]
        here = decode_stream(source(OSError("cannot be closed")), Message, format)
        assert await here == UserMessage("ab")
        assert [token async for token in here] == ["a", "b"]

    run(main)
    assert logged == ["an error that nobody has read, in 'decode_stream(Message)': OSError('cannot be closed')"]


@FORMATS
def test_p4_a_loop_gets_turns_while_frames_are_read_that_are_all_there(format: Format) -> None:
    async def main() -> None:
        def tokens() -> AsyncIterator[str | StreamEvent]:
            return given_pieces(*["token"] * 1000)

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply([stream_message(UserMessage, tokens()), stream_message(UserMessage, tokens())])

        one = await everything(encode_stream(stream_message(UserMessage, tokens()), format))
        several = await everything(encode_stream(agent.inquire(), format))
        assert await turns_until(decode_stream(in_two(one, 10), Message, format)) >= 1000 // FAIR_SHARE
        assert await turns_until(decode_stream(in_two(several, 10), tuple[Message, ...], format)) >= 2000 // FAIR_SHARE

    run(main)


def test_p2_a_lazy_promise_reads_nothing_before_it_is_read() -> None:
    async def main() -> None:
        asked: list[bool] = []

        async def source() -> AsyncIterator[bytes]:
            asked.append(True)
            async for data in encode_stream(MessagePromise.of_message(Message("a"))):
                yield data

        here = decode_stream(source(), Message, start_asap=False)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not asked
        assert await here == Message("a")

    run(main)


def test_a_slow_reader_slows_down_the_reading_of_a_sequence() -> None:
    """What a reader has not taken waits in a bounded queue, while the promise itself goes on for its other readers."""

    async def main() -> None:
        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply([stream_message(UserMessage, given_pieces(*"abcdef")) for _ in range(200)])

        replies = agent.inquire()
        carried = encode_stream(replies)
        first = await anext(carried)
        assert len(await replies) == 200
        for _ in range(50):
            await asyncio.sleep(0)
        rest = await everything(carried)

        async def source() -> AsyncIterator[bytes]:
            yield first
            yield rest

        assert await decode_stream(source(), tuple[Message, ...]) == await replies

    run(main)

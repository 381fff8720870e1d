"""Combinators of messages: what they give, how it streams, and that it is lazy, bounded and freed as its source is."""

import asyncio
import gc
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AssistantMessage,
    ErrorMessage,
    Message,
    MessagePromise,
    MessageSequence,
    MessageSequencePromise,
    MiniAgents,
    Promise,
    PromiseCancelledError,
    ReasoningDelta,
    Stream,
    StreamAppender,
    StreamEvent,
    SystemMessage,
    TextDelta,
    UserMessage,
    stream_message,
)
from miniagents.promising import StreamedPromise
from miniagents.promising.core.pieces import FAIR_SHARE
from miniagents.testing import VirtualClockEventLoop, transcript
from tests.effort import examples

quickly = examples(100)

Messages = MessageSequencePromise[Message]


class SpokenMessage(Message, frozen=True):
    """A class that another one shares with `UserMessage`."""


class SpokenUserMessage(UserMessage, SpokenMessage, frozen=True):
    """What is known to be a `UserMessage` may turn out to be a `SpokenMessage`."""


async def said(tokens: Sequence[str | StreamEvent | BaseException]) -> AsyncIterator[str | StreamEvent]:
    for token in tokens:
        await asyncio.sleep(0)
        if isinstance(token, BaseException):
            raise token
        yield token


def sequence_of(*items: Any) -> Messages:  # Any: nested in all ways that a sequence takes
    sequence = MessageSequence[Message](name="said")
    sequence.put(list(items))
    sequence.close()
    return sequence.promise


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def upper(message: Message) -> Message:
    return Message(str(message).upper())


async def upper_later(message: Message) -> Message:
    await asyncio.sleep(0)
    return upper(message)


def in_words(error: Exception) -> ErrorMessage:
    return ErrorMessage(str(error), error_type=type(error).__name__)


def first_two(messages: Messages) -> Messages:
    return MessageSequencePromise.of_promises(messages.take(2))


OF_SEQUENCES: dict[str, Callable[[Messages], StreamedPromise[Any, Any]]] = {
    "map_messages": lambda messages: messages.map_messages(upper),
    "then_messages": lambda messages: messages.then_messages(upper_later, concurrency=2),
    "recover_messages": lambda messages: messages.recover_messages(in_words),
    "filter_messages": lambda messages: messages.filter_messages(lambda message: message.text != "b"),
    "of_type": lambda messages: messages.of_type(UserMessage),
    "of_promises": first_two,
    "first": lambda messages: messages.first(),
    "last": lambda messages: messages.last(),
    "only": lambda messages: messages.only(),
    "join": lambda messages: messages.join(" + "),
    "split": lambda messages: messages.split("b"),
}
OF_MESSAGES: dict[str, Callable[[MessagePromise[Message]], StreamedPromise[Any, Any]]] = {
    "map_text": lambda message: message.map_text(str.upper),
    "map_message": lambda message: message.map_message(upper),
    "then_message": lambda message: message.then_message(upper_later),
    "recover_message": lambda message: message.recover_message(in_words),
    "timeout": lambda message: message.timeout(1000),
    "checked": lambda message: message.checked(upper),
    "events": lambda message: message.events,
    "split": lambda message: message.split("b"),
}
each_of_sequences = pytest.mark.parametrize("combine", OF_SEQUENCES.values(), ids=OF_SEQUENCES)
each_of_messages = pytest.mark.parametrize("combine", OF_MESSAGES.values(), ids=OF_MESSAGES)


# --- what they give ---


def test_each_of_sequences_gives_what_its_name_says() -> None:
    async def main() -> None:
        messages = sequence_of("a", UserMessage("b"), "c")
        a, b, c = await messages
        assert await messages.map_messages(upper) == (Message("A"), Message("B"), Message("C"))
        assert await messages.then_messages(upper_later) == (Message("A"), Message("B"), Message("C"))
        assert await messages.recover_messages(in_words) == (a, b, c)
        assert await messages.filter_messages(lambda message: message.text != "b") == (a, c)
        assert await messages.of_type(UserMessage) == (b,)
        assert await messages.of_type(UserMessage, AssistantMessage) == (b,)
        assert await messages.of_type(Message) == (a, b, c)
        assert (await messages.first(), await messages.last()) == (a, c)
        assert await messages.of_type(UserMessage).only() == b
        assert await messages.join("-", message_class=AssistantMessage) == AssistantMessage("a-b-c")
        assert await messages.split("b", message_class=UserMessage) == (UserMessage("a"), UserMessage("c"))
        for whole in (messages.skip(1).take(1), messages.distinct(lambda promise: promise.message_class).skip(1)):
            assert await MessageSequencePromise.of_promises(whole) == (b,)

    MiniAgents().run(main())


def test_each_of_messages_gives_what_its_name_says() -> None:
    async def main() -> None:
        message = stream_message(AssistantMessage, said(["a", ReasoningDelta(text="hm"), "b"]), model="m")
        assert await message.map_text(str.upper) == AssistantMessage("AB", model="m")
        assert await message.map_message(upper) == Message("AB")
        assert await message.then_message(upper_later) == Message("AB")
        assert await message.then_message(MessagePromise.of_message) is await message
        for same in (message.recover_message(in_words), message.timeout(10), message.checked(lambda whole: whole)):
            assert [token async for token in same] == ["a", "b"]
            assert await same.events == (TextDelta(text="a"), ReasoningDelta(text="hm"), TextDelta(text="b"))
            assert await same is await message
        assert await message.map_text(str.upper).events == (
            TextDelta(text="A"),
            ReasoningDelta(text="hm"),
            TextDelta(text="B"),
        )
        assert await message.split("a", message_class=UserMessage) == (UserMessage("b"),)

    MiniAgents().run(main())


def test_an_empty_sequence_has_no_first_last_or_only_message() -> None:
    async def main() -> None:
        messages = sequence_of()
        with pytest.raises(ValueError, match="^'said' has no first message: it has none at all$"):
            await messages.first()
        with pytest.raises(ValueError, match="^'said' has no last message: it has none at all$"):
            await messages.last()
        with pytest.raises(ValueError, match="^'said' has 0 messages, where exactly one is expected$"):
            await messages.only()

    MiniAgents().run(main())


def test_only_says_how_many_messages_there_are() -> None:
    async def main() -> None:
        only = sequence_of("a", ["b", stream_message(Message, said("c"))]).only()
        with pytest.raises(ValueError, match="^'said' has 3 messages, where exactly one is expected$"):
            await only

    MiniAgents().run(main())


def test_what_cannot_be_meant_is_refused_at_the_call() -> None:
    async def main() -> None:
        messages: Any = sequence_of("a")
        with pytest.raises(TypeError, match=r"^of_type\(\): give at least one class of messages$"):
            messages.of_type()
        for wrong in (str, Message("a"), (UserMessage, AssistantMessage)):
            with pytest.raises(TypeError, match=r"^of_type\(.*\): give classes of messages$"):
                messages.of_type(UserMessage, wrong)
        with pytest.raises(ValueError, match=r"^then_messages\(concurrency=0\): at least one call runs"):
            messages.then_messages(upper_later, concurrency=0)
        with pytest.raises(ValueError, match="^split_messages: the delimiter and the code fence cannot be empty$"):
            messages.split("")
        with pytest.raises(TypeError, match=r"^join_messages\(ErrorMessage, …\): ErrorMessage.error_type is missing$"):
            messages.join(message_class=ErrorMessage)

    MiniAgents().run(main())


def test_a_stream_of_message_promises_in_the_place_of_messages_is_refused_with_the_way_back() -> None:
    async def main() -> None:
        stream: Any = sequence_of("a").map_pieces(lambda promise: promise)
        with pytest.raises(TypeError, match=r"MessageSequencePromise\.of_promises\(…\) for messages whose promises it"):
            sequence_of(stream)

    MiniAgents().run(main())


# --- laws ---

TEXTS = st.lists(st.text("ab|", max_size=3), max_size=6)
MADE = st.lists(
    st.tuples(
        st.sampled_from(["there", "streamed", "unknown", "declared"]),
        st.sampled_from([Message, UserMessage, AssistantMessage, SpokenMessage, SpokenUserMessage]),
    ),
    max_size=8,
)
CLASSES = st.sets(
    st.sampled_from([Message, UserMessage, AssistantMessage, SpokenMessage, SpokenUserMessage, SystemMessage]),
    min_size=1,
    max_size=3,
)


def made(how: str, cls: type[Message], number: int) -> Message | Promise[Message]:
    """A message that is made in one of the ways in which its class is known beforehand, or is not."""
    message = cls(str(number))

    async def whole(_: object) -> Message:
        await asyncio.sleep(0)
        return message

    if how == "there":
        return message
    if how == "streamed":
        return stream_message(cls, said([str(number)]))
    if how == "declared":  # by a base of its class
        return MessagePromise(
            lambda: said([str(number)]), whole, message_class=UserMessage if issubclass(cls, UserMessage) else Message
        )
    return Promise(lambda: whole(None))


@quickly
@given(items=MADE, classes=CLASSES)
def test_of_type_is_filter_messages_by_isinstance(
    items: list[tuple[str, type[Message]]], classes: set[type[Message]]
) -> None:
    async def main() -> None:
        messages = sequence_of(*(made(how, cls, number) for number, (how, cls) in enumerate(items)))
        chosen = messages.of_type(*classes)
        assert await chosen == await messages.filter_messages(lambda message: isinstance(message, tuple(classes)))
        assert await chosen == tuple(message for message in await messages if isinstance(message, tuple(classes)))

    MiniAgents().run(main())


@quickly
@given(texts=TEXTS)
def test_map_messages_keeps_identity_and_composition(texts: list[str]) -> None:
    async def main() -> None:
        for messages in (sequence_of(*texts), sequence_of(*(stream_message(Message, said([text])) for text in texts))):
            assert await messages.map_messages(lambda message: message) == await messages
            twice = messages.map_messages(upper).map_messages(lambda message: Message(f"{message}!"))
            assert await twice == await messages.map_messages(lambda message: Message(f"{upper(message)}!"))
            assert await messages.then_messages(upper_later) == await messages.map_messages(upper)

    MiniAgents().run(main())


@quickly
@given(texts=TEXTS)
def test_first_last_and_only_are_those_of_the_tuple(texts: list[str]) -> None:
    async def main() -> None:
        messages = sequence_of(*(stream_message(Message, said([text])) for text in texts))
        whole = await messages
        for promise, expected in (
            (messages.first(), whole[:1]),
            (messages.last(), whole[-1:]),
            (messages.only(), whole if len(whole) == 1 else ()),
        ):
            one: Promise[tuple[Message, ...]] = promise.map(lambda message: (message,))
            assert await one.recover(lambda _: (), ValueError) == expected

    MiniAgents().run(main())


@quickly
@given(texts=TEXTS)
def test_joining_what_was_split_gives_the_text_and_splitting_what_was_joined_the_texts(texts: list[str]) -> None:
    async def main() -> None:
        parts = [part for text in texts for part in text.split("|") if part]
        messages = sequence_of(*(stream_message(Message, said(list(text))) for text in texts))
        split = messages.split("|", code_fence=None)
        assert [str(message) for message in await split] == parts
        assert str(await split.join("|")) == "|".join(parts)
        assert await split.join("|").split("|", code_fence=None) == await split

    MiniAgents().run(main())


@pytest.mark.leaves_errors_unread
@quickly
@given(items=st.lists(st.sampled_from(["a", "b", "error", "cut"]), max_size=6))
def test_p5_errors_stay_in_their_places_and_recovering_puts_messages_there(items: list[str]) -> None:
    def item(kind: str) -> Any:
        if kind == "error":
            return ValueError(kind)
        return stream_message(Message, said([kind, *([ValueError(kind)] if kind == "cut" else [])]))

    def failed(kind: str) -> bool:
        return kind in ("error", "cut")

    async def settled(messages: Messages) -> list[str]:
        return [str(message if error is None else repr(error)) async for message, error in messages.settled_messages()]

    async def main() -> None:
        messages = sequence_of(*map(item, items))
        as_it_is = [repr(ValueError(kind)) if failed(kind) else kind for kind in items]
        raised = [text if text.startswith("ValueError") else text.upper() for text in as_it_is]
        assert await settled(messages) == as_it_is
        assert await settled(messages.map_messages(upper)) == raised
        assert await settled(messages.then_messages(upper_later)) == raised
        assert await settled(messages.filter_messages(lambda _: True)) == as_it_is
        assert await settled(messages.of_type(Message)) == as_it_is
        assert await settled(messages.recover_messages(in_words, KeyError)) == as_it_is
        assert await messages.recover_messages(in_words) == tuple(
            in_words(ValueError(kind)) if failed(kind) else Message(kind) for kind in items
        )
        await messages.recover(lambda _: ())

    MiniAgents().run(main())


# --- streaming ---


def test_map_messages_gives_a_promise_for_a_message_that_is_still_arriving() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            for messages in (
                sequence_of(stream_message(Message, appender), "b").map_messages(upper),
                sequence_of(stream_message(Message, appender), "b").then_messages(upper_later),
                sequence_of(stream_message(Message, appender), "b").recover_messages(in_words),
            ):
                promises = aiter(messages)
                first = await anext(promises)
                assert str(await (await anext(promises))) in "Bb"
                assert not first.done()

    MiniAgents().run(main())


def test_of_type_streams_what_is_known_to_be_of_the_class_and_passes_over_what_is_not() -> None:
    async def main() -> None:
        with StreamAppender[str](name="system") as other, StreamAppender[str](name="user") as appender:
            messages = sequence_of(stream_message(SystemMessage, other), stream_message(UserMessage, appender))
            first = await anext(aiter(messages.of_type(UserMessage, AssistantMessage)))
            appender.append("Hel")
            assert await anext(aiter(first)) == "Hel"
            assert not first.done()
            assert not other.closed

    MiniAgents().run(main())


def test_of_type_waits_for_a_message_whose_class_may_still_be_one_of_those() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def whole(_: object) -> Message:
            await gate.wait()
            return UserMessage("late")

        declared = MessagePromise(lambda: said(["late"]), whole, message_class=Message)
        chosen = sequence_of(declared, UserMessage("b")).of_type(UserMessage)
        await turns()
        assert not chosen._buffer.pieces
        gate.set()
        assert await chosen == (UserMessage("late"), UserMessage("b"))
        assert [promise.message_class async for promise in chosen] == [UserMessage, UserMessage]
        taken = MessageSequence[UserMessage](message_classes=(UserMessage,))
        taken.put(chosen)  # that the first was declared as any message is of no interest any more
        taken.close()
        assert await taken.promise == await chosen

    MiniAgents().run(main())


def test_first_and_only_stream_while_the_sequence_goes_on() -> None:
    async def main() -> None:
        sequence = MessageSequence[Message]()
        with StreamAppender[str | StreamEvent]() as appender:
            sequence.put(stream_message(AssistantMessage, appender, model="m"))
            for one in (sequence.promise.first(), sequence.promise.only()):
                if one.message_class is Message:
                    appender.append("Hel")
                tokens = aiter(one)
                assert await anext(tokens) == "Hel"
                assert one.message_class is AssistantMessage
                assert dict(one.known) == {"model": "m"}  # M7
            appender.append(ReasoningDelta(text="hm"))
            appender.append("lo")
            appender.close()
            first, only = sequence.promise.first(), sequence.promise.only()
            assert await first == AssistantMessage("Hello", model="m")
            assert ReasoningDelta(text="hm") in await first.events
            await turns()
            assert not only.done()
            sequence.close()
            assert await only is await first

    MiniAgents().run(main())


def test_last_streams_once_the_sequence_has_ended() -> None:
    async def main() -> None:
        sequence = MessageSequence[Message]()
        with StreamAppender[str](name="first") as first, StreamAppender[str](name="second") as second:
            sequence.put([stream_message(Message, first), stream_message(UserMessage, second)])
            last = sequence.promise.last()
            second.append("Hel")
            await turns()
            assert not last._buffer.pieces
            sequence.close()
            tokens = aiter(last)
            assert await anext(tokens) == "Hel"
            second.append("lo")
            assert await anext(tokens) == "lo"
            second.close()
            assert await last == UserMessage("Hello")
            assert not first.closed

    MiniAgents().run(main())


def test_recover_message_lets_no_token_through_that_it_would_have_to_take_back() -> None:
    async def main() -> None:
        message = stream_message(Message, said(["half", ValueError("no")])).recover_message(in_words)
        assert [token async for token in message] == ["no"]
        assert str(await message) == "no"
        with pytest.raises(KeyError):
            await stream_message(Message, said([KeyError("k")])).recover_message(in_words, ValueError)

    MiniAgents().run(main())


def test_the_streams_of_combinators_are_what_they_were(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        messages = sequence_of(
            "a",
            stream_message(UserMessage, said(["b", "b", "b"])),
            ValueError("between"),
            stream_message(AssistantMessage, said(["c", "c", KeyError("cut")])),
            stream_message(Message, said(["d", "e"])),
        )
        results = {
            **{name: combine(messages) for name, combine in OF_SEQUENCES.items()},
            **{
                f"message.{name}": combine(stream_message(Message, said("abc")))
                for name, combine in OF_MESSAGES.items()
            },
        }
        return "\n".join([f"--- {name}\n{await transcript(result)}" for name, result in results.items()])

    assert MiniAgents().run(main()) == snapshot


# --- time ---


def test_timeout_streams_what_comes_in_time_and_puts_the_error_behind_it() -> None:
    async def slow(pieces: Sequence[str]) -> AsyncIterator[str]:
        for piece in pieces:
            yield piece
            await asyncio.sleep(1)

    async def main() -> None:
        message = stream_message(AssistantMessage, slow(["a", "b", "c"]), model="m")
        limited = message.timeout(1.5)
        assert limited.known["model"] == "m"
        assert await limited.pieces().recover_pieces(str) == (
            "a",
            "b",
            "'AssistantMessage' was not complete within 1.5 s",
        )
        with pytest.raises(TimeoutError, match="^'AssistantMessage' was not complete within 1.5 s$") as first:
            await limited
        with pytest.raises(TimeoutError) as second:
            await limited
        assert first.value is second.value  # P1
        assert await message.timeout(10) is await message
        assert await message.timeout(1, default=None) is await message
        never = stream_message(Message, slow(["a", "b"])).timeout(1.5, default=None)
        assert await never is None

    async def late_whole() -> None:
        async def whole(_: object) -> Message:
            await asyncio.sleep(5)
            return Message("ab")

        message = MessagePromise(lambda: said("ab"), whole)
        limited = message.timeout(1)
        assert [token async for token in limited] == ["a", "b"]
        with pytest.raises(TimeoutError, match="was not complete within 1 s$"):
            await limited
        assert await message == Message("ab")  # P3

    MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)
    MiniAgents().run(late_whole(), loop_factory=VirtualClockEventLoop)


@pytest.mark.parametrize("reader", ["of the tokens", "of the tokens, recovering", "of the whole", "nobody"])
def test_a3_a_timeout_that_somebody_read_is_not_logged(reader: str, caplog: pytest.LogCaptureFixture) -> None:
    async def endless() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(1000)

    async def main() -> None:
        message = stream_message(Message, endless())
        limited = message.timeout(1)
        if reader == "nobody":
            await asyncio.sleep(2)
        elif reader == "of the tokens, recovering":
            assert await limited.pieces().recover_pieces(lambda _: "…") == ("a", "…")
        else:
            with pytest.raises(TimeoutError):
                _ = [token async for token in limited] if reader == "of the tokens" else await limited
        message.cancel()

    MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)
    logged = [record.getMessage() for record in caplog.records]
    assert logged == (["an error that nobody has read, in 'Message.timeout'"] if reader == "nobody" else [])


@pytest.mark.parametrize("concurrency", [1, 2, 3, None])
def test_then_messages_runs_no_more_calls_at_once_than_it_may(concurrency: int | None) -> None:
    running: list[int] = []
    most: list[int] = []

    async def call(message: Message) -> Message:
        running.append(1)
        most.append(len(running))
        await asyncio.sleep(1)
        running.pop()
        return message

    async def main() -> float:
        messages = sequence_of(*"abcdef")
        assert await messages.then_messages(call, concurrency=concurrency) == await messages
        return asyncio.get_running_loop().time()

    started = 0.0
    seconds = MiniAgents().run(main(), loop_factory=VirtualClockEventLoop) - started
    assert max(most) == (concurrency or 6)
    assert seconds == 6 / (concurrency or 6)


# --- lazy, bounded, replayed ---


class Speaker:
    """Says messages, the first of which does not end; it knows what became of it."""

    def __init__(self, *, ends: bool = False, stays: bool = True) -> None:
        self.started = False
        self.stopped = False
        self._ends = ends
        self._stays = stays

    async def tokens(self) -> AsyncIterator[str]:
        self.started = True
        try:
            yield "a"
            if not self._ends:
                await asyncio.Event().wait()
        finally:
            self.stopped = True

    def message(self, *, start_asap: bool = True) -> MessagePromise[Message]:
        async def whole(pieces: AsyncIterable[str]) -> Message:
            return UserMessage("".join([piece async for piece in pieces]))

        return MessagePromise(self.tokens, whole, message_class=UserMessage, start_asap=start_asap, name="message")

    def sequence(self, *, start_asap: bool = True) -> Messages:
        sequence = MessageSequence[Message](name="speaker")

        async def work() -> None:
            self.started = True
            sequence.put(self.message())
            if self._stays:
                await asyncio.Event().wait()

        sequence.produce(work, start_asap=start_asap)
        return sequence.promise


@each_of_sequences
def test_p2_what_is_made_of_a_lazy_sequence_is_lazy(combine: Callable[[Messages], Awaitable[object]]) -> None:
    async def main() -> None:
        speaker = Speaker(ends=True, stays=False)
        result = combine(speaker.sequence(start_asap=False))
        await turns()
        assert not speaker.started
        await result
        assert speaker.started

    MiniAgents().run(main())


@each_of_messages
def test_p2_what_is_made_of_a_lazy_message_is_lazy(
    combine: Callable[[MessagePromise[Message]], Awaitable[object]],
) -> None:
    async def main() -> None:
        speaker = Speaker(ends=True)
        result = combine(speaker.message(start_asap=False))
        await turns()
        assert not speaker.started
        await result
        assert speaker.started

    MiniAgents().run(main())


@each_of_messages
def test_p9_what_is_made_of_a_bounded_message_is_bounded(
    combine: Callable[[MessagePromise[Message]], StreamedPromise[Any, Any]],
) -> None:
    spoken: list[str] = []

    async def tokens() -> AsyncIterator[str]:
        for _ in range(100):
            spoken.append("b")
            yield "ab" if len(spoken) % 2 else "ba"

    async def whole(pieces: AsyncIterable[str]) -> Message:
        return Message("".join([piece async for piece in pieces]))

    async def main() -> None:
        result = combine(MessagePromise(tokens, whole, max_ahead=3))
        await turns(500)
        if combine not in [OF_MESSAGES[name] for name in ("map_message", "then_message", "recover_message", "checked")]:
            assert len(spoken) <= 10
        await result
        assert len(spoken) == 100

    MiniAgents().run(main())


@pytest.mark.parametrize("name", [name for name in OF_SEQUENCES if name not in ("last", "only")])
def test_p9_what_is_made_of_a_bounded_sequence_is_bounded(name: str) -> None:
    made_so_far: list[int] = []

    async def messages() -> AsyncIterator[MessagePromise[Message]]:
        for number in range(100):
            made_so_far.append(number)
            yield stream_message(UserMessage, said(["a"]))

    async def whole(promises: AsyncIterable[MessagePromise[Message]]) -> tuple[Message, ...]:
        return tuple([await promise async for promise in promises])

    async def main() -> None:
        bounded: Messages = MessageSequencePromise(messages, whole, max_ahead=3)
        result = OF_SEQUENCES[name](bounded)
        await turns(1000)
        assert len(made_so_far) <= 10
        await result

    MiniAgents().run(main())


@each_of_sequences
def test_p4_a_late_reader_gets_the_same(combine: Callable[[Messages], StreamedPromise[Any, Any]]) -> None:
    async def main() -> None:
        result = combine(sequence_of(stream_message(UserMessage, said("abc"))))
        assert await transcript(result) == await transcript(result)

    MiniAgents().run(main())


def test_p4_many_ready_messages_leave_the_loop_responsive() -> None:
    many = 20_000
    combinators: list[Callable[[Messages], Stream[Any] | Messages]] = [
        lambda messages: messages.map_messages(lambda message: message),
        lambda messages: messages.recover_messages(in_words),
        lambda messages: messages.filter_messages(lambda _: True),
        lambda messages: messages.of_type(Message),
    ]

    async def main() -> None:
        messages = MessageSequencePromise.of_messages([Message("a")] * many)
        for combine in combinators:
            result = asyncio.ensure_future(_whole(combine(messages)))
            taken = 0
            while not result.done():
                await asyncio.sleep(0)
                taken += 1
            assert await result == many
            assert taken >= many // (2 * FAIR_SHARE)

    MiniAgents().run(main())


async def _whole(stream: AsyncIterable[object]) -> int:
    return len([piece async for piece in stream])


# --- cancelling ---


@pytest.mark.parametrize("stays", [True, False], ids=["that goes on", "that has ended"])
@each_of_sequences
def test_p10_cancelling_the_result_frees_a_sequence(
    combine: Callable[[Messages], StreamedPromise[Any, Any]], stays: bool
) -> None:
    async def main() -> object:
        speaker = Speaker(stays=stays)
        messages = speaker.sequence()
        result = combine(messages)
        await turns()
        assert speaker.started
        if not stays and combine is first_two:
            return messages.cancel()  # a stream of pieces that has ended is done with its sources
        assert result.cancel()
        await turns(2)
        assert speaker.stopped
        assert messages.cancelled()
        return None

    MiniAgents().run(main())


@pytest.mark.parametrize("stays", [True, False], ids=["that goes on", "that has ended"])
@each_of_sequences
def test_p3_cancelling_the_result_leaves_a_sequence_to_its_other_readers(
    combine: Callable[[Messages], StreamedPromise[Any, Any]], stays: bool
) -> None:
    async def main() -> None:
        speaker = Speaker(stays=stays)
        messages = speaker.sequence()
        reader = asyncio.ensure_future(messages.aresolve_messages())
        result = combine(messages)
        await turns()
        result.cancel()
        await turns()
        assert not speaker.stopped
        reader.cancel()
        messages.cancel()

    MiniAgents().run(main())


@each_of_messages
def test_p10_cancelling_the_result_frees_a_message_unless_somebody_reads_it(
    combine: Callable[[MessagePromise[Message]], StreamedPromise[Any, Any]],
) -> None:
    async def main() -> None:
        for is_read in (True, False):
            speaker = Speaker()
            message = speaker.message()
            reader = asyncio.ensure_future(_whole(message))
            await turns()
            if not is_read:
                reader.cancel()
                await turns()
            result = combine(message)
            aiter(result)
            await turns()
            assert result.cancel()
            await turns(2)
            assert speaker.stopped is not is_read
            message.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    MiniAgents().run(main())


@pytest.mark.parametrize("name", ["filter_messages", "first", "last", "only", "join", "split"])
def test_p10_a_message_that_is_waited_for_is_freed_wherever_it_comes_from(name: str) -> None:
    async def main() -> None:
        speaker = Speaker()
        result = OF_SEQUENCES[name](sequence_of(speaker.message()))
        await turns()
        assert result.cancel()
        await turns(2)
        assert speaker.stopped

    MiniAgents().run(main())


def test_p10_cancelling_one_message_of_the_result_frees_the_one_it_is_made_of() -> None:
    async def main() -> None:
        for name in ("map_messages", "then_messages", "recover_messages"):
            speaker, other = Speaker(), Speaker()
            spoken = [speaker.message(), other.message()]
            messages = OF_SEQUENCES[name](sequence_of(*spoken))
            first = await anext(aiter(messages))
            await turns()
            assert first.cancel()
            await turns(2)
            assert speaker.stopped
            assert not other.stopped
            messages.cancel()
            spoken[1].cancel()

    MiniAgents().run(main())


# --- what is logged ---


def failing() -> Messages:
    return sequence_of("a", stream_message(UserMessage, said(["b", KeyError("cut")])), ValueError("no"), "c")


@each_of_sequences
def test_an_error_that_was_read_is_not_logged(
    combine: Callable[[Messages], StreamedPromise[Any, Any]], logged: list[str]
) -> None:
    async def main() -> None:
        for item in (ValueError("alone"), stream_message(UserMessage, said(["b", KeyError("cut")]))):
            await transcript(combine(sequence_of(item)))
        await transcript(combine(sequence_of()))

    MiniAgents().run(main())
    gc.collect()
    assert not logged


def test_an_error_that_was_recovered_is_not_logged_and_one_that_nobody_reads_is_logged_once(
    logged: list[str],
) -> None:
    async def recovering() -> None:
        assert [message.text for message in await failing().recover_messages(in_words)] == ["a", "'cut'", "no", "c"]

    async def forgetting() -> None:
        for combine in OF_SEQUENCES.values():
            combine(sequence_of(ValueError("unread")))
            await turns(20)

    MiniAgents().run(recovering())
    gc.collect()
    assert not logged
    MiniAgents().run(forgetting())
    gc.collect()
    recovered = 1
    assert len(logged) == len(OF_SEQUENCES) - recovered


@each_of_sequences
def test_a_cancellation_is_not_logged(
    combine: Callable[[Messages], StreamedPromise[Any, Any]], logged: list[str]
) -> None:
    async def main() -> None:
        result = combine(Speaker().sequence())
        await turns()
        result.cancel()
        with pytest.raises(PromiseCancelledError):
            await result

    MiniAgents().run(main())
    gc.collect()
    assert not logged

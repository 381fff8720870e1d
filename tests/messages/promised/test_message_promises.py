"""Promises of one message: its tokens, its events, and what is known of it beforehand."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AssistantMessage,
    ErrorMessage,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MiniAgents,
    ReasoningDelta,
    RefusalDelta,
    StreamAppender,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UserMessage,
    stream_message,
)
from miniagents.testing import transcript
from tests.effort import examples

Piece = str | StreamEvent


class Templated(Message, frozen=True, kw_only=True):
    text_template = "{name} is {age}"
    name: str
    age: int


class Picky(Message, frozen=True):
    def __post_init__(self) -> None:
        raise ValueError(f"refused: {self.text}")


async def said(pieces: Iterable[Piece]) -> AsyncIterator[Piece]:
    for piece in pieces:
        yield piece


async def said_in_words(*words: str) -> AsyncIterator[str]:
    for word in words:
        yield word


PIECES = st.lists(
    st.text(st.characters(codec="utf-8"), max_size=4)
    | st.builds(ReasoningDelta, text=st.text(st.characters(codec="utf-8"), max_size=3))
    | st.builds(RefusalDelta, text=st.just("no"))
    | st.builds(TextDelta, text=st.text("xyz", max_size=3))
    | st.builds(ToolCallDelta, index=st.integers(0, 3), arguments=st.text("{}", max_size=3)),
    max_size=12,
)


def text_of(pieces: list[Piece]) -> str:
    return "".join(
        piece.text if isinstance(piece, TextDelta) else piece for piece in pieces if isinstance(piece, str | TextDelta)
    )


@examples(150)
@given(pieces=PIECES)
def test_m6_tokens_joined_are_the_text_and_events_never_appear_as_text(pieces: list[Piece]) -> None:
    async def main() -> None:
        promise = stream_message(AssistantMessage, said(pieces), model="m")
        tokens = [token async for token in promise]
        message = await promise
        assert all(isinstance(token, str) for token in tokens)
        assert "".join(tokens) == str(message) == message.text == text_of(pieces)
        assert await promise.pieces() == tuple(tokens)
        assert await promise.into("".join) == str(message)
        events = await promise.events
        assert events == tuple(TextDelta(text=piece) if isinstance(piece, str) else piece for piece in pieces)
        again = stream_message(AssistantMessage, promise.events, model="m")
        assert await again == message
        assert await again.events == events

    MiniAgents().run(main())


@pytest.mark.parametrize(
    "message",
    [
        Message("text"),
        Message(""),
        Message(),
        Templated(name="Ann", age=3),
        ErrorMessage("no", error_type="ValueError"),
    ],
)
def test_m6_tokens_of_a_message_that_is_there_already_are_its_text(message: Message) -> None:
    async def main() -> None:
        promise = MessagePromise.of_message(message)
        assert "".join([token async for token in promise]) == str(message)
        assert await promise is message
        assert promise.done()
        assert promise.message_class is type(message)
        async with MiniAgents():
            assert "".join([event.text async for event in promise.events if isinstance(event, TextDelta)]) == str(
                message
            )

    asyncio.run(main())


WRONG_TOKEN = "gave int: 3; a token is a string or a stream event"


async def outcomes(stream: AsyncIterable[object]) -> list[object]:
    """What reading a stream to its end gives, errors as their texts."""
    read: list[object] = []
    pieces = aiter(stream)
    while True:
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            return read
        except TypeError as error:
            read.append(str(error))


@pytest.mark.parametrize("shared", [False, True])
def test_m6_what_is_neither_token_nor_event_is_an_error_at_its_place_for_every_reader(shared: bool) -> None:
    async def main() -> None:
        pieces: Any = ["a", 3, "x"]
        tokens: AsyncIterable[Any] = said(pieces)
        if shared:
            with StreamAppender[Any](name="other") as appender:
                appender.extend(pieces)
            tokens = appender
        promise = stream_message(Message, tokens)
        wrong = f"Message: {'other' if shared else 'said'} {WRONG_TOKEN}"
        assert await outcomes(promise) == ["a", wrong, "x"]
        assert await outcomes(promise.pieces()) == ["a", wrong, "x"]
        assert await outcomes(promise.checked(lambda message: message)) == ["a", wrong, "x"]
        assert await outcomes(promise.events) == [TextDelta(text="a"), wrong, TextDelta(text="x")]
        for whole in (promise, promise.pieces(), promise.events, promise.map_text(str.upper)):
            with pytest.raises(TypeError, match=f"^{wrong}$"):
                await whole

    MiniAgents().run(main())


def refused(*args: Any, **fields: Any) -> str:  # Any: what checkers would refuse
    """Why `stream_message` refuses its arguments at the call."""
    stream: Any = stream_message

    async def main() -> str:
        with pytest.raises(TypeError) as refusal:
            stream(*args, **fields)
        return str(refusal.value)

    return MiniAgents().run(main())


def test_what_is_no_stream_of_tokens_is_refused_at_the_call() -> None:
    start = "stream_message(Message, …): the tokens come from an async iterable or a list, "

    async def tokens() -> AsyncIterator[str]:
        yield "never"

    class Later:
        def __await__(self) -> Iterator[None]:
            yield

    assert refused(Message, tokens) == f"{start}not the function tokens: call it: tokens()"
    assert refused(Message, "text") == f"{start}not 'text': write Message(…)"
    assert refused(Message, Later()) == f"{start}not {Later.__qualname__}: await it first"
    assert refused(tokens(), Message) == "stream_message: the class comes first: stream_message(Message, …)"
    assert (
        refused(Message("x"), tokens())
        == "stream_message: Message(text='x') is no class; write stream_message(Message, …)"
    )


def test_fields_that_do_not_make_the_message_are_refused_at_the_call() -> None:
    start = "stream_message(Templated, …): "
    assert refused(Templated, said([]), name="Ann") == f"{start}Templated.age is missing"
    assert refused(Templated, said([]), name="Ann", agee=3) == f"{start}Templated has no field 'agee'"
    assert refused(Templated, said([]), name="Ann", age=3, text="x") == (
        f"{start}leave out text=, the text is what is streamed"
    )


def test_any_callable_makes_the_message_of_the_arguments_it_takes() -> None:
    def made(text: str | None, excitement: int) -> UserMessage:
        return UserMessage((text or "") + "!" * excitement)

    async def main() -> None:
        assert await stream_message(made, said(["wow"]), 2) == UserMessage("wow!!")

    MiniAgents().run(main())


def test_a_forgotten_await_says_what_to_do() -> None:
    async def main() -> None:
        promise: Any = MessagePromise.of_message(Message("a"))
        hint = r"^'MessagePromise' object has no attribute 'text'; await the promise first: \(await promise\)\.text$"
        with pytest.raises(AttributeError, match=hint):
            _ = promise.text
        with pytest.raises(AttributeError, match="no attribute 'txet'$"):
            _ = promise.txet
        sequence: Any = MessageSequencePromise.of_messages([Message("a")])
        assert not isinstance(sequence, Iterable | Sequence)
        with pytest.raises(TypeError, match="await the promise first"):
            _ = sequence[0]
        with pytest.raises(TypeError, match="await the promise first"):
            list(sequence)

    MiniAgents().run(main())


def test_m7_known_fields_can_be_read_before_the_end() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            promise = stream_message(AssistantMessage, appender, model="some-model")
            assert promise.message_class is AssistantMessage
            assert dict(promise.known) == {"model": "some-model"}
            assert not promise.done()
            appender.append("Hello")
            appender.close()
            assert await promise == AssistantMessage("Hello", model="some-model")
            known = {"text": "Hello", "role": "assistant", "model": "some-model"}
            assert {name: promise.known[name] for name in known} == known
            assert set(promise.known) == set(AssistantMessage.__struct_fields__)

    MiniAgents().run(main())


class Trip(Message, kw_only=True):
    metres: int
    line: msgspec.UnsetType | str = msgspec.UNSET


def test_m7_a_field_that_the_message_does_not_have_is_not_known() -> None:
    """`msgspec.UNSET` stands for no value, and so nothing can hold it, a mapping of fields least of all."""

    async def main() -> None:
        walk = Trip("On foot", metres=3)
        for promise in (
            MessagePromise.of_message(walk),
            stream_message(Trip, said_in_words("On", " foot"), metres=3, line=msgspec.UNSET),
            MessageSequencePromise.of_messages([walk]).only(),
        ):
            assert [token async for token in promise]
            assert await promise == walk
            assert "line" not in promise.known
            assert promise.known["metres"] == 3
        assert MessagePromise.of_message(Trip(metres=3, line="U1")).known["line"] == "U1"

    MiniAgents().run(main())


def test_m7_known_fields_are_frozen() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            callers = ["a"]
            promise = stream_message(ErrorMessage, appender, error_type="E", callers=tuple(callers))
            known: Any = promise.known
            with pytest.raises(TypeError):
                known["error_type"] = "other"

    MiniAgents().run(main())


def test_m7_known_fields_of_sequences_are_those_of_their_messages() -> None:
    async def main() -> None:
        sequence = MessageSequencePromise.of_messages([UserMessage("a"), Message("b")])
        assert [promise.message_class async for promise in sequence] == [UserMessage, Message]

    asyncio.run(main())


def test_a_message_that_cannot_be_made_is_an_error_of_its_promise() -> None:
    async def main() -> None:
        promise = stream_message(Picky, said(["text"]))
        assert [token async for token in promise] == ["text"]
        with pytest.raises(ValueError, match="^refused: text$"):
            await promise

    MiniAgents().run(main())


def test_map_text_keeps_the_class_the_fields_and_the_streaming() -> None:
    async def main() -> None:
        promise = stream_message(AssistantMessage, said(["a", ReasoningDelta(text="hm"), "b"]), model="m").map_text(
            str.upper
        )
        assert [token async for token in promise] == ["A", "B"]
        assert promise.known["model"] == "m"
        assert await promise == AssistantMessage("AB", model="m")

    MiniAgents().run(main())


def test_checked_keeps_tokens_and_events() -> None:
    def check(message: Message) -> Message:
        if str(message) == "bad":
            raise ValueError("refused")
        return message

    async def main() -> None:
        for text in ("good", "bad"):
            promise = stream_message(Message, said([text, ReasoningDelta(text="hm")])).checked(check)
            assert [token async for token in promise] == [text]
            assert await promise.events == (TextDelta(text=text), ReasoningDelta(text="hm"))
            if text == "good":
                assert await promise == Message("good")
            else:
                with pytest.raises(ValueError, match="^refused$"):
                    await promise

    MiniAgents().run(main())


def test_sequences_map_join_and_resolve_their_messages() -> None:
    async def main() -> None:
        sequence = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        assert await sequence.aresolve_messages() is await sequence
        assert await sequence.map_messages(lambda message: UserMessage(message.text)) == (
            UserMessage("a"),
            UserMessage("b"),
        )
        assert await sequence.join() == Message("a\n\nb")

    MiniAgents().run(main())


@pytest.mark.leaves_errors_unread  # settling is no reading
def test_settled_messages_give_errors_in_their_places_and_raise_nothing() -> None:
    from miniagents import MessageSequence  # noqa: PLC0415 - it reads better here

    async def main() -> None:
        async def cut() -> AsyncIterator[str]:
            yield "half"
            raise ValueError("cut")

        sequence = MessageSequence[Message]()
        sequence.put(["a", KeyError("k"), stream_message(Message, cut()), "b"])
        sequence.close()
        settled = [(message, repr(error)) async for message, error in sequence.promise.settled_messages()]
        assert settled == [
            (Message("a"), "None"),
            (None, "KeyError('k')"),
            (None, "ValueError('cut')"),
            (Message("b"), "None"),
        ]
        with pytest.raises(KeyError):
            await sequence.promise

    MiniAgents().run(main())


def test_the_stream_of_a_message_is_what_it_was(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        pieces: list[Piece] = [
            ReasoningDelta(text="A greeting."),
            "Hel",
            "lo",
            ToolCallDelta(index=0, id="c1", name="wave", arguments='{"hand":'),
            ToolCallDelta(index=0, arguments='"left"}'),
            RefusalDelta(text="No more."),
        ]
        promise = stream_message(AssistantMessage, said(pieces), model="m")
        return f"{await transcript(promise)}\n--- events\n{await transcript(promise.events)}"

    assert MiniAgents().run(main()) == snapshot

"""What the type checkers must take: messages and their promises. Checked, not run; see also `rejects_messages.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar, TypeVar, assert_never, assert_type

import msgspec

from miniagents.messages import (
    AgentCallNode,
    AgentReplyNode,
    AnyMessage,
    AssistantMessage,
    DecodeError,
    ErrorMessage,
    Frozen,
    FrozenDict,
    InnerEvent,
    JsonValue,
    Message,
    MessagePromise,
    MessageSequence,
    MessageSequencePromise,
    MessageType,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    SystemMessage,
    TextDelta,
    ToolCallDelta,
    ToolProgress,
    UnknownMessage,
    UserMessage,
    canonical_form,
    check,
    decode,
    encode,
    freeze,
    join_messages,
    split_messages,
    stream_message,
)
from miniagents.promising import DEFAULT, Promise, Stream, StreamAppender, StreamedPromise, gather


def new(_: MessageType[UserMessage]) -> None: ...


def bare_new(_: MessageType) -> None: ...


async def messages() -> AsyncIterator[UserMessage]:
    yield UserMessage("x")


async def texts() -> AsyncIterator[str]:
    yield "x"


async def tokens_and_events() -> AsyncIterator[str | StreamEvent]:
    yield "x"
    yield ReasoningDelta("x")


def message_types(
    p: MessagePromise[UserMessage],
    s: MessageSequencePromise[UserMessage],
    b: MessageSequencePromise,
    many: list[UserMessage],
    some: tuple[UserMessage, ...],
    strings: list[str],
) -> None:
    new("x")
    new(UserMessage("x"))
    new(p)
    new(s)
    new(many)
    new(some)
    new(strings)
    new(["x", UserMessage("x"), [p, (s, ["y", [UserMessage("z")]])]])
    new(x for x in many)
    new(p for _ in range(3))
    new(messages())
    new(texts())
    new(ValueError("x"))
    new(["x", ValueError()])
    new([messages(), "x"])
    bare_new([b, "x", [AssistantMessage("x"), many, p, s]])
    items: list[MessageType[UserMessage]] = ["a", UserMessage("b")]
    items.append(p)
    new(items)


async def promises(
    s: MessageSequencePromise[UserMessage], b: MessageSequencePromise, p: MessagePromise[AssistantMessage]
) -> None:
    assert_type(await s.aresolve_messages(), tuple[UserMessage, ...])
    assert_type(await b.aresolve_messages(), tuple[Message, ...])
    assert_type([[t async for t in m] async for m in s], list[list[str]])
    assert_type(await s, tuple[UserMessage, ...])
    async for m in b:
        assert_type(m, MessagePromise[Message])
        assert_type(await m, Message)
    _up: MessagePromise[Message] = p
    _bare: MessagePromise = p
    assert_type(s.map_messages(lambda m: AssistantMessage(m.text)), MessageSequencePromise[AssistantMessage])
    assert_type(await gather(p, s), tuple[AssistantMessage, tuple[UserMessage, ...]])
    assert_type(p.map(lambda m: m.model), Promise[str | None])


def promises_of_other_kinds(user: Promise[UserMessage], narrow: MessagePromise[Narrow]) -> None:
    new(user)
    new([user, [user]])
    new(narrow)  # of a subclass
    new([narrow, Narrow("x", number=1)])
    assert_type(user.map(lambda m: m.text), Promise[str | None])


async def more_of_promises(p: MessagePromise[UserMessage], s: MessageSequencePromise[UserMessage]) -> None:
    assert_type(MessagePromise.of_message(UserMessage("x")), MessagePromise[UserMessage])
    assert_type(MessageSequencePromise.of_messages([UserMessage("x")]), MessageSequencePromise[UserMessage])
    assert_type(p.known, Mapping[str, object])
    assert_type(p.message_class, type[Message])
    assert_type(p.map_text(str.upper), MessagePromise[UserMessage])
    assert_type(p.checked(lambda m: AssistantMessage(m.text)), MessagePromise[AssistantMessage])
    assert_type(p.pieces(), Stream[str])
    assert_type(p.into("".join), StreamedPromise[str, str])
    assert_type(p.map_pieces(len).into(sum), StreamedPromise[int, int])
    assert_type(s.join(), MessagePromise[Message])
    assert_type(s.map_pieces(lambda m: m.message_class), Stream[type[Message]])
    assert_type(s.flat_map(lambda m: m), Stream[str])
    async for message, error in s.settled_messages():
        assert_type(message, UserMessage | None)
        assert_type(error, BaseException | None)
    _stream: StreamedPromise[MessagePromise[Message], tuple[Message, ...]] = s
    _whole: Promise[tuple[Message, ...]] = s


async def events(p: MessagePromise[UserMessage]) -> None:
    assert_type(p.events, Stream[StreamEvent])
    async for event in p.events:
        match event:
            case TextDelta(text=text) | ReasoningDelta(text=text) | RefusalDelta(text=text):
                assert_type(text, str)
            case ToolCallDelta(index=index, arguments=arguments):
                assert_type((index, arguments), tuple[int, str])
            case ToolProgress(progress=progress, note=note):
                assert_type((progress, note), tuple[int | float, str])
            case InnerEvent(path=path, event=inner):
                assert_type(path, tuple[str, ...])
                assert_type(inner, TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | ToolProgress)
            case _:
                assert_never(event)


class Narrow(UserMessage, kw_only=True):
    """A message class as a user writes it."""

    text_template: ClassVar[str | None] = "{number}: {text}"

    number: int
    labels: tuple[str, ...] = ()
    scores: FrozenDict[str, float] = FrozenDict()
    answers: tuple[UserMessage, ...] = ()


class Forecast(Message, kw_only=True):
    """Another one, with a field that is no message."""

    city: str
    place: Place | None = None


class Place(Frozen):
    """A part of a message; its fields are positional."""

    latitude: float
    longitude: float
    extra: Mapping[str, int] = FrozenDict()


M = TypeVar("M", bound=Message)


def of_any_class(message: M) -> M:
    return message.replace(text="new")


def of_a_narrower_class(message: M) -> M:
    if isinstance(message, AssistantMessage):
        return message.replace(model="m")
    return message


def classes(narrow: Narrow, place: Place) -> None:
    assert_type(narrow.text, str | None)
    assert_type(narrow.number, int)
    assert_type(narrow.labels, tuple[str, ...])
    assert_type(narrow.scores["a"], float)
    assert_type(narrow.hash_key, str)
    assert_type(place.hash_key, str)
    assert_type(str(narrow), str)
    assert_type(Place(52.5, 13.4), Place)
    assert_type(Place(52.5, longitude=13.4, extra={"a": 1}), Place)
    assert_type(Forecast(city="Berlin", place=place), Forecast)
    assert_type(Forecast("fine", city="Berlin").text, str | None)
    assert_type(msgspec.structs.replace(narrow, number=2), Narrow)
    assert_type(narrow.replace(number=2), Narrow)
    assert_type(place.replace(), Place)
    assert_type(check(narrow), Narrow)
    assert_type(UserMessage("x", metadata={"topic": "tea", "parts": (1, None)}), UserMessage)
    assert_type(UserMessage("x").metadata, Mapping[str, JsonValue])
    assert_type(hash(narrow), int)
    assert_type({narrow, narrow}, set[Narrow])
    _message: Message = narrow
    _frozen: Frozen = place
    match narrow:
        case Narrow(text=text, number=number):
            assert_type((text, number), tuple[str | None, int])


def library_classes() -> None:
    assert_type(Message().text, str | None)
    assert_type(AssistantMessage("x", model="some-model").model, str | None)
    assert_type(SystemMessage(text="x"), SystemMessage)
    assert_type(ErrorMessage("x", error_type="builtins.ValueError", callers=("a",)).callers, tuple[str, ...])
    assert_type(AgentCallNode(agent="a", messages=(Message("x"),)).messages, tuple[Message, ...])
    assert_type(AgentReplyNode(agent="a", call="key", messages=(), error=None).error, str | None)
    assert_type(ToolProgress(progress=1, total=2.5, note="x").total, int | float | None)
    assert_type(InnerEvent(path=("a",), ids=("1",), event=TextDelta("x")).ids, tuple[str, ...])
    assert_type(ToolCallDelta(index=0, name="search", arguments="{").name, str | None)


def frozen_dicts(d: FrozenDict[str, int], mapping: Mapping[str, int], pairs: list[tuple[str, int]]) -> None:
    assert_type(d["a"], int)
    assert_type(d.get("a"), int | None)
    assert_type(list(d.items()), list[tuple[str, int]])
    assert_type(d | {"b": 2}, FrozenDict[str, int])
    assert_type(d | {"b": "x"}, FrozenDict[str, int | str])
    assert_type(FrozenDict(mapping), FrozenDict[str, int])
    assert_type(FrozenDict(pairs), FrozenDict[str, int])
    _literal: FrozenDict[str, int] = FrozenDict({"a": 1})
    assert_type({d: 1}, dict[FrozenDict[str, int], int])
    _wider: FrozenDict[str, object] = d
    _mapping: Mapping[str, int] = d


def frozen(place: Place) -> None:
    assert_type(freeze([1, {"a": 2}]), object)
    assert_type(canonical_form(place), bytes)


async def nothing() -> None: ...


async def sequences() -> None:
    assert_type(MessageSequence(max_ahead=3).promise, MessageSequencePromise[Message])
    sequence = MessageSequence[UserMessage](name="questions", message_classes=(UserMessage,))
    assert_type(sequence.promise, MessageSequencePromise[UserMessage])
    assert_type(sequence.shown(), MessageSequencePromise[UserMessage])
    assert_type(sequence.closed, bool)
    sequence.put("x")
    sequence.put(["x", UserMessage("y"), [Narrow("z", number=1), sequence.promise], texts(), ValueError("no")])
    sequence.put_out_of_order(messages())
    sequence.produce(nothing, start_asap=False, instead=lambda error: UserMessage(str(error)))
    sequence.close()


async def streamed(appender: StreamAppender[str], stream: StreamedPromise[str, bytes], s: MessagePromise) -> None:
    assert_type(stream_message(Message, texts()), MessagePromise[Message])
    assert_type(stream_message(AssistantMessage, texts(), model="some-model"), MessagePromise[AssistantMessage])
    assert_type(stream_message(Narrow, appender, number=1), MessagePromise[Narrow])
    assert_type(stream_message(Narrow, stream, number=1, labels=("a",)), MessagePromise[Narrow])
    assert_type(stream_message(UserMessage, s), MessagePromise[UserMessage])
    assert_type(stream_message(Message, tokens_and_events()), MessagePromise[Message])
    assert_type((await stream_message(Narrow, texts(), number=1)).number, int)


def joined_and_split(s: MessageSequencePromise[UserMessage]) -> None:
    assert_type(join_messages(s), MessagePromise[Message])
    assert_type(join_messages(["a", s, [Message("b")]], ", ", start_asap=False), MessagePromise[Message])
    assert_type(join_messages(s, message_class=AssistantMessage), MessagePromise[AssistantMessage])
    assert_type(split_messages("a\n\nb"), MessageSequencePromise[Message])
    assert_type(split_messages(s, "\n", code_fence=None, start_asap=DEFAULT), MessageSequencePromise[Message])
    assert_type(split_messages(s, message_class=UserMessage), MessageSequencePromise[UserMessage])
    new(join_messages(s, message_class=UserMessage))
    new(split_messages(s, message_class=UserMessage))


def coded(data: bytes, text: str) -> None:
    assert_type(encode(UserMessage("x")), bytes)
    assert_type(encode([UserMessage("x")]), bytes)
    assert_type(decode(data, UserMessage), UserMessage)
    assert_type(decode(text, Narrow).number, int)
    assert_type(decode(data, tuple[UserMessage, ...]), tuple[UserMessage, ...])
    assert_type(decode(data, UserMessage | AssistantMessage), UserMessage | AssistantMessage)
    assert_type(decode(data, UserMessage | None), UserMessage | None)
    assert_type(decode(data, UserMessage, unknown="refuse"), UserMessage)
    assert_type(decode(data, UserMessage, unknown="keep"), UserMessage | UnknownMessage)
    _any: AnyMessage = decode(data, AnyMessage)
    try:
        decode(data, Place)
    except DecodeError as error:
        assert_type((error.path, error.reason), tuple[str, str])


def unknown(message: UnknownMessage) -> None:
    assert_type(message.raw, Mapping[str, object])


def of_lists(event: TextDelta) -> None:
    assert_type(stream_message(AssistantMessage, ["a", "b"]), MessagePromise[AssistantMessage])
    assert_type(stream_message(AssistantMessage, ["a", event]), MessagePromise[AssistantMessage])
    assert_type(stream_message(AssistantMessage, ("a", event), model="x"), MessagePromise[AssistantMessage])
    assert_type(stream_message(AssistantMessage, iter("ab")), MessagePromise[AssistantMessage])

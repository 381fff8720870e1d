"""What the type checkers must refuse: messages and their promises.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from miniagents.messages import (
    AgentCallNode,
    AgentReplyNode,
    AssistantMessage,
    DecodeError,
    ErrorMessage,
    Frozen,
    FrozenDict,
    InnerEvent,
    Message,
    MessagePromise,
    MessageSequence,
    MessageSequencePromise,
    MessageType,
    ReasoningDelta,
    RefusalDelta,
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
from miniagents.promising import Promise, StreamAppender


def new(_: MessageType[UserMessage]) -> None: ...


def bare_new(_: MessageType) -> None: ...


async def wrong_messages() -> AsyncIterator[AssistantMessage]:
    yield AssistantMessage("x")


async def texts() -> AsyncIterator[str]:
    yield "x"


async def whole(_: object) -> UserMessage:
    return UserMessage("x")


async def integers() -> AsyncIterator[int]:
    yield 1


def message_types(
    p: MessagePromise[AssistantMessage],
    s: MessageSequencePromise[AssistantMessage],
    many: list[AssistantMessage],
    b: MessageSequencePromise,
    bare: MessagePromise,
) -> None:
    new(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(b"x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new({"text": "x"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new({UserMessage("x")})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(AssistantMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(Message("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(p)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(s)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(many)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(["x", AssistantMessage("y")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    new(["x", ["y", [AssistantMessage("z")]]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    new(["x", ["y", [3]]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    new(wrong_messages())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new([wrong_messages()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    new(b)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(bare)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new([p])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    new(x for x in many)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    bare_new(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def more_message_types(
    other: Promise[AssistantMessage], text: Promise[str], tokens: StreamAppender[str], d: FrozenDict[str, str]
) -> None:
    new(other)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new([[other]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    new(text)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a promise of a text is no message
    new(integers())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(tokens)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a message is to be made of it first
    new(d)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new({"a"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new({}.keys())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(UserMessage)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the class itself
    bare_new([None])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    bare_new({"a": "b"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def promises(p: MessagePromise[UserMessage], s: MessageSequencePromise[UserMessage]) -> None:
    _other: MessagePromise[AssistantMessage] = p  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _narrow: MessageSequencePromise[AssistantMessage] = s  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _single: MessagePromise[UserMessage] = s  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _text: str = await p  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    p.map_text(len)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.map(lambda m: m.model)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    s.map_messages(lambda m: m.text)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]  # no message
    s.map_messages(lambda m: m.nope)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    p.checked(str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    MessagePromise.of_message("x")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    MessageSequencePromise.of_messages(["x"])  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    MessagePromise(integers, whole)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MessagePromise(texts, whole, message_class=str)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MessageSequencePromise(texts, whole)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.into(sum)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.known["text"] = "x"  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    p.message_class = UserMessage  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    async for event in p.events:
        event.model  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    _numbers: MessagePromise[int]  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeArguments]  # messages only


class Place(Frozen):
    """A value as a user writes it."""

    latitude: float
    longitude: float = 0.0


class Narrow(UserMessage, kw_only=True):
    """A message class as a user writes it."""

    number: int
    labels: tuple[str, ...] = ()
    scores: FrozenDict[str, float] = FrozenDict()


class Inherited(Narrow, kw_only=True):
    """A subclass that says nothing of being frozen, and is."""

    more: str = ""


def assignments(m: UserMessage, place: Place, narrow: Narrow, inherited: Inherited) -> None:
    m.text = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    m.role = "user"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    m.hash_key = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    place.latitude = 1.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    narrow.number = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    narrow.text = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    inherited.more = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    inherited.number = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    narrow.labels[0] = "x"  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    narrow.scores["a"] = 1.0  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    narrow.labels.append("x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    m.nope = 1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    del m.text  # pyright: ignore[reportAttributeAccessIssue]  # pyright only: mypy looks at assignments alone


def constructors() -> None:
    UserMessage(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UserMessage("x", "user")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]  # by keyword only
    UserMessage("x", role="assistant")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UserMessage("x", model="m")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # another class's field
    Place()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Place("52.5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Place(52.5, height=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Narrow("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Narrow("x", number="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Narrow("x", number=1, labels=["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Narrow("x", number=1, scores={"a": 1.0})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # declare it as Mapping to take dicts
    Message(text=b"x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AssistantMessage("x", model=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SystemMessage("x", role="user")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UnknownMessage(raw=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TextDelta(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ReasoningDelta(text=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RefusalDelta()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AgentReplyNode(agent="a", messages=())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ErrorMessage("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    AgentCallNode(agent="a", messages=("x",))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ToolProgress(note="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    InnerEvent(path=("a",), ids=("1",), event="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ToolCallDelta(0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ToolCallDelta(index="0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def frozen_dicts(d: FrozenDict[str, int]) -> None:
    d["a"] = 1  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    del d["a"]  # type: ignore[attr-defined]  # pyright: ignore[reportIndexIssue]
    d.update({"a": 1})  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    d.pop("a")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    d.clear()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    d.setdefault("a", 1)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    d[1]  # type: ignore[index]  # pyright: ignore[reportArgumentType]
    FrozenDict(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FrozenDict(a=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    _text: str = d["a"]  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _narrow: FrozenDict[str, bool] = d  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _plain: dict[str, int] = d  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _frozen: FrozenDict[str, int] = {"a": 1}  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def plain() -> None: ...


def frozen() -> None:
    freeze()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Message("a").replace("b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    check("a")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    Message("a", metadata={1: 2})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    canonical_form({"a": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def sequences(sequence: MessageSequence[UserMessage]) -> None:
    sequence.put(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    sequence.put(AssistantMessage("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    sequence.put(["x", [AssistantMessage("x")]])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    sequence.put_out_of_order(wrong_messages())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    sequence.produce(plain, start_asap=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sequence.produce(whole, start_asap=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sequence.put()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    _other: MessageSequencePromise[AssistantMessage] = sequence.promise  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    MessageSequence(message_classes=(str,))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MessageSequence(message_classes=UserMessage)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def streamed() -> None:
    stream_message(AssistantMessage, texts(), modle="m")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no such field
    stream_message(AssistantMessage, texts(), model=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream_message(UserMessage, texts(), model="m")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # another class's field
    stream_message(Narrow, texts())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # a field is missing
    stream_message(Narrow, texts(), number="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream_message(Narrow, texts(), number=1, text="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # the text is what streams
    stream_message(AssistantMessage, integers())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream_message(AssistantMessage, "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream_message(str, texts())  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportCallIssue]
    stream_message(texts(), AssistantMessage)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    _other: MessagePromise[UserMessage] = stream_message(AssistantMessage, texts())  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]


def joined_and_split(s: MessageSequencePromise[UserMessage]) -> None:
    join_messages(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    join_messages(s, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    join_messages(s, message_class=str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    join_messages(s, message_class=UserMessage("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    split_messages({"a"})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    split_messages(s, code_fence=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    split_messages(s, message_class=int)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    new(join_messages(s))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # its class is Message
    new(split_messages(s))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _other: MessagePromise[UserMessage] = join_messages(s, message_class=AssistantMessage)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]


def coded(data: bytes) -> None:
    DecodeError("$.text")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    encode()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    decode(data)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    decode(3, UserMessage)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    decode(data, UserMessage("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    decode(data, UserMessage, unknown="drop")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    decode(data, UserMessage, "keep")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    _other: AssistantMessage = decode(data, UserMessage)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _known: UserMessage = decode(data, UserMessage, unknown="keep")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def of_lists() -> None:
    stream_message(AssistantMessage, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream_message(AssistantMessage, [1, 2])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]

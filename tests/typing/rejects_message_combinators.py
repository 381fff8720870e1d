"""What the type checkers must refuse: combinators of messages.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from miniagents.messages import (
    AssistantMessage,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MessageType,
    UserMessage,
)
from miniagents.promising import StreamedPromise


def new(_: MessageType[AssistantMessage]) -> None: ...


async def answer(message: AssistantMessage) -> AssistantMessage:
    return message


async def text_of(message: Message) -> str:
    return str(message)


def number_of(error: OSError) -> UserMessage:
    return UserMessage(str(error.errno))


def of_sequences(s: MessageSequencePromise[UserMessage], b: MessageSequencePromise) -> None:
    s.map_messages(str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    s.with_metadata(topic="tea")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.first().with_metadata({"topic": object()})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    s.then_messages(answer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.then_messages(text_of)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    s.then_messages(lambda m: m)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    s.then_messages(concurrency=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.recover_messages(str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    s.recover_messages(number_of, ValueError)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.recover_messages(number_of, "OSError")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    s.filter_messages(lambda m: m.model)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    s.filter_messages(UserMessage)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    s.of_type()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    s.of_type(str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportCallIssue]
    s.of_type(UserMessage("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    s.of_type(cls=UserMessage)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    s.first(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.last(default=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.only("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.join(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    s.join(message_class=str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    s.split(None)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    s.split("x", message_class=UserMessage("x"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    new(s.filter_messages(bool))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(b.of_type(UserMessage))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(s.only())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    new(s.take(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def the_way_back(s: MessageSequencePromise[UserMessage], texts: StreamedPromise[str, str]) -> None:
    MessageSequencePromise.of_promises(texts)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MessageSequencePromise.of_promises([MessagePromise.of_message(UserMessage("x"))])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _other: MessageSequencePromise[AssistantMessage] = MessageSequencePromise.of_promises(s.take(1))  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]


def of_messages(p: MessagePromise[UserMessage]) -> None:
    p.map_message(str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    p.map_message(lambda m: m.model)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    p.then_message(answer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.then_message(text_of)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    p.recover_message(str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    p.recover_message(number_of, ValueError)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.timeout("3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    p.timeout()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    p.split(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    p.split(message_class=str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    new(p.recover_message(number_of, OSError))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def the_same_messages(s: MessageSequencePromise[UserMessage]) -> None:
    s.take("2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.filter(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    s.chain([s])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    _promises: tuple[MessagePromise[UserMessage], ...] = s.skip(1)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _other: MessageSequencePromise[AssistantMessage] = s.buffer(1)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    s.take_while(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.skip_while(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.distinct(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.throttle("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.distinct_until_changed("key")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.tap_pieces(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.take_until(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.rate_limit("2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.debounce("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.timeout_pieces(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

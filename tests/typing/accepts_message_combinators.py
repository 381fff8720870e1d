"""What the type checkers must take: combinators of messages. Checked, not run; see `rejects_message_combinators.py`."""

from __future__ import annotations

from typing import TypeAlias, assert_type

from typing_extensions import TypeIs

from miniagents.messages import (
    AssistantMessage,
    ErrorMessage,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MessageType,
    SystemMessage,
    UserMessage,
)
from miniagents.promising import Promise, Stream, concat, merge

Spoken: TypeAlias = UserMessage | AssistantMessage


def is_user(message: Message) -> TypeIs[UserMessage]:
    return isinstance(message, UserMessage)


async def answer(message: UserMessage) -> AssistantMessage:
    return AssistantMessage(message.text)


def in_words(error: BaseException) -> ErrorMessage:
    return ErrorMessage(str(error), error_type=type(error).__name__)


def stream(message: Message) -> MessagePromise[AssistantMessage]:
    return MessagePromise.of_message(AssistantMessage(message.text))


def new(_: MessageType[AssistantMessage]) -> None: ...


def of_each(s: MessageSequencePromise[UserMessage], b: MessageSequencePromise) -> None:
    assert_type(s.map_messages(lambda m: AssistantMessage(m.text)), MessageSequencePromise[AssistantMessage])
    assert_type(b.map_messages(lambda m: m), MessageSequencePromise[Message])
    assert_type(s.with_metadata({"topic": "tea"}), MessageSequencePromise[UserMessage])
    assert_type(s.then_messages(answer), MessageSequencePromise[AssistantMessage])
    assert_type(s.then_messages(stream, concurrency=3), MessageSequencePromise[AssistantMessage])
    assert_type(b.then_messages(lambda m: stream(m), concurrency=None), MessageSequencePromise[AssistantMessage])
    assert_type(s.recover_messages(in_words), MessageSequencePromise[UserMessage | ErrorMessage])
    assert_type(s.recover_messages(in_words, OSError), MessageSequencePromise[UserMessage | ErrorMessage])
    assert_type(
        s.recover_messages(lambda error: UserMessage(error.strerror), OSError), MessageSequencePromise[UserMessage]
    )
    new(s.then_messages(answer))
    assert_type(s.first().with_metadata({"topic": "tea"}), MessagePromise[UserMessage])


async def of_some(s: MessageSequencePromise[Spoken], b: MessageSequencePromise) -> None:
    assert_type(s.filter_messages(lambda m: m.text), MessageSequencePromise[Spoken])
    assert_type(b.filter_messages(is_user), MessageSequencePromise[UserMessage])
    assert_type(b.of_type(UserMessage), MessageSequencePromise[UserMessage])
    assert_type(b.of_type(UserMessage, AssistantMessage), MessageSequencePromise[Spoken])
    assert_type(b.of_type(UserMessage, AssistantMessage, SystemMessage), MessageSequencePromise[Spoken | SystemMessage])
    assert_type(
        b.of_type(UserMessage, AssistantMessage, SystemMessage, ErrorMessage),
        MessageSequencePromise[Spoken | SystemMessage | ErrorMessage],
    )
    assert_type(b.of_type(*[UserMessage]), MessageSequencePromise[UserMessage])
    async for promise in b.of_type(UserMessage):
        assert_type(promise, MessagePromise[UserMessage])
    new(s.of_type(AssistantMessage))


async def of_one(s: MessageSequencePromise[UserMessage], b: MessageSequencePromise) -> None:
    assert_type(s.first(), MessagePromise[UserMessage])
    assert_type(s.last(), MessagePromise[UserMessage])
    assert_type(s.only(), MessagePromise[UserMessage])
    assert_type(await b.of_type(AssistantMessage).last(), AssistantMessage)
    new(b.of_type(AssistantMessage).only())


def joined_and_split(s: MessageSequencePromise[UserMessage], p: MessagePromise[UserMessage]) -> None:
    assert_type(s.join(), MessagePromise[Message])
    assert_type(s.join(", ", message_class=AssistantMessage), MessagePromise[AssistantMessage])
    assert_type(s.split(), MessageSequencePromise[Message])
    assert_type(s.split("\n", code_fence=None), MessageSequencePromise[Message])
    assert_type(s.split(message_class=AssistantMessage), MessageSequencePromise[AssistantMessage])
    assert_type(p.split("\n"), MessageSequencePromise[Message])
    assert_type(p.split("\n", code_fence="~~~", message_class=UserMessage), MessageSequencePromise[UserMessage])
    assert_type(p.split().join(), MessagePromise[Message])


async def the_way_back(s: MessageSequencePromise[UserMessage], other: MessageSequencePromise[AssistantMessage]) -> None:
    assert_type(MessageSequencePromise.of_promises(s.take(2)), MessageSequencePromise[UserMessage])
    assert_type(MessageSequencePromise.of_promises(s), MessageSequencePromise[UserMessage])
    assert_type(
        MessageSequencePromise.of_promises(merge(s, s).skip(1).distinct(lambda p: p.message_class)),
        MessageSequencePromise[UserMessage],
    )
    both: MessageSequencePromise[Spoken] = s.chain(other)
    assert_type(MessageSequencePromise.of_promises(both), MessageSequencePromise[Spoken])


async def the_same_messages(s: MessageSequencePromise[UserMessage], texts: Stream[str]) -> None:
    assert_type(s.take(2), MessageSequencePromise[UserMessage])
    assert_type(s.skip(2).buffer(3), MessageSequencePromise[UserMessage])
    assert_type(s.take_while(lambda p: p.message_class), MessageSequencePromise[UserMessage])
    assert_type(s.skip_while(lambda p: p.message_class), MessageSequencePromise[UserMessage])
    assert_type(s.distinct(), MessageSequencePromise[UserMessage])
    assert_type(s.filter(lambda p: p.message_class), MessageSequencePromise[UserMessage])
    assert_type(s.throttle(1).debounce(1), MessageSequencePromise[UserMessage])
    assert_type(s.throttle(1, trailing=False).rate_limit(2), MessageSequencePromise[UserMessage])
    assert_type(s.take_while(lambda p: p.done(), inclusive=True), MessageSequencePromise[UserMessage])
    assert_type(s.distinct_until_changed(lambda p: p.message_class), MessageSequencePromise[UserMessage])
    assert_type(s.tap_pieces(lambda p: p.name).conflate(), MessageSequencePromise[UserMessage])
    assert_type(s.take_until(s.first()), MessageSequencePromise[UserMessage])
    assert_type(s.timeout_pieces(each=1), MessageSequencePromise[UserMessage])
    assert_type(s.chain(s), MessageSequencePromise[UserMessage])
    assert_type(s.chain(texts), Stream[MessagePromise[UserMessage] | str])
    assert_type(merge(s, s), MessageSequencePromise[UserMessage])
    assert_type(concat(s, s), MessageSequencePromise[UserMessage])
    assert_type(await s.take(2), tuple[UserMessage, ...])
    assert_type(await merge(texts, texts), tuple[str, ...])


async def of_a_message(p: MessagePromise[UserMessage], plain: Promise[UserMessage]) -> None:
    assert_type(p.map_message(lambda m: AssistantMessage(m.text)), MessagePromise[AssistantMessage])
    assert_type(p.then_message(answer), MessagePromise[AssistantMessage])
    assert_type(p.then_message(stream), MessagePromise[AssistantMessage])
    assert_type(p.recover_message(in_words), MessagePromise[UserMessage | ErrorMessage])
    assert_type(p.recover_message(in_words, OSError, ValueError), MessagePromise[UserMessage | ErrorMessage])
    assert_type(p.recover_message(lambda e: UserMessage(e.strerror), OSError), MessagePromise[UserMessage])
    assert_type(p.timeout(3), MessagePromise[UserMessage])
    assert_type(p.timeout(0.5, default=None), Promise[UserMessage | None])
    _plain: Promise[UserMessage] = p
    assert_type(plain.timeout(3), Promise[UserMessage])
    assert_type(p.timeout(3).map_text(str.upper).checked(lambda m: m), MessagePromise[UserMessage])

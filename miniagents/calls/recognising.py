"""How a call is recognised in another run: by what is called, with which arguments and messages."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from miniagents.messages import encode
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.messages.values.frozen import longer_hash_keys
from miniagents.promising.core.access import buffer_of, failure_of, outcomes, value_of
from miniagents.promising.core.failure import Failure, ends_task, running_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from miniagents.calls.call import Call
    from miniagents.messages import Identity, Message, MessageSequencePromise

__all__ = ["Given", "given_by_now", "given_to", "key_of", "key_of_message", "messages_in"]


class Given:
    """What a call was given: equal calls of any runs have an equal `key`.

    Attributes:
        identity: What is called.
        arguments: The arguments as JSON, with sorted names.
        opaque: The classes of the arguments that are not JSON-serialisable.
        messages: The messages; errors that stand among them as text.
    """

    __slots__ = ("arguments", "identity", "messages", "opaque")

    def __init__(self, call: Call, messages: Sequence[Message | str]) -> None:
        self.identity: Identity = call.identity
        self.arguments: bytes = msgspec.json.encode(msgspec.json.decode(encode(call.arguments)), order="sorted")
        self.opaque: Mapping[str, str] = dict(call.opaque_arguments)
        self.messages: Sequence[Message | str] = messages

    @property
    def key(self) -> str:
        """The hash of all of it: 32 hex digits."""
        return key_of(
            self.identity.hash_key, self.arguments.decode(), self.opaque, list(map(key_of_message, self.messages))
        )


def key_of(*parts: object) -> str:
    """Return the hash of parts that are JSON-serialisable: 32 hex digits."""
    return sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:32]


def key_of_message(message: Message | str) -> str:
    """Return what stands for a message in the key of a call."""
    if isinstance(message, str):
        return f"! {message}"
    token = longer_hash_keys.set(True)
    try:
        return message.hash_key
    finally:
        longer_hash_keys.reset(token)


async def given_to(call: Call) -> Given:
    """Return what a call was given, once all of its messages have come."""
    return Given(call, await messages_in(call.messages))


async def messages_in(sequence: MessageSequencePromise[Message]) -> list[Message | str]:
    """Return the messages of a sequence, once all of them have come; errors that stand among them as text."""
    messages: list[Message | str] = []
    async for piece in outcomes(sequence):
        if isinstance(piece, Failure):
            messages.append(_said(piece.error))
            continue
        try:
            messages.append(await piece)
        except BaseException as error:
            if ends_task(error, running_task()):
                raise
            messages.append(_said(error))
    return messages


def given_by_now(call: Call) -> Given | None:
    """Return what a call was given if all of its messages have come; asking starts nothing."""
    buffer = buffer_of(call.messages)
    if not buffer.ended:
        return None
    pieces: list[Any] = buffer.pieces  # Any: messages, promises and failures
    messages: list[Message | str] = []
    for piece in pieces:
        if isinstance(piece, Failure):
            messages.append(_said(piece.error))
        elif MessagePromise not in type(piece).__mro__:
            messages.append(piece)
        elif not piece.done():
            return None
        else:
            failure = failure_of(piece)
            messages.append(value_of(piece) if failure is None else _said(failure.error))
    return Given(call, messages)


def _said(error: BaseException) -> str:
    return f"{type(error).__qualname__}: {error}"

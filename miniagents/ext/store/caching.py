"""`cached`: an agent that asks once, and gives the same answer again from a store.

Equal calls of one context that are made at the same time share one call of the agent. Those of other contexts and
processes wait for it; see `_answers.py`.

| state     | event                                     | then                                                         |
|-----------|-------------------------------------------|--------------------------------------------------------------|
| nothing   | a call                                    | the store is asked; if it has no answer, the agent is called |
| under way | an equal call                             | it reads the same replies                                    |
| under way | the last of those who read it leaves      | the call of the agent is cancelled                           |
| under way | the replies are complete, without errors  | they are kept; who comes now finds them in the store         |
| under way | they have an error                        | all who read them get it; who comes now asks again           |
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

import msgspec
from typing_extensions import TypeVar

from miniagents.agents.agent import MiniAgent
from miniagents.agents.composing import surrounding
from miniagents.agents.members import alias_of, ask, declared_by, passed_on, pieces_of
from miniagents.calls.recognising import key_of, key_of_message, messages_in
from miniagents.ext.store._kept_answers import Answers
from miniagents.ext.store.errors import StoreError
from miniagents.ext.store.protocols import check_log
from miniagents.messages import DecodeError, ErrorMessage, Message, decode
from miniagents.messages.promised.message_promise import MessagePromise, mixed_buffer
from miniagents.miniagents import MiniAgents
from miniagents.promising.core.access import buffer_of, failure_of, settled, value_of
from miniagents.promising.core.arguments import check_kind, check_not_negative
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Failure
from miniagents.wire import Pieces, decode_stream
from miniagents.wire.following import FollowedSequence

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from miniagents.agents.members import AnyContext, AnyMember, AnyReplies
    from miniagents.ext.store.protocols import StreamLog
    from miniagents.messages import Identity

__all__ = ["cached"]

A = TypeVar("A", bound=MiniAgent[Any, Any, ...])  # Any: of any agent

logger: Final = logging.getLogger("miniagents")

_VERSION: Final = 1
"""A part of each key: the version of what is kept."""
_MOST: Final = 1 << 30
"""Bytes of a frame: answers of any size are kept."""


def cached(agent: A, store: StreamLog, *, ttl: float | None = None) -> A:
    """Return the same agent, which answers equal calls from a store.

    A call is equal to another one if the identity of the agent, the arguments and the messages are. The answer comes
    again token by token, with its events. Errors are not kept, and neither are answers that are cut.

    Equal calls at the same time ask once. Those of one context read the same replies as they come; each of them may be
    cancelled, and the agent is when all are. Those of other contexts and processes wait for the answer. If the one that
    asks fails, is cancelled or its process is killed, the next one asks.

    The result has the messages and parameters of the agent. It begins when all messages of a call have come. It is not
    for agents that do something: a call that is answered from the store has no effects.

    The identity of an agent is its name, its `version` and its bound arguments. Change the version when the agent
    changes, or it goes on with old answers. The identity of a model has its options, tools and schemas. Calls with an
    argument that has no form in JSON, such as `deps`, are not cached, because nobody can tell whether they are equal.

    If the store fails, this is logged, and the agent is asked.

    Args:
        agent: The agent.
        store: The store that keeps the answers, as streams with names that begin with "answers/".
        ttl: Seconds after which the agent is asked again; None for never.

    Raises:
        TypeError: `agent` is no `MiniAgent`, or `store` is no store.
        ValueError: `ttl` is not above 0.

    >>> from miniagents.ext.store import SQLiteStore
    >>> model = scripted_agent(["It ", "rains."], "It has stopped.")
    >>> async def main() -> None:
    ...     async with SQLiteStore(":memory:") as store, MiniAgents():
    ...         weather = cached(model, store)
    ...         for _ in range(2):
    ...             async for reply in weather.inquire("How is the weather?"):
    ...                 print([token async for token in reply])
    >>> asyncio.run(main())
    ['It ', 'rains.']
    ['It ', 'rains.']
    """
    check_kind("cached", agent, MiniAgent, "no MiniAgent")
    check_log("cached", store)
    if ttl is not None:
        check_not_negative(f"cached: ttl={ttl!r}", ttl, if_zero="give a number of seconds above 0, or None")
    return surrounding(
        agent, lambda inner: _Cached(inner, store, ttl), f"cached({alias_of(agent)})", ("cached", store, ttl)
    )


class _Cached:
    """Answers calls from the store, or calls the agent."""

    def __init__(self, agent: AnyMember, log: StreamLog, ttl: float | None) -> None:
        self._agent = agent
        self._answers = Answers(log, ttl, self._fits)
        self._under_way: WeakKeyDictionary[MiniAgents, dict[str, _Asked]] = WeakKeyDictionary()
        self._locks: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()
        self._has_told = False

    async def __call__(
        self,
        ctx: AnyContext,
        /,
        *args: Any,  # Any: checked by the agent's signature
        **kwargs: Any,  # Any: checked by the agent's signature
    ) -> None:
        """Do the work of one call."""
        key = await self._key(ctx, args, kwargs)
        if key is None:
            ctx.reply(passed_on(ctx, ask(ctx, self._agent, ctx.messages, args, kwargs, raises=True)))
            return
        under_way = self._under_way.setdefault(MiniAgents.current(), {})
        # an equal call that comes while the store is asked waits here
        lock = self._locks.setdefault((id(under_way), key), asyncio.Lock())
        async with lock:
            asked = under_way.get(key)
            if asked is None:
                kept = await self._kept_or_claimed(key)
                if isinstance(kept, bytes):
                    if ctx.progress is not None:
                        ctx.progress.replayed = True
                    ctx.reply(decode_stream(_blocks(kept), tuple[Message, ...], max_bytes=_MOST))
                    return
                # not by this call: cancelling it must not cancel the agent for the others
                variables = copy_context()
                variables.run(producing.set, None)
                variables.run(self._answers.ask_inside, key)
                replies = variables.run(ask, ctx, self._agent, ctx.messages, args, kwargs, raises=True)
                asked = under_way[key] = _Asked(replies, kept)
            asked.readers += 1
        try:
            ctx.reply(passed_on(ctx, asked.replies))
            await asked.ended()
            if asked.has_error():
                under_way.pop(key, None)
            elif not asked.is_kept:
                asked.is_kept = True
                await self._keep(key, asked)
        finally:
            asked.readers -= 1
            if not asked.readers:
                asked.replies.cancel()
                if under_way.get(key) is asked:
                    del under_way[key]
                stream, asked.stream = asked.stream, None
                if stream is not None:  # there is no answer to keep
                    await self._answers.give_up(stream)

    # --- machinery ---

    async def _key(
        self,
        ctx: AnyContext,
        args: tuple[Any, ...],  # Any: checked by the agent's signature
        kwargs: dict[str, Any],  # Any: as above
    ) -> str | None:
        """Return the key of a call; None for one that has none."""
        agent: Any = self._agent  # Any: of any parameters
        identity: Identity = (agent.bound(*args, **kwargs) if args or kwargs else agent).identity
        opaque: list[str] = []
        for kind in ("opaque_arguments", "opaque_options"):
            named: Any = identity.details.get(kind, {})  # Any: JSON, which is an object here
            opaque += named
        if opaque:
            if not self._has_told:
                self._has_told = True
                logger.warning(
                    "calls of %r are not cached: %s has no form in JSON, so nobody can tell whether they are equal",
                    alias_of(self._agent),
                    ", ".join(map(repr, opaque)),
                )
            return None
        messages = await messages_in(ctx.messages)
        if any(isinstance(message, str) for message in messages):  # an error: the agent may do something about it
            return None
        return key_of("answer", _VERSION, identity.hash_key, list(map(key_of_message, messages)))

    async def _kept_or_claimed(self, key: str) -> bytes | str | None:
        """Return the frames of the answer that is kept, or the stream that is claimed for it; None if neither."""
        try:
            return await self._answers.kept_or_claimed(key)
        except StoreError as error:
            logger.error("a kept answer of %r cannot be read, and it is asked again: %s", alias_of(self._agent), error)  # noqa: TRY400 - the text says it all
            return None

    def _fits(self, data: bytes) -> bool:
        """Return whether an answer is one of this agent: its classes may have changed since it was kept."""
        classes = declared_by(self._agent)[1]
        try:
            return all(
                isinstance(decode(bytes(frame.message), Message), classes)
                for frame in map(_read, data.splitlines())
                if bytes(frame.message)
            )
        except (DecodeError, msgspec.DecodeError):
            return False

    async def _keep(self, key: str, asked: _Asked) -> None:
        try:
            await self._answers.keep(key, asked.stream, asked.pieces())
            asked.stream = None
        except StoreError as error:
            logger.error("an answer of %r cannot be kept: %s", alias_of(self._agent), error)  # noqa: TRY400 - as above


class _Asked:
    """A call of the agent, for all who make an equal one while it is under way.

    Attributes:
        replies: Its replies.
        stream: The stream that is claimed for the answer; None if there is none, or it is kept.
        readers: How many calls read them.
        is_kept: Whether one of them keeps the answer.
    """

    def __init__(self, replies: AnyReplies, stream: str | None) -> None:
        self.replies = replies
        self.stream = stream
        self.readers = 0
        self.is_kept = False

    async def ended(self) -> None:
        """Wait until the replies are complete; their errors do not count as read by this."""
        async for piece in pieces_of(self.replies):
            if not isinstance(piece, Failure):
                await settled(piece)

    def has_error(self) -> bool:
        """Return whether there is an error among the replies, or a message that stands for one."""
        buffer = buffer_of(self.replies)
        pieces: list[Any] = buffer.pieces  # Any: messages, promises and failures
        return any(map(_is_error, pieces))

    def pieces(self) -> Pieces:
        """Return the frames of the replies, which are complete."""
        followed = FollowedSequence(self.replies, "json", lambda: None)
        taken: list[Pieces] = []
        while not followed.ended and (pieces := followed.take()) is not None:
            taken.append(pieces)
        return Pieces(0, sum(each.count for each in taken), b"".join(each.data for each in taken))


def _is_error(piece: Any) -> bool:  # Any: a message, the promise of one, or a failure
    if isinstance(piece, Failure):
        return True
    if MessagePromise in type(piece).__mro__:
        if failure_of(piece) is not None or mixed_buffer(piece).failure is not None:
            return True
        piece = value_of(piece)
    return isinstance(piece, ErrorMessage)


async def _blocks(data: bytes) -> AsyncGenerator[bytes]:
    yield data


class _Frame(msgspec.Struct):
    """As much of a frame as is looked at here."""

    message: msgspec.Raw = msgspec.Raw()


_read: Final = msgspec.json.Decoder(_Frame).decode

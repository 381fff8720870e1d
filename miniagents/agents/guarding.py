"""The work of agents that guard others: retry, repair, fallback, time-out, and the first of several to reply."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from miniagents.agents.members import (
    AnyContext,
    AnyMember,
    AnyReplies,
    alias_of,
    ask,
    failure_in_place,
    is_cancelled,
    passed_on,
    pieces_of,
)
from miniagents.messages import MessagePromise
from miniagents.messages.promised.attribution import said_by
from miniagents.messages.promised.message_promise import mixed_buffer
from miniagents.messages.promised.tokens import known_class
from miniagents.promising import first_to_speak
from miniagents.promising.core.access import buffer_of, failure_of, give_up, has_value, settled, settled_as_read
from miniagents.promising.core.arguments import check_count, check_errors, check_not_negative, check_plain
from miniagents.promising.core.failure import Failure, count_as_read
from miniagents.promising.core.notes import add_note, listed, said
from miniagents.promising.sentinels import EndLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable

    from miniagents.messages import Message
    from miniagents.promising import Backoff

__all__ = ["FallenBack", "FirstToReply", "Repaired", "Retried", "Timed"]

AnyMessage: TypeAlias = "MessagePromise[Any]"  # Any: what made the composition has checked the types

logger: Final = logging.getLogger("miniagents")


class Retried:
    """Calls an agent again while it fails before any part of its reply can be read."""

    __slots__ = ("_agent", "_attempts", "_backoff", "_errors")

    def __init__(
        self, agent: AnyMember, attempts: int, backoff: Backoff, errors: tuple[type[BaseException], ...]
    ) -> None:
        check_count(f"with_retry: attempts={attempts!r}", attempts, 1)
        if not callable(backoff):
            _check_seconds(f"with_retry: backoff={backoff!r}", backoff, zero=True)
        check_errors("with_retry", errors)
        self._agent = agent
        self._attempts = attempts
        self._backoff = backoff
        self._errors = errors

    async def __call__(
        self,
        ctx: AnyContext,
        /,
        *args: Any,  # Any: checked by the agent's signature
        **kwargs: Any,  # Any: checked by the agent's signature
    ) -> None:
        """Do the work of one call."""
        earlier: list[str] = []
        while True:
            replies = ask(ctx, self._agent, ctx.messages, args, kwargs, raises=True)
            failure = await _failure_before_anything(replies)
            if failure is None or len(earlier) + 1 >= self._attempts or not _replaceable(failure, self._errors):
                break
            earlier.append(_discarded(replies, failure))
            seconds = self._backoff(len(earlier)) if callable(self._backoff) else self._backoff
            check_not_negative(f"{ctx.this_agent.alias}: the backoff function gave {seconds}", seconds)
            seconds = max(seconds, _asked_for(failure.error))
            where = f"attempt {len(earlier)} of {self._attempts} of agent {alias_of(self._agent)!r}"
            logger.info("%s failed, the next follows in %s s: %s", where, seconds, earlier[-1])
            await asyncio.sleep(seconds)
        attempts = f"agent {alias_of(self._agent)!r} failed in {len(earlier) + 1} attempts, before this one by"
        await _deliver(ctx, replies, failure, [f"{attempts} {listed(earlier)}"] if earlier else [])


class Repaired:
    """Calls an agent again with what a function makes of its error, until a whole reply has none."""

    __slots__ = ("_agent", "_attempts", "_errors", "_told")

    def __init__(
        self,
        agent: AnyMember,
        told: Callable[[Any], Any],  # Any: from an error of `errors` to a MessageType
        attempts: int,
        errors: tuple[type[BaseException], ...],
    ) -> None:
        check_plain("with_repair", told)
        check_count(f"with_repair: attempts={attempts!r}", attempts, 1)
        check_errors("with_repair", errors)
        self._agent = agent
        self._told = told
        self._attempts = attempts
        self._errors = errors

    async def __call__(
        self,
        ctx: AnyContext,
        /,
        *args: Any,  # Any: checked by the agent's signature
        **kwargs: Any,  # Any: checked by the agent's signature
    ) -> None:
        """Do the work of one call."""
        question: list[Any] = [ctx.messages]  # Any: a MessageType
        earlier: list[str] = []
        while True:
            replies = ask(ctx, self._agent, question, args, kwargs, raises=True)
            failure = await settled(replies)
            if failure is None or len(earlier) + 1 >= self._attempts or not _replaceable(failure, self._errors):
                break
            earlier.append(_discarded(replies, failure))
            where = f"attempt {len(earlier)} of {self._attempts} of agent {alias_of(self._agent)!r}"
            logger.info("%s failed, the agent is told: %s", where, earlier[-1])
            question.append(self._told(failure.error))
        attempts = f"agent {alias_of(self._agent)!r} failed in {len(earlier) + 1} attempts, before this one by"
        await _deliver(ctx, replies, failure, [f"{attempts} {listed(earlier)}"] if earlier else [])


class FallenBack:
    """Calls another agent if one fails before any part of its reply can be read."""

    __slots__ = ("_agent", "_errors", "_other")

    def __init__(self, agent: AnyMember, other: AnyMember, errors: tuple[type[BaseException], ...]) -> None:
        self._agent = agent
        self._other = other
        self._errors = errors

    async def __call__(
        self,
        ctx: AnyContext,
        /,
        *args: Any,  # Any: checked by the agent's signature
        **kwargs: Any,  # Any: checked by the agent's signature
    ) -> None:
        """Do the work of one call."""
        replies = ask(ctx, self._agent, ctx.messages, args, kwargs, raises=True)
        failure = await _failure_before_anything(replies)
        if failure is None or not _replaceable(failure, self._errors):
            await _deliver(ctx, replies, failure, [])
            return
        said = _discarded(replies, failure)
        first, second = alias_of(self._agent), alias_of(self._other)
        logger.info("agent %r failed, agent %r is asked instead: %s", first, second, said)
        replies = ask(ctx, self._other, ctx.messages, raises=True)
        note = f"agent {second!r} was asked because agent {first!r} had failed by {said}"
        await _deliver(ctx, replies, await _failure_before_anything(replies), [note])


class FirstToReply:
    """Calls several agents at the same time, and passes on the reply that is the first to have a part."""

    __slots__ = ("_agents",)

    def __init__(self, agents: tuple[AnyMember, ...]) -> None:
        self._agents = agents

    async def __call__(self, ctx: AnyContext, /) -> None:
        """Do the work of one call."""
        calls = [ask(ctx, agent, ctx.messages, raises=True) for agent in self._agents]
        failures: dict[int, Failure] = {}

        async def first_part(place: int) -> AsyncIterator[int]:
            failure = await _failure_before_anything(calls[place])
            if failure is not None:
                failures[place] = failure
            elif buffer_of(calls[place]).pieces:  # an empty reply says nothing
                yield place

        first = await anext(aiter(first_to_speak(*map(first_part, range(len(calls))))), None)
        if first is None:
            for replies in calls:
                ctx.reply(passed_on(ctx, replies))
            return
        for place, replies in enumerate(calls):
            if place in failures:
                failed, other = alias_of(self._agents[place]), alias_of(self._agents[first])
                said = _discarded(replies, failures[place])
                logger.info("agent %r failed, agent %r has replied instead: %s", failed, other, said)
            elif place != first:
                replies.cancel()
        ctx.reply(passed_on(ctx, calls[first]))


class Timed:
    """Cuts off an agent's reply that is not complete in time."""

    __slots__ = ("_agent", "_seconds")

    def __init__(self, agent: AnyMember, seconds: float) -> None:
        _check_seconds(f"with_timeout({seconds!r})", seconds, zero=False)
        self._agent = agent
        self._seconds = seconds

    async def __call__(
        self,
        ctx: AnyContext,
        /,
        *args: Any,  # Any: checked by the agent's signature
        **kwargs: Any,  # Any: checked by the agent's signature
    ) -> None:
        """Do the work of one call."""
        limit = asyncio.timeout(self._seconds)
        replies = ask(ctx, self._agent, ctx.messages, args, kwargs, raises=True)
        passed = 0
        mirrors: list[_Mirror] = []
        try:
            async with limit:
                async for piece in pieces_of(replies):
                    passed += 1
                    self._pass_on(ctx, piece, mirrors)
                ctx.finish_early()  # the sequence ends here, although some of its messages are incomplete
                for mirror in mirrors:
                    await settled(mirror.promise)
                return
        except TimeoutError:
            if not limit.expired():
                raise
        error = TimeoutError(f"agent {alias_of(self._agent)!r} did not complete its reply within {self._seconds} s")
        was_complete = buffer_of(replies).ended
        for piece in buffer_of(replies).pieces[passed:]:
            self._pass_on(ctx, piece, mirrors)  # arrived in time, but was not read yet
        for mirror in mirrors:
            mirror.cut_off(error)
        replies.cancel()
        if not was_complete:
            raise error

    def _pass_on(self, ctx: AnyContext, piece: AnyMessage | Failure, mirrors: list[_Mirror]) -> None:
        if isinstance(piece, Failure):
            ctx.reply(failure_in_place(ctx, piece))
        elif piece.done():
            ctx.reply(piece)
        else:
            mirrors.append(_Mirror(piece))
            ctx.reply(mirrors[-1].promise)


class _Mirror:
    """A copy of an incomplete message; cutting it off does not affect other readers of the message."""

    __slots__ = ("_source", "promise")

    def __init__(self, source: AnyMessage) -> None:
        self._source = source
        promise: AnyMessage = MessagePromise(
            self._pieces,
            self._whole,
            message_class=known_class(source),
            known=source.known,
            start_asap=True,
            max_ahead=None,  # the time runs: a slow reader must not hold the agent up
            name=source.name,
        )
        self.promise: AnyMessage = said_by(promise, source.by)

    async def _pieces(self) -> AsyncIterator[Any]:  # Any: tokens, events, and errors as objects
        async for piece in mixed_buffer(self._source).outcomes():
            yield piece

    async def _whole(self, _: AsyncIterable[str]) -> Message:
        message: Message = await self._source
        return message

    def cut_off(self, error: BaseException) -> None:
        """End the copy with an error behind the pieces that arrived, unless it is complete."""
        if self.promise.done():
            return
        buffer = mixed_buffer(self.promise)
        if not buffer.ended:
            for piece in mixed_buffer(self._source).pieces[len(buffer.pieces) :]:
                buffer.emit_outcome(piece)
        buffer.give_up(error)
        give_up(self.promise, error)
        self.promise.cancel()


# --- failures before the first piece ---


async def _failure_before_anything(replies: AnyReplies) -> Failure | None:
    """Wait for the first part of a reply; return the failure if that comes first, else None.

    The failure is not raised here and does not count as read.
    """
    first = await anext(pieces_of(replies), None)
    if first is None or isinstance(first, Failure):
        return first
    if first.done() and failure_of(first) is None:
        return None
    # the mixed stream is read because events are parts of a reply as well as tokens
    piece = await anext(mixed_buffer(first).outcomes(), None)
    if piece is not None and not isinstance(piece, Failure):
        return None
    return await settled(first) or piece  # the whole message fails a moment later, perhaps with another error


def _replaceable(failure: Failure, errors: tuple[type[BaseException], ...]) -> bool:
    error = failure.error
    return isinstance(error, errors) and not isinstance(error, EndLoop) and not is_cancelled(error)


def _asked_for(error: BaseException) -> float:
    """Return the seconds that an error asks to wait, as rate limits of services do; 0 if it does not say."""
    seconds: object = getattr(error, "retry_after", None)
    return seconds if isinstance(seconds, int | float) else 0.0


def _discarded(replies: AnyReplies, failure: Failure) -> str:
    """Cancel a call whose reply is dropped, and return a line about its failure; its errors count as read."""
    replies.cancel()
    count_as_read(failure)
    for piece in buffer_of(replies).pieces:
        if isinstance(piece, Failure):
            count_as_read(piece)
        elif not has_value(piece):  # a complete message has no errors
            for part in (failure_of(piece), *mixed_buffer(piece).pieces):
                if isinstance(part, Failure):
                    count_as_read(part)
    return said(failure.error)


async def _deliver(ctx: AnyContext, replies: AnyReplies, failure: Failure | None, notes: list[str]) -> None:
    """Pass on a reply as it is; add the notes to its first error."""
    if failure is not None:
        for note in notes:
            add_note(failure.error, note)
    ctx.reply(passed_on(ctx, replies))
    if failure is None and notes:
        ctx.finish_early()  # readers need not wait until the notes are added
        failure = await settled_as_read(replies)
        if failure is not None:
            for note in notes:
                add_note(failure.error, note)


def _check_seconds(what: str, seconds: float, *, zero: bool) -> None:
    """Refuse a number of seconds that is infinite, or negative, or zero unless `zero` is true.

    Raises:
        TypeError: It is no number.
        ValueError: It is.
    """
    said = f"give a finite number of seconds {'that is not negative' if zero else 'above 0'}"
    check_not_negative(what, seconds, if_negative=said, if_zero="" if zero else said, if_infinite=said)

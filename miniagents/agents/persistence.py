"""Hands the messages that agents exchange to the handlers that keep them, each message once.

Each handler has a task of its own. While the handler is busy, further messages gather, and the task then hands them
over together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias, TypeGuard

import msgspec

from miniagents.messages import Frozen, Message

if TYPE_CHECKING:
    from miniagents.promising import PromisingContext

__all__ = ["PersistHandler", "PersistenceError", "Persister"]

logger: Final = logging.getLogger("miniagents")

PersistHandler: TypeAlias = Callable[[tuple[Message, ...]], Awaitable[None]]
"""A hook: an async function that keeps messages, parts before the messages that hold them."""

_PAUSES: Final = (0.1, 0.4, 1.6)
"""Seconds before a handler that failed is tried again."""


class PersistenceError(Exception):
    """A handler could not keep some messages, although it was tried again.

    Attributes:
        messages: The messages it was not able to keep.
    """

    def __init__(self, handler: str, messages: tuple[Message, ...], cause: Exception | None) -> None:
        super().__init__(handler, messages, cause)
        self.handler = handler
        self.messages = messages
        self.__cause__: BaseException | None = cause

    def __str__(self) -> str:
        first = ", ".join(_shown(message) for message in self.messages[:3])
        more = f" and {len(self.messages) - 3} more" if len(self.messages) > 3 else ""
        reason = "the context was left before" if self.__cause__ is None else _described(self.__cause__)
        return f"{self.handler} could not keep {len(self.messages)} messages ({first}{more}): {reason}"


class Persister:
    """Hands each message of a context once to all handlers.

    Args:
        context: The context whose end waits for the handlers.
        handlers: The handlers; one that fails is called again and does not hinder the others.
    """

    def __init__(self, context: PromisingContext, handlers: tuple[PersistHandler, ...]) -> None:
        self._context = context
        self._keepers = tuple(_Keeper(context, handler) for handler in handlers)
        self._handed_over: set[str] = set()

    def keep(self, message: Message) -> None:
        """Hand a message to the handlers, after the messages inside it; known ones are left out."""
        new: list[Message] = []
        for part in with_parts(message):
            try:
                key = part.hash_key
            except (TypeError, ValueError) as error:
                self._context.report(PersistenceError("on_persist_messages", (part,), error))
                break  # the messages that hold it have no key either
            if key not in self._handed_over:
                self._handed_over.add(key)
                new.append(part)
        if new:
            for keeper in self._keepers:
                keeper.keep(new)

    async def finish(self) -> None:
        """Call the handlers a last time with the messages that they failed to keep; report failures to the context."""
        for keeper in self._keepers:
            await keeper.finish()

    def log_not_kept(self) -> None:
        """Log the messages that the handlers have not kept."""
        for keeper in self._keepers:
            keeper.log_not_kept()


class _Keeper:
    """A handler, with the messages that wait for it and those that it failed to keep."""

    def __init__(self, context: PromisingContext, handler: PersistHandler) -> None:
        self._context = context
        self._handler = handler
        self._name: str = getattr(handler, "__qualname__", type(handler).__qualname__)
        self._waiting: list[Message] = []
        self._not_kept: list[Message] = []
        self._working = False

    def keep(self, messages: Collection[Message]) -> None:
        """Hand messages to the handler, or queue them while it is busy."""
        self._waiting.extend(messages)
        if not self._working:
            self._working = True
            self._context.spawn(self._work(), f"on_persist_messages({self._name})")

    async def finish(self) -> None:
        """Call the handler a last time with the messages that it has not kept; report a failure to the context."""
        batch = (*self._not_kept, *self._waiting)
        if batch:
            error = await self._hand_over(batch, pauses=())
            self._not_kept, self._waiting = [], []
            if error is not None:
                self._context.report(PersistenceError(self._name, batch, error))

    def log_not_kept(self) -> None:
        """Log the messages that are not kept and never will be."""
        batch = (*self._not_kept, *self._waiting)
        self._not_kept, self._waiting = [], []
        if batch:
            logger.error("%s", PersistenceError(self._name, batch, None))

    async def _work(self) -> None:
        batch: tuple[Message, ...] = ()
        try:
            while self._waiting:
                batch, self._waiting = tuple(self._waiting), []
                error = await self._hand_over(batch, pauses=_PAUSES)
                if error is not None:
                    self._not_kept.extend(batch)
                    logger.error("%s", PersistenceError(self._name, batch, error), exc_info=error)
                batch = ()
        finally:
            self._not_kept.extend(batch)  # not empty after a cancellation: the end of the context reports these
            self._working = False

    async def _hand_over(self, batch: tuple[Message, ...], *, pauses: tuple[float, ...]) -> Exception | None:
        for pause in (*pauses, None):
            try:
                await self._handler(batch)
            except Exception as error:  # noqa: BLE001 - any error of a handler means that it kept nothing
                if pause is None:
                    return error
                await asyncio.sleep(pause)
            else:
                return None
        return None


def with_parts(message: Message) -> Iterator[Message]:
    """Return the messages inside a message at any depth, parts first, each once; the message itself comes last."""
    done: set[int] = set()
    path: list[tuple[object, Iterator[object]]] = [(message, iter(msgspec.structs.asdict(message).values()))]
    while path:
        owner, values = path[-1]
        for value in values:
            inner = None if id(value) in done else _values(value)
            if inner is not None:
                path.append((value, inner))
                break
        else:
            path.pop()
            if id(owner) not in done:
                done.add(id(owner))
                if isinstance(owner, Message):
                    yield owner


def _values(holder: object) -> Iterator[object] | None:
    """Return the values inside a value; None for a scalar."""
    if isinstance(holder, Frozen):
        return iter(msgspec.structs.asdict(holder).values())
    if _is_mapping(holder):
        return iter(holder.values())
    return iter(holder) if _is_collection(holder) else None


# Narrowing by isinstance() alone would leave the types of the elements unknown.


def _is_mapping(holder: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(holder, Mapping)


def _is_collection(holder: object) -> TypeGuard[Collection[object]]:
    return isinstance(holder, tuple | frozenset)


def _shown(message: Message) -> str:
    try:
        key = message.hash_key
    except (TypeError, ValueError):
        return f"{type(message).__name__} without a key"
    return f"{type(message).__name__} {key}"


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"

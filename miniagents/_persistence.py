"""Hands the messages that agents exchange to whoever keeps them, each one once.

One task works for all handlers: while they are busy with some messages, others gather and are handed over together.
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

logger = logging.getLogger("miniagents")

PersistHandler: TypeAlias = Callable[[tuple[Message, ...]], Awaitable[None]]
"""A hook: an async function that keeps messages, parts before the messages that hold them."""

_PAUSES: Final = (0.1, 0.4, 1.6)
"""Seconds before a handler that failed is tried again."""


class PersistenceError(Exception):
    """A handler could not keep some messages, although it was tried again.

    Attributes:
        messages: the messages it was not able to keep.
    """

    def __init__(self, handler: str, messages: tuple[Message, ...], cause: Exception) -> None:
        super().__init__(handler, messages, cause)
        self.handler = handler
        self.messages = messages
        self.__cause__ = cause

    def __str__(self) -> str:
        first = ", ".join(f"{type(message).__name__} {message.hash_key}" for message in self.messages[:3])
        more = f" and {len(self.messages) - 3} more" if len(self.messages) > 3 else ""
        return (
            f"{self.handler} could not keep {len(self.messages)} messages ({first}{more}): "
            f"{type(self.__cause__).__name__}: {self.__cause__}"
        )


class Persister:
    """Knows which messages of a context are kept already.

    Args:
        context: the context whose end waits for the handlers.
        handlers: what keeps messages; one that fails is tried again and does not keep the others from their work.
    """

    def __init__(self, context: PromisingContext, handlers: tuple[PersistHandler, ...]) -> None:
        self._context = context
        self._handlers = handlers
        self._handed_over: set[str] = set()
        self._waiting: list[Message] = []
        self._not_kept: dict[PersistHandler, list[Message]] = {handler: [] for handler in handlers}
        self._working = False

    def keep(self, message: Message) -> None:
        """Has a message kept, and the messages inside it before it."""
        for part in with_parts(message):
            if part.hash_key not in self._handed_over:
                self._handed_over.add(part.hash_key)
                self._waiting.append(part)
        if self._waiting and not self._working:
            self._working = True
            self._context.spawn(self._work(), "on_persist_messages")

    async def finish(self) -> None:
        """Tries the handlers a last time with what they could not keep, and reports what they cannot."""
        for handler, messages in self._not_kept.items():
            if messages:
                batch = tuple(messages)
                messages.clear()
                error = await self._hand_over(handler, batch, pauses=())
                if error is not None:
                    self._context.report(PersistenceError(_name_of(handler), batch, error))

    def unfinished(self) -> int:
        """How many messages no handler, or not every handler, has kept."""
        return len(self._waiting) + sum(map(len, self._not_kept.values()))

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = tuple(self._waiting), []
                for handler in self._handlers:
                    # in the list until it is known to be kept, so that a cancellation loses nothing from sight
                    self._not_kept[handler].extend(batch)
                for handler in self._handlers:
                    error = await self._hand_over(handler, batch, pauses=_PAUSES)
                    if error is None:
                        del self._not_kept[handler][-len(batch) :]
                    else:
                        logger.error("%s", PersistenceError(_name_of(handler), batch, error), exc_info=error)
        finally:
            self._working = False

    async def _hand_over(
        self, handler: PersistHandler, batch: tuple[Message, ...], *, pauses: tuple[float, ...]
    ) -> Exception | None:
        for pause in (*pauses, None):
            try:
                await handler(batch)
            except Exception as error:  # noqa: BLE001 - any error of a handler means that it kept nothing
                if pause is None:
                    return error
                await asyncio.sleep(pause)
            else:
                return None
        return None


def with_parts(message: Message) -> Iterator[Message]:
    """The messages inside a message, at any depth, each once and before what holds it; the message itself is last."""
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
    """What a value holds; None where it holds nothing."""
    if isinstance(holder, Frozen):
        return iter(msgspec.structs.asdict(holder).values())
    if _is_mapping(holder):
        return iter(holder.values())
    return iter(holder) if _is_collection(holder) else None


# isinstance() alone would leave the types of the elements unknown


def _is_mapping(holder: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(holder, Mapping)


def _is_collection(holder: object) -> TypeGuard[Collection[object]]:
    return isinstance(holder, tuple | frozenset)


def _name_of(handler: PersistHandler) -> str:
    return getattr(handler, "__qualname__", type(handler).__qualname__)

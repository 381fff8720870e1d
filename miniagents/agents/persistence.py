"""Hands the messages that agents exchange to the handlers that keep them, each message once.

Each handler has a queue and, as long as something is in it, one task. The task hands over what has gathered, at most
`BATCH` messages at once.

| the handler                       | then                                                                      |
|-----------------------------------|---------------------------------------------------------------------------|
| returns                           | the next batch                                                            |
| raises, or waited for something   | it is called again after a pause; after the last pause the batch is set   |
| that was cancelled                | aside, and the next batches are tried once each until one of them is kept |
| is slower than the agents         | new calls wait while more than `LIMIT` messages are in its queue          |
| has a batch set aside, and        | it is called with that once more; what it cannot keep is reported         |
| `flush` is called, or work ends   |                                                                           |
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, TypeAlias, TypeGuard

from miniagents.messages import Frozen, FrozenDict, Message
from miniagents.messages.coding.contents import contents_of
from miniagents.messages.values.surrogates import mended
from miniagents.messages.values.untyped import is_plain
from miniagents.promising import ContextStateError
from miniagents.promising.core.current import inside_hook
from miniagents.promising.core.failure import is_cancellation, tells_plain_function
from miniagents.promising.core.pieces import FAIR_SHARE

if TYPE_CHECKING:
    from contextvars import Context

    from miniagents.promising import PromisingContext

__all__ = [
    "BATCH",
    "LIMIT",
    "PersistFilter",
    "PersistHandler",
    "PersistenceError",
    "Persister",
    "described",
    "with_parts",
]

logger: Final = logging.getLogger("miniagents")

PersistHandler: TypeAlias = Callable[[tuple[Message, ...]], Awaitable[None]]
"""A hook: an async function that keeps messages, parts before the messages that hold them."""

MadeOf: TypeAlias = tuple[str | None, ...]
"""What tells a record from all others: the keys of its messages, and its other fields."""

PersistFilter: TypeAlias = Callable[[Message], bool]
"""A function that says whether a message may be kept."""

BATCH: Final = 256
"""How many messages a handler is given at once, at most."""
LIMIT: Final = 1024
"""How many messages may wait for a handler before new calls of agents wait for it."""
_REMEMBERED: Final = 4096
"""How many keys are remembered at least. A message that comes again later than that is handed over again."""
_SET_ASIDE: Final = 16_384
"""How many messages that a handler failed to keep are held for a last attempt. The oldest ones are dropped first."""
_PAUSES: Final = (0.1, 0.4, 1.6)
"""Seconds before a handler that failed is tried again."""


class PersistenceError(Exception):
    """A handler could not keep some messages, although it was tried again.

    Attributes:
        messages: The messages it was not able to keep.
    """

    def __init__(self, handler: str, messages: tuple[Message, ...], cause: BaseException | None) -> None:
        super().__init__(handler, messages, cause)
        self.handler = handler
        self.messages = messages
        self.__cause__: BaseException | None = cause

    def __str__(self) -> str:
        first = ", ".join(_shown(message) for message in self.messages[:3])
        more = f" and {len(self.messages) - 3} more" if len(self.messages) > 3 else ""
        reason = "the context was left before" if self.__cause__ is None else described(self.__cause__)
        return f"{self.handler} could not keep {len(self.messages)} messages ({first}{more}): {reason}"


class Persister:
    """Hands each message of a context once to all handlers.

    Args:
        context: The context whose end waits for the handlers.
        handlers: The handlers; one that fails is called again and does not hinder the others.
        wanted: Says which messages are kept; None for all.
    """

    def __init__(
        self, context: PromisingContext, handlers: tuple[PersistHandler, ...], wanted: PersistFilter | None = None
    ) -> None:
        self._context = context
        self._keepers = tuple(_Keeper(context, handler) for handler in handlers)
        self._wanted = wanted
        self._outer: Persister | None = None
        self._kept: list[Message] = []
        self.is_full: bool = False
        """Whether a handler may be so far behind that new calls should wait in `room`."""
        # By key, and for records by what they are made of, their keys. They move to the second dict when the first is
        # full. The second one is forgotten then.
        self._remembered: dict[str | MadeOf, str] = {}
        self._remembered_longer: dict[str | MadeOf, str] = {}

    def also_for(self, outer: Persister) -> None:
        """Hand all messages to the handlers of the context around this one as well."""
        self._outer = outer

    def keep(self, message: Message) -> str | None:
        """Keep a message for `hand_over`, after the messages inside it; known ones are left out.

        Returns:
            The key of the message; None if it is not kept, because the filter leaves it or a part of it out, or because
            it can have no key.
        """
        if self._outer is not None:
            self._outer.keep(message)
        if self._wanted is not None or _may_have_parts(message):
            return self._keep_parts(with_parts(message))
        return self._keep_alone(message)

    def keep_all(self, pieces: Sequence[object]) -> tuple[tuple[Message, ...], list[str]] | None:
        """Keep messages that are all there.

        Returns:
            The messages that are kept, and their keys; None if there are promises or very many.
        """
        if len(pieces) > FAIR_SHARE:
            return None
        kept: list[Message] = []
        keys: list[str] = []
        for piece in pieces:
            if not isinstance(piece, Message):
                return None  # those before it are known by now
            key = self.keep(piece)
            if key is not None:
                kept.append(piece)
                keys.append(key)
        return tuple(kept), keys

    def known(self, made_of: MadeOf) -> str | None:
        """Return the key of a record that was kept lately, by what it is made of; None if it is not known."""
        return self._remembered.get(made_of)

    def keep_record(self, record: Message, made_of: MadeOf | None, *, asks_key: bool) -> str | None:
        """Keep a record of messages that were kept before, unless it is known.

        Args:
            record: The record.
            made_of: What tells the record from all others, if it is to be known by that.
            asks_key: Whether its key is asked for, which takes long to compute.

        Returns:
            The key, or None if it was not asked for; None as well if the record is not kept.
        """
        if self._outer is not None:
            self._outer.keep_record(record, made_of, asks_key=asks_key)
        if self._wanted is not None:
            return self._keep_parts((record,))
        if made_of is None or asks_key:
            key = self._keep_alone(record)
            if made_of is not None and key is not None:
                self._remember(made_of, key)
            return key
        if made_of not in self._remembered:
            if made_of not in self._remembered_longer:
                self._kept.append(record)
            self._remember(made_of, "")
        return None

    def hand_over(self) -> None:
        """Give the handlers what was kept; none of them is called before the next turn of the loop."""
        if self._outer is not None:
            self._outer.hand_over()
            self.is_full = self.is_full or self._outer.is_full
        if self._kept:
            kept, self._kept = self._kept, []
            for keeper in self._keepers:
                if keeper.keep(kept):
                    self.is_full = True

    def _keep_alone(self, message: Message) -> str | None:
        """Keep a message for which there is no filter, and whose parts are known."""
        try:
            key = message.hash_key
        except (TypeError, ValueError):
            return self._keep_parts((message,))  # which reports it
        if key not in self._remembered:
            self._keep_new(message, key)
        return key

    def _keep_parts(self, parts: Iterable[Message]) -> str | None:
        key: str | None = None
        left_out: list[Message] = []
        for part in parts:
            key = self._key_of(part, left_out)
            if key is None:
                left_out.append(part)
            elif key not in self._remembered:
                self._keep_new(part, key)
        return key

    async def room(self) -> None:
        """Wait until calls may begin."""
        if self._outer is not None:
            await self._outer.room()
        for keeper in self._keepers:
            while keeper.is_full():
                await keeper.progress()
        self.is_full = False

    async def flush(self) -> None:
        """Wait until the handlers were given all messages, then call them again with those that they failed to keep.

        Raises:
            PersistenceError: A handler could not keep some of them; an exception group if that is so for several.
        """
        errors: list[PersistenceError] = []
        persister: Persister | None = self
        while persister is not None:
            errors += [error for keeper in persister._keepers if (error := await keeper.flush()) is not None]
            persister = persister._outer
        if len(errors) > 1:
            raise ExceptionGroup("some messages could not be kept", errors)
        if errors:
            raise errors[0]

    async def finish(self) -> None:
        """Flush a last time; report failures to the context."""
        for keeper in self._keepers:
            error = await keeper.flush()
            if error is not None:
                keeper.forget()
                self._context.report(error)

    def log_not_kept(self) -> None:
        """Log the messages that the handlers have not kept."""
        for keeper in self._keepers:
            batch = keeper.forget()
            if batch:
                logger.error("%s", PersistenceError(keeper.name, batch, None))

    def _key_of(self, part: Message, left_out: Collection[Message]) -> str | None:
        """Return the key of a message; None if it is not kept."""
        if left_out and any(inner is each for inner in with_parts(part) for each in left_out):
            return None
        try:
            return part.hash_key if self._wanted is None or self._wanted(part) else None
        except Exception as error:  # noqa: BLE001 - a filter is the user's code
            self._context.report(PersistenceError("on_persist_messages", (part,), error))
            return None

    def _keep_new(self, message: Message, key: str) -> None:
        """Keep a message whose key was not remembered lately."""
        if key not in self._remembered_longer:
            self._kept.append(message)
        self._remember(key, key)

    def _remember(self, known_as: str | MadeOf, key: str) -> None:
        if len(self._remembered) >= _REMEMBERED:
            self._remembered_longer, self._remembered = self._remembered, {}
        self._remembered[known_as] = key


class _Keeper:
    """A handler, with the messages that wait for it and those that it failed to keep."""

    def __init__(self, context: PromisingContext, handler: PersistHandler) -> None:
        self.name: str = getattr(handler, "__qualname__", type(handler).__qualname__)
        self._context = context
        self._handler = handler
        self._variables: Context | None = None
        self._waiting: deque[Message] = deque()
        self._again: deque[Message] = deque()
        self._batch: tuple[Message, ...] = ()
        self._set_aside: deque[Message] = deque(maxlen=_SET_ASIDE)
        self._error: BaseException | None = None  # why the last batch was not kept
        self._given = 0
        self._task: asyncio.Task[None] | None = None
        self._progress: asyncio.Future[None] | None = None

    def keep(self, messages: Iterable[Message]) -> bool:
        """Put messages in the queue of the handler; return whether the queue is too long."""
        self._waiting.extend(messages)
        if self._task is None:
            self._work_on()
        return len(self._waiting) > LIMIT

    def is_full(self) -> bool:
        """Return whether the handler is behind, and at work."""
        return len(self._waiting) > LIMIT and self._task is not None and not self._task.done()

    async def progress(self) -> None:
        """Wait until a batch was kept or set aside."""
        if self._progress is None:
            self._progress = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._progress)

    async def flush(self) -> PersistenceError | None:
        """Wait for the handler to be given all that waits now, then give it again what it failed to keep."""
        await self._until_given()
        if self._set_aside:
            self._again.extend(self._set_aside)
            self._set_aside.clear()
            await self._until_given()
        return PersistenceError(self.name, tuple(self._set_aside), self._error) if self._set_aside else None

    def forget(self) -> tuple[Message, ...]:
        """Return all messages that were not kept, and forget them."""
        forgotten = (*self._set_aside, *self._batch, *self._again, *self._waiting)
        for queue in (self._set_aside, self._again, self._waiting):
            queue.clear()
        return forgotten

    async def _until_given(self) -> None:
        goal = self._given + len(self._batch) + len(self._again) + len(self._waiting)
        while self._given < goal and (self._batch or self._again or self._waiting):
            given = self._given
            self._work_on()  # somebody may have cancelled it
            if self._given == given:  # a task that was started eagerly may be done
                await self.progress()

    def _work_on(self) -> None:
        if self._task is None or self._task.done():
            variables = self._variables
            if variables is None:
                variables = self._variables = copy_context()
                variables.run(inside_hook.set, True)
            name = f"on_persist_messages({self.name})"
            with contextlib.suppress(ContextStateError):  # it has ended, and logs what waits
                task = variables.copy().run(self._context.spawn_hook, self._work(), name)
                if not task.done():  # eager tasks may be
                    self._task = task
                    task.add_done_callback(lambda _: self._batch_ended())  # if it was cancelled before it began

    async def _work(self) -> None:
        try:
            while queue := self._again or self._waiting:
                self._batch = _taken(queue)
                is_first = queue is self._waiting
                pauses = _PAUSES if is_first and self._error is None else ()
                self._error = await self._hand_over(self._batch, pauses)
                if self._error is not None and is_first:
                    error = PersistenceError(self.name, self._batch, self._error)
                    logger.error("%s", error, exc_info=self._error)
                self._batch_ended()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._task = None
            self._batch_ended()

    def _batch_ended(self) -> None:
        """Set the batch aside if it was not kept, and wake those who wait for progress."""
        if self._error is not None:
            self._set_aside.extend(self._batch)
        self._given += len(self._batch)
        self._batch = ()
        progress, self._progress = self._progress, None
        if progress is not None and not progress.done():
            progress.set_result(None)

    async def _hand_over(self, batch: tuple[Message, ...], pauses: tuple[float, ...]) -> BaseException | None:
        for pause in (*pauses, None):
            try:
                await self._handler(batch)
            except (Exception, asyncio.CancelledError) as error:
                if is_cancellation(error):
                    raise  # otherwise something was cancelled that the handler waited for: the handler has failed
                if tells_plain_function(error):
                    return TypeError(f"on_persist_messages: {self.name} is not async; write `async def`")
                if pause is None:
                    return error
                await asyncio.sleep(pause)
            else:
                return None
        return None


def _taken(queue: deque[Message]) -> tuple[Message, ...]:
    """Take a batch from the beginning of a queue."""
    if len(queue) > BATCH:
        return tuple(queue.popleft() for _ in range(BATCH))
    batch = tuple(queue)
    queue.clear()
    return batch


def with_parts(message: Message) -> Iterable[Message]:
    """Return the messages inside a message at any depth, parts first, each once; the message itself comes last."""
    return _walk(message) if _may_have_parts(message) else (message,)


def _walk(message: Message) -> Iterator[Message]:
    done: set[int] = set()
    path: list[tuple[object, Iterator[object]]] = [(message, _fields(message))]
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
    """Return the values inside a value that may be or hold messages; None for a scalar."""
    if isinstance(holder, Frozen):
        return _fields(holder)
    if _is_mapping(holder):
        return None if is_plain(holder) else iter(holder.values())
    return iter(holder) if _is_collection(holder) else None


def _fields(holder: Frozen) -> Iterator[object]:
    return (getattr(holder, name) for name in _names_of_holders(holder))


def _names_of_holders(holder: Frozen) -> Collection[str]:
    """Return the names of the fields that may hold messages, at any depth: those of some other types cannot."""
    return contents_of(type(holder)).holders


def _may_have_parts(message: Message) -> bool:
    """Return whether there may be messages inside a message: most have nothing in the fields that may hold some."""
    for name in contents_of(type(message)).holders:
        value = getattr(message, name)
        if value is not None and value is not _NOTHING and value is not _NO_ENTRIES:
            return True
    return False


_NOTHING: Final[tuple[Message, ...]] = ()
_NO_ENTRIES: Final[Mapping[str, Message]] = FrozenDict()


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


def described(error: BaseException) -> str:
    """Return the class and the text of an error; the text is left out if the error cannot say it."""
    try:
        return mended(f"{type(error).__name__}: {error}")
    except Exception:  # noqa: BLE001 - the error's own code
        return type(error).__name__

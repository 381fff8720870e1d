"""What agents use inside of durable runs; outside of one, they do what is true there, so that agents run without it."""

from __future__ import annotations

import asyncio
import inspect
import uuid
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, overload

import msgspec
from typing_extensions import TypeVar

from miniagents.ext.store._journal import Once, Waiting, answers_of
from miniagents.ext.store._places import place_here
from miniagents.ext.store.errors import StreamAbandonedError
from miniagents.messages import Codec, DecodeError, Message, encode
from miniagents.wire import decode_stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from typing_extensions import TypeForm

    from miniagents.ext.store.protocols import StreamLog
    from miniagents.messages import MessageSequencePromise

__all__ = ["call_key", "kept_replies", "once", "wait_for_answer"]

T = TypeVar("T")

_MOST: Final = 1 << 30
_PAUSE: Final = 0.5
"""Seconds until it is looked again for an answer that was cut."""


@overload
async def once(function: Callable[[], Awaitable[T]], /) -> T: ...
@overload
async def once(function: Callable[[], T], /) -> T: ...
@overload
async def once(function: Callable[[], T | Awaitable[T]], /, form: TypeForm[T]) -> T: ...
async def once(
    function: Callable[[], Any],  # Any: as the overloads say
    /,
    form: Any = None,  # Any: as above
) -> Any:  # Any: as above
    """Call a function once in a durable run, and return the same value in all lives of the run.

    It is for clocks, random numbers, and whatever else would make an agent go another way when it runs again. The value
    is committed before this returns. If the run is killed before that, the function is called again. Outside of a
    durable run it is called each time.

    Values are told apart by the call, the name of the function, and how often the call has asked for it before.

    Args:
        function: A function without arguments, plain or async.
        form: The type of the value, for values that are more than JSON.

    Raises:
        TypeError: The value is not the same when it is read back: give its type as `form`. Or `function` is none.
        StoreVersionError: The value that was kept is not of the type `form`.

    >>> from miniagents.ext.store import SQLiteStore, durable
    >>> async def main() -> None:
    ...     async with SQLiteStore(":memory:") as store:
    ...         for _ in range(2):
    ...             async with durable(store, run="order-17"):
    ...                 print(await once(lambda: next(numbers)))
    >>> numbers = iter(range(10))
    >>> asyncio.run(main())
    0
    0
    """
    if not callable(function):
        raise TypeError(f"once: {function!r:.200} is no function; write once(lambda: ...), so that it can be left out")
    place = place_here()
    name: object = getattr(function, "__qualname__", type(function).__qualname__)
    if place is None:
        return await _called(function)
    journal = place.journal
    key = place.nth(f"once {name}")
    kept = journal.kept.once.get(key)
    if kept is not None:
        try:
            return _read(kept, form)
        except DecodeError as error:
            raise journal.stopped_by(f"the value of once({name})", error) from error
    value = await _called(function)
    data = encode(value)
    again = _read(data, form)
    if form is None and (type(again) is not type(value) or again != value):
        raise TypeError(
            f"once: {value!r:.200} of {name} would come back as {again!r:.200}; give its type, as in "
            f"once({name}, {type(value).__qualname__})"
        )
    await journal.commit(Once(key, msgspec.Raw(data)))
    return again


async def _called(function: Callable[[], Any]) -> Any:  # Any: as the overloads of `once` say
    value = function()
    return await value if inspect.isawaitable(value) else value


def _read(data: bytes, form: Any) -> Any:  # Any: a type, and its value
    return msgspec.json.decode(data) if form is None else Codec(form).decode(data)


def call_key() -> str:
    """Return the key of the running call, the same in each life of its durable run: 32 hex digits.

    Effects outside happen at least once: give this along as the idempotency key, and the other side does them once.
    Calls of other runs have other keys. Outside of a durable run, each call of this function returns another key.

    >>> print(len(call_key()))
    32
    """
    place = place_here()
    return uuid.uuid4().hex if place is None else place.key


def kept_replies() -> tuple[Message, ...]:
    """Return the messages that the running call had replied with, and that were committed, before it was cut.

    With `durable(on_cut="resume")` the caller has them again: reply with what comes behind them. There are none if the
    call was not cut, is made again from its beginning, or stands outside of a durable run.

    >>> kept_replies()
    ()
    """
    place = place_here()
    return () if place is None else place.kept


def wait_for_answer() -> MessageSequencePromise[Message]:
    """Return the answer that a person, or whoever else, gives to the running call from outside.

    The call stays open until then, over all lives of its durable run. `open_calls` lists it, and `answer_call` answers
    it, in this or in any other process:

        @miniagent
        async def manager(ctx: InteractionContext) -> None:
            ctx.reply(wait_for_answer())

    Raises:
        RuntimeError: No call of a durable run is running.
    """
    place = place_here()
    if place is None or place.given is None:
        raise RuntimeError(
            "wait_for_answer: this is no call of a durable run, so nobody can find it to answer it; call the agent in "
            "`async with durable(store, run=...) as run, MiniAgents(around_calls=run):`"
        )
    key = place.nth("answer")
    messages = tuple(msgspec.Raw(encode(message)) for message in place.given.messages)
    place.journal.note(Waiting(key, place.key, messages))
    journal = place.journal
    return decode_stream(_answer(journal.log, f"{answers_of(journal.run)}{key}"), tuple[Message, ...], max_bytes=_MOST)


async def _answer(log: StreamLog, stream: str) -> AsyncGenerator[bytes]:
    position = 0
    while True:
        try:
            async with aclosing(log.read(stream, position, wait=True)) as blocks:
                async for pieces in blocks:
                    position = pieces.end
                    yield pieces.data
        except StreamAbandonedError:  # whoever answers will do so again
            await asyncio.sleep(_PAUSE)
        else:
            return

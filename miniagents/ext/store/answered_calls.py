"""Calls of durable runs that wait for an answer from outside: found and answered in any process."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from miniagents.ext.store._journal import answers_of, names_of_runs, read_journal
from miniagents.ext.store._kept import EngineStore
from miniagents.ext.store.errors import NotStoredError, StreamEndedError, StreamTakenError
from miniagents.ext.store.protocols import check_log, messages_of
from miniagents.messages import Message, decode
from miniagents.messages.promised.sequence_promise import sequence_of
from miniagents.wire import Pieces, encode_stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from miniagents.ext.store.protocols import StreamLog
    from miniagents.messages import JsonValue

__all__ = ["OpenCall", "answer_call", "open_calls"]


class OpenCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits for an answer.

    Attributes:
        run: The name of its run.
        key: The key to answer it by.
        called: What was called, as in "agent 'manager'".
        arguments: The arguments by their names, as JSON.
        messages: The messages of the call: what is asked. Those whose classes this program does not know are an
            `UnknownMessage`.
    """

    run: str
    key: str
    called: str
    arguments: Mapping[str, JsonValue]
    messages: tuple[Message, ...]


async def open_calls(store: StreamLog, *, run: str | None = None) -> AsyncGenerator[OpenCall]:
    """Yield the calls of durable runs that wait for an answer, those of a run in the order in which they began to.

    A run may be going on, in any process, or may have been killed. Without `run`, everything that is kept of all runs
    is read.

    Args:
        store: The store that keeps the runs.
        run: The name of the run; None for all runs.

    Raises:
        StoreError: The store cannot be read.
    """
    check_log("open_calls", store)
    for name in await names_of_runs(store) if run is None else (run,):
        async with aclosing(_open_calls(store, name)) as found:
            async for call in found:
                yield call


async def _open_calls(store: StreamLog, run: str) -> AsyncGenerator[OpenCall]:
    kept = await read_journal(store, run)
    answered = await _answered(store, run)
    for waiting in kept.waiting.values():
        begun = kept.begun.get(waiting.call)
        if waiting.key not in answered and begun is not None and not kept.is_over(waiting.call):
            yield OpenCall(
                run=run,
                key=waiting.key,
                called=begun.called,
                arguments=msgspec.json.decode(begun.arguments),
                messages=tuple(decode(bytes(message), Message, unknown="keep") for message in waiting.messages),
            )


async def answer_call(store: StreamLog, *, run: str, key: str, answer: Message | Iterable[Message]) -> None:
    """Answer a call of a durable run that waits; when this returns, the answer is committed.

    If the run is going on, the call goes on with it. If it was killed, it does so when the run is started again.

    Args:
        store: The store that keeps the run.
        run: The name of the run.
        key: The `OpenCall.key` of the call.
        answer: The messages of the answer.

    Raises:
        NotStoredError: No call of that key waits for an answer.
        StreamEndedError: It was answered before.
        StreamTakenError: Another call of this function is answering it, in this process or in another one.
        TypeError: The answer is no message.
    """
    check_log("answer_call", store)
    messages = messages_of("answer_call: answer", answer)
    stream = f"{answers_of(run)}{key}"
    async with aclosing(open_calls(store, run=run)) as found:
        is_open = key in [call.key async for call in found]
    if not is_open:
        if key in await _answered(store, run):  # looked at last: it may have been answered meanwhile
            raise StreamEndedError(repr(store), f"the call {key} of run {run!r} was answered before", stream=stream)
        reason = f"no call of run {run!r} waits for an answer to {key!r:.100}; `open_calls` yields those that do"
        raise NotStoredError(repr(store), reason)
    promise = sequence_of(messages, None, "answer")
    frames = [pieces async for pieces in encode_stream(promise, start=0)]
    this = object()  # the store alone would let two tasks of one process write
    asking: dict[str, object] = store.asking if isinstance(store, EngineStore) else {}
    if asking.setdefault(stream, this) is not this:
        raise StreamTakenError(repr(store), f"the call {key} of run {run!r} is being answered just now", stream=stream)
    try:
        is_answered = await store.claim(stream) > 0  # its process was killed before it ended the stream
        if not is_answered:
            whole = Pieces(0, sum(each.count for each in frames), b"".join(each.data for each in frames))
            await store.append(stream, whole)
        await store.end(stream)
    finally:
        del asking[stream]
    if is_answered:
        raise StreamEndedError(repr(store), f"the call {key} of run {run!r} was answered before", stream=stream)


async def _answered(store: StreamLog, run: str) -> set[str]:
    prefix = answers_of(run)
    async with aclosing(store.streams(prefix)) as found:
        return {info.name.removeprefix(prefix) async for info in found if info.ended is not None}

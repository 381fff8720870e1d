"""Promises in a log: written as they arrive, and read while they are written, or later, in any process."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from miniagents.ext.store.protocols import check_log
from miniagents.messages import Message
from miniagents.promising.core.arguments import check_kind
from miniagents.promising.stream import StreamedPromise
from miniagents.wire import decode_stream, encode_stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from typing_extensions import TypeForm

    from miniagents.ext.store.protocols import StreamLog
    from miniagents.messages import MessagePromise, MessageSequencePromise

__all__ = ["read_stream", "write_stream"]

M = TypeVar("M", bound=Message)


async def write_stream(
    log: StreamLog, stream: str, promise: MessagePromise[Message] | MessageSequencePromise[Message]
) -> None:
    """Write a promise into a stream of a log as it arrives, and end the stream.

    What comes while a commit is under way is committed together. If the stream was begun before, the rest is appended:
    so a promise that gives the same pieces again goes on where its stream was cut.

    Raises:
        StreamTakenError: Another living store writes the stream.
        StreamEndedError: The stream has ended.
        StoreError: The pieces could not be kept.
        TypeError: `promise` is none.
    """
    check_log("write_stream", log)
    hint = "no promise; give agent.inquire(...), MessagePromise.of_message(...) or another one"
    check_kind("write_stream", promise, StreamedPromise, hint)
    start = await log.claim(stream)
    async with aclosing(encode_stream(promise, start=start)) as blocks:
        async for pieces in blocks:
            await log.append(stream, pieces)
    await log.end(stream)


@overload
def read_stream(
    log: StreamLog,
    stream: str,
    form: TypeForm[tuple[M, ...]],
    *,
    wait: bool = False,
    errors: Iterable[type[BaseException]] = (),
) -> MessageSequencePromise[M]: ...
@overload
def read_stream(
    log: StreamLog,
    stream: str,
    form: TypeForm[M],
    *,
    wait: bool = False,
    errors: Iterable[type[BaseException]] = (),
) -> MessagePromise[M]: ...
def read_stream(
    log: StreamLog,
    stream: str,
    form: Any,  # Any: as the overloads say
    *,
    wait: bool = False,
    errors: Iterable[type[BaseException]] = (),
) -> Any:  # Any: as above
    """Make a promise from a stream of a log, which may still be written.

    Its readers see the tokens, events and errors as they come. If the process that writes the stream is killed, a
    `StreamAbandonedError` stands behind the last piece.

    Args:
        log: The log.
        stream: The name of the stream.
        form: The type of the result; see `decode_stream`.
        wait: Whether to wait for a stream that has not begun; if not, a `NotStoredError` stands in the promise.
        errors: Further classes of errors that are made again; see `decode_stream`.

    Raises:
        TypeError: `log` is no store.
    """
    check_log("read_stream", log)

    async def data() -> AsyncGenerator[bytes]:
        async with aclosing(log.read(stream, wait=wait)) as blocks:
            async for pieces in blocks:
                yield pieces.data

    decode: Any = decode_stream  # Any: its overloads want to know the form
    return decode(data(), form, errors=errors, max_bytes=_MOST)


_MOST: Final = 1 << 30
"""Bytes of a frame: what a log has was checked, and messages of any size may be in it."""

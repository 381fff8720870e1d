"""`transcript`: the deliveries of a promise in their order, as text for snapshots."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeGuard

from miniagents.messages import Message, MessageSequencePromise
from miniagents.printing import printable
from miniagents.promising import StreamedPromise
from miniagents.promising.core.arguments import check_awaitables

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["transcript"]


async def transcript(delivered: Awaitable[object]) -> str:
    """Read a promise to its end and return a line for each delivery, in the order of arrival.

    All messages of a sequence are read at the same time, so the lines show how messages overlap. `2 'to'` is a token of
    the second message, `2 = …` is that complete message, `! …` is an error in its place, and `end` is the end of the
    stream. The text is the same in every run with the same order of arrival, which makes it fit for snapshots.

    Raises:
        TypeError: It is no promise, and nothing else that can be awaited.

    >>> async def main() -> None:
    ...     print(await transcript(StreamedPromise.of([1, 2])))
    >>> asyncio.run(main())
    1
    2
    = (1, 2)
    """
    check_awaitables("transcript", (delivered,))
    lines: list[str] = []
    if _is_sequence(delivered):
        await _record_messages(delivered, lines)
    else:
        await _record(delivered, lines, "")
    return "\n".join(lines)


# --- machinery ---


def _is_sequence(delivered: Awaitable[object]) -> TypeGuard[MessageSequencePromise[Message]]:
    return isinstance(delivered, MessageSequencePromise)


def _is_stream(delivered: Awaitable[object]) -> TypeGuard[StreamedPromise[object, object]]:
    return isinstance(delivered, StreamedPromise)


async def _record_messages(messages: MessageSequencePromise[Message], lines: list[str]) -> None:
    async with asyncio.TaskGroup() as readers:
        pieces, number = aiter(messages), 0
        while True:
            try:
                message = await anext(pieces)
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001 - any error is a delivery to record
                lines.append(_error_line("", error))
            else:
                number += 1
                readers.create_task(_record(message, lines, f"{number} "))
    lines.append("end")


async def _record(delivered: Awaitable[object], lines: list[str], prefix: str) -> None:
    if _is_stream(delivered):
        pieces = aiter(delivered)
        while True:
            try:
                lines.append(f"{prefix}{await anext(pieces)!r}")
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001 - any error is a delivery to record
                lines.append(_error_line(prefix, error))
    try:
        lines.append(f"{prefix}= {await delivered!r}")
    except Exception as error:  # noqa: BLE001 - any error is a delivery to record
        lines.append(_error_line(f"{prefix}= ", error))


def _error_line(prefix: str, error: Exception) -> str:
    return f"{prefix}! {type(error).__name__}: {printable(str(error), lines=True)}"

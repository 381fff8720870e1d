"""Handlers that pass calls on, each in another way."""

import asyncio
from typing import Final

from miniagents import Call, CallHandler, Message, MessageSequencePromise, MessageType, Proceed, observe


async def passing(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
    return proceed()


async def leaving(_: Call, proceed: Proceed) -> None:
    proceed()


async def waiting(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
    await asyncio.sleep(0)
    return proceed()


async def forwarding(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
    """Wait while the call is made, so that it is made in a task of its own."""
    replies = proceed()
    await asyncio.sleep(0)
    return replies


async def wrapping(_: Call, proceed: Proceed) -> MessageType[Message]:
    return [proceed()]


async def looking(call: Call, proceed: Proceed) -> None:
    """Look at the replies while they come."""

    async def look() -> None:
        async for _ in observe(call.replies):
            pass

    task = asyncio.create_task(look())
    call.when_ended(task.cancel)
    proceed()


HANDLERS: Final[list[tuple[CallHandler, ...]]] = [
    (passing,),
    (leaving,),
    (waiting,),
    (forwarding,),
    (wrapping,),
    (looking,),
    (passing, leaving, waiting, passing),
    (passing, forwarding, passing, wrapping, forwarding, leaving),
]


class Seen:
    """A handler that remembers the calls it has seen, and passes them on."""

    __name__ = "Seen"

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        self.calls.append(call)
        return proceed()

"""A process that writes into a store until it is killed, and tells on stdout what was acknowledged."""

import asyncio
import sys

from miniagents import AgentCallNode, UserMessage
from miniagents.ext.store import Store, open_store
from miniagents.wire import Pieces


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def write(store: Store, name: str) -> None:
    start = await store.claim(name)
    say("claimed", name, start)
    for number in range(start, 1_000_000):
        await store.append(name, Pieces(number, 1, b"%d\n" % number))
        say("appended", name, number)


async def put(store: Store, name: str) -> None:
    messages: list[UserMessage] = []
    for number in range(1_000_000):
        messages = [*messages[-5:], UserMessage(f"{name} {number}")]
        node = AgentCallNode(agent=name, messages=tuple(messages))
        await store.put(node)
        say("put", node.hash_key)


async def main(address: str, names: list[str]) -> None:
    async with open_store(address) as store, asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(write(store, name))
            tasks.create_task(put(store, name))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))

"""A server of language models on loopback, in its own process, so that its work costs the measured side no time.

It streams in both providers' protocols, and answers each request with as many tokens as the request allows. It imports
only the standard library: a slow server would hide the differences between the sides.
"""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from scripts.benchmarks.processes import command
from scripts.benchmarks.watch import some_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["main", "model_server"]

HOST = "127.0.0.1"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@functools.cache
def model_server() -> str:
    """Return the URL of this process's server, which starts at the first call and ends with the process."""
    server = subprocess.Popen(  # noqa: S603  # our own command
        command(sys.executable, "model_server"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    if server.stdout is None:
        raise RuntimeError("the server of models has no output")
    return f"http://{HOST}:{int(server.stdout.readline())}"


def main() -> None:
    """Serve until the input ends, which it does when the parent process ends."""
    asyncio.run(_serve())


async def _serve() -> None:
    async with await asyncio.start_server(_answer_all, HOST, 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while True:
            await _answer(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    asked = json.loads(await reader.readexactly(int(headers["content-length"])))
    (tokens,) = some_tokens(asked["max_tokens"])
    writer.write(HEAD)
    for event in _message(tokens) if "/messages" in start else _completion(tokens):
        # one chunk for each event, sent at once, as providers do
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _completion(tokens: list[str]) -> Iterator[bytes]:
    """Yield the events of a chat completion."""

    def chunk(choices: list[object], usage: object = None) -> bytes:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "m"}
        return b"data: %b\n\n" % json.dumps({**head, "choices": choices, "usage": usage}).encode()

    def choice(delta: object, reason: str | None = None) -> list[object]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]

    yield chunk(choice({"role": "assistant", "content": ""}))
    for token in tokens:
        yield chunk(choice({"content": token}))
    yield chunk(choice({}, "stop"))
    count = len(tokens)
    yield chunk([], {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": 9 + count})
    yield b"data: [DONE]\n\n"


def _message(tokens: list[str]) -> Iterator[bytes]:
    """Yield the events of an answer of Anthropic's messages API."""

    def event(kind: str, **fields: object) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())

    head: dict[str, object] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    usage = {"input_tokens": 9, "output_tokens": 1}
    yield event("message_start", message={**head, "stop_reason": None, "stop_sequence": None, "usage": usage})
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for token in tokens:
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": token})
    yield event("content_block_stop", index=0)
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    yield event("message_delta", delta=ended, usage={"output_tokens": len(tokens)})
    yield event("message_stop")

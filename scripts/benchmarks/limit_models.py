"""The limit of language models: the providers' own SDKs, and a loop over their streams."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from scripts.benchmarks.model_server import model_server
from scripts.benchmarks.watch import Watch, quiet

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from openai import AsyncOpenAI

TOKENS = 8
"""The number of tokens of an answer whose first token is timed."""


class Answer(NamedTuple):
    """An answer as it was read.

    Attributes:
        tokens: The tokens.
        text: The text that they make.
        spent: The number of tokens, as the provider counts them.
        first: The seconds from the question to the first token.
    """

    tokens: list[str]
    text: str
    spent: int
    first: float


def openai_client() -> AsyncOpenAI:
    """Return a client for the server, without certificates, which take long to load."""
    from openai import AsyncOpenAI, DefaultAsyncHttpx2Client  # noqa: PLC0415 - other workloads are measured without it

    http_client = DefaultAsyncHttpx2Client(verify=False)  # loopback has no certificate
    return AsyncOpenAI(api_key="x", base_url=f"{model_server()}/v1", http_client=http_client)


def anthropic_client() -> AsyncAnthropic:
    """Return a client for the server, without certificates, which take long to load."""
    from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient  # noqa: PLC0415 - other workloads are measured without it

    http_client = DefaultAsyncHttpxClient(verify=False)  # loopback has no certificate
    return AsyncAnthropic(api_key="x", base_url=model_server(), http_client=http_client)


async def openai_answer(client: AsyncOpenAI, count: int) -> Answer:
    """Read an answer of chat completions."""
    asked = time.perf_counter()
    first = 0.0
    spent = 0
    tokens: list[str] = []
    stream = await client.chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": "Go on."}],
        max_tokens=count,
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        if chunk.choices and (token := chunk.choices[0].delta.content):
            first = first or time.perf_counter() - asked
            tokens.append(token)
        if chunk.usage is not None:
            spent = chunk.usage.completion_tokens
    return Answer(tokens, "".join(tokens), spent, first)


async def anthropic_answer(client: AsyncAnthropic, count: int) -> Answer:
    """Read an answer of the messages API."""
    asked = time.perf_counter()
    first = 0.0
    spent = 0
    tokens: list[str] = []
    stream = await client.messages.create(
        model="m", messages=[{"role": "user", "content": "Go on."}], max_tokens=count, stream=True
    )
    async for event in stream:
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            first = first or time.perf_counter() - asked
            tokens.append(event.delta.text)
        elif event.type == "message_delta":
            spent = event.usage.output_tokens
    return Answer(tokens, "".join(tokens), spent, first)


async def model_tokens(watch: Watch, n: int, provider: str) -> object:
    """Read one answer of n tokens."""
    if provider == "openai":
        async with openai_client() as client:
            return await tokens_of(lambda count: openai_answer(client, count), watch, n)
    async with anthropic_client() as other:
        return await tokens_of(lambda count: anthropic_answer(other, count), watch, n)


async def model_first_token(watch: Watch, n: int, provider: str) -> object:
    """Read n short answers, one after another."""
    if provider == "openai":
        async with openai_client() as client:
            return await first_tokens_of(lambda count: openai_answer(client, count), watch, n)
    async with anthropic_client() as other:
        return await first_tokens_of(lambda count: anthropic_answer(other, count), watch, n)


async def partial_list(watch: Watch, n: int) -> object:
    """Read what is known of a list of objects once, when all of n tokens are there."""
    from jiter import from_json  # noqa: PLC0415 - others are without it

    tokens = list_in_tokens(n)
    with watch:
        known = from_json("".join(tokens).encode(), partial_mode="trailing-strings")
    return len(known)


def list_in_tokens(count: int) -> list[str]:
    """Return the first tokens, of four characters each, of a long list of objects."""
    orders = (
        f'{{"item": "tea {number:>6}", "count": {number % 9}, "note": "cold and green"}}, ' for number in range(count)
    )
    text = "".join(('{"orders": [', *orders))
    return [text[start : start + 4] for start in range(0, 4 * count, 4)]


async def tokens_of(ask: Callable[[int], Awaitable[Answer]], watch: Watch, n: int) -> object:
    """Measure one answer over an open connection."""
    await ask(1)
    with watch:
        answer = await ask(n)
    return answer[:3]


async def first_tokens_of(ask: Callable[[int], Awaitable[Answer]], watch: Watch, n: int) -> object:
    """Measure the times to the first token over an open connection."""
    await ask(1)
    answers: list[Answer] = []
    with watch:
        for _ in range(n):
            answers.append(await ask(TOKENS))
            await quiet()  # work left over from one answer must not count for the next
    watch.latencies([answer.first for answer in answers])
    return [answer[:3] for answer in answers]

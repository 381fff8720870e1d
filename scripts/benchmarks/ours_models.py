"""Language models as this library's agents, asked as the README says."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from miniagents import AssistantMessage, Message, MiniAgent, MiniAgents, stream_message
from scripts.benchmarks.limit_models import (
    Answer,
    anthropic_client,
    first_tokens_of,
    list_in_tokens,
    openai_client,
    tokens_of,
)
from scripts.benchmarks.watch import Watch


def model_agent(provider: str) -> MiniAgent[Message, AssistantMessage, ...]:
    """Return an agent with the same client as that of the bare SDK."""
    from miniagents.ext.llm import create_anthropic_agent, create_openai_agent  # noqa: PLC0415 - others are without it

    if provider == "openai":
        return create_openai_agent("m", client=openai_client)
    return create_anthropic_agent("m", client=anthropic_client)


async def agent_answer(agent: MiniAgent[Message, AssistantMessage, ...], count: int) -> Answer:
    """Read an answer token by token, and then as a message."""
    asked = time.perf_counter()
    first = 0.0
    tokens: list[str] = []
    async for promise in agent.inquire("Go on.", max_tokens=count):
        async for token in promise:
            first = first or time.perf_counter() - asked
            tokens.append(token)
        message = await promise
        return Answer(tokens, message.text or "", 0 if message.usage is None else message.usage.output_tokens, first)
    raise RuntimeError("the model gave no answer")


async def model_tokens(watch: Watch, n: int, provider: str) -> object:
    """Read one answer of n tokens."""
    agent = model_agent(provider)
    async with MiniAgents():
        return await tokens_of(lambda count: agent_answer(agent, count), watch, n)


async def model_first_token(watch: Watch, n: int, provider: str) -> object:
    """Read n short answers, one after another."""
    agent = model_agent(provider)
    async with MiniAgents():
        return await first_tokens_of(lambda count: agent_answer(agent, count), watch, n)


async def partial_list(watch: Watch, n: int) -> object:
    """Read what is known of a list of objects, after each of n tokens of four characters."""
    from miniagents.ext.llm import partial_values  # noqa: PLC0415 - others are without it

    tokens = list_in_tokens(n)

    async def said() -> AsyncIterator[str]:
        for token in tokens:
            yield token

    async with MiniAgents():
        promise = stream_message(Message, said())
        await promise
        with watch:
            last = [value async for value in partial_values(promise)][-1:]
    return sum(map(len, last))

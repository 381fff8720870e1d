"""The library's agents for the test server: one for each protocol, all with the same calls."""

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import pytest

from miniagents import AssistantMessage, Message, MessagePromise, MiniAgent, MiniAgents
from miniagents.ext.llm import create_anthropic_agent, create_openai_agent
from tests.ext.llm.clients import anthropic_client, openai_client
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES

ModelAgent: TypeAlias = MiniAgent[Message, AssistantMessage, ...]


_OPENAI: Any = create_openai_agent  # Any: options of any kind do not tell the overloads apart
_ANTHROPIC: Any = create_anthropic_agent  # Any: as above


def _chat(server: ModelServer, **options: Any) -> ModelAgent:  # any options of the agent
    options.setdefault("client", lambda: openai_client(server))
    agent: ModelAgent = _OPENAI("gpt-test", api="chat_completions", **options)
    return agent


def _responses(server: ModelServer, **options: Any) -> ModelAgent:  # any options of the agent
    options.setdefault("client", lambda: openai_client(server))
    agent: ModelAgent = _OPENAI("gpt-test", api="responses", **options)
    return agent


def _messages(server: ModelServer, **options: Any) -> ModelAgent:  # any options of the agent
    options.setdefault("client", lambda: anthropic_client(server))
    agent: ModelAgent = _ANTHROPIC("claude-test", **options)
    return agent


MAKERS: Final[Mapping[str, Callable[..., ModelAgent]]] = {CHAT: _chat, RESPONSES: _responses, MESSAGES: _messages}

each_path = pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
streamed_or_not = pytest.mark.parametrize("stream", [True, False])


def agent_for(path: str, server: ModelServer, **options: Any) -> ModelAgent:  # any options of the agent
    """Return an agent for the protocol of a path; its client is made for each context and never tries again."""
    return MAKERS[path](server, **options)


def nameless(text: str) -> str:
    """Return a text without what names the server of the test, which is on another port each time."""
    return re.sub(r"'server': '[0-9a-f]+'", "'server': '…'", text)


@asynccontextmanager
async def asked(agent: ModelAgent, messages: Any = "Hi") -> AsyncGenerator[MessagePromise[AssistantMessage]]:
    """Return the promise of the only answer, in a context of its own."""
    async with MiniAgents():
        yield agent.inquire(messages).only()


async def answer_of(agent: ModelAgent, messages: Any = "Hi") -> AssistantMessage:  # any messages
    """Return the only answer, asked in a context of its own."""
    async with asked(agent, messages) as promise:
        return await promise

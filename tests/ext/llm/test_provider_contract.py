"""The library's own providers pass the contract of providers."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final

import pytest

from miniagents.ext.llm import create_anthropic_agent, create_openai_agent
from miniagents.ext.llm.providers import ModelAgent
from miniagents.testing.providers import ModelAnswer, ModelFailure, ProviderContract
from tests.ext.llm import answers as said_by
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.protocols import Reply
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying, http_error

BEFORE: Final = {CHAT: 1, RESPONSES: 4, MESSAGES: 3}
"""How many events there are before the first token."""


class Served:
    """The test server, as the contract sees it."""

    def __init__(self, path: str, server: ModelServer) -> None:
        self._path = path
        self._server = server

    def agent(self, **given: Any) -> ModelAgent[Any]:
        create: Any = create_anthropic_agent if self._path == MESSAGES else create_openai_agent
        base_url = self._server.anthropic_url if self._path == MESSAGES else self._server.openai_url
        api = {RESPONSES: {"api": "responses"}}.get(self._path, {})
        agent: ModelAgent[Any] = create("a-model", base_url=base_url, max_retries=0, **api, **given)
        return agent

    def requests(self) -> Sequence[str]:
        return [json.dumps(request.body, ensure_ascii=False) for request in self._server.requests]

    async def until_closed(self) -> None:
        await self._server.until_client_gone()


def reply_for(path: str, said: ModelAnswer | ModelFailure) -> Reply:
    if isinstance(said, ModelFailure):
        return http_error(said.status, message=said.message, retry_after=said.retry_after)
    calls = [said_by.tool_call(call.name, [call.arguments], id=call.id) for call in said.calls]
    finish: Any = None if said.calls or said.finish == "stop" else said.finish
    answer = said_by.answer(said.text, reasoning=said.reasoning, tool_calls=calls, finish=finish)
    after = BEFORE[path] + len(said.text)
    if said.ends == "cut":
        return Saying(answer, change=lambda script: script.cut(after=after))
    if said.ends == "stalled":
        return Saying(answer, change=lambda script: script.stall(after=after))
    return Saying(answer)


class OnModelServer(ProviderContract):
    path: ClassVar[str]

    @asynccontextmanager
    async def serving(self, *answers: ModelAnswer | ModelFailure) -> AsyncGenerator[Served]:
        async with ModelServer(*(reply_for(self.path, each) for each in answers)) as server:
            yield Served(self.path, server)


class TestOpenAIChat(OnModelServer):
    path = CHAT


class TestOpenAIResponses(OnModelServer):
    path = RESPONSES


class TestAnthropic(OnModelServer):
    path = MESSAGES
    filters = False

"""Getting ready for the first request: SDKs are imported in a thread, and certificates are loaded once."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from miniagents import InteractionContext, MiniAgents, NoActiveContextError, miniagent
from miniagents.ext.llm import (
    MissingKeyError,
    MissingSDKError,
    OpenAIAgent,
    create_anthropic_agent,
    create_openai_agent,
    create_openai_embedding_agent,
    warm_up,
)
from miniagents.ext.llm._preparing import _tls_context

PROGRAM = """
import asyncio, sys, threading
imported = []

class Watching:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            imported.append(name)

from miniagents import MiniAgents
from miniagents.ext.llm import create_anthropic_agent, create_openai_agent, create_openai_embedding_agent, warm_up

async def main():
    async with MiniAgents():
        agent = {make}("m", api_key="x", base_url="http://127.0.0.1:9/v1", max_retries=0)
        sys.meta_path.insert(0, Watching)
        try:
            {ask}
        except Exception as error:
            print(type(error).__name__)

asyncio.run(main())
print(*(name for name in imported if name.partition(".")[0] in ("openai", "anthropic", "pydantic")))
"""

RESPONSES = '(lambda *given, **more: create_openai_agent(*given, api="responses", **more))'


@pytest.mark.parametrize(
    ("make", "ask"),
    [
        ("create_openai_agent", "await agent.inquire('Hi')"),
        (RESPONSES, "await agent.inquire('Hi')"),
        (RESPONSES, "await warm_up(agent); await agent.inquire('Hi')"),
        ("create_anthropic_agent", "await agent.inquire('Hi')"),
        ("create_openai_embedding_agent", "await agent.inquire('Hi')"),
    ],
)
def test_the_thread_of_the_loop_imports_nothing_of_an_sdk(make: str, ask: str) -> None:
    program = PROGRAM.format(make=make, ask=ask)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    assert run.stdout == "ModelConnectionError\n\n"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often certificates were loaded."""
    times: list[str] = []
    create: Callable[..., Any] = httpx2.create_ssl_context  # Any: a TLS context

    def counted(*given: Any, **more: Any) -> object:  # Any: as above
        if more.get("verify", True) is True and not given:
            times.append("loaded")
        return create(*given, **more)

    monkeypatch.setattr(httpx2, "create_ssl_context", counted)
    _tls_context.cache_clear()
    return times


async def test_certificates_are_loaded_once_for_all_contexts(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    agents = (create_openai_agent("m", api_key="x"), create_anthropic_agent("m", api_key="y"))
    for _ in range(2):
        async with MiniAgents():
            await warm_up(*agents)
    assert len(loaded) == 1
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere/else")
    async with MiniAgents():
        await warm_up(*agents)
    assert len(loaded) == 2


async def test_contexts_of_requests_share_the_client_that_was_warmed_up() -> None:
    made: list[object] = []

    def client() -> Any:  # Any: of the SDK
        from openai import AsyncOpenAI  # noqa: PLC0415 - as a user's function may

        made.append(AsyncOpenAI(api_key="x", base_url="http://127.0.0.1:9/v1", max_retries=0))
        return made[-1]

    agent = create_openai_agent("m", client=client)
    async with MiniAgents() as program:
        await warm_up(agent, agent)
        for _ in range(2):
            async with MiniAgents(parent=program):
                await warm_up(agent.bound(temperature=0.5))
    assert len(made) == 1


async def test_what_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = create_openai_agent("m")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(NoActiveContextError):
        await warm_up(agent)
    async with MiniAgents():
        await warm_up()
        with pytest.raises(MissingKeyError):
            await warm_up(agent)
        monkeypatch.setitem(sys.modules, "openai", None)
        with pytest.raises(MissingSDKError):
            await warm_up(agent)


async def test_only_models_are_warmed_up() -> None:
    @miniagent
    async def plain(ctx: InteractionContext) -> None:
        ctx.reply("Hi")

    model = create_openai_agent("m", api_key="x")
    fallback: OpenAIAgent[Any] = model.with_fallback(model, ValueError)
    embedding: Any = create_openai_embedding_agent("m", api_key="x")
    async with MiniAgents():
        await warm_up(fallback)
        for other in (plain, embedding):
            given: Any = other  # Any: what the checkers refuse
            with pytest.raises(TypeError, match="is no model"):
                await warm_up(given)

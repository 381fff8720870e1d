"""Clients live as long as their context; SDKs are imported when they are needed; keys appear nowhere."""

import asyncio
import base64
import importlib
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anthropic
import openai
import pytest

from miniagents import ContextStateError, Message, MiniAgents, encode
from miniagents.ext.llm import (
    LanguageModelError,
    MissingKeyError,
    MissingSDKError,
    create_anthropic_agent,
    create_openai_agent,
    create_openai_embedding_agent,
)
from miniagents.ext.llm._clients import ClientSettings
from tests.ext.llm.agents import ModelAgent, agent_for, answer_of, each_path
from tests.ext.llm.answers import answer
from tests.ext.llm.clients import openai_client
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat
from tests.ext.llm.openai.answering_embeddings import embeddings
from tests.ext.llm.protocols import Reply
from tests.ext.llm.replies import CHAT, MESSAGES, Saying, http_error, script_for

ROOT: Final = Path(__file__).parents[3]


def test_a_default_client_works_in_every_loop() -> None:
    """A process-wide client would fail in the second `asyncio.run`."""
    agents: list[ModelAgent] = []

    async def main(make: Callable[[ModelServer], ModelAgent] | None) -> str:
        async with ModelServer(openai_chat("Hi")) as server:
            if make is not None:
                agents.append(make(server))
            openai_base_url = server.openai_url
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("OPENAI_BASE_URL", openai_base_url)
                return str(await answer_of(agents[0]))

    agent = create_openai_agent("gpt-test", api_key="x")
    assert [asyncio.run(main(lambda _: agent)), asyncio.run(main(None))] == ["Hi", "Hi"]


async def test_a_client_is_shared_in_a_context_and_closed_with_it() -> None:
    async with ModelServer(by=lambda request: script_for(request.path, answer("Hi"))) as server:
        first = create_openai_agent("one", base_url=server.openai_url, api_key="x")
        second = create_openai_agent("two", base_url=server.openai_url, api_key="x")
        async with MiniAgents():
            await first.inquire("Hi")
            await second.inquire("Hi")
            await first.inquire("Hi")
            assert server.connections_made == 1
            assert server.open_connections == 1
        await server.until_all_closed()


async def test_contexts_inside_of_another_share_its_clients() -> None:
    async with ModelServer(by=lambda request: script_for(request.path, answer("Hi"))) as server, MiniAgents():
        agent = agent_for(CHAT, server)
        for _ in range(3):
            async with MiniAgents():
                await agent.inquire("Hi")
        assert server.connections_made == 1


async def test_a_client_of_the_user_is_the_users_to_close() -> None:
    async with ModelServer(by=lambda request: script_for(request.path, answer("Hi"))) as server:
        async with openai_client(server) as client:
            agent = create_openai_agent("gpt-test", client=client)
            for _ in range(2):
                assert (await answer_of(agent)).text == "Hi"
            assert not client.is_closed()
        assert server.connections_made == 1


async def test_what_is_shared_is_closed_and_cannot_be_shared_again(logged: list[str]) -> None:
    closed: list[str] = []

    async def close(what: str) -> None:
        closed.append(what)
        if what == "b":
            raise OSError("stuck")

    context = MiniAgents()
    async with context:
        assert context.shared(1, lambda: "a", close) is context.shared(1, lambda: "other", close)
        context.shared(2, lambda: "b", close)
    assert closed == ["b", "a"]
    assert len(logged) == 1
    assert "stuck" in logged[0]
    with pytest.raises(ContextStateError, match="^this MiniAgents has ended"):
        context.shared(1, lambda: "c", close)


async def test_a_client_and_settings_for_another_one_are_refused() -> None:
    async with ModelServer() as server, openai_client(server) as client:
        with pytest.raises(TypeError, match="^create_openai_agent: api_key, base_url would be ignored"):
            create_openai_agent("gpt-test", client=client, api_key="x", base_url="y")


# --- what is missing ---


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        (
            create_openai_agent("m"),
            (
                "there is no key for OpenAI: set OPENAI_API_KEY, or give api_key=... "
                "(any text for a server that wants none)"
            ),
        ),
        (create_anthropic_agent("m"), "there is no key for Anthropic: set ANTHROPIC_API_KEY, or give api_key=..."),
    ],
)
async def test_a_missing_key_is_said_in_one_line(
    agent: ModelAgent, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in os.environ:
        if name.startswith(("OPENAI_", "ANTHROPIC_")):
            monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(MissingKeyError) as caught:
        await answer_of(agent)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("agent", "package"),
    [(create_openai_agent("m", api_key="x"), "openai"), (create_anthropic_agent("m"), "anthropic")],
)
async def test_a_missing_sdk_is_said_in_one_line(
    agent: ModelAgent, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingSDKError) as caught:
        await answer_of(agent)
    expected = f"the package {package!r} is not installed; install it with: pip install 'miniagents[{package}]'"
    assert str(caught.value) == expected
    assert isinstance(caught.value, ImportError)


def test_no_sdk_is_imported_before_a_model_is_asked() -> None:
    program = """
import sys
import miniagents
assert "miniagents.ext" not in sys.modules
from miniagents.ext.llm import create_anthropic_agent, create_openai_agent, create_openai_embedding_agent
create_openai_agent("m", temperature=0), create_anthropic_agent("m"), create_openai_embedding_agent("m")
from miniagents.ext.llm.openai import create_openai_agent
from miniagents.ext.llm.anthropic import create_anthropic_agent
imported = {name.partition(".")[0] for name in sys.modules}
print(*sorted(imported & {"openai", "anthropic", "httpx2", "pydantic", "jiter"}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# --- secrets ---

PLANTED: Final = "sk-planted-4f9a"


@each_path
@pytest.mark.parametrize(
    "reply",
    [
        http_error(401, message=f"Incorrect API key provided: {PLANTED}, or Bearer {PLANTED}"),
        http_error(500, "x", f"{PLANTED} {PLANTED}"),
        Saying(answer("one two"), change=lambda script: script.cut(after=5)),
        Saying(answer("one two")),
    ],
)
async def test_no_key_appears_anywhere(path: str, reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    """One is planted, and looked for in messages, keys, errors, their traces, logs and what is printed."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    async with ModelServer(reply) as server:
        client: Callable[[], object] = {
            MESSAGES: lambda: anthropic.AsyncAnthropic(api_key=PLANTED, base_url=server.anthropic_url, max_retries=0),
        }.get(path, lambda: openai.AsyncOpenAI(api_key=PLANTED, base_url=server.openai_url, max_retries=0))
        agent = agent_for(path, server, client=client, extra_headers={"X-Auth-Token": PLANTED})
        kept: list[Message] = []

        async def keep(messages: tuple[Message, ...]) -> None:
            kept.extend(messages)

        async with MiniAgents(on_persist_messages=keep):
            promise = agent.inquire("Hi")
            try:
                shown += [repr(await promise)]
            except LanguageModelError as error:
                shown += [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
                logging.getLogger("test").exception("seen")
            shown += [repr(promise), repr(agent), repr(vars(type(agent)))]
        shown += [text for message in kept for text in (repr(message), encode(message).decode(), message.hash_key)]
        shown += [record.getMessage() + (record.exc_text or "") for record in caplog.records]
        assert PLANTED in str(server.requests[0].headers)
    assert not [text for text in shown if PLANTED in text]


async def test_settings_with_keys_are_printed_without_them() -> None:
    settings = ClientSettings(api_key=PLANTED, base_url="http://x", default_headers={"Authorization": PLANTED})
    assert PLANTED not in repr(settings)
    agent = create_openai_agent("m", api_key=PLANTED, default_headers={"X-Key": PLANTED})
    assert PLANTED not in repr(agent) + str(agent.description)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_password_in_the_address_appears_in_no_log(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """HTTP clients log the addresses of their requests."""
    caplog.set_level(logging.DEBUG)
    async with ModelServer(by=lambda request: script_for(request.path, answer("Hi"))) as server:
        url = (server.openai_url if path == CHAT else server.anthropic_url).replace("//", f"//ada:{PLANTED}@")
        make: Callable[..., ModelAgent] = create_openai_agent if path == CHAT else create_anthropic_agent
        agent = make("m", api_key="x", base_url=url)
        for _ in range(2):
            assert (await answer_of(agent)).text == "Hi"
    sent = {request.headers["authorization"] for request in server.requests}
    assert sent == {"Basic " + base64.b64encode(f"ada:{PLANTED}".encode()).decode()}
    assert not [record for record in caplog.records if PLANTED in record.getMessage()]


async def test_what_is_given_to_servers_without_keys_is_no_secret() -> None:
    """The README tells to give "none" there; it is no reason to cross out every such word."""
    for key in ("none", "x"):
        async with ModelServer(http_error(404, message="there is none of these extra models")) as server:
            agent = create_openai_agent("m", api_key=key, base_url=server.openai_url)
            with pytest.raises(LanguageModelError, match="there is none of these extra models"):
                await answer_of(agent)


# --- embeddings ---


async def test_each_message_gets_its_embedding_in_its_place() -> None:
    replies = [embeddings([1.0, 0.5], [2, 0], shuffled=True), embeddings([3.0, 0.0])]
    async with ModelServer(*replies) as server, MiniAgents():
        agent = create_openai_embedding_agent("embed", client=lambda: openai_client(server), batch_size=2, dimensions=2)
        messages = await agent.inquire(["a", "b", "c"])
        assert [(each.text, each.embedding) for each in messages] == [
            ("a", (1.0, 0.5)),
            ("b", (2, 0)),
            ("c", (3.0, 0.0)),
        ]
        assert {each.model for each in messages} == {"embedding-mock"}
        assert [each.usage is None for each in messages] == [False, True, False]
        assert [request.body["input"] for request in server.requests] == [["a", "b"], ["c"]]
        assert server.requests[0].body["dimensions"] == 2


async def test_errors_of_embeddings_are_those_of_models() -> None:
    async with ModelServer(http_error(429, retry_after=3), embeddings([1.0])) as server, MiniAgents():
        agent = create_openai_embedding_agent("embed", client=lambda: openai_client(server))
        with pytest.raises(LanguageModelError) as caught:
            await agent.inquire("a")
        assert caught.value.retry_after == 3
        with pytest.raises(LanguageModelError, match="1 embeddings came for 2 texts"):
            await agent.inquire(["a", "b"])
    with pytest.raises(ValueError, match="^create_openai_embedding_agent: batch_size=0"):
        create_openai_embedding_agent("embed", batch_size=0)

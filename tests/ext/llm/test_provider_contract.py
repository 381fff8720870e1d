"""The library's own providers pass the contract of providers."""

import base64
import dataclasses
import importlib.util
import json
import re
import struct
import sys
import types
import zlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

import pytest

from miniagents.ext.llm import create_agent
from miniagents.ext.llm.errors import LanguageModelError
from miniagents.ext.llm.providers import ModelAgent
from miniagents.testing import provider_contract
from miniagents.testing.provider_contract import ModelAnswer, ModelFailure, ProviderContract
from tests.ext.llm import answers as said_by
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.protocols import Chunk, Event, Reply, Request, Response, Script
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, http_error, script_for

BEFORE: Final = {CHAT: 1, RESPONSES: 4, MESSAGES: 3}
"""How many events there are before the first token."""


ROOT: Final = Path(__file__).parents[3]


def of_the_guide(name: str, before: str = "", after: str = "") -> Any:  # Any: a module that no checker knows
    """Return a module that the page about providers shows, with a part of its text replaced."""
    page = (ROOT / "miniagents/guide/providers.md").read_text(encoding="utf-8")
    block = re.search(rf"`{name}\.py`:\n\n```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert before in block[1]
    text = block[1].replace(before, after) if before else block[1]
    module = types.ModuleType(name)
    exec(compile(text, f"{name}.py", "exec"), vars(module))
    return module


def contract_of_echo(before: str = "", after: str = "") -> type[ProviderContract]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "echo_provider", of_the_guide("echo_provider", before, after))
        contract: type[ProviderContract] = of_the_guide("test_echo_provider").TestEcho
    return contract


TestEcho = contract_of_echo()

TEXT: Final = "            yield text\n"
UNCANCELLED: Final = """\
        import asyncio
        serving = self._serve(body)
        while piece := await asyncio.shield(asyncio.ensure_future(anext(serving, None))):
            yield piece
        for pieces in ():"""
FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "test_text_arrives_in_pieces": ("yield Usage(", "Usage("),
    "test_reasoning_is_no_text": ("yield raw_piece(ReasoningDelta, thought)", "yield thought"),
    "test_halves_of_a_character_are_joined": (TEXT, "            yield text.encode(errors='replace').decode()\n"),
    "test_a_limit_of_tokens_is_told": ('"length": "length"', '"length": "stop"'),
    "test_many_may_ask_at_once": (
        TEXT,
        "            globals().setdefault('SEEN', []).append(text)\n            yield ''.join(SEEN)\n",
    ),
    "test_tools_are_called_until_the_answer_has_no_calls": ('"results": results', '"results": []'),
    "test_a_wrong_call_is_told_to_the_model": ('text_in(call, "tool")', '"weather"'),
    "test_a_tool_of_the_caller_ends_the_reply": ('text_in(call, "tool")', '"echo"'),
    "test_a_reply_has_the_type_that_was_asked_for": (
        '"system": request.conversation.system',
        '"system": None',
    ),
    "test_a_wrong_reply_is_an_error_with_its_path": (TEXT, "            yield text[:-1]\n"),
    "test_a_wrong_reply_can_be_corrected": ("[spoken(message) for message in turn.messages]", "[]"),
    "test_a_status_is_an_error_of_its_own_class": ('retry_after=piece.get("again_in")', "retry_after=None"),
    "test_no_error_has_the_key": ("self.api_key = api_key", "self.secret = api_key"),
    "test_a_stream_that_is_cut_off_is_an_error_with_what_had_arrived": (
        "        async with aclosing(client.ask(body)) as pieces:\n",
        "        yield {'ends': 'stop'}\n        async with aclosing(client.ask(body)) as pieces:\n",
    ),
    "test_a_filter_is_an_error_with_what_had_arrived": ('"filter": "content_filter"', '"filter": "stop"'),
    "test_cancelling_closes_the_connection": (
        "        async with aclosing(self._serve(body)) as pieces:",
        UNCANCELLED,
    ),
    "test_a_conversation_of_any_origin_is_taken": (
        "in request.conversation.turns]",
        "in request.conversation.turns[-1:]]",
    ),
    "test_options_are_checked_where_they_are_given": ("    times: int", "    times: int\n    no_such_option: int"),
}
"""For each test of the contract a fault of Echo that it finds: a text of the page, and what is there instead."""


@pytest.mark.parametrize("name", [name for name in vars(ProviderContract) if name.startswith("test_")])
def test_each_test_finds_a_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_contract, "_LONGEST", 1.0)
    contract = contract_of_echo(*FAULTS[name])()
    with pytest.raises((AssertionError, LanguageModelError, TimeoutError, ValueError)):
        getattr(contract, name)()


class Served:
    """The test server, as the contract sees it."""

    def __init__(self, model: str, server: ModelServer, options: Mapping[str, Any]) -> None:
        self._model = model
        self._server = server
        self._options = options

    def agent(self, **given: Any) -> ModelAgent[Any]:
        create: Any = create_agent  # Any: options of any kind do not tell the overloads apart
        agent: ModelAgent[Any] = create(self._model, max_retries=0, **self._options, **given)
        return agent

    def requests(self) -> Sequence[str]:
        return [json.dumps(request.body, ensure_ascii=False) for request in self._server.requests]

    async def until_closed(self) -> None:
        await self._server.until_client_gone()


@dataclasses.dataclass(frozen=True)
class Scripted:
    """A script for a server whose requests may say by their path that they want a stream."""

    script: Script

    def to(self, request: Request) -> Response:
        if request.path.endswith("/invoke-with-response-stream"):
            return framed(self.script.streamed)
        return self.script.to(request)


def framed(response: Response) -> Response:
    """Return a stream as AWS sends it: frames with checksums in place of events."""
    steps = (Chunk(frame(each.data)) if isinstance(each, Event) else each for each in response.steps)
    headers = (("content-type", "application/vnd.amazon.eventstream"),)
    return dataclasses.replace(response, steps=tuple(steps), headers=headers)


def frame(data: str) -> bytes:
    headers = b""
    for name, value in (
        (b":event-type", b"chunk"),
        (b":content-type", b"application/json"),
        (b":message-type", b"event"),
    ):
        headers += struct.pack("!B", len(name)) + name + struct.pack("!BH", 7, len(value)) + value
    payload = json.dumps({"bytes": base64.b64encode(data.encode()).decode()}).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    content = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return content + struct.pack("!I", zlib.crc32(content))


def reply_for(path: str, said: ModelAnswer | ModelFailure) -> Reply:
    if isinstance(said, ModelFailure):
        return http_error(said.status, message=said.message, retry_after=said.retry_after)
    calls = [said_by.tool_call(call.name, [call.arguments], id=call.id) for call in said.calls]
    finish: Any = None if said.calls or said.finish == "stop" else said.finish
    answer = said_by.answer(said.text, reasoning=said.reasoning, tool_calls=calls, finish=finish)
    script = script_for(path, answer)
    after = BEFORE[path] + len(said.text)
    if said.ends == "cut":
        script = script.cut(after=after)
    elif said.ends == "stalled":
        script = script.stall(after=after)
    return Scripted(script)


class OnModelServer(ProviderContract):
    path: ClassVar[str] = CHAT
    model: ClassVar[str]
    address: ClassVar[str] = ""
    """What stands between the server and the paths of the SDK."""
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @asynccontextmanager
    async def serving(self, *answers: ModelAnswer | ModelFailure) -> AsyncGenerator[Served]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            async with ModelServer(*(reply_for(self.path, each) for each in answers)) as server:
                yield Served(self.model, server, {"base_url": f"{server.url}{self.address}", **self.options})


class TestOpenAIChat(OnModelServer):
    model = "openai:gpt-test"
    address = "/v1"


class TestOpenAIResponses(TestOpenAIChat):
    path = RESPONSES
    options = MappingProxyType({"api": "responses"})


class TestOllama(OnModelServer):
    model = "ollama:llama:8b"
    address = "/v1"


class TestAzure(OnModelServer):
    model = "azure:my-deployment"
    environment = MappingProxyType({"OPENAI_API_VERSION": "2024-10-21"})


class TestAnthropic(OnModelServer):
    path = MESSAGES
    model = "anthropic:claude-test"
    filters = False


class TestVertex(TestAnthropic):
    model = "vertex:claude-test"
    environment = MappingProxyType({"CLOUD_ML_REGION": "global", "ANTHROPIC_VERTEX_PROJECT_ID": "mine"})


@pytest.mark.skipif(importlib.util.find_spec("botocore") is None, reason="it is of the extra `bedrock`")
class TestBedrock(TestAnthropic):
    model = "bedrock:claude-test"
    environment = MappingProxyType({"AWS_REGION": "eu-north-1"})

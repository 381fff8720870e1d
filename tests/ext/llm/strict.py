"""A server that reads the history it is sent, as vLLM, llama.cpp, DeepSeek, Groq, OpenAI and Anthropic do, and refuses
what is not valid. Each rule is one that a public server has."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from tests.ext.llm.protocols import Reply, Request, Response, json_response
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES

Message: TypeAlias = Mapping[str, Any]  # any JSON of a request

NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
ANTHROPIC_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
ANTHROPIC_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_ID: Final = 40

OF_ASSISTANT: Final = frozenset(("role", "content", "tool_calls", "name", "refusal", "audio"))
OF_CALL: Final = frozenset(("id", "type", "function"))


def history_faults(request: Request, own: frozenset[str] = frozenset()) -> list[str]:
    """Return what is wrong with the history of a request.

    Args:
        request: The request.
        own: Properties of messages and calls that this server knows besides those of the protocol.
    """
    path = request.path.partition("?")[0]
    checks: dict[str, Callable[[], Iterator[str]]] = {
        CHAT: lambda: _chat_faults(request.body.get("messages", []), own),
        RESPONSES: lambda: _responses_faults(request.body.get("input", [])),
        MESSAGES: lambda: _anthropic_faults(request.body.get("messages", [])),
    }
    return list(checks[path]()) if path in checks else []


@dataclasses.dataclass(frozen=True)
class Strict:
    """Answers as another reply does, unless the history is invalid, which is refused with the status 400."""

    reply: Reply
    own: frozenset[str] = frozenset()
    wants: Callable[[Request], list[str]] = lambda _: []
    """Returns what else the server misses."""

    def to(self, request: Request) -> Response:
        """Return the answer, or the refusal."""
        faults = [*history_faults(request, self.own), *self.wants(request)]
        if not faults:
            return self.reply.to(request)
        return json_response({"error": {"message": "; ".join(faults), "type": "invalid_request_error"}}, status=400)


def calls_in(request: Request) -> list[Message]:
    """Return the calls of all messages of a request for a chat completion."""
    return [call for message in request.body["messages"] for call in message.get("tool_calls") or ()]


# --- machinery ---


def _arguments_fault(text: object) -> Iterator[str]:
    """Yield what a chat template finds wrong with arguments, which it iterates over."""
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        yield f"arguments {text!r}: {error}"
        return
    if not isinstance(text, str) or not isinstance(value, dict):
        yield f"arguments {text!r}: no object"


def _chat_faults(messages: list[Message], own: frozenset[str]) -> Iterator[str]:
    waiting: list[str] = []
    seen: set[str] = set()
    for place, message in enumerate(messages):
        where = f"messages.{place}"
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                yield f"{where}: no call has the id {message['tool_call_id']!r}"
            else:
                waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            yield f"{where}: the calls {waiting} have no results"
            waiting = []
        if message["role"] != "assistant":
            continue
        unknown = message.keys() - OF_ASSISTANT - own
        if unknown:
            yield f"{where}: property {sorted(unknown)} is unsupported"
        calls = message.get("tool_calls")
        if not message.get("content") and not calls:
            yield f"{where}: neither content nor tool_calls"
        if calls is not None and not calls:
            yield f"{where}: tool_calls is empty"
        for call in calls or ():
            if call.keys() - OF_CALL - own:
                yield f"{where}: property {sorted(call.keys() - OF_CALL - own)} is unsupported"
            if call["id"] in seen or not 0 < len(call["id"]) <= LONGEST_ID:
                yield f"{where}: the id {call['id']!r}"
            if not NAME.fullmatch(call["function"]["name"]):
                yield f"{where}: the name {call['function']['name']!r}"
            yield from _arguments_fault(call["function"]["arguments"])
            seen.add(call["id"])
            waiting.append(call["id"])
    if waiting:
        yield f"the calls {waiting} have no results"


def _responses_faults(items: list[Message]) -> Iterator[str]:
    waiting: set[str] = set()
    seen: set[str] = set()
    for item in items:
        if item.get("type") == "function_call":
            if item["call_id"] in seen or not item["call_id"]:
                yield f"the call_id {item['call_id']!r}"
            if not NAME.fullmatch(item["name"]):
                yield f"the name {item['name']!r}"
            yield from _arguments_fault(item["arguments"])
            seen.add(item["call_id"])
            waiting.add(item["call_id"])
        elif item.get("type") == "function_call_output":
            if item["call_id"] not in waiting:
                yield f"no call has the call_id {item['call_id']!r}"
            waiting.discard(item["call_id"])
    if waiting:
        yield f"the calls {sorted(waiting)} have no outputs"


def _anthropic_faults(messages: list[Message]) -> Iterator[str]:
    waiting: set[str] = set()
    seen: set[str] = set()
    for place, message in enumerate(messages):
        where = f"messages.{place}"
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        results = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if results != waiting:
            yield f"{where}: results of {sorted(results)}, but calls of {sorted(waiting)}"
        waiting = set()
        if not blocks:
            yield f"{where}: no content"
        yield from (f"{where}: {fault}" for block in blocks for fault in _block_faults(block))
        for block in blocks:
            if block["type"] == "tool_use":
                if block["id"] in seen or not ANTHROPIC_ID.fullmatch(block["id"]):
                    yield f"{where}: the id {block['id']!r}"
                seen.add(block["id"])
                waiting.add(block["id"])
    if waiting:
        yield f"the calls {sorted(waiting)} have no results"


def _block_faults(block: Message) -> Iterator[str]:
    if block["type"] == "text" and not block["text"].strip():
        yield "text content blocks must contain non-whitespace text"
    if block["type"] == "tool_result":
        content = block.get("content", [])
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            yield from _block_faults(part)
    if block["type"] == "thinking" and not block.get("signature"):
        yield "thinking: signature: Field required"
    if block["type"] == "tool_use":
        if not ANTHROPIC_NAME.fullmatch(block["name"]):
            yield f"the name {block['name']!r}"
        if not isinstance(block["input"], dict):
            yield "input: no object"

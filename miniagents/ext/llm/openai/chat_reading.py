"""Reads the answers of chat completions, as OpenAI and the servers that speak its protocol send them."""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from miniagents.ext.llm.openai.think_tags import ThinkTags
from miniagents.ext.llm.providers import (
    Finished,
    Kept,
    Noted,
    Reader,
    Started,
    ToolCallPiece,
    error_of_body,
    identifier_in,
    is_list,
    is_object,
    json_text,
    list_in,
    number_in,
    object_in,
    objects_in,
    problem_in,
    raw_piece,
    text_in,
    wrong_type,
)
from miniagents.messages import ReasoningDelta, RefusalDelta, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from miniagents.ext.llm.providers import FinishReason, JsonObject, ModelEvent

__all__ = ["DONE", "REASONING_AS", "ChatReader"]

DONE: Final[JsonObject] = MappingProxyType[str, object]({"object": "[DONE]"})
"""What stands for the mark with which a server says that it has sent everything."""

_logger: Final = logging.getLogger("miniagents")

REASONING_AS: Final = "reasoning_as"
"""The name under which a message keeps the server's name for the reasoning, whose text is in the message itself."""

_FINISH_REASONS: Final[Mapping[str, FinishReason]] = {
    "content_filter": "content_filter",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "stop": "stop",
    "tool_calls": "tool_calls",
}

_NOTED: Final = ("service_tier", "system_fingerprint", "moderation")
"""The properties of a chunk that go into `provider_data` unchanged."""

_NOTED_OF_MESSAGE: Final = ("annotations", "audio")
"""The properties of a message that go into `provider_data`; when streamed, their pieces are joined."""

_REASONING: Final = ("reasoning_content", "reasoning")
"""The servers' names for reasoning."""

_OF_MESSAGE: Final = frozenset(
    ("role", "content", "refusal", "tool_calls", "function_call", *_REASONING, *_NOTED_OF_MESSAGE)
)
"""The properties of a message that are read; the others are kept for the server."""

_OF_CALL: Final = frozenset(("index", "id", "type", "function"))
_OF_FUNCTION: Final = frozenset(("name", "arguments"))

_NOTHING: Final[JsonObject] = MappingProxyType[str, object]({})


class ChatReader(Reader):
    """Reads one answer; if there are several choices, the one that arrives first."""

    def __init__(self, *, think_tags: bool = False) -> None:
        """Read an answer; `think_tags` says whether reasoning is looked for in the text."""
        self._tags = ThinkTags() if think_tags else None
        self._is_finished = False
        self._choice: object = None
        self._logprobs: dict[str, list[object]] = {}
        self._notes: dict[str, object] = {}
        self._reasoning_as: str | None = None
        self._has_parts = False  # whether the content came as a list of parts, which then goes back as one

    def read(self, chunk: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of one piece of a streamed answer."""
        if any("delta" not in choice and is_object(choice.get("message")) for choice in objects_in(chunk, "choices")):
            return self.read_whole(chunk)  # of a server that does not stream
        return self._finished(None) if chunk is DONE else self._read(chunk, "delta")

    def read_whole(self, answer: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of an answer that was not streamed."""
        yield from self._read(answer, "message")
        yield from self._finished(None)

    def _read(self, chunk: JsonObject, said: str) -> Iterator[ModelEvent]:
        if problem := problem_in(chunk, "choices"):
            raise problem
        if said == "message" and not objects_in(chunk, "choices"):
            raise wrong_type("choices", chunk.get("choices"))
        model, response_id = text_in(chunk, "model"), identifier_in(chunk, "id")
        if model or response_id:
            yield Started(model or None, response_id or None)
        noted = {name: chunk[name] for name in _NOTED if chunk.get(name) is not None}
        if noted:
            yield Noted(noted)
        for choice in objects_in(chunk, "choices"):
            if choice.get("error") or choice.get("finish_reason") == "error":
                raise error_of_body(choice.get("error"))
            index = choice.get("index", 0)
            if self._choice is None:
                self._choice = index
            if index == self._choice:
                yield from self._said(object_in(choice, said))
                yield from self._end(choice)
        usage = chunk.get("usage")
        if is_object(usage):
            yield _usage(usage)

    def _said(self, delta: JsonObject) -> Iterator[ModelEvent]:
        for name in _REASONING:
            reasoning = _said_text(delta, name)
            if reasoning:
                if self._reasoning_as is None:
                    self._reasoning_as = name
                    yield Kept({REASONING_AS: name})
                yield raw_piece(ReasoningDelta, reasoning)
                break
        content = delta.get("content")
        is_thought = _is_thought(delta)
        if is_thought and isinstance(content, str):
            yield raw_piece(ReasoningDelta, content.removeprefix("<thought>").removesuffix("</thought>"))
        elif isinstance(content, str):
            if content and not self._has_parts:
                if self._tags is None:
                    yield content
                else:
                    yield from self._untagged(self._tags.fed(content))
            elif content:
                yield from self._parts([{"type": "text", "text": content}])
        elif content is not None:
            yield from self._parts(content if is_list(content) else [content])
        refusal = _said_text(delta, "refusal")
        if refusal:
            yield raw_piece(RefusalDelta, refusal)
        yield from self._calls(delta)
        for name in _NOTED_OF_MESSAGE:
            if delta.get(name):
                yield Noted({name: self._merged(name, delta[name])})
        kept = _unknown(delta, _OF_MESSAGE)
        if kept and not is_thought:
            yield Kept(kept)

    def _parts(self, parts: list[object]) -> Iterator[ModelEvent]:
        """Yield the events of content that is a list of parts: text, and the reasoning before it."""
        self._has_parts = True
        told = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
        for part in told:
            if not is_object(part):
                raise wrong_type("content", part)
            if part.get("type") in ("thinking", "reasoning"):
                thought = _thought(part)
                if thought:
                    yield raw_piece(ReasoningDelta, thought)
            else:
                text = _said_text(part, "text")
                if text:
                    yield text
        yield Kept({"content": told})

    def _calls(self, delta: JsonObject) -> Iterator[ModelEvent]:
        calls = _calls_in(delta)
        for place, call in enumerate(calls):
            function = _object_of("function", call.get("function"))
            kept = _unknown(call, _OF_CALL)
            of_function = _unknown(function, _OF_FUNCTION)
            if of_function:
                kept["function"] = of_function
            yield ToolCallPiece(
                index=_index_of(call, None if len(calls) == 1 else place),
                id=identifier_in(call, "id"),
                name=_said_text(function, "name"),
                arguments=json_text(function.get("arguments")),
                kept=kept,
            )

    def _merged(self, name: str, value: object) -> object:
        """Join a piece to the earlier ones of its name: lists and texts grow, any other value replaces the last one."""
        self._notes[name] = _grown(self._notes.get(name), value)
        return self._notes[name]

    def _end(self, choice: JsonObject) -> Iterator[ModelEvent]:
        logprobs = object_in(choice, "logprobs")
        for name in ("content", "refusal"):
            if list_in(logprobs, name):
                self._logprobs.setdefault(name, []).extend(list_in(logprobs, name))
                yield Noted({"logprobs": self._logprobs})
        reason = text_in(choice, "finish_reason")
        if reason:
            if reason not in _FINISH_REASONS:
                yield Noted({"finish_reason": reason})
            yield from self._finished(_FINISH_REASONS.get(reason, "other"))

    def _finished(self, reason: FinishReason | None) -> Iterator[ModelEvent]:
        """Yield the end of the answer, which some servers do not give a reason for."""
        if self._is_finished:
            return
        self._is_finished = True
        if self._tags is not None:
            yield from self._untagged(self._tags.end())
        if reason is None and self._choice is not None:
            _logger.warning("a server ended an answer without a finish reason: it may not be complete")
        yield Finished(reason)

    def _untagged(self, parts: Iterator[tuple[bool, str]]) -> Iterator[ModelEvent]:
        for is_thought, text in parts:
            if is_thought:
                tag = None if self._tags is None else self._tags.opening
                if self._reasoning_as is None and tag is not None:
                    self._reasoning_as = tag
                    yield Kept({REASONING_AS: tag})
                yield raw_piece(ReasoningDelta, text)
            else:
                yield text


def _said_text(data: JsonObject, name: str) -> str | None:
    """Return the text under a name; None if there is none.

    Raises:
        ProtocolError: It is of another type: to pass it over would lose a part of what the model said.
    """
    value = data.get(name)
    if value is None or isinstance(value, str):
        return value
    raise wrong_type(name, value)


def _object_of(name: str, value: object) -> JsonObject:
    if value is None:
        return _NOTHING
    if is_object(value):
        return value
    raise wrong_type(name, value)


def _index_of(call: JsonObject, otherwise: int | None) -> int | None:
    index = identifier_in(call, "index")
    return int(index) if index is not None and index.isdecimal() else otherwise


def _calls_in(delta: JsonObject) -> list[JsonObject]:
    """Return the calls of a message, or their pieces; there may be one alone, and the older form of it."""
    calls = delta.get("tool_calls")
    if calls is None:
        calls = [] if delta.get("function_call") is None else [{"function": delta["function_call"]}]
    if is_list(calls):
        return [_object_of("tool_calls", call) for call in calls]
    return [_object_of("tool_calls", calls)]


def _is_thought(delta: JsonObject) -> bool:
    """Return whether the content is reasoning, as Gemini marks it."""
    extra = delta.get("extra_content")
    return is_object(extra) and any(object_in(extra, name).get("thought") is True for name in extra)


def _thought(part: JsonObject) -> str:
    """Return the reasoning of a part: a text, or a list of parts that have one."""
    thought = next((part[name] for name in ("thinking", "reasoning", "text") if part.get(name) is not None), "")
    if isinstance(thought, str):
        return thought
    if not is_list(thought):
        raise wrong_type("thinking", thought)
    return "".join((_said_text(each, "text") or "") if is_object(each) else str(each) for each in thought)


def _unknown(data: JsonObject, known: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in data.items() if name not in known and value is not None}


def _grown(so_far: object, piece: object) -> object:
    if is_list(so_far) and is_list(piece):
        return [*so_far, *piece]
    if is_object(so_far) and is_object(piece):
        grown = dict(so_far)
        for name, value in piece.items():
            before = grown.get(name)
            is_text = isinstance(before, str) and isinstance(value, str) and name in ("data", "transcript")
            grown[name] = f"{before}{value}" if is_text else value
        return grown
    return piece


def _usage(usage: JsonObject) -> Usage:
    read, made = object_in(usage, "prompt_tokens_details"), object_in(usage, "completion_tokens_details")
    return Usage(
        input_tokens=number_in(usage, "prompt_tokens"),
        output_tokens=number_in(usage, "completion_tokens"),
        cache_read_tokens=number_in(read, "cached_tokens"),
        cache_write_tokens=number_in(read, "cache_write_tokens"),
        reasoning_tokens=number_in(made, "reasoning_tokens"),
    )

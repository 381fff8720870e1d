"""The protocol of OpenAI's chat completions, which most servers speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from miniagents.ext.llm._answers import chunks_of
from miniagents.ext.llm._conversation import ConversationRules, SystemTurn, UserTurn, spoken
from miniagents.ext.llm._events import Finished, Noted, Started, ToolCallPiece, raw_piece
from miniagents.ext.llm._json import is_object, list_in, number_in, object_in, objects_in, text_in
from miniagents.ext.llm._options import OptionRules
from miniagents.ext.llm._parts import source_of
from miniagents.ext.llm._protocol import ModelProtocol, ModelRequest, Reader
from miniagents.ext.llm._strict_schemas import FORMATS, StrictForm
from miniagents.ext.llm.openai.options import WITHDRAWN_FROM_CHAT, ChatOptions
from miniagents.messages import (
    AssistantMessage,
    ContentPart,
    FilePart,
    ImagePart,
    OpenAIMessage,
    ReasoningDelta,
    RefusalDelta,
    TextPart,
    Usage,
)
from miniagents.messages.values.freezing import is_list

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping

    from miniagents.ext.llm._conversation import Turn
    from miniagents.ext.llm._events import FinishReason, ModelEvent
    from miniagents.ext.llm._json import JsonObject
    from miniagents.ext.llm.common import ReplySchema, ToolDefinition
    from miniagents.ext.llm.openai.options import OpenAIClient
    from miniagents.messages import ToolResultMessage

__all__ = ["OPENAI_FORM", "ChatCompletions", "ChatReader", "content_of"]


OPENAI_FORM: Final = StrictForm(
    provider="OpenAI",
    keywords=frozenset(
        ("pattern", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "minItems", "maxItems")
    ),
    formats=FORMATS,
    all_required=True,
    recursive=True,
)
"""The form for `strict` schemas of OpenAI's APIs."""


class ChatCompletions(ModelProtocol["OpenAIClient", OpenAIMessage]):
    """The protocol of OpenAI's chat completions."""

    provider: ClassVar[str] = "OpenAI"
    rules: ClassVar[ConversationRules] = ConversationRules()
    option_rules: ClassVar[OptionRules] = OptionRules("OpenAI's chat completions API", ChatOptions, WITHDRAWN_FROM_CHAT)
    strict_form: ClassVar[StrictForm] = OPENAI_FORM
    reply_option: ClassVar[str] = "response_format"
    message_class = OpenAIMessage

    def body(self, request: ModelRequest) -> dict[str, object]:
        """Return the arguments of `chat.completions.create`."""
        body: dict[str, object] = {
            "model": request.model,
            "messages": [
                message
                for turn in request.conversation.turns
                for message in _messages_of(turn, request.send_reasoning_as)
            ],
        }
        if request.stream:
            body["stream_options"] = {"include_usage": True}
        if request.tools:
            body["tools"] = request.tools_by(_tool)
        if request.reply_schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": _schema(request.reply_schema)}
        return {**body, **request.options}

    def chunks(self, client: OpenAIClient, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
        """Make the request, and yield the pieces of the answer as plain JSON."""
        return chunks_of("openai", client, _create, body, stream=stream)

    def reader(self) -> ChatReader:
        """Return a new reader, for one answer."""
        return ChatReader()


def _create(client: OpenAIClient) -> Callable[..., Awaitable[Any]]:  # Any: the SDK's raw response
    return client.chat.completions.with_raw_response.create


# --- reading ---

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


class ChatReader(Reader):
    """Reads one answer; if there are several choices, the one that arrives first."""

    def __init__(self) -> None:
        self._choice: object = None
        self._logprobs: dict[str, list[object]] = {}
        self._notes: dict[str, object] = {}

    def read(self, chunk: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of one piece of a streamed answer."""
        return self._read(chunk, "delta")

    def read_whole(self, answer: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of an answer that was not streamed."""
        return self._read(answer, "message")

    def _read(self, chunk: JsonObject, said: str) -> Iterator[ModelEvent]:
        model, response_id = text_in(chunk, "model"), text_in(chunk, "id")
        if model or response_id:
            yield Started(model or None, response_id or None)
        noted = {name: chunk[name] for name in _NOTED if chunk.get(name) is not None}
        if noted:
            yield Noted(noted)
        for choice in objects_in(chunk, "choices"):
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
        # servers have two names for reasoning
        reasoning = text_in(delta, "reasoning_content") or text_in(delta, "reasoning")
        if reasoning:
            yield raw_piece(ReasoningDelta, reasoning)
        content = text_in(delta, "content")
        if content:
            yield content
        for part in objects_in(delta, "content"):  # some servers send a list of parts
            text = text_in(part, "text")
            if text:
                yield text
        refusal = text_in(delta, "refusal")
        if refusal:
            yield raw_piece(RefusalDelta, refusal)
        for place, call in enumerate(objects_in(delta, "tool_calls")):
            function = object_in(call, "function")
            index = call.get("index", place)
            arguments = function.get("arguments")
            yield ToolCallPiece(
                index=index if isinstance(index, int) else None,
                id=text_in(call, "id"),
                name=text_in(function, "name"),
                arguments=arguments if isinstance(arguments, str) else "",
            )
        for name in _NOTED_OF_MESSAGE:
            if delta.get(name):
                yield Noted({name: self._merged(name, delta[name])})

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
            yield Finished(_FINISH_REASONS.get(reason, "other"))


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


# --- writing ---


def _messages_of(turn: Turn, send_reasoning_as: str | None) -> Iterator[JsonObject]:
    if isinstance(turn, SystemTurn):
        yield {"role": "system", "content": turn.text}
    elif isinstance(turn, UserTurn):
        yield from map(_tool_message, turn.results)
        # results of tools can only be text here, so their pictures and files follow in a user's message
        others = (part for result in turn.results for part in result.content if not isinstance(part, TextPart))
        parts = (*others, *turn.parts)
        if parts:
            yield {"role": "user", "content": content_of(parts, _part)}
    else:
        for message in turn.messages:
            yield _assistant_message(message, send_reasoning_as)


def _assistant_message(message: AssistantMessage, send_reasoning_as: str | None) -> JsonObject:
    said: dict[str, object] = {"role": "assistant"}
    text = spoken(message)  # a refusal is sent as text: most servers know no other property for it
    if text or not message.tool_calls:
        said["content"] = text
    if message.tool_calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if send_reasoning_as is not None and isinstance(message, OpenAIMessage) and message.reasoning:
        said[send_reasoning_as] = "".join(reasoning.text for reasoning in message.reasoning)
    return said


def _tool_message(result: ToolResultMessage) -> JsonObject:
    texts = [result.text or "", *(part.text for part in result.content if isinstance(part, TextPart))]
    return {"role": "tool", "tool_call_id": result.tool_call_id, "content": "\n".join(filter(None, texts))}


def content_of(parts: Iterable[ContentPart], write: Callable[[ContentPart], JsonObject]) -> object:
    """Return the content of a message: the parts as `write` writes them, or the text itself if it is the only part."""
    parts = tuple(parts)
    if len(parts) == 1 and isinstance(parts[0], TextPart):
        return parts[0].text
    return [write(part) for part in parts]


def _part(part: ContentPart) -> JsonObject:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    source = source_of(part)
    if isinstance(part, ImagePart):
        if source.kind == "file_id":
            raise ValueError(
                "ImagePart: chat completions take no file_id of a picture; give url or data, or api='responses'"
            )
        url = source.value if source.kind == "url" else f"data:{part.media_type};base64,{source.value}"
        return {"type": "image_url", "image_url": {"url": url, **({"detail": part.detail} if part.detail else {})}}
    return _file(part)


def _file(part: FilePart) -> JsonObject:
    source = source_of(part)
    if source.kind == "url":
        raise ValueError("FilePart: chat completions take no url of a file; give data or file_id, or api='responses'")
    if source.kind == "file_id":
        return {"type": "file", "file": {"file_id": source.value}}
    if part.media_type.startswith("audio/"):
        form = {"audio/mpeg": "mp3", "audio/x-wav": "wav"}.get(part.media_type, part.media_type.removeprefix("audio/"))
        return {"type": "input_audio", "input_audio": {"data": source.value, "format": form}}
    name = part.name or "file"
    return {"type": "file", "file": {"filename": name, "file_data": f"data:{part.media_type};base64,{source.value}"}}


def _tool(tool: ToolDefinition) -> JsonObject:
    function: dict[str, object] = {"name": tool.name, "parameters": tool.parameters}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _schema(reply: ReplySchema) -> JsonObject:
    named: dict[str, object] = {"name": reply.name, "strict": reply.strict, "schema": reply.schema}
    if reply.description is not None:
        named["description"] = reply.description
    return named

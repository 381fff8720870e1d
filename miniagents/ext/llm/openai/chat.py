"""The protocol of OpenAI's chat completions, which most servers speak."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, ClassVar, Final

from miniagents.ext.llm.openai.chat_reading import DONE, ChatReader
from miniagents.ext.llm.openai.options import WITHDRAWN_FROM_CHAT, ChatOptions
from miniagents.ext.llm.openai.server_fields import fields_for_server, with_server_fields
from miniagents.ext.llm.providers import (
    FORMATS,
    ConversationRules,
    ModelProtocol,
    ModelRequest,
    OptionRules,
    StrictForm,
    SystemTurn,
    UserTurn,
    chunks_of,
    message_of,
    said_parts,
    source_of,
    spoken,
    valid_arguments,
)
from miniagents.messages import (
    AssistantMessage,
    FilePart,
    ImagePart,
    OpenAIMessage,
    TextPart,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping

    from miniagents.ext.llm.openai.options import OpenAIClient
    from miniagents.ext.llm.providers import JsonObject, ReplySchema, SaidPart, ToolDefinition, Turn
    from miniagents.messages import ContentPart, ToolResultMessage

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
    strict_form: ClassVar[StrictForm | None] = OPENAI_FORM
    reply_option: ClassVar[str] = "response_format"
    modules: ClassVar[tuple[str, ...]] = (
        "openai",
        "openai.resources.chat.chat",
        "openai.resources.chat.completions.completions",
    )
    message_class = OpenAIMessage

    def body(self, request: ModelRequest) -> dict[str, object]:
        """Return the arguments of `chat.completions.create`."""
        body: dict[str, object] = {
            "model": request.model,
            "messages": [message for turn in request.conversation.turns for message in _messages_of(turn, request)],
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
        return chunks_of("openai", client, _create, body, stream=stream, done=DONE)

    def reader(self, request: ModelRequest | None = None) -> ChatReader:
        """Return a new reader, for one answer to a request."""
        return ChatReader(think_tags=request is not None and request.think_tags)

    def message(
        self,
        said: AssistantMessage,
        content: tuple[JsonObject, ...],
        notes: JsonObject,
        *,
        server: str | None = None,
    ) -> OpenAIMessage:
        """Return the message of an answer, with the properties that only the server understands."""
        return message_of(OpenAIMessage, said, notes, server_fields=fields_for_server(said, content, server))


def _create(client: OpenAIClient) -> Callable[..., Awaitable[Any]]:  # Any: the SDK's raw response
    return client.chat.completions.with_raw_response.create


# --- writing ---

_LONGEST_ID: Final = 40


def _messages_of(turn: Turn, request: ModelRequest) -> Iterator[JsonObject]:
    if isinstance(turn, SystemTurn):
        yield {"role": "system", "content": turn.text}
    elif isinstance(turn, UserTurn):
        yield from map(_tool_message, turn.results)
        # results of tools can only be text here, so their pictures and files follow in a user's message
        others = (part for result in turn.results for part in result.content if not isinstance(part, TextPart))
        parts = said_parts((*others, *turn.parts))
        if parts:
            yield {"role": "user", "content": content_of(parts, _part)}
    else:
        for message in turn.messages:
            said = _assistant_message(message, request)
            if said.get("content") or said.get("tool_calls"):  # servers refuse a message that says nothing
                yield said


def _assistant_message(message: AssistantMessage, request: ModelRequest) -> JsonObject:
    said: dict[str, object] = {"role": "assistant"}
    text = spoken(message)  # a refusal is sent as text: most servers know no other property for it
    if text:
        said["content"] = text
    if message.tool_calls:
        said["tool_calls"] = [
            {
                "id": _valid_id(call.id),
                "type": "function",
                "function": {"name": request.name_of(call), "arguments": valid_arguments(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return with_server_fields(said, message, request)


def _tool_message(result: ToolResultMessage) -> JsonObject:
    texts = [result.text or "", *(part.text for part in result.content if isinstance(part, TextPart))]
    call_id = _valid_id(result.tool_call_id)
    return {"role": "tool", "tool_call_id": call_id, "content": "\n".join(filter(None, texts))}


def _valid_id(call_id: str) -> str:
    """Return an identifier that OpenAI takes; other servers have longer ones."""
    if len(call_id) <= _LONGEST_ID:
        return call_id
    return hashlib.sha256(call_id.encode(errors="replace")).hexdigest()[:_LONGEST_ID]


def content_of(parts: Iterable[ContentPart], write: Callable[[SaidPart], JsonObject]) -> object:
    """Return the content of a message: the parts as `write` writes them, or the text itself if it is the only part."""
    said = said_parts(parts)
    if len(said) == 1 and isinstance(said[0], TextPart):
        return said[0].text
    return [write(part) for part in said]


def _part(part: SaidPart) -> JsonObject:
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

"""Anthropic's messages API."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from miniagents.ext.llm._conversation import ConversationRules, SystemTurn, UserTurn, spoken
from miniagents.ext.llm._json import frozen_object, is_object, object_from_text, plain_object, text_in
from miniagents.ext.llm._parts import source_of
from miniagents.ext.llm._protocol import ModelProtocol, ModelRequest
from miniagents.ext.llm.anthropic.calls import message_chunks
from miniagents.ext.llm.anthropic.reading import MessagesReader
from miniagents.ext.llm.common import ToolDefinition
from miniagents.messages import (
    AnthropicMessage,
    AssistantMessage,
    ContentPart,
    ImagePart,
    TextPart,
    ToolCall,
    ToolResultMessage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence

    from miniagents.ext.llm._conversation import Turn
    from miniagents.ext.llm._json import JsonObject
    from miniagents.ext.llm.anthropic.calls import AnthropicClient
    from miniagents.ext.llm.common import ReplySchema

__all__ = ["DEFAULT_MAX_TOKENS", "AnthropicMessages"]

DEFAULT_MAX_TOKENS: Final = 16_384
"""How many tokens an answer may have where nobody says so; the API wants a number. More could not come unstreamed."""


class AnthropicMessages(ModelProtocol["AnthropicClient", AnthropicMessage]):
    """The protocol of Anthropic's messages API."""

    provider: ClassVar[str] = "Anthropic"
    rules: ClassVar[ConversationRules] = ConversationRules(system_apart=True, alternates=True, user_first=True)
    message_class = AnthropicMessage

    def body(self, request: ModelRequest) -> dict[str, object]:
        """The arguments of `messages.create`."""
        options = dict(request.options)
        max_tokens = options.pop("max_tokens", None)
        body: dict[str, object] = {
            "model": request.model,
            "max_tokens": DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens,
            "messages": [message for turn in request.conversation.turns for message in _messages_of(turn)],
        }
        if request.conversation.system is not None:
            body["system"] = request.conversation.system
        if request.tools:
            body["tools"] = [_tool(tool) if isinstance(tool, ToolDefinition) else dict(tool) for tool in request.tools]
        if request.reply_schema is not None:
            config = options.pop("output_config", None)
            body["output_config"] = {**(config if is_object(config) else {}), "format": _format(request.reply_schema)}
        return body | options

    def chunks(
        self, client: AnthropicClient, body: Mapping[str, object], *, stream: bool
    ) -> AsyncGenerator[object, None]:
        """Makes the request."""
        return message_chunks(client, body, stream=stream)

    def reader(self) -> MessagesReader:
        """What reads one answer."""
        return MessagesReader()

    def message(self, said: AssistantMessage, content: tuple[JsonObject, ...], notes: JsonObject) -> AnthropicMessage:
        """The message of an answer; with the blocks it came in, where its fields do not say them again."""

        def made(blocks: tuple[JsonObject, ...]) -> AnthropicMessage:
            return AnthropicMessage(
                said.text,
                model=said.model,
                reasoning=said.reasoning,
                tool_calls=said.tool_calls,
                refusal=said.refusal,
                finish_reason=said.finish_reason,
                usage=said.usage,
                response_id=said.response_id,
                content_blocks=tuple(map(frozen_object, blocks)),
                provider_data=frozen_object(notes) if notes else None,
            )

        message = made(())
        return message if list(_blocks_of_fields(message)) == list(content) else made(content)


# --- writing ---


def _messages_of(turn: Turn) -> Iterator[JsonObject]:
    if isinstance(turn, UserTurn):
        blocks = [_result(result) for result in turn.results] + [_part(part) for part in turn.parts]
        yield {"role": "user", "content": _shortest(blocks)}
    elif not isinstance(turn, SystemTurn):  # which stands apart
        blocks = [block for message in turn.messages for block in _assistant_blocks(message)]
        if blocks:
            yield {"role": "assistant", "content": _shortest(blocks)}


def _shortest(blocks: Sequence[JsonObject]) -> object:
    """A single text may stand for itself."""
    if len(blocks) == 1 and set(blocks[0]) == {"type", "text"}:
        return blocks[0]["text"]
    return list(blocks)


def _assistant_blocks(message: AssistantMessage) -> Iterator[JsonObject]:
    if isinstance(message, AnthropicMessage) and message.content_blocks:
        texts = [text_in(block, "text") or "" for block in message.content_blocks if block.get("type") == "text"]
        if "".join(texts) == message.text:  # else somebody changed that
            yield from map(plain_object, message.content_blocks)
            return
    yield from _blocks_of_fields(message)


def _blocks_of_fields(message: AssistantMessage) -> Iterator[JsonObject]:
    if isinstance(message, AnthropicMessage):
        # the reasoning of others has no signature that this API could check
        for reasoning in message.reasoning:
            if reasoning.signature is not None:
                yield {"type": "thinking", "thinking": reasoning.text, "signature": reasoning.signature}
    text = spoken(message)
    if text.strip():  # the API takes no text of white space alone
        yield {"type": "text", "text": text}
    yield from map(_tool_use, message.tool_calls)


def _tool_use(call: ToolCall) -> JsonObject:
    arguments = object_from_text(call.arguments)
    if arguments is None:  # a model of another provider, or a limit of tokens, made this no JSON
        arguments = {"invalid_json": call.arguments}
    return {"type": "tool_use", "id": _valid_id(call.id), "name": call.name, "input": arguments}


def _valid_id(call_id: str) -> str:
    """The identifier of a call; the API takes letters, digits, - and _ only, other providers may not."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in call_id) or "_"


def _result(result: ToolResultMessage) -> JsonObject:
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": _valid_id(result.tool_call_id)}
    text = (TextPart(result.text),) if result.text else ()
    parts = [_part(part) for part in (*text, *result.content)]
    if parts:
        block["content"] = _shortest(parts)
    if result.is_error:
        block["is_error"] = True
    return block


def _part(part: ContentPart) -> JsonObject:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    source = source_of(part)
    where: JsonObject = {
        "url": {"type": "url", "url": source.value},
        "file_id": {"type": "file", "file_id": source.value},
        "data": {"type": "base64", "media_type": part.media_type, "data": source.value},
    }[source.kind]
    if isinstance(part, ImagePart):
        return {"type": "image", "source": where}
    return {"type": "document", "source": where, **({"title": part.name} if part.name else {})}


def _tool(tool: ToolDefinition) -> JsonObject:
    described: dict[str, object] = {} if tool.description is None else {"description": tool.description}
    if tool.strict is not None:
        described["strict"] = tool.strict
    return {"name": tool.name, "input_schema": tool.parameters, **described}


def _format(reply: ReplySchema) -> JsonObject:
    return {"type": "json_schema", "schema": reply.schema}

"""The protocol of Anthropic's messages API: its requests, and the messages of its answers."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from miniagents.ext.llm.anthropic.message_reading import MessagesReader
from miniagents.ext.llm.anthropic.options import WITHDRAWN_FROM_MESSAGES, MessagesOptions
from miniagents.ext.llm.providers import (
    FORMATS,
    ConversationRules,
    ModelProtocol,
    ModelRequest,
    OptionRules,
    StrictForm,
    SystemTurn,
    UserTurn,
    answer_once,
    chunks_of,
    is_object,
    message_of,
    object_from_text,
    objects_in,
    plain_object,
    said_parts,
    source_of,
    spoken,
    text_in,
)
from miniagents.messages import (
    AnthropicMessage,
    AssistantMessage,
    CachePoint,
    ContentPart,
    ImagePart,
    TextPart,
    ToolCall,
    ToolResultMessage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from miniagents.ext.llm.anthropic.options import AnthropicClient
    from miniagents.ext.llm.providers import JsonObject, ReplySchema, SaidPart, ToolDefinition, Turn

__all__ = ["ANTHROPIC_FORM", "DEFAULT_MAX_TOKENS", "AnthropicMessages"]

DEFAULT_MAX_TOKENS: Final = 16_384
"""The default limit of tokens for an answer. The API requires a limit. The SDK refuses much larger ones unstreamed."""


ANTHROPIC_FORM: Final = StrictForm(
    provider="Anthropic",
    keywords=frozenset(("minItems",)),
    formats=FORMATS | {"uri"},
    all_required=False,
    recursive=False,
    fewest_items=frozenset((0, 1)),
    strict_only=True,
)
"""The form for `output_config.format` and `strict` tools of Anthropic's API."""


class AnthropicMessages(ModelProtocol["AnthropicClient", AnthropicMessage]):
    """The protocol of Anthropic's messages API."""

    provider: ClassVar[str] = "Anthropic"
    rules: ClassVar[ConversationRules] = ConversationRules(system_apart=True, alternates=True, user_first=True)
    option_rules: ClassVar[OptionRules] = OptionRules(
        "Anthropic's messages API", MessagesOptions, WITHDRAWN_FROM_MESSAGES
    )
    strict_form: ClassVar[StrictForm | None] = ANTHROPIC_FORM
    reply_option: ClassVar[str] = "output_config.format"
    modules: ClassVar[tuple[str, ...]] = ("anthropic",)
    message_class = AnthropicMessage

    def body(self, request: ModelRequest) -> dict[str, object]:
        """Return the arguments of `messages.create`."""
        options = dict(request.options)
        max_tokens = options.pop("max_tokens", None)
        body: dict[str, object] = {
            "model": request.model,
            "max_tokens": DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens,
            "messages": [message for turn in request.conversation.turns for message in _messages_of(turn, request)],
        }
        if request.conversation.system is not None:
            body["system"] = _system(request.conversation.system, request.cache_system)
        if request.tools:
            body["tools"] = _tools(request)
        if request.reply_schema is not None:
            config = options.pop("output_config", None)
            body["output_config"] = {**(config if is_object(config) else {}), "format": _format(request.reply_schema)}
        body |= options
        _keep_last_points(body)
        return body

    def chunks(
        self, client: AnthropicClient, body: Mapping[str, object], *, stream: bool
    ) -> AsyncGenerator[object, None]:
        """Make the request, and yield the pieces of the answer as plain JSON."""
        return chunks_of("anthropic", client, _create, body, stream=stream)

    async def counted(self, client: AnthropicClient, body: Mapping[str, object]) -> object:
        """Ask the provider how many tokens the input of a request has."""
        return await answer_once(client, _count, {name: value for name, value in body.items() if name in _COUNTED})

    def reader(self, request: ModelRequest | None = None) -> MessagesReader:  # noqa: ARG002  # for others
        """Return a new reader, for one answer to a request."""
        return MessagesReader()

    def message(
        self,
        said: AssistantMessage,
        content: tuple[JsonObject, ...],
        notes: JsonObject,
        *,
        server: str | None = None,  # noqa: ARG002  # these servers get back what they sent wherever they are
    ) -> AnthropicMessage:
        """Return the message of an answer; it keeps the blocks only if they have more than the other fields."""
        message = message_of(AnthropicMessage, said, notes)
        if list(_blocks_of_fields(message)) == list(content):
            return message
        return message_of(AnthropicMessage, said, notes, content_blocks=content)


def _create(client: AnthropicClient) -> Callable[..., Awaitable[Any]]:  # Any: the SDK's raw response
    return client.messages.with_raw_response.create


def _count(client: AnthropicClient) -> Callable[..., Awaitable[Any]]:  # Any: the SDK's raw response
    methods: Any = client.messages.with_raw_response  # Any: as above
    count: Callable[..., Awaitable[Any]] = methods.count_tokens  # Any: as above
    return count


_COUNTED: Final = frozenset(
    (
        "extra_headers",
        "extra_query",
        "messages",
        "model",
        "output_config",
        "system",
        "thinking",
        "timeout",
        "tool_choice",
        "tools",
    )
)
"""The arguments that count as input, or that belong to each request."""


# --- writing ---


def _messages_of(turn: Turn, request: ModelRequest) -> Iterator[JsonObject]:
    if isinstance(turn, UserTurn):
        blocks = _blocks_of(turn.parts, behind=[_result(result) for result in turn.results])
        if blocks:
            yield {"role": "user", "content": _shortest(blocks)}
    elif not isinstance(turn, SystemTurn):  # system messages have a parameter of their own
        blocks = [block for message in turn.messages for block in _assistant_blocks(message, request)]
        if blocks:
            yield {"role": "assistant", "content": _shortest(blocks)}


def _shortest(blocks: Sequence[JsonObject]) -> object:
    """Return blocks in their shortest form: a single text without a block around it."""
    if len(blocks) == 1 and set(blocks[0]) == {"type", "text"}:
        return blocks[0]["text"]
    return list(blocks)


def _assistant_blocks(message: AssistantMessage, request: ModelRequest) -> Iterator[JsonObject]:
    if isinstance(message, AnthropicMessage) and message.content_blocks:
        texts = [text_in(block, "text") or "" for block in message.content_blocks if block.get("type") == "text"]
        if "".join(texts) == message.text:  # the blocks are outdated if a program has changed the text
            yield from (plain_object(block) for block in message.content_blocks if not _is_refused(block))
            return
    yield from _blocks_of_fields(message, request)


def _is_refused(block: JsonObject) -> bool:
    """Return whether the API refuses a block that it has sent itself: an empty text, or reasoning that was cut off."""
    if block.get("type") == "text":
        return not (text_in(block, "text") or "").strip()
    return block.get("type") == "thinking" and not block.get("signature")


def _blocks_of_fields(message: AssistantMessage, request: ModelRequest | None = None) -> Iterator[JsonObject]:
    if isinstance(message, AnthropicMessage):
        # reasoning of other providers has no signature that this API could check
        for reasoning in message.reasoning:
            if reasoning.signature is not None:
                yield {"type": "thinking", "thinking": reasoning.text, "signature": reasoning.signature}
    text = spoken(message)
    if text.strip():  # the API refuses a text that is only white space
        yield {"type": "text", "text": text}
    for call in message.tool_calls:
        yield _tool_use(call, call.name if request is None else request.name_of(call))


def _tool_use(call: ToolCall, name: str) -> JsonObject:
    arguments = object_from_text(call.arguments)
    if arguments is None:  # the limit of tokens cut it off, or a model of another provider wrote invalid JSON
        arguments = {"invalid_json": call.arguments}
    return {"type": "tool_use", "id": _valid_id(call.id), "name": name, "input": arguments}


def _valid_id(call_id: str) -> str:
    """Return an identifier that the API takes: letters, digits, - and _ only; other providers have more characters."""
    valid = _NO_ID.sub("_", call_id)
    if valid == call_id:
        return call_id
    # two calls must not become one
    return f"{valid[:_LONGEST_ID]}_{hashlib.sha256(call_id.encode(errors='replace')).hexdigest()[:8]}"


_NO_ID: Final = re.compile("[^A-Za-z0-9_-]")
_LONGEST_ID: Final = 50


def _result(result: ToolResultMessage) -> JsonObject:
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": _valid_id(result.tool_call_id)}
    text = (TextPart(result.text),) if result.text else ()
    parts = _blocks_of((*text, *said_parts(result.content)))
    if parts:
        block["content"] = _shortest(parts)
    if result.is_error:
        block["is_error"] = True
    points = [part for part in result.content if isinstance(part, CachePoint)]
    return _cached(block, points[-1]) if points else block


def _blocks_of(parts: Iterable[ContentPart], behind: Iterable[JsonObject] = ()) -> list[JsonObject]:
    """Return the blocks of parts, behind other ones; the API refuses a text that is only white space.

    A cache point becomes a property of the block before it. It is left out if there is none.
    """
    blocks = list(behind)
    for part in parts:
        if isinstance(part, CachePoint):
            blocks[-1:] = [_cached(block, part) for block in blocks[-1:]]
        elif not isinstance(part, TextPart) or part.text.strip():
            blocks.append(_part(part))
    return blocks


def _part(part: SaidPart) -> JsonObject:
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


def _tools(request: ModelRequest) -> list[JsonObject]:
    tools = request.tools_by(_tool)
    if request.cache_tools is not None:
        tools[-1] = _cached(tools[-1], request.cache_tools)
    return tools


def _format(reply: ReplySchema) -> JsonObject:
    return {"type": "json_schema", "schema": reply.schema}


# --- cache points ---

_MOST_POINTS: Final = 4


def _cached(block: JsonObject, point: CachePoint) -> JsonObject:
    return {**block, "cache_control": {"type": "ephemeral", **({"ttl": point.ttl} if point.ttl else {})}}


def _system(text: str, point: CachePoint | None) -> object:
    return text if point is None else [_cached({"type": "text", "text": text}, point)]


def _keep_last_points(body: dict[str, object]) -> None:
    """Remove the first cache points of messages if there are more than the API takes; the last are of more use."""
    left = _MOST_POINTS - (body.get("cache_control") is not None)
    for name in ("system", "tools"):
        left -= sum("cache_control" in block for block in objects_in(body, name))
    blocks = [block for message in objects_in(body, "messages") for block in objects_in(message, "content")]
    marked = [block for block in blocks if "cache_control" in block]
    for block in marked[: max(0, len(marked) - left)]:
        if isinstance(block, dict):  # `_cached` has made it
            del block["cache_control"]

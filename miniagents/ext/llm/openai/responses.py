"""The protocol of OpenAI's responses API, for models that reason and for OpenAI's own tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from miniagents.ext.llm.openai.chat import OPENAI_FORM, content_of
from miniagents.ext.llm.openai.options import WITHDRAWN_FROM_RESPONSES, ResponsesOptions
from miniagents.ext.llm.providers import (
    ConversationRules,
    Finished,
    ModelProtocol,
    ModelRequest,
    Noted,
    OptionRules,
    Reader,
    ReasoningEnded,
    Started,
    StrictForm,
    SystemTurn,
    ToolCallPiece,
    UserTurn,
    answer_once,
    chunks_of,
    error_of_body,
    is_object,
    json_text,
    list_in,
    message_of,
    number_in,
    object_in,
    objects_in,
    plain_object,
    problem_in,
    raw_piece,
    source_of,
    spoken,
    text_in,
    valid_arguments,
)
from miniagents.messages import (
    AssistantMessage,
    ImagePart,
    OpenAIMessage,
    ReasoningDelta,
    RefusalDelta,
    TextPart,
    ToolResultMessage,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping

    from miniagents.ext.llm.openai.options import OpenAIClient
    from miniagents.ext.llm.providers import (
        FinishReason,
        JsonObject,
        ModelEvent,
        ReplySchema,
        SaidPart,
        ToolDefinition,
        Turn,
    )

__all__ = ["Responses", "ResponsesReader"]


class Responses(ModelProtocol["OpenAIClient", OpenAIMessage]):
    """The protocol of OpenAI's responses API."""

    provider: ClassVar[str] = "OpenAI"
    rules: ClassVar[ConversationRules] = ConversationRules()
    option_rules: ClassVar[OptionRules] = OptionRules(
        "OpenAI's responses API", ResponsesOptions, WITHDRAWN_FROM_RESPONSES
    )
    strict_form: ClassVar[StrictForm | None] = OPENAI_FORM
    reply_option: ClassVar[str] = "text.format"
    modules: ClassVar[tuple[str, ...]] = ("openai", "openai.resources.responses.responses")
    message_class = OpenAIMessage

    def body(self, request: ModelRequest) -> dict[str, object]:
        """Return the arguments of `responses.create`."""
        options = dict(request.options)
        keeps_nothing = options.get("store") is False
        items = [
            item for turn in request.conversation.turns for item in _items_of(turn, request, encrypted=keeps_nothing)
        ]
        body: dict[str, object] = {"model": request.model, "input": items}
        if request.tools:
            body["tools"] = request.tools_by(_tool)
        if request.reply_schema is not None:
            text = options.pop("text", None)
            body["text"] = {**(text if is_object(text) else {}), "format": _format(request.reply_schema)}
        if keeps_nothing and ("reasoning" in options or _REASONS.match(request.model)):
            # the provider does not store the reasoning, so it needs it back in an encrypted form
            options.setdefault("include", ["reasoning.encrypted_content"])
        return body | options

    def chunks(self, client: OpenAIClient, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
        """Make the request, and yield the pieces of the answer as plain JSON."""
        return chunks_of("openai", client, _create, body, stream=stream)

    async def counted(self, client: OpenAIClient, body: Mapping[str, object]) -> object:
        """Ask the provider how many tokens the input of a request has."""
        return await answer_once(client, _count, {name: value for name, value in body.items() if name in _COUNTED})

    def reader(self, request: ModelRequest | None = None) -> ResponsesReader:  # noqa: ARG002  # for others
        """Return a new reader, for one answer to a request."""
        return ResponsesReader()

    def message(
        self,
        said: AssistantMessage,
        content: tuple[JsonObject, ...],
        notes: JsonObject,
        *,
        server: str | None = None,  # noqa: ARG002  # these servers get back what they sent wherever they are
    ) -> OpenAIMessage:
        """Return the message of an answer; it keeps the items only if they have more than the other fields."""
        plain = all(item.get("type") in ("message", "function_call") for item in content) and not _has_annotations(
            content
        )
        return message_of(OpenAIMessage, said, notes, output_items=() if plain else content)


_REASONS: Final = re.compile(r"(?:.*[/:])?(?:o\d|gpt-[5-9](?!.*chat)|gpt-oss|codex|computer-use)")
"""The names of OpenAI's models that reason without being told to; others refuse to encrypt their reasoning."""


def _create(client: OpenAIClient) -> Callable[..., Awaitable[Any]]:  # Any: the SDK's raw response
    return client.responses.with_raw_response.create


def _count(client: OpenAIClient) -> Callable[..., Awaitable[Any]]:  # Any: as above
    responses: Any = client.responses  # Any: as above
    count: Callable[..., Awaitable[Any]] = responses.input_tokens.with_raw_response.count  # Any: as above
    return count


_COUNTED: Final = frozenset(
    (
        "extra_headers",
        "extra_query",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "reasoning",
        "text",
        "timeout",
        "tool_choice",
        "tools",
        "truncation",
    )
)
"""The arguments that count as input, or that belong to each request."""


def _has_annotations(items: Iterable[JsonObject]) -> bool:
    return any(list_in(part, "annotations") for item in items for part in objects_in(item, "content"))


# --- reading ---


class ResponsesReader(Reader):
    """Reads one answer.

    The API sends content up to three times: in pieces, as a whole item, and in the whole response at the end.
    `_streamed` has the places of items that have arrived in pieces, and `(place, "done")` for items that were read as a
    whole. So the reader yields all content only once.
    """

    def __init__(self) -> None:
        self._streamed: set[object] = set()
        self._calls: dict[object, int] = {}
        self._thinking: tuple[object, object] | None = None

    def read(self, chunk: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of one piece of a streamed answer."""
        place = chunk.get("output_index")
        match text_in(chunk, "type"):
            case "response.output_text.delta":
                self._streamed.add(place)
                yield text_in(chunk, "delta") or ""
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from self._thought(place, chunk)
            case "response.refusal.delta":
                self._streamed.add(place)
                yield raw_piece(RefusalDelta, text_in(chunk, "delta") or "")
            case "response.function_call_arguments.delta":
                self._streamed.add(place)
                yield ToolCallPiece(index=self._call(place), arguments=json_text(chunk.get("delta")))
            case "response.output_item.added":
                item = object_in(chunk, "item")
                if text_in(item, "type") == "function_call":
                    yield ToolCallPiece(
                        index=self._call(place), id=text_in(item, "call_id"), name=text_in(item, "name")
                    )
            case "response.output_item.done":
                yield from self._item(place, object_in(chunk, "item"))
            case "response.created" | "response.in_progress":
                response = object_in(chunk, "response")
                yield Started(text_in(response, "model"), text_in(response, "id"))
            case "response.completed" | "response.incomplete" | "response.failed":
                yield from self.read_whole(object_in(chunk, "response"))
            case None if chunk.get("output") is not None:  # of a server that does not stream
                yield from self.read_whole(chunk)
            case kind if problem := problem_in(chunk, "output" if kind is None else "type"):
                raise problem
            case _:
                pass  # the other kinds of events add nothing to those above, and the API may add kinds

    def read_whole(self, answer: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of a whole response, without those that were streamed already."""
        if text_in(answer, "status") is None and (problem := problem_in(answer, "output")):
            raise problem
        yield Started(text_in(answer, "model"), text_in(answer, "id"))
        output = objects_in(answer, "output")
        for place, item in enumerate(output):
            yield from self._item(place, item)
        usage = answer.get("usage")
        if is_object(usage):
            yield _usage(usage)
        noted = {name: answer[name] for name in ("service_tier", "moderation") if answer.get(name) is not None}
        if noted:
            yield Noted(noted)
        error = object_in(answer, "error")
        if error or text_in(answer, "status") == "failed":
            raise error_of_body(error or {"message": "the response failed"})
        yield from _finished(answer, tuple(output))

    def _item(self, place: object, item: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of a whole item, without those that were streamed already; and the end of reasoning."""
        kind = text_in(item, "type")
        key = (place, "done")
        if key in self._streamed:
            return
        self._streamed.add(key)
        was_streamed = place in self._streamed
        if kind == "message" and not was_streamed:
            for part in objects_in(item, "content"):
                yield text_in(part, "text") or ""
                refusal = text_in(part, "refusal")
                if refusal:
                    yield raw_piece(RefusalDelta, refusal)
        elif kind == "function_call":
            index = self._call(place)
            arguments = "" if was_streamed else json_text(item.get("arguments"))
            yield ToolCallPiece(index, text_in(item, "call_id"), text_in(item, "name"), arguments)
        elif kind == "reasoning":
            if not was_streamed:
                texts = [text_in(part, "text") for name in ("summary", "content") for part in objects_in(item, name)]
                yield raw_piece(ReasoningDelta, "\n\n".join(filter(None, texts)))
            yield ReasoningEnded(text_in(item, "encrypted_content"))

    def _thought(self, place: object, chunk: JsonObject) -> Iterator[ModelEvent]:
        self._streamed.add(place)
        part = (place, chunk.get("summary_index", chunk.get("content_index")))
        if self._thinking is not None and self._thinking[0] == place and self._thinking != part:
            yield ReasoningDelta("\n\n")
        self._thinking = part
        yield raw_piece(ReasoningDelta, text_in(chunk, "delta") or "")

    def _call(self, place: object) -> int:
        return self._calls.setdefault(place, len(self._calls))


def _finished(answer: JsonObject, output: tuple[JsonObject, ...]) -> Iterator[ModelEvent]:
    reasons: Mapping[str | None, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
    status = text_in(answer, "status")
    if status == "incomplete":
        reason = text_in(object_in(answer, "incomplete_details"), "reason")
        if reason not in reasons:
            yield Noted({"finish_reason": reason})
        yield Finished(reasons.get(reason, "other"), output)
    elif status in ("completed", None):
        yield Finished("stop", output)
    else:  # the response runs in the background, or was cancelled
        yield Noted({"finish_reason": status})
        yield Finished("other", output)


def _usage(usage: JsonObject) -> Usage:
    read, made = object_in(usage, "input_tokens_details"), object_in(usage, "output_tokens_details")
    return Usage(
        input_tokens=number_in(usage, "input_tokens"),
        output_tokens=number_in(usage, "output_tokens"),
        cache_read_tokens=number_in(read, "cached_tokens"),
        cache_write_tokens=number_in(read, "cache_write_tokens"),
        reasoning_tokens=number_in(made, "reasoning_tokens"),
    )


# --- writing ---


def _items_of(turn: Turn, request: ModelRequest, *, encrypted: bool) -> Iterator[JsonObject]:
    if isinstance(turn, SystemTurn):
        yield {"role": "system", "content": turn.text}
    elif isinstance(turn, UserTurn):
        for result in turn.results:
            yield {"type": "function_call_output", "call_id": result.tool_call_id, "output": _output(result)}
        if turn.parts:
            yield {"role": "user", "content": content_of(turn.parts, _part)}
    else:
        for message in turn.messages:
            yield from _assistant_items(message, request, encrypted=encrypted)


def _assistant_items(message: AssistantMessage, request: ModelRequest, *, encrypted: bool) -> Iterator[JsonObject]:
    if isinstance(message, OpenAIMessage) and message.output_items and _says(message.output_items) == message.text:
        for item in message.output_items:
            if not (encrypted and item.get("type") == "reasoning" and not item.get("encrypted_content")):
                plain = plain_object(item)
                if item.get("type") == "function_call":
                    plain["arguments"] = valid_arguments(json_text(item.get("arguments")))
                yield plain
        return
    text = spoken(message)
    if text:
        yield {"role": "assistant", "content": text}
    for call in message.tool_calls:
        name, arguments = request.name_of(call), valid_arguments(call.arguments)
        yield {"type": "function_call", "call_id": call.id, "name": name, "arguments": arguments}


def _says(items: Iterable[JsonObject]) -> str:
    """Return the text of items. It differs from the message's text if a program has changed that."""
    return "".join(
        text_in(part, "text") or ""
        for item in items
        if item.get("type") == "message"
        for part in objects_in(item, "content")
    )


def _output(result: ToolResultMessage) -> object:
    text = (TextPart(result.text),) if result.text else ()
    return content_of((*text, *result.content), _part) if result.content else result.text or ""


def _part(part: SaidPart) -> JsonObject:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": part.text}
    source = source_of(part)
    as_url = f"data:{part.media_type};base64,{source.value}"
    if isinstance(part, ImagePart):
        where = {"file_id": source.value} if source.kind == "file_id" else {"image_url": source.value}
        if source.kind == "data":
            where = {"image_url": as_url}
        return {"type": "input_image", **where, "detail": part.detail or "auto"}
    if source.kind == "data":
        return {"type": "input_file", "filename": part.name or "file", "file_data": as_url}
    return {"type": "input_file", "file_url" if source.kind == "url" else "file_id": source.value}


def _tool(tool: ToolDefinition) -> JsonObject:
    described = {} if tool.description is None else {"description": tool.description}
    return {
        "type": "function",
        "name": tool.name,
        **described,
        "parameters": tool.parameters,
        "strict": bool(tool.strict),  # this API's default is True
    }


def _format(reply: ReplySchema) -> JsonObject:
    described = {} if reply.description is None else {"description": reply.description}
    return {"type": "json_schema", "name": reply.name, **described, "schema": reply.schema, "strict": reply.strict}

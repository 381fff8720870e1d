"""Reads the answers of Anthropic's messages API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniagents.ext.llm.providers import (
    Finished,
    Noted,
    Reader,
    ReasoningEnded,
    Started,
    ToolCallPiece,
    is_object,
    json_text,
    number_in,
    object_from_text,
    object_in,
    objects_in,
    problem_in,
    raw_piece,
    text_in,
)
from miniagents.messages import ReasoningDelta, RefusalDelta, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from miniagents.ext.llm.providers import FinishReason, JsonObject, ModelEvent

__all__ = ["MessagesReader"]

_FINISH_REASONS: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "pause",
    "refusal": "refusal",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
}

_USAGE: Final = (
    *("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
    *("output_tokens", "output_tokens_details"),
)

_PIECES: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""The property of a block that a piece of each kind is appended to."""


class MessagesReader(Reader):
    """Reads one answer, and assembles its blocks as the API wants them back in later requests."""

    def __init__(self) -> None:
        self._blocks: dict[object, dict[str, object]] = {}
        self._inputs: dict[object, list[str]] = {}
        self._calls: dict[object, int] = {}
        self._usage: dict[str, object] = {}
        self._stop: JsonObject = {}

    def read(self, chunk: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of one piece of a streamed answer."""
        place = chunk.get("index")
        match text_in(chunk, "type"):
            case "message_start":
                message = object_in(chunk, "message")
                yield Started(text_in(message, "model"), text_in(message, "id"))
                yield from self._spent(message)
            case "content_block_start":
                yield from self._begun(place, object_in(chunk, "content_block"))
            case "content_block_delta":
                yield from self._grown(place, object_in(chunk, "delta"))
            case "content_block_stop":
                yield from self._ended(place)
            case "message_delta":
                yield from self._spent(chunk)
                self._stop = {**self._stop, **object_in(chunk, "delta")}
            case "message_stop":
                yield from self._finished()
            case "message":  # of a server that does not stream
                yield from self.read_whole(chunk)
            case kind if problem := problem_in(chunk, "content" if kind is None else "type"):
                raise problem
            case _:
                pass  # ignore unknown kinds of events: the API may add some

    def read_whole(self, answer: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of an answer that was not streamed."""
        if problem := problem_in(answer, "content"):
            raise problem
        yield Started(text_in(answer, "model"), text_in(answer, "id"))
        for place, block in enumerate(objects_in(answer, "content")):
            yield from self._begun(place, block)
            yield from self._ended(place)
        yield from self._spent(answer)
        self._stop = answer
        if text_in(answer, "stop_reason") is not None:
            yield from self._finished()

    # --- blocks ---

    def _begun(self, place: object, block: JsonObject) -> Iterator[ModelEvent]:
        # absent properties come as null, and the API wants them back absent
        self._blocks[place] = {name: value for name, value in block.items() if value is not None}
        match text_in(block, "type"):
            case "text":
                yield text_in(block, "text") or ""
            case "thinking":
                yield raw_piece(ReasoningDelta, text_in(block, "thinking") or "")
            case "tool_use":
                index = self._calls[place] = len(self._calls)
                yield ToolCallPiece(index, text_in(block, "id"), text_in(block, "name"))
            case _:
                pass

    def _grown(self, place: object, delta: JsonObject) -> Iterator[ModelEvent]:
        block = self._blocks.setdefault(place, _without_start(delta))
        kind = text_in(delta, "type") or ""
        if kind in _PIECES:
            name = _PIECES[kind]
            piece = text_in(delta, name) or ""
            so_far = block.get(name)
            block[name] = f"{so_far}{piece}" if isinstance(so_far, str) else piece
            if kind == "text_delta":
                yield piece
            elif kind == "thinking_delta":
                yield raw_piece(ReasoningDelta, piece)
        elif kind == "input_json_delta":
            piece = json_text(delta.get("partial_json"))
            self._inputs.setdefault(place, []).append(piece)
            if place in self._calls and piece:
                yield ToolCallPiece(self._calls[place], arguments=piece)
        elif kind == "citations_delta":
            citations = objects_in(block, "citations")
            block["citations"] = [*citations, object_in(delta, "citation")]

    def _ended(self, place: object) -> Iterator[ModelEvent]:
        block = self._blocks.get(place, {})
        kind = text_in(block, "type")
        if kind in ("thinking", "redacted_thinking"):
            yield ReasoningEnded(text_in(block, "signature"))
        written = "".join(self._inputs.get(place, ()))
        if written:
            read = object_from_text(written)
            block["input"] = {"invalid_json": written} if read is None else read
        elif place in self._calls and block.get("input"):  # the arguments were not streamed
            arguments = json_text(block["input"])
            if not is_object(block["input"]):  # some servers send the text of the object
                self._blocks[place]["input"] = object_from_text(arguments) or {"invalid_json": arguments}
            yield ToolCallPiece(self._calls[place], arguments=arguments)

    # --- the rest ---

    def _spent(self, message: JsonObject) -> Iterator[ModelEvent]:
        """Yield the usage of the answer so far; later numbers replace earlier ones."""
        usage = message.get("usage")
        if not is_object(usage):
            return
        self._usage |= {name: usage[name] for name in _USAGE if usage.get(name) is not None}
        spent = self._usage
        read = number_in(spent, "cache_read_input_tokens")
        written = number_in(spent, "cache_creation_input_tokens")
        yield Usage(
            input_tokens=number_in(spent, "input_tokens") + read + written,
            output_tokens=number_in(spent, "output_tokens"),
            cache_read_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=number_in(object_in(spent, "output_tokens_details"), "thinking_tokens"),
        )

    def _finished(self) -> Iterator[ModelEvent]:
        stop = self._stop
        reason = text_in(stop, "stop_reason") or ""
        noted = {
            name: stop[name] for name in ("stop_sequence", "stop_details", "container") if stop.get(name) is not None
        }
        if reason not in _FINISH_REASONS:
            noted["finish_reason"] = reason
        if noted:
            yield Noted(noted)
        if reason == "refusal":
            details = object_in(stop, "stop_details")
            yield raw_piece(
                RefusalDelta, text_in(details, "explanation") or text_in(details, "category") or "The model refused."
            )
        yield Finished(_FINISH_REASONS.get(reason, "other"), tuple(self._blocks.values()))


def _without_start(delta: JsonObject) -> dict[str, object]:
    """Return the block for a piece whose block was not started; some servers leave the start out."""
    kinds = {"thinking_delta": "thinking", "signature_delta": "thinking", "input_json_delta": "tool_use"}
    return {"type": kinds.get(text_in(delta, "type") or "", "text")}

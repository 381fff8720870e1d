"""Answers as Anthropic sends them, and as other servers send them in variants of its protocol."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from tests.ext.llm.answers import USAGE, Answer, Finish, ToolCall, Usage, answer
from tests.ext.llm.protocols import Event, Headers, Json, Script, encode, json_response, stream_response

MODEL: Final = "claude-mock"
REQUEST_ID: Final = "req_mock"
HEADERS: Final[Headers] = (("request-id", REQUEST_ID),)
SIGNATURE: Final = "EqQB-signature"
STOP_REASONS: Final[Mapping[Finish, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}

Fields: TypeAlias = Mapping[str, Json]


def anthropic_messages(
    text: str | Sequence[str] = (),
    *,
    reasoning: str | Sequence[str] = (),
    signature: str | None = SIGNATURE,
    redacted: str | None = None,
    refusal: str | Sequence[str] = (),
    tool_calls: Sequence[ToolCall] = (),
    finish: Finish | None = None,
    usage: Usage = USAGE,
    model: str = MODEL,
) -> Script:
    """Return a message whose blocks are those that are given of thinking, text and uses of tools.

    Args:
        text: The tokens of the text, or a text to cut into tokens; `reasoning` and `refusal` as well.
        reasoning: The text of the thinking.
        signature: The signature that must come back unchanged with it; None for servers that sign nothing.
        redacted: The encrypted data of a block of thinking.
        refusal: The last text, after which the model stops with "refusal".
        tool_calls: The calls, in the order of their blocks.
        finish: Why the model stopped; by default the reason that fits the rest.
        usage: The tokens used.
        model: The name of the model that answers.
    """
    said = answer(
        (*answer(text).text, *answer(refusal).text),
        reasoning=reasoning,
        tool_calls=tool_calls,
        finish=finish or ("content_filter" if refusal else None),
    )
    streams = list(_streams(said, signature, redacted))
    started = _message(model, usage)
    content = [block for block, _ in streams]
    ended: Fields = {**started, "content": content, **_stop(said), "usage": usage_of_messages(usage)}
    events: list[Fields] = [
        {"type": "message_start", "message": started},
        {"type": "ping"},
        *({**each, "index": index} for index, (_, stream) in enumerate(streams) for each in stream),
        {"type": "message_delta", "delta": _stop(said), "usage": {"output_tokens": usage.output_tokens}},
        {"type": "message_stop"},
    ]
    return Script(
        json_response(ended, headers=HEADERS),
        stream_response(*(anthropic_event(each) for each in events), headers=HEADERS),
    )


def anthropic_event(fields: Fields) -> Event:
    """Return an event, named after its type."""
    return Event(encode(fields), name=str(fields["type"]))


def anthropic_error_event(kind: str, message: str) -> Event:
    """Return an error in the middle of a stream."""
    return anthropic_event({"type": "error", "error": {"type": kind, "message": message}, "request_id": REQUEST_ID})


def unknown_anthropic_event() -> Event:
    """Return an event that a later version of the protocol may send."""
    return anthropic_event({"type": "message_surprise", "surprise": "of a later version"})


def usage_of_messages(usage: Usage) -> Fields:
    """Anthropic's count of the input has no cached tokens in it."""
    return {
        "input_tokens": usage.input_tokens - usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "service_tier": "standard",
    }


def _message(model: str, usage: Usage) -> Fields:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage_of_messages(usage), "output_tokens": 1},
    }


def _stop(said: Answer) -> Fields:
    return {"stop_reason": STOP_REASONS[said.reason], "stop_sequence": None}


def _streams(said: Answer, signature: str | None, redacted: str | None) -> Iterator[tuple[Fields, list[Fields]]]:
    """Return the blocks of an answer, each with the events that stream it."""
    if said.reasoning:
        signed = signature or ""
        block: Fields = {"type": "thinking", "thinking": "".join(said.reasoning), "signature": signed}
        deltas: list[Fields] = [{"type": "thinking_delta", "thinking": each} for each in said.reasoning]
        last: list[Fields] = [{"type": "signature_delta", "signature": signed}] if signature else []
        yield block, _around({"type": "thinking", "thinking": "", "signature": ""}, [*deltas, *last])
    if redacted is not None:
        block = {"type": "redacted_thinking", "data": redacted}
        yield block, _around(block, [])
    if said.text:
        block = {"type": "text", "text": "".join(said.text)}
        yield block, _around({"type": "text", "text": ""}, [{"type": "text_delta", "text": each} for each in said.text])
    for call in said.tool_calls:
        block = {"type": "tool_use", "id": call.id, "name": call.name}
        fragments = [{"type": "input_json_delta", "partial_json": each} for each in ("", *call.fragments)]
        yield {**block, "input": _input(call)}, _around({**block, "input": {}}, fragments)


def _input(call: ToolCall) -> Json:
    """Return the input of a call in a plain message; it is empty if the limit of tokens cut the call off."""
    try:
        decoded: Json = json.loads(call.arguments)
    except ValueError:
        return {}
    return decoded


def _around(block: Fields, deltas: Sequence[Fields]) -> list[Fields]:
    start: Fields = {"type": "content_block_start", "content_block": block}
    inner: list[Fields] = [{"type": "content_block_delta", "delta": each} for each in deltas]
    return [start, *inner, {"type": "content_block_stop"}]

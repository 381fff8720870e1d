"""Answers of the responses API as OpenAI sends them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from tests.ext.llm.answers import USAGE, Answer, Finish, ToolCall, Usage, answer
from tests.ext.llm.openai.answering_chat import CREATED, HEADERS, MODEL
from tests.ext.llm.protocols import Event, Json, Script, encode, json_response, stream_response

ENCRYPTED: Final = "gAAAA-encrypted"

Fields: TypeAlias = Mapping[str, Json]


def openai_responses(
    text: str | Sequence[str] = (),
    *,
    reasoning: str | Sequence[str] = (),
    encrypted: str | None = ENCRYPTED,
    refusal: str | Sequence[str] = (),
    tool_calls: Sequence[ToolCall] = (),
    finish: Finish | None = None,
    usage: Usage | None = USAGE,
    model: str = MODEL,
) -> Script:
    """Return a response whose items are those that are given of reasoning, a message and calls of functions.

    Args:
        text: The tokens of the text, or a text to cut into tokens; `reasoning` and `refusal` as well.
        reasoning: The summary of the reasoning.
        encrypted: The encrypted reasoning, which must come back unchanged in the next turn.
        refusal: Why the model does not answer.
        tool_calls: The calls, in the order of their items.
        finish: "length" and "content_filter" make an incomplete response.
        usage: The used tokens; None for a server that does not send them.
        model: The name of the model that answers.
    """
    said = answer(text, reasoning=reasoning, refusal=refusal, tool_calls=tool_calls, finish=finish)
    streams = list(_streams(said, encrypted))
    started = _response(model, "in_progress")
    ended = _ended(model, said, [each for each, _ in streams], usage)
    events: list[Fields] = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
        *({**each, "output_index": index} for index, (_, stream) in enumerate(streams) for each in stream),
        {"type": f"response.{ended['status']}", "response": ended},
    ]
    return Script(
        json_response(ended, headers=HEADERS),
        stream_response(*(_numbered(each, number) for number, each in enumerate(events)), headers=HEADERS),
    )


def response_failed(code: str, message: str) -> Script:
    """Return a response with status 200 that fails while it is being generated."""
    failed = _response(MODEL, "failed", error={"code": code, "message": message})
    started = _response(MODEL, "in_progress")
    events: list[Fields] = [
        {"type": "response.created", "response": started},
        {"type": "response.failed", "response": failed},
    ]
    stream = stream_response(*(_numbered(each, number) for number, each in enumerate(events)), headers=HEADERS)
    return Script(json_response(failed, headers=HEADERS), stream)


def responses_error(code: str, message: str) -> Event:
    """Return an error in the middle of a stream."""
    return _numbered({"type": "error", "code": code, "message": message, "param": None}, 99)


def unknown_responses_event() -> Event:
    """Return an event that a later version of the protocol may send."""
    return _numbered({"type": "response.surprise.delta", "surprise": "of a later version"}, 99)


def usage_of_responses(usage: Usage) -> Fields:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _numbered(fields: Fields, number: int) -> Event:
    return Event(encode({**fields, "sequence_number": number}), name=str(fields["type"]))


def _response(
    model: str,
    status: str,
    *,
    output: Sequence[Json] = (),
    error: Json = None,
    incomplete: Json = None,
    usage: Json = None,
) -> Fields:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": error,
        "incomplete_details": incomplete,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage,
    }


def _ended(model: str, said: Answer, output: Sequence[Json], usage: Usage | None) -> Fields:
    reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
    reason = reasons.get(said.reason)
    return _response(
        model,
        "incomplete" if reason else "completed",
        output=output,
        incomplete={"reason": reason} if reason else None,
        usage=None if usage is None else usage_of_responses(usage),
    )


def _streams(said: Answer, encrypted: str | None) -> Iterator[tuple[Fields, list[Fields]]]:
    """Return the items of an answer, each with the events that stream it."""
    status = "incomplete" if said.reason in ("length", "content_filter") else "completed"
    if said.reasoning:
        item: Fields = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": None}
        whole: Json = {"type": "summary_text", "text": "".join(said.reasoning)}
        done: Fields = {**item, "summary": [whole], "encrypted_content": encrypted}
        yield done, _around(item, done, _summary(said.reasoning))
    if said.text or said.refusal:
        item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        parts = [(_text_part, said.text), (_refusal_part, said.refusal)]
        present = [(part, pieces) for part, pieces in parts if pieces]
        done = {**item, "status": status, "content": [part("".join(pieces)) for part, pieces in present]}
        inner = [
            {**each, "item_id": "msg_1", "content_index": index}
            for index, (part, pieces) in enumerate(present)
            for each in (_text(pieces) if part is _text_part else _refusal(pieces))
        ]
        yield done, _around(item, done, inner)
    for number, call in enumerate(said.tool_calls, 1):
        item = {"id": f"fc_{number}", "type": "function_call", "call_id": call.id, "name": call.name}
        done = {**item, "arguments": call.arguments, "status": status}
        yield done, _around({**item, "arguments": "", "status": "in_progress"}, done, _arguments(call, f"fc_{number}"))


def _around(item: Fields, done: Fields, inner: Sequence[Fields]) -> list[Fields]:
    added: Fields = {"type": "response.output_item.added", "item": item}
    return [added, *inner, {"type": "response.output_item.done", "item": done}]


def _summary(pieces: Sequence[str]) -> list[Fields]:
    place: Fields = {"item_id": "rs_1", "summary_index": 0}
    name = "response.reasoning_summary"
    whole = "".join(pieces)
    return [
        {"type": f"{name}_part.added", **place, "part": {"type": "summary_text", "text": ""}},
        *({"type": f"{name}_text.delta", **place, "delta": each} for each in pieces),
        {"type": f"{name}_text.done", **place, "text": whole},
        {"type": f"{name}_part.done", **place, "part": {"type": "summary_text", "text": whole}},
    ]


def _text_part(text: str) -> Fields:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _refusal_part(refusal: str) -> Fields:
    return {"type": "refusal", "refusal": refusal}


def _text(pieces: Sequence[str]) -> list[Fields]:
    whole = "".join(pieces)
    return [
        {"type": "response.content_part.added", "part": _text_part("")},
        *({"type": "response.output_text.delta", "delta": each, "logprobs": []} for each in pieces),
        {"type": "response.output_text.done", "text": whole, "logprobs": []},
        {"type": "response.content_part.done", "part": _text_part(whole)},
    ]


def _refusal(pieces: Sequence[str]) -> list[Fields]:
    whole = "".join(pieces)
    return [
        {"type": "response.content_part.added", "part": _refusal_part("")},
        *({"type": "response.refusal.delta", "delta": each} for each in pieces),
        {"type": "response.refusal.done", "refusal": whole},
        {"type": "response.content_part.done", "part": _refusal_part(whole)},
    ]


def _arguments(call: ToolCall, item_id: str) -> list[Fields]:
    name = "response.function_call_arguments"
    return [
        *({"type": f"{name}.delta", "item_id": item_id, "delta": each} for each in call.fragments),
        {"type": f"{name}.done", "item_id": item_id, "name": call.name, "arguments": call.arguments},
    ]

"""Chat completions as OpenAI sends them, and as other servers send them in variants of its protocol."""

from collections.abc import Mapping, Sequence
from itertools import chain, count
from typing import Final, Literal, TypeAlias

from tests.ext.llm.answers import USAGE, Answer, Finish, ToolCall, Usage, answer
from tests.ext.llm.protocols import Event, Headers, Json, Script, encode, json_response, stream_response

MODEL: Final = "gpt-mock"
CREATED: Final = 1_790_000_000
REQUEST_ID: Final = "req_mock"
HEADERS: Final[Headers] = (("x-request-id", REQUEST_ID),)

Fields: TypeAlias = Mapping[str, Json]

DONE: Final = Event("[DONE]")

UsageChunk: TypeAlias = Literal["no choices", "a choice", "not asked for", "in the last chunk", "in every chunk"]
"""Where a stream has its usage.

If the request asks for it, in a chunk of its own: with empty `choices`, as OpenAI does, or with one choice. Some
servers always send it: in a chunk of its own, in the one with the finish reason, or in all of them.
"""


def openai_chat(
    text: str | Sequence[str] = (),
    *,
    reasoning: str | Sequence[str] = (),
    refusal: str | Sequence[str] = (),
    tool_calls: Sequence[ToolCall] = (),
    finish: Finish | None = None,
    usage: Usage | None = USAGE,
    usage_chunk: UsageChunk = "no choices",
    role: bool = True,
    interleaved: bool = False,
    odd_ids: bool = False,
    others: Sequence[Answer] = (),
    model: str = MODEL,
) -> Script:
    """Return one answer, or several choices with the `others`.

    Args:
        text: The tokens of the text, or a text to cut into tokens; `reasoning` and `refusal` as well.
        reasoning: The reasoning, which some servers send as `reasoning_content`.
        refusal: Why the model does not answer.
        tool_calls: The calls, in the order of their index.
        finish: The finish reason; by default the one that fits the rest.
        usage: The used tokens; None for a server that does not send them.
        usage_chunk: The place of the usage in a stream.
        role: Whether the messages have the role "assistant".
        interleaved: Whether the fragments of several tool calls alternate, instead of one call after the other.
        odd_ids: Whether each chunk has an id of its own.
        others: More choices, whose chunks alternate with those of the first.
        model: The name of the model that answers.
    """
    choices = [answer(text, reasoning=reasoning, refusal=refusal, tool_calls=tool_calls, finish=finish), *others]
    body: dict[str, Json] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [_choice(each, index, role=role) for index, each in enumerate(choices)],
        **({} if usage is None else {"usage": usage_of_chat(usage)}),
    }
    ids = (f"chatcmpl-{number}" for number in count(1)) if odd_ids else None
    counts = None if usage is None else usage_of_chat(usage)

    def chunk(entries: Sequence[Json], used: Json = None, *, if_asked: bool = False) -> Event:
        return chat_chunk(entries, used, id=next(ids) if ids else "chatcmpl-1", model=model, if_usage_is_asked=if_asked)

    deltas = [_deltas(each, index, role=role, interleaved=interleaved) for index, each in enumerate(choices)]
    always = counts if usage_chunk == "in every chunk" else None
    events = [chunk([each], always) for each in _in_turns(deltas)]
    for index, each in enumerate(choices):
        last = usage_chunk == "in the last chunk" and index == len(choices) - 1
        events.append(chunk([delta(index, {}, each.reason)], counts if last else always))
    if counts is not None and usage_chunk not in ("in the last chunk", "in every chunk"):
        entries = [delta(0, {"content": ""})] if usage_chunk == "a choice" else []
        events.append(chunk(entries, counts, if_asked=usage_chunk != "not asked for"))
    return Script(json_response(body, headers=HEADERS), stream_response(*events, DONE, headers=HEADERS))


def usage_of_chat(usage: Usage) -> dict[str, Json]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": 0},
    }


def chat_chunk(
    choices: Sequence[Json],
    usage: Json = None,
    *,
    id: str = "chatcmpl-1",
    model: str = MODEL,
    if_usage_is_asked: bool = False,
) -> Event:
    """Return a chunk of a stream, with any choices."""
    head: Fields = {"id": id, "object": "chat.completion.chunk", "created": CREATED, "model": model}
    return Event(encode({**head, "choices": choices, "usage": usage}), if_usage_is_asked=if_usage_is_asked)


def delta(index: int, fields: Fields, finish: str | None = None) -> Json:
    """Return a choice of a chunk."""
    return {"index": index, "delta": fields, "logprobs": None, "finish_reason": finish}


def chat_error(kind: str, message: str, *, code: str | None = None) -> Event:
    """Return an error in the middle of a stream."""
    return Event(encode({"error": {"message": message, "type": kind, "param": None, "code": code}}))


def unknown_chat_event() -> Event:
    """Return an event without known fields; a later version of the protocol or a proxy may send it between chunks."""
    return Event(encode({"object": "chat.completion.surprise", "surprise": {"of": "a later version"}}))


def _choice(said: Answer, index: int, *, role: bool) -> Json:
    message: dict[str, Json] = {"role": "assistant"} if role else {}
    message["content"] = "".join(said.text) or None
    message["refusal"] = "".join(said.refusal) or None
    if said.reasoning:
        message["reasoning_content"] = "".join(said.reasoning)
    if said.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in said.tool_calls
        ]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": said.reason}


def _deltas(said: Answer, index: int, *, role: bool, interleaved: bool) -> list[Json]:
    first: list[Fields] = [{"role": "assistant", "content": "" if said.text else None}] if role else []
    calls = [_fragments(call, number) for number, call in enumerate(said.tool_calls)]
    fields: list[Fields] = [
        *first,
        *({"reasoning_content": each} for each in said.reasoning),
        *({"content": each} for each in said.text),
        *({"refusal": each} for each in said.refusal),
        *({"tool_calls": [each]} for each in (_in_turns(calls) if interleaved else chain(*calls))),
    ]
    return [delta(index, each) for each in fields]


def _fragments(call: ToolCall, index: int) -> list[Json]:
    """Return the fragments of a call; only the first one has the id and the name."""
    first: Fields = {
        "index": index,
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }
    rest: list[Fields] = [{"index": index, "function": {"arguments": each}} for each in call.fragments]
    return [first, *rest]


def _in_turns(sources: Sequence[Sequence[Json]]) -> list[Json]:
    longest = max(map(len, sources), default=0)
    return [source[place] for place in range(longest) for source in sources if place < len(source)]

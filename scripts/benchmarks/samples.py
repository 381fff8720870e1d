"""The data of the workloads of codecs, as JSON. Both sides decode it, so that they work with the same values."""

from __future__ import annotations

from typing import Final

__all__ = ["CONVERSATION", "SAMPLES", "conversation", "sample"]

SAMPLES: Final = {
    "small": '{"@type":"Customer","text":"Ada Lovelace","email":"ada<N>@example.com"}',
    "nulls": (
        '{"@type":"Contact","text":"Call her in the evening.","number":<N>,"email":null,"phone":"+44 20 7946 0000",'
        '"city":null,"tags":["tea","express"]}'
    ),
    "null in a text": (
        '{"@type":"Contact","text":"Her answer was null and void.","number":<N>,"email":"ada@example.com",'
        '"phone":"+44 20 7946 0000","city":"London","tags":["tea","express"]}'
    ),
    "Message fields": (
        '{"@type":"Exchange","number":<N>,"question":{"@type":"Customer","text":"Ada","email":"ada@example.com"},'
        '"answer":{"@type":"Address","text":"12 St James\'s Square","city":"London"},'
        '"notes":[{"@type":"Message","text":"She likes tea."},{"@type":"Message","text":"No sugar."}]}'
    ),
    "provider_data": (
        '{"@type":"OpenAIMessage","text":"It is 21 degrees in London.","model":"gpt-5","finish_reason":"stop",'
        '"usage":{"@type":"Usage","input_tokens":<N>,"output_tokens":12},"response_id":"resp_67ccd2bed1ec8190",'
        '"provider_data":{"system_fingerprint":"fp_44709d6fcb","service_tier":"default","logprobs":'
        '[{"token":"It","logprob":-0.25,"top":[]},{"token":" is","logprob":-0.5,"top":["was",null]}]}}'
    ),
    "open": '{"id":<N>,"place":"London","model":"T-1000"}',
    "extras": '{"id":<N>,"place":"London","unit":"celsius","limits":[-40,85],"firmware":{"version":7}}',
    "absent union": '{"id":<N>,"place":"London"}',
    "union": '{"id":<N>,"place":"London","temperature":{"fahrenheit":70}}',
    "agent message": (
        '{"kind":"message","messageId":"5f3a-<N>","role":"agent","parts":[{"kind":"text","text":"Two boxes of '
        'tea."},{"kind":"text","text":"And a pot.","metadata":{"language":"en"}}],"contextId":"c-295","taskId":"t-7",'
        '"metadata":{"priority":1,"labels":["tea","express"]}}'
    ),
    "agent message with a file": (
        '{"kind":"message","messageId":"5f3a-<N>","role":"agent","parts":[{"kind":"text","text":"Here it is."},'
        '{"kind":"file","file":{"uri":"https://example.com/tea.png","mimeType":"image/png"}}],"contextId":"c-295"}'
    ),
    "agent message with extras": (
        '{"kind":"message","messageId":"5f3a-<N>","role":"agent","parts":[{"kind":"text","text":"Here it is.",'
        '"metadata":{"language":"en"},"annotations":["polite"]},{"kind":"file","file":{"uri":'
        '"https://example.com/tea.png","mimeType":"image/png","size":4711},"caption":"tea"},{"kind":"data","data":'
        '{"price":19.5,"boxes":[1,2]}}],"contextId":"c-295","taskId":"t-7","metadata":{"priority":1,"labels":'
        '["tea","express"]},"timestamp":"2025-01-01T00:00:00Z","trace":{"id":"7","span":"8"}}'
    ),
    "tool output": (
        '{"content":[{"type":"text","text":"It is 21 degrees in London."},{"type":"image","data":"iVBORw0KGgo=",'
        '"mimeType":"image/png"}],"isError":false,"structuredContent":{"place":"London","celsius":21,"sample":<N>}}'
    ),
    "vendor event": (
        '{"type":"response.output_text.delta","sequence_number":<N>,"item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c5",'
        '"output_index":0,"content_index":0,"delta":" tea"}'
    ),
}
"""By the name of its kind a value; <N> stands for a number that tells values apart.

The properties have the order in which both sides encode them.
"""

CONVERSATION: Final = (
    '{"@type":"SystemMessage","text":"You are the waiter of a tea house. Conversation <N>."}',
    '{"@type":"UserMessage","text":"What is the weather in London? I would like to sit outside."}',
    (
        '{"@type":"OpenAIMessage","model":"gpt-5","tool_calls":[{"@type":"ToolCall","id":"call_<N>",'
        '"name":"weather","arguments":"{\\"place\\":\\"London\\"}"}],"finish_reason":"tool_calls","usage":{"@type":"Usage",'
        '"input_tokens":212,"output_tokens":18},"provider_data":{"service_tier":"default"}}'
    ),
    '{"@type":"ToolResultMessage","text":"{\\"celsius\\":21,\\"wind\\":null}","tool_call_id":"call_<N>","tool_name":"weather"}',
    (
        '{"@type":"OpenAIMessage","text":"It is 21 degrees: sit in the garden.","model":"gpt-5","finish_reason":"stop",'
        '"usage":{"@type":"Usage","input_tokens":259,"output_tokens":14}}'
    ),
)
"""The messages of a conversation with a model, in turn."""


def sample(kind: str, number: int) -> bytes:
    """Return a value of a kind as JSON."""
    return SAMPLES[kind].replace("<N>", str(number)).encode()


def conversation(n: int) -> list[bytes]:
    """Return the messages of conversations, `n` in all, as JSON."""
    return [CONVERSATION[place % len(CONVERSATION)].replace("<N>", str(place)).encode() for place in range(n)]

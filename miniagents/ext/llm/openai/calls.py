"""Calls of OpenAI's SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniagents.ext.llm._answers import chunks_of, without_headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from openai import AsyncOpenAI

__all__ = ["chat_chunks", "response_chunks"]


def chat_chunks(client: AsyncOpenAI, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
    """What `chat.completions.create` gives, piece by piece."""
    from openai import AsyncStream  # noqa: PLC0415 - the SDK is imported when it is used, not before

    client, body = without_headers(client, body)
    return chunks_of(client.chat.completions.with_raw_response.create, body, AsyncStream[object], stream=stream)


def response_chunks(client: AsyncOpenAI, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
    """What `responses.create` gives, piece by piece."""
    from openai import AsyncStream  # noqa: PLC0415 - as above

    client, body = without_headers(client, body)
    return chunks_of(client.responses.with_raw_response.create, body, AsyncStream[object], stream=stream)

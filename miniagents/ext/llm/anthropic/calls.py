"""Calls of Anthropic's SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from miniagents.ext.llm._answers import chunks_of, without_headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from anthropic import AsyncAnthropic
    from anthropic.lib.bedrock import AsyncAnthropicBedrock
    from anthropic.lib.vertex import AsyncAnthropicVertex

    AnthropicClient: TypeAlias = AsyncAnthropic | AsyncAnthropicBedrock | AsyncAnthropicVertex
    """A client of Anthropic's SDK; all others are derived from the first."""

__all__ = ["message_chunks"]


def message_chunks(
    client: AnthropicClient, body: Mapping[str, object], *, stream: bool
) -> AsyncGenerator[object, None]:
    """What `messages.create` gives, piece by piece."""
    from anthropic import AsyncStream  # noqa: PLC0415 - the SDK is imported when it is used, not before

    client, body = without_headers(client, body)
    return chunks_of(client.messages.with_raw_response.create, body, AsyncStream[object], stream=stream)

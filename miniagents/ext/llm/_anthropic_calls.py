"""Calls of Anthropic's SDK, with plain JSON coming back, for the reasons that `_openai_calls` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from miniagents.ext.llm._answers import no_events, whole_answer, without_headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from anthropic import AsyncAnthropic
    from anthropic.lib.bedrock import AsyncAnthropicBedrock
    from anthropic.lib.vertex import AsyncAnthropicVertex

    AnthropicClient: TypeAlias = AsyncAnthropic | AsyncAnthropicBedrock | AsyncAnthropicVertex
    """A client of Anthropic's SDK; all others are derived from the first."""

__all__ = ["message_chunks"]

_END: Final = object()


async def message_chunks(
    client: AnthropicClient, body: Mapping[str, object], *, stream: bool
) -> AsyncGenerator[object, None]:
    """What `messages.create` gives, piece by piece."""
    from anthropic import AsyncStream  # noqa: PLC0415 - the SDK is imported when it is used, not before

    client, body = without_headers(client, body)
    create: Any = client.messages.with_raw_response.create  # Any: none of its overloads takes a whole body
    if not stream:
        yield whole_answer((await create(**body)).http_response)
        return
    raw = await create(**body, stream=True)
    http = raw.http_response
    try:
        stream_of_events = await raw.parse(to=AsyncStream[object])
        count = 0
        # not `async for`, for which the SDK puts one more generator around its own
        while (chunk := await anext(stream_of_events, _END)) is not _END:
            count += 1
            yield chunk
        if not count:
            raise no_events(http)
    finally:
        await http.aclose()

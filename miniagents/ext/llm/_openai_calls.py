"""Calls of OpenAI's SDK, with plain JSON coming back.

The SDK's typed events are built of whatever a server sends without a look at it; plain JSON is what was sent. And it is
faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from miniagents.ext.llm._answers import no_events, whole_answer, without_headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from openai import AsyncOpenAI

_END: Final = object()

__all__ = ["chat_chunks", "response_chunks"]


def chat_chunks(client: AsyncOpenAI, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
    """What `chat.completions.create` gives, piece by piece."""
    client, body = without_headers(client, body)
    return _chunks(client.chat.completions.with_raw_response.create, body, stream=stream)


def response_chunks(client: AsyncOpenAI, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
    """What `responses.create` gives, piece by piece."""
    client, body = without_headers(client, body)
    return _chunks(client.responses.with_raw_response.create, body, stream=stream)


async def _chunks(
    create: Callable[..., Awaitable[Any]],  # Any: of the SDK's overloads, none of which takes a whole body
    body: Mapping[str, object],
    *,
    stream: bool,
) -> AsyncGenerator[object, None]:
    from openai import AsyncStream  # noqa: PLC0415 - the SDK is imported when it is used, not before

    if not stream:
        yield whole_answer((await create(**body)).http_response)
        return
    raw = await create(**body, stream=True)
    http = raw.http_response
    try:
        stream_of_events = raw.parse(to=AsyncStream[object])
        count = 0
        # not `async for`, for which the SDK puts one more generator around its own
        while (chunk := await anext(stream_of_events, _END)) is not _END:
            count += 1
            yield chunk
        if not count:
            raise no_events(http)
    finally:
        await http.aclose()

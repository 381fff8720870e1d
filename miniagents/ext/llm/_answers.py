"""What calls of both SDKs have in common: headers that may be secret, and plain JSON coming back.

The SDKs' typed events are built of whatever a server sends without a look at it; plain JSON is what was sent. And it is
faster.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from miniagents.ext.llm._clients import import_sdk
from miniagents.ext.llm._json import is_object
from miniagents.ext.llm.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from typing_extensions import TypeVar

    C = TypeVar("C", bound="_Client")

__all__ = ["chunks_of", "whole_answer"]

_END: Final = object()


class _Client(Protocol):
    """What both SDKs' clients can do."""

    def with_options(self, *, default_headers: Mapping[str, str] | None = ...) -> Self:
        """Return the same client with further headers, over the same connections."""
        ...


async def chunks_of(
    sdk: str,
    client: C,
    create: Callable[[C], Callable[..., Awaitable[Any]]],  # Any: of the SDK's overloads, none of which takes a body
    body: Mapping[str, object],
    *,
    stream: bool,
) -> AsyncGenerator[object, None]:
    """Make a request and yield what the SDK gives, piece by piece; a whole answer is the only piece.

    Args:
        sdk: The name of the SDK's module.
        client: The client of it.
        create: The client's method that makes the request and returns the raw response.
        body: The arguments of that method.
        stream: Whether the answer is streamed.
    """
    client, arguments = _without_headers(client, body)
    if not stream:
        yield whole_answer((await create(client)(**arguments)).http_response)
        return
    raw = await create(client)(**arguments, stream=True)
    http = raw.http_response
    try:
        events = raw.parse(to=import_sdk(sdk).AsyncStream[object])
        if inspect.isawaitable(events):  # as Anthropic's SDK has it
            events = await events
        count = 0
        # not `async for`, for which the SDKs put one more generator around their own
        while (chunk := await anext(events, _END)) is not _END:
            count += 1
            yield chunk
        if not count:
            raise _no_events(http)
    finally:
        await http.aclose()


def whole_answer(http: Any) -> object:  # Any: a response of the HTTP client that the SDK brings
    """Return the JSON of an answer that came as a whole.

    Raises:
        ProtocolError: It is no JSON.
    """
    try:
        answer: object = json.loads(http.content)
    except ValueError as error:
        kind, reason = http.headers.get("content-type", "unknown"), str(error)
    else:
        return answer
    raise ProtocolError(f"the answer is no JSON, but content of type {kind!r}: {reason}")


# --- machinery ---


def _without_headers(client: C, body: Mapping[str, object]) -> tuple[C, dict[str, object]]:
    """Return a client that sends the headers of one request, and the arguments of the call without them.

    The SDKs log the arguments of a call, and a header may be a secret; those of a client are not logged.
    """
    arguments = dict(body)
    headers = arguments.pop("extra_headers", None)
    if is_object(headers) and headers:
        client = client.with_options(default_headers={name: str(value) for name, value in headers.items()})
    return client, arguments


def _no_events(http: Any) -> ProtocolError:  # Any: as above
    """Return the error of a stream with nothing in it."""
    kind = http.headers.get("content-type", "unknown")
    hint = "; give stream=False where the server does not stream" if "json" in kind else ""
    return ProtocolError(f"the server sent no events, but content of type {kind!r}{hint}")

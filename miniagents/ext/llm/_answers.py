"""Calls of both SDKs: they keep headers out of the logs, and return plain JSON.

The SDKs make typed events without validating the server's data, so the types may be wrong. Plain JSON shows what was
really sent, and is faster.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any, Final

from miniagents.ext.llm._clients import import_sdk
from miniagents.ext.llm._error_bodies import said_in
from miniagents.ext.llm._json import is_object
from miniagents.ext.llm.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from typing_extensions import TypeVar

    from miniagents.ext.llm._clients import SDKClient

    C = TypeVar("C", bound="SDKClient")

__all__ = ["answer_once", "chunks_of", "whole_answer"]

_END: Final = object()


async def chunks_of(
    sdk: str,
    client: C,
    create: Callable[[C], Callable[..., Awaitable[Any]]],  # Any: the SDK's overloads do not take a body
    body: Mapping[str, object],
    *,
    stream: bool,
    done: object = None,
) -> AsyncGenerator[object, None]:
    """Make a request and yield the pieces of the answer as plain JSON; an answer that is not streamed is one piece.

    Args:
        sdk: The name of the SDK's module.
        client: The SDK's client.
        create: Returns the method of a client that makes the request and returns the raw response.
        body: The arguments of that method.
        stream: Whether the answer is streamed.
        done: What to yield at the end if the server sent the mark `[DONE]`; None for nothing.

    Raises:
        ProtocolError: The answer is not JSON, or the stream has no events.
    """
    if not stream:
        yield await answer_once(client, create, body)
        return
    client, arguments = _without_headers(client, body)
    raw = await create(client)(**arguments, stream=True)
    http = raw.http_response
    try:
        if _is_whole(http):  # an error, or the answer of a server that does not stream
            await http.aread()
            try:
                answer: object = json.loads(http.content)
            except ValueError:
                pass  # events, whatever the server calls them
            else:
                yield answer
                return
        end = _End(http) if done is not None else None
        events = raw.parse(to=import_sdk(sdk).AsyncStream[object])
        if inspect.isawaitable(events):  # Anthropic's SDK parses in a coroutine, OpenAI's does not
            events = await events
        count = 0
        # `async for` would be slower: the SDKs wrap one more generator around their own for it
        while (chunk := await anext(events, _END)) is not _END:
            count += 1
            yield chunk
        if not count:
            raise _no_events(http)
        if end is not None and end.is_marked:
            yield done
    finally:
        await http.aclose()


async def answer_once(
    client: C,
    method: Callable[[C], Callable[..., Awaitable[Any]]],  # Any: the SDK's overloads do not take a body
    body: Mapping[str, object],
) -> object:
    """Make a request that is not streamed, and return its answer as plain JSON.

    Args:
        client: The SDK's client.
        method: Returns the method of a client that makes the request and returns the raw response.
        body: The arguments of that method.

    Raises:
        ProtocolError: The answer is not JSON.
    """
    client, arguments = _without_headers(client, body)
    return whole_answer((await method(client)(**arguments)).http_response)


def whole_answer(http: Any) -> object:  # Any: a response of the SDK's HTTP client
    """Return the JSON of an answer that was not streamed.

    Raises:
        ProtocolError: The answer is not JSON.
    """
    try:
        answer: object = json.loads(http.content)
    except ValueError as error:
        reason = str(error)
    else:
        return answer
    raise ProtocolError(f"the answer is no JSON, but {_content_of(http)}: {reason}")


# --- machinery ---


def _without_headers(client: C, body: Mapping[str, object]) -> tuple[C, dict[str, object]]:
    """Return a client that sends the headers of one request, and the arguments of the call without them.

    The SDKs log the arguments of a call, and a header may be a secret. They do not log the headers of a client.
    """
    arguments = dict(body)
    headers = arguments.pop("extra_headers", None)
    if is_object(headers) and headers:
        client = client.with_options(default_headers={name: str(value) for name, value in headers.items()})
    return client, arguments


class _End:
    """Watches the end of a stream, since the SDK does not tell whether it had the mark."""

    __slots__ = ("_tail",)

    def __init__(self, http: Any) -> None:  # Any: a response of the SDK's HTTP client
        self._tail = b""
        read = http.aiter_bytes

        async def watched() -> AsyncGenerator[bytes, None]:
            async for content in read():
                self._tail = content if len(content) >= _LONGEST_MARK else (self._tail + content)[-_LONGEST_MARK:]
                yield content

        http.aiter_bytes = watched

    @property
    def is_marked(self) -> bool:
        """Whether the last line is the mark."""
        return _MARK.search(self._tail) is not None


_MARK: Final = re.compile(rb"data:[ \t]*\[DONE\]\s*\Z")
_LONGEST_MARK: Final = 64


def _no_events(http: Any) -> ProtocolError:  # Any: a response of the SDK's HTTP client
    """Return the error for a stream without events."""
    return ProtocolError(f"the server sent no events, but {_content_of(http)}")


def _is_whole(http: Any) -> bool:  # Any: a response of the SDK's HTTP client
    kind = _kind_of(http)
    return "json" in kind or "html" in kind


def _kind_of(http: Any) -> str:  # Any: a response of the SDK's HTTP client
    kind: str = http.headers.get("content-type", "unknown")
    return kind


def _content_of(http: Any) -> str:  # Any: a response of the SDK's HTTP client
    """Say what a response has instead of an answer; a page of a proxy tells why."""
    kind = _kind_of(http)
    words = said_in(http.text).text if "html" in kind else ""
    return f"content of type {kind!r}{f' ({words})' if words else ''}"

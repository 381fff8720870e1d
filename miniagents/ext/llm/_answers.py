"""What calls of both SDKs have in common: headers that may be secret, and answers that are no streams."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, Self

from miniagents.ext.llm._json import is_object
from miniagents.ext.llm.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import TypeVar

    C = TypeVar("C", bound="_Client")

__all__ = ["no_events", "whole_answer", "without_headers"]


class _Client(Protocol):
    """What both SDKs' clients can do."""

    def with_options(self, *, default_headers: Mapping[str, str] | None = ...) -> Self:
        """The same client with further headers, over the same connections."""
        ...


def without_headers(client: C, body: Mapping[str, object]) -> tuple[C, dict[str, object]]:
    """A client that sends the headers of one request, and the arguments of the call without them.

    The SDKs log the arguments of a call, and a header may be a secret; those of a client are not logged.
    """
    arguments = dict(body)
    headers = arguments.pop("extra_headers", None)
    if is_object(headers) and headers:
        client = client.with_options(default_headers={name: str(value) for name, value in headers.items()})
    return client, arguments


def no_events(http: Any) -> ProtocolError:  # Any: a response of the HTTP client that the SDK brings
    """The error of a stream with nothing in it."""
    kind = http.headers.get("content-type", "unknown")
    hint = "; give stream=False where the server does not stream" if "json" in kind else ""
    return ProtocolError(f"the server sent no events, but content of type {kind!r}{hint}")


def whole_answer(http: Any) -> object:  # Any: as above
    """The JSON of an answer that came as a whole.

    Raises:
        ProtocolError: it is no JSON.
    """
    try:
        answer: object = json.loads(http.content)
    except ValueError as error:
        kind, reason = http.headers.get("content-type", "unknown"), str(error)
    else:
        return answer
    raise ProtocolError(f"the answer is no JSON, but content of type {kind!r}: {reason}")

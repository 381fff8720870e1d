"""HTTP answers that are not streams, or should have been."""

from __future__ import annotations

import json
from typing import Any

from miniagents.ext.llm.errors import ProtocolError

__all__ = ["no_events", "whole_answer"]


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

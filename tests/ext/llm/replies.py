"""Replies in the protocol of the request: one description serves the tests of all vendors."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from tests.ext.llm.answers import USAGE, Answer, Finish, ToolCall, Usage
from tests.ext.llm.anthropic import answering as anthropic_answering
from tests.ext.llm.anthropic.answering import anthropic_messages
from tests.ext.llm.openai import answering_chat
from tests.ext.llm.openai.answering_chat import openai_chat
from tests.ext.llm.openai.answering_responses import openai_responses
from tests.ext.llm.protocols import (
    Event,
    Headers,
    Json,
    Request,
    Response,
    Script,
    json_response,
    stream_response,
    text_response,
)

CHAT: Final = "/v1/chat/completions"
RESPONSES: Final = "/v1/responses"
MESSAGES: Final = "/v1/messages"
EMBEDDINGS: Final = "/v1/embeddings"


class Builder(Protocol):
    """A function that makes a script from an answer, in one protocol."""

    def __call__(
        self,
        text: Sequence[str],
        /,
        *,
        reasoning: Sequence[str],
        refusal: Sequence[str],
        tool_calls: Sequence[ToolCall],
        finish: Finish | None,
        usage: Usage,
    ) -> Script: ...


PROTOCOLS: Final[Mapping[str, Builder]] = {
    CHAT: openai_chat,
    RESPONSES: openai_responses,
    MESSAGES: anthropic_messages,
}
"""The builders by the paths of their requests."""


OPENAI_ERRORS: Final[Mapping[int, tuple[str, str | None]]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    408: ("timeout", None),
    409: ("invalid_request_error", None),
    413: ("invalid_request_error", None),
    422: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("service_unavailable", None),
    529: ("server_error", None),
}
"""The type and the code of an error, by its status."""

ANTHROPIC_ERRORS: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}
"""The type of an error, by its status."""


def script_for(path: str, said: Answer, usage: Usage = USAGE) -> Script:
    """Return the script of an answer, in the protocol of a path."""
    protocol = path.partition("?")[0]
    assert protocol in PROTOCOLS, f"no model answers at {path}"
    return PROTOCOLS[protocol](
        said.text,
        reasoning=said.reasoning,
        refusal=said.refusal,
        tool_calls=said.tool_calls,
        finish=said.finish,
        usage=usage,
    )


@dataclasses.dataclass(frozen=True)
class Saying:
    """An answer in the protocol of the request."""

    said: Answer
    usage: Usage = USAGE
    change: Callable[[Script], Script] = lambda script: script
    """Makes the script faulty, such as `lambda script: script.cut(after=3)`."""

    def to(self, request: Request) -> Response:
        """Return the answer in the protocol of the request's path."""
        return self.change(script_for(request.path, self.said, self.usage)).to(request)


@dataclasses.dataclass(frozen=True)
class HttpError:
    """An error in the protocol of the request."""

    status: int
    kind: str | None
    message: str
    code: str | None
    headers: Headers

    def to(self, request: Request) -> Response:
        """Return the error in the protocol of the request's path."""
        if request.path.startswith(MESSAGES):
            error: Json = {"type": self.kind or ANTHROPIC_ERRORS[self.status], "message": self.message}
            body: Json = {"type": "error", "error": error, "request_id": anthropic_answering.REQUEST_ID}
            return json_response(body, status=self.status, headers=(*anthropic_answering.HEADERS, *self.headers))
        kind, code = OPENAI_ERRORS[self.status]
        error = {"message": self.message, "type": self.kind or kind, "param": None, "code": self.code or code}
        return json_response({"error": error}, status=self.status, headers=(*answering_chat.HEADERS, *self.headers))


def http_error(
    status: int,
    kind: str | None = None,
    message: str = "The server says no.",
    *,
    code: str | None = None,
    retry_after: float | None = None,
    headers: Headers = (),
) -> HttpError:
    """Return an answer with an error status.

    Args:
        status: The HTTP status.
        kind: The `type` of the error; by default the one that the vendor has for this status.
        message: What people read.
        code: OpenAI's `code`, such as "context_length_exceeded"; by default the one for this status.
        retry_after: The seconds that a client is to wait; both SDKs take fractions.
        headers: More headers.
    """
    delay = () if retry_after is None else (("retry-after", f"{retry_after:g}"),)
    return HttpError(status, kind, message, code, (*delay, *headers))


def malformed_body(content: str = '{"id": "half of') -> Response:
    """Return a response with status 200 whose content type is JSON, but whose body is not; it is never streamed."""
    return text_response(content)


def malformed_event(content: str = '{"id": "half of') -> Response:
    """Return a stream whose first event is not JSON."""
    return stream_response(Event(content, name="message_start"))


def wrong_content_type(content: str = "<html><body>Welcome to the proxy!</body></html>") -> Response:
    """Return an HTML page, with status 200."""
    return text_response(content, headers=(("content-type", "text/html"),))


def empty_body() -> Script:
    """Return a response with an empty body."""
    return Script(text_response(""), stream_response())

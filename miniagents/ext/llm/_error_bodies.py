"""The one reader of errors as servers say them: as the body of a status, inside a stream, or as a whole answer.

There are many forms: OpenAI's, Anthropic's and Google's objects, those of FastAPI, lists, texts, and pages of proxies.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from miniagents.ext.llm import errors
from miniagents.ext.llm._json import identifier_in, is_object
from miniagents.messages.values.freezing import is_list, is_tuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from miniagents.ext.llm._json import JsonObject
    from miniagents.ext.llm.errors import LanguageModelError

__all__ = ["Said", "class_of", "error_of_body", "error_of_response", "problem_in", "said_in", "shortened"]


class Said(NamedTuple):
    """What a server says of an error.

    Attributes:
        codes: Its names and numbers for the error; the most exact ones come first.
        text: Its words; they may be empty.
    """

    codes: tuple[str, ...]
    text: str

    @property
    def code(self) -> str | None:
        """The name that the library knows, or else the first one."""
        return next((code for code in self.codes if code in _BY_CODE), self.codes[0] if self.codes else None)


def said_in(body: object) -> Said:
    """Read the codes and the words of a body of any form."""
    codes = tuple(dict.fromkeys(code for part in _parts_of(body, 0) for code in _codes_in(part)))
    return Said(codes, shortened(_words_of(body, 0)))


def error_of_body(body: object) -> LanguageModelError:
    """Return the error for a body that a server sent in an answer, where there is no status that tells its class."""
    said = said_in(body)
    text = said.text or said.code or "the provider failed without saying why"
    return class_of(said, None)(text, code=said.code)


def error_of_response(
    status: int, body: object, *, retry_after: float | None = None, request_id: str | None = None
) -> LanguageModelError:
    """Return the error for a response whose status says that the request failed, for providers without an SDK.

    Args:
        status: The HTTP status, such as 429.
        body: The body of the response: decoded JSON, or text.
        retry_after: The seconds after which the server wants to be asked again.
        request_id: The server's identifier of the request.
    """
    said = said_in(body)
    text = said.text or said.code or "the provider failed without saying why"
    return class_of(said, status)(text, status=status, code=said.code, retry_after=retry_after, request_id=request_id)


def problem_in(answer: JsonObject, content: str) -> LanguageModelError | None:
    """Return the error that an answer is, in whatever form; None if it is an answer.

    Args:
        answer: The whole answer, or a piece of it.
        content: The property that an answer has, such as "choices".
    """
    is_error = bool(answer.get("error")) or "error" in (answer.get("object"), answer.get("type"))
    if not is_error and not answer.get(content):
        is_error = any(answer.get(name) for name in _ONLY_OF_ERRORS)
    return error_of_body(answer) if is_error else None


def class_of(said: Said, status: int | None) -> type[LanguageModelError]:
    """Return the class of an error.

    Args:
        said: What the server says.
        status: The status of the response; None if it says nothing of the error, as in the middle of a stream.
    """
    for code in said.codes:
        if code in _BY_CODE:
            return _BY_CODE[code]
    if status in (None, 200):
        numbers = (int(code) for code in said.codes if code.isdecimal() and len(code) == 3)
        status = next((number for number in numbers if number >= 400), None)
    words = said.text.lower()
    if status in _OF_WORDS and any(each in words for each in _TOO_LONG):
        return errors.ContextTooLongError
    if status in (*_OF_WORDS, 403, 429) and any(each in words for each in _NO_CREDIT):
        return errors.QuotaExceededError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return errors.RequestRefusedError if status is not None and 400 <= status < 500 else errors.ProviderError


def shortened(text: str) -> str:
    """Return a text as one line that is not too long: some providers send whole pages."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


# --- machinery ---

_BY_STATUS: Final[Mapping[int | None, type[LanguageModelError]]] = {
    401: errors.AuthenticationError,
    402: errors.QuotaExceededError,
    403: errors.AuthenticationError,
    408: errors.ModelTimeoutError,
    409: errors.TransientModelError,
    413: errors.ContextTooLongError,
    429: errors.RateLimitError,
    503: errors.OverloadedError,
    504: errors.ModelTimeoutError,
    529: errors.OverloadedError,
}

_BY_CODE: Final[Mapping[str, type[LanguageModelError]]] = {
    "1113": errors.QuotaExceededError,  # of Z.ai, whose codes have four digits
    "1261": errors.ContextTooLongError,
    "1301": errors.ContentFilterError,
    "1302": errors.RateLimitError,
    "1303": errors.RateLimitError,
    "DEADLINE_EXCEEDED": errors.ModelTimeoutError,  # of Google
    "INTERNAL": errors.ProviderError,
    "PERMISSION_DENIED": errors.AuthenticationError,
    "RESOURCE_EXHAUSTED": errors.RateLimitError,
    "UNAUTHENTICATED": errors.AuthenticationError,
    "UNAVAILABLE": errors.OverloadedError,
    "api_error": errors.ProviderError,
    "authentication_error": errors.AuthenticationError,
    "billing_error": errors.QuotaExceededError,
    "content_filter": errors.ContentFilterError,
    "content_policy_violation": errors.ContentFilterError,
    "context_length_exceeded": errors.ContextTooLongError,
    "exceed_context_size_error": errors.ContextTooLongError,
    "exceeded_current_quota_error": errors.QuotaExceededError,
    "image_content_policy_violation": errors.ContentFilterError,
    "insufficient_quota": errors.QuotaExceededError,
    "internal_server_error": errors.ProviderError,
    "invalid_api_key": errors.AuthenticationError,
    "invalid_prompt": errors.ContentFilterError,
    "overloaded_error": errors.OverloadedError,
    "permission_error": errors.AuthenticationError,
    "rate_limit_error": errors.RateLimitError,
    "rate_limit_exceeded": errors.RateLimitError,
    "rate_limit_reached_error": errors.RateLimitError,
    "request_too_large": errors.ContextTooLongError,
    "server_error": errors.ProviderError,
    "server_overloaded": errors.OverloadedError,
    "timeout_error": errors.ModelTimeoutError,
    "vector_store_timeout": errors.ModelTimeoutError,
}

_TOO_LONG: Final = (
    "context length",
    "context size",
    "context window",
    "context_length",
    "exceeds the maximum number of tokens",
    "greater than the context",
    "maximum context",
    "maximum prompt length",
    "prompt is too long",
    "reduce the length of the messages",
    "too many tokens",
)
"""Words of servers that send no code for a conversation that is too long."""

_NO_CREDIT: Final = (
    "credit balance is too low",
    "insufficient balance",
    "insufficient credit",
    "insufficient_quota",
    "not enough credits",
    "out of credits",
)
"""Words of servers that send no code for an account without credit."""

_OF_WORDS: Final = (None, 400, 413, 422, 500)
"""The statuses that do not tell; with others, such words mean something else ("too many tokens" in a minute)."""

_CODES: Final = ("code", "type", "status", "error_code", "error_type")
_WORDS: Final = ("message", "detail", "msg", "error", "errors", "error_message", "error_msg", "description", "title")
_ONLY_OF_ERRORS: Final = ("detail", "errors", "message", "msg", "error_message", "error_msg")

_LONGEST: Final = 1000
_LONGEST_CODE: Final = 100
_DEEPEST: Final = 6
"""How deep the words of an error are looked for."""

_PAGE: Final = re.compile(r"\s*(<!doctype|<html|<head|<body)", re.IGNORECASE)
_NO_WORDS: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_LONGEST_PAGE: Final = 20_000


def _parts_of(body: object, depth: int) -> Iterator[JsonObject]:
    """Yield the objects that may have codes: the innermost first, because wrappers only repeat the status."""
    if depth > _DEEPEST:
        return
    if is_list(body) or is_tuple(body):
        for each in body[:1]:
            yield from _parts_of(each, depth + 1)
    elif is_object(body):
        for name in ("error", "errors", "detail"):
            yield from _parts_of(body.get(name), depth + 1)
        yield body


def _codes_in(part: JsonObject) -> Iterator[str]:
    for name in _CODES:
        code = identifier_in(part, name)
        if code and code != "error" and len(code) <= _LONGEST_CODE:
            yield code


def _words_of(value: object, depth: int) -> str:
    if isinstance(value, str):
        return _without_tags(value)
    if depth > _DEEPEST:
        return ""
    if is_list(value) or is_tuple(value):
        return "; ".join(filter(None, (_words_of(each, depth + 1) for each in value[:10])))
    if not is_object(value):
        return ""
    words = next(filter(None, (_words_of(value.get(name), depth + 1) for name in _WORDS)), "")
    place, metadata = value.get("loc"), value.get("metadata")
    if words and (is_list(place) or is_tuple(place)):  # of FastAPI
        words = f"{'.'.join(_without_tags(str(each)) for each in place)}: {words}"
    raw = metadata.get("raw") if is_object(metadata) else None
    return f"{words}: {_words_of(raw, depth + 1)}" if raw else words  # of OpenRouter: what the model's provider said


def _without_tags(text: str) -> str:
    if not _PAGE.match(text):
        return text
    return html.unescape(_NO_WORDS.sub(" ", text[:_LONGEST_PAGE]))

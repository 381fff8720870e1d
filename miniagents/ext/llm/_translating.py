"""Translates the SDKs' errors into the library's own.

Both SDKs have a tree of errors, and raise other errors as well. This module distinguishes them by the names of their
classes, their attributes and their texts, so that it need not import an SDK. It never keeps an SDK's error, because
that holds the request, and the request holds the key.
"""

from __future__ import annotations

import email.utils
import json
import time
from typing import TYPE_CHECKING, Final, TypedDict

from miniagents.ext.llm import errors
from miniagents.ext.llm._json import is_object, object_in, text_in
from miniagents.ext.llm.errors import LanguageModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miniagents.ext.llm._json import JsonObject
    from miniagents.messages import AssistantMessage

__all__ = ["error_of_code", "translated"]

_BY_STATUS: Final[Mapping[int, type[LanguageModelError]]] = {
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
    "api_error": errors.ProviderError,
    "authentication_error": errors.AuthenticationError,
    "billing_error": errors.QuotaExceededError,
    "content_filter": errors.ContentFilterError,
    "content_policy_violation": errors.ContentFilterError,
    "context_length_exceeded": errors.ContextTooLongError,
    "image_content_policy_violation": errors.ContentFilterError,
    "insufficient_quota": errors.QuotaExceededError,
    "internal_server_error": errors.ProviderError,
    "invalid_api_key": errors.AuthenticationError,
    "invalid_prompt": errors.ContentFilterError,
    "overloaded_error": errors.OverloadedError,
    "permission_error": errors.AuthenticationError,
    "rate_limit_error": errors.RateLimitError,
    "rate_limit_exceeded": errors.RateLimitError,
    "request_too_large": errors.ContextTooLongError,
    "server_error": errors.ProviderError,
    "server_overloaded": errors.OverloadedError,
    "timeout_error": errors.ModelTimeoutError,
    "vector_store_timeout": errors.ModelTimeoutError,
}

_TOO_LONG: Final = ("context length", "context_length", "context window", "prompt is too long", "too many tokens")
"""Words of servers that send no code for a conversation that is too long."""

_LONGEST: Final = 1000
"""How many characters of a provider's text are kept: some providers send whole pages."""

_PROTOCOL_ERRORS: Final = (
    json.JSONDecodeError,
    UnicodeDecodeError,
    AssertionError,
    KeyError,
    AttributeError,
    ValueError,
    RecursionError,
)
"""Errors that the SDKs raise if the body is not as they expect."""


class _Known(TypedDict, total=False):
    provider: str
    model: str
    partial: AssistantMessage | None
    status: int | None
    code: str | None
    request_id: str | None
    retry_after: float | None


def translated(
    error: Exception,
    *,
    provider: str,
    model: str,
    conceal: Callable[[str], str],
    partial: AssistantMessage | None = None,
) -> LanguageModelError:
    """Translate an error of an SDK, or of the HTTP client under it.

    Args:
        error: The error.
        provider: The name of the provider.
        model: The name of the model.
        conceal: Removes secrets from a text.
        partial: The part of the answer that had arrived.
    """
    known: _Known = {"provider": provider, "model": model, "partial": partial}
    if isinstance(error, LanguageModelError):
        cls, said = type(error), str(error)
        known |= {"status": error.status, "code": error.code, "retry_after": error.retry_after}
    else:
        cls, said = _class_and_text(error, known)
    where = f"{provider} {model}"
    if known.get("status") not in (None, 200):
        where += f" (HTTP {known.get('status')})"
    if partial is not None:
        where += ", in the middle of the answer"
    code = known.get("code")
    if code is not None:
        known["code"] = conceal(code)
    return cls(conceal(f"{where}: {said}"), **known)


def error_of_code(code: str | None, message: str) -> LanguageModelError:
    """Return the error for a code and a text that a provider sent in an answer."""
    cls = _class_of_code(code, message) or errors.ProviderError
    return cls(_shortened(message or code or "the provider failed without saying why"), code=code)


# --- machinery ---


def _class_and_text(error: Exception, known: _Known) -> tuple[type[LanguageModelError], str]:
    name = type(error).__name__
    families = {each.__name__ for each in type(error).__mro__}
    if "OAuthError" in families or "CredentialsError" in families:
        return errors.AuthenticationError, _shortened(str(error))
    status: object = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _of_response(error, status, known)
    if families & {"APITimeoutError", "TimeoutException"} or isinstance(error, TimeoutError):
        return errors.ModelTimeoutError, "no answer came in time"
    if families & {"APIConnectionError", "TransportError", "StreamError"} or isinstance(error, OSError):
        reason = error.__cause__ or error
        detail = f": {reason}" if str(reason) else f" ({type(reason).__name__})"
        kind = "the connection was lost" if known.get("partial") is not None else "the connection failed"
        return errors.ModelConnectionError, _shortened(kind + detail)
    if "APIResponseValidationError" in families:
        return errors.ProtocolError, _shortened(str(error))
    if "APIError" in families:  # an error event in the middle of a stream
        code, said = _code_and_text(error)
        known["code"] = code
        return _class_of_code(code, said) or errors.ProviderError, said
    if "Streaming is required" in str(error):
        return (
            errors.RequestRefusedError,
            "so many tokens may take longer than a request without a stream may: stream=True",
        )
    if isinstance(error, UnicodeEncodeError):
        return errors.ModelSetupError, "the key or a header has a letter that no header can have"
    if isinstance(error, _PROTOCOL_ERRORS):
        return errors.ProtocolError, f"the answer is not what the protocol says: {name}: {_shortened(str(error))}"
    return LanguageModelError, f"{name}: {_shortened(str(error))}"


def _of_response(error: Exception, status: int, known: _Known) -> tuple[type[LanguageModelError], str]:
    code, said = _code_and_text(error)
    headers: object = getattr(getattr(error, "response", None), "headers", None)
    known["status"] = status
    known["code"] = code
    request_id: object = getattr(error, "request_id", None)
    known["request_id"] = request_id if isinstance(request_id, str) else None
    known["retry_after"] = _retry_after(headers)
    cls = _class_of_code(code, said) or _BY_STATUS.get(status)
    if 300 <= status < 400:
        location: object = getattr(headers, "get", dict[str, str]().get)("location")
        there = f" to {location!r:.200}" if isinstance(location, str) else ""
        return errors.RequestRefusedError, f"the server redirects{there}, which is not followed: give its base_url=..."
    if cls is None:
        cls = errors.RequestRefusedError if 400 <= status < 500 else errors.ProviderError
    return cls, said


def _class_of_code(code: str | None, said: str) -> type[LanguageModelError] | None:
    found = _BY_CODE.get(code or "")
    if found is None and any(words in said.lower() for words in _TOO_LONG):
        return errors.ContextTooLongError
    return found


def _code_and_text(error: Exception) -> tuple[str | None, str]:
    """Return the provider's code for an error, and its text."""
    body: object = getattr(error, "body", None)
    details: JsonObject = body if is_object(body) else {}
    details = object_in(details, "error") or details
    code = next((text for name in ("code", "type") if (text := text_in(details, name))), None)
    if code not in _BY_CODE and text_in(details, "type") in _BY_CODE:
        code = text_in(details, "type")
    return code, _shortened(text_in(details, "message") or str(error))


def _retry_after(headers: object) -> float | None:
    get: object = getattr(headers, "get", None)
    if not callable(get):
        return None
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value: object = get(name)
        if isinstance(value, str):
            try:
                return max(0.0, float(value) * scale)
            except ValueError:
                moment = email.utils.parsedate_tz(value)
                if moment is not None:
                    return max(0.0, email.utils.mktime_tz(moment) - time.time())
    return None


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"

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
from miniagents.ext.llm._error_bodies import Said, class_of, said_in, shortened
from miniagents.ext.llm.errors import LanguageModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages import AssistantMessage

__all__ = ["translated"]

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
    host: str | None = None,
) -> LanguageModelError:
    """Translate an error of an SDK, or of the HTTP client under it.

    Args:
        error: The error.
        provider: The name of the provider.
        model: The name of the model.
        conceal: Removes secrets from a text.
        partial: The part of the answer that had arrived.
        host: The server that was asked, which may be another one than the provider's; None if it is not known.
    """
    known: _Known = {"provider": provider, "model": model, "partial": partial}
    if isinstance(error, LanguageModelError):
        cls, said = type(error), str(error)
        known |= {"status": error.status, "code": error.code, "retry_after": error.retry_after}
        known["request_id"] = error.request_id
    else:
        cls, said = _class_and_text(error, known)
    is_of_connection = issubclass(cls, errors.ModelConnectionError)
    where = f"{host if is_of_connection and host is not None else provider} {model}"
    if known.get("status") not in (None, 200):
        where += f" (HTTP {known.get('status')})"
    if partial is not None:
        where += ", in the middle of the answer"
    code = known.get("code")
    if code is not None:
        known["code"] = conceal(code)
    return cls(conceal(f"{where}: {said}"), **known)


# --- machinery ---


def _class_and_text(error: Exception, known: _Known) -> tuple[type[LanguageModelError], str]:
    name = type(error).__name__
    families = {each.__name__ for each in type(error).__mro__}
    if "OAuthError" in families or "CredentialsError" in families:
        return errors.AuthenticationError, shortened(str(error))
    status: object = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _of_response(error, status, known)
    if families & {"APITimeoutError", "TimeoutException"} or isinstance(error, TimeoutError):
        return errors.ModelTimeoutError, "no answer came in time"
    if families & {"APIConnectionError", "TransportError", "StreamError"} or isinstance(error, OSError):
        reason = error.__cause__ or error
        detail = f": {reason}" if str(reason) else f" ({type(reason).__name__})"
        kind = "the connection was lost" if known.get("partial") is not None else "the connection failed"
        return errors.ModelConnectionError, shortened(kind + detail)
    if "APIResponseValidationError" in families:
        return errors.ProtocolError, shortened(str(error))
    if "APIError" in families:  # an error event in the middle of a stream
        said = _said_by(error)
        known["code"] = said.code
        return class_of(said, None), said.text
    if "Streaming is required" in str(error):
        return (
            errors.RequestRefusedError,
            "so many tokens may take longer than a request without a stream may: stream=True",
        )
    if isinstance(error, UnicodeEncodeError):
        return errors.ModelSetupError, "the key or a header has a letter that no header can have"
    if isinstance(error, _PROTOCOL_ERRORS):
        return errors.ProtocolError, f"the answer is not what the protocol says: {name}: {shortened(str(error))}"
    return LanguageModelError, f"{name}: {shortened(str(error))}"


def _of_response(error: Exception, status: int, known: _Known) -> tuple[type[LanguageModelError], str]:
    said = _said_by(error)
    headers: object = getattr(getattr(error, "response", None), "headers", None)
    known["status"] = status
    known["code"] = said.code
    request_id: object = getattr(error, "request_id", None)
    known["request_id"] = request_id if isinstance(request_id, str) else None
    known["retry_after"] = _retry_after(headers)
    if 300 <= status < 400:
        location: object = getattr(headers, "get", dict[str, str]().get)("location")
        there = f" to {location!r:.200}" if isinstance(location, str) else ""
        return errors.RequestRefusedError, f"the server redirects{there}, which is not followed: give its base_url=..."
    return class_of(said, status), said.text


def _said_by(error: Exception) -> Said:
    """Return what the provider says of an error, or else what the SDK says."""
    said = said_in(getattr(error, "body", None))
    return said if said.text else said._replace(text=shortened(str(error)))


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

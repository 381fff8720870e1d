"""What can go wrong with a language model, as a tree; the same one for all providers.

```
LanguageModelError
├── ModelSetupError              no request could be made
│   ├── MissingSDKError          the provider's package is not installed
│   └── MissingKeyError          there is no key
├── RequestRefusedError          the provider will not have this request, now or later
│   ├── AuthenticationError      the key is wrong, or is not allowed to do this
│   ├── ContextTooLongError      the conversation does not fit into the model
│   ├── ContentFilterError       a filter stopped the question or the answer
│   └── QuotaExceededError       the account has no credit left
├── TransientModelError          the same request may well succeed later
│   ├── RateLimitError           too many requests; `retry_after` says how long to wait
│   ├── OverloadedError          the provider has too much to do
│   ├── ProviderError            something broke at the provider
│   ├── ModelConnectionError     the connection could not be made, or was lost
│   │   └── ModelTimeoutError    the provider did not answer in time
│   └── TruncatedError           the stream ended before the answer did
├── ProtocolError                the answer is not what the protocol says
├── WrongReplyError              the answer is not of the type that was asked for; `path` says where
└── TooManyTurnsError            the model still calls tools, and may not any more
```

`agent.with_retry(errors=TransientModelError)` asks again where that may help. What had arrived of an answer before an
error is in its `partial`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniagents.messages import AssistantMessage

__all__ = [
    "AuthenticationError",
    "ContentFilterError",
    "ContextTooLongError",
    "LanguageModelError",
    "MissingKeyError",
    "MissingSDKError",
    "ModelConnectionError",
    "ModelSetupError",
    "ModelTimeoutError",
    "OverloadedError",
    "ProtocolError",
    "ProviderError",
    "QuotaExceededError",
    "RateLimitError",
    "RequestRefusedError",
    "TooManyTurnsError",
    "TransientModelError",
    "TruncatedError",
    "WrongReplyError",
]


class LanguageModelError(Exception):
    """The base of all errors of language models.

    Attributes:
        provider: Whose protocol was spoken, such as "OpenAI".
        model: The model that was asked.
        status: The HTTP status of the answer; None where there was none.
        code: The provider's own name for the error, where it gave one.
        request_id: The provider's identifier of the request, where it gave one.
        retry_after: Seconds that the provider asks to wait before the next request, where it does.
        partial: What had arrived of the answer, as a message without a finish reason; None if nothing had.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        model: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        partial: AssistantMessage | None = None,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.model = model
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.partial = partial


class ModelSetupError(LanguageModelError):
    """No request could be made; the text says what to install or set."""


class MissingSDKError(ModelSetupError, ImportError):
    """The provider's package is not installed."""


class MissingKeyError(ModelSetupError):
    """There is no key for the provider."""


class RequestRefusedError(LanguageModelError):
    """The provider will not have this request, however often it is made."""


class AuthenticationError(RequestRefusedError):
    """The key is wrong, or its owner may not do this."""


class ContextTooLongError(RequestRefusedError):
    """The conversation does not fit into the model."""


class ContentFilterError(RequestRefusedError):
    """A filter of the provider stopped the question or the answer; what had passed it is in `partial`."""


class QuotaExceededError(RequestRefusedError):
    """The account has no credit left, or has used up its limit of spending."""


class TransientModelError(LanguageModelError):
    """The same request may well succeed later."""


class RateLimitError(TransientModelError):
    """Too many requests, or too many tokens, in too short a time."""


class OverloadedError(TransientModelError):
    """The provider has too much to do."""


class ProviderError(TransientModelError):
    """Something broke at the provider."""


class ModelConnectionError(TransientModelError):
    """The connection to the provider could not be made, or was lost."""


class ModelTimeoutError(ModelConnectionError, TimeoutError):
    """The provider did not answer in time."""


class TruncatedError(TransientModelError):
    """The stream ended before the answer did, without an error of its own."""


class ProtocolError(LanguageModelError):
    """The answer is not what the protocol says it should be."""


class WrongReplyError(LanguageModelError):
    """The answer is complete, and is not of the type that was asked for; it is in `partial`.

    Attributes:
        path: Where in the answer, as in ``$.items[0].name``.
        reason: What is wrong there.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str,
        reason: str,
        provider: str | None = None,
        model: str | None = None,
        partial: AssistantMessage | None = None,
    ) -> None:
        super().__init__(message, provider=provider, model=model, partial=partial)
        self.path = path
        self.reason = reason


class TooManyTurnsError(LanguageModelError):
    """The model was asked as often as it may be, and still calls tools; its last answer is in `partial`."""

"""The errors of language models, as a tree; it is the same for all providers.

```
LanguageModelError
├── ModelSetupError              no request could be made
│   ├── MissingSDKError          the provider's package is not installed
│   └── MissingKeyError          there is no key
├── RequestRefusedError          the provider refuses this request, and always will
│   ├── AuthenticationError      the key is wrong, or is not allowed to do this
│   ├── ContextTooLongError      the conversation does not fit into the model
│   ├── ContentFilterError       a filter stopped the question or the answer
│   └── QuotaExceededError       the account has no credit left
├── TransientModelError          the same request may succeed later
│   ├── RateLimitError           too many requests; `retry_after` says how long to wait
│   ├── OverloadedError          the provider has too much to do
│   ├── ProviderError            something broke at the provider
│   ├── ModelConnectionError     the connection could not be made, or was lost
│   │   └── ModelTimeoutError    the provider did not answer in time
│   └── TruncatedError           the stream ended before the answer did
├── ProtocolError                the answer is not what the protocol says
├── WrongReplyError              the answer is not of the type that was asked for; `path` says where
└── TooManyTurnsError            the model still calls tools after `max_turns` answers
```

`agent.with_retry(errors=TransientModelError)` asks again if that may help. An error carries whatever had arrived of the
answer in its `partial`.
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
        provider: The owner of the protocol, such as "OpenAI".
        model: The model that was asked.
        status: The HTTP status of the answer; None if there was no answer.
        code: The provider's own name for the error; None if it gave none.
        request_id: The provider's identifier of the request; None if it gave none.
        retry_after: Seconds that the provider asks to wait before the next request; None if it does not ask.
        partial: The part of the answer that had arrived, as a message without a finish reason; None if nothing had.
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
    """The provider refuses this request; making it again does not help."""


class AuthenticationError(RequestRefusedError):
    """The key is wrong, or is not allowed to do this."""


class ContextTooLongError(RequestRefusedError):
    """The conversation does not fit into the model."""


class ContentFilterError(RequestRefusedError):
    """A filter of the provider stopped the question or the answer; `partial` has the part that had passed it."""


class QuotaExceededError(RequestRefusedError):
    """The account has no credit left, or has used up its limit of spending."""


class TransientModelError(LanguageModelError):
    """The same request may succeed later."""


class RateLimitError(TransientModelError):
    """There were too many requests or tokens in a short time; `retry_after` says how long to wait."""


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
    """The answer is complete, but not of the requested type; `partial` has it.

    Attributes:
        path: The place in the answer, as in ``$.items[0].name``.
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
    """The model still calls tools after `max_turns` answers; `partial` has the last one."""

"""Keys stay out of errors: out of their texts, and out of the variables of their frames.

Trackers of errors record the variables of every frame of a traceback. They show each by `repr`, and some also walk the
attributes of objects. So a frame through which an error is raised holds a secret only as `Hidden`, and the frames of an
SDK, whose clients and requests hold the key, are cut off the traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic

from typing_extensions import TypeVar, override

from miniagents.ext.llm._json import is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Hidden", "bare", "concealing", "hide_headers", "revealed"]

T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=BaseException)


class Hidden(Generic[T_co]):
    """A value in a function, where neither `repr` nor a walk over attributes finds it.

    Two are equal if their values are.

    Attributes:
        reveal: Returns the value. Do not keep it in a variable of a frame through which an error may be raised.
    """

    __slots__ = ("reveal",)

    def __init__(self, value: T_co) -> None:
        self.reveal: Callable[[], T_co] = lambda: value

    @override
    def __eq__(self, other: object) -> bool:
        reveal: Callable[[], object] | None = getattr(other, "reveal", None)
        return reveal is not None and isinstance(other, Hidden) and bool(self.reveal() == reveal())

    @override
    def __hash__(self) -> int:
        return hash(self.reveal())

    @override
    def __repr__(self) -> str:
        return "Hidden(…)"


def hide_headers(options: dict[str, object]) -> None:
    """Hide the headers of a request, in the options themselves: frames of callers hold the same dict."""
    headers = options.get("extra_headers")
    if is_object(headers):
        options["extra_headers"] = Hidden(headers)


def revealed(options: Mapping[str, object]) -> dict[str, object]:
    """Return options with their hidden values."""
    return {name: value.reveal() if isinstance(value, Hidden) else value for name, value in options.items()}


def concealing(client: Hidden[object], options: Mapping[str, object]) -> Callable[[str], str]:
    """Return a function that replaces the secrets of a client, and of the headers of a request, in texts.

    Very short secrets such as "none" stay: users give them for servers that need no key.
    """

    def conceal(text: str) -> str:
        sdk_client = client.reveal()
        own: list[object] = [getattr(sdk_client, name, None) for name in _SECRET]
        for headers in (getattr(sdk_client, "_custom_headers", None), revealed(options).get("extra_headers")):
            if is_object(headers):
                own += [value for name, value in headers.items() if _may_be_secret(str(name))]
        secrets: set[str] = set()
        for each in own:
            if isinstance(each, str):
                secret = each.removeprefix("Bearer ")
                secrets |= {secret, secret.strip(), ascii(secret)[1:-1]}  # errors for bad headers show them escaped
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST:
                text = text.replace(secret, "[secret]")
        return text

    return conceal


def bare(error: E) -> E:
    """Cut an error off its traceback and off the errors that it is chained to, whose frames may hold a key."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


# --- machinery ---

_SECRET: Final = (
    *("api_key", "auth_token", "admin_api_key", "webhook_key", "webhook_secret"),
    *("access_token", "aws_access_key", "aws_secret_key", "aws_session_token", "_azure_ad_token"),
)
"""The attributes of the SDKs' clients that hold secrets."""

_SHORTEST: Final = 8
"""The length of the shortest secret, in characters. Shorter texts occur in ordinary words, which must stay."""


def _may_be_secret(header: str) -> bool:
    return any(word in header.lower() for word in ("auth", "key", "token", "secret", "cookie"))

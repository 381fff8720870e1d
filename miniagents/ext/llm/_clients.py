"""The SDKs' clients: which one an agent uses, how long it lives, and how its secrets are kept.

A client has connections, and connections belong to one event loop. So each context of agents that needs a default
client has its own, and closes it at its end. This module has no global clients.
"""

from __future__ import annotations

import base64
import importlib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol

from typing_extensions import TypeVar

from miniagents.ext.llm._json import is_object
from miniagents.ext.llm.errors import MissingKeyError, MissingSDKError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from miniagents.miniagents import MiniAgents

__all__ = ["ClientSettings", "Closable", "ModelClients", "clients_for", "import_sdk", "missing_key", "secrets_of"]


class Closable(Protocol):
    """An object that can be closed, such as the clients of both SDKs."""

    async def close(self) -> None:
        """Close all connections."""


C = TypeVar("C", bound=Closable)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClientSettings:
    """The settings of a default client; for a setting that is None the SDK reads the environment or has a default.

    `repr()` shows no setting that may hold a secret.

    Attributes:
        api_key: The key.
        base_url: The address of the API; it may contain a password.
        max_retries: How often the SDK tries again if no answer has begun.
        default_headers: Headers of all requests; their values may be secret as well.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = field(default=None, repr=False)
    max_retries: int | None = None
    default_headers: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def key(self) -> tuple[object, ...]:
        """A hashable value that is equal for equal settings."""
        headers = None if self.default_headers is None else tuple(sorted(self.default_headers.items()))
        return self.api_key, self.base_url, self.max_retries, headers

    def given(self) -> dict[str, Any]:  # Any: arguments of the clients of either SDK
        """Return the settings that are not None, as arguments of the SDK's client."""
        arguments = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in arguments.items() if value is not None}


@dataclass(frozen=True, slots=True, eq=False)
class ModelClients(Generic[C]):
    """Which client an agent uses.

    Attributes:
        make: Makes a default client.
        settings: The settings of a default client; agents with equal settings share one.
        given: The client of the user, or a function that makes one for each context; None for a default one.
    """

    make: Callable[[ClientSettings], C] = field(repr=False)
    settings: ClientSettings
    given: C | Callable[[], C] | None = field(default=None, repr=False)

    def client(self, context: MiniAgents) -> C:
        """Return the client to use in a context; the context closes a client that was made for it.

        Raises:
            LanguageModelError: The SDK is not installed, or there is no key.
        """
        given = self.given
        if given is None:
            make = self.make
            return context.shared((make, self.settings.key), lambda: _without_password(make(self.settings)), _close)
        if callable(given):
            return context.shared(given, given, _close)
        return given


def clients_for(
    where: str,
    make: Callable[[ClientSettings], C],
    settings: ClientSettings,
    given: C | Callable[[], C] | None,
) -> ModelClients[C]:
    """Return the clients of an agent: those of its user, or else default ones.

    Args:
        where: The function that makes the agent, for errors.
        make: Makes a default client.
        settings: The settings of a default client.
        given: The client of the user, or a function that makes one; None for a default one.

    Raises:
        TypeError: Both a client and settings are given.
    """
    ignored = ", ".join(settings.given())
    if given is not None and ignored:
        raise TypeError(f"{where}: {ignored} would be ignored: the given client has its own")
    return ModelClients(make, settings, given)


def import_sdk(name: str) -> ModuleType:
    """Import an SDK.

    Raises:
        MissingSDKError: The SDK is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        message = f"the package {name!r} is not installed; install it with: pip install 'miniagents[{name}]'"
    raise MissingSDKError(message)


def missing_key(provider: str, variable: str, *, reason: str = "", hint: str = "") -> MissingKeyError:
    """Return the error for a key that is neither in the settings nor in the environment.

    Args:
        provider: The provider that wants the key.
        variable: The environment variable that the SDK reads.
        reason: Why there is no key, if that is known.
        hint: What to give for servers that need no key.
    """
    because = f" ({reason})" if reason else ""
    instead = f" ({hint})" if hint else ""
    return MissingKeyError(
        f"there is no key for {provider}{because}: set {variable}, or give api_key=...{instead}", provider=provider
    )


def secrets_of(client: object, headers: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the texts that must not appear in errors: keys and tokens of a client, and headers that may hold one.

    Very short texts such as "none" are no secrets: users give them for servers that need no key.
    """
    own = [getattr(client, name, None) for name in _SECRET]
    default: object = getattr(client, "_custom_headers", None)
    for each in (default, headers):
        if is_object(each):
            own += [value for name, value in each.items() if _may_be_secret(str(name))]
    texts = [text.removeprefix("Bearer ") for text in own if isinstance(text, str)]
    return tuple(sorted({text for text in texts if len(text) >= _SHORTEST}, key=len, reverse=True))


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


def _without_password(client: C) -> C:
    """Return a client whose address has no user name and password; addresses are logged, so they move to a header."""
    sdk_client: Any = client  # Any: of either SDK
    url: Any = getattr(sdk_client, "base_url", None)  # Any: a URL of the SDK's HTTP client
    if not getattr(url, "userinfo", None):
        return client
    user = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    address = str(url.copy_with(username=None, password=None))
    changed: C = sdk_client.with_options(base_url=address, default_headers={"Authorization": f"Basic {user}"})
    return changed


async def _close(client: Closable) -> None:
    await client.close()

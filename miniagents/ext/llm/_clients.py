"""The SDKs' clients: which one an agent uses, how long that lives, and what it must not give away.

A client has connections, and those belong to one event loop. So a default client is made for each context of agents in
which one is needed, and closed with it; nothing is kept in this module.
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
    """What can be closed, as both SDKs' clients can."""

    async def close(self) -> None:
        """Close all connections."""


C = TypeVar("C", bound=Closable)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClientSettings:
    """What a default client is made with; what is None is left to the SDK, which looks into the environment.

    Attributes:
        api_key: The key; it appears in no text that this class makes, and what may hold one does not either.
        base_url: Where the API is; it may hold a password.
        max_retries: How often the SDK asks again where no answer has begun.
        default_headers: Headers of all requests; their values may be secret as well.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = field(default=None, repr=False)
    max_retries: int | None = None
    default_headers: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def key(self) -> tuple[object, ...]:
        """Something that is equal where the settings are."""
        headers = None if self.default_headers is None else tuple(sorted(self.default_headers.items()))
        return self.api_key, self.base_url, self.max_retries, headers

    def given(self) -> dict[str, Any]:  # Any: arguments of the clients of either SDK
        """Return the arguments that the SDK's client takes, without those that are left to it."""
        arguments = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in arguments.items() if value is not None}


@dataclass(frozen=True, slots=True, eq=False)
class ModelClients(Generic[C]):
    """Which client an agent uses.

    Attributes:
        make: Makes a default client.
        settings: What that is made with; agents of the same settings share a client.
        given: The client of the user, or a function that makes one for each context; None for a default one.
    """

    make: Callable[[ClientSettings], C] = field(repr=False)
    settings: ClientSettings
    given: C | Callable[[], C] | None = field(default=None, repr=False)

    def client(self, context: MiniAgents) -> C:
        """Return the client to use in a context; one that was made for it is closed with it.

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
        where: What errors call the function that makes the agent.
        make: Makes a default client.
        settings: What that is made with.
        given: The client of the user, or a function that makes one; None for a default one.

    Raises:
        TypeError: There are both a client and settings.
    """
    ignored = ", ".join(settings.given())
    if given is not None and ignored:
        raise TypeError(f"{where}: {ignored} would be ignored: the client that is given has its own")
    return ModelClients(make, settings, given)


def import_sdk(name: str) -> ModuleType:
    """Import an SDK.

    Raises:
        MissingSDKError: It is not installed.
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
        provider: Whose key it is.
        variable: The environment variable that the SDK reads.
        reason: Why there is none, if that is known.
        hint: What to give to servers that want none.
    """
    because = f" ({reason})" if reason else ""
    instead = f" ({hint})" if hint else ""
    return MissingKeyError(
        f"there is no key for {provider}{because}: set {variable}, or give api_key=...{instead}", provider=provider
    )


def secrets_of(client: object, headers: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the texts that must appear nowhere: keys and tokens of a client, and headers that may hold one.

    Texts as short as "none" are no secrets: that is what servers get that want no key.
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
"""Attributes of the SDKs' clients that are secret."""

_SHORTEST: Final = 8
"""Characters that a secret has at least: shorter texts would be found in many words that mean no harm."""


def _may_be_secret(header: str) -> bool:
    return any(word in header.lower() for word in ("auth", "key", "token", "secret", "cookie"))


def _without_password(client: C) -> C:
    """Return the same client with the user name and password of its address in a header: addresses are logged."""
    sdk_client: Any = client  # Any: of either SDK
    url: Any = getattr(sdk_client, "base_url", None)  # Any: as above, where there is one
    if not getattr(url, "userinfo", None):
        return client
    user = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    address = str(url.copy_with(username=None, password=None))
    changed: C = sdk_client.with_options(base_url=address, default_headers={"Authorization": f"Basic {user}"})
    return changed


async def _close(client: Closable) -> None:
    await client.close()

"""The SDKs' clients: which one an agent uses, how long it lives, and how its secrets are kept.

A client has connections, and connections belong to one event loop. So each context of agents that needs a default
client has its own, and closes it at its end. This module has no global clients.
"""

from __future__ import annotations

import base64
import importlib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from typing_extensions import TypeVar

from miniagents.ext.llm._addresses import check_address, fault_of
from miniagents.ext.llm._secrets import Hidden, bare, hide_headers
from miniagents.ext.llm.errors import MissingKeyError, MissingSDKError, ModelSetupError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import ModuleType

    from miniagents.miniagents import MiniAgents

__all__ = [
    "AsyncResource",
    "ClientOf",
    "ClientSettings",
    "Closable",
    "RawMethods",
    "SDKClient",
    "client_given",
    "clients_for",
    "clients_of",
    "import_sdk",
    "made",
    "missing_key",
]


class Closable(Protocol):
    """An object that can be closed, such as the clients of both SDKs."""

    async def close(self) -> None:
        """Close all connections."""


class SDKClient(Closable, Protocol):
    """A client of either SDK."""

    def with_options(self, *, default_headers: Mapping[str, str] | None = ...) -> Self:
        """Return the same client with further headers, over the same connections."""
        ...


class RawMethods(Protocol):
    """The methods of a part of a client that return whole HTTP responses."""

    @property
    def create(self) -> Callable[..., Awaitable[Any]]:  # Any: the SDK's raw response
        """Make a request."""
        ...


class AsyncResource(Protocol):
    """A part of a client, such as its chat completions, as both SDKs have them."""

    @property
    def with_raw_response(self) -> RawMethods:
        """The same part, with methods that return whole HTTP responses."""
        ...


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


ClientOf: TypeAlias = "Callable[[MiniAgents], Hidden[C]]"
"""Returns the client to use in a context; the context closes a client that was made for it.

It raises a `LanguageModelError` if the SDK is not installed, there is no key, or the settings are not valid.
"""


def clients_for(where: str, make: Callable[[ClientSettings], C], given: Mapping[str, object]) -> ClientOf[C]:
    """Return the clients of an agent: those of its user, or else default ones.

    Args:
        where: The function that makes the agent, for errors.
        make: Makes a default client.
        given: The dict of the user's arguments; the client and its settings are taken out of it.

    Raises:
        TypeError: Both a client and settings are given.
    """
    client, settings = client_given(given)
    return clients_of(where, make, settings, client)


def client_given(given: Mapping[str, object]) -> tuple[Hidden[Any], Hidden[ClientSettings]]:  # Any: of any SDK
    """Take the client and the settings of one out of a user's arguments, and hide headers of requests in them.

    Args:
        given: The arguments, which are a dict: the frames of callers hold the same one.
    """
    held: Any = given  # Any: a TypedDict, of which a checker does not know that it is a dict
    client = Hidden(held.pop("client", None))
    settings = Hidden(ClientSettings(**{each.name: held.pop(each.name, None) for each in fields(ClientSettings)}))
    hide_headers(held)
    return client, settings


def clients_of(
    where: str,
    make: Callable[[ClientSettings], C],
    settings: Hidden[ClientSettings],
    given: Hidden[C | Callable[[], C] | None],
) -> ClientOf[C]:
    """Return the clients of an agent: those of its user, or else default ones.

    Args:
        where: The function that makes the agent, for errors.
        make: Makes a default client.
        settings: The settings of a default client; agents with equal settings share one.
        given: The client of the user, or a function that makes one for each context; None for a default one.

    Raises:
        TypeError: Both a client and settings are given, or the address is no text.
        ValueError: The address is one that no request can be sent to.
    """
    if given.reveal() is None:
        check_address(where, Hidden(settings.reveal().base_url))
        key = make, Hidden(settings.reveal().key)
        return lambda context: context.shared(key, lambda: made(make, settings), _close)
    ignored = ", ".join(settings.reveal().given())
    if ignored:
        raise TypeError(f"{where}: {ignored} would be ignored: the given client has its own")
    if callable(given.reveal()):
        return lambda context: context.shared(given, lambda: _called(given), _close)
    own: Any = given  # Any: neither None nor a function
    return lambda _: own


def made(make: Callable[[ClientSettings], C], settings: Hidden[ClientSettings]) -> Hidden[C]:
    """Return a default client, whose address has no user name and password.

    Args:
        make: Makes a client of the vendor's SDK.
        settings: Its settings.

    Raises:
        MissingSDKError: The SDK is not installed.
        MissingKeyError: Neither the settings nor the environment have a key.
        ModelSetupError: The SDK refuses the settings.
    """
    problem: ModelSetupError
    try:
        client = Hidden(_without_password(make(settings.reveal())))
        address = Hidden(getattr(client.reveal(), "base_url", None))  # the environment may have given it
        fault = fault_of(address) if address.reveal() else ""
        if not fault:
            return client
        problem = ModelSetupError(f"base_url, or the variable of the environment for it: {fault}")
    except ModelSetupError as error:
        problem = bare(error)
    except Exception as error:  # noqa: BLE001 - the SDKs raise many errors for headers, keys and addresses
        # an error for a setting has its text: an invalid address, or a key with a letter that no header can have
        problem = ModelSetupError(f"the SDK makes no client with these settings: {type(error).__name__}")
    raise problem


def import_sdk(name: str, *, extra: str | None = None) -> ModuleType:
    """Import an SDK, or a part of one.

    Args:
        name: The name of the module.
        extra: The extra of this package that installs it; by default that of the same name.

    Raises:
        MissingSDKError: The SDK is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        message = f"the package {name!r} is not installed; install it with: pip install 'miniagents[{extra or name}]'"
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


# --- machinery ---


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


def _called(function: Hidden[Any]) -> Hidden[Any]:  # Any: a function that makes a client of any SDK
    return Hidden(function.reveal()())


async def _close(client: Hidden[Closable]) -> None:
    failed: Exception
    try:
        await client.reveal().close()
    except Exception as error:  # noqa: BLE001 - it is raised below, without the frames of the SDK
        failed = bare(error)
    else:
        return
    raise failed

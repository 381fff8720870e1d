"""The identity of a language model: everything that its answers depend on, and no secret."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard
from urllib.parse import urlsplit

from miniagents.calls.forms import json_of_arguments
from miniagents.ext.llm._json import is_object
from miniagents.ext.llm._secrets import Hidden, revealed
from miniagents.ext.llm.common import ToolDefinition
from miniagents.messages import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from miniagents.ext.llm._clients import ClientSettings
    from miniagents.ext.llm._json import JsonObject
    from miniagents.ext.llm._model import AnyLanguageModel

__all__ = ["TRANSLATION", "ModelIdentity", "address_of", "identity_of_model", "server_of", "without_secrets"]

TRANSLATION: Final = 1
"""The version of the translation between messages and the protocols; one more when requests or answers change."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Returns the identity of an agent that is a model.

    Attributes:
        model: The model, with its tools and options.
        schema: The schema of the replies if the model does not enforce it.
    """

    model: AnyLanguageModel
    schema: Mapping[str, object] | None = None

    def __call__(self) -> Identity:
        """Return it."""
        return identity_of_model(self.model, self.schema)


def identity_of_model(model: AnyLanguageModel, schema: Mapping[str, object] | None = None) -> Identity:
    """Return the identity of a model.

    Args:
        model: The model, with its tools and options.
        schema: The schema of the replies if the model does not enforce it.
    """
    options = json_of_arguments(without_secrets(model.options.items()))
    reply = model.reply_schema
    details: dict[str, Any] = {  # Any: JSON
        "provider": model.protocol.provider,
        "protocol": type(model.protocol).__name__,
        "translation": TRANSLATION,
        "base_url": model.address,
        "options": options.values,
        "opaque_options": options.opaque,
        "tools": [_tool_as_json(tool) for tool in model.tools],
        "reply_schema": schema if reply is None else reply.schema,
        "strict_reply": reply is not None and reply.strict,
    }
    return Identity(kind="model", name=model.name, details={name: each for name, each in details.items() if each})


def without_secrets(options: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
    """Return options without those that may hold a key: the values of headers, of the query, and of secret names.

    A limit of the rate is left out as well, and what is shown of inner calls: no answer depends on them.
    """
    shown: list[tuple[str, object]] = []
    for name, value in options:
        if name == "deps":
            shown.append((name, _without_content(value)))
        elif name in _NAMES_ONLY:
            shown.append((name, _names_in(value)))
        elif name not in ("rate_limit", "show_inner_calls") and not _may_be_secret(name):
            shown.append((name, _without_secret_parts(value)))
    return sorted(shown)


def address_of(provider: str, settings: Hidden[ClientSettings], given: Hidden[Any]) -> str | None:  # Any: of any SDK
    """Return the address of a server, without user names, passwords and queries; None for the provider's own.

    Args:
        provider: The name of the provider.
        settings: The settings of a default client.
        given: The user's client, a function that makes one, or None.
    """
    address = Hidden(getattr(given.reveal(), "base_url", None) or settings.reveal().base_url)
    if address.reveal() is None and given.reveal() is None:
        address = Hidden(os.environ.get(f"{provider.upper()}_BASE_URL"))
    return _without_password(address)


def server_of(client: Hidden[Any]) -> str | None:  # Any: of any SDK
    """Return a text that is the same for clients of one server; None if a client does not say which it asks.

    It is a digest of the address, since messages keep it, and an address may have a key in it.
    """
    address = _without_password(Hidden(getattr(client.reveal(), "base_url", None)))
    return None if address is None else hashlib.sha256(address.encode(errors="replace")).hexdigest()[:16]


def host_of(client: Hidden[Any]) -> str | None:  # Any: of any SDK
    """Return the host of the server that a client asks, with the port if the address has one; None if it has none."""
    address = _without_password(Hidden(getattr(client.reveal(), "base_url", None)))
    return None if address is None else urlsplit(address).netloc or None


# --- machinery ---


def _without_password(address: Hidden[object]) -> str | None:
    if not address.reveal():
        return None
    try:
        parts = urlsplit(str(address.reveal()))
    except ValueError:  # the SDK refuses it too
        return None
    if not parts.netloc:  # what looks like a path may be a password
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


_NAMES_ONLY: Final = {"extra_headers", "extra_query"}


def _names_in(value: object) -> list[str]:
    names: object = revealed({"": value})[""]
    return sorted(map(str, names)) if is_object(names) else []


def _without_content(value: object) -> object:
    """Return an object that shows the class of a value, and has no form in JSON."""
    cls = type(value)
    return type(cls.__name__, (), {"__module__": cls.__module__, "__qualname__": cls.__qualname__})()


def _may_be_secret(name: str) -> bool:
    words = name.lower().replace("-", "_").split("_")
    # not every token is a secret: there is `max_tokens`
    return any(word in words for word in ("key", "apikey", "auth", "authorization", "token", "secret", "password"))


def _without_secret_parts(value: object) -> object:
    if is_object(value):
        return {name: _without_secret_parts(part) for name, part in value.items() if not _may_be_secret(str(name))}
    if _is_list(value):
        return [_without_secret_parts(part) for part in value]
    return value


def _is_list(value: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    return isinstance(value, list | tuple)


def _tool_as_json(tool: ToolDefinition | JsonObject) -> dict[str, object]:
    if not isinstance(tool, ToolDefinition):
        return {
            str(name): _without_secret_parts(value) for name, value in tool.items() if not _may_be_secret(str(name))
        }
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }

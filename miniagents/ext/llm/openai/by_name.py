"""The providers that speak OpenAI's protocols, by the names that stand before those of models, as in "openai:gpt-5"."""

from __future__ import annotations

import os
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from miniagents.ext.llm.errors import ModelSetupError
from miniagents.ext.llm.openai.model_agents import create_openai_agent, default_client, openai_agent_of
from miniagents.ext.llm.providers import ClientSettings, Provider, import_sdk, missing_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.ext.llm.openai.options import OpenAIClient
    from miniagents.ext.llm.providers import ModelAgent

__all__ = ["PROVIDERS"]

# --- Ollama ---


def _create_ollama_agent(model: str, **given: Any) -> ModelAgent[Any]:  # Any: as `create_openai_agent`
    if given.get("client") is None and given.get("base_url") is None:
        given["base_url"] = _ollama_address()  # an agent knows the address that its models are at
    return openai_agent_of("create_agent", model, _ollama_client, given)


def _ollama_client(settings: ClientSettings) -> OpenAIClient:
    key = settings.api_key or os.environ.get("OLLAMA_API_KEY") or "ollama"  # the SDK wants one, and the server none
    address = settings.base_url or _ollama_address()
    if address is None:
        raise ModelSetupError(
            f"OLLAMA_HOST={os.environ['OLLAMA_HOST']!r} is no address: give one such as 127.0.0.1:11434",
            provider="Ollama",
        )
    return default_client(replace(settings, api_key=key, base_url=address))


def _ollama_address() -> str | None:
    """Return the address of the server, which OLLAMA_HOST gives to all of Ollama's programs; None for a wrong one."""
    host = os.environ.get("OLLAMA_HOST", "").strip() or "127.0.0.1"
    has_scheme = "://" in host
    try:
        parts = urlsplit(host if has_scheme else f"http://{host}")
        port = parts.port
    except ValueError:
        return None
    if port is None and not has_scheme:
        port = _OLLAMA_PORT
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104  # where a server listens, not where it is
    place = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{place}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}/v1"


_OLLAMA_PORT: Final = 11434


# --- Azure ---


def _create_azure_agent(model: str, **given: Any) -> ModelAgent[Any]:  # Any: as `create_openai_agent`
    if given.get("client") is None and given.get("base_url") is None:
        address = os.environ.get("AZURE_OPENAI_ENDPOINT", "")
        if "://" in address:  # otherwise the client says what is wrong, when the model is asked
            given["base_url"] = address
    return openai_agent_of("create_agent", model, _azure_client, given)


def _azure_client(settings: ClientSettings) -> OpenAIClient:
    sdk: Any = import_sdk("openai")  # Any: a module that is imported by name
    arguments = settings.given()
    endpoint = arguments.pop("base_url", None) or os.environ.get("AZURE_OPENAI_ENDPOINT")
    if not endpoint:
        raise ModelSetupError(
            "there is no address for Azure: set AZURE_OPENAI_ENDPOINT, or give base_url=..., such as "
            "https://my-resource.openai.azure.com",
            provider="Azure",
        )
    if not os.environ.get("OPENAI_API_VERSION"):
        raise ModelSetupError(
            "there is no version of the API for Azure: set OPENAI_API_VERSION, such as 2024-10-21", provider="Azure"
        )
    token = os.environ.get("AZURE_OPENAI_AD_TOKEN")
    if not (settings.api_key or token or os.environ.get("AZURE_OPENAI_API_KEY")):
        raise missing_key("Azure", "AZURE_OPENAI_API_KEY")
    http_client = sdk.DefaultAsyncHttpxClient(follow_redirects=False)  # another server must not get the key
    client: OpenAIClient = sdk.AsyncAzureOpenAI(azure_endpoint=endpoint, **arguments, http_client=http_client)
    return client


PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        "openai": Provider(create_agent=create_openai_agent, make_client=default_client, key_variable="OPENAI_API_KEY"),
        "azure": Provider(
            create_agent=_create_azure_agent, make_client=_azure_client, key_variable="AZURE_OPENAI_API_KEY"
        ),
        "ollama": Provider(
            create_agent=_create_ollama_agent, make_client=_ollama_client, key_variable="OLLAMA_API_KEY"
        ),
    }
)
"""OpenAI; Azure, where models have the names of deployments; Ollama, whose models run on one's own machine."""

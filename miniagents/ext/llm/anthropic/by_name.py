"""The providers that speak Anthropic's protocol, by the names that stand before those of models."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from miniagents.ext.llm.anthropic.model_agents import AnthropicAgent, create_anthropic_agent, default_client
from miniagents.ext.llm.errors import ModelSetupError
from miniagents.ext.llm.providers import ClientSettings, Provider, import_sdk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.ext.llm.anthropic.options import AnthropicClient

__all__ = ["PROVIDERS"]

# --- Amazon Bedrock ---


def _create_bedrock_agent(model: str, **given: Any) -> AnthropicAgent[Any]:  # Any: as `create_anthropic_agent`
    if given.get("client") is None and given.get("base_url") is None:
        given["base_url"] = _bedrock_address()  # an agent knows the address that its models are at
    return AnthropicAgent[Any].of_model("create_agent", model, _bedrock_client, given)  # Any: as above


def _bedrock_client(settings: ClientSettings) -> AnthropicClient:
    sdk: Any = import_sdk("anthropic")  # Any: a module that is imported by name
    import_sdk("botocore", extra="bedrock")  # the SDK would say so only in the middle of a request
    arguments = settings.given()
    arguments.setdefault("base_url", _bedrock_address())
    http_client = sdk.DefaultAsyncHttpxClient(follow_redirects=False)  # another server must not get the key
    try:
        client: AnthropicClient = sdk.AsyncAnthropicBedrock(**arguments, http_client=http_client)
    except ValueError as error:
        if "region" not in str(error):
            raise
    else:
        return client
    raise ModelSetupError(
        "there is no region for Bedrock: set AWS_REGION, or one in your AWS profile", provider="Bedrock"
    )


def _bedrock_address() -> str | None:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    known = os.environ.get("ANTHROPIC_BEDROCK_BASE_URL")
    return known or (f"https://bedrock-runtime.{region}.amazonaws.com" if region else None)


# --- Google Vertex ---


def _create_vertex_agent(model: str, **given: Any) -> AnthropicAgent[Any]:  # Any: as `create_anthropic_agent`
    if given.get("client") is None and given.get("base_url") is None:
        given["base_url"] = os.environ.get("ANTHROPIC_VERTEX_BASE_URL")
    return AnthropicAgent[Any].of_model("create_agent", model, _vertex_client, given)  # Any: as above


def _vertex_client(settings: ClientSettings) -> AnthropicClient:
    sdk: Any = import_sdk("anthropic")  # Any: a module that is imported by name
    for what, variable in (("project", "ANTHROPIC_VERTEX_PROJECT_ID"), ("region", "CLOUD_ML_REGION")):
        if not os.environ.get(variable):
            raise ModelSetupError(f"there is no {what} for Vertex: set {variable}", provider="Vertex")
    arguments = settings.given()
    if settings.api_key is None:
        import_sdk("google.auth", extra="vertex")  # the SDK would say so only in the middle of a request
    http_client = sdk.DefaultAsyncHttpxClient(follow_redirects=False)  # another server must not get the token
    client: AnthropicClient = sdk.AsyncAnthropicVertex(
        project_id=os.environ["ANTHROPIC_VERTEX_PROJECT_ID"],
        access_token=arguments.pop("api_key", None),
        **arguments,
        http_client=http_client,
    )
    return client


PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        "anthropic": Provider(
            create_agent=create_anthropic_agent, make_client=default_client, key_variable="ANTHROPIC_API_KEY"
        ),
        "bedrock": Provider(
            create_agent=_create_bedrock_agent, make_client=_bedrock_client, key_variable="AWS_BEARER_TOKEN_BEDROCK"
        ),
        "vertex": Provider(create_agent=_create_vertex_agent, make_client=_vertex_client),
    }
)
"""Anthropic; Amazon Bedrock and Google Vertex, which have models of Anthropic and keys of their own."""

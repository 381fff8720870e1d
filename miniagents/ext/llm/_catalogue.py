"""The providers of language models by name, for programs that choose a model by a text such as "openai:gpt-5"."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, overload

from typing_extensions import TypeVar, override

from miniagents.ext.llm._clients import ClientSettings, made
from miniagents.ext.llm._secrets import Hidden
from miniagents.messages import Message
from miniagents.promising.core.arguments import check_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import TypeForm

    from miniagents.ext.llm._agent import ModelAgent
    from miniagents.ext.llm._equipping import AnyTool
    from miniagents.ext.llm.common import ToolDefinition
    from miniagents.messages import AssistantMessage, ToolResultMessage, ValueMessage

__all__ = ["ENTRY_POINTS", "Provider", "Providers", "create_agent", "provider_of"]

Reply = TypeVar("Reply", bound=Message)
Value = TypeVar("Value")

ENTRY_POINTS: Final = "miniagents.providers"
"""The group of the entry points by which packages offer providers: `name = "module:PROVIDER"`."""

_NO_PROVIDER: Final = "no Provider; write Provider(create_agent=..., make_client=...)"
_NONE: Final[Mapping[str, Provider]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider of language models.

    Attributes:
        create_agent: Makes an agent of a model, given its name and the arguments that `create_openai_agent` describes.
        make_client: Makes a client with settings; for a setting that is None it reads the environment.
        key_variable: The environment variable that has the key; None if there is none.
    """

    create_agent: Callable[..., ModelAgent[Any]]  # Any: any class of answers
    make_client: Callable[[ClientSettings], Any]  # Any: the client of any SDK
    key_variable: str | None = None

    def client(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> Any:  # Any: the client of any SDK
        """Make a client; for an argument that is None the SDK reads the environment or has a default.

        Args:
            api_key: The key.
            base_url: The address of the server.
            max_retries: How often the SDK tries again if no answer has begun.
            default_headers: Headers of all requests.

        Raises:
            MissingSDKError: The SDK is not installed.
            MissingKeyError: There is no key.
            ModelSetupError: The SDK refuses the settings.
        """
        settings = ClientSettings(
            api_key=api_key, base_url=base_url, max_retries=max_retries, default_headers=default_headers
        )
        hidden = Hidden(settings)
        del settings, api_key, base_url, default_headers
        return made(self.make_client, hidden).reveal()


class Providers(Mapping[str, Provider]):
    """Providers by their names: yours, those of the library, and those that installed packages offer.

    It is a value: nothing is registered anywhere. Of equal names, yours come first, and then those of the library: an
    installed package takes the place of neither. A package offers a provider by an entry point of the group
    `miniagents.providers`, and is imported when a program asks for that provider.

    Args:
        more: Your providers.

    Raises:
        TypeError: One of them is no `Provider`.
        ValueError: A name has a colon, which ends the name in the text that chooses a model.
    """

    __slots__ = ("_more",)

    def __init__(self, more: Mapping[str, Provider] = _NONE) -> None:
        self._more: Final = MappingProxyType(dict(more))
        for name, each in self._more.items():
            check_kind(f"Providers: {name!r}", each, Provider, _NO_PROVIDER)
            if ":" in name:
                raise ValueError(f"Providers: the name {name!r} has a colon: a model is chosen by NAME:MODEL")

    @override
    def __getitem__(self, name: str) -> Provider:
        known = self._more.get(name) or _of_the_library().get(name)
        if known is not None:
            return known
        for each in entry_points(group=ENTRY_POINTS, name=name):
            offered: object = each.load()
            if not isinstance(offered, Provider):
                raise TypeError(
                    f"entry point {name!r} of {ENTRY_POINTS}: {each.value} is no Provider: {offered!r:.100}"
                )
            return offered
        raise KeyError(name)

    @override
    def __iter__(self) -> Iterator[str]:
        offered = sorted(each.name for each in entry_points(group=ENTRY_POINTS))
        return iter(dict.fromkeys((*self._more, *_of_the_library(), *offered)))

    @override
    def __len__(self) -> int:
        return sum(1 for _ in self)

    @override
    def __repr__(self) -> str:
        return f"Providers({', '.join(self)})"


@overload
def create_agent(
    model: str,
    *,
    providers: Mapping[str, Provider] = ...,
    tools: Iterable[ToolDefinition | Mapping[str, object]] = ...,
    reply_type: None = ...,
    **options: Any,  # Any: the provider's own
) -> ModelAgent[AssistantMessage]: ...
@overload
def create_agent(
    model: str,
    *,
    providers: Mapping[str, Provider] = ...,
    tools: Iterable[AnyTool],
    reply_type: None = ...,
    **options: Any,  # Any: the provider's own
) -> ModelAgent[AssistantMessage | ToolResultMessage]: ...
@overload
def create_agent(  # pyright: ignore[reportOverlappingOverload]  # messages first
    model: str,
    *,
    providers: Mapping[str, Provider] = ...,
    tools: tuple[()] = ...,
    reply_type: TypeForm[Reply],
    **options: Any,  # Any: the provider's own
) -> ModelAgent[Reply]: ...
@overload
def create_agent(
    model: str,
    *,
    providers: Mapping[str, Provider] = ...,
    tools: tuple[()] = ...,
    reply_type: TypeForm[Value],
    **options: Any,  # Any: the provider's own
) -> ModelAgent[ValueMessage[Value]]: ...
@overload
def create_agent(  # pyright: ignore[reportOverlappingOverload]  # messages first
    model: str,
    *,
    providers: Mapping[str, Provider] = ...,
    tools: Iterable[AnyTool],
    reply_type: TypeForm[Reply],
    **options: Any,  # Any: the provider's own
) -> ModelAgent[AssistantMessage | ToolResultMessage | Reply]: ...
@overload
def create_agent(
    model: str,
    *,
    providers: Mapping[str, Provider] = ...,
    tools: Iterable[AnyTool],
    reply_type: TypeForm[Value],
    **options: Any,  # Any: the provider's own
) -> ModelAgent[AssistantMessage | ToolResultMessage | ValueMessage[Value]]: ...
def create_agent(
    model: str,
    *,
    providers: Mapping[str, Provider] | None = None,
    **given: Any,  # Any: the overloads say which there are, and the provider checks its options
) -> ModelAgent[Any]:  # Any: the overloads say which messages
    """Make an agent of a model that is chosen by a text, such as "openai:gpt-5" in a configuration.

    The text has the name of a provider, a colon, and that provider's name of the model. Keys and addresses are read
    from the environment variables of the provider:

    | provider | variables |
    |---|---|
    | `openai` | OPENAI_API_KEY, OPENAI_BASE_URL |
    | `anthropic` | ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL |
    | `ollama` | OLLAMA_HOST, OLLAMA_API_KEY |
    | `azure` | AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY, OPENAI_API_VERSION; the model is the name of a deployment |
    | `bedrock` | AWS_REGION, and what AWS finds keys by, or AWS_BEARER_TOKEN_BEDROCK |
    | `vertex` | CLOUD_ML_REGION, ANTHROPIC_VERTEX_PROJECT_ID, and Google's default credentials |

    Args:
        model: The provider and the model.
        providers: The providers to choose from; by default `Providers()`, those of the library and of installed
            packages.
        given: What the function of the provider takes; `create_openai_agent` and `create_anthropic_agent` describe
            `tools`, `reply_type`, `api_key` and all others.

    Raises:
        TypeError: An argument is none of the provider's.
        ValueError: There is no such provider, or no name of a model.
    """
    held = Hidden(given)
    del given  # frames of errors are recorded with their variables, and there may be a key
    chosen, name = provider_of(model, Providers() if providers is None else providers)
    return chosen.create_agent(name, **held.reveal())


def provider_of(model: str, providers: Mapping[str, Provider]) -> tuple[Provider, str]:
    """Return the provider that a text such as "openai:gpt-5" names, and the name of the model.

    Raises:
        TypeError: It is no text.
        ValueError: There is no such provider, or no name of a model.
    """
    if not isinstance(model, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # programs may be untyped
        raise TypeError(f"model={model!r:.100}: give a text, such as {_example(providers)!r}")
    provider, colon, name = model.partition(":")
    known = providers.get(provider) if colon else None
    if known is None:
        close = difflib.get_close_matches(provider, providers, n=1)
        hint = f"; did you mean {f'{close[0]}:{name}'!r}?" if colon and close else ""
        begin = ", ".join(f"{each}:" for each in providers)
        raise ValueError(f"model {model!r}: it must begin with one of {begin} as in {_example(providers)}{hint}")
    check_kind(f"providers: {provider!r}", known, Provider, _NO_PROVIDER)
    if not name:
        raise ValueError(f"model {model!r}: the name of the model is missing, as in {provider}:NAME")
    return known, name


# --- machinery ---


def _example(providers: Mapping[str, Provider]) -> str:
    return "openai:gpt-5" if "openai" in providers else f"{next(iter(providers), 'PROVIDER')}:NAME"


def _of_the_library() -> dict[str, Provider]:
    """Return the providers of the packages in this folder: the `PROVIDERS` of their modules `by_name`."""
    found: dict[str, Provider] = {}
    for each in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if each.ispkg:
            found |= importlib.import_module(f"miniagents.ext.llm.{each.name}.by_name").PROVIDERS
    return found

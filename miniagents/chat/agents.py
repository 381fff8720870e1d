"""Finds the partner of a chat: an agent in a module of the user, or a language model by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from miniagents.chat.chat_errors import ChatError
from miniagents.chat.history import read_conversation
from miniagents.chat.scripted import echoing_agent, replaying_agent
from miniagents.chat.user_modules import imported_module, split_place
from miniagents.ext.llm.errors import MissingKeyError, ModelSetupError
from miniagents.ext.llm.providers import Provider, Providers, provider_of
from miniagents.messages import DecodeError, Message, UserMessage, decode
from miniagents.messages.values.surrogates import mended
from miniagents.miniagents import MiniAgent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import TypeIs

    from miniagents.chat.chat_arguments import Arguments
    from miniagents.messages import ContentPart, MessageSequencePromise
    from miniagents.tools import Tool

__all__ = ["Partner", "find_partner", "with_model"]

AnyAgent: TypeAlias = MiniAgent[Any, Any, ...]  # Any: its messages may be of any class
AnyTool: TypeAlias = "Tool[..., object]"
AnyOptions: TypeAlias = Mapping[str, Any]  # Any: options have the types that the agent or the model asks for


_OF_SERVER: Final = ("api_key", "default_headers")
"""The options that are for one server alone."""


@dataclass(frozen=True, slots=True)
class Partner:
    """The agent that a chat is with.

    Attributes:
        agent: The agent, which needs no further arguments.
        send: Whether the agent is sent the whole conversation or only the last message.
    """

    agent: AnyAgent
    send: Literal["conversation", "last"] = "conversation"

    @property
    def name(self) -> str:
        """The alias of the agent."""
        return self.agent.alias

    @property
    def question_classes(self) -> tuple[type[Message], ...]:
        """The classes of the messages in which the user speaks to the agent."""
        takes = self._takes()
        return (UserMessage,) if issubclass(UserMessage, takes) else takes

    def question(self, text: str, attached: Sequence[ContentPart] = ()) -> Message:
        """Return the text of the user as a message that the agent takes.

        If the agent takes no `UserMessage`, its own class is made from the text. If a text alone does not make that
        class, the text is decoded as its JSON.

        Args:
            text: The text.
            attached: Pictures and files that go with it.

        Raises:
            ChatError: The text is not the JSON of a message that the agent takes, or the agent takes no attachments.
        """
        text = mended(text)  # what cannot be decoded at a terminal arrives as lone surrogates
        takes = self._takes()
        if issubclass(UserMessage, takes):
            return UserMessage(text, content=tuple(attached))
        if attached:
            raise ChatError(f"{self.name} takes no attachments; /attach none forgets them")
        try:
            return takes[0](text)
        except TypeError:
            pass
        names = " or ".join(cls.__qualname__ for cls in takes)
        try:
            message: Message = decode(text, takes[0] if len(takes) == 1 else Message)
        except DecodeError as error:
            raise ChatError(f"{self.name} takes {names}, which must be written as JSON: {error}") from None
        if isinstance(message, takes):
            return message
        raise ChatError(f"{self.name} takes {names}, and this is {type(message).__qualname__}")

    def ask(self, conversation: Sequence[Message]) -> MessageSequencePromise[Message]:
        """Send the agent those messages of the conversation that it takes, and return the promise of its replies."""
        takes = self._takes()
        sent = conversation if self.send == "conversation" else conversation[-1:]
        replies: MessageSequencePromise[Message] = self.agent.inquire(
            [each for each in sent if isinstance(each, takes)]
        )
        return replies

    def _takes(self) -> tuple[type[Message], ...]:
        takes, _ = self.agent._classes()
        return takes


def find_partner(arguments: Arguments, tools: Sequence[AnyTool] = ()) -> Partner:
    """Return the agent that was asked for.

    Args:
        arguments: The command line.
        tools: The tools for a model.

    Raises:
        ChatError: The agent or model does not exist, or the options do not fit it.
    """
    agent = (
        _model(arguments, tools) if arguments.model is not None else _agent(arguments.agent or "", arguments.options)
    )
    return Partner(agent, arguments.send)


def with_model(arguments: Arguments, model: str) -> Arguments:
    """Return the command line of a chat with another model.

    What is said of a server is for that server alone: another provider is not sent its key.
    """
    if model.partition(":")[0] == (arguments.model or "").partition(":")[0]:
        return replace(arguments, model=model)
    options = {name: value for name, value in arguments.options.items() if name not in _OF_SERVER}
    return replace(arguments, model=model, base_url=None, options=options)


# --- models ---


def _model(arguments: Arguments, tools: Sequence[AnyTool]) -> AnyAgent:
    provider, _, name = (arguments.model or "").partition(":")
    if provider == "scripted":
        if arguments.base_url is not None:
            raise ChatError("--base-url: the scripted model has no server")
        if tools:
            raise ChatError("--tool, --mcp: the scripted model calls no tools")
        path = Path(name)
        script = replaying_agent(read_conversation(path), f"scripted:{path.name}") if name else echoing_agent
        return _bound(script, arguments.options)
    providers = Providers()
    try:
        known, name = provider_of(arguments.model or "", providers)
    except ValueError as error:
        more = "; or be scripted. Servers that speak the protocol of one of them are given by --base-url"
        raise ChatError(f"--{error}{'' if provider in providers else more}") from None
    for option, instead in (("client", "--base-url and -o max_retries=N are options"), ("base_url", "give --base-url")):
        if option in arguments.options:
            raise ChatError(f"-o {option}: it cannot be given here; {instead}")
    options: dict[str, Any] = {**arguments.options, **({"tools": tools} if tools else {})}  # Any: as `AnyOptions`
    settings: AnyOptions = {each: options.pop(each) for each in (*_OF_SERVER, "max_retries") if each in options}
    client = _client(known, arguments.base_url, **settings)
    try:
        return known.create_agent(name, client=lambda: client, **options)
    except (TypeError, ValueError) as error:
        raise ChatError(re.sub(r"^create_\w+: ", "", str(error))) from None


def _client(
    provider: Provider,
    base_url: str | None,
    *,
    api_key: str | None = None,
    **settings: Any,  # Any: as `AnyOptions`
) -> Any:  # Any: each provider's SDK has its own class of clients
    """Return the client of a provider's SDK.

    It is made before the first question, so that a missing package or key is reported at once.
    """
    try:
        return provider.client(api_key=api_key, base_url=base_url, **settings)
    except MissingKeyError as error:
        if base_url is None:
            raise ChatError(
                f"there is no key for {error.provider}: set the environment variable {provider.key_variable}"
            ) from None
        # most servers that users run themselves need no key
        return provider.client(api_key="none", base_url=base_url, **settings)
    except ModelSetupError as error:
        raise ChatError(str(error)) from None


# --- agents ---


def _agent(place: str, options: AnyOptions) -> AnyAgent:
    where, name = split_place(place)
    module = imported_module(where)
    agents = {key: value for key, value in vars(module).items() if _is_agent(value)}
    if not name:
        if len(agents) == 1:
            return _bound(next(iter(agents.values())), options)
        raise ChatError(f"{place}: say which agent, as in {where}:NAME; {_there_are(agents)}")
    found: object = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise ChatError(f"{where} has no {name!r}; {_there_are(agents)}")
    if not _is_agent(found):
        raise ChatError(f"{place} is no agent, but {type(found).__qualname__}; {_there_are(agents)}")
    return _bound(found, options)


def _is_agent(value: object) -> TypeIs[AnyAgent]:
    return isinstance(value, MiniAgent)


def _there_are(agents: Mapping[str, object]) -> str:
    return f"its agents are: {', '.join(agents)}" if agents else "there are no agents in it: write one with @miniagent"


def _bound(agent: AnyAgent, options: AnyOptions) -> AnyAgent:
    try:
        bound = agent.bound(**options)
        bound._check_complete()
    except TypeError as error:
        raise ChatError(f"{str(error).removeprefix('agent ')} (arguments are given by -o NAME=VALUE)") from None
    return bound

"""The base class of agents that are language models; it is the same for all vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

from typing_extensions import TypeVar

from miniagents.ext.llm._clients import client_given, clients_of
from miniagents.ext.llm._equipping import equipped, tools_in
from miniagents.ext.llm._model import LanguageModel
from miniagents.ext.llm._model_identity import ModelIdentity, address_of, without_secrets
from miniagents.ext.llm._secrets import Hidden, hide_headers
from miniagents.messages import Message, MessageSequence
from miniagents.miniagents import MiniAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from miniagents.agents.members import AnyContext
    from miniagents.calls.rates import RateLimit
    from miniagents.ext.llm._clients import ClientSettings, Closable
    from miniagents.ext.llm._model import AnyLanguageModel
    from miniagents.ext.llm._protocol import ModelProtocol
    from miniagents.messages import MessageType
    from miniagents.messages.promised.attribution import Speaker

__all__ = ["ModelAgent"]

Out_co = TypeVar("Out_co", bound=Message, covariant=True)


class ModelAgent(MiniAgent[Message, Out_co, ...], Generic[Out_co]):
    """An agent that is a language model.

    A provider's subclass sets `protocol`, and may declare the types of the options for `inquire` and `bound`.

    Attributes:
        protocol: What the provider's server speaks.
    """

    __slots__ = ()

    protocol: ClassVar[ModelProtocol[Any, Any]]  # Any: the provider's client and answers

    def bound(self, *args: Any, **kwargs: Any) -> Any:  # Any: providers' subclasses declare the options and the result
        """Return the same agent with other options."""
        hide_headers(kwargs)
        return super().bound(*args, **kwargs)

    def with_rate_limit(self, limit: RateLimit, /) -> Self:
        """Return the same agent, whose requests count for a limit and wait until they fit in.

        Agents that use one key share one limit. Each request counts, also those of a loop with tools or of corrections.
        What the SDK itself sends again (`max_retries`) does not. Before a request its tokens are estimated, with the
        greatest number for the answer (`max_tokens` and the like) if one is given; when the answer is complete, its
        usage counts instead. Waiting is a part of the call, so `with_timeout` counts it.

        Args:
            limit: The limit.

        Raises:
            TypeError: It is no `RateLimit`.
        """
        limited: Self = self.bound(rate_limit=limit)
        return limited

    async def count_tokens(
        self,
        messages: MessageType[Message] | None = None,
        /,
    ) -> int:
        """Return how many tokens the model would have as its input: messages, instructions and tools.

        Anthropic's API and OpenAI's responses API count them, without an answer and its cost. For chat completions, and
        for servers that do not count, it is an estimate (`estimated_tokens`).

        Args:
            messages: The messages that the model would be asked with.

        Raises:
            ValueError: The conversation is empty, or the protocol cannot express a part of it.
            LanguageModelError: The request fails.
            NoActiveContextError: There is no active `MiniAgents`.
        """
        sequence: MessageSequence[Message] = MessageSequence(name=f"{self.alias}.messages", kept_open=False)
        if messages is not None:
            sequence.put(messages)
        sequence.close()
        return await self._model().count(await sequence.promise)

    def _model(self) -> AnyLanguageModel:
        if isinstance(self._model_identity, ModelIdentity):
            return self._model_identity.model.with_options(self._kwargs)
        inner = self.what_it_is_made_of()
        if not isinstance(inner, ModelAgent):
            raise TypeError(f"agent {self.alias!r} is no model by itself")
        return inner._model().with_options(self._kwargs)

    def _call(
        self,
        args: tuple[object, ...],
        kwargs: Mapping[str, Any],  # Any: checked by `_check_arguments`
        composition: AnyContext | None = None,
        *,
        raises: bool = False,
        speaker: Speaker | None = None,
    ) -> AnyContext:
        options = kwargs if isinstance(kwargs, dict) else dict(kwargs)
        hide_headers(options)  # in the dict that the frames of the caller hold
        return super()._call(args, options, composition, raises=raises, speaker=speaker)

    def _check_arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        super()._check_arguments(args, {})
        self.protocol.option_rules.check(f"agent {self.alias!r}", kwargs)

    def _without_secrets(self, arguments: Iterable[tuple[str, object]]) -> Iterable[tuple[str, object]]:
        return without_secrets(arguments)

    @classmethod
    def of_model(
        cls,
        where: str,
        name: str,
        make_client: Callable[[ClientSettings], Closable],
        given: Mapping[str, object],
    ) -> Self:
        """Make an agent of a model from the arguments that its user gave.

        `create_openai_agent` describes them: `tools`, `reply_type`, `strict_reply`, `client`, `api_key`, `base_url`,
        `max_retries`, `default_headers`, `alias` and `description`; all others are options of the API.

        Args:
            where: The function that the user called, for its errors.
            name: The name of the model.
            make_client: Makes a client of the provider's SDK with settings. Agents that are to share clients have the
                same function.
            given: The dict of the arguments. The client and its settings are taken out of it, and headers are hidden in
                it: trackers of errors record the variables of frames, so a function with a key in its own variables
                deletes these before it calls this.

        Raises:
            TypeError: The API does not take an option, a client is given with settings, or an item of `tools` is none.
            ValueError: A limit is too small.
        """
        protocol = cls.protocol
        client, settings = client_given(given)
        options = dict(given)
        tools = tools_in(where, options.pop("tools", ()))
        reply_type = options.pop("reply_type", None)
        strict_reply = bool(options.pop("strict_reply", True))
        alias: Any = options.pop("alias", None)  # Any: the user's
        description: Any = options.pop("description", None)  # Any: the user's
        protocol.option_rules.check(where, options)
        client_of = clients_of(where, make_client, settings, client)
        address = address_of(protocol.provider, settings, client)
        model = LanguageModel(name=name, protocol=protocol, client_of=client_of, options=options, address=address)
        work, gives, identity = equipped(where, model, tools=tools, reply_type=reply_type, strict_reply=strict_reply)
        agent = cls(
            work,
            alias=alias if alias is not None else name,
            description=description or f"The language model {name}.",
            declares=lambda: ((Message,), gives),
            made_of=(
                name,
                make_client,
                client,
                Hidden(settings.reveal().key),
                options,
                tools,
                reply_type,
                strict_reply,
            ),
        )
        agent._model_identity = identity
        return agent

"""Agents that are language models, as far as they are the same for all providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from miniagents.ext.llm._options import check_options
from miniagents.messages import AssistantMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from miniagents.ext.llm._model import LanguageModel
    from miniagents.messages import Message
    from miniagents.miniagents import InteractionContext

__all__ = ["OptionRules", "answering"]

M = TypeVar("M", bound=AssistantMessage)


class OptionRules:
    """Which options an API takes.

    Args:
        api: the name of the API.
        known: the TypedDict of its options.
        withdrawn: what to do instead of others.
    """

    __slots__ = ("_api", "_known", "_withdrawn")

    def __init__(self, api: str, known: type, withdrawn: Mapping[str, str]) -> None:
        self._api = api
        self._known = known
        self._withdrawn = withdrawn

    def check(self, where: str, given: Mapping[str, object]) -> None:
        """Refuses options that the API does not take.

        Raises:
            TypeError: there is one; the text says which there are.
        """
        check_options(where, self._api, given, self._known, self._withdrawn)


def answering(
    model: LanguageModel[Any, M],  # Any: of whatever client the provider's SDK has
) -> Callable[..., Awaitable[None]]:
    """The work of an agent that answers with what a model says."""

    async def answer(ctx: InteractionContext[Message, M], **options: object) -> None:
        messages = await ctx.messages
        ctx.reply(model.with_options(options).answer(messages))

    return answer

"""`warm_up`: gets ready for the first question to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniagents.ext.llm._agent import ModelAgent
from miniagents.ext.llm._preparing import warmed
from miniagents.miniagents import MiniAgents

if TYPE_CHECKING:
    from miniagents.messages import Message

__all__ = ["warm_up"]


async def warm_up(*agents: ModelAgent[Message]) -> None:
    """Get ready to ask models: import their SDKs in a thread, and make their clients in the active context.

    The first question does the same, which takes a second or two. A server that calls this when it starts answers its
    first request as fast as the others. No request is made.

    Args:
        agents: The agents that will be asked.

    Raises:
        LanguageModelError: An SDK is not installed, or there is no key.
        TypeError: An agent is no model.
        NoActiveContextError: There is no active `MiniAgents`.

    >>> from miniagents.ext.llm import create_openai_agent
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         await warm_up(create_openai_agent("gpt-5", api_key="sk-example"))
    >>> asyncio.run(main())
    """
    context = MiniAgents.current()
    for agent in agents:
        if not isinstance(agent, ModelAgent):  # pyright: ignore[reportUnnecessaryIsInstance]  # programs without a checker
            raise TypeError(f"warm_up: {agent!r:.200} is no model; give the agents of models that it asks")
    models = [agent._model() for agent in agents]
    for model in models:
        await warmed(model.protocol.modules)
    for model in models:
        model.client_of(context)

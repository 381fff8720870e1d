"""One request, without a conversation: its errors are those of models, and have no key in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypeVar

from miniagents.ext.llm._clients import Closable
from miniagents.ext.llm._model_identity import host_of
from miniagents.ext.llm._preparing import warmed
from miniagents.ext.llm._secrets import bare, concealing
from miniagents.ext.llm._translating import translated
from miniagents.miniagents import MiniAgents

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from miniagents.ext.llm._clients import ClientOf

__all__ = ["requested"]

C = TypeVar("C", bound=Closable)
T = TypeVar("T")


async def requested(
    client_of: ClientOf[C],
    ask: Callable[[C], Awaitable[T]],
    *,
    provider: str,
    model: str,
    modules: Sequence[str] = (),
) -> T:
    """Make a request that is no question to a language model, such as one for embeddings.

    Args:
        client_of: Chooses the client for the context (see `clients_for`).
        ask: Makes the request with a client, and reads the answer.
        provider: The name of the provider, for errors.
        model: The name of the model, for errors.
        modules: The modules to import in a thread before, as `ModelProtocol.modules`.

    Raises:
        LanguageModelError: The request failed. The error has neither the key nor the frames of the SDK.
    """
    await warmed(modules)
    client = client_of(MiniAgents.current())
    problem: BaseException
    try:
        return await ask(client.reveal())
    except Exception as error:  # noqa: BLE001 - the SDKs raise many errors
        problem = translated(
            error, provider=provider, model=model, conceal=concealing(client, {}), host=host_of(client)
        )
    except BaseException as error:  # noqa: BLE001 - a cancellation, which is raised again
        problem = bare(error)
    # outside of the `except`: the frames of the SDK, its errors and its requests hold the key
    try:
        raise problem
    finally:
        del problem  # its traceback holds this frame

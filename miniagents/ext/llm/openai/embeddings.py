"""OpenAI's embeddings API: makes vectors from texts."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from miniagents.ext.llm.errors import ProtocolError
from miniagents.ext.llm.providers import (
    is_object,
    list_in,
    number_in,
    object_in,
    objects_in,
    requested,
    text_in,
    whole_answer,
)
from miniagents.messages import EmbeddingMessage, Message, Usage
from miniagents.promising import Promise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniagents.ext.llm.openai.options import OpenAIClient
    from miniagents.ext.llm.providers import ClientOf, JsonObject
    from miniagents.miniagents import InteractionContext

__all__ = ["EmbeddingModel"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddingModel:
    """A model that makes embeddings.

    Attributes:
        name: The name of the model.
        client_of: Chooses the client for each context.
        dimensions: How many coordinates an embedding has; None for the model's default.
        batch_size: How many texts go into one request at most.
    """

    name: str
    client_of: ClientOf[OpenAIClient]
    dimensions: int | None
    batch_size: int

    async def answer(self, ctx: InteractionContext[Message, EmbeddingMessage]) -> None:
        """Answer one call of the agent: reply with the embedding of each message, in the order of the messages."""
        batch: list[Message] = []
        async for promise in ctx.messages:
            batch.append(await promise)
            if len(batch) >= self.batch_size:
                ctx.reply(self._embedded(tuple(batch)))
                batch.clear()
        if batch:
            ctx.reply(self._embedded(tuple(batch)))

    def _embedded(self, messages: Sequence[Message]) -> Any:  # Any: the promises of one request's messages, in order
        whole = Promise(lambda: self._request(messages), name=self.name)
        return [whole.map(itemgetter(place)) for place in range(len(messages))]

    async def _request(self, messages: Sequence[Message]) -> tuple[EmbeddingMessage, ...]:
        texts = [str(message) for message in messages]
        return await requested(
            self.client_of,
            lambda client: self._embeddings(client, texts),
            provider="OpenAI",
            model=self.name,
            modules=("openai", "openai.resources.embeddings"),
        )

    async def _embeddings(self, client: OpenAIClient, texts: Sequence[str]) -> tuple[EmbeddingMessage, ...]:
        arguments: dict[str, Any] = {"model": self.name, "input": texts}  # Any: arguments of the SDK's method
        if self.dimensions is not None:
            arguments["dimensions"] = self.dimensions
        arguments["encoding_format"] = "float"
        raw = await client.embeddings.with_raw_response.create(**arguments)
        return _messages(whole_answer(raw.http_response), texts)


def _messages(answer: object, texts: Sequence[str]) -> tuple[EmbeddingMessage, ...]:
    data = objects_in(answer, "data") if is_object(answer) else []
    if not is_object(answer) or len(data) != len(texts):
        raise ProtocolError(f"{len(data)} embeddings came for {len(texts)} texts")
    in_order = sorted(data, key=lambda each: number_in(each, "index"))
    spent = object_in(answer, "usage")
    usage = Usage(input_tokens=number_in(spent, "prompt_tokens")) if spent else None
    model = text_in(answer, "model")
    return tuple(
        EmbeddingMessage(text, embedding=_vector(each), model=model, usage=None if place else usage)
        for place, (text, each) in enumerate(zip(texts, in_order, strict=True))
    )


def _vector(embedding: JsonObject) -> tuple[float, ...]:
    vector = list_in(embedding, "embedding")
    numbers = tuple(number for number in vector if isinstance(number, int | float))
    if not numbers or len(numbers) != len(vector):
        raise ProtocolError("an embedding is not a list of numbers")
    return numbers

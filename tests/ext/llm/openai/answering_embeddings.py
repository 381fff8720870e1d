"""Embeddings as OpenAI sends them: as numbers, or as the base64 that its client asks for by itself."""

import base64
import dataclasses
import struct
from collections.abc import Sequence
from typing import Final

from tests.ext.llm.openai.answering_chat import HEADERS
from tests.ext.llm.protocols import Json, Request, Response, json_response

MODEL: Final = "embedding-mock"


@dataclasses.dataclass(frozen=True)
class Embeddings:
    """The vectors of the inputs of a request, in their order."""

    vectors: tuple[tuple[float, ...], ...]
    model: str = MODEL
    input_tokens: int = 5
    shuffled: bool = False
    """Whether they come in reverse, each with its index, as the protocol allows."""

    def to(self, request: Request) -> Response:
        """In the form that the request asks for."""
        packed = request.body.get("encoding_format") == "base64"
        data: list[Json] = [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
            for index, vector in enumerate(self.vectors)
        ]
        body: Json = {
            "object": "list",
            "data": data[::-1] if self.shuffled else data,
            "model": self.model,
            "usage": {"prompt_tokens": self.input_tokens, "total_tokens": self.input_tokens},
        }
        return json_response(body, headers=HEADERS)


def embeddings(*vectors: Sequence[float], model: str = MODEL, shuffled: bool = False) -> Embeddings:
    """The vectors of the inputs of a request, in their order."""
    return Embeddings(tuple(map(tuple, vectors)), model, shuffled=shuffled)


def _packed(vector: Sequence[float]) -> str:
    """Floats of 32 bits, the lowest byte first."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

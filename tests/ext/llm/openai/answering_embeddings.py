"""Embeddings as OpenAI sends them: as numbers, or as base64, which its client requests by default."""

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
    """Whether they come in reverse order, each with its index; the protocol allows that."""

    def to(self, request: Request) -> Response:
        """Return the embeddings in the format that the request asks for."""
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
    """Return the vectors of the inputs of a request, in their order."""
    return Embeddings(tuple(map(tuple, vectors)), model, shuffled=shuffled)


def _packed(vector: Sequence[float]) -> str:
    """Encode numbers as floats of 32 bits, little-endian, in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

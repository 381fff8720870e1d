"""The vendors' own clients, for a server of the tests: they do not try again unless a test is about that.

They load no certificates, because loading takes longer than most tests.
"""

from collections.abc import AsyncIterable

import anthropic
import openai
from pydantic import BaseModel

from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES

KEY = "sk-of-the-tests"


def openai_client(server: ModelServer, *, max_retries: int = 0, timeout: float = 600) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key=KEY,
        base_url=server.openai_url,
        max_retries=max_retries,
        timeout=timeout,
        http_client=openai.DefaultAsyncHttpx2Client(verify=False),
    )


def anthropic_client(server: ModelServer, *, max_retries: int = 0, timeout: float = 600) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        api_key=KEY,
        base_url=server.anthropic_url,
        max_retries=max_retries,
        timeout=timeout,
        http_client=anthropic.DefaultAsyncHttpxClient(verify=False),
    )


async def outcome_of(
    server: ModelServer, path: str, *, stream: bool, read_timeout: float = 600, max_retries: int = 0
) -> tuple[list[object], Exception | None]:
    """Return the events of a stream, or the plain answer, that the client for a path receives; and its error."""
    async with (
        openai_client(server, timeout=read_timeout, max_retries=max_retries) as of_openai,
        anthropic_client(server, timeout=read_timeout, max_retries=max_retries) as of_anthropic,
    ):
        pieces: list[object] = []
        try:
            answered = await _ask(of_openai, of_anthropic, path, stream=stream)
            if not isinstance(answered, AsyncIterable):
                return [answered], None
            async for each in answered:
                pieces.append(each)  # noqa: PERF401 - it has those before the error
        except Exception as error:  # noqa: BLE001 - it is looked at
            return pieces, error
        return pieces, None


async def _ask(
    of_openai: openai.AsyncOpenAI, of_anthropic: anthropic.AsyncAnthropic, path: str, *, stream: bool
) -> AsyncIterable[object] | BaseModel:
    if path == CHAT:
        return await of_openai.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}], stream=stream
        )
    if path == RESPONSES:
        return await of_openai.responses.create(model="m", input="Hi", stream=stream)
    assert path == MESSAGES
    return await of_anthropic.messages.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}], stream=stream
    )

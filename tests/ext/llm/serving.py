"""A server of language models for programs that read its address from the environment; it runs in a thread."""

import asyncio
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import pytest

from tests.ext.llm.answers import Answer
from tests.ext.llm.anthropic.answering import anthropic_messages
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat
from tests.ext.llm.protocols import Reply, Request
from tests.ext.llm.replies import MESSAGES


@contextmanager
def models_served(answers: Mapping[str, Answer | tuple[Answer, ...]]) -> Generator[None]:
    """Serve models, and set the environment so that SDKs find this server.

    Each model always gives the same answer, or one for each turn: the second to a conversation that has one of its
    answers, and so on.
    """

    def reply(request: Request) -> Reply:
        model = str(request.body["model"])
        turns = answers[model]
        if isinstance(turns, Answer):
            said = turns
        else:
            said = turns[sum(message["role"] == "assistant" for message in request.body["messages"])]
        make = anthropic_messages if request.path.startswith(MESSAGES) else openai_chat
        return make(said.text, reasoning=said.reasoning, tool_calls=said.tool_calls, finish=said.finish, model=model)

    ready, done = threading.Event(), threading.Event()
    urls: dict[str, str] = {}

    async def serve() -> None:
        async with ModelServer(by=reply) as server:
            urls.update(OPENAI_BASE_URL=server.openai_url, ANTHROPIC_BASE_URL=server.anthropic_url)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (*urls.items(), ("OPENAI_API_KEY", "x"), ("ANTHROPIC_API_KEY", "x")):
                patch.setenv(name, value)
            yield
    finally:
        done.set()
        thread.join()

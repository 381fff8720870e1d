"""What the type checkers must accept and infer: conversations of people with agents.

Checked, not run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import assert_type

from miniagents import (
    CallHandler,
    InteractionContext,
    Message,
    MiniAgent,
    MiniAgents,
    UserMessage,
    achain_loop,
    miniagent,
)
from miniagents.chat import (
    ChatError,
    ConversationHistory,
    MarkdownHistory,
    MemoryHistory,
    NDJSONHistory,
    console_user,
    converse,
    markdown_log,
    with_history,
)
from miniagents.ext.llm import create_openai_agent
from miniagents.promising import AWAIT


class Shelf:
    """A history of the user's own."""

    @property
    def messages(self) -> tuple[Message, ...]:
        return ()

    def add(self, messages: Iterable[Message], /) -> None: ...


@miniagent
async def asker(ctx: InteractionContext[Message, UserMessage]) -> None: ...


async def conversations() -> None:
    model = create_openai_agent("gpt")
    assert_type(console_user, MiniAgent[Message, UserMessage, []])
    assert_type(await converse(model), tuple[Message, ...])
    memory = MemoryHistory([UserMessage("Hello")])
    lines = NDJSONHistory("talk.ndjson")
    markdown = MarkdownHistory(Path("talk.md"))
    histories: list[ConversationHistory] = [memory, lines, markdown, Shelf()]
    for history in histories:
        history.add((UserMessage("Hello"),))
        assert_type(history.messages, tuple[Message, ...])
        await converse(model, user=asker, history=history)
    memory.add([UserMessage("Hello")])
    lines.add([UserMessage("Hello")])
    markdown.add([UserMessage("Hello")])
    assert_type(memory.messages, tuple[Message, ...])
    assert_type(lines.messages, tuple[Message, ...])
    assert_type(markdown.messages, tuple[Message, ...])
    remembering = with_history(model, memory)
    assert_type(remembering, MiniAgent[Message, Message, []])
    await achain_loop([console_user, AWAIT, remembering])
    assert_type(markdown_log("models.md"), CallHandler)
    MiniAgents(around_calls=markdown_log(Path("models.md")))
    raise ChatError("x")

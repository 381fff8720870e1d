"""The table of common mistakes in the guide: each row is run, and its error says what the row says."""

import ast
import inspect
import pickle
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

import miniagents
from miniagents import InteractionContext, Message, MiniAgents, Promise, miniagent, stream_message
from miniagents.ext.llm import create_openai_agent

PAGE: Final = (Path(miniagents.__file__).parent / "guide" / "errors.md").read_text(encoding="utf-8")
TABLE: Final = PAGE.partition("## Common mistakes")[2].partition("\n## ")[0]
ROWS: Final = re.findall(r"^\| `(.+?)` \| (.+) \|$", TABLE, re.MULTILINE)


@miniagent
async def agent(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


async def tokens() -> AsyncIterator[str]:
    yield "never"


async def numbers() -> AsyncIterator[int]:
    yield 1


async def wait(_: object) -> None:
    """Never awaited."""


def test_the_table_is_there() -> None:
    assert len(ROWS) > 15


@pytest.mark.parametrize(("mistake", "said"), ROWS, ids=[mistake for mistake, _ in ROWS])
async def test_the_error_of_a_mistake_says_what_to_write(mistake: str, said: str) -> None:
    async with MiniAgents():
        names: dict[str, Any] = {  # Any: of any type
            "agent": agent,
            "tokens": tokens,
            "numbers": numbers,
            "wait": wait,
            "pickle": pickle,
            "stream_message": stream_message,
            "Message": Message,
            "create_openai_agent": create_openai_agent,
            "replies": agent.inquire("x"),
            "message": stream_message(Message, ["Hel", "lo"]),
            "promise": Promise.resolved([1, 2]),
        }
        code = compile(mistake, "mistake", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with pytest.raises((TypeError, AttributeError, ImportError, pickle.PicklingError)) as caught:
            made = eval(code, names)
            if inspect.isawaitable(made):
                await made
        assert str(caught.value) == said

"""Agents in a module whose annotations are strings, as `from __future__ import annotations` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from miniagents import InteractionContext, Message, MiniAgent, MiniAgents, miniagent


class Question(Message, frozen=True): ...


@miniagent
async def function(ctx: InteractionContext[Question, Later]) -> None:
    ctx.reply([type(message).__name__ for message in await ctx.messages])


@miniagent
class PlainClass:
    def __init__(self, ctx: InteractionContext[Question, Later]) -> None:
        self.ctx = ctx

    async def __call__(self) -> None:
        self.ctx.reply([type(message).__name__ for message in await self.ctx.messages])


@dataclass
class DataClass:
    ctx: InteractionContext[Question, Later]

    async def __call__(self) -> None:
        self.ctx.reply([type(message).__name__ for message in await self.ctx.messages])


data_class = miniagent(DataClass)


class Struct(msgspec.Struct):
    ctx: InteractionContext[Question, Later | Question]

    async def __call__(self) -> None:
        self.ctx.reply([type(message).__name__ for message in await self.ctx.messages])


struct = miniagent(Struct)


class Later(Message, frozen=True): ...


def ask(agent: MiniAgent[Any, Any, []], messages: Any) -> tuple[Message, ...]:
    async def main() -> tuple[Message, ...]:
        return await agent.inquire(messages)

    return MiniAgents().run(main())


@pytest.mark.parametrize("agent", [function, PlainClass, data_class, struct])
def test_a1_declared_types_are_read_from_annotations_that_are_strings(agent: Any) -> None:
    assert ask(agent, "?") == (Later("Question"),)
    with pytest.raises(TypeError, match=f"^agent '{agent.alias}': messages: got Later where Question is"):
        ask(agent, Later("no"))


def test_a1_local_classes_are_read_from_annotations_that_are_strings() -> None:
    class Local(Message, frozen=True): ...

    @miniagent
    async def agent(ctx: InteractionContext[Local, Local]) -> None:
        ctx.reply(await ctx.messages)

    @dataclass
    class Agent:
        ctx: InteractionContext[Local, Local]

        async def __call__(self) -> None:
            self.ctx.reply(await self.ctx.messages)

    assert ask(agent, "here") == ask(miniagent(Agent), "here") == (Local("here"),)


def test_a1_a_bare_context_declares_any_messages() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.reply(await ctx.messages)

    assert ask(agent, [Question("q"), "m"]) == (Question("q"), Message("m"))


def test_a1_an_agent_of_the_enclosing_function_s_types_can_be_made_by_a_factory() -> None:
    def echo_of(cls: type[Message]) -> MiniAgent[Any, Any, []]:
        async def agent(ctx: Any) -> None:
            ctx.reply(await ctx.messages)

        agent.__annotations__["ctx"] = "InteractionContext[cls, cls]"
        return miniagent(agent)

    assert ask(echo_of(Question), "q") == (Question("q"),)
    assert ask(echo_of(Later), "l") == (Later("l"),)

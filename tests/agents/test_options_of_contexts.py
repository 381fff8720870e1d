"""The options of a context are checked where it is made: a wrong one would show when the context is left, or never."""

import re
from typing import Any

import pytest

from miniagents import InteractionContext, MiniAgents, PromisingContext, miniagent


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


def hook(*_: object) -> None:
    raise AssertionError


OF_PROMISES: list[tuple[str, object, str]] = [
    ("shutdown_timeout", -1, "shutdown_timeout=-1: give a number that is not negative"),
    ("shutdown_timeout", "5", "shutdown_timeout='5': give a number, not str"),
    ("stall_warning", "5", "stall_warning='5': give a number, not str"),
    ("parent", "outer", "parent: 'outer' is no context"),
    ("on_promise_resolved", hook, "on_promise_resolved: hook is not async; write `async def`"),
    ("on_promise_resolved", 3, "on_promise_resolved: 3 is neither an async function nor several of them"),
    ("on_promise_resolved", [echo], "on_promise_resolved: <MiniAgent 'echo'> is no function; write echo.inquire"),
]
OF_AGENTS: list[tuple[str, object, str]] = [
    ("persist_filter", 3, "persist_filter: 3 is no function"),
    ("store", "runs.db", "store: 'runs.db' is no store; write `async with SQLiteStore(…) as store:`"),
]


@pytest.mark.parametrize(
    ("context", "option", "wrong", "error"),
    [
        *((PromisingContext, *case) for case in OF_PROMISES),
        *((MiniAgents, *case) for case in OF_PROMISES + OF_AGENTS),
    ],
)
def test_a_wrong_option_is_refused(context: type[PromisingContext], option: str, wrong: object, error: str) -> None:
    given: dict[str, Any] = {option: wrong}  # Any: the checkers refuse it
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(error)}"):
        context(**given)


@pytest.mark.parametrize("option", ["around_calls", "on_persist_messages", "on_promise_resolved", "persist_filter"])
def test_an_option_that_is_assigned_later_is_refused_as_it_would_have_no_effect(option: str) -> None:
    context = MiniAgents()
    said = rf"^MiniAgents: '{option}' is an option, not an attribute: give it as MiniAgents\({option}=…\)$"
    with pytest.raises(AttributeError, match=said):
        setattr(context, option, hook)
    with pytest.raises(AttributeError, match=said):
        getattr(context, option)
    assert option not in dir(context)

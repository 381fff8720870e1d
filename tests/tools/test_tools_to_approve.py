"""Tools whose calls somebody has to approve."""

import asyncio
from typing import Any

import pytest

from miniagents import Call, MiniAgents, Promise, Tool, ToolCall, ToolContext, ToolResultMessage, approval, tool
from miniagents.calls import Approval

RAN: list[str] = []


def made(approve: Any, **options: Any) -> Tool[..., Any]:
    async def delete(path: str, times: int = 1) -> str:
        RAN.append(path)
        return f"{path} {times}"

    RAN.clear()
    return tool(approve=approve, **options)(delete)


def yes(context: ToolContext[Any]) -> Approval:
    return True


def nothing(context: ToolContext[Any]) -> Any:
    return None


async def told(some: Tool[..., Any], arguments: str = '{"path": "x"}', **given: Any) -> ToolResultMessage:
    return await some.answer(ToolCall(id="c1", name=some.name, arguments=arguments), **given)


@pytest.mark.parametrize(
    ("answer", "result", "is_error"),
    [
        (True, "x 2", False),
        ({"path": "y"}, "y 2", False),
        (False, "the call of tool 'delete' was refused", True),
        ("not this one", "the call of tool 'delete' was refused: not this one", True),
        ({"path": 3}, "$.path: Expected `str`, got `int`", True),
    ],
)
@pytest.mark.parametrize("how", ["at once", "async", "promise"])
async def test_a_function_is_asked_with_the_call(answer: Approval, result: str, is_error: bool, how: str) -> None:
    asked: list[ToolContext[Any]] = []

    def ask(context: ToolContext[Any]) -> Any:
        asked.append(context)

        async def later() -> Approval:
            await asyncio.sleep(0)
            return answer

        return answer if how == "at once" else later() if how == "async" else Promise(later)

    async with MiniAgents():
        said = await told(made(ask), '{"path": "x", "times": 2}', deps="me")
    assert (str(said), said.is_error) == (result, is_error)
    assert [(context.call.id, context.deps) for context in asked] == [("c1", "me")]
    assert bool(RAN) is not is_error


async def test_a_call_waits_for_a_person_and_others_do_not() -> None:
    pending: asyncio.Future[Approval] = asyncio.get_running_loop().create_future()

    def wait(context: ToolContext[Any]) -> asyncio.Future[Approval]:
        return pending

    async with MiniAgents():
        waiting = made(wait).answer(ToolCall(id="c1", name="delete", arguments='{"path": "a"}'))
        assert str(await told(made(approve=False))) == "x 1"
        assert not waiting.done()
        pending.set_result(True)
        assert str(await waiting) == "a 1"


@pytest.mark.virtual_clock
async def test_the_time_of_a_person_does_not_count() -> None:
    async def ask(context: ToolContext[Any]) -> bool:
        await asyncio.sleep(3600)
        return True

    async with MiniAgents():
        assert str(await told(made(ask, timeout=3))) == "x 1"


async def test_nobody_is_asked_about_wrong_arguments() -> None:
    def ask(context: ToolContext[Any]) -> bool:
        raise AssertionError("asked")

    async with MiniAgents():
        assert str(await told(made(ask), '{"path": 3}')) == "$.path: Expected `str`, got `int`"


async def test_a_program_that_calls_the_function_is_not_asked() -> None:
    assert await made(approve=True)("x") == "x 1"


async def test_a_tool_that_needs_approval_is_not_called_without_somebody_to_ask(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def passes_on(call: Call, proceed: Any) -> None:
        proceed()

    for handlers in ((), (passes_on,)):
        async with MiniAgents(around_calls=handlers):
            result = await told(made(approve=True))
        assert result.is_error
        assert "needs approval, and nobody was asked: give MiniAgents(around_calls=approval(ask))" in str(result)
    assert not RAN
    assert len(caplog.records) == 2


async def test_the_approval_of_the_context_is_enough() -> None:
    asked: list[str] = []

    async def ask(call: Call) -> Approval:
        asked.append(call.name)
        return {"times": 5}

    async with MiniAgents(around_calls=approval(ask)):
        assert str(await told(made(approve=True))) == "x 5"
    assert asked == ["delete"]


async def test_an_approval_may_be_for_tools_that_require_it_alone() -> None:
    asked: list[bool] = []

    async def ask(call: Call) -> Approval:
        asked.append(True)
        return True

    async with MiniAgents(around_calls=approval(ask, only_required=True)):
        for approve in (False, True, yes):
            assert str(await told(made(approve))) == "x 1"
    assert asked == [True]


async def test_an_approved_call_approves_none_that_it_makes_itself(caplog: pytest.LogCaptureFixture) -> None:
    inner = made(approve=True)

    @tool(approve=True)
    async def outer() -> str:
        return str(await told(inner))

    async def ask(call: Call) -> Approval:
        return call.name == "outer"

    async with MiniAgents(around_calls=approval(ask)):
        assert str(await told(outer, "{}")) == "the call of tool 'delete' was refused"
    assert not RAN


async def test_an_answer_that_is_none_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with MiniAgents():
        result = await told(made(nothing))
    assert "approve: the answer None is neither True, False, a reason nor arguments" in str(result)
    assert not RAN
    with pytest.raises(TypeError, match="tool 'delete': approve='yes': give True, False, or a function"):
        made("yes")

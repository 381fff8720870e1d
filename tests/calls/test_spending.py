"""What models have used and cost, in a loop with tools, in an agent of agents and in a run; and limits of the cost."""

from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AnthropicMessage,
    AssistantMessage,
    InteractionContext,
    LimitExceededError,
    Message,
    MiniAgents,
    UserMessage,
    limits,
    miniagent,
    tool,
    trace,
)
from miniagents.calls import Call, Price, Proceed, usage_of
from miniagents.calls.spending import cost_of
from miniagents.messages import MessageType, Usage, decode, encode
from tests.ext.llm.agents import agent_for, each_path
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import MESSAGES, Saying

EACH: Final = Usage(input_tokens=11, output_tokens=7)
"""What each answer of the server uses."""

PRICES: Final = {"gpt-test": Price(input=1_000_000, output=0), "claude-test": Price(input=1_000_000, output=0)}
"""Prices with which each answer costs 11."""

numbers: Final = st.integers(0, 10**6)
usages: Final = st.builds(
    Usage,
    input_tokens=numbers,
    output_tokens=numbers,
    cache_read_tokens=numbers,
    cache_write_tokens=numbers,
    reasoning_tokens=numbers,
)


@tool
async def now() -> str:
    return "noon"


# --- adding up ---


@given(st.lists(usages, min_size=1))
def test_usage_is_added_up_number_by_number(spent: list[Usage]) -> None:
    total = sum(spent[1:], spent[0])
    assert total == sum(spent) == sum(reversed(spent))
    for name in Usage.__struct_fields__:
        assert getattr(total, name) == sum(getattr(each, name) for each in spent)
    assert decode(encode(total), Usage) == total


def test_usage_and_something_else_are_not_added_up() -> None:
    others: tuple[Any, ...] = (1, None, "x")
    for other in others:
        with pytest.raises(TypeError, match="unsupported operand"):
            _ = EACH + other
        with pytest.raises(TypeError, match="unsupported operand|can only concatenate"):
            _ = other + EACH


def test_answers_without_usage_are_no_answers_that_used_nothing() -> None:
    unknown: list[Message] = [UserMessage("Hi"), AssistantMessage("Yes")]
    assert usage_of(unknown) is None
    assert usage_of([*unknown, AssistantMessage("No", usage=EACH), *unknown]) == EACH


@each_path
async def test_the_usage_of_a_loop_an_agent_and_a_run(path: str) -> None:
    asking = Saying(answer(tool_calls=[tool_call("now", {})]))
    async with ModelServer(asking, *[Saying(answer("Noon."))] * 2) as server, trace() as traced:
        model = agent_for(path, server, tools=[now])
        other = agent_for(path, server, alias="other")

        @miniagent
        async def both(ctx: InteractionContext) -> None:
            ctx.reply(await model.inquire("When?"))
            ctx.reply(await other.inquire("And?"))

        before = traced.run.usage
        assert before is None
        assert traced.run.usage_by("agent") == {}
        replies = await both.inquire()
    assert usage_of(replies) == traced.run.usage == EACH + EACH + EACH
    assert traced.run.usage_by("agent") == {model.alias: EACH + EACH, "other": EACH}
    assert traced.run.usage_by("model") == {model.alias: EACH + EACH + EACH}
    assert traced.run.cost(PRICES) == 33
    with pytest.raises(ValueError, match=rf"no price for the model '{model.alias}'"):
        traced.run.cost({})


async def test_replies_that_were_kept_cost_nothing() -> None:
    async def kept(call: Call, proceed: Proceed) -> MessageType[Message]:
        if call.kind != "model":
            return proceed()
        call.mark_replayed()
        return AnthropicMessage("Kept.", usage=EACH)

    async with ModelServer() as server, trace() as traced:
        handlers = [limits(cost=1, tokens=1, prices=PRICES), kept]
        async with MiniAgents(around_calls=handlers):
            model = agent_for(MESSAGES, server)
            assert [str(each) for _ in range(3) for each in await model.inquire("Hi")] == ["Kept."] * 3
    assert len(traced.run.calls) == 6
    assert traced.run.usage is None


# --- prices and limits ---


def test_each_kind_of_token_has_its_price() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=100, cache_read_tokens=600, cache_write_tokens=300)
    assert Price(input=10, output=100).of(usage) * 1_000_000 == pytest.approx(10_000 + 10_000)
    cached = Price(input=10, output=100, cached=1, written=20)
    assert cached.of(usage) * 1_000_000 == pytest.approx(100 * 10 + 600 + 300 * 20 + 10_000)
    with pytest.raises(ValueError, match="Price: output=-1"):
        Price(input=1, output=-1)
    with pytest.raises(ValueError, match="Price: cached=nan"):
        Price(input=1, output=1, cached=float("nan"))
    with pytest.raises(ValueError, match=r"^Price: output=inf: give a finite number$"):
        Price(input=1, output=float("inf"))
    text: Any = "1"  # Any: the checkers refuse it
    with pytest.raises(TypeError, match=r"^Price: input='1': give a number, not str$"):
        Price(input=text, output=1)
    with pytest.raises(TypeError, match=r"^the price of the model 'm': '1' is no Price\(input=..., output=...\)$"):
        cost_of("m", usage, {"m": text})


@each_path
async def test_a_run_stops_at_its_cost(path: str) -> None:
    handler = limits(cost=20, prices=PRICES)
    async with ModelServer(*[Saying(answer("Yes."))] * 2) as server, MiniAgents(around_calls=handler):
        agent: Any = agent_for(path, server)
        await agent.inquire("1")
        await agent.inquire("2")
        with pytest.raises(LimitExceededError, match="the run has reached its limit of costs, 20") as exceeded:
            await agent.inquire("3")
    assert (exceeded.value.limit, exceeded.value.most) == ("cost", 20)
    assert len(server.requests) == 2


async def test_a_model_without_a_price_is_not_asked() -> None:
    async with ModelServer() as server, MiniAgents(around_calls=limits(cost=20, prices={"other": PRICES["gpt-test"]})):
        with pytest.raises(ValueError, match=r"no price for the model 'claude-test': give prices=\{'claude-test'"):
            await agent_for(MESSAGES, server).inquire("Hi")
    assert not server.requests

"""`replaced`: another agent does the work of an agent, anywhere in a tree."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from miniagents import (
    Call,
    InteractionContext,
    Message,
    MessageType,
    MiniAgent,
    MiniAgents,
    Proceed,
    case,
    chain,
    loop,
    map_agent,
    miniagent,
    parallel,
    route,
)
from miniagents.ext.llm import create_openai_agent
from miniagents.testing import VirtualClockEventLoop, replaced, scripted_agent

Agent = MiniAgent[Message, Message, []]


@miniagent(alias="model")
async def real_model(ctx: InteractionContext, temperature: float = 1.0) -> None:
    ctx.reply(f"real at {temperature}")


model: MiniAgent[Message, Message, ...] = real_model  # pyright loses the default in some orders of files


@miniagent
async def caller(ctx: InteractionContext) -> None:
    ctx.reply(model.inquire(ctx.messages, temperature=0.5))


def run(main: Coroutine[Any, Any, None], **options: Any) -> None:  # Any: what MiniAgents takes
    MiniAgents(**options).run(main, loop_factory=VirtualClockEventLoop)


def texts(messages: tuple[Message, ...]) -> list[str]:
    return [str(message) for message in messages]


WAYS: list[Callable[[], Agent]] = [
    model.bound,
    lambda: model.bound(temperature=0),
    lambda: model.bound(0),
    lambda: model.bound().options(alias="named", start_asap=False),
    lambda: model.bound(temperature=2).with_retry().with_timeout(3).with_fallback(scripted_agent("other")),
    lambda: model.with_repair(str).bound(),
    lambda: chain(model, scripted_agent(otherwise=lambda asked: str(*asked.messages))),
    lambda: parallel(model),
    lambda: map_agent(model),
    lambda: route(case(Message, model)),
    lambda: loop(model, until=lambda _: True, max_rounds=1),
    lambda: caller,
    lambda: chain(parallel(caller.with_retry())).options(alias="deep"),
]


@pytest.mark.parametrize("make", WAYS)
@pytest.mark.parametrize("handlers", [False, True])
def test_it_is_replaced_anywhere_in_a_tree(make: Callable[[], Agent], handlers: bool) -> None:
    before = make()

    async def passing(_: Call, proceed: Proceed) -> MessageType[Message]:
        return await proceed()

    async def main() -> None:
        with replaced(model, fake := scripted_agent(otherwise="fake", of=model)):
            assert texts(await before.inquire("q")) == ["fake"]
            assert texts(await make().inquire("q")) == ["fake"]
            assert [texts(call.messages) for call in fake.asked] == [["q"], ["q"]]
        (said,) = texts(await before.inquire("q"))
        assert said.startswith("real")

    run(main(), around_calls=[passing] if handlers else [])


def test_arguments_reach_the_one_that_does_the_work() -> None:
    async def main() -> None:
        with replaced(model, fake := scripted_agent(otherwise="fake", of=model)):
            await model.inquire("q", temperature=0.1)
            await model.bound(0.2).inquire("q")
            await caller.inquire("q")
        assert [call.arguments for call in fake.asked] == [{"temperature": value} for value in (0.1, 0.2, 0.5)]

    run(main())


def test_only_agents_with_the_same_bound_arguments_are_replaced() -> None:
    async def main() -> None:
        cold = model.bound(temperature=0.0)
        with replaced(cold, scripted_agent(otherwise="fake", of=cold)):
            assert texts(await cold.inquire("q")) == ["fake"]
            assert texts(await model.inquire("q", temperature=0.0)) == ["fake"]
            assert texts(await model.inquire("q", temperature=0.3)) == ["real at 0.3"]
            assert texts(await model.inquire("q")) == ["real at 1.0"]

    run(main())


def test_it_holds_for_a_whole_program_around_its_context() -> None:
    async def main() -> None:
        assert texts(await caller.inquire("q")) == ["fake"]

    with replaced(model, scripted_agent("fake", of=model)):
        run(main())


def test_calls_that_began_in_the_block_are_replaced_when_it_has_ended() -> None:
    """A lazy call too: what counts is where the call was made."""

    async def main() -> None:
        with replaced(model, scripted_agent(otherwise="fake", of=model)):
            early = caller.inquire("q")
            lazy = model.options(start_asap=False).inquire("q")
        late = caller.inquire("q")
        assert [texts(await replies) for replies in (early, lazy, late)] == [["fake"], ["fake"], ["real at 0.5"]]

    run(main())


def test_other_tasks_have_agents_of_their_own() -> None:
    async def main() -> None:
        async def other() -> list[str]:
            await asyncio.sleep(1)
            return texts(await model.inquire("q"))

        outside = asyncio.create_task(other())
        with replaced(model, scripted_agent(otherwise="fake", of=model)):
            inside = asyncio.create_task(other())
            assert await outside == ["real at 1.0"]
        assert await inside == ["fake"]

    run(main())


def test_the_innermost_block_decides() -> None:
    async def main() -> None:
        with replaced(model, scripted_agent(otherwise="outer", of=model)):
            with replaced(model, scripted_agent(otherwise="inner", of=model)):
                assert texts(await caller.inquire("q")) == ["inner"]
            assert texts(await caller.inquire("q")) == ["outer"]

    run(main())


def test_the_one_that_does_the_work_may_call_the_replaced_agent() -> None:
    """So it can look on, and change what it likes."""
    seen: list[float] = []

    @miniagent
    async def spy(ctx: InteractionContext, temperature: float = 1.0) -> None:
        seen.append(temperature)
        ctx.reply([model.inquire(ctx.messages, temperature=temperature), "spied"])

    async def main() -> None:
        with replaced(model, spy):
            assert texts(await caller.inquire("q")) == ["real at 0.5", "spied"]
            assert texts(await model.inquire("q")) == ["real at 1.0", "spied"]
        assert seen == [0.5, 1.0]

    run(main())


def test_name_types_and_options_are_those_of_the_replaced_agent() -> None:
    loosely: Any = model  # Any: for a mistake that the checkers would find

    async def main() -> None:
        with replaced(model, scripted_agent(otherwise=ValueError("no"), of=model, alias="fake")):
            with pytest.raises(TypeError, match="agent 'model': got an unexpected keyword argument 'temprature'"):
                loosely.inquire("q", temprature=3)
            with pytest.raises(ValueError, match="in agent 'model'"):
                await model.inquire("q")
            assert texts(await model.options(errors_as_messages=True).inquire("q")) == ["ValueError: no"]

    run(main())


def test_models_are_replaced_by_name_and_options() -> None:
    def gpt() -> Any:  # Any: the vendor's agent
        return create_openai_agent("gpt-5-nano", api_key="none")

    async def main() -> None:
        with replaced(gpt(), scripted_agent(otherwise="fake", of=gpt())):
            assert texts(await gpt().inquire("q", temperature=0)) == ["fake"]

    run(main())


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        ((3, model), "replaced: 3 is no MiniAgent"),
        ((model, "x"), "replaced: 'x' is no MiniAgent"),
        ((caller >> model, model), "replaced: the chain 'caller >> model' may be a part of longer chains"),
    ],
)
def test_what_cannot_be_replaced_is_refused(agents: Any, message: str) -> None:  # Any: they are wrong
    with pytest.raises(TypeError, match=message), replaced(*agents):
        pass


def test_a_chain_with_a_name_is_replaced_as_a_whole() -> None:
    async def main() -> None:
        named = chain(caller, model).options(alias="named")
        with replaced(named, scripted_agent("fake", of=named)):
            assert texts(
                await (named >> scripted_agent(otherwise=lambda asked: str(*asked.messages))).inquire("q")
            ) == ["fake"]

    run(main())

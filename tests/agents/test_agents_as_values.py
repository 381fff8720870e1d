"""A6: agents are values: nothing changes them, those made alike are equal, and each argument is given once."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies

from miniagents import ErrorMessage, InteractionContext, Message, MiniAgent, MiniAgents, UserMessage, miniagent
from miniagents.composition import case, chain, first_to_reply, loop, map_agent, parallel, route
from miniagents.ext.llm import create_anthropic_agent, create_openai_agent
from miniagents.promising import DEFAULT
from miniagents.testing import scripted_agent

if TYPE_CHECKING:
    from collections.abc import Callable

    AnyAgent = MiniAgent[Any, Any, ...]  # of any messages


@miniagent
async def repeat(ctx: InteractionContext, times: int, unit: object = "x", *, a: int = 0, b: int = 0) -> None:
    """Says what it was called with."""
    ctx.reply(f"{times} {unit} {a} {b}")


@miniagent
async def other(ctx: InteractionContext) -> None:
    ctx.reply("other")


# --- each argument is given once ---


GIVEN_AGAIN: tuple[tuple[Callable[[], AnyAgent], Callable[[AnyAgent], object], str], ...] = (
    (
        lambda: repeat.bound(times=5),
        lambda agent: agent.inquire(None, times=9),
        "got 'times' again; bound(times=…)",
    ),
    (lambda: repeat.bound(times=5), lambda agent: agent.inquire(None, 9), "multiple values for argument 'times'"),
    (lambda: repeat.bound(5), lambda agent: agent.inquire(None, times=9), "multiple values for argument 'times'"),
    (
        lambda: repeat.bound(5, 6),
        lambda agent: agent.inquire(None, 7),
        "too many positional arguments; bound(…, …)",
    ),
    (lambda: repeat.bound(times=5), lambda agent: agent.initiate_inquiry(times=9), "got 'times' again"),
    (lambda: repeat.bound(times=5, a=1, b=2), lambda agent: agent.inquire(None, b=3, a=1), "got 'b', 'a' again"),
    (lambda: repeat.bound(times=5), lambda agent: agent.bound(times=9), "got 'times' again"),
    (lambda: repeat.bound(5), lambda agent: agent.bound(times=9), "multiple values for argument 'times'"),
    (
        lambda: repeat.bound(times=5),
        lambda agent: agent.with_timeout(1).inquire(None, times=9),
        "got 'times' again",
    ),
    (
        lambda: create_openai_agent("m", api_key="k").bound(temperature=0.1),
        lambda agent: agent.inquire(None, temperature=0.2),
        "got 'temperature' again",
    ),
)


@pytest.mark.parametrize(("bind", "call", "said"), GIVEN_AGAIN)
def test_an_argument_that_is_bound_cannot_be_given_again(
    bind: Callable[[], AnyAgent], call: Callable[[AnyAgent], object], said: str
) -> None:
    async def main() -> None:
        agent = bind()
        with pytest.raises(TypeError) as raised:
            call(agent)
        assert said in str(raised.value)
        assert str(raised.value).endswith(
            " has given these: for other values, call `bound` of the agent without them"
        ), "it says what to do"

    MiniAgents().run(main())


def test_an_unknown_argument_is_told_by_the_names_there_are_and_not_by_those_that_are_bound() -> None:
    async def main() -> None:
        agent: AnyAgent = repeat.bound(times=5)
        with pytest.raises(TypeError, match="got an unexpected .* 'uint'; did you mean 'unit'[^;]*$"):
            agent.inquire(None, uint="y")

    MiniAgents().run(main())


def test_the_rest_of_the_arguments_can_be_given_in_any_number_of_steps() -> None:
    async def main() -> None:
        agent: AnyAgent = repeat
        for arguments in ({"times": 2}, {"unit": "y"}, {"a": 1}):
            agent = agent.bound(**arguments)
        (message,) = await agent.inquire(None, b=2)
        assert message.text == "2 y 1 2"

    MiniAgents().run(main())


def test_an_error_does_not_show_arguments_which_may_be_secret() -> None:
    async def main() -> None:
        with pytest.raises(TypeError) as raised:
            repeat.bound(1, unit="secret").inquire(None, unit="y")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
        assert "secret" not in str(raised.value)

    MiniAgents().run(main())


# --- nothing changes them ---


@pytest.mark.parametrize("name", ["alias", "description", "anything"])
def test_no_attribute_can_be_assigned_to(name: str) -> None:
    for agent in (repeat, repeat.bound(1), chain(other, other), create_openai_agent("m", api_key="k")):
        before = agent.alias, agent.description
        with pytest.raises(AttributeError, match="agents are values") as raised:
            setattr(agent, name, "new")
        assert ("agent.options(alias=…)" in str(raised.value)) == (name == "alias")
        assert (agent.alias, agent.description) == before


@pytest.mark.parametrize("name", ["alias", "description"])
def test_no_attribute_can_be_deleted(name: str) -> None:
    with pytest.raises(AttributeError):
        delattr(repeat, name)
    assert repeat.alias == "repeat"


def test_a_copy_of_an_agent_is_the_agent() -> None:
    agent = repeat.bound(1, [2])
    assert copy.copy(agent) is agent
    assert copy.deepcopy({"agent": agent})["agent"] is agent


# --- those made alike are equal ---


def until(replies: tuple[Message, ...]) -> bool:
    return bool(replies)


ALIKE: tuple[Callable[[], AnyAgent], ...] = (
    lambda: repeat,
    repeat.options,
    lambda: repeat.options(alias="a"),
    lambda: repeat.options(start_asap=False),
    lambda: repeat.options(errors_as_messages=True),
    lambda: repeat.options(errors_as_messages=False),
    lambda: repeat.bound(1),
    lambda: repeat.bound(2),
    lambda: repeat.bound(times=1),
    lambda: repeat.bound(1, unit="y"),
    lambda: repeat.bound(1, [1, 2]),
    lambda: repeat.bound(1, [1, 3]),
    lambda: repeat.bound(1, {1}),
    lambda: repeat.bound(1, frozenset({1})),
    lambda: repeat.with_retry(attempts=2),
    lambda: repeat.with_retry(attempts=2, backoff=1),
    lambda: repeat.with_retry(attempts=2, errors=(ValueError,)),
    lambda: repeat.with_timeout(1),
    lambda: repeat.with_fallback(other),
    lambda: repeat.with_fallback(other, ValueError),
    lambda: repeat.with_timeout(1).with_retry(attempts=2),
    lambda: other >> other,
    lambda: chain(other, other, other),
    lambda: parallel(other, other),
    lambda: parallel(other, other, ordered=False),
    lambda: parallel(other),
    lambda: first_to_reply(other),
    lambda: first_to_reply(other, other),
    lambda: map_agent(other),
    lambda: map_agent(other, concurrency=2),
    lambda: loop(other, until=until, max_rounds=2),
    lambda: loop(other, until=until, max_rounds=3),
    lambda: route(case(UserMessage, other)),
    lambda: route(case(UserMessage, other), otherwise=other),
    lambda: create_openai_agent("m"),
    lambda: create_openai_agent("m", api_key="k"),
    lambda: create_openai_agent("n"),
    lambda: create_openai_agent("m", temperature=0.1),
    lambda: create_openai_agent("m", stop=["a"]),
    lambda: create_anthropic_agent("m", max_tokens=5),
)


@given(strategies.sampled_from(range(len(ALIKE))), strategies.sampled_from(range(len(ALIKE))))
def test_agents_are_equal_if_and_only_if_they_are_made_alike(one: int, another: int) -> None:
    left, right = ALIKE[one](), ALIKE[another]()
    are_alike = one == another or {one, another} == {0, 1}
    assert (left == right) is are_alike
    assert (left != right) is not are_alike
    if are_alike:
        assert hash(left) == hash(right)
        assert {left: "found"}[right] == "found"


def test_every_agent_that_is_made_twice_is_equal() -> None:
    for make in ALIKE:
        assert make() == make(), make()
        assert hash(make()) == hash(make())


def test_a_function_makes_one_agent_however_often() -> None:
    async def work(ctx: InteractionContext) -> None:
        ctx.reply("x")

    assert miniagent(work) == miniagent(work)
    assert miniagent(work) != miniagent(work, alias="y")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
    assert miniagent(work) != work
    assert miniagent(work) != "work"
    assert scripted_agent("x") != scripted_agent("x"), "these count their calls"


def test_a_hash_does_not_change_with_an_argument() -> None:
    argument = [1]
    agent = repeat.bound(1, argument)
    kept = {agent}
    argument.append(2)
    assert agent in kept


# --- errors as messages, for an agent and for a call ---


@miniagent
async def failing(ctx: InteractionContext) -> None:
    ctx.reply("before")
    raise ValueError("no")


@miniagent(errors_as_messages=True)
async def failing_in_messages(ctx: InteractionContext) -> None:
    ctx.reply("before")
    raise ValueError("no")


@pytest.mark.parametrize("by_context", [True, False])
def test_an_agent_says_itself_how_it_fails(by_context: bool) -> None:
    async def fails(agent: MiniAgent[Message, Message, []]) -> bool:
        replies = agent.inquire()
        try:
            messages = await replies
        except ValueError:
            return True
        assert [type(message) for message in messages] == [Message, ErrorMessage]
        return False

    async def main() -> None:
        assert await fails(failing) is not by_context
        assert await fails(failing.options(errors_as_messages=DEFAULT)) is not by_context
        assert not await fails(failing.options(errors_as_messages=True))
        assert await fails(failing.options(errors_as_messages=False))
        assert not await fails(failing_in_messages)
        assert await fails(failing_in_messages.options(errors_as_messages=False)), "the call has the last word"
        assert not await fails(failing_in_messages.options(alias="other"))

    MiniAgents(errors_as_messages=by_context).run(main())


def test_an_agent_that_declares_other_messages_fails_in_messages_as_well() -> None:
    @miniagent(errors_as_messages=True)
    async def strict(ctx: InteractionContext[UserMessage, UserMessage]) -> None:
        raise ValueError(f"no {await ctx.messages}")

    async def main() -> None:
        (message,) = await strict.inquire()
        assert isinstance(message, ErrorMessage)

    MiniAgents().run(main())


@pytest.mark.parametrize(
    "composed",
    [
        failing >> map_agent(failing),
        chain(failing).options(alias="named"),
        parallel(failing, failing),
        loop(failing, until=until, max_rounds=2),
        route(case(Message, failing)),
        failing.with_retry(attempts=2),
        failing.with_fallback(failing),
        failing.with_timeout(5),
    ],
)
def test_members_of_a_composition_take_its_option_over(composed: MiniAgent[Message, Message, []]) -> None:
    async def main() -> None:
        messages = await composed.options(errors_as_messages=True).inquire("x")
        assert any(isinstance(message, ErrorMessage) for message in messages)
        recovered = await composed.inquire("x").recover_messages(lambda error: UserMessage(str(error)))
        assert any(message == UserMessage("no") for message in recovered), "without it there are errors"

    MiniAgents().run(main())


def test_an_agent_that_is_called_by_hand_keeps_its_own_way() -> None:
    @miniagent(errors_as_messages=True)
    async def outer(ctx: InteractionContext) -> None:
        with pytest.raises(ValueError, match=r"^no\nin agent 'failing', called by 'outer'$"):
            await failing.inquire()
        ctx.reply(parallel(failing, failing.options(errors_as_messages=True)).inquire())

    async def main() -> None:
        recovered = outer.inquire().recover_messages(lambda error: Message(f"! {error}"))
        assert [type(message) for message in await recovered] == [Message, Message, Message, ErrorMessage]

    MiniAgents().run(main())

"""`summarised`: an agent never gets more than it can take, and no part of a conversation is summarised twice."""

from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MiniAgents,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    UserMessage,
    miniagent,
)
from miniagents.histories import estimated_tokens, summarised
from miniagents.testing import ScriptedAgent, scripted_agent
from tests.histories.test_trim import unpaired

SUMMARY: Final = "A summary of the conversation so far:\n"
TOKENS: Final = 100


def texts(messages: tuple[Message, ...]) -> list[str]:
    return [str(message) for message in messages]


async def asked_with(history: list[Message], summariser: Any, **options: Any) -> tuple[Message, ...]:
    """Return what the agent is called with."""
    agent: ScriptedAgent = scripted_agent("Fine.")
    async with MiniAgents():
        assert texts(await summarised(agent, by=summariser, tokens=TOKENS, **options).inquire(history)) == ["Fine."]
    return agent.asked[0].messages


def turns(count: int) -> list[Message]:
    """Return turns of 30 tokens each."""
    pairs = (
        (UserMessage(f"q{turn}".ljust(33, ".")), AssistantMessage(f"a{turn}".ljust(33, "."))) for turn in range(count)
    )
    return [message for pair in pairs for message in pair]


async def test_a_history_that_fits_goes_to_the_agent_as_it_is() -> None:
    summariser = scripted_agent()
    assert await asked_with(turns(3), summariser) == tuple(turns(3))
    assert not summariser.asked


async def test_the_older_part_is_replaced_by_its_summary_and_the_instruction_stays() -> None:
    summariser = scripted_agent("They met.")
    history = [SystemMessage("Be brief."), *turns(4), UserMessage("And?")]
    told = await asked_with(history, summariser, instruction="Sum up!")
    assert told[:2] == (SystemMessage("Be brief."), UserMessage(f"{SUMMARY}They met."))
    assert told[2:] == tuple(history[-len(told[2:]) :])
    given_part = summariser.asked[0].messages
    assert texts(given_part)[-1] == "Sum up!"
    assert (*given_part[:-1], *told[2:]) == tuple(history[1:]), "each message is in one of both"


async def test_a_conversation_that_goes_on_is_not_summarised_again() -> None:
    summariser = scripted_agent("first", "second", "third", "fourth", "fifth")
    agent = scripted_agent(*["Fine."] * 40)
    async with MiniAgents():
        wise = summarised(agent, by=summariser, tokens=TOKENS)
        history = [*turns(10)]
        for place in range(1, len(history), 2):
            await wise.inquire(history[:place])
    counts = [sum(text.startswith(SUMMARY) for text in texts(call.messages)) for call in agent.asked]
    assert counts == sorted(counts), "from some message on there is a summary, and just one"
    assert len(summariser.asked) == 5
    first, second = (texts(call.messages) for call in summariser.asked[:2])
    assert second[0] == f"{SUMMARY}first"
    assert not set(first[:-1]) & set(second[:-1]), "the second has the first summary, and what follows it"


async def test_after_the_context_nothing_is_remembered() -> None:
    summariser = scripted_agent("one", "two")
    agent = summarised(scripted_agent("a", "b"), by=summariser, tokens=TOKENS)
    for _ in range(2):
        async with MiniAgents():
            await agent.inquire(turns(4))
    assert len(summariser.asked) == 2


async def test_in_a_long_turn_the_question_stays() -> None:
    rounds: list[Message] = []
    for number in range(6):
        call = ToolCall(id=str(number), name="now")
        rounds += [AssistantMessage("", tool_calls=(call,)), ToolResultMessage("noon" * 9, tool_call_id=call.id)]
    told = await asked_with([UserMessage("Do it"), *rounds], scripted_agent("Three rounds.", "Five rounds."))
    assert texts(told)[:2] == [f"{SUMMARY}Five rounds.", "Do it"]
    assert told[-1] == rounds[-1]
    assert not unpaired(told)


async def test_a_summary_that_is_too_long_takes_the_place_of_older_messages() -> None:
    told = await asked_with(turns(4), scripted_agent("s" * 150))
    assert estimated_tokens(*told) <= TOKENS
    assert texts(told)[0].startswith(SUMMARY)


def is_first_answer(message: Message) -> bool:
    return str(message).startswith("a0")


async def test_what_keep_says_stays() -> None:
    history = turns(6)
    told = await asked_with(history, scripted_agent("s", "t"), keep=is_first_answer)
    assert history[1] in told


async def test_an_error_of_the_summary_is_the_reply() -> None:
    agent = scripted_agent()
    async with MiniAgents():
        with pytest.raises(ConnectionError, match="lost"):
            await summarised(agent, by=scripted_agent(ConnectionError("lost")), tokens=TOKENS).inquire(turns(4))
    assert not agent.asked


@miniagent
async def short(ctx: InteractionContext) -> None:
    ctx.reply(f"{len(await ctx.messages)} messages")


sizes: Final = st.lists(st.integers(0, 120), min_size=1, max_size=20)


@given(sizes, st.booleans())
async def test_the_bound_holds_for_any_history(lengths: list[int], asks_tools: bool) -> None:
    history: list[Message] = []
    for number, length in enumerate(lengths):
        if asks_tools and number % 3 == 1:
            call = ToolCall(id=str(number), name="now")
            history += [AssistantMessage("", tool_calls=(call,)), ToolResultMessage("x" * length, tool_call_id=call.id)]
        else:
            history.append((UserMessage, AssistantMessage)[number % 2]("x" * length))
    told = await asked_with(history, short)
    assert estimated_tokens(*told) <= TOKENS
    assert not unpaired(told)
    assert told[-1] == history[-1]


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="summarised: tokens=0"):
        summarised(short, by=short, tokens=0)
    again = summarised(short, by=short, tokens=9)
    assert again == summarised(short, by=short, tokens=9)
    assert again.alias == "summarised(short)"

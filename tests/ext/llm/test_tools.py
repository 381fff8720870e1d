"""Models that call tools: what is asked, carried out, streamed, and told to the model again, over all protocols."""

import asyncio
import dataclasses
import json
import threading
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AgentCallNode,
    AgentReplyNode,
    AssistantMessage,
    Call,
    EndLoop,
    ImagePart,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    Proceed,
    ToolContext,
    ToolResultMessage,
    UserMessage,
    miniagent,
    stream_message,
    tool,
)
from miniagents.ext.llm import ProviderError, ToolDefinition, TooManyTurnsError, create_openai_agent
from miniagents.testing import transcript
from tests.ext.llm import agents
from tests.ext.llm.agents import each_path, nameless, streamed_or_not
from tests.ext.llm.answers import Answer, answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.protocols import Event, Response, Script
from tests.ext.llm.replies import CHAT, MESSAGES, Saying, http_error


def agent_for(path: str, server: ModelServer, **options: Any) -> MiniAgent[Message, Message, ...]:  # Any: of the test
    """An agent with tools, or whose replies are of a type."""
    return agents.agent_for(path, server, **options)


DONE = answer("That is all.")


@tool
async def weather(city: str, days: Annotated[int, msgspec.Meta(ge=1)] = 1) -> str:
    """The weather at a place.

    Args:
        city: Where.
        days: How many days.
    """
    return f"{city}: sun for {days}"


@tool
async def broken() -> int:
    """Never works."""
    raise ConnectionError("no network")


def saying(*answers: Answer) -> list[Saying]:
    return [Saying(said) for said in answers]


async def messages_of(replies: MessageSequencePromise[Message]) -> list[Message]:
    return [*await replies]


# --- the loop ---


@each_path
@streamed_or_not
async def test_calls_are_carried_out_and_the_model_is_told(
    path: str, stream: bool, snapshot: SnapshotAssertion
) -> None:
    calls = [tool_call("weather", {"city": "Kiel", "days": 2}, id="c1"), tool_call("weather", {"city": "Rom"}, id="c2")]
    async with ModelServer(*saying(answer("I look it up.", tool_calls=calls), DONE)) as server, MiniAgents():
        agent = agent_for(path, server, tools=[weather], stream=stream)
        first, kiel, rome, last = await agent.inquire("What is the weather?")
    assert (str(first), str(last)) == ("I look it up.", "That is all.")
    assert kiel == ToolResultMessage("Kiel: sun for 2", tool_call_id="c1", tool_name="weather")
    assert rome == ToolResultMessage("Rom: sun for 1", tool_call_id="c2", tool_name="weather")
    if stream:
        assert [request.body for request in server.requests] == snapshot


async def test_reasoning_goes_back_with_the_calls_to_servers_that_want_it() -> None:
    """Models that think between calls of tools fail without it, on some servers."""
    calls = [tool_call("weather", {"city": "Kiel"}, id="c1")]
    asking = answer("I look it up.", reasoning="They want the weather.", tool_calls=calls)
    async with ModelServer(*saying(asking, DONE)) as server, MiniAgents():
        await agent_for(CHAT, server, tools=[weather], send_reasoning_as="reasoning_content").inquire("Is it warm?")
        assert server.requests[1].body["messages"][1]["reasoning_content"] == "They want the weather."


@each_path
async def test_wrong_arguments_errors_and_unknown_tools_go_back_to_the_model(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls = [
        tool_call("weather", {"city": 3}, id="wrong"),
        tool_call("weather", ['{"city": "Ki'], id="cut"),
        tool_call("broken", {}, id="error"),
        tool_call("wether", {}, id="unknown"),
    ]
    if path == MESSAGES:
        del calls[1]  # its server sends objects
    async with ModelServer(*saying(answer(tool_calls=calls), DONE)) as server, MiniAgents():
        agent = agent_for(path, server, tools=[weather, broken])
        replies = await agent.inquire("Go")
    told = {reply.tool_call_id: str(reply) for reply in replies if isinstance(reply, ToolResultMessage)}
    expected = {
        "wrong": "$.city: Expected `str`, got `int`",
        "cut": "$: Input data was truncated",
        "error": "ConnectionError: no network",
        "unknown": "There is no tool 'wether'; the tools are: weather, broken.",
    }
    assert told == {call.id: expected[call.id] for call in calls}
    assert all(reply.is_error for reply in replies if isinstance(reply, ToolResultMessage))
    sent = json.dumps(server.requests[1].body)
    assert all(json.dumps(text) in sent for text in told.values())
    assert [record.getMessage() for record in caplog.records if record.name == "miniagents"] == [
        "tool 'broken' failed; the model is told the error"
    ]


@each_path
async def test_calls_run_at_the_same_time_and_results_keep_their_order(path: str) -> None:
    met = asyncio.Barrier(3)

    @tool
    async def meet(name: str) -> str:
        await met.wait()
        return name

    calls = [tool_call("meet", {"name": name}, id=name) for name in "abc"]
    async with ModelServer(*saying(answer(tool_calls=calls), DONE)) as server, MiniAgents(start_asap=False):
        replies = await agent_for(path, server, tools=[meet]).inquire("Go")
    assert [str(reply) for reply in replies[1:]] == ["a", "b", "c", "That is all."]


@each_path
async def test_several_turns(path: str) -> None:
    turns = [answer(tool_calls=[tool_call("weather", {"city": city}, id=city)]) for city in ("Kiel", "Rom")]
    async with ModelServer(*saying(*turns, DONE)) as server, MiniAgents():
        replies = await agent_for(path, server, tools=[weather]).inquire("Go")
    assert [type(reply).__name__.removeprefix("OpenAI").removeprefix("Anthropic") for reply in replies] == [
        *("Message", "ToolResultMessage", "Message", "ToolResultMessage", "Message")
    ]
    assert len(server.requests) == 3


@each_path
async def test_turns_are_bounded(path: str) -> None:
    again = Saying(answer(tool_calls=[tool_call("weather", {"city": "Kiel"})]))
    async with ModelServer(by=lambda _: again) as server, MiniAgents():
        replies = agent_for(path, server, tools=[weather], max_turns=3).inquire("Go")
        seen: list[Message] = []
        with pytest.raises(TooManyTurnsError, match="asked 3 times and is still not done; give max_turns=") as raised:
            async for promise in replies:
                seen += [await promise]
        with pytest.raises(TooManyTurnsError, match="asked 1 times"):
            await agent_for(path, server, tools=[weather]).inquire("Go", max_turns=1)
    assert len(seen) == 6
    assert raised.value.partial == seen[4]
    assert raised.value.model == ("claude-test" if path == MESSAGES else "gpt-test")
    assert len(server.requests) == 4


@each_path
@pytest.mark.parametrize(("given", "carried_out"), [({}, 100), ({"max_calls": 3}, 3), ({"max_calls": 2_000}, 2_000)])
async def test_the_calls_of_one_answer_are_bounded(path: str, given: dict[str, int], carried_out: int) -> None:
    ran: list[int] = []

    @tool(in_thread=False)
    def count(number: int) -> int:
        """Note a number."""
        ran.append(number)
        return number

    many = answer(tool_calls=[tool_call("count", {"number": number}, id=f"c{number}") for number in range(2_000)])
    async with ModelServer(*saying(many, DONE)) as server, MiniAgents():
        _, *results, done = await agent_for(path, server, tools=[count], **given).inquire("Go")
    assert str(done) == "That is all."
    assert sorted(ran) == list(range(carried_out))
    assert [str(result) for result in results[:carried_out]] == [str(number) for number in range(carried_out)]
    left = results[carried_out:]
    assert len(left) == 2_000 - carried_out
    told = f"This was not carried out: only the first {carried_out} calls of an answer are."
    assert all(str(result).startswith(told) for result in left)


@each_path
async def test_the_bounds_are_checked(path: str) -> None:
    async with ModelServer() as server:
        with pytest.raises(ValueError, match="max_turns=0: give a number of at least 1"):
            agent_for(path, server, tools=[weather], max_turns=0)
        with pytest.raises(ValueError, match="max_calls=0: give a number of at least 1"):
            agent_for(path, server, tools=[weather], max_calls=0)
        with pytest.raises(TypeError, match="repair_turns is for replies of a type"):
            agent_for(path, server, tools=[weather], repair_turns=1)


@each_path
async def test_a_tool_that_must_be_called_must_be_called_once(path: str) -> None:
    choice: Any = {"type": "any"} if path == MESSAGES else "required"
    turn = answer(tool_calls=[tool_call("weather", {"city": "Kiel"})])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents():
        await agent_for(path, server, tools=[weather], tool_choice=choice).inquire("Go")
    assert [request.body.get("tool_choice") for request in server.requests] == [choice, None]


@each_path
async def test_a_call_that_the_limit_of_tokens_cut_off_is_not_carried_out(path: str) -> None:
    calls = [tool_call("weather", {"city": "Kiel"}, id="c1"), tool_call("weather", {"city": "Rom"}, id="c2")]
    cut = answer(tool_calls=calls, finish="length")
    async with ModelServer(*saying(cut, DONE)) as server, MiniAgents():
        _, whole, half, _ = await agent_for(path, server, tools=[weather]).inquire("Go")
    assert str(whole) == "Kiel: sun for 1"
    assert str(half).startswith("This was not carried out: the answer reached the limit of tokens")


async def test_a_turn_that_pauses_goes_on() -> None:
    """Anthropic pauses long turns with tools of its own, and goes on when it is asked again."""

    def pausing(script: Script) -> Script:
        return dataclasses.replace(script, streamed=replaced(script.streamed, "end_turn", "pause_turn"))

    paused = Saying(answer("I search, and"), change=pausing)
    async with ModelServer(paused, Saying(DONE)) as server, MiniAgents():
        search = {"type": "web_search_20250305", "name": "web_search"}
        replies = await agent_for(MESSAGES, server, tools=[weather, search]).inquire("Go")
    assert [str(reply) for reply in replies] == ["I search, and", "That is all."]
    assert server.requests[1].body["messages"][-1] == {"role": "assistant", "content": "I search, and"}


def replaced(response: Response, old: str, new: str) -> Response:
    """The response with other words in its events."""
    steps = (
        dataclasses.replace(step, data=step.data.replace(old, new)) if isinstance(step, Event) else step
        for step in response.steps
    )
    return dataclasses.replace(response, steps=tuple(steps))


@each_path
async def test_tools_that_are_mere_definitions_are_left_to_whoever_asks(path: str) -> None:
    pay = ToolDefinition(name="pay", description="Pays.", parameters={"type": "object", "properties": {}})
    calls = [tool_call("weather", {"city": "Kiel"}, id="c1"), tool_call("pay", {}, id="c2")]
    async with ModelServer(*saying(answer(tool_calls=calls), answer(tool_calls=calls[1:]))) as server, MiniAgents():
        both = await agent_for(path, server, tools=[weather, pay]).inquire("Go")
        (alone,) = await agent_for(path, server, tools=[pay]).inquire("Go")
    asked, told = both
    assert isinstance(asked, AssistantMessage)
    assert [call.name for call in asked.tool_calls] == ["weather", "pay"]
    assert str(told) == "Kiel: sun for 1"
    assert isinstance(alone, AssistantMessage)


# --- what is streamed ---


@each_path
async def test_everything_is_streamed_as_it_happens(path: str, snapshot: SnapshotAssertion) -> None:
    @tool
    async def count(upto: int) -> AsyncIterator[str]:
        for number in range(upto):
            yield f"{number} "

    turn = answer("Let me count.", reasoning="Hm, hm.", tool_calls=[tool_call("count", {"upto": 2})])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents():
        assert nameless(await transcript(agent_for(path, server, tools=[count]).inquire("Go"))) == snapshot


@each_path
async def test_the_result_of_a_tool_is_read_while_others_still_run(path: str) -> None:
    go_on = asyncio.Event()

    @tool
    async def slow() -> str:
        await go_on.wait()
        return "slow"

    @tool
    async def streaming() -> AsyncIterator[str]:
        yield "first"
        await go_on.wait()
        yield " second"

    calls = [tool_call("streaming", {}, id="c1"), tool_call("slow", {}, id="c2")]
    async with ModelServer(*saying(answer(tool_calls=calls), DONE)) as server, MiniAgents():
        replies = aiter(agent_for(path, server, tools=[slow, streaming]).inquire("Go"))
        await anext(replies)
        tokens = aiter(await anext(replies))
        assert await anext(tokens) == "first"
        go_on.set()
        assert await anext(tokens) == " second"
        assert [str(await promise) async for promise in replies] == ["slow", "That is all."]


# --- agents as tools ---


@each_path
async def test_an_agent_as_a_tool_streams_its_tokens_into_the_result(path: str) -> None:
    async def tokens() -> AsyncIterator[str]:
        yield "Once"
        yield " upon"

    @miniagent
    async def storyteller(ctx: InteractionContext[UserMessage, AssistantMessage], mood: str = "sad") -> None:
        """Tells stories.

        Args:
            mood: How it is to end.
        """
        (asked,) = await ctx.messages
        ctx.reply(stream_message(AssistantMessage, tokens()))
        ctx.reply(f"{asked}, {mood}")

    turn = answer(tool_calls=[tool_call("storyteller", {"message": "A tale", "mood": "merry"})])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents():
        replies = aiter(agent_for(path, server, tools=[storyteller.as_tool()]).inquire("Go"))
        await anext(replies)
        result = await anext(replies)
        assert [token async for token in result] == ["Once", " upon", "\n\n", "A tale, merry"]
        assert str(await result) == "Once upon\n\nA tale, merry"
        assert [str(await promise) async for promise in replies] == ["That is all."]
    told = server.requests[0].body["tools"][0]
    assert json.dumps("Tells stories.") in json.dumps(told)
    assert json.dumps("How it is to end.") in json.dumps(told)


@each_path
async def test_a_model_with_tools_is_a_tool_of_a_model(path: str) -> None:
    """The tokens of the inner model's answers are in the outer result; what its tools gave is not."""
    outer = answer(tool_calls=[tool_call("inner", {"message": "Ask the weather"}, id="outer_1")])
    inner = answer("I look.", tool_calls=[tool_call("weather", {"city": "Kiel"}, id="inner_1")])
    async with ModelServer(*saying(outer, inner, answer("It is sunny."), DONE)) as server, MiniAgents():
        helper = agent_for(path, server, tools=[weather], alias="inner")
        replies = await agent_for(path, server, tools=[helper.as_tool()]).inquire("Go")
    assert [str(reply) for reply in replies[1:]] == ["I look.\n\nIt is sunny.", "That is all."]


@each_path
async def test_an_error_of_an_agent_is_told_to_the_model(path: str, caplog: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        """Fails."""
        ctx.reply("So far.")
        raise LookupError("no more")

    turn = answer(tool_calls=[tool_call("failing", {"message": "x"})])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents():
        _, result, _ = await agent_for(path, server, tools=[failing.as_tool()]).inquire("Go")
    assert isinstance(result, ToolResultMessage)
    assert (str(result), result.is_error) == ("So far.\n\nLookupError: no more", True)
    assert "tool 'failing' failed" in caplog.text


# --- ends ---


@each_path
async def test_cancelling_the_reply_cancels_the_tools_and_what_they_started(path: str) -> None:
    running, ended = asyncio.Barrier(3), [0]

    async def work() -> None:
        try:
            await running.wait()
            await asyncio.sleep(1_000_000)
        except asyncio.CancelledError:
            ended[0] += 1
            raise

    @tool
    async def forever() -> str:
        await work()
        return "never"

    @miniagent
    async def sleeper(ctx: InteractionContext) -> None:
        """Sleeps."""
        await work()

    calls = [tool_call("forever", {}, id="c1"), tool_call("sleeper", {"message": "x"}, id="c2")]
    async with ModelServer(*saying(answer(tool_calls=calls))) as server, MiniAgents():
        replies = agent_for(path, server, tools=[forever, sleeper.as_tool()]).inquire("Go")
        await running.wait()
        replies.cancel()
        while ended[0] < 2:
            await asyncio.sleep(0)


@each_path
async def test_cancelling_one_result_goes_back_to_the_model(path: str) -> None:
    @tool
    async def forever() -> str:
        await asyncio.sleep(1_000_000)
        return "never"

    turn = answer(tool_calls=[tool_call("forever", {}, id="c1")])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents():
        replies = aiter(agent_for(path, server, tools=[forever]).inquire("Go"))
        await anext(replies)
        (await anext(replies)).cancel()
        assert [str(await promise) async for promise in replies] == ["That is all."]
    assert "This was cancelled." in json.dumps(server.requests[1].body)


@each_path
async def test_cancelling_the_reply_in_mid_answer_closes_the_connection(path: str) -> None:
    stalling = Saying(answer("One two three"), change=lambda script: script.stall(after=4))
    async with ModelServer(stalling) as server, MiniAgents():
        replies = agent_for(path, server, tools=[weather]).inquire("Go")
        await server.until_stalled()
        replies.cancel()
        await server.until_client_gone()


@each_path
async def test_a_tool_may_end_the_loop_of_agents(path: str) -> None:
    @tool
    async def hang_up() -> str:
        raise EndLoop

    async with ModelServer(*saying(answer(tool_calls=[tool_call("hang_up", {})]))) as server, MiniAgents():
        replies = agent_for(path, server, tools=[hang_up]).inquire("Go")
        with pytest.raises(EndLoop):
            await replies


@each_path
async def test_an_error_of_the_model_ends_the_reply_once(path: str) -> None:
    turn = Saying(answer("I see.", tool_calls=[tool_call("weather", {"city": "Kiel"})]))
    async with ModelServer(turn, http_error(500)) as server, MiniAgents():
        text = await transcript(agent_for(path, server, tools=[weather]).inquire("Go"))
    *_, error, end = text.splitlines()
    assert error.startswith(f"3 = ! {ProviderError.__name__}: ")  # in the message, and not once more behind it
    assert end == "end"


@each_path
async def test_a_plain_function_holds_up_nobody(path: str) -> None:
    entered, leave = threading.Event(), threading.Event()

    @tool
    def blocking() -> str:
        entered.set()
        assert leave.wait(10)
        return "done"

    turn = answer(tool_calls=[tool_call("blocking", {})])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents():
        replies = agent_for(path, server, tools=[blocking]).inquire("Go")
        while not entered.is_set():
            await asyncio.sleep(0)
        leave.set()
        assert [str(reply) for reply in (await replies)[1:]] == ["done", "That is all."]


# --- what is no tool ---


async def test_what_is_no_tool_is_refused_with_what_to_write() -> None:
    @miniagent
    async def helper(ctx: InteractionContext) -> None: ...

    def function() -> str:
        return ""

    for tools, text in [
        ([function], "is a function: make it a tool with @tool"),
        ([helper], "is an agent: give helper.as_tool()"),
        (["weather"], "create_openai_agent: 'weather' is no tool"),
        ([weather, weather], "there are two tools 'weather': give one of them another name"),
        ([weather, {"type": "function", "function": {"name": "weather"}}], "there are two tools 'weather'"),
    ]:
        given: Any = tools  # Any: what the checkers refuse
        with pytest.raises(TypeError) as refused:
            create_openai_agent("gpt-test", tools=given)
        assert text in str(refused.value)


@each_path
async def test_a_strict_tool_is_said_in_the_form_of_the_provider(path: str, snapshot: SnapshotAssertion) -> None:
    @tool(strict=True)
    async def find(key: str, limit: int = 10) -> str:
        """Finds things."""
        return f"{key} {limit}"

    turn = answer(tool_calls=[tool_call("find", {"key": "a", "limit": None})])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents():
        _, result, _ = await agent_for(path, server, tools=[find]).inquire("Go")
    assert str(result) == "a 10"
    assert server.requests[0].body["tools"] == snapshot


async def test_a_strict_tool_that_cannot_be_said_is_refused() -> None:
    @tool(strict=True)
    async def take(counts: dict[str, int]) -> str:
        return str(counts)

    with pytest.raises(
        TypeError, match=r"tool 'take': \$\.counts is a mapping, which OpenAI takes in no strict schema"
    ):
        create_openai_agent("gpt-test", tools=[take])


async def test_an_agent_with_tools_declares_what_it_gives() -> None:
    async with ModelServer() as server:
        agent = agent_for(CHAT, server, tools=[weather])
    assert [cls.__name__ for cls in agent._classes()[1]] == ["OpenAIMessage", "ToolResultMessage"]


# --- with the rest of the library ---


@each_path
async def test_a_reply_with_calls_and_results_is_a_conversation_that_goes_on(path: str) -> None:
    turn = answer("I look.", tool_calls=[tool_call("weather", {"city": "Kiel"}, id="c1")])
    async with ModelServer(*saying(turn, DONE, answer("You are welcome."))) as server, MiniAgents():
        agent = agent_for(path, server, tools=[weather])
        question = UserMessage("Kiel?")
        replies = agent.inquire(question)
        (last,) = await agent.inquire([question, replies, UserMessage("Thanks!")])
    assert str(last) == "You are welcome."
    second, third = (request.body.get("messages") or request.body["input"] for request in server.requests[1:])
    assert third[: len(second)] == second  # what the model was told with the results
    assert "That is all." in json.dumps(third[len(second)])
    assert "Thanks!" in json.dumps(third[-1])


@each_path
async def test_pictures_that_a_tool_gives_are_shown_to_the_model(path: str) -> None:
    @tool
    async def photograph(what: str) -> tuple[str, ImagePart]:
        return f"{what}: ", ImagePart(url="https://example.com/tea.png")

    turn = answer(tool_calls=[tool_call("photograph", {"what": "Tea"})])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents():
        _, result, _ = await agent_for(path, server, tools=[photograph]).inquire("Go")
    assert isinstance(result, ToolResultMessage)
    assert result.content == (ImagePart(url="https://example.com/tea.png"),)
    assert "https://example.com/tea.png" in json.dumps(server.requests[1].body)


@each_path
async def test_errors_may_be_messages(path: str) -> None:
    turn = Saying(answer(tool_calls=[tool_call("weather", {"city": "Kiel"})]))
    async with ModelServer(turn, http_error(500)) as server, MiniAgents(errors_as_messages=True):
        replies = agent_for(path, server, tools=[weather]).inquire("Go")
        *_, last = [promise async for promise in replies]
        with pytest.raises(ProviderError):  # it is the error of a message, which is not replaced
            await last


@each_path
async def test_an_error_that_nobody_reads_is_logged_once(path: str, caplog: pytest.LogCaptureFixture) -> None:
    turn = Saying(answer(tool_calls=[tool_call("weather", {"city": "Kiel"})]))
    async with ModelServer(turn, http_error(500)) as server, MiniAgents():
        agent_for(path, server, tools=[weather]).inquire("Go")
        await server.until(lambda: len(server.requests) == 2)
    logged = [record for record in caplog.records if record.name == "miniagents"]
    assert len(logged) == 1
    assert "ProviderError" in caplog.text


@each_path
async def test_every_call_and_reply_is_recorded(path: str) -> None:
    kept: list[Message] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        kept.extend(messages)

    @miniagent
    async def helper(ctx: InteractionContext) -> None:
        """Helps."""
        ctx.reply("Here you are.")

    turn = answer(tool_calls=[tool_call("helper", {"message": "Help"})])
    async with ModelServer(*saying(turn, DONE)) as server, MiniAgents(on_persist_messages=keep):
        await agent_for(path, server, tools=[helper.as_tool()], alias="model").inquire("Go")
    calls = {node.agent: node for node in kept if isinstance(node, AgentCallNode)}
    assert calls["helper"].caller == calls["model"].hash_key
    assert {node.agent: len(node.messages) for node in kept if isinstance(node, AgentReplyNode)} == {
        "model": 3,
        "helper": 1,
    }


# --- what the program gives to its tools ---


@dataclasses.dataclass
class Bank:
    money: dict[str, int]
    key: str = "sk-planted"


@tool
async def balance(ctx: ToolContext[Bank], account: str) -> str:
    """Tells how much money there is."""
    return f"{ctx.deps.money[account]} after {[type(message).__name__ for message in ctx.messages][:-1]}"


@each_path
async def test_deps_are_given_where_the_agent_is_made_bound_or_asked(path: str) -> None:
    asking = answer(tool_calls=[tool_call("balance", {"account": "a"}, id="c1")])
    async with ModelServer(*saying(asking, DONE) * 3) as server, MiniAgents():
        agent = agent_for(path, server, tools=[balance], deps=Bank({"a": 1}))
        bound: Any = agent.bound
        told = [
            str((await asked.inquire("Go", **options))[1])
            for asked, options in (
                (agent, {}),
                (bound(deps=Bank({"a": 2})), {}),
                (agent, {"deps": Bank({"a": 3})}),
            )
        ]
    assert told == [f"{number} after ['Message']" for number in (1, 2, 3)]
    assert "deps" not in json.dumps([request.body for request in server.requests])


@each_path
async def test_wrong_deps_fail_before_the_model_is_asked(path: str) -> None:
    async with ModelServer() as server, MiniAgents():
        agent = agent_for(path, server, tools=[balance])
        with pytest.raises(TypeError, match="tool 'balance': parameter 'ctx' needs deps of the type Bank, and there"):
            await agent.inquire("Go")
        with pytest.raises(TypeError, match="needs deps of the type Bank; got dict"):
            await agent.inquire("Go", deps={"a": 1})
    assert not server.requests


@each_path
async def test_records_have_the_class_of_deps_and_nothing_of_their_content(path: str) -> None:
    """A request to the model does not depend on them, so that one that is kept is found again."""
    calls: list[Call] = []

    async def note(call: Call, proceed: Proceed) -> None:
        calls.append(call)
        proceed()

    asking = answer(tool_calls=[tool_call("balance", {"account": "a"}, id="c1")])
    async with ModelServer(*saying(asking, DONE)) as server, MiniAgents(around_calls=note):
        agent = agent_for(path, server, tools=[balance])
        await agent.inquire("Go", deps=Bank({"a": 1}))
        made = agent_for(path, server, tools=[balance], deps=Bank({"a": 1}))
    records = [call.record() for call in calls]
    name = f"{Bank.__module__}.Bank"
    assert {record.place: dict(record.opaque_arguments) for record in records} == {
        (1,): {"deps": name},
        (1, 1): {},
        (1, 2): {},
        (1, 3): {},
    }
    assert "sk-planted" not in str(records)
    assert "sk-planted" not in str(made.identity)
    assert name in str(made.identity)

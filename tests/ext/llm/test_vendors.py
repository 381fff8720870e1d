"""Models are agents like any other: in loops, side by side, and one after the other in one conversation."""

import json
from typing import Any, Final

from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AWAIT,
    AssistantMessage,
    EndLoop,
    InteractionContext,
    Message,
    MiniAgents,
    ToolResultMessage,
    UserMessage,
    achain_loop,
    decode,
    encode,
    miniagent,
    parallel,
)
from miniagents.testing import transcript
from tests.ext.llm.agents import agent_for, each_path
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.anthropic.answering import anthropic_messages
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat
from tests.ext.llm.openai.answering_responses import openai_responses
from tests.ext.llm.protocols import Script
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying, script_for

PARIS: Final = tool_call("weather", {"city": "Paris"}, id="call_paris")


@each_path
async def test_a_model_in_a_loop_of_agents(path: str) -> None:
    """The usage that the library was ordered for: `achain_loop([user, AWAIT, assistant])`."""
    questions = ["Who are you?", "Really?"]
    heard: list[str] = []

    @miniagent
    async def user(ctx: InteractionContext) -> None:
        async for promise in ctx.messages:
            heard.extend([token async for token in promise])
        if not questions:
            raise EndLoop
        ctx.reply(questions.pop(0))

    async with ModelServer(Saying(answer("A model.")), Saying(answer("Yes, really."))) as server, MiniAgents():
        await achain_loop([user, AWAIT, agent_for(path, server)])
        assert heard == ["A", " model.", "Yes", ",", " really."]
        assert ["Who are you?" in request.content.decode() for request in server.requests] == [True, False]


async def test_models_of_two_vendors_answer_in_parallel_into_one_reply(snapshot: SnapshotAssertion) -> None:
    async with ModelServer(by=lambda request: script_for(request.path, answer(f"I am at {request.path}"))) as server:
        models = [agent_for(path, server) for path in (CHAT, MESSAGES, RESPONSES)]

        @miniagent
        async def panel(ctx: InteractionContext) -> None:
            ctx.reply([model.inquire(ctx.messages) for model in models])

        async with MiniAgents():
            replies = await panel.inquire("Who are you?")
            assert [type(reply).__name__ for reply in replies] == ["OpenAIMessage", "AnthropicMessage", "OpenAIMessage"]
            assert [reply.text for reply in replies] == [f"I am at {path}" for path in (CHAT, MESSAGES, RESPONSES)]
            lines = (await transcript(parallel(models[0], models[1]).inquire("And you?"))).splitlines()
            # which of the two comes first, piece by piece, is for the network to say
            assert "\n".join(sorted(lines, key=lambda line: line.split()[0])) == snapshot


async def test_one_models_answer_is_the_others_question() -> None:
    async with ModelServer(openai_chat("A draft"), anthropic_messages("A verdict")) as server, MiniAgents():
        chain = agent_for(CHAT, server) >> agent_for(MESSAGES, server, system="Judge.")
        assert [reply.text for reply in await chain.inquire("Write")] == ["A verdict"]
        assert server.requests[1].body["messages"] == [{"role": "user", "content": "A draft"}]


def read_back(messages: list[Message]) -> list[Message]:
    """The same messages after a round trip through JSON."""
    again = list(decode(encode(tuple(messages)), tuple[Message, ...]))
    assert again == messages
    return again


STATIONS: Final[list[tuple[str, Script]]] = [
    (MESSAGES, anthropic_messages("I look.", reasoning="What do they want?", tool_calls=[PARIS])),
    (RESPONSES, openai_responses("Sunny.", reasoning="It said sunny.", encrypted="gAAA-own")),
    (CHAT, openai_chat("As was said.", reasoning="Hm.")),
    (MESSAGES, anthropic_messages("Sunny it is.", reasoning="They ask again.", redacted="cmVkYWN0ZWQ=")),
    (RESPONSES, openai_responses("Yes.", reasoning="Once more.", encrypted="gAAA-other", tool_calls=[PARIS])),
    (MESSAGES, anthropic_messages("The end.")),
    (RESPONSES, openai_responses("The end.")),
]


async def test_a_conversation_changes_vendors_with_tools_and_reasoning(snapshot: SnapshotAssertion) -> None:
    """What one vendor wants back unchanged survives JSON and the other vendor; each gets its own, and only that."""
    said: list[Message] = [UserMessage("How is the weather in Paris?")]
    async with ModelServer(*(script for _, script in STATIONS)) as server, MiniAgents():
        for path, _ in STATIONS:
            reply = await agent_for(path, server).inquire(said).only()
            said.append(reply)
            said += [ToolResultMessage("sunny", tool_call_id=call.id, tool_name=call.name) for call in reply.tool_calls]
            if not reply.tool_calls:
                said.append(UserMessage("And now?"))
            said = read_back(said)
        bodies = [request.body for request in server.requests]
    assert json.dumps([bodies[-2], bodies[-1]], indent=1) == snapshot
    to_anthropic, to_openai = json.dumps(bodies[-2]), json.dumps(bodies[-1])
    for own, other in (("EqQB-signature", "gAAA-own"), ("cmVkYWN0ZWQ=", "gAAA-other")):
        assert own in to_anthropic
        assert other not in to_anthropic
        assert other in to_openai
        assert own not in to_openai


async def test_reasoning_goes_back_as_it_came() -> None:
    script = anthropic_messages("Hi", reasoning="Hm", redacted="cmVk", tool_calls=[PARIS])
    async with ModelServer(script, anthropic_messages("So")) as server, MiniAgents():
        agent = agent_for(MESSAGES, server)
        first = await agent.inquire("Hi").only()
        await agent.inquire([UserMessage("Hi"), first, ToolResultMessage("sunny", tool_call_id="call_paris")])
        sent: list[Any] = server.requests[1].body["messages"][1]["content"]  # the vendor's JSON
    assert [block["type"] for block in sent] == ["thinking", "redacted_thinking", "text", "tool_use"]
    assert sent[0] == {"type": "thinking", "thinking": "Hm", "signature": "EqQB-signature"}
    assert sent[1] == {"type": "redacted_thinking", "data": "cmVk"}


async def test_what_a_program_changed_goes_before_what_came() -> None:
    """Whoever changes the text of an answer wants the model to see that."""
    script = anthropic_messages("Hi", reasoning="Hm", redacted="cmVk")
    async with ModelServer(script, anthropic_messages("So")) as server, MiniAgents():
        agent = agent_for(MESSAGES, server)
        changed = await agent.inquire("Hi").only().map_text(str.upper)
        assert isinstance(changed, AssistantMessage)
        await agent.inquire([UserMessage("Hi"), changed, UserMessage("So?")])
        assert '"HI"' in server.requests[1].content.decode()
        assert "cmVk" not in server.requests[1].content.decode()


async def test_reasoning_that_nobody_kept_is_not_sent_back() -> None:
    """With `store=False` the vendor knows a reasoning item only by its encrypted content."""
    for encrypted in (None, "gAAA"):
        script = openai_responses("Hi", reasoning="Hm", encrypted=encrypted)
        async with ModelServer(script, openai_responses("So")) as server, MiniAgents():
            agent = agent_for(RESPONSES, server, store=False)
            first = await agent.inquire("Hi").only()
            await agent.inquire([UserMessage("Hi"), first, UserMessage("So?")])
            kinds = [item.get("type", "message") for item in server.requests[1].body["input"]]
        assert kinds == ["message", *(["reasoning"] if encrypted else []), "message", "message"]

"""Texts of servers that leave reasoning in them, put words around JSON, or do not say how they ended."""

from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, strategies as st

from miniagents import Message, MiniAgents, ReasoningDelta
from miniagents.ext.llm import TruncatedError, WrongReplyError, create_openai_agent
from miniagents.ext.llm._finding import json_in
from miniagents.ext.llm.openai.think_tags import CLOSING, ThinkTags
from tests.effort import examples
from tests.ext.llm.agents import agent_for, answer_of, asked, streamed_or_not
from tests.ext.llm.answers import tool_call
from tests.ext.llm.clients import openai_client
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import DONE, chat_chunk, delta, openai_chat
from tests.ext.llm.protocols import Json, Script, json_response, stream_response
from tests.ext.llm.replies import CHAT
from tests.ext.llm.strict import Strict


class Weather(Message, frozen=True, kw_only=True, tag="WeatherOfServers"):  # others have a class of this name
    """A weather."""

    city: str
    celsius: float


SAID: Final = '{"city": "Kiel", "celsius": 21}'
KIEL: Final = Weather(city="Kiel", celsius=21)

# --- reasoning between tags ---


@streamed_or_not
@pytest.mark.parametrize("tag", CLOSING)
async def test_reasoning_between_tags_is_reasoning_if_one_asks_for_it(tag: str, stream: bool) -> None:
    text = f"\n{tag}\nHm, <b>so</b>.\n{CLOSING[tag]}\n\nHi <think>there"
    async with ModelServer(openai_chat(text), openai_chat(text), Strict(openai_chat("So"))) as server, MiniAgents():
        agent = agent_for(CHAT, server, stream=stream, think_tags=True)
        promise = agent.inquire("Hi").only()
        assert "".join([token async for token in promise]) == "Hi <think>there"
        thoughts = [event.text async for event in promise.events if isinstance(event, ReasoningDelta)]
        message = await promise
        assert [each.text for each in message.reasoning] == ["".join(thoughts)] == ["Hm, <b>so</b>."]
        assert (await answer_of(agent_for(CHAT, server, stream=stream))).text == text  # nobody asked
        await agent.inquire(["Hi", message, "So?"])  # it goes back as it came
        sent = server.requests[2].body["messages"][1]["content"]
    assert sent == f"{tag}\nHm, <b>so</b>.\n{CLOSING[tag]}\n\nHi <think>there"


@streamed_or_not
async def test_a_reply_type_asks_for_it(stream: bool) -> None:
    async with ModelServer(openai_chat(f"<think>Hm {{</think>{SAID}")) as server, MiniAgents():
        agent = create_openai_agent("m", client=lambda: openai_client(server), reply_type=Weather, stream=stream)
        promise = agent.inquire("Hi").only()
        assert "".join([token async for token in promise]) == SAID
        assert await promise == KIEL


def parts_of(pieces: list[str]) -> tuple[str, str]:
    tags = ThinkTags()
    parts = [part for piece in pieces for part in tags.fed(piece)] + list(tags.end())
    return "".join(text for is_thought, text in parts if is_thought), "".join(
        text for is_thought, text in parts if not is_thought
    )


bits: Final = st.sampled_from([*CLOSING, *CLOSING.values(), "<", "</", "think", ">", " ", "\n", "a", "<b>", "[", "é"])


@examples(500)
@given(st.lists(bits, max_size=8).map("".join), st.lists(st.integers(0, 60), max_size=8))
def test_law_however_a_text_is_cut_its_reasoning_is_the_same(text: str, places: list[int]) -> None:
    ends = sorted({0, len(text), *(place for place in places if place < len(text))})
    pieces = [text[a:b] for a, b in pairwise(ends)]
    assert parts_of(pieces) == parts_of([text]) == parts_of(list(text))
    assert not parts_of([text])[0] or any(text.lstrip().startswith(tag) for tag in CLOSING)


@examples(200)
@given(st.sampled_from(list(CLOSING)), st.text("ab<\n [", max_size=8), st.text("ab<\n [", max_size=8))
def test_law_what_is_between_the_tags_is_the_reasoning(tag: str, thought: str, text: str) -> None:
    assert parts_of([f"{tag}{thought}{CLOSING[tag]}{text}"]) == (thought.strip(), text.lstrip())


def test_text_without_tags_is_text() -> None:
    for text in ("", "Hi", "  Hi ", "<b>", "<thin", "a <think>b</think>", " \n"):
        assert parts_of(list(text)) == ("", text)


# --- JSON with words around it ---

AROUND: Final = {
    "words and a fence": f"Here it is:\n```json\n{SAID}\n```\nIs that fine?",
    "words and a fence without a language": f"Sure.\n\n```\n{SAID}\n```",
    "words": f"The weather is {SAID}, I think.",
    "an example first": f'Like this:\n```json\n{{"city": "?"}}\n```\nSo:\n```json\n{SAID}\n```\n',
    "the end of reasoning whose tag is in the prompt": f"The user wants {{braces}}.\n</think>\n\n{SAID}",
    "nothing": SAID,
}


@pytest.mark.parametrize("around", AROUND)
async def test_json_with_words_around_it_is_found_unless_it_is_strict(around: str) -> None:
    async with ModelServer(*[openai_chat(AROUND[around])] * 2) as server, MiniAgents():
        agent = create_openai_agent("m", client=lambda: openai_client(server), reply_type=Weather, strict_reply=False)
        assert await agent.inquire("Hi").only() == KIEL
        strict = create_openai_agent("m", client=lambda: openai_client(server), reply_type=Weather)
        if around == "nothing":
            assert await strict.inquire("Hi").only() == KIEL
        else:
            with pytest.raises(WrongReplyError):
                await strict.inquire("Hi").only()


async def test_the_error_is_that_of_the_json_and_not_of_the_words() -> None:
    async with ModelServer(openai_chat('Well:\n```json\n{"city": "Kiel"}\n```')) as server, MiniAgents():
        agent = create_openai_agent("m", client=lambda: openai_client(server), reply_type=Weather, strict_reply=False)
        with pytest.raises(WrongReplyError, match="celsius"):
            await agent.inquire("Hi").only()


@examples(200)
@given(st.text("{}`\n a", max_size=30))
def test_law_the_whole_text_is_the_first_candidate(text: str) -> None:
    assert next(json_in(text)) == text


# --- the end ---

CHUNKS: Final = (
    chat_chunk([delta(0, {"role": "assistant", "content": "Hi"})]),
    chat_chunk([delta(0, {"content": " there"})]),
)
BODY: Final[Json] = {"id": "x", "choices": [{"message": {"content": "Hi there"}, "finish_reason": None}]}
WARNING: Final = "a server ended an answer without a finish reason: it may not be complete"


@streamed_or_not
async def test_an_answer_whose_reason_to_end_is_not_told_is_an_answer_with_a_warning(
    stream: bool, logged: list[str]
) -> None:
    script = Script(json_response(BODY), stream_response(*CHUNKS, DONE))
    async with ModelServer(script) as server:
        message = await answer_of(agent_for(CHAT, server, stream=stream))
    assert (message.text, message.finish_reason) == ("Hi there", None)
    assert [WARNING in line for line in logged] == [True]
    logged.clear()


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_the_mark_of_the_end_may_come_in_pieces(size: int, logged: list[str]) -> None:
    script = Script(json_response(BODY), stream_response(*CHUNKS, DONE)).chopped(size).with_line_ends("\r\n")
    async with ModelServer(script) as server:
        assert (await answer_of(agent_for(CHAT, server))).text == "Hi there"
    assert len(logged) == 1
    logged.clear()


async def test_without_the_mark_it_is_cut_off() -> None:
    mark_in_text = chat_chunk([delta(0, {"content": "data: [DONE]"})])
    for chunks in (CHUNKS, (*CHUNKS, mark_in_text)):
        async with ModelServer(stream_response(*chunks)) as server, asked(agent_for(CHAT, server)) as promise:
            with pytest.raises(TruncatedError):
                await promise


async def test_the_mark_alone_is_no_answer() -> None:
    async with ModelServer(stream_response(chat_chunk([]), DONE)) as server, asked(agent_for(CHAT, server)) as promise:
        with pytest.raises(TruncatedError):
            await promise


async def test_calls_without_a_reason_are_carried_out(logged: list[str]) -> None:
    script = openai_chat(tool_calls=[tool_call("now", {})])
    steps = [step for step in script.streamed.steps if 'tool_calls"}' not in str(step)]
    async with ModelServer(stream_response(*steps)) as server:
        message = await answer_of(agent_for(CHAT, server))
    assert ([call.name for call in message.tool_calls], message.finish_reason) == (["now"], None)
    logged.clear()

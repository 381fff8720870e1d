"""Histories to import: what is kept comes back, also after a person has edited it."""

import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    ImagePart,
    Message,
    MiniAgents,
    Reasoning,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    Usage,
    UserMessage,
    tool,
)
from miniagents.chat import ChatError, MarkdownHistory, MemoryHistory, NDJSONHistory, markdown_log
from miniagents.chat.markdown_history import read_markdown, written_as_markdown
from miniagents.ext.llm import create_openai_agent
from tests.ext.llm.answers import tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat
from tests.ext.llm.replies import http_error

LINES = st.sampled_from(
    ["", "## user", "\\## user", "\\\\## message ", "## users", "```", "```json", "# title", " ", "text", "\t## user"]
)
texts = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.lists(LINES).map("\n".join)).map(
    lambda text: text.strip("\r\n")
)
CALL = ToolCall(id="1", name="f", arguments='{"text": "```\\n## user"}')
messages = st.one_of(
    st.builds(UserMessage, texts),
    st.builds(AssistantMessage, texts),
    st.builds(SystemMessage, texts),
    st.builds(Message, texts),
    st.builds(UserMessage, texts, content=st.just((ImagePart(data="AAAA"),))),
    st.builds(AssistantMessage, texts, tool_calls=st.just((CALL,)), reasoning=st.just((Reasoning("hm"),))),
    st.builds(ToolResultMessage, texts, tool_call_id=st.just("1")),
)


@given(st.lists(messages, max_size=5))
def test_what_is_written_as_markdown_is_read_back(said: list[Message]) -> None:
    """Whatever the texts look like, with or without the empty line at the end that editors remove."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "talk.md"
        path.write_bytes(("# My talk\n\n" + "".join(map(written_as_markdown, said))).encode())
        assert list(read_markdown(path)) == said
        path.write_bytes(path.read_bytes().rstrip(b"\n"))
        assert [type(each) for each in read_markdown(path)] == [type(each) for each in said]


@given(st.lists(messages, max_size=4), st.lists(messages, max_size=4))
def test_a_history_that_is_opened_again_goes_on(first: list[Message], then: list[Message]) -> None:
    with TemporaryDirectory() as folder:
        for kind, path in ((NDJSONHistory, f"{folder}/kept.ndjson"), (MarkdownHistory, f"{folder}/kept.md")):
            kind(path).add(first)
            again = kind(path)
            again.add(iter(then))
            assert list(again.messages) == list(kind(path).messages) == [*first, *then]
    in_memory = MemoryHistory(iter(first))
    in_memory.add(iter(then))
    assert list(in_memory.messages) == [*first, *then]


def test_what_a_person_writes_by_hand_is_a_conversation(tmp_path: Path) -> None:
    path = tmp_path / "talk.md"
    path.write_bytes(b"A title\r\n\r\n## system\r\nBe brief.\r\n## user  \r\n\r\n\r\nHello\n\n### not a heading")
    history = MarkdownHistory(path)
    assert history.messages == (SystemMessage("Be brief."), UserMessage("Hello\n\n### not a heading"))
    history.add([AssistantMessage("Hi", model="m", usage=Usage(input_tokens=1), reasoning=(Reasoning("hm"),))])
    assert MarkdownHistory(path).messages[2] == AssistantMessage("Hi")
    assert path.read_bytes().startswith(b"A title\r\n")


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    MarkdownHistory(tmp_path / "deep" / "talk.md").add([UserMessage("a")])
    assert stat.S_IMODE((tmp_path / "deep" / "talk.md").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"## user\n\na\n\n## message\n\n```json\n{oops\n```\n", r"talk\.md:5: this is no message: "),
        (b"## user\n\xff", r"talk\.md: it is not UTF-8: invalid start byte at byte 8"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, content: bytes, error: str) -> None:
    (tmp_path / "talk.md").write_bytes(content)
    with pytest.raises(ChatError, match=error):
        MarkdownHistory(tmp_path / "talk.md")
    with pytest.raises(ChatError, match="Is a directory"):
        MarkdownHistory(tmp_path)


async def test_the_log_has_what_models_were_asked_and_said(tmp_path: Path) -> None:
    @tool
    async def weather(city: str) -> str:
        """Tell the weather."""
        return f"## {city}\n21 °C"

    path = tmp_path / "log.md"
    call = tool_call("weather", {"city": "Kiel"})
    replies = (openai_chat(tool_calls=[call]), openai_chat("Warm."), http_error(400, message="No, no."))
    async with ModelServer(*replies) as server, MiniAgents(around_calls=markdown_log(path)):
        agent = create_openai_agent(
            "gpt-test", base_url=server.openai_url, api_key="sk-planted", system="Be brief.", tools=[weather]
        )
        await agent.inquire("Weather?")
        with pytest.raises(Exception, match="No, no"):
            await agent.inquire("Weather?")
    first, second, third = path.read_text(encoding="utf-8").split("\n## ")
    assert first.startswith("## gpt-test, 20")
    assert "> Weather?" in first
    assert '→ weather(city="Kiel")' in first
    assert "*(2 earlier messages)*" in second or "*(3 earlier messages)*" in second
    assert "**result of weather**\n\n> ## Kiel\n> 21 °C" in second
    assert "> Warm." in second
    assert "> Weather?" not in second
    assert "> Weather?" in third
    assert "**error**" in third
    assert "No, no." in third
    assert "sk-planted" not in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

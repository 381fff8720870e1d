"""Conversations in files: nothing is lost, nobody else reads them, and what is wrong is said with file and line."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, strategies as st

from miniagents import AnthropicMessage, AssistantMessage, Message, Reasoning, ToolCall, ToolResultMessage, UserMessage
from miniagents.chat.chat_errors import ChatError
from miniagents.chat.history import History, last_conversation, new_conversation, read_conversation

TOLD = AnthropicMessage(
    "Line\nbreaks, \u2028 and \x1b and 😀",
    reasoning=(Reasoning("hm", signature="EqQB=="),),
    tool_calls=(ToolCall(id="1", name="f", arguments='{"a": '),),
    content_blocks=({"type": "redacted_thinking", "data": "xyz"},),
)

messages = st.one_of(
    st.builds(UserMessage, st.text(st.characters(exclude_categories=["Cs"]))),
    st.builds(AssistantMessage, st.text(st.characters(exclude_categories=["Cs"]))),
    st.builds(ToolResultMessage, st.just("result"), tool_call_id=st.just("1"), is_error=st.booleans()),
    st.just(TOLD),
)


@given(st.lists(st.tuples(st.integers(0, 5), st.lists(messages, max_size=4)), max_size=6))
def test_the_file_has_what_the_conversation_has(steps: list[tuple[int, list[Message]]]) -> None:
    """Whatever is forgotten and said; /retry forgets."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "kept.ndjson"
        history = History(path)
        conversation: list[Message] = []
        for forgotten, said in steps:
            del conversation[max(len(conversation) - forgotten, 0) :]
            history.keep(conversation)
            conversation += said
            history.keep(conversation)
        assert (list(read_conversation(path)) if path.exists() else []) == conversation
        assert [each.name for each in Path(folder).iterdir()] in ([], ["kept.ndjson"])


def test_a_class_that_is_not_loaded_is_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "kept.ndjson"
    line = b'{"@type":"SomebodyElses","text":"hi","mood":[1,2.5]}\n'
    path.write_bytes(line)
    before = read_conversation(path)
    history = History(path, kept=len(before))
    history.keep([*before, UserMessage("and?")])
    history.keep(before)
    assert path.read_bytes() == line


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "kept.ndjson"
    history = History(path)
    history.keep([UserMessage("a"), UserMessage("b")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    history.keep([UserMessage("a")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_kept_by_hand_may_lack_its_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "kept.ndjson"
    path.write_text('{"@type":"UserMessage","text":"a"}\n\n{"@type":"UserMessage","text":"b"}')
    before = read_conversation(path)
    History(path, kept=2).keep([*before, UserMessage("c")])
    assert [str(message) for message in read_conversation(path)] == ["a", "b", "c"]


def test_what_is_no_message_is_said_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "kept.ndjson"
    path.write_text('{"@type":"UserMessage","text":"a"}\n{"@type":"UserMessage","text":1}\n')
    with pytest.raises(
        ChatError, match=r"kept\.ndjson:2: this is no message: \$\.text: Expected `str \| null`, got `int`"
    ):
        read_conversation(path)
    with pytest.raises(ChatError, match=r"nowhere: No such file or directory$"):
        read_conversation(tmp_path / "nowhere")


def test_names_say_when_a_conversation_began(tmp_path: Path) -> None:
    now = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    names: list[str] = []
    for _ in range(3):
        path = new_conversation(tmp_path, now)
        names.append(path.name)
        path.touch()
    assert names == ["2031-05-06_07-08-09.ndjson", "2031-05-06_07-08-09_2.ndjson", "2031-05-06_07-08-09_3.ndjson"]


def test_the_last_conversation_is_the_one_that_was_written_last(tmp_path: Path) -> None:
    with pytest.raises(ChatError, match="there is no conversation to resume in "):
        last_conversation(tmp_path)
    for name in ("b", "a"):
        History(tmp_path / f"{name}.ndjson").keep([UserMessage(name)])
    (tmp_path / "input_history").write_text("")
    assert last_conversation(tmp_path) == tmp_path / "a.ndjson"

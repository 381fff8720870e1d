"""What people see at a terminal. Snapshots are what remains on the screen; what is drawn below it comes and goes."""

import io

import pytest
from hypothesis import given, strategies as st
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AssistantMessage,
    ErrorMessage,
    InnerEvent,
    Message,
    OpenAIMessage,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolProgress,
    ToolResultMessage,
    Usage,
    UserMessage,
)
from miniagents.chat.chat_errors import ChatError
from miniagents.chat.interfaces import View
from miniagents.chat.markdown import THEME
from miniagents.chat.plain import PlainView
from miniagents.chat.terminal_view import TerminalView
from scripts.fuzzing.hostile import unseen
from scripts.fuzzing.terminal import Terminal
from tests.hostile import texts

MARKDOWN = """# A title

Some *text* with `code`, <b>no HTML</b> and List<String>,
on two lines.

1. one

   still one

2. two

```python
def f() -> None:

    return None
```

| name | value |
|------|-------|
| a    | 1     |

> a quote

The end.
"""


class Screen:
    """A view on a console that keeps what was written."""

    def __init__(self, *, colours: bool = False, width: int = 60) -> None:
        self._file = io.StringIO()
        console = Console(
            file=self._file,
            width=width,
            height=20,
            highlight=False,
            force_terminal=colours,
            color_system="standard" if colours else None,
            legacy_windows=False,
            theme=THEME,
            _environ={},
        )
        self.view = TerminalView(console)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._file.getvalue().split("\n"))

    def show(self, message: Message, *pieces: StreamEvent) -> None:
        """A message that comes in pieces; without them all at once, as what was there already."""
        known = {} if pieces else {name: getattr(message, name) for name in type(message).__struct_fields__}
        self.view.begins(known, type(message))
        for piece in pieces or (TextDelta(str(message)),):
            self.view.piece(piece)
        self.view.ends(message)


def letters(text: str) -> list[TextDelta]:
    return [TextDelta(letter) for letter in text]


def test_an_answer_with_everything(snapshot: SnapshotAssertion) -> None:
    screen = Screen()
    screen.view.waiting()
    screen.show(
        OpenAIMessage(
            MARKDOWN,
            model="gpt-x",
            reasoning=(Reasoning("Let me think.\nMore."),),
            tool_calls=(
                ToolCall(id="1", name="weather", arguments='{"city": "Paris", "days": [1, 2]}'),
                ToolCall(id="2", name="broken", arguments='{"city": "Par'),
            ),
            usage=Usage(input_tokens=1200, output_tokens=34, cache_read_tokens=1000, reasoning_tokens=20),
            finish_reason="length",
        ),
        ReasoningDelta("Let me "),
        ReasoningDelta("think.\nMore."),
        *letters(MARKDOWN),
        ToolCallDelta(index=0, id="1", name="weather"),
        ToolCallDelta(index=0, arguments='{"city": "Paris", '),
        ToolCallDelta(index=0, arguments='"days": [1, 2]}'),
        ToolCallDelta(index=1, id="2", name="broken", arguments='{"city": "Par'),
    )
    screen.show(ToolResultMessage("sunny\n21 °C", tool_call_id="1", tool_name="weather"))
    screen.show(ToolResultMessage("\n".join(map(str, range(100))), tool_call_id="2"))
    screen.view.answered()
    assert screen.text == snapshot


def test_it_looks_the_same_however_it_came() -> None:
    """Streamed letter by letter, there at once, or read from a file."""
    message = AssistantMessage(
        MARKDOWN,
        reasoning=(Reasoning("hm"),),
        tool_calls=(ToolCall(id="1", name="f", arguments='{"a": 1}'),),
        model="m",
    )
    streamed, at_once, from_file = Screen(), Screen(), Screen()
    streamed.show(
        message, ReasoningDelta("hm"), *letters(MARKDOWN), ToolCallDelta(index=0, name="f", arguments='{"a": 1}')
    )
    at_once.show(message)
    from_file.view.said(message)
    assert streamed.text == at_once.text == from_file.text


def test_what_breaks_off_stays_and_the_error_is_a_line(snapshot: SnapshotAssertion) -> None:
    screen = Screen()
    screen.view.waiting()
    screen.view.begins({}, AssistantMessage)
    for piece in letters("One paragraph.\n\nHalf of ano"):
        screen.view.piece(piece)
    screen.view.ends(None)
    screen.view.failed(ConnectionError("lost\nin transit"))
    screen.view.failed(ChatError("the file is full"))
    screen.view.answered()
    screen.view.note("stopped")
    assert screen.text == snapshot


def test_a_conversation_from_a_file(snapshot: SnapshotAssertion) -> None:
    screen = Screen()
    for message in (
        SystemMessage("Be brief."),
        UserMessage("Hello,\nyou"),
        AssistantMessage("Hi.", tool_calls=(ToolCall(id="1", name="wave"),)),
        ToolResultMessage("waved", tool_call_id="1", tool_name="wave"),
        AssistantMessage(None, refusal="I will not."),
        ErrorMessage("ValueError: no", error_type="builtins.ValueError"),
    ):
        screen.view.said(message)
    assert screen.text == snapshot


def test_a_refusal_is_shown() -> None:
    screen = Screen()
    screen.show(AssistantMessage(refusal="I will not."), RefusalDelta("I will "), RefusalDelta("not."))
    assert screen.text == "I will not.\n"


@pytest.mark.parametrize("colours", [True, False])
def test_a_model_cannot_command_the_terminal(colours: bool) -> None:
    evil = "\x1b]0;title\x07 \x1b[2J \x9b2J\x00 \x7f safe"
    screen = Screen(colours=colours)
    screen.show(
        AssistantMessage(evil, model=evil),
        ReasoningDelta(evil),
        TextDelta(evil),
        RefusalDelta(evil),
        ToolCallDelta(index=0, name=evil, arguments=f'{{"{evil}": 1}}'),
    )
    screen.show(ToolResultMessage(evil, tool_call_id="1", tool_name=evil))
    screen.show(ErrorMessage(evil, error_type="x"))
    screen.view.failed(ValueError(evil))
    screen.view.note(evil)
    screen.view.said(UserMessage(evil))
    for command in ("\x1b]", "\x1b[2J", "\x9b", "\x07", "\x00", "\x7f"):
        assert command not in screen.text
    assert screen.text.count("safe") == 12


@given(texts(), st.integers(0, 20), st.booleans())
def test_no_text_of_a_model_commands_the_terminal_however_it_is_cut(text: str, cut: int, plain: bool) -> None:
    """Neither an escape sequence in two pieces, nor one that Markdown makes of harmless characters."""
    text = text.encode("utf-8", "replace").decode()
    screen = Screen()
    stream = Terminal()
    view: View = PlainView(stream, stream) if plain else screen.view
    message = AssistantMessage(f"# {text}", model=text, tool_calls=(ToolCall(id="1", name=text, arguments=text),))
    view.waiting()
    for cls, cuts in (
        (AssistantMessage, (text[:cut], text[cut:])),
        (ToolResultMessage, (text,)),
        (ErrorMessage, (text,)),
    ):
        for kind in (TextDelta, ReasoningDelta, RefusalDelta):
            view.begins({"tool_name": text}, cls)
            for piece in cuts:
                view.piece(kind(piece))
            view.ends(message if cls is AssistantMessage else None)
    view.answered()
    view.failed(ValueError(text))
    view.note(text)
    view.said(message)
    view.said(UserMessage(text))
    assert not unseen(stream.getvalue() + screen.text, but="\n\t")


@pytest.mark.parametrize("reference", ["&#x202e;", "&rlm;", "&#8232;", "&#xfeff;", "`&#x202e;` &ZeroWidthSpace;"])
def test_a_character_reference_commands_nothing(reference: str) -> None:
    screen = Screen()
    screen.show(AssistantMessage("x"), TextDelta(f"gpj.{reference}exe *{reference}* [a](b{reference})"))
    assert not unseen(screen.text, but="\n")


def test_colours(snapshot: SnapshotAssertion) -> None:
    screen = Screen(colours=True)
    screen.show(AssistantMessage("A *b* `c`.", reasoning=(Reasoning("hm"),), model="m"))
    screen.show(ToolResultMessage("21", tool_call_id="1", tool_name="t"))
    screen.view.failed(ValueError("no"))
    assert screen.text == snapshot


def test_an_answer_longer_than_the_terminal_is_high_is_complete() -> None:
    code = "```\n" + "".join(f"line {number}\n" for number in range(200)) + "```\n"
    screen = Screen()
    screen.view.waiting()
    screen.show(AssistantMessage(code), *letters(code))
    screen.view.answered()
    assert [line.strip() for line in screen.text.split("\n") if line.strip()] == [f"line {n}" for n in range(200)]


def test_reports_of_a_tool_replace_each_other_and_leave_nothing_behind() -> None:
    screen = Screen()
    screen.view.begins({"tool_name": "look"}, ToolResultMessage)
    shown: list[str] = []
    for report in (ToolProgress(progress=1), ToolProgress(progress=2.5, total=3, note="the last\x1b[31m one")):
        screen.view.piece(report)
        shown.append(str(screen.view._below()))
    assert shown == ["… 1", r"… the last\x1b[31m one (2.5 of 3)"]
    screen.view.piece(TextDelta("done"))
    screen.view.ends(ToolResultMessage("done", tool_call_id="1", tool_name="look"))
    assert screen.text.strip() == "← look: done"


def test_calls_inside_of_a_tool_are_named_until_its_result_comes_and_do_not_break_that_up() -> None:
    screen = Screen()
    inner = InnerEvent(path=("look", "gpt\x1b[31m", "search"), ids=("1", "1", "2"), event=TextDelta("found"))
    screen.view.begins({"tool_name": "look"}, ToolResultMessage)
    screen.view.piece(inner)
    assert str(screen.view._below()) == r"… look > gpt\x1b[31m > search"
    for piece in (TextDelta("do"), inner, TextDelta("ne")):
        screen.view.piece(piece)
    screen.view.ends(ToolResultMessage("done", tool_call_id="1", tool_name="look"))
    assert screen.text.strip() == "← look: done"
    assert screen.view._below() is None

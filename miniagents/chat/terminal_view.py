"""The view of a chat at a terminal.

Complete blocks are printed once. The text that is still arriving is drawn below them, again and again.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from rich.live import Live
from rich.padding import Padding
from rich.segment import Segment
from rich.spinner import Spinner
from rich.text import Text

from miniagents.chat.attaching import said_of
from miniagents.chat.blocks import MarkdownBlocks
from miniagents.chat.chat_errors import ChatError, one_line
from miniagents.chat.markdown import MarkdownText
from miniagents.chat.wording import call_text, footer, is_silent
from miniagents.messages import (
    AssistantMessage,
    ErrorMessage,
    InnerEvent,
    Message,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    SystemMessage,
    TextDelta,
    ToolCallDelta,
    ToolProgress,
    ToolResultMessage,
    UserMessage,
)
from miniagents.printing import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from miniagents.messages import StreamEvent

__all__ = ["TerminalView"]

MOST_LINES: Final = 12
"""The number of lines that are shown of a tool's result."""
REASONING, CALL, RESULT, ASIDE, WRONG = "dim italic", "cyan", "dim", "dim", "red"
_FRAMES: Final = 12
"""How many times a second the arriving text is drawn."""


class TerminalView:
    """Draws a conversation.

    Args:
        console: The terminal; on a console that is no terminal, only complete blocks are written.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._is_waiting = False
        """Whether an answer is to come, or arrives."""
        self._blocks = MarkdownBlocks()
        self._kind: type[StreamEvent] | None = None
        """The class of the pieces that are arriving."""
        self._arriving = ""
        """The text of those pieces; Markdown is in `_blocks` instead."""
        self._call_index = 0
        self._call_name = ""
        self._inside: InnerEvent | None = None
        """The last event of a call inside of the one whose result is to come."""
        self._has_calls = False
        self._has_refusal = False
        self._is_tight = False
        """Whether no empty line follows the last printed text."""
        self._message_class: type[Message] = Message
        self._known: Mapping[str, object] = {}

    # --- the answer ---

    def waiting(self) -> None:
        """Show a spinner until the answer ends."""
        self._console.print()
        self._is_tight = False
        self._is_waiting = True
        self._draw()

    def begins(self, known: Mapping[str, object], message_class: type[Message]) -> None:
        """Begin a message, and print its thoughts if they are known already, as those of a complete message are."""
        self._known, self._message_class = known, message_class
        self._kind, self._has_calls, self._has_refusal, self._inside = None, False, False, None
        for each in _thoughts(known):
            self._reasoning(each.text)

    def piece(self, piece: StreamEvent) -> None:
        """Add a piece to the arriving text, and print the blocks that it completes."""
        if isinstance(piece, InnerEvent):
            self._inside = piece  # its text would come between the tokens of the result
            return
        another_call = isinstance(piece, ToolCallDelta) and self._has_calls and piece.index != self._call_index
        if self._kind is not None and (type(piece) is not self._kind or another_call):
            self._complete()
        self._kind = type(piece)
        self._has_refusal = self._has_refusal or isinstance(piece, RefusalDelta)
        if isinstance(piece, ToolCallDelta):
            self._has_calls = True
            self._call_index = piece.index
            self._call_name += piece.name or ""
            self._arriving += piece.arguments
        elif isinstance(piece, ToolProgress):
            self._arriving = _progress_text(piece)  # the next one stands in its place
        elif isinstance(piece, TextDelta) and self._is_markdown:
            for block in self._blocks.feed(printable(piece.text, lines=True)):
                self._text(block)
        else:
            self._arriving += piece.text

    def ends(self, message: Message | None) -> None:
        """Print the rest of the message, also parts that had no pieces, and the line about model and cost."""
        self._complete()
        self._inside = None
        if isinstance(message, AssistantMessage):
            if message.refusal and not self._has_refusal:
                self._line(message.refusal, WRONG)
            if not self._has_calls:
                for call in message.tool_calls:
                    self._call(call.name, call.arguments)
            self._footer(message)

    def failed(self, error: BaseException) -> None:
        """Print an error as one line."""
        text = str(error) if isinstance(error, ChatError) else one_line(error)
        self._line(text, WRONG)

    def answered(self) -> None:
        """Remove the spinner."""
        self._is_waiting = False
        self._stop_drawing()

    @contextmanager
    def paused(self) -> Generator[None]:
        """Return a context in which the arriving text and the spinner are not drawn, so that the user can be asked."""
        self._stop_drawing()
        try:
            yield
        finally:
            if self._is_waiting:  # the answer may have been stopped meanwhile
                self._draw()

    # --- the rest ---

    def said(self, message: Message) -> None:
        """Print a message as it was shown when it arrived, thoughts and tool calls included."""
        if isinstance(message, UserMessage):
            lines = "\n  ".join(printable(str(message), lines=True).splitlines())
            self._paragraph(Text(f"> {lines}", style="bold"))
            for part in message.content:
                self._line(f"attached: {said_of(part)}", ASIDE)
            return
        self.begins(
            {"reasoning": message.reasoning} if isinstance(message, AssistantMessage) else
            {"tool_name": message.tool_name} if isinstance(message, ToolResultMessage) else {},
            type(message),
        )  # fmt: skip
        if not is_silent(message):
            self.piece(TextDelta(str(message)))
        self.ends(message)

    def note(self, text: str) -> None:
        """Print a note as a dim line."""
        self._line(text, ASIDE)

    # --- machinery ---

    def _draw(self) -> None:
        self._live = Live(console=self._console, transient=True, refresh_per_second=_FRAMES, vertical_overflow="crop")
        self._live.update(_Below(self._below))
        self._live.start()

    def _stop_drawing(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def _is_markdown(self) -> bool:
        return not issubclass(self._message_class, ToolResultMessage | ErrorMessage | SystemMessage)

    def _complete(self) -> None:
        """Print the arriving text, because pieces of another kind follow or the message ends."""
        kind, arriving = self._kind, self._arriving
        self._kind, self._arriving = None, ""
        if kind is ToolCallDelta:
            self._call(self._call_name, arriving)
            self._call_name = ""
        elif kind is ReasoningDelta:
            self._reasoning(arriving)
        elif kind is RefusalDelta:
            self._line(arriving, WRONG)
        elif kind is TextDelta and self._is_markdown:
            self._text(self._blocks.finish())
        elif kind is TextDelta:
            self._console.print(self._other(arriving))
            self._is_tight = True

    def _paragraph(self, paragraph: RenderableType) -> None:
        """Print a paragraph with an empty line before and after it."""
        if self._is_tight:
            self._console.print()
        self._console.print(paragraph)
        self._console.print()
        self._is_tight = False

    def _line(self, text: str, style: str) -> None:
        """Print a line, without empty lines between it and other such lines."""
        self._console.print(Text(printable(text, lines=True), style=style))
        self._is_tight = True

    def _text(self, text: str) -> None:
        if text.strip():
            self._paragraph(MarkdownText(text))

    def _reasoning(self, text: str) -> None:
        if text.strip():
            self._paragraph(Padding(Text(printable(text.strip(), lines=True), style=REASONING), (0, 0, 0, 2)))

    def _call(self, name: str, arguments: str) -> None:
        self._line(f"→ {call_text(name, arguments)}", CALL)

    def _other(self, text: str) -> Text:
        """Return the text of a tool's result, of an error, or of a system message, in its style."""
        if issubclass(self._message_class, ErrorMessage):
            return Text(printable(text, lines=True), style=WRONG)
        if not issubclass(self._message_class, ToolResultMessage):
            return Text(printable(text, lines=True), style=ASIDE)
        name = self._known.get("tool_name")
        lines = printable(text, lines=True).splitlines() or [""]
        more = [f"… {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
        head = printable(f"← {name}: ", lines=True) if isinstance(name, str) else "← "
        return Text(head + "\n  ".join([*lines[:MOST_LINES], *more]), style=RESULT)

    def _footer(self, message: AssistantMessage) -> None:
        text = footer(message)
        if text:
            self._line(text, ASIDE)

    def _below(self) -> RenderableType | None:
        """Return the arriving text in its style.

        Only the thread of `Live` calls this, once for each drawing: many pieces cost one rendering.
        """
        if self._kind is ToolCallDelta:
            return Text(printable(f"→ {self._call_name}({self._arriving}", lines=True), style=CALL)
        if self._kind is ReasoningDelta:
            return Padding(Text(printable(self._arriving.strip(), lines=True), style=REASONING), (0, 0, 0, 2))
        if self._kind is RefusalDelta:
            return Text(printable(self._arriving, lines=True), style=WRONG)
        if self._kind is TextDelta and self._is_markdown:
            return MarkdownText(self._blocks.tail(self._console.size.height))
        if self._kind is ToolProgress:
            return Text(printable(self._arriving, lines=True), style=ASIDE)
        if self._kind is TextDelta:
            return self._other(self._arriving)
        inside = self._inside  # this is another thread than that which sets it
        return None if inside is None else Text(printable(f"… {' > '.join(inside.path)}", lines=True), style=ASIDE)


def _progress_text(report: ToolProgress) -> str:
    done = f"{report.progress:g}" if report.total is None else f"{report.progress:g} of {report.total:g}"
    return f"… {report.note} ({done})" if report.note else f"… {done}"


def _thoughts(known: Mapping[str, Any]) -> tuple[Reasoning, ...]:  # Any: fields of messages have any type
    reasoning: tuple[Reasoning, ...] = known.get("reasoning", ())
    return reasoning


class _Below:
    """Renders the last lines of the arriving text, as many as fit on the terminal, and a spinner."""

    def __init__(self, arriving: Callable[[], RenderableType | None]) -> None:
        self._arriving = arriving
        self._spinner = Spinner("dots", style=ASIDE)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        arriving = self._arriving()
        if arriving is not None:
            room = max(console.size.height - 3, 1)
            unbounded = options.update(height=None)
            for line in console.render_lines(arriving, unbounded, pad=False)[-room:]:
                yield from line
                yield Segment.line()
        yield self._spinner

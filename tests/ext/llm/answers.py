"""A model's answer, independent of any protocol."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from tests.ext.llm.protocols import Json, encode

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
"""Why an answer ended; the words are those of chat completions."""


@dataclasses.dataclass(frozen=True)
class ToolCall:
    """A call of a tool, whose arguments come in fragments."""

    name: str
    fragments: tuple[str, ...]
    id: str

    @property
    def arguments(self) -> str:
        """The whole JSON."""
        return "".join(self.fragments)


@dataclasses.dataclass(frozen=True)
class Usage:
    """Counts of tokens; the fields after the first two count parts of these."""

    input_tokens: int = 11
    output_tokens: int = 7
    cached_tokens: int = 0
    reasoning_tokens: int = 0


USAGE: Final = Usage()


@dataclasses.dataclass(frozen=True)
class Answer:
    """A model's answer in one turn; each part is a list of the tokens in which it is streamed."""

    text: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    refusal: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None
    """None means "tool_calls" if there are some, and "stop" otherwise."""

    @property
    def reason(self) -> Finish:
        """Why it ended."""
        return self.finish or ("tool_calls" if self.tool_calls else "stop")


def tool_call(name: str, arguments: Mapping[str, Json] | Sequence[str], *, id: str = "call_1") -> ToolCall:
    """Return a call with arguments: an object, or the fragments of its JSON as they are streamed."""
    if isinstance(arguments, Mapping):
        return ToolCall(name, tokens(encode(arguments)), id)
    return ToolCall(name, tuple(arguments), id)


def tokens(text: str | Sequence[str]) -> tuple[str, ...]:
    """Cut a text before each space and each comma; a sequence of tokens stays as it is."""
    return tuple(re.findall(r".[^ ,]*", text, re.DOTALL)) if isinstance(text, str) else tuple(text)


def answer(
    text: str | Sequence[str] = (),
    *,
    reasoning: str | Sequence[str] = (),
    refusal: str | Sequence[str] = (),
    tool_calls: Sequence[ToolCall] = (),
    finish: Finish | None = None,
) -> Answer:
    """Make an answer; strings are cut into tokens, sequences are tokens already."""
    return Answer(tokens(text), tokens(reasoning), tokens(refusal), tuple(tool_calls), finish)

"""The assembler: makes a message of the events of an answer, the same way for all providers, streamed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.ext.llm._events import Finished, Noted, ReasoningEnded, Started, ToolCallPiece
from miniagents.messages import (
    AssistantMessage,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.ext.llm._events import ModelEvent, StreamedEvent
    from miniagents.ext.llm._json import JsonObject

__all__ = ["Answer", "Assembler"]

M_co = TypeVar("M_co", bound=AssistantMessage, covariant=True)


class Answer:
    """What has arrived of an answer.

    Attributes:
        texts: The pieces of the text.
        reasoning: The reasoning whose end was seen.
        thoughts: The pieces of the reasoning whose end was not seen yet.
        refusals: The pieces of the refusal.
        tool_calls: The calls of tools, in the order of their first fragments.
        started: What the provider said at the beginning.
        usage: What the answer cost so far.
        finished: How the answer ended; None as long as it has not.
        notes: What else the provider said.
    """

    __slots__ = ("finished", "notes", "reasoning", "refusals", "started", "texts", "thoughts", "tool_calls", "usage")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reasoning: list[Reasoning] = []
        self.thoughts: list[str] = []
        self.refusals: list[str] = []
        self.tool_calls: list[_GrowingCall] = []
        self.started = Started()
        self.usage: Usage | None = None
        self.finished: Finished | None = None
        self.notes: dict[str, object] = {}


class Assembler(Generic[M_co]):
    """Takes events one by one and has the message in the end.

    Args:
        make: Makes the message: given its text, the fields of `AssistantMessage`, the content as the provider gave it,
            and what else the provider said.
    """

    __slots__ = ("_answer", "_make")

    def __init__(self, make: Callable[[AssistantMessage, tuple[JsonObject, ...], JsonObject], M_co]) -> None:
        self._make = make
        self._answer = Answer()

    @property
    def is_finished(self) -> bool:
        """Whether the answer is complete."""
        return self._answer.finished is not None

    @property
    def has_anything(self) -> bool:
        """Whether anything of the answer itself has arrived."""
        answer = self._answer
        return bool(
            answer.texts or answer.reasoning or answer.thoughts or answer.refusals or answer.tool_calls or answer.notes
        )

    def feed(self, event: ModelEvent) -> StreamedEvent | None:
        """Take an event, and return what readers are to see of it."""
        answer = self._answer
        match event:
            case str():
                if not event:
                    return None
                answer.texts.append(event)
                return event
            case ReasoningDelta():
                answer.thoughts.append(event.text)
                return event if event.text else None
            case RefusalDelta():
                answer.refusals.append(event.text)
                return event if event.text else None
            case ToolCallPiece():
                return self._tool_call(event)
            case Started():
                started = answer.started
                answer.started = Started(started.model or event.model, started.response_id or event.response_id)
            case ReasoningEnded():
                self._end_reasoning(event.signature)
            case Usage():
                answer.usage = event
            case Noted():
                answer.notes |= event.data
            case Finished():
                answer.finished = event
        return None

    def message(self) -> M_co:
        """Return the message of what has arrived, which has a finish reason only when it is complete."""
        answer = self._answer
        if answer.thoughts:
            self._end_reasoning(None)
        prefix = answer.started.response_id or "call"
        calls = tuple(call.tool_call(f"{prefix}_{place}") for place, call in enumerate(answer.tool_calls))
        finished = answer.finished
        reason = None if finished is None else finished.reason
        if reason == "stop":  # what some servers call every end
            reason = "tool_calls" if calls else "refusal" if answer.refusals else "stop"
        message = AssistantMessage(
            "".join(answer.texts),
            model=answer.started.model,
            reasoning=tuple(answer.reasoning),
            tool_calls=calls,
            refusal="".join(answer.refusals) if answer.refusals else None,
            finish_reason=reason,
            usage=answer.usage,
            response_id=answer.started.response_id,
        )
        return self._make(message, () if finished is None else finished.content, answer.notes)

    def _end_reasoning(self, signature: str | None) -> None:
        answer = self._answer
        if answer.thoughts or signature:
            answer.reasoning.append(Reasoning("".join(answer.thoughts), signature))
            answer.thoughts.clear()

    def _tool_call(self, piece: ToolCallPiece) -> ToolCallDelta:
        """Merge a fragment into the call that it belongs to."""
        calls = self._answer.tool_calls
        place = self._place_of(piece)
        if place == len(calls):
            calls.append(_GrowingCall(piece.index))
        call = calls[place]
        call.id = call.id or piece.id
        call.name = call.name or piece.name
        if piece.arguments:
            call.arguments.append(piece.arguments)
        return ToolCallDelta(index=place, id=piece.id or None, name=piece.name or None, arguments=piece.arguments)

    def _place_of(self, piece: ToolCallPiece) -> int:
        """Return the place of the call; the number of calls for one that is new.

        Calls are told apart by the provider's index. Some servers leave it out, or count every call as 0; there another
        identifier is another call.
        """
        calls = self._answer.tool_calls
        for place in reversed(range(len(calls))):
            call = calls[place]
            if piece.index is not None and piece.index != call.index:
                continue
            is_other = bool(piece.id and call.id and piece.id != call.id)
            return len(calls) if is_other else place
        return len(calls)


class _GrowingCall:
    """A call of a tool whose fragments are still arriving."""

    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []

    def tool_call(self, instead_of_id: str) -> ToolCall:
        """Return the call as far as it has arrived; one without arguments has none to give."""
        return ToolCall(id=self.id or instead_of_id, name=self.name or "", arguments="".join(self.arguments) or "{}")

"""The assembler: makes a message from the events of an answer, in the same way for all providers, streamed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.ext.llm._events import Finished, Kept, Noted, ReasoningEnded, Started, ToolCallPiece
from miniagents.ext.llm._growing import GrowingFields
from miniagents.messages import (
    AssistantMessage,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from miniagents.messages.values.surrogates import LONE, ends_in_half, mended

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.ext.llm._events import ModelEvent, StreamedEvent
    from miniagents.ext.llm._json import JsonObject

__all__ = ["Answer", "Assembler"]

M_co = TypeVar("M_co", bound=AssistantMessage, covariant=True)


class Answer:
    """The parts of an answer that have arrived.

    Attributes:
        texts: The pieces of the text.
        reasoning: The reasoning that is complete.
        thoughts: The pieces of the reasoning that is still arriving.
        refusals: The pieces of the refusal.
        tool_calls: The calls of tools, in the order of their first fragments.
        started: The model and the identifier that the provider sent first.
        usage: The tokens that the answer has used so far.
        finished: The end of the answer; None until it has arrived.
        kept: Properties of the message that only the server understands.
        notes: Data of the provider that has no field of its own.
    """

    __slots__ = (
        "finished",
        "kept",
        "notes",
        "reasoning",
        "refusals",
        "started",
        "texts",
        "thoughts",
        "tool_calls",
        "usage",
    )

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reasoning: list[Reasoning] = []
        self.thoughts: list[str] = []
        self.refusals: list[str] = []
        self.tool_calls: list[_GrowingCall] = []
        self.started = Started()
        self.usage: Usage | None = None
        self.finished: Finished | None = None
        self.kept = GrowingFields()
        self.notes: dict[str, object] = {}


class Assembler(Generic[M_co]):
    """Takes the events of an answer one by one, and makes its message.

    Args:
        make: Makes the message from the fields that all providers have (an `AssistantMessage`), the content as the
            provider sent it, and the provider's further data. If there are properties that only the server
            understands, they are the content: those of the message, then those of each call.
    """

    __slots__ = ("_answer", "_halves", "_make")

    def __init__(self, make: Callable[[AssistantMessage, tuple[JsonObject, ...], JsonObject], M_co]) -> None:
        self._make = make
        self._answer = Answer()
        self._halves: dict[str | int, str] = {}

    @property
    def is_finished(self) -> bool:
        """Whether the answer is complete."""
        return self._answer.finished is not None

    @property
    def has_anything(self) -> bool:
        """Whether any content of the answer has arrived."""
        answer = self._answer
        return bool(
            answer.texts or answer.reasoning or answer.thoughts or answer.refusals or answer.tool_calls or answer.notes
        )

    def feed(self, event: ModelEvent) -> StreamedEvent | None:
        """Take an event, and return the piece that readers see of it; None if they see nothing."""
        answer = self._answer
        match event:
            case str():
                text = event if event.isascii() and not self._halves else self._mended("text", event)
                if not text:
                    return None
                answer.texts.append(text)
                return text
            case ReasoningDelta():
                text = self._mended("reasoning", event.text)
                answer.thoughts.append(text)
                return ReasoningDelta(text) if text else None
            case RefusalDelta():
                text = self._mended("refusal", event.text)
                answer.refusals.append(text)
                return RefusalDelta(text) if text else None
            case ToolCallPiece():
                return self._tool_call(event)
            case Started():
                started = answer.started
                model, response_id = started.model or event.model, started.response_id or event.response_id
                answer.started = Started(model and mended(model), response_id and mended(response_id))
            case ReasoningEnded():
                self._end_reasoning(event.signature)
            case Usage():
                answer.usage = event
            case Kept():
                answer.kept.add(event.pieces)
            case Noted():
                answer.notes |= event.data
            case Finished():
                answer.finished = event
                return self._end_text()
        return None

    def message(self) -> M_co:
        """Return a message of everything that has arrived; it has a finish reason only when it is complete."""
        answer = self._answer
        self._end_text()
        if answer.thoughts or "reasoning" in self._halves:
            self._end_reasoning(None)
        prefix = answer.started.response_id or "call"
        calls = tuple(call.tool_call(f"{prefix}_{place}") for place, call in enumerate(answer.tool_calls))
        finished = answer.finished
        reason = None if finished is None else finished.reason
        if reason == "stop":  # some servers send this at every end
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
        kept = (answer.kept, *(call.kept for call in answer.tool_calls))
        content = () if finished is None else finished.content
        return self._make(message, tuple(each.fields() for each in kept) if any(kept) else content, answer.notes)

    def _mended(self, what: str | int, text: str) -> str:
        """Return Unicode text: a first half of a surrogate pair waits for its second one, U+FFFD replaces other halves.

        Args:
            what: The part of the answer that the text is added to: its name, or the place of a call.
            text: A piece of it.
        """
        text = self._halves.pop(what, "") + text
        if ends_in_half(text):
            self._halves[what] = text[-1]
            text = text[:-1]
        return mended(text)

    def _end_text(self) -> str | None:
        """Replace the halves that nothing has followed; return the piece that readers see of it, None if nothing."""
        answer, seen = self._answer, None
        if self._halves.pop("text", None):
            seen = LONE
            answer.texts.append(LONE)
        if self._halves.pop("refusal", None):
            answer.refusals.append(LONE)
        for place, call in enumerate(answer.tool_calls):
            if self._halves.pop(place, None):
                call.arguments.append(LONE)
        return seen

    def _end_reasoning(self, signature: str | None) -> None:
        answer = self._answer
        if self._halves.pop("reasoning", None):
            answer.thoughts.append(LONE)
        signature = signature and mended(signature)
        if answer.thoughts or signature:
            answer.reasoning.append(Reasoning("".join(answer.thoughts), signature))
            answer.thoughts.clear()

    def _tool_call(self, piece: ToolCallPiece) -> ToolCallDelta:
        """Merge a fragment into the call that it belongs to."""
        calls = self._answer.tool_calls
        call_id = mended(piece.id or "")
        place = self._place_of(piece.index, call_id)
        if place == len(calls):
            calls.append(_GrowingCall(piece.index))
        call = calls[place]
        name, arguments = mended(piece.name or ""), self._mended(place, piece.arguments)
        call.id = call.id or call_id
        call.name = call.name or name
        if arguments:
            call.arguments.append(arguments)
        if piece.kept:
            call.kept.add(piece.kept)
        return ToolCallDelta(index=place, id=call_id or None, name=name or None, arguments=arguments)

    def _place_of(self, index: int | None, call_id: str) -> int:
        """Return the place of the call in the list of calls; its length for a new call.

        The provider's index distinguishes calls. Some servers leave it out, or number every call 0. Then a different
        identifier means another call.
        """
        calls = self._answer.tool_calls
        for place in reversed(range(len(calls))):
            call = calls[place]
            if index is not None and index != call.index:
                continue
            is_other = bool(call_id and call.id and call_id != call.id)
            return len(calls) if is_other else place
        return len(calls)


class _GrowingCall:
    """A call of a tool whose fragments are still arriving."""

    __slots__ = ("arguments", "id", "index", "kept", "name")

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []
        self.kept = GrowingFields()

    def tool_call(self, instead_of_id: str) -> ToolCall:
        """Return the call with everything that has arrived; without arguments they are an empty object."""
        return ToolCall(id=self.id or instead_of_id, name=self.name or "", arguments="".join(self.arguments) or "{}")

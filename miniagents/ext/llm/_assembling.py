"""The assembler: makes a message from the events of an answer, in the same way for all providers, streamed or not."""

from __future__ import annotations

import json
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
    from collections.abc import Callable, Iterable

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
        finished = self._answer.finished
        return finished is not None and (finished.reason is not None or self.has_anything)

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
        calls = _with_ids_of_their_own(
            call.tool_call(f"{prefix}_{place}") for place, call in enumerate(answer.tool_calls)
        )
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
        call_id, name = mended(piece.id or ""), mended(piece.name or "")
        place = self._place_of(piece.index, call_id, name, piece.arguments)
        if place == len(calls):
            if not name and calls and calls[-1].is_named_again:
                name = calls[-1].name or ""
            calls.append(_GrowingCall(piece.index))
        call = calls[place]
        name, arguments = call.grow(call_id, name, self._mended(place, piece.arguments))
        if piece.kept:
            call.kept.add(piece.kept)
        return ToolCallDelta(index=place, id=call_id or None, name=name or None, arguments=arguments)

    def _place_of(self, index: int | None, call_id: str, name: str, arguments: str) -> int:
        """Return the place of the call in the list of calls; its length for a new call.

        The provider's index distinguishes calls. Some servers leave it out, or number every call 0. Then it depends on
        what the last call of that index has so far (`is_other`).
        """
        calls = self._answer.tool_calls
        for place in reversed(range(len(calls))):
            call = calls[place]
            if index is None or index == call.index:
                return len(calls) if call.is_other(call_id, name, arguments) else place
        if index is not None and not (call_id or name) and index < len(calls) and calls[index].index is None:
            return index  # calls began without an index, and their fragments come in their order
        return len(calls)


def _with_ids_of_their_own(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    """Return calls, of which none has the identifier of another; some servers give all of them the same."""
    seen: dict[str, ToolCall] = {}
    for place, call in enumerate(calls):
        call_id = call.id
        while call_id in seen:
            call_id = f"{call_id}_{place}"
        seen[call_id] = call if call_id == call.id else call.__replace__(id=call_id)
    return tuple(seen.values())


class _GrowingCall:
    """A call of a tool whose fragments are still arriving."""

    __slots__ = ("arguments", "id", "index", "is_named_again", "kept", "name")

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []
        self.is_named_again = False
        self.kept = GrowingFields()

    def is_other(self, call_id: str, name: str, arguments: str) -> bool:
        """Return whether a fragment with the same index, or with none, begins another call.

        With another identifier it does, unless it goes on with arguments that are not complete: some servers make a new
        identifier for each fragment. Without one, another name does as soon as there are arguments, and further
        arguments of the same name as soon as they are complete.
        """
        if call_id and self.id and call_id != self.id:
            if not name or name == self.name:
                return self._is_complete() or bool(name and not self.arguments)
            return True
        if self.is_named_again and not name:
            return bool(arguments.strip())
        if not name or not self.name or not self.arguments:
            return False
        if name != self.name:
            return True
        return bool(arguments.strip()) and self._is_complete() and not self._is_repeated(call_id, arguments)

    def grow(self, call_id: str, name: str, arguments: str) -> tuple[str, str]:
        """Add a fragment, and return the name and the arguments that are new in it.

        Some servers repeat the name with every fragment, or the whole call at its end.
        """
        self.id = self.id or call_id
        if name and name == self.name and not arguments and self._is_complete():
            self.is_named_again = True  # another call, if arguments follow
        if name == self.name or (self.name and self.arguments):
            name = ""
        if self._is_repeated(call_id, arguments):
            arguments = ""
        self.name = (self.name or "") + name
        if arguments:
            self.arguments.append(arguments)
        return name, arguments

    def _is_complete(self) -> bool:
        """Return whether the arguments are a whole object."""
        if not self.arguments or not self.arguments[-1].rstrip().endswith("}"):
            return False
        try:
            json.loads("".join(self.arguments))
        except (ValueError, RecursionError):
            return False
        return True

    def _is_repeated(self, call_id: str, arguments: str) -> bool:
        """Return whether a fragment has the whole call once more."""
        is_same = bool(call_id) and call_id == self.id and len(arguments) > 1 and arguments.endswith("}")
        return is_same and arguments == "".join(self.arguments) and self._is_complete()

    def tool_call(self, instead_of_id: str) -> ToolCall:
        """Return the call with everything that has arrived; without arguments they are an empty object."""
        return ToolCall(id=self.id or instead_of_id, name=self.name or "", arguments="".join(self.arguments) or "{}")

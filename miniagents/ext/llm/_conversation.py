"""Makes a conversation that a provider accepts from messages of any kind.

Each provider has its own requirements for a conversation: its `ConversationRules`. Only this module applies them. The
result are turns, which do not depend on the provider's format.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from miniagents.messages import (
    AnthropicMessage,
    AssistantMessage,
    CachePoint,
    ContentPart,
    FrozenDict,
    Message,
    OpenAIMessage,
    SystemMessage,
    TextPart,
    ToolResultMessage,
    UserMessage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from miniagents.messages import JsonValue, ToolCall

__all__ = [
    "AssistantTurn",
    "Conversation",
    "ConversationRules",
    "SystemTurn",
    "Turn",
    "UserTurn",
    "conversation_of",
    "spoken",
]

OPENING: Final = "(The conversation begins.)"
"""The first turn of the user, if the provider requires one and there is none."""

NO_RESULT: Final = "There is no result: the call was not carried out."
"""The result for a call of a tool that has none; providers refuse a call without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRules:
    """A provider's requirements for a conversation.

    Attributes:
        system_apart: System messages are sent beside the conversation, not in it.
        alternates: Speakers alternate: successive messages of one speaker are one turn.
        user_first: The first turn is the user's.
    """

    system_apart: bool = False
    alternates: bool = False
    user_first: bool = False


@dataclass(frozen=True, slots=True)
class SystemTurn:
    """An instruction about the model's task."""

    text: str


@dataclass(frozen=True, slots=True)
class UserTurn:
    """The input that the model answers: results of tools first, then parts of users' messages."""

    results: tuple[ToolResultMessage, ...] = ()
    parts: tuple[ContentPart, ...] = ()


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    """Earlier messages of this model or of another one."""

    messages: tuple[AssistantMessage, ...]


Turn: TypeAlias = SystemTurn | UserTurn | AssistantTurn
"""A contribution of one speaker to a conversation."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation that a model continues.

    Attributes:
        turns: The turns.
        system: The system messages, if the provider takes them beside the turns.
    """

    turns: tuple[Turn, ...]
    system: str | None = None


def conversation_of(
    messages: Iterable[Message], rules: ConversationRules, *, system: str | None = None
) -> Conversation:
    """Make a conversation from messages.

    Messages of models are the assistant's. At the end of the conversation they are the user's, because a model answers
    messages of others. Messages of unknown kinds are the user's. Every call of a tool is followed by its result, or by
    one that says that there is none. A result without a call becomes text of the user. Empty messages are left out.

    Args:
        messages: The messages, in their order.
        rules: The provider's requirements.
        system: An instruction that comes first.

    Raises:
        ValueError: The conversation is empty.
    """
    turns: list[Turn] = [SystemTurn(system)] if system else []
    turns += _paired(_turn_of(message) for message in messages)
    turns = [turn for turn in turns if not _says_nothing(turn)]
    turns = _last_is_to_be_answered(turns)
    apart: list[str] = []
    if rules.system_apart:
        apart = [turn.text for turn in turns if isinstance(turn, SystemTurn)]
        turns = [turn for turn in turns if not isinstance(turn, SystemTurn)]
    if not turns and not apart:
        raise ValueError("there is nothing to answer: send at least one message, or give `system`")
    if rules.user_first:
        first = next((place for place, turn in enumerate(turns) if not isinstance(turn, SystemTurn)), len(turns))
        if first == len(turns) or not isinstance(turns[first], UserTurn):
            turns.insert(first, UserTurn(parts=(TextPart(OPENING),)))
    if rules.alternates:
        turns = _alternating(turns)
    return Conversation(tuple(turns), "\n\n".join(apart) if apart else None)


def spoken(message: AssistantMessage) -> str:
    """Return the text of a model's message, or its refusal."""
    if message.text is None and type(message).__module__ != AssistantMessage.__module__:
        return str(message)  # a user's class: its text comes from its fields or its template
    return message.text or message.refusal or ""


# --- machinery ---


def _turn_of(message: Message) -> Turn:
    role: object = getattr(message, "role", None)  # users' classes may have a role as well
    if isinstance(message, AssistantMessage):
        return AssistantTurn((message,))
    if isinstance(message, ToolResultMessage):
        return UserTurn(results=(message,))
    if isinstance(message, SystemMessage) or role in ("system", "developer"):
        return SystemTurn(str(message))
    if role == "assistant":
        return AssistantTurn((AssistantMessage(str(message)),))
    if isinstance(message, UserMessage):
        text = (TextPart(message.text),) if message.text else ()
        return UserTurn(parts=(*text, *message.content))
    said = str(message)
    return UserTurn(parts=(TextPart(said),) if said else ())


def _paired(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Yield the turns with each call of a tool directly followed by its result."""
    left = deque(turns)
    seen: set[str] = set()
    while left:
        turn = left.popleft()
        if isinstance(turn, AssistantTurn):
            calls = [call for message in turn.messages for call in message.tool_calls]
            if not calls:
                yield turn
                continue
            results = [_taken(left, call) for call in calls]
            ids = [_own_id(call.id, seen) for call in calls]
            yield _with_ids(turn, ids) if any(map(_differs, calls, ids)) else turn
            # the results are one turn, because providers allow nothing between them
            yield UserTurn(results=tuple(map(_with_id, results, ids)))
        elif isinstance(turn, UserTurn) and turn.results:
            yield UserTurn(parts=tuple(part for result in turn.results for part in _as_parts(result)))
        else:
            yield turn


def _taken(left: deque[Turn], call: ToolCall) -> ToolResultMessage:
    """Remove the result of a call from the remaining turns and return it; if there is none, return one that says so."""
    for turn in left:
        if isinstance(turn, UserTurn) and turn.results and turn.results[0].tool_call_id == call.id:
            left.remove(turn)
            return turn.results[0]
    return ToolResultMessage(NO_RESULT, tool_call_id=call.id, tool_name=call.name, is_error=True)


def _own_id(call_id: str, seen: set[str]) -> str:
    """Return an identifier that no call before has: some servers count the calls of each answer from 0."""
    number, own = len(seen), call_id
    while not own or own in seen:
        own, number = f"{call_id or 'call'}_{number}", number + 1
    seen.add(own)
    return own


def _differs(call: ToolCall, call_id: str) -> bool:
    return call.id != call_id


def _with_ids(turn: AssistantTurn, ids: Sequence[str]) -> AssistantTurn:
    """Return a turn whose calls have other identifiers, also in what providers said as it came."""
    left = iter(ids)
    messages: list[AssistantMessage] = []
    for message in turn.messages:
        calls = tuple(call.__replace__(id=next(left)) for call in message.tool_calls)
        if isinstance(message, AnthropicMessage):
            blocks = _renamed(message.content_blocks, "tool_use", "id", calls)
            messages.append(message.__replace__(tool_calls=calls, content_blocks=blocks))
        elif isinstance(message, OpenAIMessage):
            items = _renamed(message.output_items, "function_call", "call_id", calls)
            messages.append(message.__replace__(tool_calls=calls, output_items=items))
        else:
            messages.append(message.__replace__(tool_calls=calls))
    return AssistantTurn(tuple(messages))


def _renamed(
    items: Sequence[Mapping[str, JsonValue]], kind: str, name: str, calls: Sequence[ToolCall]
) -> tuple[Mapping[str, JsonValue], ...]:
    if sum(item.get("type") == kind for item in items) != len(calls):
        return ()  # a program has changed the calls
    left = iter(calls)
    return tuple(FrozenDict({**item, name: next(left).id}) if item.get("type") == kind else item for item in items)


def _with_id(result: ToolResultMessage, call_id: str) -> ToolResultMessage:
    return result if result.tool_call_id == call_id else result.__replace__(tool_call_id=call_id)


def _as_parts(result: ToolResultMessage) -> tuple[ContentPart, ...]:
    """Return a result as parts of a user's message; its call is no longer in the conversation."""
    tool = f" of the tool {result.tool_name}" if result.tool_name else " of a tool"
    return (
        TextPart(f"An earlier {'error' if result.is_error else 'result'}{tool}: {result.text or ''}"),
        *result.content,
    )


def _says_nothing(turn: Turn) -> bool:
    if isinstance(turn, SystemTurn):
        return not turn.text
    if isinstance(turn, UserTurn):
        return not turn.results and all(isinstance(part, CachePoint) for part in turn.parts)
    return not any(_says_something(message) for message in turn.messages)


def _says_something(message: AssistantMessage) -> bool:
    as_it_came = isinstance(message, AnthropicMessage) and message.content_blocks
    as_it_came = as_it_came or (isinstance(message, OpenAIMessage) and message.output_items)
    return bool(spoken(message) or message.tool_calls or as_it_came)


def _last_is_to_be_answered(turns: Sequence[Turn]) -> list[Turn]:
    """Make the models' turns at the end the user's, back to one that is paused: the model continues that one."""
    kept = list(turns)
    for place in reversed(range(len(kept))):
        turn = kept[place]
        if isinstance(turn, SystemTurn):
            continue
        if not isinstance(turn, AssistantTurn) or any(message.finish_reason == "pause" for message in turn.messages):
            break
        text = "\n\n".join(filter(None, map(spoken, turn.messages)))
        kept[place] = UserTurn(parts=(TextPart(text),) if text else ())
    return kept


def _alternating(turns: Iterable[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for turn in turns:
        last = merged[-1] if merged else None
        if isinstance(turn, AssistantTurn) and isinstance(last, AssistantTurn):
            merged[-1] = AssistantTurn((*last.messages, *turn.messages))
        elif isinstance(turn, UserTurn) and isinstance(last, UserTurn):
            # keeping results before parts changes no order: each result directly follows its call
            merged[-1] = UserTurn((*last.results, *turn.results), (*last.parts, *turn.parts))
        else:
            merged.append(turn)
    return merged

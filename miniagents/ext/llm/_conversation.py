"""From messages of any kind to a conversation that a provider accepts.

The providers want different things of a conversation. What a provider wants are `ConversationRules`, a value; they are
applied here and nowhere else. What comes out are turns, which know nothing of how a provider writes them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from miniagents.messages import (
    AnthropicMessage,
    AssistantMessage,
    ContentPart,
    Message,
    OpenAIMessage,
    SystemMessage,
    TextPart,
    ToolResultMessage,
    UserMessage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from miniagents.messages import ToolCall

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
"""What a user says first where the provider wants that and nobody said anything."""

NO_RESULT: Final = "There is no result: the call was not carried out."
"""The result of a call of a tool that has none, for providers refuse a call without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRules:
    """What a provider wants of a conversation.

    Attributes:
        system_apart: What the system says goes beside the conversation, not into it.
        alternates: The speakers take turns: what one says in several messages is one turn.
        user_first: The first turn is the user's.
    """

    system_apart: bool = False
    alternates: bool = False
    user_first: bool = False


@dataclass(frozen=True, slots=True)
class SystemTurn:
    """What the model is told about its task."""

    text: str


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What the model is to answer: what users said, and what tools gave; the latter stands first."""

    results: tuple[ToolResultMessage, ...] = ()
    parts: tuple[ContentPart, ...] = ()


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    """What the model, or another one, said before."""

    messages: tuple[AssistantMessage, ...]


Turn: TypeAlias = SystemTurn | UserTurn | AssistantTurn
"""What one side says before the other does."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a model is asked to go on with.

    Attributes:
        turns: The turns.
        system: What the system says, where that goes beside the turns.
    """

    turns: tuple[Turn, ...]
    system: str | None = None


def conversation_of(
    messages: Iterable[Message], rules: ConversationRules, *, system: str | None = None
) -> Conversation:
    """Return the conversation that messages are.

    Messages of models are the assistant's, except at the end of the conversation: what a model is to answer was said
    by somebody else. Messages of unknown kinds are the user's. Every call of a tool is followed by its result, or by
    one that says that there is none; a result of no call becomes text of the user. Messages that say nothing are left
    out.

    Args:
        messages: Who said what, in this order.
        rules: What the provider wants.
        system: What the system says before all else.

    Raises:
        ValueError: Nobody says anything.
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
    """Return what a model said in words, be it that it would not answer."""
    if message.text is None and type(message).__module__ != AssistantMessage.__module__:
        return str(message)  # of a class of a user, whose fields or template say it
    return message.text or message.refusal or ""


# --- machinery ---


def _turn_of(message: Message) -> Turn:
    role: object = getattr(message, "role", None)  # classes of users may say who speaks, too
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
    """Return the same turns, each call of a tool with its result right behind it."""
    left = deque(turns)
    while left:
        turn = left.popleft()
        if isinstance(turn, AssistantTurn):
            yield turn
            calls = [call for message in turn.messages for call in message.tool_calls]
            if calls:  # all results stand together, for providers want nothing between them
                yield UserTurn(results=tuple(_taken(left, call) for call in calls))
        elif isinstance(turn, UserTurn) and turn.results:
            yield UserTurn(parts=tuple(part for result in turn.results for part in _as_parts(result)))
        else:
            yield turn


def _taken(left: deque[Turn], call: ToolCall) -> ToolResultMessage:
    """Take the result of a call out of the turns that are left; one that says that there is none, where it is so."""
    for turn in left:
        if isinstance(turn, UserTurn) and turn.results and turn.results[0].tool_call_id == call.id:
            left.remove(turn)
            return turn.results[0]
    return ToolResultMessage(NO_RESULT, tool_call_id=call.id, tool_name=call.name, is_error=True)


def _as_parts(result: ToolResultMessage) -> tuple[ContentPart, ...]:
    """Return what a user says of a result whose call is not there any more."""
    tool = f" of the tool {result.tool_name}" if result.tool_name else " of a tool"
    return (
        TextPart(f"An earlier {'error' if result.is_error else 'result'}{tool}: {result.text or ''}"),
        *result.content,
    )


def _says_nothing(turn: Turn) -> bool:
    if isinstance(turn, SystemTurn):
        return not turn.text
    if isinstance(turn, UserTurn):
        return not turn.results and not turn.parts
    return not any(_says_something(message) for message in turn.messages)


def _says_something(message: AssistantMessage) -> bool:
    as_it_came = isinstance(message, AnthropicMessage) and message.content_blocks
    as_it_came = as_it_came or (isinstance(message, OpenAIMessage) and message.output_items)
    return bool(spoken(message) or message.tool_calls or as_it_came)


def _last_is_to_be_answered(turns: Sequence[Turn]) -> list[Turn]:
    """Return the same turns, of which models' turns at the end become the user's, unless a model is to continue."""
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
            # results stand first, and none can come behind a part: each stands right behind its call
            merged[-1] = UserTurn((*last.results, *turn.results), (*last.parts, *turn.parts))
        else:
            merged.append(turn)
    return merged

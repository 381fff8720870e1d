"""Histories of conversations that grow too long for a model: their tokens, and what to leave out or summarise."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import TypeVar

from miniagents.agents.composing import composed
from miniagents.agents.members import alias_of, ask, check_agents, declared_by
from miniagents.messages import (
    AnthropicMessage,
    AssistantMessage,
    FilePart,
    ImagePart,
    Message,
    OpenAIMessage,
    SystemMessage,
    TextPart,
    ToolResultMessage,
    UserMessage,
)
from miniagents.miniagents import MiniAgents
from miniagents.promising.core.arguments import check_count, check_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from miniagents.agents.agent import MiniAgent
    from miniagents.agents.members import AnyContext, Declared, Inquirable
    from miniagents.messages import ContentPart, JsonValue

__all__ = ["estimated_tokens", "summarised", "trim"]

M = TypeVar("M", bound=Message)
Out = TypeVar("Out", bound=Message)


# --- tokens ---


def estimated_tokens(*messages: Message) -> int:
    """Return about how many tokens messages are for a model, without asking anybody.

    A token counts as three bytes of UTF-8, which is rather too many tokens than too few for most languages, for code
    and for JSON. Pictures count as 1,600 tokens, and files as one for 25 of their bytes, but at least 1,500. For the
    provider's own number, see `count_tokens` of agents that are models.

    >>> estimated_tokens(UserMessage("What is the capital of France?"))
    14
    """
    return sum(map(_tokens_of, messages))


_BYTES_PER_TOKEN: Final = 3
_AROUND_MESSAGE: Final = 4
_AROUND_CALL: Final = 8
_PICTURE: Final = 1_600
_LEAST_OF_FILE: Final = 1_500
_BYTES_PER_TOKEN_OF_FILE: Final = 25


def _tokens_of(message: Message) -> int:
    _check_messages("estimated_tokens", (message,))
    size, tokens = 0, _AROUND_MESSAGE
    if isinstance(message, AssistantMessage):
        size += _size(message.refusal) + sum(_size(each.text) + _size(each.signature) for each in message.reasoning)
        for call in message.tool_calls:
            size += _size(call.name) + _size(call.arguments)
            tokens += _AROUND_CALL
    has_no_other_text = isinstance(message, UserMessage | ToolResultMessage) or (
        isinstance(message, AssistantMessage) and type(message).__module__ == AssistantMessage.__module__
    )
    size += _size(message.text if has_no_other_text else str(message))
    # what came from a provider goes back as it came, and can be more than the fields: results of searches, for example
    if isinstance(message, AnthropicMessage):
        size = max(size, _size_of_json(message.content_blocks))
    elif isinstance(message, OpenAIMessage):
        size = max(size, _size_of_json(message.output_items))
    parts: tuple[ContentPart, ...] = message.content if isinstance(message, UserMessage | ToolResultMessage) else ()
    for part in parts:
        if isinstance(part, TextPart):
            size += _size(part.text)
        elif isinstance(part, ImagePart):
            tokens += _PICTURE
        elif isinstance(part, FilePart):
            tokens += max(_LEAST_OF_FILE, len(part.data or "") * 3 // 4 // _BYTES_PER_TOKEN_OF_FILE)
    return tokens + -(-size // _BYTES_PER_TOKEN)


def _size(text: str | None) -> int:
    return len(text.encode()) if text else 0


def _size_of_json(value: JsonValue) -> int:
    if isinstance(value, str):
        return _size(value)
    if isinstance(value, Mapping):
        return sum(_size(name) + _size_of_json(each) + 4 for name, each in value.items())
    if isinstance(value, tuple):
        return sum(_size_of_json(each) + 1 for each in value)
    return len(repr(value))


# --- leaving out ---


def trim(
    messages: Iterable[M],
    *,
    tokens: int,
    keep: Callable[[M], object] | None = None,
    count: Callable[[M], int] = estimated_tokens,
) -> tuple[M, ...]:
    """Return a history without its oldest messages, so that it has at most some tokens.

    What stays, in its order: the system messages, the user's last message, the last message, and what `keep` says.
    From the rest the oldest go first, and an answer whose question has gone goes as well. A message with tool calls and
    the results of these calls stay or go together. Calls without results, and results without calls, always go, since
    models refuse them. Trimming the result once more changes nothing.

    Args:
        messages: The history.
        tokens: The greatest number of tokens.
        keep: A plain function of a message; the message stays if its result is true.
        count: Returns the tokens of one message.

    Raises:
        ValueError: What has to stay has more tokens, or `tokens` is less than 1.
        TypeError: `keep` or `count` is async, or one of `messages` is no message.

    >>> history = [SystemMessage("Be brief."), UserMessage("Hi!"), AssistantMessage("Hello!"), UserMessage("Who am I?")]
    >>> [str(message) for message in trim(history, tokens=16)]
    ['Be brief.', 'Who am I?']
    """
    _check("trim", tokens, keep, count)
    history = tuple(messages)
    _check_messages("trim", history)
    groups = _groups(history)
    counts = {place: count(history[place]) for group in groups for place in group}
    sizes = {group: sum(counts[place] for place in group) for group in groups}
    staying = {group for group in groups if _stays(history, group, keep)}
    staying.update(_last_ones(history, groups))
    least = sum(sizes[group] for group in staying)
    if least > tokens:
        raise ValueError(
            f"trim: what has to stay has {least} tokens, which is more than tokens={tokens}: the system messages, the "
            "user's last message, the last message, and what `keep` says; give more tokens, or shorten these messages"
        )
    kept = list(groups)
    total = sum(sizes.values())
    for group in groups:
        if total <= tokens:
            break
        if group not in staying:
            kept.remove(group)
            total -= sizes[group]
    if len(kept) < len(groups):
        first = next((place for place, group in enumerate(kept) if _is_users(history[group[0]])), 0)
        kept = [group for place, group in enumerate(kept) if place >= first or group in staying]
    return tuple(history[place] for place in sorted(place for group in kept for place in group))


def _check(where: str, tokens: int, keep: object, count: object) -> None:
    check_count(f"{where}: tokens={tokens!r}", tokens, 1)
    if keep is not None:
        check_plain(f"{where}: keep", keep)
    check_plain(f"{where}: count", count)


def _check_messages(where: str, messages: Iterable[object]) -> None:
    for each in messages:
        if not isinstance(each, Message):
            remedy = (
                "the messages in it" if isinstance(each, list | tuple) else "messages, such as `await ctx.messages`"
            )
            raise TypeError(f"{where}: {each!r:.100} is no message: give {remedy}")


def _groups(history: Sequence[Message]) -> list[tuple[int, ...]]:
    """Return the places of messages that belong together, without calls that have no results, and the other way."""
    results: dict[str, deque[int]] = {}
    for place, message in enumerate(history):
        if isinstance(message, ToolResultMessage):
            results.setdefault(message.tool_call_id, deque()).append(place)
    groups: list[tuple[int, ...]] = []
    for place, message in enumerate(history):
        if isinstance(message, AssistantMessage) and message.tool_calls:
            found: list[int] = []
            for call in message.tool_calls:
                left = results.get(call.id, deque())
                while left and left[0] < place:
                    left.popleft()
                if left:
                    found.append(left.popleft())
            if len(found) == len(message.tool_calls):
                groups.append((place, *found))
        elif not isinstance(message, ToolResultMessage):
            groups.append((place,))
    return groups


def _last_ones(history: Sequence[Message], groups: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the groups of the user's last message and of the last message."""
    users = [group for group in groups if _is_users(history[group[0]])]
    return [*users[-1:], *sorted(groups, key=max)[-1:]]


def _stays(history: Sequence[M], group: tuple[int, ...], keep: Callable[[M], object] | None) -> bool:
    return _is_system(history[group[0]]) or (keep is not None and any(keep(history[place]) for place in group))


def _role_of(message: Message) -> object:
    return getattr(message, "role", None)  # users' classes may have a role as well


def _is_system(message: Message) -> bool:
    return isinstance(message, SystemMessage) or _role_of(message) in ("system", "developer")


def _is_users(message: Message) -> bool:
    """Return whether models get a message as the user's: all are that no model, tool or program's instruction is."""
    is_anothers = isinstance(message, AssistantMessage | ToolResultMessage) or _role_of(message) == "assistant"
    return not is_anothers and not _is_system(message)


# --- summarising ---

_SUMMARISE: Final = (
    "Summarise the conversation above, so that it can go on without it. Keep facts, names, numbers, decisions, results "
    "of tools and what is still to be done. Answer with the summary alone."
)
_MOST_SUMMARIES: Final = 256


def summarised(
    agent: Inquirable[Message, Out],
    /,
    *,
    by: Inquirable[Message, Message],
    tokens: int,
    keep: Callable[[Message], object] | None = None,
    count: Callable[[Message], int] = estimated_tokens,
    instruction: str = _SUMMARISE,
) -> MiniAgent[Message, Out, []]:
    r"""Return an agent that is called with a summary of the beginning of a history that is too long for it.

    A history of at most `tokens` goes to the agent as it is, otherwise the older part of it is replaced by a
    `UserMessage` with the summary. It is not a system message: what a conversation said does not become an instruction.
    System messages, the user's last message and what `keep` says stay, and calls stay with their results. If the
    summary is too long, the rest is trimmed, and if there is no room for it at all, it is left out. The replies are
    those of the agent, streamed.

    When the history grows, the same part of it stays summarised until there are too many tokens again. Then the earlier
    summary is summarised with what follows it. So a long history needs several summaries, one after the other, when it
    comes for the first time. Summaries are kept in memory as long as the outermost context, so a
    conversation that is continued there asks for each of them once.

    Args:
        agent: The agent.
        by: The agent that summarises: it is called with a part of the history, followed by the instruction. An error of
            it is the only reply.
        tokens: The greatest number of tokens that the agent is called with.
        keep: A plain function of a message; the message stays if its result is true.
        count: Returns the tokens of one message.
        instruction: What is asked of the agent that summarises.

    Raises:
        TypeError: One of the agents cannot be called without arguments, or `keep` or `count` is async.
        ValueError: `tokens` is less than 1. It is an error of the replies if what has to stay has more tokens.

    >>> @miniagent
    ... async def assistant(ctx: InteractionContext) -> None:
    ...     ctx.reply([f"> {message}" for message in await ctx.messages])
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         agent = summarised(assistant, by=scripted_agent("They talked about fish."), tokens=40)
    ...         history = [UserMessage("Let us talk about fish. " * 10), AssistantMessage("Well."), UserMessage("And?")]
    ...         print([str(reply) for reply in await agent.inquire(history)])
    >>> asyncio.run(main())
    ['> A summary of the conversation so far:\nThey talked about fish.', '> Well.', '> And?']
    """
    check_agents("summarised", (agent, by))
    _check("summarised", tokens, keep, count)
    memory = object()

    async def ask_with_summary(ctx: AnyContext) -> None:
        history: tuple[Message, ...] = await ctx.messages
        cuts = _cuts(history, [count(message) for message in history], tokens)
        if not cuts:
            ctx.reply(ask(ctx, agent, ctx.messages))
            return
        known = MiniAgents.current().shared((memory, "summaries"), _Summaries, _Summaries.close)
        earlier: list[Message] = []  # the summary up to here
        for start, end in zip((0, *cuts), cuts, strict=False):
            part = [message for message in history[start:end] if not _is_system(message)]
            if part:
                said = [*earlier, *part]
                key = tuple(message.hash_key for message in said)
                text = known.get(key)
                if text is None:
                    summary = await ask(ctx, by, [*said, UserMessage(instruction)], raises=True)
                    text = "\n\n".join(map(str, summary))
                    known.put(key, text)
                earlier = [UserMessage(f"A summary of the conversation so far:\n{text}")]
        ctx.reply(ask(ctx, agent, with_summary(history, cuts[-1], earlier)))

    def with_summary(history: tuple[Message, ...], end: int, summary: list[Message]) -> tuple[Message, ...]:
        groups = _groups(history)
        last_ones = _last_ones(history, groups)
        staying = {place for group in groups if group in last_ones or _stays(history, group, keep) for place in group}
        before = [history[place] for place in range(end) if place in staying]
        system = [message for message in before if _is_system(message)]
        rest = [*(message for message in before if not _is_system(message)), *history[end:]]

        def stays(message: Message) -> object:
            return any(message is each for each in summary) or (keep is not None and keep(message))

        try:
            return trim([*system, *summary, *rest], tokens=tokens, keep=stays, count=count)
        except ValueError:  # there is no room for it
            return trim([*system, *rest], tokens=tokens, keep=keep, count=count)

    def declares() -> Declared:
        return (Message,), declared_by(agent)[1]

    name = f"summarised({alias_of(agent)})"
    made_of = ("summarised", agent, by, tokens, keep, count, instruction)
    again: Callable[..., MiniAgent[Any, Any, []]] = summarised  # Any: as for `composed`
    recipe = partial(again, agent, by=by, tokens=tokens, keep=keep, count=count, instruction=instruction)
    return composed(ask_with_summary, name, declares, made_of, recipe)


class _Summaries:
    """The summaries of a context: the latest ones, by what they summarise."""

    def __init__(self) -> None:
        self._texts: OrderedDict[object, str] = OrderedDict()

    def get(self, key: object) -> str | None:
        """Return a summary, if it is there."""
        if key not in self._texts:
            return None
        self._texts.move_to_end(key)
        return self._texts[key]

    def put(self, key: object, text: str) -> None:
        """Keep a summary, and forget the one that was not used for the longest time if there are too many."""
        self._texts[key] = text
        if len(self._texts) > _MOST_SUMMARIES:
            self._texts.popitem(last=False)

    async def close(self) -> None:
        """Forget all."""
        self._texts.clear()


def _cuts(history: Sequence[Message], counts: Sequence[int], tokens: int) -> list[int]:
    """Return the places up to which a history is summarised, one step after the other.

    They depend on nothing that comes after them. So they stay the same while a history grows, and a summary can be used
    again.
    """
    unbroken = _unbroken(history)
    cuts: list[int] = []
    start, total, most = 0, 0, tokens
    for place, size in enumerate(counts):
        total += size
        if total <= most:
            continue
        left, end = total, start
        for cut in range(start + 1, place + 1):
            left -= counts[cut - 1]
            if unbroken[cut]:
                end, total = cut, left
                if left <= tokens // 2:  # well below the limit: not each further message needs a new summary
                    break
        if end > start:
            cuts.append(end)
            start, most = end, tokens * 4 // 5  # the rest is for the summary
    return cuts


def _unbroken(history: Sequence[Message]) -> list[bool]:
    """Return for each place whether calls before it have their results before it, too."""
    unbroken = [True] * len(history)
    for group in _groups(history):
        for place in range(group[0] + 1, max(group) + 1):
            unbroken[place] = False
    return unbroken

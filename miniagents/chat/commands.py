"""The loop of a chat: it sends each input of the user to the agent, unless the input is a command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from miniagents.chat.attaching import attachment, said_of
from miniagents.chat.chat_errors import ChatError
from miniagents.chat.costs import read_prices
from miniagents.chat.history import listed, numbered, read_conversation, write_conversation
from miniagents.chat.interfaces import Interrupted
from miniagents.messages import UserMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.chat.agents import Partner
    from miniagents.chat.conversation import Conversation
    from miniagents.chat.history import History
    from miniagents.chat.interfaces import Input

__all__ = ["COMMANDS", "Choices", "chat"]

COMMANDS: Final = {
    "/help": "list the commands and keys",
    "/new": "begin a new conversation",
    "/retry": "ask the last question again and forget the answer to it",
    "/edit": "change the last question, and ask it again",
    "/attach": "/attach FILE sends a picture or file with the next question; /attach none forgets them",
    "/model": "say which model answers; /model NAME goes on with another one, /model NAME IN/OUT with its price",
    "/cost": "tell the tokens so far, and their cost",
    "/list": "list the saved conversations, the latest first",
    "/open": "/open NUMBER or /open FILE goes on with a saved conversation",
    "/show": "show the conversation",
    "/save": "say where the conversation is saved; /save FILE writes it to a file as well",
    "/quit": "end",
}
"""The commands of the chat itself, with their help."""

KEYS: Final = {
    "Enter": "sends; behind a \\ it begins a new line",
    "Alt+Enter": "begins a new line (Ctrl+J as well)",
    "Ctrl+C": "stops the answer, or clears the input; pressed twice in an empty input, it ends the chat",
    "Ctrl+D": "ends the chat",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user can choose during a chat.

    Attributes:
        new_history: Returns the history of another conversation.
        reopened: Returns the history of a saved conversation, given its file and the number of its messages.
        folder: The folder of the saved conversations.
        partner: Returns another model, given its name; None if the chat is with an agent.
    """

    new_history: Callable[[], History]
    reopened: Callable[[Path, int], History]
    folder: Path
    partner: Callable[[str], Partner] | None = None


async def chat(conversation: Conversation, source: Input, choices: Choices) -> None:
    """Read, ask and show until the input ends, the user ends the chat, or the agent ends the conversation.

    Args:
        conversation: The conversation, which knows its agent and its view.
        source: The input that questions and commands are read from.
        choices: What the user can choose.
    """
    was_interrupted = False
    edited: int | None = None  # the place of the question that the user edits
    while not conversation.has_ended:
        try:
            said = await source.read("" if edited is None else str(conversation.messages[edited]))
        except EOFError:
            return
        except Interrupted:
            edited = None
            if was_interrupted:
                return
            was_interrupted = True
            conversation.view.note("press Ctrl+C again, or Ctrl+D, to end")
            continue
        was_interrupted = False
        place, edited = edited, None
        if not said.strip():
            continue
        if not said.startswith("/"):
            if place is not None:
                conversation.forget(place)
            await conversation.ask(said)
        elif said.strip() == "/edit":
            edited = _question_to_edit(conversation)
        elif await _command(conversation, said, choices):
            return
    conversation.view.note("the agent has ended the conversation")


# --- machinery ---


async def _command(conversation: Conversation, said: str, choices: Choices) -> bool:
    """Run a command and return whether the chat is to end."""
    name, _, rest = said.strip().partition(" ")
    rest = rest.strip()
    note = conversation.view.note
    try:
        match name:
            case "/quit" | "/exit":
                return True
            case "/help":
                note(_help())
            case "/new":
                conversation.begin_anew(choices.new_history())
                note("a new conversation")
            case "/retry":
                await conversation.retry()
            case "/attach":
                _attach(conversation, rest)
            case "/model":
                _choose_model(conversation, rest, choices)
            case "/cost":
                note(conversation.costs.total)
            case "/list":
                note(listed(choices.folder))
            case "/open":
                _open(conversation, rest, choices)
            case "/show":
                _show(conversation)
            case "/save":
                _save(conversation, rest)
            case _:
                note(
                    f"there is no command {name}; /help says which there are. "
                    "A space before the / makes it part of a message"
                )
    except ChatError as error:
        conversation.view.failed(error)
    return False


def _question_to_edit(conversation: Conversation) -> int | None:
    place = conversation.last_question
    if place is None:
        conversation.view.note("nothing was asked yet")
        return None
    question = conversation.messages[place]
    conversation.attached[:] = question.content if isinstance(question, UserMessage) else ()
    return place


def _attach(conversation: Conversation, place: str) -> None:
    if place == "none":
        conversation.attached.clear()
    elif place:
        conversation.attached.append(attachment(place))
    names = ", ".join(map(said_of, conversation.attached))
    conversation.view.note(f"attached to the next question: {names}" if names else "nothing is attached")


def _choose_model(conversation: Conversation, said: str, choices: Choices) -> None:
    name, _, price = said.partition(" ")
    if name:
        if choices.partner is None:
            raise ChatError("/model: the chat is with an agent; begin one with --model")
        try:
            prices = read_prices(price.strip()) if price.strip() else None
        except ValueError as error:
            raise ChatError(f"/model: {error}") from None
        conversation.partner = choices.partner(name)
        conversation.costs.prices = prices
    conversation.view.note(f"answers are from {conversation.partner.name}")


def _open(conversation: Conversation, said: str, choices: Choices) -> None:
    path = numbered(choices.folder, int(said)) if said.isdecimal() else Path(said).expanduser()
    if not said:
        raise ChatError("/open: say which, as in /open 2; /list lists them")
    messages = read_conversation(path)
    conversation.begin_anew(choices.reopened(path, len(messages)), messages)
    _show(conversation)


def _show(conversation: Conversation) -> None:
    for message in conversation.messages:
        conversation.view.said(message)
    if not conversation.messages:
        conversation.view.note("nothing was said yet")


def _save(conversation: Conversation, name: str) -> None:
    kept_in = conversation.history.path
    if not name:
        conversation.view.note(f"saved in {kept_in}" if kept_in else "not saved; /save FILE writes it to a file")
        return
    path = Path(name).expanduser()
    if path.exists():
        conversation.view.note(f"{path} is there already; give another name")
        return
    write_conversation(path, conversation.messages)
    conversation.view.note(f"{len(conversation.messages)} messages written to {path}")


def _help() -> str:
    width = max(map(len, (*COMMANDS, *KEYS)))
    lines = [f"{name:{width}}  {does}" for name, does in (*COMMANDS.items(), *KEYS.items())]
    return "\n".join(lines)

"""The loop of a chat: it sends each input of the user to the agent, unless the input is a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from miniagents.chat.chat_errors import ChatError
from miniagents.chat.history import write_conversation
from miniagents.chat.interfaces import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.chat.conversation import Conversation
    from miniagents.chat.history import History
    from miniagents.chat.interfaces import Input

__all__ = ["COMMANDS", "chat"]

COMMANDS: Final = {
    "/help": "list the commands and keys",
    "/new": "begin a new conversation",
    "/retry": "ask the last question again and forget the answer to it",
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


async def chat(conversation: Conversation, source: Input, new_history: Callable[[], History]) -> None:
    """Read, ask and show until the input ends, the user ends the chat, or the agent ends the conversation.

    Args:
        conversation: The conversation, which knows its agent and its view.
        source: The input that questions and commands are read from.
        new_history: Returns the history of another conversation, for `/new`.
    """
    was_interrupted = False
    while not conversation.has_ended:
        try:
            said = await source.read()
        except EOFError:
            return
        except Interrupted:
            if was_interrupted:
                return
            was_interrupted = True
            conversation.view.note("press Ctrl+C again, or Ctrl+D, to end")
            continue
        was_interrupted = False
        if not said.strip():
            continue
        if not said.startswith("/"):
            await conversation.ask(said)
        elif await _command(conversation, said, new_history):
            return
    conversation.view.note("the agent has ended the conversation")


# --- machinery ---


async def _command(conversation: Conversation, said: str, new_history: Callable[[], History]) -> bool:
    """Run a command and return whether the chat is to end."""
    name, _, rest = said.strip().partition(" ")
    note = conversation.view.note
    if name in ("/quit", "/exit"):
        return True
    if name == "/help":
        note(_help())
    elif name == "/new":
        conversation.begin_anew(new_history())
        note("a new conversation")
    elif name == "/retry":
        await conversation.retry()
    elif name == "/show":
        for message in conversation.messages:
            conversation.view.said(message)
        if not conversation.messages:
            note("nothing was said yet")
    elif name == "/save":
        _save(conversation, rest.strip())
    else:
        note(f"there is no command {name}; /help says which there are. A space before the / makes it part of a message")
    return False


def _save(conversation: Conversation, name: str) -> None:
    kept_in = conversation.history.path
    if not name:
        conversation.view.note(f"saved in {kept_in}" if kept_in else "not saved; /save FILE writes it to a file")
        return
    path = Path(name).expanduser()
    if path.exists():
        conversation.view.note(f"{path} is there already; give another name")
        return
    try:
        write_conversation(path, conversation.messages)
    except ChatError as error:
        conversation.view.failed(error)
    else:
        conversation.view.note(f"{len(conversation.messages)} messages written to {path}")


def _help() -> str:
    width = max(map(len, (*COMMANDS, *KEYS)))
    lines = [f"{name:{width}}  {does}" for name, does in (*COMMANDS.items(), *KEYS.items())]
    return "\n".join(lines)

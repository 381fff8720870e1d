"""The loop of a chat: what the user says is asked, unless it is a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from miniagents.chat.chat_errors import ChatError
from miniagents.chat.conversation import Interrupted
from miniagents.chat.history import write_conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.chat.conversation import Conversation, Input
    from miniagents.chat.history import History

__all__ = ["COMMANDS", "chat"]

COMMANDS: Final = {
    "/help": "say what there is",
    "/new": "begin a new conversation",
    "/retry": "ask the last question again; what was said since is forgotten",
    "/show": "show the conversation",
    "/save": "say where the conversation is kept; /save FILE writes it to a file as well",
    "/quit": "end",
}
"""What the user may say to the chat itself."""

KEYS: Final = {
    "Enter": "sends; behind a \\ it begins a new line",
    "Alt+Enter": "begins a new line (Ctrl+J as well)",
    "Ctrl+C": "stops the answer, or drops what was written; twice where nothing was, it ends",
    "Ctrl+D": "ends",
}


async def chat(conversation: Conversation, source: Input, new_history: Callable[[], History]) -> None:
    """Reads, asks and shows, until there is no more input, the user ends it, or the agent does.

    Args:
        conversation: The conversation.
        source: Where questions and commands come from.
        new_history: Makes a place for another conversation.
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
    """Do what a command says; whether that is to end."""
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
        conversation.view.note(f"kept in {kept_in}" if kept_in else "not kept; /save FILE writes it to a file")
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

"""Asks the user whether a tool may be called."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import msgspec

from miniagents.chat.wording import call_text
from miniagents.printing import printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from miniagents.calls import Approval, Call

__all__ = ["Asker", "approving", "refusing"]


class Asker(Protocol):
    """Asks the user for a line while an answer arrives."""

    async def ask(self, prompt: str, text: str = "") -> str:
        """Wait for a line and return it.

        Args:
            prompt: The text before the input.
            text: What stands in the input already, to be edited.

        Raises:
            EOFError: The user wants to say nothing.
        """
        ...


def approving(
    asker: Asker, note: Callable[[str], object], pausing: Callable[[], AbstractContextManager[None]]
) -> Callable[[Call], Awaitable[Approval]]:
    """Return the function for `approval` that asks the user: yes, no, or with other arguments.

    Args:
        asker: Asks the user.
        note: Shows a text to the user.
        pausing: Returns a context in which nothing is drawn.
    """
    turn = asyncio.Lock()  # one question at a time

    async def ask(call: Call) -> Approval:
        async with turn:
            with pausing():
                return await _answer(asker, note, call)

    return ask


async def refusing(call: Call) -> Approval:
    """Refuse a call, because nobody is there to be asked."""
    return f"nobody can be asked whether {call.name} may be called: the chat has no terminal"


# --- machinery ---


async def _answer(asker: Asker, note: Callable[[str], object], call: Call) -> Approval:
    given = call.tool_call.arguments if call.tool_call is not None else "{}"
    # on one line: arguments must not look like anything else
    note(f"may it call {printable(call_text(call.name, given))} ?")
    while True:
        try:
            said = (await asker.ask("y, n or e (edit) > ")).strip()
        except EOFError:
            return False
        word, _, reason = said.partition(" ")
        match word.lower():
            case "y" | "yes":
                return True
            case "n" | "no":
                return reason.strip() or False
            case "e" | "edit":
                edited = await _edited(asker, note, given)
                if edited is not None:
                    return edited
            case _:
                note("y: yes · n: no, as in: n because it is expensive · e: change the arguments")


async def _edited(asker: Asker, note: Callable[[str], object], given: str) -> Approval | None:
    """Let the user edit arguments, and return them; None if the user gives up."""
    try:
        text = printable_json(msgspec.json.format(given, indent=-1))
    except msgspec.DecodeError:
        text = printable(given)
    while True:
        try:
            text = (await asker.ask("arguments > ", text)).strip()
        except EOFError:
            return None
        if not text:
            return None
        try:
            return msgspec.json.decode(text, type=dict[str, object])
        except msgspec.DecodeError as error:
            note(f"it must be a JSON object: {error}")

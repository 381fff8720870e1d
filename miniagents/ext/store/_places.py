"""Where a call stands in a durable run: a key that is the same in each life of the run."""

from __future__ import annotations

from contextvars import ContextVar
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from miniagents.calls.surrounding import surroundings_here
from miniagents.ext.store._kept import full_keys
from miniagents.messages import encode
from miniagents.promising.core.access import outcomes
from miniagents.promising.core.failure import Failure, ends_task, running_task

if TYPE_CHECKING:
    from miniagents.calls import Call
    from miniagents.ext.store._journal import Journal
    from miniagents.messages import Message

__all__ = ["Given", "Place", "Rooted", "given_to", "here", "key_of", "place_here"]

_SHOWN_MESSAGES: Final = 8
_SHOWN_TEXT: Final = 120
_MOST_OPEN: Final = 64
"""Among how many open calls of one caller it is looked for those that have given something."""


def key_of(*parts: object) -> str:
    """Return the hash of some parts, in 32 digits."""
    return sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:32]


class Given:
    """What a call was given.

    Attributes:
        key: The hash of what was called, with which arguments and messages.
        messages: The messages that came; those that failed are missing.
        called: What was called, as text.
        shown: The beginnings of the texts of the messages.
        arguments: The arguments as JSON.
    """

    __slots__ = ("arguments", "called", "key", "messages", "shown")

    def __init__(self, call: Call, messages: list[Message], keys: list[str]) -> None:
        identity = call.identity
        arguments = msgspec.json.encode(msgspec.json.decode(encode(call.arguments)), order="sorted")
        asked = None if call.tool_call is None else call.tool_call.id
        self.key: str = key_of(identity.hash_key, arguments.decode(), dict(call.opaque_arguments), keys, asked)
        self.messages: list[Message] = messages
        version = "" if identity.version is None else f" of version {identity.version!r}"
        self.called: str = f"{call.kind} {call.name!r}{version}"
        self.arguments: bytes = arguments
        more = len(messages) - _SHOWN_MESSAGES
        self.shown: tuple[str, ...] = tuple(
            str(message)[:_SHOWN_TEXT] for message in messages[: len(messages) if more <= 0 else _SHOWN_MESSAGES]
        ) + ((f"(and {more} more)",) if more > 0 else ())


async def given_to(call: Call) -> Given:
    """Return what a call was given, when all its messages have come.

    Raises:
        TypeError: A message cannot be written as JSON.
        ValueError: As above.
    """
    messages: list[Message] = []
    keys: list[str] = []
    async for piece in outcomes(call.messages):
        if isinstance(piece, Failure):
            keys.append(_said(piece.error))
            continue
        try:
            message = await piece
        except BaseException as error:
            if ends_task(error, running_task()):
                raise
            keys.append(_said(error))
        else:
            messages.append(message)
            keys += (key.hex() for key in full_keys([message]))
    return Given(call, messages, keys)


def _said(error: BaseException) -> str:
    return f"{type(error).__qualname__}: {error}"


class Place:
    """A call of a run, or the program around all calls, with what is counted in it.

    Attributes:
        journal: The journal of the run.
        key: The key of the call.
        call: The call; None for the program.
        kept: The messages of its replies that were committed before it was cut, if it is to go on behind them.
        given: What it was given; None for the program.
        given_up: The calls that it has cancelled, and that are not noted yet.
    """

    __slots__ = ("_counts", "_history", "_open", "call", "given", "given_up", "journal", "kept", "key")

    def __init__(self, journal: Journal, key: str, call: Call | None, given: Given | None) -> None:
        self.journal: Journal = journal
        self.key: str = key
        self.call: Call | None = call
        self.given: Given | None = given
        self.kept: tuple[Message, ...] = ()
        self.given_up: list[str] = []
        self._counts: dict[str, int] = {}
        self._history = key_of("history")
        self._open: dict[str, Call] = {}

    def nth(self, what: str) -> str:
        """Return the key of something in this place; each time another one for the same thing."""
        count = self._counts.get(what, 0)
        self._counts[what] = count + 1
        return key_of(self.key, what, count)

    def history(self) -> str:
        """Return the hash of the calls that have ended, in their order; "" if the caller may have seen more than that.

        It has seen nothing else of its calls if those that are open have given nothing.
        """
        is_quiet = len(self._open) <= _MOST_OPEN and all(call.first_piece is None for call in self._open.values())
        return self._history if is_quiet else ""

    def begins(self, key: str, call: Call) -> None:
        """Note that a call of this one begins."""
        self._open[key] = call
        call.when_ended(lambda: self._ended(key, call))

    def ends(self, key: str) -> None:
        """Note that the end of a call is going to be seen."""
        if self._open.pop(key, None) is not None:
            self._history = key_of(self._history, key)

    def _ended(self, key: str, call: Call) -> None:
        if self._open.pop(key, None) is not None and call.outcome == "cancelled":
            self.given_up.append(key)


here: Final[ContextVar[Place | None]] = ContextVar("miniagents.durable", default=None)
"""The place of the running code."""


class Rooted:
    """What makes the calls of a context durable."""

    _root: Place | None = None  # of the program around all calls, while the run is entered


def place_here() -> Place | None:
    """Return the place of the running code, also in a task that was not started where the run was entered.

    A server enters a run when it starts, and each request has a task of its own.
    """
    place = here.get()
    if place is not None:
        return place
    around = surroundings_here()
    handlers: tuple[object, ...] = () if around is None else around.handlers
    roots = [handler._root for handler in handlers if isinstance(handler, Rooted)]
    return roots[-1] if roots else None

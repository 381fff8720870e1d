"""The errors of durable runs; each names the store, the run, the place and what to do.

StoreError
├── RunTakenError     another process goes on with the run
└── DivergedError     the program makes another call than the one that it made at this place before
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from miniagents.ext.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.messages import JsonValue

__all__ = ["CallAtPlace", "DivergedError", "RunTakenError"]


class CallAtPlace(NamedTuple):
    """What a program called at a place of a run.

    Attributes:
        called: The kind, the name and the version of what was called, as in "agent 'writer' of version '2'".
        arguments: The arguments by their names, as JSON.
        messages: The beginnings of the texts of the messages.
        key: The key of the call, in which the whole of its arguments and messages counts.
    """

    called: str
    arguments: Mapping[str, JsonValue]
    messages: tuple[str, ...]
    key: str

    def __str__(self) -> str:
        given = "".join(f" {name}={value!r:.100}" for name, value in self.arguments.items())
        said = ", ".join(map(repr, self.messages)) or "no messages"
        return f"{self.called}{' with' if given else ''}{given}, given {said} [{self.key[:12]}]"


class RunTakenError(StoreError):
    """Another process goes on with the durable run, or has taken it over from this one.

    Attributes:
        run: The name of the run.
    """

    def __init__(self, store: str, run: str, reason: str) -> None:
        super().__init__(store, f"run {run!r}: {reason}")
        self.run: str = run
        self._why = reason

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.store, self.run, self._why)


class DivergedError(StoreError):
    """A durable run that goes on makes another call than the one that it made at this place before.

    Attributes:
        run: The name of the run.
        place: Which call of its caller each call is, from the root and from 1.
        recorded: The call that was made there before.
        now: The call that was to be made there now. It was not made.
    """

    def __init__(self, store: str, run: str, place: tuple[int, ...], recorded: CallAtPlace, now: CallAtPlace) -> None:
        shown = ".".join(map(str, place))
        super().__init__(
            store,
            f"run {run!r} at place {shown} makes another call than before.\n"
            f"  before: {recorded}\n"
            f"  now:    {now}\n"
            "Go on with the program that began the run, take clocks, random numbers and what is outside by `once`, "
            'begin a new run, or allow the change with durable(on_changed="again")',
        )
        self.run: str = run
        self.place: tuple[int, ...] = place
        self.recorded: CallAtPlace = recorded
        self.now: CallAtPlace = now

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.store, self.run, self.place, self.recorded, self.now)

"""One call as its handlers see it: what was called with what, by whom, when, and how it ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from miniagents.calls.forms import Arguments, json_of_arguments
from miniagents.calls.progress import complete_in
from miniagents.messages import CallRecord
from miniagents.promising.core.access import buffer_of
from miniagents.promising.core.arguments import check_callable, check_kind
from miniagents.promising.core.notes import said_with_causes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miniagents.calls.progress import CallOutcome, Progress
    from miniagents.messages import (
        Identity,
        JsonValue,
        Message,
        MessageSequence,
        MessageSequencePromise,
        ToolCall,
    )

__all__ = ["KINDS", "Call", "CallKind", "Callee", "Identified", "Run", "checked_kinds", "kind_of"]

CallKind: TypeAlias = Literal["agent", "tool", "model"]
"""What is called."""

KINDS: Final[tuple[CallKind, ...]] = ("agent", "tool", "model")
"""All of them."""


class Identified(Protocol):
    """An agent, a tool or a model."""

    @property
    def identity(self) -> Identity:
        """What it is, as a value."""
        ...


class Callee(Protocol):
    """What a call calls, and how: each kind has its own."""

    @property
    def kind(self) -> CallKind:
        """What is called."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def agent(self) -> Identified:
        """The agent, tool or model itself."""
        ...

    @property
    def tool_call(self) -> ToolCall | None:
        """The model's call, for a tool."""
        ...

    def named_arguments(self) -> Iterable[tuple[str, object]]:
        """Return the arguments with their names."""
        ...

    def with_arguments(self, arguments: Mapping[str, object], /) -> Callee:
        """Return the same with other arguments in the place of those of these names."""
        ...

    def given(self, messages: object, /) -> MessageSequencePromise[Any]:  # Any: of the classes that it takes
        """Return messages in the form that it takes."""
        ...

    def sequence(self) -> MessageSequence[Any]:  # Any: of the classes that it gives
        """Return a new writing end for replies."""
        ...

    def begins(self, call: Call, /) -> None:
        """Note that the outermost handler begins."""
        ...

    async def work(
        self,
        call: Call,
        replies: MessageSequence[Any],  # Any: of the classes that it gives
        /,
    ) -> None:
        """Do the work of the call itself, with the messages in `call`, and put its replies in."""

    @property
    def in_place_of(self) -> Callable[[Exception], object] | None:
        """Makes the reply in the place of an error of a handler; None for the error itself."""
        ...


class Run:
    """The calls that belong together: those of one context, with all calls that these make.

    Attributes:
        id: The identifier of the run: 32 hex digits.
    """

    __slots__ = ("__weakref__", "_calls", "_roots", "id")

    def __init__(self) -> None:
        self.id: str = uuid.uuid4().hex
        self._calls = 0
        self._roots = 0

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self._calls} calls>"


class Call:
    """One call of an agent, a tool or a model, as the handlers in `around_calls` see it.

    Attributes:
        kind: What is called.
        name: The alias of the agent, or the name of the tool or model.
        agent: The agent, tool or model.
        run: The run that the call belongs to.
        number: The number of the call in its run, from 1.
        place: The place in the tree of calls, from the root: which call of its caller each one is, from 1. Unlike the
            number, it is the same in each run in which each caller makes its calls in the same order.
        parent: The call that made this one; None if no call made it.
        messages: The messages of the call, perhaps still arriving; a tool has none.
        tool_call: The model's call of a tool.
    """

    __slots__ = (
        "_callee",
        "_json",
        "_progress",
        "agent",
        "kind",
        "messages",
        "name",
        "number",
        "parent",
        "place",
        "run",
        "tool_call",
    )

    def __init__(
        self,
        callee: Callee,
        run: Run,
        parent: Call | None,
        messages: MessageSequencePromise[Any],  # Any: of the classes that the agent takes
        progress: Progress,
    ) -> None:
        run._calls += 1
        self._progress = progress
        self.kind: CallKind = callee.kind
        self.name: str = callee.name
        self.agent: Identified = callee.agent
        self.run: Run = run
        self.number: int = run._calls
        self.parent: Call | None = parent
        if parent is None:
            run._roots += 1
            self.place: tuple[int, ...] = (run._roots,)
        else:
            parent._progress.calls += 1
            self.place = (*parent.place, parent._progress.calls)
        self.messages: MessageSequencePromise[Message] = messages
        self.tool_call: ToolCall | None = callee.tool_call
        self._callee = callee
        self._json: Arguments | None = None

    @property
    def replies(self) -> MessageSequencePromise[Message]:
        """The replies that the caller gets. A handler must not wait for them before it returns; `observe` them."""
        return self._progress.replies()

    @property
    def identity(self) -> Identity:
        """What is called, as a value with a hash; see `MiniAgent.identity`."""
        return self.agent.identity

    @property
    def arguments(self) -> Mapping[str, JsonValue]:
        """The arguments by their names, as JSON, bound ones included."""
        return self._as_json().values

    @property
    def opaque_arguments(self) -> Mapping[str, str]:
        """The classes of the arguments that are not JSON-serialisable, by the names of the arguments."""
        return self._as_json().opaque

    @property
    def began(self) -> float | None:
        """When the call began, in seconds since 1970; None if it has not.

        The times of one run are taken from the loop's clock, so their differences are exact.
        """
        return self._progress.began

    @property
    def first_piece(self) -> float | None:
        """When the first token, event or message of the replies came, in seconds since 1970; None if none has come."""
        return self._progress.first_piece

    @property
    def ended(self) -> float | None:
        """When the replies were complete, in seconds since 1970; None if they are not."""
        return self._progress.ended

    @property
    def outcome(self) -> CallOutcome | None:
        """How the call ended; None if it has not ended."""
        return self._progress.outcome

    @property
    def error(self) -> BaseException | None:
        """The first error of the replies, or the one that an `ErrorMessage` stands for."""
        return self._progress.error

    @property
    def complete_replies(self) -> tuple[Message, ...]:
        """The messages of the replies that are complete by now."""
        return self._progress.complete_replies()

    @property
    def complete_messages(self) -> tuple[Message, ...]:
        """The messages of the call that are complete by now; asking starts nothing."""
        return complete_in(buffer_of(self.messages))

    @property
    def replayed(self) -> bool:
        """Whether a handler gave replies that were kept from an earlier call, so that nothing was spent on this one."""
        return self._progress.replayed

    def mark_replayed(self) -> None:
        """Note that the replies were kept from an earlier call; stores, caches and cassettes call this."""
        self._progress.replayed = True

    def when_ended(self, callback: Callable[[], object], /) -> None:
        """Have a plain function called once the replies are complete, however they end.

        If the call has ended, the function is called at once. An error of the function is logged.

        Raises:
            TypeError: It is no function.
        """
        check_callable("when_ended", callback)
        self._progress.when_ended(callback)

    def record(self) -> CallRecord:
        """Return the record of the call as it stands now; its content is in the messages and replies."""
        error, identity = self.error, self.identity
        return CallRecord(
            run=self.run.id,
            number=self.number,
            parent=None if self.parent is None else self.parent.number,
            place=self.place,
            called=identity,
            kind=None if self.kind == identity.kind else self.kind,
            arguments=self.arguments,
            opaque_arguments=self.opaque_arguments,
            began=self.began,
            first_piece=self.first_piece,
            ended=self.ended,
            outcome=self.outcome,
            error=None if error is None else said_with_causes(error),
            replayed=self.replayed,
        )

    def __repr__(self) -> str:
        return f"<Call {self.number} of {self.kind} {self.name!r}: {self.outcome or 'not ended'}>"

    # --- machinery ---

    def _as_json(self) -> Arguments:
        if self._json is None:
            self._json = json_of_arguments(self._callee.named_arguments())
        return self._json

    def _changed(
        self,
        callee: Callee,
        messages: MessageSequencePromise[Any],  # Any: of the classes that the agent takes
    ) -> Call:
        """Return the same call with other messages or arguments, for the handlers further inside."""
        call: Call = object.__new__(Call)
        for name in Call.__slots__:
            setattr(call, name, getattr(self, name))
        call.messages = messages
        call.tool_call = callee.tool_call
        call._callee = callee
        call._json = None
        return call


def kind_of(record: CallRecord) -> CallKind:
    """Return what the call of a record is."""
    return record.kind or record.called.kind


def checked_kinds(where: str, kinds: Iterable[CallKind]) -> frozenset[CallKind]:
    """Return kinds of calls that were given to a function.

    Raises:
        TypeError: It is one text, or nothing that has several.
        ValueError: One of them is none.
    """
    if isinstance(kinds, str):
        raise TypeError(f"{where}: kinds={kinds!r}: give several, such as ({kinds!r},)")
    check_kind(f"{where}: kinds", kinds, Iterable, f"no list; give several, such as {KINDS[:2]!r}")
    checked = frozenset(kinds)
    unknown = sorted(map(repr, checked.difference(KINDS)))
    if unknown:
        raise ValueError(f"{where}: {', '.join(unknown)} is no kind of calls; there are {', '.join(map(repr, KINDS))}")
    return checked

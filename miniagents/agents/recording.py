"""Records calls and replies of agents for the hooks that keep messages.

A record costs no task. A timer looks at all sequences that have something new. Only a message that is still arriving is
waited for by a task, because it may be lazy and needs a reader then.

| state of a sequence       | event                               | then                                          |
|---------------------------|-------------------------------------|-----------------------------------------------|
| followed                  | a piece comes, or the end           | due                                           |
| due                       | the timer                           | its ready messages are kept; then followed,   |
|                           |                                     | waiting, or recorded                          |
| waiting for a message     | the message is complete, or failed  | as for the timer                              |
| followed, due, or waiting | the context's work was cancelled    | recorded as far as it came                    |
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec.structs import replace

from miniagents.agents.persistence import described
from miniagents.calls.forms import NO_ARGUMENTS, json_of_arguments
from miniagents.messages import AgentCallNode, AgentReplyNode, Message
from miniagents.promising import ContextStateError, Promise
from miniagents.promising.core.access import (
    buffer_of,
    failure_of,
    has_value,
    pending,
    resolve_with,
    settled_as_read,
    value_of,
)
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import FAIR_SHARE

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from miniagents.agents.interaction import InteractionContext
    from miniagents.agents.persistence import Persister
    from miniagents.messages import MessageSequencePromise
    from miniagents.promising import PromisingContext
    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["RecordedCall", "Recorder"]

_Then: TypeAlias = "Callable[[tuple[Message, ...], list[str], BaseException | None], None]"

_CALL_NODE: Final = AgentCallNode(agent="")
_REPLY_NODE: Final = AgentReplyNode(agent="", call="")

_FEW: Final = 8
"""How many messages a record may have to be remembered by their keys: then its own need not be computed again."""
_GATHERING: Final = 0.002
"""Seconds that new messages gather before the recorder looks at them: looking at many at once is cheaper."""


class Recorder:
    """Hands the messages of every call to the persister as they arrive, then a record of the call and of its reply."""

    def __init__(self, context: PromisingContext, persister: Persister) -> None:
        self.context = context
        self.persister = persister
        self.open: dict[_Followed, None] = {}
        """The sequences that are followed, or wait for a message."""
        self._due: list[RecordedCall | _Followed] = []
        self._timer: asyncio.TimerHandle | None = None
        self._has_variables = False
        self._variables: Context
        self._is_looking = False

    def begin(self, interaction: InteractionContext[Any, Any]) -> RecordedCall:  # Any: of any agent
        """Begin to record a call; the agent's own task calls this."""
        record = RecordedCall(self, interaction)
        self.due(record)
        return record

    def due(self, sequence: RecordedCall | _Followed) -> None:
        """Look at a sequence, or at a new call, soon."""
        self._due.append(sequence)
        if self._timer is None:
            self._timer = self.context.watch.loop.call_later(_GATHERING, self.look)
            if not self._has_variables:
                self._has_variables = True
                self._variables = copy_context()
                self._variables.run(producing.set, None)  # cancelling a call does not cancel its record

    def look(self) -> None:
        """Look at all sequences that are due."""
        if self._timer is not None and not self._is_looking:
            self._timer.cancel()
            self._timer = None
            self._is_looking = True
            try:
                self._variables.run(self._look)
            finally:
                self._is_looking = False

    async def flush(self) -> None:
        """Hand over everything that has arrived; see `Persister.flush`."""
        self._look_at_all()
        await self.persister.flush()

    def also_for(self, outer: Recorder) -> None:
        """Hand everything to the handlers of the context around this one as well."""
        self.persister.also_for(outer.persister)

    async def finish(self) -> None:
        """Record as much as has come of every sequence, and flush; report failures to the context."""
        self._look_at_all()
        for sequence in tuple(self.open):
            sequence.cut_off()
        self.persister.hand_over()
        await self.persister.finish()

    def log_not_kept(self) -> None:
        """Log the messages that were not kept because the context was left by an error."""
        self._look_at_all()
        self.persister.log_not_kept()

    def _look_at_all(self) -> None:
        while self._timer is not None and not self._is_looking:
            self.look()

    def _look(self) -> None:
        due, self._due = self._due, []
        try:
            for sequence in due:
                sequence.step()
        finally:
            self.persister.hand_over()


class RecordedCall:
    """The record of one call.

    Attributes:
        key: The hash key of the `AgentCallNode`; None until all messages of the call and of its callers are there.
    """

    __slots__ = (
        "_agent",
        "_arguments",
        "_caller",
        "_key_promise",
        "_messages",
        "_recorder",
        "_replies",
        "_then",
        "key",
    )

    def __init__(self, recorder: Recorder, interaction: InteractionContext[Any, Any]) -> None:  # Any: of any agent
        self._recorder = recorder
        self._agent = interaction._agent._alias
        caller = interaction._caller
        self._caller = None if caller is None else caller.record
        named = interaction._named_arguments() if interaction._args or interaction._kwargs else None
        self._arguments = NO_ARGUMENTS if named is None else json_of_arguments(named)
        self._messages: MessageSequencePromise[Message] = interaction._messages
        self._replies: AnyBuffer = interaction._replies.production  # not its promise: a record holds no replies
        self._key_promise: Promise[str] | None = None
        self._then: list[Callable[[], None]] | None = None
        self.key: str | None = None

    def step(self) -> None:
        """Begin to keep the messages and replies, of which all may be there by now."""
        messages = self._messages
        # a promise with a value needs no buffer, and may have none
        kept = self._recorder.persister.keep_all(value_of(messages)) if has_value(messages) else None
        if kept is None:
            self._keep_from(buffer_of(messages), self._called)
        else:
            self._called(*kept, None)
        self._keep_from(self._replies, self._replied)

    def key_promise(self) -> Promise[str]:
        """Return the promise of the key."""
        if self._key_promise is None:
            self._recorder.look()  # the messages may be there
            if self.key is not None:
                self._key_promise = Promise.resolved(self.key)
            else:
                self._key_promise = pending(f"{self._agent}.call_node")
        return self._key_promise

    def _called(self, messages: tuple[Message, ...], keys: list[str], _: BaseException | None) -> None:
        """Keep the record of the call, once that of its caller is known."""
        caller = self._caller
        if caller is not None and caller.key is None:
            caller._when_known(lambda: self._called(messages, keys, None))
            return
        above = None if caller is None else caller.key
        arguments, persister = self._arguments, self._recorder.persister
        # a record of a reply does not begin with None
        made_of = (None, self._agent, above, *keys) if len(keys) <= _FEW and arguments is NO_ARGUMENTS else None
        key = None if made_of is None else persister.known(made_of)
        if key is None:
            node = replace(  # all of it is frozen: a call of the class, which looks at it, takes twice as long
                _CALL_NODE,
                agent=self._agent,
                messages=messages,
                arguments=arguments.values,
                opaque_arguments=arguments.opaque,
                caller=above,
            )
            key = persister.keep_record(node, made_of, asks_key=True) or ""
        self.key = key
        if self._key_promise is not None:
            resolve_with(self._key_promise, self.key)
        if self._then is not None:
            then, self._then = self._then, None
            for go_on in then:
                go_on()

    def _replied(self, messages: tuple[Message, ...], keys: list[str], error: BaseException | None) -> None:
        """Keep the record of the reply, once that of the call is known."""
        if self.key is None:
            self._when_known(lambda: self._replied(messages, keys, error))
            return
        said = None if error is None else described(error)
        node = replace(_REPLY_NODE, agent=self._agent, call=self.key, messages=messages, error=said)
        made_of = (self._agent, self.key, said, *keys) if len(keys) <= _FEW else None
        self._recorder.persister.keep_record(node, made_of, asks_key=False)

    def _keep_from(self, buffer: AnyBuffer, then: _Then) -> None:
        kept = self._recorder.persister.keep_all(buffer.pieces) if buffer.ended else None
        if kept is None:
            _Followed(self._recorder, buffer, then).step()
        else:
            then(*kept, None)

    def _when_known(self, then: Callable[[], None]) -> None:
        if self._then is None:
            self._then = []
        self._then.append(then)


class _Followed:
    """A sequence of messages on its way to the persister.

    Args:
        recorder: Calls this when something new has come.
        buffer: The messages.
        then: Called at the end with the messages that are kept, their keys and the first error.
    """

    __slots__ = (
        "_buffer",
        "_error",
        "_is_due",
        "_is_followed",
        "_keys",
        "_messages",
        "_position",
        "_recorder",
        "_then",
    )

    def __init__(
        self,
        recorder: Recorder,
        buffer: AnyBuffer,
        then: _Then,
    ) -> None:
        self._recorder = recorder
        self._buffer = buffer
        self._then = then
        self._messages: list[Message] = []
        self._keys: list[str] = []
        self._error: BaseException | None = None
        self._position = 0
        self._is_due = True
        self._is_followed = False

    def woken(self) -> None:
        """Look at the sequence in the next turn of the loop."""
        if not self._is_due:
            self._is_due = True
            self._recorder.due(self)

    def step(self) -> None:
        """Keep the messages that have come since the last time."""
        buffer, pieces = self._buffer, self._buffer.pieces
        for _ in range(FAIR_SHARE):
            if self._position == len(pieces):
                self._is_due = False
                if buffer.ended:
                    self._finish()
                elif not self._is_followed:
                    self._follow()
                return
            piece = pieces[self._position]
            if not isinstance(piece, Message | Failure):
                if not piece.done():
                    self._wait_for(piece)  # this stays due meanwhile, so nobody calls it
                    return
                piece = failure_of(piece) or value_of(piece)
            self._take(piece)
        self._recorder.due(self)  # the rest comes in the next turn

    def cut_off(self) -> None:
        """Record the sequence as far as it came."""
        if self in self._recorder.open:
            error = self._error or asyncio.CancelledError("the context was left before")
            self._error = error
            self._finish()

    def _take(self, piece: Message | Failure) -> None:
        self._position += 1
        if isinstance(piece, Failure):
            self._error = self._error or piece.error
        else:
            key = self._recorder.persister.keep(piece)
            if key is not None:
                self._messages.append(piece)
                self._keys.append(key)

    def _follow(self) -> None:
        self._is_followed = True
        self._recorder.open[self] = None
        self._buffer.follow(self)
        self._buffer.start()

    def _wait_for(self, message: Promise[Message]) -> None:
        self._recorder.open[self] = None
        try:
            self._recorder.context.spawn(self._when_settled(message), f"record of {message.name}")
        except ContextStateError as error:
            self._error = self._error or error
            self._finish()

    async def _when_settled(self, message: Promise[Message]) -> None:
        await settled_as_read(message)
        self.step()
        self._recorder.persister.hand_over()

    def _finish(self) -> None:
        self._recorder.open.pop(self, None)
        if self._is_followed:
            self._buffer.unfollow(self)
        self._then(tuple(self._messages), self._keys, self._error)

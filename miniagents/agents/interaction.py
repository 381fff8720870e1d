"""One call of an agent: the caller's side, the agent's side, and how the two end together."""

from __future__ import annotations

import asyncio
import inspect
import logging
from contextvars import ContextVar
from threading import get_ident
from types import CoroutineType, FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, get_origin, overload
from weakref import WeakSet

from typing_extensions import TypeVar

from miniagents._lazy import OldName
from miniagents.agents.members import ends_loop, error_as_message
from miniagents.messages import Message, MessageSequence, MessageSequencePromise, MessageType
from miniagents.promising import NoActiveContextError, Promise, PromiseCancelledError
from miniagents.promising.core.bounds import bound_of
from miniagents.promising.core.current import calling, inside_hook
from miniagents.promising.core.presenting import HidesMachinery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from miniagents.agents.agent import MiniAgent
    from miniagents.agents.agents_context import MiniAgents
    from miniagents.agents.recording import RecordedCall
    from miniagents.agents.replacing import Replacement
    from miniagents.calls.progress import Progress
    from miniagents.messages import ErrorMessage

__all__ = ["AgentCall", "InteractionContext", "replacing"]

# type parameters of classes carry defaults, so that the bare names work under --strict
In_co = TypeVar("In_co", bound=Message, default=Message, covariant=True)
Out_contra = TypeVar("Out_contra", bound=Message, default=Message, contravariant=True)
In_contra = TypeVar("In_contra", bound=Message, default=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, default=Message, covariant=True)

_calls_log: Final = logging.getLogger("miniagents.calls")
replacing: Final[ContextVar[tuple[Replacement, ...]]] = ContextVar("miniagents.replacing", default=())
"""The agents whose work others do in this place, the latest first; see `replaced`."""

_interaction: ContextVar[InteractionContext[Any, Any] | None] = calling  # Any: of any agent


class InteractionContext(HidesMachinery, Generic[In_co, Out_contra]):
    """The agent's side of one call: its messages and the ways to reply to them.

    The library makes it and gives it to the agent as its first argument.
    """

    _writes: ClassVar[bool] = True  # for the watch: whoever has this can reply
    _is_given_to_tools: ClassVar[bool] = True  # a tool's parameter of this type is filled in by the loop

    __slots__ = (
        "_agent",
        "_args",
        "_caller",
        "_context",
        "_errors_as_messages",
        "_kwargs",
        "_messages",
        "_open_calls",
        "_raises",
        "_replies",
        "progress",
        "record",
    )

    def __init__(
        self,
        agent: MiniAgent[Any, Any, ...],  # Any: its classes are In_co and Out_contra here
        context: MiniAgents,
        replies: MessageSequence[Any],  # Any: the writing end of Out_contra
        args: tuple[Any, ...],  # Any: checked by the agent's signature
        kwargs: Mapping[str, Any],  # Any: checked by the agent's signature
        errors_as_messages: bool,
        raises: bool,
    ) -> None:
        self._agent = agent
        self._context = context
        self._messages: MessageSequencePromise[In_co]  # set when the call begins
        self._replies: MessageSequence[Any] = replies  # Any: as above
        self._args = args
        self._kwargs = kwargs
        self._caller = _interaction.get()
        self._open_calls: WeakSet[AgentCall[Any, Any]] | None = None  # Any: of any agents
        self._errors_as_messages = errors_as_messages
        self._raises = raises  # takes precedence over `errors_as_messages`
        self.record: RecordedCall | None = None
        """The record of this call, where calls are recorded."""
        self.progress: Progress | None = None
        """The course of this call, once it has begun with handlers around it."""

    @classmethod
    def current(cls) -> InteractionContext[Any, Any]:  # Any: of any agent
        """Return the interaction context of the running agent.

        Raises:
            NoActiveContextError: The code does not run in an agent.
        """
        interaction = _interaction.get()
        if interaction is None:
            raise NoActiveContextError("no agent is running here: InteractionContext.current() is for code of agents")
        return interaction

    _machinery = frozenset(
        {
            *("error_message", "is_bounded", "names", "own_bound", "progress", "record", "take_over_bound", "work"),
            *("afinish_early", "await_now", "get_agent_trace", "get_current", "message_promises", "miniagents"),
        }
    )

    if not TYPE_CHECKING:  # of 0.0.35: for checkers these would be names as others
        afinish_early = OldName("finish_early(), which is no coroutine")
        await_now = OldName("await what you need")
        get_agent_trace = OldName("callers")
        get_current = OldName("current()")
        message_promises = OldName("messages")
        miniagents = OldName("MiniAgents.current()")

    # --- what came in ---

    @property
    def messages(self) -> MessageSequencePromise[In_co]:
        """The messages that the agent was sent, perhaps still arriving."""
        return self._messages

    @property
    def this_agent(self) -> MiniAgent[Any, Any, ...]:  # Any: the agent knows its own types
        """The agent that was called."""
        return self._agent

    @property
    def caller(self) -> InteractionContext[Any, Any] | None:  # Any: of any agent
        """The interaction of the agent that made this call; None if the call was made outside of agents."""
        return self._caller

    @property
    def callers(self) -> tuple[MiniAgent[Any, Any, ...], ...]:  # Any: of any agents
        """The agents whose calls led here, the nearest first."""
        return tuple(interaction._agent for interaction in self._chain())[1:]

    @property
    def call_node(self) -> Promise[str] | None:
        """The promise of the hash key of this call's `AgentCallNode`; None where calls are not recorded."""
        return None if self.record is None else self.record.key_promise()

    # --- what goes out ---

    @overload
    def reply(self, messages: Out_contra | Sequence[Out_contra] | Iterator[Out_contra], /) -> None: ...
    @overload
    def reply(self, messages: MessageType[Out_contra], /) -> None: ...
    def reply(self, messages: MessageType[Out_contra], /) -> None:
        """Reply with messages, behind all earlier replies; return at once.

        Pending messages (promises, other agents' replies, async iterators) are allowed too.

        Raises:
            TypeError: Something in it is not a message, or is a message of a class that the agent does not declare.
            AppenderClosedError: The agent has finished.
            PromiseCancelledError: The call was cancelled.
        """
        self._replies.put(messages)

    @overload
    def reply_out_of_order(self, messages: Out_contra | Sequence[Out_contra] | Iterator[Out_contra], /) -> None: ...
    @overload
    def reply_out_of_order(self, messages: MessageType[Out_contra], /) -> None: ...
    def reply_out_of_order(self, messages: MessageType[Out_contra], /) -> None:
        """Reply with messages that appear as soon as they are ready, independent of the order of other replies.

        Raises:
            TypeError: Something in it is not a message, or is a message of a class that the agent does not declare.
            AppenderClosedError: The agent has finished.
            PromiseCancelledError: The call was cancelled.
        """
        self._replies.put_out_of_order(messages)

    async def drain(self) -> None:
        """Wait until the readers of the replies are near enough, as asyncio's writers do.

        The bound is the agent's (`options(max_ahead=…)`), else that of the context (`MiniAgents(max_ahead=…)`), else
        the narrowest of the messages and of the streams that were given to `reply`. Without one, this waits for nobody.
        Each reply counts, and so does each that is still to come: less than the bound are unread when this returns. It
        returns when the replies have ended, and takes at least one turn of the loop.

        >>> @miniagent
        ... async def count(ctx: InteractionContext) -> None:
        ...     for number in range(1_000_000):
        ...         ctx.reply(str(number))
        ...         await ctx.drain()
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         replies = count.options(max_ahead=3).inquire()
        ...         print(await (await anext(aiter(replies))))
        >>> asyncio.run(main())
        0
        """
        self.take_over_bound(self._messages)
        await self._replies.drain()

    def finish_early(self) -> None:
        """End the replies now; the agent may go on working, and its context waits for it.

        No reply can carry a later error of the agent, or of work given to `make_sure_to_wait`; leaving the context
        raises it.
        """
        self._replies.close()

    def make_sure_to_wait(self, work: Awaitable[object], /) -> None:
        """Have the replies end only when some work has ended, too; it starts at once.

        Its error becomes one of the replies, as an error of the agent does. Until it ends, `reply` can be called.
        Cancelling the call cancels the work.

        Args:
            work: A coroutine, a promise, a task or any other awaitable; its result is ignored.

        Raises:
            AppenderClosedError: The replies have ended; `in_background` is for work that they need not wait for.
            PromiseCancelledError: The call was cancelled.
            TypeError: The work cannot be awaited.

        >>> @miniagent
        ... async def both(ctx: InteractionContext) -> None:
        ...     async def look_up() -> None:
        ...         await asyncio.sleep(0)
        ...         ctx.reply("found")
        ...     ctx.make_sure_to_wait(look_up())
        ...     ctx.reply("looking")
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await both.inquire())
        >>> asyncio.run(main())
        (Message(text='looking'), Message(text='found'))
        """
        _check_awaitable("make_sure_to_wait", work)
        self._replies.produce_also(_Given(work))

    def in_background(self, work: Awaitable[object], /) -> None:
        """Have only the agents' context wait for some work, which starts at once; leaving the context raises its error.

        The replies do not wait for it. Cancelling the call cancels the work.

        Args:
            work: A coroutine, a promise, a task or any other awaitable; its result is ignored.

        Raises:
            TypeError: The work cannot be awaited.
        """
        _check_awaitable("in_background", work)
        given = _Given(work)

        async def wait() -> None:
            try:
                await given()
            except (asyncio.CancelledError, PromiseCancelledError):
                raise  # a requested cancellation is not an error
            except BaseException as error:  # noqa: BLE001 - leaving the context raises it
                self._context.report(error)

        Promise(wait, start_asap=True, name=f"{self._agent.alias}.in_background")

    def __repr__(self) -> str:
        return f"<InteractionContext of {self._agent.alias!r}>"

    # --- machinery ---

    @property
    def own_bound(self) -> int | None:
        """The bound that the agent was given; None if there is none, or another one."""
        buffer = self._replies.production
        return buffer.max_ahead if buffer.has_own_bound else None

    @property
    def is_bounded(self) -> bool:
        """Whether `drain` may have to wait."""
        from miniagents.promising.core.access import buffer_of  # noqa: PLC0415  # a first agent does without

        return self._replies.production.bounded or buffer_of(self._messages).bounded

    def take_over_bound(self, source: MessageSequencePromise[Any]) -> None:  # Any: of any class
        """Bound the replies as something that they are made of is, unless the agent was given a bound."""
        self._replies.production.take_over_bound(bound_of(source))

    async def work(self) -> None:
        """Run the agent's function, in the task of the call."""
        _interaction.set(self)
        if _calls_log.isEnabledFor(logging.DEBUG):
            from miniagents.agents.call_logging import LoggedCall  # noqa: PLC0415  # most programs log no calls

            LoggedCall(self)
        recorder = self._context.recorder
        if recorder is not None and not inside_hook.get():
            if recorder.persister.is_full:
                await recorder.persister.room()
            if self.record is None:  # what stands around the call has not begun its record
                self.record = recorder.begin(self)
        try:
            function, args, kwargs = self._agent._function, self._args, self._kwargs
            if replacements := replacing.get():
                for replacement in replacements:
                    if replacement.stands_for(self._agent, args, kwargs):
                        function, args, kwargs = replacement.work(args, kwargs)
                        break
            body = function(self, *args, **kwargs)
            if type(function) is not FunctionType and (isinstance(function, type) or get_origin(function)):
                body = body()
            returned: object = (await body) if _is_awaitable(body) else body
            if returned is not None:
                raise TypeError(  # noqa: TRY301 - the user's error, and the end of the call like any other
                    f"agent {self._agent.alias!r} returned {returned!r:.200}, which is ignored: "
                    "answer with `ctx.reply(...)`"
                )
        except (Exception, asyncio.CancelledError):
            asyncio.get_running_loop().call_soon(self._let_go_of_replies)
            raise
        finally:
            if self._open_calls:
                for call in tuple(self._open_calls):
                    call.finish()

    def _let_go_of_replies(self) -> None:
        """Refer to replies that have ended no longer, but to others that refuse all that is put in as well.

        The error among them refers to the frames of the agent, which refer to this. All of that would wait for the
        collector.
        """
        buffer = self._replies.production
        if buffer.ended:
            self.progress = None
            self._replies = MessageSequence(name=buffer.name, context=self._context, kept_open=False)
            if buffer.was_cancelled():
                self._replies.production.cancel()
            else:
                self._replies.close()

    def _named_arguments(self) -> Iterable[tuple[str, object]]:
        """Return the arguments with their names, without secrets."""
        from miniagents.calls.forms import named_arguments  # noqa: PLC0415  # few programs look at them

        agent = self._agent
        return agent._without_secrets(named_arguments(agent._signature, self._args, self._kwargs, left_out=1))

    def error_message(self, error: Exception) -> object:
        """Return the reply that stands for an error where errors are sent as messages.

        It is an `ErrorMessage`, or the promise of one that waits for the key of the call's record.
        """
        if ends_loop(error):
            return error
        callers = tuple(agent.alias for agent in reversed(self.callers))
        text = error_as_message(error, self._agent.alias, callers).text or ""
        for interaction in self._chain():  # each of them may pass the message on
            if interaction.progress is not None:
                interaction.progress.tell(text, error)

        def message(call: str | None) -> ErrorMessage:
            return error_as_message(error, self._agent.alias, callers, call)

        # The key of a call is made of the keys of its messages. The error must not wait for messages that are pending,
        # in this call or in a caller's: the agent may have failed exactly because they do not come.
        call_node = self.call_node
        if call_node is None or not all(interaction._messages.done() for interaction in self._chain()):
            return message(None)
        return call_node.recover(lambda _: None).map(message)

    def names(self) -> list[str]:
        """Return the name of the agent, and those of the agents whose calls led here, the nearest first."""
        return [interaction._agent.alias for interaction in self._chain()]

    def _chain(self) -> Iterator[InteractionContext[Any, Any]]:  # Any: of any agents
        interaction: InteractionContext[Any, Any] | None = self  # Any: of any agent
        while interaction is not None:
            yield interaction
            interaction = interaction._caller


class _Given:
    """Awaits some work when it is called; a coroutine that is never awaited is closed, so that it does not complain."""

    __slots__ = ("_work",)

    def __init__(self, work: Awaitable[object]) -> None:
        self._work = work

    async def __call__(self) -> None:
        await self._work

    def __del__(self) -> None:
        if inspect.iscoroutine(self._work):
            self._work.close()


def _is_awaitable(body: object) -> bool:
    # the common case first: asking whether an object is awaitable takes ten times as long
    return type(body) is CoroutineType or inspect.isawaitable(body)


def _check_awaitable(method: str, work: object) -> None:
    # an agent can be awaited, so that it says what to write instead
    if not _is_awaitable(work) or hasattr(work, "_instead_of_calling"):
        from miniagents.messages.promised.tokens import remedy_for  # noqa: PLC0415  # only errors need it

        remedy = remedy_for(work) or "give a coroutine, a promise or a task"
        raise TypeError(f"ctx.{method}(…): {work!r:.200} cannot be awaited: {remedy}")


class AgentCall(HidesMachinery, Generic[In_contra, Out_co]):
    """A call of an agent whose messages are not all known yet.

    The agent runs already, and both sides can talk at the same time. An unfinished call is finished when it is dropped,
    or when the agent or the context that made it ends. As a context manager it is finished at the end of the block; if
    the block raises, the agent is cancelled, as it has not been told everything.

    >>> @miniagent
    ... async def count(ctx: InteractionContext) -> None:
    ...     ctx.reply(str(len(await ctx.messages)))
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         call = count.initiate_inquiry()
    ...         call.send_message("a").send_message(["b", "c"])
    ...         print(await call.reply_sequence())
    >>> asyncio.run(main())
    (Message(text='3'),)

    >>> @miniagent
    ... async def echo(ctx: InteractionContext) -> None:
    ...     async for message in ctx.messages:
    ...         ctx.reply(f"{await message}, {await message}")
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         with echo.initiate_inquiry() as call:
    ...             replies = aiter(call.replies)
    ...             for word in "one", "two":
    ...                 call.send_message(word)
    ...                 print(await (await anext(replies)))
    >>> asyncio.run(main())
    one, one
    two, two
    """

    _writes: ClassVar[bool] = True  # for the watch: whoever has this can send messages

    __slots__ = ("__weakref__", "_loop", "_messages", "_open_calls", "_replies", "_thread")

    def __init__(
        self,
        messages: MessageSequence[Any],  # Any: the writing end of In_contra
        replies: MessageSequencePromise[Out_co],
    ) -> None:
        self._messages = messages
        self._replies = replies
        self._open_calls: WeakSet[AgentCall[Any, Any]] | None = None  # Any: of any agents
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    def __del__(self) -> None:
        messages: MessageSequence[Any] | None = getattr(self, "_messages", None)  # Any: of In_contra
        if messages is not None and not messages.closed and not self._loop.is_closed():
            # the garbage collector runs in any thread; the sequence may only be closed in the loop's
            self._loop.call_soon_threadsafe(messages.close)

    _machinery = frozenset({"is_finished", "send_out_of_order"})

    if not TYPE_CHECKING:  # of 0.0.35, as above
        is_finished = OldName("none: sending after the end raises an error")
        send_out_of_order = OldName("send_message(…, out_of_order=True)")

    @property
    def replies(self) -> MessageSequencePromise[Out_co]:
        """The replies, as they come; the call can go on sending messages.

        If the agent needs all its messages first, wait for `reply_sequence()`, which finishes the call.
        """
        return self._replies

    @overload
    def send_message(
        self, messages: In_contra | Sequence[In_contra] | Iterator[In_contra], /, *, out_of_order: bool = ...
    ) -> Self: ...
    @overload
    def send_message(self, messages: MessageType[In_contra], /, *, out_of_order: bool = ...) -> Self: ...
    def send_message(self, messages: MessageType[In_contra], /, *, out_of_order: bool = False) -> Self:
        """Send messages, behind all that were sent before; `out_of_order` sends each as soon as it is there.

        Raises:
            TypeError: Something in it is not a message, or is a message of a class that the agent does not declare.
            AppenderClosedError: The call is finished.
        """
        if out_of_order:
            self._messages.put_out_of_order(messages)
        else:
            self._messages.put(messages)
        return self

    def reply_sequence(self) -> MessageSequencePromise[Out_co]:
        """Finish the call and return the replies."""
        self.finish()
        return self._replies

    def finish(self) -> None:
        """Tell the agent that no more messages will come; a finished call stays finished."""
        self._messages.close()
        # the set is the loop's: if another thread finishes the call, its owner does so once more, which changes nothing
        if self._open_calls is not None and get_ident() == self._thread:
            self._open_calls.discard(self)
            self._open_calls = None

    def __repr__(self) -> str:
        from miniagents.promising.core.access import state_of  # noqa: PLC0415  # as above

        sent, replies = state_of(self._messages.promise), state_of(self._replies)
        return f"<AgentCall {self._replies.name!r} sent: {sent}; replies: {replies}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._replies.cancel()
        self.finish()


def keep_open(call: AgentCall[Any, Any], context: MiniAgents) -> None:  # Any: of any agent
    """Register an unfinished call with the agent or context that made it, which finishes the call when it ends."""
    interaction = _interaction.get()
    if interaction is None or interaction._context is not context:
        open_calls = context.open_calls
    else:
        if interaction._open_calls is None:
            interaction._open_calls = WeakSet()
        open_calls = interaction._open_calls
    open_calls.add(call)
    call._open_calls = open_calls

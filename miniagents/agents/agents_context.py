"""The context that agents live in."""

from __future__ import annotations

import asyncio
import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Literal, Self
from weakref import WeakSet

from typing_extensions import TypeVar

from miniagents._lazy import OldName, OptionOnly
from miniagents.messages.values.frozen import longer_hash_keys as longer_hash_keys_here, strict as strict_here
from miniagents.promising import DEFAULT, ContextStateError, Default, PromiseResolvedHandler, PromisingContext
from miniagents.promising.core.arguments import NO_STORE, async_functions, check_bound, check_callable, check_method
from miniagents.promising.core.current import inside_hook
from miniagents.promising.core.ending import despite_cancellations, impatience_of, raise_or_log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
    from contextlib import AbstractAsyncContextManager
    from contextvars import Context

    from miniagents.agents.agent_callee import AgentSurroundings
    from miniagents.agents.interaction import AgentCall
    from miniagents.agents.keeping import RunKeeper, RunStore
    from miniagents.agents.persistence import PersistFilter, PersistHandler
    from miniagents.agents.recording import Recorder
    from miniagents.agents.sharing import Shares
    from miniagents.calls import CallHandler
    from miniagents.promising.core.places import Tokens

__all__ = ["MiniAgents"]

T = TypeVar("T")


class MiniAgents(PromisingContext):
    """The context that agents live in: `async with MiniAgents(): ...`, or `MiniAgents().run(main())` for a program.

    Leaving the block waits for all agents. If the block raises or is cancelled, they are cancelled first. One object
    serves one `async with`, which any task can enter meanwhile: `with context.entered(): ...`.

    A context that is opened inside another one of its loop shares the hooks, the records, the shared resources and the
    bound of that. Leaving the outer one waits for the inner one, or cancels its work.

    Args:
        start_asap: When agents and promises start that do not say so themselves: at the next turn of the loop (True),
            or when they are first read (False).
        max_ahead: How many replies an agent that was given no bound of its own may be ahead of their furthest reader,
            if it waits in `ctx.drain()` or replies with streams. See `MiniAgent.options`. None for no bound. By default
            that of the context around this one, if there is one.
        errors_as_messages: True replies with an `ErrorMessage` where an agent fails, False raises the error to readers.
        longer_hash_keys: True gives messages hash keys of 64 digits instead of 40 in this context.
        strict: True checks each message that is sent or replied in this context by `check`: one that could not be read
            back raises where it is sent. It costs about as much as encoding and decoding the message.
        shutdown_timeout: Seconds that a cancelled task has to stop before it is given up with a warning.
        on_leave: "wait" waits for all agents where the block ends, "cancel" cancels those that still run.
        parent: The context that this one is opened inside; by default the one that is active where it is opened.
        on_promise_resolved: Called with each promise that this context did work for, and its result, once it has
            resolved. These are promises with a resolver or a streamer, streamed messages, and the messages and replies
            of agents. Promises of ready values and other views of the same stream are not among them.
        around_calls: Handlers that stand around every call of an agent, a tool and a model, the outermost first. A
            context that is opened inside another one has the handlers of that around its own.
        on_persist_messages: Called with the messages that agents exchange, each once, parts before the messages that
            hold them, at most 256 at once. Each call adds an `AgentCallNode` and an `AgentReplyNode`. A handler that
            fails is called again; if it still fails, leaving the context raises a `PersistenceError`. If the work is
            cancelled, the handlers still get what is there, within `shutdown_timeout`. New calls wait for a handler
            that is more than 1,024 messages behind. A message that comes again after thousands of others is handed over
            again. The calls that a handler makes are not recorded. Handlers are no readers: of a bounded reply they get
            what its readers have made the agent give.
        persist_filter: Called with each message; if it returns False, the handlers are not given the message, nor those
            that hold it, and records of calls leave it out.
        store: Keeps the messages, calls and streams of this context and of those inside it; `miniagents.ext.store` has
            some. Leaving the context waits until everything is kept, and raises if something was not. It does not close
            the store.
        stall_warning: Seconds without any progress after which a warning tells for whom the context waits, who called
            that, and at which line of your code it stands. The context warns while it is left, or if nothing but its
            own waiting agents could go on. None for no warnings.
    """

    def __init__(
        self,
        *,
        start_asap: bool = True,
        max_ahead: int | Default | None = DEFAULT,
        errors_as_messages: bool = False,
        longer_hash_keys: bool = False,
        strict: bool = False,
        shutdown_timeout: float = 5.0,
        on_leave: Literal["wait", "cancel"] = "wait",
        parent: PromisingContext | None = None,
        on_promise_resolved: PromiseResolvedHandler | Iterable[PromiseResolvedHandler] = (),
        on_persist_messages: PersistHandler | Iterable[PersistHandler] = (),
        persist_filter: PersistFilter | None = None,
        around_calls: CallHandler | Iterable[CallHandler] = (),
        store: RunStore | None = None,
        stall_warning: float | None = 10.0,
    ) -> None:
        super().__init__(
            start_asap=start_asap,
            shutdown_timeout=shutdown_timeout,
            on_leave=on_leave,
            parent=parent,
            on_promise_resolved=on_promise_resolved,
            stall_warning=stall_warning,
        )
        self.max_ahead: int | None = None
        self._has_own_bound = max_ahead is not DEFAULT
        if max_ahead is not DEFAULT:
            check_bound(max_ahead)
            self.max_ahead = max_ahead
        self.errors_as_messages = errors_as_messages
        self.longer_hash_keys = longer_hash_keys
        self.strict = strict
        self.open_calls: WeakSet[AgentCall[Any, Any]] = WeakSet()  # Any: of any agents
        """Calls made outside of agents that are not finished yet."""
        if persist_filter is not None:
            check_callable("persist_filter", persist_filter)
        if store is not None:
            check_method("store", store, "keeper", NO_STORE)
        self._keeper: RunKeeper | None = None if store is None else store.keeper(persist_filter)
        handlers = async_functions("on_persist_messages", on_persist_messages)
        self.recorder: Recorder | None = _recorder(self, handlers, persist_filter) if handlers else None
        """Records the calls; None without a handler that keeps messages."""
        self._owns_recorder = self.recorder is not None
        self._call_handlers = async_functions("around_calls", around_calls)
        self.around: AgentSurroundings | None = None
        """What stands around the calls; None without handlers, and before the context is activated."""
        self._variables: Context | None = None  # of the place where this was opened
        self._shares: Shares | None = None
        self._shares_no_more = False

    _machinery = frozenset(
        {
            *("around", "open_calls", "recorder"),
            *("agather", "get_current", "run_agent", "start_soon"),  # of 0.0.35
            *("around_calls", "on_persist_messages", "on_promise_resolved", "persist_filter"),
        }
    )

    if not TYPE_CHECKING:  # for checkers these would be names as others
        around_calls = OptionOnly()
        on_persist_messages = OptionOnly()
        on_promise_resolved = OptionOnly()
        persist_filter = OptionOnly()
        get_current = OldName("current()")
        run_agent = OldName("run(main()), where main awaits agent.inquire(…)")
        start_soon = OldName("Promise(function), or spawn(…)")
        agather = OldName("gather(…)")

    def run(
        self,
        main: Coroutine[Any, Any, T],  # Any: what coroutines exchange with their loop is asyncio's own business
        /,
        *,
        debug: bool | None = None,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> T:
        """Run a coroutine in this context, in an event loop of its own.

        One Ctrl+C cancels the work and raises `KeyboardInterrupt`, also while an agent waits in a blocking call such
        as `input()`.

        Raises:
            RuntimeError: There is a running event loop already.
            ContextStateError: This object was used before.

        >>> async def main() -> int:
        ...     return 42
        >>> MiniAgents().run(main())
        42
        """

        async def in_context() -> T:
            async with self:
                return await main

        from miniagents.agents.running import run_until_interrupted  # noqa: PLC0415  # other programs have a loop

        return run_until_interrupted(in_context, main, debug=debug, loop_factory=loop_factory)

    def activate(self) -> Self:
        """Make this the active context of the running task and of all tasks it starts.

        Raises:
            ContextStateError: This object was activated before, or its `parent` is not open in this loop.
        """
        variables = copy_context()
        super().activate()
        self._variables = variables
        around = self._around()
        outer = None if around is None else around.around
        if self._call_handlers or self._keeper is not None or outer is not None:
            from miniagents.agents.agent_callee import AgentSurroundings  # noqa: PLC0415  # few programs have handlers

            handlers, watchers = ((), ()) if outer is None else (outer.handlers, outer.watchers)
            kept = () if self._keeper is None else (self._keeper.call_begins,)
            self.around = AgentSurroundings((*handlers, *self._call_handlers), (*watchers, *kept))
        return self

    def _make_active(self) -> Tokens:
        """Make this the active context of the running code."""
        return *super()._make_active(), longer_hash_keys_here.set(self.longer_hash_keys), strict_here.set(self.strict)

    async def afinalize(self, error: BaseException | None = None) -> None:
        """End the context: wait for all its agents, or cancel them if `error` is given.

        Raises:
            ContextStateError: The context is not active.
            BaseException: An error that no reply could carry; an exception group if there are several.
        """
        self._finish_open_calls()
        try:
            await super().afinalize(error)
        finally:
            if self.recorder is not None and self._owns_recorder:
                self.recorder.log_not_kept()
            self._shares_no_more = True
            if self._shares is not None or (self.around is not None and self.around.is_showing()):
                warned: list[BaseException] = []
                with impatience_of(self) as impatient:
                    await despite_cancellations(self._last_of_all(impatient, warned))
                self._shares = self._variables = None
                raise_or_log(warned, sys.exception() if error is None else error)

    async def _last_of_all(self, impatient: asyncio.Future[None], warned: list[BaseException]) -> None:
        """Do what waits for the end of all work."""
        if self.around is not None:
            await self.around.finish(self.shutdown_timeout, impatient, warned.append)
        if self._shares is not None:
            await self._shares.close(impatient, warned.append)

    def shared(self, key: Hashable, make: Callable[[], T], close: Callable[[T], Awaitable[object]]) -> T:
        """Return a resource that agents share, such as a client with its connections.

        The resource belongs to the outermost context around this one. So contexts inside of that, for example one for
        each request that a program serves, need not make it again.

        Args:
            key: Identifies the resource; all resources under one key are of one type.
            make: Makes the resource when the key is first asked for.
            close: Closes the resource after its context has ended, when no agent runs there any more.

        Raises:
            TypeError: `make` or `close` is no function.
            ContextStateError: The context has ended.
        """
        return self._outermost_shares().plain(key, make, close)

    async def shared_async(self, key: Hashable, enter: Callable[[], AbstractAsyncContextManager[T]]) -> T:
        """Return a resource that agents share and that is an async context manager.

        Like `shared`, but one task of its own enters the resource when its key is first asked for, and leaves it after
        the outermost context has ended. So it may hold cancel scopes and task groups. Resources are left in the reverse
        order, within `shutdown_timeout`.

        Args:
            key: Identifies the resource; all resources under one key are of one type.
            enter: Makes the async context manager. Its errors are raised to all who wait; who asks after that tries
                again.

        Raises:
            TypeError: `enter` is no function, or does not make an async context manager.
            ContextStateError: The context has ended.
            PromiseDeadlockError: The resource is entered by something that waits for it.

        >>> @contextlib.asynccontextmanager
        ... async def connected() -> AsyncGenerator[str]:
        ...     print("open")
        ...     yield "connection"
        ...     print("close")
        >>> async def main() -> None:
        ...     async with MiniAgents() as context:
        ...         print(await context.shared_async("server", connected))
        ...         print(await context.shared_async("server", connected))
        >>> asyncio.run(main())
        open
        connection
        connection
        close
        """
        return await self._outermost_shares().held(key, enter)

    def end_what_nobody_can_end(self) -> None:
        """End the streams for which tasks wait although nothing can write or read them any more."""
        if self.open_calls:  # these were made while the context was ending
            self._finish_open_calls()
        else:
            super().end_what_nobody_can_end()

    def _finish_open_calls(self) -> None:
        for call in tuple(self.open_calls):
            call.finish()

    def _outermost_shares(self) -> Shares:
        if self._variables is None or self._shares_no_more:
            state = "has ended, nothing can be shared in it any more" if self._shares_no_more else "is not active yet"
            raise ContextStateError(f"this {type(self).__name__} {state}")
        owner = self
        outer = self.parent
        while outer is not None and outer._loop is self._loop:
            if isinstance(outer, MiniAgents) and not outer._shares_no_more:
                owner = outer
            outer = outer.parent
        if owner._shares is None:
            from miniagents.agents.sharing import Shares  # noqa: PLC0415  # many programs share nothing

            variables = owner._variables or copy_context()
            variables.run(owner._make_active)
            owner._shares = Shares(owner.shutdown_timeout, variables)
        return owner._shares

    def _joins(self, outer: PromisingContext) -> None:
        super()._joins(outer)
        around = self._around()
        if around is None:
            return
        if not self._has_own_bound:
            self.max_ahead = around.max_ahead
        if self.recorder is None:
            self.recorder = around.recorder
        elif around.recorder is not None:
            self.recorder.also_for(around.recorder)

    def _around(self) -> MiniAgents | None:
        """Return the nearest context of agents around this one, in the same loop."""
        outer = self.parent
        while outer is not None and outer._loop is self._loop:
            if isinstance(outer, MiniAgents):
                return outer
            outer = outer.parent
        return None

    async def flush(self) -> None:
        """Wait until the handlers of `on_persist_messages` were given all messages that have arrived.

        They are called again with those that they failed to keep before. This does nothing without a handler.

        Raises:
            PersistenceError: A handler could not keep some messages, which it is given once more at the end of the
                context. It is an exception group if that is so for several handlers.
            ContextStateError: A hook called this, which would wait for itself.
        """
        if inside_hook.get():
            raise ContextStateError("flush() was called by a hook: it would wait for the hook itself")
        if self.recorder is not None:
            await self.recorder.flush()
        context: MiniAgents | None = self
        while context is not None:
            if context._keeper is not None:
                await context._keeper.flush()
            context = context._around()

    async def _before_the_end(self) -> None:
        await self._finish_keeping()

    async def _finish_keeping(self) -> None:
        """Have everything kept, as far as it came; report what was not."""
        if self.recorder is not None and self._owns_recorder:
            await self.recorder.finish()
        if self._keeper is not None:
            try:
                await self._keeper.finish()
            except Exception as error:  # noqa: BLE001 - the end of the context raises it
                self.report(error)

    async def _after_the_cancellation(self, impatient: asyncio.Future[None]) -> None:
        if self._keeper is not None or (self.recorder is not None and self._owns_recorder):
            last = self.spawn_hook(self._finish_keeping(), "on_persist_messages")
            end = asyncio.wait({last, impatient}, timeout=self.shutdown_timeout, return_when=asyncio.FIRST_COMPLETED)
            await despite_cancellations(end)


def _recorder(
    context: MiniAgents, handlers: tuple[PersistHandler, ...], persist_filter: PersistFilter | None
) -> Recorder:
    from miniagents.agents.persistence import Persister  # noqa: PLC0415  # most programs record no calls
    from miniagents.agents.recording import Recorder  # noqa: PLC0415  # as above

    return Recorder(context, Persister(context, handlers, persist_filter))

"""The context that agents live in."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakSet

from typing_extensions import TypeVar

from miniagents.messages.values.frozen import longer_hash_keys as longer_hash_keys_here
from miniagents.promising import ContextStateError, PromiseResolvedHandler, PromisingContext
from miniagents.promising.core.current import inside_hook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable

    from miniagents.agents.interaction import AgentCall
    from miniagents.agents.persistence import PersistFilter, PersistHandler
    from miniagents.agents.recording import Recorder

__all__ = ["MiniAgents"]

logger: Final = logging.getLogger("miniagents")

T = TypeVar("T")
H = TypeVar("H", bound="Callable[..., object]")


class MiniAgents(PromisingContext):
    """The context that agents live in: `async with MiniAgents(): ...`, or `MiniAgents().run(main())` for a program.

    Leaving the block waits for all agents. If the block raises or is cancelled, they are cancelled first. One object
    serves one `async with`.

    Args:
        start_asap: When agents and promises start that do not say so themselves: at the next turn of the loop (True),
            or when they are first read (False).
        errors_as_messages: True replies with an `ErrorMessage` where an agent fails, False raises the error to readers.
        longer_hash_keys: True gives messages hash keys of 64 digits instead of 40 in this context.
        shutdown_timeout: Seconds that a cancelled task has to stop before it is given up with a warning.
        on_promise_resolved: Called with each promise that this context did work for, and its result, once it has
            resolved. These are promises with a resolver or a streamer, streamed messages, and the messages and replies
            of agents. Promises of ready values and other views of the same stream are not among them.
        on_persist_messages: Called with the messages that agents exchange, each once, parts before the messages that
            hold them, at most 256 at once. Each call adds an `AgentCallNode` and an `AgentReplyNode`. A handler that
            fails is called again; if it still fails, leaving the context raises a `PersistenceError`. If the work is
            cancelled, the handlers still get what is there, within `shutdown_timeout`. New calls wait for a handler
            that is more than 1,024 messages behind. A message that comes again after thousands of others is handed over
            again. The calls that a handler makes are not recorded.
        persist_filter: Called with each message; if it returns False, the handlers are not given the message, nor those
            that hold it, and records of calls leave it out.
    """

    def __init__(
        self,
        *,
        start_asap: bool = True,
        errors_as_messages: bool = False,
        longer_hash_keys: bool = False,
        shutdown_timeout: float = 5.0,
        on_promise_resolved: PromiseResolvedHandler | Iterable[PromiseResolvedHandler] = (),
        on_persist_messages: PersistHandler | Iterable[PersistHandler] = (),
        persist_filter: PersistFilter | None = None,
    ) -> None:
        super().__init__(
            start_asap=start_asap,
            shutdown_timeout=shutdown_timeout,
            on_promise_resolved=_handlers("on_promise_resolved", on_promise_resolved),
        )
        self.errors_as_messages = errors_as_messages
        self.longer_hash_keys = longer_hash_keys
        self.open_calls: WeakSet[AgentCall[Any, Any]] = WeakSet()  # Any: of any agents
        """Calls made outside of agents that are not finished yet."""
        handlers = _handlers("on_persist_messages", on_persist_messages)
        self.recorder: Recorder | None = _recorder(self, handlers, persist_filter) if handlers else None
        """Records the calls; None without a handler that keeps messages."""
        self._longer_hash_keys_outside = False
        self._shared: dict[Hashable, tuple[Any, Callable[[], Awaitable[object]]]] = {}  # Any: of the type of its key
        self._shares_no_more = False

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
            ContextStateError: This object was activated before.
        """
        super().activate()
        self._longer_hash_keys_outside = longer_hash_keys_here.get()
        longer_hash_keys_here.set(self.longer_hash_keys)
        return self

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
            longer_hash_keys_here.set(self._longer_hash_keys_outside)
            if self.recorder is not None:
                self.recorder.log_not_kept()
            await self._close_shared()

    def shared(self, key: Hashable, make: Callable[[], T], close: Callable[[T], Awaitable[object]]) -> T:
        """Return a resource that agents share, such as a client with its connections.

        The resource belongs to the outermost context around this one. So contexts inside of that, for example one for
        each request that a program serves, need not make it again.

        Args:
            key: Identifies the resource; all resources under one key are of one type.
            make: Makes the resource when the key is first asked for.
            close: Closes the resource after its context has ended, when no agent runs there any more.

        Raises:
            ContextStateError: The context has ended.
        """
        if self._shares_no_more:
            raise ContextStateError(f"this {type(self).__name__} has ended, nothing can be shared in it any more")
        owner = self
        outer = self.parent
        while outer is not None and outer._loop is self._loop:
            if isinstance(outer, MiniAgents) and not outer._shares_no_more:
                owner = outer
            outer = outer.parent
        if key not in owner._shared:
            made = make()
            owner._shared[key] = made, lambda: close(made)
        shared: T = owner._shared[key][0]
        return shared

    def end_what_nobody_can_end(self) -> None:
        """End the streams for which tasks wait although nothing can write or read them any more."""
        if self.open_calls:  # these were made while the context was ending
            self._finish_open_calls()
        else:
            super().end_what_nobody_can_end()

    def _finish_open_calls(self) -> None:
        for call in tuple(self.open_calls):
            call.finish()

    async def _close_shared(self) -> None:
        """Close the shared resources, the last one first; log those that fail to close and go on."""
        self._shares_no_more = True
        while self._shared:
            _, (_, close) = self._shared.popitem()
            try:
                await close()
            except Exception:
                logger.exception("something that agents shared could not be closed")

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

    async def _before_the_end(self) -> None:
        if self.recorder is not None:
            await self.recorder.finish()

    async def _after_the_cancellation(self, impatient: asyncio.Future[None]) -> None:
        if self.recorder is not None:
            last = self.spawn_hook(self.recorder.finish(), "on_persist_messages")
            await asyncio.wait({last, impatient}, timeout=self.shutdown_timeout, return_when=asyncio.FIRST_COMPLETED)


def _recorder(
    context: MiniAgents, handlers: tuple[PersistHandler, ...], persist_filter: PersistFilter | None
) -> Recorder:
    from miniagents.agents.persistence import Persister  # noqa: PLC0415  # most programs record no calls
    from miniagents.agents.recording import Recorder  # noqa: PLC0415  # as above

    return Recorder(context, Persister(context, handlers, persist_filter))


def _handlers(option: str, given: H | Iterable[H]) -> tuple[H, ...]:
    """Return the handlers given to an option as a tuple.

    Raises:
        TypeError: One of them is not an async function.
    """
    handlers: tuple[H, ...] = (given,) if callable(given) else ()
    if not callable(given):
        try:
            handlers = tuple(given)
        except TypeError:
            raise TypeError(f"{option}: {given!r} is neither an async function nor several of them") from None
    for handler in handlers:
        name: str = getattr(handler, "__qualname__", repr(handler))
        if not callable(handler):
            raise TypeError(f"{option}: {name} cannot be called; give an async function, or several in a list")
        is_plain = inspect.isfunction(handler) and not hasattr(handler, "__wrapped__")
        if is_plain and not inspect.iscoroutinefunction(handler):
            raise TypeError(f"{option}: {name} is not async; write `async def {name}(...)`")
    return handlers

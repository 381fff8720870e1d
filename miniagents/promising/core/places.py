"""Contexts as places: entering one that is open, the context inside another one, and which ones are open."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias
from weakref import WeakValueDictionary

from typing_extensions import TypeVar

from miniagents.promising.core.current import running_loop
from miniagents.promising.errors import ContextStateError, PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import FrameType, TracebackType

    from miniagents.promising.context import PromisingContext

__all__ = [
    "Entered",
    "Inside",
    "Tokens",
    "ended_with",
    "hand_over",
    "hint_at_open",
    "make_inactive",
    "note_closed",
    "note_opened",
    "why_not_here",
]

C_co = TypeVar("C_co", bound="PromisingContext", covariant=True)

Tokens: TypeAlias = "tuple[Token[Any], ...]"  # Any: of variables of any type
"""What it takes to give some context variables their old values."""

_MACHINERY: Final = frozenset(("asyncio", "contextlib", "uvloop"))
"""The packages that may stand between the line of a user and this package."""
_PACKAGE: Final = __file__.rpartition("promising")[0]
"""What the files of this package begin with; comparing names of files takes a tenth of looking up names of modules."""
_MOST_LISTED: Final = 3

_opened: Final[WeakValueDictionary[int, PromisingContext]] = WeakValueDictionary()
"""The contexts that are open, by their ids, for the texts of errors alone."""


class Entered(Generic[C_co]):
    """A block of code in which an open context is the active one; leaving the block leaves the context open."""

    __slots__ = ("_context", "_tokens")

    def __init__(self, context: C_co) -> None:
        self._context = context
        self._tokens: Tokens = ()

    def __enter__(self) -> C_co:
        context = self._context
        if self._tokens:
            raise ContextStateError(
                f"this block of {context._described()} is entered already: call `context.entered()` once for each"
            )
        if not context._is_open():
            to_do = "open it first, `async with context:`" if context._state == "new" else "make a new one"
            raise ContextStateError(
                f"this {type(context).__name__} is {context._state}: only one that is open can be entered; {to_do}"
            )
        if running_loop() is not context._loop:
            context._refuse_loop(f"{context._described()} cannot be entered")
        self._tokens = context._make_active()
        return context

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        tokens, self._tokens = self._tokens, ()
        make_inactive(tokens)


class Inside(asyncio.Future[None]):
    """A context among the work of the context around it, which is done when the inner one has ended.

    | the inner context                     | event                          | then                                  |
    |---------------------------------------|--------------------------------|---------------------------------------|
    | active, its task runs                 | the outer one is left          | the outer one waits for that task     |
    | active, the task that opened it ended | the outer one is left          | `leaving` ends it, waiting for work   |
    | active                                | `cancel`                       | `leaving` ends it, cancelling work    |
    | closing                               | `cancel`                       | the task that ends it is cancelled    |
    | closed                                |                                | done                                  |

    Args:
        context: The inner context.

    Attributes:
        leaving: The task that ends the inner context in the place of the code that opened it.
    """

    def __init__(self, context: PromisingContext) -> None:
        super().__init__(loop=context._loop)
        self._context = context
        self._error: PromiseCancelledError | None = None
        self.leaving: asyncio.Task[None] | None = None

    @property
    def body(self) -> asyncio.Task[object] | None:
        """The task that opened the inner context."""
        return self._context.body

    def cancel(self, msg: Any | None = None) -> bool:  # noqa: ARG002  # Any: as in asyncio
        """End the inner context, and cancel its work first."""
        if self.done():
            return False
        context = self._context
        if context._is_active():
            self._error = PromiseCancelledError(f"the context around {context._described()} was left")
            self._leave()
        elif context._leaving is not None:
            context._leaving.cancel()
        return True

    def end_if_left(self) -> None:
        """End the inner context, if nobody else will; ask again when the task that opened it has ended."""
        body = self.body
        if body is None or body.done() or body is asyncio.current_task():
            if self._context._is_active():
                self._leave()
        else:
            body.add_done_callback(lambda _: self.end_if_left())

    def closed(self) -> bool:
        """Note that the inner context has closed; return whether that is all."""
        if self.leaving is None:
            self._finish()
        return self.leaving is None

    def _leave(self) -> None:
        if self.leaving is None:
            name = f"end of {self._context._described()}"
            self.leaving = self.get_loop().create_task(self._end_context(), name=name)

    async def _end_context(self) -> None:
        outer = self._context.parent
        try:
            await self._context.afinalize(self._error)
        except Exception as error:  # noqa: BLE001 - the end of the outer context raises it
            if outer is not None:
                outer.report(error)
        finally:
            self._finish()

    def _finish(self) -> None:
        if self._context.parent is not None:
            self._context.parent.forget(self)
        if not self.done():
            self.set_result(None)


def make_inactive(tokens: Tokens) -> None:
    """Give context variables their old values, unless they were set for other code than the running one."""
    for token in reversed(tokens):
        with contextlib.suppress(ValueError):  # the two ends of the block are in different tasks
            token.var.reset(token)


def ended_with(context: PromisingContext, innermost: PromisingContext | None) -> bool:
    """Return whether a context that ends is the innermost one, or has only contexts inside that ended before it.

    The outer one may be left first: then it ends those inside, in tasks of their own.
    """
    while innermost is not None and innermost is not context and innermost._state == "closed":
        innermost = innermost.parent
    return innermost is context


def note_opened(context: PromisingContext) -> tuple[str, int]:
    """Note that a context is open; return the file and the line that opened it."""
    _opened[id(context)] = context
    return _line_of_user()


def note_closed(context: PromisingContext) -> None:
    """Note that a context is open no longer."""
    _opened.pop(id(context), None)


def _line_of_user() -> tuple[str, int]:
    """Return the file and the line at which code that is not machinery made this call."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (frame.f_code.co_filename.startswith(_PACKAGE) or _is_machinery(frame)):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _is_machinery(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in _MACHINERY


def hand_over(context: PromisingContext, change: Callable[..., object], *arguments: object) -> None:
    """Call something at the next turn of a context's loop, which begins at once; for other threads than the loop's.

    Raises:
        ContextStateError: The context is not open.
    """
    loop = context._loop
    name = type(context).__name__
    if loop is None or not context._is_open():
        raise ContextStateError(f"this {name} is {context._state}: nothing can be done in it")
    variables = copy_context()
    variables.run(context._make_active)
    try:
        loop.call_soon_threadsafe(partial(change, *arguments), context=variables)
    except RuntimeError:
        raise ContextStateError(f"the event loop of this {name} is closed") from None


def why_not_here(context: PromisingContext) -> str:
    """Return the end of an error text about the use of a context from where its loop does not run."""
    name = type(context).__name__
    if context._loop is not None and context._loop.is_closed():
        return f"the event loop of its {name} is closed"
    if running_loop() is None:
        return (
            f"no event loop runs in this thread, and the one of its {name} runs in another; "
            "call `context.from_thread(function, …)`, whose future waits for the result"
        )
    return (
        f"its {name} is one of another event loop; write `await asyncio.wrap_future(context.from_thread(function, …))`"
    )


def hint_at_open(cls: type[PromisingContext]) -> str:
    """Return the end of an error text that says which contexts of a class are open, and how to get into one."""
    loop = running_loop()
    # copying the references is one step, which no other thread interrupts
    found = [each for reference in _opened.valuerefs() if isinstance(each := reference(), cls) and _can_work(each)]
    here = [context._described() for context in found if context._loop is loop]
    elsewhere = [context._described() for context in found if context._loop is not loop]
    hint = ""
    if here:
        hint += f"; open in this loop: {_listed(here)}: enter it with `with context.entered():`"
    if elsewhere:
        hint += f"; open in another thread or loop: {_listed(elsewhere)}: call `context.from_thread(function, …)`"
    return hint


def _can_work(context: PromisingContext) -> bool:
    return context._is_open() and context._loop is not None and not context._loop.is_closed()


def _listed(descriptions: list[str]) -> str:
    more = f" and {len(descriptions) - _MOST_LISTED} more" if len(descriptions) > _MOST_LISTED else ""
    return ", ".join(descriptions[:_MOST_LISTED]) + more

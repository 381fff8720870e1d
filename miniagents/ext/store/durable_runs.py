"""`durable`: runs that go on where they were killed.

A handler stands around all calls. What a call replied is committed before its caller sees the end, and given again when
the run is started again. So the program goes the same way again, without doing again what is done.

| the call in the journal                    | then                                                                  |
|--------------------------------------------|-----------------------------------------------------------------------|
| has ended                                  | its replies are given again, as tokens; the call is not made          |
| has begun, and was cancelled by its caller | it is not made; it waits to be cancelled again                        |
| has begun, and was cut                     | it is made again, or goes on behind what was committed (`on_cut`)     |
| is not there; its caller made another call | `DivergedError`, or it is made (`on_changed`)                         |
| at the same place for sure                 |                                                                       |
| is not there                               | it is made                                                            |
"""

from __future__ import annotations

import asyncio
import copy
import logging
import sys
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

import msgspec

from miniagents.ext.store._course import Course
from miniagents.ext.store._journal import Begun, Ended, Part, opened
from miniagents.ext.store._places import Place, Rooted, given_to, here, key_of
from miniagents.ext.store.durable_errors import CallAtPlace, DivergedError
from miniagents.ext.store.errors import StoreError
from miniagents.ext.store.protocols import check_log
from miniagents.messages import DecodeError, Message
from miniagents.promising.core.arguments import check_errors, check_kind
from miniagents.wire import decode_stream, encode_stream
from miniagents.wire.replaying import check_contents

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from contextvars import Token

    from miniagents.calls import Call, Proceed
    from miniagents.ext.store._journal import Journal
    from miniagents.ext.store._places import Given
    from miniagents.ext.store.protocols import StreamLog
    from miniagents.messages import MessageSequencePromise

__all__ = ["DurableRun", "OnCut", "durable"]

logger: Final = logging.getLogger("miniagents")

OnCut: TypeAlias = Literal["again", "resume"]
"""What becomes of a call that was cut: it is made again, or goes on behind the messages that were committed."""

_MOST: Final = 1 << 30
_PATIENCE: Final = 1.0
"""Seconds that the end of a call waits for the end of another one, which came before it."""


def durable(
    store: StreamLog,
    *,
    run: str,
    on_cut: OnCut | Callable[[Call], OnCut] = "again",
    on_failed: Literal["replay", "again"] = "replay",
    on_changed: Literal["error", "again"] = "error",
    errors: Iterable[type[BaseException]] = (),
) -> DurableRun:
    """Make a run survive: killed and started again, it goes on where it was.

    Enter the result, and give it to the context as the first of its `around_calls`:

        async with SQLiteStore("runs.db") as store, durable(store, run="order-17") as order:
            async with MiniAgents(around_calls=order):
                await ship.inquire("order 17")

    A call that has ended is not made again: its replies are given again, with their tokens, events and errors. For
    that a call begins when all its messages have come, and what callers see of its replies is what can be kept.

    Between calls, the code of agents runs again. It must go the same way: take clocks, random numbers and whatever
    comes from outside by `once`, or in an agent or a tool of its own. Calls end again in the order in which they ended.
    Effects outside happen at least once; give `call_key()` along so that the other side can tell them apart.

    One process at a time goes on with a run.

    Args:
        store: The store that keeps the run.
        run: The name of the run.
        on_cut: What becomes of a call that was cut. "again" makes it again. "resume" gives the messages that were
            committed again, and then makes the call, which goes on behind them: it has them from `kept_replies()`. A
            function says which of them for each call.
        on_failed: Whether calls that have failed fail again without being made, or are made again: "again" is for a run
            that ended by an error which is mended now.
        on_changed: What becomes of a call in whose place another one was made before. With "again" it is made, so that
            a changed program may go on.
        errors: Further classes of errors that callers catch. Other errors than Python's own and those of models are a
            `RemoteError` with the name of their class; see `decode_stream`.

    Raises:
        TypeError: `store` is no store, `run` no text, or one of `errors` no class of errors.
        ValueError: Another argument is wrong.
    """
    check_log("durable", store)
    check_kind("durable: run", run, str, "no text; it is the name of the run, by which it is found again")
    if not run:
        raise ValueError("durable: run is the name of the run, by which it is found again, not ''")
    if not callable(on_cut) and on_cut not in ("again", "resume"):
        raise ValueError(f'durable: on_cut is "again", "resume" or a function, not {on_cut!r}')
    if on_failed not in ("replay", "again"):
        raise ValueError(f'durable: on_failed is "replay" or "again", not {on_failed!r}')
    if on_changed not in ("error", "again"):
        raise ValueError(f'durable: on_changed is "error" or "again", not {on_changed!r}')
    classes = tuple(errors)
    check_errors("durable: errors", classes)
    return DurableRun(store, run, on_cut, on_failed, on_changed, classes)


class DurableRun(Rooted):
    """A run that survives; `durable` makes it. It is a handler for `around_calls`, and an async context manager.

    Attributes:
        name: The name of the run.
    """

    def __init__(
        self,
        log: StreamLog,
        name: str,
        on_cut: OnCut | Callable[[Call], OnCut],
        on_failed: Literal["replay", "again"],
        on_changed: Literal["error", "again"],
        errors: tuple[type[BaseException], ...],
    ) -> None:
        self.name: str = name
        self._log = log
        self._on_cut = on_cut
        self._on_failed = on_failed
        self._on_changed = on_changed
        self._errors = errors
        self._told: set[str] = set()  # classes of errors that were warned of
        self._journal: Journal | None = None
        self._root: Place | None = None
        self._was_entered = False
        self._places: dict[tuple[str, int], Place] = {}  # of the calls that have not ended, by their runs and numbers
        self._before: dict[str, str] = {}  # the call of the same caller whose end is to be seen before that of another
        self._shown: dict[str, asyncio.Event] = {}  # the calls that have ended before, once their ends are seen
        self._recorded: dict[tuple[str, int], Begun | None] = {}  # by caller and index; None for several
        self._token: Token[Place | None] | None = None

    def __repr__(self) -> str:
        return f"<DurableRun {self.name!r} in {self._log!r}>"

    async def __aenter__(self) -> Self:
        """Take the run for this process, and read what is committed of it.

        Raises:
            RunTakenError: Another process goes on with the run.
            StoreError: The store cannot be read or written.
        """
        if self._was_entered:
            raise RuntimeError(f"{self!r} was entered before; make another one with `durable`")
        self._was_entered = True
        self._journal = journal = await opened(self._log, self.name)
        kept = journal.kept
        if self._on_failed == "again":
            kept.ended = {key: ended for key, ended in kept.ended.items() if not ended.failed}
        if "again" in (self._on_failed, self._on_changed):
            kept.given_up.clear()  # callers may come to need what they did not need before
        kept.forget_inner()
        if "again" not in (self._on_failed, self._on_changed):
            self._before = kept.order_of_ends()
            self._shown = {key: asyncio.Event() for key in self._before.values()}
        for begun in kept.begun.values():
            place = begun.parent, begun.index
            self._recorded[place] = None if place in self._recorded else begun
        self._root = Place(journal, key_of("run", self.name), None, None)
        self._token = here.set(self._root)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of the run. If its program has not come to its end, another process may go on with it.

        Raises:
            StoreError: Something could not be written.
        """
        journal, self._journal = self._journal, None
        if self._token is not None and here.get() is self._root:
            with suppress(ValueError):  # it is left in another task than it was entered
                here.reset(self._token)
        self._root = None
        if journal is not None:
            await journal.close()

    async def __call__(self, call: Call, proceed: Proceed) -> list[Message | MessageSequencePromise[Message]]:
        """Stand around a call."""
        journal, root = self._journal, self._root
        if journal is None or root is None:
            raise RuntimeError(
                f"{self!r} keeps nothing where it is not entered: write `async with durable(...) as run, "
                "MiniAgents(around_calls=run):`"
            )
        if journal.error is not None:
            raise copy.copy(journal.error)
        if call.outcome is not None:  # it was cancelled before it began
            return [proceed()]
        caller = self._caller(call, root)
        history = caller.history()
        try:
            given = await given_to(call)
        except (TypeError, ValueError) as error:
            error.add_note(f"run {self.name!r} in {self._log!r}: a message of {call.kind} {call.name!r} cannot be kept")
            raise
        key = caller.nth(given.key)
        kept = journal.kept
        before = kept.begun.get(key)
        if before is None:
            self._check(journal, call, caller, history, key, given)
        else:
            self._recorded.pop((before.parent, before.index), None)
        caller.begins(key, call)
        ended = kept.ended.pop(key, None)
        parts = None if ended is None else self._read(journal, given, key, ended)
        if ended is not None and parts is not None:
            call.mark_replayed()
            return [*parts[: ended.resumed], self._decoded(self._replayed(caller, key, ended))]
        if key in kept.given_up:
            return [self._decoded(_silent())]
        place = Place(journal, key, call, given)
        number = call.run.id, call.number
        self._places[number] = place
        call.when_ended(lambda: self._places.pop(number, None))
        mode = self._on_cut(call) if callable(self._on_cut) else self._on_cut
        resumes = mode == "resume" and before is not None
        if resumes:
            parts = self._read(journal, given, key)
            resumes = parts is not None
            place.kept = tuple(parts or ())
        given_up, caller.given_up = tuple(caller.given_up), []
        raw = msgspec.Raw(given.arguments)
        index = call.place[-1]
        begun = Begun(key, caller.key, index, history, given.called, raw, given.shown, resumes, given_up)
        journal.note(begun)
        here.set(place)
        return [*place.kept, self._decoded(self._made(caller, place, proceed(), in_order=mode == "resume"))]

    # --- machinery ---

    def _caller(self, call: Call, root: Place) -> Place:
        parent = call.parent
        place = None if parent is None else self._places.get((parent.run.id, parent.number))
        if place is not None:
            return place
        current = here.get()  # of a caller that goes on behind the end of its replies
        return root if current is None or current.journal is not root.journal else current

    def _check(self, journal: Journal, call: Call, caller: Place, history: str, key: str, given: Given) -> None:
        """Refuse a call in whose place another one was made before, for sure.

        It is sure if the caller, when it made the call, had seen the ends of the same calls in the same order, and
        nothing else: then only another program, or something from outside, makes it go another way.
        """
        index = call.place[-1]
        recorded = self._recorded.get((caller.key, index))
        if recorded is None or not history or recorded.history != history or self._on_changed == "again":
            return
        if (None if call.parent is None else call.parent.number) != (
            None if caller.call is None else caller.call.number
        ):
            return
        before = CallAtPlace(recorded.called, msgspec.json.decode(recorded.arguments), recorded.messages, recorded.key)
        now = CallAtPlace(given.called, msgspec.json.decode(given.arguments), given.shown, key)
        journal.error = DivergedError(repr(self._log), self.name, call.place, before, now)
        raise copy.copy(journal.error)

    def _read(self, journal: Journal, given: Given, key: str, ended: Ended | None = None) -> list[Message] | None:
        """Return the messages that are committed of a call; None if the call is made again, since they cannot be read.

        The rest of the replies of a call that has ended is checked.
        """
        try:
            for line in () if ended is None else ended.frames.encode().splitlines():
                check_contents(line)
            return journal.kept.messages(key)
        except DecodeError as error:
            if self._on_changed == "again":
                return None
            raise journal.stopped_by(f"the replies of {given.called}", error) from error

    def _decoded(self, data: AsyncGenerator[bytes]) -> MessageSequencePromise[Message]:
        errors = (*self._errors, *_model_errors())
        return decode_stream(data, tuple[Message, ...], errors=errors, max_bytes=_MOST)

    async def _replayed(self, caller: Place, key: str, ended: Ended) -> AsyncGenerator[bytes]:
        try:
            yield ended.frames[: ended.early].encode()
            shown = self._shown.get(self._before.get(key, ""))
            if shown is not None and not shown.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(shown.wait(), _PATIENCE)
                shown.set()  # the program may have changed, and not make that call any more: once is enough
            caller.ends(key)
            yield ended.frames[ended.early :].encode()
        finally:
            if key in self._shown:
                self._shown[key].set()

    async def _made(
        self, caller: Place, place: Place, replies: MessageSequencePromise[Message], *, in_order: bool
    ) -> AsyncGenerator[bytes]:
        """Yield the replies as they come; what callers build upon only when it is committed."""
        journal = place.journal
        frames: list[bytes] = []
        held: list[bytes] = []
        course = Course(replies, has_one=place.call is not None and place.call.kind != "agent")
        has_ended = False
        early = 0
        blocks = _in_order(replies) if in_order else encode_stream(replies)
        try:
            async with aclosing(blocks):
                async for block in blocks:
                    frames.append(block)
                    for line in block.splitlines():
                        message = course.take(line)
                        if in_order and message is not None and not course.error:
                            await journal.commit(Part(place.key, message))
                    held.append(block)
                    if not await course.is_ending():
                        for each in held:
                            yield each
                            early += len(each)
                        held.clear()
            has_ended = True
            stop = course.stop()
            if isinstance(stop, StoreError) or not isinstance(stop, Exception | None):
                raise stop  # the end of the program, and not of the call
            if stop is None:
                self._warn(course.errors)
                whole = b"".join(frames)
                shown = len(whole[:early].decode())
                failed = bool(course.errors)
                await journal.commit(Ended(place.key, whole.decode(), shown, len(place.kept), failed))
            caller.ends(place.key)
            for each in held:
                yield each
        finally:
            if not has_ended:
                replies.cancel()

    def _warn(self, errors: set[str]) -> None:
        """Tell once of errors that callers do not see as they are."""
        known = {f"{cls.__module__}.{cls.__qualname__}" for cls in self._errors}
        for name in errors - known - self._told:
            self._told.add(name)
            if not name.startswith(("builtins.", "miniagents.")):
                logger.warning(
                    "run %r: callers see the error %s as a RemoteError, now and when the run goes on; "
                    "to let them catch it, give durable(errors=[...]) its class",
                    self.name,
                    name,
                )


def _model_errors() -> list[type[BaseException]]:
    """Return the classes of the errors of models, if this program uses models: callers catch and retry them."""
    module = sys.modules.get("miniagents.ext.llm.errors")
    found: list[object] = [] if module is None else [*vars(module).values()]
    return [each for each in found if isinstance(each, type) and issubclass(each, Exception)]


async def _in_order(replies: MessageSequencePromise[Message]) -> AsyncGenerator[bytes]:
    async with aclosing(encode_stream(replies, start=0)) as blocks:
        async for pieces in blocks:
            yield pieces.data


async def _silent() -> AsyncGenerator[bytes]:
    """Yield nothing, for a call that its caller is going to cancel."""
    await asyncio.Event().wait()
    yield b""

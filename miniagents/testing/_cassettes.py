"""`cassette`: calls are recorded once, and replayed from then on.

| mode     | a call that is recorded | a call that is not           | the file                              |
|----------|-------------------------|------------------------------|---------------------------------------|
| record   | is made                 | is made                      | is replaced                           |
| replay   | is replayed             | `UnrecordedCallError`        | must be there                         |
| once     | is replayed             | `UnrecordedCallError`        | is there: as replay; if not as record |
| none_new | is replayed             | is made, and is not recorded | must be there                         |
"""

from __future__ import annotations

import asyncio
import copy
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import msgspec

from miniagents.calls.call import checked_kinds
from miniagents.calls.recognising import Given, given_by_now, given_to, key_of
from miniagents.messages import DecodeError, encode
from miniagents.messages.promised.message_promise import MessagePromise, mixed_buffer
from miniagents.promising.core.access import buffer_of
from miniagents.promising.core.arguments import check_kind, check_plain
from miniagents.promising.core.failure import Failure
from miniagents.testing._cassette_differences import content_of, first_difference, nearest, shown
from miniagents.testing._cassette_errors import CassetteDamagedError, CassetteMissingError, UnrecordedCallError
from miniagents.testing._cassette_file import RecordedCall, check_place, read_cassette, write_cassette
from miniagents.testing._cassette_replaying import head_of, replies_of
from miniagents.testing._cassette_secrets import Secrets
from miniagents.wire.following import FollowedSequence

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from miniagents.calls import Call, CallKind, Proceed
    from miniagents.messages import Message, MessageSequencePromise, MessageType
    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["MODES", "Cassette", "CassetteMode", "cassette", "cassette_of_test"]

logger: Final = logging.getLogger("miniagents")

CassetteMode: TypeAlias = Literal["record", "replay", "once", "none_new"]
"""What a cassette does with calls that it has, and with others; see `cassette`."""

MODES: Final[tuple[CassetteMode, ...]] = get_args(CassetteMode)
"""All of them."""

_OUTSIDE: Final[tuple[CallKind, ...]] = ("model", "tool")
_END: Final = b'{"frame":"end"}'
_STOPPED: Final = frozenset(
    ("miniagents.promising.errors.PromiseCancelledError", "miniagents.promising.errors.ContextStateError")
)
"""Errors of a call that was cancelled: they come from its caller, who cancels it again."""


def cassette(
    path: str | os.PathLike[str],
    *,
    mode: CassetteMode = "once",
    kinds: Iterable[CallKind] = _OUTSIDE,
    when: Callable[[Call], bool] | None = None,
    pauses: bool = False,
    secrets: Iterable[str] = (),
) -> Cassette:
    """Record the calls of models and tools in a file, and replay them from then on, without a network.

    Enter the result, and give it to the context:

        with cassette("weather.cassette") as tape:
            async with MiniAgents(around_calls=tape):
                ...

    A replayed call gives the same tokens, events, messages and errors, in the same order. It is recognised by what is
    called, with which arguments and messages, wherever it stands in the program. Equal calls are told apart by the
    calls around them, and are then replayed in their order. A call that was cancelled gives what had come, and waits to
    be cancelled again.

    The file is lines of JSON, which `miniagents cat` shows, and belongs into the repository. Keys of models and secret
    arguments are not part of a call. Other secrets, and the values of environment variables that are named like one
    (`…_KEY`, `…_TOKEN`, `…_SECRET`, `…_PASSWORD`), are replaced by their names.

    Args:
        path: The file.
        mode: "once" records if there is no file, and replays if there is one. "replay" makes no call at all; it is for
            continuous integration. "record" makes all calls, and replaces the file. "none_new" replays what is
            recorded, and makes other calls without recording them.
        kinds: The kinds of calls that are recorded and replayed. The work of an agent that is replayed is not done.
        when: Says of a call of these kinds whether it is recorded and replayed; None for all.
        pauses: Whether a replay takes the time that the call took. If not, all comes at once.
        secrets: Further texts that must not be written.

    Raises:
        TypeError: The path is none, `kinds` or `secrets` is a text, or `when` is no plain function.
        ValueError: There is no such mode or kind.

    >>> model = scripted_agent(["It ", "rains."], "Never asked again.")
    >>> async def main() -> None:
    ...     for _ in range(2):
    ...         with cassette("weather.cassette", kinds=["agent"]) as tape:
    ...             async with MiniAgents(around_calls=tape):
    ...                 async for reply in model.inquire("How is the weather?"):
    ...                     print([token async for token in reply])
    >>> asyncio.run(main())
    ['It ', 'rains.']
    ['It ', 'rains.']
    """
    if mode not in MODES:
        raise ValueError(f"cassette: mode is one of {', '.join(map(repr, MODES))}, not {mode!r}")
    check_kind("cassette", path, str | os.PathLike, "no path")
    for name, given in (("kinds", kinds), ("secrets", secrets)):
        if isinstance(given, str):
            raise TypeError(f"cassette: {name} is a list, as in {name}=[{given!r}]")
        check_kind(f"cassette: {name}", given, Iterable, "no list")
    if when is not None:
        check_plain("cassette: when", when)
    return Cassette(Path(path), mode, checked_kinds("cassette", kinds), when, Secrets(secrets), pauses=pauses)


def cassette_of_test(path: Path, mode: CassetteMode) -> Cassette:
    """Return a cassette whose file need not be there as long as no call is made: the test may make none."""
    tape = cassette(path, mode=mode)
    tape._is_needed = False
    return tape


class Cassette:
    """Recorded calls; `cassette` makes it. It is a context manager, and a handler for `around_calls`.

    Attributes:
        path: The file.
        mode: The mode that it was made with.
        is_recording: Whether calls are recorded; known when it is entered.
        unrecorded: The errors of calls that were refused, also if an agent caught them.
    """

    def __init__(
        self,
        path: Path,
        mode: CassetteMode,
        kinds: frozenset[CallKind],
        when: Callable[[Call], bool] | None,
        secrets: Secrets,
        *,
        pauses: bool,
    ) -> None:
        self.path: Path = path
        self.mode: CassetteMode = mode
        self.is_recording: bool = mode == "record"
        self.unrecorded: list[UnrecordedCallError] = []
        self._kinds = kinds
        self._when = when
        self._secrets = secrets
        self._pauses = pauses
        self._is_open = False
        self._is_needed = True  # whether a file that is not there is an error before a call is made
        self._missing: CassetteMissingError | None = None
        self._calls: list[RecordedCall] = []
        self._unused: dict[str, list[RecordedCall]] = {}
        self._recordings: list[_Recording] = []
        self._keys: dict[tuple[str, int], str] = {}  # of calls, by their runs and numbers

    def __repr__(self) -> str:
        return f"<Cassette {str(self.path)!r}, mode {self.mode!r}>"

    def __enter__(self) -> Self:
        """Read the file if it is to be replayed, or see that it can be written, before any call is made for it.

        Raises:
            CassetteError: There is no file, it cannot be read, or none can be written at its path.
        """
        if self._is_open:
            raise RuntimeError(f"{self!r} was entered already; make another one with `cassette`")
        self.is_recording = self.mode == "record" or (self.mode == "once" and not self.path.exists())
        if self.is_recording:
            check_place(self.path)
        try:
            self._calls = [] if self.is_recording else read_cassette(self.path)
        except CassetteMissingError as error:
            if self._is_needed:
                raise
            self._missing = error
        self._unused = {}
        for call in self._calls:
            self._unused.setdefault(call.key, []).append(call)
        self._is_open = True
        return self

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write the file, if calls were recorded.

        If an error leaves the block, the program did not come to its end, and the file is left as it was. After a
        failed `assert` it is written.

        Raises:
            OSError: It cannot be written.
        """
        self._is_open = False
        recordings, self._recordings = self._recordings, []
        calls = [call for recording in recordings if (call := recording.finish()) is not None]
        self._keys.clear()
        if not self.is_recording or (self.mode == "once" and not calls):
            return
        if cls is not None and not issubclass(cls, AssertionError):
            logger.warning("%s was not written, because the program that was recorded ended with an error", self.path)
            return
        write_cassette(self.path, calls)

    @property
    def unused(self) -> list[str]:
        """The recorded calls that were not replayed, each as a line."""
        left = {id(call) for calls in self._unused.values() for call in calls}
        return [shown(content_of(call)) for call in self._calls if id(call) in left]

    async def __call__(self, call: Call, proceed: Proceed) -> MessageType[Message]:
        """Stand around a call."""
        if not self._is_open:
            raise RuntimeError(
                f"{self!r} is not open: write `with cassette(...) as tape:` around the context of the calls"
            )
        is_wanted = call.kind in self._kinds and (self._when is None or self._when(call))
        if not is_wanted or call.outcome is not None:  # it was cancelled before it began
            return proceed()
        if self._missing is not None:
            raise copy.copy(self._missing)
        given = await given_to(call)
        key = self._keys[call.run.id, call.number] = self._key(given)
        if self.is_recording:
            replies = proceed()
            self._recordings.append(_Recording(self, call, given, key, replies))
            return replies
        recorded = self._take(given, key, self._within(call), call.place)
        if recorded is None:
            if self.mode == "none_new":
                return proceed()
            error = self._refusal(given, key)
            self.unrecorded.append(error)
            raise error
        try:
            replayed = replies_of(recorded, pauses=self._pauses)
        except DecodeError as error:
            raise self._unreadable(recorded, error) from error
        call.mark_replayed()
        return replayed

    # --- machinery ---

    def _key(self, given: Given) -> str:
        hide = self._secrets.hide
        data = [encode(each) for each in (given.identity, *given.messages)]
        hidden = list(map(hide, data))
        arguments = hide(given.arguments)
        if arguments == given.arguments and hidden == data:
            return given.key
        return key_of(arguments.decode(), given.opaque, [each.decode() for each in hidden])

    def _within(self, call: Call) -> str:
        """Return the key of the calls around a call; "" if one of them is not known yet."""
        keys: list[str] = []
        parent = call.parent
        while parent is not None:
            place = parent.run.id, parent.number
            if place not in self._keys:
                given = given_by_now(parent)
                if given is None:
                    return ""
                self._keys[place] = self._key(given)
            keys.append(self._keys[place])
            parent = parent.parent
        return key_of(keys)

    def _take(self, given: Given, key: str, within: str, place: tuple[int, ...]) -> RecordedCall | None:
        """Take the recorded call that is replayed for a call: of equal ones, the one in the same place."""
        found = self._unused.get(key) or self._edited(given, key)
        if not found:
            return None
        best, best_likeness = 0, (False, False)
        for number, each in enumerate(found):
            likeness = (bool(within) and each.within == within, each.place == place)
            if likeness > best_likeness:
                best, best_likeness = number, likeness
            if all(likeness):
                break
        taken = found.pop(best)
        equal = self._unused[taken.key]
        if equal is not found:
            del equal[next(number for number, each in enumerate(equal) if each is taken)]
        return taken

    def _edited(self, given: Given, key: str) -> list[RecordedCall]:
        """Return the unused calls that were given the same although their keys differ: the file was edited by hand."""
        now = content_of(self._recorded(given, key))
        unused = [call for calls in self._unused.values() for call in calls]
        return [call for call in unused if first_difference(content_of(call), now) is None]

    def _unreadable(self, call: RecordedCall, error: DecodeError) -> CassetteDamagedError:
        """Return what to say of a call whose replies this program cannot read."""
        number = 1 + next(number for number, each in enumerate(self._calls) if each is call)
        reason = f"the replies of {shown(content_of(call))} cannot be read: {error}"
        hint = "import the class, mend the file, or record the calls again"
        return CassetteDamagedError(str(self.path), f"{reason}; {hint}", number)

    def _refusal(self, given: Given, key: str) -> UnrecordedCallError:
        now = content_of(self._recorded(given, key))
        contents = list(map(content_of, self._calls))
        path = str(self.path)
        place = nearest(now, contents)
        if place is None:
            others = sorted({f"{each['called'].get('kind')} {each['called'].get('name')!r}" for each in contents})
            what = f"no call of a {now['called']['kind']}; it has {', '.join(others) or 'no calls'}"
            return UnrecordedCallError(path, f"there is {what}", call=shown(now))
        equal = [
            number
            for number, each in enumerate(self._calls)
            if each.key == key or first_difference(contents[number], now) is None
        ]
        if equal:
            place, times = equal[0], len(equal)
            reason = f"the call was recorded {times} times, and is made once more"
            return UnrecordedCallError(path, reason, place + 1, shown(now), shown(contents[place]))
        difference = first_difference(contents[place], now)
        reason = "the call is not recorded"
        return UnrecordedCallError(path, reason, place + 1, shown(now), shown(contents[place]), difference)

    def _recorded(self, given: Given, key: str) -> RecordedCall:
        """Return what is written of a call, without its replies."""
        hide = self._secrets.hide
        return RecordedCall(
            key=key,
            place=(),
            called=msgspec.Raw(hide(encode(given.identity))),
            arguments=msgspec.Raw(hide(given.arguments)),
            opaque=dict(given.opaque),
            messages=tuple(msgspec.Raw(hide(encode(message))) for message in given.messages),
        )


class _Recording:
    """A call that is recorded, as it goes."""

    def __init__(
        self, tape: Cassette, call: Call, given: Given, key: str, replies: MessageSequencePromise[Message]
    ) -> None:
        self._tape = tape
        self._call = call
        self._given = given
        self._key = key
        self._within = ""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._frames: list[bytes] = []
        self._times: list[float] = []
        self._error: Exception | None = None
        self._is_taking = False
        self._is_due = False
        self._end: float | None = None  # when the last message had begun, and no further one was to come
        self._buffer: AnyBuffer = buffer_of(replies)
        self._replies = FollowedSequence(replies, "json", self._woken, interleaved=True)
        self._woken()

    def _woken(self) -> None:
        """Take what has come; the replies call this as it comes, and while they are taken."""
        self._is_due = True
        if self._end is None and self._buffer.ended:
            self._end = self._loop.time() - self._began
        if self._is_taking or self._replies.ended or self._error is not None:
            return
        self._is_taking = True
        try:
            while self._is_due and not self._replies.ended:
                self._is_due = False
                pieces = self._replies.take()
                if pieces is not None:
                    frames = pieces.data.splitlines()
                    self._frames += frames
                    self._times += [self._loop.time() - self._began] * len(frames)
        except (TypeError, ValueError) as error:  # an event or a message cannot be written as JSON
            self._error = error
            self._replies.close()
        finally:
            self._is_taking = False

    def finish(self) -> RecordedCall | None:
        """Return the call as it is written; None if that cannot be."""
        tape, call = self._tape, self._call
        if self._error is not None:
            logger.warning("%s: the replies of %r cannot be recorded: %s", tape.path, call, self._error)
            return None
        self._replies.close()
        frames, times = self._own_pieces()
        recorded = tape._recorded(self._given, self._key)
        recorded.within = tape._within(call)
        recorded.place = call.place
        recorded.outcome = call.outcome
        frames, times = tape._secrets.hide_in_frames(frames, times)
        recorded.frames = tuple(map(msgspec.Raw, frames))
        recorded.times = tuple(round(time, 4) for time in times)
        return recorded

    def _own_pieces(self) -> tuple[list[bytes], list[float]]:
        """Return the frames with their times, without what only tells that something was cancelled."""
        pieces: list[Any] = self._buffer.pieces  # Any: messages, promises and failures
        messages = [piece for piece in pieces if not isinstance(piece, Failure)]
        cancelled: set[int | None] = {
            number
            for number, message in enumerate(messages)
            if MessagePromise in type(message).__mro__ and mixed_buffer(message).was_cancelled()
        }
        if self._buffer.was_cancelled():
            cancelled.add(None)
        frames: list[bytes] = []
        times: list[float] = []
        for frame, time in zip(self._frames, self._times, strict=True):
            head = head_of(frame)
            is_stop = head.frame == "broken" or (head.error is not None and head.error.type in _STOPPED)
            if head.frame != "end" and not (is_stop and head.message in cancelled):
                frames.append(frame)
                times.append(time)
        if self._end is not None and None not in cancelled:
            frames.append(_END)
            times.append(self._end)
        return frames, times

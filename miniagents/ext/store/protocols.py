"""What all stores can do; a test suite holds each of them to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self, overload

import msgspec
from typing_extensions import TypeVar

from miniagents.messages import CallRecord, Message
from miniagents.promising.core.arguments import NO_STORE, check_kind, check_method

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Iterable

    from typing_extensions import TypeForm

    from miniagents.agents.keeping import RunKeeper
    from miniagents.agents.persistence import PersistFilter
    from miniagents.messages import UnknownMessage
    from miniagents.wire import Pieces

__all__ = ["KeptCall", "RunInfo", "Store", "StreamInfo", "StreamLog", "check_log", "messages_of"]

M = TypeVar("M", bound=Message)


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a stream.

    Attributes:
        name: Its name.
        count: How many pieces it has.
        began: When it was begun, in seconds since 1970.
        ended: When it was ended, in seconds since 1970; None if it was not.
        is_live: Whether it has not ended, and the store that writes it is open in a living process.
    """

    name: str
    count: int
    began: float
    ended: float | None
    is_live: bool


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run: the calls of one context, with all calls that these made.

    Attributes:
        id: The identifier, as `Run.id` and `CallRecord.run` have it.
        began: When it was first recorded, in seconds since 1970.
        ended: When its context ended, in seconds since 1970; None if it has not.
        calls: How many calls are recorded.
        failed: How many of them failed.
        is_live: Whether it has not ended, and its process is alive. A run that has neither ended nor is live was cut.
    """

    id: str
    began: float
    ended: float | None
    calls: int
    failed: int
    is_live: bool


class KeptCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a run, as it is kept.

    Attributes:
        record: The record of the call, as far as the call had come.
        messages: The keys of its messages; None if they had not all come.
        replies: The keys of its complete replies, in their order.
        stream: The name of the stream of its replies; None if the replies were complete at once.
    """

    record: CallRecord
    messages: tuple[str, ...] | None
    replies: tuple[str, ...]
    stream: str | None


class StreamLog(Protocol):
    """Streams of numbered pieces that are appended, and read live or later, by any number of processes.

    The store writes a stream as long as the stream is open: another living store, be it in this process or in another
    one, cannot. A store that is closed or whose process was killed lets go of its streams. Their readers are then
    raised `StreamAbandonedError` behind the last piece, until another store goes on with the stream.
    """

    async def claim(self, stream: str) -> int:
        """Begin a stream, or go on with one that its writer has left, and return how many pieces it has.

        Raises:
            StreamTakenError: Another living store writes it.
            StreamEndedError: It has ended.
        """
        ...

    async def append(self, stream: str, pieces: Pieces) -> None:
        """Append pieces; they are committed when this returns. The first ones begin the stream.

        Pieces that are there already are left out, so writing the same twice is writing it once.

        Raises:
            StreamGapError: There are pieces missing before these.
            StreamTakenError: Another living store writes the stream.
            StreamEndedError: The stream has ended before the last of these.
        """
        ...

    def read(self, stream: str, start: int = 0, *, follow: bool = True, wait: bool = False) -> AsyncGenerator[Pieces]:
        """Yield the pieces of a stream from a position on, and end where the stream ends.

        Args:
            stream: Its name.
            start: The position of the first piece.
            follow: Whether to wait for pieces that are still to come.
            wait: Whether to wait for a stream that has not begun.

        Raises:
            NotStoredError: There is no such stream.
            StreamAbandonedError: The process that wrote the stream is gone and has not ended it.
            StoreDamagedError: Pieces are damaged.
        """
        ...

    async def end(self, stream: str) -> None:
        """End a stream; nothing happens if it has ended.

        Raises:
            NotStoredError: There is no such stream.
            StreamTakenError: Another living store writes it.
        """
        ...

    def streams(self, prefix: str = "") -> AsyncGenerator[StreamInfo]:
        """Yield all streams whose names begin with a prefix, in the order of their names."""
        ...

    async def forget(self, stream: str, /) -> int:
        """Forget a stream with its pieces, or all streams below a name that ends with "/": all of them or none.

        Those that a living store writes, and those that this store reads, are never forgotten. A reader in another
        process that has not come to the end of a stream is raised `NotStoredError` where it stands.

        Returns:
            How many streams were forgotten; 0 if there were none.

        Raises:
            StreamTakenError: A living store writes one of them, or this store reads one.
        """
        ...


class Store(StreamLog, Protocol):
    """Messages by their keys, runs with their calls, and streams.

    As an async context manager it is closed at the end of the block.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def put(self, messages: Message | Iterable[Message], /) -> None:
        """Keep messages and all messages inside them; they are committed when this returns.

        Messages that are there already are left as they are.
        """
        ...

    @overload
    async def get(self, key: str, form: TypeForm[M], /, *, unknown: Literal["refuse", "ignore"] = "refuse") -> M: ...
    @overload
    async def get(self, key: str, form: TypeForm[M], /, *, unknown: Literal["keep"]) -> M | UnknownMessage: ...
    async def get(
        self, key: str, form: TypeForm[M], /, *, unknown: Literal["refuse", "ignore", "keep"] = "refuse"
    ) -> M | UnknownMessage:
        """Return the message with a hash key, of 40 or 64 digits.

        Args:
            key: The `hash_key` of the message.
            form: A message class, or a union of them.
            unknown: What happens with a class that is not loaded, as `decode` has it.

        Raises:
            NotStoredError: There is no such message.
            StoreDamagedError: The message or a part of it is not what was kept.
            DecodeError: The message is not of that form.
        """
        ...

    @overload
    async def get_all(
        self, keys: Iterable[str], form: TypeForm[M], /, *, unknown: Literal["refuse", "ignore"] = "refuse"
    ) -> tuple[M, ...]: ...
    @overload
    async def get_all(
        self, keys: Iterable[str], form: TypeForm[M], /, *, unknown: Literal["keep"]
    ) -> tuple[M | UnknownMessage, ...]: ...
    async def get_all(
        self,
        keys: Iterable[str],
        form: TypeForm[M],
        /,
        *,
        unknown: Literal["refuse", "ignore", "keep"] = "refuse",
    ) -> tuple[M | UnknownMessage, ...]:
        """Return the messages with some hash keys, in the order of the keys.

        They are read together, each of them once, which is much faster than one after the other.

        Args:
            keys: The `hash_key`s of the messages.
            form: As `get` has it.
            unknown: As `get` has it.

        Raises:
            NotStoredError: A message is not there.
            StoreDamagedError: A message or a part of one is not what was kept.
            DecodeError: A message is not of that form.
        """
        ...

    async def conversation(self, head: str, /) -> tuple[Message, ...]:
        """Return the messages of a call, and behind them those of its reply.

        Args:
            head: The key of an `AgentReplyNode`, or of an `AgentCallNode` for the messages of the call alone.

        Raises:
            NotStoredError: There is no such record.
        """
        ...

    def runs(self) -> AsyncGenerator[RunInfo]:
        """Yield all runs, the latest first."""
        ...

    def calls(self, run: str, /) -> AsyncGenerator[KeptCall]:
        """Yield the calls of a run in the order of their numbers.

        Raises:
            NotStoredError: There is no such run.
        """
        ...

    async def prune(self, *, keep: Collection[str] | int, older_than: float = 0.0) -> int:
        """Forget runs with their calls and streams, and the messages that nothing refers to any more.

        Messages that were put by hand, and streams that belong to no run, are kept. So are runs that are live, and
        those that this store reads.

        Args:
            keep: The identifiers of the runs to keep, or how many of the latest ones.
            older_than: How many seconds ago a run must have ended to be forgotten; for one that was cut, begun.

        Returns:
            How many runs were forgotten.
        """
        ...

    def keeper(self, wanted: PersistFilter | None = None, /) -> RunKeeper:
        """Return what keeps the calls of one context; `MiniAgents(store=...)` calls this."""
        ...

    async def flush(self) -> None:
        """Wait until everything that was handed over is committed."""
        ...

    async def close(self) -> None:
        """Commit everything, let go of the streams that have not ended, and close the store."""
        ...


def check_log(where: str, log: object) -> None:
    """Refuse what is no log of streams, above all the path of one.

    Raises:
        TypeError: It is none.
    """
    check_method(where, log, "claim", NO_STORE)


def messages_of(where: str, given: Message | Iterable[Message]) -> tuple[Message, ...]:
    """Return one message, or several of them, as a tuple.

    Raises:
        TypeError: Something else is given, such as a text.
    """
    said = "no message; write UserMessage(...), or a list of messages"
    if _is_text(given):
        check_kind(where, given, Message, said)
    messages = (given,) if isinstance(given, Message) else tuple(given)
    for each in messages:
        check_kind(where, each, Message, said)
    return messages


def _is_text(given: object) -> bool:
    return isinstance(given, str)

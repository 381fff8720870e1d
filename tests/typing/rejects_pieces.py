"""What the type checkers must refuse: pieces by time, by work and by group.

Checked, not run. Each line that is wrong says to both checkers that it is; one that becomes valid is then refused as a
needless comment.
"""

from __future__ import annotations

from miniagents.promising import Stream, StreamedPromise


async def length(x: str) -> int:
    return len(x)


def plain(x: str) -> int:
    return len(x)


def first(x: str) -> str:
    return x[0]


def work(s: StreamedPromise[str, bytes], n: Stream[int]) -> None:
    s.then_pieces(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.then_pieces(lambda x: x)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    n.then_pieces(length)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.then_pieces(length, 4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.then_pieces(length, concurrency="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.then_pieces(length, ordered=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.then_pieces(length, parallel=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    _bytes: Stream[bytes] = s.then_pieces(length)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    s.buffer()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.buffer(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.buffer(max_ahead=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def times(s: StreamedPromise[str, bytes], n: Stream[int]) -> None:
    s.batch()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.batch(3, 0.5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.batch(3, within="1 s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.batch(3, weight=len)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.batch(3, weight=first)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.throttle(1, False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    _letters: Stream[int] = s.conflate()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    n.rate_limit("2 a second")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.throttle()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    n.throttle("1 s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.debounce(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.timeout_pieces(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    s.timeout_pieces(each="3 s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    s.timeout_pieces(each=3, default="")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    _text: Stream[int] = s.throttle(1)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def groups(s: StreamedPromise[str, bytes], n: Stream[int]) -> None:
    s.group_by()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    n.group_by(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.group_by(lambda x: [x])  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    _keys: Stream[tuple[str, Stream[str]]] = s.group_by(plain)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]

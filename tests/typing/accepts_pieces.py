"""What the type checkers must take: pieces by time, by work and by group. Checked, not run; see `rejects_pieces.py`."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import assert_type

from typing_extensions import TypeIs

from miniagents.messages import MessagePromise, MessageSequencePromise
from miniagents.promising import Promise, Stream, StreamedPromise


def is_str(x: object) -> TypeIs[str]:
    return isinstance(x, str)


async def length(x: str) -> int:
    return len(x)


def promise_of(x: str) -> Promise[bytes]:
    return Promise.resolved(x.encode())


def first(x: str) -> str:
    return x[0]


async def work(s: StreamedPromise[str, bytes], n: Stream[int], m: Stream[int | str]) -> None:
    assert_type(s.then_pieces(length), Stream[int])
    assert_type(s.then_pieces(length, concurrency=4), Stream[int])
    assert_type(s.then_pieces(length, concurrency=None, ordered=False), Stream[int])
    assert_type(s.then_pieces(promise_of), Stream[bytes])
    assert_type(s.then_pieces(lambda x: length(x)), Stream[int])
    assert_type(m.filter(is_str).then_pieces(length), Stream[int])
    assert_type(await s.then_pieces(length).into(sum), int)
    assert_type(s.buffer(3), Stream[str])
    assert_type([x async for x in n.buffer(3)], list[int])


async def times(s: StreamedPromise[str, bytes], n: Stream[int]) -> None:
    assert_type(s.batch(3), Stream[tuple[str, ...]])
    assert_type(s.batch(3, within=0.5), Stream[tuple[str, ...]])
    assert_type(s.batch(3, within=None), Stream[tuple[str, ...]])
    assert_type(s.batch(3, weight=len), Stream[tuple[str, ...]])
    assert_type(n.batch(3, weight=lambda x: x / 2), Stream[tuple[int, ...]])
    assert_type(n.throttle(1), Stream[int])
    assert_type(n.throttle(1, trailing=False), Stream[int])
    assert_type(n.rate_limit(0.5), Stream[int])
    assert_type(s.conflate(), Stream[str])
    assert_type(n.throttle(0.5).debounce(2), Stream[int])
    assert_type(s.timeout_pieces(each=3), Stream[str])
    assert_type(s.timeout_pieces(whole=0.5), Stream[str])
    assert_type(s.timeout_pieces(each=3, whole=60), Stream[str])
    assert_type(await n.timeout_pieces(each=3), tuple[int, ...])
    assert_type(await s.timeout(3), bytes)  # the whole, not the pieces
    _iterable: AsyncIterable[object] = n.debounce(1)


async def groups(s: StreamedPromise[str, bytes], n: Stream[int]) -> None:
    assert_type(s.group_by(first), Stream[tuple[str, Stream[str]]])
    assert_type(s.group_by(len), Stream[tuple[int, Stream[str]]])
    assert_type(n.group_by(lambda x: x % 2 == 0), Stream[tuple[bool, Stream[int]]])
    assert_type(n.group_by(lambda x: (x, str(x))), Stream[tuple[tuple[int, str], Stream[int]]])
    async for key, group in s.group_by(len):
        assert_type(key, int)
        assert_type(group, Stream[str])
        assert_type(await group, tuple[str, ...])
    _wider: Stream[tuple[object, Stream[object]]] = s.group_by(len)


async def of_messages(tokens: MessagePromise, messages: MessageSequencePromise) -> None:
    assert_type(tokens.throttle(0.1), Stream[str])
    assert_type(tokens.batch(10, within=0.1), Stream[tuple[str, ...]])
    assert_type(messages.timeout_pieces(each=30), MessageSequencePromise)

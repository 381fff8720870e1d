"""What the type checkers must take: promises and streams. Checked, not run; see `rejects_promising.py` for the rest."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from typing import NoReturn, assert_type

from typing_extensions import TypeIs

from miniagents.promising import (
    AWAIT,
    CLEAR,
    DEFAULT,
    AppenderAbandonedError,
    AppenderClosedError,
    ContextStateError,
    Control,
    Default,
    FlatSequence,
    NoActiveContextError,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromiseResolvedHandler,
    PromisingContext,
    PromisingError,
    PromisingWarning,
    Stream,
    StreamAppender,
    StreamedPromise,
    TaskAbandonedWarning,
    concat,
    gather,
    merge,
    race,
)


def is_str(x: object) -> TypeIs[str]:
    return isinstance(x, str)


async def one() -> int:
    return 1


async def length(x: str) -> int:
    return len(x)


async def numbers() -> AsyncIterator[int]:
    yield 1


async def text_of(pieces: AsyncIterable[int]) -> str:
    return "".join([str(piece) async for piece in pieces])


async def promises(p: Promise[int], q: Promise[str], b: Promise[bool]) -> None:
    assert_type(await p, int)
    assert_type(p.map(str), Promise[str])
    assert_type(p.map(lambda x: x + 1), Promise[int])
    assert_type(p.map(lambda x: [x]), Promise[list[int]])
    assert_type(q.then(length), Promise[int])
    assert_type(p.recover(lambda _: None), Promise[int | None])
    assert_type(p.recover(lambda e: str(e), ValueError, KeyError), Promise[int | str])
    assert_type(p.recover(lambda e: e.errno, OSError), Promise[int | None])
    assert_type(p.timeout(3), Promise[int])
    assert_type(p.timeout(3, default=None), Promise[int | None])
    _wider: Promise[object] = p
    _int: Promise[int] = b
    assert_type(Promise(one), Promise[int])
    assert_type(Promise[int](one, start_asap=False), Promise[int])
    assert_type(Promise.resolved(3), Promise[int])
    assert_type(gather(p, q), Promise[tuple[int, str]])
    assert_type(await gather(p, q, b), tuple[int, str, bool])
    assert_type(gather(), Promise[tuple[()]])
    assert_type(gather(*[p, p]), Promise[tuple[int, ...]])
    assert_type(gather(p, one()), Promise[tuple[int, int]])
    assert_type(gather(p, p, p, p, p), Promise[tuple[int, int, int, int, int]])
    assert_type(race(p, q), Promise[int | str])
    assert_type(race(*[p, p]), Promise[int])
    assert_type(gather(p).pair(q).pair(b), Promise[tuple[int, str, bool]])
    assert_type(gather(p, q).starmap(lambda i, s: s * i), Promise[str])
    assert_type(Promise.resolved(p).flatten(), Promise[int])
    assert_type(p.tap(print), Promise[int])


async def more_of_promises(p: Promise[int], q: Promise[str], b: Promise[bool]) -> None:
    assert_type(Promise(one, start_asap=DEFAULT, name="one"), Promise[int])
    assert_type(Promise(lambda: p), Promise[int])
    assert_type(Promise.failed(ValueError("no")), Promise[NoReturn])
    assert_type(Promise.failed(ValueError("no")).recover(str), Promise[str])
    _failed: Promise[int] = Promise.failed(ValueError("no"))
    assert_type(p.done(), bool)
    assert_type(p.cancelled(), bool)
    assert_type(p.name, str)
    assert_type(gather(p, q, b, p), Promise[tuple[int, str, bool, int]])
    assert_type(race(p, q, b, one()), Promise[int | str | bool])
    assert_type(p.map(lambda x: x > 1).map(str).then(length), Promise[int])
    _awaitable: Awaitable[int] = p
    p.cancel()


async def streams(s: StreamedPromise[str, bytes], n: Stream[int], m: Stream[int | str]) -> None:
    assert_type(await s, bytes)
    assert_type([x async for x in s], list[str])
    assert_type(s.map(len), Promise[int])
    assert_type(s.map_pieces(len), Stream[int])
    assert_type(s.map_pieces(len), StreamedPromise[int, tuple[int, ...]])
    assert_type(n.map_pieces(lambda x: x * 2).into(sum), StreamedPromise[int, int])
    assert_type(n.map_pieces(lambda x: str(x)).into("".join), StreamedPromise[str, str])
    assert_type(n.into(frozenset), StreamedPromise[int, frozenset[int]])
    assert_type(n.into(max), StreamedPromise[int, int])
    assert_type(StreamedPromise.of([1, 2]), Stream[int])
    assert_type(concat(n, s), Stream[int | str])
    assert_type(m.filter(is_str), Stream[str])
    assert_type(n.filter(lambda x: x > 1), Stream[int])
    assert_type(n.scan(lambda a, x: a + x, 0), Stream[int])
    assert_type(n.fold(lambda a, x: a + x, 0.0), Promise[float])
    assert_type(s.fold(lambda a, x: a + len(x), 0), Promise[int])
    assert_type(s.take(3), Stream[str])
    assert_type(s.zip(n), Stream[tuple[str, int]])
    assert_type(s.chain(n), Stream[str | int])
    assert_type(merge(s, n), Stream[str | int])
    assert_type(concat(n, n), Stream[int])
    assert_type(merge(*[n, n]), Stream[int])
    _wider: StreamedPromise[object, object] = s
    _whole: Promise[object] = s
    assert_type(await gather(s, n), tuple[bytes, tuple[int, ...]])
    assert_type(s.flat_map(lambda _: n), Stream[int])


async def more_of_streams(
    s: StreamedPromise[str, bytes], n: Stream[int], p: Promise[int], ns: list[Stream[int]], fill: bytes
) -> None:
    assert_type(StreamedPromise(numbers, text_of), StreamedPromise[int, str])
    assert_type(StreamedPromise(numbers, text_of, start_asap=False, max_ahead=3), StreamedPromise[int, str])
    assert_type(s.pieces(), Stream[str])
    assert_type(merge(n, numbers()), Stream[int])
    assert_type(concat(s, n, s, numbers()), Stream[str | int])
    assert_type(s.zip(numbers()), Stream[tuple[str, int]])
    assert_type(s.zip(), Stream[tuple[str]])
    assert_type(s.zip(n, strict=True), Stream[tuple[str, int]])
    assert_type(s.zip(n, s), Stream[tuple[str, int, str]])
    assert_type(s.zip(n, s, numbers()), Stream[tuple[str, int, str, int]])
    assert_type(s.zip(n, s, n, s), Stream[tuple[str, int, str, int, str]])
    assert_type(s.zip(*ns), Stream[tuple[str | int, ...]])
    assert_type(s.zip_longest(), Stream[tuple[str]])
    assert_type(s.zip_longest(n), Stream[tuple[str | None, int | None]])
    assert_type(s.zip_longest(n, fillvalue=fill), Stream[tuple[str | bytes, int | bytes]])
    assert_type(s.zip_longest(n, s), Stream[tuple[str | None, int | None, str | None]])
    assert_type(n.zip_longest(n, n, n, fillvalue=0), Stream[tuple[int, int, int, int]])
    assert_type(n.zip_longest(n, n, n, n, fillvalue=0), Stream[tuple[int, int, int, int, int]])
    assert_type(s.zip_longest(*ns), Stream[tuple[str | int | None, ...]])
    assert_type(s.zip_longest(*ns, fillvalue=fill), Stream[tuple[str | int | bytes, ...]])
    assert_type(n.flat_map(lambda _: numbers()), Stream[int])
    assert_type(n.flat_map(lambda _: s, concurrency=3), Stream[str])
    assert_type(n.flat_map(lambda _: s, concurrency=None, ordered=False), Stream[str])
    assert_type(n.switch_map(lambda _: s), Stream[str])
    assert_type(n.take_until(p), Stream[int])
    assert_type(s.take_until(one()), Stream[str])
    assert_type(s.done(), bool)
    assert_type(race(p, s), Promise[int | bytes])
    _iterable: AsyncIterable[str] = s


async def appenders(appender: StreamAppender[str]) -> None:
    assert_type(appender.promise, Stream[str])
    assert_type([piece async for piece in appender], list[str])
    assert_type(await appender.promise, tuple[str, ...])
    assert_type(appender.closed, bool)
    with StreamAppender[int | str](name="numbers", max_ahead=3) as out:
        assert_type(out, StreamAppender[int | str])
        out.append(1)
        out.append("a")
        out.extend([1, 2])
        out.fail(ValueError("no"))
        await out.drain()
        out.close()
    assert_type(merge(appender, out), Stream[str | int])


async def flat_sequences() -> None:
    flat = FlatSequence[str](
        lambda item: item if isinstance(item, str) else NotImplemented, name="letters", max_ahead=3
    )
    assert_type(flat.promise, Stream[str])
    assert_type(flat.closed, bool)
    flat.put(["a", ["b", numbers()], ValueError("no")])
    flat.put_out_of_order("a")
    flat.fail(ValueError("no"))
    await flat.drain()
    flat.produce(one, start_asap=True, instead=str)
    flat.produce_also(one)
    flat.close()


async def on_resolved(promise: Promise[object], result: object) -> None:
    assert_type((promise, result), tuple[Promise[object], object])


class Hook:
    async def __call__(self, promise: Promise[object], result: object) -> None: ...


async def spelled(_: int, *, upper: bool = False) -> str:
    return str(upper)


async def contexts(handlers: list[PromiseResolvedHandler]) -> None:
    async with PromisingContext(start_asap=False, shutdown_timeout=1) as context:
        assert_type(context, PromisingContext)
        assert_type(PromisingContext.current(), PromisingContext)
    PromisingContext(on_promise_resolved=on_resolved)
    PromisingContext(on_promise_resolved=Hook())
    PromisingContext(on_promise_resolved=[on_resolved, Hook()])
    PromisingContext(on_promise_resolved=handlers)
    assert_type(context.activate(), PromisingContext)
    PromisingContext(parent=context, on_leave="cancel")
    with context.entered() as entered:
        assert_type(entered, PromisingContext)
    assert_type(context.from_thread(spelled, 3, upper=True).result(), str)
    assert_type(context.describe(), str)
    PromisingContext(stall_warning=None)
    PromisingContext(stall_warning=0.5)
    await context.afinalize(ValueError("no"))


async def errors(p: Promise[int]) -> None:
    try:
        await p
    except PromiseDeadlockError as error:
        assert_type(error.circle, tuple[str, ...])
    except AppenderClosedError as error:
        _any: PromisingError | RuntimeError = error
    except (AppenderAbandonedError, ContextStateError, NoActiveContextError, PromiseCancelledError) as error:
        _one_for_all: PromisingError = error
    _warning: type[PromisingWarning] = TaskAbandonedWarning


def sentinels(flag: bool | Default, control: Control) -> None:
    # enum members: what is left after a comparison is narrow
    if flag is not DEFAULT:
        assert_type(flag, bool)
    _controls: tuple[Control, ...] = (AWAIT, CLEAR, control)


def combinators_of_pieces(n: Stream[int], m: Stream[int | str]) -> None:
    assert_type(n.filter_map(lambda x: str(x) if x else None), Stream[str])
    assert_type(n.enumerate(), Stream[tuple[int, int]])
    assert_type(n.skip(1), Stream[int])
    assert_type(n.take_while(lambda x: x > 0), Stream[int])
    assert_type(n.take_while(lambda x: x > 0, inclusive=True), Stream[int])
    assert_type(n.skip_while(lambda x: x > 0), Stream[int])
    assert_type(n.batch_while(lambda x, y: x < y), Stream[tuple[int, ...]])
    assert_type(n.tap_pieces(print), Stream[int])
    assert_type(n.distinct_until_changed(), Stream[int])
    assert_type(n.distinct_until_changed(lambda x: [x]), Stream[int])
    assert_type(n.batch(2), Stream[tuple[int, ...]])
    assert_type(n.window(2), Stream[tuple[int, ...]])
    assert_type(n.distinct(), Stream[int])
    assert_type(n.distinct(lambda x: x % 2), Stream[int])
    assert_type(n.recover_pieces(str), Stream[int | str])
    assert_type(n.recover_pieces(lambda e: e.errno, OSError), Stream[int | None])
    assert_type(n.on_error(lambda _: StreamedPromise.of("ab")), Stream[int | str])
    assert_type(m.partition(is_str), tuple[Stream[str], Stream[int | str]])
    assert_type(n.partition(lambda x: x > 0), tuple[Stream[int], Stream[int]])

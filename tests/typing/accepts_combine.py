"""What both checkers must accept, and the types they must find: combinators of many promises and streams, and `retry`.

Checked, not run.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Never, TypeVar, assert_never, assert_type

from miniagents import Promise, Stream, StreamedPromise
from miniagents.promising import (
    Backoff,
    Err,
    Ok,
    Outcome,
    all_settled,
    concat,
    exponential_backoff,
    first_ok,
    first_to_speak,
    gather,
    merge,
    race,
    retry,
    retry_stream,
    zip_latest,
)

T = TypeVar("T")


class A: ...


class B: ...


class C: ...


class D: ...


class E: ...


class F: ...


class G: ...


class H: ...


async def one() -> int:
    return 1


async def numbers() -> AsyncIterator[int]:
    yield 1


async def promises_of_different_types(
    a: Promise[A],
    b: Promise[B],
    c: Promise[C],
    d: Promise[D],
    e: Promise[E],
    f: Promise[F],
    g: Promise[G],
    h: Promise[H],
) -> None:
    assert_type(gather(a, b, c, d, e), Promise[tuple[A, B, C, D, E]])
    assert_type(gather(a, b, c, d, e, f), Promise[tuple[A, B, C, D, E, F]])
    assert_type(gather(a, b, c, d, e, f, g), Promise[tuple[A, B, C, D, E, F, G]])
    assert_type(await gather(a, b, c, d, e, f, g, h), tuple[A, B, C, D, E, F, G, H])
    assert_type(race(a), Promise[A])
    assert_type(race(a, b, c), Promise[A | B | C])
    assert_type(race(a, b, c, d, e), Promise[A | B | C | D | E])
    assert_type(race(a, b, c, d, e, f), Promise[A | B | C | D | E | F])
    assert_type(race(a, b, c, d, e, f, g), Promise[A | B | C | D | E | F | G])
    assert_type(await race(a, b, c, d, e, f, g, h), A | B | C | D | E | F | G | H)
    assert_type(first_ok(a), Promise[A])
    assert_type(first_ok(a, b), Promise[A | B])
    assert_type(first_ok(a, b, c), Promise[A | B | C])
    assert_type(first_ok(a, b, c, d), Promise[A | B | C | D])
    assert_type(first_ok(a, b, c, d, e), Promise[A | B | C | D | E])
    assert_type(first_ok(a, b, c, d, e, f), Promise[A | B | C | D | E | F])
    assert_type(first_ok(a, b, c, d, e, f, g), Promise[A | B | C | D | E | F | G])
    assert_type(await first_ok(a, b, c, d, e, f, g, h), A | B | C | D | E | F | G | H)
    assert_type(all_settled(a), Promise[tuple[Outcome[A]]])
    assert_type(all_settled(a, b), Promise[tuple[Outcome[A], Outcome[B]]])
    assert_type(all_settled(a, b, c), Promise[tuple[Outcome[A], Outcome[B], Outcome[C]]])
    assert_type(
        await all_settled(a, b, c, d, e, f, g, h),
        tuple[Outcome[A], Outcome[B], Outcome[C], Outcome[D], Outcome[E], Outcome[F], Outcome[G], Outcome[H]],
    )


async def streams_of_different_types(
    a: Stream[A], b: Stream[B], c: Stream[C], d: Stream[D], e: Stream[E], f: Stream[F], g: Stream[G], h: Stream[H]
) -> None:
    assert_type(merge(a, b, c, d, e), Stream[A | B | C | D | E])
    assert_type(merge(a, b, c, d, e, f), Stream[A | B | C | D | E | F])
    assert_type(merge(a, b, c, d, e, f, g), Stream[A | B | C | D | E | F | G])
    assert_type(merge(a, b, c, d, e, f, g, h), Stream[A | B | C | D | E | F | G | H])
    assert_type(first_to_speak(a), Stream[A])
    assert_type(first_to_speak(a, b), Stream[A | B])
    assert_type(first_to_speak(a, b, c), Stream[A | B | C])
    assert_type(first_to_speak(a, b, c, d), Stream[A | B | C | D])
    assert_type(first_to_speak(a, b, c, d, e), Stream[A | B | C | D | E])
    assert_type(first_to_speak(a, b, c, d, e, f), Stream[A | B | C | D | E | F])
    assert_type(first_to_speak(a, b, c, d, e, f, g), Stream[A | B | C | D | E | F | G])
    assert_type(first_to_speak(a, b, c, d, e, f, g, h), Stream[A | B | C | D | E | F | G | H])
    assert_type(concat(a, b, c, d, e), Stream[A | B | C | D | E])
    assert_type(concat(a, b, c, d, e, f), Stream[A | B | C | D | E | F])
    assert_type(concat(a, b, c, d, e, f, g), Stream[A | B | C | D | E | F | G])
    assert_type(concat(a, b, c, d, e, f, g, h), Stream[A | B | C | D | E | F | G | H])
    assert_type(zip_latest(a), Stream[tuple[A]])
    assert_type(zip_latest(a, b), Stream[tuple[A, B]])
    assert_type(zip_latest(a, b, c), Stream[tuple[A, B, C]])
    assert_type(zip_latest(a, b, c, d), Stream[tuple[A, B, C, D]])
    assert_type(zip_latest(a, b, c, d, e), Stream[tuple[A, B, C, D, E]])
    assert_type(zip_latest(a, b, c, d, e, f), Stream[tuple[A, B, C, D, E, F]])
    assert_type(zip_latest(a, b, c, d, e, f, g), Stream[tuple[A, B, C, D, E, F, G]])
    assert_type(await zip_latest(a, b, c, d, e, f, g, h), tuple[tuple[A, B, C, D, E, F, G, H], ...])
    assert_type(zip_latest(a, b).map_pieces(lambda both: both[1]), Stream[B])


async def any_number(ps: list[Promise[int]], ss: list[Stream[int]], p: Promise[int], n: Stream[int]) -> None:
    assert_type(gather(*ps), Promise[tuple[int, ...]])
    assert_type(race(*ps), Promise[int])
    assert_type(first_ok(*ps), Promise[int])
    assert_type(all_settled(*ps), Promise[tuple[Outcome[int], ...]])
    assert_type(merge(*ss), Stream[int])
    assert_type(first_to_speak(*ss), Stream[int])
    assert_type(concat(*ss), Stream[int])
    assert_type(zip_latest(*ss), Stream[tuple[int, ...]])
    assert_type(gather(p, p, p, p, p, p, p, p, p), Promise[tuple[int, ...]])
    assert_type(race(p, p, p, p, p, p, p, p, p), Promise[int])
    assert_type(first_ok(p, p, p, p, p, p, p, p, p), Promise[int])
    assert_type(all_settled(p, p, p, p, p, p, p, p, p), Promise[tuple[Outcome[int], ...]])
    assert_type(merge(n, n, n, n, n, n, n, n, n), Stream[int])
    assert_type(concat(n, n, n, n, n, n, n, n, n), Stream[int])
    assert_type(zip_latest(n, n, n, n, n, n, n, n, n), Stream[tuple[int, ...]])
    assert_type(all_settled(), Promise[tuple[()]])
    assert_type(merge(), Stream[Never])
    assert_type(concat(), Stream[Never])
    assert_type(zip_latest(), Stream[Never])
    assert_type(race(*(Promise(one) for _ in range(3))), Promise[int])


async def of_other_things(p: Promise[str], s: StreamedPromise[str, bytes]) -> None:
    """Any awaitable is taken for a promise, any async iterable for a stream."""
    assert_type(first_ok(p, one()), Promise[str | int])
    assert_type(all_settled(s, one()), Promise[tuple[Outcome[bytes], Outcome[int]]])
    assert_type(zip_latest(s, numbers()), Stream[tuple[str, int]])
    assert_type(first_ok(p.map(lambda x: len(x)), one()).map(lambda x: x + 1), Promise[int])
    assert_type(all_settled(p).map(lambda outcomes: outcomes[0]), Promise[Outcome[str]])


async def outcomes(p: Promise[int]) -> None:
    for outcome in await all_settled(p):
        match outcome:
            case Ok(value):
                assert_type(value, int)
            case Err(error):
                assert_type(error, BaseException)
            case _:
                assert_never(outcome)
        if isinstance(outcome, Err):
            assert_type(outcome.error, BaseException)
        else:
            assert_type(outcome.value, int)
    assert_type(Ok(await p).value, int)
    _wider: Ok[object] = Ok(3)
    _outcome: Outcome[int] = Err(ValueError("no"))
    _either: Outcome[object] = _outcome


async def retries(p: Promise[int]) -> None:
    assert_type(retry(one), Promise[int])
    assert_type(await retry(lambda: one(), attempts=5), int)
    assert_type(retry(lambda: p, backoff=0.5), Promise[int])
    assert_type(retry(lambda: p.map(str), backoff=lambda failed: failed * 0.5), Promise[str])
    assert_type(retry(lambda: gather(p, one())), Promise[tuple[int, int]])
    assert_type(retry(lambda: StreamedPromise.of([1])), Promise[tuple[int, ...]])
    assert_type(retry(one, errors=OSError).map(lambda x: x + 1), Promise[int])
    assert_type(retry(one, errors=(OSError, BaseException)), Promise[int])
    assert_type(retry(one, backoff=exponential_backoff()), Promise[int])


def backoffs(patient: Backoff) -> None:
    backoff = exponential_backoff(initial=1, factor=3, maximum=60, jitter=random.Random(7).random)
    assert_type(backoff(1), float)
    _plain: Callable[[int], float] = exponential_backoff(jitter=0)
    retry(one, backoff=patient)
    assert_type(retry_stream(numbers), Stream[int])
    assert_type(retry_stream(lambda: StreamedPromise.of([1]), attempts=5, backoff=exponential_backoff()), Stream[int])
    assert_type(retry_stream(numbers, errors=(OSError, BaseException)), Stream[int])
    _constant: Backoff = 3


def tried_often(factory: Callable[[], Awaitable[T]]) -> Promise[T]:
    """Types flow through functions of the user's own."""
    return first_ok(retry(factory, attempts=10), factory())

"""What both checkers must reject: combinators of many promises and streams, and `retry`.

Checked, not run. Each line that is wrong says to both checkers that it is; one that becomes valid is then refused as a
needless comment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from miniagents.promising import (
    Err,
    Ok,
    Outcome,
    Promise,
    Stream,
    StreamedPromise,
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


async def one() -> int:
    return 1


async def number_of(text: str) -> int:
    return len(text)


async def numbers() -> AsyncIterator[int]:
    yield 1


def plain() -> int:
    return 1


async def promises(p: Promise[int], q: Promise[str]) -> None:
    first_ok(p, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    first_ok(p, one)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    first_ok([p, q])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    all_settled(p, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    all_settled(p, q, return_exceptions=True)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    all_settled([p, q])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    gather(p, q, p, q, p, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    race(p, q, p, q, p, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    _one: Promise[int] = first_ok(p, q)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    _two: Promise[tuple[int, str]] = all_settled(p, q)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _three: Promise[tuple[str, int]] = gather(p, q)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    first_ok(p, q).map(str.upper)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def streams(n: Stream[int], s: Stream[str]) -> None:
    zip_latest(n, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    zip_latest(n, [1])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    zip_latest([n, s])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    first_to_speak(n, [1])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    merge(n, s, n, s, n, [1])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    concat(n, s, n, s, n, [1])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    _other: Stream[tuple[str, int]] = zip_latest(n, s)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    zip_latest(n, s).map_pieces(lambda both: both[2])  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]


async def outcomes(p: Promise[int]) -> None:
    Ok()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Err("no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Ok(1).value = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    _wrong: Outcome[str] = Ok(1)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    (outcome,) = await all_settled(p)
    outcome.value  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    if isinstance(outcome, Ok):
        outcome.value.upper()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


async def retries(p: Promise[int]) -> None:
    retry(p)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry(one())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry(number_of)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry(lambda: 3)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    retry(one, 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    retry(one, attempts="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry(one, backoff="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry(one, backoff=lambda: 1.0)  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
    retry(one, backoff=lambda failed: str(failed))  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    retry(one, errors=ValueError("no"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry(one, errors=[ValueError])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry_stream(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry_stream(StreamedPromise.of([1]))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    retry_stream(numbers, backoff="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _text: Promise[str] = retry(one)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    exponential_backoff(1.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    exponential_backoff(initial="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    exponential_backoff(jitter=lambda seconds: seconds)  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType, reportUnknownLambdaType]
    exponential_backoff(jitter=lambda: "1")  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]


def of_nothing() -> None:
    race()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    first_ok()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]

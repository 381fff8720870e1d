"""What the type checkers must refuse: promises and streams.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from collections.abc import AsyncIterable

from miniagents.promising import (
    AWAIT,
    FlatSequence,
    Promise,
    PromiseDeadlockError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
    concat,
    gather,
    merge,
    race,
)


async def one() -> int:
    return 1


def number_of(error: OSError) -> int | None:
    return error.errno


def plain() -> int:
    return 1


async def letters(pieces: AsyncIterable[str]) -> int:
    return len([piece async for piece in pieces])


async def integers() -> AsyncIterable[int]:
    raise NotImplementedError


def promises(p: Promise[int], s: Stream[str]) -> None:
    p.map(str.upper)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.then(lambda x: x)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    s.map_pieces(lambda x: x.nope)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    s.fold(lambda a, x: a + x, 0)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownLambdaType]
    _text: Promise[str] = p  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    gather(p, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    p.recover(lambda e: e.errno, ValueError)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]


async def more_of_promises(p: Promise[int], q: Promise[tuple[int, str]], wide: Promise[object]) -> None:
    Promise(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # not async
    Promise(one, False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # options are keywords
    Promise(one, start_asap=AWAIT)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # another sentinel
    Promise(one, start_asap="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Promise(one())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a coroutine, not a function
    _narrow: Promise[int] = wide  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _parts = [x async for x in p]  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]  # no stream
    race(p, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    gather(p, start_asap=False)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    p.timeout("3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    p.recover(number_of)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # of an OSError only
    p.recover(str, "ValueError")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    p.pair(p)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # no tuple
    q.starmap(lambda one: one)  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]  # two arguments
    q.starmap(lambda number, text: number + text)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownLambdaType]
    p.flatten()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # no promise in it
    p.value = 3  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    Promise.resolved()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    p.tap(str.upper)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromiseDeadlockError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Promise.failed("no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def streams(n: Stream[int], s: StreamedPromise[str, bytes]) -> None:
    _other: Stream[str] = n  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _whole: StreamedPromise[str, str] = s  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    StreamedPromise(integers, letters)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    StreamedPromise.of(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    StreamedPromise.of([1]).into("".join)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.filter(lambda x: x.nope)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    n.zip([1])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # no async iterable
    n.zip(n, strict="yes")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    n.zip_longest([1])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    n.zip_longest(n, fill=0)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    n.chain([1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.take("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.flat_map(lambda x: x)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    n.flat_map(lambda _: n, 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    n.flat_map(lambda _: n, concurrency="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.switch_map(lambda x: x)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    n.take_until(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.take_until(one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.scan(lambda text, x: text + x, "")  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownLambdaType]
    merge(n, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    concat(n, [1])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    for _ in n:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]  # async only
        pass


async def appenders(appender: StreamAppender[str]) -> None:
    appender.append(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    appender.extend([3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    appender.extend(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    appender.fail("no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    appender.promise = StreamedPromise.of("a")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    StreamAppender[str](max_ahead="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    StreamAppender[str]("name")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    _wider: StreamAppender[object] = appender  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # one could append anything to it
    _other: Stream[int] = appender.promise  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    async with appender:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # a plain `with`
        pass


def flat_sequences(flat: FlatSequence[str]) -> None:
    FlatSequence[str](lambda: "a")  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
    flat.put()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    flat.put_out_of_order("a", "b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    flat.produce(one)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    flat.produce(plain, start_asap=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    flat.produce_also(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FlatSequence[str]()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    _other: Stream[int] = flat.promise  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    flat.fail("no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def sync_handler(_promise: Promise[object], _result: object) -> None: ...


async def short_handler(_promise: Promise[object]) -> None: ...


async def narrow_handler(_promise: Promise[int], _result: object) -> None: ...


async def spelled(_: int, *, upper: bool = False) -> str:
    return str(upper)


async def contexts() -> None:
    await PromisingContext().afinalize("no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromisingContext(on_promise_resolved=sync_handler)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromisingContext(on_promise_resolved=short_handler)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromisingContext(on_promise_resolved=narrow_handler)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromisingContext(on_promise_resolved=[short_handler])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    PromisingContext(False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    PromisingContext(start_asap="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromisingContext(timeout=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    PromisingContext().start_asap = False  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    PromisingContext(on_leave=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromisingContext().from_thread(spelled, "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromisingContext(stall_warning="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PromisingContext().describe("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    PromisingContext().entered("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with PromisingContext():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # `async with`
        pass


def combinators_of_pieces(n: Stream[int]) -> None:
    n.filter_map(lambda x: x.nope)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownLambdaType]
    n.partition(lambda x: x.nope)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    n.recover_pieces(str, "ValueError")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    n.enumerate("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.skip("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.skip_while(str.isspace)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.take_while(bool, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    n.batch_while(str.startswith)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.tap_pieces(str.upper)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.distinct_until_changed(str.upper)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.take_while(str.isspace)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.window("2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.batch("2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    n.distinct(lambda x: [x])  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    n.on_error(lambda _: 3)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]

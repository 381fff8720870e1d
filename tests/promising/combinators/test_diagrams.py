"""Each combinator in a diagram: its snapshots are a gallery of what comes of which sources, and when.

To add a combinator, add a line to `CASES`, with the combinator's name before the colon, and run
`pytest tests/promising/combinators/test_diagrams.py --snapshot-update`. Look at the picture before you believe it.
"""

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from syrupy.assertion import SnapshotAssertion

import miniagents.promising
from miniagents.promising import (
    Promise,
    PromisingContext,
    Stream,
    StreamedPromise,
    all_settled,
    concat,
    first_ok,
    first_to_speak,
    gather,
    merge,
    race,
    retry,
    retry_stream,
    zip_latest,
)
from miniagents.testing import Delivered, Scenario, marble, marbles, run_marbles


def numbers(diagram: str, name: str = "source") -> Stream[int]:
    return marbles(diagram, values=int, name=name)


def late(value: str) -> str:
    raise KeyError(value)


def cancelled(at: float, promise: Promise[object]) -> Delivered:
    asyncio.get_running_loop().call_later(at, promise.cancel)
    return promise


def in_a_second(value: str) -> Promise[str]:
    return marble(f"-{value}", values=str.upper, name=f"then {value}")


def three_letters(piece: object) -> Stream[str]:
    return marbles(f"{piece}--{piece}--{piece}|", name=f"of {piece}")


def slowly_read(stream: Stream[str], seconds: float) -> Stream[str]:
    async def busy(piece: str) -> str:
        await asyncio.sleep(seconds)
        return piece

    return stream.then_pieces(busy)


def partitioned(source: Stream[int]) -> dict[str, Delivered]:
    small, large = source.partition(lambda piece: piece < 3)
    return {"small": small, "large": large}


def views(source: Stream[int]) -> dict[str, Delivered]:
    total = source.into(sum)
    return {"into(sum)": total, ".pieces()": total.pieces()}


def slow_whole() -> Delivered:
    async def joined(pieces: object) -> str:
        await asyncio.sleep(3)
        return "".join(await source)

    source = marbles("a-b|")
    return StreamedPromise(lambda: aiter(source), joined)


async def slowly(seconds: int) -> int:
    await asyncio.sleep(seconds)
    return seconds


def attempts(*diagrams: str) -> Callable[[], Promise[str]]:
    left = iter(diagrams)
    return lambda: marble(next(left), name="attempt")


def streams(*diagrams: str) -> Callable[[], Stream[str]]:
    left = iter(diagrams)
    return lambda: marbles(next(left), name="attempt")


def read_late(stream: Stream[str]) -> Delivered:
    """What a reader gets who comes when the sources have done what they do without one."""
    return marble("---------x", name="reader").then(lambda _: stream)


CASES: Final[dict[str, Scenario]] = {
    # of one promise
    "resolved": lambda: Promise.resolved("a"),
    "failed": lambda: Promise.failed(ValueError("#")),
    "map": lambda: marble("--a").map(str.upper),
    "map: an error stays": lambda: marble("--#").map(str.upper),
    "map: the function fails": lambda: marble("--a").map(late),
    "map: cancelled": lambda: cancelled(1, marble("--a").map(str.upper)),
    "then": lambda: marble("--a").then(in_a_second),
    "then: an error stays": lambda: marble("--#").then(in_a_second),
    "recover": lambda: marble("--#").recover(lambda error: "r"),
    "recover: another error stays": lambda: marble("--#").recover(lambda error: "r", KeyError),
    "recover: no error": lambda: marble("--a").recover(lambda error: "r"),
    "timeout": lambda: marble("----a").timeout(2),
    "timeout: with a default": lambda: marble("----a").timeout(2, default="d"),
    "timeout: in time": lambda: marble("-a").timeout(2),
    "timeout: never": lambda: marble("---").timeout(5),
    "tap": lambda: marble("--a").tap(str.upper),
    "tap: the function fails": lambda: marble("--a").tap(late),
    "pair": lambda: marble("--a", name="left").map(lambda value: (value,)).pair(marble("-1", values=int, name="right")),
    "starmap": lambda: marble("--a").map(lambda value: (value, 3)).starmap(lambda text, times: text * times),
    "flatten": lambda: marble("--a").map(in_a_second).flatten(),
    # of pieces: each by itself
    "of": lambda: StreamedPromise.of("abc"),
    "into and pieces": lambda: views(numbers("1-2-3|")),
    "into: a whole that takes its time": slow_whole,
    "map_pieces": lambda: marbles("a-b--c|").map_pieces(str.upper),
    "map_pieces: errors stay in place": lambda: numbers("2-#--0-1|").map_pieces(lambda piece: 4 // piece),
    "map_pieces: a source that never ends": lambda: marbles("a-b--c---").map_pieces(str.upper),
    "map_pieces: cancelled": lambda: cancelled(3, marbles("a-b--c|").map_pieces(str.upper)),
    "tap_pieces": lambda: numbers("1-0-#-2|").tap_pieces(lambda piece: 1 // piece),
    "filter": lambda: numbers("1-2-#-3-4|").filter(lambda piece: piece % 2),
    "filter_map": lambda: marbles("a-b-#-c|").filter_map({"a": "A", "c": "C"}.get),
    "recover_pieces": lambda: marbles("a-#-b-#|").recover_pieces(lambda error: "r"),
    "recover_pieces: of one kind": lambda: marbles("a-#-!-b|", errors={"!": KeyError("!")}).recover_pieces(
        lambda error: "r", KeyError
    ),
    "on_error": lambda: marbles("a-#-b|").on_error(lambda error: marbles("x-y|", name="resumed")),
    "on_error: no error": lambda: marbles("a-b|").on_error(lambda error: marbles("x-y|", name="resumed")),
    "partition": lambda: partitioned(numbers("1-4-#-2-3|")),
    "zip": lambda: marbles("a-b---c--d|", name="left").zip(marbles("--1-2-#-3-4|", name="right")),
    "zip: the shorter one ends it": lambda: marbles("abcd|", name="left").zip(marbles("--1-|", name="right")),
    "zip: an end, while the other has nothing": lambda: marbles("a------b|", name="left").zip(
        marbles("-1-|", name="right")
    ),
    "zip: an error, while the other has nothing": lambda: marbles("a------b|", name="left").zip(
        marbles("-1-#2|", name="right")
    ),
    "zip: strict": lambda: marbles("a-b-c|", name="left").zip(marbles("-1-2|", name="right"), strict=True),
    "zip_longest": lambda: marbles("a-b---#--d|", name="left").zip_longest(
        marbles("--1-2-|", name="right"), fillvalue="-"
    ),
    "chain": lambda: marbles("a-b|", name="first").chain(marbles("-x---y|", name="second")),
    "flat_map": lambda: marbles("ab---#c|").flat_map(lambda piece: marbles("1-2|", name=f"inner {piece}")),
    "flat_map: two at a time": lambda: marbles("ab-c-#|").flat_map(three_letters, concurrency=2),
    "flat_map: as they come": lambda: marbles("ab-c-#|").flat_map(three_letters, concurrency=2, ordered=False),
    "switch_map": lambda: marbles("a-b------#-c|").switch_map(three_letters),
    "switch_map: the function fails": lambda: numbers("2-0----1|").switch_map(lambda piece: three_letters(2 // piece)),
    "take_until": lambda: marbles("a-b-#-c-d|").take_until(marble("-------x", name="until")),
    "take_until: an error": lambda: marbles("a-b-c-d|").take_until(marble("---#", name="until")),
    "take_until: the source ends first": lambda: marbles("a-b|").take_until(marble("-----x", name="until")),
    "then_pieces": lambda: marbles("a---(bc)--#--d|").then_pieces(in_a_second),
    "then_pieces: two at a time": lambda: numbers("41-#--2-----|").then_pieces(slowly, concurrency=2),
    "then_pieces: as they finish": lambda: numbers("41-#--2-----|").then_pieces(slowly, concurrency=2, ordered=False),
    "buffer": lambda: read_late(marbles("abcdef|", max_ahead=1).buffer(3)),
    "group_by": lambda: marbles("ab-A-#-Bc|").group_by(str.lower),
    "group_by: the function fails": lambda: numbers("210|").group_by(lambda piece: 2 // piece),
    # of pieces: by their place
    "scan": lambda: numbers("1-2-#-3|").scan(lambda total, piece: total + piece, 0),
    "fold": lambda: numbers("1-2--3|").fold(lambda total, piece: total + piece, 0),
    "fold: an error": lambda: numbers("1-#--3|").fold(lambda total, piece: total + piece, 0),
    "take": lambda: marbles("a-#-b-c-d|").take(2),
    "take: nothing": lambda: marbles("a-b|").take(0),
    "take: of a source that runs at most 1 ahead": lambda: marbles("a-b-c-d|", max_ahead=1).take(2),
    "enumerate": lambda: marbles("a-#-b|").enumerate(1),
    "skip": lambda: marbles("a-#-b-c-d|").skip(2),
    "take_while": lambda: numbers("1-#-2-3-1|").take_while(lambda piece: piece < 3),
    "take_while: inclusive": lambda: numbers("1-#-2-3-1|").take_while(lambda piece: piece < 3, inclusive=True),
    "skip_while": lambda: numbers("1-#-2-3-1|").skip_while(lambda piece: piece < 3),
    "batch": lambda: marbles("a-b--c-#-(de)f|").batch(2),
    "batch: by weight": lambda: numbers("2-1-3-2-#-9|").batch(4, weight=lambda piece: piece),
    "batch_while": lambda: numbers("1-2-4-#-5-6-|").batch_while(lambda piece, following: following == piece + 1),
    "window": lambda: marbles("a-b-#-(cd)|").window(3),
    "distinct": lambda: marbles("a-b-a-#-#-c-b|").distinct(),
    "distinct_until_changed": lambda: marbles("a-a-b-#-b-a|").distinct_until_changed(),
    # of pieces: by their time
    "batch: by time": lambda: marbles("a-b------cde-f------|").batch(3, within=4),
    "throttle": lambda: marbles("a-b-c------d-e----f-#-|").throttle(3),
    "throttle: without trailing": lambda: marbles("a-b-c------d-e----f-#-|").throttle(3, trailing=False),
    "rate_limit": lambda: marbles("abc-#----------de|").rate_limit(0.25),
    "conflate": lambda: slowly_read(marbles("abc-def--#-g|").conflate(), 3),
    "debounce": lambda: marbles("a-b-c-----d--#-e----f|").debounce(3),
    "timeout_pieces: of each": lambda: marbles("a-b---#------c|").timeout_pieces(each=5),
    "timeout_pieces: of the whole": lambda: marbles("a-b-c-d-e|").timeout_pieces(whole=5),
    "timeout_pieces: in time": lambda: marbles("a-b-c|").timeout_pieces(each=5, whole=9),
    # of many
    "gather": lambda: gather(marble("--a", name="first"), marble("-1", values=int, name="second")),
    "gather: the first error": lambda: gather(marble("----a", name="first"), marble("-#", name="second")),
    "race": lambda: race(marble("---a", name="slow"), marble("-b", name="quick")),
    "race: won by an error": lambda: race(marble("---a", name="slow"), marble("-#", name="quick")),
    "first_ok": lambda: first_ok(
        marble("-#", name="first"), marble("---b", name="second"), marble("----c", name="third")
    ),
    "first_ok: none is": lambda: first_ok(marble("-#", name="first"), marble("---#", name="second")),
    "all_settled": lambda: all_settled(marble("--a", name="first"), marble("-#", name="second")),
    "retry": lambda: retry(attempts("-#", "--#", "-a"), backoff=2),
    "retry: too often": lambda: retry(attempts("-#", "--#", "-a"), attempts=2),
    "retry: another error": lambda: retry(attempts("-#", "-a"), errors=OSError),
    "retry: cancelled": lambda: cancelled(4, retry(attempts("-#", "---a"), backoff=2)),
    "retry_stream": lambda: retry_stream(streams("a-#", "b-c-#", "-d-#-e|"), backoff=2),
    "retry_stream: another error": lambda: retry_stream(streams("a-#-b|"), errors=OSError),
    "retry_stream: cancelled": lambda: cancelled(4, retry_stream(streams("a-#", "---b|"), backoff=2)),
    "zip_latest": lambda: zip_latest(marbles("a---b--#--c|", name="left"), marbles("--1-----2----|", name="right")),
    "first_to_speak": lambda: first_to_speak(
        marbles("----a-b|", name="slow"), marbles("-#-c---d|", name="first"), marbles("-|", name="mute")
    ),
    "first_to_speak: none does": lambda: first_to_speak(
        marbles("--#|", name="left"), marbles("-!--|", errors={"!": KeyError("!")}, name="right")
    ),
    "merge": lambda: merge(marbles("a--b--|", name="left"), marbles("-x-y-#z--|", name="right")),
    "merge: cancelled": lambda: cancelled(4, merge(marbles("a--b--|", name="left"), marbles("-x-", name="right"))),
    "concat": lambda: concat(marbles("a-#-b|", name="first"), marbles("-x------y|", name="second")),
}


def combinator(case: str) -> str:
    """The name at the beginning of a case's."""
    return re.split(r"\W", case)[0]


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize("case", CASES)
def test_diagram(case: str, snapshot: SnapshotAssertion) -> None:
    assert run_marbles(CASES[case], result=combinator(case)) == snapshot


@pytest.mark.parametrize("case", CASES)
def test_a_lazy_context_and_another_run_give_the_same_results(case: str) -> None:
    """P2: when the work starts does not matter to a reader who is there from the beginning."""
    first, again = (results_in(run_marbles(CASES[case], result=combinator(case))) for _ in range(2))
    lazy = results_in(run_marbles(CASES[case], result=combinator(case), context=PromisingContext(start_asap=False)))
    assert first == again
    assert lazy == first


def results_in(picture: str) -> list[str]:
    """What came, without the times: sources that nobody reads at once start later when they are lazy."""
    return [line.partition("  = ")[2] or line.partition("  ! ")[2] for line in picture.splitlines()]


# --- nothing is left out ---


def combinators() -> Iterator[str]:
    """The public methods and functions that return promises."""
    functions = [getattr(miniagents.promising, name) for name in miniagents.promising.__all__]
    for function in (*functions, *vars_of(Promise), *vars_of(StreamedPromise)):
        if inspect.isroutine(function) and not function.__name__.startswith("_") and returns_promise(function):
            yield function.__name__


def vars_of(cls: type[object]) -> list[object]:
    return [member for _, member in inspect.getmembers(cls)]


def returns_promise(function: object) -> bool:
    returned = getattr(function, "__annotations__", {}).get("return", "")
    return bool(re.search(r"\b(Promise|Stream|StreamedPromise)\[", str(returned)))


def test_every_combinator_has_a_diagram() -> None:
    known = set(combinators())
    assert {"batch", "failed", "fold", "into", "map", "merge", "of", "partition", "race", "timeout"} <= known
    missing = known - {name for case in CASES for name in shown_in(case)}
    assert not missing, f"add to CASES: {', '.join(sorted(missing))}"


def test_every_case_is_of_a_combinator() -> None:
    assert {combinator(case) for case in CASES} <= set(combinators())


def shown_in(case: str) -> list[str]:
    """The combinators that a case is about: one, or several with `and` between them."""
    return re.split(r" and ", case.partition(":")[0])

"""P10 on the virtual clock: a map in front of a combinator changes no picture.

A map costs a few turns of the loop for each piece, and no time. So a result may depend on the times at which things
happen and on their order, and not on how many turns it takes.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import pytest
from hypothesis import given as for_all, strategies as st

from miniagents.promising import Promise, PromisingContext, Stream
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.stream import piped
from miniagents.testing import marble, marbles, run_marbles
from tests.effort import examples
from tests.promising.laws.cases import each_case
from tests.promising.laws.registry import PIECES, VALUE, Case, Kind, Law
from tests.promising.laws.sources import Given, PieceError

A = TypeVar("A")
B = TypeVar("B")
Q = TypeVar("Q")

pytestmark = pytest.mark.leaves_errors_unread

MOST_MAPS: Final = 3

events = st.sampled_from(["0", "1", "2", "3", "4", "#", "(12)", "(3#)", "(401)"])
timelines = st.lists(events | st.just("-"), max_size=8).map("".join)
streams = st.tuples(timelines, st.sampled_from(["|", "--|", "(5|)", "---"])).map("".join)
promises = st.tuples(st.text("-", max_size=5), st.sampled_from(["0", "1", "2", "#", "--"])).map("".join)


def same(piece: Q) -> Q:
    return piece


async def sleepy(diagram: str, convert: Callable[[int], Q], out: PieceBuffer[Q]) -> AsyncIterator[Q | Failure]:
    for mark in diagram:
        if mark.isdigit():
            yield convert(int(mark))
        elif mark == "#":
            yield out._failure_of(PieceError(0))
        else:
            await asyncio.sleep(1)


@dataclass(eq=False)
class Timed(Given):
    """Sources that give their pieces at the times of diagrams, each with a number of maps behind it.

    Attributes:
        diagrams: the diagrams.
        maps: how many maps are behind each.
        sleepy: streams set no timer before they need it: they sleep from one piece to the next.
    """

    diagrams: Sequence[str] = ()
    maps: Sequence[int] = ()
    sleepy: bool = False
    number: int = 0

    def promise(self) -> Promise[int]:
        diagram, maps = self._next_one("-0")
        promise = marble(diagram, values=int)
        for _ in range(maps):
            promise = promise.map(same)
        return promise

    def slowly(self, fn: Callable[[A], B]) -> Callable[[A], Awaitable[B]]:
        async def slow(argument: A) -> B:
            await asyncio.sleep(2)
            return fn(argument)

        return slow

    def _stream(self, convert: Callable[[int], Q]) -> Stream[Q]:
        diagram, maps = self._next_one("|")
        stream: Stream[Q] = (
            piped(lambda out: sleepy(diagram, convert, out), "source", ())
            if self.sleepy
            else marbles(diagram, values=lambda mark: convert(int(mark)))
        )
        for _ in range(maps):
            stream = stream.map_pieces(same)
        return stream

    def _next_one(self, other: str) -> tuple[str, int]:
        place = self.number
        self.number += 1
        diagram = self.diagrams[place] if place < len(self.diagrams) else other
        return diagram, self.maps[place] if place < len(self.maps) else 0


LIMITED: Final[dict[str, tuple[Kind, Callable[[Given, float], Promise[object]]]]] = {
    "batch": (PIECES, lambda given, limit: given.stream().batch(2, within=limit)),
    "batch: of many": (PIECES, lambda given, limit: given.stream().batch(9, within=limit)),
    "throttle": (PIECES, lambda given, limit: given.stream().throttle(limit)),
    "debounce": (PIECES, lambda given, limit: given.stream().debounce(limit)),
    "debounce: after throttle": (PIECES, lambda given, limit: given.stream().throttle(limit).debounce(limit)),
    "timeout_pieces: of each": (PIECES, lambda given, limit: given.stream().timeout_pieces(each=limit)),
    "timeout_pieces: of the whole": (PIECES, lambda given, limit: given.stream().timeout_pieces(whole=limit)),
    "timeout": (VALUE, lambda given, limit: given.promise().timeout(limit)),
    "timeout: of a whole": (PIECES, lambda given, limit: given.stream().into(sum).timeout(limit)),
    "timeout: of a message": (PIECES, lambda given, limit: given.message().timeout(limit)),
}
"""Combinators with limits that come at the moments at which pieces come."""


def picture(make: Callable[[Given], Promise[object]], given: Timed, *, lazy: bool = False) -> str:
    drawn = run_marbles(lambda: make(given), until=60, context=PromisingContext(start_asap=not lazy))
    return re.sub(r"'source(\.map|\.map_pieces)+'", "'source'", drawn)  # errors name what they are about


@each_case(Law.MODEL)
@examples(15)
@for_all(drawn=st.data())
def test_p10_a_map_in_front_changes_no_picture(case: Case, drawn: st.DataObject) -> None:
    diagrams = [drawn.draw(promises if kind is VALUE else streams) for kind in case.takes]
    maps = [drawn.draw(st.integers(0, MOST_MAPS)) for _ in case.takes]
    mapped = picture(case.make, Timed([], diagrams=diagrams, maps=maps))
    assert mapped == picture(case.make, Timed([], diagrams=diagrams))


@pytest.mark.parametrize("limited", LIMITED)
@examples(60)
@for_all(
    drawn=st.data(),
    limit=st.integers(1, 4),  # asyncio sets no timer for a timeout of 0: it ends at the next turn of the loop
    maps=st.integers(1, MOST_MAPS),
    lazy=st.booleans(),
    is_sleepy=st.booleans(),
)
def test_p10_a_map_in_front_of_what_has_a_limit_changes_no_picture(
    limited: str, drawn: st.DataObject, limit: int, maps: int, lazy: bool, is_sleepy: bool
) -> None:
    kind, make = LIMITED[limited]
    diagrams = [drawn.draw(promises if kind is VALUE else streams)]

    def limited_to(given: Given) -> Promise[object]:
        return make(given, limit)

    mapped = picture(limited_to, Timed([], diagrams=diagrams, maps=[maps], sleepy=is_sleepy), lazy=lazy)
    assert mapped == picture(limited_to, Timed([], diagrams=diagrams, sleepy=is_sleepy), lazy=lazy)


@each_case(Law.MODEL)
@examples(5)
@for_all(drawn=st.data())
def test_p10_a_map_in_front_of_all_lazy_sources_changes_no_picture(case: Case, drawn: st.DataObject) -> None:
    """Which of several lazy sources starts first does depend on the maps; so each has as many."""
    diagrams = [drawn.draw(promises if kind is VALUE else streams) for kind in case.takes]
    mapped = picture(case.make, Timed([], diagrams=diagrams, maps=[MOST_MAPS] * len(diagrams)), lazy=True)
    assert mapped == picture(case.make, Timed([], diagrams=diagrams), lazy=True)

"""P1, P3, P4, P5: each combinator gives what plain Python gives, errors in their places, to all its readers."""

import asyncio

import pytest
from hypothesis import given as for_all, strategies as st

from miniagents.promising import Promise, PromisingContext
from miniagents.promising.core.pieces import FAIR_SHARE
from tests.effort import examples
from tests.promising.laws.cases import each_case
from tests.promising.laws.registry import VALUE, Case, Law, first_error
from tests.promising.laws.sources import (
    BAD,
    ODD,
    CtrlC,
    Given,
    Manner,
    OddError,
    Outcome,
    PieceError,
    Script,
    is_stream,
    outcome_of,
    outcomes,
    turns,
)

pytestmark = pytest.mark.virtual_clock

errors = st.builds(PieceError, st.integers(1, 3)) | st.builds(OddError, st.integers(1, 3))
pieces = st.integers(0, 6) | st.sampled_from([BAD, ODD]) | errors
scripts_of_all = st.lists(st.lists(pieces, min_size=1, max_size=7), min_size=3, max_size=3)
manners = st.builds(
    Manner,
    lazy=st.booleans(),
    max_ahead=st.none() | st.integers(1, 3),
    pause=st.integers(0, 2),
    ready=st.booleans(),
    foreign=st.booleans(),
)


MANNERS = {"made": Manner(), "ready": Manner(ready=True), "foreign": Manner(foreign=True)}


def scripts_for(case: Case, drawn: list[list[int | BaseException]], empty: int) -> list[Script]:
    """One outcome for each promise of one value; one of the streams may be empty."""
    return [
        script[:1] if kind is VALUE else () if place == empty else script
        for place, (kind, script) in enumerate(zip(case.takes, drawn, strict=False))
    ]


async def expect_whole(case: Case, result: Promise[object], given: Given, read: list[Outcome]) -> None:
    """What awaiting gives, the same object each time."""
    whole = await outcome_of(result)
    assert await outcome_of(result) is whole
    if case.whole is not None:
        assert [whole] == list(case.whole(given.effective()))
    elif is_stream(result):
        assert whole is first_error(read) or whole == tuple(read)


def same_objects(some: list[Outcome], others: list[Outcome]) -> bool:
    return [id(piece) for piece in some] == [id(piece) for piece in others]


@pytest.mark.leaves_errors_unread
@each_case(Law.MODEL)
@examples(15)
@for_all(drawn=scripts_of_all, empty=st.integers(0, 6), manner=manners, moment=st.integers(0, 12))
async def test_p4_all_readers_get_what_plain_python_gives(
    case: Case, drawn: list[list[int | BaseException]], empty: int, manner: Manner, moment: int
) -> None:
    async with PromisingContext():
        given = Given(scripts_for(case, drawn, empty), manner)
        result = case.result(given)
        early = asyncio.create_task(outcomes(result))
        left = asyncio.create_task(outcomes(result, 1))
        cancelled = asyncio.create_task(outcomes(result))
        await turns(moment)
        cancelled.cancel()
        in_the_middle = asyncio.create_task(outcomes(result))
        read = await early
        await case.expect(given, read)
        assert same_objects(await left, read[:1])
        assert same_objects(await in_the_middle, read)
        assert same_objects(await outcomes(result), read)
        await expect_whole(case, result, given, read)
        await asyncio.gather(cancelled, return_exceptions=True)
        await turns(3)
        left_open = [
            source for source in given.sources if source.is_foreign() and source.started and not source.stopped
        ]
        assert left_open == []


@each_case(Law.MODEL)
@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
async def test_p4_nothing_is_lost_where_a_share_of_ready_pieces_ends(case: Case, manner: Manner) -> None:
    for count in (FAIR_SHARE - 1, FAIR_SHARE, FAIR_SHARE + 1, 2 * FAIR_SHARE, 2 * FAIR_SHARE + 1):
        async with PromisingContext():
            given = Given(case.numbers(count), manner)
            result = case.result(given)
            read = await outcomes(result)
            await case.expect(given, read)
            await expect_whole(case, result, given, read)


@pytest.mark.leaves_errors_unread
@each_case(Law.MODEL)
async def test_p5_an_error_at_any_position_is_where_the_docstring_says(case: Case) -> None:
    for kind in (PieceError, OddError):
        for source, script in enumerate(case.plain()):
            for position in range(len(script) + 1):
                scripts = case.plain()
                changed = [*script[:position], kind(1), *script[position:], kind(2)]
                scripts[source] = changed[-1:] if case.takes[source] is VALUE else changed
                async with PromisingContext():
                    given = Given(scripts)
                    result = case.result(given)
                    read = await outcomes(result)
                    await case.expect(given, read)
                    await expect_whole(case, result, given, read)


@pytest.mark.leaves_errors_unread
@each_case(Law.MODEL)
async def test_p5_a_function_that_fails_leaves_its_error_in_the_place_of_the_piece(case: Case) -> None:
    for refused in (BAD, ODD):
        for source in range(len(case.takes)):
            scripts = case.plain()
            scripts[source] = (refused,) if case.takes[source] is VALUE else (*scripts[source], refused, 4, 5, 6)
            async with PromisingContext():
                given = Given(scripts)
                result = case.result(given)
                read = await outcomes(result)
                await case.expect(given, read)
                await expect_whole(case, result, given, read)


# --- what is logged ---


def with_error(case: Case) -> list[Script]:
    scripts = case.plain()
    scripts[0] = [PieceError(9)] if case.takes[0] is VALUE else [scripts[0][0], PieceError(9), *scripts[0][1:]]
    return scripts


@each_case(Law.UNREAD)
async def test_a3_an_error_that_nobody_reads_is_logged_once(case: Case, logged: list[str]) -> None:
    async with PromisingContext():
        result = case.result(Given(with_error(case)))
    del result
    assert [line for line in logged if "PieceError(9)" in line] == logged
    assert len(logged) == 1


@each_case(Law.UNREAD)
async def test_a3_an_error_that_is_read_is_not_logged(case: Case, logged: list[str]) -> None:
    async with PromisingContext():
        result = case.result(Given(with_error(case)))
        assert PieceError(9) in await outcomes(result)
    async with PromisingContext():
        result = case.result(Given(with_error(case)))
        assert await outcome_of(result) == PieceError(9)
    del result
    assert logged == []


@each_case(Law.INTERRUPT)
async def test_p8_ctrl_c_in_a_source_ends_the_context(case: Case, logged: list[str]) -> None:
    scripts = case.plain()
    scripts[0] = [CtrlC()] if case.takes[0] is VALUE else [scripts[0][0], CtrlC(), 2]

    async def body() -> None:
        async with PromisingContext():
            await outcomes(case.result(Given(scripts)))
            await asyncio.Event().wait()

    with pytest.raises(CtrlC):
        await body()
    assert logged == []

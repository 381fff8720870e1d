"""The cases of streams that are put together; what most of them give depends on time and on readers."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from miniagents.promising import first_to_speak, retry_stream
from tests.promising.laws.cases_of_pieces import OWNED, each_to_the_next, repeated, stream_of_repeated
from tests.promising.laws.models import flat, one, same
from tests.promising.laws.registry import PIECES, VALUE, Case, Law
from tests.promising.laws.sources import Outcome, Script

ENDS_EARLY: Final = {
    Law.RESPONSIVE: "it ends early",
    Law.BOUNDED: "it ends early",
    Law.UNREAD: "it may end before the error",
}
DROPS: Final = "it reads on, and drops what is old"
MADE_BY_ITSELF: Final = {
    Law.LAZY: "what it is made of is made by itself",
    Law.SHARED: "a stream that its function made belongs to it",
    Law.HELD: OWNED,
}


def errors_of(outcomes: Sequence[Outcome]) -> list[BaseException]:
    return [outcome for outcome in outcomes if isinstance(outcome, BaseException)]


def pieces_of(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def is_in(some: Sequence[Outcome], script: Sequence[Outcome]) -> bool:
    """Whether a script has these, in their order and perhaps others between them."""
    left = iter(script)
    return all(any(piece == other for other in left) for piece in some)


def retried(scripts: Sequence[Script]) -> Iterator[Outcome]:
    """An `Exception` is a border to the next script, unless it comes behind another error, or in the last one."""
    for number, script in enumerate(scripts, 1):
        is_final = number == len(scripts)
        for piece in script:
            if isinstance(piece, Exception) and not is_final:
                break
            is_final = is_final or isinstance(piece, BaseException)
            yield piece
        else:
            return


def speaks_first(scripts: Sequence[Script], got: Sequence[Outcome]) -> bool:
    """All of a script that has a piece; if none has, the errors of all."""
    that_speak = [list(script) for script in scripts if pieces_of(script)]
    return list(got) in that_speak if that_speak else list(got) == [error for script in scripts for error in script]


def ends_with_promise(scripts: Sequence[Script], got: Sequence[Outcome]) -> bool:
    """The script up to a place, with the error of the promise behind it; or all of it."""
    script, (outcome, *_) = scripts
    error = errors_of([outcome])
    return list(got) == list(script) or any(list(got) == [*script[:place], *error] for place in range(len(script) + 1))


def keeps_latest(scripts: Sequence[Script], got: Sequence[Outcome]) -> bool:
    """All errors, and of the pieces between two of them at least the last."""
    (script,) = scripts
    least = [
        piece
        for place, piece in enumerate(script)
        if isinstance(piece, BaseException) or isinstance([*script, ValueError()][place + 1], BaseException)
    ]
    return is_in(got, script) and is_in(least, got)


def switches(inner: Callable[[int], list[int]]) -> Callable[[Sequence[Script], Sequence[Outcome]], bool]:
    """The errors of the source, and of the pieces of all streams at least those of the last."""

    def judge(scripts: Sequence[Script], got: Sequence[Outcome]) -> bool:
        (script,) = scripts
        most = list(flat(inner)(scripts))
        last = [piece for piece in script if isinstance(piece, int)][-1:]
        of_last = list(flat(inner)([last]))
        return (
            is_in(pieces_of(got), pieces_of(most))
            and is_in(errors_of(script), errors_of(got))
            and all(error in errors_of(most) for error in errors_of(got))
            and pieces_of(got)[len(pieces_of(got)) - len(pieces_of(of_last)) :] == pieces_of(of_last)
        )

    return judge


def switches_to_the_next(scripts: Sequence[Script], got: Sequence[Outcome]) -> bool:
    """The errors of the first script; of the other the beginning, or all if there is one piece that it is made of."""
    first, second, *_ = scripts  # behind the second one they are empty
    rest = [outcome for outcome in got if outcome not in errors_of(first)]
    count = len(pieces_of(first))
    return is_in(errors_of(first), got) and is_in(rest, second) and (count != 1 or pieces_of(rest) == pieces_of(second))


def zips(*, strict: bool = False) -> Callable[[Sequence[Script], Sequence[Outcome]], bool]:
    """Tuples up to the end of the shortest, or one of the errors of a place; one that is not of a pair may come too.

    Where the scripts have no more for a tuple, but one of them has an error, this may be seen before the end.
    """

    def judge(scripts: Sequence[Script], got: Sequence[Outcome]) -> bool:
        rows = list(zip(*scripts, strict=False))
        behind = [script[len(rows)] for script in scripts if len(script) > len(rows)]
        rest = list(got[len(rows) :])
        ends_right = len(rest) == 1 and isinstance(rest[0], ValueError) if strict and behind else not rest
        return all(map(fits_row, rows, got)) and len(got) >= len(rows) and (ends_right or is_last_error(rest, behind))

    def is_last_error(rest: Sequence[Outcome], behind: Sequence[Outcome]) -> bool:
        """Whether it read on behind an error that it saw before the end."""
        return bool(rest) and rest[0] in errors_of(behind)

    return judge


def fits_row(row: Sequence[Outcome], outcome: Outcome) -> bool:
    return outcome in errors_of(row) if errors_of(row) else outcome == tuple(row)


def zips_longest(scripts: Sequence[Script], got: Sequence[Outcome]) -> bool:
    rows = list(itertools.zip_longest(*scripts, fillvalue=0))
    return len(got) == len(rows) and all(map(fits_row, rows, got))


CASES: Final = (
    Case(
        combinator="StreamedPromise.zip",
        takes=[PIECES, PIECES],
        make=lambda given: given.stream().zip(given.iterable()),
        judge=zips(),
    ),
    Case(
        combinator="StreamedPromise.zip",
        variant="of three",
        takes=[PIECES, PIECES, PIECES],
        make=lambda given: given.stream().zip(given.iterable(), given.iterable()),
        judge=zips(),
    ),
    Case(
        combinator="StreamedPromise.zip",
        variant="of one",
        make=lambda given: given.stream().zip(),
        gives=one(lambda script: [piece if isinstance(piece, BaseException) else (piece,) for piece in script]),
    ),
    Case(
        combinator="StreamedPromise.zip",
        variant="strictly",
        takes=[PIECES, PIECES],
        make=lambda given: given.stream().zip(given.iterable(), strict=True),
        judge=zips(strict=True),
        exempt={Law.UNREAD: "another length is an error of its own"},
    ),
    Case(
        combinator="StreamedPromise.zip_longest",
        takes=[PIECES, PIECES, PIECES],
        make=lambda given: given.stream().zip_longest(given.iterable(), given.iterable(), fillvalue=0),
        judge=zips_longest,
    ),
    Case(
        combinator="StreamedPromise.flat_map",
        variant="three at once",
        make=lambda given: given.stream().flat_map(stream_of_repeated, concurrency=3),
        gives=flat(repeated),
        needs=lambda count: count + 6,
    ),
    Case(
        combinator="StreamedPromise.flat_map",
        variant="all at once",
        make=lambda given: given.stream().flat_map(stream_of_repeated, concurrency=None),
        gives=flat(repeated),
        needs=lambda count: 2 * count + 2,
    ),
    Case(
        combinator="StreamedPromise.flat_map",
        variant="three at once, as they come",
        make=lambda given: given.stream().flat_map(stream_of_repeated, concurrency=3, ordered=False),
        gives=flat(repeated),
        ordered=False,
        needs=lambda count: count + 6,
    ),
    Case(
        combinator="StreamedPromise.flat_map",
        variant="all at once, as they come",
        make=lambda given: given.stream().flat_map(stream_of_repeated, concurrency=None, ordered=False),
        gives=flat(repeated),
        ordered=False,
        needs=lambda count: 2 * count + 2,
    ),
    Case(
        combinator="StreamedPromise.flat_map",
        variant="to two other streams",
        takes=[PIECES, PIECES, PIECES],
        scripts=[(1, 1), (2, 3, 4), (5,)],
        make=lambda given: given.stream().flat_map(lambda _: given.iterable(), concurrency=2),
        gives=each_to_the_next,
        needs=lambda count: count + 2,
        exempt={Law.HELD: OWNED},
    ),
    Case(
        combinator="StreamedPromise.flat_map",
        variant="to two other streams, as they come",
        takes=[PIECES, PIECES, PIECES],
        scripts=[(1, 1), (2, 3, 4), (5,)],
        make=lambda given: given.stream().flat_map(lambda _: given.iterable(), concurrency=2, ordered=False),
        gives=each_to_the_next,
        ordered=False,
        needs=lambda count: count + 3,
        exempt={Law.HELD: OWNED},
    ),
    Case(
        combinator="StreamedPromise.switch_map",
        make=lambda given: given.stream().switch_map(stream_of_repeated),
        judge=switches(repeated),
        exempt={Law.BOUNDED: DROPS},
    ),
    Case(
        combinator="StreamedPromise.switch_map",
        variant="to another stream",
        takes=[PIECES, PIECES],
        scripts=[(1,), (2, 3, 4)],
        make=lambda given: given.stream().switch_map(lambda _: given.iterable()),
        judge=switches_to_the_next,
        exempt={Law.BOUNDED: DROPS, Law.RESPONSIVE: "one stream in many is read", Law.HELD: OWNED},
    ),
    Case(
        combinator="StreamedPromise.take_until",
        takes=[PIECES, VALUE],
        make=lambda given: given.stream().take_until(given.promise()),
        judge=ends_with_promise,
        exempt=ENDS_EARLY,
    ),
    Case(
        combinator="StreamedPromise.conflate",
        make=lambda given: given.stream().conflate(),
        judge=keeps_latest,
        exempt={Law.BOUNDED: DROPS},
    ),
    Case(
        combinator="first_to_speak",
        takes=[PIECES, PIECES, PIECES],
        make=lambda given: first_to_speak(given.stream(), given.iterable(), given.iterable()),
        judge=speaks_first,
        exempt={**ENDS_EARLY, Law.LETTING_GO: "the streams that lose are cancelled at once"},
    ),
    Case(
        combinator="first_to_speak",
        variant="of one",
        make=lambda given: first_to_speak(given.iterable()),
        gives=one(same),
        needs=lambda count: count + 1,
    ),
    Case(
        combinator="retry_stream",
        takes=[PIECES, PIECES, PIECES],
        make=lambda given: retry_stream(given.iterable),
        gives=retried,
        exempt={
            **MADE_BY_ITSELF,
            Law.UNREAD: "it reads the errors",
            Law.RESPONSIVE: "one attempt is enough",
            Law.BOUNDED: "it takes over no bound before it has made its first stream",
        },
    ),
    Case(
        combinator="retry_stream",
        variant="once",
        make=lambda given: retry_stream(given.iterable, attempts=1),
        gives=one(same),
        exempt={
            **MADE_BY_ITSELF,
            Law.BOUNDED: "it takes over no bound before it has made its first stream",
        },
    ),
)

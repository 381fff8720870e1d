"""The cases of promises of one value, and of many."""

from typing import Final

from miniagents.promising import Err, Ok, Promise, all_settled, first_ok, gather, race, retry
from tests.promising.laws.models import all_or_error, each, first_try, first_value, in_a_row, one, replaced, same
from tests.promising.laws.registry import VALUE, Case, Law
from tests.promising.laws.sources import OddError, PieceError, refuse


def double(number: int) -> int:
    refuse(number)
    return 2 * number


def number_of(error: BaseException) -> int:
    return error.number if isinstance(error, PieceError | OddError) else -1


def tapped(number: int) -> int:
    refuse(number)
    return number


CASES: Final = (
    Case(
        combinator="Promise.map",
        takes=[VALUE],
        make=lambda given: given.promise().map(double),
        gives=each(double),
    ),
    Case(
        combinator="Promise.then",
        takes=[VALUE],
        make=lambda given: given.promise().then(given.slowly(double)),
        gives=each(double),
        calls=True,
    ),
    Case(
        combinator="Promise.recover",
        takes=[VALUE],
        make=lambda given: given.promise().recover(number_of),
        gives=replaced(number_of, Exception),
        exempt={Law.UNREAD: "it reads the error", Law.DEADLOCK: "it recovers from it"},
    ),
    Case(
        combinator="Promise.recover",
        variant="of a class",
        takes=[VALUE],
        make=lambda given: given.promise().recover(number_of, OddError),
        gives=replaced(number_of, OddError),
    ),
    Case(
        combinator="Promise.timeout",
        takes=[VALUE],
        make=lambda given: given.promise().timeout(3600),
        gives=one(same),
    ),
    Case(
        combinator="Promise.timeout",
        variant="with a default",
        takes=[VALUE],
        make=lambda given: given.promise().timeout(3600, default=None),
        gives=one(same),
    ),
    Case(
        combinator="Promise.tap",
        takes=[VALUE],
        make=lambda given: given.promise().tap(refuse),
        gives=each(tapped),
    ),
    Case(
        combinator="Promise.pair",
        takes=[VALUE, VALUE],
        make=lambda given: given.promise().map(lambda number: (number,)).pair(given.promise()),
        gives=all_or_error,
    ),
    Case(
        combinator="Promise.starmap",
        takes=[VALUE],
        make=lambda given: given.promise().map(lambda number: (number,)).starmap(double),
        gives=each(double),
    ),
    Case(
        combinator="Promise.flatten",
        takes=[VALUE],
        make=lambda given: given.promise().map(Promise.resolved).flatten(),
        gives=one(same),
    ),
    Case(
        combinator="Promise.flatten",
        variant="of a promise that is made by a function",
        takes=[VALUE, VALUE],
        make=lambda given: given.promise().map(lambda _: given.promise()).flatten(),
        gives=lambda scripts: scripts[0] if isinstance(scripts[0][0], BaseException) else scripts[1],
    ),
    Case(
        combinator="Promise.resolved",
        takes=[],
        make=lambda _: Promise.resolved(1),
        gives=lambda _: [1],
    ),
    Case(
        combinator="Promise.failed",
        takes=[],
        make=lambda _: Promise.failed(PieceError(1)),
        gives=lambda _: [PieceError(1)],
    ),
    Case(
        combinator="gather",
        takes=[VALUE, VALUE, VALUE],
        make=lambda given: gather(given.promise(), given.promise(), given.promise()),
        gives=all_or_error,
    ),
    Case(
        combinator="gather",
        variant="of nothing",
        takes=[],
        make=lambda _: gather(),
        gives=all_or_error,
    ),
    Case(
        combinator="race",
        takes=[VALUE, VALUE],
        make=lambda given: race(given.promise(), given.promise()),
        gives=lambda scripts: list(in_a_row(scripts))[:1],
    ),
    Case(
        combinator="first_ok",
        takes=[VALUE, VALUE, VALUE],
        make=lambda given: first_ok(given.promise(), given.promise(), given.promise()),
        gives=first_value,
        exempt={Law.UNREAD: "it reads the errors"},
    ),
    Case(
        combinator="all_settled",
        takes=[VALUE, VALUE, VALUE],
        make=lambda given: all_settled(given.promise(), given.promise(), given.promise()),
        gives=lambda scripts: [
            tuple(Err(piece) if isinstance(piece, BaseException) else Ok(piece) for piece in in_a_row(scripts))
        ],
        exempt={Law.UNREAD: "it reads the errors"},
    ),
    Case(
        combinator="retry",
        takes=[VALUE, VALUE, VALUE],
        make=lambda given: retry(given.promise),
        gives=first_try,
        exempt={
            Law.UNREAD: "it reads the errors",
            Law.LAZY: "what it is made of is made by itself",
            Law.SHARED: "an attempt that its function made belongs to it",
            Law.HELD: "an attempt that its function made belongs to it",
        },
    ),
    Case(
        combinator="retry",
        variant="once",
        takes=[VALUE],
        make=lambda given: retry(given.promise, attempts=1),
        gives=first_try,
        exempt={
            Law.LAZY: "what it is made of is made by itself",
            Law.SHARED: "an attempt that its function made belongs to it",
            Law.HELD: "an attempt that its function made belongs to it",
        },
    ),
)

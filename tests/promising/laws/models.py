"""Plain Python that does with lists what combinators do with streams; an exception in a list is an error there."""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from tests.promising.laws.registry import Model, first_error
from tests.promising.laws.sources import AllError, Outcome, Script, is_tuple

A = TypeVar("A")


class SomeValueError(Exception):
    """Equal to any `ValueError`, whatever it says."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValueError)

    def __hash__(self) -> int:
        return 0


def one(model: Callable[[Script], Iterable[Outcome]]) -> Model:
    """The model of a combinator of one source."""
    return lambda scripts: model(scripts[0])


def two(model: Callable[[Script, Script], Iterable[Outcome]]) -> Model:
    """The model of a combinator of two sources."""
    return lambda scripts: model(scripts[0], scripts[1])


def tried(fn: Callable[[int], object], piece: int | BaseException) -> Outcome:
    """What a function makes of a piece, or the error that it raises; an error stays an error."""
    if isinstance(piece, BaseException):
        return piece
    try:
        return fn(piece)
    except BaseException as error:  # noqa: BLE001 - an error takes the place of the piece
        return error


def each(fn: Callable[[int], object]) -> Model:
    """A piece for each piece."""
    return one(lambda script: [tried(fn, piece) for piece in script])


def same(script: Script) -> Iterable[Outcome]:
    return script


def in_a_row(scripts: Sequence[Script]) -> Iterable[Outcome]:
    return itertools.chain(*scripts)


def kept(keep: Callable[[int], bool]) -> Model:
    """The pieces for which a function says yes, and its errors."""

    def filtered(script: Script) -> Iterator[Outcome]:
        for piece in script:
            verdict = tried(keep, piece)
            if isinstance(verdict, BaseException):
                yield verdict
            elif verdict:
                yield piece

    return one(filtered)


def replaced(by: Callable[[BaseException], Outcome], *errors: type[BaseException]) -> Model:
    """Something else in the place of each error of the given classes."""
    return one(lambda script: [by(piece) if isinstance(piece, errors) else piece for piece in script])


def up_to_error(script: Iterable[Outcome], *errors: type[BaseException]) -> Iterator[Outcome]:
    """What comes before the first error of the given classes."""
    return itertools.takewhile(lambda piece: not isinstance(piece, errors), script)


def resumed(following: Callable[[BaseException], Iterable[Outcome]]) -> Callable[[Sequence[Script]], Iterable[Outcome]]:
    """Another script from the first `Exception` on."""

    def model(scripts: Sequence[Script]) -> Iterator[Outcome]:
        for piece in scripts[0]:
            if isinstance(piece, Exception):
                yield from following(piece)
                return
            yield piece

    return model


def flat(inner: Callable[[int], Iterable[Outcome]]) -> Model:
    """The pieces of what a function makes of each piece."""

    def flattened(script: Script) -> Iterator[Outcome]:
        for piece in script:
            made = tried(inner, piece)
            if isinstance(made, BaseException):
                yield made
            else:
                yield from inner(piece) if isinstance(piece, int) else ()

    return one(flattened)


def scanned(fn: Callable[[int, int], int], initial: int) -> Model:
    def results(script: Script) -> Iterator[Outcome]:
        result = initial
        for piece in script:
            made = tried(lambda number: fn(result, number), piece)  # noqa: B023 - it is called at once
            result = made if isinstance(made, int) else result
            yield made

    return one(results)


def folded(fn: Callable[[int, int], int], initial: int) -> Model:
    """The last result, or the first error."""

    def last(scripts: Sequence[Script]) -> list[Outcome]:
        results = list(scanned(fn, initial)(scripts))
        return [first_error(results) or (results[-1] if results else initial)]

    return last


def taken(count: int) -> Model:
    def first(script: Script) -> Iterator[Outcome]:
        left = count
        for piece in script:
            if left:
                yield piece
                left -= not isinstance(piece, BaseException)

    return one(first)


def skipped(count: int) -> Model:
    def rest(script: Script) -> Iterator[Outcome]:
        left = count
        for piece in script:
            if isinstance(piece, BaseException) or not left:
                yield piece
            else:
                left -= 1

    return one(rest)


def taken_while(goes_on: Callable[[int], bool], *, inclusive: bool = False) -> Model:
    def first(script: Script) -> Iterator[Outcome]:
        for piece in script:
            verdict = tried(goes_on, piece)
            if isinstance(verdict, BaseException):
                yield verdict
            elif verdict:
                yield piece
            else:
                yield from [piece] * inclusive
                return

    return one(first)


def skipped_while(goes_on: Callable[[int], bool]) -> Model:
    def rest(script: Script) -> Iterator[Outcome]:
        skipping = True
        for piece in script:
            verdict = tried(goes_on, piece) if skipping else False
            if isinstance(verdict, BaseException):
                yield verdict
            elif not verdict:
                skipping = False
                yield piece

    return one(rest)


def numbered(start: int) -> Model:
    def with_numbers(script: Script) -> Iterator[Outcome]:
        number = itertools.count(start)
        for piece in script:
            yield piece if isinstance(piece, BaseException) else (next(number), piece)

    return one(with_numbers)


def batched(size: int) -> Model:
    """An error comes after the pieces before it, as a shorter tuple."""

    def batches(script: Script) -> Iterator[Outcome]:
        for is_error, run in itertools.groupby(script, lambda piece: isinstance(piece, BaseException)):
            pieces = list(run)
            if is_error:
                yield from pieces
            else:
                yield from (tuple(pieces[place : place + size]) for place in range(0, len(pieces), size))

    return one(batches)


def batched_by_weight(size: int, weight: Callable[[int], int]) -> Model:
    """As many pieces as fit together, but at least one."""

    def batches(script: Script) -> Iterator[Outcome]:
        batch: list[int] = []
        for piece in script:
            weighed = tried(weight, piece)
            if batch and (isinstance(weighed, BaseException) or sum(map(weight, [*batch, as_number(piece)])) > size):
                yield tuple(batch)
                batch = []
            if isinstance(weighed, BaseException):
                yield weighed
                continue
            batch.append(as_number(piece))
            if sum(map(weight, batch)) >= size:
                yield tuple(batch)
                batch = []
        if batch:
            yield tuple(batch)

    return one(batches)


def as_number(piece: int | BaseException) -> int:
    assert isinstance(piece, int)
    return piece


def batched_while(belongs: Callable[[int, int], bool]) -> Model:
    """An error, of the function as well, is a border between two batches."""

    def batches(script: Script) -> Iterator[Outcome]:
        batch: list[int] = []
        for piece in script:
            verdict = tried(functools.partial(belongs, batch[-1]), piece) if batch else piece
            if batch and (isinstance(verdict, BaseException) or not verdict):
                yield tuple(batch)
                batch = []
            if isinstance(verdict, BaseException):
                yield verdict
            else:
                batch.append(as_number(piece))
        if batch:
            yield tuple(batch)

    return one(batches)


def windows(size: int) -> Model:
    """Errors do not count."""

    def overlapping(script: Script) -> Iterator[Outcome]:
        pieces: list[int] = []
        for piece in script:
            if isinstance(piece, BaseException):
                yield piece
                continue
            pieces.append(piece)
            if len(pieces) >= size:
                yield tuple(pieces[-size:])

    return one(overlapping)


def distinct(key: Callable[[int], object]) -> Model:
    def new(script: Script) -> Iterator[Outcome]:
        known: list[object] = []
        for piece in script:
            its_key = tried(key, piece)
            if isinstance(its_key, BaseException):
                yield its_key
            elif its_key not in known:
                known.append(its_key)
                yield piece

    return one(new)


def changed(key: Callable[[int], object]) -> Model:
    """The pieces whose key is not that of the piece kept before."""

    def new(script: Script) -> Iterator[Outcome]:
        last: list[object] = []
        for piece in script:
            its_key = tried(key, piece)
            if isinstance(its_key, BaseException):
                yield its_key
            elif [its_key] != last:
                last = [its_key]
                yield piece

    return one(new)


def all_or_error(scripts: Sequence[Script]) -> list[Outcome]:
    """The values of promises, or the first error among them."""
    outcomes = list(in_a_row(scripts))
    return [first_error(outcomes) or tuple(outcomes)]


def first_value(scripts: Sequence[Script]) -> list[Outcome]:
    """The first that is no error, or all errors."""
    outcomes = list(in_a_row(scripts))
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    return [next((outcome for outcome in outcomes if not isinstance(outcome, BaseException)), AllError(errors))]


def first_try(scripts: Sequence[Script]) -> list[Outcome]:
    """The first that is no `Exception`, or the last."""
    outcomes = list(in_a_row(scripts))
    return [next((outcome for outcome in outcomes if not isinstance(outcome, Exception)), outcomes[-1])]


def grouped(key: Callable[[int], object]) -> Model:
    """Each key with its pieces. An error of the source is in all groups that are there by then."""

    def groups(script: Script) -> list[Outcome]:
        found: dict[object, list[Outcome]] = {}
        result: list[Outcome] = []
        for piece in script:
            its_key = tried(key, piece)
            if isinstance(piece, BaseException):
                for group in found.values():
                    group.append(piece)
            if isinstance(its_key, BaseException):
                result.append(its_key)
            elif its_key in found:
                found[its_key].append(piece)
            else:
                found[its_key] = [piece]
                result.append((its_key, found[its_key]))
        return result

    return one(groups)


def throttled(script: Script) -> Iterator[Outcome]:
    """Where all comes at once: the first piece, the last, and the last before each error."""
    pieces = 0
    for place, piece in enumerate(script):
        is_last = place + 1 == len(script) or isinstance(script[place + 1], BaseException)
        if isinstance(piece, BaseException) or is_last or not pieces:
            yield piece
        pieces += not isinstance(piece, BaseException)


def throttled_first(script: Script) -> Iterator[Outcome]:
    """Where all comes at once: the first piece, and the errors."""
    pieces = 0
    for piece in script:
        if isinstance(piece, BaseException) or not pieces:
            yield piece
        pieces += not isinstance(piece, BaseException)


def debounced(script: Script) -> Iterator[Outcome]:
    """Where all comes at once: the last piece, and the last before each error."""
    for place, piece in enumerate(script):
        is_last = place + 1 == len(script) or isinstance(script[place + 1], BaseException)
        if isinstance(piece, BaseException) or is_last:
            yield piece


def combines_latest(scripts: Sequence[Script], got: Sequence[Outcome]) -> bool:
    """Tuples that go on in one place at a time; all errors, unless a stream that gave no piece ended it before them."""
    pieces = [[piece for piece in script if not isinstance(piece, BaseException)] for script in scripts]
    errors = [piece for script in scripts for piece in script if isinstance(piece, BaseException)]
    tuples = [piece for piece in got if is_tuple(piece)]
    rest = [piece for piece in got if not is_tuple(piece)]
    if not all(pieces):
        return not tuples and all(error in errors for error in rest)
    steps = itertools.pairwise(tuples)
    return (
        sorted(map(repr, rest)) == sorted(map(repr, errors))
        and len(tuples) >= 1
        and tuples[-1] == tuple(those[-1] for those in pieces)
        and all(_is_in(those, column) for those, column in zip(pieces, zip(*tuples, strict=True), strict=True))
        and all(sum(new is not old for new, old in zip(*step, strict=True)) <= 1 for step in steps)
    )


def _is_in(pieces: Iterable[Outcome], column: Iterable[Outcome]) -> bool:
    """Whether a column has pieces in their order, any of them left out or more than once."""
    left = iter(pieces)
    current: Outcome = object()
    for piece in column:
        if piece != current:
            if not any(piece == other for other in left):
                return False
            current = piece
    return True

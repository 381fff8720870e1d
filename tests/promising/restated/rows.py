"""What a restated case is: a rule of another library of streams, as marbles, and what ours makes of the same.

All diagrams are in our notation. Pieces that are digits are numbers. The error that ends a stream elsewhere is `(#|)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from miniagents.promising import Promise, PromisingContext, Stream
from miniagents.testing import Delivered, Scenario, marble, marbles

AnyStream: TypeAlias = Stream[Any]  # Any: letters and digits, and each row knows which of them it has
AnyPromise: TypeAlias = Promise[Any]  # Any: as for AnyStream

Results: TypeAlias = Delivered | Mapping[str, Delivered]
"""What an operator makes: one result, or several with labels."""

Lines: TypeAlias = str | Mapping[str, str]
"""The line of the result, or the lines of several results."""

IN_PLACE: Final = "an error is a piece in its place, and the pieces behind it follow (P5)"
NOT_COUNTED: Final = "errors are no pieces: they pass and are not counted"
NOTHING_LOST: Final = "an error drops no piece that came before it: the pieces that wait are given first"
REPLAYED: Final = "a stream runs once, and gives all its pieces to every reader, however late (P4)"
LAST_AT_ONCE: Final = "the end of the stream gives the piece that waits at once, because nothing can follow it"


@dataclass(frozen=True)
class Row:
    """A case.

    Attributes:
        peer: the library, and the name that it has for the operator.
        rule: what the operator does there.
        given: the diagrams of the sources.
        operator: our operator.
        gives: the line of our result, or those of several results by their labels.
        there: what the peer gives, where ours differs.
        differs: why it does.
        is_lazy: whether the sources start when they are read, as they always do elsewhere.
        of_promises: whether the sources are promises of one value.
    """

    peer: str
    rule: str
    given: tuple[str, ...]
    operator: Callable[..., Results]
    gives: Lines
    there: str = ""
    differs: str = ""
    is_lazy: bool = False
    of_promises: bool = False

    def __str__(self) -> str:
        return f"{self.peer}: {self.rule}"

    def scenario(self) -> Scenario:
        """Our operator on the sources."""
        return lambda: self.operator(*[self._source(diagram) for diagram in self.given])

    def context(self) -> PromisingContext:
        """A context in which the sources start as the row says."""
        return PromisingContext(start_asap=not self.is_lazy)

    def _source(self, diagram: str) -> AnyStream | AnyPromise:
        return marble(diagram, values=piece) if self.of_promises else marbles(diagram, values=piece)


def row(
    peer: str,
    rule: str,
    given: str,
    operator: Callable[[AnyStream], Results],
    gives: Lines,
    *,
    there: str = "",
    differs: str = "",
    is_lazy: bool = False,
) -> Row:
    """A case of one stream."""
    return Row(peer, rule, (given,), operator, gives, there, differs, is_lazy)


def row_of_two(
    peer: str,
    rule: str,
    given: tuple[str, str],
    operator: Callable[[AnyStream, AnyStream], Results],
    gives: Lines,
    *,
    there: str = "",
    differs: str = "",
    is_lazy: bool = False,
) -> Row:
    """A case of two streams."""
    return Row(peer, rule, given, operator, gives, there, differs, is_lazy)


def row_of_three(
    peer: str,
    rule: str,
    given: tuple[str, str, str],
    operator: Callable[[AnyStream, AnyStream, AnyStream], Results],
    gives: Lines,
    *,
    there: str = "",
    differs: str = "",
    is_lazy: bool = False,
) -> Row:
    """A case of three streams."""
    return Row(peer, rule, given, operator, gives, there, differs, is_lazy)


def value(
    peer: str,
    rule: str,
    given: str,
    operator: Callable[[AnyPromise], Results],
    gives: Lines,
    *,
    there: str = "",
    differs: str = "",
) -> Row:
    """A case of one promise."""
    return Row(peer, rule, (given,), operator, gives, there, differs, of_promises=True)


def two_values(
    peer: str,
    rule: str,
    given: tuple[str, str],
    operator: Callable[[AnyPromise, AnyPromise], Results],
    gives: Lines,
    *,
    there: str = "",
    differs: str = "",
) -> Row:
    """A case of two promises."""
    return Row(peer, rule, given, operator, gives, there, differs, of_promises=True)


def piece(mark: str) -> object:
    """A number for a digit, else the letter itself."""
    return int(mark) if mark.isdigit() else mark


def inner(diagram: str) -> AnyStream:
    """A stream that an operator makes."""
    return marbles(diagram, values=piece, name="inner", start_asap=False)


def later(diagram: str) -> AnyPromise:
    """A promise that an operator makes."""
    return marble(diagram, values=piece, name="later")


# --- functions for operators ---


def double(number: int) -> int:
    return 2 * number


def is_odd(number: int) -> bool:
    return number % 2 == 1


def is_small(number: int) -> bool:
    return number < 3


def add(total: int, number: int) -> int:
    return total + number


def divide_six(number: int) -> int:
    return 6 // number


def in_a_second(value: Any) -> AnyPromise:  # Any: as for AnyStream
    """The value a unit of time later."""
    return later(f"-{value}")


def after_itself(number: int) -> AnyPromise:
    """A number as many units later as it says."""
    return later(f"{'-' * number}{number}")

"""What a case of a combinator is, and the laws.

A new combinator is one more `Case` in one of the `cases_of_*` modules: how to make a result with it, and what it is
in plain Python, errors as pieces. All laws run over it then. One that cannot apply is named in `exempt`, and why.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Final, TypeAlias

from miniagents.promising import Promise
from tests.promising.laws.sources import Given, Outcome, Script, values

Model: TypeAlias = Callable[[Sequence[Script]], Iterable[Outcome]]
"""What is given for given scripts: the pieces and errors of a stream, the one value or error of any other promise."""


Judge: TypeAlias = Callable[[Sequence[Script], Sequence[Outcome]], bool]
"""Whether something may be given for given scripts."""


class Law(StrEnum):
    """What holds for all combinators."""

    MODEL = auto()
    """The pieces are those of plain Python, and errors stand where the docstring says."""
    UNREAD = auto()
    """An error that nobody reads is logged once."""
    CANCEL = auto()
    """Cancelling the result frees the sources within one turn of the loop and leaves no task."""
    CALLS = auto()
    """Cancelling the result stops the calls of its async functions likewise."""
    LETTING_GO = auto()
    """When nothing holds or reads a result that was let go, its sources are freed; what is held goes on."""
    HELD = auto()
    """A source that somebody holds goes on when the result is let go."""
    PAST_THE_END = auto()
    """A function that cancels the result leaves nothing behind the end."""
    SHARED = auto()
    """A source that somebody else reads goes on when the result is cancelled."""
    LAZY = auto()
    """What is made of lazy sources is lazy."""
    LAZY_CONTEXT = auto()
    """Where promises are lazy by default, so is the result."""
    BOUNDED = auto()
    """What is made of bounded sources is bounded."""
    RESPONSIVE = auto()
    """Ready pieces, however many, leave the loop responsive."""
    ENDING = auto()
    """A context can end while the result is unread or waits."""
    FINISHED = auto()
    """A context waits for an unread result that can be finished."""
    DEADLOCK = auto()
    """A result that waits for itself raises an error."""
    INTERRUPT = auto()
    """Ctrl+C in a source ends the context."""


class Kind(Enum):
    """What a combinator takes."""

    PIECES = auto()
    """A stream: its script has any number of pieces."""
    VALUE = auto()
    """A promise of one value: its script has one outcome."""


PIECES: Final = Kind.PIECES
VALUE: Final = Kind.VALUE


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to use a combinator.

    Attributes:
        combinator: its name, as `class.method` or as the name of a function.
        variant: tells this case from others of the same combinator.
        make: makes the result of what it is given.
        gives: what the result gives for given scripts.
        judge: whether the result may give something, where more than one order is right.
        whole: what awaiting the result gives, where that is not the tuple of its pieces or the first error among them.
        takes: the sources.
        scripts: scripts of which something is made; numbers, none of which is refused. Where the sources wait at their
            ends, the result is not complete with these.
        ordered: whether the order of the result follows from the scripts alone.
        needs: how many pieces of a source the given number of the result's pieces may be made of, at most.
        calls: whether async functions are given to the combinator (made by `Given.slowly`).
        many: how many ready pieces the law about these gives; fewer where each of them is a promise.
        exempt: the laws that do not apply, with the reason.
    """

    combinator: str
    variant: str = ""
    make: Callable[[Given], Promise[object]]
    gives: Model | None = None
    judge: Judge | None = None
    whole: Model | None = None
    takes: Sequence[Kind] = (PIECES,)
    scripts: Sequence[Script] = ((1, 2, 3), (4, 5, 6), (7, 8, 9))
    ordered: bool = True
    needs: Callable[[int], int] = lambda count: count
    calls: bool = False
    many: int = 10_000
    exempt: Mapping[Law, str] = field(default_factory=dict[Law, str])

    def __str__(self) -> str:
        return f"{self.combinator} {self.variant}".strip()

    def exempt_from(self, law: Law) -> str | None:
        """Why a law does not apply, if it does not."""
        if law is not Law.MODEL and not self.takes:
            return "it is made of nothing"
        if law in (Law.BOUNDED, Law.RESPONSIVE) and PIECES not in self.takes:
            return "a promise of one value has no pieces"
        if law is Law.CALLS and not self.calls:
            return "it is given no async function"
        return self.exempt.get(law)

    def plain(self) -> list[Script]:
        """A script for each source."""
        return [
            script if kind is PIECES else script[:1] for kind, script in zip(self.takes, self.scripts, strict=False)
        ]

    def numbers(self, count: int) -> list[Script]:
        """A script for each source, of as many numbers where it is a stream."""
        return [range(1, count + 1) if kind is PIECES else (1,) for kind in self.takes]

    async def expect(self, given: Given, read: Iterable[Outcome]) -> None:
        """Compares what a reader got with plain Python."""
        got, scripts = await values(read), given.effective()
        if self.judge is not None:
            assert self.judge(scripts, got), f"{got} of {scripts}"
        if self.gives is not None:
            expected = list(self.gives(scripts))
            if self.ordered:
                assert got == expected
            else:
                assert sorted(map(repr, got)) == sorted(map(repr, expected))

    def result(self, given: Given) -> Promise[object]:
        """Makes the result."""
        given.result = self.make(given)
        return given.result


SAME_STREAM: Final = {
    Law.SHARED: "it is the same stream with another whole: cancelling the one cancels the other",
    Law.RESPONSIVE: "one call of a plain function makes the whole",
}
"""What does not apply to views of one stream."""


def first_error(read: Iterable[Outcome]) -> BaseException | None:
    """The first error among pieces."""
    return next((outcome for outcome in read if isinstance(outcome, BaseException)), None)

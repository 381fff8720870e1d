"""The definition of a kind of input."""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

SLOW = 2.0
"""The seconds that one input may take, on a busy machine too."""


class Case(NamedTuple):
    """One input, and the code that reads it."""

    title: str
    data: object
    """The input, which is shown if something is wrong."""
    run: Callable[[], str]
    """Reads the input, and returns how that ended, in two or three words. An error that it raises is a fault."""
    seconds: float = SLOW
    """The seconds that `run` may take."""


class Kind(NamedTuple):
    """A kind of input."""

    name: str
    case: Callable[[int, Random], Case]
    """Makes the input with a number. Its source of chance depends on the seed, the kind and the number alone."""
    cost: int = 1
    """How many inputs of the cheapest kind take as long as one of this kind; `--count` is divided by it."""

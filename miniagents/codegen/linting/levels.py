"""The levels of `lint`."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["basic", "standard", "strict"]
"""The strictness of `lint`; each level includes the rules of the levels before it."""

LEVELS: Final[tuple[Level, ...]] = ("basic", "standard", "strict")
"""All levels, from the least to the most strict."""


@dataclass(frozen=True, slots=True)
class Strictness:
    """The strictness of `lint` for one file.

    Attributes:
        level: The level; None if the file is not checked.
        ignored: The names of rules that are left out.
    """

    level: Level | None = "standard"
    ignored: frozenset[str] = frozenset()

    def asks(self, rule: str, level: Level) -> bool:
        """Return whether a rule of a level is applied."""
        return self.level is not None and LEVELS.index(level) <= LEVELS.index(self.level) and rule not in self.ignored

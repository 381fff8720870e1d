"""The levels of `lint`."""

from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["basic", "standard", "strict"]
"""The strictness of `lint`; each level includes the rules of the levels before it."""

LEVELS: Final[tuple[Level, ...]] = ("basic", "standard", "strict")
"""All levels, from the least to the most strict."""

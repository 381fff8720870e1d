"""The levels of `lint`."""

from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["basic", "standard", "strict"]
"""How much is asked of schemas; each level asks all that those before it ask."""

LEVELS: Final[tuple[Level, ...]] = ("basic", "standard", "strict")
"""All of them, from the least to the most."""

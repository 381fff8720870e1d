"""Values that mean something by themselves: defaults, and instructions for chains and loops of agents.

Sentinels are enum members, so that type checkers tell them apart from everything else.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["AWAIT", "CLEAR", "DEFAULT", "Control", "Default", "EndLoop"]


class Default(Enum):
    """The type of `DEFAULT`."""

    DEFAULT = "DEFAULT"

    def __repr__(self) -> str:
        return self.name


class Control(Enum):
    """The type of `AWAIT` and `CLEAR`, the steps of an agent chain that are no agents."""

    AWAIT = "AWAIT"
    CLEAR = "CLEAR"

    def __repr__(self) -> str:
        return self.name


DEFAULT: Final = Default.DEFAULT
"""An argument that was not given: the active context's setting is used."""

AWAIT: Final = Control.AWAIT
"""In a chain of agents: wait here until all messages so far are complete."""

CLEAR: Final = Control.CLEAR
"""In a chain of agents: the next agent starts with no messages."""


class EndLoop(Exception):  # noqa: N818 - like StopIteration it is no mistake
    """Raised by an agent to end the `achain_loop` that it is a part of."""

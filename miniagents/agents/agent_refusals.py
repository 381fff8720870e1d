"""What agents refuse, and what their errors say: arguments that are given twice, assignments, and wrong options."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_seconds", "hint_at_bound", "refuse_bound", "said_of_assigning"]


def refuse_bound(
    alias: str,
    given: Mapping[str, object],
    bound_args: tuple[object, ...],
    bound_kwargs: Mapping[str, object],
) -> None:
    """Refuse keyword arguments that are bound already.

    Raises:
        TypeError: One of them is.
    """
    again = [repr(name) for name in given if name in bound_kwargs]
    if again:
        raise TypeError(f"agent {alias!r}: got {', '.join(again)} again{hint_at_bound(bound_args, bound_kwargs)}")


def hint_at_bound(args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """Return the end of an error text about arguments, which tells of bound ones; it is empty if there are none."""
    bound = ["…" for _ in args] + [f"{name}=…" for name in kwargs]  # not the values: they may be secret or long
    if not bound:
        return ""
    return f"; bound({', '.join(bound)}) has given these: for other values, call `bound` of the agent without them"


def said_of_assigning(alias: str, name: str) -> str:
    """Return the text of the error of assigning to an attribute of an agent."""
    instead = "; use agent.options(alias=…)" if name == "alias" else ""
    return f"agent {alias!r}: {name!r} cannot be changed, agents are values{instead}"


def check_seconds(what: str, seconds: float, *, zero: bool) -> None:
    """Refuse a number of seconds that is infinite, or negative, or zero unless `zero` is true.

    Raises:
        ValueError: It is.
    """
    if not (seconds > 0 or (zero and seconds == 0)) or math.isinf(seconds):
        raise ValueError(f"{what}: give a finite number of seconds {'that is not negative' if zero else 'above 0'}")

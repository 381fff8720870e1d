"""Values built of plain JSON along declared types, where msgspec alone could not.

A `Plan` knows how to build values of one type, and is made once for each type (`plans.py`, `planning.py`). Building is
no recursion, so that depth costs memory, not stack. Private machinery of `schema_codec.py` and of `codec.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from miniagents.messages.coding.decode_errors import DecodeError
from miniagents.messages.values.freezing import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class RefusedError(Exception):
    """Something cannot be built.

    Args:
        reason: What is wrong.
        below: The part of the path that is not known to `build`, as written.
        kind: What it is to be for those who asked.
    """

    def __init__(self, reason: str, below: str = "", kind: type[DecodeError] = DecodeError) -> None:
        self.reason = reason
        self.below = below
        self.kind = kind


class Schema(Protocol):
    """What the schema of a type says of data."""

    def accepts(self, raw: object) -> bool:
        """Tell whether data fits it."""
        ...

    def refusal(self, raw: object) -> RefusedError | None:
        """Tell what is wrong with data; None if nothing is."""
        ...


Finish: TypeAlias = "Callable[[Any], object]"  # Any: takes what the children became, a list or dict


class Frame:
    """A container being built: its children, of which the last one taken may be in the frame above."""

    __slots__ = ("built", "children", "finish", "step")

    def __init__(
        self,
        children: Iterable[tuple[str | int, Plan, object]],
        finish: Finish,
    ) -> None:
        self.children: Iterator[tuple[str | int, Plan, object]] = iter(children)
        self.finish: Finish = finish
        self.built: list[object] = []
        self.step: str | int | None = None


class Plan(ABC):
    """How values of one type are built."""

    @abstractmethod
    def takes(self, raw: object) -> bool:
        """Tell at a glance whether data can be of this type: False is certain."""

    def fits(self, raw: object) -> bool:
        """Tell whether data is of this type."""
        return can_build(self, raw)

    def likeness(self, raw: Mapping[object, object]) -> int:  # noqa: ARG002  # of objects alone
        """Tell how much an object that does not fit is like what this builds; -1 for what builds no objects."""
        return -1

    @abstractmethod
    def open(self, raw: object) -> object:
        """Give the value, or the `Frame` of a container that is to be built.

        Raises:
            RefusedError: The data is not of this type.
        """


def build(plan: Plan, raw: object, path: str = "$") -> object:
    """Build a value of plain JSON.

    Raises:
        DecodeError: The data is not of the type of the plan.
    """
    stack: list[Frame] = []
    try:
        opened = plan.open(raw)
        if not isinstance(opened, Frame):
            return opened
        stack.append(opened)
        while True:
            frame = stack[-1]
            for step, child, part in frame.children:
                frame.step = step
                opened = child.open(part)
                if isinstance(opened, Frame):
                    stack.append(opened)
                    break
                frame.built.append(opened)
            else:
                stack.pop()
                made = frame.finish(frame.built)
                if not stack:
                    return made
                stack[-1].built.append(made)
    except RefusedError as error:
        steps = [frame.step for frame in stack]
        raise error.kind(path_of(path, steps) + error.below, error.reason) from None


def can_build(plan: Plan, raw: object) -> bool:
    """Tell whether data is of the type of a plan, by building it."""
    try:
        build(plan, raw)
    except DecodeError:
        return False
    return True

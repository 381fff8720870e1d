"""Build values from plain JSON along declared types, where msgspec alone cannot.

A `Plan` builds values of one type and is made once for each type (`plans.py`, `planning.py`). Building does not
recurse, so depth costs memory, not stack. Only `schema_codec.py` and `codec.py` use it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from miniagents.messages.coding.decode_errors import DecodeError
from miniagents.messages.values.freezing import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class RefusedError(Exception):
    """A value cannot be built; `build` turns it into an error with the whole path.

    Args:
        reason: What is wrong.
        below: The last part of the path, as text, which `build` does not know.
        kind: The class of the error that `build` raises.
    """

    def __init__(self, reason: str, below: str = "", kind: type[DecodeError] = DecodeError) -> None:
        self.reason = reason
        self.below = below
        self.kind = kind


class Schema(Protocol):
    """The schema of a type, which accepts or refuses data."""

    def accepts(self, raw: object) -> bool:
        """Return whether the schema accepts the data."""
        ...

    def refusal(self, raw: object) -> RefusedError | None:
        """Return what is wrong with the data, or None if the schema accepts it."""
        ...


Finish: TypeAlias = "Callable[[Any], object]"  # Any: takes what the children became, a list or dict


class Frame:
    """A container that is being built; the child taken last may be a container in the next frame of the stack."""

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
    """A way to build values of one type."""

    @abstractmethod
    def takes(self, raw: object) -> bool:
        """Return quickly whether data may be of this type: False is certain, True is not."""

    def fits(self, raw: object) -> bool:
        """Return whether data is of this type."""
        return can_build(self, raw)

    def likeness(self, raw: Mapping[object, object]) -> int:  # noqa: ARG002  # of objects alone
        """Return how similar an object that does not fit is to this type; -1 if this type has no objects.

        A union reports the error of its most similar member.
        """
        return -1

    @abstractmethod
    def open(self, raw: object) -> object:
        """Return the value, or the `Frame` of a container whose children must be built first.

        Raises:
            RefusedError: The data is not of this type.
        """


def build(plan: Plan, raw: object, path: str = "$") -> object:
    """Build a value from plain JSON.

    Raises:
        DecodeError: The data is not of the type of the plan; the error has the path of the wrong part.
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
    """Return whether data is of the type of a plan, by building it."""
    try:
        build(plan, raw)
    except DecodeError:
        return False
    return True

"""How a promise ended, as a value: `Ok` with its value, or `Err` with its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias

from typing_extensions import TypeVar

__all__ = ["Err", "Ok", "Outcome"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ok(Generic[T_co]):
    """A promise that has resolved.

    Attributes:
        value: The value.
    """

    value: T_co


@dataclass(frozen=True, slots=True)
class Err:
    """A promise that has failed or was cancelled.

    Attributes:
        error: The error that its readers are raised: the same object; `PromiseCancelledError` if it was cancelled.
    """

    error: BaseException


Outcome: TypeAlias = Ok[T] | Err
"""How a promise ended, to be told apart by `match`: `case Ok(value): ...` and `case Err(error): ...`."""

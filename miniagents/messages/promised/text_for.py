"""The type of strings that stand for a message: `str` for a class that can be made of text alone, nothing for another.

No type of Python says "`str`, if `M` can be called with a text". But all checkers compare protocols member by member,
and that is enough. `str.__mul__` and `str.__rmul__` take any `SupportsIndex`. In `TextFor[M]` they take a type whose
`__index__` returns an `int` only if the class of an `M` can be made of text. So `str` is a `TextFor[M]` for such an `M`
alone. Nothing of this exists when a program runs; what a string becomes is up to `MessageSequence`.

Where an agent declares several classes, a string becomes a message of the first. Unions have no order, so all of these
must be classes that can be made of text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, overload

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Several", "TextFor"]

M_co = TypeVar("M_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)


class TextFor(Protocol[M_co]):  # type: ignore[misc]  # pyright: ignore[reportInvalidTypeVarUse]  # covariant: an agent for all messages can stand for one for some
    """A string that stands for a message of the class `M`."""

    def __mul__(self, value: _IfMadeOfText[M_co], /) -> str: ...
    def __rmul__(self, value: _IfMadeOfNothing[M_co], /) -> str: ...


class _IfMadeOfText(Generic[M_co]):
    """A `SupportsIndex`, if `M` can be called with a text; mypy, pyright and ty see that."""

    @overload
    def __index__(self: _IfMadeOfText[_MadeOfText]) -> int: ...  # type: ignore[overload-overlap]  # the first that fits
    @overload
    def __index__(self) -> None: ...  # pyright: ignore[reportOverlappingOverload]  # fits where the first does not
    def __index__(self) -> int | None: ...


class _MadeOfText(Protocol):
    @property  # type: ignore[misc]  # narrower than that of `object`
    def __class__(self) -> _Maker: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # as above


class _Maker(Protocol):
    def __call__(self, *, text: str) -> object: ...


class _IfMadeOfNothing(Generic[M_co]):
    """A `SupportsIndex`, if `M` has no required field but the text: pyrefly compares classes with functions only."""

    @overload
    def __index__(self: _IfMadeOfNothing[_MadeOfNothing]) -> int: ...
    @overload
    def __index__(self: _IfMadeOfNothing[_WithOwnText]) -> int: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # as above
    @overload
    def __index__(self) -> None: ...  # pyright: ignore[reportOverlappingOverload]  # as above
    def __index__(self) -> int | None: ...


class _MadeOfNothing(Protocol):
    @property  # type: ignore[misc]  # narrower than that of `object`
    def __class__(self) -> Callable[[], object]: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # as above


class _WithOwnText(Protocol):
    """A message whose class declares the text once more, as one that is required."""

    @property
    def text(self) -> str: ...


class Several(Protocol[T_co]):
    """A sequence that is no string: to `Sequence`, a `str` has strings in it, which have strings in them, for ever."""

    def __contains__(self, value: object, /) -> bool: ...  # that of `str` takes strings only
    def __len__(self) -> Any: ...  # Any: keeps this apart from `tuple`, which mypy needs beside it
    def __iter__(self) -> Iterator[T_co]: ...
    def __reversed__(self) -> Iterator[T_co]: ...
    def __getitem__(self, index: int, /) -> T_co: ...

"""What a promise that was not awaited says to code that takes it for its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

__all__ = ["Unawaited"]


class Unawaited:
    """Errors for code that takes a promise for its value: each says what to write.

    Type checkers find such code too, as they see none of these methods.
    """

    __slots__ = ()

    _name: str

    if not TYPE_CHECKING:

        def __getitem__(self, _: object) -> NoReturn:
            # `for` comes here too; an `__iter__` would make the promise an Iterable
            raise TypeError(self._before("(await promise)[…]"))

        def __contains__(self, _: object) -> NoReturn:
            raise TypeError(self._before("… in await promise"))

        def __len__(self) -> NoReturn:
            raise TypeError(self._before("len(await promise)"))

        def __bool__(self) -> bool:
            return True  # as without `__len__`: `promise or other` is about None

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self._name!r}: a {type(self).__name__} cannot be pickled or copied; "
            "await the promise first, and take what it gives"
        )

    def _before(self, written: str) -> str:
        """Return the text of an error that says what to write instead."""
        or_iterate = ", or read it by `async for`" if hasattr(type(self), "__aiter__") else ""
        return f"{self._name!r}: await the promise first: {written}{or_iterate}"

"""What promises and contexts say to people: by name, `repr` and completion, and where one is taken for its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NoReturn

from miniagents.promising.core.failure import Failure
from miniagents.promising.errors import PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from miniagents.promising.core.pieces import AnyBuffer

__all__ = [
    "HidesMachinery",
    "PresentedContext",
    "Unawaited",
    "derived_name",
    "hint_at",
    "name_of",
    "number_of",
    "state_of",
    "state_of_error",
]


def hint_at(name: str, written: str) -> str:
    """Return the end of an error text about an attribute that a promise does not have.

    Args:
        name: The attribute.
        written: What to write if the value of the promise has it.
    """
    if name[:1] == "_":
        return ""
    if name in _OF_TASKS:
        return "; a promise is no task: await it, or give asyncio functions asyncio.ensure_future(promise)"
    return f"; {written}"


_OF_TASKS: Final = frozenset(
    ("add_done_callback", "exception", "get_coro", "get_loop", "get_name", "remove_done_callback", "result")
)


class HidesMachinery:
    """Objects of which `dir`, and so the completion of an interactive session, shows what is for users alone."""

    __slots__ = ()

    _machinery: ClassVar[frozenset[str]] = frozenset()
    """The public names that only the library uses, and names that only raise an error."""

    def __dir__(self) -> list[str]:
        hidden = {name for cls in type(self).__mro__ for name in getattr(cls, "_machinery", ())}
        return [name for name in super().__dir__() if name not in hidden]


class PresentedContext(HidesMachinery):
    """What is shown of a context."""

    __slots__ = ()

    _machinery = frozenset(
        {
            *("body", "end_what_nobody_can_end", "forget", "last_words", "notify_resolved", "open_loop", "own"),
            *(
                "register_writing_end",
                "remember",
                "report",
                "running_task",
                "spawn_hook",
                "tasks",
                "waiting_task",
                "watch",
            ),
        }
    )

    _state: str

    if not TYPE_CHECKING:  # checkers see a `with` without `async` by themselves

        def __enter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(f"{name} works in an event loop: write `async with {name}():` in an async function")

        def __exit__(self, *_: object) -> None:
            """Never called; Python looks for it before it calls `__enter__`."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._state}, {number_of(len(self.tasks), 'task')}>"

    # --- for promises ---

    @property
    def tasks(self) -> AbstractSet[object]:
        """The tasks and followers of the context that have not ended."""
        raise NotImplementedError


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

        def __getattr__(self, name: str) -> NoReturn:
            hint = hint_at(name, f"await the promise first: (await promise).{name}")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)

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


def number_of(number: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def state_of_error(error: BaseException) -> str:
    """Return what `repr` shows of a promise that has failed."""
    return "cancelled" if isinstance(error, PromiseCancelledError) else f"failed: {type(error).__name__}"


def state_of(buffer: AnyBuffer, pieces: str, whole: Failure | None = None) -> str:
    """Return what `repr` shows of a stream.

    Args:
        buffer: The pieces of the stream.
        pieces: How many pieces there are, errors not counted.
        whole: The failure of the whole, if it is known.
    """
    if buffer._is_lazy():
        return "not started"
    cancelled = buffer.was_cancelled()
    errors = sum(isinstance(piece, Failure) for piece in buffer.pieces) - cancelled
    parts = [pieces, number_of(errors, "error")] if errors else [pieces]
    parts += [state_of_error(whole.error)] if whole is not None and buffer.failure is None else []
    return ", ".join([*parts, "cancelled" if cancelled else "ended" if buffer.ended else "arriving"])


def derived_name(source: str, what: str) -> str:
    """Return a name for the result of a combinator; of a long chain only both ends are kept.

    Otherwise each promise of a chain of thousands would have a name of thousands of words.
    """
    name = f"{source}.{what}"
    if len(name) <= _LONGEST:
        return name
    kept = _LONGEST // 2 - 1
    return f"{name[:kept]}…{name[-kept:]}"


def name_of(source: object) -> str:
    """Return a name for a promise made by `source`: the name of the function, or of the object's class."""
    name: object = getattr(source, "__qualname__", None)
    return name if isinstance(name, str) else type(source).__qualname__


_LONGEST: Final = 200

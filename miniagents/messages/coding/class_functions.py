"""Functions compiled for the fields of one class, as in `dataclasses`: a loop over the fields takes much longer."""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["attribute", "function"]


def attribute(name: str) -> str:
    """Return Python source that reads a field of `value`. A name that is no identifier does not become code."""
    is_code = name.isascii() and name.isidentifier() and not iskeyword(name)
    return f"value.{name}" if is_code else f"getattr(value, {name!r})"


def function(lines: Iterable[str], names: dict[str, object]) -> Callable[[Any], Any]:  # Any: as the source says
    """Return the function of one argument, `value`, whose body consists of these lines of Python source.

    Args:
        lines: The lines, without indentation at the outermost level. Nothing but names of fields may come from outside:
            through `attribute` and `repr`.
        names: The values of the other names in the source.
    """
    source = "\n ".join(("def function(value):", *lines))
    exec(source, names)  # noqa: S102  # see the arguments
    made: Any = names["function"]  # Any: as the source says
    return made  # type: ignore[no-any-return] # as above

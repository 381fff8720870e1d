"""`SchemaName`, which gives each alias of a generated module an object of its own.

``str`` is one object for Python, whatever an alias calls it. With a name in its metadata, ``Annotated[str,
SchemaName("UserId")]`` is equal to no other alias, and type checkers, msgspec and pydantic still see ``str``.
`TypeAliasType` would say the same, but msgspec (0.22) decodes it on Python 3.12 and later only.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple, Self

from typing_extensions import override

__all__ = ["SchemaName", "When", "condition_of", "identity_of"]


class SchemaName:
    """The name of an alias of a generated module; each one is equal to itself only, pickled or not.

    Args:
        name: The name of the alias.
    """

    __slots__ = ("_module", "name")

    def __init__(self, name: str) -> None:
        self.name: str = name
        self._module: str = sys._getframe(1).f_globals.get("__name__", "")  # as `typing.TypeVar` finds its module

    def __copy__(self) -> Self:
        """Return this name itself: a copy would be another one."""
        return self

    def __deepcopy__(self, _: object) -> Self:
        """Return this name itself."""
        return self

    @override
    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the place of the alias, as pickle does with classes; a name without an alias becomes another one."""
        return (
            (_name_at, (self._module, self.name)) if _found(self._module, self.name) is self else (_new, (self.name,))
        )

    @override
    def __repr__(self) -> str:
        return f"SchemaName({self.name!r})"


class When(NamedTuple):
    """The condition of a member of a union in a generated module, as in ``Annotated[Reference, When("Item#/if")]``.

    A value is of this member only if it fits a part of a schema: the `if` of the `then` that the member stands for.
    """

    schema: str
    """The name of the schema, "#" and the JSON pointer of the part."""


def condition_of(form: object) -> When | None:
    """Return the condition of a member of a union, or None if it has none."""
    metadata: tuple[object, ...] = getattr(form, "__metadata__", ())
    return next((each for each in reversed(metadata) if isinstance(each, When)), None)


def _name_at(module: str, name: str) -> SchemaName:
    import_module(module)
    found = _found(module, name)
    if found is None:
        raise AttributeError(f"module {module!r} has no alias {name!r} any more")
    return found


def _found(module: str, name: str) -> SchemaName | None:
    """Return the name of the alias that a loaded module holds under a name, if there is one."""
    last: object = getattr(getattr(sys.modules.get(module), name, None), "__metadata__", (None,))[-1]
    return last if isinstance(last, SchemaName) else None


def _new(name: str) -> SchemaName:
    return SchemaName(name)


def identity_of(form: object) -> object:
    """Return what tells a type of a generated module from others: the name of an alias, or the type itself.

    Evaluating an annotation may give an alias that is not equal to the one in the module, such as one of a tuple with
    an unpacked rest on Python 3.11. Its name is the same object.
    """
    metadata: tuple[object, ...] = getattr(form, "__metadata__", ())
    return metadata[-1] if metadata and isinstance(metadata[-1], SchemaName) else form

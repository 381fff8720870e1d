"""`SchemaName`, which gives each alias of a generated module an object of its own.

``str`` is one object for Python, whatever an alias calls it. With a name in its metadata, ``Annotated[str,
SchemaName("UserId")]`` is equal to no other alias, and type checkers, msgspec and pydantic still see ``str``.
`TypeAliasType` would say the same, but msgspec (0.22) decodes it on Python 3.12 and later only.
"""

from __future__ import annotations

from typing import Self

from typing_extensions import override

__all__ = ["SchemaName", "identity_of"]


class SchemaName:
    """The name of an alias of a generated module; each one is equal to itself only.

    Args:
        name: The name of the alias.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: str = name

    def __copy__(self) -> Self:
        """Return this name itself: a copy would be another one."""
        return self

    def __deepcopy__(self, _: object) -> Self:
        """Return this name itself."""
        return self

    @override
    def __repr__(self) -> str:
        return f"SchemaName({self.name!r})"


def identity_of(form: object) -> object:
    """Return what tells a type of a generated module from others: the name of an alias, or the type itself.

    Evaluating an annotation may give an alias that is not equal to the one in the module, such as one of a tuple with
    an unpacked rest on Python 3.11. Its name is the same object.
    """
    metadata: tuple[object, ...] = getattr(form, "__metadata__", ())
    return metadata[-1] if metadata and isinstance(metadata[-1], SchemaName) else form

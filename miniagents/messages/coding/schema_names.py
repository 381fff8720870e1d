"""`SchemaName`, which gives each alias of a generated module an object of its own.

``str`` is one object for Python, whatever an alias calls it. With a name in its metadata, ``Annotated[str,
SchemaName("UserId")]`` is equal to no other alias, and type checkers, msgspec and pydantic still see ``str``.
`TypeAliasType` would say the same, but msgspec (0.22) decodes it on Python 3.12 and later only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

from typing_extensions import override

from miniagents.messages.coding.type_shapes import is_union

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SchemaName"]


class SchemaName:
    """The name of an alias of a generated module; each one is equal to itself only.

    Args:
        name: The name of the alias.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: str = name

    @override
    def __repr__(self) -> str:
        return f"SchemaName({self.name!r})"


def unnamed(form: Any) -> Any:  # Any: a type of whatever kind
    """Return the type that an alias stands for, with its other annotations; return any other type itself."""
    metadata: tuple[object, ...] = getattr(form, "__metadata__", ())
    kept = tuple(each for each in metadata if not isinstance(each, SchemaName))
    if len(kept) == len(metadata):
        return form
    return Annotated[(get_args(form)[0], *kept)] if kept else get_args(form)[0]


def flat(members: Iterable[object]) -> list[object]:
    """Return the members of a union once each, with the members of aliases in place of the aliases."""
    found: list[object] = []
    for member in members:
        inner = unnamed(member)
        for each in flat(get_args(inner)) if is_union(inner) else [inner]:
            if each not in found:  # members need not be hashable
                found.append(each)
    return found

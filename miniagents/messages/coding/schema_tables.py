"""`SchemaTable`: what one module of a generated package tells the codec of the package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["SchemaTable", "complete"]


class SchemaTable:
    """The types of one module of a generated package, and the schemas that they do not say.

    Args:
        schemas: The schemas as JSON, by name; see `SchemaCodec`.
        types: The types of the schemas, by name.
        sound: The names of the types whose schemas accept everything that msgspec accepts.
        checked: The names of the types whose schemas say more than their fields.
        checked_extras: The names of the classes whose schemas say more of undeclared properties than their type.
        module: The name of the module.
        later: Types of other modules of the package that the module mentions and cannot import, because they need the
            module themselves. Each has the name of its module in the package.
    """

    def __init__(
        self,
        schemas: Mapping[str, str],
        types: Mapping[str, object],
        *,
        sound: Collection[str] = (),
        checked: Collection[str] = (),
        checked_extras: Collection[str] = (),
        module: str,
        later: Mapping[str, str] | None = None,
    ) -> None:
        self.schemas = schemas
        self.types = types
        self.sound = sound
        self.checked = checked
        self.checked_extras = checked_extras
        self.module = module
        self.later: Mapping[str, str] = later or {}

    def __repr__(self) -> str:
        return f"<SchemaTable of {self.module}>"


def complete(tables: Iterable[SchemaTable]) -> None:
    """Set the names that modules mention and could not import."""
    for table in tables:
        package = table.module.rpartition(".")[0]
        for name, home in table.later.items():
            setattr(sys.modules[table.module], name, getattr(sys.modules[f"{package}.{home}"], name))

"""The choices of the user where schemas leave something open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Formats: TypeAlias = Literal["note", "checked", "typed"]
"""The meaning of a `format`: a note on a text, a condition on the text, or a condition and a Python type."""

FORMATS: Final = ("note", "checked", "typed")

Base: TypeAlias = Literal["Record", "Message"]
"""The base class of definitions that are closed objects and do not name one."""

BASES: Final = ("Record", "Message")


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices for one module.

    Attributes:
        formats: The meaning of a `format` if its schema does not tell.
        base: The base class of definitions that are objects and do not name one.
        namespace: The name that distinguishes the records of the module from records of other modules; "" for none.
    """

    formats: Formats = "note"
    base: Base = "Record"
    namespace: str = ""

    def arguments(self) -> Iterator[str]:
        """Yield the arguments of the command line for all choices that are not the defaults."""
        if self.formats != "note":
            yield f"--formats={self.formats}"
        if self.base != "Record":
            yield f"--base={self.base}"
        if self.namespace:
            yield f"--namespace={self.namespace}"


USUAL: Final = Settings()
"""The default choices."""

"""What people may choose when a module is generated, where the schemas leave it open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Formats: TypeAlias = Literal["note", "checked", "typed"]
"""What a `format` is: a note on a text; a condition on it; or that, and a type of Python's where there is one."""

FORMATS: Final = ("note", "checked", "typed")

Base: TypeAlias = Literal["Record", "Message"]
"""What the closed objects among the definitions extend that do not say it."""

BASES: Final = ("Record", "Message")


@dataclass(frozen=True, slots=True)
class Settings:
    """What was chosen.

    Attributes:
        formats: What a `format` is where the schema does not say it.
        base: What definitions extend that are objects and do not say it.
        namespace: What tells the records of the module from those of others that have the same names; "" for nothing.
    """

    formats: Formats = "note"
    base: Base = "Record"
    namespace: str = ""

    def arguments(self) -> Iterator[str]:
        """Yield the arguments of the command line that say it; none where it is as usual."""
        if self.formats != "note":
            yield f"--formats={self.formats}"
        if self.base != "Record":
            yield f"--base={self.base}"
        if self.namespace:
            yield f"--namespace={self.namespace}"


USUAL: Final = Settings()
"""What is chosen when nothing is."""

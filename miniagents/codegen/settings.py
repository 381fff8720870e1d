"""The choices of the user where schemas leave something open."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

Formats: TypeAlias = Literal["note", "checked", "typed"]
"""The meaning of a `format`: a note on a text, a condition on the text, or a condition and a Python type."""

FORMATS: Final = ("note", "checked", "typed")

Base: TypeAlias = Literal["Record", "Message"]
"""The base class of definitions that are closed objects and do not name one."""

BASES: Final = ("Record", "Message")


@dataclass(frozen=True, slots=True)
class Reading:
    """The choices for reading schema files.

    Attributes:
        references: Where referenced schemas are: a URL and a file, a URL that ends with `/` and a folder, or "" and a
            file or folder, whose schemas are then found by their own `$id`. None of their schemas is generated unless
            a reference leads to it.
        reference_maps: JSON files of more of them: `{URL: file}`, with paths relative to the JSON file.
        base_url: The URL under which the given files are published; "" for none.
        operations: Whether the schemas of the operations of API documents are generated.
        strict_keywords: Whether unknown keywords are refused.
        ignored_keywords: Unknown keywords that are neither refused nor reported.
        overlays: Files that say more about the schemas.
    """

    references: tuple[tuple[str, Path], ...] = ()
    reference_maps: tuple[Path, ...] = ()
    base_url: str = ""
    operations: bool = False
    strict_keywords: bool = False
    ignored_keywords: frozenset[str] = frozenset()
    overlays: tuple[Path, ...] = ()

    def arguments(self, shown: Callable[[Path], str]) -> Iterator[str]:
        """Yield the arguments of the command line for all choices that are not the defaults.

        Args:
            shown: Returns a path as the command line has it.
        """
        for url, path in self.references:
            yield f"--ref={url}={shown(path)}" if url else f"--ref={shown(path)}"
        for path in self.reference_maps:
            yield f"--ref-map={shown(path)}"
        if self.base_url:
            yield f"--base-url={self.base_url}"
        if self.operations:
            yield "--operations"
        if self.strict_keywords:
            yield "--strict-keywords"
        for keyword in sorted(self.ignored_keywords):
            yield f"--ignore-keyword={keyword}"
        for path in self.overlays:
            yield f"--overlay={shown(path)}"


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices for one module.

    Attributes:
        formats: The meaning of a `format` if its schema does not tell.
        base: The base class of definitions that are objects and do not name one.
        namespace: The name that distinguishes the records of the module from records of other modules; "" for none.
        reading: The choices for reading the files.
    """

    formats: Formats = "note"
    base: Base = "Record"
    namespace: str = ""
    reading: Reading = Reading()

    def arguments(self, shown: Callable[[Path], str] = Path.as_posix) -> Iterator[str]:
        """Yield the arguments of the command line for all choices that are not the defaults.

        Args:
            shown: Returns a path as the command line has it.
        """
        if self.formats != "note":
            yield f"--formats={self.formats}"
        if self.base != "Record":
            yield f"--base={self.base}"
        if self.namespace:
            yield f"--namespace={self.namespace}"
        yield from self.reading.arguments(shown)


USUAL: Final = Settings()
"""The default choices."""

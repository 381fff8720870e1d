"""Qualified names, for definitions whose plain names belong to other definitions.

They depend only on the place of a definition: on how its author spelt it, on its file, or on the schemas around it.
The folders that count are those in the folder of all given files, and the URLs of files that are there for references:
names are the same wherever the files lie. Each has an underscore. Plain names have none, so the two kinds never meet.
"""

import os
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from miniagents.codegen.names import definition_name
from miniagents.codegen.reading.registry import Site
from miniagents.codegen.reading.sources import Source

_SIGNS: Final = {
    "<": "Of",
    "|": "Or",
    "&": "And",
    "[]": "Array",
    "+": "Plus",
    "*": "Star",
    "#": "Sharp",
    "?": "Optional",
}
"""The words for signs that tell names apart; the others only separate words."""
_SIGN: Final = re.compile(r"\[\]|[<|&+*#?]")
_ROOT: Final = "Root"
"""The word for the schema that is a whole file."""


def common_folder(sources: Iterable[Source]) -> Path:
    """Return the innermost folder that contains all given files; an empty path if there is none."""
    folders = {os.path.dirname(source.absolute) for source in sources if source.is_given}  # noqa: PTH120 - thousands
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # no files, or files on different drives
        return Path()


def steps_to(source: Source, common: Path) -> tuple[str, ...]:
    """Return the folders around a file, the innermost last, as far as they tell it from the others of a run.

    Args:
        source: The file.
        common: The folder that contains all given files.
    """
    path = Path(source.absolute)
    if path.is_relative_to(common):
        return path.relative_to(common).parts[:-1]
    url = next((url for url in source.urls if "://" in url), "")
    return tuple(filter(None, urlsplit(url).path.split("/")[:-1]))


def qualified_names(site: Site, parts: tuple[str, ...], around: tuple[str, ...]) -> Iterator[str]:
    """Yield the qualified names of a definition without end, the most readable first.

    Args:
        site: The schema of the definition.
        parts: The parts of its plain name: the name of the schema around it if it has none of its own, and the rest.
        around: The folders around its file.
    """
    plain = "".join(parts)
    folders = [*around, site.source.stem]
    text = site.label or "".join(site.steps[-1:])
    if len(parts) > 1 and all(parts):
        yield "_".join(parts)
    elif not text and definition_name(site.source.stem) == plain:
        yield f"{plain}_{_ROOT}"
    elif "_" in spelt(text):
        yield spelt(text)
    prefix = ""
    # Names that differ from their texts may collide within a file, where more folders do not help.
    for folder in reversed(folders if definition_name(text) == text or not text else folders[-1:]):
        prefix = f"{definition_name(folder)}{prefix}"
        yield f"{prefix}_{plain}"
    for count in range(1, len(folders) + 1):
        yield f"{plain}_{next(digests(*folders[-count:], site.pointer))}"
    yield from (f"{plain}_{place}" for place in digests(*folders, site.pointer, ""))


def spelt(text: str) -> str:
    """Return a name with an underscore between the words of a text, and with words for signs that tell names apart.

    >>> spelt("Evidence_Variable"), spelt("Value<(number[]|null)>")
    ('Evidence_Variable', 'Value_Of_Number_Array_Or_Null')
    """
    named = _SIGN.sub(lambda match: f" {_SIGNS[match[0]]} ", text)
    words = [definition_name(word) for word in re.split(r"[\W_]+", named) if word]
    words[1:] = [word.removeprefix("Type") if word[4:5].isdecimal() else word for word in words[1:]]
    return "_".join(words)


def digests(*texts: str) -> Iterator[str]:
    """Yield short texts that differ between different texts, and are the same on every machine.

    The first one is enough, unless somebody wrote it as a name on purpose.
    """
    found = "\0".join(texts)
    while True:
        found = sha256(found.encode("utf-8", "surrogatepass")).hexdigest()
        yield found[:8]

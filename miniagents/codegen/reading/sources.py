"""Load the schema files of a run, and find the file that a reference means.

Only files that the user named, and files in folders that the user named, are opened. A reference to any other file is
refused.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from miniagents.codegen.documents import Document, parse
from miniagents.codegen.reading.yaml_documents import parse_yaml
from miniagents.codegen.schema_errors import GenerationError, Problem

SUFFIX = ".schema.json"
"""The ending of the names of JSON schema files in a folder."""

YAML_SUFFIXES = (".schema.yaml", ".schema.yml")
"""The endings of the names of YAML schema files in a folder."""


@dataclass(frozen=True, slots=True)
class Source:
    """A schema file.

    Attributes:
        path: The path of the file.
        document: The content of the file.
    """

    path: Path
    document: Document

    @property
    def id(self) -> str | None:
        """The `$id` of the file, without an empty fragment."""
        value = self.document.value
        found = value.get("$id") if isinstance(value, dict) else None
        return found.removesuffix("#") if isinstance(found, str) else None

    @property
    def stem(self) -> str:
        """The name of the file without its ending."""
        stem = self.path.name
        for suffix in (*YAML_SUFFIXES, SUFFIX, ".yaml", ".yml", ".json"):
            stem = stem.removesuffix(suffix)
        return stem

    @property
    def absolute(self) -> str:
        """The absolute path of the file."""
        return _absolute(self.path)


def load(paths: Sequence[Path]) -> tuple[Source, ...]:
    """Read the schema files at `paths`, in the order of their absolute paths.

    Args:
        paths: Files, and folders whose files ending in `.schema.json`, `.schema.yaml` or `.schema.yml` are read,
            including those in inner folders.

    Raises:
        GenerationError: A path does not exist, a folder has no schema file, or a file is not JSON; it has all problems.
    """
    problems: list[Problem] = []
    files: dict[str, Path] = {}
    for path in paths:
        found = [each for suffix in (SUFFIX, *YAML_SUFFIXES) for each in path.rglob(f"*{suffix}")]
        if not path.is_dir():
            found = [path]
        if not found:
            problems.append(_unreadable(path, f"the folder has no file *{SUFFIX}", "name a schema file"))
        for each in found:  # one file may have several paths: take the one that sorts first, to be deterministic
            files[_absolute(each)] = min(each, files.get(_absolute(each), each))
    sources: list[Source] = []
    for _, path in sorted(files.items()):
        try:
            parser = parse_yaml if path.suffix in {".yaml", ".yml"} else parse
            sources.append(Source(path, parser(path.as_posix(), path.read_bytes())))
        except GenerationError as error:
            problems.extend(error.problems)
        except OSError as error:
            problems.append(_unreadable(path, error.strerror or str(error), "name a file that can be read"))
    if problems:
        raise GenerationError(tuple(problems))
    return tuple(sources)


def find(sources: Sequence[Source], origin: Source, reference: str) -> Source | None:
    """Return the given file that a reference in `origin` means, or None if it means none of them.

    A reference is first compared with each `$id`, as the standard says. Then it is a path relative to `origin`.
    """
    if not reference:
        return origin
    try:
        wanted = {reference, urljoin(origin.id or "", reference)}
        is_url = bool(urlsplit(reference).scheme)
    except ValueError:
        return None
    for source in sources:
        if source.id is not None and source.id in wanted:
            return source
    if is_url:
        return None
    path = _absolute(origin.path.parent / unquote(reference).replace("\0", ""))
    return next((source for source in sources if _absolute(source.path) == path), None)


def _absolute(path: Path) -> str:
    """Return the absolute path without reading the disk: a link and its target count as different files."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve() follows links


def _unreadable(path: Path, wrong: str, remedy: str) -> Problem:
    return Problem(path.as_posix(), 0, 0, "", "", wrong, remedy)

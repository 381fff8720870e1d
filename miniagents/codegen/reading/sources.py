"""Which files a run reads, and which of them a reference means.

Only the files that were named, or lie in the folders that were named, are ever opened. A reference to anything else is
refused, never followed.
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
"""What the names of schema files in a folder end in."""

YAML_SUFFIXES = (".schema.yaml", ".schema.yml")
"""What the names of schema files in a folder end in that are YAML."""


@dataclass(frozen=True, slots=True)
class Source:
    """A schema file.

    Attributes:
        path: Where it lies.
        document: What it holds.
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
        """The name of the file without what says that it is a schema."""
        stem = self.path.name
        for suffix in (*YAML_SUFFIXES, SUFFIX, ".yaml", ".yml", ".json"):
            stem = stem.removesuffix(suffix)
        return stem

    @property
    def absolute(self) -> str:
        """Where it lies, from the root."""
        return _absolute(self.path)


def load(paths: Sequence[Path]) -> tuple[Source, ...]:
    """Read the schema files at `paths`, in the order of their paths whatever the order of the arguments.

    Args:
        paths: Files, and folders whose files ending in `.schema.json`, `.schema.yaml` or `.schema.yml` are read, those
            of inner folders too.

    Raises:
        GenerationError: A path does not exist, a folder has no schema file, or a file is no JSON; all of it at once.
    """
    problems: list[Problem] = []
    files: dict[str, Path] = {}
    for path in paths:
        found = [each for suffix in (SUFFIX, *YAML_SUFFIXES) for each in path.rglob(f"*{suffix}")]
        if not path.is_dir():
            found = [path]
        if not found:
            problems.append(_unreadable(path, f"the folder has no file *{SUFFIX}", "name a schema file"))
        for each in found:  # of several names of one file that which sorts first, whatever the order of the arguments
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
    """Return the given file that `reference`, written in `origin`, means; None when it is none of them.

    A reference is taken for an `$id` first, as the standard says, then for a path beside the file it is written in.
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
    """Return a path from the root without looking at the disk: a link is another file than what it points to."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve() follows links


def _unreadable(path: Path, wrong: str, remedy: str) -> Problem:
    return Problem(path.as_posix(), 0, 0, "", "", wrong, remedy)

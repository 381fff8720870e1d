"""Load the schema files of a run.

Only files that the user named, and files in folders that the user named, are opened. What is found in a folder is read
if it is a regular file, or a link to one. A pipe or a device could be read for ever.
"""

import os
import re
import stat
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from miniagents.codegen.documents import Document, parse
from miniagents.codegen.reading.yaml_documents import parse_yaml
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import Reading

SUFFIX = ".schema.json"
"""The ending of the names of JSON schema files in a folder."""

YAML_SUFFIXES = (".schema.yaml", ".schema.yml")
"""The endings of the names of YAML schema files in a folder."""

_USUAL: Final = Reading()

_URL: Final = "write one such as https://example.org/schemas/"

_SUFFIXES: Final = frozenset({".json", ".yaml", ".yml"})

MAX_SIZE = 1 << 26
"""The greatest size of a schema file in bytes: the largest that are published have half of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A schema file.

    Attributes:
        path: The path of the file.
        document: The content of the file.
        urls: The URLs that the user says it has, beside the identity that it gives itself.
        is_given: Whether its definitions are generated; otherwise only the targets of references are.
    """

    path: Path
    document: Document
    urls: tuple[str, ...] = ()
    is_given: bool = True

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


def load(paths: Sequence[Path], reading: Reading = _USUAL) -> tuple[Source, ...]:
    """Read the schema files at `paths`, and those that references may lead to, in the order of their absolute paths.

    Args:
        paths: Files, and folders whose files ending in `.schema.json`, `.schema.yaml` or `.schema.yml` are read,
            including those in inner folders.
        reading: Where other referenced schemas are, and the URL of the files.

    Raises:
        GenerationError: A path does not exist, a folder has no schema file, or a file is not JSON; it has all problems.
    """
    problems: list[Problem] = []
    sources = loaded(paths, reading, problems)
    if problems:
        raise GenerationError(tuple(problems))
    return sources


def loaded(paths: Sequence[Path], reading: Reading, problems: list[Problem]) -> tuple[Source, ...]:
    """Return the files that `load` returns, without those that cannot be read.

    Args:
        paths: Files and folders.
        reading: Where other referenced schemas are, and the URL of the files.
        problems: The list to which the problems of files are added.
    """
    files: dict[str, Path] = {}
    urls: dict[str, set[str]] = {}
    base = reading.base_url
    if base and not _is_url(base):
        problems.append(Problem("--base-url", 0, 0, "", "", f"{base} is no URL", _URL))
        base = ""
    for path in paths:
        found = schema_files([path])
        for each in _unusual(path):
            warnings.warn(f"{each.as_posix()} is no regular file and was skipped", stacklevel=2)
        if not found:
            problems.append(_unreadable(path, f"the folder has no file *{SUFFIX}", "name a schema file"))
        for each in found:  # one file may have several paths: take the one that sorts first, to be deterministic
            files[_absolute(each)] = min(each, files.get(_absolute(each), each))
            if base:
                name = each.relative_to(path).as_posix() if each != path else each.name
                urls.setdefault(_absolute(each), set()).add(_joined(base, name))
    sources = {place: source for place, path in sorted(files.items()) for source in opened(path, problems)}
    for source in _supplied(reading, problems):
        sources.setdefault(source.absolute, source)
        urls.setdefault(source.absolute, set()).update(source.urls)
    known = sorted(sources.items())
    return tuple(replace(source, urls=tuple(sorted(urls.get(place, ())))) for place, source in known)


def supplied(reading: Reading) -> tuple[Source, ...]:
    """Read the files that are only there for references, in the order of their absolute paths.

    Raises:
        GenerationError: A file does not exist, or is not JSON; it has all problems.
    """
    return load((), reading)


def _supplied(reading: Reading, problems: list[Problem]) -> Iterator[Source]:
    """Yield the files for references; one file may come several times, with other URLs."""
    for url, path in _references(reading, problems):
        if not _is_url(url):
            problems.append(_unreadable(path, f"{url} is no URL", _URL))
            continue
        for target, each in _targets(url, path):
            wrong: list[Problem] = []
            for source in opened(each, wrong):
                yield replace(source, urls=(target,) if target else (), is_given=False)
            problems += wrong if each == path else []  # a folder may hold files that are no schemas


def opened(path: Path, problems: list[Problem]) -> Iterator[Source]:
    """Yield the JSON or YAML file at a path, or add what is wrong with it to the problems."""
    try:
        with path.open("rb") as file:
            yield source_of(path, path.as_posix(), file.read(MAX_SIZE + 1))
    except GenerationError as error:
        problems += error.problems
    except (OSError, ValueError) as error:
        wrong = error.strerror if isinstance(error, OSError) else None
        problems.append(_unreadable(path, wrong or str(error), "name a file that can be read"))


def _references(reading: Reading, problems: list[Problem]) -> Iterator[tuple[str, Path]]:
    """Yield the files and folders for references, each with its URL or "", also those that mapping files list."""
    yield from reading.references
    for path in reading.reference_maps:
        for source in opened(path, problems):
            root = source.document.root
            remedy = 'write {"https://example.org/a.json": "a.json"}'
            if not isinstance(root.value, dict):
                problems.append(root.place.problem("", "is no object of URLs and files", remedy))
                continue
            for url, file in root.value.items():
                if isinstance(file, str) and url and "\0" not in file:
                    yield url, path.parent / file
                else:
                    problems.append(root.child(url).place.problem("", "is no URL with the name of a file", remedy))


def _targets(url: str, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files at a path, with the URL of each."""
    if not _is_folder(path):
        yield url.removesuffix("#"), path
        return
    for each in sorted(path.rglob("*")):
        if each.suffix in _SUFFIXES and _is_regular(each):
            yield _joined(url, each.relative_to(path).as_posix()) if url else "", each


def schema_files(paths: Sequence[Path]) -> list[Path]:
    """Return the schema files at paths, which are files or folders.

    A path that is no folder is a schema file, whatever it is: the user named it. In a folder regular files are, and
    links to them. Links to folders are not followed.
    """
    found: set[Path] = set()
    for path in paths:
        found.update(filter(_is_regular, _named_as_schemas(path)) if _is_folder(path) else [path])
    return sorted(found)


def source_of(path: Path, name: str, data: bytes) -> Source:
    """Return the schema file with some content.

    Args:
        path: The path of the file, which decides between JSON and YAML and need not exist.
        name: The file as errors name it.
        data: The content, or more than the first `MAX_SIZE` bytes of it.

    Raises:
        GenerationError: The content is too large, or is not JSON or YAML.
    """
    if len(data) > MAX_SIZE:
        raise GenerationError((too_large(name),))
    parser = parse_yaml if path.suffix in {".yaml", ".yml"} else parse
    return Source(path, parser(name, data))


def identities(source: Source) -> Iterator[str]:
    """Yield the names by which references find a file: its URLs, its path, and the identity that it gives itself."""
    yield from source.urls
    yield source.absolute
    value = source.document.value
    for keyword in ("$id", "id"):
        identity = value.get(keyword) if isinstance(value, dict) else None
        if isinstance(identity, str) and is_absolute(identity):
            yield identity.removesuffix("#")


def is_absolute(uri: str) -> bool:
    """Return whether a URI has a scheme."""
    try:
        return bool(urlsplit(uri).scheme)
    except ValueError:
        return True


def inside(folder: Path, name: str) -> Path:
    """Return the path in a folder for a name from outside: from a repository, an archive, a schema or a record.

    Every use of such a name as a path goes through here. A name is refused on all systems if it would lead out of the
    folder on one of them. Nothing is read from the disk.

    Args:
        folder: The folder.
        name: The name: steps with `/` between them.

    Raises:
        ValueError: The name could mean a place outside of the folder; the text says why.
    """
    if "\0" in name:
        raise ValueError("the name has a NUL character")
    if "\\" in name:
        raise ValueError("the name has a backslash, which leads to another folder on Windows")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise ValueError("the name is absolute")
    steps = name.split("/")
    if not {"", ".", ".."}.isdisjoint(steps):
        raise ValueError('the name has an empty step, "." or ".."')
    return folder.joinpath(*steps)


def too_large(name: str) -> Problem:
    """Return the problem of a file with more than `MAX_SIZE` bytes."""
    return Problem(name, 0, 0, "", "", f"the file has more than {MAX_SIZE >> 20} MiB", "split it")


def _named_as_schemas(folder: Path) -> Iterator[Path]:
    for suffix in (SUFFIX, *YAML_SUFFIXES):
        yield from folder.rglob(f"*{suffix}")


def _unusual(path: Path) -> list[Path]:
    """Return what is named as a schema in a folder, but is a pipe, a socket, a device or a folder."""
    return sorted(each for each in _named_as_schemas(path) if not _is_regular(each)) if _is_folder(path) else []


def _is_regular(path: Path) -> bool:
    """Return whether a path is a regular file, or a link to one; a link to nothing is reported when it is read."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _is_folder(path: Path) -> bool:
    """Return whether a path is a folder. A name that is too long is none, and is reported when it is read."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir() raises an error for such a name


def _is_url(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


def _joined(url: str, name: str) -> str:
    """Return the URL of a file in a folder with a URL; the name may hold bytes that are no text."""
    return urljoin(url, quote(os.fsencode(name)))


def _absolute(path: Path) -> str:
    """Return the absolute path without reading the disk: a link and its target count as different files."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve() follows links


def _unreadable(path: Path, wrong: str, remedy: str) -> Problem:
    return Problem(path.as_posix(), 0, 0, "", "", wrong, remedy)

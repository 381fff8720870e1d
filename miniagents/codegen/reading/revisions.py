"""Read schemas from a revision of git, written like `HEAD~1:schemas/` as in git itself.

The files are read from git's own store into memory. Nothing is written, and the work tree is not changed.
"""

import os
import subprocess
import warnings
from pathlib import Path
from typing import Final

from miniagents.codegen.reading.bundle import Bundle, bundle_of, read_bundle
from miniagents.codegen.reading.sources import (
    MAX_SIZE,
    SUFFIX,
    YAML_SUFFIXES,
    Source,
    inside,
    source_of,
    supplied,
    too_large,
)
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import USUAL, Settings

_AS_IN = "with a path, as in HEAD~1:schemas/"
_ROOT: Final = Path("/revision")
"""The folder that the paths of the files begin with: references lead from one file to another, but there is no disk."""
_LINK: Final = "120000"
"""The mode of a symbolic link."""


def read_version(argument: str, *, is_library: bool = False, settings: Settings = USUAL) -> Bundle:
    """Read schemas from a file, from a folder, or from a revision of git as `REVISION:PATH`.

    An argument that exists as a path is a path. Otherwise an argument with a colon is a revision.

    Args:
        argument: The file, folder or revision.
        is_library: Whether they are the library's own schemas.
        settings: The choices of the user where schemas leave something open.

    Raises:
        GenerationError: There is no such file or revision, or something is wrong with the schemas; it has all problems.
    """
    revision, colon, path = argument.partition(":")
    if not os.path.lexists(argument) and not colon:
        raise _error(argument, "there is no such file or folder", f"name one, or a revision of git {_AS_IN}")
    if os.path.lexists(argument) or not colon or not revision:
        return read_bundle([Path(argument)], is_library=is_library, settings=settings)
    sources = [*_sources(revision, path), *supplied(settings.reading)]
    return bundle_of(sources, is_library=is_library, settings=settings)


def _sources(revision: str, path: str) -> list[Source]:
    """Read the schema files at a path of a revision."""
    argument = f"{revision}:{path}"
    if revision.startswith("-"):
        raise _error(argument, "is no revision", "name one as git does: HEAD~1:schemas/")
    if path.startswith("."):  # like git, relative to the current folder
        path = f"{_git(argument, 'rev-parse', '--show-prefix').decode().strip()}{path}"
    path = os.path.normpath(path).replace(os.sep, "/") if path else "."
    if path.startswith(("../", "/")) or path == "..":
        raise _error(argument, "lies outside of the repository", "name a path in it")
    tree = _git(argument, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}")
    options = ["--full-tree", "-r", "-z", tree.decode().strip()]
    listing = _git(argument, "ls-tree", *options, *([] if path == "." else ["--", path]))
    sources: list[Source] = []
    problems: list[Problem] = []
    for line in listing.split(b"\0"):
        about, _, written = line.partition(b"\t")
        mode, kind, blob = [*about.decode().split(), "", "", ""][:3]
        file = written.decode("utf-8", "surrogateescape")
        if kind != "blob" or (file != path and not file.endswith((SUFFIX, *YAML_SUFFIXES))):
            continue
        name = f"{revision}:{file}"
        if mode == _LINK:  # it could lead out of the revision
            warnings.warn(f"{name} is a symbolic link and was skipped", stacklevel=2)
        elif int(_git(argument, "cat-file", "-s", blob)) > MAX_SIZE:
            problems.append(too_large(name))
        else:
            try:
                where = inside(_ROOT, file)
                sources.append(source_of(where, name, _git(argument, "cat-file", "blob", blob)))
            except ValueError as error:
                problems.append(Problem(name, 0, 0, "", "", str(error), "give the file another name"))
            except GenerationError as error:
                problems += error.problems
    if problems:
        raise GenerationError(tuple(problems))
    if not sources:
        raise _error(argument, "there are no schemas in that revision", "name a file or a folder that is there")
    return sorted(sources, key=lambda source: source.absolute)


def _git(argument: str, *words: str) -> bytes:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", *words]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603 - a list of words, no shell
    except FileNotFoundError:
        raise _error(argument, "git is not installed", "install it, or name a file or a folder") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ").partition("\n")[0]
        wrong = said or "there is no such revision"
        raise _error(argument, wrong, f"name a file, a folder, or a revision {_AS_IN}")
    return done.stdout


def _error(argument: str, wrong: str, remedy: str) -> GenerationError:
    return GenerationError((Problem(argument, 0, 0, "", "", wrong, remedy),))

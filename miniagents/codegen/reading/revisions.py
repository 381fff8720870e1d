"""Read schemas from a revision of git, written like `HEAD~1:schemas/` as in git itself.

Git exports the files to a temporary folder, which is removed after reading. The work tree is not changed.
"""

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from miniagents.codegen.reading.bundle import Bundle, read_bundle
from miniagents.codegen.schema_errors import GenerationError, Problem

_AS_IN = "with a path, as in HEAD~1:schemas/"


class Version:
    """One version of schemas, and the names of its files.

    Attributes:
        bundle: The definitions of the version.
    """

    def __init__(self, bundle: Bundle, folder: str = "", name: str = "") -> None:
        self.bundle = bundle
        self._folder = folder
        self._name = name

    def shown(self, file: str) -> str:
        """Return the name of a file as the user knows it."""
        return _shown(file, self._folder, self._name)


def read_version(argument: str, *, is_library: bool = False) -> Version:
    """Read schemas from a file, from a folder, or from a revision of git as `REVISION:PATH`.

    An argument that exists as a path is a path. Otherwise an argument with a colon is a revision.

    Args:
        argument: The file, folder or revision.
        is_library: Whether they are the library's own schemas.

    Raises:
        GenerationError: There is no such file or revision, or something is wrong with the schemas; it has all problems.
    """
    revision, colon, path = argument.partition(":")
    if not os.path.lexists(argument) and not colon:
        raise _error(argument, "there is no such file or folder", f"name one, or a revision of git {_AS_IN}")
    if os.path.lexists(argument) or not colon or not revision:
        return Version(read_bundle([Path(argument)], is_library=is_library))
    with tempfile.TemporaryDirectory(prefix="miniagents-") as folder:
        root = Path(folder)
        where = _exported(revision, path, root)
        name = f"{revision}:"
        try:
            return Version(read_bundle([where], is_library=is_library), root.as_posix(), name)
        except GenerationError as error:
            problems = (replace(each, file=_shown(each.file, root.as_posix(), name)) for each in error.problems)
            raise GenerationError(tuple(problems)) from None


def _shown(file: str, folder: str, name: str) -> str:
    if not folder or not file.startswith(folder):
        return file
    return name + file[len(folder) :].lstrip("/")


def _exported(revision: str, path: str, folder: Path) -> Path:
    """Export the files at a path of a revision to a folder, and return the path of the copy."""
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
    found: list[str] = []
    for line in listing.split(b"\0"):
        about, _, name = line.partition(b"\t")
        mode, kind, blob = [*about.decode().split(), "", "", ""][:3]
        if kind != "blob" or mode == "120000":  # a link could point outside of the revision
            continue
        file = name.decode("utf-8", "surrogateescape")
        is_asked = file == path
        if not is_asked and not file.endswith((".json", ".yaml", ".yml")):
            continue
        target = folder.joinpath(*PurePosixPath(file).parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_git(argument, "cat-file", "blob", blob))
        found.append(file)
    if not found:
        raise _error(argument, "there are no schemas in that revision", "name a file or a folder that is there")
    return folder if path == "." else folder / path


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

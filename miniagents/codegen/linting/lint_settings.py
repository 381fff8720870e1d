"""Read from `pyproject.toml` how strict `lint` is, for all files and for those in some folders.

    [tool.miniagents.lint]
    level = "strict"
    ignore = ["enum-zero"]

    [tool.miniagents.lint.folders."schemas/vendor"]
    level = "off"

The nearest `pyproject.toml` above a schema file that has such a table counts, and its folders are relative to it. An
inner folder replaces the level of the folders around it, and adds to what they ignore.
"""

import os
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.linting.levels import LEVELS, Level, Strictness
from miniagents.codegen.schema_errors import Problem

_FILE: Final = "pyproject.toml"
_TABLE: Final = ("tool", "miniagents", "lint")
_OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class _Folder:
    """What is said of a folder.

    Attributes:
        path: The folder, as seen from the one with the file.
        level: The level, or "off"; None if nothing is said of it.
        ignored: The rules that are left out.
    """

    path: Path
    level: str | None
    ignored: frozenset[str]


class LintSettings:
    """Tells how strict `lint` is for each file.

    Args:
        level: The level of the command line, which counts more than `pyproject.toml`; None if there is none.
        ignored: The rules that the command line leaves out.
        rules: The names of all rules.

    Attributes:
        problems: What is wrong with the files that were read so far.
    """

    def __init__(self, level: Level | None, ignored: Collection[str], rules: Collection[str]) -> None:
        self._level: Level | None = level
        self._ignored = ignored
        self._rules = rules
        self._known: dict[Path, tuple[_Folder, ...]] = {}
        self.problems: list[Problem] = []

    def of(self, file: str) -> Strictness:
        """Return the strictness for a schema file."""
        path = Path(os.path.abspath(file))  # noqa: PTH100 - a link is a file of the folder that it stands in
        level: Level | None = "standard"
        ignored = {*self._ignored}
        for folder in path.parents:
            if folder not in self._known:
                self._known[folder] = tuple(self._read(folder / _FILE))
            for each in self._known[folder]:
                if path.parent.relative_to(folder).is_relative_to(each.path):
                    ignored |= each.ignored
                    if each.level is not None:
                        level = next((known for known in LEVELS if known == each.level), None)
            if self._known[folder]:
                break
        return Strictness(self._level or level, frozenset(ignored))

    def _read(self, path: Path) -> Iterator[_Folder]:
        """Yield what a file says of folders, outer ones first; nothing if there is no such file or table."""
        if not path.is_file():
            return
        try:
            found: JsonValue = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            self._refuse(path, "", f"cannot be read: {error}", "correct the file")
            return
        for name in _TABLE:
            found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            return
        where = ".".join(_TABLE)
        yield from self._folder(path, where, Path(), found, "folders")
        none: JsonValue = {}
        folders = found.get("folders", none) if isinstance(found, dict) else none
        if not isinstance(folders, dict):
            self._refuse(path, f"{where}.folders", "is no table", f'write [{where}.folders."schemas/vendor"]')
            return
        named = {Path(os.path.normpath(name)): name for name in folders}
        for inner in sorted(named, key=lambda each: len(each.parts)):
            here = f'{where}.folders."{named[inner]}"'
            if not (path.parent / inner).is_dir():
                self._refuse(path, here, "there is no such folder", "name one as seen from this file")
            yield from self._folder(path, here, inner, folders[named[inner]])

    def _folder(self, path: Path, where: str, folder: Path, table: JsonValue, *more: str) -> Iterator[_Folder]:
        if not isinstance(table, dict):
            self._refuse(path, where, "is no table", f"write [{where}]")
            return
        known = ("level", "ignore", *more)
        for name in sorted(table.keys() - known):
            self._refuse(path, f"{where}.{name}", "there is no such setting", f"write {', '.join(known)}")
        level, ignored = table.get("level"), table.get("ignore", [])
        if level not in {None, *LEVELS, _OFF} if isinstance(level, str | None) else True:
            self._refuse(path, f"{where}.level", f"{level!r} is no level", f"write {', '.join(LEVELS)} or {_OFF}")
        names = ignored if isinstance(ignored, list) else [ignored]
        for each in names:
            if not isinstance(ignored, list) or each not in self._rules:
                self._refuse(path, f"{where}.ignore", f"{each!r} is no rule", "list some; lint --rules has them all")
        words = frozenset(name for name in names if isinstance(name, str))
        yield _Folder(folder, level if isinstance(level, str) else None, words)

    def _refuse(self, path: Path, where: str, wrong: str, remedy: str) -> None:
        here = Path.cwd()
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        self.problems.append(Problem(shown.as_posix(), 0, 0, where, "", wrong, remedy))

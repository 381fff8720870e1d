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
from pathlib import Path
from typing import Final, Literal

import msgspec

from miniagents.codegen.linting.levels import LEVELS, Level, Strictness
from miniagents.codegen.schema_errors import Problem

_FILE: Final = "pyproject.toml"
_TABLE: Final = ("tool", "miniagents", "lint")


class _Folder(msgspec.Struct, forbid_unknown_fields=True):
    """The table of a folder."""

    level: Level | Literal["off"] | None = None
    ignore: tuple[str, ...] = ()


class _Table(_Folder):
    """The table of all files."""

    folders: dict[str, _Folder] = {}


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
        self._tables: dict[Path, _Table | None] = {}
        self.problems: list[Problem] = []

    def of(self, file: str) -> Strictness:
        """Return the strictness for a schema file."""
        path = Path(os.path.abspath(file))  # noqa: PTH100 - a link is a file of the folder that it stands in
        level: Level | None = "standard"
        ignored = {*self._ignored}
        for folder in path.parents:
            if folder not in self._tables:
                self._tables[folder] = self._read(folder / _FILE)
            table = self._tables[folder]
            if table is not None:
                for each in _around(table, path.parent.relative_to(folder)):
                    level = None if each.level == "off" else each.level or level
                    ignored.update(each.ignore)
                break
        return Strictness(self._level or level, frozenset(ignored))

    def _read(self, path: Path) -> _Table | None:
        """Return the table of a file, or None if there is no such file or table."""
        if not path.is_file():
            return None
        try:
            value: object = tomllib.loads(path.read_text(encoding="utf-8"))
            for name in _TABLE:
                value = msgspec.convert(value, dict[str, object]).get(name, {})
            if value == {}:
                return None
            table = msgspec.convert(value, _Table)
        except msgspec.ValidationError as error:
            remedy = f"write level ({', '.join(LEVELS)} or off), ignore and folders"
            self._refuse(path, ".".join(_TABLE), str(error), remedy)
            return None
        except (OSError, ValueError) as error:
            self._refuse(path, "", f"cannot be read: {error}", "correct the file")
            return None
        for name, folder in table.folders.items():
            if not (path.parent / name).is_dir():
                self._refuse(path, f'folders."{name}"', "there is no such folder", "name one as seen from this file")
            self._know(path, folder)
        self._know(path, table)
        return table

    def _know(self, path: Path, table: _Folder) -> None:
        for name in table.ignore:
            if name not in self._rules:
                self._refuse(path, "ignore", f"{name} is no rule", "lint --rules lists them all")

    def _refuse(self, path: Path, where: str, wrong: str, remedy: str) -> None:
        here = Path.cwd()
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        self.problems.append(Problem(shown.as_posix(), 0, 0, where, "", wrong, remedy))


def _around(table: _Table, folder: Path) -> Iterator[_Folder]:
    """Yield the tables that count for a folder, from the outermost to the innermost."""
    yield table
    named = {Path(os.path.normpath(name)): each for name, each in table.folders.items()}
    for name in sorted(named, key=lambda each: len(each.parts)):
        if folder.is_relative_to(name):
            yield named[name]

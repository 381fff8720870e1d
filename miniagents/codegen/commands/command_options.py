"""The parsed arguments of the command line."""

import argparse
from pathlib import Path
from typing import Literal

from miniagents.codegen.commands.painting import When
from miniagents.codegen.comparing.rules import Gate
from miniagents.codegen.linting.levels import Level
from miniagents.codegen.settings import Base, Formats, Reading


class Options(argparse.Namespace):
    """The parsed arguments; each command has only some of them.

    Attributes:
        command: The command.
        schemas: Files and folders.
        output: The file to write.
        check: Whether to compare only and write nothing.
        watch: Whether to write the file again whenever the schemas change.
        formats: The meaning of `format`: a note, a check, or a type.
        base: The base class of objects whose schemas do not name one, or a URL, which means `base_url`.
        namespace: The prefix that distinguishes the records of the module from records of other modules.
        ref: Where referenced schemas are, each with a URL or "".
        ref_map: Files that say where referenced schemas are.
        base_url: The URL of the schema files.
        operations: Whether to generate the schemas of operations.
        strict_keywords: Whether to refuse unknown keywords.
        ignore_keyword: Unknown keywords that are not reported.
        overlay: Files that say more about the schemas.
        library: Whether the schemas are the library's own.
        level: The strictness of `lint`; None for that of pyproject.toml, or the default.
        ignore: The rules to leave out.
        rules: Whether to show the rules.
        fix: Whether to correct what can be corrected mechanically.
        format: The format of reports.
        color: When to write in colours.
        old: The old version.
        new: The new version.
        against: The changes that must not be there.
        module: The module to export.
    """

    command: Literal["generate", "lint", "diff", "export"]
    schemas: list[Path]
    output: Path | None
    check: bool
    watch: bool
    formats: Formats
    base: str = "Record"
    namespace: str
    ref: list[tuple[str, Path]]
    ref_map: list[Path]
    base_url: str
    operations: bool
    strict_keywords: bool
    ignore_keyword: list[str]
    overlay: list[Path]
    library: bool
    level: Level | None
    ignore: list[str]
    rules: bool
    fix: bool
    format: Literal["text", "json", "markdown", "github", "sarif"]
    color: When
    old: str
    new: str
    against: Gate
    module: str

    @property
    def base_class(self) -> Base:
        """The base class of objects whose schemas do not name one."""
        return "Message" if self.base == "Message" else "Record"

    @property
    def reading(self) -> Reading:
        """The choices for reading schema files."""
        ignored = frozenset(self.ignore_keyword)
        references, maps = tuple(self.ref), tuple(self.ref_map)
        url = self.base_url or (self.base if "://" in self.base else "")
        return Reading(references, maps, url, self.operations, self.strict_keywords, ignored, tuple(self.overlay))

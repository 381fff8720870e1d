"""The parsed arguments of the command line."""

import argparse
from pathlib import Path
from typing import Literal

from miniagents.codegen.commands.painting import When
from miniagents.codegen.comparing.rules import Audience
from miniagents.codegen.linting.levels import Level
from miniagents.codegen.settings import Base, Formats


class Options(argparse.Namespace):
    """The parsed arguments; each command has only some of them.

    Attributes:
        command: The command.
        schemas: Files and folders.
        output: The file to write.
        check: Whether to compare only and write nothing.
        watch: Whether to write the file again whenever the schemas change.
        formats: The meaning of `format`: a note, a check, or a type.
        base: The base class of objects whose schemas do not name one.
        namespace: The prefix that distinguishes the records of the module from records of other modules.
        library: Whether the schemas are the library's own.
        level: The strictness of `lint`.
        ignore: The rules to leave out.
        rules: Whether to show the rules.
        format: The format of reports.
        color: When to write in colours.
        old: The old version.
        new: The new version.
        against: The audiences that changes must not break.
        module: The module to export.
    """

    command: Literal["generate", "lint", "diff", "export"]
    schemas: list[Path]
    output: Path | None
    check: bool
    watch: bool
    formats: Formats
    base: Base
    namespace: str
    library: bool
    level: Level
    ignore: list[str]
    rules: bool
    format: Literal["text", "json"]
    color: When
    old: str
    new: str
    against: list[Audience]
    module: str

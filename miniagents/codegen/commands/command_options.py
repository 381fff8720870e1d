"""What the arguments of the command line say."""

import argparse
from pathlib import Path
from typing import Literal

from miniagents.codegen.commands.painting import When
from miniagents.codegen.comparing.rules import Audience
from miniagents.codegen.linting.levels import Level
from miniagents.codegen.settings import Base, Formats


class Options(argparse.Namespace):
    """What the arguments say; which of them there are depends on the command.

    Attributes:
        command: The command.
        schemas: Files and folders.
        output: The file to write.
        check: Whether to write nothing.
        watch: Whether to go on when the schemas change.
        formats: What a `format` is.
        base: What objects extend that do not say it.
        namespace: What tells the records of the module from those of others.
        library: Whether the schemas are the library's own.
        level: How much `lint` asks.
        ignore: Rules to leave out.
        rules: Whether to show the rules.
        format: How to report.
        color: When to write in colours.
        old: The old version.
        new: The new one.
        against: Whom changes must not break.
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

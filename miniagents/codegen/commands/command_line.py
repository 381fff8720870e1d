"""The command line of the generator: its commands, options and exit statuses.

`miniagents` and `python -m miniagents.codegen` call it.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from miniagents.codegen.commands.command_options import Options
from miniagents.codegen.commands.console import WRONG, Console
from miniagents.codegen.commands.generate import run_generate
from miniagents.codegen.commands.tools import run_diff, run_export, run_lint
from miniagents.codegen.comparing.rules import AUDIENCES, SEVERITIES, Gate, in_order
from miniagents.codegen.schema_errors import GenerationError
from miniagents.codegen.settings import BASES, FORMATS
from miniagents.command_parser import CommandParser, Example

_RUN: Final = {"generate": run_generate, "lint": run_lint, "diff": run_diff, "export": run_export}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments without the name of the program; None for the arguments of the process.

    Returns:
        0 for success, 1 if a check found something (`generate --check`, `lint`, `diff`), 2 for errors.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = _build_parsers()[0].parse_args(arguments, Options())
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else WRONG
    console = Console(options.color)
    try:
        return _RUN[options.command](options, console)
    except GenerationError as error:
        console.warnings(error.warnings)
        console.problems(error.problems)
    return WRONG


def build_parser(name: str) -> CommandParser:
    """Return the parser of one command."""
    return _build_parsers()[1][name]


def _build_parsers() -> tuple[CommandParser, dict[str, CommandParser]]:
    """Return the parser of all commands, and those of each by its name."""
    parser = CommandParser(prog=_program(), description="Make Python types of JSON Schema files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _generate(
        commands.add_parser(
            "generate",
            help="write a module of message types",
            description="Write one module with a type for every object in the schemas. "
            "Exit status: 0 done, 1 the module differs (--check), 2 the schemas must be corrected.",
        )
    )
    _lint(
        commands.add_parser(
            "lint",
            help="say what could be better in schemas",
            description="Check schemas against rules. Rules are switched off in place by "
            '"x-miniagents-ignore": ["rule"]. '
            "Exit status: 0 nothing found, 1 something found, 2 the schemas cannot be read.",
        )
    )
    _diff(
        commands.add_parser(
            "diff",
            help="say what a change of schemas breaks, and for whom",
            description="Compare two versions of schemas. Each is a file, a folder, or a revision of git as in "
            "HEAD~1:schemas/. Readers have the new code and old data, writers the new code and old readers, source "
            "is Python code with the generated types. "
            "A change that could break somebody breaks only data that has an undeclared property of the very name. "
            "Exit status: 0 nothing breaks, 1 something does, 2 a version cannot be read.",
        )
    )
    _export(
        commands.add_parser(
            "export",
            help="write the types of a module as JSON Schema",
            description="Write the types of a Python module as JSON Schema 2020-12. The module is imported. "
            "Exit status: 0 done, 2 the module cannot be imported, or a type has no schema.",
        )
    )
    return parser, commands.choices


def _generate(command: CommandParser) -> None:
    _schemas(command)
    command.add_argument(
        "--output",
        required=True,
        type=_module,
        metavar="FILE.py|FOLDER/",
        help="the module to write, or the folder of a package with a module for each schema file",
    )
    command.add_argument("--check", action="store_true", help="write nothing, and show how the module differs")
    command.add_argument("--watch", action="store_true", help="write it again when a schema changes, until Ctrl+C")
    command.add_argument(
        "--formats",
        choices=FORMATS,
        default="note",
        help="what a format is: a note on a text (the default); checked; or typed: checked, and in Python a datetime, "
        "date, time, timedelta, UUID or bytes",
    )
    command.add_argument(
        "--base",
        type=_base,
        default="Record",
        metavar="{Record,Message}",
        help='the base class of objects in $defs without "x-miniagents": {"base": ...}; a URL here is the --base-url',
    )
    command.add_argument(
        "--namespace",
        type=_namespace,
        default="",
        metavar="NAME",
        help="distinguishes the records of this module from others with the same names in their hash_key",
    )
    command.add_argument("--library", action="store_true", help=argparse.SUPPRESS)
    _reading(command)
    _color(command)
    command.examples = (
        Example("miniagents generate schemas --output messages.py", "a module of all schemas in a folder"),
        Example("miniagents generate schemas --output messages.py --check", "in CI: is the module up to date?"),
        Example("miniagents generate schemas --output messages.py --watch", "while you work on the schemas"),
        Example(
            "miniagents generate schemas --output messages/ --formats typed",
            "a package with a module for each schema file; dates and UUIDs, not texts",
        ),
    )


def _lint(command: CommandParser) -> None:
    _schemas(command, nargs="*")
    command.add_argument(
        "--level",
        choices=("basic", "standard", "strict"),
        help="how much is asked: what is surely wrong; what should be better; all there is. The default is what "
        "[tool.miniagents.lint] of pyproject.toml says, or standard",
    )
    command.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="leave a rule out; may be given more than once"
    )
    command.add_argument("--library", action="store_true", help=argparse.SUPPRESS)
    command.add_argument(
        "--fix", action="store_true", help="correct the files where that changes neither what they accept nor the types"
    )
    command.add_argument("--rules", action="store_true", help="say what the rules are, and check nothing")
    _reading(command)
    _format(command)
    _color(command)
    command.examples = (
        Example("miniagents lint schemas", "all schemas in a folder"),
        Example("miniagents lint --level strict --ignore type-description schemas", "all rules but one"),
        Example("miniagents lint --fix schemas", "correct what is mechanical, and report the rest"),
        Example("miniagents lint --format github schemas", "annotations in a workflow of GitHub"),
    )


def _diff(command: CommandParser) -> None:
    command.add_argument("old", metavar="OLD", help="the version that data and code exist for")
    command.add_argument("new", metavar="NEW", help="the version that is to come")
    command.add_argument("--library", action="store_true", help=argparse.SUPPRESS)
    command.add_argument(
        "--against",
        type=_gate,
        default=Gate(),
        metavar="WHAT",
        help="what to hold the change against: some of readers,writers,source (by default all), and breaks (the "
        "default) or could-break, which means both",
    )
    command.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="leave a rule out; may be given more than once"
    )
    _reading(command)
    _format(command, "markdown")
    _color(command)
    command.examples = (
        Example("miniagents diff HEAD:schemas schemas", "what you have changed since the last commit"),
        Example("miniagents diff v1/schemas schemas --against readers", "can the new code read the old data?"),
        Example("miniagents diff HEAD:schemas schemas --against readers,could-break", "also by chance"),
        Example("miniagents diff HEAD:schemas schemas --format markdown", "a report for a change request"),
    )


def _export(command: CommandParser) -> None:
    command.add_argument("module", metavar="MODULE", help="a module to import, or a file: my_app.messages, messages.py")
    command.add_argument("--output", type=Path, metavar="FILE.json", help="the file to write; if not given, stdout")
    _color(command)
    command.examples = (
        Example("miniagents export messages.py", "to stdout"),
        Example("miniagents export messages --output messages.schema.json", "a module that can be imported, to a file"),
    )


def _schemas(command: CommandParser, nargs: str = "+") -> None:
    words = "a schema file, or a folder of *.schema.json (or .yaml)"
    command.add_argument("schemas", nargs=nargs, type=Path, metavar="SCHEMA", help=words)


def _reading(command: CommandParser) -> None:
    command.add_argument(
        "--ref",
        type=_reference,
        action="append",
        default=[],
        metavar="URL=FILE",
        help="where a referenced schema is: URL=FILE; URL/=FOLDER; or a file or folder whose schemas have an $id",
    )
    command.add_argument(
        "--ref-map",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.json",
        help='where referenced schemas are: {"URL": "FILE"}, with paths as seen from FILE.json',
    )
    command.add_argument("--base-url", default="", metavar="URL", help="the URL under which the schemas are published")
    command.add_argument(
        "--operations", action="store_true", help="OpenAPI, AsyncAPI: the schemas of parameters and bodies as well"
    )
    command.add_argument("--strict-keywords", action="store_true", help="refuse unknown keywords")
    command.add_argument(
        "--ignore-keyword",
        action="append",
        default=[],
        metavar="NAME",
        help="do not warn of an unknown keyword; may be given more than once",
    )
    command.add_argument(
        "--overlay",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.json",
        help='what to add to schemas of others: {"a.json#/$defs/A": {"name": "B", "description": "…"}}',
    )


def _format(command: CommandParser, *more: str) -> None:
    command.add_argument(
        "--format",
        choices=("text", *more, "json", "github", "sarif"),
        default="text",
        help="for people (the default), for programs, for annotations of GitHub, or as SARIF 2.1.0"
        + (", or for change requests" if more else ""),
    )


def _color(command: CommandParser) -> None:
    command.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="auto: on a terminal (the default)"
    )


def _base(text: str) -> str:
    if text not in BASES and "://" not in text:
        raise argparse.ArgumentTypeError(f"{shlex.quote(text)} is none of {', '.join(BASES)}, and no URL")
    return text


def _gate(text: str) -> Gate:
    words = {word.strip() for word in text.split(",") if word.strip()}
    for word in sorted(words):
        if word not in {*AUDIENCES, *SEVERITIES}:
            known = ", ".join((*AUDIENCES, *SEVERITIES))
            raise argparse.ArgumentTypeError(f"{shlex.quote(word)} is none of {known}")
    audiences = in_order([each for each in AUDIENCES if each in words])
    return Gate(audiences or AUDIENCES, "could-break" if "could-break" in words else "breaks")


def _module(text: str) -> Path:
    path = Path(text)
    is_folder = text.endswith(("/", os.sep)) or (path.suffix != ".py" and path.is_dir())
    if (path.suffix != ".py" or is_folder) and not (is_folder and path.name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{shlex.quote(text)} is no file that can be imported, such as messages.py")
    return path


def _reference(text: str) -> tuple[str, Path]:
    url, _, path = text.rpartition("=")
    if not path:
        raise argparse.ArgumentTypeError(f"{shlex.quote(text)} names no file: URL=FILE")
    return url, Path(path)


def _namespace(text: str) -> str:
    if text and not all(word.isidentifier() for word in text.split(".")):
        raise argparse.ArgumentTypeError(f"{shlex.quote(text)} is no name such as my_app.protocol")
    return text


def _program() -> str:
    """Return the command as the user called it, for the usage text."""
    called = Path(sys.argv[0])
    if called.stem == "miniagents":  # the script, which is an .exe on some systems
        return "miniagents"
    if called.parts[-2:] == ("miniagents", "__main__.py"):
        return "python -m miniagents"
    return "python -m miniagents.codegen"

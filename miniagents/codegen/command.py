"""The command line: what `python -m miniagents.codegen` understands, says and returns."""

import argparse
import difflib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from miniagents.codegen.errors import GenerationError
from miniagents.codegen.generating import COMMAND, generate

OK, DIFFERS, WRONG = 0, 1, 2
"""Exit statuses: all is well; the module is not what the schemas say; something must be mended first."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the generator.

    Args:
        argv: The arguments, without the name of the program; those of the process when None.

    Returns:
        0 when the module was written or is up to date, 1 when `--check` finds that it differs, 2 for errors.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        options = _parser().parse_args(arguments, _Options())
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else WRONG
    try:
        text = generate(options.schemas, options.output, library=options.library)
        if options.check:
            return _check(options, text)
        _write(options.output, text)
    except GenerationError as error:
        _say_to_stderr(str(error))
        return WRONG
    except OSError as error:
        _say_to_stderr(f"{options.output.as_posix()}: {error.strerror or error}; name a file that can be written")
        return WRONG
    return OK


class _Options(argparse.Namespace):
    """What the arguments say."""

    schemas: list[Path]
    output: Path
    check: bool
    library: bool


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_program(), description="Make Python types of JSON Schema files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "generate",
        help="write a module of message types",
        description="Write one module with a type for every object in the schemas. "
        "Exit status: 0 done, 1 the module differs (--check), 2 the schemas must be mended.",
    )
    command.add_argument(
        "schemas", nargs="+", type=Path, metavar="SCHEMA", help="a schema file, or a folder of *.schema.json"
    )
    command.add_argument("--output", required=True, type=Path, metavar="FILE.py", help="the module to write")
    command.add_argument("--check", action="store_true", help="write nothing, and show how the module differs")
    command.add_argument("--library", action="store_true", help=argparse.SUPPRESS)
    return parser


def _program() -> str:
    """How the generator was called, for the usage."""
    called = Path(sys.argv[0])
    if called.stem == "miniagents":  # the script, which is an .exe on some systems
        return "miniagents"
    if called.parts[-2:] == ("miniagents", "__main__.py"):
        return "python -m miniagents"
    return "python -m miniagents.codegen"


def _check(options: _Options, text: str) -> int:
    try:
        present = options.output.read_bytes().decode("utf-8", "backslashreplace")
    except FileNotFoundError:
        present = ""
    if present == text:
        return OK
    name = options.output.as_posix()
    diff = difflib.unified_diff(
        present.splitlines(keepends=True), text.splitlines(keepends=True), name, f"{name} (as the schemas say)"
    )
    sys.stdout.writelines(line if line.endswith("\n") else f"{line}\n" for line in diff)
    arguments = [*(path.as_posix() for path in options.schemas), "--output", name]
    again = "scripts/generate" if options.library else f"{COMMAND} {shlex.join(arguments)}"
    _say_to_stderr(f"{name} differs from its schemas; run: {again}")
    return DIFFERS


def _write(path: Path, text: str) -> None:
    """Write the module, unless it says so already: a file that stays the same keeps its time."""
    data = text.encode()
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


def _say_to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")

"""The command `generate`: write a module, check it, or write it again whenever the schemas change."""

import difflib
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from miniagents._replacing import replace, target_of
from miniagents.codegen.commands.command_options import Options
from miniagents.codegen.commands.console import DIFFERS, OK, WRONG, Console
from miniagents.codegen.generating import COMMAND, generate_with
from miniagents.codegen.reading.sources import schema_files
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import Settings
from miniagents.printing import printable

PAUSE = 0.3
"""The time between two looks at the files, in seconds."""


def run_generate(options: Options, console: Console) -> int:
    """Write a module, or check it, as the arguments say.

    Raises:
        GenerationError: The schemas cannot be read or generated, or the module cannot be written.
    """
    output = options.output or Path()
    if options.watch and not options.check:
        return _watch(options, output, console)
    text = _generated(options, output, console)
    if options.check:
        return _check(options, output, text, console)
    _write(output, text)
    return OK


def _generated(options: Options, output: Path, console: Console) -> str:
    with console.reading(options.schemas):
        generated = generate_with(options.schemas, output, _settings(options), library=options.library)
    console.warnings(generated.warnings)
    return generated.text


def _settings(options: Options) -> Settings:
    return Settings(options.formats, options.base_class, options.namespace, options.reading)


def _check(options: Options, output: Path, text: str, console: Console) -> int:
    try:
        present = output.read_bytes().decode("utf-8", "backslashreplace")
    except FileNotFoundError:
        present = ""
    except OSError as error:
        raise _unusable(output, error, "name a file that can be read") from None
    if present == text:
        return OK
    name = output.as_posix()
    diff = difflib.unified_diff(
        present.splitlines(keepends=True), text.splitlines(keepends=True), name, f"{name} (as the schemas say)"
    )
    paint = console.paint
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in diff:
        plain = printable(line.rstrip("\n"))  # the present file may hold anything
        console.write(f"{paint(plain, colours[line[0]]) if line[0] in colours else plain}\n")
    arguments = [*(path.as_posix() for path in options.schemas), "--output", name, *_settings(options).arguments()]
    again = "scripts/generate" if options.library else f"{COMMAND} {shlex.join(arguments)}"
    console.say(f"{name} differs from its schemas; run: {again}")
    return DIFFERS


def _write(path: Path, text: str) -> bool:
    """Write the module if its text changed; an unchanged file keeps its modification time."""
    data = text.encode()
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        replace(target_of(path), data)
    except OSError as error:
        raise _unusable(path, error, "name a file that can be written") from None
    return True


def _unusable(path: Path, error: OSError, remedy: str) -> GenerationError:
    return GenerationError((Problem(path.as_posix(), 0, 0, "", "", error.strerror or str(error), remedy),))


def _watch(options: Options, output: Path, console: Console) -> int:
    status = OK

    def again() -> None:
        nonlocal status
        started = time.perf_counter()
        try:
            is_new = _write(output, _generated(options, output, console))
        except GenerationError as error:
            console.warnings(error.warnings)
            console.problems(error.problems)
            console.say("nothing was written; waiting for the schemas to be corrected", "dim")
            status = WRONG
            return
        took = f"{time.perf_counter() - started:.1f} s"
        words = f"{output.as_posix()} {'written' if is_new else 'is up to date'} ({took}); waiting for changes"
        console.say(words, "dim")
        status = OK

    watch([*options.schemas, *(path for _, path in options.ref), *options.overlay], again)
    return status


def watch(paths: list[Path], again: Callable[[], None], wait: Callable[[], None] = lambda: time.sleep(PAUSE)) -> None:
    """Call a function now, and whenever a schema file is changed, added or removed, until Ctrl+C.

    Args:
        paths: Files and folders.
        again: The function to call.
        wait: The function that waits between two looks at the files.
    """
    seen = None
    try:
        while True:
            now = _times(paths)
            if now != seen:
                again()
            seen = now
            wait()
    except KeyboardInterrupt:
        return


def _times(paths: list[Path]) -> dict[Path, tuple[int, int]]:
    found: dict[Path, tuple[int, int]] = {}
    for path in schema_files(paths):
        try:
            about = path.stat()
        except OSError:
            continue
        found[path] = (about.st_mtime_ns, about.st_size)
    return found

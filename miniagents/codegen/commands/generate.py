"""The command `generate`: write a module or package, check it, or write it again whenever the schemas change."""

import difflib
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from miniagents._replacing import replace, target_of
from miniagents.codegen.commands.command_options import Options
from miniagents.codegen.commands.console import DIFFERS, OK, WRONG, Console
from miniagents.codegen.generating import COMMAND, generate_with, is_package
from miniagents.codegen.reading.sources import schema_files
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import Settings
from miniagents.codegen.texts import FIRST
from miniagents.printing import printable

PAUSE = 0.3
"""The time between two looks at the files, in seconds."""


def run_generate(options: Options, console: Console) -> int:
    """Write a module or package, or check it, as the arguments say.

    Raises:
        GenerationError: The schemas cannot be read or generated, or the module cannot be written.
    """
    output = options.output or Path()
    if options.watch and not options.check:
        return _watch(options, output, console)
    files = _generated(options, output, console)
    if options.check:
        return _check(options, output, files, console)
    _write(output, files)
    return OK


def _generated(options: Options, output: Path, console: Console) -> dict[Path, str | None]:
    """Return the text of each file; None for a file that the generator made before and that is to be removed."""
    with console.reading(options.schemas):
        generated = generate_with(options.schemas, output, _settings(options), library=options.library)
    console.warnings(generated.warnings)
    if not is_package(output):
        return {output: generated.text}
    files: dict[Path, str | None] = {output / name: text for name, text in generated.files.items()}
    try:
        files |= {path: None for path in sorted(output.glob("*.py")) if path not in files and _is_generated(path)}
    except OSError as error:
        raise _unusable(output, error, "name a folder that can be written") from None
    return files


def _is_generated(path: Path) -> bool:
    return path.read_bytes().startswith(f"# {FIRST}".encode())


def _settings(options: Options) -> Settings:
    return Settings(options.formats, options.base_class, options.namespace, options.reading)


def _check(options: Options, output: Path, files: Mapping[Path, str | None], console: Console) -> int:
    different = [path for path, text in files.items() if _differs(path, text, console)]
    if not different:
        return OK
    name = f"{output.as_posix()}{'/' * is_package(output)}"
    arguments = [*(path.as_posix() for path in options.schemas), "--output", name, *_settings(options).arguments()]
    again = "scripts/generate" if options.library else f"{COMMAND} {shlex.join(arguments)}"
    console.say(f"{name} differs from its schemas; run: {again}")
    return DIFFERS


def _differs(path: Path, text: str | None, console: Console) -> bool:
    """Return whether a file is not as the schemas say, and show how it differs."""
    try:
        present = path.read_bytes().decode("utf-8", "backslashreplace")
    except FileNotFoundError:
        present = ""
    except OSError as error:
        raise _unusable(path, error, "name a file that can be read") from None
    if present == text:
        return False
    name = path.as_posix()
    expected = [] if text is None else text.splitlines(keepends=True)
    diff = difflib.unified_diff(present.splitlines(keepends=True), expected, name, f"{name} (as the schemas say)")
    paint = console.paint
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in diff:
        plain = printable(line.rstrip("\n"))  # the present file may hold anything
        console.write(f"{paint(plain, colours[line[0]]) if line[0] in colours else plain}\n")
    return True


def _write(output: Path, files: Mapping[Path, str | None]) -> bool:
    """Write the files whose texts changed; an unchanged file keeps its modification time.

    Returns:
        Whether any file changed.
    """
    changed = False
    for path, text in files.items():
        try:
            if text is None:
                path.unlink(missing_ok=True)
                changed = True
                continue
            data = text.encode()
            if path.is_file() and path.read_bytes() == data:
                continue
            if path != output:
                output.mkdir(exist_ok=True)
            replace(target_of(path), data)
            changed = True
        except OSError as error:
            raise _unusable(path, error, "name a file that can be written") from None
    return changed


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

"""Turn schema files into the text of a module: read, shape, write and format, one after the other."""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.settings import Base, Formats, Settings
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.writing.emitter import emit
from miniagents.codegen.writing.formatter import formatted

COMMAND = "python -m miniagents.codegen generate"
"""The command that runs the generator."""


def generate(
    schemas: Iterable[Path | str],
    output: Path | str,
    *,
    formats: Formats = "note",
    base: Base = "Record",
    namespace: str = "",
    library: bool = False,
) -> str:
    """Return the text of the module for some schema files, without writing it.

    The text depends only on the schemas and on their paths relative to the module. It does not depend on the current
    folder, the order of the files, the version of Python or its hash seed.

    Args:
        schemas: Schema files, and folders of files that end in `.schema.json`.
        output: The path of the module; the header contains the command that generates it again.
        formats: The meaning of a `format` without "x-miniagents-format". "note" does not check it, "checked" does.
            "typed" checks it, and decodes it to datetime, date, time, timedelta, UUID or bytes if it is one of these.
        base: The base class of definitions that are objects and do not name one.
        namespace: A name that distinguishes the records of this module from records of other modules with the same
            names, in their `hash_key`.
        library: Whether the schemas are the library's own, which may name hand-written bases.

    Returns:
        The formatted Python text.

    Raises:
        GenerationError: No exact types can be generated for the schemas; it has every problem of every file.
    """
    settings = Settings(formats, base, namespace)
    paths = sorted({Path(each) for each in schemas})
    folder = Path(output).parent
    module = module_of(read_bundle(paths, is_library=library, settings=settings))
    sources = sorted(_seen_from(folder, file) for file in module.files)
    names = sorted(_seen_from(folder, path) for path in paths)
    own = f"{COMMAND} {shlex.join([*names, '--output', Path(output).name, *settings.arguments()])}"
    command = "../../scripts/generate" if library else own
    return formatted(emit(module, sources=sources, command=command))


def _seen_from(folder: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # the files are on different drives
        return path.name

"""Schema files to the text of a module: bundle, model, text and formatter in a row."""

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
"""How the generator is run."""


def generate(
    schemas: Iterable[Path | str],
    output: Path | str,
    *,
    formats: Formats = "note",
    base: Base = "Record",
    namespace: str = "",
    library: bool = False,
) -> str:
    """Return the text of the module for some schema files; nothing is written.

    The text depends on the schemas and on where they lie as seen from the module, and on nothing else: not on the
    folder this runs in, the order of the files, the version of Python or its hash seed.

    Args:
        schemas: Schema files, and folders of files that end in `.schema.json`.
        output: The file that the module will be, for the header to say how it is made again.
        formats: What a `format` is, where no "x-miniagents-format" says it: a note; checked; or "typed", which is
            checked and turned into datetime, date, time, timedelta, UUID or bytes where it is one of these.
        base: What definitions extend that are objects and name no base.
        namespace: A name that tells the records of this module from those of others with the same names, for their
            `hash_key`.
        library: Whether the schemas are the library's own, which may name hand-written bases.

    Returns:
        Python text, formatted.

    Raises:
        GenerationError: The schemas cannot be honoured; it holds every problem of every file.
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
    except ValueError:  # another drive
        return path.name

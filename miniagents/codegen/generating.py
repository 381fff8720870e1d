"""Turn schema files into the text of a module: read, shape, write and format, one after the other."""

import os
import shlex
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TypedDict, Unpack

from miniagents.codegen.reading.bundle import read_sound
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import Base, Formats, Reading, Settings
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.writing.emitter import emit
from miniagents.codegen.writing.formatter import formatted
from miniagents.codegen.writing.packages import emit_package

COMMAND = "python -m miniagents.codegen generate"
"""The command that runs the generator."""


class Generated(NamedTuple):
    """The result of the generator."""

    files: Mapping[str, str]
    """The formatted Python texts: of one module, or of the modules of a package, by the names of their files."""
    warnings: tuple[Problem, ...]
    """What is doubtful in the schemas."""

    @property
    def text(self) -> str:
        """The text of the module, or of the `__init__.py` of the package."""
        return next(iter(self.files.values()))


def is_package(output: Path | str) -> bool:
    """Return whether the generator makes a package for an output: its name does not end in `.py`."""
    return Path(output).suffix != ".py"


class Choices(TypedDict, total=False):
    """The choices of `generate`, which describes them, as arguments of other functions."""

    formats: Formats
    base: Base
    namespace: str
    library: bool
    references: Mapping[str, Path | str] | None
    base_url: str
    operations: bool
    strict_keywords: bool
    ignored_keywords: Iterable[str]
    overlays: Iterable[Path | str]


def generate_files(schemas: Iterable[Path | str], output: Path | str, **choices: Unpack[Choices]) -> Mapping[str, str]:
    """Return the texts of the modules for some schema files by the names of their files, without writing them.

    An output whose name does not end in `.py` is a package: a folder with `__init__.py` and a module for each schema
    file. Otherwise there is one file. All else is as with `generate`.

    Args:
        schemas: Schema files, API documents, and folders of files that end in `.schema.json`.
        output: The path of the module, or of the folder of the package.
        **choices: The choices of `generate`.

    Returns:
        The formatted Python texts by the names of the files in the folder.

    Raises:
        GenerationError: No exact types can be generated for the schemas; it has every problem of every file.
    """
    return _generated(schemas, output, choices).files


def generate(
    schemas: Iterable[Path | str],
    output: Path | str,
    *,
    formats: Formats = "note",
    base: Base = "Record",
    namespace: str = "",
    library: bool = False,
    references: Mapping[str, Path | str] | None = None,
    base_url: str = "",
    operations: bool = False,
    strict_keywords: bool = False,
    ignored_keywords: Iterable[str] = (),
    overlays: Iterable[Path | str] = (),
) -> str:
    """Return the text of the module for some schema files, without writing it.

    The text depends only on the schemas and on their paths relative to the module. It does not depend on the current
    folder, the order of the files, the version of Python or its hash seed. What is doubtful in the schemas becomes a
    warning of Python.

    Args:
        schemas: Schema files, documents of OpenAPI, Swagger 2.0 and AsyncAPI, and folders of files that end in
            `.schema.json`.
        output: The path of the module; the header contains the command that generates it again. For a package, the
            result is its `__init__.py`, and `generate_files` returns the other files as well.
        formats: The meaning of a `format` without "x-miniagents-format". "note" does not check it, "checked" does.
            "typed" checks it, and decodes it to datetime, date, time, timedelta, UUID or bytes if it is one of these.
        base: The base class of definitions that are objects and do not name one.
        namespace: A name that distinguishes the records of this module from records of other modules with the same
            names, in their `hash_key`.
        library: Whether the schemas are the library's own, which may name hand-written bases.
        references: Files with schemas that references lead to, by their URLs. A URL that ends with `/` can have a
            folder. "" can have a file or folder whose schemas are found by their own `$id`.
        base_url: The URL under which the schema files are published.
        operations: Whether to generate the schemas of the operations of API documents.
        strict_keywords: Whether to refuse unknown keywords.
        ignored_keywords: Unknown keywords that are neither refused nor warned of.
        overlays: JSON or YAML files that say more about schemas: `{"a.json#/$defs/A": {"name": "B"}}`.

    Returns:
        The formatted Python text.

    Raises:
        GenerationError: No exact types can be generated for the schemas; it has every problem of every file.
    """
    choices = Choices(
        formats=formats,
        base=base,
        namespace=namespace,
        library=library,
        references=references,
        base_url=base_url,
        operations=operations,
        strict_keywords=strict_keywords,
        ignored_keywords=ignored_keywords,
        overlays=overlays,
    )
    return _generated(schemas, output, choices).text


def _generated(schemas: Iterable[Path | str], output: Path | str, choices: Choices) -> Generated:
    references = tuple((url, Path(path)) for url, path in sorted((choices.get("references") or {}).items()))
    reading = Reading(
        references,
        (),
        choices.get("base_url", ""),
        choices.get("operations", False),
        choices.get("strict_keywords", False),
        frozenset(choices.get("ignored_keywords", ())),
        tuple(map(Path, choices.get("overlays", ()))),
    )
    settings = Settings(
        choices.get("formats", "note"), choices.get("base", "Record"), choices.get("namespace", ""), reading
    )
    generated = generate_with(schemas, output, settings, library=choices.get("library", False))
    for warning in generated.warnings:
        warnings.warn(str(warning), stacklevel=3)
    return generated


def generate_with(
    schemas: Iterable[Path | str], output: Path | str, settings: Settings, *, library: bool = False
) -> Generated:
    """Return the text of the module for some schema files, and what is doubtful in them.

    Raises:
        GenerationError: No exact types can be generated for the schemas; it has every problem of every file.
    """
    paths = sorted({Path(each) for each in schemas})
    output = Path(output)
    folder = output if is_package(output) else output.parent
    bundle, problems = read_sound(paths, is_library=library, settings=settings)
    try:
        module = module_of(bundle)
    except GenerationError as error:
        raise GenerationError((*problems, *error.problems), bundle.warnings) from None
    if problems:
        raise GenerationError(problems, bundle.warnings)
    names = sorted(_seen_from(folder, path) for path in paths)
    options = settings.arguments(lambda path: _seen_from(folder, path))
    if is_package(output):
        own = f"{COMMAND} {shlex.join([*names, '--output', f'../{output.absolute().name}/', *options])}"
        files = emit_package(module, shown=lambda file: _seen_from(folder, Path(file)), command=own)
        return Generated(formatted({"__init__.py": files.pop("__init__.py"), **files}), bundle.warnings)
    sources = sorted(_seen_from(folder, file) for file in module.files)
    own = f"{COMMAND} {shlex.join([*names, '--output', output.name, *options])}"
    command = "../../scripts/generate" if library else own
    text = emit(module, sources=sources, command=command)
    return Generated(formatted({output.name: text}), bundle.warnings)


def _seen_from(folder: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # the files are on different drives
        return path.name

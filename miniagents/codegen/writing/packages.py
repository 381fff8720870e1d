"""Write the model of a module as a package: a module for each schema file, and one that exports all names."""

from collections.abc import Callable, Mapping

from miniagents.codegen.model import Module
from miniagents.codegen.names import ANY_MESSAGE
from miniagents.codegen.texts import literal
from miniagents.codegen.writing.annotations import import_of
from miniagents.codegen.writing.definitions import Writer
from miniagents.codegen.writing.emitter import FUNCTIONS, generated_from, how_to_change, text_of, types_of
from miniagents.codegen.writing.order import in_order
from miniagents.codegen.writing.package_plan import Part, parts_of_package
from miniagents.codegen.writing.written_tables import Tables

TABLE = "schema_table"
"""The name of the table in each module."""

_NOTICE = "# Do not edit: the module `__init__` tells how to generate it again."


def emit_package(module: Module, *, shown: Callable[[str], str], command: str) -> dict[str, str]:
    """Return the texts of the modules of a package by the names of their files.

    Args:
        module: The model of all types.
        shown: Returns the name of a schema file in headers.
        command: The command that generates the package again.

    Raises:
        GenerationError: Two modules would have the same name.
    """
    parts = parts_of_package(module)
    types = in_order(module)
    written: dict[str, tuple[Writer, list[str]]] = {}
    for part in parts:
        writer = Writer(module, {*part.imports})
        written[part.name] = writer, [writer.definition(each) for each in part.types]
    every = Writer(module)
    text = [every.definition(each) for each in types]
    tables = Tables(module, types, "\n".join([*every.annotator.imports(), *text]))
    files = {f"{part.name}.py": _module(part, *written[part.name], tables, shown) for part in parts}
    files["__init__.py"] = _init(module, parts, sorted(map(shown, (path.as_posix() for path in module.files))), command)
    return files


def _module(part: Part, writer: Writer, definitions: list[str], tables: Tables, shown: Callable[[str], str]) -> str:
    names = [each.name for each in part.types]
    table = writer.annotator.name("SchemaTable")
    last = ["module=__name__"]
    if part.later:
        last.append(f"later={{{', '.join(f'{literal(name)}: {literal(home)}' for name, home in part.later.items())}}}")
        writer.annotator.name("TYPE_CHECKING")
    lines = tables.lines(f"{TABLE} = {table}", names, *last)
    imports = writer.annotator.imports()
    imports += ["", *_imports(part.imports)] if part.imports else []
    if part.later:
        imports += ["", "if TYPE_CHECKING:", *(f"    {each}" for each in _imports(part.later))]
    sources = sorted(map(shown, part.sources))
    head = [*generated_from(sources), _NOTICE]
    return text_of(head, types_of(sources), imports, [*names, TABLE], [*definitions, "\n".join(lines)], lines)


def _init(module: Module, parts: tuple[Part, ...], sources: list[str], command: str) -> str:
    writer = Writer(module, {each.name for each in module.types})
    texts: list[str] = []
    names = [each.name for each in module.types]
    any_message = writer.any_message(in_order(module))
    if any_message:
        texts.append(any_message)
        names.append(ANY_MESSAGE)
    lines = [
        f"_codec = {writer.annotator.name('SchemaCodec')}.of_modules(",
        *(f"    {part.name}.{TABLE}," for part in parts),
        *([f"    namespace={literal(module.namespace)},"] if module.namespace else []),
        ")",
    ]
    homes = {each.name: part.name for part in parts for each in part.types}
    imports = [*writer.annotator.imports(), "", import_of(".", [part.name for part in parts]), *_imports(homes)]
    head = [*generated_from(sources), *how_to_change(command)]
    names += ["decode", "encode"]
    return text_of(head, module.doc or types_of(sources), imports, names, [*texts, "\n".join(lines), FUNCTIONS], [])


def _imports(homes: Mapping[str, str]) -> list[str]:
    return [
        import_of(f".{home}", [name for name, each in homes.items() if each == home])
        for home in sorted({*homes.values()})
    ]

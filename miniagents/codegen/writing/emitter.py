"""Write the model of a module as Python text, without formatting it.

Schemas are untrusted input. So every text from a schema is written by `literal` or as an escaped docstring, and names
come from `names`, which returns only plain identifiers. Annotations are evaluated when the module is imported, so that
msgspec and readers see types instead of texts. An annotation that mentions a type further down is quoted as a whole.
"""

import re
import textwrap
from collections.abc import Iterable, Sequence

from miniagents.codegen.model import (
    Module,
)
from miniagents.codegen.names import ANY_MESSAGE
from miniagents.codegen.texts import FIRST, literal
from miniagents.codegen.writing.definitions import Writer
from miniagents.codegen.writing.order import in_order
from miniagents.codegen.writing.written_docstrings import WIDTH, docstring
from miniagents.codegen.writing.written_tables import Tables
from miniagents.printing import printable


def emit(module: Module, *, sources: Sequence[str], command: str) -> str:
    """Return the text of a module.

    Args:
        module: The model of the module.
        sources: The schema files, as the header names them.
        command: The command that generates the module again, for the header.
    """
    writer = Writer(module)
    types = in_order(module)
    parts = [writer.definition(each) for each in types]
    names = [each.name for each in types]
    any_message = writer.any_message(types)
    if any_message:
        parts.append(any_message)
        names.append(ANY_MESSAGE)
    tables: list[str] = []
    if not module.is_library:
        made = Tables(module, types, "\n".join([*writer.annotator.imports(), *parts]))
        last = [f"namespace={literal(module.namespace)}"] if module.namespace else []
        tables = made.lines(f"_codec = {writer.annotator.name('SchemaCodec')}", names, *last)
        parts += ["\n".join(tables), FUNCTIONS]
        names += ["decode", "encode"]
    head = [*generated_from(sources), *how_to_change(command)]
    return text_of(head, module.doc or types_of(sources), writer.annotator.imports(), names, parts, tables)


FUNCTIONS = '''decode = _codec.decode
"""Read a value of a type of this module from JSON, exactly as the schema says; see `SchemaCodec.decode`."""

encode = _codec.encode
"""Write a value as JSON; see `SchemaCodec.encode`."""'''
"""The functions of a module."""


def text_of(
    head: Sequence[str],
    doc: str,
    imports: Sequence[str],
    names: Iterable[str],
    parts: Sequence[str],
    tables: Sequence[str],
) -> str:
    """Return the text of a module.

    Args:
        head: The comments at the top.
        doc: Its description.
        imports: Its import statements.
        names: The names that it exports.
        parts: What is in it.
        tables: The lines of its tables, which may be long.
    """
    lints = ["D101"] if any(_UNDESCRIBED.match(part) for part in parts) else []
    if any(len(line) > WIDTH for line in tables):
        lints.append("E501")
    lines = [
        *head,
        *([f"# ruff: noqa: {', '.join(lints)}"] if lints else []),
        docstring(doc),
        "",
        *imports,
        "",
        "__all__ = [",
        *(f"    {literal(name)}," for name in sorted(names, key=_sorting_key)),  # always one name on a line
        "]",
    ]
    return "\n".join(lines) + "\n\n\n" + "\n\n\n".join(parts) + "\n"


_UNDESCRIBED = re.compile(r'class .*\n    (?!""")')
"""The beginning of a class whose schema has no description."""


def types_of(sources: Sequence[str]) -> str:
    """Return the description of a module whose schemas have none."""
    return f"Types generated from {', '.join(source.rpartition('/')[2] for source in sources)}."


def generated_from(sources: Sequence[str]) -> list[str]:
    """Return the comment that names the schema files."""
    return _comment(f"{FIRST} {', '.join(sources)}.")


def how_to_change(command: str) -> list[str]:
    """Return the comment that tells how to change a module."""
    return [
        *_comment("Do not edit: change the schemas and run, in the folder of this file:"),
        *_comment(command, indent=4, broken=" \\"),
    ]


def _comment(text: str, *, indent: int = 0, broken: str = "") -> list[str]:
    """Return `text` as lines of a comment; all lines but the last end with `broken`."""
    lines = textwrap.wrap(printable(text), WIDTH - 8 - indent, break_long_words=False, break_on_hyphens=False)
    ends = [broken] * (len(lines) - 1) + [""]
    return [f"# {' ' * indent}{line}{end}" for line, end in zip(lines, ends, strict=True)]


def _sorting_key(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """Return a sort key that orders names as linters do: classes first, numbers in names by their value."""
    # more digits without zeros before them are a greater number; Python refuses to read thousands of digits
    parts = [(part.isdecimal(), part) for part in re.split(r"(\d+)", name)]
    numbers = [(is_number, part.lstrip("0") if is_number else part) for is_number, part in parts]
    return not name[:1].isupper(), [(len(part) if is_number else 0, part) for is_number, part in numbers]

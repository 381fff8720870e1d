"""Schema files as the model of a module.

JSON Schema 2020-12, as far as the tables in `keywords` go. What cannot be honoured exactly is refused; every problem
of every file is found in one run. Two things are added to what a schema says: an object may carry its class tag under
`"@type"` (and must where it stands among others), and an integer is written without a fraction (`1`, not `1.0`).
"""

from collections.abc import Sequence
from pathlib import Path

from miniagents.codegen.checks import check
from miniagents.codegen.documents import Node
from miniagents.codegen.errors import GenerationError
from miniagents.codegen.hints import ON_OBJECT, read_hints
from miniagents.codegen.keywords import BY_KIND, HINTS, NOTES, ROOT, refused
from miniagents.codegen.library import LIBRARY
from miniagents.codegen.model import AliasType, Module
from miniagents.codegen.names import class_name
from miniagents.codegen.scope import Scope
from miniagents.codegen.shapes import documentation, is_class, read_form, read_object
from miniagents.codegen.sources import SUFFIX, Source, load

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The `$schema` of the files this reader takes."""


def read(paths: Sequence[Path], *, is_library: bool = False) -> Module:
    """Return the model of the module for some schema files.

    Args:
        paths: Schema files, and folders of files that end in `.schema.json`.
        is_library: Whether they are the library's own schemas, which may name hand-written bases.

    Raises:
        GenerationError: Something is wrong with the files; it holds all of it.
    """
    sources = load(paths)
    scope = Scope(sources, is_library)
    definitions = [each for source in sources for each in _definitions(scope, source)]
    for node, name in definitions:
        if is_class(node):
            hints = read_hints(node, ON_OBJECT, scope.report)
            scope.problems.extend(refused(node, BY_KIND["object"] | {"type", HINTS}))
            scope.types[name] = read_object(scope, node, name, hints)
        else:
            form = read_form(scope, node, name, "definition")
            if form is not None:
                scope.types[name] = AliasType(name, form, documentation(scope, node), node.place)
    known = {**({} if is_library else LIBRARY), **scope.types}
    docs = [documentation(scope, each.document.root) for each in sources if (each.document, "#") not in scope.names]
    files = tuple(source.path for source in sources)
    module = Module(tuple(scope.types.values()), known, "\n\n".join(filter(None, docs)), is_library, files)
    problems = [*scope.problems, *check(module)]
    if problems:
        raise GenerationError(tuple(dict.fromkeys(problems)))
    return module


def _ignore(_: object) -> None:
    """Take a report that another call makes."""


def _definitions(scope: Scope, source: Source) -> list[tuple[Node, str]]:
    """Give every type of a file its name, so that references can mean types that are read later."""
    root = source.document.root
    if not isinstance(root.value, dict):
        scope.report(root.place.problem("type", "the file is no schema", 'write {"$defs": {...}}'))
        return []
    _check_root(scope, root)
    nodes: list[tuple[Node, str | None]] = []
    definitions = root.child("$defs") if "$defs" in root.value else None
    if definitions is not None and isinstance(definitions.value, dict):
        nodes = [(definitions.child(key), class_name(key)) for key in definitions.value]
    elif definitions is not None:
        scope.report(definitions.place.problem("$defs", "is no object", "write an object of schemas"))
    if root.value.keys() - NOTES - ROOT or definitions is None:
        title = root.value.get("title")
        stem = source.path.name.removesuffix(SUFFIX).removesuffix(".json")
        nodes.append((root, (class_name(title) if isinstance(title, str) else None) or class_name(stem)))
    named: list[tuple[Node, str]] = []
    for node, default in nodes:
        name = scope.take_name(read_hints(node, ON_OBJECT, _ignore).name or default, node)
        if name is not None:
            scope.names[node.document, node.pointer] = name
            named.append((node, name))
    return named


def _check_root(scope: Scope, root: Node) -> None:
    value = root.value if isinstance(root.value, dict) else {}
    if "$schema" in value and value["$schema"] not in (DIALECT, f"{DIALECT}#"):
        place = root.child("$schema").place
        scope.report(place.problem("$schema", "is not JSON Schema 2020-12", f'write "{DIALECT}"'))
    if "$id" in value and not isinstance(value["$id"], str):
        scope.report(root.child("$id").place.problem("$id", "is no text", "write a URI"))

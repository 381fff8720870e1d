"""The rules of the house: who may import whom, what is public, what a file may hold."""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from miniagents.validation.keywords import KEYWORDS
from miniagents.validation.values import TYPES

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = ROOT / "miniagents"

RANKS: Final = {
    "miniagents._lazy": 0,
    "miniagents._old_names": 0,
    "miniagents._replacing": 0,
    "miniagents.command_parser": 0,
    "miniagents.command_running": 0,
    "miniagents.printing": 0,
    "miniagents.promising": 0,
    "miniagents.codegen": 0,
    "miniagents.validation": 0,
    "miniagents.messages": 1,
    "miniagents.describing": 1,
    "miniagents.wire": 2,
    "miniagents.calls": 2,
    "miniagents.picturing": 2,
    "miniagents.tools": 2,
    "miniagents.agents": 3,
    "miniagents.miniagents": 3,
    "miniagents.composition": 4,
    "miniagents.histories": 4,
    "miniagents.utils": 4,
    "miniagents": 5,  # `__init__.py`, the names that a user imports
    "miniagents.ext": 6,
    "miniagents.testing": 7,
    "miniagents.chat": 8,
    "miniagents.commands": 8,
    "miniagents.cli": 8,
    "miniagents.__main__": 8,
}
"""Imports go down or stay on one floor. A module has the rank of its package unless it has one of its own."""

FLOORS: Final = {
    "miniagents.codegen": 5,  # `__init__.py` and `__main__.py`
    "miniagents.codegen.commands": 5,
    "miniagents.codegen.generating": 4,
    "miniagents.codegen.writing": 3,
    "miniagents.codegen.linting": 3,
    "miniagents.codegen.comparing": 2,
    "miniagents.codegen.exporting": 2,
    "miniagents.codegen.shaping": 2,
    "miniagents.codegen.reading": 1,
    "miniagents.codegen.patterns": 0,
    **{
        f"miniagents.codegen.{name}": 0
        for name in (
            "documents",
            "library",
            "model",
            "names",
            "said_in_text",
            "schema_errors",
            "settings",
            "shown",
            "texts",
        )
    },
}
"""The floors of the generator, whose packages all have one rank."""

FOREIGN: Final = {
    "miniagents.describing.pydantic_types": {"msgspec", "pydantic", "typing_extensions"},
    "miniagents.chat": {"markdown_it", "msgspec", "prompt_toolkit", "rich", "typing_extensions"},
    "miniagents.codegen": {"jsonschema", "yaml"},
    "miniagents.commands": {"msgspec", "rich", "shtab", "typing_extensions"},
    "miniagents.promising": {"typing_extensions"},
    "miniagents.messages.coding.pydantic_schemas": {"msgspec", "pydantic", "pydantic_core", "typing_extensions"},
    "miniagents.messages": {"msgspec", "typing_extensions"},
    "miniagents.validation": {"typing_extensions"},
    "miniagents.testing.fixtures": {"pytest"},
    "miniagents.wire": {"backports", "msgspec", "typing_extensions"},
}
"""What packages may import beside themselves and Python; the rest of the package may import what messages may."""

WHOLLY_LATE: Final = {"miniagents.ext.mcp._sdk"}
"""Modules on top of an extra, which others import by name when they need it."""

MOST_LINES: Final = 350
"""Of code: docstrings and blank lines do not count."""

MUTABLE: Final = (
    *("list", "dict", "set", "bytearray", "deque", "defaultdict", "OrderedDict", "Counter", "ChainMap", "array"),
    *("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue", "UserDict", "UserList", "count", "cycle"),
    *("WeakSet", "WeakKeyDictionary", "WeakValueDictionary"),
)
"""What makes containers that can change."""


CACHES: Final = {
    "miniagents.messages.coding.encoding": {"_searching_writers", "_surveys"},
    "miniagents.messages.coding.finiteness": {"_checks"},
    "miniagents.messages.coding.rewriting": {"_rewrites", "_settled"},
    "miniagents.messages.values.frozen": {"_classes_of_tag", "_formers", "when_classes_change", "when_tags_repeat"},
    "miniagents.messages.values.freezers": {"_known"},
    "miniagents.messages.values.untyped": {"when_noted"},
    "miniagents.messages.coding.typed_codec": {"_codecs"},
    "miniagents.messages.coding.value_message": {"_readers"},
    "miniagents.messages.coding.readers": {
        "_open_readers",
        "_unchecked_readers",
        "known_readers",
        "when_readers_change",
    },
    "miniagents.messages.coding.rebuilding": {"_fields", "classes_met"},
    "miniagents.promising.core.places": {"_opened"},
}
"""What is remembered of classes: it follows from the classes and the notes on them (see `values/untyped.py`) alone, or
from which of them were in data, which no result depends on. No loop, no conversation and no user is in it. `_codecs`
are weak references to what remembers such things itself. `_readers` are the types of replies by their names, so that a
stored message finds its type, as it finds its class by the tag. `_opened` are weak references to open contexts: an
error names them where code is in none of them, and nothing else leads there."""


MOST_KEYWORDS: Final = 4
"""Of JSON Schema, that a module may list by itself: what is true of more of them is a column of the table."""

LISTS_OF_KEYWORDS: Final = {
    "miniagents.validation.keywords": "the table",
    "miniagents.validation.leaves": "by keyword the functions that check it, which stand nowhere else",
}
"""Modules that may list more keywords, with the reason."""


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


TREES: Final = {
    module_name(path): ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in sorted(PACKAGE.rglob("*.py"))
}
PATHS: Final = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
HAND_WRITTEN: Final = [name for name in TREES if not name.endswith("._generated")]
each_module = pytest.mark.parametrize("module", TREES)
each_hand_written_module = pytest.mark.parametrize("module", HAND_WRITTEN)


# --- imports ---


class Import(NamedTuple):
    """One imported module of this package, or the first part of the name of another."""

    target: str
    line: int
    for_types: bool
    """Only under `if TYPE_CHECKING:`."""
    later: bool
    """Inside a function, so not when the module is imported."""


BORROWED: Final = {"miniagents.codegen.exporting": "miniagents.describing"}
"""What a package of the generator imports from above, inside functions only.

`scripts/generate` runs the generator without the rest of the package, and exports nothing. Whoever exports has imported
the package, as the user's module does.
"""


def is_borrowed(module: str, imported: "Import") -> bool:
    above = BORROWED.get(module.rpartition(".")[0])
    return above is not None and imported.later and imported.target.startswith(f"{above}.")


def imports_of(module: str) -> list[Import]:
    found: list[Import] = []

    def visit(node: ast.AST, *, for_types: bool, later: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(resolved(alias.name), node.lineno, for_types, later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute"
            base = node.module or ""
            targets = {resolved(f"{base}.{alias.name}") for alias in node.names}
            found.extend(Import(target, node.lineno, for_types, later) for target in sorted(targets))
        elif isinstance(node, ast.If) and is_type_checking(node.test):
            for statement in node.body:
                visit(statement, for_types=True, later=later)
            for statement in node.orelse:
                visit(statement, for_types=for_types, later=later)
        else:
            later = later or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                visit(child, for_types=for_types, later=later)

    visit(TREES[module], for_types=False, later=False)
    return found


def is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def resolved(name: str) -> str:
    """The module that is imported: of this package with its full name, of another one the first part of it."""
    if name.partition(".")[0] != "miniagents":
        return name.partition(".")[0]
    return name if name in TREES else resolved(name.rpartition(".")[0])


def rank_of(module: str) -> tuple[int, int]:
    """The rank of a module, and its floor there."""
    name = module
    while name not in RANKS:
        name = name.rpartition(".")[0]
    assert name != "miniagents" or module == "miniagents", f"{module} has no rank: say in RANKS where it belongs"
    floor = module
    while floor and floor not in FLOORS:
        floor = floor.rpartition(".")[0]
    return RANKS[name], FLOORS.get(floor, 0)


@each_module
def test_imports_go_down_only(module: str) -> None:
    """Also the imports for types only, and those inside of functions."""
    upward = [
        f"line {each.line}: {each.target}"
        for each in imports_of(module)
        if each.target in TREES and rank_of(each.target) > rank_of(module) and not is_borrowed(module, each)
    ]
    assert not upward


def test_no_circles_when_modules_are_imported() -> None:
    """On one floor a module may name, for types only, one that imports it; two that import each other are one."""
    graph = {
        module: {
            each.target
            for each in imports_of(module)
            if each.target in TREES and each.target != module and not each.for_types and not each.later
        }
        for module in TREES
    }
    while leaves := [module for module, targets in graph.items() if not targets & graph.keys()]:
        for leaf in leaves:
            del graph[leaf]
    assert not graph


CIRCLES: Final = {
    frozenset(
        {
            *(
                "agent",
                "agent_callee",
                "agent_identity",
                "agent_signatures",
                "agent_value",
                "agents_context",
                "as_tool",
                "binding",
            ),
            *("as_tool", "binding", "call_logging", "composing", "guarding", "interaction", "members", "pickling"),
            *("recording", "replacing"),
        }
    ): ("a call knows its agent, and an agent makes its calls"),
    frozenset(
        {
            *("attribution", "message_buffer", "message_promise", "message_sequence"),
            *("same_messages", "selecting", "sequence_promise", "showing", "streaming", "text", "tokens"),
        }
    ): ("a message is split into a sequence, and a sequence is joined into a message"),
    frozenset(
        {
            *("grouping", "joining", "of_joined", "of_pieces", "of_places", "of_time", "piped", "stream"),
            *("switching", "zipping"),
        }
    ): ("a stream is made of its combinators, which return streams"),
    frozenset(
        {
            *("bounds", "callers", "context", "current", "ending", "failure", "followers", "holders", "hooks"),
            *("joins", "letting_go", "pieces", "places", "presenting", "production", "promise", "stalls"),
            *("standing", "stuck", "threads", "waiting", "watch", "working"),
        }
    ): ("a context owns productions, and a production waits and fails in its context"),
    frozenset({"_tool", "_tool_callee"}): "a tool has its calls answered with handlers around them, and these call it",
    frozenset({"_model", "_model_callee", "_model_identity"}): (
        "a model has its requests made with handlers around them, and has an identity"
    ),
    frozenset({"frozen", "json_view", "pydantic_schemas"}): (
        "a Frozen value shows itself to tools that know nothing of it, and what they see is made of its class"
    ),
    frozenset({"flattening", "forwarding"}): (
        "a flat stream has parts forwarded that are still to come, and they are taken apart as it does it"
    ),
}
"""Modules that know each other, by imports for types or inside functions: each circle is one idea in several files."""


def test_circles_have_reasons() -> None:
    graph = {
        module: {
            each.target for each in imports_of(module) if each.target in TREES and PATHS[module].stem != "__init__"
        }
        for module in TREES
    }
    circles = {
        frozenset(
            other.rpartition(".")[2] for other in reach & {each for each in TREES if module in reached(graph, each)}
        )
        for module in TREES
        if module in (reach := reached(graph, module))
    }
    assert circles == CIRCLES.keys()


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """Return the modules that one imports, and those that they import, and so on."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for module in graph[waiting.pop()] - found:
            found.add(module)
            waiting.append(module)
    return found


@each_module
def test_codegen_stands_apart(module: str) -> None:
    inside = module.startswith("miniagents.codegen")
    for each in imports_of(module):
        # what generated modules check, the generator checks; and all commands parse, run, print and write in one way
        shared = each.target.startswith(
            ("miniagents.validation", "miniagents.command_", "miniagents.printing", "miniagents._replacing")
        )
        shared = shared or is_borrowed(module, each)
        if each.target in TREES and module not in ("miniagents.cli", "miniagents.commands") and not shared:
            assert each.target.startswith("miniagents.codegen") == inside, f"line {each.line}: {each.target}"


@each_module
def test_only_the_declared_dependencies_are_imported(module: str) -> None:
    if module.startswith("miniagents.ext"):
        for each in imports_of(module):
            is_extra = each.target not in {
                *TREES,
                *sys.stdlib_module_names,
                "__future__",
                *FOREIGN["miniagents.messages"],
            }
            is_late = each.for_types or each.later or module in WHOLLY_LATE
            assert not is_extra or is_late, f"line {each.line}: {each.target} is an extra"
        return
    part = next((part for part in FOREIGN if module.startswith(part)), "miniagents.messages")
    foreign = {each.target for each in imports_of(module)} - TREES.keys() - sys.stdlib_module_names
    foreign -= {"__future__", "_typeshed"}  # the latter is for checkers alone
    foreign -= {"compression"}  # a part of Python since 3.14
    assert foreign <= FOREIGN[part]


@each_module
def test_no_module_imports_what_is_private_to_another_package(module: str) -> None:
    """A module or name that begins with `_` belongs to the package that holds its module, and to those below it."""
    home = package_of(module)
    strange = [
        f"line {node.lineno}: {name}"
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported_names(node)
        if (owner := owner_of(name)) is not None and not f"{home}.".startswith(f"{owner}.")
    ]
    assert not strange


SURFACE: Final = {
    "miniagents.ext.llm.errors",
    "miniagents.ext.llm.providers",
    "miniagents.messages",
    "miniagents.miniagents",
    "miniagents.promising",
    "miniagents.tools",
}
"""What the folders of providers stand on: modules that anybody may import, since anybody may write a provider."""


@pytest.mark.parametrize("module", [name for name in TREES if re.match(r"miniagents\.ext\.llm\.\w+\.", name)])
def test_providers_stand_on_the_public_surface_alone(module: str) -> None:
    own = ".".join(module.split(".")[:4])
    strange = [
        f"line {each.line}: {each.target}"
        for each in imports_of(module)
        if each.target in TREES and each.target not in SURFACE and not each.target.startswith(f"{own}.")
    ]
    assert not strange, f"let {own} import it of miniagents.ext.llm.providers"


def imported_names(statement: ast.Import | ast.ImportFrom) -> list[str]:
    """The full names of all that a statement imports."""
    base = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
    return [f"{base}{alias.name}" for alias in statement.names]


def owner_of(name: str) -> str | None:
    """The package that a private name of this project is private to; None for a public one."""
    parts = name.split(".")
    private = (place for place, part in enumerate(parts) if re.match("_(?!_)", part))
    place = next(private, None) if parts[0] == "miniagents" else None
    return None if place is None else package_of(".".join(parts[:place]))


def package_of(module: str) -> str:
    """The package that holds a module, which may be a package itself."""
    return module if PATHS[module].name == "__init__.py" else module.rpartition(".")[0]


MOST_MODULES: Final = 51
"""With them, an import adds 1.4 times as many modules as that of asyncio and msgspec."""


def test_importing_the_package_imports_little() -> None:
    program = "import sys; before = set(sys.modules); import miniagents; print(*set(sys.modules) - before)"
    imported = set(
        subprocess.run(
            [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, check=True, encoding="utf-8"
        ).stdout.split()
    )
    assert "miniagents.promising.promise" in imported
    for module in ("codegen", "testing", "ext", "chat", "cli", "validation"):
        assert f"miniagents.{module}" not in imported
    tops = {name.partition(".")[0] for name in imported}
    assert tops - sys.stdlib_module_names == {"miniagents", "msgspec", "typing_extensions"}
    own = {name for name in imported if name.partition(".")[0] == "miniagents"}
    assert len(own) <= MOST_MODULES, "import what a first agent does not need where it is used"


def test_the_table_of_keywords_imports_no_validator() -> None:
    program = "import sys, miniagents.validation.keywords; print(*sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, check=True, encoding="utf-8"
    ).stdout.split()
    own = {name.rpartition(".")[2] for name in imported if name.startswith("miniagents.validation.")}
    assert own == {"keywords", "values"}


def test_run_time_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^\w.-]", requirement)[0] for requirement in project["dependencies"]}
    assert names == {"msgspec", "typing-extensions"}


# --- names ---


def exported(module: str) -> list[str] | None:
    for node in TREES[module].body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


WITH_ALL: Final = [module for module in TREES if exported(module) is not None]
FACES: Final = [
    module
    for module in TREES
    if rank_of(module)[0] in (2, 3, 4, 7)
    and not module.startswith("miniagents.agents.")
    and not module.rpartition(".")[2].startswith("_")
]
"""Modules that users import from and that are no packages."""


def statements(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.stmt | None]]:
    """The statements at the top of a module, those under `if` included, each with the one behind it."""
    for place, node in enumerate(body):
        if isinstance(node, ast.If):
            yield from statements(node.body)
            yield from statements(node.orelse)
        else:
            yield node, body[place + 1] if place + 1 < len(body) else None


def defined_names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def is_type_parameter(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return isinstance(value, ast.Call) and callee(value) in ("TypeVar", "ParamSpec", "TypeVarTuple")


def callee(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def docstring_of(module: str, name: str) -> str | None:
    """The docstring of a name, or the string behind its assignment, wherever it comes from."""
    for node, behind in statements(TREES[module].body):
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            source = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
            return docstring_of(resolved(f"{node.module}.{source}"), source)
        if name not in defined_names(node):
            continue
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
        elif isinstance(behind, ast.Expr) and isinstance(behind.value, ast.Constant):
            docstring = behind.value.value if isinstance(behind.value.value, str) else None
        else:
            docstring = None
        if docstring:
            return docstring
    return None


def sorting_key(name: str) -> tuple[int, list[tuple[int, str]]]:
    """As ruff sorts `__all__` (RUF022): constants, classes, the rest; numbers in names by their value."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


@pytest.mark.parametrize("module", WITH_ALL)
def test_all_is_sorted(module: str) -> None:
    names = exported(module) or []
    assert names == sorted(set(names), key=sorting_key)


@pytest.mark.parametrize("module", WITH_ALL)
def test_all_can_be_imported(module: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"from {module} import *", namespace)
    assert set(exported(module) or []) <= namespace.keys()


LAZY: Final = "miniagents._lazy"
"""What packages themselves use to import names later."""


@pytest.mark.parametrize("module", [module for module in TREES if PATHS[module].name == "__init__.py"])
def test_all_of_a_package_is_complete(module: str) -> None:
    """What is imported when it is first used stands under `if TYPE_CHECKING:`."""
    imported = {
        alias.asname or alias.name
        for node, _ in statements(TREES[module].body)
        if isinstance(node, ast.ImportFrom) and resolved(f"{node.module}") in TREES and node.module != LAZY
        for alias in node.names
    }
    assert {name for name in imported if not name.startswith("_")} == set(exported(module) or []) - {"__version__"}


@pytest.mark.parametrize("module", FACES)
def test_all_of_a_module_is_complete(module: str) -> None:
    defined = {
        name
        for node, _ in statements(TREES[module].body)
        if not is_type_parameter(node)
        for name in defined_names(node)
        if not name.startswith("_") and name != "logger"
    }
    assert defined <= set(exported(module) or [])


@each_module
def test_packages_take_only_what_modules_export(module: str) -> None:
    if PATHS[module].name != "__init__.py":
        return
    for node in TREES[module].body:
        if isinstance(node, ast.ImportFrom) and node.module in TREES:
            names = exported(node.module)
            assert names is None or {alias.name for alias in node.names} <= set(names), node.module


@pytest.mark.parametrize("module", WITH_ALL)
def test_public_names_are_documented(module: str) -> None:
    assert not [name for name in exported(module) or [] if not docstring_of(module, name)]


@each_module
def test_modules_are_documented(module: str) -> None:
    assert ast.get_docstring(TREES[module])


# --- files ---

SAME_NAME: Final = {
    "__init__": "a package",
    "__main__": "what `python -m` runs",
    "_generated": "what `scripts/generate` makes of `schemas/` for a package",
    "histories": "`miniagents.histories` and `miniagents.chat.histories` are for users, who look for both by this name",
    "errors": "`miniagents.ext.llm.errors` is for users, who find the tree of errors there; so is that of promises",
}
"""Names that several files have, and why."""


def test_no_two_files_have_one_name() -> None:
    """The name of a file says whose it is. Vendors of models alone have folders that mirror each other."""
    rooms: dict[str, set[Path]] = {}
    for path in PATHS.values():
        folder = path.parent
        is_vendor = folder.parent == PACKAGE / "ext" / "llm"
        rooms.setdefault(path.stem, set()).add(folder.parent / "VENDOR" if is_vendor else folder)
    shared = {name for name, folders in rooms.items() if len(folders) > 1}
    assert shared == SAME_NAME.keys()


@each_hand_written_module
def test_files_are_small(module: str) -> None:
    assert lines_of_code(module) <= MOST_LINES


def lines_of_code(module: str) -> int:
    documentation = {
        line
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = PATHS[module].read_text(encoding="utf-8").splitlines()
    return sum(bool(line.strip()) and number not in documentation for number, line in enumerate(lines, start=1))


@each_hand_written_module
def test_gaps_in_the_types_have_reasons(module: str) -> None:
    """`Any`, `cast` and `type: ignore` say on their line why they are there."""
    gaps: set[int] = set()
    comments: dict[int, str] = {}
    importing = False
    tokens = list(tokenize.generate_tokens(io.StringIO(PATHS[module].read_text(encoding="utf-8")).readline))
    for before, token, after in zip([tokens[0], *tokens], tokens, [*tokens[1:], tokens[-1]], strict=False):
        line = token.start[0]
        if token.type == tokenize.NEWLINE:
            importing = False
        elif token.type == tokenize.COMMENT:
            comments[line] = token.string
            if re.search(r"#\s*(type|pyright):\s*ignore", token.string):
                gaps.add(line)
        elif token.type == tokenize.NAME:
            at_start = before.type in (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
            importing = importing or (token.string in ("from", "import") and at_start)
            is_cast = token.string == "cast" and after.string == "(" and before.string != "def"
            is_any = token.string == "Any" and before.string not in ("is", "not")  # `form is Any` asks for the object
            if (is_any or is_cast) and not importing:
                gaps.add(line)
    assert not sorted(line for line in gaps if not reason_in(comments.get(line, "")))


def reason_in(comment: str) -> str:
    """What a comment says to people."""
    directives = r"#\s*(type:\s*ignore(\[[^]]*\])?|pyright:\s*ignore(\[[^]]*\])?|noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)"
    return re.sub(directives, "", comment).strip(" #-")


@each_module
def test_no_state_in_modules(module: str) -> None:
    """A6: at the top of a module stand constants; what can be filled is no constant, whatever its name says."""
    state = [
        f"line {node.lineno}: {name}"
        for node, _ in statements(TREES[module].body)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and is_mutable(node.value)
        for name in defined_names(node)
        if name != "__all__" and name not in CACHES.get(module, ()) and not is_constant(node)
    ]
    state += [
        f"line {node.lineno}: global {', '.join(node.names)}"
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Global)
    ]
    assert not state


def is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return callee(value) in MUTABLE
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def is_constant(node: ast.Assign | ast.AnnAssign) -> bool:
    """Whether it is said to be final, and has something in it: an empty one can only be there to be filled."""
    final = isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation)
    value = node.value
    empty = (
        (isinstance(value, ast.List | ast.Set) and not value.elts)
        or (isinstance(value, ast.Dict) and not value.keys)
        or (isinstance(value, ast.Call) and not value.args and not value.keywords)
    )
    return final and not empty


# --- keywords of JSON Schema ---


@pytest.mark.parametrize(
    "module",
    [
        name
        for name in TREES
        if name.startswith(("miniagents.codegen", "miniagents.describing", "miniagents.validation"))
    ],
)
def test_keywords_are_looked_up_and_not_listed(module: str) -> None:
    """A list of keywords beside the table would be one more place to change, and be forgotten for the next keyword."""
    found = [f"line {node.lineno}: {', '.join(names)}" for node, names in lists_of_keywords(TREES[module])]
    assert bool(found) == (module in LISTS_OF_KEYWORDS), (
        found or "it lists none any more: remove it from the exceptions"
    )


def lists_of_keywords(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.pattern, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict | ast.MatchOr) and not is_schema(node):
            names = keywords_in(node)
            if len(names) > MOST_KEYWORDS:
                yield node, names


def is_schema(node: ast.AST) -> bool:
    """Whether it is a dict that is a schema itself: {"type": "array", "items": ...}."""
    return isinstance(node, ast.Dict) and any(
        is_constant_in(key, ["type"]) and is_constant_in(value, TYPES)
        for key, value in zip(node.keys, node.values, strict=True)
    )


def is_constant_in(node: ast.AST | None, values: Collection[str]) -> bool:
    return isinstance(node, ast.Constant) and node.value in values


def keywords_in(node: ast.AST) -> list[str]:
    """The keywords among the items or keys of a collection, and of those that are unpacked or called with in it."""
    items: Sequence[ast.AST] = ()
    match node:
        case ast.Constant(value=str(name)) if name in KEYWORDS:
            return [name]
        case ast.Tuple() | ast.List() | ast.Set():
            items = node.elts
        case ast.Dict():  # without a key, a dict is unpacked
            items = [value if key is None else key for key, value in zip(node.keys, node.values, strict=True)]
        case ast.MatchOr():
            items = node.patterns
        case ast.MatchValue() | ast.Starred():
            items = [node.value]
        case ast.Call():
            items = node.args
        case _:
            return []
    return [name for each in items for name in keywords_in(each)]


# --- tests ---

CLOCKS: Final = (
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "process_time",
    "thread_time",
    "timeit",
)
"""What tells how long something took. A busy machine is no bug: tests count turns, calls or objects instead, or have a
virtual clock; `scripts/bench` measures."""

WITH_CLOCKS: Final[dict[str, str]] = {}
"""Tests that look at a clock on the wall nevertheless, and why."""


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parent.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_test_measures_time(path: Path) -> None:
    looks = [
        f"line {node.lineno}: {name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.stmt | ast.expr)
        for name in clocks_in(node)
    ]
    assert not looks or path.relative_to(ROOT).as_posix() in WITH_CLOCKS


def clocks_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in CLOCKS)
    elif isinstance(node, ast.ImportFrom):
        yield from (alias.name for alias in node.names if node.module == "time" and alias.name != "sleep")
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "time" and node.attr in (*CLOCKS, "time"):
        yield f"time.{node.attr}"


def test_the_rule_on_clocks_finds_them() -> None:
    program = "import timeit\nfrom time import perf_counter, sleep\ntime.monotonic() - time.time()\ntime.sleep(1)"
    found = [name for node in ast.walk(ast.parse(program)) for name in clocks_in(node)]
    assert sorted(found) == ["perf_counter", "time.monotonic", "time.time", "timeit"]


def test_no_name_of_a_test_has_an_address(request: pytest.FixtureRequest) -> None:
    """Names differ from run to run then, and from worker to worker; `ids` gives others."""
    assert not [item.nodeid for item in request.session.items if " at 0x" in item.nodeid]


# --- the repository ---


def test_the_top_of_the_repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no repository")
    files = subprocess.run(
        ["git", "ls-files"],
        cwd=ROOT,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout.splitlines()
    allowed = {"CONTRIBUTING.md", "LICENSE", "README.md", "miniagents", "pyproject.toml", "schemas", "scripts", "tests"}
    assert {top for top in (name.partition("/")[0] for name in files) if not top.startswith(".")} <= allowed

"""`tests/typing` speaks of every public name: it is used in an `accepts_*` file and misused in a `rejects_*` one.

The names come from the code: what the packages export, and the methods and properties of the classes among it. Whose
method `stream.take(3)` is says pyrefly, which knows what `stream` is.
"""

import ast
import enum
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, Protocol, get_overloads

import msgspec
import pytest

import miniagents

pytest.importorskip("pyrefly", reason="the type checkers are in the extra `dev`")

pytestmark = pytest.mark.hang_limit(3600)  # as in tests/test_typing.py

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "tests" / "typing"
REFUSED: Final = r"# (type|pyright): ignore\["

NOT_IMPORTED: Final = {
    "miniagents.cli",
    "miniagents.command_parser",
    "miniagents.command_running",
    "miniagents.printing",
}
"""Modules of the commands: they are run, not imported."""

MACHINERY: Final = {
    "machinery",
    "for promises",
    "for readers",
    "for producers",
    "what the kinds of production fill in",
}
"""The sections of classes, as the comments above them say, that only other modules of the package look at."""

NEVER_USED: Final = {
    "AnthropicAgent.of_model": "what a provider calls on its own class of agents, as accepts_providers.py does",
    "MiniAgents.end_what_nobody_can_end": "overrides what is machinery in PromisingContext",
    "VirtualClockEventLoop.call_at": "overrides what asyncio has",
    "VirtualClockEventLoop.close": "overrides what asyncio has",
    "VirtualClockEventLoop.run_in_executor": "overrides what asyncio calls",
    "VirtualClockEventLoop.shutdown_default_executor": "overrides what asyncio calls",
}
"""Public names that no `accepts_*` file uses, with the reason."""

NEVER_MISUSED: Final = {
    "AnthropicAgent.of_model": "what a provider calls on its own class of agents, as rejects_providers.py does",
    "VirtualClockEventLoop.call_at": "overrides what asyncio has",
    "VirtualClockEventLoop.run_in_executor": "overrides what asyncio calls",
    "VirtualClockEventLoop.shutdown_default_executor": "overrides what asyncio calls",
}
"""Public callables that no `rejects_*` file misuses, with the reason. What takes no arguments need not be here."""


# --- what is public ---


class Public(NamedTuple):
    """A public name, or a member of a public class."""

    name: str
    takes_arguments: bool
    """Whether it is called with any: nothing else can be called wrongly."""


def exported() -> tuple[dict[str, object], dict[str, str]]:
    """What users import, and the module that they do it from: packages, modules beside them, and the sentinels."""
    found: dict[str, object] = {}
    faces: dict[str, str] = {}
    modules = [each for each in pkgutil.walk_packages(miniagents.__path__, "miniagents.") if is_face(each)]
    for name in ["miniagents", *(each.name for each in modules)]:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            assert name.startswith("miniagents.ext."), name  # what this integrates is not installed
            continue
        for exported_name in getattr(module, "__all__", ()):
            value = getattr(module, exported_name)
            assert found.setdefault(exported_name, value) is value, f"two things are called {exported_name}"
            faces[exported_name] = name
    return found, faces


def is_face(module: pkgutil.ModuleInfo) -> bool:
    parts = module.name.split(".")
    is_private = any(part.startswith("_") for part in parts) or module.name in NOT_IMPORTED
    return not is_private and (module.ispkg or len(parts) == 2 or module.name == "miniagents.promising.sentinels")


def is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "miniagents"


def is_called_with_arguments(function: object, *, bound: int) -> bool:
    return inspect.isfunction(function) and len(inspect.signature(function).parameters) > bound


def is_made_with_arguments(cls: type) -> bool:
    if issubclass(cls, enum.Enum) or Protocol in cls.__bases__:
        return False
    if issubclass(cls, msgspec.Struct):
        return bool(cls.__struct_fields__)
    makers = [vars(base).get(name) for base in cls.__mro__ if is_ours(base) for name in ("__init__", "__new__")]
    return any(is_called_with_arguments(maker, bound=1) for maker in makers)


def source_of(cls: type) -> str:
    """The text of a class, which may say that it is from the package that exports it: its methods do not."""
    homes = (
        each.__module__ for each in vars(cls).values() if inspect.isfunction(each) and each.__module__ in sys.modules
    )
    text = inspect.getsource(sys.modules[next(homes, cls.__module__)])
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    return next((ast.get_source_segment(text, node) or "" for node in nodes), "")


def machinery_of(cls: type) -> set[str]:
    """The methods and properties of a class that stand in a section for the package itself."""
    section = ""
    found: set[str] = set()
    for line in source_of(cls).splitlines():
        if heading := re.fullmatch(r"    # --- (.+) ---", line):
            section = heading[1]
        elif section in MACHINERY and (method := re.match(r"    (?:async )?def (\w+)", line)):
            found.add(method[1])
    return found


Member = tuple[type, str]
"""The class that defines a method or property, and its name there."""


def members(classes: Iterable[type]) -> dict[Member, Public]:
    """Each method and property, once for every definition: what a class inherits is its base's."""
    found: dict[Member, Public] = {}
    for cls in sorted(classes, key=lambda cls: len(cls.__mro__)):
        for base in filter(is_ours, cls.__mro__):
            for name in sorted(vars(base).keys() - machinery_of(base)):
                value: object = inspect.getattr_static(base, name)
                method: object = getattr(value, "__func__", value)  # of a class method
                if is_public_member(name, value, method):
                    takes_arguments = is_called_with_arguments(method, bound=not isinstance(value, staticmethod))
                    owner = base if base in classes else cls
                    found.setdefault((base, name), Public(f"{owner.__name__}.{name}", takes_arguments))
    return found


def is_public_member(name: str, value: object, method: object) -> bool:
    # a public name for a private function, such as `clear = _refuse`, is there to refuse
    is_function = inspect.isfunction(method) and not method.__name__.startswith("_")
    return not name.startswith("_") and (is_function or isinstance(value, property))


NAMES, FACES = exported()
CLASSES: Final = {name: value for name, value in NAMES.items() if isinstance(value, type)}
MEMBERS: Final = members([*CLASSES.values()])
PUBLIC: Final = [
    *(Public(name, is_made_with_arguments(cls)) for name, cls in CLASSES.items()),
    *(Public(name, is_called_with_arguments(NAMES[name], bound=0)) for name in NAMES if name not in CLASSES),
    *MEMBERS.values(),
]


# --- what `tests/typing` says ---

Place = tuple[int, int]
"""A line, and the bytes before a name on it, as `ast` counts them."""


@pytest.fixture(scope="module")
def members_named(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[Place, str]]:
    """The public members that each file names, and where: the links that an editor would follow."""
    folder = tmp_path_factory.mktemp("glean")
    files = sorted(FOLDER.glob("*.py"))
    command = [sys.executable, "-m", "pyrefly", "check", "--python-interpreter-path", sys.executable]
    for package in ("openai", "anthropic"):  # what the SDKs have inside is not asked, and takes ten times as long
        command += ["--replace-imports-with-any", f"{package}.*"]
    process = subprocess.run(
        [*command, "--report-glean", str(folder), *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    found: dict[str, dict[Place, str]] = {}
    for report in folder.iterdir():
        for part in json.loads(report.read_text(encoding="utf-8")):
            if part.get("predicate", "").startswith("python.XRefsViaNameByFile."):
                for fact in part["facts"]:
                    file = FOLDER / Path(fact["key"]["file"]["key"]).name
                    found[file.name] = dict(links(file.read_bytes(), fact["key"]["xrefs"]))
    assert found.keys() == {file.name for file in files}, process.stderr
    return found


def links(text: bytes, references: list[dict[str, Any]]) -> Iterator[tuple[Place, str]]:  # Any: JSON
    for reference in references:
        member = member_meant(reference["target"]["key"])
        if member is not None:
            before = text[: reference["source"]["start"]]
            yield (before.count(b"\n") + 1, len(before) - before.rfind(b"\n") - 1), member


def member_meant(target: str) -> str | None:
    """The member that a link leads to: a name in a class that it is looked up on, and the module that defines it."""
    path, _, name = target.rpartition(".")
    module, _, class_name = path.rpartition(".")
    bases = CLASSES[class_name].__mro__ if class_name in CLASSES else ()
    for base in bases:
        if name in vars(base):
            return MEMBERS[base, name].name if (base, name) in MEMBERS else None
    # a class of the file's own, which inherits it
    inherited = (public for (base, own), public in MEMBERS.items() if base.__module__ == module and own == name)
    return next((public.name for public in inherited), None)


def imported_names(tree: ast.Module) -> dict[str, str]:
    """The public names that a file imports, by what it calls them."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "miniagents"
        for alias in node.names
    }


def callees(node: ast.AST) -> Iterator[ast.expr]:
    """What is called by the calls that are in no other call, and by decorators."""
    if isinstance(node, ast.Call):
        yield node.func
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from (decorator for decorator in node.decorator_list if not isinstance(decorator, ast.Call))
    for child in ast.iter_child_nodes(node):
        yield from callees(child)


def public_name(node: ast.expr, imported: dict[str, str], members: dict[Place, str]) -> str | None:
    """The public name or member that is called."""
    if isinstance(node, ast.Subscript):
        return public_name(node.value, imported, members)
    if isinstance(node, ast.Name):
        return imported.get(node.id)
    if isinstance(node, ast.Attribute):
        return members.get((node.end_lineno or 0, (node.end_col_offset or 0) - len(node.attr.encode())))
    return None


def test_every_public_name_is_used(members_named: dict[str, dict[Place, str]]) -> None:
    used: set[str] = set()
    for file in FOLDER.glob("accepts_*.py"):
        tree = ast.parse(file.read_bytes())
        imported = imported_names(tree)
        used |= {imported[node.id] for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in imported}
        used |= {*members_named[file.name].values()}
    check([public.name for public in PUBLIC], used, NEVER_USED, "used in", "accepts")


def test_every_public_callable_is_misused(members_named: dict[str, dict[Place, str]]) -> None:
    """By a call on a marked line that is in no other call: `new({UserMessage("x")})` misuses `new` alone."""
    misused: set[str | None] = set()
    for file in FOLDER.glob("rejects_*.py"):
        text = file.read_text(encoding="utf-8")
        refused = {number for number, line in enumerate(text.splitlines(), 1) if re.search(REFUSED, line)}
        tree = ast.parse(text)
        imported = imported_names(tree)
        misused |= {
            public_name(callee, imported, members_named[file.name])
            for callee in callees(tree)
            if callee.lineno in refused
        }
    check([public.name for public in PUBLIC if public.takes_arguments], misused, NEVER_MISUSED, "misused in", "rejects")


def check(names: list[str], covered: Collection[str | None], exceptions: dict[str, str], how: str, kind: str) -> None:
    missing = [f"{name} is not {how} {file_for(name, kind)}" for name in names if name not in {*covered, *exceptions}]
    needless = [
        f"{name} needs no exception: {how} tests/typing" if name in covered else f"{name} is no such name"
        for name in exceptions
        if name in covered or name not in names
    ]
    if wrong := missing + needless:
        pytest.fail("\n".join([f"{len(wrong)} names:", *wrong]), pytrace=False)


def file_for(name: str, kind: str) -> str:
    """Where a line on this name could stand."""
    parts = FACES[name.partition(".")[0]].split(".")
    subject = parts[1] if len(parts) > 1 and parts[1] in ("promising", "messages", "testing", "codegen") else "agents"
    return f"tests/typing/{kind}_{subject}.py, nor in another tests/typing/{kind}_*.py"


ANY_AGENTS: Final = "it may be of any messages, which may be sent to it"
MADE_BY_THE_LIBRARY: Final = "the library makes it, and says of which messages where users get it"
NO_BETTER_TYPE: Final = {
    "InteractionContext.caller": ANY_AGENTS,
    "InteractionContext.callers": ANY_AGENTS,
    "InteractionContext.current": ANY_AGENTS,
    "InteractionContext.this_agent": ANY_AGENTS,
    "AgentCall": MADE_BY_THE_LIBRARY,
    "Provider": "each has its own class of clients, and a function that makes agents has its own options",
    "Provider.client": "each provider has its own class of clients",
    "create_agent": "each provider has its own options",
    "Call": MADE_BY_THE_LIBRARY,
    "InteractionContext": MADE_BY_THE_LIBRARY,
    "AnthropicAgent.bound": "each vendor's class declares its own",
    "FlatSequence": "the function returns a piece or NotImplemented, which has no type of its own to say",
    "MiniAgent": "`miniagent` and its overloads tie the function to the agent",
    "MessageSequencePromise.filter": "it has its types from the overloads for type checkers in `same_messages`",
    "MiniAgents.run": "what coroutines exchange with their loop is asyncio's own business",
    "Tool": "what makes a tool once more may be any function",
    "converse": ANY_AGENTS,
    "with_history": ANY_AGENTS,
    "Tool.of_schema": "the arguments are plain JSON, which functions of any type of mapping take",
}
"""Public names with `Any` in their signatures, and why no better type could replace it."""


def signatures_of(value: object) -> list[object]:
    """The functions whose annotations are what users see of a name."""
    function: object = getattr(value, "__func__", value)  # of a class method
    if isinstance(value, type):
        function = vars(value).get("__init__")
    elif isinstance(value, property):
        function = value.fget
    if not inspect.isfunction(function):
        return [function]
    # overloads are registered under the module of the source, not under the public one that names are given
    place: Any = SimpleNamespace(__module__=function.__globals__["__name__"], __qualname__=function.__qualname__)
    return [*get_overloads(place)] or [function]


def test_no_any_stands_in_a_public_signature_without_need() -> None:
    values = NAMES | {public.name: inspect.getattr_static(base, name) for (base, name), public in MEMBERS.items()}
    found = {
        name
        for name, value in values.items()
        if not isinstance(value, miniagents.MiniAgent)  # its types are those of its class, which is looked at itself
        for function in signatures_of(value)
        if any(re.search(r"\bAny\b", str(each)) for each in getattr(function, "__annotations__", {}).values())
    }
    assert found == NO_BETTER_TYPE.keys()


def test_every_public_function_is_documented() -> None:
    values = NAMES | {public.name: inspect.getattr_static(base, name) for (base, name), public in MEMBERS.items()}
    functions = {
        name: function
        for name, value in values.items()
        for function in [getattr(value, "__func__", value)]
        if isinstance(function, type | property) or inspect.isfunction(function)
    }
    assert not [name for name, function in functions.items() if not inspect.getdoc(function)]

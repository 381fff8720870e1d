"""The examples in the docstrings: they run as they stand there, and what has to have one has one."""

import ast
import asyncio
import contextlib
import doctest
import importlib
import io
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

import miniagents
import miniagents.messages
import miniagents.promising
import miniagents.testing
import miniagents.wire

ROOT: Final = Path(__file__).parent.parent
PATHS: Final = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "miniagents").rglob("*.py"))
    if path.name not in ("__main__.py", "llms.py")  # a command, and a module that only says what to import instead
}

WITH_EXAMPLES: Final = (
    "miniagents.messages.promised.message_promise",
    "miniagents.messages.promised.sequence_promise",
    "miniagents.messages.promised.streaming",
    "miniagents.messages.promised.message_sequence",
    "miniagents.messages.promised.text",
    "miniagents.agents.agent",
    "miniagents.agents.decorating",
    "miniagents.promising.combinators.gathering",
    "miniagents.promising.combinators.of_streams",
    "miniagents.promising.combinators.racing",
    "miniagents.promising.appender",
    "miniagents.promising.promise",
    "miniagents.promising.retrying",
    "miniagents.promising.sequence",
    "miniagents.promising.stream",
    "miniagents.testing",
    "miniagents.utils",
)
"""Modules of which these need an example each (P10):

- every function in `__all__`;
- every method of a class in `__all__` that returns a promise, be it an object's or the class's, unless it is private, a
  property, or overrides a method of one of these modules that has one;
- every class in `__all__` that is neither a protocol nor an error nor a value without methods: in its own docstring or
  in that of a method.
"""

PROMISES: Final = {"MessagePromise", "MessageSequencePromise", "Promise", "Stream", "StreamedPromise"}


def names_for_examples() -> dict[str, object]:
    """What an example may use without importing it."""
    names: dict[str, object] = {
        "asyncio": asyncio,
        "contextlib": contextlib,
        "AsyncGenerator": AsyncGenerator,
        "AsyncIterable": AsyncIterable,
        "AsyncIterator": AsyncIterator,
        "io": io,
    }
    for module in (miniagents.promising, miniagents.messages, miniagents.testing, miniagents.wire, miniagents):
        names.update({name: getattr(module, name) for name in module.__all__})
    return names


class _Finder(doctest.DocTestFinder):
    """Finds examples also in what says that it is from the package that exports it (`at_home`)."""

    def _from_module(self, module: ModuleType, object: Any) -> bool:  # Any: of any kind
        home: Any = getattr(object, "__module__", None)
        here = module.__name__
        if isinstance(object, type) and isinstance(home, str) and here.startswith(f"{home}._"):
            name: str = getattr(object, "__name__", "")
            return name in module.__all__ and getattr(module, name) is object
        return super()._from_module(module, object)  # type: ignore[misc, no-any-return] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] # private, but the only place for this


@pytest.mark.parametrize("name", PATHS)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some examples write files
    module = importlib.import_module(name)
    own = {key: value for key, value in vars(module).items() if getattr(value, "__module__", None) == name}
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF)
    said = io.StringIO()
    for example in _Finder().find(module, globs={**own, **names_for_examples()}):
        runner.run(example, out=said.write)
    assert not runner.failures, said.getvalue()


# --- who has to have an example ---


class Public:
    """What the public classes and functions of a module's source have to show."""

    def __init__(self, module: str) -> None:
        self.tree = ast.parse(PATHS[module].read_text(encoding="utf-8"))
        exported: list[str] = list(importlib.import_module(module).__all__)
        self.functions = [node for node in functions(self.tree.body) if node.name in exported]
        self.classes = [
            node
            for node in self.tree.body
            if isinstance(node, ast.ClassDef) and node.name in exported and not is_exempt(node)
        ]

    def missing(self, shown: set[str]) -> Iterator[str]:
        """What has no example, given the names of the methods that have one somewhere."""
        yield from sorted({node.name for node in self.functions} - {node.name for node in examples(self.functions)})
        for cls in self.classes:
            methods = functions(cls.body)
            own = {node.name for node in examples(methods)}
            for name in sorted({node.name for node in methods if returns_promise(node)} - own):
                if name not in shown or not cls.bases:
                    yield f"{cls.name}.{name}"
            if not own and not has_example(cls):
                yield cls.name

    def shown(self) -> set[str]:
        """The names of the methods that have an example."""
        return {node.name for cls in self.classes for node in examples(functions(cls.body))}


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(body: list[ast.stmt]) -> list[Function]:
    """The public functions or methods in a body; no properties."""
    return [
        node
        for node in body
        if isinstance(node, Function) and not node.name.startswith("_") and "property" not in decorators(node)
    ]


def examples(nodes: list[Function]) -> list[Function]:
    return [node for node in nodes if has_example(node)]


def has_example(node: ast.ClassDef | Function) -> bool:
    return ">>> " in (ast.get_docstring(node) or "")


def decorators(node: Function) -> set[str]:
    return {ast.unparse(decorator) for decorator in node.decorator_list}


def returns_promise(node: Function) -> bool:
    returned = node.returns
    if isinstance(returned, ast.Subscript):
        returned = returned.value
    return isinstance(returned, ast.Name) and returned.id in PROMISES and isinstance(node, ast.FunctionDef)


def is_exempt(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).partition("[")[0] for base in node.bases}
    values = not any(isinstance(child, Function) for child in node.body)
    return values or "Protocol" in bases or any(base.endswith(("Error", "Exception")) for base in bases)


PUBLIC: Final = {module: Public(module) for module in WITH_EXAMPLES}


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_what_makes_promises_has_an_example(module: str) -> None:
    shown = {name for other in PUBLIC.values() for name in other.shown()}
    assert not list(PUBLIC[module].missing(shown))


def test_the_rule_finds_what_it_is_meant_to_find() -> None:
    promise, streams, agents = (
        PUBLIC[f"miniagents.{name}"]
        for name in ("promising.promise", "promising.combinators.of_streams", "agents.agent")
    )
    combinators = {node.name for cls in promise.classes for node in functions(cls.body) if returns_promise(node)}
    assert {"flatten", "map", "pair", "recover", "resolved", "starmap", "tap", "then", "timeout"} <= combinators
    assert {node.name for node in streams.functions} == {"concat", "first_to_speak", "merge", "zip_latest"}
    assert "MiniAgent" in {cls.name for cls in agents.classes}
    assert "AgentBody" not in {cls.name for cls in agents.classes}

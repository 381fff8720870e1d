"""What `promising/core` says of itself: other packages use its functions, and no private attribute of a promise."""

import ast
from typing import Final

import pytest

from miniagents.messages import MessagePromise, MessageSequencePromise
from miniagents.promising import StreamedPromise
from miniagents.promising.core.pieces import PieceBuffer
from tests.test_house import HAND_WRITTEN, TREES

MAKERS: Final = ("miniagents.promising", "miniagents.messages.promised")
"""The packages that make kinds of promises."""

MACHINERY: Final = {
    name
    for kind in (StreamedPromise, MessagePromise, MessageSequencePromise, PieceBuffer)
    for cls in kind.__mro__
    for name in vars(cls)
    if name.startswith("_") and not name.startswith("__") and cls.__module__.startswith("miniagents")
}


def own_names(package: str) -> set[str]:
    """The names that the functions and objects of a package have themselves."""
    own: set[str] = set()
    for module in HAND_WRITTEN:
        if module.startswith(package):
            for node in ast.walk(TREES[module]):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    own.add(node.name)
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node):
                    own.add(node.attr)
    return own


def is_own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def reached_into(module: str) -> list[str]:
    # what a package calls its own, it may mean; an agent's call has a `_context` as well as a promise
    foreign = MACHINERY - own_names(".".join(module.split(".")[:2])) - {"_context"}
    return [
        f"line {node.lineno}: {node.attr}"
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Attribute) and node.attr in foreign
    ]


@pytest.mark.parametrize("module", [name for name in HAND_WRITTEN if not name.startswith(MAKERS)])
def test_no_other_package_reaches_into_promises(module: str) -> None:
    assert not reached_into(module)


def test_the_machinery_is_found() -> None:
    assert {"_settled", "_buffer", "_failure", "_value", "_give_up", "_known"} <= MACHINERY
    assert reached_into("miniagents.messages.promised.text")


def test_the_core_lists_its_modules() -> None:
    package = ast.get_docstring(TREES["miniagents.promising.core"]) or ""
    modules = [name.rpartition(".")[2] for name in TREES if name.startswith("miniagents.promising.core.")]
    assert [name for name in modules if f"| `{name}`" not in package] == []

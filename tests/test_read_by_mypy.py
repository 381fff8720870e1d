"""What mypy must read for a program that uses the library, which is most of what a cold run of it costs.

Time is not measured, but the declarations in the files that mypy reads: everything outside of the bodies of functions,
which it does not read in installed packages.
"""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="the type checkers are in the extra `dev`")
pytest.importorskip("anyio", reason="it is what is compared with")

pytestmark = pytest.mark.hang_limit(3600)  # mypy reads the SDKs for the first time, which takes 20 seconds

LIBRARY = "from miniagents import MiniAgents, miniagent"
MODELS = "from miniagents.ext.llm import create_anthropic_agent, create_openai_agent"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("read")


@cache
def read_for(program: str, folder: Path) -> frozenset[Path]:
    """The files that mypy reads for a program."""
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file=", "--cache-dir", "/dev/null", "--verbose", str(path)]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert not done.returncode, done.stdout
    files = {Path(found[1]) for found in re.finditer(r"Parsing (.+) \([\w.]+\)", done.stderr)}
    return frozenset(file for file in files if file.is_file() and file != path)


@cache
def declarations(path: Path) -> int:
    """The number of nodes of a module's syntax tree that are not in the bodies of functions."""
    count = 0
    nodes: list[ast.AST] = [ast.parse(path.read_bytes())]
    while nodes:
        node = nodes.pop()
        count += 1
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes += [node.args, *node.decorator_list, *([node.returns] if node.returns is not None else [])]
        else:
            nodes += ast.iter_child_nodes(node)
    return count


def cost(files: frozenset[Path]) -> int:
    return sum(map(declarations, files))


def test_the_library_without_models_costs_little_more_than_anyio(folder: Path) -> None:
    assert cost(read_for(LIBRARY, folder)) <= 1.5 * cost(read_for("import anyio", folder))


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_agents_of_a_vendor_cost_little_more_than_its_sdk(sdk: str, folder: Path) -> None:
    pytest.importorskip(sdk, reason="the SDK is in an extra")
    alone = read_for(f"import {sdk}", folder)
    agents = read_for(MODELS, folder)
    assert cost(agents | alone) <= 1.2 * cost(alone)  # of a program that makes its own client
    assert cost(agents) <= 0.5 * cost(alone)  # of one that does not: it need not read the SDK
    assert not [path for path in agents if path.is_relative_to(Path(sys.prefix)) and sdk in path.parts]


def test_the_files_are_those_of_the_library(folder: Path) -> None:
    assert [path for path in read_for(MODELS, folder) if path.match("miniagents/ext/llm/openai/*.py")]

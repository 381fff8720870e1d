"""Names that packages import when they are first used: for programs and type checkers they are names like others."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import miniagents
from miniagents._lazy import lazy_names

ROOT = Path(miniagents.__file__).parent
LAZY = [
    "miniagents" if path.parent == ROOT else f"miniagents.{path.parent.relative_to(ROOT).as_posix().replace('/', '.')}"
    for path in sorted(ROOT.rglob("__init__.py"))
    if "lazy_names(" in path.read_text(encoding="utf-8")
]
each_package = pytest.mark.parametrize("name", LAZY)


def source_of(name: str) -> ast.Module:
    path = importlib.import_module(name).__file__
    assert path is not None
    return ast.parse(Path(path).read_text(encoding="utf-8"))


@each_package
def test_type_checkers_see_the_names_that_programs_see(name: str) -> None:
    """Both lists stand in one `if TYPE_CHECKING: ... else: ...`."""
    (both,) = (each for each in source_of(name).body if isinstance(each, ast.If))
    seen = {
        (str(each.module), alias.name) for each in both.body if isinstance(each, ast.ImportFrom) for alias in each.names
    }
    (call,) = (each for each in ast.walk(ast.Module(both.orelse, [])) if isinstance(each, ast.Call))
    table: dict[str, tuple[str, ...]] = ast.literal_eval(call.args[1])
    assert {(f"{name}.{module}", each) for module, names in table.items() for each in names} == seen


@each_package
def test_all_names_are_there_and_are_listed(name: str) -> None:
    package = importlib.import_module(name)
    for each in package.__all__:
        assert getattr(package, each) is getattr(package, each)
    assert {*package.__all__} <= {*dir(package)}
    assert not hasattr(package, "no_such_name")


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout


def test_the_first_import_takes_no_more_than_a_first_agent_needs() -> None:
    program = """
import sys, asyncio
from miniagents import InteractionContext, MiniAgents, miniagent

@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)

async def main() -> None:
    async with MiniAgents():
        print(await echo.inquire("hello"))

asyncio.run(main())
print(*(name for name in sys.modules if name.startswith("miniagents.")))
"""
    said, modules = run(program).splitlines()
    assert said == "(Message(text='hello'),)"
    later = ("composition", "tools", "utils", "messages.coding", "describing.json_schema", "testing", "wire", "codegen")
    assert not [each for each in modules.split() if each.removeprefix("miniagents.").startswith(later)]


@pytest.mark.parametrize(
    "program",
    [
        "from miniagents import *; print(chain.__name__, decode.__name__)",
        "import miniagents; print(miniagents.composition.chain.__name__, miniagents.decode.__name__)",
    ],
)
def test_names_are_imported_when_they_are_first_used(program: str) -> None:
    assert run(program) == "chain decode\n"


def test_an_unknown_name_is_an_attribute_error_as_of_any_module() -> None:
    get, _ = lazy_names("miniagents", {"composition": ("chain",)})
    with pytest.raises(AttributeError, match="module 'miniagents' has no attribute 'chian'") as caught:
        get("chian")
    assert (caught.value.name, caught.value.obj) == ("chian", miniagents)

"""Packages: a module for each schema file, without circles, and the same types as one module would have."""

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from itertools import count
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from miniagents.cli import main
from miniagents.codegen import GenerationError, generate, generate_files
from miniagents.codegen.generating import generate_with
from miniagents.codegen.settings import Settings
from miniagents.codegen.writing.package_plan import MOST_TYPES
from miniagents.messages import DecodeError
from tests.codegen.test_differential import Json, Schemas, equal, values_for

ORDER: Json = {
    "title": "Order",
    "type": "object",
    "properties": {
        "lines": {"type": "array", "items": {"$ref": "line.schema.json"}},
        "status": {"$ref": "common.schema.json#/$defs/Status"},
    },
    "required": ["lines"],
    "additionalProperties": False,
}
LINE: Json = {
    "title": "Line",
    "type": "object",
    "properties": {
        "of": {"$ref": "order.schema.json"},
        "tags": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
    },
    "additionalProperties": False,
}
COMMON: Json = {
    "$defs": {
        "Status": {"enum": ["new", "done"]},
        "Any": {"anyOf": [{"$ref": "order.schema.json"}, {"$ref": "line.schema.json"}]},
    }
}
FILES: dict[str, Json] = {"order": ORDER, "line": LINE, "common": COMMON}

_numbers = count()
Import = Callable[[dict[str, Json]], ModuleType]


def written(folder: Path, files: dict[str, Json]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.schema.json" for name in files]
    for path, schema in zip(paths, files.values(), strict=True):
        path.write_text(json.dumps(schema), encoding="utf-8")
    return paths


def package(folder: Path, files: dict[str, Json]) -> dict[str, str]:
    return dict(generate_with(written(folder / "schemas", files), folder / "orders", Settings()).files)


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    loaded: list[str] = []
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def load(files: dict[str, Json]) -> ModuleType:
        name = f"package_{next(_numbers)}"
        loaded.append(name)
        (tmp_path / name).mkdir()
        for file, text in package(tmp_path, files).items():
            (tmp_path / name / file).write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield load
    for name in [*sys.modules]:
        if name.partition(".")[0] in loaded:
            del sys.modules[name]


def imports_of(text: str) -> set[str]:
    """The modules of the package that a module imports when it runs; not those for type checkers."""
    return {f"{node.module}.py" for node in ast.parse(text).body if isinstance(node, ast.ImportFrom) and node.level}


def test_there_is_a_module_for_each_file_and_no_circle(tmp_path: Path) -> None:
    files = package(tmp_path, FILES)
    assert {*files} == {"__init__.py", "order.py", "line.py", "common.py"}
    graph = {name: imports_of(text) for name, text in files.items() if name != "__init__.py"}
    assert [*TopologicalSorter(graph).static_order()]
    assert graph["common.py"] == {"order.py", "line.py"}


def test_types_of_several_modules_decode_together(imported: Import) -> None:
    made = imported(FILES)
    order = made.decode('{"lines": [{"of": {"lines": [], "status": "new"}}]}', made.Order)
    assert type(order.lines[0]) is made.Line
    assert type(order.lines[0]).__module__.endswith(".line")
    assert json.loads(made.encode(order)) == {"lines": [{"of": {"lines": [], "status": "new"}}]}
    with pytest.raises(DecodeError, match="uniqueItems"):
        made.decode('{"lines": [{"tags": ["a", "a"]}]}', made.Order)
    assert made.decode('{"tags": []}', made.Any) == made.Line(tags=())
    assert {*made.__all__} == {"Any", "Line", "Order", "Status", "decode", "encode"}


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    paths = written(tmp_path / "schemas", FILES)
    found = [generate_with(each, tmp_path / "orders", Settings()).files for each in (paths, paths[::-1])]
    assert found[0] == found[1]


def test_another_file_changes_one_module(tmp_path: Path) -> None:
    before = package(tmp_path, FILES)
    wider = json.loads(json.dumps(LINE))
    wider["properties"]["note"] = {"type": "string"}
    after = package(tmp_path, {**FILES, "line": wider})
    assert [name for name, text in after.items() if before[name] != text] == ["line.py"]


def test_packages_are_clean_for_mypy_pyright_and_ruff(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    for name, text in package(tmp_path, FILES).items():
        (folder / name).write_text(text, encoding="utf-8")
    root = Path(__file__).parents[2]
    config = ["--config-file", str(root / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    lint = ["--config", str(root / "pyproject.toml"), "--no-cache"]
    lint += ["--config", 'lint.isort.known-third-party = ["miniagents"]']
    commands = [
        ["mypy", *config, str(folder)],
        ["pyright", "--pythonpath", sys.executable, "--warnings", "--project", str(tmp_path)],
        ["ruff", "check", *lint, str(folder)],
    ]
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["orders"]}')
    for command in commands:
        done = subprocess.run([sys.executable, "-m", *command], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_with_very_many_types_becomes_a_module_for_each_definition(imported: Import) -> None:
    many: dict[str, Json] = {
        f"Thing{index}": {
            "type": "object",
            "properties": {
                "next": {"$ref": f"#/$defs/Thing{(index + 1) % (MOST_TYPES + 1)}"},
                "code": {"$ref": "#/$defs/Code"},
            },
        }
        for index in range(MOST_TYPES + 1)
    }
    made = imported({"things": {"$defs": {**many, "Code": {"type": "string", "maxLength": 2}}}})
    last = made.decode('{"next": {"next": {"code": "x"}}}', getattr(made, f"Thing{MOST_TYPES}"))
    assert type(last.next.next) is made.Thing1
    assert last.next.next.code == "x"
    assert made.Thing7.__module__.endswith(".thing7")
    with pytest.raises(DecodeError, match="maxLength"):
        made.decode('{"code": "xyz"}', made.Thing3)


def test_modules_with_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="is also the name of another one"):
        package(tmp_path, {"an-order": {"title": "One", "type": "null"}, "an_order": {"title": "Two", "type": "null"}})


@pytest.mark.parametrize("seed", range(25))
def test_g2_a_package_accepts_what_its_schemas_accept(tmp_path: Path, imported: Import, seed: int) -> None:
    """Random definitions, each in a file of its own."""
    random = Random(seed)
    definitions = Schemas(random).definitions()
    text = json.dumps(definitions)
    for name in definitions:
        text = text.replace(f'"#/$defs/{name}"', f'"{name}.schema.json"')
    files: dict[str, Json] = {
        name: {**schema, "title": name} if isinstance(schema, dict) else {"allOf": [schema], "title": name}
        for name, schema in json.loads(text).items()
    }
    try:
        one = generate_with(written(tmp_path / "schemas", files), tmp_path / "one.py", Settings()).text
    except GenerationError:
        return
    made, module = imported(files), ModuleType("one_module")
    sys.modules[module.__name__] = module
    exec(compile(one, module.__name__, "exec"), vars(module))
    assert {*made.__all__} == {*module.__all__}
    for name in made.__all__:
        if name not in definitions:
            continue
        for value in values_for(definitions, name, random, 3):
            data = json.dumps(value)
            try:
                expected = module.decode(data, getattr(module, name))
            except DecodeError as error:
                with pytest.raises(DecodeError) as caught:
                    made.decode(data, getattr(made, name))
                assert str(caught.value) == str(error)
                continue
            read = made.decode(data, getattr(made, name))
            assert repr(read) == repr(expected)
            assert equal(json.loads(made.encode(read)), value)


def test_the_command_writes_checks_and_tidies_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "schemas", FILES)
    command = ["generate", "schemas", "--output", "orders/"]
    assert main(command) == 0
    assert main([*command, "--check"]) == 0
    own = tmp_path / "orders" / "own.py"
    own.write_text('"""Not generated."""\n', encoding="utf-8")
    (tmp_path / "schemas" / "common.schema.json").unlink()
    (tmp_path / "schemas" / "order.schema.json").write_text(json.dumps({"title": "Order", "type": "string"}))
    capsys.readouterr()
    assert main([*command, "--check"]) == 1
    assert "orders/common.py" in capsys.readouterr().out
    assert main(command) == 0
    assert sorted(path.name for path in (tmp_path / "orders").glob("*.py")) == [
        "__init__.py",
        "line.py",
        "order.py",
        "own.py",
    ]


def test_an_exported_package_generates_the_same_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "schemas", FILES)
    assert main(["generate", "schemas", "--output", "orders/"]) == 0
    assert main(["export", "orders/", "--output", "again.schema.json"]) == 0
    capsys.readouterr()
    one = generate_with([tmp_path / "again.schema.json"], tmp_path / "types.py", Settings()).text
    two = generate_with([tmp_path / "schemas"], tmp_path / "types.py", Settings()).text
    classes = [
        {ast.unparse(node) for node in ast.parse(each).body if isinstance(node, ast.ClassDef | ast.AnnAssign)}
        for each in (one, two)
    ]
    assert classes[0] == classes[1]


def test_python_gets_all_files_of_a_package(tmp_path: Path) -> None:
    """`generate_files` has the files that the command writes; `generate` has only the first of them."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.schema.json").write_text(json.dumps({"type": "object", "title": name}), encoding="utf-8")
    output = tmp_path / "my_types"
    files = generate_files([folder], output, base="Message")
    assert main(["generate", str(folder), "--output", f"{output}/", "--base=Message"]) == 0
    assert files == {path.name: path.read_text(encoding="utf-8") for path in output.glob("*.py")}
    assert generate([folder], output, base="Message") == files["__init__.py"]
    assert generate_files([folder], "types.py") == {"types.py": generate([folder], "types.py")}

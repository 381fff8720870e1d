"""What the tests of the generator share: schema files on the spot, and generated modules that can be imported."""

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest

from miniagents.codegen import GenerationError, generate

SchemaFile = Callable[..., Path]
Generated = Callable[..., str]
Imported = Callable[..., ModuleType]


@pytest.fixture
def schema_file(tmp_path: Path) -> SchemaFile:
    """Write a schema, given as JSON text or as what JSON stands for, into a file."""

    def write(schema: object, name: str = "types.schema.json") -> Path:
        path = tmp_path / "schemas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema, indent=1), encoding="utf-8")
        return path

    return write


@pytest.fixture
def generated(schema_file: SchemaFile, tmp_path: Path) -> Generated:
    """Give the text of the module for some $defs."""

    def make(definitions: object) -> str:
        return generate([schema_file({"$defs": definitions})], tmp_path / "types.py")

    return make


@pytest.fixture
def refusals(generated: Generated, tmp_path: Path) -> Callable[..., list[str]]:
    """Give what the generator says about some $defs that it refuses, without the name of the file."""

    def refuse(definitions: object) -> list[str]:
        with pytest.raises(GenerationError) as caught:
            generated(definitions)
        file = (tmp_path / "schemas" / "types.schema.json").as_posix()
        return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]

    return refuse


_numbers = count()


@pytest.fixture
def imported(generated: Generated, tmp_path: Path) -> Iterator[Imported]:
    """Import the module for some $defs."""
    loaded: list[str] = []

    def load(definitions: object) -> ModuleType:
        name = f"generated_{next(_numbers)}"
        path = tmp_path / f"{name}.py"
        path.write_text(generated(definitions), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(name)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        loaded.append(name)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in loaded:
        del sys.modules[name]

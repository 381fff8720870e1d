"""Schemas of real protocols, without any hint: everything generates, and every example comes back as it was.

The schemas lie beside the repository, in `../shared/data`; where they are not, these tests are skipped.
"""

# JSON is Any for pyright, and so is what is taken from it
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from itertools import chain
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import pytest

from miniagents import DecodeError, FrozenDict
from miniagents.codegen import GenerationError, generate
from miniagents.codegen.comparing.comparer import compare
from miniagents.codegen.linting.linter import lint
from miniagents.codegen.model import Module
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.shaping.modules import module_of as module_model
from miniagents.codegen.writing.emitter import emit
from tests.codegen.test_differential import Values

Json: TypeAlias = Any  # Any: whatever JSON can say
ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT.parent / "shared" / "data"
GROUPS: Final = ("a2a", "cloudevents", "mcp")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"the schemas of real protocols are not in {DATA}")


class Example(NamedTuple):
    """A valid value of a type."""

    group: str
    type: str
    path: Path

    @property
    def value(self) -> Json:
        return json.loads(self.path.read_text(encoding="utf-8"))


def examples() -> list[Example]:
    found: list[Example] = []
    for path in sorted(DATA.glob("*/examples/*.json")):
        group = path.parent.parent.name
        found.append(Example(group, "Schema" if group == "cloudevents" else path.name.partition("--")[0], path))
    return found


each_example = pytest.mark.parametrize("example", examples(), ids=lambda example: example.path.stem)


@cache
def text_of(group: str) -> str:
    return generate([DATA / group / "schema.json"], DATA / group / "types.py")


@cache
def module_of(group: str) -> ModuleType:
    return executed(text_of(group), f"real_{group}")


def executed(text: str, name: str) -> ModuleType:
    module = sys.modules[name] = ModuleType(name)
    exec(compile(text, f"{name}.py", "exec"), vars(module))
    return module


def schema_of(example: Example) -> Json:
    root = json.loads((DATA / example.group / "schema.json").read_text(encoding="utf-8"))
    return root if example.type == "Schema" else {**root, "$ref": f"#/$defs/{example.type}"}


def decoded(example: Example, value: Json) -> object:
    module = module_of(example.group)
    return module.decode(json.dumps(value), getattr(module, example.type))


def test_g1_all_of_it_generates_and_is_clean_for_mypy_and_pyright(tmp_path: Path) -> None:
    for group in GROUPS:
        (tmp_path / f"{group}_types.py").write_text(text_of(group), encoding="utf-8")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["."]}')
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    for command in [
        ["mypy", *config, *(str(tmp_path / f"{group}_types.py") for group in GROUPS)],
        ["pyright", "--pythonpath", sys.executable, "--warnings", "--project", str(tmp_path)],
    ]:
        done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


ASK_FOR_ALL: Final = """
import sys
from miniagents import DecodeError
import types_of_it as module
for name in set(module.__all__) - {"decode", "encode"}:
    try:
        module.decode('[{"no": "such thing"}]', getattr(module, name))
    except DecodeError:
        pass
"""


@pytest.mark.parametrize("group", GROUPS)
def test_everything_can_be_asked_for(group: str, tmp_path: Path) -> None:
    """In a process of its own, for some of the types have names of the library's."""
    (tmp_path / "types_of_it.py").write_text(text_of(group), encoding="utf-8")
    paths = {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run([sys.executable, "-c", ASK_FOR_ALL], env=paths, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


CATALOGUE: Final = [DATA / group / "schema.json" for group in GROUPS] + sorted(DATA.glob("schemastore/schemas/*.json"))


each_of_the_catalogue = pytest.mark.parametrize("path", CATALOGUE, ids=lambda path: f"{path.parent.name}-{path.stem}")

OF_OTHER_FILES: Final = {
    "azure-deviceupdate-import-manifest-4.0": {"azure-deviceupdate-manifest-definitions-4.0.json"},
    "azure-deviceupdate-update-manifest-5": {"azure-deviceupdate-manifest-definitions-5.0.json"},
    "bitrise": {"bitrise-step.json"},
    "gematik-test-hcps": {"gematik-test-patients.json"},
    "golangci-lint": {"golangci.jsonschema.json"},
    "minecraft-advancement": {"base.json"},
    "schema-org-place": {"schema-org-thing.json"},
}
"""Files of the catalogue that refer to others, which are not there, by their names. Nothing else is refused."""

ONLY_NOTED: Final = {"abc-supply-plan-invalid-plan-date.json": "its date is none, and a format is a note"}
"""Files that the catalogue calls invalid, and the reasons that they are not."""


class Real(NamedTuple):
    """What is made of a file of the catalogue."""

    model: Module
    module: ModuleType
    root: str | None


@cache
def real(path: Path) -> Real:
    bundle = read_bundle([path])
    model = module_model(bundle)
    name = f"named_{path.parent.name}_{path.stem}"
    module = executed(emit(model, sources=[path.name], command="generate"), name)
    root = next((each.name for each in bundle.definitions.values() if each.place.pointer == "#"), None)
    return Real(model, module, root)


@each_of_the_catalogue
def test_g5_everything_generates_as_it_is(path: Path) -> None:
    """Valid files come back equal, invalid ones are refused. What is missing is told with the option that gives it."""
    missing = OF_OTHER_FILES.get(path.stem, set[str]())
    if missing:
        with pytest.raises(GenerationError) as caught:
            real(path)
        options = {re.split("[/ ]", each.remedy)[-1] for each in caught.value.problems}
        assert options == {f"{name}=FILE" for name in missing}
        return
    _, module, root = real(path)
    for kind in ("valid", "invalid"):
        for file in DATA.glob(f"schemastore/{kind}/{path.stem}/*"):
            data = file.read_text(encoding="utf-8")
            if kind == "invalid" and file.name not in ONLY_NOTED:
                with pytest.raises(DecodeError):
                    module.decode(data, getattr(module, root or ""))
            else:
                value = module.decode(data, getattr(module, root or ""))
                assert equal(json.loads(module.encode(value)), json.loads(data)), file


@each_of_the_catalogue
def test_g6_every_name_decodes_and_encodes(path: Path) -> None:
    """Each name takes a part of an example, or a value that is made from its schema, and gives it back.

    Some schemas accept nothing, and for some no value is found here. Their names still decode: they refuse the others.
    """
    if path.stem in OF_OTHER_FILES:
        pytest.skip("it refers to files that are not there")
    model, module, _ = real(path)
    definitions = dict(model.schemas)
    files = [*path.parent.glob("examples/*"), *DATA.glob(f"schemastore/valid/{path.stem}/*")]
    parts = {json.dumps(part) for file in files for part in parts_of(json.loads(file.read_text(encoding="utf-8")))}
    made = Values(Random(0), definitions)
    taken = 0
    for name in set(module.__all__) - {"decode", "encode"}:
        schema = at_pointer(definitions, model.keys[name])
        for text in chain((json.dumps(made.like(schema)) for _ in range(50)), sorted(parts)):
            try:
                value = module.decode(text, getattr(module, name))
            except DecodeError:
                continue
            assert equal(json.loads(module.encode(value)), json.loads(text)), name
            taken += 1
            break
    assert taken


def parts_of(value: Json) -> Iterator[Json]:
    """Yield a value and all values in it."""
    yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(part)


def at_pointer(definitions: Json, key: str) -> Json:
    """Find a schema by its key: a name, or a name and a JSON pointer."""
    name, _, pointer = key.partition("#")
    schema = definitions[name]
    for step in pointer.split("/")[1:]:
        schema = schema[int(step) if isinstance(schema, list) else step.replace("~1", "/").replace("~0", "~")]
    return schema


@each_example
def test_m5_examples_come_back_equal_as_json_frozen_and_hashable(example: Example) -> None:
    value = decoded(example, example.value)
    assert equal(json.loads(module_of(example.group).encode(value)), example.value)
    assert decoded(example, example.value) == value
    hash(value)
    assert frozen(value)


@each_example
def test_g2_spoiled_examples_are_refused_with_their_path(example: Example) -> None:
    from jsonschema import validators  # noqa: PLC0415 # slow to import, and needed here alone

    schema = schema_of(example)
    reference = validators.validator_for(schema)(schema)
    count = 0
    for path, value in spoiled(example.value):
        if reference.is_valid(value):
            decoded(example, value)
            continue
        count += 1
        with pytest.raises(DecodeError) as caught:
            decoded(example, value)
        assert str(caught.value).startswith("$"), path
    assert count or not example.value


def spoiled(value: Json) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Yield a value spoiled in each place: a property dropped or added, a type changed, a text that is no choice."""
    todo: list[tuple[str | int, ...]] = [()]
    while todo:
        path = todo.pop()
        part = at(value, path)
        if isinstance(part, dict):
            todo.extend((*path, key) for key in part)
            yield path, changed(value, path, {**part, "not declared": 1})
            for key in part:
                yield path, changed(value, path, {name: each for name, each in part.items() if name != key})
        elif isinstance(part, list):
            todo.extend((*path, index) for index in range(len(part)))
        others: tuple[Json, ...] = (7, "no such choice", None, [], {})
        for other in others:
            yield path, changed(value, path, other)


def at(value: Json, path: tuple[str | int, ...]) -> Json:
    for step in path:
        value = value[step]
    return value


def changed(value: Json, path: tuple[str | int, ...], part: Json) -> Json:
    if not path:
        return part
    value = deepcopy(value)
    at(value, path[:-1])[path[-1]] = part
    return value


def equal(one: Json, other: Json) -> bool:
    """Whether two values are the same JSON."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def frozen(value: object) -> bool:
    """Whether nothing in a value can be changed."""
    if isinstance(value, msgspec.Struct):
        return value.__struct_config__.frozen and all(frozen(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, tuple | frozenset):
        return all(map(frozen, value))
    if isinstance(value, Mapping):
        return isinstance(value, FrozenDict) and all(map(frozen, value.values()))
    return value is msgspec.UNSET or isinstance(value, str | int | float | bool | None)


@pytest.mark.parametrize("group", ["a2a", "mcp"])
def test_a_revision_that_only_adds_to_open_objects_passes_a_gate(group: str, tmp_path: Path) -> None:
    """The older revision is made of the published one: it lacks optional properties, and its file has another name."""
    old = json.loads((DATA / group / "schema.json").read_text(encoding="utf-8"))
    removed = 0
    for part in old.get("$defs", old.get("definitions")).values():
        properties = part.get("properties", {})
        if part.get("additionalProperties", True) in (True, {}):
            for name in [name for name in properties if name not in part.get("required", [])][::2]:
                del properties[name]
                removed += 1
    before = tmp_path / f"{group}-older.json"
    before.write_text(json.dumps(old), encoding="utf-8")
    changes = compare(read_bundle([before]), read_bundle([DATA / group / "schema.json"]))
    assert removed > 30
    assert {change.rule for change in changes if change.could_break} == {"property-added"}
    assert [change for change in changes if change.breaks] == []


@pytest.mark.parametrize(("group", "most"), [("a2a", 10), ("cloudevents", 12), ("mcp", 12)])
def test_lint_is_quiet_on_vendor_files(group: str, most: int) -> None:
    assert len(lint(read_bundle([DATA / group / "schema.json"]))) <= most

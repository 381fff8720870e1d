"""Runs the official test suite of JSON Schema on generated modules, and prints how many groups of tests they pass.

A group is a schema with values that it accepts or refuses. Each group gets a module of its own, and a result:

- exact: accepted values come back as they were, and all others are refused;
- loose, strict, lossy: a value is accepted, refused or changed by mistake;
- broken: something else goes wrong, such as the import of the module;
- refused: the generator refuses the schema, with a reason.

In the profile `typed`, schemas without a `type` get each type that values of the group have, for then classes and plain
types are generated of them.
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

# JSON is Any for pyright, and so is what is taken from it
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
from miniagents import DecodeError
from miniagents.codegen import GenerationError
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.settings import Formats, Reading, Settings
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.writing.emitter import emit

Json: TypeAlias = Any  # Any: whatever JSON can say
Result: TypeAlias = Literal["broken", "loose", "strict", "lossy", "exact", "refused"]
Profile: TypeAlias = Literal["plain", "typed"]

ROOT: Final = Path(__file__).resolve().parent.parent
SUITE: Final = Path(os.environ.get("JSON_SCHEMA_TEST_SUITE") or ROOT / ".venv" / "json-schema-test-suite")
"""Where the suite is, unless the command line names another folder."""

DIALECTS: Final = {
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft4": "http://json-schema.org/draft-04/schema#",
}
"""The dialects, by their folders in the suite."""

PARTS: Final[tuple[tuple[str, Formats, Profile], ...]] = (
    ("", "note", "plain"),
    ("", "note", "typed"),
    ("optional/format", "checked", "plain"),
)
"""What is run of each dialect: a folder, the meaning of a `format`, and the profile."""

URL: Final = "http://localhost:1234/"
"""The URL at which the schemas of the suite expect its folder `remotes`."""


class Group(NamedTuple):
    """A schema and values that it accepts or refuses."""

    name: str
    schema: Json
    tests: list[Json]


class Outcome(NamedTuple):
    """The result of a group, and what went wrong."""

    result: Result
    wrong: str = ""


def main() -> int:
    """Print the results of all dialects; return 1 if a value is accepted, refused or changed by mistake."""
    parser = argparse.ArgumentParser(prog="scripts/conformance", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="a clone of the JSON-Schema-Test-Suite")
    folder = parser.parse_args().folder or SUITE
    if not (folder / "tests").is_dir():
        download(folder)
    wrong = 0
    for dialect in DIALECTS:
        for inner, formats, profile in PARTS:
            results: Counter[Result] = Counter()
            for group in groups(folder, f"{dialect}/{inner}", profile):
                outcome = run(group, dialect, folder / "remotes", formats)
                results[outcome.result] += 1
                if outcome.result != "exact":
                    print(f"  {outcome.result}: {group.name}: {outcome.wrong:.500}")
            share = results["exact"] / results.total()
            print(f"{dialect}/{inner} ({profile}): {share:.2%} of {results.total()} exact: {dict(results)}", flush=True)
            wrong += results.total() - results["exact"] - results["refused"]
    return 1 if wrong else 0


def download(folder: Path) -> None:
    """Unpack the suite from the source of the package `jsonschema`."""
    with TemporaryDirectory() as name:
        command = ["pip", "download", "--quiet", "--no-deps", "--no-binary", "jsonschema", "jsonschema", "--dest", name]
        subprocess.run([sys.executable, "-m", *command], check=True)  # noqa: S603  # a list of words, no shell
        with tarfile.open(next(Path(name).glob("*.tar.gz"))) as archive:
            archive.extractall(name, filter="data")
        next(Path(name).glob("*/json")).rename(folder)


def groups(folder: Path, inner: str, profile: Profile = "plain") -> Iterator[Group]:
    """Yield the groups in a folder of the suite.

    Args:
        folder: The suite.
        inner: The folder in its folder `tests`.
        profile: Whether schemas without a type get types.
    """
    for path in sorted((folder / "tests" / inner).glob("*.json")):
        for each in json.loads(path.read_text(encoding="utf-8")):
            group = Group(f"{path.stem}: {each['description']}", each["schema"], each["tests"])
            yield from [group] if profile == "plain" else typed(group)


def typed(group: Group) -> Iterator[Group]:
    """Yield a group for each type that the values have; none if the schema has a type, or refers to itself."""
    schema = group.schema
    if isinstance(schema, bool) or not schema.keys().isdisjoint({"type", "$ref"}):
        return
    text, own = json.dumps(schema), json.dumps(schema.get("$id", "#"))
    if f'ef": {own}' in text:  # `$ref` and `$recursiveRef`
        return
    for kind in sorted({each for test in group.tests for each in types_of(test["data"])}):
        tests = [{**test, "valid": test["valid"] and kind in types_of(test["data"])} for test in group.tests]
        yield Group(f"{group.name} ({kind})", {**schema, "type": kind}, tests)


def types_of(value: Json) -> set[str]:
    """Return the types of JSON Schema that a value has."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"number", "integer"} if value == int(value) else {"number"}
    return {{bool: "boolean", str: "string", list: "array", dict: "object"}.get(type(value), "null")}


def run(group: Group, dialect: str, remotes: Path, formats: Formats = "note") -> Outcome:
    """Generate a module for a group, and decode and encode all values of the group with it.

    Args:
        group: The group.
        dialect: The folder of the dialect.
        remotes: The folder of the schemas that those of the suite refer to.
        formats: The meaning of a `format`.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "group.schema.json")
        marked = {"$schema": DIALECTS[dialect]} | group.schema if isinstance(group.schema, dict) else group.schema
        path.write_text(json.dumps(marked), encoding="utf-8")
        settings = Settings(formats=formats, reading=Reading(references=((URL, remotes),)))
        try:
            bundle = read_bundle([path], settings=settings)
            text = emit(module_of(bundle), sources=[path.name], command="generate")
        except GenerationError as error:
            return Outcome("refused", str(error))
    root = next(
        each.name
        for each in bundle.definitions.values()
        if (each.place.document.name, each.place.pointer) == (path.as_posix(), "#")
    )
    module = ModuleType("module_of_group")
    sys.modules[module.__name__] = module
    try:
        exec(compile(text, "module_of_group.py", "exec"), vars(module))  # noqa: S102  # a generated module
        outcomes = [outcome_of(module, getattr(module, root), test) for test in group.tests]
    except Exception as error:  # noqa: BLE001  # whatever goes wrong is what this program is to show
        return Outcome("broken", repr(error))
    finally:
        del sys.modules[module.__name__]
    wrong = [each for each in outcomes if each.result != "exact"]
    return min(wrong, key=lambda each: ("loose", "strict", "lossy").index(each.result)) if wrong else Outcome("exact")


def outcome_of(module: ModuleType, form: object, test: Json) -> Outcome:
    """Return what a generated module makes of one value."""
    data = json.dumps(test["data"])
    said = f"{test['description']}: {data}"
    try:
        value = module.decode(data, form)
    except DecodeError as error:
        return Outcome("strict", f"{said}: {error}") if test["valid"] else Outcome("exact")
    if not test["valid"]:
        return Outcome("loose", said)
    back = json.loads(module.encode(value))
    return Outcome("exact") if equal(back, test["data"]) else Outcome("lossy", f"{said}: {json.dumps(back)}")


def equal(one: Json, other: Json) -> bool:
    """Return whether two values are the same JSON."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


if __name__ == "__main__":
    sys.exit(main())

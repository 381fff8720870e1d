"""Large schemas generate and import in time that grows with their size, counted in calls of functions."""

import json
import re
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

import pytest

from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.reading.disjoint import all_disjoint
from miniagents.codegen.reading.views import spots_of
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.writing.emitter import emit
from miniagents.messages.values import freezers
from miniagents.messages.values.freezers import function
from tests.codegen.bundles import bundle
from tests.counting import calls_of

Json: TypeAlias = Any  # Any: whatever JSON can say

SMALL: Final = 30
LARGE: Final = 120


def thing(number: int, count: int) -> Json:
    """A definition of the kind that large schemas have: fields of others, arrays of them, and a tag."""
    others = [{"$ref": f"#/$defs/Thing{(number * 7 + step) % count}"} for step in range(4)]
    return {
        "type": "object",
        "properties": {
            "kind": {"const": f"thing{number}"},
            "name": {"type": "string", "minLength": 1},
            "one": others[0],
            "other": {"anyOf": [others[1], {"type": "null"}]},
            "many": {"type": "array", "items": others[2]},
        },
        "required": ["kind"],
        "additionalProperties": False,
    }


def things(count: int) -> Json:
    union = {"oneOf": [{"$ref": f"#/$defs/Thing{number}"} for number in range(count)]}
    return {"$defs": {f"Thing{number}": thing(number, count) for number in range(count)}, **union}


def events(count: int) -> Json:
    """Events that are unions of actions and share large parts, which tell none of them from the others."""
    made: Json = {"Part4": {"type": "object"}}
    for depth in range(4):
        below = {"anyOf": [{"$ref": f"#/$defs/Part{depth + 1}"}, {"type": "null"}]}
        inner = dict.fromkeys(("licence", "owner", "parent"), below)
        made[f"Part{depth}"] = {"type": "object", "properties": inner, "required": [*inner]}
    shared = {name: {"$ref": "#/$defs/Part0"} for name in ("Repository", "Sender")}
    for number in range(count):
        actions = [
            {
                "type": "object",
                "properties": {"action": {"enum": [action]}, **shared, f"event{number}": {"type": "string"}},
                "required": ["Repository", "Sender", "action", f"event{number}"],
                "additionalProperties": False,
            }
            for action in ("created", "deleted")
        ]
        made[f"Event{number}"] = {"oneOf": actions}
    return {**made, "All": {"oneOf": [{"$ref": f"#/$defs/Event{number}"} for number in range(count)]}}


def text_of(path: Path) -> str:
    return emit(module_of(read_bundle([path])), sources=[path.name], command="command")


def written(folder: Path, schema: Json, name: str = "large.schema.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(schema), encoding="utf-8")
    return path


def test_the_steps_of_generating_grow_with_the_number_of_definitions(tmp_path: Path) -> None:
    small, large = (written(tmp_path, things(count), f"{count}.schema.json") for count in (SMALL, LARGE))
    text_of(small)  # what is imported and cached for all
    assert calls_of(lambda: text_of(large)) < 1.5 * LARGE / SMALL * calls_of(lambda: text_of(small))


def test_each_pair_of_alternatives_costs_few_steps() -> None:
    """Unions of unions compare all pairs of their objects; what these share is not compared with itself."""
    count = 10
    spots = spots_of(bundle(events(count)).definitions)
    pairs = (2 * count) ** 2 / 2
    assert calls_of(lambda: all_disjoint(spots["All"].many("oneOf"), spots)) < 3000 * pairs
    assert all_disjoint(spots["All"].many("oneOf"), spots)
    assert not all_disjoint([*spots["All"].many("oneOf"), spots["Event1"]], spots)


def test_the_steps_of_generating_grow_with_the_number_of_files(tmp_path: Path) -> None:
    steps: list[int] = []
    for count in (SMALL, SMALL, LARGE):
        folder = tmp_path / f"{len(steps)}"
        folder.mkdir()
        for number in range(count):
            text = json.dumps(thing(number, count))
            schema = json.loads(re.sub(r"#/\$defs/(Thing\d+)", r"\1.schema.json", text))
            written(folder, schema, f"Thing{number}.schema.json")
        steps.append(calls_of(partial(text_of, folder)))
    assert steps[2] < 1.5 * LARGE / SMALL * steps[1]


def test_classes_compile_nothing_when_they_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function of a class is compiled when its first value is read: few classes of hundreds are used."""
    compiled: list[str] = []

    def watched(lines: Iterable[str], names: dict[str, object], head: str) -> object:
        compiled.append(head)
        return function(lines, names, head)

    monkeypatch.setattr(freezers, "function", watched)
    numbers = {"numbers": {"type": "array", "items": {"type": "number"}}}  # they need a look at each value
    schema = things(SMALL)
    for each in schema["$defs"].values():
        each["properties"] |= numbers
    module = sys.modules["large_module"] = ModuleType("large_module")
    exec(compile(text_of(written(tmp_path, schema)), "large.py", "exec"), vars(module))
    assert compiled == []
    for _ in range(2):
        value = module.decode('{"kind": "thing1", "numbers": [1, 2.5]}', module.Thing1)
        assert value.numbers == (1.0, 2.5)
    assert len(compiled) <= 1
    made = [module.Thing2(numbers=[1, 2]) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].numbers == (1.0, 2.0)
    del sys.modules["large_module"]

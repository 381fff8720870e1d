"""A class that is merged from a named object and more extends the class of the object, if each value of it is one."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from miniagents import DecodeError
from miniagents.codegen import generate
from miniagents.codegen.commands.command_line import main

Generated = Callable[[object], str]
Imported = Callable[[object], ModuleType]

CORE: Final = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "pattern": "^[a-z-]+$"},
        "created": {"type": "string"},
        "labels": {"type": "array", "items": {"type": "string"}},
        "next": {"$ref": "#/$defs/Core"},
        "any": True,
    },
    "required": ["type"],
}
DEFINITIONS: Final[dict[str, Any]] = {  # Any: JSON
    "Core": CORE,
    "Attack": {
        "type": "object",
        "allOf": [
            {"$ref": "#/$defs/Core"},
            {
                "properties": {
                    "type": {"enum": ["attack"]},
                    "name": {"type": "string"},
                    "next": {"$ref": "#/$defs/Attack"},
                }
            },
        ],
        "required": ["name", "created"],
    },
    "Malware": {
        "$ref": "#/$defs/Core",
        "properties": {"labels": {"items": {"enum": ["a", "b"]}}, "level": {"type": "integer"}},
    },
    "Worm": {
        "allOf": [{"$ref": "#/$defs/Malware"}, {"properties": {"speed": {"type": "integer"}}, "required": ["speed"]}]
    },
    "Objects": {
        "type": "array",
        "items": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("Attack", "Worm", "Malware", "Core")]},
    },
}


def class_lines(text: str, name: str) -> list[str]:
    """Return the head and the fields of a class."""
    block = text.partition(f"\nclass {name}(")[2].partition("\n\n\n")[0]
    return [f"class {name}({block.splitlines()[0]}", *(line.strip() for line in block.splitlines() if ": " in line[4:])]


def test_a_subclass_repeats_only_what_it_narrows(generated: Generated) -> None:
    text = generated(DEFINITIONS)
    assert class_lines(text, "Malware") == [
        "class Malware(Core, frozen=True, kw_only=True):",
        'labels: Maybe[tuple[Literal["a", "b"], ...]] = msgspec.UNSET',
        "level: Maybe[int] = msgspec.UNSET",
    ]
    assert class_lines(text, "Worm") == ["class Worm(Malware, frozen=True, kw_only=True):", "speed: int"]
    attack = class_lines(text, "Attack")
    assert attack[0] == "class Attack(Core, frozen=True, kw_only=True):"
    assert attack[-4:] == [
        'type: Literal["attack"]',
        'created: str = msgspec.field(name="created")',
        'next: "Maybe[Attack]" = msgspec.UNSET',
        "name: str",
    ]


def test_m5_subclasses_decode_as_their_schemas_say(imported: Imported) -> None:
    module = imported(DEFINITIONS)
    attack = {"type": "attack", "created": "x", "name": "n", "more": 1}
    values = [
        {**attack, "next": attack},
        {"type": "w", "speed": 1},
        {"type": "m", "labels": ["a"]},
        {"type": "c", "labels": ["c"]},
    ]
    read = module.decode(json.dumps(values), module.Objects)
    assert [type(each).__name__ for each in read] == ["Attack", "Worm", "Malware", "Core"]
    assert isinstance(read[1], module.Core)
    assert type(read[0].next) is module.Attack
    assert json.loads(module.encode(read)) == values
    assert module.decode(module.encode(read), module.Objects) == read
    for wrong, path in (({**attack, "type": "b"}, "$.type"), ({**attack, "next": {"type": "c"}}, "$.next")):
        with pytest.raises(DecodeError) as caught:
            module.decode(json.dumps(wrong), module.Attack)
        assert str(caught.value).startswith(f"{path}: ")
    with pytest.raises(TypeError, match="created"):
        module.Attack(type="attack", name="n")


CLOSED: Final = {**CORE, "additionalProperties": False}


@pytest.mark.parametrize(
    ("core", "more"),
    [
        (CLOSED, {"properties": {"x": {"type": "null"}}}),
        (CORE, {"properties": {"x": {"type": "null"}}, "unevaluatedProperties": False}),
        (CORE, {"properties": {"x": {"type": "null"}}, "additionalProperties": {"type": "integer"}}),
        (CORE, {"properties": {"any": {"$ref": "#/$defs/Core"}}}),
        (CORE, {"properties": {"x": {"type": "null"}}, "x-miniagents": {"base": "Record"}}),
    ],
    ids=["closed base", "closed", "other extras", "a class is not JSON", "hint"],
)
def test_a_class_whose_values_are_not_of_the_other_for_python_stands_alone(
    generated: Generated, core: object, more: dict[str, object]
) -> None:
    text = generated({"Core": core, "T": {"allOf": [{"$ref": "#/$defs/Core"}], **more}})
    assert "class T(Core" not in text
    assert "class T(" in text


def test_a_class_that_a_tag_tells_apart_keeps_it(generated: Generated) -> None:
    """msgspec takes no tag whose name is a field of the base."""
    names = ("a", "b")
    parts = {
        name.upper(): {"allOf": [{"$ref": "#/$defs/Core"}, {"properties": {"type": {"const": name}}}]} for name in names
    }
    text = generated({"Core": CORE, **parts, "Either": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in parts]}})
    assert 'class A(OpenRecord, frozen=True, kw_only=True, tag_field="type", tag="a"):' in text


def test_what_is_exported_generates_the_same_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "types.schema.json"
    source.write_text(json.dumps({"$defs": DEFINITIONS}))
    first = generate([source], tmp_path / "types.py")
    (tmp_path / "types.py").write_text(first)
    main(["export", str(tmp_path / "types.py")])
    exported = capsys.readouterr().out
    assert '"base"' not in exported
    source.write_text(exported)
    assert generate([source], tmp_path / "types.py") == first


def test_modules_of_a_package_import_the_base(tmp_path: Path) -> None:
    (tmp_path / "core.json").write_text(json.dumps({"$defs": {"Core": CORE}}))
    more = {"allOf": [{"$ref": "core.json#/$defs/Core"}], "properties": {"speed": {"type": "integer"}}}
    (tmp_path / "worm.json").write_text(json.dumps({"title": "Worm", **more}))
    files = [tmp_path / "core.json", tmp_path / "worm.json"]
    assert main(["generate", *map(str, files), "--output", f"{tmp_path}/package/"]) == 0
    text = (tmp_path / "package" / "worm.py").read_text()
    assert "from .core import Core" in text
    assert "class Worm(Core" in text

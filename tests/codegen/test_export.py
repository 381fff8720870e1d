"""G4: `export`: types back to JSON Schema; generate, export, generate is a fixed point."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from miniagents.codegen import GenerationError, generate
from miniagents.codegen.exporting.exporter import export
from miniagents.codegen.patterns.translating import translate
from miniagents.codegen.patterns.translating_back import translated_back

SchemaFile = Callable[..., Path]

SCHEMA: Final = {
    "description": "About the weather.\n\nAnd more of it.",
    "$defs": {
        "Base": {
            "type": "object",
            "description": "A base.",
            "additionalProperties": False,
            "properties": {"at": {"type": "string", "format": "date-time", "default": "x"}},
            "x-miniagents": {"base": "Message", "positional": True},
        },
        "Report": {
            "type": "object",
            "additionalProperties": False,
            "required": ["my city"],
            "properties": {
                "my city": {"type": "string", "pattern": "^\\w+\\b.$", "description": 'Where """ it \\d is.'},
                "n": {"type": "integer", "default": 3, "minimum": 0},
                "tags": {"type": "array", "items": {"type": "string"}, "default": ["a"]},
                "class": {"enum": ["a", None], "deprecated": True},
            },
            "x-miniagents": {"base": "#/$defs/Base", "template": "{my city}: {n} {{x}}"},
        },
        "Any": {"anyOf": [{"$ref": "#/$defs/Report"}, {"$ref": "#/$defs/Base"}], "description": "Any of them."},
        "Open": {
            "type": "object",
            "properties": {
                "x": {
                    "type": "object",
                    "title": "The X",
                    "properties": {"y": {"type": "integer"}},
                    "x-miniagents": {"name": "Why"},
                },
                "u": {
                    "anyOf": [
                        {"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"]},
                        {
                            "type": "object",
                            "title": "Bee",
                            "description": "Buzz.",
                            "properties": {"kind": {"const": "b"}},
                            "required": ["kind"],
                        },
                    ]
                },
                "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"z": True}}},
                "$id": {"type": "string", "x-miniagents": {"field": "identity"}},
                "def-ault": {"default": {"a": [1, {"b": None}]}, "description": "Has one. Format: none."},
            },
            "patternProperties": {"^x-": {"type": "string"}},
        },
        "Extended": {
            "allOf": [{"$ref": "#/$defs/Open"}, {"properties": {"more": {"type": "string"}}}],
            "description": "Extended.",
        },
        "Text": {"type": "string", "description": "A text.", "format": "uri", "readOnly": True},
    },
}


def test_g4_generate_export_generate_is_a_fixed_point(schema_file: SchemaFile, tmp_path: Path) -> None:
    path, module = schema_file(SCHEMA), tmp_path / "types.py"
    first = generate([path], module)
    module.write_text(first, encoding="utf-8")
    path.write_text(export(str(module)), encoding="utf-8")
    assert generate([path], module) == first


def test_the_schema_of_a_generated_module_has_what_its_author_wrote(schema_file: SchemaFile, tmp_path: Path) -> None:
    module = tmp_path / "types.py"
    module.write_text(generate([schema_file(SCHEMA)], module), encoding="utf-8")
    exported = json.loads(export(str(module)))
    jsonschema.Draft202012Validator.check_schema(exported)
    assert exported["description"] == SCHEMA["description"]
    for name in ("Base", "Report", "Any", "Text"):
        assert exported["$defs"][name] == SCHEMA["$defs"][name]  # type: ignore[index] # pyright: ignore[reportArgumentType] # it is an object


@pytest.mark.parametrize(
    "pattern",
    [r"^\w+\b.$", r"^[\d\s]\S\W$", "é\U0001f600", r"\p{L}x", r"[^\d\W]", r"a(b)\1", r"\n\t", r"[.\]]", r"^\\$", r"\\Z"],
)
def test_patterns_are_written_back_as_what_means_the_same(pattern: str) -> None:
    ours = translate(pattern)
    assert ours is not None
    theirs = translated_back(ours)
    assert theirs is not None
    assert translate(theirs) == ours


HAND_WRITTEN: Final = '''
"""Hand-written types."""
from collections.abc import Mapping
from typing import Annotated, Literal
import enum
import msgspec
from msgspec import UNSET, UnsetType
from miniagents import JsonValue, Message, Record
from miniagents.messages import NO_EXTRAS, Extras


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(Record, frozen=True):
    """A place.

    Attributes:
        x: To the right.
    """

    x: Annotated[int, msgspec.Meta(ge=0, lt=10)]
    label: str | UnsetType = UNSET
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class Circle(Record, frozen=True, tag_field="kind", tag="circle"):
    centre: Point
    radius: float = 1.0


class Drawing(Message, frozen=True, kw_only=True):
    """What was drawn."""

    shapes: "tuple[Circle | Point, ...]" = ()
    colour: Colour | None = None
    mode: Literal["fast", "slow"] = "fast"
    scale: tuple[int, str] = (1, "x")
    names: frozenset[str] = frozenset()
    limits: Mapping[str, Annotated[str, msgspec.Meta(min_length=1)]] = msgspec.field(default_factory=dict)
    answer: Message | None = None
'''


def test_hand_written_classes_are_exported_as_msgspec_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "drawings.py"
    path.write_text(HAND_WRITTEN, encoding="utf-8")
    assert json.loads(export(str(path))) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "Hand-written types.",
        "$defs": {
            "Point": {
                "description": "A place.",
                "type": "object",
                "properties": {
                    "x": {"description": "To the right.", "type": "integer", "minimum": 0, "exclusiveMaximum": 10},
                    "label": {"type": "string"},
                },
                "required": ["x"],
                "additionalProperties": True,
            },
            "Circle": {
                "type": "object",
                "properties": {
                    "kind": {"type": "string", "const": "circle"},
                    "centre": {"$ref": "#/$defs/Point"},
                    "radius": {"type": "number", "default": 1.0},
                },
                "required": ["kind", "centre"],
                "additionalProperties": False,
            },
            "Drawing": {
                "description": "What was drawn.",
                "type": "object",
                "properties": {
                    "@type": {"type": "string", "const": "Drawing"},
                    "text": {
                        "description": "The text of the message; null if the class's fields or template give it.",
                        "type": ["string", "null"],
                        "default": None,
                    },
                    "shapes": {
                        "type": "array",
                        "items": {"anyOf": [{"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Point"}]},
                        "default": [],
                    },
                    "colour": {
                        "anyOf": [{"type": "string", "enum": ["red", "blue"]}, {"type": "null"}],
                        "default": None,
                    },
                    "metadata": {
                        "description": "Facts about the message that its class does not declare, by their names. It is "
                        "not written if it is empty, and an empty one is no part of the hash key.",
                        "type": "object",
                        "default": {},
                    },
                    "mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast"},
                    "scale": {
                        "type": "array",
                        "prefixItems": [{"type": "integer"}, {"type": "string"}],
                        "minItems": 2,
                        "maxItems": 2,
                        "default": [1, "x"],
                    },
                    "names": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "default": []},
                    "limits": {
                        "type": "object",
                        "additionalProperties": {"type": "string", "minLength": 1},
                        "default": {},
                    },
                    "answer": {"anyOf": [{"$ref": "miniagents:Message"}, {"type": "null"}], "default": None},
                },
                "required": ["@type"],
                "additionalProperties": False,
            },
        },
    }


def test_limits_of_what_may_be_null_are_exported(tmp_path: Path) -> None:
    path = tmp_path / "names.py"
    path.write_text(
        "from typing import Annotated\n"
        "import msgspec\n"
        "class Name(msgspec.Struct):\n"
        "    text: Annotated[str | None, msgspec.Meta(min_length=1, max_length=9)]\n",
        encoding="utf-8",
    )
    text = json.loads(export(str(path)))["$defs"]["Name"]["properties"]["text"]
    assert text == {"type": ["string", "null"], "minLength": 1, "maxLength": 9}


def test_all_that_is_said_of_a_field_is_exported(tmp_path: Path) -> None:
    path = tmp_path / "priced.py"
    path.write_text(
        "from decimal import Decimal\nfrom miniagents import Record\n"
        "class Priced(Record, frozen=True):\n"
        '    """Something to buy.\n\n    Attributes:\n        price (Decimal): What it costs.\n    """\n'
        "    price: Decimal = Decimal(1)\n",
        encoding="utf-8",
    )
    price = json.loads(export(str(path)))["$defs"]["Priced"]["properties"]["price"]
    assert price == {"description": "What it costs.", "type": "string", "format": "decimal", "default": "1"}


def test_headings_in_a_description_stay_in_it(schema_file: SchemaFile, tmp_path: Path) -> None:
    module, text = tmp_path / "types.py", "A place.\n\nExample:\n\nNote: one."
    schema = {"$defs": {"Place": {"type": "object", "description": text, "properties": {"x": {"type": "string"}}}}}
    module.write_text(generate([schema_file(schema)], module), encoding="utf-8")
    assert json.loads(export(str(module)))["$defs"]["Place"]["description"] == text


def test_a_module_is_named_as_one_imports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exported_by_name.py").write_text(HAND_WRITTEN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert export("exported_by_name") == export("exported_by_name.py")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("1 +", "invalid syntax"),
        ("import does_not_exist", "cannot be imported: ModuleNotFoundError: No module named 'does_not_exist'"),
        ("x = 1", "there are no types in it"),
        (
            "from miniagents import Record\nclass A(Record, frozen=True):\n    a: complex\n",
            "A.a: complex has no form in JSON; use scalars, containers, and message classes",
        ),
    ],
)
def test_what_cannot_be_exported_is_said(text: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GenerationError) as caught:
        export(str(path))
    assert wrong in str(caught.value)


@pytest.mark.parametrize("name", ["does_not_exist", "does.not.exist", "does_not_exist.py", "sys"])
def test_a_module_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(GenerationError, match="name a "):
        export(name)

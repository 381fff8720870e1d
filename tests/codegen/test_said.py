"""What the generator leaves out of the schemas of a module, because its types say it, the codec finds in the types."""

import ast
import json
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, given, strategies as st

from miniagents.codegen import GenerationError
from miniagents.codegen.library import LIBRARY
from miniagents.codegen.model import Module, ObjectType
from miniagents.codegen.said_in_text import SaidInText
from miniagents.codegen.writing.emitter import emit
from miniagents.validation.said import fill
from tests.codegen.test_differential import Schemas, generated
from tests.effort import examples

Json: TypeAlias = Any  # Any: whatever JSON can say
CLASSES: Final = [name for name, each in LIBRARY.items() if isinstance(each, ObjectType)]


def check_that_both_say_the_same(model: Module, module: ModuleType) -> None:
    """Fill in what was left out, once from the text of a module and once from its types."""
    codec = module._codec
    keys = {key: name for name, key in model.keys.items() if key in codec._types}
    by_text: dict[str, Json] = {name: json.loads(text) for name, text in codec._texts.items()}
    tree = ast.parse(emit(model, sources=["any.schema.json"], command="command"))
    fill(by_text, {key: keys[key] for key in codec._types}, SaidInText(tree, model.keys))
    assert codec.validator()._definitions == by_text
    assert not codec.validator().unsupported()  # such as "null is no schema"


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("base", ["Record", "Message"])
def test_classes_of_the_library_are_said_by_types(tmp_path: Path, name: str, base: str) -> None:
    reference = {"$ref": f"miniagents:{name}"}
    properties: Json = {
        "a": reference,
        "b": reference,
        "c": {"type": "array", "items": reference},
        "d": {"type": "object", "additionalProperties": reference},
        "e": {"anyOf": [reference, {"type": "null"}]},
        "f": {"type": "object", "properties": {"g": reference}},
    }
    closed: Json = {"type": "object", "properties": properties, "required": ["a"], "additionalProperties": False}
    hint: Json = {"x-miniagents": {"base": "Message"}} if base == "Message" else {}
    model, module = generated({"Thing": {**closed, **hint}, "Alias": reference}, tmp_path)
    assert f'"miniagents:{name}"' not in module._codec._texts.get("Thing", "")
    check_that_both_say_the_same(model, module)


@examples(300, unhealthy=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_types_say_what_the_text_says(tmp_path: Path, seed: int) -> None:
    try:
        model, module = generated(Schemas(Random(seed)).definitions(), tmp_path)
    except GenerationError:
        return
    check_that_both_say_the_same(model, module)

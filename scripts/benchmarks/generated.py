"""Modules that the generator makes when they are first needed, so that they are always of the generator that stands."""

from __future__ import annotations

import json
import sys
import tempfile
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final

__all__ = ["BARE", "CLASSES", "folder_of_bare_classes", "folder_of_classes", "parts"]

CLASSES: Final = 600
"""The number of classes in the module whose import is measured."""
BARE: Final = "bare_classes"
"""The name of the module with the same classes as bare Structs."""


@cache
def parts() -> Any:  # Any: a module that no type checker sees
    """Return the generated module of `parts.schema.json`."""
    from miniagents.codegen.generating import generate  # noqa: PLC0415  # the limit does without the generator

    folder = _folder()
    path = folder / "generated_parts.py"
    path.write_text(generate([Path(__file__).with_name("parts.schema.json")], path), encoding="utf-8")
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = sys.modules[path.stem] = module_from_spec(spec)  # msgspec finds the names of annotations there
    spec.loader.exec_module(module)
    return module


@cache
def folder_of_classes() -> Path:
    """Return a folder with a generated module, `generated_classes`, and with the same classes as bare Structs."""
    from miniagents.codegen.generating import generate  # noqa: PLC0415  # as above

    folder = _folder()
    schema = folder / "classes.schema.json"
    schema.write_text(json.dumps({"$defs": {f"Item{place}": _definition(place) for place in range(CLASSES)}}))
    path = folder / "generated_classes.py"
    path.write_text(generate([schema], path), encoding="utf-8")
    return folder


@cache
def folder_of_bare_classes() -> Path:
    """Return a folder with the module `bare_classes`."""
    folder = _folder()
    text = "import msgspec\n\n" + "\n\n".join(map(_bare, range(CLASSES))) + "\n"
    (folder / f"{BARE}.py").write_text(text, encoding="utf-8")
    return folder


def _definition(place: int) -> object:
    """Return the schema of a closed object of a few fields, one of which is an object defined before it."""
    properties: dict[str, object] = {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "label": {"type": "string"},
    }
    if place:
        properties["previous"] = {"$ref": f"#/$defs/Item{place - 1}"}
    return {
        "type": "object",
        "properties": properties,
        "required": ["name", "count", "tags"],
        "additionalProperties": False,
    }


def _bare(place: int) -> str:
    fields = ["name: str", "count: int", "tags: tuple[str, ...]", "label: str | msgspec.UnsetType = msgspec.UNSET"]
    if place:
        fields.append(f"previous: Item{place - 1} | msgspec.UnsetType = msgspec.UNSET")
    body = "".join(f"    {field}\n" for field in fields)
    return f"class Item{place}(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):\n{body}"


@cache
def _kept() -> list[tempfile.TemporaryDirectory[str]]:
    """Return the folders that exist as long as this process does."""
    return []


def _folder() -> Path:
    folder = tempfile.TemporaryDirectory()
    _kept().append(folder)
    return Path(folder.name)

"""`x-miniagents`, the keyword for hints that JSON Schema cannot express.

- `name`, on a type: the name of the class or alias, in PascalCase.
- `base`, on a closed object: the class it extends: a type of the library by its name (`Message`) or a reference as in
  `$ref`. The properties of the base belong to it too; they may be repeated, word for word, so that other tools see
  them.
- `template`, on a closed object: the message as text, with `{property}` where a value stands and `{{`, `}}` for braces.
- `positional`, on a closed object: true lets the constructor take its own properties by position, in their order.
- `field`, on a property: its name in Python.
"""

from collections.abc import Callable
from dataclasses import dataclass

from miniagents.codegen.documents import Node
from miniagents.codegen.names import is_class_name, is_field_name
from miniagents.codegen.schema_errors import Problem
from miniagents.validation.keywords import HINTS

ON_TYPE = frozenset({"name"})
ON_OBJECT = frozenset({"name", "base", "template", "positional"})
ON_PROPERTY = frozenset({"field"})


@dataclass(frozen=True, slots=True)
class Hints:
    """The hints on one schema; hints that are not given are None."""

    name: str | None = None
    base: str | None = None
    template: str | None = None
    positional: bool = False
    field: str | None = None


def read_hints(node: Node, allowed: frozenset[str], report: Callable[[Problem], None]) -> Hints:
    """Return the hints at `node`.

    Args:
        node: A schema.
        allowed: The hints that have a meaning at this place.
        report: Receives the problems of the hints.
    """
    if not isinstance(node.value, dict) or HINTS not in node.value:
        return Hints()
    place = node.child(HINTS)
    if not isinstance(place.value, dict):
        report(place.place.problem(HINTS, "is no object", 'write "x-miniagents": {"name": ...}'))
        return Hints()
    known = ON_OBJECT | ON_PROPERTY
    for key in place.value:
        if key not in allowed:
            wrong = "has no meaning here" if key in known else "unknown hint"
            may = f"allowed here: {', '.join(sorted(allowed))}" if allowed else "remove it"
            report(place.child(key).place.problem(HINTS, f"{key}: {wrong}", may))
    return Hints(
        name=_text(place, "name", report, is_class_name, "write a name in PascalCase, such as WeatherReport"),
        base=_text(place, "base", report, bool, "write Message, or a reference such as #/$defs/Name"),
        template=_text(place, "template", report, lambda _: True, 'write a text such as "{city}: {celsius} °C"'),
        positional=_flag(place, "positional", report),
        field=_text(place, "field", report, is_field_name, "write a Python name that generated modules do not use"),
    )


def _text(
    node: Node, key: str, report: Callable[[Problem], None], is_right: Callable[[str], bool], remedy: str
) -> str | None:
    if not isinstance(node.value, dict) or key not in node.value:
        return None
    member = node.child(key)
    if isinstance(member.value, str) and is_right(member.value):
        return member.value
    report(member.place.problem(HINTS, f"{key}: not allowed: {str(member.value)[:60]}", remedy))
    return None


def _flag(node: Node, key: str, report: Callable[[Problem], None]) -> bool:
    if not isinstance(node.value, dict) or key not in node.value:
        return False
    member = node.child(key)
    if isinstance(member.value, bool):
        return member.value
    report(member.place.problem(HINTS, f"{key}: is neither true nor false", "write true, or remove it"))
    return False

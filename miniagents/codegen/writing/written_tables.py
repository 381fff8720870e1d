"""Write what the codec of a module needs: its types, and the schemas that they do not say."""

import ast
import json
from collections.abc import Container, Iterable, Iterator, Sequence

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.model import (
    AliasType,
    Module,
    Named,
    ObjectType,
    TypeDefinition,
    Types,
    ancestors,
)
from miniagents.codegen.said_in_text import SaidInText
from miniagents.codegen.texts import literal
from miniagents.validation.said import unsaid

_LINE = 96
"""The length of the pieces of schemas, of which escapes make longer ones."""


class Tables:
    """What the codec of a module needs.

    Args:
        module: The module.
        types: Its types, in the order in which they are written.
        text: The text of the types and of their imports.
    """

    def __init__(self, module: Module, types: Sequence[TypeDefinition], text: str) -> None:
        self._names = {key: name for name, key in module.keys.items()}
        self._types = {module.keys[each.name]: each.name for each in _distinct(types)}
        self._schemas = unsaid(module.schemas, self._types, SaidInText(ast.parse(text), module.keys))
        self._sound = {
            key
            for name, key in module.keys.items()
            if name not in module.loose and (key.partition("#")[0] in module.loose or "#" not in key)
        }
        self._checked = {module.keys[name] for name in module.checked}
        self._checked_extras = {module.keys[each.name] for each in types if _checks_extras(module.known, each)}

    def lines(self, head: str, names: Container[str], *last: str) -> list[str]:
        """Return the lines of a call with the tables for some types.

        Args:
            head: The beginning of the call.
            names: The names of the types.
            last: More arguments.
        """

        def has(key: str) -> bool:
            return self._names[key] in names

        extras = [*filter(has, sorted(self._checked_extras))]
        return [
            f"{head}(",
            "    {",
            *(line for name, schema in self._schemas.items() if has(name) for line in _schema(name, schema)),
            "    },",
            "    {",
            *(f"        {literal(key)}: {name}," for key, name in self._types.items() if has(key)),
            "    },",
            *_list("sound", filter(has, sorted(self._sound))),
            *_list("checked", filter(has, sorted(self._checked))),
            *(_list("checked_extras", extras) if extras else []),
            *(f"    {each}," for each in last),
            ")",
        ]


def _list(name: str, keys: Iterable[str]) -> list[str]:
    return [f"    {name}=[", *(f"        {literal(key)}," for key in keys), "    ],"]


def _schema(name: str, schema: JsonValue) -> Iterator[str]:
    """Yield the lines of the table for one schema."""
    text = json.dumps(schema, separators=(",", ":"))
    if len(text) <= _LINE:
        yield f"        {literal(name)}: {literal(text)},"
        return
    yield f"        {literal(name)}: ("
    while text:
        end = len(text) if len(text) <= _LINE else text.rfind(",", _LINE // 2, _LINE) + 1 or _LINE
        yield f"            {literal(text[:end])}"
        text = text[end:]
    yield "        ),"


def _distinct(types: Iterable[TypeDefinition]) -> Iterator[TypeDefinition]:
    """Yield the types without the aliases that only refer to one that was there before."""
    seen: set[str] = set()
    for each in types:
        name = each.form.name if isinstance(each, AliasType) and isinstance(each.form, Named) else each.name
        if name not in seen:
            yield each
        seen |= {name, each.name}


def _checks_extras(types: Types, definition: TypeDefinition) -> bool:
    """Return whether the schema of a class may say more of undeclared properties than their form."""
    every = [definition, *(types.get(name) for name in ancestors(types, definition.name))]
    return any(isinstance(each, ObjectType) and each.checks_extras for each in every)

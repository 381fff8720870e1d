"""The schemas that the types of a module say by themselves, read from the text of the module.

A generated module holds only the schemas that its types do not say. The codec finds the others in the types, and
`export` finds them in the text.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from miniagents.codegen.library import LIBRARY, OPEN_RECORD, RECORD, SCHEME
from miniagents.codegen.model import ObjectType
from miniagents.validation.said import (
    SCALARS,
    Schema,
    UnsaidError,
    array_said,
    choice_said,
    class_said,
    limited,
    map_said,
    union_said,
)
from miniagents.validation.values import JsonValue

EXTRAS_KEY: Final = "@extra"
"""The name of the field that holds the extras."""


class SaidInText:
    """The schemas that the types of a module say.

    Args:
        tree: The module.
        keys: The keys of the schemas of its types, by the names of the types: a name, or a name with "#" and a pointer.
    """

    def __init__(self, tree: ast.Module, keys: Mapping[str, str]) -> None:
        self._keys = keys
        self._open: set[str] = set()
        self._imported = {
            name.asname or name.name: name.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        self._classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self._aliases = {
            node.target.id: node.value
            for node in tree.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None
        }

    def schema(self, name: str) -> Schema:
        """Return the schema that a type says.

        Raises:
            UnsaidError: The type does not say its schema.
        """
        if name in self._classes and name not in self._open:
            self._open.add(name)
            try:
                return self._class(self._classes[name])
            finally:
                self._open.discard(name)
        if name in self._aliases and not isinstance(self._aliases[name], ast.Name):
            return self._form(self._aliases[name])
        raise UnsaidError

    def properties(self, name: str) -> Mapping[str, Schema]:
        """Return the schemas that the fields of a class say, without those that say none; nothing for an alias."""
        found: dict[str, Schema] = {}
        for field in self._fields(self._classes[name]) if name in self._classes else ():
            if field.name == EXTRAS_KEY:
                continue  # a property of this name is one of the extras
            try:
                found[field.name] = self._form(field.form)
            except UnsaidError:
                continue
        return found

    def _class(self, node: ast.ClassDef) -> Schema:
        bases = [self._imported.get(base.id, "") for base in node.bases if isinstance(base, ast.Name)]
        if bases not in ([RECORD], [OPEN_RECORD]):
            raise UnsaidError
        extras: Schema | None = None if bases == [RECORD] else {}
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for field in self._fields(node):
            if field.name == EXTRAS_KEY:
                extras = self._form(field.form)
            else:
                properties[field.name] = self._form(field.form)
                required += [field.name] * field.is_required
        return class_said(properties, required, extras)

    def _fields(self, node: ast.ClassDef) -> Iterator["_Field"]:
        tag = next((_value(each.value) for each in node.keywords if each.arg == "tag_field"), None)
        for each in node.body:
            if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
                continue
            name = each.target.id
            if name == "text_template":
                continue
            if isinstance(each.value, ast.Call):
                name = next((str(_value(part.value)) for part in each.value.keywords if part.arg == "name"), name)
            annotation = _unquoted(each.annotation)
            generic = self._generic(annotation)
            is_tag = generic == "ClassVar"
            form = _arguments(annotation)[0] if is_tag or generic in {"Maybe", "Extras"} else annotation
            yield _Field(str(tag) if is_tag else name, form, is_required=generic != "Maybe")

    def _form(self, node: ast.expr) -> Schema:
        node = _unquoted(node)
        if isinstance(node, ast.BinOp):
            return union_said([self._form(each) for each in _members(node)])
        if isinstance(node, ast.Constant):
            return {"type": SCALARS[str(node.value)]}
        if isinstance(node, ast.Name):
            return self._name(node.id)
        arguments = _arguments(node)
        match self._generic(node):
            case "Annotated":
                limits = {
                    str(part.arg): _value(part.value)
                    for each in arguments[1:]
                    if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
                    for part in each.keywords
                }
                form = self._form(arguments[0])
                return limited(form, limits) if limits else form
            case "Literal":
                return choice_said([_value(each) for each in arguments])
            case "Mapping":
                return map_said(self._form(arguments[1]))
            case "tuple" if len(arguments) == 2 and isinstance(arguments[1], ast.Constant):
                return array_said(self._form(arguments[0]))
            case _:
                raise UnsaidError

    def _name(self, name: str) -> Schema:
        while isinstance(alias := self._aliases.get(name), ast.Name):  # Python knows only the type that it refers to
            name = alias.id
        if name in self._classes or name in self._aliases:
            key = self._keys.get(name, name)
            return self.schema(name) if "#" in key else {"$ref": f"#/$defs/{key}"}
        if name in SCALARS:
            return {"type": SCALARS[name]}
        imported = self._imported.get(name)
        if imported == "JsonValue":
            return {}
        if imported is not None and isinstance(LIBRARY.get(imported), ObjectType):
            return {"$ref": f"{SCHEME}{imported}"}
        raise UnsaidError

    def _generic(self, node: ast.expr) -> str:
        """Return the name of a generic type."""
        name = node.value.id if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) else ""
        return self._imported.get(name, name)


class _Field(NamedTuple):
    """A field in a text: its name in JSON, and the annotation of its value."""

    name: str
    form: ast.expr
    is_required: bool


def _arguments(node: ast.expr) -> list[ast.expr]:
    if not isinstance(node, ast.Subscript):
        raise UnsaidError
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _members(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from _members(node.left)
        yield from _members(node.right)
    else:
        yield node


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def _value(node: ast.expr) -> JsonValue:
    value: JsonValue = ast.literal_eval(node)
    return value

"""Turn generated modules back into JSON Schema, from their text, without importing them.

The table of schemas at the end of a module describes values. Classes, fields and docstrings have the rest: names,
descriptions, defaults, bases, templates. The resulting schema generates the same module again.
"""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.exporting.docstring_reading import Described, described
from miniagents.codegen.library import LIBRARY
from miniagents.codegen.model import inherited_fields
from miniagents.codegen.names import definition_name, field_name, summary_of
from miniagents.codegen.patterns.translating_back import translated_back
from miniagents.codegen.said_in_text import SaidInText
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.validation.keywords import HINTS, KEYWORDS
from miniagents.validation.said import fill

_BASES: Final = frozenset({"Record", "OpenRecord", "Frozen"})


@dataclass(slots=True)
class Class:
    """A class in the text of a module.

    Attributes:
        base: The name of its base.
        is_positional: Whether its constructor takes its fields by position.
        template: Its text with the names of fields.
        doc: The content of its docstring.
        names: The names of its fields by the names of the properties.
        defaults: The defaults of its properties.
    """

    base: str
    is_positional: bool
    template: str | None
    doc: Described
    names: dict[str, str] = field(default_factory=dict[str, str])
    defaults: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


def export_generated(file: str, sources: Sequence[str]) -> dict[str, JsonValue] | None:
    """Return the schema of a generated module, or None if the module was not generated.

    Args:
        file: The file, as errors name it.
        sources: Its text; for the `__init__.py` of a package also the texts of the modules that it imports.

    Raises:
        GenerationError: A pattern cannot be translated back.
    """
    tree = ast.parse(sources[0], file)
    tree.body += [node for source in sources[1:] for node in ast.parse(source, file).body]
    tables = _tables(tree)
    if tables is None:
        return None
    texts, places = tables
    schemas: dict[str, JsonValue] = {name: json.loads(schema) for name, schema in texts.items()}
    fill(schemas, places, SaidInText(tree, {name: key for key, name in places.items()}))
    classes = {node.name: _class(node) for node in tree.body if isinstance(node, ast.ClassDef)}
    _without_made(schemas, places)
    schemas = _in_order(schemas, places, tree)
    keys = {name: key for key, name in places.items()}
    for key, name in sorted(places.items(), key=lambda each: -len(each[0])):  # the parts of a part before it
        owner, _, pointer = key.partition("#")
        cls = classes.get(name)
        schema = _at(schemas.get(owner), pointer)
        if cls is not None and isinstance(schema, dict):
            is_said = cls.base in classes and _requires(schemas, schema, keys.get(cls.base, ""))
            _restore(schema, cls if not is_said else replace(cls, base=""), classes)
            if pointer and name != _usual_name(owner, pointer, places):
                _hint(schema, "name", name)
    for name, doc in _alias_docs(tree).items():
        schema = schemas.get(name)
        if isinstance(schema, dict):
            _describe(schema, doc)
    for name, schema in schemas.items():
        if definition_name(name) != name:
            schemas[name] = schema if isinstance(schema, dict) else {} if schema else {"not": {}}
            _hint(schemas[name], "name", name)
    problems: list[Problem] = []
    result: dict[str, JsonValue] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    text = ast.get_docstring(tree) or ""
    if text and not re.fullmatch(r"Types generated from .*\.", text, re.DOTALL):
        result["description"] = text
    result["$defs"] = {name: _written(schema, file, f"#/$defs/{name}", problems) for name, schema in schemas.items()}
    if problems:
        raise GenerationError(tuple(problems))
    return result


def _tables(tree: ast.Module) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the schemas of a generated module by name, and the names of its types by their keys."""
    texts: dict[str, str] = {}
    places: dict[str, str] = {}
    is_generated = False
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or len(node.value.args) < 2:
            continue
        function, (schemas, types, *_) = node.value.func, node.value.args
        if not isinstance(function, ast.Name) or function.id.lstrip("_") not in {"SchemaCodec", "SchemaTable"}:
            continue
        if not isinstance(schemas, ast.Dict) or not isinstance(types, ast.Dict):
            continue
        try:
            texts |= dict(ast.literal_eval(schemas))
        except ValueError:
            continue
        is_generated = True
        keys = (key.value if isinstance(key, ast.Constant) else None for key in types.keys)
        names = (value.id if isinstance(value, ast.Name) else "" for value in types.values)
        places |= {str(key): name for key, name in zip(keys, names, strict=True) if key}
    return (texts, places) if is_generated else None


def _class(node: ast.ClassDef) -> Class:
    base = node.bases[0] if node.bases else None
    options = {each.arg for each in node.keywords}
    doc = ast.get_docstring(node) or ""
    found = Class(
        base.id.lstrip("_") if isinstance(base, ast.Name) else "",
        "kw_only" not in options,
        None,
        described(doc.removeprefix(f"The type {node.name}."), summary_of(node.name)),  # of earlier versions
    )
    for each in node.body:
        if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
            continue
        name, value = each.target.id, each.value
        if name == "text_template" and isinstance(value, ast.Constant):
            found.template = str(value.value)
            continue
        json_name, default = name, value
        if isinstance(value, ast.Call) and not value.args:
            options_ = {option.arg: option.value for option in value.keywords}
            given = options_.get("name")
            json_name = str(given.value) if isinstance(given, ast.Constant) else name
            default = ast.Dict([], []) if "default_factory" in options_ else options_.get("default")
        if json_name == "@extra":
            continue
        found.names[json_name] = name
        if default is not None and not ast.unparse(each.annotation).startswith("ClassVar"):
            if isinstance(default, ast.Call) and default.args:  # msgspec.convert(text, type)
                default = default.args[0]
            try:
                found.defaults[json_name] = json.loads(json.dumps(ast.literal_eval(default)))
            except ValueError:  # UNSET is not a default
                continue
    return found


def _alias_docs(tree: ast.Module) -> dict[str, Described]:
    found: dict[str, Described] = {}
    for node, following in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(following, ast.Expr):
            value = following.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[node.target.id] = described(value.value)
    return found


def _without_made(schemas: dict[str, JsonValue], places: Mapping[str, str]) -> None:
    """Remove the schemas of classes that were merged from several; they are at the end, and no file defines them."""
    referred = {name for schema in schemas.values() for name in re.findall(r'"#/\$defs/([^"]+)"', json.dumps(schema))}
    for name, schema in reversed([*schemas.items()]):
        keys = list(schema) if isinstance(schema, dict) else []
        if name in referred or name not in places or keys not in (["type", "allOf"], ["$ref", "type"]):
            break
        del schemas[name]


def _in_order(schemas: Mapping[str, JsonValue], places: Mapping[str, str], tree: ast.Module) -> dict[str, JsonValue]:
    """Return schemas in the order of their types, in which the generator writes them again."""
    targets = (node.target if isinstance(node, ast.AnnAssign) else node for node in tree.body)
    names = [
        each.id if isinstance(each, ast.Name) else each.name
        for each in targets
        if isinstance(each, (ast.Name, ast.ClassDef))
    ]
    order = {name: place for place, name in enumerate(names)}
    return {name: schemas[name] for name in sorted(schemas, key=lambda each: order.get(places.get(each, each), -1))}


def _at(schema: JsonValue, pointer: str) -> JsonValue:
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, dict):
            schema = schema.get(key)
        elif isinstance(schema, list) and key.isdecimal() and int(key) < len(schema):
            schema = schema[int(key)]
        else:
            return None
    return schema


def _requires(schemas: Mapping[str, JsonValue], schema: JsonValue, key: str) -> bool:
    """Return whether all that fits a schema fits a definition, because the schema refers to it."""
    todo: list[JsonValue] = [schema]
    seen: set[str] = set()
    while todo:
        each = todo.pop()
        if not isinstance(each, dict):
            continue
        every = each.get("allOf")
        todo += every if isinstance(every, list) else []
        name = str(each.get("$ref", "")).removeprefix("#/$defs/")
        if name == key:
            return True
        if name not in seen:
            seen.add(name)
            todo.append(schemas.get(name))
    return False


def _restore(schema: dict[str, JsonValue], cls: Class, classes: Mapping[str, Class]) -> None:
    """Add the names, defaults, bases and descriptions of a class to its schema."""
    _describe(schema, cls.doc)
    members = schema.get("properties")
    properties: dict[str, JsonValue] = members if isinstance(members, dict) else {}
    inherited = _inherited(cls, classes)
    is_message = "@type" in properties
    for each in (*inherited, "@type"):
        properties.pop(each, None)
    required = schema.get("required")
    if isinstance(required, list) and inherited:
        kept = [each for each in required if each not in inherited]
        schema["required"] = kept
        if not kept:
            del schema["required"]
    for json_name, python_name in cls.names.items():
        inner = properties.get(json_name)
        if not isinstance(inner, dict):
            continue  # the schema true cannot have other keywords
        doc = cls.doc.attributes.get(python_name, "")
        if doc:
            _describe(inner, described(doc), again=True)
        if json_name in cls.defaults:
            inner["default"] = cls.defaults[json_name]
        if python_name != field_name(json_name):
            _hint(inner, "field", python_name)
    if (is_message or cls.base not in _BASES) and cls.base:
        _hint(schema, "base", f"#/$defs/{cls.base}" if cls.base in classes else cls.base)
    if cls.template is not None:
        _hint(schema, "template", _renamed(cls.template, {python: each for each, python in cls.names.items()}))
    if cls.is_positional:
        _hint(schema, "positional", True)


def _inherited(cls: Class, classes: Mapping[str, Class]) -> list[str]:
    found: list[str] = []
    base = cls.base
    while base in classes:
        found += classes[base].names
        base = classes[base].base
    if base in LIBRARY:
        found += [*inherited_fields(LIBRARY, base)]
        definition = LIBRARY[base]
        found += [each.json_name for each in getattr(definition, "fields", ())]
    return found


def _renamed(template: str, names: Mapping[str, str]) -> str:
    return re.sub(r"(?<!\{)\{(\w+)\}", lambda match: f"{{{names.get(match[1], match[1])}}}", template)


def _describe(schema: dict[str, JsonValue], doc: Described, *, again: bool = False) -> None:
    """Insert the content of a docstring at the beginning of a schema."""
    notes = dict(doc.notes)
    if again:  # the description at the property is the one of its class too
        schema.update({keyword: value for keyword, value in notes.items() if keyword not in schema})
    else:
        schema.update(notes)
    if doc.text:
        schema["description"] = doc.text


def _hint(schema: JsonValue, key: str, value: JsonValue) -> None:
    hints = schema.setdefault(HINTS, {}) if isinstance(schema, dict) else None
    if isinstance(hints, dict):
        hints[key] = value


def _usual_name(owner: str, pointer: str, places: Mapping[str, str]) -> str:
    """Return the name that the generator gives an object at a place without hints."""
    around, steps = pointer, list[str]()
    while around:
        around, _, step = around.rpartition("/")
        steps.insert(0, step.replace("~1", "/").replace("~0", "~"))
        known = places.get(f"{owner}#{around}" if around else owner)
        if known is not None:
            if steps[0] == "properties" and len(steps) == 2:
                return f"{known}{definition_name(steps[1])}"
            break
    return ""


def _written(schema: JsonValue, file: str, pointer: str, problems: list[Problem]) -> JsonValue:
    """Return a schema with patterns of ECMA-262, and without the tags that the generator adds to messages."""
    if isinstance(schema, list):
        return [_written(each, file, pointer, problems) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.keys() == {"allOf", "required"} and schema["required"] == ["@type"] and isinstance(schema["allOf"], list):
        return _written(schema["allOf"][0], file, pointer, problems)
    result: dict[str, JsonValue] = {}
    for keyword, value in schema.items():
        holds = KEYWORDS[keyword].holds if keyword in KEYWORDS else ""
        if keyword == "pattern" and isinstance(value, str):
            result[keyword] = _pattern(value, file, pointer, problems)
        elif keyword == "patternProperties" and isinstance(value, dict):
            result[keyword] = {
                _pattern(name, file, pointer, problems): _written(each, file, pointer, problems)
                for name, each in value.items()
            }
        elif holds == "named" and isinstance(value, dict):
            result[keyword] = {name: _written(each, file, pointer, problems) for name, each in value.items()}
        else:
            result[keyword] = _written(value, file, pointer, problems) if holds else value
    return result


def _pattern(pattern: str, file: str, pointer: str, problems: list[Problem]) -> str:
    found = translated_back(pattern)
    if found is None:
        remedy = "take it from the schema that the module was made of"
        problems.append(Problem(file, 0, 0, pointer, "pattern", f"cannot be written back: {pattern[:60]}", remedy))
    return found or pattern

"""Hand-written classes as JSON Schema: what msgspec reads and writes for them.

The classes are asked by what every Struct says of itself; msgspec need not be imported for that.
"""

import datetime as dt
import decimal
import enum
import typing
import uuid
from collections import abc
from dataclasses import dataclass, field
from types import ModuleType, NoneType, UnionType
from typing import Any, Final, TypeGuard, get_args, get_origin

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.exporting.docstring_reading import described
from miniagents.codegen.library import LIBRARY, SCHEME
from miniagents.codegen.reading.views import REFERENCE, names_in
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.validation.keywords import LIMITS

_SCALARS: Final[dict[object, dict[str, JsonValue]]] = {
    NoneType: {"type": "null"},
    None: {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.date: {"type": "string", "format": "date"},
    dt.time: {"type": "string", "format": "time"},
    dt.timedelta: {"type": "string", "format": "duration"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    decimal.Decimal: {"type": "string"},
}
_BASES: Final = frozenset({"Struct", "Frozen", "MessageBase", "Record"})


def export_classes(module: ModuleType) -> dict[str, JsonValue]:
    """Return the schema of the classes of a module.

    Raises:
        GenerationError: A type of a field has no schema; it holds all of them.
    """
    walk = _Walk(module.__name__)
    for value in [*vars(module).values()]:
        if is_struct(value) and value.__module__ == module.__name__:
            walk.refer(value)
    while walk.todo:
        cls = walk.todo.pop(0)
        walk.definitions[cls.__name__] = walk.object(cls)
    if not walk.definitions and not walk.problems:
        remedy = "name a module with classes that extend Message, Frozen or Record"
        walk.problems.append(Problem(module.__name__, 0, 0, "", "", "there are no types in it", remedy))
    if walk.problems:
        raise GenerationError(tuple(walk.problems))
    result: dict[str, JsonValue] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if module.__doc__:
        result["description"] = module.__doc__.strip()
    result["$defs"] = {name: walk.definitions[name] for name in walk.names}
    return result


def is_struct(value: object) -> TypeGuard[type[Any]]:  # Any: a Struct, whose class is not known here
    """Whether a value is a class of msgspec's, and not one of the library's bases."""
    if not isinstance(value, type):
        return False
    is_base = value.__name__ in _BASES and value.__module__.partition(".")[0] in {"miniagents", "msgspec"}
    return hasattr(value, "__struct_fields__") and not is_base


@dataclass(slots=True)
class _Walk:
    """Goes from class to class.

    Attributes:
        module: The name of the module.
        definitions: What was found.
        names: The names of the classes, in their order.
        todo: The classes that are to be looked at.
        problems: What has no schema.
    """

    module: str
    definitions: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    names: dict[str, object] = field(default_factory=dict[str, object])
    todo: list[type[Any]] = field(default_factory=list[type[Any]])  # Any: as above
    problems: list[Problem] = field(default_factory=list[Problem])

    def refer(self, cls: type[Any]) -> JsonValue:  # Any: as above
        """Return a reference to a class."""
        name = cls.__name__
        if cls.__module__.startswith("miniagents.messages") and name in LIBRARY:
            return {"$ref": f"{SCHEME}{name}"}
        if self.names.setdefault(name, cls) is not cls:
            self._refuse(name, f"two classes are called {name}", "give one of them another name")
        elif name not in self.definitions and cls not in self.todo:
            self.todo.append(cls)
        return {"$ref": f"{REFERENCE}{name}"}

    def object(self, cls: type[Any]) -> JsonValue:  # Any: as above
        """Return the schema of a class."""
        doc = described(vars(cls).get("__doc__") or "")
        hints = self._hints(cls)
        config = cls.__struct_config__
        properties: dict[str, JsonValue] = {}
        required: list[JsonValue] = []
        extras: JsonValue = False
        if config.tag is not None:
            properties[config.tag_field] = {"const": config.tag}
            required.append(config.tag_field)
        names = zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)
        defaults = cls.__struct_defaults__
        first = len(cls.__struct_fields__) - len(defaults)
        for place, (name, encoded) in enumerate(names):
            form = hints.get(name, object)
            where = f"{cls.__name__}.{name}"
            if encoded == "@extra":
                arguments = get_args(_bare(form))
                extras = self.form(arguments[1] if len(arguments) == 2 else object, where)
                continue
            schema = self.form(form, where)
            default = defaults[place - first] if place >= first else _NOTHING
            if default is _NOTHING or type(default).__name__ == "NoDefaultType":
                required.append(encoded)
            else:
                schema = _with_default(schema, default)
            notes = described(doc.attributes.get(name, ""))
            if notes.text:
                schema = {"description": notes.text, **(schema if isinstance(schema, dict) else {})}
            properties[encoded] = schema
        result: dict[str, JsonValue] = {"description": doc.text} if doc.text else {}
        result |= {"type": "object", "properties": properties}
        if required:
            result["required"] = required
        return {**result, "additionalProperties": extras}

    def form(self, form: Any, where: str) -> JsonValue:  # Any: whatever an annotation may be
        """Return the schema of a type."""
        metadata = getattr(form, "__metadata__", ())
        if metadata:
            return _limited(self.form(get_args(form)[0], where), metadata)
        if hasattr(form, "__supertype__"):
            return self.form(form.__supertype__, where)
        if hasattr(form, "__value__"):
            return self.form(form.__value__, where)
        if form is Any or form is object:
            return True
        if is_struct(form):
            return self.refer(form)
        if isinstance(form, type) and issubclass(form, enum.Enum):
            return {"enum": [each.value for each in form]}
        if isinstance(form, (type, NoneType)) and form in _SCALARS:
            return dict(_SCALARS[form])
        origin, arguments = get_origin(form), get_args(form)
        if origin is typing.Literal:
            return {"const": arguments[0]} if len(arguments) == 1 else {"enum": [*arguments]}
        if origin in (typing.Union, UnionType):
            return self._union(arguments, where)
        kind: object = origin or form
        if _is_a(kind, abc.Mapping):
            return self._map(arguments, where)
        if (
            isinstance(kind, type)
            and (_is_a(kind, abc.Sequence) or _is_a(kind, abc.Set))
            and not hasattr(kind, "_fields")
        ):
            return self._array(kind, arguments, where)
        self._refuse(where, f"{form} has no JSON Schema here", "use scalars, containers, and classes of messages")
        return True

    def _hints(self, cls: type[Any]) -> dict[str, Any]:  # Any: whatever annotations may be
        try:
            return typing.get_type_hints(cls, include_extras=True)
        except NameError as error:
            self._refuse(cls.__name__, str(error), "import what its annotations name, not only for checkers")
            return {}

    def _union(self, arguments: tuple[Any, ...], where: str) -> JsonValue:  # Any: whatever annotations may be
        forms = [each for each in arguments if getattr(each, "__name__", "") != "UnsetType"]
        schemas = [self.form(each, where) for each in forms]
        if len(schemas) == 1:
            return schemas[0]
        kinds = [each["type"] if isinstance(each, dict) and each.keys() == {"type"} else None for each in schemas]
        if all(isinstance(kind, str) for kind in kinds):
            kept = [kind for kind in kinds if kind != "integer" or "number" not in kinds]
            return {"type": kept if len(kept) > 1 else kept[0]}
        return {"anyOf": schemas}

    def _map(self, arguments: tuple[Any, ...], where: str) -> JsonValue:  # Any: whatever annotations may be
        values = self.form(arguments[1], where) if len(arguments) == 2 else True
        schema: dict[str, JsonValue] = {"type": "object"}
        if values is not True:
            schema["additionalProperties"] = values
        if arguments and arguments[0] is not str:
            names = self.form(arguments[0], where)
            schema |= {"propertyNames": names} if names is not True else {}
        return schema

    def _array(self, kind: type, arguments: tuple[Any, ...], where: str) -> JsonValue:  # Any: as above
        if issubclass(kind, tuple) and arguments[-1:] != (...,) and arguments:
            schemas = [self.form(each, where) for each in arguments]
            return {"type": "array", "prefixItems": schemas, "minItems": len(schemas), "items": False}
        items = self.form(arguments[0], where) if arguments else True
        schema: dict[str, JsonValue] = {"type": "array"}
        if items is not True:
            schema["items"] = items
        return schema | ({"uniqueItems": True} if issubclass(kind, abc.Set) else {})

    def _refuse(self, where: str, wrong: str, remedy: str) -> None:
        self.problems.append(Problem(self.module, 0, 0, "", where, wrong, remedy))


_NOTHING: Final = object()


def _is_a(kind: object, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _bare(form: Any) -> Any:  # Any: whatever an annotation may be
    return get_args(form)[0] if hasattr(form, "__metadata__") else form


def _limited(schema: JsonValue, metadata: tuple[object, ...]) -> JsonValue:
    """Return a schema with what `msgspec.Meta` says beside a type."""
    result = dict(schema) if isinstance(schema, dict) else {}
    kind = result.get("type")
    kinds = [*LIMITS] if kind is None else names_in(kind if isinstance(kind, list) else [kind])
    keywords: list[tuple[str, str]] = [limit for each in kinds for limit in LIMITS[each].items()]
    for meta in metadata:
        for name, keyword in (*keywords, ("title", "title"), ("description", "description")):
            value = getattr(meta, name, None)
            if isinstance(value, bool | int | float | str):
                result[keyword] = value
    return result or schema


def _with_default(schema: JsonValue, default: Any) -> JsonValue:  # Any: whatever a default may be
    """Return a schema with a default, where JSON has a form for it."""
    factory = getattr(default, "factory", None)
    if factory in (tuple, list, set, frozenset):
        default = ()
    elif isinstance(factory, type) and issubclass(factory, abc.Mapping):
        default = {}
    values = _json(default)
    if not values or not isinstance(schema, dict | bool):
        return schema
    return {**(schema if isinstance(schema, dict) else {}), "default": values[0]}


def _is_array(value: object) -> TypeGuard[abc.Collection[object]]:
    return isinstance(value, tuple | list | frozenset)


def _json(value: Any) -> list[JsonValue]:  # Any: whatever a default may be
    """Return a value as JSON in a list; an empty one if JSON has no form for it."""
    if value is None or isinstance(value, bool | int | float | str):
        return [value]
    if _is_array(value):
        items = [*map(_json, value)]
        return [[each[0] for each in items]] if all(items) else []
    return [{}] if isinstance(value, abc.Mapping) and not value else []

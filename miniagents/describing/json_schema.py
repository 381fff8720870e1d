"""Python types as JSON Schema: the one writer, told whether a model or a schema file reads what it writes.

What the schema accepts, `decode` accepts, and descriptions come from docstrings. A model writes JSON that is decoded as
one type: it is told no tag of a class where nothing else may stand, nothing of what messages inherit from the
library's own (their `text`, their `role`) unless that is all they have, and a class in the place where it stands, if
that is the only one. A schema file describes what `encode` writes: it has all of that, each class in `$defs`.
"""

from __future__ import annotations

import collections
import collections.abc
import datetime as dt
import decimal
import enum
import inspect
import uuid
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
)

import msgspec
from typing_extensions import ReadOnly

from miniagents.describing.docstrings import GOOGLE, read_docstring
from miniagents.describing.fields import Field, fields_of, has_fields, is_ours, own_fields
from miniagents.messages.coding.codec import encode
from miniagents.messages.coding.type_shapes import bare, flat_members, is_a, is_union, kind_of
from miniagents.messages.values.freezing import FrozenDict, is_set
from miniagents.messages.values.frozen import Frozen
from miniagents.messages.values.record import EXTRAS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "JsonSchema",
    "class_schema",
    "class_schemas",
    "default_keyword",
    "json_schema",
    "object_schema",
]

JsonSchema: TypeAlias = "dict[str, Any]"  # Any: plain JSON, whose shape JSON Schema knows
"""A JSON Schema as plain JSON."""


def json_schema(form: object, where: str = "$") -> JsonSchema:
    """Return the JSON Schema of a type, for a model.

    Args:
        form: The type: whatever `decode` takes.
        where: What errors call it.

    Raises:
        TypeError: It, or a part of it, has no form in JSON; with the path to that part.

    >>> json_schema(dict[str, list[int]])
    {'type': 'object', 'additionalProperties': {'type': 'array', 'items': {'type': 'integer'}}}
    """
    return _for_model(lambda writer: writer.write(form, where))


def object_schema(properties: Mapping[str, tuple[object, JsonSchema]], required: Iterable[str]) -> JsonSchema:
    """Return the JSON Schema of an object with properties of the given types, and no others, for a model.

    Args:
        properties: The type of each property, and keywords to be said of it besides.
        required: The names of those that must be there.

    Raises:
        TypeError: As for `json_schema`; the path begins with the name of the property.
    """
    return _for_model(
        lambda writer: _object(
            {name: _beside(writer.write(form, f"$.{name}"), extra) for name, (form, extra) in properties.items()},
            required,
        )
    )


def class_schemas(classes: Iterable[type[msgspec.Struct]], library: str) -> Mapping[str, JsonSchema]:
    """Return the JSON Schemas of classes and of all classes that they refer to, by their names, for a schema file.

    Args:
        classes: The classes.
        library: What stands before the name of a class of the library where a schema refers to it.

    Raises:
        ExceptionGroup: Types have no form in JSON; it holds a TypeError for each of them, with the path to it.
    """
    writer = _Writer(library)
    for cls in classes:
        writer.write(cls, cls.__name__)
    definitions = writer.complete()
    if writer.errors:
        raise ExceptionGroup("these types have no JSON Schema", writer.errors)
    return definitions


def class_schema(cls: type[msgspec.Struct], refer: Callable[[type[msgspec.Struct]], JsonSchema]) -> JsonSchema:
    """Return the JSON Schema of what `encode` writes of a class, for a document that has places for other classes.

    Args:
        cls: The class.
        refer: Returns the reference to a class that a field may hold.

    Raises:
        TypeError: A field has no form in JSON; with the path to it.
    """
    writer = _Referring(refer)
    schema = writer.write_fields(cls)
    if writer.errors:
        raise writer.errors[0]
    return schema


def default_keyword(default: object) -> JsonSchema:
    """Return what a schema says of a default: nothing where there is none, or JSON has no form for it."""
    if any(default is each for each in (msgspec.NODEFAULT, msgspec.UNSET, inspect.Parameter.empty)):
        return {}
    if is_set(default):  # which is written in another order by each process
        default = sorted(default, key=repr)
    try:
        return {"default": msgspec.json.decode(encode(default))}
    except (TypeError, ValueError, RecursionError):
        return {}


# Machinery -----------------------------------------------------------------------------------------------------------

_ANYTHING: Final = frozenset((object, msgspec.Raw))
_SIMPLE: Final[Mapping[object, JsonSchema]] = {
    None: {"type": "null"},
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    bytearray: {"type": "string", "contentEncoding": "base64"},
    memoryview: {"type": "string", "contentEncoding": "base64"},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.date: {"type": "string", "format": "date"},
    dt.time: {"type": "string", "format": "time"},
    dt.timedelta: {"type": "string", "format": "duration"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    decimal.Decimal: {"type": "string", "format": "decimal"},
}
_ARRAYS: Final = (
    *(list, tuple, set, frozenset, collections.abc.Collection, collections.abc.Sequence, collections.abc.Set),
    *(collections.abc.MutableSequence, collections.abc.MutableSet),
)
_MAPPINGS: Final = (dict, FrozenDict, collections.abc.Mapping, collections.abc.MutableMapping)
_WRAPPERS: Final = (Final, Required, NotRequired, ReadOnly)
_VALUES: Final = frozenset(("const", "enum", "format"))
"""Keywords of schemas whose values are listed, or are strings that stand for other values."""
_PARTS: Final = frozenset(("prefixItems", "properties"))
"""Keywords of schemas that have a schema for each part."""
_KINDS: Final[Mapping[type, str]] = {str: "string", int: "integer", float: "number", type(None): "null"}
_INTEGER_KEY: Final = "^(0|-?[1-9][0-9]*)$"


class _Writer:
    """Writes schemas; classes go to the definitions.

    Args:
        library: How a schema file refers to the library's classes; None if a model reads the schema.
        often: The classes that have definitions, with whether their tags must be there; the others are written where
            they stand. None for all.

    Attributes:
        met: How often each class was met, with its tag or without.
        errors: What has no form in JSON.
    """

    def __init__(self, library: str | None, often: frozenset[tuple[object, bool]] | None = None) -> None:
        self.met: collections.Counter[tuple[object, bool]] = collections.Counter()
        self.errors: list[TypeError] = []
        self._library = library
        self._often = often
        self._names: dict[tuple[object, bool], str] = {}
        self._pending: list[tuple[tuple[object, bool], str]] = []

    def complete(self) -> dict[str, JsonSchema]:
        """Return the definitions of all classes that were referred to, in the order in which they were met."""
        definitions: dict[str, JsonSchema] = {}
        while self._pending:
            (cls, tagged), where = self._pending.pop(0)
            definitions[self._names[cls, tagged]] = self._fields(cls, where, tagged=tagged)
        return definitions

    def write(self, form: Any, where: str, *, tagged: bool = False) -> JsonSchema:  # Any: a type of whatever kind
        """Return the schema of a type.

        Args:
            form: The type.
            where: The path to it.
            tagged: Whether the tag of a class must be there, for another might stand in its place.
        """
        origin, arguments = get_origin(form), get_args(form)
        inner = _unwrapped(form)
        if inner is not form:
            schema = self.write(inner, where, tagged=tagged)
            for meta in getattr(form, "__metadata__", ()) if origin is Annotated else ():
                if isinstance(meta, msgspec.Meta):
                    schema = _beside(_limited(schema, meta), _words(meta))
            return schema
        if origin is Literal:
            return _one_of(arguments)
        if is_union(form):
            return self._union(flat_members(form), where, tagged=tagged)
        if isinstance(form, TypeVar):
            return self.write(form.__bound__ or object, where, tagged=tagged)
        kind: Any = kind_of(form)  # Any: a class, or None
        if form is Any or kind in _ANYTHING:
            return {}
        if form is None or kind in _SIMPLE:
            return dict(_SIMPLE[kind])
        if kind in _ARRAYS:
            return self._array(form, kind, where)
        if kind in _MAPPINGS:
            return self._mapping(*(arguments or (object, object)), where=where)
        if kind is not None and issubclass(kind, enum.Enum):
            return _beside(_one_of(each.value for each in kind), {"description": read_docstring(_doc_of(kind)).text})
        if kind is not None and has_fields(kind):
            return self._class(form, kind, where, tagged=tagged)
        return self._refuse(
            f"{where}: {_shown(form)} has no form in JSON; use scalars, containers, and message classes"
        )

    def _refuse(self, text: str) -> JsonSchema:
        self.errors.append(TypeError(text))
        return {}

    def _union(self, forms: Iterable[object], where: str, *, tagged: bool) -> JsonSchema:
        known = [each for each in forms if each is not msgspec.UnsetType]
        tagged = tagged or sum(map(_count_structs, known)) > 1
        schemas = [self.write(each, where, tagged=tagged) for each in known]
        schemas = [
            each for each in schemas if each.get("type") != "integer" or {**each, "type": "number"} not in schemas
        ]
        if len(schemas) == 1:
            return schemas[0]
        if all(schema.keys() == {"type"} and isinstance(schema["type"], str) for schema in schemas):
            return {"type": [schema["type"] for schema in schemas]}
        return {"anyOf": schemas}

    def _array(self, form: object, kind: type, where: str) -> JsonSchema:
        arguments = get_args(form)
        if kind is tuple and hasattr(form, "__args__") and arguments[1:] != (...,):
            places = [self.write(each, f"{where}[{place}]") for place, each in enumerate(arguments)]
            return _tuple(places, len(places), len(places))
        items = self.write(arguments[0], f"{where}[]") if arguments else {}
        unique = {"uniqueItems": True} if is_a(kind, collections.abc.Set) else {}
        return {"type": "array", **({"items": items} if items else {}), **unique}

    def _mapping(self, key: object, value: object, *, where: str) -> JsonSchema:
        schema: JsonSchema = {"type": "object"}
        keys = self.write(key, f"{where} (key)")
        if keys == {"type": "integer"}:
            schema["propertyNames"] = {"pattern": _INTEGER_KEY}
        elif keys.get("type") == "integer":
            self._refuse(f"{where}: keys that are numbers with limits have no JSON Schema; use strings as keys")
        elif "$ref" in keys or keys.get("type", "string") != "string":
            self._refuse(f"{where}: {_shown(key)} has no form as a key in JSON; use strings as keys")
        elif keys not in ({}, {"type": "string"}):
            schema["propertyNames"] = {name: each for name, each in keys.items() if name != "type"}
        values = self.write(value, f"{where}.*")
        return {**schema, **({"additionalProperties": values} if values else {})}

    def _class(self, form: object, kind: type, where: str, *, tagged: bool) -> JsonSchema:
        if self._library is not None and is_ours(kind):
            if not getattr(kind, "__struct_fields__", ()):
                return self._refuse(
                    f"{where}: {kind.__name__} is the base of many classes; name those that may be here"
                )
            return {"$ref": f"{self._library}{kind.__name__}"}
        is_array = _is_array_like(kind)
        tagged = _tag_of(kind) is not None and (tagged or is_array or self._library is not None)
        key = (form, tagged)
        self.met[key] += 1
        if self._often is not None and key not in self._often:
            return self._fields(form, where, tagged=tagged)
        if key not in self._names:
            self._names[key] = self._name(form)
            self._pending.append((key, where))
        return {"$ref": f"#/$defs/{self._names[key]}"}

    def _name(self, form: object) -> str:
        plain = "".join(letter if letter.isalnum() else "_" for letter in _name_of(form))
        taken = frozenset(self._names.values())
        if plain in taken and self._library is not None:
            self._refuse(f"{plain}: two classes are called {plain}; give one of them another name")
        names = (plain, *(f"{plain}{count}" for count in range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)

    def _fields(self, form: Any, where: str, *, tagged: bool) -> JsonSchema:  # Any: a class, or Class[arguments]
        """Return the schema of a class, field by field."""
        cls: Any = get_origin(form) or form  # Any: classes of five kinds
        is_struct: bool = issubclass(cls, msgspec.Struct)
        for_model = self._library is None
        sections = GOOGLE if for_model else ("Attributes",)
        documents = [read_docstring(_doc_of(each), sections) for each in reversed(cls.__mro__) if each is not object]
        described = {name: text for each in documents for name, text in each.attributes.items()}
        shown = own_fields(cls) if is_struct and for_model else frozenset[str]()
        extras: object = not is_struct or not cls.__struct_config__.forbid_unknown_fields
        properties: dict[str, JsonSchema] = {}
        required: list[str] = []
        if tagged or (_tag_of(cls) is not None and not _has_class_tag(cls)):
            name = str(cls.__struct_config__.tag_field)
            properties[name] = _one_of([_tag_of(cls)])
            required += [name] if tagged else []
        try:
            fields = fields_of(form)
        except (TypeError, NameError) as error:
            hint = "; import it outside of `if TYPE_CHECKING`" if isinstance(error, NameError) else ""
            return self._refuse(f"{where}: {error}{hint}")
        for field in fields:
            if field.key == EXTRAS_KEY:
                extras = self.write((get_args(bare(field.form)) or (object, object))[1], f"{where}.*") or True
            elif not shown or field.name in shown:
                schema = self.write(field.form, f"{where}.{field.key}")
                beside: JsonSchema = {"description": described.get(field.name, "")}
                properties[field.key] = _beside(schema, beside | ({} if field.required else _default_of(field)))
                required += [field.key] if field.required else []
        if _is_array_like(cls):
            least = max((place for place, key in enumerate(properties, 1) if key in required), default=0)
            return _tuple([*properties.values()], least, None if is_struct and extras else len(properties))
        text = "" if _is_made(cls) else read_docstring(_doc_of(cls), sections).text
        schema = _beside(_object(properties, required, extras), {"description": text})
        return schema if for_model or extras is not True else {**schema, "additionalProperties": True}


class _Referring(_Writer):
    """A writer that leaves it to another one where classes are defined.

    Args:
        refer: Returns the reference to a class.
    """

    def __init__(self, refer: Callable[[type[msgspec.Struct]], JsonSchema]) -> None:
        super().__init__("")
        self._refer = refer

    def write_fields(self, cls: type[msgspec.Struct]) -> JsonSchema:
        """Return the schema of a class, field by field."""
        return self._fields(cls, cls.__name__, tagged=_tag_of(cls) is not None)

    def _class(self, form: object, kind: type, where: str, *, tagged: bool) -> JsonSchema:
        return (
            self._refer(kind)
            if form is kind and is_a(kind, Frozen)
            else super()._class(form, kind, where, tagged=tagged)
        )


def _for_model(write: Callable[[_Writer], JsonSchema]) -> JsonSchema:
    """Return a schema in which each class that is met once stands in its place."""
    counting = _Writer(None)
    write(counting)
    counting.complete()
    if counting.errors:
        raise counting.errors[0]
    writer = _Writer(None, frozenset(key for key, count in counting.met.items() if count > 1))
    schema = write(writer)
    definitions = writer.complete()
    if "$ref" in schema:  # which no provider takes as the root
        schema = _beside(definitions[schema.pop("$ref").rpartition("/")[2]], schema)
    return {**schema, "$defs": definitions} if definitions else schema


def _unwrapped(form: Any) -> Any:  # Any: a type of whatever kind
    """Return what a type stands for that only names or annotates another; any other type itself."""
    origin = get_origin(form)
    if origin is Annotated or origin in _WRAPPERS:
        return get_args(form)[0]
    if hasattr(origin, "__value__"):
        return origin.__value__[get_args(form)]
    return getattr(form, "__value__", getattr(form, "__supertype__", form))


def _count_structs(form: Any) -> int:  # Any: as above
    inner = bare(form)
    if is_union(inner):
        return sum(map(_count_structs, get_args(inner)))
    kind = kind_of(inner)
    return kind is not None and issubclass(kind, msgspec.Struct)


def _default_of(field: Field) -> JsonSchema:
    """Return the default of a field; one that is made differently each time says nothing."""
    if not callable(field.factory):
        return default_keyword(field.default)
    default = default_keyword(field.factory())
    return default if default == default_keyword(field.factory()) else {}


def _object(properties: Mapping[str, JsonSchema], required: Iterable[str], extras: object = False) -> JsonSchema:
    schema: JsonSchema = {"type": "object", "properties": dict(properties)}
    names = [*required]
    if names:
        schema["required"] = names
    return schema if extras is True else {**schema, "additionalProperties": extras}


def _tuple(places: list[JsonSchema], least: int, most: int | None) -> JsonSchema:
    size = {"minItems": least} | ({} if most is None else {"maxItems": most})
    return {"type": "array", **({"prefixItems": places} if places else {}), **size}


def _beside(schema: JsonSchema, beside: JsonSchema) -> JsonSchema:
    """Return a schema with more keywords; a description comes first."""
    said = beside.get("description") or schema.get("description")
    description = {"description": said} if said else {}
    return description | schema | {name: value for name, value in beside.items() if value or name != "description"}


def _limited(schema: JsonSchema, meta: msgspec.Meta) -> JsonSchema:
    """Return a schema with limits; msgspec applies each to the members of a union that it is about."""
    from miniagents.validation.keywords import LIMITS  # noqa: PLC0415  # many programs never describe a type

    if "anyOf" in schema:
        return {**schema, "anyOf": [_limited(each, meta) for each in schema["anyOf"]]}
    if (_VALUES | _PARTS) & schema.keys():  # in a union these are not limited
        return schema
    said: str | list[str] = schema.get("type", [])
    kinds = [said] if isinstance(said, str) else said
    limits = {keyword: getattr(meta, name) for kind in kinds for name, keyword in LIMITS[kind].items()}
    limits = {keyword: limit for keyword, limit in limits.items() if limit is not None}
    if "contentEncoding" in schema:  # base64 makes four characters of three bytes
        limits = {keyword: -(-limit // 3) * 4 for keyword, limit in limits.items()}
    return schema | limits


def _words(meta: msgspec.Meta) -> JsonSchema:
    """Return the keywords of a type that limit nothing, and those that its author wrote as they are."""
    words = {name: getattr(meta, name) for name in ("title", "description", "examples")}
    return {name: value for name, value in words.items() if value is not None} | (meta.extra_json_schema or {})


def _one_of(values: Iterable[object]) -> JsonSchema:
    plain = [*values]
    kinds = [*dict.fromkeys(_KINDS[type(value)] for value in plain if type(value) in _KINDS)]
    kind = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    return {**kind, **({"const": plain[0]} if len(plain) == 1 else {"enum": plain})}


def _has_class_tag(cls: object) -> bool:
    return bool(getattr(type(cls), "has_class_tag", False))


def _tag_of(cls: Any) -> str | int | None:  # Any: a class of whatever kind
    tag: str | int | None = cls.__struct_config__.tag if hasattr(cls, "__struct_config__") else None
    return tag


def _is_array_like(cls: Any) -> bool:  # Any: as above
    return cls.__struct_config__.array_like if hasattr(cls, "__struct_config__") else issubclass(cls, tuple)


def _doc_of(cls: type) -> str | None:
    doc: object = vars(cls).get("__doc__")
    return doc if isinstance(doc, str) else None


def _is_made(cls: type) -> bool:
    """Return whether the docstring of a class says nothing: `dataclass`, `NamedTuple` and the generator make such."""
    doc = _doc_of(cls) or ""
    return doc.startswith((f"{cls.__name__}(", f"The type {cls.__name__}."))


def _name_of(form: Any) -> str:  # Any: a class, or Class[arguments]
    arguments = "".join(f"_{_name_of(each)}" for each in get_args(form))
    named: object = get_origin(form) or form
    return f"{getattr(named, '__name__', str(form))}{arguments}"


def _shown(form: object) -> str:
    name: str | None = getattr(form, "__qualname__", None)
    return name if name is not None and not get_args(form) else str(form)

"""Python types as JSON Schema, for those who are to write JSON that is decoded as such a type.

What the schema accepts, `decode` accepts. It is said for a reader, a language model in the first place: with the
descriptions that docstrings give, without the tag of a class where nothing else may stand, and without what messages
inherit from the library's own (their `text`, their `role`), unless that is all they have.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args, get_origin

import msgspec
from msgspec import inspect as types

from miniagents.describing.docstrings import read_docstring
from miniagents.describing.inspecting import inspected
from miniagents.messages.coding.codec import encode
from miniagents.messages.values.freezing import FrozenDict
from miniagents.messages.values.frozen import Frozen
from miniagents.messages.values.record import EXTRAS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["JsonSchema", "default_keyword", "json_schema", "object_schema", "own_fields"]

JsonSchema: TypeAlias = "dict[str, Any]"  # Any: plain JSON, whose shape JSON Schema knows
"""A JSON Schema as plain JSON."""


def json_schema(form: object, where: str = "$") -> JsonSchema:
    """The JSON Schema of a type.

    Args:
        form: The type: whatever `decode` takes.
        where: What errors call it.

    Raises:
        TypeError: It, or a part of it, has no form in JSON; with the path to that part.

    >>> json_schema(dict[str, list[int]])
    {'type': 'object', 'additionalProperties': {'type': 'array', 'items': {'type': 'integer'}}}
    """

    def write(writer: _Writer) -> JsonSchema:
        return writer.write(_inspected(form, where), where, at_root=True)

    return _complete(write, {where: form})


def object_schema(properties: Mapping[str, tuple[object, JsonSchema]], required: Iterable[str]) -> JsonSchema:
    """The JSON Schema of an object with properties of the given types, and no others.

    Args:
        properties: The type of each property, and keywords to be said of it besides.
        required: The names of those that must be there.

    Raises:
        TypeError: As for `json_schema`; the path begins with the name of the property.
    """

    def write(writer: _Writer) -> JsonSchema:
        written = {
            name: _described(writer.write(_inspected(form, f"$.{name}"), f"$.{name}"), beside)
            for name, (form, beside) in properties.items()
        }
        return _object(written, required)

    return _complete(write, {f"$.{name}": form for name, (form, _) in properties.items()})


def own_fields(cls: type[msgspec.Struct]) -> frozenset[str]:
    """The names of the fields that the author of a class gave it, not those which all messages of the library have."""
    base = next((each for each in cls.__mro__ if each.__module__.startswith("miniagents.messages")), None)
    if base is None or base is cls or not issubclass(base, Frozen):
        return frozenset(cls.__struct_fields__)
    annotated = {
        name for each in cls.__mro__[: cls.__mro__.index(base)] for name in vars(each).get("__annotations__", ())
    }
    return frozenset(cls.__struct_fields__) - (frozenset(base.__struct_fields__) - annotated)


def default_keyword(default: object) -> JsonSchema:
    """What a schema says of a default: nothing where there is none, or JSON has no form for it."""
    if any(default is each for each in (msgspec.NODEFAULT, msgspec.UNSET, inspect.Parameter.empty)):
        return {}
    try:
        return {"default": msgspec.json.decode(encode(default))}
    except (TypeError, ValueError, RecursionError):
        return {}


# Machinery -----------------------------------------------------------------------------------------------------------

_SIMPLE: Final[Mapping[type, JsonSchema]] = {
    types.AnyType: {},
    types.RawType: {},
    types.NoneType: {"type": "null"},
    types.BoolType: {"type": "boolean"},
    types.IntType: {"type": "integer"},
    types.FloatType: {"type": "number"},
    types.StrType: {"type": "string"},
    types.BytesType: {"type": "string", "contentEncoding": "base64"},
    types.ByteArrayType: {"type": "string", "contentEncoding": "base64"},
    types.MemoryViewType: {"type": "string", "contentEncoding": "base64"},
    types.DateTimeType: {"type": "string", "format": "date-time"},
    types.DateType: {"type": "string", "format": "date"},
    types.TimeType: {"type": "string", "format": "time"},
    types.TimeDeltaType: {"type": "string", "format": "duration"},
    types.UUIDType: {"type": "string", "format": "uuid"},
    types.DecimalType: {"type": "string", "format": "decimal"},
}
_KINDS: Final[Mapping[type, str]] = {str: "string", int: "integer", float: "number", type(None): "null"}
_INTEGER_KEY: Final = "^(0|-?[1-9][0-9]*)$"


class _Writer:
    """Writes schemas; the classes that are named more than once go to `definitions`.

    Attributes:
        often: The classes that stand in more than one place, or in themselves.
        definitions: Their schemas, by the names they are referred to.
    """

    def __init__(self, often: frozenset[object]) -> None:
        self.often = often
        self.definitions: dict[str, JsonSchema] = {}
        self._names: dict[tuple[object, bool], str] = {}

    def write(self, form: types.Type, where: str, *, tagged: bool = False, at_root: bool = False) -> JsonSchema:
        """The schema of a type.

        Args:
            form: What msgspec says of the type.
            where: The path to it.
            tagged: Whether the tag of a class must be there, for another might stand in its place.
            at_root: Whether it is the root, which is no reference.
        """
        if type(form) in _SIMPLE:
            return _limited(dict(_SIMPLE[type(form)]), form)
        if isinstance(form, types.Metadata):
            beside: JsonSchema | None = getattr(form, "extra_json_schema", None)  # which its stub does not describe
            return _described(self.write(form.type, where, tagged=tagged), beside or {})
        if isinstance(form, types.LiteralType):
            return _one_of(sorted(form.values, key=lambda value: (value is None, str(value))))
        if isinstance(form, types.EnumType):
            documented = read_docstring(_doc_of(form.cls)).text
            return _described(_one_of(each.value for each in form.cls), {"description": documented})
        if isinstance(form, types.UnionType):
            return self._union(form, where)
        if isinstance(form, types.CollectionType):
            items = self.write(form.item_type, f"{where}[]")
            return _limited({"type": "array", **({"items": items} if items else {})}, form)
        if isinstance(form, types.TupleType):
            places = [self.write(each, f"{where}[{place}]") for place, each in enumerate(form.item_types)]
            size = {"minItems": len(places), "maxItems": len(places)}
            return {"type": "array", **({"prefixItems": places} if places else {}), **size}
        if isinstance(form, types.DictType):
            return self._mapping(form, where)
        if isinstance(form, types.StructType | types.DataclassType | types.TypedDictType | types.NamedTupleType):
            return self._class(form, where, tagged=tagged, at_root=at_root)
        if isinstance(form, types.CustomType):
            if form.cls is object:
                return {}
            if form.cls is FrozenDict:
                return {"type": "object"}
        raise TypeError(f"{where}: {_shown(form)} has no form in JSON; use scalars, containers, and message classes")

    def _union(self, form: types.UnionType, where: str) -> JsonSchema:
        classes = [each for each in form.types if isinstance(each, types.StructType)]
        schemas = [self.write(each, where, tagged=len(classes) > 1) for each in form.types]
        schemas = [
            each for each in schemas if each.get("type") != "integer" or {**each, "type": "number"} not in schemas
        ]
        if len(schemas) == 1:
            return schemas[0]
        if all(schema.keys() == {"type"} and isinstance(schema["type"], str) for schema in schemas):
            return {"type": [schema["type"] for schema in schemas]}
        return {"anyOf": schemas}

    def _mapping(self, form: types.DictType, where: str) -> JsonSchema:
        schema: JsonSchema = {"type": "object"}
        keys = self.write(form.key_type, f"{where} (key)")
        if isinstance(form.key_type, types.IntType):
            if keys != {"type": "integer"}:
                raise TypeError(f"{where}: keys that are numbers with limits have no JSON Schema; use strings as keys")
            schema["propertyNames"] = {"pattern": _INTEGER_KEY}
        elif keys.get("type") not in (None, "string"):
            raise TypeError(f"{where}: {_shown(form.key_type)} has no form as a key in JSON; use strings as keys")
        elif keys not in ({}, {"type": "string"}):
            schema["propertyNames"] = {name: value for name, value in keys.items() if name != "type"}
        values = self.write(form.value_type, f"{where}.*")
        return _limited({**schema, **({"additionalProperties": values} if values else {})}, form)

    def _class(self, form: _Class, where: str, *, tagged: bool, at_root: bool) -> JsonSchema:
        if form.cls not in self.often or (at_root and (form.cls, tagged) not in self._names):
            if at_root and form.cls in self.often:
                self._refer(form, where, tagged=tagged)
            return self._fields(form, where, tagged=tagged)
        return {"$ref": f"#/$defs/{self._refer(form, where, tagged=tagged)}"}

    def _refer(self, form: _Class, where: str, *, tagged: bool) -> str:
        key = (form.cls, tagged)
        if key not in self._names:
            plain = "".join(letter if letter.isalnum() else "_" for letter in _name_of(form.cls))
            taken = frozenset(self._names.values())
            self._names[key] = next(
                name
                for name in (plain, *(f"{plain}{count}" for count in range(2, len(taken) + 3)))
                if name not in taken
            )
            self.definitions[self._names[key]] = {}  # in the order in which they are met
            self.definitions[self._names[key]] = self._fields(form, where, tagged=tagged)
        return self._names[key]

    def _fields(self, form: _Class, where: str, *, tagged: bool) -> JsonSchema:
        """The schema of a class, field by field."""
        cls: Any = get_origin(form.cls) or form.cls  # Any: classes of four kinds
        documents = [read_docstring(_doc_of(each)) for each in reversed(cls.__mro__) if each is not object]
        described = {name: text for each in documents for name, text in each.attributes.items()}
        properties: dict[str, JsonSchema] = {}
        required: list[str] = []
        extras: object = not isinstance(form, types.StructType) or not form.forbid_unknown_fields
        shown = own_fields(cls) if isinstance(form, types.StructType) else None
        if isinstance(form, types.StructType) and form.tag is not None and (tagged or not _has_class_tag(cls)):
            properties[form.tag_field or ""] = _one_of([form.tag])
            required += [form.tag_field or ""] if tagged else []
        for field in form.fields:
            if field.encode_name == EXTRAS_KEY and isinstance(field.type, types.DictType):
                extras = self.write(field.type.value_type, f"{where}.*") or True
                continue
            if shown is not None and shown and field.name not in shown:
                continue
            path = f"{where}.{field.encode_name}"
            beside: JsonSchema = {"description": described.get(field.name, "")}
            if field.required:
                required.append(field.encode_name)
            else:
                beside |= _default_of(field)
            properties[field.encode_name] = _described(self.write(_form_of(field, form), path), beside)
        if isinstance(form, types.NamedTupleType):
            items = [*properties.values()]
            return {"type": "array", "prefixItems": items, "minItems": len(required), "maxItems": len(items)}
        schema = _object(properties, required, extras)
        text = "" if _is_made(cls) else read_docstring(_doc_of(cls)).text
        return _described(schema, {"description": text})


_Class: TypeAlias = "types.StructType | types.DataclassType | types.TypedDictType | types.NamedTupleType"


def _form_of(field: types.Field, form: _Class) -> types.Type:
    """What msgspec says of the type of a field; of a `FrozenDict` with arguments it knows them not in classes."""
    if isinstance(field.type, types.CustomType) and isinstance(form, types.StructType):
        annotated = next(each for each in msgspec.structs.fields(form.cls) if each.name == field.name)
        return _inspected(annotated.type, form.cls.__name__)
    return field.type


def _default_of(field: types.Field) -> JsonSchema:
    factory: Any = field.default_factory  # Any: NODEFAULT, or what makes a default
    return default_keyword(factory() if callable(factory) else field.default)


def _complete(write: Callable[[_Writer], JsonSchema], forms: Mapping[str, object]) -> JsonSchema:
    writer = _Writer(_named_often(_inspected(form, where) for where, form in forms.items()))
    schema = write(writer)
    return {**schema, "$defs": writer.definitions} if writer.definitions else schema


def _named_often(forms: Iterable[types.Type]) -> frozenset[object]:
    """The classes that stand in more than one place, or in themselves."""
    seen: set[object] = set()
    often: set[object] = set()
    pending: list[object] = [*forms]
    while pending:
        form = pending.pop()
        if isinstance(form, types.StructType | types.DataclassType | types.TypedDictType | types.NamedTupleType):
            if form.cls in seen:
                often.add(form.cls)
                continue
            seen.add(form.cls)
            pending += [field.type for field in form.fields]
        elif isinstance(form, types.UnionType):
            pending += form.types
        elif isinstance(form, types.TupleType):
            pending += form.item_types
        elif isinstance(form, types.DictType):
            pending += (form.key_type, form.value_type)
        elif isinstance(form, types.CollectionType):
            pending.append(form.item_type)
        elif isinstance(form, types.Metadata):
            pending.append(form.type)
    return frozenset(often)


def _inspected(form: object, where: str) -> types.Type:
    try:
        return inspected(form)
    except (TypeError, NameError) as error:
        raise TypeError(f"{where}: {error}") from None


def _object(properties: Mapping[str, JsonSchema], required: Iterable[str], extras: object = False) -> JsonSchema:
    schema: JsonSchema = {"type": "object", "properties": dict(properties)}
    names = [*required]
    if names:
        schema["required"] = names
    return schema if extras is True else {**schema, "additionalProperties": extras}


def _described(schema: JsonSchema, beside: JsonSchema) -> JsonSchema:
    """A schema with more keywords; a description comes first."""
    kept = {name: value for name, value in beside.items() if name != "description"}
    description = beside.get("description") or schema.get("description")
    return {**({"description": description} if description else {}), **schema, **kept} | (
        {"description": description} if description else {}
    )


def _limited(schema: JsonSchema, form: types.Type) -> JsonSchema:
    """A schema with the limits that msgspec knows of."""
    from miniagents.validation.keywords import LIMITS  # noqa: PLC0415  # many programs never describe a type

    for name, keyword in LIMITS[schema["type"]].items() if "type" in schema else ():
        value = getattr(form, name, None)
        if value is not None:
            schema[keyword] = value
    return schema


def _one_of(values: Iterable[object]) -> JsonSchema:
    plain = [*values]
    kinds = [*dict.fromkeys(_KINDS[type(value)] for value in plain if type(value) in _KINDS)]
    kind = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    return {**kind, **({"const": plain[0]} if len(plain) == 1 else {"enum": plain})}


def _has_class_tag(cls: object) -> bool:
    return bool(getattr(type(cls), "has_class_tag", False))


def _doc_of(cls: type) -> str | None:
    doc: object = vars(cls).get("__doc__")
    return doc if isinstance(doc, str) else None


def _is_made(cls: type) -> bool:
    """Whether the docstring of a class says nothing: `dataclass`, `NamedTuple` and the generator make such."""
    doc = _doc_of(cls) or ""
    return doc.startswith((f"{cls.__name__}(", f"The type {cls.__name__}."))


def _name_of(cls: Any) -> str:  # Any: a class, or Class[arguments]
    arguments = "".join(f"_{_name_of(each)}" for each in get_args(cls))
    named: object = get_origin(cls) or cls
    return f"{getattr(named, '__name__', str(cls))}{arguments}"


def _shown(form: types.Type) -> str:
    cls: object = getattr(form, "cls", None)
    name: str | None = getattr(cls, "__qualname__", None)
    return name if name is not None and not get_args(cls) else str(cls or form)

"""The schemas that the types of a generated module say by themselves; the module does not repeat them."""

from __future__ import annotations

import collections.abc
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, NamedTuple, get_args, get_origin

import msgspec
from typing_extensions import Format, get_annotations

from miniagents.messages import _generated
from miniagents.messages.coding.planning import fields_of
from miniagents.messages.coding.schema_names import identity_of
from miniagents.messages.coding.type_shapes import bare, is_message_class, is_union, union_of, unwrapped
from miniagents.messages.values.freezing import JsonValue as AnyJson
from miniagents.messages.values.record import EXTRAS_FIELD, EXTRAS_KEY, OpenRecord, Record
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["SaidByTypes"]


class SaidByTypes:
    """Reads schemas from the types of a module, as `SaidInText` of the generator reads them from its text.

    Args:
        types: The types by key: a name, or a name with "#" and the pointer of a part.
    """

    def __init__(self, types: Mapping[str, object]) -> None:
        self._keys = {identity_of(form): key for key, form in reversed([*types.items()])}
        self._open: set[object] = set()

    def schema(self, form: Any) -> Schema:  # Any: a type
        """Return the schema that a type of the module says.

        Raises:
            UnsaidError: The type does not say its schema.
        """
        if not is_message_class(form):
            return self._form(form, is_itself=True)
        if form in self._open:
            raise UnsaidError  # the text of its schema would have no end
        self._open.add(form)
        try:
            return self._class(form)
        finally:
            self._open.discard(form)

    def properties(self, form: Any) -> Mapping[str, Schema]:  # Any: a type
        """Return the schemas that the fields of a class say, without those that say none; nothing for an alias."""
        found: dict[str, Schema] = {}
        for field in _fields(form) if is_message_class(form) else ():
            if field.name == EXTRAS_KEY:
                continue  # a property of this name is one of the extras
            try:
                found[field.name] = self._form(field.form)
            except UnsaidError:
                continue
        return found

    def _class(self, cls: Any) -> Schema:  # Any: a class of a generated module
        if cls.__base__ not in {Record, OpenRecord}:
            raise UnsaidError
        extras: Schema | None = {} if cls.__base__ is OpenRecord else None
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for field in _fields(cls):
            if field.name == EXTRAS_KEY:
                extras = self._form(field.form)
            else:
                properties[field.name] = self._form(field.form)
                required += [field.name] * field.is_required
        return class_said(properties, required, extras)

    def _form(self, form: Any, *, is_itself: bool = False) -> Schema:  # Any: a type
        if form in _LIBRARY:
            return {"$ref": f"miniagents:{form.__name__}"}
        key = None if is_itself else self._key_of(form)
        if key is not None:
            return self.schema(form) if "#" in key else {"$ref": f"#/$defs/{key}"}
        if get_origin(form) is Annotated:
            inner, metadata = unwrapped(form)
            limits = {
                name: limit
                for each in metadata
                if isinstance(each, msgspec.Meta)
                for name in _LIMITS
                if (limit := getattr(each, name)) is not None
            }
            schema = self._form(inner)
            return limited(schema, limits) if limits else schema
        if form is AnyJson:
            return {}
        kind, arguments = get_origin(form), get_args(form)
        if is_union(form):
            return union_said([self._form(each) for each in arguments])
        if kind is Literal:
            return choice_said(arguments)
        if kind is collections.abc.Mapping:
            return map_said(self._form(arguments[1]))
        if kind is tuple and len(arguments) == 2 and arguments[1] is ...:
            return array_said(self._form(arguments[0]))
        name = "None" if form is None or form is type(None) else form.__name__ if form in _PLAIN else ""
        if name not in SCALARS:
            raise UnsaidError
        return {"type": SCALARS[name]}

    def _key_of(self, form: object) -> str | None:
        try:
            return self._keys.get(identity_of(form))
        except TypeError:  # the type has arguments that cannot be hashed
            return None


_LIMITS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")
_PLAIN = (str, int, float, bool)
_LIBRARY: Final = tuple(filter(is_message_class, (vars(_generated)[name] for name in _generated.__all__)))
"""The classes that schemas may name; their `__module__` is the package that exports them, not the generated module."""


class _Field(NamedTuple):
    name: str
    form: Any  # a type
    is_required: bool


def _fields(cls: Any) -> Iterator[_Field]:  # Any: a class of a generated module
    """Yield the fields of a class itself, and its tag, in the order of the text."""
    fields = {field.name: field for field in fields_of(cls)}
    for name, annotation in get_annotations(cls, format=Format.FORWARDREF).items():
        field = fields.get(name)
        if field is None:
            if get_origin(annotation) is ClassVar and name != "text_template":
                config = cls.__struct_config__
                yield _Field(config.tag_field, Literal[config.tag], is_required=True)
        elif name == EXTRAS_FIELD and field.encode_name == EXTRAS_KEY:
            yield _Field(EXTRAS_KEY, get_args(bare(field.type))[1], is_required=False)
        else:
            members = get_args(field.type) if is_union(field.type) else (field.type,)
            known = [each for each in members if each is not msgspec.UnsetType]
            form = field.type if len(known) == len(members) else union_of(known)
            yield _Field(field.encode_name, form, is_required=len(known) == len(members))

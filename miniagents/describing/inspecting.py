"""What msgspec says of types, also of those that it refuses and the library reads all the same.

A union of records is such a type: nothing in their JSON tells msgspec which one it is, but their schemas do.
"""

from __future__ import annotations

import collections.abc
from typing import Any, get_args

import msgspec
from msgspec import inspect as types

from miniagents.messages.coding.type_shapes import is_a, is_array_kind, is_union, kind_of
from miniagents.messages.values.freezing import FrozenDict

__all__ = ["inspected"]


def inspected(form: object) -> types.Type:
    """What msgspec says of a type.

    Raises:
        TypeError: it is no type that can be read from JSON.
        NameError: an annotation has a name that is not known.
    """
    return _Looking().at(form)


class _Looking:
    """Looks at a type, and at the types it is made of.

    Attributes:
        classes: The classes that were taken apart; one that stands in itself is met again.
    """

    def __init__(self) -> None:
        self.classes: dict[object, types.StructType] = {}

    def at(self, form: Any) -> types.Type:  # Any: whatever an annotation may be
        if kind_of(form) is FrozenDict:  # at whose arguments msgspec does not look
            form = _mapping[get_args(form) or (str, object)]
        try:
            return types.type_info(form)
        except TypeError:
            apart = self._apart(form)
            if apart is None:
                raise
            return apart

    def _apart(self, form: Any) -> types.Type | None:  # Any: as above
        metadata: tuple[object, ...] = getattr(form, "__metadata__", ())
        if metadata:
            return _limited(self.at(get_args(form)[0]), metadata)
        if hasattr(form, "__value__"):
            return self.at(form.__value__)
        if is_union(form):
            return types.UnionType(tuple(self.at(each) for each in get_args(form) if each is not msgspec.UnsetType))
        kind: Any = kind_of(form)  # Any: a class
        arguments = get_args(form)
        if kind is None:
            return None
        if issubclass(kind, msgspec.Struct):
            return self._class(form, kind)
        if is_a(kind, collections.abc.Mapping) and len(arguments) == 2:
            return types.DictType(self.at(arguments[0]), self.at(arguments[1]))
        if is_a(kind, tuple) and arguments and arguments[1:] != (...,):
            return types.TupleType(tuple(map(self.at, arguments)))
        if is_array_kind(kind) and arguments:
            return types.VarTupleType(self.at(arguments[0]))
        return None

    def _class(self, form: Any, cls: type[msgspec.Struct]) -> types.StructType:  # Any: a class, or Class[arguments]
        if form not in self.classes:
            config = cls.__struct_config__
            made = types.StructType(
                form,
                (),
                tag_field=config.tag_field,
                tag=config.tag,
                array_like=config.array_like,
                forbid_unknown_fields=config.forbid_unknown_fields,
            )
            self.classes[form] = made
            made.fields = tuple(
                types.Field(
                    name=each.name,
                    encode_name=each.encode_name,
                    type=self.at(each.type),
                    required=each.required,
                    default=each.default,
                    default_factory=each.default_factory,
                )
                for each in msgspec.structs.fields(form)
            )
        return self.classes[form]


_mapping: Any = collections.abc.Mapping  # Any: made of what is known when the program runs


def _limited(inner: types.Type, metadata: tuple[object, ...]) -> types.Type:
    """What is said of a type with `msgspec.Meta` around it, which is a container or a union."""
    extra: dict[str, object] = {}
    for meta in metadata:
        if not isinstance(meta, msgspec.Meta):
            continue
        for name in ("min_length", "max_length"):
            if getattr(meta, name) is not None and hasattr(inner, name):
                setattr(inner, name, getattr(meta, name))
        extra |= {name: getattr(meta, name) for name in ("title", "description") if getattr(meta, name) is not None}
        extra |= meta.extra_json_schema or {}
    return types.Metadata(inner, extra) if extra else inner

"""Decode slowly: message by message, along the declared types.

msgspec decodes a field declared as a message class only if the data has the tag of exactly that class. This module
finds subclasses by their tags, and leaves parts without messages to msgspec. It also raises the errors that say what is
wrong with a message, with its path. Records are built by the plans of their classes (`planning.py`).
"""

from __future__ import annotations

import collections.abc
import gc
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

import msgspec

from miniagents.messages.coding.building import build
from miniagents.messages.coding.decode_errors import DecodeError, UnknownFormError, from_msgspec, json_type
from miniagents.messages.coding.planning import fields_of, planner_of
from miniagents.messages.coding.type_shapes import (
    bare,
    flat_members,
    has_messages,
    is_a,
    is_array_kind,
    is_message_class,
    is_union,
    kind_of,
    union_of,
    unwrapped,
)
from miniagents.messages.values.freezing import FrozenDict, is_list, is_mapping, path_of
from miniagents.messages.values.frozen import Frozen, classes_of_tag, loaded_classes, when_classes_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Rebuilder:
    """Builds values from plain JSON.

    Args:
        keep: Makes a message from data with an unknown tag or field, for the outermost message that contains it. None
            raises an error instead.
        kept: The class of such messages; the declared type must allow it.
        ignore: Decode data with an unknown tag as the declared class, if there is only one, and leave out unknown
            fields.
    """

    def __init__(
        self,
        keep: Callable[[Mapping[object, object]], Frozen] | None,
        kept: type[Frozen],
        *,
        ignore: bool = False,
    ) -> None:
        self._keep = keep
        self._kept = kept
        self._ignore = ignore
        self._inside = 0  # the number of messages around the current value

    def build(self, raw: object, form: object, path: str = "$") -> object:
        """Build a value of the type `form`.

        Raises:
            DecodeError: The data is not of that type.
        """
        declared, form = form, bare(form)
        kind = kind_of(form)
        if not has_messages(form):
            return self._leaf(raw, declared, path)
        planner = planner_of(declared, convert_message)
        if planner is not None:
            return build(planner.plan(declared, checked=True), raw, path)
        if is_union(form):
            return self._one_of(raw, flat_members(form), path)
        if is_message_class(kind):
            return self._message(raw, (form,), path)
        if kind is not None and is_a(kind, collections.abc.Mapping):
            built: object = self._mapping(raw, form, kind, path)
        elif kind is not None and is_array_kind(kind):
            built = self._array(raw, form, kind, path)
        else:
            return self._leaf(raw, declared, path)
        self._check_length(raw, declared, path)
        return built

    def _leaf(self, raw: object, form: Any, path: str) -> object:  # Any: msgspec takes every type
        try:
            return msgspec.convert(raw, form, str_keys=True)
        except msgspec.ValidationError as error:
            raise from_msgspec(error, path) from None

    def _one_of(self, raw: object, forms: tuple[object, ...], path: str) -> object:
        """Build a member of a union.

        msgspec has already made sure that the union has at most one array and one object, or messages with many tags.
        """
        messages = [form for form in forms if is_message_class(kind_of(bare(form)))]
        if is_mapping(raw) and messages:
            return self._message(raw, messages, path)
        for form in forms:
            kind = kind_of(bare(form))
            if kind is None or is_message_class(kind):
                continue
            if (is_list(raw) and is_array_kind(kind)) or (is_mapping(raw) and is_a(kind, collections.abc.Mapping)):
                return self.build(raw, form, path)
        rest = tuple(form for form in forms if not has_messages(form))
        if rest:
            return self._leaf(raw, union_of(rest), path)
        raise DecodeError(path, f"expected {' or '.join(map(_shown, forms))}, got {json_type(raw)}")

    def _array(self, raw: object, form: object, kind: type, path: str) -> object:
        if not is_list(raw):
            raise DecodeError(path, f"expected an array, got {json_type(raw)}")
        arguments = get_args(form)
        forms: Iterable[object]
        if is_a(kind, tuple) and arguments[1:] != (...,):
            forms = arguments
            if len(arguments) != len(raw):
                raise DecodeError(path, f"expected an array of length {len(arguments)}, got {len(raw)}")
        else:
            forms = (arguments[0],) * len(raw)
        items = [
            self.build(item, item_form, path_of(path, [index]))
            for index, (item, item_form) in enumerate(zip(raw, forms, strict=True))
        ]
        if is_a(kind, tuple):
            return tuple(items)
        if is_a(kind, frozenset):
            return frozenset(items)
        return set(items) if is_a(kind, collections.abc.Set) else items

    def _mapping(self, raw: object, form: object, kind: type, path: str) -> object:
        if not is_mapping(raw):
            raise DecodeError(path, f"expected an object, got {json_type(raw)}")
        key_form, value_form = get_args(form) or (str, object)
        keys: Any = self._leaf(dict.fromkeys(raw), collections.abc.Mapping[key_form, object], path)  # type: ignore[valid-type] # Any: msgspec has checked it
        values = [self.build(item, value_form, path_of(path, [str(key)])) for key, item in raw.items()]
        if len(keys) != len(values):
            raise DecodeError(path, "two keys of this object are the same")
        built: dict[object, object] = dict(zip(keys, values, strict=True))
        return FrozenDict(built) if kind is FrozenDict else built

    def _message(self, raw: object, forms: Iterable[object], path: str) -> object:
        if not is_mapping(raw):
            raise DecodeError(path, f"expected an object, got {json_type(raw)}")
        bases = tuple(kind for kind in (kind_of(bare(form)) for form in forms) if is_message_class(kind))
        self._inside += 1
        try:
            form = _form_of_tag(raw, tuple(map(bare, forms)), bases, path, ignore=self._ignore)
            return self._fields(raw, form, path)
        except UnknownFormError:
            if self._keep is None or self._inside > 1 or not issubclass(self._kept, bases):
                raise
            return self._keep(raw)
        finally:
            self._inside -= 1

    def _fields(self, raw: Mapping[object, object], form: Any, path: str) -> Frozen:  # Any: a class or Class[arguments]
        cls: type[Frozen] = get_origin(form) or form
        given: dict[str, object] = {}
        known = {"@type"}
        for field, is_leaf in _fields_of(form):
            known.add(field.encode_name)
            if field.encode_name in raw:
                step = path_of(path, [field.encode_name])
                build = self._leaf if is_leaf else self.build
                given[field.name] = build(raw[field.encode_name], field.type, step)
            elif field.required:
                raise DecodeError(path, f"{cls.__name__} needs the field {field.encode_name!r}")
        for name in raw:
            if name not in known and not self._ignore:
                names = ", ".join(sorted(known - {"@type"})) or "none"
                raise UnknownFormError(
                    path_of(path, [str(name)]), f"{cls.__name__} has no such field; its fields are: {names}"
                )
        try:
            return cls(**given)
        except (TypeError, ValueError) as error:  # raised by a __post_init__
            raise DecodeError(path, str(error)) from error

    def _check_length(self, raw: object, form: Any, path: str) -> None:  # Any: a type with or without annotations
        """Raise an error if the length of a container is outside the limits of its annotation."""
        if not (is_list(raw) or is_mapping(raw)):
            return
        for meta in unwrapped(form)[1]:
            if isinstance(meta, msgspec.Meta):
                if meta.min_length is not None and len(raw) < meta.min_length:
                    raise DecodeError(path, f"expected a length of {meta.min_length} or more, got {len(raw)}")
                if meta.max_length is not None and len(raw) > meta.max_length:
                    raise DecodeError(path, f"expected a length of {meta.max_length} or less, got {len(raw)}")


def convert_message(raw: object, form: object) -> object:
    """Build a message that is a part of a record.

    Raises:
        DecodeError: The data is not of that type; the path begins at the message and is empty for the message itself.
    """
    return Rebuilder(None, Frozen).build(raw, form, "")


classes_met: dict[type[Frozen], None] = {}
"""Message classes whose tags were in data, the first `_MOST_CLASSES` of them; `readers.py` teaches them to msgspec."""

_MOST_CLASSES: Final = 2_000  # because they are kept alive

_fields: dict[object, tuple[tuple[msgspec.structs.FieldInfo, bool], ...]] = {}
when_classes_change.append(_fields.clear)


def _fields_of(form: Any) -> tuple[tuple[msgspec.structs.FieldInfo, bool], ...]:  # Any: a class or Class[arguments]
    """Return the fields of a class, each with whether msgspec alone can decode it."""
    known = _fields.get(form)
    if known is None:
        known = _fields[form] = tuple((field, not has_messages(field.type)) for field in fields_of(form))
    return known


def _form_of_tag(
    raw: Mapping[object, object],
    forms: tuple[object, ...],
    bases: tuple[type[Frozen], ...],
    path: str,
    *,
    ignore: bool = False,
) -> object:
    """Return the class that the tag of a message names, among those derived from the given classes."""
    where = f"{path}.@type"
    tag = raw.get("@type")
    if tag is None and "@type" not in raw and len(forms) == 1:
        return forms[0]  # like msgspec: a field declared as one class needs no tag
    if not isinstance(tag, str):
        raise DecodeError(where, f"expected the tag of a class, got {json_type(tag) if '@type' in raw else 'nothing'}")
    found = classes_of_tag(tag, bases)
    if len(found) > 1:
        gc.collect()  # classes are in reference cycles: an unused one stays until a collection
        found = classes_of_tag(tag, bases)
    if not found and ignore and len(forms) == 1:
        return forms[0]
    if not found:
        tags = {cls.class_tag for base in bases for cls in loaded_classes(base) if not cls.is_record}
        raise UnknownFormError(
            where, f"no class with the tag {tag!r} is loaded and may stand here; known are: {', '.join(sorted(tags))}"
        )
    if len(found) > 1:
        places = " and ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in found)
        raise DecodeError(where, f"the tag {tag!r} is ambiguous, for {places} have it: give one of them its own tag")
    if len(classes_met) < _MOST_CLASSES:
        classes_met.setdefault(found[0])
    return next((form for form in forms if kind_of(form) is found[0]), found[0])


def _shown(form: object) -> str:
    kind = kind_of(bare(form))
    return kind.__name__ if kind is not None else str(form)

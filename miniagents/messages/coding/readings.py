"""Readings: the types that msgspec decodes in place of the types of a generated module.

msgspec cannot tell objects without a tag apart, and does not require the tag of a class that stands alone. In the
reading of a type a *choice* stands in such places: a type that msgspec does not know, so that it calls a function with
the plain JSON. The function is a maker of the union (`makers.py`).
"""

from __future__ import annotations

import collections.abc
from typing import TYPE_CHECKING, Annotated, Any, get_args

import msgspec
from msgspec import UnsetType

from miniagents.messages.coding.makers import UNDECODABLE, UnreadableError, are_told_apart
from miniagents.messages.coding.msgspec_hooks import Choice
from miniagents.messages.coding.native_types import MAPPINGS, NativeTypes, _Native, frozen_form
from miniagents.messages.coding.planning import fields_of, has_only_sound_records
from miniagents.messages.coding.type_shapes import (
    bare,
    flat_members,
    has_messages,
    is_message_class,
    is_union,
    kind_of,
    limits_of,
    union_of,
)
from miniagents.messages.values.record import EXTRAS_FIELD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniagents.messages.coding.makers import Judge, Makers
    from miniagents.messages.values.frozen import Frozen


class Readings:
    """Makes the readings of the types of one module.

    Args:
        judge: What is known of the types.
        makers: The makers of the types.
        plain: Refuse what JSON cannot express, for MessagePack; the decoder then needs `made_of_msgpack`.
    """

    def __init__(self, judge: Judge, makers: Makers, *, plain: bool = False) -> None:
        self._judge = judge
        self._makers = makers
        self._leaves = NativeTypes((), plain=True) if plain else None
        self._classes: dict[type[Frozen], _Native] = {}
        self._unfinished: list[type[Frozen]] = []

    def of(self, form: Any) -> Any:  # Any: types of whatever kind
        """Return the type that msgspec decodes in place of another one, with `made_of_json` as its `dec_hook`.

        Raises:
            UnreadableError: The type has no reading.
            NoNativeTypeError: A part of it has none from MessagePack.
        """
        before = dict(self._classes)
        try:
            made = self._of(form)
            while self._unfinished:
                self._finish(self._unfinished.pop())
            return made
        except Exception:  # classes may refer to one whose reading is not finished
            self._classes = before
            self._unfinished.clear()
            raise

    def _of(self, form: Any) -> Any:  # Any: as above
        inner = bare(form)
        if not has_messages(inner):
            return form if self._leaves is None else self._leaves.of(form)
        if is_union(inner):
            return self._of_union(flat_members(inner))
        kind = kind_of(inner)
        if is_message_class(kind):
            return self._of_classes([kind], [])
        if kind is not tuple and kind not in MAPPINGS:
            raise UnreadableError(f"{inner} holds records")
        generic: Any = tuple if kind is tuple else collections.abc.Mapping  # Any: it takes arguments
        native = generic[tuple(each if each is ... else self._of(each) for each in get_args(inner))]
        limits = limits_of(form)
        return Annotated[(native, *limits)] if limits else native

    def _of_union(self, members: Sequence[object]) -> Any:  # Any: as above
        classes = [member for member in members if is_message_class(member)]
        others = [member for member in members if not is_message_class(member)]
        read = [self._of(member) for member in others]
        if any(isinstance(each, Choice) for each in read) and len(_present(members)) > 1:
            raise UnreadableError("a choice beside other types, which msgspec does not know")
        if not classes:
            return union_of(read)
        if are_told_apart(classes) and not any(map(self._judge.is_checked, classes)):
            return self._of_classes(classes, read)
        choice = Choice.of(self._makers.of(union_of(_present(members))))
        return union_of([choice, UnsetType]) if UnsetType in members else choice

    def _of_classes(self, classes: Sequence[type[Frozen]], others: Sequence[object]) -> Any:  # Any: as above
        """Return the reading of a union of classes that msgspec can tell apart, and of other types."""
        if any(map(self._judge.is_checked, classes)):
            return Choice.of(self._makers.of(classes[0]))
        found = [*map(self._native, classes), *others]
        if len(classes) == 1 and classes[0].is_record and classes[0].__struct_config__.tag is not None:
            found.append(_beside(classes[0]))  # msgspec requires tags in unions only
        return union_of(found)

    def _native(self, cls: type[Frozen]) -> Any:  # Any: as above
        """Return the reading of exactly one class, of which msgspec does not require the tag."""
        is_own = self._judge.is_own(cls)
        if not (is_own and cls.is_record):
            if cls.is_record or not (self._judge.is_sound(cls) if is_own else has_only_sound_records(cls)):
                raise UnreadableError(f"{cls} has no reading here")
            return cls if self._leaves is None else self._leaves.of(cls)
        known = self._classes.get(cls)
        if known is None:
            known = self._classes[cls] = _Native.of(cls)
            self._unfinished.append(cls)  # later: hundreds of classes may be inside each other, or contain themselves
        return known

    def _finish(self, cls: type[Frozen]) -> None:
        forms = {
            field.name: frozen_form(field.type) or self._of(field.type)
            for field in fields_of(cls)
            if field.name != EXTRAS_FIELD
        }
        self._classes[cls].__annotations__ = {**forms, EXTRAS_FIELD: UNDECODABLE}


def _present(members: Sequence[object]) -> list[object]:
    return [member for member in members if member is not UnsetType]


def _beside(cls: type[Frozen]) -> type[msgspec.Struct]:
    """Make a class with the tag field of another class, which no data fits."""
    tag = cls.__struct_config__.tag
    other = f"not {tag}" if isinstance(tag, str) else (tag or 0) + 1
    return msgspec.defstruct("_Beside", [("never", UNDECODABLE)], tag_field=cls.__struct_config__.tag_field, tag=other)

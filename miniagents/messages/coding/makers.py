"""Makers: functions that make values of a generated module from plain JSON, faster than plans and less complete.

A maker chooses the members of unions by the properties that are there, keeps the properties that are not declared, and
leaves everything else to msgspec. It raises for data that is not of its type, and also for some data that is: then the
plan of the type makes the value, or says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, Protocol, TypeAlias, get_args, get_origin

import msgspec
from msgspec import UnsetType
from msgspec.structs import force_setattr

from miniagents.messages.coding.decode_errors import DecodeError
from miniagents.messages.coding.msgspec_hooks import made_of_json
from miniagents.messages.coding.native_types import MAPPINGS, _Native, frozen_form
from miniagents.messages.coding.planning import fields_of
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
from miniagents.messages.values.freezers import function, slot_for
from miniagents.messages.values.freezing import FrozenDict, class_of, freeze, is_list, is_mapping
from miniagents.messages.values.record import EXTRAS_FIELD, Extras

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miniagents.messages.values.frozen import Frozen

Make: TypeAlias = "Callable[[Any], Any]"  # Any: takes plain JSON, and returns a value of any type


class Judge(Protocol):
    """What must be known of the types of a module."""

    def is_own(self, cls: type[Frozen]) -> bool:
        """Return whether a class is of the module."""
        ...

    def is_sound(self, form: object) -> bool:
        """Return whether the schema of a type accepts everything that msgspec accepts for the type."""
        ...

    def is_checked(self, form: object) -> bool:
        """Return whether a type is not sound, because its schema says more than its fields."""
        ...

    def checks_extras(self, cls: type[Frozen]) -> bool:
        """Return whether undeclared properties of a class are checked against its schema."""
        ...

    def builder(self, form: object, /) -> Make:
        """Return the function that builds a value of a type from plain JSON, which it checks against the schema.

        It raises a `DecodeError` for data that is not of the type.
        """
        ...


class UnreadableError(Exception):
    """There is no fast way to decode a type."""


class Makers:
    """Makes the makers of the types of one module.

    Args:
        judge: What is known of the types.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._classes: dict[type[Frozen], Make] = {}
        self._needed: dict[type[Frozen], list[tuple[str, tuple[object, ...] | None]]] = {}
        self._unfinished: list[tuple[list[tuple[str, Make]], list[msgspec.structs.FieldInfo]]] = []
        self.met_extras: bool = False
        """Whether properties that are not declared were met since this was set to False."""

    def of(self, form: Any) -> Make:  # Any: a type of whatever kind
        """Return the maker of a type.

        Raises:
            UnreadableError: It has none.
        """
        before = dict(self._classes)
        try:
            made = self._of(form)
            while self._unfinished:
                parts, fields = self._unfinished.pop()
                parts += ((field.encode_name, self._of(field.type)) for field in fields)
            return made
        except Exception:  # classes may refer to one whose maker is not finished
            self._classes = before
            self._unfinished.clear()
            raise

    def _of(self, form: Any) -> Make:  # Any: as above
        inner = bare(form)
        kind = kind_of(inner)
        if is_message_class(kind):
            return self._of_classes([kind])
        if is_union(inner):
            return self._of_union(flat_members(inner))
        if not has_messages(inner):
            return freeze if inner in UNTYPED else lambda raw: msgspec.convert(raw, form)
        return self._of_container(kind, get_args(inner), limits_of(form))

    def _of_classes(self, classes: Sequence[type[Frozen]], other: Make | None = None) -> Make:
        """Return the maker of a union of classes.

        The tag tells the class, if each has its own. Otherwise the properties that are there rule classes out. Of the
        rest the first is taken, for the union is an `anyOf`, or no value fits two of them.

        Args:
            classes: The classes.
            other: Makes values of what is no object.
        """
        makes = [self._of_class(cls) for cls in classes]
        if not are_told_apart(classes) or classes[0].__struct_config__.tag_field is None:
            return self._of_properties(classes, makes, other)
        configs = [cls.__struct_config__ for cls in classes]
        tag_field, kind_of_tag = configs[0].tag_field, type(configs[0].tag)
        by_tag = {config.tag: make for config, make in zip(configs, makes, strict=True)}
        make_other = other or _refuse

        def make(raw: Any) -> object:  # Any: plain JSON
            if class_of(raw) is dict:
                tag = raw.get(tag_field)
                if type(tag) is kind_of_tag and tag in by_tag:
                    return by_tag[tag](raw)
                raise msgspec.ValidationError("no member of the union has this tag")
            return make_other(raw)

        return make

    def _of_properties(self, classes: Sequence[type[Frozen]], makes: Sequence[Make], other: Make | None) -> Make:
        """Return the maker of classes that the properties tell apart; its code is written out for them."""
        names: dict[str, object] = {"other": other or _refuse, "refuse": _refuse}
        lines = ["if type(value) is not dict: return other(value)"]
        for place, (cls, make) in enumerate(zip(classes, makes, strict=True)):
            names[f"make_{place}"] = make
            conditions: list[str] = []
            for at, (name, values) in enumerate(self._needs_of(cls) if len(classes) > 1 else ()):
                conditions += [f"{name!r} in value"]
                if values is not None:
                    names[f"values_{place}_{at}"] = values
                    conditions += [f"value[{name!r}] in values_{place}_{at}"]
            lines += [f"if {' and '.join(conditions) or True}: return make_{place}(value)"]
        return function((*lines, "return refuse(value)"), names)

    def _of_union(self, members: Sequence[object]) -> Make:
        classes = [member for member in members if is_message_class(member)]
        others = [member for member in members if not is_message_class(member) and member is not UnsetType]
        arrays = [member for member in others if has_messages(member)]
        if len(arrays) > 1 or (classes and any(kind_of(bare(member)) in MAPPINGS for member in arrays)):
            raise UnreadableError("a union of several containers of records")
        make_array = self._of(arrays[0]) if arrays else None
        scalars = [member for member in others if member not in arrays]
        scalar = union_of(scalars) if scalars else None

        def make(raw: object) -> object:
            if make_array is not None and isinstance(raw, (list, dict)):
                return make_array(raw)
            if scalar is None:
                raise msgspec.ValidationError("expected an object or an array")
            return msgspec.convert(raw, scalar)

        return self._of_classes(classes, make) if classes else make

    def _of_container(self, kind: type | None, arguments: Sequence[object], limits: Sequence[msgspec.Meta]) -> Make:
        generic: Any = Annotated  # Any: made of what is known when the program runs
        if kind is tuple and arguments[1:] == (...,):
            make_item = self._of(arguments[0])
            array = generic[(tuple[ANYTHING, ...], *limits)] if limits else None

            def make_array(raw: object) -> object:
                if not is_list(raw):
                    raise msgspec.ValidationError("expected an array")
                made = tuple(map(make_item, raw))
                return made if array is None else msgspec.convert(made, array)

            return make_array
        if kind in MAPPINGS and arguments[0] is str:
            make_value = self._of(arguments[1])
            mapping = generic[(dict[str, ANYTHING], *limits)] if limits else None

            def make_mapping(raw: object) -> object:
                if not is_mapping(raw):
                    raise msgspec.ValidationError("expected an object")
                made = {name: make_value(part) for name, part in raw.items()}
                return made if mapping is None else msgspec.convert(made, mapping)

            return make_mapping
        raise UnreadableError(f"{kind} of records")

    def _needs_of(self, cls: type[Frozen]) -> list[tuple[str, tuple[object, ...] | None]]:
        found = self._needed.get(cls)
        if found is None:
            found = self._needed[cls] = _needs(cls)
        return found

    def _of_class(self, cls: type[Frozen]) -> Make:
        """Return the maker of exactly one class, from objects that have what the class needs."""
        known = self._classes.get(cls)
        if known is None:
            if self._judge.is_checked(cls):
                known = self._checked(cls)
            elif self._judge.is_own(cls) and cls.is_record:
                return self._new(cls)
            else:
                raise UnreadableError(f"{cls} is a message, or of another module")
            self._classes[cls] = known
        return known

    def _new(self, cls: type[Frozen]) -> Make:
        fields = [field for field in fields_of(cls) if field.name != EXTRAS_FIELD]
        with_records = [field for field in fields if has_messages(field.type)]
        parts: list[tuple[str, Make]] = []
        forms_of_objects = [(field, frozen_form(field.type)) for field in fields]
        objects = [field for field, form in forms_of_objects if form is FrozenDict]  # any JSON objects
        optional = [field for field, form in forms_of_objects if form == union_of((FrozenDict, UnsetType))]
        native: Any = cls  # Any: a type for msgspec
        if objects or not self._judge.is_sound(cls):
            forms = {field.name: ANYTHING if field in (*with_records, *objects) else field.type for field in fields}
            native = _Native.of(cls)
            native.__annotations__ = {**forms, EXTRAS_FIELD: UNDECODABLE}
        declared = {field.encode_name for field in fields}
        if cls.__struct_config__.tag_field is not None:
            declared.add(cls.__struct_config__.tag_field)
        has_no_other = declared.issuperset if self._keeps_extras(cls) else None

        if has_no_other is None and not with_records and not objects and not optional:
            made = self._classes[cls] = lambda raw: msgspec.convert(raw, native)
            return made
        frozen_later = [(field.encode_name, field.name, field.required) for field in (*objects, *optional)]
        slot = slot_for(EXTRAS_FIELD)

        def make(raw: dict[str, Any]) -> object:  # Any: plain JSON
            frozen: list[tuple[str, object]] = []
            if has_no_other is not None and not has_no_other(raw):
                self.met_extras = True
                names = [name for name in raw if name not in declared]
                frozen.append((slot, made_of_json(FrozenDict, {name: raw.pop(name) for name in names})))
            for name, field_name, is_required in frozen_later:  # `convert` would copy them
                if name in raw:
                    part = raw.pop(name)
                    if class_of(part) is not dict:
                        raise msgspec.ValidationError("expected an object")
                    if is_required:
                        raw[name] = None  # so that it is not missing
                    frozen.append((field_name, made_of_json(FrozenDict, part)))
            for name, make_part in parts:
                if name in raw:
                    raw[name] = make_part(raw[name])
            made: Frozen = msgspec.convert(raw, native)
            for name, part in frozen:
                force_setattr(made, name, part)
            return made

        self._classes[cls] = make
        self._unfinished.append((parts, with_records))  # later: hundreds of classes may be inside each other, or itself
        return make

    def _checked(self, cls: type[Frozen]) -> Make:
        """Return the maker of a class whose data is checked against its schema."""
        build = self._judge.builder(cls)

        def make(raw: object) -> object:
            try:
                return build(raw)
            except DecodeError as error:  # all of the data is then built and checked, for an error with the whole path
                raise msgspec.ValidationError(error.reason) from None

        return make

    def _keeps_extras(self, cls: type[Frozen]) -> bool:
        extras = [get_args(bare(field.type)) for field in fields_of(cls) if field.name == EXTRAS_FIELD]
        return bool(extras) and extras[0][1] in UNTYPED and not self._judge.checks_extras(cls)


def _refuse(_: object) -> NoReturn:
    raise msgspec.ValidationError("no member of the union has these properties")


ANYTHING: Any = Any  # Any: the type itself; for `object` msgspec would call a function
UNTYPED = (ANYTHING, object)
UNDECODABLE: Any = Extras[ANYTHING]  # Any: a type for msgspec
"""A type that no data fits, for the field of extras and for classes that only stand beside others."""


def are_told_apart(classes: Sequence[type[Frozen]]) -> bool:
    """Return whether each class has a tag of its own under the same name, or stands alone."""
    configs = [cls.__struct_config__ for cls in classes]
    return len(classes) < 2 or (
        configs[0].tag_field is not None
        and len({config.tag_field for config in configs}) == 1
        and len({type(config.tag) for config in configs}) == 1
        and len({config.tag for config in configs}) == len(classes)
    )


def _needs(cls: type[Frozen]) -> list[tuple[str, tuple[object, ...] | None]]:
    """Return the properties that values of a class must have, with the values that they may have if those are few."""
    config = cls.__struct_config__
    found: list[tuple[str, tuple[object, ...] | None]] = []
    if config.tag_field is not None:
        found.append((config.tag_field, (config.tag,)))
    for field in fields_of(cls):
        if field.required:
            form = bare(field.type)
            found.append((field.encode_name, get_args(form) if get_origin(form) is Literal else None))
    return found

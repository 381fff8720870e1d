"""Choose the plan for a declared type: from annotations to the objects that build values.

One `Planner` serves the classes of one generated module and caches the plans of their types. A Record that is written
by hand has a planner of its own.
"""

from __future__ import annotations

import collections.abc
import sys
import types
from typing import TYPE_CHECKING, Any, ForwardRef, Protocol, TypeVar, Unpack, get_args, get_origin

import msgspec
import typing_extensions
from typing_extensions import evaluate_forward_ref

from miniagents.messages.coding.plans import (
    Anything,
    Array,
    Checked,
    Conditional,
    Field,
    Foreign,
    Key,
    Later,
    Leaf,
    Limited,
    Map,
    Object,
    OneOf,
)
from miniagents.messages.coding.schema_names import condition_of
from miniagents.messages.coding.type_shapes import (
    bare,
    flat_members,
    has_messages,
    is_a,
    is_array_kind,
    is_message_class,
    is_union,
    kind_of,
    limits_of,
    union_of,
    unnamed,
)
from miniagents.messages.values.freezing import FrozenDict
from miniagents.messages.values.record import EXTRAS_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from miniagents.messages.coding.building import Plan, Schema
    from miniagents.messages.values.frozen import Frozen

PLANNER = "__planner__"
"""The attribute of a class that holds its planner; derived classes do not inherit it."""


class Schemas(Protocol):
    """A source of the schemas of types, such as a `SchemaCodec`."""

    def schema_of(self, form: object) -> Schema | None:
        """Return the schema of a type, or None if it has none."""
        ...

    def schema_at(self, key: str) -> Schema:
        """Return a part of the schemas by its key: a name, "#" and a JSON pointer."""
        ...

    def is_sound(self, form: object) -> bool:
        """Return whether the schema of a type accepts everything that msgspec accepts for the type."""
        ...

    def native(self, form: object) -> tuple[Callable[[Any], Any], ...]:  # Any: from JSON to a value of the type
        """Return the ways to decode a type by msgspec, the fastest first. They may refuse data that fits the schema."""
        ...

    def unpacking(self, form: object) -> Callable[[Any], Any] | None:  # Any: from MessagePack to such a value
        """Return the way to decode a type from MessagePack by msgspec, or None if there is none."""
        ...

    def unpacking_open(self, form: object) -> Callable[[Any], Any] | None:  # Any: from MessagePack to such a value
        """Return the way to decode a type with undeclared properties from MessagePack, or None if there is none."""
        ...


class Planner:
    """Makes the plans of types and caches them.

    Args:
        schemas: The source of the schemas of the types; None if they have no schemas.
        convert: Builds messages, which have no plans.
    """

    def __init__(self, schemas: Schemas | None, convert: Callable[[object, object], object]) -> None:
        self.schemas = schemas
        self._convert = convert
        self._plans: dict[tuple[object, bool, object], Plan] = {}

    def plan(self, form: object, *, checked: bool, names: Mapping[str, object] | None = None) -> Plan:
        """Return the plan of a type.

        Args:
            form: The type.
            checked: Check data against the schema of its type. Its parts are then not checked again.
            names: The types that names in `form` stand for.
        """
        key = (form, checked, _order(form))
        try:
            known = self._plans.get(key)
        except TypeError:  # the type has arguments that cannot be hashed
            return self._made(form, names, checked=checked)
        if known is None:
            known = self._plans[key] = self._made(form, names, checked=checked)
        return known

    def _made(self, form: Any, names: Mapping[str, object] | None, *, checked: bool) -> Plan:  # Any: of whatever kind
        if isinstance(form, (str, ForwardRef)):
            return Later(lambda: self.plan(_evaluated(form, names), checked=checked, names=names))
        plan: Plan | None
        schema = self.schemas.schema_of(form) if checked and self.schemas is not None else None
        if schema is not None:
            return Checked(self.plan(form, checked=False, names=names), schema)
        condition = condition_of(form)
        if condition is not None and self.schemas is not None:
            plan = self.plan(get_args(form)[0], checked=checked, names=names)
            return Conditional(plan, self.schemas.schema_at(condition.schema))
        form = unnamed(form)
        if not isinstance(form, type) and hasattr(form, "__value__"):  # an alias may refer to itself
            names = vars(sys.modules.get(getattr(form, "__module__", ""), types))
            return Later(lambda: self.plan(form.__value__, checked=checked, names=names))
        inner = bare(form)
        kind = kind_of(inner)
        if inner is Any or inner is object or isinstance(inner, TypeVar):
            return Anything()
        if is_union(inner):
            return self._union(inner, names, checked=checked)
        if is_message_class(kind):
            return self._of_class(inner, kind)
        plan = None
        if kind is not None and is_a(kind, collections.abc.Mapping):
            plan = self._map(get_args(inner), kind, names, checked=checked)
        elif kind is not None and is_array_kind(kind) and not hasattr(kind, "_fields"):
            plan = self._array(inner, kind, names, checked=checked)
        if plan is None:
            return Leaf(form)
        limits = limits_of(form)
        return Limited(plan, limits) if limits else plan

    def _union(self, union: object, names: Mapping[str, object] | None, *, checked: bool) -> Plan:
        plans: list[Plan] = []
        messages: list[object] = []
        for form in get_args(union) if checked else flat_members(union):  # aliases have schemas of their own
            if form is msgspec.UnsetType:
                continue
            kind = kind_of(bare(form))
            if is_message_class(kind) and not kind.is_record and vars(kind).get(PLANNER) is not self:
                messages.append(form)
            else:
                plans.append(self.plan(form, checked=checked, names=names))
        if messages:
            plans.append(self._foreign(union_of(messages), by_tag=bool(plans)))
        shown = " or ".join(_shown(form) for form in flat_members(union) if form is not msgspec.UnsetType)
        return plans[0] if len(plans) == 1 else OneOf(plans, shown)

    def _of_class(self, form: object, cls: type[Frozen]) -> Plan:
        own: object = vars(cls).get(PLANNER)
        if isinstance(own, Planner) and own is not self:
            return own.plan(form, checked=True)
        if not cls.is_record and own is not self:
            return self._foreign(form)
        schema = self.schemas.schema_of(cls) if self.schemas is not None else None
        return Object(cls, schema, lambda: self._fields(form, cls))

    def _fields(self, form: object, cls: type[Frozen]) -> tuple[Mapping[str, Field], Plan | None]:
        names = {cls.__name__: cls, **vars(sys.modules.get(cls.__module__, types))}
        extras: Plan | None = None
        fields: dict[str, Field] = {}
        for field in fields_of(form):
            if field.name == EXTRAS_FIELD:
                extras = self.plan((get_args(bare(field.type)) or (str, object))[1], checked=False, names=names)
            else:
                plan = self.plan(field.type, checked=False, names=names)
                fields[field.encode_name] = Field(field.name, plan, required=field.required)
        return fields, extras

    def _foreign(self, form: object, *, by_tag: bool = False) -> Plan:
        return Foreign(lambda raw: self._convert(raw, form), by_tag=by_tag)

    def _map(
        self, arguments: Sequence[object], kind: type, names: Mapping[str, object] | None, *, checked: bool
    ) -> Plan:
        key, value = arguments if len(arguments) == 2 else (str, object)
        keys = None if bare(key) in (str, object) and key is bare(key) else Key(key)
        return Map(keys, self.plan(value, checked=checked, names=names), dict if kind is dict else FrozenDict)

    def _array(self, form: object, kind: type, names: Mapping[str, object] | None, *, checked: bool) -> Plan:
        arguments: tuple[object, ...] = get_args(form)
        finish: type = kind if kind in (list, set, frozenset) else tuple
        if not is_a(kind, tuple):
            if is_a(kind, collections.abc.Set) and kind not in (set, frozenset):
                finish = frozenset
            item = arguments[0] if arguments else object
            return Array((), self.plan(item, checked=checked, names=names), finish)
        if form is tuple:
            arguments = (object, ...)
        if arguments[1:] == (...,):
            return Array((), self.plan(arguments[0], checked=checked, names=names), finish)
        fixed: list[Plan] = []
        rest: Plan | None = None
        for argument in arguments:
            unpacked = _unpacked(argument)
            if unpacked is None:
                fixed.append(self.plan(argument, checked=checked, names=names))
            else:
                rest = self.plan(get_args(unpacked)[0], checked=checked, names=names)
        return Array(fixed, rest, finish)


def fields_of(form: Any) -> tuple[msgspec.structs.FieldInfo, ...]:  # Any: a class or Class[arguments]
    """Return the fields of a class.

    Raises:
        TypeError: An annotation has names that are unknown when the program runs.
    """
    try:
        return msgspec.structs.fields(form)
    except NameError as error:
        raise TypeError(
            f"{form} cannot be decoded, for {error}: names in its annotations must be known in the module when the "
            "program runs, not only under TYPE_CHECKING or in a function"
        ) from None


def planner_of(form: object, convert: Callable[[object, object], object]) -> Planner | None:
    """Return the planner of the first record that a type names at its top level, or None if it names none there.

    An alias of a generated module has the planner of its module, if it contains records.
    """
    for cls in _named_classes(form) if _aliases_in(form) else ():
        own: object = vars(cls).get(PLANNER)
        if isinstance(own, Planner) and own.schemas is not None and any(map(own.schemas.schema_of, _aliases_in(form))):
            return own
    for member in flat_members(bare(form)):
        kind = kind_of(bare(member))
        if is_message_class(kind) and kind.is_record:
            planner: object = vars(kind).get(PLANNER)
            if not isinstance(planner, Planner):
                planner = Planner(None, convert)
                setattr(kind, PLANNER, planner)
            return planner
    return None


def schemas_of(form: object) -> Schemas | None:
    """Return the source of the schemas of the records that a type contains, or None if there is not exactly one."""
    found = {id(each): each for cls in _named_classes(form) if (each := vars(cls).get(PLANNER)) is not None}
    planner: object = next(iter(found.values()), None)
    return planner.schemas if len(found) == 1 and isinstance(planner, Planner) else None


def _named_classes(form: object) -> Iterator[type[Frozen]]:
    """Yield the message classes that a type contains; the fields of classes do not count."""
    inner = bare(form)
    kind = kind_of(inner)
    if is_message_class(kind):
        yield kind
    for part in get_args(inner):
        yield from _named_classes(part)


def has_only_sound_records(form: object, *, in_messages: bool = True) -> bool:
    """Return whether everything that msgspec accepts for a type fits the schemas of the records in it.

    Args:
        form: The type.
        in_messages: Whether the fields of message classes count.
    """
    return _is_sound(form, set(), deep=in_messages)


def _is_sound(form: object, seen: set[object], *, deep: bool) -> bool:
    aliases = _aliases_in(form)
    schemas = (
        next((own for cls in _named_classes(form) if (own := _schemas_of(cls)) is not None), None) if aliases else None
    )
    if schemas is not None and any(schemas.schema_of(each) and not schemas.is_sound(each) for each in aliases):
        return False
    inner = bare(form)
    kind = kind_of(inner)
    if is_message_class(kind):
        return not _has_tag(kind) and _is_sound_class(kind, seen, deep=deep)
    if not is_union(inner):
        return all(_is_sound(argument, seen, deep=deep) for argument in get_args(inner) if has_messages(argument))
    known = [(member, kind_of(bare(member))) for member in flat_members(inner) if has_messages(member)]
    classes = [kind for _, kind in known if is_message_class(kind)]
    if len([kind for kind in classes if kind.is_record]) == 1 and any(map(_has_tag, classes)):
        return False
    return all(_is_sound_class(kind, seen, deep=deep) for kind in classes) and all(
        _is_sound(member, seen, deep=deep) for member, kind in known if not is_message_class(kind)
    )


def _aliases_in(form: object) -> list[object]:
    """Return the aliases of generated modules at the top level of a type: itself and the members of a union."""
    inner = bare(form)
    return [each for each in (form, *(get_args(inner) if is_union(inner) else ())) if unnamed(each) is not each]


def _has_tag(cls: type[Frozen]) -> bool:
    """Return whether a class is a record with a tag; msgspec does not require the tag if no other class is possible."""
    return cls.is_record and cls.__struct_config__.tag is not None


def _is_sound_class(cls: type[Frozen], seen: set[object], *, deep: bool) -> bool:
    if cls in seen or not (cls.is_record or deep):
        return True
    seen.add(cls)
    schemas = _schemas_of(cls) if cls.is_record else None
    if schemas is not None:
        return schemas.is_sound(cls)
    try:
        fields = msgspec.structs.fields(cls)
    except NameError:  # the error is raised when such data is decoded
        return True
    return all(_is_sound(field.type, seen, deep=deep) for field in fields if has_messages(field.type))


def _schemas_of(cls: type[Frozen]) -> Schemas | None:
    planner: object = vars(cls).get(PLANNER)
    return planner.schemas if isinstance(planner, Planner) else None


def names_records(form: object) -> bool:
    """Return whether a type contains records; the fields of classes do not count."""
    form = bare(form)
    kind = kind_of(form)
    return (is_message_class(kind) and kind.is_record) or any(map(names_records, get_args(form)))


def _unpacked(argument: object) -> object:
    """Return the tuple that is unpacked inside another one, as in ``tuple[int, *tuple[str, ...]]``."""
    if get_origin(argument) in (Unpack, typing_extensions.Unpack):
        return get_args(argument)[0]
    return argument if getattr(argument, "__unpacked__", False) else None


def _order(form: object) -> tuple[object, ...]:
    """Return the parts of a type in their order, in which ``A | B`` and ``B | A`` differ though they are equal."""
    return tuple((part, _order(part)) for part in get_args(form))


def _evaluated(form: str | ForwardRef, names: Mapping[str, object] | None) -> object:
    reference = form if isinstance(form, ForwardRef) else ForwardRef(form)
    return evaluate_forward_ref(reference, globals=dict(names or {}))


def _shown(form: object) -> str:
    kind = kind_of(bare(form))
    return "null" if kind is type(None) else kind.__name__ if kind is not None else str(form)

"""The kinds of plans, which build scalars, containers, unions and objects from plain JSON.

They build records. In a union of records, the first record whose schema accepts the data is chosen. Only `planning.py`
uses them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from miniagents.messages.coding.building import Frame, Plan, RefusedError, build, can_build
from miniagents.messages.coding.decode_errors import DecodeError, UnknownFormError, from_msgspec, json_type
from miniagents.messages.coding.type_shapes import bare
from miniagents.messages.values.freezing import FrozenDict, freeze, is_list, is_mapping, path_of
from miniagents.messages.values.record import EXTRAS_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from miniagents.messages.coding.building import Finish, Schema
    from miniagents.messages.values.frozen import Frozen


class Anything(Plan):
    """Any plain JSON, which is frozen."""

    @override
    def takes(self, raw: object) -> bool:  # accepts anything
        return True

    @override
    def fits(self, raw: object) -> bool:  # accepts anything
        return True

    @override
    def open(self, raw: object) -> object:
        return freeze(raw)


class Leaf(Plan):
    """A type that msgspec alone decodes: a scalar with or without constraints, an enum, a literal, a date."""

    def __init__(self, form: Any) -> None:  # Any: msgspec takes every type
        self.form = form

    @override
    def takes(self, raw: object) -> bool:
        if is_mapping(raw) or is_list(raw):
            return False
        try:
            self.open(raw)
        except RefusedError:
            return False
        return True

    fits = takes

    @override
    def open(self, raw: object) -> object:
        if type(raw) is self.form:
            return raw
        try:
            made: object = msgspec.convert(raw, self.form)
        except msgspec.ValidationError as error:
            if isinstance(raw, float) and raw.is_integer():  # in JSON Schema 1.0 is an integer
                return self.open(int(raw))
            refused = from_msgspec(error, "")
            raise RefusedError(refused.reason, refused.path) from None
        if type(made) is float and type(raw) is int and made != raw:
            raise RefusedError(f"{raw} has no equal float")
        return made


class Key(Leaf):
    """A key of an object, which is a string in JSON."""

    @override
    def open(self, raw: object) -> object:
        try:
            made: Mapping[object, object] = msgspec.convert({raw: None}, dict[self.form, object], str_keys=True)  # type: ignore[name-defined] # a type for msgspec alone
        except msgspec.ValidationError as error:
            raise RefusedError(str(error)) from None
        return next(iter(made))


class Array(Plan):
    """Tuples of fixed or any length, frozensets, lists."""

    def __init__(self, fixed: Sequence[Plan], rest: Plan | None, finish: Finish) -> None:
        self.fixed = fixed
        self.rest = rest
        self.finish = finish

    @override
    def takes(self, raw: object) -> bool:
        return is_list(raw) and (len(raw) == len(self.fixed) or (len(raw) > len(self.fixed) and self.rest is not None))

    @override
    def fits(self, raw: object) -> bool:
        return self.takes(raw) and is_list(raw) and all(plan.fits(item) for _, plan, item in self._children(raw))

    @override
    def open(self, raw: object) -> object:
        if not is_list(raw):
            raise RefusedError(f"expected an array, got {json_type(raw)}")
        if not self.takes(raw):
            more = " or more" if self.rest is not None else ""
            raise RefusedError(f"expected an array of length {len(self.fixed)}{more}, got {len(raw)}")
        return Frame(self._children(raw), self.finish)

    def _children(self, raw: list[object]) -> Iterable[tuple[int, Plan, object]]:
        for index, item in enumerate(raw):
            plan = self.fixed[index] if index < len(self.fixed) else self.rest
            if plan is not None:
                yield index, plan, item


class Map(Plan):
    """Objects whose properties all have one type."""

    def __init__(self, keys: Plan | None, values: Plan, finish: Finish) -> None:
        self.keys = keys
        self.values = values
        self.finish = finish

    @override
    def takes(self, raw: object) -> bool:
        return is_mapping(raw)

    @override
    def fits(self, raw: object) -> bool:
        return (
            is_mapping(raw)
            and (self.keys is None or all(map(self.keys.fits, raw)))
            and all(map(self.values.fits, raw.values()))
        )

    @override
    def likeness(self, raw: Mapping[object, object]) -> int:
        return 0

    @override
    def open(self, raw: object) -> object:
        if not is_mapping(raw):
            raise RefusedError(f"expected an object, got {json_type(raw)}")
        names = [str(name) for name in raw]
        keys: list[Any] = list(names)  # Any: of the type of the keys
        if self.keys is not None:
            keys = [build(self.keys, name) for name in names]
        children = zip(names, [self.values] * len(names), raw.values(), strict=True)
        return Frame(children, lambda built: self.finish(dict(zip(keys, built, strict=True))))


class OneOf(Plan):
    """A union: the only member that data of this JSON type can be of, or the first that accepts it."""

    def __init__(self, members: Sequence[Plan], shown: str) -> None:
        self.members = members
        self.shown = shown

    @override
    def takes(self, raw: object) -> bool:
        return any(member.takes(raw) for member in self.members)

    @override
    def fits(self, raw: object) -> bool:
        return any(member.takes(raw) and member.fits(raw) for member in self.members)

    @override
    def open(self, raw: object) -> object:
        candidates = [member for member in self.members if member.takes(raw)]
        if not candidates and is_mapping(
            raw
        ):  # a single member with objects must be meant, so its error is the most useful
            meant = [member for member in self.members if member.likeness(raw) >= 0]
            candidates = meant if len(meant) == 1 else []
        if not candidates:
            raise RefusedError(f"expected {self.shown}, got {json_type(raw)}")
        if len(candidates) == 1:
            return candidates[0].open(raw)
        kind = type(raw)
        for member in candidates:  # 1.0 fits an integer and a number: a float is preferred
            if isinstance(member, Leaf) and bare(member.form) is kind:
                return member.open(raw)
        for member in candidates:
            if member.fits(raw):
                return member.open(raw)
        return (max(candidates, key=lambda member: member.likeness(raw)) if is_mapping(raw) else candidates[0]).open(
            raw
        )


class Field:
    """A field of an object."""

    __slots__ = ("name", "plan", "required")

    def __init__(self, name: str, plan: Plan, *, required: bool) -> None:
        self.name: str = name
        self.plan: Plan = plan
        self.required: bool = required


class Object(Plan):
    """Values of one Frozen class.

    Args:
        cls: The class.
        schema: Its schema, if it has one.
        fields: Returns the fields by their encoded names, and the plan of the extras if the class has them. It is
            called when the first value is built, because classes may refer to each other.
    """

    def __init__(
        self,
        cls: type[Frozen],
        schema: Schema | None,
        fields: Callable[[], tuple[Mapping[str, Field], Plan | None]],
    ) -> None:
        self.cls = cls
        self._schema = schema
        self._find_fields = fields
        self._fields: tuple[Mapping[str, Field], Plan | None] | None = None
        self._tag_field = cls.__struct_config__.tag_field
        self._tag = cls.__struct_config__.tag

    @override
    def takes(self, raw: object) -> bool:
        return is_mapping(raw) and (self._tag_field is None or self._has_tag(raw))

    @override
    def fits(self, raw: object) -> bool:
        return self.takes(raw) and (can_build(self, raw) if self._schema is None else self._schema.accepts(raw))

    @override
    def open(self, raw: object) -> object:
        if not is_mapping(raw):
            raise RefusedError(f"expected an object, got {json_type(raw)}")
        if self._tag_field is not None and not self._has_tag(raw):
            if self._tag_field not in raw:
                raise RefusedError(f"{self.cls.__name__} needs the property {self._tag_field!r}: {self._tag!r}")
            where = path_of("", [self._tag_field])
            raise RefusedError(f"expected {self._tag!r}, got {raw[self._tag_field]!r:.99}", where)
        if self._fields is None:
            self._fields = self._find_fields()
        fields, extras = self._fields
        names: list[str] = []
        children: list[tuple[str, Plan, object]] = []
        beside: list[str] = []
        for key, part in raw.items():
            name = str(key)
            if (field := fields.get(name)) is not None:
                names.append(field.name)
                children.append((name, field.plan, part))
            elif name != self._tag_field:
                beside.append(name)
        for name, field in fields.items():
            if field.required and name not in raw:
                raise RefusedError(f"{self.cls.__name__} needs the property {name!r}")
        if beside:
            if extras is None:
                known = ", ".join(sorted(fields)) or "none"
                reason = f"{self.cls.__name__} has no such property; its properties are: {known}"
                raise RefusedError(reason, path_of("", beside[:1]), UnknownFormError)
            children += [(name, extras, raw[name]) for name in beside]
        return Frame(children, lambda built: self._finish(names, beside, built))

    @override
    def likeness(self, raw: Mapping[object, object]) -> int:
        return len(raw.keys() & set(self.cls.__struct_encode_fields__))

    def _has_tag(self, raw: Mapping[object, object]) -> bool:
        if self._tag_field not in raw:
            return not self.cls.is_record  # only the class tag of a message may be missing
        tag = raw[self._tag_field]
        return tag == self._tag and not isinstance(tag, bool)

    def _finish(self, names: list[str], beside: list[str], built: list[object]) -> object:
        given = dict(zip(names, built, strict=False))
        if beside:
            given[EXTRAS_FIELD] = FrozenDict(zip(beside, built[len(names) :], strict=True))
        cls: Any = self.cls  # Any: it takes the fields that it has
        try:
            return cls(**given)
        except (TypeError, ValueError) as error:  # raised by a __post_init__
            raise RefusedError(str(error)) from None


class Later(Plan):
    """The type that a name or an alias stands for; it is looked up when needed, because it may refer to itself."""

    def __init__(self, find: Callable[[], Plan]) -> None:
        self._find = find
        self._found: Plan | None = None

    def _plan(self) -> Plan:
        if self._found is None:
            self._found = self._find()
        return self._found

    @override
    def takes(self, raw: object) -> bool:
        return self._plan().takes(raw)

    @override
    def fits(self, raw: object) -> bool:
        return self._plan().fits(raw)

    @override
    def likeness(self, raw: Mapping[object, object]) -> int:
        return self._plan().likeness(raw)

    @override
    def open(self, raw: object) -> object:
        return self._plan().open(raw)


class Checked(Plan):
    """A type whose data is checked against a schema before it is built."""

    def __init__(self, plan: Plan, schema: Schema) -> None:
        self._plan = plan
        self._schema = schema

    @override
    def takes(self, raw: object) -> bool:
        return self._plan.takes(raw)

    @override
    def fits(self, raw: object) -> bool:
        return self._schema.accepts(raw)

    @override
    def likeness(self, raw: Mapping[object, object]) -> int:
        return self._plan.likeness(raw)

    @override
    def open(self, raw: object) -> object:
        refused = self._schema.refusal(raw)
        if refused is not None:
            raise refused
        return self._plan.open(raw)


class Conditional(Plan):
    """A member of a union for data that fits another schema as well."""

    def __init__(self, plan: Plan, condition: Schema) -> None:
        self._plan = plan
        self._condition = condition

    @override
    def takes(self, raw: object) -> bool:
        return self._plan.takes(raw)

    @override
    def fits(self, raw: object) -> bool:
        return self._condition.accepts(raw) and self._plan.fits(raw)

    @override
    def likeness(self, raw: Mapping[object, object]) -> int:
        return self._plan.likeness(raw) if self._condition.accepts(raw) else -1

    @override
    def open(self, raw: object) -> object:
        return self._plan.open(raw)


class Foreign(Plan):
    """Messages, which a function from elsewhere builds; it finds their classes by their tags."""

    def __init__(self, convert: Callable[[object], object], *, by_tag: bool = False) -> None:
        self._convert = convert
        self._by_tag = by_tag

    @override
    def takes(self, raw: object) -> bool:
        return is_mapping(raw) and (not self._by_tag or "@type" in raw)

    @override
    def likeness(self, raw: Mapping[object, object]) -> int:
        return len(raw) if "@type" in raw else 0

    @override
    def open(self, raw: object) -> object:
        try:
            return self._convert(raw)
        except DecodeError as error:
            raise RefusedError(error.reason, error.path, type(error)) from None


class Limited(Plan):
    """A container whose length is limited."""

    def __init__(self, plan: Plan, limits: Sequence[msgspec.Meta]) -> None:
        self._plan = plan
        self._limits = limits

    @override
    def takes(self, raw: object) -> bool:
        return self._plan.takes(raw)

    @override
    def fits(self, raw: object) -> bool:
        return self._reason(raw) is None and self._plan.fits(raw)

    @override
    def likeness(self, raw: Mapping[object, object]) -> int:
        return self._plan.likeness(raw)

    @override
    def open(self, raw: object) -> object:
        reason = self._reason(raw)
        if reason is not None:
            raise RefusedError(reason)
        return self._plan.open(raw)

    def _reason(self, raw: object) -> str | None:
        if is_list(raw) or is_mapping(raw):
            for meta in self._limits:
                if meta.min_length is not None and len(raw) < meta.min_length:
                    return f"expected a length of {meta.min_length} or more, got {len(raw)}"
                if meta.max_length is not None and len(raw) > meta.max_length:
                    return f"expected a length of {meta.max_length} or less, got {len(raw)}"
        return None

"""Record: a Frozen value whose JSON says no class, for data that a schema describes.

A message says what it is by its class tag, "@type". Data that others define has no such tag: it is encoded exactly as
its schema says. Records are the classes of generated modules that are no messages; `schema_codec.py` reads and writes
them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping  # evaluated by msgspec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, TypeVar

import msgspec
from typing_extensions import dataclass_transform

from miniagents.messages.values.freezers import freeze_fields
from miniagents.messages.values.freezing import FrozenDict, freeze_field, is_mapping
from miniagents.messages.values.frozen import Frozen, FrozenMeta

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from miniagents.messages.values.freezers import FieldFreezer, Freezer

__all__ = ["NO_EXTRAS", "Extras", "JsonValue", "Record"]

V = TypeVar("V")

if TYPE_CHECKING:
    JsonValue: TypeAlias = "bool | int | float | str | tuple[JsonValue, ...] | Mapping[str, JsonValue] | None"
    """Anything that JSON can say, frozen: None, bool, int, float, str, tuples and mappings of such."""
else:
    JsonValue = Any  # msgspec reads no recursive aliases

Extras: TypeAlias = Annotated[Mapping[str, V], msgspec.Meta(min_length=sys.maxsize)]
"""The type of the field `extra_properties` of an open `Record`: a mapping, which msgspec alone never reads.

For it would read a property called "@extra" as the field. The length is asked of what is decoded only.
"""

NO_EXTRAS: FrozenDict[str, Any] = FrozenDict()  # Any: it is empty
"""What `extra_properties` holds when there is nothing beside the declared properties."""

EXTRAS_FIELD = "extra_properties"
EXTRAS_KEY = "@extra"

NAMESPACE = "__namespace__"
"""Where a generated class keeps the namespace of its module."""


def _freeze_extras(value: object, owner: type, name: str) -> object:
    """Freeze what is beside the declared properties; none of it may be one of those."""
    frozen = freeze_field(value, owner, name)
    if frozen is not NO_EXTRAS and is_mapping(frozen) and issubclass(owner, msgspec.Struct):
        known = dict(zip(owner.__struct_encode_fields__, owner.__struct_fields__, strict=True))
        known.pop(EXTRAS_KEY, None)
        for key in frozen:
            if type(key) is not str:
                raise TypeError(f"{owner.__qualname__}.{name}: the names of properties are strings, not {key!r}")
            if key in known:
                raise ValueError(
                    f"{owner.__qualname__}.{name}: {key!r} is a declared property: give it as `{known[key]}=...`"
                )
            if key == owner.__struct_config__.tag_field:
                raise ValueError(f"{owner.__qualname__}.{name}: {key!r} is what tells the class, it cannot be another")
    return frozen


class RecordMeta(FrozenMeta):
    """Makes Record classes."""

    has_class_tag: ClassVar[bool] = False
    own_freezers: ClassVar[Mapping[str, Freezer]] = {EXTRAS_FIELD: _freeze_extras}
    frozen_by_decoding: ClassVar[bool] = True

    @property
    def class_tag(cls) -> str:  # noqa: N805  # a metaclass
        """The name of the class, with the namespace of its module before it, if that has one.

        What its values are encoded with says nothing of it, or only one of several.
        """
        namespace: str | None = vars(cls).get(NAMESPACE)
        return cls.__name__ if namespace is None else f"{namespace}.{cls.__name__}"

    @property
    def is_record(cls) -> bool:  # noqa: N805  # a metaclass
        """Always."""
        return True

    if TYPE_CHECKING:
        __freeze_given__: Callable[[Frozen], None] | None

    def made(cls) -> None:  # noqa: N805  # a metaclass
        """Refuse also a field for extras that is not encoded as such; have frozen what constructors are given."""
        super().made()
        encoded = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
        if encoded.get(EXTRAS_FIELD, EXTRAS_KEY) != EXTRAS_KEY:
            raise TypeError(
                f"{cls.__name__}.{EXTRAS_FIELD} is for properties that are not declared: encode it under its name with "
                f'`msgspec.field(default=NO_EXTRAS, name="{EXTRAS_KEY}")`, or give the field another name'
            )
        fields: dict[str, FieldFreezer] = vars(cls).get("__frozen_fields__", {})
        cls.__freeze_given__ = None
        if fields and not hasattr(cls, "__post_init__"):
            # decoding makes what is frozen already, and pays nothing: only who calls the class may give it other things
            cls.__freeze_given__ = freeze_fields(fields)
            cls.__class__ = CallableRecordMeta  # pyright: ignore[reportAttributeAccessIssue] # a class that is called in another way


class CallableRecordMeta(RecordMeta):
    """Of classes whose fields are frozen when the class is called; the others are called by msgspec alone."""

    if not TYPE_CHECKING:  # checkers are to see the fields

        def __call__(cls, *arguments: object, **fields: object) -> Frozen:  # noqa: N805  # a class
            made = super().__call__(*arguments, **fields)
            if cls.__freeze_given__ is not None:
                cls.__freeze_given__(made)
            return made


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(Frozen, metaclass=RecordMeta, frozen=True):
    """A frozen value that is encoded as its fields and nothing else: without "@type".

    What stands in a field declared as a Record is read back as that very class, for nothing in the data says another:
    of a value of a derived class, the properties which that adds come back as extras, if the declared class has them.

    Options of the class beside those of msgspec: with ``tag_field="type", tag="text"`` values are encoded with a
    property "type" that is "text", by which a union can tell them apart. Like all tags it is not inherited.

    A field ``extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")`` makes the object
    open: it holds the properties that are not declared, and they are encoded beside the others.

    `hash_key` knows the class by its name; in a generated module with a namespace by both.

    To change fields use `copy.replace` (Python 3.13) or what that calls, ``record.__replace__(name="new")``: the values
    that `msgspec.structs.replace` is given are taken as they are, so that decoding need not look at them either.

    Examples:
        >>> import msgspec
        >>> class Point(Record, frozen=True):
        ...     x: int
        ...     label: str | msgspec.UnsetType = msgspec.UNSET
        ...     extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")
        >>> encode(Point(1, extra_properties={"colour": "red"}))
        b'{"x":1,"colour":"red"}'
        >>> decode('{"x": 2, "size": [1, 2]}', Point).extra_properties["size"]
        (1, 2)

    Raises:
        TypeError: See `Frozen`.
        ValueError: See `Frozen`; or an extra property has the name of a declared one.
    """

    if not TYPE_CHECKING:

        def __replace__(self, **changes: object) -> Self:
            """Make a changed copy, as `copy.replace` asks for; what it is given is frozen (M1)."""
            cls = type(self)
            return cls(**{name: getattr(self, name) for name in cls.__struct_fields__} | changes)

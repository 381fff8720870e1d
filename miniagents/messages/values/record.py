"""`Record`, a Frozen value whose JSON does not name its class, for data that a schema describes.

The JSON of a message names its class in "@type". Data with a schema from elsewhere has no such tag and is encoded
exactly as its schema demands. The classes of generated modules are records unless they are messages; `schema_codec.py`
decodes and encodes them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping  # evaluated by msgspec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, ForwardRef, TypeAlias, TypeVar, Union

import msgspec
from typing_extensions import dataclass_transform

from miniagents.messages.values.freezers import OwnFreezer
from miniagents.messages.values.freezing import (
    JSON_FLAT,
    FrozenDict,
    JsonValue,
    freeze_field,
    frozen_quickly,
    is_mapping,
)
from miniagents.messages.values.frozen import CalledMeta, Frozen, FrozenMeta
from miniagents.messages.values.untyped import is_plain, note

__all__ = ["NO_EXTRAS", "AnyJson", "Extras", "Maybe", "OpenRecord", "Record"]

V = TypeVar("V")

Extras: TypeAlias = Annotated[Mapping[str, V], msgspec.Meta(min_length=sys.maxsize)]
"""The type of the field `extra_properties` of an open `Record`: a mapping of the properties it does not declare.

The minimum length makes msgspec alone refuse to decode the field: otherwise a property called "@extra" could fill it.
msgspec checks lengths only when it decodes, so constructors are not affected.
"""

if TYPE_CHECKING:
    Maybe: TypeAlias = V | msgspec.UnsetType
    """The type of a field that may be absent, and is `msgspec.UNSET` then: `Maybe[int]` is `int | UnsetType`."""

    AnyJson: TypeAlias = JsonValue
    """`JsonValue` beside the classes of a union, as in `Place | AnyJson`: a value is of the first member that it fits.

    When the program runs, it has a member for each JSON type, because a union with `Any` says nothing of its classes.
    """
else:

    class _Maybe:
        # An alias with a type variable caches its unions, and takes `A | B` for `B | A`. The order matters to decoding.
        def __getitem__(self, form: Any) -> Any:  # Any: types
            return (ForwardRef(form) if isinstance(form, str) else form) | msgspec.UnsetType

        def __repr__(self) -> str:
            return "Maybe"

    Maybe = _Maybe()

    AnyJson = Union[bool, int, float, str, tuple[Any, ...], Mapping[str, Any], None]  # noqa: UP007, RUF100 # a union of typing

NO_EXTRAS: FrozenDict[str, Any] = FrozenDict()  # Any: it is empty
"""The value of `extra_properties` if there are only declared properties."""

EXTRAS_FIELD = "extra_properties"
EXTRAS_KEY = "@extra"

NAMESPACE = "__namespace__"
"""The attribute of a generated class that holds the namespace of its module."""


def _freeze_extras(value: object, owner: type, name: str) -> object:
    """Freeze the extra properties; raise an error if one of them has the name of a declared property."""
    quick = frozen_quickly(value, JSON_FLAT)
    frozen = freeze_field(value, owner, name) if quick is None else quick
    if not frozen and is_mapping(frozen):
        return msgspec.UNSET
    if is_mapping(frozen) and issubclass(owner, msgspec.Struct):
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
        if quick is None and not is_plain(frozen):
            note(owner, name)
    return frozen


class RecordMeta(FrozenMeta):
    """The metaclass of Record classes."""

    has_class_tag: ClassVar[bool] = False
    own_freezers: ClassVar[Mapping[str, OwnFreezer]] = {EXTRAS_FIELD: OwnFreezer(_freeze_extras, NO_EXTRAS)}

    @property
    def class_tag(cls) -> str:  # noqa: N805  # a metaclass
        """The name of the class, after the namespace of its module if it has one.

        The encoded values do not contain it.
        """
        namespace: str | None = vars(cls).get(NAMESPACE)
        return cls.__name__ if namespace is None else f"{namespace}.{cls.__name__}"

    @property
    def is_record(cls) -> bool:  # noqa: N805  # a metaclass
        """Whether values of the class are encoded without a class tag: always True here."""
        return True

    def made(cls) -> None:  # noqa: N805  # a metaclass
        """Check a class that was just made.

        Raises:
            TypeError: A field or an option of the class is not allowed, or the field for extras has the wrong encoded
                name.
        """
        super().made()
        encoded = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))
        if encoded.get(EXTRAS_FIELD, EXTRAS_KEY) != EXTRAS_KEY:
            raise TypeError(
                f"{cls.__name__}.{EXTRAS_FIELD} is for properties that are not declared: encode it under its name with "
                f'`msgspec.field(default=NO_EXTRAS, name="{EXTRAS_KEY}")`, or give the field another name'
            )


class CalledRecordMeta(CalledMeta, RecordMeta):
    """The metaclass of Record classes whose calls look at the new value."""


RecordMeta.called_with = CalledRecordMeta


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(Frozen, metaclass=RecordMeta, frozen=True):
    """A frozen value that is encoded as its fields only, without "@type".

    The value of a field declared as a Record is decoded as exactly that class, because the data names no other. If the
    field held a value of a derived class, the properties that the derived class adds become extras. The declared class
    must allow extras then.

    The options ``tag_field="type", tag="text"`` of a class add a property "type" with the value "text" to its encoded
    values, by which a union tells its members apart. Subclasses do not inherit them.

    A field ``extra_properties: Extras[int] = msgspec.field(default=NO_EXTRAS, name="@extra")`` makes the object open:
    the field holds the properties that are not declared, and they are encoded beside the others. An `OpenRecord` has
    the field for values of any type.

    The `hash_key` depends on the name of the class, and on the namespace of its generated module if there is one.

    Examples:
        >>> import msgspec
        >>> class Point(Record, frozen=True):
        ...     x: int
        ...     label: Maybe[str] = msgspec.UNSET
        ...     extra_properties: Extras[int] = msgspec.field(default=NO_EXTRAS, name="@extra")
        >>> encode(Point(1, extra_properties={"y": 2}))
        b'{"x":1,"y":2}'
        >>> decode('{"x": 2, "z": 3}', Point).extra_properties["z"]
        3

    Raises:
        TypeError: A value cannot be frozen, or a class has a field or an option that is not allowed; see `Frozen`.
        ValueError: A field contains NaN or infinity, or an extra property has the name of a declared one.
    """


class OpenRecord(Record, frozen=True, kw_only=True):
    """A `Record` that may have properties which are not declared, of any JSON type.

    Attributes:
        extra_properties: The properties that are not declared.

    Examples:
        >>> class Point(OpenRecord, frozen=True):
        ...     x: int
        >>> encode(Point(1, extra_properties={"colour": "red"}))
        b'{"x":1,"colour":"red"}'
        >>> decode('{"x": 2, "size": [1, 2]}', Point).extra_properties["size"]
        (1, 2)
    """

    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name=EXTRAS_KEY)

"""What the type checkers must take: records, the codec of generated modules, and the validator. Checked, not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, assert_type

import msgspec

from miniagents.messages import (
    NO_EXTRAS,
    AnyJson,
    Codec,
    Extras,
    JsonValue,
    Maybe,
    OpenRecord,
    Record,
    SchemaCodec,
    SchemaName,
    SchemaTable,
    When,
)
from miniagents.validation import UnsupportedSchemaError, Validator, Violation


class Place(Record, frozen=True, kw_only=True):
    name: str
    height: int | float | msgspec.UnsetType = msgspec.UNSET
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class Lake(OpenRecord, frozen=True, kw_only=True):
    depth: Maybe[int | None] = msgspec.UNSET


class Road(Record, frozen=True, kw_only=True):
    ends: tuple[Place, Place]


PlaceId: TypeAlias = Annotated[str, msgspec.Meta(max_length=9), SchemaName("PlaceId")]
Note: TypeAlias = Annotated[str, SchemaName("Note")]
Side: TypeAlias = Annotated[Literal["left", "right"], SchemaName("Side")]
Part: TypeAlias = Annotated[Place | Road | None, SchemaName("Part")]
Parts: TypeAlias = Annotated[Mapping[str, Part], SchemaName("Parts")]
Extra: TypeAlias = Annotated[JsonValue, SchemaName("Extra")]
Either: TypeAlias = Annotated[Annotated[Place, When("Either#/if")] | Road, SchemaName("Either")]
Open: TypeAlias = Annotated[Place | AnyJson, SchemaName("Open")]


class Stop(Record, frozen=True, kw_only=True):
    id: PlaceId
    side: "Side | msgspec.UnsetType" = msgspec.UNSET  # noqa: UP037  # as in generated modules
    parts: tuple[Part, ...] = ()


CODEC = SchemaCodec({"Place": "{}", "Road": "{}"}, {"Place": Place, "Road": Road}, sound=["Road"])

TABLE = SchemaTable({}, {"Lake": Lake}, sound=["Lake"], module="lakes", later={"Road": "roads"})


def packages(data: bytes) -> None:
    codec = SchemaCodec.of_modules(TABLE, TABLE, namespace="maps")
    assert_type(codec, SchemaCodec)
    lake = codec.decode(data, Lake)
    assert_type(lake.depth, int | None | msgspec.UnsetType)
    assert_type(lake.extra_properties, Mapping[str, JsonValue])
    Lake(depth=3, extra_properties={"salt": True})


def codecs(data: bytes, text: str, value: JsonValue) -> None:
    assert_type(CODEC.decode(data, Place), Place)
    assert_type(CODEC.decode(text, Place | Road), Place | Road)
    assert_type(CODEC.decode(data, tuple[Road, ...]), tuple[Road, ...])
    assert_type(CODEC.encode(Place(name="Berlin")), bytes)
    assert_type(CODEC.is_sound(Road), bool)
    assert_type(CODEC.validator(), Validator)
    CODEC.schema_of(Road)
    _extras: Mapping[str, JsonValue] = Place(name="Berlin", extra_properties={"twin": value}).extra_properties
    _frozen: JsonValue = ({"a": (1, 2.5, "x", None, True)},)


def aliases(data: bytes, name: PlaceId, note: Note, part: Part) -> str:
    assert_type(CODEC.decode(data, PlaceId), str)
    assert_type(CODEC.decode(data, Side), Literal["left", "right"])
    assert_type(CODEC.decode(data, Part), Place | Road | None)
    assert_type(CODEC.decode(data, Parts), Mapping[str, Place | Road | None])
    assert_type(CODEC.decode(data, Extra), JsonValue)
    assert_type(CODEC.decode(data, Either), Place | Road)
    assert_type(CODEC.decode(data, Open), Place | JsonValue)
    _open: tuple[Open, ...] = (Place(name="Berlin"), 3, None, {"a": (1,)})
    assert_type(When("Either#/if").schema, str)
    assert_type(CODEC.decode(data, PlaceId | None), str | None)
    assert_type(CODEC.decode(data, tuple[Note, ...]), tuple[str, ...])
    assert_type(CODEC.decode(data, tuple[Part, Side]), tuple[Place | Road | None, Literal["left", "right"]])
    assert_type(Codec(tuple[Part, ...]).decode(data), tuple[Place | Road | None, ...])
    assert_type(Stop(id=note, side="left", parts=(part,)).parts, tuple[Place | Road | None, ...])
    match part:
        case Place(name=own):
            return own
        case Road(ends=(first, _)):
            return first.name
        case None:
            return name


def validators(validator: Validator, violation: Violation) -> None:
    assert_type(Validator({"Point": {"type": "array"}}), Validator)
    assert_type(Validator({}, {"miniagents:Message": lambda value: value is None}), Validator)
    assert_type(validator.accepts("Point", [1, {"a": None}]), bool)
    assert_type(validator.accepts("Point", 3, "/items"), bool)
    assert_type(validator.violation("Point", [1, 2.5]), Violation | None)
    assert_type(validator.unsupported(), tuple[UnsupportedSchemaError, ...])
    assert_type(violation.path, tuple[str | int, ...])
    assert_type(violation.message, str)

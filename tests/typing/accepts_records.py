"""What the type checkers must take: records, the codec of generated modules, and the validator. Checked, not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type

import msgspec

from miniagents.messages import NO_EXTRAS, Extras, JsonValue, Record, SchemaCodec
from miniagents.validation import UnsupportedSchemaError, Validator, Violation


class Place(Record, frozen=True, kw_only=True):
    name: str
    height: int | float | msgspec.UnsetType = msgspec.UNSET
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class Road(Record, frozen=True, kw_only=True):
    ends: tuple[Place, Place]


CODEC = SchemaCodec({"Place": "{}", "Road": "{}"}, {"Place": Place, "Road": Road}, sound=["Road"])


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


def validators(validator: Validator, violation: Violation) -> None:
    assert_type(Validator({"Point": {"type": "array"}}), Validator)
    assert_type(Validator({}, {"miniagents:Message": lambda value: value is None}), Validator)
    assert_type(validator.accepts("Point", [1, {"a": None}]), bool)
    assert_type(validator.accepts("Point", 3, "/items"), bool)
    assert_type(validator.violation("Point", [1, 2.5]), Violation | None)
    assert_type(validator.unsupported(), tuple[UnsupportedSchemaError, ...])
    assert_type(violation.path, tuple[str | int, ...])
    assert_type(violation.message, str)

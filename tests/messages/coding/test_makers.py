"""M5: the fast way to decode undeclared properties and unions without a tag gives what the exact way gives."""

from __future__ import annotations

import json
from collections.abc import Mapping  # evaluated by msgspec
from typing import Any, ClassVar, Literal

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import Codec, DecodeError, FrozenDict, JsonValue, Maybe, OpenRecord, Record, SchemaCodec
from miniagents.messages.coding.schema_codec import _REFUSALS
from tests.effort import examples


class MkLeft(Record, frozen=True, kw_only=True):
    left: int = msgspec.field(name="it's {0}")


class MkRight(OpenRecord, frozen=True, kw_only=True):
    side: Literal["right", "\\"]
    right: Mapping[str, JsonValue]


class MkOther(OpenRecord, frozen=True, kw_only=True):
    side: Literal["other"]


class MkTagged(OpenRecord, frozen=True, kw_only=True, tag_field="kind", tag="tagged"):
    kind: ClassVar[Literal["tagged"]] = "tagged"
    facts: Maybe[Mapping[str, JsonValue]] = msgspec.UNSET


class MkRoot(OpenRecord, frozen=True, kw_only=True):
    data: Mapping[str, JsonValue]
    sides: tuple[MkLeft | MkRight | MkOther, ...]
    tagged: Maybe[MkTagged] = msgspec.UNSET
    facts: Maybe[Mapping[str, JsonValue]] = msgspec.UNSET


CLASSES = {cls.__name__: cls for cls in (MkLeft, MkRight, MkOther, MkTagged, MkRoot)}
SCHEMAS: dict[str, object] = {
    "MkLeft": {"properties": {"it's {0}": {"type": "integer"}}, "additionalProperties": False},
    "MkRight": {"properties": {"side": {"enum": ["right", "\\"]}, "right": {"type": "object"}}},
    "MkOther": {"properties": {"side": {"const": "other"}}},
    "MkTagged": {"properties": {"kind": {"const": "tagged"}, "facts": {"type": "object"}}},
    "MkRoot": {
        "properties": {
            "data": {"type": "object"},
            "sides": {"items": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in ("MkLeft", "MkRight", "MkOther")]}},
            "tagged": {"$ref": "#/$defs/MkTagged"},
            "facts": {"type": "object"},
        }
    },
}
REQUIRED = {"MkLeft": ["it's {0}"], "MkRight": ["side", "right"], "MkOther": ["side"], "MkTagged": ["kind"]}
codec = SchemaCodec(
    {
        name: json.dumps({"type": "object", "required": REQUIRED.get(name, ["data", "sides"])} | schema)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]  # dicts
        for name, schema in SCHEMAS.items()
    },
    CLASSES,
    checked=[],
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.just(0.5) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
facts = st.dictionaries(st.text(max_size=2), values, max_size=2)
others = st.dictionaries(st.sampled_from(["x", "@extra", "extra_properties", ""]), values, max_size=2)


def open_object(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:  # Any: strategies, JSON
    declared: st.SearchStrategy[Any] = st.fixed_dictionaries(required, optional=optional)  # Any: as above
    both: st.SearchStrategy[tuple[Any, Any]] = st.tuples(others, declared)  # Any: as above
    return both.map(lambda both: both[0] | both[1])


lefts = st.fixed_dictionaries({"it's {0}": st.integers(-9, 9)})
rights = open_object({"side": st.sampled_from(["right", "\\"]), "right": facts}, {})
roots = open_object(
    {"data": facts, "sides": st.lists(lefts | rights | open_object({"side": st.just("other")}, {}), max_size=2)},
    {"tagged": open_object({"kind": st.just("tagged")}, {"facts": facts}), "facts": facts},
)


def ways(name: str) -> tuple[Any, Any]:  # Any: functions of JSON
    form = CLASSES[name]
    return codec.native(form)[1], codec._ways[form].exact


@examples(200)
@given(roots)
def test_m5_what_the_schema_accepts_is_made_as_the_exact_way_makes_it(data: Any) -> None:  # Any: JSON
    make, exact = ways("MkRoot")
    text = json.dumps(data)
    made = make(text)
    assert made == exact(text) == Codec(MkRoot).decode(text)
    assert [*map(type, made.sides)] == [*map(type, exact(text).sides)]
    assert json.loads(codec.encode(made)) == data
    assert made == Codec(MkRoot, "msgpack").decode(msgspec.msgpack.encode(data))
    assert type(made.data) is type(made.extra_properties) is FrozenDict
    assert hash(made) == hash(exact(text))  # which takes no dict and no list


@examples(200)
@given(roots, st.lists(st.sampled_from(["data", "sides", "tagged", "facts", "side", "right", "kind"])), st.data())
def test_m5_what_the_schema_refuses_is_not_made(data: Any, names: list[str], draw: st.DataObject) -> None:  # Any: JSON
    spoiled = [data, *data["sides"], *([data["tagged"]] if "tagged" in data else [])]
    for name in names:
        part = draw.draw(st.sampled_from(spoiled))
        part.pop(name, None)
        if draw.draw(st.booleans()):
            part[name] = draw.draw(values)
    make, exact = ways("MkRoot")
    text = json.dumps(data)
    try:
        made = make(text)
    except _REFUSALS:
        return
    assert made == exact(text)


@pytest.mark.parametrize("data", ["[]", "null", '{"side":"none"}', '{"side":{}}', '{"it\'s {0}":1,"x":2}'])
def test_g2_data_of_no_member_is_refused(data: str) -> None:
    with pytest.raises(DecodeError):
        codec.decode(f'{{"data":{{}},"sides":[{data}]}}', MkRoot)

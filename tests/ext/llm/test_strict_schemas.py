"""The forms of schemas that providers keep models to: what they say, and what they cannot."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import jsonschema
import msgspec
import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import JsonValue, Message, Record, decode
from miniagents.describing.json_schema import JsonSchema, json_schema
from miniagents.describing.nulls import without_nulls
from miniagents.ext.llm._strict_schemas import StrictForm
from miniagents.ext.llm.anthropic.messages import ANTHROPIC_FORM
from miniagents.ext.llm.openai.chat import OPENAI_FORM
from miniagents.messages import NO_EXTRAS, Extras
from miniagents.messages.values.freezing import is_list, is_mapping

each_form = pytest.mark.parametrize("form", [OPENAI_FORM, ANTHROPIC_FORM], ids=lambda form: form.provider)


class Item(Message, kw_only=True):
    """A thing.

    Attributes:
        name: What it is called.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[a-z]+$", max_length=9)]
    price: Annotated[float, msgspec.Meta(gt=0)] | None = None


class Note(Message, kw_only=True):
    about: str


class Everything(Message, kw_only=True):
    """All that can be said.

    Attributes:
        item: A thing.
        kind: Its kind.
    """

    item: Item
    others: Annotated[tuple[Item, ...], msgspec.Meta(min_length=1, max_length=3)]
    kind: Literal["a", "b"] = "a"
    level: Literal[1, 2] | None = None
    only: Literal["x"] = "x"
    either: Item | Note | None = None
    place: tuple[float, float] = (0.0, 0.0)
    mixed: int | str = 0
    day: str | msgspec.UnsetType = msgspec.UNSET
    count: Annotated[int, msgspec.Meta(ge=0, description="How many.")] = 0


class Tree(Message, kw_only=True):
    name: str
    parts: tuple["Tree", ...] = ()


class Open(Record, kw_only=True):
    x: int
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class Holder(Message, kw_only=True):
    open: Open


class Mappings(Message, kw_only=True):
    deep: tuple[dict[str, int], ...]


class Anything(Message, kw_only=True):
    what: JsonValue


class AnyList(Message, kw_only=True):
    what: list[Any]  # Any: what the schema does not say


@each_form
def test_everything_that_can_be_said(form: StrictForm, snapshot: SnapshotAssertion) -> None:
    assert form.of(json_schema(Everything), "here") == snapshot


def test_openai_takes_a_class_in_itself() -> None:
    assert OPENAI_FORM.of(json_schema(Tree), "here") == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "parts": {
                "description": "(default: [])",
                "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Tree"}}, {"type": "null"}],
            },
        },
        "required": ["name", "parts"],
        "additionalProperties": False,
        "$defs": {
            "Tree": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "parts": {
                        "description": "(default: [])",
                        "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Tree"}}, {"type": "null"}],
                    },
                },
                "required": ["name", "parts"],
                "additionalProperties": False,
            }
        },
    }


def test_anthropic_takes_no_class_in_itself() -> None:
    with pytest.raises(
        TypeError, match=r"here: \$\.parts\[\]\.parts\[\] contains itself, Tree, which Anthropic takes in no strict"
    ):
        ANTHROPIC_FORM.of(json_schema(Tree), "here")


@each_form
@pytest.mark.parametrize(
    ("cls", "text"),
    [
        (Mappings, "$.deep[] is a mapping"),
        (Anything, "$.what may be anything"),
        (AnyList, "$.what[] may be anything"),
        (Holder, "$.open may have properties that are not declared"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_path(form: StrictForm, cls: type[Message], text: str) -> None:
    with pytest.raises(TypeError) as refused:
        form.of(json_schema(cls), "here")
    assert str(refused.value).startswith(f"here: {text}, which {form.provider} takes in no strict schema: ")
    assert str(refused.value).endswith(", or give strict=False")


@each_form
def test_the_root_is_an_object(form: StrictForm) -> None:
    with pytest.raises(TypeError, match=r"here: \$ is no object"):
        form.of(json_schema(list[int]), "here")


# --- laws ---


def is_valid(schema: Mapping[str, object], value: object) -> bool:
    validator: Any = jsonschema.Draft202012Validator(dict(schema))  # Any: its stub does not know what JSON is
    return bool(validator.is_valid(value))


ITEMS = st.fixed_dictionaries(
    {"name": st.sampled_from(["tea", "Tea", "milk", "verylongname"])},
    optional={"price": st.sampled_from([None, 0, 1, 2.5, "1"])},
)
VALUES = st.fixed_dictionaries(
    {"item": ITEMS, "others": st.lists(ITEMS, max_size=4)},
    optional={
        "kind": st.sampled_from(["a", "b", "c"]),
        "level": st.sampled_from([1, 2, 3, None]),
        "only": st.sampled_from(["x", "y"]),
        "either": st.none()
        | ITEMS.map(lambda item: {"@type": "Item", **item})
        | st.just({"@type": "Note", "about": "hi"}),
        "place": st.lists(st.integers(0, 3), max_size=3),
        "mixed": st.sampled_from([1, "a", None]),
        "day": st.sampled_from(["monday", None, 3]),
        "count": st.sampled_from([-1, 0, 1]),
    },
)
SCHEMA = json_schema(Everything)
OPENAI = OPENAI_FORM.of(SCHEMA, "here")


def padded(value: object, schema: JsonSchema) -> object:
    """A value with null for every property that is absent, as OpenAI's form asks for all of them."""
    if "$ref" in schema:
        return padded(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        for each in schema["anyOf"]:
            if is_valid({**each, "$defs": SCHEMA["$defs"]}, value):
                return padded(value, each)
    if is_mapping(value) and "properties" in schema:
        return {name: padded(value.get(name), each) for name, each in schema["properties"].items()}
    if is_list(value) and "items" in schema:
        return [padded(each, schema["items"]) for each in value]
    return value


@given(VALUES)
def test_what_a_schema_accepts_its_strict_form_accepts_and_it_means_the_same(
    value: dict[str, Any],
) -> None:  # Any: as above
    if not is_valid(SCHEMA, value):
        return
    assert is_valid(ANTHROPIC_FORM.of(SCHEMA, "here"), value)
    asked = padded(value, SCHEMA)
    assert is_valid(OPENAI, asked)
    back = without_nulls(asked, SCHEMA)
    assert decode(json.dumps(back), Everything) == decode(json.dumps(value), Everything)

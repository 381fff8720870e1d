"""The JSON Schema of a type accepts what the decoder accepts, and says what the docstrings say."""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import subprocess
import sys
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, TypedDict, TypeVar, Union

import jsonschema
import msgspec
import pytest
from hypothesis import assume, given, settings, strategies as st

from miniagents import (
    AssistantMessage,
    DecodeError,
    FrozenDict,
    JsonValue,
    Message,
    Record,
    UserMessage,
    decode,
    encode,
)
from miniagents.describing.docstrings import read_docstring
from miniagents.describing.fields import own_fields
from miniagents.describing.json_schema import class_schemas, json_schema
from miniagents.describing.nulls import without_nulls
from miniagents.messages import NO_EXTRAS, Extras

T = TypeVar("T")


class Sky(enum.Enum):
    """What one sees above."""

    CLEAR = "clear"
    RAIN = "rain"


class Place(Message, kw_only=True):
    """A place.

    Attributes:
        name: What it is called.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    height: int | None = None


class Report(Message, kw_only=True):
    """What the weather is like.

    Attributes:
        place: Where it is
            like that.
        sky: Above.
    """

    place: Place
    sky: Sky = Sky.CLEAR
    gusts: tuple[Annotated[float, msgspec.Meta(ge=0)], ...] = ()
    day: str | msgspec.UnsetType = msgspec.UNSET
    near: tuple[Place, ...] = ()


class Node(Message, kw_only=True):
    name: str
    children: tuple["Node", ...] = ()


class Point(Record, kw_only=True):
    x: int
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class Circle(Record, kw_only=True, tag_field="kind", tag="circle"):
    radius: float


class Square(Record, kw_only=True, tag_field="kind", tag="square"):
    side: float


class Left(Record, kw_only=True):
    left: int


class Right(Record, kw_only=True):
    right: bool
    parts: tuple["Left | Right", ...] = ()


class Drawing(Message, kw_only=True):
    """Of shapes that only their fields tell apart, which msgspec alone does not take."""

    name: str
    sides: Annotated[tuple[Left | Right, ...], msgspec.Meta(max_length=2)] = ()
    by_name: FrozenDict[str, Left | Right] = FrozenDict()
    one: Left | Right | None = None


@dataclasses.dataclass
class Pair:
    left: int
    right: str = "r"


class Options(TypedDict):
    fast: bool
    depth: NotRequired[int]


class Span(NamedTuple):
    start: int
    end: int = 0


class Box(msgspec.Struct, Generic[T], forbid_unknown_fields=True):
    value: T


UserId = NewType("UserId", int)


# --- the law ---

SCALARS = [
    *(None, bool, int, float, str, Sky, UserId, object, JsonValue),
    *(Literal["a", "b"], Literal[1] | None, Literal["only"]),
    *(Annotated[int, msgspec.Meta(ge=-1, lt=3)], Annotated[float, msgspec.Meta(gt=0.5, le=2)]),
    *(Annotated[int, msgspec.Meta(multiple_of=2)], Annotated[str, msgspec.Meta(min_length=1, max_length=2)]),
    Annotated[str, msgspec.Meta(pattern="^[ab]+$", description="letters")],
]
CLASSES = [
    Place,
    Report,
    Node,
    Point,
    Circle | Square,
    Drawing,
    tuple[Left | Right, ...],
    Pair,
    Options,
    Span,
    Box[int],
    Place | UserMessage,
]


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:  # Any: types, known when the test runs
    generic: Any = {
        "list": list,
        "tuple": tuple,
        "dict": dict,
        "Mapping": Mapping,
        "Annotated": Annotated,
    }  # Any: as above
    union: Any = Union  # Any: as above
    return st.one_of(
        inner.map(lambda form: generic["list"][form]),
        inner.map(lambda form: generic["Annotated"][generic["list"][form], msgspec.Meta(min_length=1, max_length=2)]),
        inner.map(lambda form: generic["tuple"][form, ...]),
        st.lists(inner, max_size=2).map(lambda forms: generic["tuple"][tuple(forms)]),
        inner.map(lambda form: generic["dict"][str, form]),
        inner.map(lambda form: generic["Mapping"][Literal["a", "b"], form]),
        inner.map(lambda form: generic["dict"][int, form]),
        inner.map(lambda form: union[form, None]),
        st.sampled_from([list[int] | str | None, dict[str, int] | bool, int | str, float | int | None]),
    )


FORMS = st.recursive(st.sampled_from([*SCALARS, *CLASSES]), containers, max_leaves=3)

RECORDS_ALONE = [Drawing, tuple[Left | Right, ...]]  # msgspec reads no class that is no message and holds these
UNTAGGED = [Point, Pair, Options, Span, Box[int], frozenset[int]]

KEYS = st.sampled_from(["a", "b", "1", "-1", "01", "x", "name", "children", "left", "right", "kind", "radius", "value"])
# no 1.0, which a schema takes for an integer, and msgspec does not
VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1, -1, 2, 3, 0.75, 1.5, "", "a", "ab", "abc", "only", "clear", "circle"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def examples_of(schema: dict[str, Any], definitions: dict[str, Any], depth: int = 3) -> st.SearchStrategy[Any]:
    """Values that are nearly of a schema, for random ones hardly ever are."""
    if "$ref" in schema:
        return examples_of(definitions[schema["$ref"].rpartition("/")[2]], definitions, depth - 1)
    if depth < 0:
        return VALUES
    if "anyOf" in schema:
        return st.one_of([examples_of(each, definitions, depth) for each in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "object" and "properties" in schema:
        parts = {name: examples_of(each, definitions, depth - 1) for name, each in schema["properties"].items()}
        required = {name: parts[name] for name in schema.get("required", ())}
        return st.fixed_dictionaries(required, optional={name: parts[name] for name in parts.keys() - required.keys()})
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties", {})
        return st.dictionaries(KEYS, examples_of(inner, definitions, depth - 1), max_size=2)
    if "prefixItems" in schema:
        return st.tuples(*(examples_of(each, definitions, depth - 1) for each in schema["prefixItems"])).map(list)
    if schema.get("type") == "array":
        return st.lists(examples_of(schema.get("items", {}), definitions, depth - 1), max_size=3)
    return VALUES


def is_valid(schema: dict[str, Any], value: Any) -> bool:  # Any: plain JSON
    validator: Any = jsonschema.Draft202012Validator(schema)  # Any: its stub does not know what JSON is
    return bool(validator.is_valid(value))


@settings(deadline=None)  # on a busy machine an example may take long
@given(st.data())
def test_the_schema_accepts_exactly_what_the_decoder_accepts(data: st.DataObject) -> None:
    form: Any = data.draw(FORMS)  # Any: a type, known when the test runs
    schema = json_schema(form)
    jsonschema.Draft202012Validator.check_schema(schema)
    value = data.draw(VALUES | examples_of(schema, schema.get("$defs", {})))
    text = json.dumps(value)
    try:
        decode(text, form)
        decoded = True
    except DecodeError:
        decoded = False
    assert is_valid(schema, value) == decoded, (schema, text)


def holders(forms: list[Any]) -> st.SearchStrategy[type[msgspec.Struct]]:  # Any: types
    """Classes with a field of a type that is made of others."""
    made = st.recursive(st.sampled_from(forms), containers, max_leaves=3)
    return made.map(lambda form: msgspec.defstruct("Holder", [("value", form)], forbid_unknown_fields=True))


# a Struct that is no message reads no open records, and does not write all that it reads as `object`
NO_FIELDS = [*RECORDS_ALONE, Point, object, JsonValue]
HOLDERS = holders([each for each in [*SCALARS, *CLASSES] if each not in NO_FIELDS])
UNTAGGED_HOLDERS = holders([*SCALARS, *UNTAGGED])
MESSAGES: list[type[msgspec.Struct]] = [Drawing, Left, Point, Report, Node]
RECORDS: list[type[msgspec.Struct]] = [Left, Right]


def file_schema(*classes: type[msgspec.Struct]) -> dict[str, Any]:  # Any: plain JSON
    """The schema of the first of some classes as a schema file has it."""
    return {"$ref": f"#/$defs/{classes[0].__name__}", "$defs": class_schemas(classes, "miniagents:")}


@settings(deadline=None)  # on a busy machine an example may take long
@given(st.data())
def test_a_schema_file_accepts_what_is_written_of_what_a_model_may_write(data: st.DataObject) -> None:
    holder = data.draw(HOLDERS | st.sampled_from(MESSAGES))
    model, file = json_schema(holder), file_schema(holder)
    jsonschema.Draft202012Validator.check_schema(file)
    assume("miniagents:" not in json.dumps(file))  # which only the generator resolves
    value = data.draw(VALUES.map(lambda each: {"value": each}) | examples_of(model, model.get("$defs", {})))
    if is_valid(model, value):
        written = json.loads(encode(decode(json.dumps(value), holder)))
        assert is_valid(file, written), (file, written)


@settings(deadline=None)  # on a busy machine an example may take long
@given(st.data())
def test_what_a_schema_file_accepts_is_decoded(data: st.DataObject) -> None:
    holder = data.draw(HOLDERS | st.sampled_from(MESSAGES))
    file = file_schema(holder)
    assume("miniagents:" not in json.dumps(file))
    value = data.draw(examples_of(file, file["$defs"], depth=4))
    if is_valid(file, value):
        decode(json.dumps(value), holder)


@settings(deadline=None)  # on a busy machine an example may take long
@given(st.data())
def test_of_what_has_no_tags_and_inherits_nothing_both_accept_the_same(data: st.DataObject) -> None:
    holder = data.draw(UNTAGGED_HOLDERS | st.sampled_from(RECORDS))
    model, file = json_schema(holder), file_schema(holder)
    value = data.draw(VALUES.map(lambda each: {"value": each}) | examples_of(model, model.get("$defs", {})))
    assert is_valid(model, value) == is_valid(file, value), (model, file, value)


# --- what it says ---


def test_descriptions_come_from_docstrings_and_inherited_fields_are_left_out() -> None:
    assert json_schema(Report) == {
        "description": "What the weather is like.",
        "type": "object",
        "properties": {
            "place": {"description": "Where it is like that.", "$ref": "#/$defs/Place"},
            "sky": {"description": "Above.", "type": "string", "enum": ["clear", "rain"], "default": "clear"},
            "gusts": {"type": "array", "items": {"type": "number", "minimum": 0}, "default": []},
            "day": {"type": "string"},
            "near": {"type": "array", "items": {"$ref": "#/$defs/Place"}, "default": []},
        },
        "required": ["place"],
        "additionalProperties": False,
        "$defs": {
            "Place": {
                "description": "A place.",
                "type": "object",
                "properties": {
                    "name": {"description": "What it is called.", "type": "string", "minLength": 1},
                    "height": {"type": ["integer", "null"], "default": None},
                },
                "required": ["name"],
                "additionalProperties": False,
            }
        },
    }


def test_a_class_that_is_named_once_is_written_in_its_place() -> None:
    assert "$defs" not in json_schema(dict[str, Place])


def test_the_tag_of_a_class_is_asked_for_only_where_another_may_stand() -> None:
    assert "@type" not in json_schema(Place)["properties"]
    schemas = json_schema(Place | UserMessage)["anyOf"]
    assert sorted(schema["properties"]["@type"]["const"] for schema in schemas) == ["Place", "UserMessage"]
    assert all("@type" in schema["required"] for schema in schemas)


def test_own_fields_are_those_that_the_library_did_not_give() -> None:
    class Answer(AssistantMessage, kw_only=True):
        text: str | None = "mine"
        number: int

    assert own_fields(Answer) == {"text", "number"}
    assert own_fields(Report) == {"place", "sky", "gusts", "day", "near"}
    assert "text" in own_fields(Message)


def test_the_arguments_of_a_frozen_dict_are_kept() -> None:
    class Counts(Message, kw_only=True):
        counts: FrozenDict[str, int]

    assert json_schema(Counts)["properties"]["counts"] == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (complex, "$: complex has no form in JSON; use scalars, containers, and message classes"),
        (dict[str, list[complex]], "$.*[]: complex has no form in JSON; use scalars, containers, and message classes"),
        (tuple[int, type], "$[1]: type has no form in JSON; use scalars, containers, and message classes"),
        (dict[float, int], "$: float has no form as a key in JSON; use strings as keys"),
        (dict[Annotated[int, msgspec.Meta(ge=0)], int], "$: keys that are numbers with limits"),
    ],
)
def test_what_json_has_no_form_for_is_refused_with_its_path(form: object, text: str) -> None:
    with pytest.raises(TypeError) as refused:
        json_schema(form)
    assert str(refused.value).startswith(text)


def test_unions_of_records_are_one_of_them() -> None:
    properties = json_schema(Drawing)["properties"]
    either = {"anyOf": [{"$ref": "#/$defs/Left"}, {"$ref": "#/$defs/Right"}]}
    assert properties["sides"] == {"type": "array", "items": either, "maxItems": 2, "default": []}
    assert properties["by_name"] == {"type": "object", "additionalProperties": either, "default": {}}
    assert properties["one"] == {"anyOf": [*either["anyOf"], {"type": "null"}], "default": None}


def test_a_number_that_may_be_whole_is_a_number() -> None:
    limited: Any = Annotated[int, msgspec.Meta(ge=0)] | Annotated[float, msgspec.Meta(ge=0)]  # Any: a type
    assert json_schema(limited) == {"type": "number", "minimum": 0}
    assert json_schema(int | float | None) == {"type": ["number", "null"]}
    anything: Any = object | float  # Any: a type
    assert json_schema(anything) == {"anyOf": [{}, {"type": "number"}]}


def test_docstrings_that_say_nothing_are_left_out() -> None:
    class Empty(Message, kw_only=True):
        """The type Empty."""

        x: int

    assert "description" not in json_schema(Empty)
    assert "description" not in json_schema(Pair)


def test_times_have_formats() -> None:
    assert json_schema(dt.datetime) == {"type": "string", "format": "date-time"}


# --- to models and in schema files ---


class Priced(Message, kw_only=True):
    """Something to buy.

    Example:
        A book.

    Attributes:
        price (Decimal): What it costs.
    """

    price: decimal.Decimal = decimal.Decimal(1)


class Discounted(Priced, kw_only=True):
    """Cheaper."""

    until: dt.date | None = dt.date(2030, 1, 2)


class Loose(msgspec.Struct):
    number: int


class Row(msgspec.Struct, array_like=True, tag="row"):
    left: int
    right: int = 0


class Said(Record, kw_only=True):
    """Each field has what one of the two used to lose."""

    by_number: dict[int, str] = msgspec.field(default_factory=dict[int, str])
    example: Annotated[str, msgspec.Meta(examples=["a"], extra_json_schema={"readOnly": True})] = "a"
    pair: Pair = msgspec.field(default_factory=lambda: Pair(1))
    options: Options
    span: Span = Span(1, 2)
    box: Box[int] | None = None
    several: frozenset[str] = frozenset(("c", "a", "b"))
    limited: Annotated[int | list[int] | None, msgspec.Meta(ge=1)] = None
    some: Annotated[str | list[int] | None, msgspec.Meta(min_length=2)] = None
    data: Annotated[bytes, msgspec.Meta(min_length=4)] = b"abcd"
    order: Literal["low", "middle", "high"] | None = None
    identity: uuid.UUID = msgspec.field(default_factory=uuid.uuid4)
    row: Row = msgspec.field(default_factory=lambda: Row(1))


def test_an_annotated_docstring_and_the_default_of_a_decimal_are_said_to_both() -> None:
    price = {"description": "What it costs.", "type": "string", "format": "decimal", "default": "1"}
    assert json_schema(Priced)["properties"]["price"] == price
    assert class_schemas([Priced], "miniagents:")["Priced"]["properties"]["price"] == price


def test_a_schema_file_says_of_inherited_fields_what_their_class_says() -> None:
    discounted = class_schemas([Discounted], "miniagents:")["Discounted"]["properties"]
    assert discounted["price"]["description"] == "What it costs."
    assert discounted["until"]["default"] == "2030-01-02"


def test_a_schema_file_keeps_all_of_a_description() -> None:
    assert json_schema(Priced)["description"] == "Something to buy."
    described = class_schemas([Priced], "miniagents:")["Priced"]["description"]
    assert described == "Something to buy.\n\nExample:\n    A book."


def test_a_schema_file_says_whether_other_properties_may_be_there() -> None:
    schemas = class_schemas([Loose, Said], "miniagents:")
    assert schemas["Loose"]["additionalProperties"] is True
    assert schemas["Said"]["additionalProperties"] is False


@pytest.mark.parametrize("is_file", [False, True])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("by_number", {"propertyNames": {"pattern": "^(0|-?[1-9][0-9]*)$"}, "default": {}}),
        ("example", {"examples": ["a"], "readOnly": True, "default": "a"}),
        ("pair", {"default": {"left": 1, "right": "r"}}),
        ("span", {"default": [1, 2]}),
        ("several", {"uniqueItems": True, "default": ["a", "b", "c"]}),
        (
            "limited",
            {
                "anyOf": [
                    {"type": "integer", "minimum": 1},
                    {"type": "array", "items": {"type": "integer"}},
                    {"type": "null"},
                ]
            },
        ),
        (
            "some",
            {
                "anyOf": [
                    {"type": "string", "minLength": 2},
                    {"type": "array", "items": {"type": "integer"}, "minItems": 2},
                    {"type": "null"},
                ]
            },
        ),
        ("data", {"minLength": 8, "default": "YWJjZA=="}),
        ("order", {"anyOf": [{"type": "string", "enum": ["low", "middle", "high"]}, {"type": "null"}]}),
    ],
)
def test_both_say_all_that_is_known_of_a_field(name: str, said: dict[str, Any], *, is_file: bool) -> None:
    schema = class_schemas([Said], "miniagents:")["Said"] if is_file else json_schema(Said)
    assert schema["properties"][name] == {**schema["properties"][name], **said}


@pytest.mark.parametrize("is_file", [False, True])
def test_a_default_that_is_made_differently_each_time_is_none(*, is_file: bool) -> None:
    schema = class_schemas([Said], "miniagents:")["Said"] if is_file else json_schema(Said)
    assert schema["properties"]["identity"] == {"type": "string", "format": "uuid"}


def test_classes_of_all_kinds_have_definitions_in_a_schema_file() -> None:
    schemas = class_schemas([Said], "miniagents:")
    assert [*schemas] == ["Said", "Pair", "Options", "Span", "Box_int", "Row"]
    assert schemas["Options"]["required"] == ["fast"]
    assert schemas["Row"] == {
        "type": "array",
        "prefixItems": [
            {"type": "string", "const": "row"},
            {"type": "integer"},
            {"type": "integer", "default": 0},
        ],
        "minItems": 2,
    }


def test_a_schema_file_is_the_same_in_every_process() -> None:
    program = (
        "import json, msgspec; from miniagents.describing.json_schema import class_schemas\n"
        "class A(msgspec.Struct):\n    a: frozenset[str] = frozenset('abcdefgh')\n"
        "print(json.dumps(class_schemas([A], '')))"
    )
    written = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(written) == 1


def test_a_schema_file_refers_to_the_library_by_name() -> None:
    class Asked(Message, kw_only=True):
        question: UserMessage

    schemas = class_schemas([Asked], "miniagents:")
    assert schemas["Asked"]["properties"]["question"] == {"$ref": "miniagents:UserMessage"}
    assert [*schemas] == ["Asked"]


def test_all_that_a_schema_file_cannot_say_is_told_at_once() -> None:
    one, other = (msgspec.defstruct("Twice", [("value", form)]) for form in (int, str))
    fields: list[tuple[str, Any]]  # Any: types, known when the test runs
    fields = [("number", complex), ("anything", Record), ("one", one), ("other", other)]
    wrong = msgspec.defstruct("Wrong", fields)
    with pytest.raises(ExceptionGroup) as caught:
        class_schemas([wrong], "miniagents:")
    assert [str(each) for each in caught.value.exceptions] == [
        "Wrong.number: complex has no form in JSON; use scalars, containers, and message classes",
        "Wrong.anything: Record is the base of many classes; name those that may be here",
        "Twice: two classes are called Twice; give one of them another name",
    ]


# --- nulls for what is absent ---


def test_nulls_stand_for_what_may_be_absent_but_not_null() -> None:
    value = {
        "place": {"name": "Kiel", "height": None},
        "sky": None,
        "day": None,
        "near": [{"name": "X", "height": None}],
    }
    assert without_nulls(value, json_schema(Report)) == {
        "place": {"name": "Kiel", "height": None},
        "near": [{"name": "X", "height": None}],
    }


def test_nulls_are_looked_for_in_the_class_that_the_tag_says() -> None:
    class One(Message, kw_only=True):
        a: str | None = None
        b: str = ""

    class Two(Message, kw_only=True):
        a: str = ""
        b: str | None = None

    form = tuple[One | Two, ...]
    value = [{"@type": "One", "a": None, "b": None}, {"@type": "Two", "a": None, "b": None}]
    assert without_nulls(value, json_schema(form)) == [{"@type": "One", "a": None}, {"@type": "Two", "b": None}]


@settings(deadline=None)  # on a busy machine an example may take long
@given(st.data())
def test_what_is_valid_stays_as_it_is(data: st.DataObject) -> None:
    schema = json_schema(tuple[Report | Node, dict[str, int] | None])
    value = data.draw(examples_of(schema, schema["$defs"]))
    if is_valid(schema, value):
        assert without_nulls(value, schema) == value


# --- docstrings ---


def test_docstrings_in_googles_style() -> None:
    read = read_docstring(
        """What it does.

        At length: see below.

        Args:
            first: One line
                and another.
            second (int, optional): Two:
                parts.

            *rest: The rest.
        Keyword Args:
            third: Three.

        Returns:
            first: no argument.
        """
    )
    assert read.text == "What it does.\n\nAt length: see below."
    assert read.arguments == {
        "first": "One line and another.",
        "second": "Two: parts.",
        "rest": "The rest.",
        "third": "Three.",
    }
    assert read_docstring(None).text == ""

"""Frozen classes as types of pydantic and FastAPI: they decode and encode as `decode` and `encode` do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any

import jsonschema
import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError

from miniagents.messages import (
    AnyMessage,
    Frozen,
    Message,
    Record,
    TextPart,
    ToolCall,
    UserMessage,
    _generated as generated,
    decode,
    encode,
)


class PydTree(Message, frozen=True):
    """A tree.

    Attributes:
        kids: The trees below it.
    """

    kids: tuple[PydTree, ...] = ()
    note: UserMessage | None = None


class PydCity(Record, frozen=True, kw_only=True):
    """A city."""

    name: str
    size: int = 3


class PydBody(BaseModel):
    """A model with messages."""

    messages: list[Message]
    city: PydCity | None = None


app = FastAPI()


@app.post("/tree")
async def answer_tree(given: Annotated[PydTree, Body()]) -> Message:
    """Answer with what was given, declared as a base class."""
    return given


@app.post("/bare")
async def answer_bare(given: Annotated[UserMessage, Body()]):  # type: ignore[no-untyped-def] # FastAPI is told nothing
    """Answer with what was given, without any declaration."""
    assert given.hash_key
    return {"given": given}


@app.post("/model")
async def answer_model(given: PydBody) -> PydBody:
    """Answer with what was given."""
    return given


@app.post("/union")
async def answer_union(given: Annotated[PydTree | PydCity, Body()]) -> list[PydTree | PydCity]:
    """Answer with what was given."""
    return [given]


client = TestClient(app)
TREE = PydTree("a", kids=(PydTree("b"),), note=UserMessage("c", content=(TextPart("d"),)))


def plain(value: object) -> Any:  # Any: JSON
    """The JSON of a value."""
    return json.loads(encode(value))


@pytest.mark.parametrize(
    ("path", "given", "answer"),
    [
        ("/tree", plain(TREE), plain(TREE)),
        ("/tree", {"text": "a"}, {"@type": "PydTree", "text": "a"}),
        ("/bare", {"text": "a"}, {"given": {"@type": "UserMessage", "text": "a"}}),
        (
            "/model",
            {"messages": [plain(TREE), {"text": "a"}]},
            {"messages": [plain(TREE), plain(Message("a"))], "city": None},
        ),
        ("/model", {"messages": [], "city": {"name": "Rome"}}, {"messages": [], "city": {"name": "Rome"}}),
        ("/union", {"name": "Rome"}, [{"name": "Rome"}]),
        ("/union", plain(TREE), [plain(TREE)]),
    ],
)
def test_fastapi_reads_and_answers(path: str, given: object, answer: object) -> None:
    """What `encode` writes of them, derived classes included."""
    response = client.post(path, json=given)
    assert (response.status_code, response.json()) == (200, answer)


@pytest.mark.parametrize(
    ("path", "given", "place", "reason"),
    [
        ("/tree", {"text": 1}, ["body"], "Value error, $.text: Expected `str | null`, got `int`"),
        ("/tree", {"kids": [{"txt": 1}]}, ["body"], "Value error, $.kids[0].txt: PydTree has no such field"),
        ("/model", {"messages": [{"@type": "Other"}]}, ["body", "messages", 0], "Value error, $"),
        ("/union", {"x": 1}, ["body", "function-plain[PydTree()]"], "Value error, $.x: PydTree has no such field"),
    ],
)
def test_fastapi_refuses(path: str, given: object, place: list[str], reason: str) -> None:
    """With the path in the message, as `decode` does."""
    response = client.post(path, json=given)
    assert response.status_code == 422
    detail = response.json()["detail"][0]
    assert detail["loc"] == place
    assert detail["msg"].startswith(reason)


def test_openapi_has_the_schemas_of_the_classes() -> None:
    """Each class once, for reading and writing alike."""
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"PydCity", "PydBody", "Message", "UserMessage", "TextPart"} <= schemas.keys()
    tree = schemas["PydTree-Input"]  # pydantic tells those apart that refer to themselves
    assert tree["description"] == "A tree."
    assert tree["properties"]["kids"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/PydTree-Input"},
        "description": "The trees below it.",
        "default": [],
    }
    assert tree["required"] == ["@type"]
    assert schemas["PydCity"]["required"] == ["name"]
    assert schemas["PydCity"]["additionalProperties"] is False


CLASSES = [each for name in generated.__all__ if isinstance(each := getattr(generated, name), type)]


@pytest.mark.parametrize("cls", [*CLASSES, PydTree, PydCity], ids=lambda cls: cls.__name__)
def test_each_class_has_a_schema(cls: type[Frozen]) -> None:
    """One that a validator of JSON Schema takes, and in which no reference leads nowhere."""
    forms: tuple[Any, ...] = (cls, list[cls], cls | None)  # type: ignore[valid-type] # Any: types for pydantic
    for form in forms:
        schema = TypeAdapter(form).json_schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"@type": "Nothing", "nothing": 1}, schema)


def test_values_fit_their_schema() -> None:
    """And others do not."""
    schema = TypeAdapter(PydTree).json_schema()
    jsonschema.validate(plain(TREE), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain(PydTree("a", kids=(UserMessage("b"),))), schema)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # wrong on purpose


def test_models_take_and_write_messages() -> None:
    """Values as they are, their JSON, and nothing else; a model dumped is a model again."""
    body = PydBody(messages=[TREE], city=PydCity(name="Rome"))
    assert body.messages[0] is TREE
    assert PydBody(**body.model_dump()) == PydBody.model_validate_json(body.model_dump_json()) == body
    for wrong in ("a", 1, None, ToolCall(id="a", name="b"), object()):
        with pytest.raises(ValidationError):
            TypeAdapter(Message).validate_python(wrong)


def test_a_union_of_messages_keeps_classes() -> None:
    """The tag tells them apart, in whatever order the union names them."""
    for value in (UserMessage("a"), Message("b"), TREE):
        assert TypeAdapter(Message).validate_json(encode(value)) == decode(encode(value), Message) == value
    assert type(TypeAdapter(AnyMessage).validate_python(plain(UserMessage("a")))) is UserMessage


def test_messages_do_not_import_pydantic() -> None:
    """It is an optional neighbour."""
    program = "import sys, miniagents; miniagents.Message('a').hash_key; print('pydantic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"

"""Each row of the guide's table of other libraries is run."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
import sys
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any, Final

import pytest
import rich.console
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from IPython.core.formatters import DisplayFormatter
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import JSON, Column, Integer, MetaData, Table, create_engine, insert, select

from miniagents.messages import (
    ImagePart,
    Message,
    MessagePromise,
    MessageSequencePromise,
    ToolCall,
    UserMessage,
    decode,
    encode,
)
from tests.test_documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE: Final = UserMessage("<a>", content=(ImagePart(url="b"),), metadata={"topic": "tea"})
PLAIN: Final = json.loads(encode(MESSAGE))

app = FastAPI()


@app.post("/typed")
async def typed(message: Annotated[Message, Body()]) -> Message:
    """Answer with what was given."""
    assert message == MESSAGE
    return message


@app.post("/untyped")
async def untyped(message: Annotated[Message, Body()]):  # type: ignore[no-untyped-def]  # as users write it
    """Answer with what was given."""
    return message


class Chat(BaseModel):
    """A model with messages."""

    messages: list[Message]


def body() -> None:
    client = TestClient(app)
    assert client.post("/typed", json=PLAIN).status_code == 200
    refused = client.post("/typed", json={"text": 1})
    assert refused.status_code == 422
    assert "$.text" in refused.text


def answer() -> None:
    for path in ("/typed", "/untyped"):
        assert TestClient(app).post(path, json=PLAIN).json() == PLAIN


def openapi() -> None:
    schemas = TestClient(app).get("/openapi.json").json()["components"]["schemas"]
    assert schemas["Message"]["properties"].keys() == {"@type", "text", "metadata"}


def field() -> None:
    chat = Chat(messages=[MESSAGE])
    assert chat.model_dump() == {"messages": [PLAIN]}
    assert Chat.model_validate(chat.model_dump()) == Chat.model_validate_json(chat.model_dump_json()) == chat


def adapter() -> None:
    assert TypeAdapter(Message).validate_python(PLAIN) == MESSAGE
    assert json.loads(TypeAdapter(Message).dump_json(MESSAGE)) == PLAIN


def column() -> None:
    engine = create_engine("sqlite://", json_serializer=partial(json.dumps, default=vars))
    metadata = MetaData()
    table = Table("messages", metadata, Column("id", Integer, primary_key=True), Column("message", JSON))
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(table).values(message=MESSAGE))
        stored = connection.execute(select(table.c.message)).scalar_one()
    engine.dispose()
    assert stored == PLAIN
    assert decode(json.dumps(stored), Message) == MESSAGE


def written_by_json() -> None:
    assert json.loads(json.dumps([MESSAGE], default=vars)) == [PLAIN]
    assert vars(MESSAGE) == PLAIN


def pickled() -> None:
    assert pickle.loads(pickle.dumps(MESSAGE)) == MESSAGE


def copied() -> None:
    assert copy.copy(MESSAGE) == copy.deepcopy(MESSAGE) == MESSAGE
    if sys.version_info >= (3, 13):
        assert copy.replace(MESSAGE, text="c").text == "c"
    assert MESSAGE.__replace__(text="c") == MESSAGE.replace(text="c")


def shouted(message: Message) -> Message:
    return message.replace(text=str(message).upper())


def in_processes() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(shouted, [MESSAGE]) == [MESSAGE.replace(text="<A>")]


def printed_by_rich() -> None:
    console = rich.console.Console(file=StringIO(), width=200)
    console.print(MESSAGE)
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().strip() == repr(MESSAGE)


def displayed() -> None:
    formatter: Any = DisplayFormatter()  # Any: it has no types
    for shown in (MESSAGE, MessagePromise.of_message(MESSAGE), MessageSequencePromise.of_messages([MESSAGE])):
        html = formatter.format(shown)[0]["text/html"]
        assert "&lt;a&gt;" in html


def matched() -> None:
    match MESSAGE:
        case UserMessage(text, metadata={"topic": topic}):
            assert (text, topic) == ("<a>", "tea")
        case _:
            pytest.fail("it does not match")
    assert ToolCall.__match_args__ == ()  # the constructor takes its fields by keyword only


ROWS: Final[dict[str, Callable[[], None]]] = {
    "FastAPI, a request body": body,
    "FastAPI, an answer": answer,
    "FastAPI, OpenAPI": openapi,
    "pydantic, a field": field,
    "pydantic, a type": adapter,
    "SQLAlchemy, a JSON column": column,
    "`json`": written_by_json,
    "`pickle`": pickled,
    "`copy`": copied,
    "`multiprocessing`": in_processes,
    "rich": printed_by_rich,
    "IPython and Jupyter": displayed,
    "`match`": matched,
}


@pytest.mark.parametrize("row", ROWS)
def test_what_the_table_says_is_so(row: str) -> None:
    ROWS[row]()


def test_the_table_has_just_these_rows() -> None:
    page = (ROOT / "miniagents" / "guide" / "messages.md").read_text(encoding="utf-8")
    table = page.partition("## Messages and other libraries")[2]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    assert rows[1:] == [*ROWS]

"""`reply_type` of types that are no messages: what is asked for, the value that comes back, and what is kept of it."""

import copy
import dataclasses
import pickle
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AssistantMessage,
    DecodeError,
    InteractionContext,
    Message,
    MiniAgent,
    MiniAgents,
    Record,
    ValueMessage,
    decode,
    encode,
    miniagent,
)
from miniagents.describing.typed_json import typed_json
from miniagents.ext.llm import WrongReplyError, create_openai_agent, partial_values
from miniagents.messages.values.freezing import is_mapping
from tests.ext.llm import agents
from tests.ext.llm.agents import each_path, streamed_or_not
from tests.ext.llm.answers import answer
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying


@dataclasses.dataclass
class Order:
    """What somebody buys.

    Attributes:
        item: The thing.
        count: How many of it.
    """

    item: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    notes: list[str] = dataclasses.field(default_factory=list[str])


@dataclasses.dataclass
class Question:
    """What must be known first."""

    item: str


class Place(msgspec.Struct):
    """A place."""

    city: str


class Price(TypedDict):
    """What it costs."""

    amount: float


class Point(NamedTuple):
    x: int
    y: int


class Line(Record, kw_only=True):
    text: str


class Note(Message, kw_only=True):
    """A note."""

    about: str


class Address(pydantic.BaseModel):
    """Where somebody lives."""

    city: str = pydantic.Field(min_length=2)
    zip: str | None = None


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    name: str


class Tree(pydantic.BaseModel):
    value: int
    below: "list[Tree]" = []


def agent_for(path: str, server: ModelServer, **options: Any) -> MiniAgent[Message, Any, ...]:  # Any: of the test
    """Return an agent whose replies are of a type."""
    return agents.agent_for(path, server, **options)


VALUES: list[tuple[Any, str, object]] = [  # Any: types of whatever kind
    (Order, '{"item": "tea", "count": 2, "notes": ["green"]}', Order("tea", 2, ["green"])),
    (Place, '{"city": "Kiel"}', Place("Kiel")),
    (Price, '{"amount": 2.5}', {"amount": 2.5}),
    (list[Order], '{"reply-value": [{"item": "tea", "count": 1, "notes": []}]}', [Order("tea")]),
    (tuple[Note, ...], '{"reply-value": [{"about": "tea"}]}', (Note(about="tea"),)),
    (list[Line], '{"reply-value": [{"text": "tea"}]}', [Line(text="tea")]),
    (Order | Question, '{"reply-value": {"@type": "Question", "item": "tea"}}', Question("tea")),
    (Order | Note, '{"reply-value": {"@type": "Note", "about": "tea"}}', Note(about="tea")),
    (Place | Price | None, '{"reply-value": null}', None),
    (Place | Price | list[int], '{"reply-value": [3]}', [3]),
    (Note | None, '{"reply-value": {"about": "tea"}}', Note(about="tea")),
    (int, '{"reply-value": 3}', 3),
    (Literal["yes", "no"], '{"reply-value": "yes"}', "yes"),
    (Point, '{"reply-value": [1, 2]}', Point(1, 2)),
    (Address, '{"city": "Kiel", "zip": null}', Address(city="Kiel")),
    (list[Cat | Dog], '{"reply-value": [{"kind": "dog", "name": "Rex"}]}', [Dog(kind="dog", name="Rex")]),
]
EACH_VALUE = pytest.mark.parametrize(("reply_type", "text", "expected"), VALUES, ids=lambda each: str(each)[:40])


# --- what is asked for, and what comes back ---


@each_path
@EACH_VALUE
async def test_the_reply_carries_the_value(
    path: str, reply_type: Any, text: str, expected: object
) -> None:  # Any: as above
    async with ModelServer(Saying(answer(text))) as server, MiniAgents():
        (reply,) = await agent_for(path, server, reply_type=reply_type).inquire("What?")
    assert type(reply) is ValueMessage
    assert reply.value == expected
    assert type(reply.value) is type(expected)
    assert reply.value is reply.value
    assert (reply.text, reply.finish_reason) == (text, "stop")
    assert reply.usage is not None
    assert reply.model == ("claude-mock" if path == MESSAGES else "gpt-mock")


@each_path
@pytest.mark.parametrize("reply_type", [list[Order], Order | Question, Address], ids=str)
async def test_the_schema_of_a_type(path: str, reply_type: Any, snapshot: SnapshotAssertion) -> None:  # Any: as above
    async with ModelServer(Saying(answer("{}"))) as server, MiniAgents():
        with pytest.raises(WrongReplyError):
            await agent_for(path, server, reply_type=reply_type).inquire("What?")
    body = server.requests[0].body
    asked = {CHAT: "response_format", RESPONSES: "text", MESSAGES: "output_config"}[path]
    assert body[asked] == snapshot


@each_path
@streamed_or_not
async def test_a_type_that_is_only_asked_for(path: str, stream: bool) -> None:
    """A model to which the schema is only shown may leave out the object around its answer."""
    said = ['Here: ```json\n[{"item": "tea"}]\n```', '{"reply-value": [{"item": "tea"}]}', '[{"item": "tea"}]']
    async with ModelServer(*(Saying(answer(each)) for each in said)) as server, MiniAgents():
        agent = agent_for(path, server, reply_type=list[Order], strict_reply=False, stream=stream)
        for _ in said:
            (reply,) = await agent.inquire("What?")
            assert reply.value == [Order("tea")]


@each_path
async def test_what_a_message_has_besides_stays(path: str) -> None:
    """A reply is an answer of the model like any other, when the conversation goes on."""
    async with (
        ModelServer(Saying(answer('{"item": "tea"}')), Saying(answer('{"item": "mate"}'))) as server,
        MiniAgents(),
    ):
        agent = agent_for(path, server, reply_type=Order)
        (first,) = await agent.inquire("What?")
        (second,) = await agent.inquire(["What?", first, "And then?"])
    assert second.value == Order("mate")
    body = server.requests[1].body
    said = body["messages"] if "messages" in body else body["input"]
    assert [each["role"] for each in said] == ["user", "assistant", "user"]


# --- what is wrong ---


@each_path
@pytest.mark.parametrize(
    ("reply_type", "said", "text"),
    [
        (Order, '{"item": "tea", "count": 0, "notes": []}', "the reply is no Order: $.count: Expected `int` >= 1"),
        (Order, "It is tea.", "the reply is no Order: $: JSON is malformed"),
        (list[Order], '{"reply-value": [{"item": 3}]}', "the reply is no list[Order]: $[0].item: Expected `str`"),
        (list[Order], '{"item": 3}', "the reply is no list[Order]: $: Expected `array`, got `object`"),
        (
            Order | Question,
            '{"reply-value": {"item": "x"}}',
            "the reply is no Order | Question: $.@type: expected 'Order'",
        ),
        (
            Order | Question,
            '{"reply-value": {"@type": ["x"]}}',
            "the reply is no Order | Question: $.@type: expected 'Or",
        ),
        (
            Order | Question,
            '{"reply-value": 3}',
            "the reply is no Order | Question: $.@type: expected 'Order' or 'Quest",
        ),
        (Address, '{"city": "K"}', "the reply is no Address: $.city: String should have at least 2 characters"),
        (list[Address], '{"reply-value": [{}]}', "the reply is no list[Address]: $[0].city: Field required"),
    ],
)
async def test_what_can_be_wrong_with_a_value(
    path: str, reply_type: Any, said: str, text: str
) -> None:  # Any: as above
    async with ModelServer(Saying(answer(said))) as server, MiniAgents():
        with pytest.raises(WrongReplyError) as raised:
            await agent_for(path, server, reply_type=reply_type).inquire("What?")
    assert str(raised.value).startswith(text)


async def test_what_is_no_type_of_values_is_refused() -> None:
    first = dataclasses.make_dataclass("Order", [("a", int)])
    for reply_type, text in [
        (complex, "reply_type=complex: $: complex has no form in JSON"),
        (dict[str, int], "reply_type=dict[str, int]: $ is a mapping, which OpenAI takes in no strict schema"),
        (Order | first, "reply_type=Order | Order: two types of the union have one name"),
        (list[Order | Question], "reply_type=list[Order | Question]: Type unions may not contain more than one"),
    ]:
        given: Any = reply_type  # Any: types of whatever kind
        with pytest.raises(TypeError) as refused:
            create_openai_agent("gpt-test", reply_type=given)
        assert text in str(refused.value)


# --- repairs and partial values ---


@each_path
async def test_a_wrong_value_may_be_repaired(path: str) -> None:
    said = [answer('{"reply-value": [{"item": 3}]}'), answer('{"reply-value": [{"item": "tea"}]}')]
    async with ModelServer(*map(Saying, said)) as server, MiniAgents():
        (reply,) = await agent_for(path, server, reply_type=list[Order], repair_turns=1).inquire("What?")
    assert reply.value == [Order("tea")]
    assert "$[0].item: Expected `str`" in str(server.requests[1].body)


@each_path
async def test_partial_values_of_a_list_have_it_as_their_value(path: str) -> None:
    said = answer('{"reply-value": [{"item": "tea"}, {"item": "mate"}]}')
    async with ModelServer(Saying(said)) as server, MiniAgents():
        promise = agent_for(path, server, reply_type=list[Order]).inquire("What?").only()
        values = [dict(value) async for value in partial_values(promise)]
        assert (await promise).value == [Order("tea"), Order("mate")]
    assert values[-1] == {"value": ({"item": "tea"}, {"item": "mate"})}
    assert len(values) > 1
    assert all(value.keys() == {"value"} for value in values)


@each_path
async def test_an_agent_with_a_type_as_a_tool_and_behind_another(path: str) -> None:
    @miniagent
    async def broken(_: InteractionContext) -> None:
        raise ConnectionError("lost")

    async with ModelServer(by=lambda _: Saying(answer('{"item": "tea"}'))) as server, MiniAgents():
        agent = agent_for(path, server, reply_type=Order)
        (told,) = await agent.as_tool()("What?")
        assert str(told) == '{"item": "tea"}'
        (reply,) = await broken.with_fallback(agent, ConnectionError).inquire("What?")
        assert isinstance(reply, ValueMessage)
        assert reply.value == Order("tea")  # pyright: ignore[reportUnknownMemberType]  # of whatever type


# --- what is kept ---


def message_of(reply_type: Any, data: Any) -> ValueMessage[Any]:  # Any: types of whatever kind, plain JSON
    """Return a message as it is in a store, of a type that an agent has."""
    create_openai_agent("gpt-test", reply_type=reply_type)
    name = f"{__name__}.{reply_type.__name__}"
    return ValueMessage("said", data=data, value_type=name)


def test_a_value_is_kept_through_json_pickles_and_copies() -> None:
    message = message_of(Order, {"item": "tea"})
    for kept in [
        decode(encode(message), Message),
        decode(encode(message), AssistantMessage),
        decode(encode(message), ValueMessage[Order]),
        decode(encode(message, "msgpack"), Message, "msgpack"),
        pickle.loads(pickle.dumps(message)),
        copy.copy(message),
        copy.deepcopy(message),
        message.replace(metadata={"place": 1}).replace(metadata={}),
    ]:
        assert isinstance(kept, ValueMessage)
        assert kept == message
        assert kept.hash_key == message.hash_key
        assert kept.value == Order("tea")  # pyright: ignore[reportUnknownMemberType]  # of whatever type


def test_a_value_is_no_part_of_the_message() -> None:
    message = message_of(Order, {"item": "tea"})
    key = message.replace().hash_key
    message.value.notes.append("cold")
    assert message.hash_key == key
    assert message.value.notes == ["cold"]
    assert message.replace().value == Order("tea")


def test_a_changed_message_has_the_changed_value() -> None:
    message = message_of(Order, {"item": "tea"})
    assert message.value == Order("tea")
    assert message.replace(data={"item": "mate"}).value == Order("mate")


def test_a_value_of_a_type_that_is_not_known_is_an_error_that_says_what_to_do() -> None:
    message = ValueMessage("said", data={"item": "tea"}, value_type="nowhere.Order")
    with pytest.raises(
        TypeError, match=r"nowhere\.Order of the value is not known here: make an agent with that reply_"
    ):
        _ = message.value
    assert message.data == {"item": "tea"}


def test_a_type_that_has_changed_since_is_an_error_with_the_path() -> None:
    with pytest.raises(DecodeError, match=r"\$\.item: Expected `str`, got `int`"):
        _ = message_of(Order, {"item": 3}).value


def test_a_type_that_was_made_again_replaces_the_old_one() -> None:
    first = dataclasses.make_dataclass("Made", [("a", int)], namespace={"__module__": __name__})
    second = dataclasses.make_dataclass("Made", [("a", int), ("b", int, 3)], namespace={"__module__": __name__})
    old = message_of(first, {"a": 1})
    assert type(old.value) is first
    assert type(message_of(second, {"a": 1}).value) is second
    assert type(old.value) is first
    assert type(old.replace().value) is second


# --- laws ---


@given(st.lists(st.builds(Order, st.text(max_size=5), st.integers(1, 9), st.lists(st.text(max_size=3), max_size=2))))
def test_what_is_written_of_a_value_is_read_as_it(orders: list[Order]) -> None:
    read = typed_json(list[Order]).read
    assert read(msgspec.json.decode(msgspec.json.encode(orders))) == orders


@given(st.one_of(st.builds(Order, st.text()), st.builds(Question, st.text()), st.none(), st.lists(st.integers(0, 9))))
def test_classes_of_a_union_are_told_apart_by_name(value: object) -> None:
    read = typed_json(Order | Question | list[int] | None).read
    plain: Any = msgspec.to_builtins(value)  # Any: plain JSON
    assert read({"@type": type(value).__name__, **plain} if is_mapping(plain) else plain) == value


def test_a_model_of_pydantic_within_itself() -> None:
    schema, read = typed_json(Tree)
    assert schema["type"] == "object"
    assert read({"value": 1, "below": [{"value": 2}]}) == Tree(value=1, below=[Tree(value=2)])

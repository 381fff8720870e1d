"""`reply_type`: the schema that is asked for, the message that comes back, or what is wrong with it."""

import dataclasses
import json
from typing import Annotated, Any, Literal, Union

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion
from typing_extensions import TypeAliasType

from miniagents import (
    AssistantMessage,
    Message,
    MiniAgent,
    MiniAgents,
    Record,
    SystemMessage,
    ToolResultMessage,
    UserMessage,
    tool,
)
from miniagents.ext.llm import (
    TruncatedError,
    WrongReplyError,
    create_anthropic_agent,
    create_openai_agent,
    partial_values,
)
from miniagents.testing import transcript
from tests.ext.llm import agents
from tests.ext.llm.agents import each_path, streamed_or_not
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES, Saying


def agent_for(path: str, server: ModelServer, **options: Any) -> MiniAgent[Message, Message, ...]:  # Any: of the test
    """Return an agent with tools, or whose replies are of a type."""
    return agents.agent_for(path, server, **options)


class Wind(Message, kw_only=True):
    """How the wind blows."""

    speed: float
    from_: str = msgspec.field(default="N", name="from")


class Weather(Message, kw_only=True, tag="WeatherReply"):
    """The weather at a place.

    Attributes:
        city: Where.
        celsius: The temperature.
        sky: What one sees above.
        winds: The winds.
        note: What else there is.
    """

    text_template = "{city}: {celsius} °C"

    city: Annotated[str, msgspec.Meta(min_length=1)]
    celsius: Annotated[float, msgspec.Meta(ge=-90, le=60)]
    sky: Literal["clear", "rain"] = "clear"
    winds: tuple[Wind, ...] = ()
    note: str | msgspec.UnsetType = msgspec.UNSET


class Verdict(AssistantMessage, kw_only=True):
    """What is to be done."""

    text_template = "{decision}"

    decision: Literal["yes", "no"]


KIEL = Weather(city="Kiel", celsius=21.5)
RIGHT = answer('{"city": "Kiel", "celsius": 21.5, "sky": "clear"}')
WRONG = answer('{"city": "Kiel", "celsius": 99}')


# --- what is asked for, and what comes back ---


@each_path
@streamed_or_not
async def test_the_answer_is_a_message_of_the_class(path: str, stream: bool, snapshot: SnapshotAssertion) -> None:
    async with ModelServer(Saying(RIGHT)) as server, MiniAgents():
        agent = agent_for(path, server, reply_type=Weather, stream=stream)
        promise = agent.inquire("Kiel?").only()
        assert promise.message_class in (Message, Weather)
        assert await promise == KIEL
        assert "".join([token async for token in promise]) == "".join(RIGHT.text)
    if stream:
        assert server.requests[0].body == snapshot


@each_path
async def test_all_fields_in_the_form_of_the_provider(path: str) -> None:
    said = answer(
        '{"city": "Kiel", "celsius": 2, "sky": null, "winds": [{"speed": 3.5, "from": null}, '
        '{"speed": 1, "from": "S"}], "note": null}'
    )
    if path == MESSAGES:  # which has no null for what is absent
        said = answer('{"city": "Kiel", "celsius": 2, "winds": [{"speed": 3.5}, {"speed": 1, "from": "S"}]}')
    async with ModelServer(Saying(said)) as server, MiniAgents():
        (weather,) = await agent_for(path, server, reply_type=Weather).inquire("Kiel?")
    assert weather == Weather(city="Kiel", celsius=2, winds=(Wind(speed=3.5), Wind(speed=1, from_="S")))
    assert str(weather) == "Kiel: 2.0 °C"


@each_path
async def test_a_class_of_assistant_messages_keeps_what_is_known_of_the_answer(path: str) -> None:
    async with ModelServer(Saying(answer('{"decision": "yes"}'))) as server, MiniAgents():
        (verdict,) = await agent_for(path, server, reply_type=Verdict).inquire("Shall we?")
    assert isinstance(verdict, Verdict)
    assert (verdict.decision, verdict.text, str(verdict)) == ("yes", None, "yes")
    assert verdict.finish_reason == "stop"
    assert verdict.usage is not None
    assert verdict.model == ("claude-mock" if path == MESSAGES else "gpt-mock")
    assert [*_schema_of(path, server)["properties"]] == ["decision"]


def _schema_of(path: str, server: ModelServer) -> dict[str, Any]:  # Any: plain JSON
    body = server.requests[0].body
    if path == CHAT:
        schema = body["response_format"]["json_schema"]["schema"]
    else:
        schema = (body["output_config"] if path == MESSAGES else body["text"])["format"]["schema"]
    return dict(schema)


class Circle(Record, kw_only=True):
    radius: float


class Square(Record, kw_only=True):
    side: float


class Sketch(Message, kw_only=True):
    shapes: tuple[Circle | Square, ...]


@each_path
async def test_records_that_only_their_fields_tell_apart(path: str) -> None:
    said = answer('{"shapes": [{"radius": 1}, {"side": 2.5}]}')
    async with ModelServer(Saying(said)) as server, MiniAgents():
        replies = await agent_for(path, server, reply_type=Sketch).inquire("Draw")
    assert replies == (Sketch(shapes=(Circle(radius=1), Square(side=2.5))),)


@each_path
async def test_partial_values_come_while_the_answer_does(path: str) -> None:
    """The server stalls when two of the fields are there."""
    places = {CHAT: 3, RESPONSES: 6, MESSAGES: 5}
    stalling = Saying(RIGHT, change=lambda script: script.stall(after=places[path]))
    async with ModelServer(stalling) as server, MiniAgents():
        promise = agent_for(path, server, reply_type=Weather).inquire("Kiel?").only()
        values = aiter(partial_values(promise))
        assert await anext(values) == {"city": "Kiel"}
        await server.until_stalled()
        assert not promise.done()
        server.release()
        assert [dict(value) async for value in values][-1] == {"city": "Kiel", "celsius": 21.5, "sky": "clear"}
        assert await promise == KIEL


# --- unions ---


class Closed(Message, kw_only=True):
    """There is no weather: the station is closed."""

    reason: str
    until: str | None = None


Report = TypeAliasType("Report", Weather | Closed)
EITHER: list[tuple[str, Message]] = [
    ('{"@type": "WeatherReply", "city": "Kiel", "celsius": 21.5, "sky": "clear"}', KIEL),
    ('{"@type": "Closed", "reason": "storm", "until": null}', Closed(reason="storm")),
]


@each_path
@pytest.mark.parametrize(("text", "expected"), EITHER)
@pytest.mark.parametrize("reply_type", [Weather | Closed, Union[Weather, Closed], Report])  # noqa: UP007  # as users write
async def test_the_answer_is_of_one_class_of_a_union(
    path: str, text: str, expected: Message, reply_type: object
) -> None:
    async with ModelServer(Saying(answer('{"reply-value": ' + text + "}"))) as server, MiniAgents():
        agent = agent_for(path, server, reply_type=reply_type)
        assert await agent.inquire("Kiel?") == (expected,)


@each_path
async def test_the_schema_of_a_union(path: str, snapshot: SnapshotAssertion) -> None:
    async with ModelServer(Saying(answer('{"reply-value": ' + EITHER[1][0] + "}"))) as server, MiniAgents():
        await agent_for(path, server, reply_type=Weather | Closed).inquire("Kiel?")
    assert server.requests[0].body == snapshot


@each_path
@pytest.mark.parametrize(("text", "expected"), EITHER)
async def test_a_union_that_is_only_asked_for(path: str, text: str, expected: Message) -> None:
    """A model to which the schema is only shown may leave out the object around its answer."""
    said = [answer(f"```json\n{text}\n```"), answer('{"reply-value": ' + text + "}")]
    async with ModelServer(*map(Saying, said)) as server, MiniAgents():
        agent = agent_for(path, server, reply_type=Weather | Closed, strict_reply=False)
        assert await agent.inquire("Kiel?") == await agent.inquire("Kiel?") == (expected,)


@each_path
@pytest.mark.parametrize(
    ("said", "text"),
    [
        ('{"reply-value": {"@type": "Closed"}}', "$: Closed needs the field 'reason'"),
        ('{"reply-value": {"@type": "WeatherReply", "city": "Kiel", "celsius": 99}}', "$.celsius: Expected `float` <="),
        ('{"reply-value": {"reason": "storm"}}', "$.@type: expected the tag of a class, got nothing"),
        ('{"reply-value": {"@type": "Wind", "speed": 3}}', "$.@type: no class with the tag 'Wind' is loaded and may"),
        ('{"reply-value": 3}', "$: expected Weather or Closed, got a number"),
        ('{"reply-value": {}, "more": 3}', "$.@type: expected the tag of a class, got nothing"),
    ],
)
async def test_what_can_be_wrong_with_an_answer_of_a_union(path: str, said: str, text: str) -> None:
    async with ModelServer(Saying(answer(said))) as server, MiniAgents():
        with pytest.raises(WrongReplyError) as raised:
            await agent_for(path, server, reply_type=Weather | Closed).inquire("Kiel?")
    assert str(raised.value).startswith(f"the reply is no Weather | Closed: {text}")


@each_path
async def test_partial_values_of_a_union_are_those_of_the_message(path: str) -> None:
    said = answer('{"reply-value": {"@type": "Closed", "reason": "storm"}}')
    async with ModelServer(Saying(said)) as server, MiniAgents():
        promise = agent_for(path, server, reply_type=Weather | Closed).inquire("Kiel?").only()
        values = [dict(value) async for value in partial_values(promise)]
        assert await promise == Closed(reason="storm")
    assert values[-1] == {"@type": "Closed", "reason": "storm"}
    assert len(values) > 1
    assert all(value.keys() <= {"@type", "reason"} for value in values)


@each_path
async def test_tools_are_called_before_an_answer_of_a_union(path: str) -> None:
    @tool
    def look(place: str) -> str:
        return f"{place} is closed"

    said = [answer(tool_calls=[tool_call("look", {"place": "Kiel"})]), answer('{"reply-value": ' + EITHER[1][0] + "}")]
    async with ModelServer(*map(Saying, said)) as server, MiniAgents():
        agent = agent_for(path, server, reply_type=Weather | Closed, tools=[look])
        replies = await agent.inquire("Kiel?")
        assert [type(each) for each in replies[1:]] == [ToolResultMessage, Closed]


# --- what is wrong ---


@each_path
@streamed_or_not
async def test_a_wrong_answer_is_an_error_with_the_path(path: str, stream: bool) -> None:
    async with ModelServer(Saying(WRONG)) as server, MiniAgents():
        promise = agent_for(path, server, reply_type=Weather, stream=stream).inquire("Kiel?").only()
        with pytest.raises(
            WrongReplyError, match=r"the reply is no Weather: \$\.celsius: Expected `float` <= 60"
        ) as it:
            await promise
    assert it.value.provider == ("Anthropic" if path == MESSAGES else "OpenAI")
    assert (it.value.path, it.value.reason) == ("$.celsius", "Expected `float` <= 60.0")
    assert it.value.partial is not None
    assert it.value.partial.text == "".join(WRONG.text)


@each_path
@pytest.mark.parametrize(
    ("said", "text"),
    [
        (answer("It is warm."), "$: JSON is malformed"),
        (answer('{"city": "Kiel", "celsius": 3, "wet": true}'), "$.wet: Weather has no such field"),
        (answer('{"celsius": 3}'), "$: Weather needs the field 'city'"),
        (answer('{"city": "Kiel", "cel', finish="length"), "$: it is cut off, because the answer reached the limit of"),
        (answer(refusal="I would rather not."), "$: the model refuses: I would rather not."),
        (answer(), "$: Input data was truncated"),
    ],
    ids=["no JSON", "unknown field", "missing field", "cut off", "refusal", "nothing"],
)
async def test_what_can_be_wrong_with_an_answer(path: str, said: Any, text: str) -> None:  # Any: an Answer
    async with ModelServer(Saying(said)) as server, MiniAgents():
        replies = agent_for(path, server, reply_type=Weather).inquire("Kiel?")
        with pytest.raises(WrongReplyError) as raised:
            await replies
    if path == MESSAGES and said.refusal:  # the reason is all that tells, and not the words
        text = "$: the model refuses: "
    assert str(raised.value).startswith(f"the reply is no Weather: {text}")


@each_path
async def test_a_truncated_stream_is_that_error(path: str) -> None:
    cut = Saying(RIGHT, change=lambda script: script.truncate(after=4))
    async with ModelServer(cut) as server, MiniAgents():
        with pytest.raises(TruncatedError):
            await agent_for(path, server, reply_type=Weather).inquire("Kiel?")


@each_path
async def test_calls_of_tools_that_nobody_gave_are_no_reply(path: str) -> None:
    async with ModelServer(Saying(answer(tool_calls=[tool_call("made_up", {})]))) as server, MiniAgents():
        with pytest.raises(WrongReplyError, match=r"the reply is no Weather: \$: Input data was truncated"):
            await agent_for(path, server, reply_type=Weather).inquire("Kiel?")


# --- repairs ---


@each_path
async def test_a_wrong_answer_may_be_repaired(path: str, snapshot: SnapshotAssertion) -> None:
    async with ModelServer(Saying(WRONG), Saying(RIGHT)) as server, MiniAgents():
        replies = agent_for(path, server, reply_type=Weather, repair_turns=2).inquire("Kiel?")
        assert await transcript(replies) == snapshot(name="transcript")  # nothing of the wrong one is in it
    body = server.requests[1].body
    assert (body["messages"] if "messages" in body else body["input"]) == snapshot(name="what the model is told")


@each_path
async def test_repairs_are_bounded(path: str) -> None:
    async with ModelServer(by=lambda _: Saying(WRONG)) as server, MiniAgents():
        with pytest.raises(WrongReplyError):
            await agent_for(path, server, reply_type=Weather).inquire("Kiel?", repair_turns=2)
    assert len(server.requests) == 3


@each_path
async def test_what_asking_again_does_not_help_is_not_asked_again(path: str) -> None:
    cut = answer('{"city": "Kiel", "cel', finish="length")
    async with ModelServer(Saying(cut)) as server, MiniAgents():
        with pytest.raises(WrongReplyError):
            await agent_for(path, server, reply_type=Weather, repair_turns=2).inquire("Kiel?")


# --- with tools ---


@each_path
@pytest.mark.parametrize("repair_turns", [0, 1])
async def test_tools_are_called_before_the_answer(path: str, repair_turns: int) -> None:
    @tool
    async def measure(city: str) -> float:
        """Measures."""
        assert city == "Kiel"
        return 21.5

    turn = answer("I measure.", tool_calls=[tool_call("measure", {"city": "Kiel"}, id="c1")])
    async with ModelServer(Saying(turn), Saying(RIGHT)) as server, MiniAgents():
        agent = agent_for(path, server, reply_type=Weather, tools=[measure], repair_turns=repair_turns)
        said, told, weather = await agent.inquire("Kiel?")
    assert isinstance(said, AssistantMessage)
    assert said.text == "I measure."
    assert told == ToolResultMessage("21.5", tool_call_id="c1", tool_name="measure")
    assert weather == KIEL


# --- without the provider's help ---


class Counts(Message, kw_only=True):
    """How often words were said."""

    counts: dict[str, int]


@each_path
async def test_what_no_strict_schema_says_is_asked_for_without(path: str) -> None:
    said = answer('```json\n{"counts": {"tea": 2}}\n```')
    async with ModelServer(Saying(said)) as server, MiniAgents():
        agent = agent_for(path, server, reply_type=Counts, strict_reply=False, system="Be brief.")
        assert await agent.inquire([SystemMessage("Count."), UserMessage("tea tea")]) == (Counts(counts={"tea": 2}),)
    body = json.dumps(server.requests[0].body)
    if path == MESSAGES:
        assert "output_config" not in body
        assert "Answer with JSON alone, an object of this JSON Schema" in server.requests[0].body["system"]
    else:
        assert '"strict": false' in body
    assert "additionalProperties" in body


async def test_what_no_strict_schema_says_is_refused_otherwise() -> None:
    text = (
        r"reply_type=Counts: \$\.counts is a mapping, which {} takes in no strict schema: .* or give strict_reply=False"
    )
    with pytest.raises(TypeError, match=text.format("OpenAI")):
        create_openai_agent("gpt-test", reply_type=Counts)
    with pytest.raises(TypeError, match=text.format("Anthropic")):
        create_anthropic_agent("claude-test", reply_type=Counts)


async def test_what_is_no_reply_type_is_refused() -> None:
    class Odd(Message, kw_only=True):
        number: complex

    unfinished: Any = dataclasses.make_dataclass("Unfinished", [("field", "list[Missing]")])  # Any: made at run time
    for reply_type, text in [
        (dict, "create_openai_agent: reply_type=dict: $ is a mapping, which OpenAI takes in no strict schema"),
        (AssistantMessage, "reply_type=AssistantMessage: there is nothing to ask for: give a class with fields of"),
        (AssistantMessage | None, "reply_type=AssistantMessage | None: there is nothing to ask for: give a class with"),
        (
            Weather | AssistantMessage,
            "reply_type=Weather | AssistantMessage: there is nothing to ask for: give a class",
        ),
        ("Weather", "create_openai_agent: reply_type='Weather': give a type, not its name"),
        (3, "create_openai_agent: reply_type=3: "),
        (
            Weather(city="Kiel", celsius=21),
            "create_openai_agent: reply_type: give the class Weather, not an object of it",
        ),
        (unfinished, "create_openai_agent: reply_type=Unfinished: name 'Missing' is not defined where its fields are"),
        (Odd, "reply_type=Odd: $.number: complex has no form in JSON"),
    ]:
        given: Any = reply_type  # Any: what the checkers refuse
        with pytest.raises(TypeError) as refused:
            create_openai_agent("gpt-test", reply_type=given)
        assert text in str(refused.value)


async def test_two_ways_to_say_the_form_are_refused() -> None:
    with pytest.raises(TypeError, match="give reply_type or response_format, not both"):
        create_openai_agent("gpt-test", reply_type=Weather, response_format={"type": "json_object"})
    with pytest.raises(TypeError, match=r"give reply_type or text\.format, not both"):
        create_openai_agent(
            "gpt-test", api="responses", reply_type=Weather, text={"format": {"type": "text"}, "verbosity": "low"}
        )
    with pytest.raises(TypeError, match=r"give reply_type or output_config\.format, not both"):
        create_anthropic_agent(
            "claude-test", reply_type=Weather, output_config={"format": {"type": "json_schema", "schema": {}}}
        )
    create_anthropic_agent("claude-test", reply_type=Weather, output_config={"effort": "low"})

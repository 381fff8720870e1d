"""`@tool`: what a model is told of a function, what it is called with, and what becomes of the result."""

import asyncio
import dataclasses
import functools
import inspect
import json
import logging
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from typing import Annotated, Any, Literal, TypedDict, TypeVar

import jsonschema
import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    DecodeError,
    EndLoop,
    FilePart,
    ImagePart,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MiniAgents,
    Promise,
    ReasoningDelta,
    StreamEvent,
    Tool,
    ToolCall,
    ToolResultMessage,
    UserMessage,
    miniagent,
    stream_message,
    tool,
)
from miniagents.testing import VirtualClockEventLoop, transcript

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    return MiniAgents().run(main, loop_factory=VirtualClockEventLoop)


def call(arguments: str = "{}", name: str = "some") -> ToolCall:
    return ToolCall(id="call_1", name=name, arguments=arguments)


def answer(some: Tool[..., Any], arguments: str = "{}") -> ToolResultMessage:
    """The result of a call, on a loop whose threads are real."""

    async def main() -> ToolResultMessage:
        async with MiniAgents():
            return await some.answer(call(arguments, some.name))

    return asyncio.run(main())


class Demand(Message, kw_only=True):
    """What somebody wants.

    Attributes:
        item: What.
    """

    item: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


@tool
async def forecast(
    city: str,
    days: Annotated[int, msgspec.Meta(ge=1, le=7, description="How many days.")] = 3,
    *,
    unit: Literal["celsius", "kelvin"] = "celsius",
    orders: tuple[Demand, ...] = (),
) -> str:
    """The weather to come.

    It is made up.

    Args:
        city: Where,
            with the country.
        orders: What to bring.

    Returns:
        A text.
    """
    return f"{city} {days} {unit} {orders}"


# --- what a model is told ---


def test_a_model_is_told_what_signature_types_and_docstring_say() -> None:
    assert forecast.name == "forecast"
    assert forecast.description == "The weather to come.\n\nIt is made up."
    assert json.loads(json.dumps(forecast.parameters)) == {
        "type": "object",
        "properties": {
            "city": {"description": "Where, with the country.", "type": "string"},
            "days": {"description": "How many days.", "type": "integer", "minimum": 1, "maximum": 7, "default": 3},
            "unit": {"type": "string", "enum": ["celsius", "kelvin"], "default": "celsius"},
            "orders": {
                "description": "What to bring.",
                "type": "array",
                "items": {
                    "description": "What somebody wants.",
                    "type": "object",
                    "properties": {
                        "item": {"description": "What.", "type": "string"},
                        "count": {"type": "integer", "minimum": 1, "default": 1},
                    },
                    "required": ["item"],
                    "additionalProperties": False,
                },
                "default": [],
            },
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_name_and_description_may_be_given() -> None:
    @tool(name="look-up", description="Looks something up.")
    def find(key: str) -> str:
        return key

    assert (find.name, find.description) == ("look-up", "Looks something up.")
    assert repr(find) == "<Tool 'look-up'>"


def test_a_tool_without_a_docstring_has_no_description() -> None:
    @tool
    def mute() -> None: ...

    assert mute.description is None
    assert dict(mute.parameters) == {"type": "object", "properties": {}, "additionalProperties": False}


def test_a_tool_is_called_like_its_function() -> None:
    @tool
    def double(number: int) -> int:
        """Twice."""
        return 2 * number

    assert double(4) == double(number=4) == 8
    assert double.__doc__ == "Twice."
    assert [*inspect.signature(double).parameters] == ["number"]


def test_bound_methods_and_partials_are_functions_too() -> None:
    class Shop:
        def __init__(self) -> None:
            self.prices = {"tea": 3}

        def price(self, item: str) -> int:
            """What it costs."""
            return self.prices[item]

    priced = tool(Shop().price)
    assert (priced.name, priced.description, priced("tea")) == ("price", "What it costs.", 3)
    assert answer(priced, '{"item": "tea"}').text == "3"

    def ratio(first: int, second: int) -> float:
        """What one is of another."""
        return first / second

    half = tool(name="half")(functools.partial(ratio, 1))
    assert (half.name, half.description, [*half.decode('{"second": 2}').arguments]) == (
        "half",
        "What one is of another.",
        ["second"],
    )
    assert answer(half, '{"second": 2}').text == "0.5"


def test_a_default_that_json_has_no_form_for_is_a_default_all_the_same() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise TypeError("nothing is like this")

        __hash__ = object.__hash__

    odd: Any = Odd()  # Any: no int

    @tool
    def take(number: int = odd, limit: float = float("nan")) -> str:
        return f"{number is odd} {limit}"

    assert json.loads(json.dumps(take.parameters))["properties"] == {
        "number": {"type": "integer"},
        "limit": {"type": "number"},
    }
    assert answer(take).text == "True nan"


# --- what is no tool ---


def untyped(x) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    return str(x)  # pyright: ignore[reportUnknownArgumentType]


def collecting(*xs: int) -> int:
    return len(xs)


def keywords(**xs: int) -> int:
    return len(xs)


def unwritable(x: dict[str, list[complex]]) -> str:
    return str(x)


def ambiguous(x: list[int] | tuple[str, ...]) -> str:
    return str(x)


def generating() -> Iterator[str]:
    yield ""


def misdescribed(city: str) -> str:
    """What.

    Args:
        citty: Where.
    """
    return city


class Thing:
    def method(self, x: int) -> int:
        return x


NO_TOOLS: list[tuple[Any, str]] = [  # Any: what is no tool
    (untyped, "tool 'untyped': parameter 'x' has no type, so a model cannot know what to give"),
    (
        Thing.method,
        (
            "tool 'method': parameter 'self' has no type, so a model cannot know what to give; for a method, pass "
            "the bound one: tool(thing.method)"
        ),
    ),
    (
        collecting,
        "tool 'collecting': a model cannot give arguments for *xs: name each one, or take a list or a mapping",
    ),
    (keywords, "tool 'keywords': a model cannot give arguments for **xs: name each one, or take a list or a mapping"),
    (
        unwritable,
        (
            "tool 'unwritable': parameter x.*[]: complex has no form in JSON; use scalars, containers, and message "
            "classes"
        ),
    ),
    (
        ambiguous,
        (
            "tool 'ambiguous': parameter x: Type unions may not contain more than one array-like (list, set, tuple) "
            "type - type `list[int] | tuple[str, ...]` is not supported"
        ),
    ),
    (generating, "tool 'generating': a plain generator cannot stream; write `async def generating(...)`"),
    (misdescribed, "tool 'misdescribed': its docstring describes 'citty', which is not a parameter"),
    (Thing, f"@tool: {Thing!r} is not a function; write `@tool` or `@tool(name=...)`"),
    (3, "@tool: 3 is not a function; write `@tool` or `@tool(name=...)`"),
]


@pytest.mark.parametrize(("function", "text"), NO_TOOLS)
def test_what_cannot_be_a_tool_is_refused_where_it_is_made(function: Any, text: str) -> None:  # Any: what is no tool
    with pytest.raises(TypeError) as refused:
        tool(function)
    assert str(refused.value) == text


@pytest.mark.parametrize("name", ["", "with space", "ünder", "x" * 65, "a.b"])
def test_a_name_that_no_provider_takes_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match="letters, digits, hyphens and underscores"):
        tool(name=name)(collecting_nothing)


def collecting_nothing() -> None: ...


def test_a_type_that_is_not_known_at_run_time_is_refused() -> None:
    namespace: dict[str, Any] = {}  # Any: whatever the source defines
    exec("from __future__ import annotations\ndef late(x: Missing) -> str: ...", namespace)
    with pytest.raises(TypeError, match="tool 'late': the type of parameter 'x' has a name that is not known"):
        tool(namespace["late"])


def test_types_may_be_local_where_the_tool_is_made() -> None:
    class Local(msgspec.Struct):
        x: int

    @tool
    def take(local: "Local", many: "list[Local]") -> int:
        return local.x + len(many)

    assert answer(take, '{"local": {"x": 2}, "many": [{"x": 1}]}').text == "3"


# --- what it is called with ---


@dataclasses.dataclass
class Pair:
    left: int
    right: int = 0


class Flags(TypedDict):
    fast: bool


def test_arguments_are_decoded_to_the_types_of_the_parameters() -> None:
    @tool
    def take(tags: list[str], place: Pair, order: Demand, flags: Flags, first: Message, /, *, many: set[int]) -> str:
        return repr((tags, place, order, flags, first, many))

    decoded = take.decode(
        '{"tags": ["a"], "place": {"left": 1}, "order": {"item": "tea"}, "flags": {"fast": true}, '
        '"first": {"@type": "Demand", "item": "x"}, "many": [1, 1]}'
    )
    assert decoded.args == (["a"], Pair(1), Demand(item="tea"), {"fast": True}, Demand(item="x"))
    assert decoded.kwargs == {"many": {1}}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"citty": "Kiel"}', "$.citty: there is no such argument; the arguments are: city, days, unit, orders"),
        ("{}", "$: the argument 'city' is missing"),
        ("", "$: the argument 'city' is missing"),
        ('{"city": 3}', "$.city: Expected `str`, got `int`"),
        ('{"city": null}', "$.city: Expected `str`, got `null`"),
        ('{"city": "Kiel", "days": 8}', "$.days: Expected `int` <= 7"),
        ('{"city": "Kiel", "days": null}', "$.days: Expected `int`, got `null`"),
        ('{"city": "Kiel", "unit": "K"}', "$.unit: Invalid enum value 'K'"),
        (
            '{"city": "Kiel", "orders": [{"item": "tea"}, {"item": "tea", "count": 0}]}',
            "$.orders[1].count: Expected `int` >= 1",
        ),
        ('{"city": "Ki', "$: Input data was truncated"),
        ("[1]", "$: the arguments must be an object"),
    ],
)
def test_wrong_arguments_are_one_error_with_the_path(arguments: str, text: str) -> None:
    with pytest.raises(DecodeError) as refused:
        forecast.decode(arguments)
    assert str(refused.value) == text
    told = answer(forecast, arguments)
    assert (told.text, told.is_error) == (text, True)


def test_no_text_at_all_is_an_object_without_properties() -> None:
    @tool
    def ping() -> str:
        return "pong"

    assert answer(ping, "").text == answer(ping, " ").text == answer(ping, "{}").text == "pong"
    told = answer(ping, '{"x": 1}')
    assert (told.text, told.is_error) == ("$.x: there is no such argument; it takes none", True)


def test_null_stands_for_the_default_of_an_argument_of_a_strict_tool() -> None:
    @tool(strict=True)
    def find(key: str, limit: int = 10, order: Demand | None = None) -> str:
        return f"{key} {limit} {order!r}"

    assert answer(find, '{"key": "a", "limit": null, "order": null}').text == "a 10 None"
    told = answer(find, '{"key": "a", "limit": 2, "order": {"item": "x", "count": null}}')
    assert told.text == "a 2 Demand(item='x')"
    assert answer(find, '{"key": null}').text == "$.key: Expected `str`, got `null`"


ANNOTATIONS = st.sampled_from(
    [
        *(int, str, bool, float | None, list[int], dict[str, int], Literal["a", "b"], Demand, Pair, Flags),
        *(Annotated[int, msgspec.Meta(ge=0)], tuple[int, str], Mapping[str, Demand], set[str] | None),
    ]
)
JSON = st.recursive(
    st.sampled_from([None, True, 0, -1, 2, 0.5, "", "a", "tea"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["item", "count", "left", "right", "fast", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.data())
def test_the_schema_accepts_exactly_the_arguments_that_the_decoder_accepts(data: st.DataObject) -> None:
    parameters = data.draw(st.dictionaries(st.sampled_from("xyz"), st.tuples(ANNOTATIONS, st.booleans()), max_size=3))

    def function(**given: object) -> None: ...

    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect looks at
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=annotation,
                default="" if optional else inspect.Parameter.empty,
            )
            for name, (annotation, optional) in parameters.items()
        ]
    )
    function.__annotations__ = {name: annotation for name, (annotation, _) in parameters.items()}
    made = tool(function)
    names = [*parameters, "unknown"]
    value = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=4))
    validator: Any = jsonschema.Draft202012Validator(json.loads(json.dumps(made.parameters)))  # Any: no stub knows JSON
    try:
        made.decode(json.dumps(value))
        decoded = True
    except DecodeError:
        decoded = False
    assert bool(validator.is_valid(value)) == decoded


# --- what becomes of the result ---


def returning(value: Any) -> Tool[[], Any]:  # Any: whatever a tool may return
    @tool(name="give")
    async def give() -> Any:  # Any: as above
        return value

    return give


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        ({"a": [1, 2.5]}, '{"a":[1,2.5]}'),
        (Pair(1, 2), '{"left":1,"right":2}'),
        (AssistantMessage("said"), "said"),
        (Demand(item="tea"), '```json\n{\n  "@type": "Demand",\n  "item": "tea"\n}\n```'),
        ((Demand(item="tea"),), '[{"@type":"Demand","item":"tea"}]'),
    ],
)
def test_a_result_is_text_as_it_is_or_json(value: object, text: str) -> None:
    assert answer(returning(value)) == ToolResultMessage(text, tool_call_id="call_1", tool_name="give")


PICTURE = ImagePart(url="https://example.com/tea.png")
FILE = FilePart(file_id="file_1")


@pytest.mark.parametrize(
    ("value", "text", "content"),
    [
        (PICTURE, "", (PICTURE,)),
        ([PICTURE, FILE], "", (PICTURE, FILE)),
        (("A picture: ", PICTURE, "."), "A picture: .", (PICTURE,)),
        (UserMessage("Look", content=(FILE,)), "Look", (FILE,)),
        (MessagePromise.of_message(UserMessage("Look", content=(FILE,))), "Look", (FILE,)),
        ([PICTURE, 3], '[{"@type":"ImagePart","url":"https://example.com/tea.png"},3]', ()),
    ],
)
def test_pictures_and_files_are_the_content_of_a_result(value: object, text: str, content: tuple[object, ...]) -> None:
    told = answer(returning(value))
    assert (told.text, told.content) == (text, content)


def test_what_json_has_no_form_for_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    told = answer(returning(object()))
    assert told.is_error
    assert str(told).startswith("TypeError: ")
    assert "tool 'give' failed" in caplog.text


def test_text_that_comes_piece_by_piece_is_streamed() -> None:
    @tool
    async def count(upto: int) -> AsyncIterator[str]:
        for number in range(upto):
            await asyncio.sleep(1)
            yield f"{number} "

    async def main() -> str:
        return await transcript(sequence_of(count.answer(call('{"upto": 3}'))))

    assert run(main()) == (
        "1 '0 '\n1 '1 '\n1 '2 '\n1 = ToolResultMessage(text='0 1 2 ', tool_call_id='call_1', tool_name='count')\nend"
    )


def sequence_of(promise: MessagePromise[Message]) -> MessageSequencePromise[Message]:
    @miniagent
    async def give(ctx: InteractionContext) -> None:
        ctx.reply(promise)

    return give.inquire()


def test_promises_of_messages_are_streamed_with_what_was_thought() -> None:
    async def pieces() -> AsyncIterator[str | StreamEvent]:
        yield ReasoningDelta("hm")
        yield "Hel"
        yield "lo"

    @tool
    async def greet() -> MessagePromise[Message]:
        return stream_message(Message, pieces())

    async def main() -> tuple[list[StreamEvent], ToolResultMessage]:
        promise = greet.answer(call())
        return [event async for event in promise.events], await promise

    events, message = run(main())
    assert events[0] == ReasoningDelta("hm")
    assert [str(event) for event in events[1:]] == ["TextDelta(text='Hel')", "TextDelta(text='lo')"]
    assert message.text == "Hello"


def test_a_promise_of_anything_is_awaited() -> None:
    @tool
    async def later() -> Promise[int]:
        return Promise(lambda: asyncio.sleep(1, 42))

    async def main() -> str | None:
        return (await later.answer(call())).text

    assert run(main()) == "42"


def test_what_is_known_of_a_result_beforehand_can_be_read_at_once() -> None:
    async def main() -> tuple[Any, ...]:
        promise = returning("x").answer(call())
        known = dict(promise.known)
        await promise
        return known, promise.message_class

    assert run(main()) == ({"tool_call_id": "call_1", "tool_name": "give", "role": "tool"}, ToolResultMessage)


# --- errors ---


def test_an_error_is_told_to_the_model_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def fail(sooner: bool) -> AsyncIterator[str]:
        if not sooner:
            yield "so far"
        raise LookupError("nothing there")

    told = answer(fail, '{"sooner": true}')
    assert told == ToolResultMessage(
        "LookupError: nothing there", tool_call_id="call_1", tool_name="fail", is_error=True
    )
    assert answer(fail, '{"sooner": false}').text == "so far\n\nLookupError: nothing there"
    (record, _) = caplog.records
    assert (record.name, record.levelno) == ("miniagents", logging.WARNING)
    assert record.getMessage() == "tool 'fail' failed; the model is told the error"
    assert record.exc_info
    assert isinstance(record.exc_info[1], LookupError)


def test_wrong_arguments_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert answer(forecast, "{}").is_error
    assert not caplog.records


@pytest.mark.parametrize("error", [EndLoop(), asyncio.CancelledError()])
def test_what_is_no_failure_of_the_tool_is_raised(error: BaseException) -> None:
    @tool
    async def end() -> str:
        raise error

    async def main() -> str:
        promise = end.answer(call())
        try:
            await promise
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it is looked at
            return type(raised).__name__
        return "nothing"

    expected = "PromiseCancelledError" if isinstance(error, asyncio.CancelledError) else type(error).__name__
    assert run(main()) == expected


def test_p8_ctrl_c_in_a_tool_is_meant_for_the_program() -> None:
    @tool
    async def end() -> str:
        raise KeyboardInterrupt

    async def main() -> None:
        await end.answer(call())

    with pytest.raises(KeyboardInterrupt):
        run(main())


# --- threads and cancelling ---


def test_a_plain_function_runs_in_a_thread_and_holds_up_nobody() -> None:
    entered, leave = threading.Event(), threading.Event()

    @tool
    def wait() -> str:
        entered.set()
        assert leave.wait(5)
        return threading.current_thread().name

    async def main() -> str | None:
        async with MiniAgents():
            promise = wait.answer(call())
            while not entered.is_set():
                await asyncio.sleep(0)
            leave.set()
            return (await promise).text

    assert asyncio.run(main()) != threading.current_thread().name


def test_a_plain_function_may_run_in_the_loop() -> None:
    @tool(in_thread=False)
    def here() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert answer(here).text == "true"


def test_cancelling_the_promise_cancels_the_function() -> None:
    seen: list[str] = []

    @tool
    async def sleep() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return "slept"

    async def main() -> float:
        promise = sleep.answer(call())
        await asyncio.sleep(1)
        promise.cancel()
        await asyncio.sleep(1)
        return asyncio.get_running_loop().time()

    run(main())
    assert seen == ["cancelled"]


def test_a_generator_that_is_cancelled_or_fails_is_closed(logged: list[str]) -> None:
    closed: list[str] = []

    @tool
    async def count(wrong: bool) -> AsyncIterator[Any]:  # Any: what is no text is an error
        try:
            yield "1"
            yield 2 if wrong else "2"
            await asyncio.sleep(60)
        finally:
            closed.append("wrong" if wrong else "cancelled")

    async def main() -> str | None:
        cancelled = count.answer(call('{"wrong": false}'))
        wrong = await count.answer(call('{"wrong": true}'))
        assert closed == ["wrong"]
        await asyncio.sleep(1)
        cancelled.cancel()
        await asyncio.sleep(1)
        return wrong.text

    assert run(main()) == "1\n\nTypeError: a tool that yields must yield text or ToolProgress, not int: 2"
    assert closed == ["wrong", "cancelled"]
    assert len(logged) == 1
    assert logged[0].startswith("tool 'count' failed; the model is told the error: TypeError(")

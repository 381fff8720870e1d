"""Errors that were sent or kept are made again: of their class, with their text and what their class takes."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
import pydantic
import pytest
from hypothesis import given, strategies as st

from miniagents import AssistantMessage, InteractionContext, Message, MiniAgents, Usage, miniagent
from miniagents.ext.llm import LanguageModelError, RateLimitError, WrongReplyError
from miniagents.ext.store import StoreFullError, StreamGapError
from miniagents.messages import DecodeError
from miniagents.wire import RemoteError, decode_stream, encode_stream
from miniagents.wire._error_parts import errors_in_group
from tests.wire.test_streams import FORMATS

Format = Literal["json", "msgpack"]


class LimitError(Exception):
    def __init__(self, *, limit: int, unit: str = "tokens", of: "dict[str, Any] | None" = None) -> None:  # Any: JSON
        super().__init__(f"the limit is {limit} {unit}")
        self.limit = limit
        self.unit = unit
        self.of = of


class UserLimitError(LimitError):
    def __init__(self, user: str, **more: Any) -> None:  # Any: what the base takes
        super().__init__(**more)
        self.user = user


class RefusedError(Exception):
    """It takes a text that it does not keep, one that it keeps, and a message."""

    def __init__(self, text: str, /, code: int, *, question: Message | None = None) -> None:
        super().__init__(text, code)
        self.code = code
        self.question = question

    def __str__(self) -> str:
        return f"{self.args[0]} ({self.code})"


@dataclass
class PlaceError(Exception):
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class TwoError(ExceptionGroup[Exception]):
    pass


class SecretError(Exception):
    """Its class cannot be called with what is known of it."""

    def __init__(self, key: object, place: str) -> None:
        super().__init__("the key is wrong")
        self._key = key, place


class Shape(pydantic.BaseModel):
    x: int


def raised(function: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as found:  # any error is looked at
        function()
    return found.value


def noted(error: Exception) -> Exception:
    error.add_note("while it was late")
    return error


PARTIAL: Final = AssistantMessage("so f", model="gpt-5", usage=Usage(input_tokens=3))
SAME: Final = (
    LimitError(limit=3),
    LimitError(limit=3, unit="calls", of={"a": [1, None, True, 0.5, "x"]}),
    UserLimitError("Ann", limit=2**62),
    RefusedError("no", 7, question=Message("may I?")),
    PlaceError(3, 4),
    KeyError("key"),
    KeyError(("a", 3)[1]),
    OSError("plain"),
    OSError(2, "No such file"),
    FileNotFoundError(2, "No such file", "a.txt"),
    OSError(18, "Invalid link", "a.txt", None, "b.txt"),
    raised(lambda: json.loads("{")),
    raised(lambda: msgspec.convert("a", int)),
    DecodeError("$.a", "is wrong"),
    RateLimitError("too many", provider="OpenAI", model="gpt-5", status=429, retry_after=1.5, partial=PARTIAL),
    WrongReplyError("not so", path="$.a", reason="is wrong", partial=PARTIAL),
    LanguageModelError("plain"),
    StoreFullError("runs.db", "there is no room"),
    StreamGapError("runs.db", "pieces are missing", stream="a", index=3),
    ExceptionGroup("many", [ValueError("a"), noted(KeyError("b")), ExceptionGroup("inner", [LimitError(limit=3)])]),
    TwoError("two", [ValueError("a"), ValueError("b")]),
    noted(LimitError(limit=3)),
)


def classes_of(error: BaseException) -> list[type[BaseException]]:
    return [type(error), *(cls for each in errors_in_group(error) for cls in classes_of(each))]


def told(error: BaseException) -> object:
    """What is to be the same."""
    attributes = {name: value for name, value in vars(error).items() if not name.startswith("__")}
    notes = [note for note in getattr(error, "__notes__", []) if not note.startswith(("in agent", "passed on"))]
    return type(error), str(error), attributes, notes, list(map(told, errors_in_group(error)))


@miniagent
async def failing(_: InteractionContext, error: object) -> None:
    assert isinstance(error, BaseException)
    raise error


async def again(error: BaseException, format: Format, classes: list[type[BaseException]]) -> BaseException:
    async with MiniAgents():
        replies = decode_stream(
            encode_stream(failing.inquire(error=error), format), tuple[Message, ...], format=format, errors=classes
        )
        with pytest.raises(BaseException) as found:
            await replies
    return found.value


@FORMATS
@pytest.mark.parametrize("error", SAME, ids=repr)
async def test_an_error_is_made_again_with_all_that_its_class_takes(error: Exception, format: Format) -> None:
    expected = told(error)
    assert told(await again(error, format, classes_of(error))) == expected


@pytest.mark.parametrize(
    "error",
    [SecretError(object(), "a"), raised(lambda: Shape.model_validate({"x": "a"})), ValueError({"a": 1})],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_whose_class_cannot_be_called_keeps_its_name_and_text(error: Exception) -> None:
    found = await again(error, "json", [type(error)])
    assert type(found) is RemoteError
    assert found.type_name.endswith(type(error).__qualname__)
    assert found.text == str(error)


async def test_what_is_no_parameter_of_its_class_is_not_sent() -> None:
    """Attributes may be secrets; what an error was made of is told already by its `args`."""

    class KeptError(Exception):
        def __init__(self, name: str) -> None:
            super().__init__(name)
            self.password = "hunter2"

    async with MiniAgents():
        replies = failing.inquire(error=KeptError("x"))
        data = b"".join([block async for block in encode_stream(replies)])
        with pytest.raises(KeptError):
            await replies
    assert b"hunter2" not in data


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc@", max_size=5), inner, max_size=3),
    max_leaves=8,
)


@FORMATS
@given(limit=st.integers(), unit=st.text(), of=st.dictionaries(st.text("ab@", max_size=5), json_values, max_size=3))
async def test_any_attributes_come_back_as_they_are_or_the_error_has_its_name(
    format: Format,
    limit: int,
    unit: str,
    of: dict[str, Any],  # Any: JSON
) -> None:
    error = LimitError(limit=limit, unit=unit, of=of)
    found = await again(error, format, [LimitError])
    assert told(found)[:3] == told(error)[:3] or (  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
        isinstance(found, RemoteError) and not (-(2**63) <= limit < 2**63 and unit.isprintable())
    )


@pytest.mark.parametrize(
    "frame",
    [
        b'{"keywords":{"limit":3,"self":1,"nothing":2,"__class__":3}}',
        b'{"keywords":{"limit":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}}",
        b'{"messages":{"limit":{"@type":"NoSuchMessage"}}}',
        b'{"messages":{"of":[1]}}',
        b'{"errors":' + b'[{"type":"builtins.ExceptionGroup","text":"x","errors":' * 3000 + b"[]" + b"}]" * 3000 + b"}",
    ],
    ids=["names", "deep", "unknown", "none", "groups"],
)
async def test_hostile_descriptions_are_an_error_and_nothing_else(frame: bytes) -> None:
    head = f'{{"frame":"failed","error":{{"type":"{__name__}.LimitError","text":"the limit is 3 tokens",'.encode()
    data = b'{"frame":"sequence"}\n' + head + frame[1:] + b'}\n{"frame":"end"}\n'

    async def source() -> AsyncIterator[bytes]:
        yield data

    async with MiniAgents():
        with pytest.raises((LimitError, RemoteError, DecodeError)) as found:
            await decode_stream(source(), tuple[Message, ...], errors=[LimitError])
    if isinstance(found.value, LimitError):
        assert {name for name in vars(found.value) if name != "__notes__"} >= {"limit", "unit", "of"}
        assert not {"nothing", "self", "__class__"} & vars(found.value).keys()

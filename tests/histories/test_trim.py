"""`trim`: whatever a history is, what is left of it is one that models take, within the bound."""

from typing import Any, Final

import pytest
from hypothesis import assume, given, strategies as st

from miniagents import (
    AnthropicMessage,
    AssistantMessage,
    FilePart,
    ImagePart,
    Message,
    OpenAIMessage,
    Reasoning,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)
from miniagents.ext.llm._conversation import conversation_of
from miniagents.ext.llm._protocol import ModelProtocol, ModelRequest
from miniagents.ext.llm.anthropic.messages import AnthropicMessages
from miniagents.ext.llm.openai.chat import ChatCompletions
from miniagents.ext.llm.openai.responses import Responses
from miniagents.histories import estimated_tokens, trim
from tests.ext.llm.protocols import Request
from tests.ext.llm.replies import CHAT, MESSAGES, RESPONSES
from tests.ext.llm.strict import history_faults

PROTOCOLS: Final[dict[str, ModelProtocol[Any, Any]]] = {
    CHAT: ChatCompletions(),
    RESPONSES: Responses(),
    MESSAGES: AnthropicMessages(),
}

texts: Final = st.sampled_from(["a", "Hello", "x" * 40, "é" * 9])
ids: Final = st.sampled_from("abc")
calls: Final = st.lists(st.builds(ToolCall, id=ids, name=st.just("now")), min_size=1, max_size=3).map(tuple)
any_message: Final = (
    st.builds(UserMessage, texts)
    | st.builds(Message, texts)
    | st.builds(SystemMessage, texts)
    | st.builds(AssistantMessage, texts)
    | st.builds(AssistantMessage, texts, tool_calls=calls)
    | st.builds(ToolResultMessage, texts, tool_call_id=ids)
)


@st.composite
def rounds(draw: st.DrawFn) -> list[Message]:
    """Draw a message with calls and their results, in any order, as a tool loop leaves them."""
    asked = draw(calls)
    results: list[Message] = [ToolResultMessage(draw(texts), tool_call_id=call.id) for call in asked]
    return [AssistantMessage(draw(texts), tool_calls=asked), *draw(st.permutations(results))]


histories: Final = st.lists(any_message.map(lambda each: [each]) | rounds(), min_size=1, max_size=9).map(
    lambda parts: [message for part in parts for message in part]
)
bounds: Final = st.integers(1, 200)


def is_users(message: Message) -> bool:
    return not isinstance(message, AssistantMessage | ToolResultMessage | SystemMessage)


def unpaired(messages: tuple[Message, ...]) -> list[str]:
    """Return the calls without results and the results without calls, written once more as a list of open calls."""
    open_calls: list[str] = []
    wrong: list[str] = []
    for message in messages:
        if isinstance(message, AssistantMessage):
            open_calls += [call.id for call in message.tool_calls]
        elif isinstance(message, ToolResultMessage):
            if message.tool_call_id in open_calls:
                open_calls.remove(message.tool_call_id)
            else:
                wrong.append(message.tool_call_id)
    return wrong + open_calls


def trimmed(history: list[Message], tokens: int) -> tuple[Message, ...]:
    try:
        return trim(history, tokens=tokens)
    except ValueError:
        assume(False)
        raise


@given(histories, bounds)
def test_what_is_left_is_within_the_bound_and_keeps_what_matters(history: list[Message], tokens: int) -> None:
    left = trimmed(history, tokens)
    assert estimated_tokens(*left) <= tokens
    assert [each for each in left if isinstance(each, SystemMessage)] == [
        each for each in history if isinstance(each, SystemMessage)
    ]
    users = [each for each in history if is_users(each)]
    assert [each for each in left if is_users(each)][-1:] == users[-1:]
    rest = iter(history)
    assert all(any(each is other for other in rest) for each in left), "the order is that of the history"


@given(histories, bounds)
def test_calls_and_results_stay_together(history: list[Message], tokens: int) -> None:
    assert not unpaired(trimmed(history, tokens))


@given(histories, bounds)
def test_trimming_again_changes_nothing(history: list[Message], tokens: int) -> None:
    left = trimmed(history, tokens)
    assert trim(left, tokens=tokens) == left


@pytest.mark.parametrize("path", PROTOCOLS)
@given(history=histories, tokens=bounds)
def test_strict_servers_take_what_is_left(path: str, history: list[Message], tokens: int) -> None:
    left = trimmed(history, tokens)
    protocol = PROTOCOLS[path]
    assume(left)
    body = protocol.body(ModelRequest(model="m", conversation=conversation_of(left, protocol.rules), server="s"))
    assert not history_faults(Request("POST", path, {}, b"", body))
    results = sum(isinstance(message, ToolResultMessage) for message in left)
    assert str(body).count("There is no result") == 0
    assert str(body).count("An earlier ") == 0, f"each of {results} results has its call"


@given(histories, st.integers(0, 8))
def test_what_fits_stays_whole(history: list[Message], spare: int) -> None:
    assume(not unpaired(tuple(history)))
    assert trim(history, tokens=estimated_tokens(*history) + spare) == tuple(history)


ROUND: Final = [
    AssistantMessage("", tool_calls=(ToolCall(id="1", name="now"),)),
    ToolResultMessage("12:00", tool_call_id="1"),
]


def test_the_oldest_go_first_and_answers_go_with_their_questions() -> None:
    history = [
        SystemMessage("Be brief."),
        UserMessage("q" * 30),
        AssistantMessage("first"),
        AssistantMessage("second"),
        UserMessage("And?"),
        *ROUND,
    ]
    assert trim(history, tokens=45) == (history[0], *history[4:])
    assert trim(history, tokens=1_000) == tuple(history)


def test_in_a_long_turn_the_oldest_rounds_go_and_the_question_stays() -> None:
    history = [UserMessage("Do it"), *ROUND, *ROUND, *ROUND]
    assert trim(history, tokens=50) == (history[0], *ROUND, *ROUND)
    assert trim(history, tokens=30) == (history[0], *ROUND)


def test_keep_says_what_else_stays_and_a_result_stays_with_its_call() -> None:
    history = [UserMessage("q" * 90), *ROUND, UserMessage("And?")]
    assert trim(history, tokens=30, keep=lambda each: each is ROUND[1]) == (*ROUND, history[-1])
    assert trim(history, tokens=30) == (history[-1],)


def test_a_given_count_is_what_counts() -> None:
    history = [UserMessage(letter) for letter in "abcdef"]
    assert [str(each) for each in trim(history, tokens=2, count=lambda _: 1)] == ["e", "f"]


async def waiting(_: Message) -> int:
    return 1


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match=r"what has to stay has 39 tokens, which is more than tokens=10"):
        trim([SystemMessage("x" * 90), UserMessage("a")], tokens=10)
    with pytest.raises(ValueError, match=r"trim: tokens=0"):
        trim([], tokens=0)
    with pytest.raises(TypeError, match="trim: keep"):
        trim([UserMessage("a")], tokens=9, keep=waiting)
    text: Any = "a text"
    with pytest.raises(TypeError, match=r"estimated_tokens: \[UserMessage.* is no message: give the messages in it$"):
        estimated_tokens([UserMessage("a")])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=r"trim: 'a' is no message: give messages, such as `await ctx\.messages`"):
        trim(text, tokens=9)
    with pytest.raises(TypeError, match="estimated_tokens: 'a text' is no message"):
        estimated_tokens(text)
    assert trim([], tokens=1) == ()


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        (Message(""), 4),
        (UserMessage("abcd"), 6),
        (UserMessage("", content=(TextPart("abc"), ImagePart(url="u"))), 1_605),
        (ToolResultMessage("", tool_call_id="1", content=(FilePart(data="A" * 100_000),)), 3_004),
        (AssistantMessage("abc", tool_calls=(ToolCall(id="1", name="now"),)), 15),
        (AssistantMessage(None, reasoning=(Reasoning("abcabc"),)), 6),
        (AnthropicMessage("abc", content_blocks=({"type": "web_search_tool_result", "content": "x" * 300},)), 118),
        (OpenAIMessage("abc", output_items=({"n": (1, None, True)},)), 10),
    ],
)
def test_an_estimate_counts_all_that_is_sent(message: Message, tokens: int) -> None:
    assert estimated_tokens(message) == tokens
    assert estimated_tokens(message, message) == 2 * tokens

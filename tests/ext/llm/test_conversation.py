"""What providers want of a conversation is a value, and applied in one place; conversations are given as data."""

from itertools import pairwise
from typing import Final, Literal

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AnthropicMessage,
    AssistantMessage,
    ErrorMessage,
    ImagePart,
    Message,
    OpenAIMessage,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)
from miniagents.ext.llm._conversation import (
    NO_RESULT,
    OPENING,
    AssistantTurn,
    Conversation,
    ConversationRules,
    SystemTurn,
    Turn,
    UserTurn,
    conversation_of,
)

FREE: Final = ConversationRules()
STRICT: Final = ConversationRules(system_apart=True, alternates=True, user_first=True)
PICTURE: Final = ImagePart(url="https://example.com/a.png")
CALL_A: Final = ToolCall(id="a", name="weather", arguments='{"city": "Rome"}')
CALL_B: Final = ToolCall(id="b", name="now")
RESULT_A: Final = ToolResultMessage("sunny", tool_call_id="a", tool_name="weather")
RESULT_B: Final = ToolResultMessage("noon", tool_call_id="b")


def turns(*messages: Message, rules: ConversationRules = FREE, system: str | None = None) -> list[Turn]:
    return list(conversation_of(messages, rules, system=system).turns)


def user(*texts: str) -> UserTurn:
    return UserTurn(parts=tuple(map(TextPart, texts)))


def assistant(text: str, *calls: ToolCall) -> AssistantTurn:
    return AssistantTurn((AssistantMessage(text, tool_calls=calls),))


def test_who_speaks() -> None:
    class Weather(Message, frozen=True, kw_only=True):
        city: str

    class Said(Message, frozen=True, kw_only=True):
        role: Literal["assistant"] = "assistant"

    messages = [
        *(Message("a"), UserMessage("b"), AssistantMessage("c"), SystemMessage("d"), Weather(city="Rome")),
        *(ErrorMessage("e", error_type="ValueError"), Said("f"), Message("g")),
    ]
    assert turns(*messages) == [
        *(user("a"), user("b"), assistant("c"), SystemTurn("d")),
        *(user('```json\n{\n  "@type": "Weather",\n  "city": "Rome"\n}\n```'), user("e"), assistant("f"), user("g")),
    ]


def test_parts_stand_behind_the_text() -> None:
    message = UserMessage("What is this?", content=(PICTURE, TextPart("and why?")))
    assert turns(message) == [UserTurn(parts=(TextPart("What is this?"), PICTURE, TextPart("and why?")))]
    assert turns(UserMessage(content=(PICTURE,))) == [UserTurn(parts=(PICTURE,))]


def test_messages_that_say_nothing_are_left_out() -> None:
    silent = [
        Message(""),
        UserMessage(),
        SystemMessage(""),
        AssistantMessage(""),
        OpenAIMessage(),
        AnthropicMessage(""),
    ]
    assert turns(Message("a"), *silent, Message("b")) == [user("a"), user("b")]


def test_what_a_model_is_to_answer_was_said_by_somebody_else() -> None:
    """One model's answer is another one's question, as in `writer >> critic`."""
    assert turns(AssistantMessage("a draft")) == [user("a draft")]
    assert turns(UserMessage("x"), OpenAIMessage("y"), AnthropicMessage("z")) == [user("x"), user("y"), user("z")]
    assert turns(AssistantMessage("a"), UserMessage("b")) == [assistant("a"), user("b")]


def test_a_paused_answer_goes_on() -> None:
    paused = AnthropicMessage("so far", finish_reason="pause")
    assert turns(UserMessage("x"), paused) == [user("x"), AssistantTurn((paused,))]


def test_nothing_to_answer_is_an_error() -> None:
    for rules in (FREE, STRICT):
        with pytest.raises(
            ValueError, match="^there is nothing to answer: send at least one message, or give `system`$"
        ):
            turns(Message(""), rules=rules)
    assert turns(system="Greet them") == [SystemTurn("Greet them")]


# --- tools ---


def test_results_stand_right_behind_their_calls_in_their_order() -> None:
    asking = AssistantMessage("", tool_calls=(CALL_A, CALL_B))
    expected = [user("?"), AssistantTurn((asking,)), UserTurn((RESULT_A, RESULT_B)), user("!")]
    assert turns(UserMessage("?"), asking, RESULT_A, RESULT_B, UserMessage("!")) == expected
    assert turns(UserMessage("?"), asking, RESULT_B, UserMessage("!"), RESULT_A) == expected


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    asking = AssistantMessage("", tool_calls=(CALL_A,))
    missing = ToolResultMessage(NO_RESULT, tool_call_id="a", tool_name="weather", is_error=True)
    assert turns(asking, UserMessage("Never mind")) == [
        AssistantTurn((asking,)),
        UserTurn((missing,)),
        user("Never mind"),
    ]


def test_a_result_of_no_call_is_text_of_the_user() -> None:
    assert turns(RESULT_A) == [user("An earlier result of the tool weather: sunny")]
    failed = ToolResultMessage("no", tool_call_id="x", is_error=True, content=(PICTURE,))
    assert turns(failed) == [UserTurn(parts=(TextPart("An earlier error of a tool: no"), PICTURE))]


def test_a_call_that_comes_twice_has_two_results() -> None:
    """Providers refuse two calls with one identifier, so the second one gets an identifier of its own."""
    asking = AssistantMessage("", tool_calls=(CALL_A,))
    again = ToolResultMessage("rain", tool_call_id="a")
    renamed = AssistantMessage("", tool_calls=(CALL_A.__replace__(id="a_1"),))
    assert turns(asking, RESULT_A, asking, again) == [
        *(AssistantTurn((asking,)), UserTurn((RESULT_A,))),
        *(AssistantTurn((renamed,)), UserTurn((again.__replace__(tool_call_id="a_1"),))),
    ]


# --- rules ---


def test_rule_system_apart() -> None:
    apart = conversation_of(
        [SystemMessage("two"), UserMessage("a"), SystemMessage("three")],
        ConversationRules(system_apart=True),
        system="one",
    )
    assert apart == Conversation((user("a"),), "one\n\ntwo\n\nthree")
    within = conversation_of([UserMessage("a"), SystemMessage("two")], FREE, system="one")
    assert within == Conversation((SystemTurn("one"), user("a"), SystemTurn("two")))


def test_rule_user_first() -> None:
    first = ConversationRules(user_first=True)
    assert turns(AssistantMessage("a"), UserMessage("b"), rules=first) == [user(OPENING), assistant("a"), user("b")]
    assert turns(SystemMessage("s"), AssistantMessage("a"), UserMessage("b"), rules=first)[:2] == [
        SystemTurn("s"),
        user(OPENING),
    ]
    assert turns(rules=STRICT, system="Greet them") == [user(OPENING)]


def test_rule_alternates() -> None:
    asking = AssistantMessage("I look", tool_calls=(CALL_A, CALL_B))
    one, other = OpenAIMessage("from one"), AnthropicMessage("from the other")
    conversation = [UserMessage("a"), UserMessage("b"), one, other, UserMessage("c"), asking, RESULT_A, RESULT_B]
    assert turns(*conversation, UserMessage("d"), rules=STRICT) == [
        *(user("a", "b"), AssistantTurn((one, other)), user("c"), AssistantTurn((asking,))),
        UserTurn((RESULT_A, RESULT_B), (TextPart("d"),)),
    ]


# --- laws ---

a_call = st.builds(ToolCall, id=st.sampled_from("abc"), name=st.just("t"))
a_message: st.SearchStrategy[Message] = st.one_of(
    st.builds(Message, st.sampled_from(["", "a plain word"])),
    st.builds(UserMessage, st.sampled_from([None, "a user's word"])),
    st.builds(SystemMessage, st.just("a system's word")),
    st.builds(
        AssistantMessage,
        st.sampled_from(["", "a model's word"]),
        tool_calls=st.lists(a_call, max_size=2, unique_by=lambda c: c.id),
    ),
    st.builds(ToolResultMessage, st.just("a tool's word"), tool_call_id=st.sampled_from("abc")),
)


@given(messages=st.lists(a_message, max_size=8), rules=st.sampled_from([FREE, STRICT]))
def test_law_whatever_is_said_the_conversation_is_one_that_providers_take(
    messages: list[Message], rules: ConversationRules
) -> None:
    conversation = conversation_of(messages, rules, system="always")
    calls: list[str] = []
    for turn in conversation.turns:
        if isinstance(turn, UserTurn) and turn.results:
            own = [result.tool_call_id for result in turn.results]
            assert own == calls[: len(own)], "a result stands right behind its call"
            del calls[: len(own)]
        else:
            assert not calls, "every call has its result"
        if isinstance(turn, AssistantTurn):
            calls += [call.id for message in turn.messages for call in message.tool_calls]
    assert not calls
    if rules is STRICT:
        kinds = [type(turn) for turn in conversation.turns]
        assert kinds[0] is UserTurn
        assert all(one is not other for one, other in pairwise(kinds))
        assert kinds[-1] is UserTurn
        assert SystemTurn not in kinds


@given(messages=st.lists(a_message, max_size=8))
def test_law_no_word_is_lost(messages: list[Message]) -> None:
    """M5: every text that somebody said is somewhere in the conversation."""
    shown = str(conversation_of(messages, STRICT, system="always"))
    assert all((message.text or "") in shown for message in messages)

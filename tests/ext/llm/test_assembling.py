"""The assembler makes one message of whatever pieces an answer comes in; events are given as data."""

from collections.abc import Mapping
from itertools import pairwise
from random import Random
from typing import Final

from hypothesis import given, strategies as st

from miniagents import AssistantMessage, Reasoning, ReasoningDelta, RefusalDelta, ToolCall, ToolCallDelta, Usage
from miniagents.ext.llm._assembling import Assembler
from miniagents.ext.llm._events import Finished, ModelEvent, Noted, ReasoningEnded, Started, ToolCallPiece

DONE: Final = Finished("stop")


def assembler() -> Assembler[AssistantMessage]:
    return Assembler(lambda message, content, notes: message)


def assembled(*events: ModelEvent) -> AssistantMessage:
    made = assembler()
    for event in events:
        made.feed(event)
    return made.message()


def calls(*pieces: ToolCallPiece) -> list[tuple[str, str, str]]:
    return [(call.id, call.name, call.arguments) for call in assembled(*pieces, DONE).tool_calls]


def test_text_and_refusals_are_joined() -> None:
    assert assembled("He", "", "llo", DONE) == AssistantMessage("Hello", finish_reason="stop")
    refused = assembled(RefusalDelta("I "), RefusalDelta("will "), RefusalDelta("not"), DONE)
    assert (refused.text, refused.refusal, refused.finish_reason) == ("", "I will not", "refusal")


def test_readers_see_everything_but_what_is_empty() -> None:
    made = assembler()
    pieces: list[ModelEvent] = ["a", "", ReasoningDelta(""), ReasoningDelta("b"), Started("m"), Usage(), DONE]
    assert [made.feed(piece) for piece in pieces] == ["a", None, None, ReasoningDelta("b"), None, None, None]


def test_fragments_of_calls_are_merged_by_index() -> None:
    first, second = ToolCallPiece(0, "a", "one"), ToolCallPiece(1, "b", "two")
    pieces = [first, ToolCallPiece(0, arguments='{"x"'), second, ToolCallPiece(1, arguments="{}")]
    assert calls(*pieces, ToolCallPiece(0, arguments=": 1}")) == [("a", "one", '{"x": 1}'), ("b", "two", "{}")]


def test_calls_that_are_all_counted_as_0_are_told_apart_by_their_ids() -> None:
    pieces = [ToolCallPiece(0, "a", "one", "{}"), ToolCallPiece(0, "b", "two", "{"), ToolCallPiece(0, arguments="}")]
    assert calls(*pieces) == [("a", "one", "{}"), ("b", "two", "{}")]


def test_fragments_without_an_index_belong_to_the_last_call() -> None:
    pieces = [ToolCallPiece(None, "a", "one"), ToolCallPiece(None, arguments="{"), ToolCallPiece(None, arguments="}")]
    assert calls(*pieces, ToolCallPiece(None, "b", "two")) == [("a", "one", "{}"), ("b", "two", "{}")]


def test_an_id_that_comes_with_every_fragment_is_one_call() -> None:
    pieces = [ToolCallPiece(0, "a", "one", "{"), ToolCallPiece(0, "a", "one", "}"), ToolCallPiece(0, "", "", "")]
    assert calls(*pieces) == [("a", "one", "{}")]


def test_indexes_with_gaps_are_counted_from_0_for_readers() -> None:
    made = assembler()
    deltas = [made.feed(ToolCallPiece(7, "a", "one")), made.feed(ToolCallPiece(9, "b", "two"))]
    assert deltas == [ToolCallDelta(index=0, id="a", name="one"), ToolCallDelta(index=1, id="b", name="two")]


def test_a_call_without_an_id_gets_one_of_its_own() -> None:
    pieces: list[ModelEvent] = [
        Started(response_id="r"),
        ToolCallPiece(0, None, "one"),
        ToolCallPiece(1, "", "two"),
        DONE,
    ]
    assert assembled(*pieces).tool_calls == (ToolCall(id="r_0", name="one"), ToolCall(id="r_1", name="two"))


def test_reasoning_ends_with_its_signature() -> None:
    message = assembled(
        *(ReasoningDelta("Hm, "), ReasoningDelta("well"), ReasoningEnded("s1")),
        *(ReasoningDelta("So"), ReasoningEnded("s2"), ReasoningEnded(None), ReasoningDelta("and"), DONE),
    )
    assert message.reasoning == (Reasoning("Hm, well", "s1"), Reasoning("So", "s2"), Reasoning("and"))


def test_what_a_provider_calls_a_stop_is_what_it_is() -> None:
    assert assembled(ToolCallPiece(0, "a", "one"), DONE).finish_reason == "tool_calls"
    assert assembled(ToolCallPiece(0, "a", "one"), Finished("length")).finish_reason == "length"


def test_an_unfinished_answer_has_no_reason() -> None:
    made = assembler()
    assert (made.has_anything, made.is_finished) == (False, False)
    made.feed(Started("m", "r"))
    made.feed(Usage(input_tokens=3))
    assert (made.has_anything, made.is_finished) == (False, False)  # of the answer itself there is nothing yet
    made.feed("He")
    assert (made.has_anything, made.is_finished) == (True, False)
    assert made.message() == AssistantMessage("He", model="m", response_id="r", usage=Usage(input_tokens=3))


def test_of_usage_and_notes_the_last_counts() -> None:
    noted: dict[str, object] = {}

    def note(message: AssistantMessage, _: object, notes: Mapping[str, object]) -> AssistantMessage:
        noted.update(notes)
        return message

    made = Assembler(note)
    for event in (Usage(input_tokens=1), Noted({"a": 1, "b": 1}), Usage(input_tokens=2), Noted({"b": 2}), DONE):
        made.feed(event)
    assert made.message().usage == Usage(input_tokens=2)
    assert noted == {"a": 1, "b": 2}


@given(
    arguments=st.lists(st.text(max_size=8), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 8), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_law_however_fragments_are_cut_and_mixed_the_calls_are_the_same(
    arguments: list[str], cuts: list[int], order: Random
) -> None:
    pieces: list[list[ToolCallPiece]] = []
    for index, text in enumerate(arguments):
        places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
        own = [ToolCallPiece(index, arguments=text[a:b]) for a, b in pairwise(places)]
        pieces.append([ToolCallPiece(index, f"id{index}", f"tool{index}"), *own])
    mixed = [each.pop(0) for each in pieces]  # calls begin in their order
    while any(pieces):
        mixed.append(order.choice([each for each in pieces if each]).pop(0))
    expected = [(f"id{index}", f"tool{index}", text or "{}") for index, text in enumerate(arguments)]
    assert calls(*mixed) == expected

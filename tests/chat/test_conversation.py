"""The conversation: what is asked, shown, kept and stopped, whatever the input and the view are."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from miniagents import (
    AssistantMessage,
    EndLoop,
    InteractionContext,
    Message,
    Reasoning,
    ReasoningDelta,
    ToolCall,
    ToolCallDelta,
    ToolResultMessage,
    miniagent,
    stream_message,
)
from miniagents.chat.history import History, read_conversation
from miniagents.chat.scripted import played
from miniagents.testing import Pause, scripted_agent
from tests.chat.talking import Interrupted, Talk


@miniagent
async def counting(ctx: InteractionContext) -> None:
    """Says what it was sent."""
    ctx.reply(" | ".join([f"{type(message).__name__} {message}" for message in await ctx.messages]))


class Question(Message, frozen=True): ...


class Errand(Message, frozen=True, kw_only=True):
    count: int


def test_questions_are_asked_one_after_the_other_with_all_that_was_said() -> None:
    talk = Talk(counting, "one", "two")
    assert talk.texts == [
        "one",
        "UserMessage one",
        "two",
        "UserMessage one | Message UserMessage one | UserMessage two",
    ]


def test_an_agent_may_be_sent_the_last_message_alone() -> None:
    assert Talk(counting, "one", "two", send="last").texts == ["one", "UserMessage one", "two", "UserMessage two"]


def test_everything_is_shown_as_it_comes() -> None:
    said = AssistantMessage(
        "Hi there",
        reasoning=(Reasoning("a greeting"),),
        tool_calls=(ToolCall(id="1", name="wave", arguments='{"hand": 1}'),),
    )

    @miniagent
    async def model(ctx: InteractionContext) -> None:
        ctx.reply([played(said, 1.0), ToolResultMessage("done", tool_call_id="1", tool_name="wave")])

    talk = Talk(model, "Hello")
    assert talk.lines == [
        "waiting",
        "begins AssistantMessage",
        "  ReasoningDelta 'a'",
        "  ReasoningDelta ' greeting'",
        "  TextDelta 'Hi'",
        "  TextDelta ' there'",
        "  ToolCallDelta 'wave'",
        "  ToolCallDelta 'None'",
        "  ToolCallDelta 'None'",
        "ends",
        "begins ToolResultMessage",
        "  TextDelta 'done'",
        "ends",
        "answered",
    ]
    assert talk.messages[1] == said
    assert talk.ended_at == 7.0


def test_an_agent_is_sent_only_what_it_takes() -> None:
    @miniagent
    async def takes_questions(ctx: InteractionContext[Question, Message]) -> None:
        ctx.reply(f"{len(await ctx.messages)} questions")

    talk = Talk(takes_questions, "one", "two")
    assert talk.texts == ["one", "1 questions", "two", "2 questions"]
    assert [type(message) for message in talk.messages] == [Question, Message, Question, Message]


def test_messages_that_are_no_texts_are_written_as_json() -> None:
    @miniagent
    async def takes_orders(ctx: InteractionContext[Errand, Message]) -> None:
        ctx.reply([f"{order.count} pieces" for order in await ctx.messages])

    talk = Talk(takes_orders, '{"@type": "Errand", "count": 3}', "three", '{"@type": "Errand", "count": "x"}')
    assert talk.texts[1:] == ["3 pieces"]
    wants = "ChatError: takes_orders takes Errand, which must be written as JSON: "
    assert [failure.removeprefix(wants) for failure in talk.failures] == [
        "$: JSON is malformed: invalid character (byte 4)",
        "$.count: Expected `int`, got `str`",
    ]


def test_a_message_without_words_is_not_shown_as_json() -> None:
    @miniagent
    async def silent(ctx: InteractionContext) -> None:
        ctx.reply(AssistantMessage(tool_calls=(ToolCall(id="1", name="wave"),)))

    assert Talk(silent, "Hello").lines == ["waiting", "begins AssistantMessage", "ends", "answered"]


# --- Ctrl+C ---


def test_ctrl_c_stops_the_answer_and_not_the_chat() -> None:
    cancelled: list[float] = []

    @miniagent
    async def slow(ctx: InteractionContext) -> None:
        async def tokens() -> AsyncIterator[str]:
            try:
                for number in range(10):
                    yield f"{number} "
                    await asyncio.sleep(10)
            except asyncio.CancelledError:
                cancelled.append(asyncio.get_running_loop().time())
                raise

        ctx.reply(stream_message(AssistantMessage, tokens()))

    talk = Talk(slow, "count", "again", interrupts=[25, 5])
    assert talk.interrupts.pressed_at == [25, 30]
    assert cancelled == [25, 30]
    assert talk.ended_at == 30
    assert talk.notes == ["stopped", "stopped"]
    assert talk.failures == []
    assert talk.texts == ["count", "0 1 2 ", "again", "0 "], "what was seen is part of the conversation"


def test_an_answer_that_will_not_stop_does_not_hold_the_chat() -> None:
    @miniagent
    async def stubborn(ctx: InteractionContext) -> None:
        ctx.reply("one moment")
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
        ctx.reply("never mind")

    talk = Talk(stubborn, "hello", interrupts=[10])
    assert talk.texts[:2] == ["hello", "one moment"]
    assert talk.notes == ["stopped"]
    assert talk.ended_at <= 13


def test_ctrl_c_while_nothing_has_come_keeps_the_question_for_retry() -> None:
    agent = scripted_agent([Pause(100), "late"], ["soon"])
    talk = Talk(agent, "well?", "/retry", interrupts=[1])
    assert talk.texts == ["well?", "soon"]


def test_ctrl_c_twice_where_there_is_nothing_to_stop_ends_the_chat() -> None:
    talk = Talk(counting, Interrupted(), "one", Interrupted(), Interrupted(), "never asked")
    assert talk.texts == ["one", "UserMessage one"]
    assert talk.notes == ["press Ctrl+C again, or Ctrl+D, to end"] * 2


# --- errors ---


def test_an_error_is_shown_once_and_the_chat_goes_on() -> None:
    agent = scripted_agent(["half of", ConnectionError("lost")], ValueError("no"), "better")
    talk = Talk(agent, "one", "two", "three")
    assert talk.failures == ["ConnectionError: lost", "ValueError: no"]
    assert talk.texts == ["one", "half of", "two", "three", "better"]


def test_an_error_that_a_message_and_its_agent_fail_with_is_shown_once() -> None:
    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        async def tokens() -> AsyncIterator[str]:
            yield "half"
            raise ConnectionError("lost")

        promise = stream_message(Message, tokens())
        ctx.reply(promise)
        await promise

    assert Talk(failing, "one").failures == ["ConnectionError: lost"]


def test_what_comes_behind_an_error_is_shown() -> None:
    @miniagent
    async def partly(ctx: InteractionContext) -> None:
        ctx.reply("before")
        ctx.reply(scripted_agent(ValueError("no")).inquire())
        ctx.reply("after")

    assert Talk(partly, "one").texts == ["one", "before", "after"]


def test_an_agent_may_end_the_conversation() -> None:
    talk = Talk(scripted_agent("bye", EndLoop()), "one", "two", "three")
    assert talk.texts == ["one", "bye", "two"]
    assert talk.notes == ["the agent has ended the conversation"]


@pytest.mark.parametrize("piece", [ReasoningDelta("hm"), ToolCallDelta(index=0, name="f")])
def test_a_message_that_breaks_off_before_its_text_leaves_nothing(piece: ReasoningDelta | ToolCallDelta) -> None:
    assert Talk(scripted_agent([piece, OSError("gone")]), "one").texts == ["one"]


# --- commands ---


def test_retry_asks_the_last_question_again_and_forgets_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "kept.ndjson"
    talk = Talk(scripted_agent("one", "two", "three"), "/retry", "a", "b", "/retry", history=History(path))
    assert talk.notes == ["nothing was asked yet"]
    assert talk.texts == ["a", "one", "b", "three"]
    assert list(read_conversation(path)) == talk.messages


def test_new_forgets_everything() -> None:
    talk = Talk(counting, "one", "/new", "two")
    assert talk.texts == ["two", "UserMessage two"]


def test_show_and_help_and_unknown_commands() -> None:
    talk = Talk(
        scripted_agent("one", "two"), "/show", "a", "/show", "/help", "/nothing", " /etc is a folder", " ", "/quit", "z"
    )
    assert talk.texts == ["a", "one", " /etc is a folder", "two"]
    assert [line for line in talk.lines if line.startswith("said")] == ["said: a", "said: one"]
    assert talk.notes == [
        "nothing was said yet",
        "/help      list the commands and keys",
        "there is no command /nothing; /help says which there are. A space before the / makes it part of a message",
    ]


def test_save_writes_a_copy_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "some folder" / "copy.ndjson"
    talk = Talk(scripted_agent("one"), "a", "/save", f"/save {path}", f"/save {path}", f"/save {path}/below")
    assert list(read_conversation(path)) == talk.messages
    assert talk.notes == [
        "not saved; /save FILE writes it to a file",
        f"2 messages written to {path}",
        f"{path} is there already; give another name",
    ]
    assert talk.failures == [f"ChatError: the conversation cannot be saved: {path}/below: File exists"]


# --- keeping ---


def test_every_message_is_kept_as_soon_as_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "kept.ndjson"
    seen: list[int] = []

    @miniagent
    async def looking(ctx: InteractionContext) -> None:
        for _ in range(3):
            seen.append(len(read_conversation(path)))
            ctx.reply("more")
            await asyncio.sleep(1)

    talk = Talk(looking, "go", history=History(path))
    assert seen == [1, 2, 3]
    assert list(read_conversation(path)) == talk.messages


def test_a_conversation_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.ndjson"
    Talk(counting, "one", history=History(path))
    before = read_conversation(path)
    talk = Talk(counting, "two", "/retry", history=History(path, kept=len(before)), before=before)
    assert talk.texts[-1] == "UserMessage one | Message UserMessage one | UserMessage two"
    assert list(read_conversation(path)) == talk.messages
    assert len(talk.messages) == 4


def test_a_file_that_cannot_be_written_does_not_end_the_chat(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    talk = Talk(scripted_agent("one"), "a", history=History(tmp_path / "file" / "kept.ndjson"))
    assert talk.texts == ["a", "one"]
    assert talk.failures[0].startswith("ChatError: the conversation cannot be saved: ")

"""Commands of the chat: other models, conversations and questions, attachments, costs."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from miniagents import (
    AssistantMessage,
    FilePart,
    ImagePart,
    InteractionContext,
    Message,
    TextPart,
    Usage,
    UserMessage,
    miniagent,
)
from miniagents.calls import Price
from miniagents.chat.agents import Partner, with_model
from miniagents.chat.attaching import MOST_BYTES, attachment
from miniagents.chat.chat_arguments import read_arguments
from miniagents.chat.chat_errors import ChatError
from miniagents.chat.costs import Costs, read_prices
from miniagents.chat.history import listed, read_conversation, write_conversation
from miniagents.testing import scripted_agent
from tests.chat.talking import CHOICES, Interrupted, Talk


@miniagent
async def counting(ctx: InteractionContext) -> None:
    """Says what it was sent."""
    ctx.reply(
        AssistantMessage(
            " | ".join([str(message) for message in await ctx.messages]),
            usage=Usage(input_tokens=1000, output_tokens=100),
        )
    )


def test_the_last_question_is_edited_and_asked_again() -> None:
    talk = Talk(counting, "one", "two", "/edit", "2", "/edit", Interrupted(), "three")
    assert talk.source.given == ["", "", "", "two", "", "2", "", ""]
    assert talk.texts[:1] + talk.texts[2::2] == ["one", "2", "three"]
    assert talk.texts[-1] == "one | one | 2 | one | one | 2 | three"


def test_there_is_nothing_to_edit_before_the_first_question() -> None:
    talk = Talk(counting, "/edit", "/edit extra", "a")
    assert talk.notes[:1] == ["nothing was asked yet"]
    assert talk.texts == ["a", "a"]


def test_attachments_go_with_the_next_question(tmp_path: Path) -> None:
    (tmp_path / "a picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "notes.md").write_text("# Notes", encoding="utf-8")
    talk = Talk(
        counting,
        f"/attach '{tmp_path}/a picture.png'",
        f"/attach {tmp_path}/notes.md",
        "/attach",
        "Look!",
        "/edit",
        "Oh!",
    )
    assert talk.notes == [
        "attached to the next question: image/png",
        *["attached to the next question: image/png, notes.md"] * 2,
    ]
    parts = (ImagePart(data="iVBORw==", media_type="image/png"), TextPart("notes.md:\n# Notes"))
    assert talk.messages[0] == UserMessage("Oh!", content=parts)
    assert len(talk.messages) == 2
    forgotten = Talk(counting, f"/attach {tmp_path}/notes.md", "/attach none", "/attach nothing.pdf", "Look!")
    assert forgotten.messages[0] == UserMessage("Look!")
    assert forgotten.failures == ["ChatError: there is no file nothing.pdf"]


def test_what_an_attachment_is(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    (tmp_path / "x.bin").write_bytes(b"\0\xff")
    assert attachment(f"{tmp_path}/x.pdf") == FilePart(data="JVBERg==", media_type="application/pdf", name="x.pdf")
    assert attachment(f"{tmp_path}/x.bin") == FilePart(data="AP8=", media_type="application/octet-stream", name="x.bin")
    assert attachment("https://a.example/x.png?y") == ImagePart(url="https://a.example/x.png?y")
    assert attachment("https://a.example/x") == FilePart(url="https://a.example/x")
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ChatError, match="can be attached"):
        attachment(f"{tmp_path}/large.png")


class Question(Message, frozen=True): ...


def test_an_agent_that_takes_no_attachments_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    talk = Talk(scripted_agent("ok", takes=Question), f"/attach {tmp_path}/x.txt", "Hi", "/attach none", "Hi")
    assert talk.texts == ["Hi", "ok"]
    assert "takes no attachments; /attach none forgets them" in talk.failures[0]


def test_another_model_goes_on() -> None:
    def partner(name: str) -> Partner:
        if name != "other":
            raise ChatError("there is none")
        return Partner(scripted_agent("from the other", alias="other"))

    talk = Talk(
        counting, "a", "/model", "/model nobody", "/model other 1/x", "/model other 1/2", "b",
        choices=replace(CHOICES, partner=partner),
    )  # fmt: skip
    assert talk.texts == ["a", "a", "b", "from the other"]
    assert talk.notes == ["answers are from counting", "answers are from other"]
    assert len(talk.failures) == 2
    assert Talk(counting, "/model x").failures == [
        "ChatError: /model: the chat is with an agent; begin one with --model"
    ]


def test_another_provider_is_not_sent_what_was_said_of_a_server() -> None:
    given = [
        "--model",
        "openai:a",
        "--base-url",
        "http://localhost/v1",
        "-o",
        "api_key=sk-planted",
        "-o",
        "max_tokens=9",
    ]
    arguments = read_arguments([*given, "-o", 'default_headers={"x": "sk-planted"}'])
    same = with_model(arguments, "openai:b")
    assert (same.model, same.base_url, same.options) == ("openai:b", arguments.base_url, arguments.options)
    other = with_model(arguments, "anthropic:c")
    assert (other.model, other.base_url, other.options) == ("anthropic:c", None, {"max_tokens": 9})


def test_saved_conversations_are_listed_and_opened(tmp_path: Path) -> None:
    for number, name in enumerate(("old", "new")):
        path = tmp_path / f"{name}.ndjson"
        write_conversation(path, [UserMessage(f"the {name}\n\x1b[2J one " + "x" * 99), AssistantMessage("yes")])
        os.utime(path, (number, number))
    (tmp_path / "broken.ndjson").write_text("{")
    os.utime(tmp_path / "broken.ndjson", (0, 0))
    lines = listed(tmp_path).splitlines()
    assert [line[22:29] for line in lines] == ["the new", "the old", "(it can"]
    talk = Talk(
        counting, "gone", "/list", "/open", "/open 9", "/open 2", "and?", choices=replace(CHOICES, folder=tmp_path)
    )
    assert talk.texts[1:3] == ["yes", "and?"]
    assert [str(each) for each in read_conversation(tmp_path / "old.ndjson")] == talk.texts
    assert talk.failures == [
        "ChatError: /open: say which, as in /open 2; /list lists them",
        "ChatError: there is no conversation 9; /list lists them",
    ]
    assert listed(tmp_path / "nowhere").startswith("there is no conversation in")


@pytest.mark.parametrize("text", ["", "1", "1/2/3/4", "a/b", "-1/2", "1/inf", "nan/1"])
def test_what_are_no_prices(text: str) -> None:
    with pytest.raises(ValueError, match="is not of the form IN/OUT or IN/CACHED/OUT"):
        read_prices(text)


def test_costs_are_those_of_all_messages_of_an_answer() -> None:
    costs = Costs(read_prices("2/1/10"))
    for _ in range(2):
        costs.begin()
        costs.add(AssistantMessage("a", usage=Usage(input_tokens=1_000, cache_read_tokens=500, output_tokens=100)))
        costs.add(AssistantMessage("b", usage=Usage(input_tokens=1_000, output_tokens=0)))
        costs.add(AssistantMessage("without usage"))
    assert costs.line == "cost: 0.0045, in this chat 0.0090"
    assert costs.total == "4 answers of models in this chat: 4000 → 200 tokens · cost: 0.0090"
    costs.prices = None
    costs.begin()
    costs.add(AssistantMessage("a", usage=Usage(input_tokens=1, output_tokens=1)))
    assert costs.line == ""
    assert costs.total.endswith("cost: 0.0090 · 1 not priced: give --price IN/OUT")
    assert Costs().total == "0 answers of models in this chat: 0 → 0 tokens"
    assert Price(input=1, output=1).of(Usage(input_tokens=1_000_000)) == 1


def test_the_cost_is_told_on_demand() -> None:
    talk = Talk(counting, "a", "/cost")
    assert talk.notes == ["1 answer of models in this chat: 1000 → 100 tokens · give --price IN/OUT for the cost"]

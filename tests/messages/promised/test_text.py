"""Joining and splitting messages: equal to their definitions however the text arrives, and while it arrives."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AssistantMessage,
    ErrorMessage,
    Message,
    MessagePromise,
    MessageType,
    MiniAgents,
    StreamAppender,
    UserMessage,
    join_messages,
    miniagent,
    split_messages,
    stream_message,
)
from miniagents.testing import transcript
from tests.effort import examples

quickly = examples(150)


def split(text: str, delimiter: str, fence: str | None) -> list[str]:
    """The definition: `str.split` without empty parts, but for blocks of code, which are whole."""
    if fence is None:
        return [part for part in text.split(delimiter) if part]
    code = f"^{re.escape(fence)}(?s:.*?)(?:\n{re.escape(fence)}|\\Z)"
    parts, begin = [""], 0
    for match in re.finditer(f"(?P<code>{code})|{re.escape(delimiter)}", text, re.MULTILINE):
        if match["code"] is None:
            parts[-1] += text[begin : match.start()]
            parts.append("")
            begin = match.end()
    parts[-1] += text[begin:]
    return [part for part in parts if part]


async def said(tokens: Sequence[str]) -> AsyncIterator[str]:
    for token in tokens:
        yield token


@st.composite
def cut_texts(draw: st.DrawFn) -> list[str]:
    """Texts full of delimiters and fences, cut anywhere."""
    pieces = st.sampled_from(["\n", "\n\n", "```", "`", "a", "b ", "--", "-", "```py\n", "é"])
    text = "".join(draw(st.lists(pieces, max_size=25)))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=len(text))))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@quickly
@given(
    texts=st.lists(cut_texts(), min_size=1, max_size=2),
    delimiter=st.sampled_from(["\n\n", "\n", "--", "a", "\n-", "`", "b \n"]),
    fence=st.sampled_from(["```", None, "--"]),
)
def test_split_messages_equals_its_definition_however_the_text_is_cut(
    texts: list[list[str]], delimiter: str, fence: str | None
) -> None:
    async def main() -> list[str]:
        messages = [stream_message(Message, said(tokens)) for tokens in texts]
        promises = [promise async for promise in split_messages(messages, delimiter, code_fence=fence)]
        assert [await promise for promise in promises] == [
            Message("".join([token async for token in promise])) for promise in promises
        ]
        return [str(await promise) for promise in promises]

    expected = [part for tokens in texts for part in split("".join(tokens), delimiter, fence)]
    assert MiniAgents().run(main()) == expected


@quickly
@given(tokens=cut_texts(), delimiter=st.sampled_from(["\n\n", "--"]))
def test_joining_the_parts_of_a_split_gives_the_text_without_empty_parts(tokens: list[str], delimiter: str) -> None:
    async def main() -> str:
        parts = split_messages(stream_message(Message, said(tokens)), delimiter, code_fence=None)
        return str(await join_messages(parts, delimiter))

    assert MiniAgents().run(main()) == delimiter.join(part for part in "".join(tokens).split(delimiter) if part)


@quickly
@given(texts=st.lists(st.text(st.characters(exclude_characters="|", codec="utf-8"), min_size=1), max_size=6))
def test_splitting_what_was_joined_gives_the_texts(texts: list[str]) -> None:
    async def main() -> list[str]:
        joined = join_messages(texts, "|")
        return [str(message) for message in await split_messages(joined, "|", code_fence=None)]

    assert MiniAgents().run(main()) == texts


@quickly
@given(texts=st.lists(st.text(st.characters(codec="utf-8")), max_size=6), delimiter=st.text("-\n", max_size=2))
def test_join_messages_equals_str_join_of_the_texts_that_are_not_empty(texts: list[str], delimiter: str) -> None:
    async def main() -> str:
        joined = join_messages([stream_message(Message, said(["", text, ""])) for text in texts], delimiter)
        assert "".join([token async for token in joined]) == str(await joined)
        return str(await joined)

    assert MiniAgents().run(main()) == delimiter.join(text for text in texts if text)


@pytest.mark.parametrize("text", ["one\n\ntwo\n\nthree", "\n\n", "", "a\n\n\n\nb"])
def test_a_text_that_arrives_in_one_piece_loses_nothing(text: str) -> None:
    async def main() -> list[str]:
        return [str(part) for part in await split_messages(text)]

    assert MiniAgents().run(main()) == [part for part in text.split("\n\n") if part]


def test_a_paragraph_goes_out_while_the_next_is_still_arriving() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            parts = aiter(split_messages(stream_message(Message, appender)))
            appender.append("fir")
            first = await anext(parts)
            tokens = aiter(first)
            assert await anext(tokens) == "fir"  # a part goes out before it is complete, too
            appender.append("st\n\nsec")
            assert await anext(tokens) == "st"
            assert await first == Message("first")
            second = await anext(parts)
            assert await anext(aiter(second)) == "sec"
            assert not second.done()
            appender.close()
            assert await second == Message("sec")

    MiniAgents().run(main())


def test_joining_streams_while_the_messages_arrive() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            tokens = aiter(join_messages(["a", stream_message(Message, appender)], ", "))
            assert await anext(tokens) == "a"
            appender.append("b")
            assert [await anext(tokens), await anext(tokens)] == [", ", "b"]

    MiniAgents().run(main())


def test_parts_and_joined_messages_are_of_the_class_that_is_asked_for() -> None:
    async def main() -> None:
        assert await split_messages("a\n\nb", message_class=UserMessage) == (UserMessage("a"), UserMessage("b"))
        joined = join_messages(["a", UserMessage("b")], " ", message_class=AssistantMessage)
        assert joined.message_class is AssistantMessage
        assert await joined == AssistantMessage("a b")

    MiniAgents().run(main())


def test_each_message_is_split_for_itself() -> None:
    async def main() -> list[str]:
        return [str(part) for part in await split_messages(["a\n", "\nb", "```\n", "c\n\nd"])]

    assert MiniAgents().run(main()) == ["a\n", "\nb", "```\n", "c", "d"]


@pytest.mark.parametrize(("delimiter", "fence"), [("", "```"), ("\n\n", "")])
def test_an_empty_delimiter_or_fence_is_refused(delimiter: str, fence: str) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match=r"^split_messages: the delimiter and the code fence cannot be empty$"):
            split_messages("text", delimiter, code_fence=fence)

    MiniAgents().run(main())


# --- errors ---


async def cut_short() -> AsyncIterator[str]:
    yield "one\n\ntwo"
    yield "\n"
    raise ValueError("cut")


async def failing_at_once() -> AsyncIterator[str]:
    for error in (ValueError("nothing came"),):
        raise error
    yield "never"


def test_p5_an_error_in_a_text_stays_at_its_place_and_nothing_around_it_is_lost(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        messages: list[MessageType[Message]] = [
            "zero",
            stream_message(Message, cut_short()),
            "three\n\nfour",
            ValueError("between"),
            stream_message(Message, failing_at_once()),
            "five",
        ]
        return await transcript(split_messages(messages))

    assert MiniAgents().run(main()) == snapshot


def test_p5_an_error_of_the_whole_alone_is_not_lost() -> None:
    async def refuse(_: object) -> Message:
        raise ValueError("the whole is wrong")

    async def main() -> None:
        def promise() -> MessagePromise[Message]:
            return MessagePromise(lambda: said(["a\n\nb"]), refuse)

        for made in (split_messages(promise()), join_messages(promise())):
            with pytest.raises(ValueError, match="^the whole is wrong$"):
                await made

    MiniAgents().run(main())


def test_p7_cancelling_a_part_leaves_the_others_and_cancelling_all_frees_the_source() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            parts = aiter(split_messages(stream_message(Message, appender)))
            appender.append("one")
            first = await anext(parts)
            first.cancel()
            appender.append("one\n\ntwo")
            appender.close()
            assert await (await anext(parts)) == Message("two")
        with StreamAppender[str]() as appender:
            split_up = split_messages(stream_message(Message, appender))
            appender.append("one")
            first = await anext(aiter(split_up))
            split_up.cancel()
            with pytest.raises(Exception, match="cancelled"):
                await first

    MiniAgents().run(main())


def test_streams_of_parts_are_what_they_were(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        tokens = ["Look:\n", "\n``", "`py\na\n\n", "b\n```\n\nTh", "at is ", "all.\n\n\n\n", "Bye"]
        return await transcript(split_messages(stream_message(Message, said(tokens))))

    assert MiniAgents().run(main()) == snapshot


def test_the_stream_of_joined_messages_is_what_it_was(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        messages: list[MessageType[Message]] = [
            "one",
            stream_message(Message, said(["t", "wo"])),
            "",
            stream_message(Message, cut_short()),
            "three",
        ]
        return await transcript(join_messages(messages, " + "))

    assert MiniAgents().run(main()) == snapshot


def test_lazy_splitting_waits_for_a_reader() -> None:
    from miniagents import InteractionContext  # noqa: PLC0415 - it reads better here

    started: list[str] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        started.append("started")
        ctx.reply("a\n\nb")

    async def main() -> None:
        lazy = agent.options(start_asap=False)
        parts = split_messages(lazy.inquire(), start_asap=False)
        joined = join_messages(lazy.inquire(), start_asap=False)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not started
        assert await parts == (Message("a"), Message("b"))
        assert await joined == Message("a\n\nb")

    MiniAgents().run(main())


def test_a_class_that_a_text_alone_does_not_make_is_refused_at_the_call() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=r"^join_messages\(ErrorMessage, …\): ErrorMessage.error_type is missing$"):
            join_messages("a", message_class=ErrorMessage)
        with pytest.raises(TypeError, match=r"^split_messages\(ErrorMessage, …\): ErrorMessage.error_type is missing$"):
            split_messages("a", message_class=ErrorMessage)

    MiniAgents().run(main())

"""Markdown in pieces: nothing is lost, and where it is cut does not hang on how it came."""

import pytest
from hypothesis import given, strategies as st

from miniagents.chat.blocks import MarkdownBlocks

texts = st.lists(
    st.sampled_from(
        ["a", "two words", " indented", "    deep", "", " ", "```", "~~~", "````", "```py", "- item", "> q", "\r"]
    ),
    max_size=12,
).map("\n".join)


def blocks_of(pieces: list[str]) -> list[str]:
    blocks = MarkdownBlocks()
    complete = [block for piece in pieces for block in blocks.feed(piece)]
    return [*complete, blocks.finish()]


@given(texts)
def test_nothing_is_lost(text: str) -> None:
    assert "".join(blocks_of([text])) == text


@given(texts, st.data())
def test_blocks_are_the_same_however_a_text_comes(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert blocks_of(pieces) == blocks_of([text])


@pytest.mark.parametrize(
    "blocks",
    [
        ["One\nstill one\n\n", "Two\n"],
        ["```\ncode\n\nmore code\n```\n\n", "text\n"],
        ["````\n```\n\nno end\n```\n````\n\n", "text\n"],
        ["~~~\n```\n\n~~~\n\n", "text\n"],
        ["1. one\n\n   more of one\n\n", "2. two\n"],
        ["\n\nText after nothing\n\n", "more\n"],
        ["```\nnever closed\n\ntext"],
    ],
)
def test_blocks_end_at_empty_lines_outside_of_code(blocks: list[str]) -> None:
    assert blocks_of(["".join(blocks)]) == blocks

"""The pieces of a stream have the same positions, encoded live, later, from the middle, or by a follower."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    InteractionContext,
    MessagePromise,
    MiniAgents,
    ReasoningDelta,
    StreamEvent,
    UserMessage,
    miniagent,
    stream_message,
)
from miniagents.wire import Pieces, encode_stream
from miniagents.wire.following import FollowedSequence
from tests.effort import examples

Format = Literal["json", "msgpack"]

tokens = st.lists(
    st.text(max_size=3)
    | st.sampled_from(["\ud83d", "\ude00", "a\ud83d", "\ude00b", ""])
    | st.just("think")
    | st.none(),
    max_size=8,
)
"""None is a turn of the loop, "think" an event; halves of surrogate pairs may stand anywhere."""


@miniagent
async def talk(ctx: InteractionContext, parts: list[list[str | None]], fails: bool) -> None:
    async def stream(part: list[str | None]) -> AsyncIterator[str | StreamEvent]:
        for token in part:
            if token is None:
                await asyncio.sleep(0)
            else:
                yield ReasoningDelta("hm") if token == "think" else token
        if fails and part is parts[-1]:
            raise ValueError("no more")

    for part in parts:
        ctx.reply(stream_message(AssistantMessage, stream(part)))
        await asyncio.sleep(0)
    ctx.reply(UserMessage("done"))
    if fails:
        raise KeyError("the end")


def frames(blocks: list[Pieces]) -> list[tuple[int, object]]:
    """Frames with their positions.

    What is known of a message where it begins may differ. So may which error of a message counts as its first one, if
    readers make errors of lone surrogates.
    """
    found: list[tuple[int, object]] = []
    for block in blocks:
        lines = block.data.splitlines()
        assert len(lines) == block.count
        for place, line in enumerate(lines):
            frame = json.loads(line)
            if frame["frame"] in ("opened", "broken"):
                frame = frame["frame"], frame.get("number", 0)
            elif frame["frame"] == "failed":  # notes are added where an error is raised
                frame = frame.get("number"), frame["error"]["text"]
            found.append((block.first + place, frame))
    assert [position for position, _ in found] == [*range(found[0][0], found[0][0] + len(found))] if found else True
    return found


@given(st.lists(tokens, min_size=1, max_size=3), st.booleans())
@examples(150)
def test_positions_are_the_same_live_later_and_for_a_follower(parts: list[list[str | None]], fails: bool) -> None:
    async def main() -> None:
        async with MiniAgents():
            replies = talk.inquire(parts=parts, fails=fails)
            followed: list[Pieces] = []
            follower = FollowedSequence(replies, "json", lambda: None)
            live = [pieces async for pieces in encode_stream(replies, start=0)]
            while not follower.ended:
                await asyncio.sleep(0)
                taken = follower.take()
                if taken is not None:
                    followed.append(taken)
            later = [pieces async for pieces in encode_stream(replies, start=0)]
            assert frames(live) == frames(later) == frames(followed)
            for start in range(len(frames(live)) + 2):
                rest = [pieces async for pieces in encode_stream(replies, start=start)]
                assert frames(rest) == frames(live)[start:]

    asyncio.run(main())


@pytest.mark.parametrize("format", ["json", "msgpack"])
async def test_pieces_are_cut_at_any_position(format: Format) -> None:
    async with MiniAgents():
        promise = MessagePromise.of_message(UserMessage("x\n\xc1" * 3))
        ((_, whole), *_) = [(0, b"".join([pieces.data async for pieces in encode_stream(promise, format, start=0)]))]
        pieces = Pieces(5, 3, whole)
        cut = [pieces.since(position) for position in range(10)]
        assert [(each.first, each.count) for each in cut[:6]] == [(5, 3)] * 6
        assert [(each.first, each.count) for each in cut[6:]] == [(6, 2), (7, 1), (8, 0), (9, 0)]
        for before, behind in pairwise(cut[5:9]):
            assert before.data.endswith(behind.data)
            assert len(before.data) > len(behind.data)
        async for block in encode_stream(promise, format, start=2):
            assert block.data == cut[7].data


async def test_a_negative_position_is_told() -> None:
    async with MiniAgents():
        with pytest.raises(ValueError, match="start is a position from 0, not -1"):
            encode_stream(MessagePromise.of_message(UserMessage("x")), start=-1)

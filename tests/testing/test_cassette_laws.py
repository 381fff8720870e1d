"""The law of cassettes: a replay gives what the recording gave."""

import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents import Call
from miniagents.testing import Cassette, CassetteMode, cassette
from tests.testing.agent_trees import Tree, grown, outcome, trees

pytestmark = [pytest.mark.virtual_clock, pytest.mark.leaves_errors_unread]


def of_nodes(path: Path, mode: CassetteMode, nodes: frozenset[int], *, pauses: bool = False) -> Cassette:
    """A cassette of the calls of some nodes."""

    def is_one(call: Call) -> bool:
        return call.arguments["number"] in nodes

    return cassette(path, mode=mode, kinds=["agent"], when=is_one, pauses=pauses)


NOTES = re.compile(rb',"notes":\[[^]]*\]')


def recordings(path: Path, *, with_times: bool) -> list[str]:
    """What is recorded of each call: who it is, how it ended, and its frames.

    What comes of several messages in the same second may come in any order; the frames of each message may not.
    """
    found: list[str] = []
    for line in path.read_bytes().splitlines()[1:]:
        call = msgspec.json.decode(NOTES.sub(b"", line))
        times = call.get("times", [])
        frames = [
            (round(time) if with_times else 0, message_of(frame), frame)
            for time, frame in zip(times, call.get("frames", []), strict=True)
        ]
        frames.sort(key=lambda each: each[:2])
        found.append(repr((call["key"], call["place"], call.get("outcome"), frames)))
    return sorted(found)


def message_of(frame: dict[str, Any]) -> int:
    """The number of the message that a frame is a part of; -1 for those of the sequence."""
    default = 0 if frame["frame"] in ("text", "event", "whole", "broken") else -1
    number: int = -1 if frame["frame"] == "opened" else frame.get("number", default)
    return number


nodes = st.frozensets(st.integers(0, 3))


@given(tree=trees(), nodes=nodes, pauses=st.booleans())
async def test_a_replay_equals_its_recording(tree: Tree, nodes: frozenset[int], pauses: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, grown(tree):
        path, again = Path(folder) / "first.cassette", Path(folder) / "second.cassette"
        bare = await outcome()
        with of_nodes(path, "record", nodes) as tape:
            recorded = await outcome(tape)
        assert recorded == bare
        with of_nodes(path, "replay", nodes, pauses=pauses) as tape, of_nodes(again, "record", nodes) as outer:
            replayed = await outcome(outer, tape)
        assert not tape.unrecorded
        assert replayed == recorded
        made = recordings(path, with_times=pauses)
        assert all(call in made for call in recordings(again, with_times=pauses))

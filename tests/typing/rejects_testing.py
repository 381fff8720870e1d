"""What the type checkers must refuse: the tools for tests.

Checked, not run. Each line that is wrong says to both checkers that it is; one that becomes valid is then refused as a
needless comment.
"""

from __future__ import annotations

from miniagents.promising import Promise, Stream
from miniagents.testing import Pause, diagram, marble, marbles, run_marbles, scripted_agent, transcript


def sources() -> None:
    marbles(3)
    marbles("a|", int)
    marbles("a|", values=3)
    marbles("a|", values={1: "a"})
    marbles("a|", errors={"!": "no"})
    marbles("a|", unit="s")
    marbles("a|", start_asap=None)
    marble("a", max_ahead=1)
    _stream: Stream[int] = marbles("1|")
    _promise: Promise[str] = marble("1", values=int)
    marbles("1|", values=int).map_pieces(str.upper)
    marble("1", values=int).map(str.upper)


async def diagrams(stream: Stream[int]) -> None:
    await diagram(3)
    await diagram({"three": 3})
    await diagram({3: stream})
    await diagram(stream, unit="s")
    await diagram(stream, stream)
    await transcript(3)


def scenarios(stream: Stream[int]) -> None:
    run_marbles(stream)
    run_marbles(lambda: 3)
    run_marbles(lambda: [stream])
    run_marbles(lambda source: source)
    run_marbles(lambda: stream, "result")
    run_marbles(lambda: stream, context="new")


def scripts() -> None:
    Pause("long")
    scripted_agent(3)
    scripted_agent("a", pause="long")
    scripted_agent("a").inquire(temperature=0.3)

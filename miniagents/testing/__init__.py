"""Tools for tests of agents.

`scripted_agent` gives replies that the test chooses, and `replaced` puts it in the place of another agent. `transcript`
turns a reply into stable text for snapshots.
`marbles` and `marble` make streams and promises from marble diagrams; `diagram` and `run_marbles` draw results as such
diagrams, and `assert_marbles` compares them. `cassette` records calls of models and tools, and replays them.
`VirtualClockEventLoop` makes time pass without waiting. `miniagents.testing.fixtures` has fixtures of pytest for both.
"""

from typing import TYPE_CHECKING

from miniagents._lazy import at_home, teaching
from miniagents.agents.replacing import replaced
from miniagents.testing._cassette_errors import (
    CassetteDamagedError,
    CassetteDifference,
    CassetteError,
    CassetteFormatError,
    CassetteMissingError,
    UnrecordedCallError,
)
from miniagents.testing._cassettes import Cassette, CassetteMode, cassette
from miniagents.testing._diagrams import Delivered, Scenario, assert_marbles, diagram, run_marbles
from miniagents.testing._marbles import marble, marbles
from miniagents.testing._scripted import Answer, Asked, Pause, Reply, ScriptedAgent, Several, Step, scripted_agent
from miniagents.testing._transcripts import transcript
from miniagents.testing._virtual_clock import VirtualClockEventLoop

if not TYPE_CHECKING:  # for checkers this would allow any name
    __getattr__ = teaching(__name__)

__all__ = [
    "Answer",
    "Asked",
    "Cassette",
    "CassetteDamagedError",
    "CassetteDifference",
    "CassetteError",
    "CassetteFormatError",
    "CassetteMissingError",
    "CassetteMode",
    "Delivered",
    "Pause",
    "Reply",
    "Scenario",
    "ScriptedAgent",
    "Several",
    "Step",
    "UnrecordedCallError",
    "VirtualClockEventLoop",
    "assert_marbles",
    "cassette",
    "diagram",
    "marble",
    "marbles",
    "replaced",
    "run_marbles",
    "scripted_agent",
    "transcript",
]

at_home(__name__)

"""Tools for tests of agents.

`scripted_agent` gives replies that the test chooses. `transcript` turns a reply into stable text for snapshots.
`marbles` and `marble` make streams and promises from marble diagrams; `diagram` and `run_marbles` draw results as such
diagrams. `VirtualClockEventLoop` makes time pass without waiting.
"""

from miniagents.testing._diagrams import Delivered, Scenario, diagram, run_marbles
from miniagents.testing._marbles import marble, marbles
from miniagents.testing._scripted import Pause, Reply, Step, scripted_agent
from miniagents.testing._transcripts import transcript
from miniagents.testing._virtual_clock import VirtualClockEventLoop

__all__ = [
    "Delivered",
    "Pause",
    "Reply",
    "Scenario",
    "Step",
    "VirtualClockEventLoop",
    "diagram",
    "marble",
    "marbles",
    "run_marbles",
    "scripted_agent",
    "transcript",
]

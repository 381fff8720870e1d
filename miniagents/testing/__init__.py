"""What tests of agents need.

Agents that say what the test wants, a stable text of what a stream delivered, streams that are drawn as marble diagrams
and diagrams of what comes of them, and a clock that nobody waits for.
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

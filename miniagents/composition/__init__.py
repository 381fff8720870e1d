"""Agents made of other agents: in a chain, in parallel, routed by the message, or in a loop."""

from miniagents.composition._combining import chain, parallel
from miniagents.composition._repeating import TooManyRoundsError, loop, map_agent
from miniagents.composition._routing import Case, NoRouteError, case, route

__all__ = ["Case", "NoRouteError", "TooManyRoundsError", "case", "chain", "loop", "map_agent", "parallel", "route"]

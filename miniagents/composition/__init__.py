"""Agents made of other agents: one after the other, side by side, by what comes in, and round and round."""

from miniagents.composition._combining import chain, parallel
from miniagents.composition._repeating import TooManyRoundsError, loop, map_agent
from miniagents.composition._routing import Case, NoRouteError, case, route

__all__ = ["Case", "NoRouteError", "TooManyRoundsError", "case", "chain", "loop", "map_agent", "parallel", "route"]

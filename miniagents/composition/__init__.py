"""Agents made of other agents: in a chain, in parallel, routed by the message, in a loop, or in turns."""

from miniagents.composition._combining import chain, parallel
from miniagents.composition._repeating import TooManyRoundsError, loop, map_agent
from miniagents.composition._routing import Case, NoRouteError, case, route
from miniagents.composition._turns import Conversation, TurnFunction

__all__ = [
    "Case",
    "Conversation",
    "NoRouteError",
    "TooManyRoundsError",
    "TurnFunction",
    "case",
    "chain",
    "loop",
    "map_agent",
    "parallel",
    "route",
]

"""Agents made of other agents, in a chain, in parallel, routed, in a loop, or in turns; and people among them."""

from typing import TYPE_CHECKING

from miniagents._lazy import at_home, teaching
from miniagents.composition._combining import chain, first_to_reply, parallel
from miniagents.composition._people import OpenQuestion, Person
from miniagents.composition._repeating import TooManyRoundsError, loop, map_agent
from miniagents.composition._routing import Case, NoRouteError, case, route
from miniagents.composition._turns import Conversation, TurnFunction
from miniagents.messages.promised.attribution import Speaker

if not TYPE_CHECKING:  # for checkers this would allow any name
    __getattr__ = teaching(__name__)

__all__ = [
    "Case",
    "Conversation",
    "NoRouteError",
    "OpenQuestion",
    "Person",
    "Speaker",
    "TooManyRoundsError",
    "TurnFunction",
    "case",
    "chain",
    "first_to_reply",
    "loop",
    "map_agent",
    "parallel",
    "route",
]

at_home(__name__)

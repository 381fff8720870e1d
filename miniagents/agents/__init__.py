"""Agents: how they are made, called, run, guarded and recorded."""

from typing import TYPE_CHECKING

from miniagents._lazy import lazy_names
from miniagents.agents.agent import MiniAgent
from miniagents.agents.agents_context import MiniAgents
from miniagents.agents.decorating import AgentFunction, miniagent
from miniagents.agents.interaction import AgentCall, InteractionContext
from miniagents.agents.members import AgentBody, AnyAgent, Inquirable
from miniagents.promising.sentinels import EndLoop

if TYPE_CHECKING:
    from miniagents.agents.persistence import PersistenceError, PersistHandler
    from miniagents.agents.tracing import Trace, TracedRun, trace
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {"persistence": ("PersistHandler", "PersistenceError"), "tracing": ("Trace", "TracedRun", "trace")},
    )

__all__ = [
    "AgentBody",
    "AgentCall",
    "AgentFunction",
    "AnyAgent",
    "EndLoop",
    "Inquirable",
    "InteractionContext",
    "MiniAgent",
    "MiniAgents",
    "PersistHandler",
    "PersistenceError",
    "Trace",
    "TracedRun",
    "miniagent",
    "trace",
]

"""Agents: how they are made, called, run, guarded and recorded."""

from miniagents.agents.agent import MiniAgent
from miniagents.agents.agents_context import MiniAgents
from miniagents.agents.decorating import AgentFunction, miniagent
from miniagents.agents.interaction import AgentCall, InteractionContext
from miniagents.agents.members import AgentBody, Inquirable
from miniagents.agents.persistence import PersistenceError, PersistHandler
from miniagents.promising.sentinels import EndLoop

__all__ = [
    "AgentBody",
    "AgentCall",
    "AgentFunction",
    "EndLoop",
    "Inquirable",
    "InteractionContext",
    "MiniAgent",
    "MiniAgents",
    "PersistHandler",
    "PersistenceError",
    "miniagent",
]

"""What a program of agents is made of; `miniagents.agents` is where it lives."""

from miniagents.agents import (
    AgentBody,
    AgentCall,
    AgentFunction,
    AnyAgent,
    EndLoop,
    Inquirable,
    InteractionContext,
    MiniAgent,
    MiniAgents,
    PersistenceError,
    PersistHandler,
    miniagent,
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
    "miniagent",
]

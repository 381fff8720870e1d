"""The identity of an agent: what it is, as a value."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeGuard

from miniagents.agents.members import Member
from miniagents.calls.forms import json_of_arguments, named_arguments
from miniagents.messages import FrozenDict, Identity

if TYPE_CHECKING:
    from miniagents.agents.agent_value import AgentValue

__all__ = ["identity_of"]


def identity_of(agent: AgentValue) -> Identity:
    """Return the identity of an agent; `MiniAgent.identity` documents it."""
    is_plain = agent._made_of == (agent._function,) and agent._model_identity is None
    if is_plain and not agent._args and not agent._kwargs:
        return _plain_identity(agent.alias, agent.version)
    named = named_arguments(agent._signature, agent._args, agent._kwargs, left_out=1)
    bound = json_of_arguments(agent._without_secrets(named))
    details: dict[str, Any] = {"arguments": bound.values, "opaque_arguments": bound.opaque}  # Any: JSON
    if not is_plain and agent._model_identity is None:
        details["made_of"] = tuple(map(_part_of, agent._made_of))
    details = {name: each for name, each in details.items() if each}
    if agent._model_identity is not None:
        model = agent._model_identity()
        return Identity(
            kind="model", name=model.name, version=agent.version, details=FrozenDict({**model.details, **details})
        )
    return Identity(kind="agent", name=agent.alias, version=agent.version, details=details)


@lru_cache(maxsize=256)
def _plain_identity(name: str, version: str | None) -> Identity:
    """Return the identity of an agent without bound arguments: records of calls ask for it at each call."""
    return Identity(kind="agent", name=name, version=version)


def _part_of(part: object) -> Any:  # Any: JSON
    """Return something that an agent is made of: the key of an agent's identity, a name, or a value as JSON."""
    if isinstance(part, Member):
        return part.identity.hash_key
    if _is_tuple(part):
        return tuple(map(_part_of, part))
    name: object = getattr(part, "__qualname__", None)  # of a function or class
    if isinstance(name, str):
        return f"{getattr(part, '__module__', '')}.{name}"
    as_json = json_of_arguments([("", part)])
    return as_json.values.get("", as_json.opaque.get(""))


def _is_tuple(part: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(part, tuple)

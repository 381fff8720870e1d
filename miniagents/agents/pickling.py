"""How agents are pickled: by reference, as functions are, or as the way to make them of agents that are.

A decorated function or class at the top level of a module is a reference to its name. What `bound`, `options`,
`with_retry`, `chain` and the like have made is the call that makes it once more.
"""

from __future__ import annotations

import inspect
import pickle
from functools import partial
from typing import TYPE_CHECKING, Any

from miniagents.agents.agent import MiniAgent
from miniagents.agents.agent_value import AgentValue
from miniagents.agents.composing import composed
from miniagents.agents.guarding import FallenBack, Repaired, Retried, Timed
from miniagents.agents.members import Chain
from miniagents.describing.importing import MISSING, imported

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["reduced"]

_VALUES = ("_alias", "_args", "_description", "_errors_as_messages", "_kwargs", "_max_ahead", "_start_asap", "_version")
"""The attributes that `bound` and `options` change, and those that `miniagent` is given."""


def reduced(agent: AgentValue) -> str | tuple[Any, ...]:  # Any: the protocol of pickle
    """Return what `__reduce__` returns of an agent.

    Raises:
        pickle.PicklingError: No import finds what the agent is made of, or it is a language model.
    """
    named = imported(agent)
    if named is agent:
        return agent.__qualname__
    return _remade, (_way_to_make(agent, named), {name: getattr(agent, name) for name in _VALUES})


def _way_to_make(agent: AgentValue, named: object) -> Callable[[], object]:
    """Return a function without arguments that makes the agent, but for its values."""
    function = agent._function
    if isinstance(function, Retried | Repaired | Timed | FallenBack | Chain):
        return partial(_guarded_or_chained, *agent._made_of)
    if agent._recipe is not None:
        return agent._recipe
    if isinstance(named, AgentValue) and named._function is function and type(named) is type(agent):
        return partial(_same, named)
    if agent._model_identity is not None:
        raise _refusal(agent, "a language model has a client and a key; make it where it is called")
    if type(agent) is not MiniAgent or not (inspect.isfunction(function) or inspect.isclass(function)):
        raise _refusal(agent, f"it is made of {function!r:.200}, and not of a function or class")
    if imported(function) is MISSING or imported(function) is not function:
        raise _refusal(agent, f"no import finds {function.__qualname__}; define it at the top level of a module")
    return partial(MiniAgent[Any, Any, ...], function)  # Any: of any messages


def _guarded_or_chained(first: Any, *others: Any) -> object:  # Any: as they were given
    match first, *others:
        case "chain", *agents:
            chained = Chain(*agents)
            return composed(chained, chained.alias, chained.declares, ("chain", *chained.agents))
        case agent, "with_retry", attempts, backoff, errors:
            return agent.with_retry(attempts=attempts, backoff=backoff, errors=errors)
        case agent, "with_repair", told, attempts, errors:
            return agent.with_repair(told, *errors, attempts=attempts)
        case agent, "with_timeout", seconds:
            return agent.with_timeout(seconds)
        case agent, "with_fallback", other, errors:
            return agent.with_fallback(other, *errors)
        case _:
            raise AssertionError


def _same(agent: object) -> object:
    return agent


def _remade(make: Callable[[], Any], values: dict[str, object]) -> Any:  # Any: an agent
    agent = make()._copy()
    for name, value in values.items():
        setattr(agent, name, value)
    return agent


def _refusal(agent: AgentValue, reason: str) -> pickle.PicklingError:
    return pickle.PicklingError(f"agent {agent._alias!r} cannot be pickled: {reason}")

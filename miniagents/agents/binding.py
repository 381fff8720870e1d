"""Agents whose first parameter can be bound by position: how type checkers see them in `MiniAgent.bound`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from typing_extensions import ParamSpec, TypeVar

from miniagents.messages import Message

if TYPE_CHECKING:
    from miniagents.agents.interaction import AgentCall

__all__ = ["A1", "Rest", "TakesOne"]

A1 = TypeVar("A1")
"""The type of the first parameter."""
A1_contra = TypeVar("A1_contra", contravariant=True)
In_contra = TypeVar("In_contra", bound=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, covariant=True)
Rest = ParamSpec("Rest")
"""The other parameters."""


class TakesOne(Protocol[A1_contra, Rest, In_contra, Out_co]):
    """An agent with a parameter that is given first, and the rest of its parameters."""

    def initiate_inquiry(
        self, a1: A1_contra, /, *args: Rest.args, **kwargs: Rest.kwargs
    ) -> AgentCall[In_contra, Out_co]:
        """Start a call, as `MiniAgent.initiate_inquiry` does."""
        ...

"""Agents as tools."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Concatenate, Final, Union

from typing_extensions import ParamSpec, TypeVar

from miniagents.describing.docstrings import read_docstring
from miniagents.describing.fields import own_fields
from miniagents.describing.signatures import signature_of
from miniagents.messages import Message
from miniagents.messages.promised.tokens import check_fields
from miniagents.tools import Tool
from miniagents.tools.parameters import Parameter, Parameters, read_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.agents.agent import MiniAgent
    from miniagents.messages import MessageSequencePromise, MessageType

__all__ = ["tool_of_agent"]

In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)
P = ParamSpec("P")

MESSAGE: Final = "message"
"""The name of the tool's argument that becomes the agent's message."""


def tool_of_agent(
    agent: MiniAgent[In, Out, P],
    local_names: Mapping[str, object],
    *,
    name: str | None,
    description: str | None,
    strict: bool,
) -> Tool[Concatenate[MessageType[In], P], MessageSequencePromise[Out]]:
    """Return the tool that calls an agent; `MiniAgent.as_tool` documents it."""
    called = name if name is not None else agent.alias
    what = f"tool {called!r}"
    takes, _ = agent._classes()
    docstring = read_docstring(agent.description)
    described = {**docstring.attributes, **docstring.arguments}
    parameters = [
        Parameter(
            name=MESSAGE,
            form=str if _is_said_in_words(takes[0]) else Union[takes],  # noqa: UP007 - of classes that are known at run time
            description="What is asked.",
            by_position=True,
        )
    ]
    for parameter in islice(signature_of(agent._function).parameters.values(), 1 + len(agent._args), None):
        is_open = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        if parameter.name not in agent._kwargs and not is_open:
            parameters.append(read_parameter(agent._function, parameter, what, local_names, described))

    def ask(*args: Any, **kwargs: Any) -> MessageSequencePromise[Any]:  # Any: checked by the tool's signature
        return agent.inquire(*args, **kwargs)

    tool: Any = Tool(  # Any: the agent says which arguments `ask` takes
        ask,
        Parameters(what, parameters),
        name=called,
        description=description or docstring.text or None,
        strict=strict,
        remake=partial(tool_of_agent, agent, {}, name=name, description=description, strict=strict),
    )
    made: Tool[Concatenate[MessageType[In], P], MessageSequencePromise[Out]] = tool
    return made


def _is_said_in_words(cls: type[Message]) -> bool:
    """Return whether a message of the class can be made from text alone."""
    is_ours = cls.__module__.startswith(Message.__module__)
    try:
        check_fields("as_tool", cls)
    except TypeError:
        return False
    return is_ours or own_fields(cls) <= {"text"}

"""The classes of messages that an agent declares, read from the annotation of its first parameter."""

from __future__ import annotations

import inspect
import types
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from miniagents.describing.signatures import annotation_of, evaluated, signature_of
from miniagents.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from miniagents.agents.agent_value import AgentValue

__all__ = ["declared_messages", "inquire_signature"]


def declared_messages(
    agent: Callable[..., object], context_class: type, local_names: Mapping[str, object], alias: str
) -> tuple[tuple[type[Message], ...], tuple[type[Message], ...]]:
    """Return the classes of the messages that an agent takes, and of those it gives.

    Raises:
        TypeError: The agent has no first parameter, or the parameter is not annotated as an interaction context.
        NameError: The annotation has a name that is not defined (yet).
    """
    parameter = next(iter(signature_of(agent).parameters.values()), None)
    where = f"agent {alias!r}"
    if parameter is None or parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        raise TypeError(
            f"{where}: the first parameter must take the {context_class.__name__}: "
            f"write `async def {alias}(ctx: {context_class.__name__})`"
        )
    try:
        annotation, names = annotation_of(agent, parameter.name, local_names)
        if annotation is None and parameter.name == "self":
            raise TypeError(
                f"{where}: a method cannot be an agent: define `async def {alias}(ctx: {context_class.__name__}, ...)` "
                "outside of the class, and give it the object as an argument"
            )
        if annotation is None or annotation is context_class:
            return (Message,), (Message,)
        if get_origin(annotation) is not context_class:
            raise TypeError(
                f"{where}: parameter {parameter.name!r} must be annotated with {context_class.__name__} or "
                f"{context_class.__name__}[In, Out], not with {annotation!r}"
            )
        annotation = _with_types_of(agent, annotation)
        takes, gives = (tuple(_classes(argument, names, where)) for argument in get_args(annotation))
    except NameError as error:
        raise NameError(
            f"{where}: the annotation of {parameter.name!r} has a name that is not known where the agent is defined: "
            f"{error}; agents read their annotations at run time, so import it outside of `if TYPE_CHECKING`",
            name=error.name,
        ) from None
    return takes, gives


def _with_types_of(agent: object, annotation: Any) -> object:  # Any: a generic alias, of no public type
    """Put the types that are given to a generic class, as in `Class[UserMessage]`, in the place of its variables."""
    cls = get_origin(agent)
    given = dict(zip(getattr(cls, "__parameters__", ()), get_args(agent), strict=False))
    variables = getattr(annotation, "__parameters__", ()) if given else ()
    return annotation[tuple(given.get(variable, variable) for variable in variables)] if variables else annotation


def _classes(annotation: object, names: Mapping[str, object], where: str) -> Iterator[type[Message]]:
    annotation = evaluated(annotation, names)
    # an alias made by `type Alias = ...`
    annotation = getattr(annotation, "__value__", annotation)
    if get_origin(annotation) is Annotated:  # an alias of a generated module
        annotation = get_args(annotation)[0]
    if isinstance(annotation, TypeVar):
        annotation = evaluated(annotation.__bound__, names) or Message
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for argument in get_args(annotation):
            yield from _classes(argument, names, where)
        return
    cls = Message if annotation is Any else annotation if origin is None else origin
    if not (isinstance(cls, type) and issubclass(cls, Message)):
        raise TypeError(f"{where}: {annotation!r} is no message class; agents exchange subclasses of Message")
    yield cls


def inquire_signature(agent: AgentValue) -> inspect.Signature:
    """Return the signature of an agent's `inquire`: messages, and the arguments that are not bound.

    The messages have no default if an argument behind them must be given, although the agent can be called without.
    """
    left = islice(agent._signature.parameters.values(), 1 + len(agent._args), None)
    parameters = [parameter for parameter in left if parameter.name not in agent._kwargs]
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    must_give = any(each.kind in by_place and each.default is inspect.Parameter.empty for each in parameters)
    try:
        takes, gives = (" | ".join(cls.__name__ for cls in classes) for classes in agent._classes())
    except NameError:  # a class that is defined further down
        takes = gives = Message.__name__
    messages = inspect.Parameter(
        "messages",
        inspect.Parameter.POSITIONAL_ONLY,
        default=inspect.Parameter.empty if must_give else None,
        annotation=f"MessageType[{takes}] | None",
    )
    return inspect.Signature([messages, *parameters], return_annotation=f"MessageSequencePromise[{gives}]")

"""What an agent declares: the messages it takes and gives, read from the annotation of its first parameter."""

from __future__ import annotations

import inspect
import sys
import types
from typing import TYPE_CHECKING, Any, ForwardRef, TypeVar, Union, get_args, get_origin

from typing_extensions import Format, get_annotations

from miniagents.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["declared_messages", "names_around"]


def names_around(depth: int) -> Mapping[str, object]:
    """The local names of the code that calls the decorator: an annotation may well be made of them."""
    frame = sys._getframe(depth)
    return dict(frame.f_locals) if frame.f_locals is not frame.f_globals else {}


def declared_messages(
    agent: Callable[..., object], context_class: type, local_names: Mapping[str, object]
) -> tuple[tuple[type[Message], ...], tuple[type[Message], ...]]:
    """The classes of the messages that an agent takes, and of those it gives.

    Raises:
        TypeError: the agent has no first parameter for the context, or its annotation says something else.
        NameError: the annotation has a name that is not known (yet).
    """
    parameter = next(iter(inspect.signature(agent).parameters.values()), None)
    where = f"agent {agent.__qualname__!r}"
    if parameter is None or parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        raise TypeError(
            f"{where}: the first parameter must take the {context_class.__name__}: "
            f"write `async def {agent.__name__}(ctx: {context_class.__name__})`"
        )
    annotation = _annotation_of(agent, parameter.name, local_names)
    if annotation is None or annotation is context_class:
        return (Message,), (Message,)
    if get_origin(annotation) is not context_class:
        raise TypeError(
            f"{where}: parameter {parameter.name!r} must be annotated with {context_class.__name__} or "
            f"{context_class.__name__}[In, Out], not with {annotation!r}"
        )
    takes, gives = (_classes(argument, where) for argument in get_args(annotation))
    return takes, gives


def _annotation_of(agent: Callable[..., object], name: str, local_names: Mapping[str, object]) -> object:
    """The annotation of a parameter, of the constructor's or, for dataclasses and Structs, the field's."""
    holders: list[Any] = [agent]  # Any: functions and classes
    if inspect.isclass(agent):
        holders = [agent.__init__] if inspect.isfunction(agent.__init__) else []
        holders.extend(agent.__mro__)
    for holder in holders:
        annotations = get_annotations(holder, format=Format.FORWARDREF)
        if name in annotations:
            annotation: object = annotations[name]
            if isinstance(annotation, ForwardRef):
                annotation = annotation.__forward_arg__
            if isinstance(annotation, str):
                annotation = _evaluated(annotation, holder, local_names)
            return annotation
    return None


def _evaluated(annotation: str, holder: Any, local_names: Mapping[str, object]) -> object:  # Any: as above
    module = sys.modules.get(holder.__module__)
    names: dict[str, object] = {**vars(module)} if module is not None else {}
    function = inspect.unwrap(holder)
    if inspect.isfunction(function):
        names = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    # the developer's own annotation, evaluated as typing.get_type_hints would
    return eval(annotation, {**names, **local_names})  # noqa: S307


def _classes(annotation: object, where: str) -> tuple[type[Message], ...]:
    if isinstance(annotation, TypeVar):
        annotation = annotation.__bound__ or Message
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(cls for argument in get_args(annotation) for cls in _classes(argument, where))
    if isinstance(annotation, type) and issubclass(annotation, Message):
        return (annotation,)
    if annotation is Any:
        return (Message,)
    raise TypeError(f"{where}: {annotation!r} is no message class; agents exchange subclasses of Message")

"""What an agent declares: the messages it takes and gives, read from the annotation of its first parameter."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any, ForwardRef, TypeVar, Union, get_args, get_origin

from typing_extensions import Format, get_annotations

from miniagents.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["annotation_of", "declared_messages", "names_around", "own_docstring", "signature_of"]


def names_around(depth: int) -> Mapping[str, object]:
    """The local names of the code that calls the decorator: an annotation may well be made of them."""
    frame = sys._getframe(depth)
    return dict(frame.f_locals) if frame.f_locals is not frame.f_globals else {}


def signature_of(agent: Callable[..., object]) -> inspect.Signature:
    """The parameters of a function, or of a class's constructor."""
    try:
        return inspect.signature(agent)
    except NameError:
        # A Struct evaluates its annotations to answer this, which may not be possible yet, or, in a function, at all.
        # What is missing among the arguments its constructor will say.
        names: tuple[str, ...] = getattr(agent, "__struct_fields__", ())
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind, default=None) for name in names])


def own_docstring(agent: Callable[..., object]) -> str | None:
    """What the developer wrote, and nothing that a class inherits from a base that is no agent."""
    while isinstance(agent, functools.partial):
        agent = agent.func
    return inspect.cleandoc(agent.__doc__) if agent.__doc__ else None


def declared_messages(
    agent: Callable[..., object], context_class: type, local_names: Mapping[str, object], alias: str
) -> tuple[tuple[type[Message], ...], tuple[type[Message], ...]]:
    """The classes of the messages that an agent takes, and of those it gives.

    Raises:
        TypeError: the agent has no first parameter for the context, or its annotation says something else.
        NameError: the annotation has a name that is not known (yet).
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
        if annotation is None or annotation is context_class:
            return (Message,), (Message,)
        if get_origin(annotation) is not context_class:
            raise TypeError(
                f"{where}: parameter {parameter.name!r} must be annotated with {context_class.__name__} or "
                f"{context_class.__name__}[In, Out], not with {annotation!r}"
            )
        takes, gives = (tuple(_classes(argument, names, where)) for argument in get_args(annotation))
    except NameError as error:
        raise NameError(
            f"{where}: the annotation of {parameter.name!r} has a name that is not known where the agent is defined: "
            f"{error}; agents read their annotations at run time, so import it outside of `if TYPE_CHECKING`",
            name=error.name,
        ) from None
    return takes, gives


def annotation_of(
    agent: Callable[..., object], name: str, local_names: Mapping[str, object]
) -> tuple[object, Mapping[str, object]]:
    """The annotation of a parameter, of the constructor's or, for dataclasses and Structs, the field's.

    Returns:
        The annotation, None where there is none, and the names that it may be made of.
    """
    while isinstance(agent, functools.partial):
        agent = agent.func
    holders: list[Any] = [agent]  # Any: functions and classes
    if inspect.isclass(agent):
        holders = [agent.__init__] if inspect.isfunction(agent.__init__) else []
        holders.extend(agent.__mro__)
    elif not inspect.isroutine(agent):
        holders.append(type(agent).__call__)
    for holder in holders:
        annotations = get_annotations(holder, format=Format.FORWARDREF)
        if name in annotations:
            names = {**_names_of(holder), **local_names}
            return _evaluated(annotations[name], names), names
    return None, local_names


def _names_of(holder: Any) -> Mapping[str, object]:  # Any: as above
    function = inspect.unwrap(holder)
    if inspect.isfunction(function):
        return {**function.__globals__, **dict(_closure_of(function))}
    module = sys.modules.get(holder.__module__)
    return vars(module) if module is not None else {}


def _closure_of(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    """The names of the enclosing functions, without those that have no value yet (such as the agent itself)."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


def _evaluated(annotation: object, names: Mapping[str, object]) -> object:
    """What an annotation says that is a string, as a whole or in a part."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    # the developer's own annotation, evaluated as typing.get_type_hints would
    return eval(annotation, dict(names)) if isinstance(annotation, str) else annotation  # noqa: S307


def _classes(annotation: object, names: Mapping[str, object], where: str) -> Iterator[type[Message]]:
    annotation = _evaluated(annotation, names)
    # what `type Alias = ...` made
    annotation = getattr(annotation, "__value__", annotation)
    if isinstance(annotation, TypeVar):
        annotation = _evaluated(annotation.__bound__, names) or Message
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for argument in get_args(annotation):
            yield from _classes(argument, names, where)
        return
    cls = Message if annotation is Any else annotation if origin is None else origin
    if not (isinstance(cls, type) and issubclass(cls, Message)):
        raise TypeError(f"{where}: {annotation!r} is no message class; agents exchange subclasses of Message")
    yield cls

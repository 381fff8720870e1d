"""The parameters of functions and classes: their names, annotations and docstrings."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, ForwardRef, get_origin

from typing_extensions import Format, get_annotations

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["annotation_of", "class_of", "evaluated", "names_around", "own_docstring", "signature_of"]


def names_around(depth: int) -> Mapping[str, object]:
    """Return the local names of the code that calls the decorator: an annotation may well be made of them."""
    frame = sys._getframe(depth)
    return dict(frame.f_locals) if frame.f_locals is not frame.f_globals else {}


def signature_of(agent: Callable[..., object]) -> inspect.Signature:
    """Return the parameters of a function, or of a class's constructor."""
    try:
        return inspect.signature(class_of(agent) or agent)
    except NameError:
        # A Struct evaluates its annotations to answer this, which may not be possible yet, or, in a function, at all.
        # What is missing among the arguments its constructor will say.
        names: tuple[str, ...] = getattr(agent, "__struct_fields__", ())
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind, default=None) for name in names])


def class_of(agent: object) -> type | None:
    """Return the class that an agent is made of, be it `Class` or `Class[…]`; None for a function."""
    cls: object = get_origin(agent) or agent
    return cls if inspect.isclass(cls) else None


def own_docstring(agent: Callable[..., object]) -> str | None:
    """Return what the developer wrote, and nothing that a class inherits from a base that is no agent."""
    while isinstance(agent, functools.partial):
        agent = agent.func
    agent = class_of(agent) or agent
    return inspect.cleandoc(agent.__doc__) if agent.__doc__ else None


def annotation_of(
    agent: Callable[..., object], name: str, local_names: Mapping[str, object]
) -> tuple[object, Mapping[str, object]]:
    """Return the annotation of a parameter, of the constructor's or, for dataclasses and Structs, the field's.

    Returns:
        The annotation, None where there is none, and the names that it may be made of.
    """
    while isinstance(agent, functools.partial):
        agent = agent.func
    holders: list[Any] = [agent]  # Any: functions and classes
    cls = class_of(agent)
    if cls is not None:
        constructor: object = getattr(cls, "__init__", None)
        holders = [constructor] if inspect.isfunction(constructor) else []
        holders.extend(cls.__mro__)
    elif not inspect.isroutine(agent):
        holders.append(type(agent).__call__)
    for holder in holders:
        annotations = get_annotations(holder, format=Format.FORWARDREF)
        if name in annotations:
            names = {**_names_of(holder), **local_names}
            return evaluated(annotations[name], names), names
    return None, local_names


def _names_of(holder: Any) -> Mapping[str, object]:  # Any: as above
    function = inspect.unwrap(holder)
    if inspect.isfunction(function):
        return {**function.__globals__, **dict(_closure_of(function))}
    module = sys.modules.get(holder.__module__)
    return vars(module) if module is not None else {}


def _closure_of(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    """Return the names of the enclosing functions, without those that have no value yet (such as the agent itself)."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


def evaluated(annotation: object, names: Mapping[str, object]) -> object:
    """Return what an annotation says that is a string, as a whole or in a part."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    # the developer's own annotation, evaluated as typing.get_type_hints would
    return eval(annotation, dict(names)) if isinstance(annotation, str) else annotation  # noqa: S307

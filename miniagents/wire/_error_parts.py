"""What the class of an error needs to be made again: arguments, and attributes with the names of its parameters."""

from __future__ import annotations

import inspect
from math import isfinite
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

import msgspec

from miniagents.messages import Message
from miniagents.messages.coding.codec import DecodeError, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from miniagents.messages.coding.codec import Format

__all__ = ["Keywords", "arguments_of", "errors_in_group", "keywords_of", "ways_to_make"]

_DEEPEST: Final = 32
"""How deep the JSON of an attribute may be nested."""


class Keywords(NamedTuple):
    """Attributes of an error with the names of parameters of its class, encoded."""

    values: dict[str, msgspec.Raw]
    messages: dict[str, msgspec.Raw]


def arguments_of(error: BaseException) -> tuple[Any, ...]:  # Any: whatever it was given
    """Return the arguments that make an error again; `args` of an `OSError` has no file names."""
    if isinstance(error, DecodeError):
        return error.path, error.reason
    if isinstance(error, BaseExceptionGroup):
        return (error.message,)
    if isinstance(error, OSError) and len(error.args) == 2 and error.filename is not None:
        more = () if error.filename2 is None else (None, error.filename2)
        return (*error.args, error.filename, *more)
    return error.args


def errors_in_group(error: BaseException) -> tuple[BaseException, ...]:
    """Return the errors in a group; none if the error is no group."""
    inner: Any = getattr(error, "exceptions", ())  # Any: the errors, if it is a group
    return tuple(inner) if isinstance(error, BaseExceptionGroup) else ()


def keywords_of(error: BaseException, encoded: Callable[[object], bytes]) -> Keywords:
    """Return the attributes of an error that its class takes by their names, as far as they can be sent.

    Args:
        error: The error.
        encoded: Encodes a value in the format of the stream.
    """
    found = Keywords({}, {})
    attributes: dict[str, object] = getattr(error, "__dict__", {})
    for parameter in _parameters(type(error)) if attributes else ():
        value = attributes.get(parameter.name, parameter.default)
        if value is parameter.default:
            continue
        try:
            if isinstance(value, Message):
                found.messages[parameter.name] = msgspec.Raw(encoded(value))
            elif _is_json(value, _DEEPEST):
                found.values[parameter.name] = msgspec.Raw(encoded(value))
        except (TypeError, ValueError):  # a lone surrogate, or a message that cannot be sent
            continue
    return found


def ways_to_make(
    cls: type[BaseException],
    args: Sequence[Any] | None,  # Any: scalars
    values: Mapping[str, msgspec.Raw],
    messages: Mapping[str, msgspec.Raw],
    format: Format,
) -> Iterator[Callable[[], BaseException]]:
    """Yield ways to make an error again, the ones that know more of it first; each of them may fail."""
    if values or messages:
        yield lambda: _by_names(cls, args or (), values, messages, format)
    if args is not None:
        yield lambda: cls(*args)


def _by_names(
    cls: type[BaseException],
    args: Sequence[Any],  # Any: scalars
    values: Mapping[str, msgspec.Raw],
    messages: Mapping[str, msgspec.Raw],
    format: Format,
) -> BaseException:
    given = _decoded(values, messages, format)
    positional: list[Any] = []  # Any: as above
    named: dict[str, Any] = {}  # Any: as above
    for place, parameter in enumerate(_parameters(cls)):
        if parameter.name in given:
            value = given[parameter.name]
        elif place < len(args) and parameter.kind is not parameter.KEYWORD_ONLY:
            value = args[place]
        else:
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[parameter.name] = value
    return cls(*positional, **named)


def _decoded(
    values: Mapping[str, msgspec.Raw], messages: Mapping[str, msgspec.Raw], format: Format
) -> dict[str, Any]:  # Any: JSON, and messages
    read: Callable[[bytes], Any] = msgspec.json.decode if format == "json" else msgspec.msgpack.decode  # Any: JSON
    found = {name: read(bytes(value)) for name, value in values.items()}
    return found | {name: decode(bytes(message), Message, format) for name, message in messages.items()}


def _parameters(cls: type[BaseException]) -> list[inspect.Parameter]:
    """Return the named parameters of a class; behind `**` in a subclass stand those of its base."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        function: object = vars(base).get("__init__")
        if function is None:
            continue
        if not isinstance(function, FunctionType):
            break
        _, *parameters = inspect.signature(function).parameters.values()
        named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
        found = {each.name: each for each in named} | found
        if all(each.kind is not each.VAR_KEYWORD for each in parameters):
            break
    return [*found.values()]


def _is_json(value: object, deepest: int) -> bool:
    """Return whether a value comes back from JSON as it is."""
    if value is None or type(value) in (str, bool):
        return True
    if type(value) is int:
        return -(2**63) <= value < 2**63
    if type(value) is float:
        return isfinite(value)
    if not deepest:
        return False
    if _is_list(value):
        return all(_is_json(item, deepest - 1) for item in value)
    return _is_dict(value) and all(type(key) is str and _is_json(item, deepest - 1) for key, item in value.items())


# Narrowing by isinstance() alone would leave the types of the elements unknown.


def _is_list(value: object) -> TypeGuard[list[object]]:
    return type(value) is list


def _is_dict(value: object) -> TypeGuard[dict[object, object]]:
    return type(value) is dict

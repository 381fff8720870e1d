"""Arguments as JSON: how they stand in records, identities and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from miniagents.messages import FrozenDict, encode

if TYPE_CHECKING:
    import inspect
    from collections.abc import Iterable, Mapping

    from miniagents.messages import JsonValue

__all__ = ["NO_ARGUMENTS", "Arguments", "json_of_arguments", "named_arguments"]


class Arguments(NamedTuple):
    """The arguments of a call, as far as they have a form in JSON.

    Attributes:
        values: The arguments by their names, as JSON.
        opaque: The classes of the arguments that are not JSON-serialisable, by the names of the arguments.
    """

    values: Mapping[str, JsonValue]
    opaque: Mapping[str, str]


NO_ARGUMENTS = Arguments(FrozenDict(), FrozenDict())
"""Those of a call without any."""


def json_of_arguments(arguments: Iterable[tuple[str, object]]) -> Arguments:
    """Return named arguments as JSON; those that are not JSON-serialisable by their classes."""
    values: dict[str, Any] = {}  # Any: what JSON decodes to
    opaque: dict[str, str] = {}
    for name, value in arguments:
        try:
            values[name] = msgspec.json.decode(encode(value))
        except Exception:  # noqa: BLE001 - the user's own classes may raise anything; their argument has no form then
            opaque[name] = f"{type(value).__module__}.{type(value).__qualname__}"
    return Arguments(FrozenDict(values), FrozenDict(opaque)) if values or opaque else NO_ARGUMENTS


def named_arguments(
    signature: inspect.Signature,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    *,
    left_out: int,
) -> list[tuple[str, object]]:
    """Return arguments with their names, sorted; defaults are not among them.

    Args:
        signature: The signature of the function.
        args: The positional arguments, which fit it.
        kwargs: The keyword arguments.
        left_out: How many parameters come before the arguments.
    """
    named: dict[str, object] = dict(kwargs)
    parameters = list(signature.parameters.values())[left_out:]
    for place, value in enumerate(args):
        parameter = parameters[place]
        if parameter.kind is parameter.VAR_POSITIONAL:
            named[parameter.name] = args[place:]
            break
        named[parameter.name] = value
    return sorted(named.items())

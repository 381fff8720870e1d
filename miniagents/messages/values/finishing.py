"""Calls of Frozen classes: what happens to a value that is made from arguments instead of being decoded.

Decoding yields no lone surrogates, and freezes the fields of most classes. So these are left to calls, which decoding
does not make: a `__post_init__` would slow it down by half. `CalledMeta` says how a call gets here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from miniagents.messages.values.freezers import attribute, freezing_lines, function
from miniagents.messages.values.freezing import path_of
from miniagents.messages.values.surrogates import NO_TEXT, look_for_surrogates, surrogate_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from inspect import Signature

    from miniagents.messages.values.freezers import FieldFreezer

__all__ = ["as_read", "finisher"]


def finisher(
    cls: Any,  # Any: a Frozen class
    given: Mapping[str, FieldFreezer],
    texts: Collection[str],
) -> Callable[[Any], Callable[..., None]]:  # Any: values of the class
    """Compile the function that is called with each value that a call has made; it returns `ignore_arguments`.

    Args:
        cls: The class.
        given: The fields that are frozen only in calls.
        texts: The fields in which a lone surrogate is refused.
    """
    defaults = dict(zip(reversed(cls.__struct_fields__), reversed(cls.__struct_defaults__), strict=False))
    names: dict[str, object] = {
        "kinds": NO_TEXT,
        "look": look_for_surrogates,
        "refuse": partial(_refuse, texts),
        "ignore_arguments": ignore_arguments,
    }
    lines = freezing_lines(given, names) if given else []
    if texts:
        lines += ["try:"]
    for place, name in enumerate(name for name in cls.__struct_fields__ if name in texts):
        names[f"default_{place}"] = defaults.get(name, "")
        lines += [
            f" value = {attribute(name, of='self')}",
            " if type(value) is str: value.isascii() or value.encode()",
            f" elif value is not default_{place}:",
            "  if type(value) is not tuple:",
            "   if type(value) not in kinds: look(value)",
            "  else:",
            "   for item in value:",
            "    if type(item) is str: item.isascii() or item.encode()",
            "    elif type(item) not in kinds:",
            "     look(value)",
            "     break",
        ]
    if texts:
        lines += ["except UnicodeEncodeError: refuse(self)"]
    return function((*lines, "return ignore_arguments"), names, "finish(self)")


_number: Any = 0  # Any: checkers refuse `__init__` of a value
ignore_arguments: Final[Callable[..., None]] = _number.__init__
"""`object.__init__`, which takes any arguments where a class has a `__new__` of its own, as int has."""


def as_read(told: Signature, freezers: Mapping[str, FieldFreezer]) -> Signature:
    """Return a signature with the defaults that absent fields read as."""
    empties = {name: freezer.empty for name, freezer in freezers.items() if freezer.empty is not None}
    parameters = told.parameters.values()
    return told.replace(parameters=[each.replace(default=empties.get(each.name, each.default)) for each in parameters])


def _refuse(names: Collection[str], made: object) -> None:
    """Raise a ValueError that names the field which contains a lone surrogate."""
    for name in names:
        found = surrogate_in(getattr(made, name))
        if found is not None:
            raise ValueError(f"{path_of(f'{type(made).__qualname__}.{name}', found.steps)}: {found.reason}") from None

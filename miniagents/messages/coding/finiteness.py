"""Find out fast that a value holds no NaN or infinity, for which msgspec writes null in JSON.

Frozen values hold none, unless a field that is not declared as float was given one in spite of the type checker. So
only values whose JSON has a null are looked at. `exactness.py` finds the path of what is refused.
"""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from miniagents.messages.coding.contents import contents_of, json_fields
from miniagents.messages.values.freezers import attribute, function
from miniagents.messages.values.freezing import UNCHANGED, FrozenDict, is_list, is_mapping, is_set, is_tuple
from miniagents.messages.values.frozen import Frozen, when_classes_change
from miniagents.messages.values.untyped import notes_lock, when_noted

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_finite", "null_counter"]


def is_finite(value: object) -> bool:
    """Return whether a value certainly holds no NaN or infinity. False is no certainty."""
    kind = type(value)
    check = _checks.get(kind)
    if check is not None:
        return check(value)
    if kind in _SCALARS:
        return True
    if isinstance(value, float):
        return value - value == 0
    if is_tuple(value) or is_list(value) or is_set(value):
        return _SCALARS.issuperset(map(type, value)) or all(map(is_finite, value))
    if is_mapping(value):
        return all(map(is_finite, value)) and all(map(is_finite, value.values()))
    if not isinstance(value, Frozen):
        return False
    with notes_lock:
        check = _checks[kind] = _check_of(type(value))
    return check(value)


def null_counter(cls: type) -> Callable[[Any], int]:  # Any: a value of the class
    """Return a function that counts the fields of a value of the class that are None and written as null.

    If the JSON of a value has as many nulls, then none of them stands for NaN.
    """
    names = contents_of(cls).nullable if issubclass(cls, Frozen) else ()
    return function((f"return {' + '.join(f'({attribute(name)} is None)' for name in names) or 0}",), {})


def _check_of(cls: type[Frozen]) -> Callable[[Any], bool]:  # Any: a value of the class
    """Return the function that does the work of `is_finite` for values of one class.

    For a class with the fields `text` and `parts` its source is::

        x = value.text
        if type(x) not in scalars and not is_finite(x): return False
        x = value.parts
        if type(x) is tuple:
            for item in x:
                if type(item) not in frozen and not is_finite(item): return False
        elif type(x) not in frozen and not is_finite(x): return False
        return True
    """
    names: dict[str, object] = {"scalars": _SCALARS, "frozen": _SCALARS | {float}, "is_finite": is_finite}
    lines: list[str] = []
    for name in cls.__struct_fields__:
        if name in json_fields(cls):
            continue
        lines.append(f"x = {attribute(name)}")
        if name in cls.__frozen_fields__:  # freezing has refused NaN in its own floats, and in those of its items
            lines += [
                "if type(x) is tuple:",
                "  for item in x:",
                "    if type(item) not in frozen and not is_finite(item): return False",
                "elif type(x) not in frozen and not is_finite(x): return False",
            ]
        else:
            lines.append("if type(x) not in scalars and not is_finite(x): return False")
    return function((*lines, "return True"), names)


_SCALARS = UNCHANGED - {FrozenDict} | {datetime, time, Decimal}
_checks: dict[type, Callable[[Any], bool]] = {}  # Any: values of the class
when_classes_change.append(_checks.clear)
when_noted.append(_checks.clear)

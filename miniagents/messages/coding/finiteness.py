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
    from collections.abc import Callable, Iterator

__all__ = ["finite_check_of", "is_finite", "nullable_writer"]


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
    return isinstance(value, Frozen) and finite_check_of(type(value))(value)


def finite_check_of(cls: type) -> Callable[[Any], bool]:  # Any: a value of the class
    """Return the function that does the work of `is_finite` for values of exactly this class.

    It is valid until a class is made or a note; see `values/untyped.py`.
    """
    if not issubclass(cls, Frozen):
        return is_finite
    with notes_lock:
        check = _checks.get(cls)
        if check is None:
            check = _checks[cls] = function((*_check_lines(cls, "return False"), "return True"), _checking())
    return check


def nullable_writer(
    cls: type[Frozen],
    write: Callable[[Any], bytes],  # Any: here and below, a value of the class
    refuse: Callable[[object], None],
) -> Callable[[Any], bytes]:  # Any: as above
    """Return the function that encodes values of a class with fields that are written as null.

    A search for nulls would mostly find some, so it takes less time to look at the fields. In long JSON, nulls are
    counted first: if there are as many as fields that are None, then none of them stands for NaN.

    Args:
        cls: The class.
        write: Encodes a value as JSON.
        refuse: Raises an error for a value that contains NaN.
    """
    nulls = " + ".join(f"({attribute(name)} is None)" for name in contents_of(cls).nullable)
    lines = (
        "data = write(value)",
        f"if len(data) > {_LONG} and data.count(b'null') == {nulls}: return data",
        *_check_lines(cls, "refuse(value); return data"),
        "return data",
    )
    return function(lines, _checking(write=write, refuse=refuse))


def _checking(**others: object) -> dict[str, object]:
    """Return the names in the source of a check, and others."""
    return {"scalars": _SCALARS, "frozen": _SCALARS | {float}, "is_finite": is_finite, **others}


def _check_lines(cls: type[Frozen], otherwise: str) -> Iterator[str]:
    """Yield the source that looks at the fields of values of one class.

    For a class with the fields `text` and `parts` it is::

        x = value.text
        if type(x) not in scalars and not is_finite(x): return False
        x = value.parts
        if type(x) is tuple:
            for item in x:
                if type(item) not in frozen and not is_finite(item): return False
        elif type(x) not in frozen and not is_finite(x): return False

    Args:
        cls: The class.
        otherwise: What to do instead of `return False`.
    """
    json = json_fields(cls)
    for name in cls.__struct_fields__:
        if name in json:
            continue
        yield f"x = {attribute(name)}"
        if name in cls.__frozen_fields__:  # freezing has refused NaN in its own floats, and in those of its items
            yield "if type(x) is tuple:"
            yield "  for item in x:"
            yield f"    if type(item) not in frozen and not is_finite(item): {otherwise}"
            yield f"elif type(x) not in frozen and not is_finite(x): {otherwise}"
        else:
            yield f"if type(x) not in scalars and not is_finite(x): {otherwise}"


_SCALARS = UNCHANGED - {FrozenDict} | {datetime, time, Decimal}
_LONG = 400
_checks: dict[type, Callable[[Any], bool]] = {}  # Any: values of the class
when_classes_change.append(_checks.clear)
when_noted.append(_checks.clear)

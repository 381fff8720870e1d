"""How the fields of Frozen classes are frozen, as far as their annotations tell."""

from __future__ import annotations

import sys
import types
from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, ForwardRef, Literal, TypeAlias, Union, get_args, get_origin

from typing_extensions import evaluate_forward_ref

from miniagents.messages.freezing import UNCHANGED, FrozenDict, FrozenType, freeze_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Freezer: TypeAlias = "Callable[[object, type, str], object]"
"""Gives what a field is to hold for the value that it was given, the class that it is a field of, and its name."""


def _float_field(value: object, owner: type, name: str) -> object:
    """Freeze a field declared as float and not as int: an int given to it becomes the float that it is read back as."""
    if isinstance(value, int) and not isinstance(value, Enum):
        number = _to_float(value)
        if number != value:
            raise ValueError(f"{owner.__qualname__}.{name}: {value} has no equal float: declare the field as int")
        return number
    return freeze_field(value, owner, name)


def _to_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


_PLAIN = UNCHANGED - {FrozenDict}
_NEED_LOOKING_AT = frozenset((Decimal, datetime, time))


def freezer_of(annotation: object, cls: type) -> Freezer | None:
    """Tell how a field with this annotation is frozen; None for one that holds only plain scalars."""
    alternatives = list(_alternatives(annotation, cls))
    if all(alternative in _PLAIN or _is_enum(alternative) for alternative in alternatives):
        return None
    if float in alternatives and int not in alternatives and not _NEED_LOOKING_AT.intersection(alternatives):
        return _float_field
    return freeze_field


def left_alone_by(freezer: Freezer) -> frozenset[type]:
    """Tell of which classes a freezer leaves values as they are: of floats those that are finite, of tuples flat ones.

    Values of Frozen classes are among them if any are.
    """
    if freezer is freeze_field:
        return _LEFT_ALONE
    return _LEFT_ALONE - {int, bool} if freezer is _float_field else frozenset()


_LEFT_ALONE = UNCHANGED | {float, tuple}


def is_frozen_when_decoded(annotation: object, cls: type) -> bool:
    """Tell whether msgspec reads only such values for this annotation as are what `freeze` would make of them."""
    for alternative in _alternatives(annotation, cls, whole=True):
        origin = get_origin(alternative)
        if origin is tuple or origin is frozenset:
            arguments = [argument for argument in get_args(alternative) if argument is not ...]
            if not all(is_frozen_when_decoded(argument, cls) for argument in arguments):
                return False
        elif not (alternative in _FROZEN_WHEN_DECODED or isinstance(alternative, FrozenType) or _is_enum(alternative)):
            return False
    return True


_FROZEN_WHEN_DECODED = _PLAIN | {float, datetime, time}


def _is_enum(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def _alternatives(annotation: object, cls: type, *, whole: bool = False) -> Iterator[Any]:  # Any: hashable, as they are
    """Take unions, aliases and names apart; what cannot be told is `object`, which needs freezing.

    Types with arguments are `object` too, unless they are asked for as a whole.
    """
    if isinstance(annotation, (str, ForwardRef)):
        annotation = _evaluated(annotation, cls)
    # aliases made by `type`, and NewType
    annotation = getattr(annotation, "__value__", getattr(annotation, "__supertype__", annotation))
    origin = get_origin(annotation)
    if annotation is None or origin is Literal:
        yield type(None)
    elif origin is ClassVar or annotation is ClassVar:
        yield type(None)  # no field at all
    elif origin is Annotated:
        yield from _alternatives(get_args(annotation)[0], cls, whole=whole)
    elif origin is Union or origin is types.UnionType:
        for argument in get_args(annotation):
            yield from _alternatives(argument, cls, whole=whole)
    else:
        yield annotation if whole or (isinstance(annotation, type) and origin is None) else object


def _evaluated(annotation: str | ForwardRef, cls: type) -> object:
    reference = annotation if isinstance(annotation, ForwardRef) else ForwardRef(annotation, is_class=True)
    names = vars(sys.modules.get(cls.__module__, types))
    try:
        return evaluate_forward_ref(reference, globals=dict(names), locals={cls.__name__: cls})
    except Exception:  # noqa: BLE001  # whatever a string may raise: it cannot be told yet
        return object

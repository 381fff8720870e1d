"""Find unions for which msgspec (0.22) makes a decoder that crashes the process, so that none is made.

Such a union has a scalar with limits beside a tuple of fixed length, or beside a text with a pattern and an array or
object. The generator writes no such union. But users may combine types that are harmless alone, as in
``decode(data, Name | Pair)``.
"""

from __future__ import annotations

import collections.abc
from typing import TYPE_CHECKING, Any, get_args, get_origin

import msgspec

from miniagents.messages.coding.type_shapes import bare, is_a, is_array_kind, is_message_class, is_union, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def breaks_msgspec(form: object) -> bool:
    """Return whether a type is or contains such a union; the fields of classes do not count."""
    inner = bare(form)
    if is_message_class(kind_of(inner)):
        return False
    members = list(members_of(form))
    if len(members) > 1:
        limits = [each for member in members for each in _scalar_limits(member)]
        if limits and any(is_fixed(bare(member)) for member in members):
            return True
        if any(each.pattern is not None for each in limits) and any(is_container(bare(member)) for member in members):
            return True
    return any(breaks_msgspec(part) for member in members for part in get_args(bare(member)) if part is not ...)


def members_of(form: object) -> Iterator[object]:
    """Yield the members of a union, also of the unions in it; yield any other type itself."""
    inner = bare(form)
    if is_union(inner):
        for each in get_args(inner):
            yield from members_of(each)
    else:
        yield form


def _scalar_limits(form: Any) -> Iterator[msgspec.Meta]:  # Any: a type of whatever kind
    if kind_of(bare(form)) not in _SCALARS:
        return
    while hasattr(form, "__metadata__") or hasattr(form, "__value__"):
        for each in getattr(form, "__metadata__", ()):
            if isinstance(each, msgspec.Meta) and any(getattr(each, name) is not None for name in _LIMITS):
                yield each
        form = form.__value__ if hasattr(form, "__value__") else get_args(form)[0]


def is_fixed(form: object) -> bool:
    """Return whether a bare type is a tuple of fixed length."""
    return get_origin(form) is tuple and get_args(form)[1:] != (...,)


def is_container(form: object) -> bool:
    """Return whether a bare type is encoded as an array, or as an object with any keys."""
    kind = kind_of(form)
    return kind is not None and (is_array_kind(kind) or is_a(kind, collections.abc.Mapping))


_SCALARS = frozenset((int, float, str, bytes))
_LIMITS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")

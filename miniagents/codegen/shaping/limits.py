"""Turn limits of JSON Schema into limits that msgspec checks, where both mean exactly the same."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.model import Kind, Limits
from miniagents.validation.keywords import LIMITS, LimitName

_LOWER: Final = frozenset({"ge", "gt", "min_length"})
_INT64: Final = range(-(2**63), 2**63)


def limits_of(kind: Kind, schemas: Iterable[Mapping[str, JsonValue]]) -> tuple[Limits, bool]:
    """Return the limits of some schemas on the values of one JSON type, and whether the limits express the schemas.

    Args:
        kind: The JSON type.
        schemas: The schemas.
    """
    found: dict[LimitName, int | float | str] = {}
    is_all = True
    for schema in schemas:
        for name, keyword in LIMITS[kind].items():
            if keyword not in schema:
                continue
            limit = _limit(kind, name, schema[keyword])
            known = found.get(name)
            if limit is None:
                is_all = False
            elif known is None or known == limit:
                found[name] = limit
            elif isinstance(known, str) or isinstance(limit, str) or name == "multiple_of":
                is_all = False
            else:
                found[name] = max(known, limit) if name in _LOWER else min(known, limit)
    for one, other in (("ge", "gt"), ("le", "lt")):
        if one in found and other in found:  # msgspec accepts only one of the two
            del found[other]
            is_all = False
    return tuple(sorted(found.items())), is_all


def whole(limits: Limits) -> Limits:
    """Return the equivalent of limits on numbers for integers.

    >>> whole((("ge", 1.5), ("lt", 4.0)))
    (('ge', 2), ('lt', 4))
    """
    result: list[tuple[LimitName, int | float | str]] = []
    for name, limit in limits:
        if isinstance(limit, str):
            result.append((name, limit))
        else:
            result.append((name, math.ceil(limit) if name in {"ge", "lt"} else math.floor(limit)))
    return tuple(result)


def _limit(kind: Kind, name: LimitName, value: JsonValue) -> int | float | str | None:
    """Return a limit in the form of msgspec, or None if msgspec has no equivalent."""
    if isinstance(value, str):
        return value if name == "pattern" else None
    if isinstance(value, bool) or not isinstance(value, int | float) or name == "pattern":
        return None
    if kind not in {"integer", "number"}:
        return int(value) if 0 <= value < 2**62 else None
    if int(value) not in _INT64 or (name == "multiple_of" and (kind == "number" or value <= 0)):
        return None
    if kind == "integer":
        return int(value) if value == int(value) else None
    return value if float(value) == value else None

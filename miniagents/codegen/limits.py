"""Constraints of JSON Schema as the constraints msgspec checks, where the two mean exactly the same."""

import math
from collections.abc import Callable
from typing import Final

from miniagents.codegen.documents import Node
from miniagents.codegen.errors import Problem
from miniagents.codegen.model import Kind, LimitName, Limits
from miniagents.codegen.patterns import translate

_NUMBERS: Final[dict[str, LimitName]] = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}
_SIZES: Final[dict[Kind, dict[str, LimitName]]] = {
    "string": {"minLength": "min_length", "maxLength": "max_length"},
    "array": {"minItems": "min_length", "maxItems": "max_length"},
    "object": {"minProperties": "min_length", "maxProperties": "max_length"},
}
_INT64 = range(-(2**63), 2**63)


def read_limits(node: Node, kind: Kind, report: Callable[[Problem], None]) -> Limits:
    """Return what the schema at `node` says about the values of one JSON type.

    Args:
        node: A schema, an object.
        kind: The JSON type whose constraints are wanted.
        report: Takes what cannot be honoured.
    """
    if not isinstance(node.value, dict):
        return ()
    found: dict[LimitName, int | float | str] = {}
    for keyword in node.value:
        member = node.child(keyword)
        if kind in {"integer", "number"} and keyword in _NUMBERS:
            number = _number(member, keyword, kind, report)
            if number is not None:
                found[_NUMBERS[keyword]] = number
        elif keyword in _SIZES.get(kind, {}):
            size = _size(member, keyword, report)
            if size is not None:
                found[_SIZES[kind][keyword]] = size
        elif kind == "string" and keyword == "pattern":
            pattern = translate(member.value) if isinstance(member.value, str) else None
            if pattern is None:
                wrong = "this expression may mean something else in Python"
                remedy = "use plain characters, [a-z], \\d, \\w, groups, |, ^, $ and * + ? {n,m}"
                report(member.place.problem(keyword, wrong, remedy))
            else:
                found["pattern"] = pattern
    for inclusive, exclusive, words in (("ge", "gt", "Minimum"), ("le", "lt", "Maximum")):
        if inclusive in found and exclusive in found:
            keyword = f"exclusive{words}"
            wrong = f"given together with {words.lower()}"
            report(node.child(keyword).place.problem(keyword, wrong, "keep the stricter of the two"))
    return tuple(sorted(found.items()))


def whole(limits: Limits) -> Limits:
    """Return limits on numbers as the same limits on the integers among them.

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


def _number(node: Node, keyword: str, kind: Kind, report: Callable[[Problem], None]) -> int | float | None:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        report(node.place.problem(keyword, "is no number", "write a number"))
        return None
    if kind == "integer" and value != int(value):
        report(node.place.problem(keyword, "an integer cannot be compared with a fraction", "write an integer"))
        return None
    if int(value) not in _INT64:
        report(node.place.problem(keyword, "the limit does not fit into 64 bits", "remove it, or write a nearer one"))
        return None
    if keyword == "multipleOf" and value <= 0:
        report(node.place.problem(keyword, "is not above 0", "write a positive integer"))
        return None
    if kind == "number" and float(value) != value:
        report(node.place.problem(keyword, "no double has this value", "write a limit below 2**53"))
        return None
    return int(value) if kind == "integer" else value


def _size(node: Node, keyword: str, report: Callable[[Problem], None]) -> int | None:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or value not in range(2**63):
        report(node.place.problem(keyword, "is no count", "write an integer from 0 on"))
        return None
    return value

"""Parse JSON exactly: nothing is dropped, and values that Python cannot represent raise an error.

This is slower than msgspec, which keeps only the last of two properties with one name. `schema_codec.py` uses it, and
`unique_keys.py` to find such a property.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from miniagents.messages.coding.decode_errors import DecodeError
from miniagents.messages.values.freezing import is_list, is_mapping, path_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read_json"]

_TOO_DEEP = "nested deeper than Python's recursion limit"

_Path: TypeAlias = "tuple[_Path | None, str | int]"


def read_json(data: bytes | bytearray | memoryview | str) -> object:
    """Parse JSON into plain values.

    Raises:
        DecodeError: The data is not JSON or not UTF-8, or is nested deeper than Python's recursion limit. Or it
            contains a lone surrogate, a property twice, a number too large for a float, or an integer with more digits
            than Python converts.
    """
    twice: dict[int, tuple[object, str]] = {}  # by identity; the objects are kept, so that no other one gets it

    def json_object(properties: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(properties)
        if len(made) != len(properties):
            count = Counter(name for name, _ in properties)
            twice[id(made)] = made, next(name for name, _ in properties if count[name] > 1)
        return made

    try:
        text = data if isinstance(data, str) else str(data, "utf-8")
        raw: object = json.loads(
            text, object_pairs_hook=json_object, parse_float=_float, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise DecodeError("$", _TOO_DEEP) from None
    except ValueError as error:  # not JSON, not UTF-8, or a refused number
        raise DecodeError("$", str(error)) from None
    if twice:

        def reason_of(value: object) -> str | None:
            found = twice.get(id(value))
            return None if found is None else f"the property {found[1]!r} is there twice"

        _refuse_where(raw, reason_of)
    if "\\u" in text or not (text.isascii() or isinstance(data, bytes)):
        _refuse_where(raw, _surrogate)
    return raw


def _surrogate(value: object) -> str | None:
    for text in value if is_mapping(value) else (value,):
        if isinstance(text, str) and not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                return f"the string {text!a} has a lone surrogate at {error.start}"
    return None


def _refuse_where(raw: object, reason_of: Callable[[object], str | None]) -> None:
    """Raise an error with the path of the first value for which `reason_of` returns a reason."""
    pending: list[tuple[_Path | None, object]] = [(None, raw)]
    while pending:
        path, value = pending.pop()
        if (reason := reason_of(value)) is not None:
            raise DecodeError(_text(path), reason)
        if is_mapping(value):
            pending += [((path, str(name)), item) for name, item in value.items()][::-1]
        elif is_list(value):
            pending += [((path, index), item) for index, item in enumerate(value)][::-1]


def _text(path: _Path | None) -> str:
    steps: list[str | int | None] = []
    while path is not None:
        path, step = path
        steps.append(step)
    return path_of("$", steps[::-1])


def _float(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError(f"the number {text if len(text) < 40 else text[:40] + '...'} is too large for a float")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON: there are only finite numbers")

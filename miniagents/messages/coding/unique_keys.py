"""Keys that stand in one object more than once, for readers that refuse them.

JSON and MessagePack can repeat a key, and each decoder chooses one of the values. Here the last one wins. Two programs
that choose differently see different data in the same bytes. So a program that checks data for another one should
refuse repeated keys.

msgspec does not report them. But what it decodes has each key once, so encoding that again shows in C whether a key was
lost. Only data that looks different afterwards is parsed in Python, which finds the key and its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from miniagents.messages.coding.decode_errors import DecodeError
from miniagents.messages.coding.json_text import read_json
from miniagents.messages.coding.msgspec_formats import functions_of
from miniagents.messages.values.freezing import path_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages.coding.msgspec_formats import Format

__all__ = ["refuse_repeated_keys", "with_unique_keys"]

T = TypeVar("T")


def with_unique_keys(read: Callable[[Any], T], format: Format) -> Callable[[Any], T]:  # Any: bytes, and str for JSON
    """Return a reader that also raises a `DecodeError` for a key that is repeated."""

    def read_unique(data: bytes | str) -> T:
        value = read(data)
        refuse_repeated_keys(data, format)
        return value

    return read_unique


def refuse_repeated_keys(data: bytes | str, format: Format) -> None:
    """Raise an error if an object has a key twice.

    Args:
        data: Data that was decoded, so that its syntax is known to be right.
        format: Its format.

    Raises:
        DecodeError: A key is repeated; the path is that of the object.
    """
    encoded = data.encode() if isinstance(data, str) else bytes(data)
    functions = functions_of(format)
    try:
        again = functions.encode(functions.decode_plain(encoded))
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
        again = None  # only a declared type can hold this, such as an integer of more than 64 bits
    if format == "msgpack":
        if again != encoded:
            _refuse_in_msgpack(encoded)
    elif again is None or _ESCAPED_COLON in encoded or again.count(b":") != encoded.count(b":"):
        read_json(encoded)  # raises the error


# --- machinery ---

_ESCAPED_COLON: Final = b"\\u003"
"""The start of an escaped colon. It is written without the escape, so that colons could not be counted."""


class _Open:
    """A map or an array of MessagePack whose items are being visited."""

    def __init__(self, left: int, *, is_map: bool) -> None:
        self.left = left
        self.keys: set[object] | None = set() if is_map else None
        self.step: str | int = -1


def _refuse_in_msgpack(data: bytes) -> None:
    place = 0
    opened = [_Open(1, is_map=False)]
    while opened:
        last = opened[-1]
        if not last.left:
            opened.pop()
            continue
        last.left -= 1
        if last.keys is None:
            last.step = int(last.step) + 1
        else:
            start, place = place, _end(data, place)
            # as msgspec reads a key: 1 and 1.0 are one, and so are all forms of one text
            key = next(iter(_decode(b"\x81" + data[start:place] + b"\xc0")))
            if key in last.keys:
                path = path_of("$", [each.step for each in opened[1:-1]])
                raise DecodeError(path, f"the property {key!r:.200} is there twice")
            last.keys.add(key)
            last.step = str(key)
        place, count, is_map = _head(data, place)
        if count:
            opened.append(_Open(count, is_map=is_map))


def _end(data: bytes, place: int) -> int:
    """Return where the value ends that starts at a place."""
    left = 1
    while left:
        place, count, is_map = _head(data, place)
        left += count * (2 if is_map else 1) - 1
    return place


def _head(data: bytes, place: int) -> tuple[int, int, bool]:
    """Return the place behind a scalar, or behind the head of a container; how many items follow; if it is a map."""
    kind = data[place]
    place += 1
    if kind < 0x80 or kind >= 0xE0:  # small integers
        return place, 0, False
    if kind < 0xA0:
        return place, kind & 0x0F, kind < 0x90
    if kind < 0xC0:  # short texts
        return place + (kind & 0x1F), 0, False
    size_bytes, more = _SIZES[kind]
    size = int.from_bytes(data[place : place + size_bytes])
    place += size_bytes
    if kind >= 0xDC:
        return place, size, kind >= 0xDE
    return place + size + more, 0, False


_SIZES: Final = {
    **dict.fromkeys((0xC0, 0xC2, 0xC3), (0, 0)),  # null, false, true
    **{0xC4 + power: (1 << power, 0) for power in range(3)},  # bytes
    **{0xC7 + power: (1 << power, 1) for power in range(3)},  # extensions
    **{0xCA + power: (0, 4 << power) for power in range(2)},  # floats
    **{0xCC + power: (0, 1 << power) for power in range(4)},  # unsigned integers
    **{0xD0 + power: (0, 1 << power) for power in range(4)},  # integers
    **{0xD4 + power: (0, (1 << power) + 1) for power in range(5)},  # extensions of a fixed size
    **{0xD9 + power: (1 << power, 0) for power in range(3)},  # texts
    **{0xDC + power: (2 << power, 0) for power in range(2)},  # arrays
    **{0xDE + power: (2 << power, 0) for power in range(2)},  # maps
}
"""How many bytes of length follow the first byte of a value, and how many bytes besides those it counts."""

_decode: Final[Callable[[bytes], dict[object, None]]] = msgspec.msgpack.Decoder(dict[Any, None]).decode  # any key

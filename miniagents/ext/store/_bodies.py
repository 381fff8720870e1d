"""What is kept of a message: its JSON, with the keys of the messages inside it in their places.

The JSON of a message inside another one is replaced by `{"@key":"…"}` with all 64 digits of its key. This is done on
the encoded bytes. Inside a JSON string, a quote has a backslash before it, so `{"` is always the begin of an object. So
putting the JSON of the part back gives the same bytes. Names of properties that look like `@key` get one more `@`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard
from zlib import crc32

from miniagents.messages import Frozen, Message, encode
from miniagents.messages.coding.contents import contents_of
from miniagents.messages.values.frozen import longer_hash_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

__all__ = ["MessageRow", "digest_of", "keys_of_parts", "rows_of", "whole"]

_KEY: Final = b'@key":'
_LIKE_KEY: Final = re.compile(rb'"(@+key":)')
_ESCAPED: Final = re.compile(rb'"@(@+key":)')
_PART: Final = re.compile(rb'\{"@key":"([0-9a-f]{64})"\}')


class MessageRow(NamedTuple):
    """A message as it is kept."""

    key: bytes
    """The 32 bytes of its key."""
    digest: int
    """A checksum of the key and the body."""
    parts: int
    """How many messages the body names by their keys."""
    body: bytes


def digest_of(key: bytes, body: bytes) -> int:
    """Return the checksum of a message: a body under another key has another one."""
    return crc32(body, crc32(key))


def rows_of(messages: Iterable[Message], is_known: Callable[[bytes], bool]) -> list[MessageRow]:
    """Return the rows of messages and of those inside them, parts first; those that are known are left out.

    Raises:
        TypeError: A message can have no key, or cannot be encoded.
        ValueError: As above.
    """
    rows: dict[bytes, MessageRow] = {}
    token = longer_hash_keys.set(True)
    try:
        for message in messages:
            _add(message, is_known, rows)
    finally:
        longer_hash_keys.reset(token)
    return [*rows.values()]


def _add(message: Message, is_known: Callable[[bytes], bool], rows: dict[bytes, MessageRow]) -> None:
    pending = [message]
    while pending:  # no recursion: messages may be nested deeply
        current = pending[-1]
        key = bytes.fromhex(current.hash_key)
        if key in rows or is_known(key):
            pending.pop()
            continue
        parts = [*_parts(current)] if contents_of(type(current)).holders else []
        unknown = [part for part in parts if (k := bytes.fromhex(part.hash_key)) not in rows and not is_known(k)]
        if unknown:
            pending += reversed(unknown)
            continue
        body, count = _body(current, parts)
        rows[key] = MessageRow(key, digest_of(key, body), count, body)
        pending.pop()


def _body(message: Message, parts: Collection[Message]) -> tuple[bytes, int]:
    """Return the body of a message, and how many parts it names."""
    data = encode(message)
    count, position = 0, 0
    pieces: list[bytes] = []
    for part in parts:
        inner = encode(part)
        place = data.find(inner, position)
        if place >= 0:  # a set is written in another order: what is not found stays where it is
            pieces += _escaped(data[position:place]), b'{"@key":"', part.hash_key.encode(), b'"}'
            position = place + len(inner)
            count += 1
    pieces.append(_escaped(data[position:]))
    return b"".join(pieces), count


def _escaped(data: bytes) -> bytes:
    return _LIKE_KEY.sub(rb'"@\1', data) if _KEY in data else data


def keys_of_parts(body: bytes) -> list[bytes]:
    """Return the keys that a body names."""
    return [bytes.fromhex(key.decode()) for key in _PART.findall(body)]


def whole(body: bytes, known: Mapping[bytes, bytes]) -> bytes:
    """Return the JSON of a message from its body and the JSON of its parts by their keys."""
    data: list[bytes] = []
    position = 0
    for found in _PART.finditer(body):
        data += _restored(body[position : found.start()]), known[bytes.fromhex(found[1].decode())]
        position = found.end()
    data.append(_restored(body[position:]))
    return b"".join(data)


def _restored(data: bytes) -> bytes:
    return _ESCAPED.sub(rb'"\1', data) if _KEY in data else data


def _parts(holder: object) -> Iterator[Message]:
    """Yield the outermost messages inside a value, in the order in which they are encoded."""
    if isinstance(holder, Frozen):
        for name in contents_of(type(holder)).holders:
            yield from _within(getattr(holder, name))


def _within(value: object) -> Iterator[Message]:
    if isinstance(value, Message):
        yield value
    elif isinstance(value, Frozen):
        yield from _parts(value)
    elif _is_mapping(value):
        for item in value.values():
            yield from _within(item)
    elif _is_tuple(value):
        for item in value:
            yield from _within(item)


# Narrowing by isinstance() alone would leave the types of the elements unknown.


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple)

"""The limit of open objects with undeclared properties: bare msgspec, and these properties collected by hand.

msgspec leaves out what a class does not declare. So data is decoded twice, as its class and as plain dicts. For each
object in it the properties that its class does not declare are kept beside the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from scripts.benchmarks.limit_kinds import AgentMessage, DataPart, File, FilePart, Sensor, TextPart
from scripts.benchmarks.samples import sample
from scripts.benchmarks.watch import AT_ONCE, shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.benchmarks.watch import Watch

Json = Any  # Any: JSON of any type
Write: TypeAlias = "Callable[[object], bytes]"


class Open(NamedTuple):
    """A value, and for each object in it that may be open the properties that its class does not declare."""

    value: msgspec.Struct
    extras: list[Json]


_DECLARED = {
    cls: frozenset(cls.__struct_fields__) | {cls.__struct_config__.tag_field}
    for cls in (Sensor, AgentMessage, TextPart, FilePart, DataPart, File)
}
_PARTS = {"text": _DECLARED[TextPart], "file": _DECLARED[FilePart], "data": _DECLARED[DataPart]}


def _extras(raw: dict[str, Json], declared: frozenset[str | None]) -> dict[str, Json] | None:
    """Return the properties that are not declared, or None if there are none."""
    if raw.keys() <= declared:
        return None
    return {key: value for key, value in raw.items() if key not in declared}


def _extras_of_sensor(raw: Json) -> list[Json]:
    return [_extras(raw, _DECLARED[Sensor])]


def _extras_of_message(raw: Json) -> list[Json]:
    found = [_extras(raw, _DECLARED[AgentMessage])]
    for part in raw["parts"]:
        found.append(_extras(part, _PARTS[part["kind"]]))
        if part["kind"] == "file":
            found.append(_extras(part["file"], _DECLARED[File]))
    return found


def _join_sensor(value: msgspec.Struct, extras: list[Json], write: Write) -> bytes:
    """Encode a sensor and its undeclared properties as JSON, and join the two objects."""
    sensor = write(value)
    return b"%b,%b" % (sensor[:-1], write(extras[0])[1:]) if extras[0] else sensor


def _join_message(value: msgspec.Struct, extras: list[Json], write: Write) -> bytes:
    """Turn a message into dicts, add the undeclared properties, and encode it."""
    raw = msgspec.to_builtins(value)
    objects = [raw]
    for part in raw["parts"]:
        objects.append(part)
        if part["kind"] == "file":
            objects.append(part["file"])
    for part, found in zip(objects, extras, strict=True):
        if found is not None:
            part.update(found)
    return write(raw)


class Kind(NamedTuple):
    """The type of the values of a kind, and what is done by hand."""

    form: Any  # Any: a type of msgspec
    extras: Callable[[Json], list[Json]]
    """Returns the undeclared properties of each object that may be open."""
    join: Callable[[msgspec.Struct, list[Json], Write], bytes]
    """Encodes a value with them."""


KINDS = {
    "extras": Kind(Sensor, _extras_of_sensor, _join_sensor),
    "agent message with extras": Kind(AgentMessage, _extras_of_message, _join_message),
}
_ENCODERS: dict[str, Write] = {
    "json": msgspec.json.Encoder().encode,
    "msgpack": msgspec.msgpack.Encoder().encode,
}


class _Way(NamedTuple):
    """How values of a kind are decoded and encoded in a format."""

    kind: Kind
    as_class: Callable[[bytes], Any]  # Any: a value of the class
    as_plain: Callable[[bytes], Json]
    write: Write

    def decode(self, data: bytes) -> Open:
        return Open(self.as_class(data), self.kind.extras(self.as_plain(data)))

    def encode(self, open_value: Open) -> bytes:
        return self.kind.join(open_value.value, open_value.extras, self.write)


def _way(kind: str, format: str) -> _Way:
    form = KINDS[kind].form
    if format == "json":
        return _Way(KINDS[kind], msgspec.json.Decoder(form).decode, msgspec.json.Decoder().decode, _ENCODERS[format])
    return _Way(KINDS[kind], msgspec.msgpack.Decoder(form).decode, msgspec.msgpack.Decoder().decode, _ENCODERS[format])


async def encode_extras(watch: Watch, n: int, kind: str, format: str = "json") -> object:
    """Encode values with their undeclared properties."""
    values = [_way(kind, "json").decode(sample(kind, number)) for number in range(min(n, AT_ONCE))]
    encode = _way(kind, format).encode
    encoded: list[bytes] = []
    with watch:
        for share in shares(values, n):
            encoded = [encode(each) for each in share]
    return [each.hex() for each in encoded]


async def decode_extras(watch: Watch, n: int, kind: str, format: str = "json") -> object:
    """Decode data twice: as its class, and as plain dicts."""
    way = _way(kind, format)
    encoded = [way.encode(_way(kind, "json").decode(sample(kind, number))) for number in range(min(n, AT_ONCE))]
    decode = way.decode
    values: list[Any] = []  # Any: values of the kind
    with watch:
        for share in shares(encoded, n):
            values = [decode(each) for each in share]
    return [way.encode(each).hex() for each in values]

"""This library's codecs, with values of each kind: classes written by hand, and classes of a generated module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec

from miniagents import Codec, Message, OpenAIMessage, decode, encode
from miniagents.messages import Format
from scripts.benchmarks import classes
from scripts.benchmarks.generated import parts
from scripts.benchmarks.ours_messages import Customer, encode_shares
from scripts.benchmarks.samples import sample
from scripts.benchmarks.watch import AT_ONCE, Watch, shares


class Contact(Message, kw_only=True):
    """A message of six fields that may be null."""

    number: int
    email: str | None
    phone: str | None
    city: str | None
    tags: tuple[str, ...]


class Exchange(Message, kw_only=True):
    """A message that holds messages of any class."""

    number: int
    question: Message
    answer: Message
    notes: tuple[Message, ...] = ()


class Kind(NamedTuple):
    """The type of the values of a kind, and the functions that users call for it."""

    form: Any  # Any: a type of any form
    encode: Callable[..., bytes] = encode
    decode: Callable[..., Any] = decode  # Any: a value of the type


@cache
def kinds() -> dict[str, Kind]:
    """Return the kinds; the module of the generated ones is generated at the first call."""
    module = parts()
    generated = {
        "open": module.Sensor,
        "extras": module.Sensor,
        "absent union": module.Reading,
        "union": module.Reading,
        "agent message": module.AgentMessage,
        "agent message with a file": module.AgentMessage,
        "agent message with extras": module.AgentMessage,
        "tool output": module.ToolOutput,
        "vendor event": module.ResponseEvent,
    }
    return {
        "small": Kind(Customer),
        "nulls": Kind(Contact),
        "null in a text": Kind(Contact),
        "Message fields": Kind(Exchange),
        "provider_data": Kind(OpenAIMessage),
    } | {name: Kind(form, module.encode, module.decode) for name, form in generated.items()}


def _made(value: Any) -> Any:  # Any: a value of any type
    """Return an equal value made by calls of its classes, as users make messages, from mutable containers."""
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return type(value)(**{name: _made(field) for name, field in fields.items() if field is not msgspec.UNSET})
    if isinstance(value, tuple):
        return [_made(item) for item in value]  # pyright: ignore[reportUnknownVariableType]  # a tuple of anything
    if isinstance(value, Mapping):
        return {key: _made(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]  # as above
    return value


async def encode_kind(watch: Watch, n: int, kind: str, format: Format = "json", by: str = "") -> object:
    """Encode values of a kind by the function that users import for it, or by a method of an existing codec."""
    form, encode, decode = kinds()[kind]
    values = [_made(decode(sample(kind, number), form)) for number in range(min(n, AT_ONCE))]
    codec: Codec[Any] = Codec(form, format)  # Any: a value of the kind
    return encode_shares(watch, values, n, codec, encode=encode, by=by)


async def decode_kind(
    watch: Watch,
    n: int,
    kind: str,
    format: Format = "json",
    by: str = "",
    frozen: bool = False,  # noqa: ARG001  # values are always frozen
) -> object:
    """Decode values of a kind by the function that users import for it, or by a method of an existing codec."""
    form, _, decode = kinds()[kind]
    codec: Codec[Any] = Codec(form, format)  # Any: a value of the kind
    encoded = [codec.encode(decode(sample(kind, number), form)) for number in range(min(n, AT_ONCE))]
    codec.decode(encoded[0])  # the first call prepares it; `new_codec` measures that
    values: list[Any] = []  # Any: values of the kind
    with watch:
        for share in shares(encoded, n):
            if by == "codec":
                values = [codec.decode(each) for each in share]
            elif format == "json":  # as users write it
                values = [decode(each, form) for each in share]
            else:
                values = [decode(each, form, format) for each in share]
    return [codec.encode(each).hex() for each in values]


async def encode_extras(watch: Watch, n: int, kind: str, format: Format = "json") -> object:
    """Encode open objects that hold properties which their class does not declare."""
    return await encode_kind(watch, n, kind, format, by="codec")


async def decode_extras(watch: Watch, n: int, kind: str, format: Format = "json") -> object:
    """Decode such objects."""
    return await decode_kind(watch, n, kind, format, by="codec")


async def new_codec(watch: Watch, n: int) -> object:
    """Make codecs, and decode one value with each."""
    data = sample("Message fields", 1)
    with watch:
        values = [Codec(Exchange).decode(data) for _ in range(n)]
    return [encode(each).hex() for each in values]


async def after_one_more_class(watch: Watch, n: int) -> object:
    """Encode or decode a value when the library has just met another class."""
    classes.after_one_more_class(watch, n, "ours")
    return None

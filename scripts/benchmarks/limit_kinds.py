"""The limit of the codecs' workloads: bare msgspec for each kind of value, and checks that msgspec does not make.

Where msgspec has no way of its own, the limit has the fastest one by hand. A union without a tag is one Struct with the
properties of all its members, and a check that it is exactly one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import force_setattr

from scripts.benchmarks import classes
from scripts.benchmarks.samples import sample
from scripts.benchmarks.watch import AT_ONCE, Watch, shares

if TYPE_CHECKING:
    from collections.abc import Callable

Json = Any  # Any: JSON of any type


class Message(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="@type", tag="Message"):
    """The base class of messages; like the library's, its values do not write their defaults."""

    text: str | None = None


class Customer(Message, frozen=True, kw_only=True, tag="Customer"):
    """A message of two strings."""

    email: str


class Address(Message, frozen=True, kw_only=True, tag="Address"):
    """Another one."""

    city: str


class Contact(Message, frozen=True, kw_only=True, tag="Contact"):
    """A message of six fields that may be null."""

    number: int
    email: str | None
    phone: str | None
    city: str | None
    tags: tuple[str, ...]


AnyMessage = Message | Customer | Address


class Exchange(Message, frozen=True, kw_only=True, tag="Exchange"):
    """A message that holds messages of any class."""

    number: int
    question: AnyMessage
    answer: AnyMessage
    notes: tuple[AnyMessage, ...] = ()


class Part(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="@type"):
    """The base class of the parts of messages."""


class Reasoning(Part, frozen=True, tag="Reasoning"):
    """A part."""

    text: str
    signature: str | None = None


class ToolCall(Part, frozen=True, tag="ToolCall"):
    """A part."""

    id: str
    name: str
    arguments: str = "{}"


class Usage(Part, frozen=True, tag="Usage"):
    """A part."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "other"]


class OpenAIMessage(Message, frozen=True, kw_only=True, tag="OpenAIMessage"):
    """A message from a model, with data that has no type."""

    role: Literal["assistant"] = "assistant"
    model: str | None = None
    reasoning: tuple[Reasoning, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    response_id: str | None = None
    output_items: tuple[dict[str, Json], ...] = ()
    provider_data: dict[str, Json] | None = None


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("it cannot change")


_refused: Any = _refuse  # Any: the methods have signatures of their own


class ReadOnly(dict[str, Json]):
    """A dict that cannot change; `_frozen` alone fills it."""

    def __init__(self, *_: object, **__: object) -> None:
        """Do nothing: the dict is filled already."""

    __setitem__ = __delitem__ = __ior__ = _refused
    clear = pop = popitem = setdefault = update = _refused


_kind_of: Callable[[object], object] = type  # type checkers take no answer of this as a test of the value


def _frozen(value: Json) -> Json:
    """Freeze plain JSON: dicts become such dicts, and lists become tuples."""
    kind = _kind_of(value)
    if kind is dict:
        made = dict.__new__(ReadOnly)
        dict[str, Json].update(
            made, {name: _frozen(part) if type(part) in (dict, list) else part for name, part in value.items()}
        )
        return made
    if kind is list:
        return tuple([_frozen(part) if type(part) in (dict, list) else part for part in value])
    return value


class FrozenOpenAIMessage(OpenAIMessage, frozen=True, tag="OpenAIMessage"):
    """A message from a model, with data that cannot change."""

    def __post_init__(self) -> None:
        if self.provider_data is not None:
            force_setattr(self, "provider_data", _frozen(self.provider_data))
        if self.output_items:
            force_setattr(self, "output_items", _frozen([*self.output_items]))


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base class of values without a class tag."""


class Sensor(Record, frozen=True):
    """An open object; msgspec alone leaves out the properties that are not declared."""

    id: int
    place: str
    model: str | UnsetType = UNSET


class Temperature(Record, frozen=True, forbid_unknown_fields=True):
    """A union of two closed objects."""

    celsius: int | UnsetType = UNSET
    fahrenheit: int | UnsetType = UNSET


class Reading(Record, frozen=True, forbid_unknown_fields=True):
    """A closed object with such a union."""

    id: int
    place: str
    temperature: Temperature | UnsetType = UNSET


class File(Record, frozen=True):
    """A union of two open objects."""

    bytes: str | UnsetType = UNSET
    uri: str | UnsetType = UNSET
    mimeType: str | UnsetType = UNSET  # noqa: N815  # as the schema names it
    name: str | UnsetType = UNSET


class TextPart(Record, frozen=True, tag_field="kind", tag="text"):
    """A part of a message between agents."""

    text: str
    metadata: dict[str, Json] | UnsetType = UNSET


class FilePart(Record, frozen=True, tag_field="kind", tag="file"):
    """Another one."""

    file: File
    metadata: dict[str, Json] | UnsetType = UNSET


class DataPart(Record, frozen=True, tag_field="kind", tag="data"):
    """Another one."""

    data: dict[str, Json]
    metadata: dict[str, Json] | UnsetType = UNSET


class AgentMessage(Record, frozen=True):
    """A message between agents of different vendors."""

    kind: Literal["message"]
    messageId: str  # noqa: N815  # as the schema names it
    role: Literal["agent", "user"]
    parts: tuple[TextPart | FilePart | DataPart, ...]
    contextId: str | UnsetType = UNSET  # noqa: N815  # as the schema names it
    taskId: str | UnsetType = UNSET  # noqa: N815  # as the schema names it
    extensions: tuple[str, ...] | UnsetType = UNSET
    metadata: dict[str, Json] | UnsetType = UNSET


class Resource(Record, frozen=True, kw_only=True):
    """A union of two open objects."""

    text: str | UnsetType = UNSET
    blob: str | UnsetType = UNSET
    uri: str
    mimeType: str | UnsetType = UNSET  # noqa: N815  # as the schema names it


class TextContent(Record, frozen=True, tag_field="type", tag="text"):
    """A part of the result of a tool call."""

    text: str
    meta: dict[str, Json] | UnsetType = msgspec.field(default=UNSET, name="_meta")


class ImageContent(Record, frozen=True, tag_field="type", tag="image"):
    """Another one."""

    data: str
    mimeType: str  # noqa: N815  # as the schema names it
    meta: dict[str, Json] | UnsetType = msgspec.field(default=UNSET, name="_meta")


class ResourceContent(Record, frozen=True, tag_field="type", tag="resource"):
    """Another one."""

    resource: Resource
    meta: dict[str, Json] | UnsetType = msgspec.field(default=UNSET, name="_meta")


class ToolOutput(Record, frozen=True):
    """The result of a tool call."""

    content: tuple[TextContent | ImageContent | ResourceContent, ...]
    isError: bool | UnsetType = UNSET  # noqa: N815  # as the schema names it
    structuredContent: dict[str, Json] | UnsetType = UNSET  # noqa: N815  # as the schema names it
    meta: dict[str, Json] | UnsetType = msgspec.field(default=UNSET, name="_meta")


class TextArrived(Record, frozen=True, tag_field="type", tag="response.output_text.delta"):
    """An event of a vendor's stream."""

    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    delta: str


class ArgumentsArrived(Record, frozen=True, tag_field="type", tag="response.function_call_arguments.delta"):
    """Another one."""

    sequence_number: int
    item_id: str
    output_index: int
    delta: str


def _check_reading(reading: Reading) -> None:
    temperature = reading.temperature
    if temperature is not UNSET and (temperature.celsius is UNSET) is (temperature.fahrenheit is UNSET):
        raise msgspec.ValidationError("the temperature has no unit, or two")


def _check_agent_message(message: AgentMessage) -> None:
    for part in message.parts:
        if isinstance(part, FilePart) and part.file.bytes is UNSET and part.file.uri is UNSET:
            raise msgspec.ValidationError("the file is nowhere")


def _check_tool_output(output: ToolOutput) -> None:
    for part in output.content:
        if isinstance(part, ResourceContent) and part.resource.text is UNSET and part.resource.blob is UNSET:
            raise msgspec.ValidationError("the resource has no content")


class Kind(NamedTuple):
    """The type of the values of a kind, and a check of what msgspec does not see."""

    form: Any  # Any: a type of any form
    check: Callable[[Any], None] | None = None  # Any: a value of the type


KINDS = {
    "small": Kind(Customer),
    "nulls": Kind(Contact),
    "null in a text": Kind(Contact),
    "Message fields": Kind(Exchange),
    "provider_data": Kind(OpenAIMessage),
    "open": Kind(Sensor),
    "absent union": Kind(Reading, _check_reading),
    "union": Kind(Reading, _check_reading),
    "agent message": Kind(AgentMessage, _check_agent_message),
    "agent message with a file": Kind(AgentMessage, _check_agent_message),
    "tool output": Kind(ToolOutput, _check_tool_output),
    "vendor event": Kind(TextArrived | ArgumentsArrived),
}
_encode_json = msgspec.json.Encoder().encode
_ENCODERS: dict[str, Callable[[object], bytes]] = {"json": _encode_json, "msgpack": msgspec.msgpack.Encoder().encode}


def _decoder(form: Any, format: str) -> Callable[[bytes], Any]:  # Any: a type of any form, and its values
    return msgspec.json.Decoder(form).decode if format == "json" else msgspec.msgpack.Decoder(form).decode


async def encode_kind(
    watch: Watch,
    n: int,
    kind: str,
    format: str = "json",
    by: str = "",  # noqa: ARG001  # msgspec has one way
) -> object:
    """Encode values of a kind by a method of an existing encoder."""
    decode = _decoder(KINDS[kind].form, "json")
    values = [decode(sample(kind, number)) for number in range(min(n, AT_ONCE))]
    encode = _ENCODERS[format]
    encoded: list[bytes] = []
    with watch:
        for share in shares(values, n):
            encoded = [encode(each) for each in share]
    return [each.hex() for each in encoded]


async def decode_kind(
    watch: Watch,
    n: int,
    kind: str,
    format: str = "json",
    by: str = "",  # noqa: ARG001  # msgspec has one way
    frozen: bool = False,
) -> object:
    """Decode values of a kind by a method of an existing decoder, and check what it does not see.

    The data of a provider is `frozen` by the class itself.
    """
    form, check = Kind(FrozenOpenAIMessage) if frozen else KINDS[kind]
    decode_json, encode, decode = _decoder(form, "json"), _ENCODERS[format], _decoder(form, format)
    encoded = [encode(decode_json(sample(kind, number))) for number in range(min(n, AT_ONCE))]
    values: list[Any] = []  # Any: values of the kind
    with watch:
        for share in shares(encoded, n):
            values = [decode(each) for each in share]
            if check is not None:
                for each in values:
                    check(each)
    return [encode(each).hex() for each in values]


async def new_codec(watch: Watch, n: int) -> object:
    """Make decoders, and decode one value with each."""
    data = sample("Message fields", 1)
    with watch:
        values = [msgspec.json.Decoder(Exchange).decode(data) for _ in range(n)]
    return [_encode_json(each).hex() for each in values]


async def after_one_more_class(watch: Watch, n: int) -> object:
    """Encode or decode a value with a new encoder or decoder, because there is another class."""
    classes.after_one_more_class(watch, n, "limit")
    return None

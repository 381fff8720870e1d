"""The messages of conversations for protobuf, with the fields of the limit's Structs.

The classes are made of descriptors, because nothing here runs `protoc`. A record has one field for each class.
"""

from __future__ import annotations

import struct
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from typing import IO

__all__ = ["of_json", "read", "text_of", "write"]

_pb: Any = import_module("google.protobuf.descriptor_pb2")  # Any: it has no types here
_pool: Any = import_module("google.protobuf.descriptor_pool")  # Any: as above
_factory: Any = import_module("google.protobuf.message_factory")  # Any: as above
_json: Any = import_module("google.protobuf.json_format")  # Any: as above
import_module("google.protobuf.struct_pb2")  # the type of untyped data

_SCALARS: Final = {"int": 3, "bool": 8, "str": 9}
"""The numbers of types, as descriptors have them."""
_MESSAGE, _ONE, _MANY = 11, 1, 3

_MESSAGES: Final = {
    "TextPart": "text:str",
    "Reasoning": "text:str signature:str",
    "ToolCall": "id:str name:str arguments:str",
    "Usage": "input_tokens:int output_tokens:int cache_read_tokens:int cache_write_tokens:int reasoning_tokens:int",
    "SystemMessage": "text:str role:str",
    "UserMessage": "text:str role:str content:TextPart*",
    "ToolResultMessage": "text:str role:str tool_call_id:str tool_name:str is_error:bool content:TextPart*",
    "OpenAIMessage": (
        "text:str role:str model:str reasoning:Reasoning* tool_calls:ToolCall* refusal:str finish_reason:str "
        "usage:Usage response_id:str output_items:google.protobuf.Struct* provider_data:google.protobuf.Struct"
    ),
    "Record": (
        "SystemMessage:SystemMessage UserMessage:UserMessage ToolResultMessage:ToolResultMessage "
        "OpenAIMessage:OpenAIMessage"
    ),
}
"""The fields of each message with their types; a star stands for any number of values."""


def _record() -> Any:  # Any: a class made here
    file = _pb.FileDescriptorProto(name="conversations.proto", package="conversations", syntax="proto3")
    file.dependency.append("google/protobuf/struct.proto")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields.split(), 1):
            key, _, form = field.partition(":")
            kind = form.removesuffix("*")
            added = message.field.add(name=key, json_name=key, number=number, label=_ONE if kind == form else _MANY)
            added.type = _SCALARS.get(kind, _MESSAGE)
            if kind not in _SCALARS:
                added.type_name = f".{kind}" if "." in kind else f".conversations.{kind}"
    pool = _pool.Default()
    pool.Add(file)
    return _factory.GetMessageClass(pool.FindMessageTypeByName("conversations.Record"))


_Record: Final = _record()
_LENGTH: Final = struct.Struct(">I")


def of_json(data: bytes) -> Any:  # Any: a record
    """Return the record of a message in JSON, whose class is named by its tag."""
    message: dict[str, Any] = msgspec.json.decode(data)  # Any: plain JSON
    return _json.ParseDict({message["@type"]: _untagged(message)}, _Record())


def write(records: list[Any], file: IO[bytes]) -> None:  # Any: as above
    """Write records, each after its length."""
    for record in records:
        payload = record.SerializeToString()
        file.write(_LENGTH.pack(len(payload)) + payload)


def read(data: bytes) -> list[Any]:  # Any: as above
    """Read records."""
    records: list[Any] = []  # Any: as above
    position = 0
    while position < len(data):
        (length,) = _LENGTH.unpack_from(data, position)
        start = position + _LENGTH.size
        position = start + length
        records.append(_Record.FromString(data[start:position]))
    return records


def text_of(record: Any) -> str | None:  # Any: as above
    """Return the text of the message in a record; it has exactly one."""
    ((_, message),) = record.ListFields()
    return str(message.text) or None


def _untagged(value: Any) -> Any:  # Any: plain JSON
    if isinstance(value, dict):
        return {key: _untagged(item) for key, item in value.items() if key != "@type"}  # pyright: ignore[reportUnknownVariableType]  # JSON
    return [_untagged(item) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]  # as above

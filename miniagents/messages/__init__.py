"""Messages: immutable, generated from schemas, known by a hash key, streamed by promises."""

from miniagents.messages._generated import (
    AgentCallNode,
    AgentReplyNode,
    AnyMessage,
    AssistantMessage,
    ErrorMessage,
    Message,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    SystemMessage,
    TextDelta,
    ToolCallDelta,
    UserMessage,
)
from miniagents.messages.codec import DecodeError, Format, Unknown, UnknownMessage, decode, encode, encode_into
from miniagents.messages.frozen import Frozen, FrozenDict, canonical_form, freeze
from miniagents.messages.promises import MessagePromise, MessageSequencePromise, stream_message
from miniagents.messages.record import NO_EXTRAS, Extras, JsonValue, Record
from miniagents.messages.schema_codec import SchemaCodec
from miniagents.messages.sequence import MessageSequence, MessageType
from miniagents.messages.text import join_messages, split_messages
from miniagents.messages.typed_codec import Codec

__all__ = [
    "NO_EXTRAS",
    "AgentCallNode",
    "AgentReplyNode",
    "AnyMessage",
    "AssistantMessage",
    "Codec",
    "DecodeError",
    "ErrorMessage",
    "Extras",
    "Format",
    "Frozen",
    "FrozenDict",
    "JsonValue",
    "Message",
    "MessagePromise",
    "MessageSequence",
    "MessageSequencePromise",
    "MessageType",
    "ReasoningDelta",
    "Record",
    "RefusalDelta",
    "SchemaCodec",
    "StreamEvent",
    "SystemMessage",
    "TextDelta",
    "ToolCallDelta",
    "Unknown",
    "UnknownMessage",
    "UserMessage",
    "canonical_form",
    "decode",
    "encode",
    "encode_into",
    "freeze",
    "join_messages",
    "split_messages",
    "stream_message",
]

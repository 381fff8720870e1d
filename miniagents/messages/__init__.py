"""Messages: immutable values, generated from JSON Schema, identified by hash keys and streamed by promises."""

from typing import TYPE_CHECKING

from miniagents._lazy import at_home, lazy_names
from miniagents.messages._generated import (
    AgentCallNode,
    AgentReplyNode,
    AnthropicMessage,
    AnyMessage,
    AssistantMessage,
    CachePoint,
    CallRecord,
    ContentPart,
    EmbeddingMessage,
    ErrorMessage,
    FilePart,
    Identity,
    ImagePart,
    InnerEvent,
    Message,
    OpenAIMessage,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    SystemMessage,
    TextDelta,
    TextPart,
    ToolCall,
    ToolCallDelta,
    ToolProgress,
    ToolResultMessage,
    Usage,
    UserMessage,
)
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.messages.promised.message_sequence import MessageSequence, MessageType
from miniagents.messages.promised.sequence_promise import MessageSequencePromise
from miniagents.messages.values.freezing import JsonValue
from miniagents.messages.values.frozen import Frozen, FrozenDict, canonical_form, freeze

if TYPE_CHECKING:
    from miniagents.messages.coding.checking import check
    from miniagents.messages.coding.codec import (
        DecodeError,
        Format,
        Unknown,
        UnknownMessage,
        ValueMessage,
        decode,
        encode,
        encode_into,
    )
    from miniagents.messages.coding.schema_codec import SchemaCodec
    from miniagents.messages.coding.schema_names import SchemaName, When
    from miniagents.messages.coding.schema_tables import SchemaTable
    from miniagents.messages.coding.typed_codec import Codec
    from miniagents.messages.promised.observing import Observed, observe
    from miniagents.messages.promised.streaming import stream_message
    from miniagents.messages.promised.text import join_messages, split_messages
    from miniagents.messages.values.record import NO_EXTRAS, AnyJson, Extras, Maybe, OpenRecord, Record
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "coding.checking": ("check",),
            "coding.codec": (
                "DecodeError",
                "Format",
                "Unknown",
                "UnknownMessage",
                "ValueMessage",
                "decode",
                "encode",
                "encode_into",
            ),
            "coding.schema_codec": ("SchemaCodec",),
            "coding.schema_names": ("SchemaName", "When"),
            "coding.schema_tables": ("SchemaTable",),
            "coding.typed_codec": ("Codec",),
            "promised.observing": ("Observed", "observe"),
            "promised.streaming": ("stream_message",),
            "promised.text": ("join_messages", "split_messages"),
            "values.record": ("NO_EXTRAS", "AnyJson", "Extras", "Maybe", "OpenRecord", "Record"),
        },
    )

__all__ = [
    "NO_EXTRAS",
    "AgentCallNode",
    "AgentReplyNode",
    "AnthropicMessage",
    "AnyJson",
    "AnyMessage",
    "AssistantMessage",
    "CachePoint",
    "CallRecord",
    "Codec",
    "ContentPart",
    "DecodeError",
    "EmbeddingMessage",
    "ErrorMessage",
    "Extras",
    "FilePart",
    "Format",
    "Frozen",
    "FrozenDict",
    "Identity",
    "ImagePart",
    "InnerEvent",
    "JsonValue",
    "Maybe",
    "Message",
    "MessagePromise",
    "MessageSequence",
    "MessageSequencePromise",
    "MessageType",
    "Observed",
    "OpenAIMessage",
    "OpenRecord",
    "Reasoning",
    "ReasoningDelta",
    "Record",
    "RefusalDelta",
    "SchemaCodec",
    "SchemaName",
    "SchemaTable",
    "StreamEvent",
    "SystemMessage",
    "TextDelta",
    "TextPart",
    "ToolCall",
    "ToolCallDelta",
    "ToolProgress",
    "ToolResultMessage",
    "Unknown",
    "UnknownMessage",
    "Usage",
    "UserMessage",
    "ValueMessage",
    "When",
    "canonical_form",
    "check",
    "decode",
    "encode",
    "encode_into",
    "freeze",
    "join_messages",
    "observe",
    "split_messages",
    "stream_message",
]

at_home(__name__, "values.freezing")

"""The types of the library that schemas of users may name.

The generator neither imports the rest of the package nor needs the folder `schemas/`, so this table lists the types. A
test compares it with the types that are generated from `schemas/`.
"""

from collections.abc import Container
from dataclasses import replace
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.model import (
    AliasType,
    Anything,
    ArrayOf,
    Choice,
    Default,
    Field,
    Form,
    MapOf,
    Named,
    ObjectType,
    OneOf,
    Scalar,
    TypeDefinition,
    Types,
)

SCHEME = "miniagents:"
"""The prefix by which a `$ref` or a base names a type of the library, as in `miniagents:Message`."""

FROZEN = "Frozen"
"""The hand-written base of every generated class."""

RECORD = "Record"
"""The hand-written base of the classes of users, unless they are messages."""

OPEN_RECORD = "OpenRecord"
"""The hand-written base of the classes of users whose objects may have undeclared properties of any type."""

MESSAGE_BASE = "MessageBase"
"""The hand-written base of `Message`; only the library's own schemas may name it."""

USAGE_BASE = "UsageBase"
"""The hand-written base of `Usage`; only the library's own schemas may name it."""

FRAME_BASE = "FrameBase"
"""The hand-written base of what `miniagents.wire` sends; its readers ignore undeclared properties."""

FROZEN_BASES: Final = frozenset({FROZEN, MESSAGE_BASE, USAGE_BASE})
"""The hand-written bases whose classes are told apart by `@type`."""

HAND_WRITTEN: Final = {
    FROZEN: "miniagents.messages.values.frozen",
    MESSAGE_BASE: "miniagents.messages.values.base",
    USAGE_BASE: "miniagents.messages.values.base",
    **dict.fromkeys((FRAME_BASE, "EncodedObject", "EncodedValue"), "miniagents.wire._frame_base"),
}
"""The modules from which the library's own generated modules import the hand-written types.

A definition with one of these names describes the type for other languages, and is not generated.
"""

HAND_WRITTEN_FIELDS: Final = {MESSAGE_BASE: frozenset({"metadata"})}
"""The fields that the hand-written bases declare, by which the library's schemas describe them."""

JSON_VALUE = "JsonValue"
"""The library's type for any JSON value."""

ANY_JSON = "AnyJson"
"""The library's type for any JSON value beside other types of a union."""

JSON_VALUE_MODULE = "miniagents.messages.values.freezing"
"""The module from which the library's own generated module imports it."""

LIBRARY_MODULE = "miniagents.messages"
"""The package from which modules of users import names that only generated modules need."""

PACKAGE = "miniagents"
"""The package from which modules of users import the library's names."""


def _required(name: str, form: Form) -> Field:
    return Field(name, name, form, required=True)


def _optional(name: str, form: Form, default: JsonValue = None) -> Field:
    return Field(name, name, form, default=Default(default))


_STRING = Scalar("string")
_NULL = Scalar("null")
_NULLABLE = OneOf((_STRING, _NULL))
_INDEX = Scalar("integer", (("ge", 0),))
_EVENTS = tuple(
    Named(name) for name in ("TextDelta", "ReasoningDelta", "RefusalDelta", "ToolCallDelta", "ToolProgress")
)
_PARTS = ("TextPart", "ImagePart", "FilePart", "CachePoint")
_FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "refusal", "pause", "other")
_USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_JSON_OBJECT = MapOf(Anything())
_METADATA = _optional("metadata", _JSON_OBJECT, {})


def _role(value: str) -> Field:
    return _optional("role", Choice((value,)), value)


def _nullable(*names: str) -> tuple[Field, ...]:
    return tuple(_optional(name, _NULLABLE) for name in names)


def _answer(name: str, content: str, *data: str) -> ObjectType:
    """Return the class of the replies of one provider."""
    own = (_optional(each, OneOf((_JSON_OBJECT, _NULL))) for each in ("provider_data", *data))
    return ObjectType(name, "AssistantMessage", (_optional(content, ArrayOf(_JSON_OBJECT), []), *own))


_MESSAGES = _optional("messages", ArrayOf(Named("Message")), [])
_ARGUMENTS = (
    _optional("arguments", _JSON_OBJECT, {}),
    _optional("opaque_arguments", MapOf(_STRING), {}),
)
_CONTENT = _optional("content", ArrayOf(Named("ContentPart")), [])
_COST = _optional("usage", OneOf((Named("Usage"), _NULL)))
_SOURCES = _nullable("url", "data", "file_id")
_CONTENT_CLASSES = (
    ObjectType("TextPart", FROZEN, (_required("text", _STRING),), positional=True),
    ObjectType(
        "ImagePart",
        FROZEN,
        (
            *_SOURCES,
            _optional("media_type", _STRING, "image/png"),
            _optional("detail", OneOf((Choice(("low", "high", "auto", "original")), _NULL))),
        ),
    ),
    ObjectType(
        "FilePart", FROZEN, (*_SOURCES, _optional("media_type", _STRING, "application/pdf"), *_nullable("name"))
    ),
    ObjectType("CachePoint", FROZEN, (_optional("ttl", OneOf((Choice(("5m", "1h")), _NULL))),)),
    ObjectType(
        "ToolCall",
        FROZEN,
        (_required("id", _STRING), _required("name", _STRING), _optional("arguments", _STRING, "{}")),
    ),
    ObjectType("Reasoning", FROZEN, (_required("text", _STRING), *_nullable("signature")), positional=True),
    ObjectType("Usage", USAGE_BASE, tuple(_optional(name, Scalar("integer"), 0) for name in _USAGE)),
)
_CLASSES = (
    *_CONTENT_CLASSES,
    ObjectType("Message", MESSAGE_BASE, (_optional("text", _NULLABLE), _METADATA), positional=True),
    ObjectType("UserMessage", "Message", (_role("user"), _CONTENT)),
    ObjectType("SystemMessage", "Message", (_role("system"),)),
    ObjectType(
        "AssistantMessage",
        "Message",
        (
            _role("assistant"),
            *_nullable("model"),
            _optional("reasoning", ArrayOf(Named("Reasoning")), []),
            _optional("tool_calls", ArrayOf(Named("ToolCall")), []),
            *_nullable("refusal"),
            _optional("finish_reason", OneOf((Choice(_FINISH_REASONS), _NULL))),
            _COST,
            *_nullable("response_id"),
        ),
    ),
    _answer("OpenAIMessage", "output_items", "server_fields"),
    _answer("AnthropicMessage", "content_blocks"),
    ObjectType(
        "ToolResultMessage",
        "Message",
        (
            _role("tool"),
            _required("tool_call_id", _STRING),
            *_nullable("tool_name"),
            _optional("is_error", Scalar("boolean"), default=False),
            _CONTENT,
        ),
    ),
    ObjectType(
        "EmbeddingMessage",
        "Message",
        (_required("embedding", ArrayOf(Scalar("number"))), *_nullable("model"), _COST),
    ),
    ObjectType(
        "ErrorMessage",
        "Message",
        (
            _required("error_type", _STRING),
            _optional("agent", _NULLABLE),
            _optional("callers", ArrayOf(_STRING), []),
            _optional("call", _NULLABLE),
        ),
    ),
    ObjectType(
        "AgentCallNode",
        "Message",
        (_required("agent", _STRING), _MESSAGES, *_ARGUMENTS, _optional("caller", _NULLABLE)),
    ),
    ObjectType(
        "AgentReplyNode",
        "Message",
        (_required("agent", _STRING), _required("call", _STRING), _MESSAGES, _optional("error", _NULLABLE)),
    ),
    ObjectType(
        "Identity",
        FROZEN,
        (
            _required("kind", Choice(("agent", "tool", "model"))),
            _required("name", _STRING),
            *_nullable("version"),
            _optional("details", _JSON_OBJECT, {}),
        ),
    ),
    ObjectType(
        "CallRecord",
        "Message",
        (
            _required("run", _STRING),
            _required("number", Scalar("integer", (("ge", 1),))),
            _optional("parent", OneOf((Scalar("integer"), _NULL))),
            _optional("place", ArrayOf(Scalar("integer", (("ge", 1),))), []),
            _required("called", Named("Identity")),
            _optional("kind", OneOf((Choice(("agent", "tool", "model")), _NULL))),
            *_ARGUMENTS,
            *(_optional(name, OneOf((Scalar("number"), _NULL))) for name in ("began", "first_piece", "ended")),
            _optional("outcome", OneOf((Choice(("done", "failed", "cancelled")), _NULL))),
            *_nullable("error"),
            _optional("replayed", Scalar("boolean"), default=False),
        ),
    ),
    ObjectType("TextDelta", FROZEN, (_required("text", _STRING),), positional=True),
    ObjectType("ReasoningDelta", FROZEN, (_required("text", _STRING),), positional=True),
    ObjectType("RefusalDelta", FROZEN, (_required("text", _STRING),), positional=True),
    ObjectType(
        "ToolCallDelta",
        FROZEN,
        (
            _required("index", _INDEX),
            _optional("id", _NULLABLE),
            _optional("name", _NULLABLE),
            _optional("arguments", _STRING, ""),
        ),
    ),
    ObjectType(
        "ToolProgress",
        FROZEN,
        (
            _required("progress", Scalar("number")),
            _optional("total", OneOf((Scalar("number"), _NULL))),
            _optional("note", _STRING, ""),
        ),
    ),
    ObjectType(
        "InnerEvent",
        FROZEN,
        (
            _required("path", ArrayOf(_STRING)),
            _required("ids", ArrayOf(_STRING)),
            _required("event", OneOf(_EVENTS)),
        ),
    ),
)
_ALIASES = (
    AliasType("StreamEvent", OneOf((*_EVENTS, Named("InnerEvent")))),
    AliasType("ContentPart", OneOf(tuple(map(Named, _PARTS)))),
)

LIBRARY: Final[Types] = {each.name: each for each in (*_CLASSES, *_ALIASES)}
"""The types that `schemas/` describes, by name."""


def foreign(name: str, own: Container[str]) -> str:
    """Return the spelling of a name of the library in a module, with an underscore if the module has the same name."""
    return f"_{name}" if name in own else name


def library_types(own: Container[str]) -> dict[str, TypeDefinition]:
    """Return the types of the library by their spellings in a module.

    Args:
        own: The names of the types of the module.
    """

    def renamed(form: Form) -> Form:
        match form:
            case Named():
                return Named(foreign(form.name, own))
            case ArrayOf():
                return replace(form, item=renamed(form.item))
            case MapOf():
                return replace(form, value=renamed(form.value))
            case OneOf():
                return replace(form, forms=tuple(map(renamed, form.forms)))
            case _:
                return form

    result: dict[str, TypeDefinition] = {}
    for name, each in LIBRARY.items():
        known = foreign(name, own)
        if isinstance(each, AliasType):
            result[known] = replace(each, name=known, form=renamed(each.form))
        else:
            fields = tuple(replace(field, form=renamed(field.form)) for field in each.fields)
            result[known] = replace(each, name=known, base=foreign(each.base, own), fields=fields)
    return result

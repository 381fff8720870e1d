"""The objects in OpenAI's parameters, as type checkers see them.

OpenAI's reference describes them. The SDK has the same types; values of the SDK's types can be given as well. They are
not imported from there: a checker that reads one type of the SDK reads all of it, which takes longer than the rest of
most programs.
"""

from collections.abc import Iterable
from typing import Literal, Required, TypeAlias, TypedDict

__all__ = [
    "AccessPrograms",
    "AllowedToolChoice",
    "AllowedTools",
    "ApplyPatchChoice",
    "ApproximateLocation",
    "Audio",
    "BuiltInToolChoice",
    "ChatAllowedToolChoice",
    "ChatCustomToolChoice",
    "ChatFunctionChoice",
    "ChatJSONSchemaFormat",
    "ChatPromptCacheOptions",
    "ChatResponseFormat",
    "ChatStreamOptions",
    "ChatToolChoice",
    "ContextManagement",
    "Conversation",
    "CustomToolChoice",
    "FunctionChoice",
    "ImageOptions",
    "Includable",
    "InputFile",
    "InputImage",
    "InputText",
    "JSONObjectFormat",
    "MCPToolChoice",
    "Moderation",
    "ModerationPolicy",
    "NamedJSONSchema",
    "PredictedContent",
    "PredictedText",
    "ProgrammaticToolCalling",
    "Prompt",
    "PromptCacheBreakpoint",
    "ReasoningEffort",
    "ReasoningOptions",
    "ResponsesJSONSchemaFormat",
    "ResponsesPromptCacheOptions",
    "ResponsesStreamOptions",
    "ShellChoice",
    "TextFormat",
    "TextOptions",
    "ToolChoice",
    "UserLocation",
    "VoiceID",
    "WebSearchOptions",
]


class VoiceID(TypedDict):
    """A voice of one's own, by its id."""

    id: str


class Audio(TypedDict):
    """How spoken answers sound."""

    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]
    voice: str | VoiceID


class _Moderated(TypedDict):
    """What happens with a text that the moderation finds."""

    mode: Literal["score", "block"]


class ModerationPolicy(TypedDict, total=False):
    """What happens with the input and with the output."""

    input: _Moderated | None
    output: _Moderated | None


class Moderation(TypedDict, total=False):
    """The moderation of a request."""

    model: Required[str]
    policy: ModerationPolicy | None


class PromptCacheBreakpoint(TypedDict, total=False):
    """A place up to which the prompt is cached."""

    mode: Required[Literal["explicit"]]
    ttl: Literal["30m", "12h"]


class PredictedText(TypedDict, total=False):
    """A part of a predicted answer."""

    text: Required[str]
    type: Required[Literal["text"]]
    prompt_cache_breakpoint: PromptCacheBreakpoint


class PredictedContent(TypedDict):
    """What most of the answer is known to be, so that it comes sooner."""

    content: str | Iterable[PredictedText]
    type: Literal["content"]


class ChatPromptCacheOptions(TypedDict, total=False):
    """The prompt cache of chat completions."""

    mode: Literal["implicit", "explicit"]
    ttl: Literal["30m"]


class TextFormat(TypedDict):
    """Answers are plain text."""

    type: Literal["text"]


class NamedJSONSchema(TypedDict, total=False):
    """A JSON Schema and its name."""

    name: Required[str]
    description: str
    schema: dict[str, object]
    strict: bool | None


class ChatJSONSchemaFormat(TypedDict):
    """Answers of chat completions are of a schema."""

    json_schema: NamedJSONSchema
    type: Literal["json_schema"]


class JSONObjectFormat(TypedDict):
    """Answers are JSON objects."""

    type: Literal["json_object"]


class ChatStreamOptions(TypedDict, total=False):
    """Options of streams of chat completions."""

    include_obfuscation: bool
    include_usage: bool


class AllowedTools(TypedDict):
    """The tools of which a model may or must call one."""

    mode: Literal["auto", "required"]
    tools: Iterable[dict[str, object]]


class ChatAllowedToolChoice(TypedDict):
    """A model of chat completions may call some of the tools only."""

    allowed_tools: AllowedTools
    type: Literal["allowed_tools"]


class _Named(TypedDict):
    """A name in an object of its own."""

    name: str


class ChatFunctionChoice(TypedDict):
    """A model of chat completions must call a certain function."""

    function: _Named
    type: Literal["function"]


class ChatCustomToolChoice(TypedDict):
    """A model of chat completions must call a certain custom tool."""

    custom: _Named
    type: Literal["custom"]


class ApproximateLocation(TypedDict, total=False):
    """A place on earth."""

    city: str
    country: str
    region: str
    timezone: str


class UserLocation(TypedDict):
    """Where the user is, for searches."""

    approximate: ApproximateLocation
    type: Literal["approximate"]


class WebSearchOptions(TypedDict, total=False):
    """The web search of chat completions."""

    search_context_size: Literal["low", "medium", "high"]
    user_location: UserLocation | None


class AccessPrograms(TypedDict, total=False):
    """The programs of OpenAI that a request is under."""

    cyber: Literal["standard", "daybreak_blue", "daybreak_red"]


class ContextManagement(TypedDict, total=False):
    """What the server does when the context becomes long."""

    type: Required[str]
    compact_threshold: int | None


class Conversation(TypedDict):
    """A conversation that the server keeps."""

    id: str


class ImageOptions(TypedDict, total=False):
    """How the server treats images."""

    context_compression: Literal["auto", "enabled", "disabled"]


class InputText(TypedDict, total=False):
    """A text in a prompt template."""

    text: Required[str]
    type: Required[Literal["input_text"]]
    prompt_cache_breakpoint: PromptCacheBreakpoint


class InputImage(TypedDict, total=False):
    """An image in a prompt template."""

    detail: Required[Literal["low", "high", "auto", "original"]]
    type: Required[Literal["input_image"]]
    file_id: str | None
    image_url: str | None
    prompt_cache_breakpoint: PromptCacheBreakpoint


class InputFile(TypedDict, total=False):
    """A file in a prompt template."""

    type: Required[Literal["input_file"]]
    detail: Literal["auto", "low", "high"]
    file_data: str
    file_id: str | None
    file_url: str
    filename: str
    prompt_cache_breakpoint: PromptCacheBreakpoint


class Prompt(TypedDict, total=False):
    """A prompt template that the server keeps, and its variables."""

    id: Required[str]
    variables: dict[str, str | InputText | InputImage | InputFile] | None
    version: str | None


class ResponsesPromptCacheOptions(TypedDict, total=False):
    """The prompt cache of the responses API."""

    comparison_response_id: str | None
    mode: Literal["implicit", "explicit"]
    prewarm: bool
    ttl: Literal["30m", "12h"]


ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How much a model reasons."""


class ReasoningOptions(TypedDict, total=False):
    """How a model reasons."""

    context: Literal["auto", "current_turn", "all_turns"] | None
    effort: ReasoningEffort | None
    generate_summary: Literal["auto", "concise", "detailed"] | None
    mode: str
    summary: Literal["auto", "concise", "detailed"] | None


class ResponsesStreamOptions(TypedDict, total=False):
    """Options of streams of the responses API."""

    include_obfuscation: bool


class ResponsesJSONSchemaFormat(TypedDict, total=False):
    """Answers of the responses API are of a schema."""

    name: Required[str]
    schema: Required[dict[str, object]]
    type: Required[Literal["json_schema"]]
    description: str
    strict: bool | None


class TextOptions(TypedDict, total=False):
    """The form and the length of answers."""

    format: TextFormat | ResponsesJSONSchemaFormat | JSONObjectFormat
    verbosity: Literal["low", "medium", "high"] | None


class AllowedToolChoice(TypedDict):
    """A model may call some of the tools only."""

    mode: Literal["auto", "required"]
    tools: Iterable[dict[str, object]]
    type: Literal["allowed_tools"]


class BuiltInToolChoice(TypedDict):
    """A model must call a certain tool of OpenAI's own."""

    type: Literal[
        "file_search",
        "web_search_preview",
        "computer",
        "computer_use_preview",
        "computer_use",
        "web_search_preview_2025_03_11",
        "image_generation",
        "code_interpreter",
    ]


class FunctionChoice(TypedDict):
    """A model must call a certain function."""

    name: str
    type: Literal["function"]


class MCPToolChoice(TypedDict, total=False):
    """A model must call a tool of a certain MCP server."""

    server_label: Required[str]
    type: Required[Literal["mcp"]]
    name: str | None


class CustomToolChoice(TypedDict):
    """A model must call a certain custom tool."""

    name: str
    type: Literal["custom"]


class ProgrammaticToolCalling(TypedDict):
    """A model must call tools by a program."""

    type: Literal["programmatic_tool_calling"]


class ApplyPatchChoice(TypedDict):
    """A model must call the tool that changes files."""

    type: Literal["apply_patch"]


class ShellChoice(TypedDict):
    """A model must call the shell."""

    type: Literal["shell"]


ChatResponseFormat: TypeAlias = TextFormat | ChatJSONSchemaFormat | JSONObjectFormat
"""The form of answers of chat completions."""

ChatToolChoice: TypeAlias = (
    Literal["none", "auto", "required"] | ChatAllowedToolChoice | ChatFunctionChoice | ChatCustomToolChoice
)
"""The tools that a model of chat completions may or must call."""

ToolChoice: TypeAlias = (
    Literal["none", "auto", "required"]
    | AllowedToolChoice
    | BuiltInToolChoice
    | FunctionChoice
    | MCPToolChoice
    | CustomToolChoice
    | ProgrammaticToolCalling
    | ApplyPatchChoice
    | ShellChoice
)
"""The tools that a model of the responses API may or must call."""

Includable: TypeAlias = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
"""What an answer of the responses API has only if it is asked for."""

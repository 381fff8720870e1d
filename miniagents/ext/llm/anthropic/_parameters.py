"""The objects in Anthropic's parameters, as type checkers see them.

Anthropic's reference describes them. The SDK has the same types; values of the SDK's types can be given as well. They
are not imported from there: a checker that reads one type of the SDK reads all of it, which takes longer than the rest
of most programs.
"""

from collections.abc import Iterable
from typing import Literal, Required, TypeAlias, TypedDict

__all__ = [
    "CacheControlEphemeral",
    "Container",
    "Diagnostics",
    "JSONOutputFormat",
    "Metadata",
    "OutputConfig",
    "Skill",
    "Thinking",
    "ThinkingConfigAdaptive",
    "ThinkingConfigBetweenTools",
    "ThinkingConfigDisabled",
    "ThinkingConfigEnabled",
    "ToolChoice",
    "ToolChoiceAny",
    "ToolChoiceAuto",
    "ToolChoiceNone",
    "ToolChoiceTool",
]


class CacheControlEphemeral(TypedDict, total=False):
    """A place up to which the prompt is cached, and for how long."""

    type: Required[Literal["ephemeral"]]
    ttl: Literal["5m", "1h"]


class Skill(TypedDict, total=False):
    """A skill that a container has."""

    skill_id: Required[str]
    type: Required[Literal["anthropic", "custom"]]
    version: str


class Container(TypedDict, total=False):
    """A container that code runs in, and its skills."""

    id: str | None
    skills: Iterable[Skill] | None


class Diagnostics(TypedDict, total=False):
    """An earlier message, which the server compares the request with."""

    previous_message_id: str | None


class Metadata(TypedDict, total=False):
    """What the server is told about the user."""

    user_id: str | None


class JSONOutputFormat(TypedDict):
    """Answers are of a schema."""

    schema: dict[str, object]
    type: Literal["json_schema"]


class OutputConfig(TypedDict, total=False):
    """The form of answers, and the effort that goes into them."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None
    format: JSONOutputFormat | None


class ThinkingConfigEnabled(TypedDict, total=False):
    """A model thinks, up to a number of tokens."""

    budget_tokens: Required[int]
    type: Required[Literal["enabled"]]
    display: Literal["summarized", "omitted"] | None


class ThinkingConfigDisabled(TypedDict):
    """A model does not think."""

    type: Literal["disabled"]


class ThinkingConfigBetweenTools(TypedDict):
    """A model thinks between calls of tools only."""

    type: Literal["between_tools"]


class ThinkingConfigAdaptive(TypedDict, total=False):
    """A model decides how much it thinks."""

    type: Required[Literal["adaptive"]]
    display: Literal["summarized", "omitted"] | None


class ToolChoiceAuto(TypedDict, total=False):
    """A model may call tools."""

    type: Required[Literal["auto"]]
    disable_parallel_tool_use: bool


class ToolChoiceAny(TypedDict, total=False):
    """A model must call a tool."""

    type: Required[Literal["any"]]
    disable_parallel_tool_use: bool


class ToolChoiceTool(TypedDict, total=False):
    """A model must call a certain tool."""

    name: Required[str]
    type: Required[Literal["tool"]]
    disable_parallel_tool_use: bool


class ToolChoiceNone(TypedDict):
    """A model must not call tools."""

    type: Literal["none"]


Thinking: TypeAlias = (
    ThinkingConfigEnabled | ThinkingConfigDisabled | ThinkingConfigBetweenTools | ThinkingConfigAdaptive
)
"""Whether and how much a model thinks."""

ToolChoice: TypeAlias = ToolChoiceAuto | ToolChoiceAny | ToolChoiceTool | ToolChoiceNone
"""The tools that a model may or must call."""

"""Equips a model for an agent: with tools that it may call, and with the type of its replies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from miniagents.ext.llm._conversing import Conversing
from miniagents.ext.llm._inner_calls import answering
from miniagents.ext.llm._json import is_object
from miniagents.ext.llm._model_identity import ModelIdentity
from miniagents.ext.llm._options import Limits
from miniagents.ext.llm._preparing import warmed
from miniagents.ext.llm._replies import reply_form
from miniagents.ext.llm.common import ToolDefinition
from miniagents.messages import ToolResultMessage
from miniagents.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from miniagents.ext.llm._model import AnyLanguageModel
    from miniagents.ext.llm._strict_schemas import StrictForm
    from miniagents.messages import AssistantMessage, Message
    from miniagents.miniagents import InteractionContext

__all__ = ["AnyTool", "equipped", "tools_in"]

AnyTool: TypeAlias = "Tool[..., object] | ToolDefinition | Mapping[str, object]"
"""A tool that a model may call: a function, a definition whose calls the caller carries out, or a provider's own."""


def tools_in(where: str, given: Any) -> tuple[object, ...]:  # Any: the user's
    """Return the tools that a user gave, each checked only later.

    Raises:
        TypeError: They are no list.
    """
    try:
        tools = iter(given)
    except TypeError:
        raise TypeError(f"{where}: tools={given!r:.200}: give a list of tools") from None
    return tuple(tools)


def equipped(
    where: str,
    model: AnyLanguageModel,
    *,
    tools: Iterable[object],
    reply_type: object,
    strict_reply: bool,
) -> tuple[Callable[..., Awaitable[None]], tuple[type[Message], ...], ModelIdentity]:
    """Return the work of an agent that is a model, the classes of its replies, and what returns its identity.

    Args:
        where: The function that the user called, for errors.
        model: The model.
        tools: The tools that it may call.
        reply_type: The type of the last answer, a class or a union; None for the provider's own class.
        strict_reply: Whether the provider enforces that class.

    Raises:
        TypeError: An item of `tools` is no tool, two tools have the same name, or the provider's form cannot express a
            schema.
        ValueError: A limit is too small.
    """
    protocol, strict_form = model.protocol, model.protocol.strict_form
    strict_reply = strict_reply and strict_form is not None
    limits = Limits.of(model.options)
    functions: dict[str, Tool[..., object]] = {}
    definitions: list[ToolDefinition | Mapping[str, object]] = []
    names: set[str] = set()
    for each in tools:
        definition = _definition(where, each, strict_form)
        name = _name_of(definition)
        if name in names:
            raise TypeError(f"{where}: there are two tools {name!r}: give one of them another name")
        if name is not None:
            names.add(name)
        definitions.append(definition)
        if isinstance(each, Tool):
            functions[each.name] = each
    form = None
    if reply_type is not None:
        option, _, part = protocol.reply_option.partition(".")
        given = model.options.get(option)
        if given is not None and (not part or (is_object(given) and part in given)):
            raise TypeError(f"{where}: give reply_type or {protocol.reply_option}, not both")
        form = reply_form(where, reply_type, strict_form, strict=strict_reply, provider=protocol.provider)
    elif limits.repair_turns:
        raise TypeError(f"{where}: repair_turns is for replies of a type: give reply_type as well")
    instructions = None
    model = replace(model, tools=tuple(definitions))
    if form is not None and strict_form is not None and (strict_reply or not strict_form.strict_only):
        model = replace(model, reply_schema=form.asked)
    elif form is not None:
        instructions = _ASKED_IN_WORDS + json.dumps(form.schema, ensure_ascii=False)

    identity = ModelIdentity(model, None if form is None else form.schema)
    if form is None and not functions and all(isinstance(each, ToolDefinition) for each in definitions):
        return _answering(model), (protocol.message_class,), identity
    work = Conversing(
        model=model,
        tools=functions,
        left_to_caller=frozenset(names - functions.keys()),
        form=form,
        instructions=instructions,
    )
    gives: list[type[Message]] = [] if form is None else [*form.classes]
    if definitions:
        gives = [protocol.message_class, *([ToolResultMessage] if functions else []), *gives]
    return work.answer, tuple(gives), identity


def _answering(model: AnyLanguageModel) -> Callable[..., Awaitable[None]]:
    """Return the work of an agent that asks a model once, and replies with its answer."""

    async def answer(ctx: InteractionContext[Message, AssistantMessage], **options: object) -> None:
        await warmed(model.protocol.modules)
        messages = await ctx.messages
        said = model.with_options(options).answer(messages)
        answering(said, model.name)
        ctx.reply(said)

    return answer


_ASKED_IN_WORDS: Final = "Answer with JSON alone, an object of this JSON Schema: "


def _definition(where: str, tool: object, strict_form: StrictForm | None) -> ToolDefinition | Mapping[str, object]:
    if isinstance(tool, Tool):
        parameters = tool.parameters
        enforced = strict_form if tool.strict else None
        if enforced is not None:
            parameters = enforced.of(parameters, f"{where}: tool {tool.name!r}")
        return ToolDefinition(
            name=tool.name,
            description=tool.description,
            parameters=parameters,
            strict=None if enforced is None else True,
        )
    if isinstance(tool, ToolDefinition) or is_object(tool):
        return tool
    if callable(getattr(tool, "as_tool", None)):
        raise TypeError(f"{where}: {tool!r:.200} is an agent: give {getattr(tool, 'alias', 'agent')}.as_tool()")
    if callable(tool):
        raise TypeError(f"{where}: {tool!r:.200} is a function: make it a tool with @tool")
    raise TypeError(f"{where}: {tool!r:.200} is no tool")


def _name_of(definition: ToolDefinition | Mapping[str, object]) -> str | None:
    if isinstance(definition, ToolDefinition):
        return definition.name
    function: object = definition.get("function")
    name: object = definition.get("name", function.get("name") if is_object(function) else None)
    return name if isinstance(name, str) else None

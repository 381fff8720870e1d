"""A model's call of a tool with handlers around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

from miniagents.calls.approval import is_approved
from miniagents.calls.single import around_one
from miniagents.messages import FrozenDict, Message, MessageSequence, ToolResultMessage, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from miniagents.calls.call import Call, CallKind
    from miniagents.calls.surrounding import Surroundings
    from miniagents.messages import MessagePromise, MessageSequencePromise, ToolCall
    from miniagents.tools._context import ToolContext
    from miniagents.tools._tool import Tool

__all__ = ["answer_around"]


def answer_around(
    around: Surroundings,
    tool: Tool[..., object],
    context: ToolContext[object],
) -> MessagePromise[ToolResultMessage]:
    """Answer a model's call as `Tool.answer` does, with handlers around it."""
    call = context.call

    def as_result(message: Message) -> ToolResultMessage:
        if isinstance(message, ToolResultMessage):
            return message.__replace__(tool_call_id=call.id, tool_name=tool.name)
        return ToolResultMessage(str(message), tool_call_id=call.id, tool_name=tool.name)

    return around_one(
        around,
        _ToolCallee(tool, context),
        (),
        lambda: tool._answered(context),
        as_result,
        message_class=ToolResultMessage,
        known={"tool_call_id": call.id, "tool_name": tool.name, "role": "tool"},
        start_asap=True,  # a model asked for the call, so it runs even if nobody reads the result
    )


class _ToolCallee:
    """A tool with the arguments that a model wrote, as what stands around the call sees it."""

    __slots__ = ("_context", "agent", "name", "tool_call")

    def __init__(
        self,
        tool: Tool[..., object],
        context: ToolContext[object],
    ) -> None:
        self.agent: Tool[..., object] = tool
        self.name: str = tool.name
        self.tool_call: ToolCall = context.call
        self._context = context

    @property
    def kind(self) -> CallKind:
        """What is called."""
        return "tool"

    @property
    def in_place_of(self) -> Callable[[Exception], object] | None:
        """Nothing: an error of a handler stays one."""
        return None

    def named_arguments(self) -> Iterable[tuple[str, object]]:
        """Return the arguments as the model wrote them; text that is no JSON object is the argument ""."""
        try:
            arguments: object = msgspec.json.decode(self.tool_call.arguments or "{}")
        except msgspec.DecodeError:
            arguments = None
        return sorted(arguments.items()) if _is_object(arguments) else [("", self.tool_call.arguments)]

    def with_arguments(self, arguments: Mapping[str, object], /) -> _ToolCallee:
        """Return the same with other arguments."""
        changed = {name: value for name, value in self.named_arguments() if name}
        text = encode(FrozenDict({**changed, **arguments})).decode()
        return _ToolCallee(self.agent, replace(self._context, call=self.tool_call.__replace__(arguments=text)))

    def given(self, messages: object, /) -> MessageSequencePromise[Any]:  # Any: there are none
        """Refuse messages.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"tool {self.name!r}: a tool is called with arguments, not with {messages!r:.200}")

    def sequence(self) -> MessageSequence[Any]:  # Any: a result, or a message that becomes one
        """Return a new writing end for the result."""
        return MessageSequence(name=f"tool {self.name!r}", kept_open=False)

    def begins(self, call: Call, /) -> None:
        """Do nothing."""

    async def work(
        self,
        call: Call,
        replies: MessageSequence[Any],  # Any: as in `sequence`
        /,
    ) -> None:
        """Do the tool's work."""
        replies.put(self.agent._answered(self._context, is_approved=is_approved(call)))


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)

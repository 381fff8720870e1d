"""Calls that somebody has to approve."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

from miniagents.calls.call import checked_kinds
from miniagents.messages import ToolResultMessage
from miniagents.messages.values.freezing import is_mapping
from miniagents.promising.core.arguments import check_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from miniagents.calls.call import Call, CallKind
    from miniagents.calls.surrounding import CallHandler, Proceed
    from miniagents.messages import Message, MessageType

__all__ = ["Approval", "CallRefusedError", "approval", "is_approved"]

Approval: TypeAlias = bool | str | Mapping[str, object]
"""The answer to whether a call may be made.

True allows it, False refuses it, and a text refuses it for this reason. A mapping allows it with other arguments; those
that it does not name stay.
"""


_TOOLS: Final[tuple[CallKind, ...]] = ("tool",)


class CallRefusedError(RuntimeError):
    """A call was not approved.

    Attributes:
        call: The call, which was not made.
        reason: Why it was refused; empty if nobody said.
    """

    def __init__(self, call: Call, reason: str = "") -> None:
        super().__init__(call, reason)
        self.call: Call = call
        self.reason: str = reason

    def __str__(self) -> str:
        return f"the call of {self.call.kind} {self.call.name!r} was refused{self.reason and ': '}{self.reason}"


_approved: Final[ContextVar[tuple[str, int] | None]] = ContextVar("miniagents.approved", default=None)
"""The run and the number of the last call that was approved here."""


def is_approved(call: Call) -> bool:
    """Return whether an `approval` around a call has approved it."""
    return _approved.get() == (call.run.id, call.number)


def approval(
    ask: Callable[[Call], Awaitable[Approval]], *, kinds: Iterable[CallKind] = _TOOLS, only_required: bool = False
) -> CallHandler:
    """Return a handler that asks a person, or an agent, before each call.

    The call waits for the answer, and nothing else does. A model is told of a refused call of a tool, and goes on. A
    refused call of an agent or a model fails with a `CallRefusedError`. The calls that `ask` makes itself are not asked
    about.

    Args:
        ask: An async function that is given the call and answers as `Approval` says.
        kinds: The kinds of calls that it is asked about.
        only_required: Whether it is asked only about tools that were made with `tool(approve=True)`.

    Raises:
        TypeError: `ask` is not async.
        ValueError: A kind is none.

    >>> @tool
    ... async def delete(path: str) -> str:
    ...     '''Delete a file.'''
    ...     return f"{path} is deleted"
    >>> async def ask(call: Call) -> Approval:
    ...     return "not this one" if call.arguments["path"] == "/" else True
    >>> async def main() -> None:
    ...     async with MiniAgents(around_calls=approval(ask)):
    ...         for arguments in ('{"path": "notes"}', '{"path": "/"}'):
    ...             print(await delete.answer(ToolCall(id="1", name="delete", arguments=arguments)))
    >>> asyncio.run(main())
    notes is deleted
    the call of tool 'delete' was refused: not this one
    """
    check_async("approval", ask)
    asked_about = checked_kinds("approval", kinds)

    async def approved(call: Call, proceed: Proceed) -> MessageType[Message] | None:
        if call.kind not in asked_about or call.outcome is not None:  # one that was cancelled before needs no approval
            return proceed()
        if only_required and getattr(call.agent, "approve", False) is not True:
            return proceed()
        answer: object = await ask(call)
        if answer is True or is_mapping(answer):
            _approved.set((call.run.id, call.number))
        if answer is True:
            return proceed()
        if is_mapping(answer):
            return proceed(arguments={str(name): value for name, value in answer.items()})
        if answer is not False and not isinstance(answer, str):
            raise TypeError(f"approval: the answer {answer!r:.200} is neither True, False, a reason nor arguments")
        error = CallRefusedError(call, answer if isinstance(answer, str) else "")
        if call.tool_call is None:
            raise error
        return ToolResultMessage(str(error), tool_call_id=call.tool_call.id, is_error=True)

    approved.__qualname__ = "approval"
    return approved

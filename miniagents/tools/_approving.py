"""Calls of tools that somebody has to approve."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from miniagents.messages import FrozenDict, encode
from miniagents.messages.coding.json_text import read_json
from miniagents.messages.values.freezing import is_mapping
from miniagents.tools._errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from miniagents.calls import Approval
    from miniagents.tools._context import ToolContext

__all__ = ["Approve", "allowed"]

if TYPE_CHECKING:
    Approve: TypeAlias = bool | Callable[[ToolContext[Any]], Awaitable[Approval] | Approval]  # Any: of the tool's deps
    """Whether a call needs approval: by the context's `approval(ask)`, or by a function that is asked."""
else:
    Approve: TypeAlias = object


async def allowed(
    what: str, approve: Approve, context: ToolContext[object], *, is_approved: bool
) -> ToolContext[object]:
    """Return a call once it is approved, perhaps with other arguments.

    Args:
        what: The name of the tool in errors.
        approve: Whether it needs approval, or who is asked.
        context: The call.
        is_approved: Whether the context's `approval` has approved it.

    Raises:
        ToolError: It was refused.
        RuntimeError: It needs approval, and nobody was asked.
        TypeError: The answer is none.
    """
    if approve is True:
        if not is_approved:
            raise RuntimeError(
                f"{what} needs approval, and nobody was asked: give MiniAgents(around_calls=approval(ask))"
            )
        return context
    if approve is False:
        return context
    answer: object = approve(context)
    if inspect.isawaitable(answer):
        answer = await answer
    if answer is True:
        return context
    if is_mapping(answer):
        written: object = read_json(context.call.arguments or "{}")
        given = [*(written.items() if is_mapping(written) else ()), *answer.items()]
        changed: dict[str, object] = {str(name): value for name, value in given}
        return replace(context, call=context.call.__replace__(arguments=encode(FrozenDict(changed)).decode()))
    if answer is not False and not isinstance(answer, str):
        raise TypeError(f"{what}: approve: the answer {answer!r:.200} is neither True, False, a reason nor arguments")
    reason = f": {answer}" if isinstance(answer, str) and answer else ""
    raise ToolError(f"the call of {what} was refused{reason}")

"""A call of an agent with handlers around it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from miniagents.agents.agent_value import hint_at_names
from miniagents.agents.interaction import InteractionContext
from miniagents.calls.forms import named_arguments
from miniagents.calls.surrounding import Surroundings
from miniagents.messages import MessageSequence
from miniagents.promising.core.current import inside_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

    from miniagents.agents.agent import MiniAgent
    from miniagents.agents.members import AnyContext
    from miniagents.calls.call import Call, CallKind
    from miniagents.messages import MessageSequencePromise, ToolCall

__all__ = ["AgentSurroundings"]

_NAMED: Final = {
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
}


class AgentCallee:
    """An agent with the arguments of one call, as what stands around the call sees it.

    Args:
        outer: The call for its caller. It never does the agent's work: each attempt has an interaction of its own.
        args: The positional arguments.
        kwargs: The keyword arguments.
    """

    __slots__ = ("_args", "_kwargs", "_outer", "agent", "name")

    # not properties: each of them would be a fiftieth of the cost of a handler
    kind: CallKind = "agent"
    tool_call: ToolCall | None = None

    def __init__(
        self,
        outer: AnyContext,
        args: tuple[Any, ...],  # Any: checked by the agent's signature
        kwargs: Mapping[str, Any],  # Any: as above
    ) -> None:
        self._outer = outer
        self._args = args
        self._kwargs = kwargs
        self.agent: MiniAgent[Any, Any, ...] = outer._agent  # Any: of any messages
        self.name: str = self.agent._alias

    def named_arguments(self) -> Iterable[tuple[str, object]]:
        """Return the arguments with their names, without secrets."""
        agent = self.agent
        return agent._without_secrets(named_arguments(agent._signature, self._args, self._kwargs, left_out=1))

    def with_arguments(self, arguments: Mapping[str, object], /) -> AgentCallee:
        """Return the same with other arguments.

        Raises:
            TypeError: The agent does not take them.
        """
        signature = self.agent._signature
        bound = signature.bind(None, *self._args, **self._kwargs)
        kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
        others = next((name for name, kind in kinds.items() if kind is inspect.Parameter.VAR_KEYWORD), None)
        for name, value in arguments.items():
            if kinds.get(name) in _NAMED:
                bound.arguments[name] = value
            elif others is not None:
                bound.arguments[others] = {**bound.arguments.get(others, {}), name: value}
            else:
                said = f"got an unexpected argument {name!r}"
                raise TypeError(f"agent {self.name!r}: {said}{hint_at_names(signature, arguments, said)}")
        args, kwargs = bound.args[1:], bound.kwargs
        self.agent._check_arguments(args, kwargs)
        return AgentCallee(self._outer, args, kwargs)

    def given(self, messages: object, /) -> MessageSequencePromise[Any]:  # Any: of the classes that the agent takes
        """Return messages as the agent takes them."""
        return self.agent._given(self._outer._context, messages)

    def sequence(self) -> MessageSequence[Any]:  # Any: of the classes that the agent gives
        """Return a new writing end for replies."""
        outer = self._outer._replies
        return MessageSequence(
            name=self.name,
            place=outer._place,
            message_classes=outer._classes,
            context=self._outer._context,
            kept_open=False,
            max_ahead=outer._buffer.max_ahead,
        )

    def begins(self, call: Call, /) -> None:
        """Have the call recorded: what the caller sent and gets, and not what handlers make of it."""
        outer = self._outer
        outer.progress = call._progress
        recorder = outer._context.recorder
        if recorder is not None and not inside_hook.get():
            outer.record = recorder.begin(outer)

    def work(
        self,
        call: Call,
        replies: MessageSequence[Any],  # Any: of the classes that the agent gives
        /,
    ) -> Coroutine[Any, Any, None]:  # Any: what coroutines exchange with their loop is asyncio's own business
        """Do the agent's work."""
        outer = self._outer
        is_unchanged = self._args is outer._args and self._kwargs is outer._kwargs and call.messages is outer._messages
        if is_unchanged and replies is outer._replies:
            return outer.work()
        inner: AnyContext = InteractionContext(
            self.agent,
            outer._context,
            replies,
            self._args,
            self._kwargs,
            outer._errors_as_messages,
            outer._raises,
        )
        inner._caller = outer._caller
        inner._messages = call.messages
        inner.record = outer.record
        inner.progress = outer.progress
        return inner.work()

    @property
    def in_place_of(self) -> Callable[[Exception], object] | None:
        """Makes the reply in the place of an error; None for the error itself."""
        outer = self._outer
        return outer.error_message if outer._errors_as_messages and not outer._raises else None


class AgentSurroundings(Surroundings):
    """The handlers that stand around the calls of one context of agents."""

    agent_callee: Final = AgentCallee
    """Makes what `surround` is given for a call of an agent; this module is loaded only where there are handlers."""

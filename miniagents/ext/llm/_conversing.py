"""A model that is asked several times for one reply: after it has called tools, or to correct a wrong reply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from miniagents.ext.llm._inner_calls import answering, calling
from miniagents.ext.llm._json import is_object
from miniagents.ext.llm._options import Limits
from miniagents.ext.llm._preparing import warmed
from miniagents.ext.llm.errors import TooManyTurnsError, WrongReplyError
from miniagents.messages import MessagePromise, SystemMessage, ToolResultMessage, UserMessage
from miniagents.messages.promised.message_promise import derived_message, mixed_buffer
from miniagents.messages.promised.tokens import MixedOutcomes
from miniagents.promising import PromiseCancelledError
from miniagents.promising.core.access import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence

    from miniagents.ext.llm._inner_calls import Showing
    from miniagents.ext.llm._model import AnyLanguageModel
    from miniagents.ext.llm._replies import ReplyForm
    from miniagents.messages import AssistantMessage, Message, StreamEvent, ToolCall
    from miniagents.miniagents import InteractionContext
    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.tools import Tool

__all__ = ["Conversing"]

CANCELLED: Final = "This was cancelled."
CUT_OFF: Final = "This was not carried out: the answer reached the limit of tokens before the call was complete."
TOO_MANY: Final = (
    "This was not carried out: only the first {} calls of an answer are. Call again if it is still needed."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conversing:
    """The work of an agent that is a model with tools, or with a type of its replies.

    The model's answers and the tools' results are replied as they arrive. The calls of one answer run at the same time.
    When all results are there, the model is asked again with them. The last answer is the one without calls.

    Attributes:
        model: The model, which has the definitions of the tools and the schema of the replies.
        tools: The tools, by their names.
        left_to_caller: The names of tools that the caller carries out: a call of one ends the reply.
        form: The type of the last answer; None for any.
        instructions: A first instruction that describes this type, if the provider does not enforce it.
    """

    model: AnyLanguageModel
    tools: Mapping[str, Tool[..., object]]
    left_to_caller: frozenset[str] = frozenset()
    form: ReplyForm[Any] | None = None  # Any: a class of messages that is known at run time
    instructions: str | None = None

    async def answer(
        self,
        ctx: InteractionContext[Message, Any],  # Any: the function that makes the agent declares the replies
        **options: object,
    ) -> None:
        """Answer one call of the agent.

        Args:
            ctx: The call.
            options: Options of the API and `CommonOptions`; they override those of the model.

        Raises:
            TooManyTurnsError: The model still calls tools after `max_turns` answers.
            TypeError: A tool needs `deps` of another type.
        """
        model = self.model.with_options(options)
        deps = model.options.get("deps")
        shows = bool(model.options.get("show_inner_calls"))
        for option in ("deps", "show_inner_calls"):
            if option in model.options:
                model = _without_option(model, option)  # its answers do not depend on them
        for tool in self.tools.values():
            tool._check_deps(deps)  # before the model is asked, which may cost something
        limits = Limits.of(model.options)
        messages: list[Message] = [] if self.instructions is None else [SystemMessage(self.instructions)]
        await warmed(model.protocol.modules)
        messages += await ctx.messages
        turns = repairs = 0
        while True:
            answer: MessagePromise[AssistantMessage] = model.answer(messages)
            showing = answering(answer, model.name)
            if repairs < limits.repair_turns:
                # the answer is awaited before it is replied, so that readers never see a wrong one that is corrected
                wrong = await self._wrong(answer)
                if wrong is not None:
                    repairs += 1
                    messages += [await answer, UserMessage(_asked_again(wrong))]
                    continue
            # from here on readers get the tokens as they arrive; this task only waits for the end
            ctx.reply(self._as_replied(answer))
            if await settled(answer) is not None:
                return  # readers of the reply see the error in it
            said = await answer
            if not self._goes_on(said):
                return
            calls = _Calls(limits.max_calls, deps, (*messages, said), showing, shows)
            results = self._results_of(said, calls)
            ctx.reply(results)
            if len(results) < len(said.tool_calls):
                return  # the caller carries out the other calls
            told = await _told(results)
            if told is None:
                return
            messages += [said, *told]
            turns += 1
            model = _unforced(model)
            if turns == limits.max_turns:
                raise TooManyTurnsError(
                    f"the model was asked {turns} times and is still not done; give max_turns=... if it needs more",
                    provider=model.protocol.provider,
                    model=model.name,
                    partial=said,
                )

    # --- machinery ---

    async def _wrong(self, answer: MessagePromise[AssistantMessage]) -> WrongReplyError | None:
        """Return the error of an answer that the model can correct; None if there is nothing that it can correct."""
        if self.form is None or await settled(answer) is not None:
            return None
        said = await answer
        if self._goes_on(said) or said.refusal or said.finish_reason == "length":
            return None
        try:
            self.form.read(said)
        except WrongReplyError as error:
            return error
        return None

    def _as_replied(self, answer: MessagePromise[AssistantMessage]) -> MessagePromise[Message]:
        """Return an answer as a message of the requested type; answers before the last one stay as they are.

        The returned promise streams the pieces of the answer. Only its message is decoded, when the answer is complete.
        """
        form = self.form
        if form is None:
            return answer

        async def whole(_: AsyncIterable[str]) -> Message:
            said = await answer
            message: Message = said if self._goes_on(said) else form.read(said)
            return message

        def pieces(_: PieceBuffer[str]) -> AsyncIterator[str | StreamEvent | Failure]:
            return MixedOutcomes(mixed_buffer(answer), answer.name)

        is_last = not self.model.tools
        return derived_message(answer, pieces, whole, form.name, message_class=form.message_class if is_last else None)

    def _goes_on(self, said: AssistantMessage) -> bool:
        """Return whether the model must be asked again after this answer: it calls tools, or is paused."""
        return bool(self.model.tools and (said.tool_calls or said.finish_reason == "pause"))

    def _results_of(self, said: AssistantMessage, how: _Calls) -> list[MessagePromise[ToolResultMessage]]:
        """Start the calls of an answer at the same time, and return the promises of the results of all.

        Calls that are left to the caller have no result here. The last call of an answer that reached the limit of
        tokens is not started, because its arguments may be incomplete. Calls behind the first `max_calls` are not
        started either: the text of an answer must not decide how much work there is at the same time.
        """
        calls = [call for call in said.tool_calls if call.name not in self.left_to_caller]
        cut_off = said.tool_calls[-1] if said.tool_calls and said.finish_reason == "length" else None
        most = how.max_calls
        started = [_error(call, CUT_OFF) if call is cut_off else self._result_of(call, how) for call in calls[:most]]
        return started + [_error(call, TOO_MANY.format(most)) for call in calls[most:]]

    def _result_of(self, call: ToolCall, how: _Calls) -> MessagePromise[ToolResultMessage]:
        tool = self.tools.get(call.name)
        if tool is not None:
            answer = partial(tool.answer, call, deps=how.deps, messages=how.messages)
            return calling(answer, call, how.showing, shows=how.shows)
        known = f"the tools are: {', '.join(self.tools)}" if self.tools else "there are none"
        return _error(call, f"There is no tool {call.name!r}; {known}.")


class _Calls(NamedTuple):
    """How the calls of one answer are carried out.

    Attributes:
        max_calls: How many of them are.
        deps: What the tools get.
        messages: The conversation, with the answer.
        showing: Where the calls are shown.
        shows: Whether the calls inside of them are shown beside their results.
    """

    max_calls: int
    deps: object
    messages: Sequence[Message]
    showing: Showing
    shows: bool


def _unforced(model: AnyLanguageModel) -> AnyLanguageModel:
    """Return the model without a `tool_choice` that forces calls: with it, the model would call tools forever."""
    choice = model.options.get("tool_choice")
    kind: object = choice.get("type") if is_object(choice) else choice
    if kind in (None, "auto", "none"):
        return model
    return _without_option(model, "tool_choice")


def _without_option(model: AnyLanguageModel, option: str) -> AnyLanguageModel:
    return replace(model, options={name: value for name, value in model.options.items() if name != option})


def _error(call: ToolCall, text: str) -> MessagePromise[ToolResultMessage]:
    return MessagePromise.of_message(
        ToolResultMessage(text, tool_call_id=call.id, tool_name=call.name or None, is_error=True)
    )


async def _told(results: Sequence[MessagePromise[ToolResultMessage]]) -> list[Message] | None:
    """Return the results of calls as the model is told them; None if one of them ends the conversation.

    A cancelled call is reported to the model. Any other error of a result ends the conversation, and cancels the calls
    that are still running.
    """
    told: list[Message] = []
    for result in results:
        failure = await settled(result)
        if failure is None:
            told.append(await result)
        elif isinstance(failure.error, PromiseCancelledError):
            call_id: Any = result.known["tool_call_id"]  # Any: a string that `Tool.answer` has set
            told.append(ToolResultMessage(CANCELLED, tool_call_id=call_id, is_error=True))
        else:
            for other in results:
                other.cancel()
            return None
    return told


def _asked_again(wrong: WrongReplyError) -> str:
    return (
        f"Your answer is not of the form that was asked for: {wrong.path}: {wrong.reason}. "
        "Answer again, with all of it in the right form and with nothing else."
    )

"""A model that is asked several times for one reply: it calls tools, and writes better what it wrote wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from miniagents.ext.llm._json import is_object
from miniagents.ext.llm._options import Limits
from miniagents.ext.llm.errors import TooManyTurnsError, WrongReplyError
from miniagents.messages import MessagePromise, SystemMessage, ToolResultMessage, UserMessage
from miniagents.messages.promised.message_promise import derived_message, mixed_buffer
from miniagents.messages.promised.tokens import MixedOutcomes
from miniagents.promising import PromiseCancelledError
from miniagents.promising.core.access import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence

    from miniagents.ext.llm._model import LanguageModel
    from miniagents.ext.llm._replies import ReplyForm
    from miniagents.messages import AssistantMessage, Message, StreamEvent, ToolCall
    from miniagents.miniagents import InteractionContext
    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.tools import Tool

__all__ = ["Conversing"]

CANCELLED: Final = "This was cancelled."
CUT_OFF: Final = "This was not carried out: the answer reached the limit of tokens before the call was complete."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conversing:
    """The work of an agent that is a model with tools, or with a type that its replies must have.

    What the model says, and what the tools give, is replied as it comes. The calls of one answer run at the same time;
    when all results are there, the model is asked again with them. The last answer is the one without calls.

    Attributes:
        model: The model, which knows the definitions of the tools and the schema of the replies.
        tools: The tools, by their names.
        left_to_caller: The names of tools that are no functions here: a call of one ends the reply.
        form: The type that the last answer must have; None for any.
        instructions: What the model is told of that type before all else, where the provider does not see to it.
    """

    model: LanguageModel[Any, Any]  # Any: of whatever client the provider's SDK has, and whatever answers it gives
    tools: Mapping[str, Tool[..., Any]]  # Any: of whatever functions
    left_to_caller: frozenset[str] = frozenset()
    form: ReplyForm[Any] | None = None  # Any: of whatever messages
    instructions: str | None = None

    async def answer(
        self,
        ctx: InteractionContext[Message, Any],  # Any: what it replies is known to who made the agent
        **options: object,
    ) -> None:
        """Do the work of one call; the options are those of the API, and the numbers of turns."""
        model = self.model.with_options(options)
        limits = Limits.of(model.options)
        messages: list[Message] = [] if self.instructions is None else [SystemMessage(self.instructions)]
        messages += await ctx.messages
        turns = repairs = 0
        while True:
            answer: MessagePromise[AssistantMessage] = model.answer(messages)
            if repairs < limits.repair_turns:
                wrong = await self._wrong(answer)
                if wrong is not None:
                    repairs += 1
                    messages += [await answer, UserMessage(_asked_again(wrong))]
                    continue
            ctx.reply(self._as_replied(answer))
            if await settled(answer) is not None:
                return  # the error stands in the reply, for its readers to see
            said = await answer
            if not self._goes_on(said):
                return
            results = self._results_of(said)
            ctx.reply(results)
            if len(results) < len(said.tool_calls):
                return  # the rest is for whoever asked to carry out
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
        """Return what is wrong with an answer that the model may do better; None for any other."""
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
        """Return an answer as a message of the type that was asked for, unless it is not the last one."""
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
        return derived_message(
            answer, pieces, whole, form.message_class.__name__, message_class=form.message_class if is_last else None
        )

    def _goes_on(self, said: AssistantMessage) -> bool:
        """Return whether an answer is not the last one."""
        return bool(self.model.tools and (said.tool_calls or said.finish_reason == "pause"))

    def _results_of(self, said: AssistantMessage) -> list[MessagePromise[ToolResultMessage]]:
        """Carry out the calls of an answer, all at the same time."""
        calls = [call for call in said.tool_calls if call.name not in self.left_to_caller]
        cut_off = said.tool_calls[-1] if said.tool_calls and said.finish_reason == "length" else None
        return [_error(call, CUT_OFF) if call is cut_off else self._result_of(call) for call in calls]

    def _result_of(self, call: ToolCall) -> MessagePromise[ToolResultMessage]:
        tool = self.tools.get(call.name)
        if tool is not None:
            return tool.answer(call)
        known = f"the tools are: {', '.join(self.tools)}" if self.tools else "there are none"
        return _error(call, f"There is no tool {call.name!r}; {known}.")


def _unforced(model: LanguageModel[Any, Any]) -> LanguageModel[Any, Any]:  # Any: as above
    """Return the same model, which is free to call tools or not: one that always must would never be done."""
    choice = model.options.get("tool_choice")
    kind: object = choice.get("type") if is_object(choice) else choice
    if kind in (None, "auto", "none"):
        return model
    return replace(model, options={name: value for name, value in model.options.items() if name != "tool_choice"})


def _error(call: ToolCall, text: str) -> MessagePromise[ToolResultMessage]:
    return MessagePromise.of_message(
        ToolResultMessage(text, tool_call_id=call.id, tool_name=call.name or None, is_error=True)
    )


async def _told(results: Sequence[MessagePromise[ToolResultMessage]]) -> list[Message] | None:
    """Return the results of calls for the model; None if one of them ends the conversation."""
    told: list[Message] = []
    for result in results:
        failure = await settled(result)
        if failure is None:
            told.append(await result)
        elif isinstance(failure.error, PromiseCancelledError):
            call_id: Any = result.known["tool_call_id"]  # Any: a string, as `Tool.answer` gives it
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

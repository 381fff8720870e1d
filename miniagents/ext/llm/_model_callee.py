"""A request to a model with handlers around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.calls.single import around_one
from miniagents.ext.llm._model_identity import without_secrets
from miniagents.messages import AssistantMessage, Message, MessageSequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from miniagents.calls.call import Call, CallKind
    from miniagents.calls.surrounding import Surroundings
    from miniagents.ext.llm._model import AnyLanguageModel
    from miniagents.messages import MessagePromise, MessageSequencePromise, ToolCall

__all__ = ["answer_around"]


def answer_around(
    around: Surroundings,
    model: AnyLanguageModel,
    messages: Sequence[Message],
    *,
    start_asap: bool,
) -> MessagePromise[Any]:  # Any: of the provider's class
    """Ask a model as `LanguageModel.answer` does, with handlers around the request."""
    message_class: type[AssistantMessage] = model.protocol.message_class

    def as_answer(message: Message) -> AssistantMessage:
        if isinstance(message, message_class):
            return message
        raise TypeError(
            f"model {model.name!r}: a handler gave {type(message).__qualname__} where {message_class.__qualname__} "
            "is expected"
        )

    return around_one(
        around,
        _ModelCallee(model),
        tuple(messages),
        lambda: model._requested(messages),
        as_answer,
        message_class=message_class,
        known={"role": "assistant"},
        start_asap=start_asap,
    )


class _ModelCallee:
    """A model, as what stands around a request sees it; its options are the arguments."""

    __slots__ = ("agent", "name")

    def __init__(self, model: AnyLanguageModel) -> None:
        self.agent: AnyLanguageModel = model
        self.name: str = model.name

    @property
    def kind(self) -> CallKind:
        """What is called."""
        return "model"

    @property
    def tool_call(self) -> ToolCall | None:
        """Nothing."""
        return None

    @property
    def in_place_of(self) -> Callable[[Exception], object] | None:
        """Nothing: an error of a handler stays one."""
        return None

    def named_arguments(self) -> Iterable[tuple[str, object]]:
        """Return the options with their names, without secrets."""
        return without_secrets(self.agent.options.items())

    def with_arguments(self, arguments: Mapping[str, object], /) -> _ModelCallee:
        """Return the same with other options.

        Raises:
            TypeError: The API does not take them.
        """
        self.agent.protocol.option_rules.check(f"model {self.name!r}", arguments)
        return _ModelCallee(self.agent.with_options(arguments))

    def given(self, messages: object, /) -> MessageSequencePromise[Message]:
        """Return messages for the model."""
        sequence: MessageSequence[Any] = MessageSequence(name=f"{self.name}.messages", kept_open=False)  # Any: as given
        sequence.put(messages)
        sequence.close()
        return sequence.promise

    def sequence(self) -> MessageSequence[Any]:  # Any: of the provider's class
        """Return a new writing end for the answer."""
        return MessageSequence(
            name=self.name,
            place=f"model {self.name!r}: answer",
            message_classes=(self.agent.protocol.message_class,),
            kept_open=False,
        )

    def begins(self, call: Call, /) -> None:
        """Do nothing."""

    async def work(
        self,
        call: Call,
        replies: MessageSequence[Any],  # Any: as in `sequence`
        /,
    ) -> None:
        """Make the request."""
        replies.put(self.agent._requested(await call.messages))

"""Structured replies: writes the schema of a message class for a provider, and reads a model's answer as that class."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic

import msgspec
from typing_extensions import TypeVar

from miniagents.describing.json_schema import JsonSchema, json_schema, own_fields
from miniagents.describing.nulls import without_nulls
from miniagents.ext.llm.common import ReplySchema
from miniagents.ext.llm.errors import WrongReplyError
from miniagents.messages import AssistantMessage, DecodeError, Message, decode

if TYPE_CHECKING:
    from miniagents.ext.llm._strict_schemas import StrictForm

__all__ = ["ReplyForm", "reply_form"]

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class ReplyForm(Generic[M]):
    """A class of replies, with the schema that asks for it and the method that reads it.

    Attributes:
        message_class: The class.
        schema: The JSON Schema of the class.
        asked: The schema that the provider is sent.
        provider: The name of the provider.
    """

    message_class: type[M]
    schema: JsonSchema
    asked: ReplySchema
    provider: str

    def read(self, answer: AssistantMessage) -> M:
        """Return a model's answer as a message of the class.

        If the class is an `AssistantMessage`, it also gets the other fields of the answer (its usage, its model, …).

        Raises:
            WrongReplyError: The answer is not of the class; the error has the path to the fault.
        """
        if answer.refusal:
            raise self._wrong(answer, "$", f"the model refuses: {answer.refusal}")
        if answer.finish_reason == "length":
            raise self._wrong(answer, "$", "it is cut off, because the answer reached the limit of tokens")
        text = answer.text or ""
        fenced = _FENCED.fullmatch(text)  # models put JSON into a code block unless a schema is enforced
        try:
            message = self._decoded(fenced["content"] if fenced is not None else text)
        except DecodeError as error:
            raise self._wrong(answer, error.path, error.reason) from None
        if not isinstance(message, AssistantMessage):
            return message
        own = own_fields(type(message))
        known = {name: getattr(answer, name) for name in AssistantMessage.__struct_fields__ if name not in own}
        return message.__replace__(**{**known, "text": message.text})

    def _decoded(self, text: str) -> M:
        if self.asked.strict:
            with contextlib.suppress(msgspec.DecodeError, UnicodeError, RecursionError):  # `decode` reports them below
                text = msgspec.json.encode(without_nulls(msgspec.json.decode(text), self.schema)).decode()
        return decode(text, self.message_class)

    def _wrong(self, answer: AssistantMessage, path: str, reason: str) -> WrongReplyError:
        return WrongReplyError(
            f"the reply is no {self.message_class.__name__}: {path}: {reason}",
            path=path,
            reason=reason,
            provider=self.provider,
            model=answer.model,
            partial=answer,
        )


_FENCED: Final = re.compile(r"\s*```(?:json)?\n(?P<content>.*)\n```\s*", re.DOTALL)
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")


def reply_form(where: str, message_class: type[M], form: StrictForm, *, strict: bool) -> ReplyForm[M]:
    """Return the form of replies of a class.

    Args:
        where: The function that makes the agent, for errors.
        message_class: The class.
        form: The schemas that the provider can enforce.
        strict: Whether the provider enforces the schema.

    Raises:
        TypeError: It is not a class of messages with fields of its own, a field is not JSON-serialisable, or the
            provider's form cannot express the schema.
    """
    what = f"{where}: reply_type={getattr(message_class, '__name__', message_class)}"
    if not _is_message_class(message_class):
        raise TypeError(f"{what}: give a class of messages")
    if not own_fields(message_class) or message_class.__module__.startswith(Message.__module__):
        raise TypeError(f"{what}: there is nothing to ask for: give a class with fields of its own")
    try:
        schema = json_schema(message_class)
        with contextlib.suppress(DecodeError):
            decode("null", message_class)  # raises TypeError for a class that has a schema but cannot be decoded
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from None
    description: Any = schema.get("description")  # Any: plain JSON
    asked = ReplySchema(
        name=_NO_NAME.sub("_", message_class.__name__)[:64],
        description=description,
        schema=form.of(schema, what, "strict_reply=False") if strict else schema,
        strict=strict,
    )
    return ReplyForm(message_class, schema, asked, form.provider)


def _is_message_class(given: object) -> bool:
    return isinstance(given, type) and issubclass(given, Message)

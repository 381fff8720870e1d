"""Structured replies: writes the schema of a type for a provider, and reads a model's answer as that type."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, is_dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic

import msgspec
from typing_extensions import TypeVar

from miniagents.describing.fields import own_fields
from miniagents.describing.json_schema import JsonSchema, json_schema, object_schema
from miniagents.describing.nulls import without_nulls
from miniagents.describing.typed_json import full_name, members_of, short_name, typed_json
from miniagents.ext.llm._finding import json_in
from miniagents.ext.llm._json import object_from_text
from miniagents.ext.llm.common import ReplySchema
from miniagents.ext.llm.errors import WrongReplyError
from miniagents.messages import AssistantMessage, DecodeError, Message, ValueMessage, decode
from miniagents.messages.coding.type_shapes import union_of
from miniagents.messages.coding.value_message import read_values_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.ext.llm._strict_schemas import StrictForm

__all__ = ["KEY_OF_REPLY", "ReplyForm", "reply_form"]

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class ReplyForm(Generic[M]):
    """A type of replies, with the schema that asks for it and the method that reads it.

    Attributes:
        name: The name of the type.
        classes: The class of the messages, or the classes of a union.
        schema: The JSON Schema of the type. Providers take only schemas of objects, so that of any other type is the
            schema of an object with the reply under `KEY_OF_REPLY`.
        asked: The schema that the provider is sent.
        provider: The name of the provider.
        is_inside: Whether the reply is inside such an object.
    """

    name: str
    classes: tuple[type[M], ...]
    schema: JsonSchema
    asked: ReplySchema
    provider: str
    is_inside: bool

    @property
    def message_class(self) -> type[M] | None:
        """The class of all replies, if there is only one."""
        return self.classes[0] if len(self.classes) == 1 else None

    def read(self, answer: AssistantMessage) -> M:
        """Return a model's answer as a message of the type.

        If its class is an `AssistantMessage`, it also gets the other fields of the answer (its usage, its model, …).

        Raises:
            WrongReplyError: The answer is not of the type; the error has the path to the fault.
        """
        if answer.refusal:
            raise self._wrong(answer, "$", f"the model refuses: {answer.refusal}")
        if answer.finish_reason == "length":
            raise self._wrong(answer, "$", "it is cut off, because the answer reached the limit of tokens")
        text = answer.text or ""
        fenced = _FENCED.fullmatch(text)  # models put JSON into a code block unless a schema is enforced
        text = fenced["content"] if fenced is not None else text
        try:
            return self._completed(self._decoded(text) if self.asked.strict else self._found(text), answer)
        except DecodeError as error:
            raise self._wrong(answer, error.path, error.reason) from None

    def _completed(self, message: M, answer: AssistantMessage) -> M:
        """Return a decoded message with what else is known of the answer."""
        if not isinstance(message, AssistantMessage):
            return message
        own = {*own_fields(type(message)), "text"}
        known = {name: getattr(answer, name) for name in AssistantMessage.__struct_fields__ if name not in own}
        completed: Any = message.__replace__(**known)  # Any: an M, see `Frozen`
        result: M = completed
        return result

    def _decoded(self, text: str) -> M:
        decoded: M = decode(self._reply_in(text), union_of(self.classes))
        return decoded

    def _reply_in(self, text: str) -> str:
        """Return the JSON of the reply itself, without what only the form of the provider adds to it."""
        # where this fails, who decodes the text says what is wrong with it
        with contextlib.suppress(msgspec.DecodeError, UnicodeError, RecursionError):
            if self.asked.strict:
                text = msgspec.json.encode(without_nulls(msgspec.json.decode(text), self.schema)).decode()
            if self.is_inside:
                parts = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
                if parts.keys() == {KEY_OF_REPLY}:
                    text = bytes(parts[KEY_OF_REPLY]).decode()
        return text

    def _found(self, text: str) -> M:
        """Decode the JSON in a text; of several errors, that of the first part that is an object says the most."""
        failed: list[tuple[bool, DecodeError]] = []
        for part in json_in(text):
            try:
                return self._decoded(part)
            except DecodeError as error:
                failed.append((object_from_text(part) is None, error))
        raise min(failed, key=itemgetter(0))[1]

    def _wrong(self, answer: AssistantMessage, path: str, reason: str) -> WrongReplyError:
        return WrongReplyError(
            f"the reply is no {self.name}: {path}: {reason}",
            path=path,
            reason=reason,
            provider=self.provider,
            model=answer.model,
            partial=answer,
        )


@dataclass(frozen=True, slots=True)
class ValueForm(ReplyForm[ValueMessage[Any]]):  # Any: of a type that is known at run time
    """A type of replies that is no message: messages carry its values.

    Attributes:
        value_type: The name of the type in messages.
        read_value: Returns the value of plain JSON.
    """

    value_type: str
    read_value: Callable[[object], object]

    def _completed(self, message: ValueMessage[Any], answer: AssistantMessage) -> ValueMessage[Any]:  # Any: as above
        known = {name: getattr(answer, name) for name in AssistantMessage.__struct_fields__}
        return message.__replace__(**known)._with_value(message.value)

    def _decoded(self, text: str) -> ValueMessage[Any]:  # Any: as above
        data: Any = decode(self._reply_in(text), object)  # Any: plain JSON
        message: ValueMessage[Any] = ValueMessage(data=data, value_type=self.value_type)  # Any: as above
        return message._with_value(self.read_value(message.data))


KEY_OF_REPLY: Final = "reply-value"
"""The only property of answers that are no single class. No field has this name, so `partial_values` knows it."""

_FENCED: Final = re.compile(r"\s*```(?:json)?\n(?P<content>.*)\n```\s*", re.DOTALL)
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")


def reply_form(
    where: str, reply_type: object, form: StrictForm | None, *, strict: bool, provider: str
) -> ReplyForm[Any]:  # Any: messages of a class that is known at run time
    """Return the form of replies of a type.

    Args:
        where: The function that makes the agent, for errors.
        reply_type: The type.
        form: The schemas that the provider can enforce; None if it enforces none.
        strict: Whether the provider enforces the schema.
        provider: The name of the provider, for errors.

    Raises:
        TypeError: It is no type, a class of messages has no fields of its own, a field is not JSON-serialisable, or the
            provider's form cannot express the schema.
    """
    classes = members_of(reply_type)
    name = " | ".join(map(short_name, classes))
    what = f"{where}: reply_type={name}"
    if isinstance(reply_type, str):
        raise TypeError(f"{what}: give a type, not its name")
    if isinstance(reply_type, msgspec.Struct) or (is_dataclass(reply_type) and not isinstance(reply_type, type)):
        raise TypeError(f"{where}: reply_type: give the class {type(reply_type).__qualname__}, not an object of it")
    for each in classes:
        if _is_message_class(each) and (not own_fields(each) or each.__module__.startswith(Message.__module__)):
            raise TypeError(f"{what}: there is nothing to ask for: give a class with fields of its own")
    is_message = all(map(_is_message_class, classes))
    try:
        if is_message:
            schema = json_schema(union_of(classes))
            with contextlib.suppress(DecodeError):
                decode("null", union_of(classes))  # raises TypeError for a type that has a schema but cannot be decoded
            read = None
        else:
            schema, read = typed_json(reply_type)
    except NameError as error:  # of an annotation in a string
        raise TypeError(f"{what}: {error} where its fields are declared") from None
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from None
    description: Any = schema.get("description")  # Any: plain JSON
    is_inside = schema.get("type") != "object"
    if is_inside:
        definitions = {"$defs": schema.pop("$defs")} if "$defs" in schema else {}
        schema = object_schema({KEY_OF_REPLY: (object, schema)}, (KEY_OF_REPLY,)) | definitions
    asked = ReplySchema(
        name=_NO_NAME.sub("_", name.replace(" | ", "_or_")).strip("_")[:64],
        description=description,
        schema=form.of(schema, what, "strict_reply=False") if strict and form is not None else schema,
        strict=strict,
    )
    if read is None:
        return ReplyForm(name, classes, schema, asked, provider, is_inside)
    value_type = " | ".join(map(full_name, classes))
    read_values_with(value_type, read)
    return ValueForm(name, (ValueMessage,), schema, asked, provider, is_inside, value_type, read)


def _is_message_class(given: object) -> bool:
    return isinstance(given, type) and issubclass(given, Message)

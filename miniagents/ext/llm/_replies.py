"""Structured replies: writes the schema of a message class for a provider, and reads a model's answer as that class."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic, get_args

import msgspec
from typing_extensions import TypeVar

from miniagents.describing.json_schema import JsonSchema, json_schema, object_schema, own_fields
from miniagents.describing.nulls import without_nulls
from miniagents.ext.llm._finding import json_in
from miniagents.ext.llm._json import object_from_text
from miniagents.ext.llm.common import ReplySchema
from miniagents.ext.llm.errors import WrongReplyError
from miniagents.messages import AssistantMessage, DecodeError, Message, decode
from miniagents.messages.coding.type_shapes import bare, is_union, union_of

if TYPE_CHECKING:
    from miniagents.ext.llm._strict_schemas import StrictForm

__all__ = ["KEY_OF_UNION", "ReplyForm", "reply_form"]

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class ReplyForm(Generic[M]):
    """A type of replies, with the schema that asks for it and the method that reads it.

    Attributes:
        classes: The class, or the classes of a union.
        schema: The JSON Schema of the type. Providers take only schemas of objects, so that of a union is the schema of
            an object with the reply under `KEY_OF_UNION`.
        asked: The schema that the provider is sent.
        provider: The name of the provider.
    """

    classes: tuple[type[M], ...]
    schema: JsonSchema
    asked: ReplySchema
    provider: str

    @property
    def name(self) -> str:
        """The name of the type."""
        return " | ".join(each.__name__ for each in self.classes)

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
            message = self._decoded(text) if self.asked.strict else self._found(text)
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
        if len(self.classes) > 1:
            with contextlib.suppress(msgspec.DecodeError, UnicodeError, RecursionError):
                parts = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
                if parts.keys() == {KEY_OF_UNION}:
                    text = bytes(parts[KEY_OF_UNION]).decode()
        decoded: M = decode(text, union_of(self.classes))
        return decoded

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


KEY_OF_UNION: Final = "reply-value"
"""The only property of answers of several classes. No field of a class has this name, so `partial_values` knows it."""

_FENCED: Final = re.compile(r"\s*```(?:json)?\n(?P<content>.*)\n```\s*", re.DOTALL)
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")


def reply_form(
    where: str, reply_type: object, form: StrictForm | None, *, strict: bool, provider: str
) -> ReplyForm[Message]:
    """Return the form of replies of a type.

    Args:
        where: The function that makes the agent, for errors.
        reply_type: The type: a class, or a union of classes.
        form: The schemas that the provider can enforce; None if it enforces none.
        strict: Whether the provider enforces the schema.
        provider: The name of the provider, for errors.

    Raises:
        TypeError: It is not a class of messages with fields of its own or a union of such classes, a field is not
            JSON-serialisable, or the provider's form cannot express the schema.
    """
    classes = _members(reply_type)
    name = " | ".join(getattr(each, "__name__", str(each)) for each in classes)
    what = f"{where}: reply_type={name}"
    for each in classes:
        if not _is_message_class(each):
            raise TypeError(f"{what}: give a class of messages, or a union of such classes")
        if not own_fields(each) or each.__module__.startswith(Message.__module__):
            raise TypeError(f"{what}: there is nothing to ask for: give a class with fields of its own")
    whole = union_of(classes)
    try:
        schema = json_schema(whole)
        with contextlib.suppress(DecodeError):
            decode("null", whole)  # raises TypeError for a type that has a schema but cannot be decoded
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from None
    description: Any = schema.get("description")  # Any: plain JSON
    if len(classes) > 1:
        definitions = {"$defs": schema.pop("$defs")} if "$defs" in schema else {}
        schema = object_schema({KEY_OF_UNION: (whole, schema)}, (KEY_OF_UNION,)) | definitions
    asked = ReplySchema(
        name=_NO_NAME.sub("_", name.replace(" | ", "_or_"))[:64],
        description=description,
        schema=form.of(schema, what, "strict_reply=False") if strict and form is not None else schema,
        strict=strict,
    )
    return ReplyForm(classes, schema, asked, provider)


def _members(form: object) -> tuple[Any, ...]:  # Any: types of whatever kind
    """Return the members of a union once each, those of named unions in it included; else the type itself."""
    inner = bare(form)
    if not is_union(inner):
        return (inner,)
    return tuple(dict.fromkeys(each for member in get_args(inner) for each in _members(member)))


def _is_message_class(given: object) -> bool:
    return isinstance(given, type) and issubclass(given, Message)

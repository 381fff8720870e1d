"""The hand-written bases of generated classes: messages are turned into text, and usage is added up.

It is behaviour, so it is not generated, and it is not a part of `Frozen`, because only these have it.
"""

import re
from typing import ClassVar, Self

import msgspec

from miniagents.messages.values.freezers import NO_METADATA, Metadata, has_metadata
from miniagents.messages.values.frozen import Frozen


class MessageBase(Frozen, frozen=True, kw_only=True):
    """The behaviour that all messages share.

    Attributes:
        metadata: Facts about the message by their names, as plain JSON.
        text_template: The text of messages of a class, with `{field}` for the value of a field and `{{`, `}}` for
            braces. None if the class has no template.
    """

    text_template: ClassVar[str | None] = None

    metadata: Metadata = NO_METADATA

    def __str__(self) -> str:
        """Return the text that a language model should see.

        This is the field `text`, if it holds a string; otherwise the filled template of the class; otherwise the
        message as JSON in a fence, without its metadata. A template shows texts and messages as they are and omits null
        and absent values.
        It shows everything else as JSON.
        """
        text: object = getattr(self, "text", None)
        if isinstance(text, str):
            return text
        if self.text_template is not None:
            return _FIELD.sub(self._part, self.text_template)
        told = msgspec.structs.replace(self, metadata=msgspec.UNSET) if has_metadata(type(self)) else self
        encoded = msgspec.json.format(msgspec.json.encode(told), indent=2).decode()
        return f"```json\n{encoded}\n```"

    def _repr_html_(self) -> str:
        """Return the message as notebooks show it."""
        from miniagents.promising.core.html import html_of  # noqa: PLC0415  # few programs are notebooks

        return html_of(type(self).__name__, str(self))

    def _part(self, match: re.Match[str]) -> str:
        """Return the replacement of a part of the template: a value for a field, one brace for two."""
        name = match["field"]
        return match[0][0] if name is None else _shown(getattr(self, name))


class UsageBase(Frozen, frozen=True, kw_only=True):
    """The behaviour of usage: `+` and `sum` add up all its numbers."""

    def __add__(self, other: Self) -> Self:
        """Return the usage of both together."""
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    def __radd__(self, other: int) -> Self:
        """Return itself, for `sum`, which begins with 0."""
        if other != 0:
            return NotImplemented
        return self


_FIELD = re.compile(r"\{\{|\}\}|\{(?P<field>[^\W\d]\w*)\}")


def _shown(value: object) -> str:
    if value is None or value is msgspec.UNSET:
        return ""
    if isinstance(value, MessageBase):
        return str(value)
    plain: object = msgspec.to_builtins(value)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()

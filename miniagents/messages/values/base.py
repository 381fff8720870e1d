"""The hand-written base of the generated `Message`: what a message is as text.

It lives apart from the generated classes because it is behaviour, and apart from `Frozen` because only messages have a
text.
"""

import re
from typing import ClassVar

import msgspec

from miniagents.messages.values.frozen import Frozen


class MessageBase(Frozen, frozen=True):
    """What all messages have in common beside their fields.

    Attributes:
        text_template: The text of messages of a class, with `{field}` where the value of a field stands and `{{`, `}}`
            for braces; None when they have no such text.
    """

    text_template: ClassVar[str | None] = None

    def __str__(self) -> str:
        """Return what a language model should see.

        The text, if there is one; otherwise the filled template of the class; otherwise the message as JSON in a fence.
        In a template texts and messages stand as they are, null and absent values as nothing, everything else as JSON.
        """
        text: object = getattr(self, "text", None)
        if isinstance(text, str):
            return text
        if self.text_template is not None:
            return _FIELD.sub(self._part, self.text_template)
        encoded = msgspec.json.format(msgspec.json.encode(self), indent=2).decode()
        return f"```json\n{encoded}\n```"

    def _part(self, match: re.Match[str]) -> str:
        """Return what stands for a part of the template: a value for a field, one brace for two."""
        name = match["field"]
        return match[0][0] if name is None else _shown(getattr(self, name))


_FIELD = re.compile(r"\{\{|\}\}|\{(?P<field>[^\W\d]\w*)\}")


def _shown(value: object) -> str:
    if value is None or value is msgspec.UNSET:
        return ""
    if isinstance(value, MessageBase):
        return str(value)
    plain: object = msgspec.to_builtins(value)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()

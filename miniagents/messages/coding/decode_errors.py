"""`DecodeError`, and functions that write its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from miniagents.messages.values.freezing import is_list

if TYPE_CHECKING:
    import msgspec

__all__ = ["DecodeError", "UnknownFormError", "from_msgspec", "json_type"]


class DecodeError(ValueError):
    """The data cannot be decoded as the given type."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path: str = path
        """The place in the data, such as ``$.items[0].@type``."""
        self.reason: str = reason
        """What is wrong, without the path."""

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class UnknownFormError(DecodeError):
    """A tag or a field is unknown here; another version of the program may know it."""


def from_msgspec(error: msgspec.ValidationError, path: str) -> DecodeError:
    """Return a `DecodeError` for msgspec's error, whose path is appended to `path`."""
    match = re.fullmatch(r"(?s)(.*) - at (`key` in )?`\$(.*)`", str(error))
    if match is None:
        return DecodeError(path, str(error))
    reason, in_key, rest = match.groups()
    return DecodeError(f"{path}{rest}", f"{reason}{' in a key' if in_key else ''}")


def json_type(raw: object) -> str:
    """Return the name of the JSON type of a plain value for an error text, such as "an array"."""
    names: dict[type, str] = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return "null" if raw is None else "an array" if is_list(raw) else names.get(type(raw), "an object")

"""Finds JSON in a text with words around it, as models write it unless the provider enforces a schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["json_in"]

_FENCE: Final = re.compile(r"```[A-Za-z0-9_-]*[ \t]*\r?\n(.*?)\r?\n[ \t]*```", re.DOTALL)


def json_in(text: str) -> Iterator[str]:
    """Yield the parts of a text that may be its JSON; the most likely one comes first.

    These are the whole text, the code blocks from the last one to the first, and everything between the first brace and
    the last one. What stands before the end of reasoning is left out.
    """
    yield text
    rest = text.rpartition("</think>")[2]
    if rest != text:
        yield rest
    yield from reversed(_FENCE.findall(rest))
    begin, end = rest.find("{"), rest.rfind("}")
    if 0 <= begin < end:
        yield rest[begin : end + 1]

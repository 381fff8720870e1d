"""`partial_values`: reads structured replies while they are still arriving."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from miniagents.ext.llm._replies import KEY_OF_REPLY
from miniagents.ext.llm.errors import MissingSDKError
from miniagents.messages import FrozenDict, JsonValue, freeze
from miniagents.messages.values.freezing import is_list, is_mapping, is_tuple
from miniagents.promising.combinators.piped import attempt
from miniagents.promising.core.access import outcomes
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.naming import derived_name
from miniagents.promising.stream import piped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from miniagents.messages import Message, MessagePromise
    from miniagents.promising import Stream
    from miniagents.promising.core.pieces import PieceBuffer

__all__ = ["Partial", "partial_values"]

Partial: TypeAlias = FrozenDict[str, JsonValue]
"""The fields of a structured reply that are known so far, as plain JSON."""


def partial_values(promise: MessagePromise[Message], /) -> Stream[Partial]:
    """Stream the fields of a structured reply while it arrives: a new mapping each time that more is known.

    A mapping holds the fields that have begun, as plain JSON. Texts, lists and objects have the part that has arrived;
    numbers appear when they are complete. The last mapping has all fields. If the reply may be of several classes, the
    mappings also have the tag of its class, as "@type". If it is no object, but a list, for example, the only field of
    the mappings is "value".

    The values are not validated: await the promise for the checked reply. The errors of the stream are those of the
    tokens.

    Args:
        promise: The promise of the reply, whose tokens are JSON.

    Raises:
        MissingSDKError: The package `jiter`, which reads incomplete JSON, is missing; it comes with either SDK.
        NoActiveContextError: There is no active context.

    >>> async def tokens() -> AsyncIterator[str]:
    ...     for token in ['{"city": "Ki', 'el", "cel', 'sius": 2', '1, "gusts": [3', ".5]}"]:
    ...         yield token
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         async for value in partial_values(stream_message(Message, tokens())):
    ...             print(dict(value))
    >>> asyncio.run(main())
    {'city': 'Ki'}
    {'city': 'Kiel'}
    {'city': 'Kiel', 'celsius': 21, 'gusts': ()}
    {'city': 'Kiel', 'celsius': 21, 'gusts': (3.5,)}
    """
    try:
        from jiter import from_json  # noqa: PLC0415 - it comes with the SDKs, which are optional
    except ModuleNotFoundError:
        raise MissingSDKError(
            "partial_values needs the package 'jiter', which comes with either SDK: pip install 'miniagents[openai]'"
        ) from None

    async def values(out: PieceBuffer[Partial]) -> AsyncIterator[Partial | Failure]:
        growing = _Growing(from_json)
        async for token in outcomes(promise):
            made = token if isinstance(token, Failure) else attempt(out, growing.fed, token)
            if made is not None:
                yield made

    return piped(values, derived_name(promise.name, "partial_values"), (promise,))


# --- machinery ---

_OUTSIDE: Final = re.compile(r'[^"]+')
_INSIDE: Final = re.compile(r'(?:[^"\\]|\\.)+', re.DOTALL)
_UNFINISHED: Final = "+-.0123456789" + string.ascii_letters
"""The characters of numbers and of words such as true. At the end of a text, a number or a word may be incomplete."""


class _Growing:
    """The text of an object that is still arriving."""

    __slots__ = ("_from_json", "_in_string", "_place", "_plain", "_text", "_value")

    def __init__(self, from_json: Callable[..., object]) -> None:
        self._from_json = from_json
        self._text = ""
        self._place = 0
        self._in_string = False  # whether `_place` is inside a string
        self._plain: object = {}
        self._value: Partial = FrozenDict()

    def fed(self, token: str) -> Partial | None:
        """Add a token, and return the new value; None if it is the same as before."""
        self._text += token
        if self._place == 0:
            brace = self._text.find("{")
            if brace < 0:
                return None
            self._text = self._text[brace:]
        self._look()
        certain = self._text if self._in_string else self._text.rstrip(_UNFINISHED)
        try:
            value: object = self._from_json(certain.encode(), partial_mode="trailing-strings")
        except ValueError:
            return None  # awaiting the reply raises the error
        if is_mapping(value) and [*value] == [KEY_OF_REPLY]:
            value = value[KEY_OF_REPLY]
            value = value if is_mapping(value) else {"value": value}
        if not is_mapping(value) or value == self._plain:
            return None
        known: Any = _frozen(value, self._plain, self._value)  # Any: an object is frozen to a `Partial`
        self._plain, self._value = value, known
        return self._value

    def _look(self) -> None:
        """Update `_in_string` for the text that was added; `_place` is how far it was read."""
        while self._place < len(self._text):
            run = (_INSIDE if self._in_string else _OUTSIDE).match(self._text, self._place)
            if run is not None:
                self._place = run.end()
            elif self._text[self._place] == '"':
                self._in_string = not self._in_string
                self._place += 1
            else:
                return  # a backslash at the end: the character that it escapes has not arrived


def _frozen(value: object, before: object, frozen_before: object) -> object:
    """Freeze a value, and reuse the frozen parts of the value before it that have not changed."""
    if value == before:
        return frozen_before
    if is_mapping(value) and is_mapping(before) and is_mapping(frozen_before):
        return FrozenDict(
            {name: _frozen(part, before.get(name), frozen_before.get(name)) for name, part in value.items()}
        )
    if is_list(value) and is_list(before) and is_tuple(frozen_before):
        same = [_frozen(*parts) for parts in zip(value, before, frozen_before, strict=False)]
        return (*same, *(freeze(part) for part in value[len(same) :]))
    return freeze(value)

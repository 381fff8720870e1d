"""`partial_values`: reads structured replies while they are still arriving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from miniagents.ext.llm._arriving import ArrivingObject
from miniagents.ext.llm._replies import KEY_OF_REPLY
from miniagents.ext.llm.errors import MissingSDKError
from miniagents.messages import FrozenDict, JsonValue, MessageSequencePromise
from miniagents.messages.values.freezing import frozen_dict, is_mapping
from miniagents.promising.combinators.piped import attempt
from miniagents.promising.core.access import outcomes
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.presenting import derived_name
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
        TypeError: It is the promise of a sequence of messages.
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

    given: object = promise
    if isinstance(given, MessageSequencePromise):
        raise TypeError(f"partial_values: {given!r:.200} has several messages; give one, such as replies.only()")

    async def values(out: PieceBuffer[Partial]) -> AsyncIterator[Partial | Failure]:
        growing = _Growing(from_json)
        async for token in outcomes(promise):
            made = token if isinstance(token, Failure) else attempt(out, growing.fed, token)
            if made is not None:
                yield made

    return piped(values, derived_name(promise.name, "partial_values"), (promise,))


# --- machinery ---


class _Growing:
    """The known fields of a reply that is still arriving."""

    __slots__ = ("_object", "_value")

    def __init__(self, from_json: Callable[[bytes], object]) -> None:
        self._object = ArrivingObject(from_json)
        self._value: Partial = FrozenDict()

    def fed(self, token: str) -> Partial | None:
        """Add a token, and return the new value; None if it is the same as before."""
        if not self._object.feed(token):
            return None
        known: Any = self._object.value()  # Any: plain JSON; what is returned is a mapping of it
        if [*known] == [KEY_OF_REPLY]:
            known = known[KEY_OF_REPLY]
            known = known if is_mapping(known) else frozen_dict({"value": known})
        if not known and not self._value:
            return None
        self._value = known
        return self._value

"""`check`: whether a value is one that its own type decodes.

Constructors freeze values and do not check their types, because type checkers do that. So a wrong value is found when
somebody reads it back, unless it is checked where it is made. A context with `MiniAgents(strict=True)` checks each
message that is sent or replied, and thereby all that are persisted.
"""

from __future__ import annotations

from typing import TypeVar

from miniagents.messages.coding.codec import DecodeError, decode, encode
from miniagents.messages.values.frozen import Frozen

__all__ = ["check"]

V = TypeVar("V", bound=Frozen)


def check(value: V, /) -> V:
    """Return a value, if what `encode` writes of it is decoded as an equal value of its class.

    Raises:
        TypeError: The value has a part of another type than is declared, or a part that is not JSON-serialisable; the
            text has its path.
        ValueError: The value contains NaN, infinity or a lone surrogate.

    >>> check(UserMessage("Hello"))
    UserMessage(text='Hello')
    >>> check(ToolCall(id="1", name=3))
    Traceback (most recent call last):
        ...
    TypeError: ToolCall.name: Expected `str`, got `int`
    """
    cls = type(value)
    try:
        read = decode(encode(value), cls)
    except DecodeError as error:
        raise TypeError(f"{cls.__qualname__}{error.path.removeprefix('$')}: {error.reason}") from None
    except (TypeError, ValueError) as error:  # of `encode`
        raise type(error)(f"{cls.__qualname__}{str(error).removeprefix('$')}") from None
    if read != value:
        raise TypeError(f"{cls.__qualname__}: it would be read back as another value: {read!r:.200}")
    return value

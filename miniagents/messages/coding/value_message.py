"""`ValueMessage`, the answer of a model whose content is a value of a type that is no message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Self

from typing_extensions import TypeVar

from miniagents.messages._generated import AssistantMessage
from miniagents.messages.values.freezing import JsonValue  # noqa: TC001  # evaluated by msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ValueMessage", "read_values_with"]

T_co = TypeVar("T_co", default=object, covariant=True)


class ValueMessage(AssistantMessage, Generic[T_co], frozen=True, kw_only=True, tag="ValueMessage"):
    """An answer of a language model that is a value of a type other than a message, such as a dataclass or a list.

    `create_openai_agent` and `create_anthropic_agent` reply with it if their `reply_type` is such a type. A message
    that was stored and decoded again has its value as well, in every program that has made an agent with a `reply_type`
    of that name.

    Attributes:
        data: The value as plain JSON.
        value_type: The name of its type, such as "shop.Order" or "list[shop.Order]".
    """

    data: JsonValue
    value_type: str

    @property
    def value(self) -> T_co:
        """The value; always the same object.

        Raises:
            TypeError: This program has made no agent whose replies are of that type; `data` is there in any case.
            DecodeError: The data is not of the type any more, because the type has changed.
        """
        kept = self.__kept__
        if _VALUE not in kept:
            read = _readers.get(self.value_type)
            if read is None:
                raise TypeError(
                    f"the type {self.value_type} of the value is not known here: make an agent with that reply_type "
                    f"first, or read `data`"
                )
            kept[_VALUE] = read(self.data)
        value: T_co = kept[_VALUE]
        return value

    def _with_value(self, value: Any) -> Self:  # Any: of the type T_co, which may not stand in a parameter
        """Return the message itself, which now has this value, read of its data."""
        self.__kept__[_VALUE] = value
        return self


def read_values_with(name: str, read: Callable[[object], object]) -> None:
    """Read the values of a type with a function; a type of the same name that was made again replaces the old one.

    Args:
        name: The name of the type, as messages have it.
        read: Returns the value of plain JSON, or raises a `DecodeError`.
    """
    _readers[name] = read


# --- machinery ---

_VALUE: Final = "value"
_readers: Final[dict[str, Callable[[object], object]]] = {}

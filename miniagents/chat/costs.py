"""What answers cost, by prices that the user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniagents.calls import Price
from miniagents.messages import AssistantMessage

if TYPE_CHECKING:
    from miniagents.messages import Message

__all__ = ["Costs", "read_prices"]


class Costs:
    """The tokens of the answers of a chat, and what they cost.

    Args:
        prices: The prices; None if they are not known.
    """

    def __init__(self, prices: Price | None = None) -> None:
        self.prices = prices
        self._answers = self._unpriced = self._input = self._output = 0
        self._spent = self._latest = 0.0

    def begin(self) -> None:
        """Begin another answer, which may be made of several messages."""
        self._latest = 0.0

    def add(self, message: Message) -> None:
        """Count a message of the answer."""
        if not isinstance(message, AssistantMessage) or message.usage is None:
            return
        self._answers += 1
        self._input += message.usage.input_tokens
        self._output += message.usage.output_tokens
        if self.prices is None:
            self._unpriced += 1
        else:
            cost = self.prices.of(message.usage)
            self._spent += cost
            self._latest += cost

    @property
    def line(self) -> str:
        """What the last answer and all answers cost; "" if it is not known or nothing."""
        return f"cost: {self._latest:.4f}, in this chat {self._spent:.4f}" if self._latest else ""

    @property
    def total(self) -> str:
        """All tokens and their cost."""
        counted = f"{self._answers} answer{'' if self._answers == 1 else 's'} of models in this chat"
        spent = f" · cost: {self._spent:.4f}" if self._answers > self._unpriced else ""
        missing = ""
        if self._unpriced:
            missing = (
                f" · {self._unpriced} not priced: give --price IN/OUT"
                if spent
                else " · give --price IN/OUT for the cost"
            )
        return f"{counted}: {self._input} → {self._output} tokens{spent}{missing}"


def read_prices(text: str) -> Price:
    """Read prices of the form IN/OUT or IN/CACHED/OUT.

    Raises:
        ValueError: It has another form.

    >>> read_prices("1.25/10")
    Price(input=1.25, output=10.0, cached=None, written=None)
    """
    try:
        given, *cached, made = map(float, text.split("/"))
        (read,) = cached or (None,)
        return Price(input=given, cached=read, output=made)
    except ValueError:
        raise ValueError(f"{text!r} is not of the form IN/OUT or IN/CACHED/OUT, as in 1.25/10") from None

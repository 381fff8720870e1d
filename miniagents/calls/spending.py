"""What answers of models have used and cost; the prices are the user's."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from miniagents.messages import AssistantMessage
from miniagents.promising.core.arguments import check_kind, check_not_negative

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from miniagents.calls.call import Call
    from miniagents.messages import Message, Usage

__all__ = ["Price", "agent_of", "cost_of", "spends", "usage_of"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs for a million tokens, in any currency.

    Attributes:
        input: The tokens of the input.
        output: The tokens of the output, with its reasoning.
        cached: The tokens of the input that are read from a cache; None if they cost as much as others.
        written: The tokens of the input that are written to a cache; None if they cost as much as others.

    Raises:
        TypeError: A price is no number.
        ValueError: A price is negative, or not finite.

    >>> round(Price(input=3, output=15, cached=0.3).of(Usage(input_tokens=1_000_000, output_tokens=100_000)), 2)
    4.5
    """

    input: float
    output: float
    cached: float | None = None
    written: float | None = None

    def __post_init__(self) -> None:
        """Check the prices."""
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                check_not_negative(f"Price: {each.name}={value!r}", value, if_infinite="give a finite number")

    def of(self, usage: Usage) -> float:
        """Return what tokens cost."""
        read, written = usage.cache_read_tokens, usage.cache_write_tokens
        cost = max(0, usage.input_tokens - read - written) * self.input + usage.output_tokens * self.output
        cost += read * (self.input if self.cached is None else self.cached)
        cost += written * (self.input if self.written is None else self.written)
        return cost / _MILLION


def usage_of(messages: Iterable[Message]) -> Usage | None:
    """Return what the answers of models among messages have used together; None if none of them says it.

    >>> usage = Usage(input_tokens=5, output_tokens=2)
    >>> print(usage_of([UserMessage("Hi"), AssistantMessage("Yes", usage=usage), AssistantMessage("No", usage=usage)]))
    Usage(input_tokens=10, output_tokens=4)
    """
    spent: Usage | None = None
    for message in messages:
        if isinstance(message, AssistantMessage) and message.usage is not None:
            spent = message.usage if spent is None else spent + message.usage
    return spent


def spends(call: Call) -> bool:
    """Return whether the usage in the replies of a call was spent on it: only models spend, and no kept replies do."""
    return call.kind == "model" and not call.replayed


def cost_of(model: str, usage: Usage, prices: Mapping[str, Price]) -> float:
    """Return what a model costs.

    Raises:
        TypeError: What is given as its price is none.
        ValueError: There is no price for it.
    """
    if model not in prices:
        raise ValueError(f"there is no price for the model {model!r}: give prices={{{model!r}: Price(...)}}")
    price = prices[model]
    check_kind(f"the price of the model {model!r}", price, Price, "no Price(input=..., output=...)")
    return price.of(usage)


def agent_of(call: Call) -> str:
    """Return the agent that a call counts for: the nearest one that is called here."""
    counted: Call | None = call
    while counted is not None and counted.kind != "agent":
        counted = counted.parent
    return call.name if counted is None else counted.name

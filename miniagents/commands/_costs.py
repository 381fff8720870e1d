"""What runs cost: the tokens that their models used, by prices that the user gives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from miniagents.messages import AssistantMessage, Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from miniagents.ext.store import KeptCall, Store
    from miniagents.messages import Usage

__all__ = ["Cost", "Price", "cost_of", "price_of"]

_TOKENS: Final = 1_000_000
"""Prices are for so many tokens."""
_MOST: Final = 4
_FORM: Final = "MODEL=IN,OUT or MODEL=IN,OUT,CACHE_READ,CACHE_WRITE, in any currency for a million tokens"


class Price(NamedTuple):
    """The prices of a model for a million tokens of each kind."""

    input: float
    output: float
    cache_read: float
    cache_write: float

    def of(self, usage: Usage) -> float:
        """Return the price of an answer."""
        read, written = usage.cache_read_tokens, usage.cache_write_tokens
        plain = max(usage.input_tokens - read - written, 0)
        sums = plain * self.input, read * self.cache_read, written * self.cache_write, usage.output_tokens * self.output
        return sum(sums) / _TOKENS


class Cost(NamedTuple):
    """What a run cost."""

    input_tokens: int = 0
    output_tokens: int = 0
    amount: float = 0.0
    unpriced: frozenset[str] = frozenset()
    """The models that used tokens and have no price."""

    @property
    def price(self) -> str:
        """The amount as text; a "+" says that there are models without a price."""
        if self.unpriced and not self.amount:
            return "?"
        return f"{self.amount:,.4f}{'+' if self.unpriced else ''}"


def price_of(text: str) -> tuple[str, Price]:
    """Read a model with its price, as the command line has it.

    Raises:
        ValueError: It is none.

    >>> price_of("gpt-5=1.25,10")
    ('gpt-5', Price(input=1.25, output=10.0, cache_read=1.25, cache_write=1.25))
    """
    name, found, numbers = text.rpartition("=")
    try:
        prices = [float(number) for number in numbers.split(",")]
    except ValueError:
        prices = []
    is_right = name and found and 2 <= len(prices) <= _MOST
    if not is_right or not all(math.isfinite(price) and price >= 0 for price in prices):
        raise ValueError(f"{text!r} is no price: write {_FORM}")
    prices += [prices[0]] * (_MOST - len(prices))
    return name, Price(*prices)


async def cost_of(store: Store, calls: Sequence[KeptCall], prices: Mapping[str, Price]) -> Cost:
    """Return what calls cost; only those of models do.

    Args:
        store: The store that has their replies.
        calls: The calls.
        prices: The prices by the names with which those of models begin; the longest one counts.
    """
    keys = [(call, key) for call in calls if call.record.called.kind == "model" for key in call.replies]
    replies = await store.get_all([key for _, key in keys], Message, unknown="keep")
    taken = given = 0
    amount = 0.0
    unpriced: set[str] = set()
    for (call, _), reply in zip(keys, replies, strict=True):
        if not isinstance(reply, AssistantMessage) or reply.usage is None:
            continue
        taken += reply.usage.input_tokens
        given += reply.usage.output_tokens
        names = [name for name in (reply.model, call.record.called.name) if name is not None]
        known = [each for each in prices if any(name.startswith(each) for name in names)]
        if known:
            amount += prices[max(known, key=len)].of(reply.usage)
        else:
            unpriced.add(names[0])
    return Cost(taken, given, amount, frozenset(unpriced))

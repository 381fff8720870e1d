"""What runs cost: the tokens that their models used, by prices that the user gives."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from miniagents.calls import Price
from miniagents.calls.call import kind_of
from miniagents.messages import AssistantMessage, Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from miniagents.ext.store import KeptCall, Store

__all__ = ["CallsThatCost", "Cost", "cost_of", "price_of"]

_MOST_CACHE_PRICES: Final = 2
_FORM: Final = "MODEL=IN,OUT or MODEL=IN,OUT,CACHE_READ,CACHE_WRITE, in any currency for a million tokens"


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
    ('gpt-5', Price(input=1.25, output=10.0, cached=None, written=None))
    """
    name, found, numbers = text.rpartition("=")
    with suppress(ValueError):  # of `float`, of `Price`, or of too few numbers
        given, made, *cache = map(float, numbers.split(","))
        if name and found and len(cache) <= _MOST_CACHE_PRICES:
            return name, Price(input=given, output=made, **dict(zip(("cached", "written"), cache, strict=False)))
    raise ValueError(f"{text!r} is no price: write {_FORM}")


class CallsThatCost:
    """Finds the calls of models among the calls of a run, which come in the order of their numbers.

    The agent that stands for a model replies with the answers of the model, which are not paid twice. Records say
    which of the two a call is. Older ones do not: there, a model that has called a model is such an agent.
    """

    def __init__(self) -> None:
        self._models: set[int | None] = set()
        self._unclear: dict[int | None, KeptCall] = {}

    def add(self, call: KeptCall) -> Sequence[KeptCall]:
        """Add a call; return the calls of models that are known by that."""
        record = call.record
        if record.called.kind != "model":
            return ()
        is_inner = record.parent in self._models
        self._models.add(record.number)
        self._unclear.pop(record.parent, None)
        if kind_of(record) != "model":
            return ()
        if is_inner:
            return (call,)
        self._unclear[record.number] = call
        return ()

    def rest(self) -> Sequence[KeptCall]:
        """Return the other calls of models, when all calls of the run were added."""
        return tuple(self._unclear.values())


async def cost_of(store: Store, calls: Sequence[KeptCall], prices: Mapping[str, Price]) -> Cost:
    """Return what calls cost; only those of models do, and no replies that were kept from an earlier call.

    Args:
        store: The store that has their replies.
        calls: The calls.
        prices: The prices by the names with which those of models begin; the longest one counts.
    """
    keys = [
        (call, key)
        for call in calls
        if kind_of(call.record) == "model" and not call.record.replayed
        for key in call.replies
    ]
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

"""Limits of what a run, or an agent in it, may spend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal
from weakref import WeakKeyDictionary

from miniagents.calls.call import KINDS, checked_kinds
from miniagents.calls.spending import Price, agent_of, cost_of, spends, usage_of
from miniagents.messages import Usage
from miniagents.messages.promised.message_promise import MessagePromise, mixed_buffer
from miniagents.promising.core.access import buffer_of, give_up, is_part_of
from miniagents.promising.core.arguments import check_count, check_kind, check_not_negative

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from miniagents.calls.call import Call, CallKind, Run
    from miniagents.calls.surrounding import CallHandler, Proceed
    from miniagents.messages import Message, MessageType

__all__ = ["LimitExceededError", "limits"]


class LimitExceededError(RuntimeError):
    """A run, or an agent in it, has spent what it may.

    Attributes:
        limit: Which limit it is: "calls", "tokens", "cost" or "seconds".
        most: The limit.
        of: Whose limit it is: "the run", or an agent.
    """

    def __init__(self, limit: str, most: float, of: str) -> None:
        super().__init__(limit, most, of)
        self.limit: str = limit
        self.most: float = most
        self.of: str = of

    def __str__(self) -> str:
        if self.limit == "cost":
            return f"{self.of} has reached its limit of costs, {self.most}"
        return f"{self.of} has reached its limit of {self.most} {self.limit}"


def limits(
    *,
    calls: int | None = None,
    tokens: int | None = None,
    cost: float | None = None,
    prices: Mapping[str, Price] | None = None,
    seconds: float | None = None,
    per: Literal["run", "agent"] = "run",
    kinds: Iterable[CallKind] = KINDS,
) -> CallHandler:
    """Return a handler that ends a run, or the work of an agent in it, when it has spent what it may.

    A call beyond a limit fails with a `LimitExceededError` and is not made. The tokens and the cost of a model's answer
    are counted when it is complete, so calls that run at the same time can exceed the limit together. Replies that were
    kept from an earlier call cost nothing. When the time is over, calls that still run are cancelled. Their replies end
    with the error, and so do the messages that they were streaming.

    Args:
        calls: The greatest number of calls.
        tokens: The greatest number of tokens, input and output, of all requests to models.
        cost: The greatest cost of all requests to models, in the currency of the prices.
        prices: The prices of the models, by their names. A request to a model without a price fails with a `ValueError`
            and is not made.
        seconds: The longest time from the first call, on the loop's clock.
        per: Whether all calls of a run share the limits, or each agent has its own, by its alias. The tools and models
            that an agent calls count as the agent's.
        kinds: The kinds of calls that are counted and can be refused.

    Raises:
        TypeError: A limit is no number, or a price no `Price`.
        ValueError: There is no limit, one is less than one call or token, or not above zero, there is a cost without
            prices or the other way, or a kind is none.

    >>> async def main() -> None:
    ...     async with MiniAgents(around_calls=limits(calls=1)):
    ...         print(await scripted_agent("first").inquire())
    ...         print(await scripted_agent("second").inquire().recover(str))
    >>> asyncio.run(main())
    (Message(text='first'),)
    the run has reached its limit of 1 calls
    """
    for name, limit in (("calls", calls), ("tokens", tokens)):
        if limit is not None:
            check_count(f"limits: {name}={limit!r}", limit, 1)
    for name, amount in (("cost", cost), ("seconds", seconds)):
        if amount is not None:
            check_not_negative(f"limits: {name}={amount!r}", amount, if_zero="give a number above 0")
    if per not in ("run", "agent"):
        raise ValueError(f'limits: per is "run" or "agent", not {per!r}')
    if calls is None and tokens is None and cost is None and prices is None and seconds is None:
        raise ValueError("limits: it limits nothing: give calls=..., tokens=..., seconds=..., or cost=... with prices")
    if (cost is None) != (prices is None):
        raise ValueError("limits: give cost and prices together: cost=5.0, prices={'gpt-5': Price(...)}")
    known = dict(prices or {})
    for name, price in known.items():
        check_kind(f"limits: prices[{name!r}]", price, Price, "no Price")
    counted = checked_kinds("limits", kinds)
    spent: WeakKeyDictionary[Run, dict[str, _Spent]] = WeakKeyDictionary()

    async def limited(call: Call, proceed: Proceed) -> MessageType[Message] | None:
        if call.outcome is not None:
            return proceed()
        of = "the run" if per == "run" else f"agent {agent_of(call)!r}"
        loop = asyncio.get_running_loop()
        so_far = spent.setdefault(call.run, {}).setdefault(of, _Spent(loop.time()))
        if call.kind in counted:
            if calls is not None and so_far.calls >= calls:
                raise LimitExceededError("calls", calls, of)
            if tokens is not None and so_far.tokens >= tokens:
                raise LimitExceededError("tokens", tokens, of)
            if cost is not None and so_far.cost >= cost:
                raise LimitExceededError("cost", cost, of)
            if cost is not None and call.kind == "model":
                cost_of(call.name, Usage(), known)  # before it costs something
            if seconds is not None:
                end = so_far.began + seconds
                if loop.time() >= end:
                    raise LimitExceededError("seconds", seconds, of)
                timer = loop.call_at(end, _cut_off, call, LimitExceededError("seconds", seconds, of))
                call.when_ended(timer.cancel)
            so_far.calls += 1
        if call.kind == "model" and (tokens is not None or cost is not None):
            call.when_ended(lambda: so_far.count(call, known))
        return proceed()

    limited.__qualname__ = "limits"
    return limited


class _Spent:
    """What was spent so far."""

    __slots__ = ("began", "calls", "cost", "tokens")

    def __init__(self, began: float) -> None:
        self.began: Final = began
        self.calls = 0
        self.tokens = 0
        self.cost = 0.0

    def count(self, call: Call, prices: Mapping[str, Price]) -> None:
        usage = usage_of(call.complete_replies) if spends(call) else None
        if usage is not None:
            self.tokens += usage.input_tokens + usage.output_tokens
            if call.name in prices:
                self.cost += cost_of(call.name, usage, prices)


def _cut_off(call: Call, error: LimitExceededError) -> None:
    replies = buffer_of(call.replies)
    is_cut_off = not replies.ended
    for message in replies.pieces:
        # cancelling the call cancels just those that are its own work: others have other readers
        if isinstance(message, MessagePromise) and not message.done() and is_part_of(message, replies):
            is_cut_off = True
            give_up(mixed_buffer(message), error)
            give_up(message, error)
    if is_cut_off:  # not if the call that made this one was, and has cancelled this
        give_up(replies, error)
        give_up(call.replies, error)
    call.replies.cancel()

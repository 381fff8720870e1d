"""What the type checkers must refuse: what stands around calls.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from opentelemetry.trace import get_tracer_provider

from miniagents import (
    Call,
    CallRecord,
    CallRefusedError,
    Identity,
    LimitExceededError,
    Message,
    MessageType,
    MiniAgents,
    Observed,
    Proceed,
    TracedRun,
    approval,
    limits,
    observe,
    trace,
)
from miniagents.calls import Admission, Price, RateLimit, usage_of
from miniagents.ext.otel import spans
from miniagents.messages import Usage

trace().write()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
trace().run.write(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
spans(get_tracer_provider())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
spans(tracer_provider="default")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def good(call: Call, proceed: Proceed) -> MessageType[Message] | None:
    call.mark_replayed(True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    call.when_ended()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    call.when_ended(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    proceed("other messages")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    proceed(messages=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    proceed(arguments=["x"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return proceed()


async def number(call: Call, proceed: Proceed) -> int:
    proceed()
    return call.number


async def no_proceed(call: Call) -> bool:
    return bool(call.arguments)


async def unclear(call: Call) -> int:
    return call.number


MiniAgents(around_calls=[number])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
MiniAgents(around_calls=number)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
MiniAgents(around_calls=no_proceed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
approval(unclear)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
approval(no_proceed, kinds=("tools",))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
limits(calls="many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
limits(10)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
limits(per="call")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
observe(3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
Observed(piece="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Call()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
CallRefusedError("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
LimitExceededError("calls")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Identity(kind="person", name="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
CallRecord(run="r", number="1")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]


RateLimit(calls=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RateLimit(requests="many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def rates(limit: RateLimit, admission: Admission) -> None:
    await limit.admit("few")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    admission.spent()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Admission(limit)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def spending(run: TracedRun, usage: Usage, price: Price) -> None:
    usage + 1  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]
    usage_of(usage)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run.usage_by("tool")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run.cost({"gpt": 3})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    Price(3, 4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    price.of(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    limits(cost="cheap")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

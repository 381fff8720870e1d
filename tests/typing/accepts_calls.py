"""What the type checkers must take: what stands around calls. Checked, not run; see `rejects_calls.py` for the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import assert_type

from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import get_tracer_provider

from miniagents import (
    Approval,
    Call,
    CallHandler,
    CallRecord,
    CallRefusedError,
    Identity,
    InteractionContext,
    JsonValue,
    LimitExceededError,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MessageType,
    MiniAgent,
    MiniAgents,
    Observed,
    Proceed,
    Run,
    StreamedPromise,
    StreamEvent,
    Tool,
    ToolCall,
    Trace,
    TracedRun,
    UserMessage,
    approval,
    limits,
    miniagent,
    observe,
    trace,
)
from miniagents.calls import Admission, CallKind, CallOutcome, Identified, Price, RateLimit, usage_of
from miniagents.ext.otel import spans
from miniagents.messages import Usage


async def passing(call: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
    assert_type(call.kind, CallKind)
    assert_type(call.name, str)
    assert_type(call.number, int)
    assert_type(call.place, tuple[int, ...])
    assert_type(call.parent, Call | None)
    assert_type(call.run, Run)
    assert_type(call.run.id, str)
    assert_type(call.agent, Identified)
    assert_type(call.agent.identity, Identity)
    assert_type(call.identity, Identity)
    assert_type(call.arguments, Mapping[str, JsonValue])
    assert_type(call.opaque_arguments, Mapping[str, str])
    assert_type(call.messages, MessageSequencePromise[Message])
    assert_type(call.replies, MessageSequencePromise[Message])
    assert_type(call.tool_call, ToolCall | None)
    assert_type(call.began, float | None)
    assert_type(call.first_piece, float | None)
    assert_type(call.ended, float | None)
    assert_type(call.outcome, CallOutcome | None)
    assert_type(call.error, BaseException | None)
    assert_type(call.complete_replies, tuple[Message, ...])
    assert_type(call.complete_messages, tuple[Message, ...])
    assert_type(call.replayed, bool)
    call.mark_replayed()
    assert_type(call.record(), CallRecord)
    call.when_ended(lambda: call.outcome)
    assert_type(proceed(), MessageSequencePromise[Message])
    proceed(messages=["other", UserMessage("messages")])
    return proceed(arguments={"temperature": 0.3})


async def replacing(call: Call, proceed: Proceed) -> MessageType[Message] | None:
    if call.arguments:
        return ["these", Message("instead")]
    proceed()
    return None


async def ask(call: Call) -> Approval:
    return True if call.arguments else "no reason to"


handlers: list[CallHandler] = [passing, replacing, approval(ask), approval(ask, kinds=("agent", "model"))]
handlers.append(limits(calls=10, tokens=1000, seconds=2.5, per="agent", kinds=("model",)))
handlers += [spans(), spans(tracer_provider=get_tracer_provider(), meter_provider=get_meter_provider())]
context = MiniAgents(around_calls=handlers)
one = MiniAgents(around_calls=passing)


@miniagent(version="3")
async def versioned(ctx: InteractionContext) -> None:
    ctx.reply("hello")


def identities(agent: MiniAgent, tool: Tool[..., str]) -> None:
    assert_type(agent.identity, Identity)
    assert_type(agent.version, str | None)
    assert_type(tool.identity, Identity)
    assert_type(Identity(kind="tool", name="x").details, Mapping[str, JsonValue])
    assert_type(CallRecord(run="r", number=1, called=agent.identity).place, tuple[int, ...])


async def traced() -> None:
    assert_type(trace(), Trace)
    async with trace() as block:
        assert_type(block.run, TracedRun)
    block.write("run.html")
    block.run.write(Path("run.html"))
    assert_type(block.run.calls, list[Call])
    assert_type(block.run.records, tuple[CallRecord, ...])


async def observed(replies: MessageSequencePromise[UserMessage], stream: StreamedPromise[int, str]) -> None:
    assert_type(observe(replies), AsyncIterator[Observed[MessagePromise[UserMessage], tuple[UserMessage, ...]]])
    assert_type(observe(replies.first()), AsyncIterator[Observed[str | StreamEvent, UserMessage]])
    async for seen in observe(stream):
        assert_type(seen.piece, int | None)
        assert_type(seen.whole, str | None)
        assert_type(seen.error, BaseException | None)
        assert_type(seen.position, int)
        assert_type(seen.is_end, bool)


def errors(refused: CallRefusedError, exceeded: LimitExceededError) -> None:
    assert_type(refused.call, Call)
    assert_type(refused.reason, str)
    assert_type(exceeded.limit, str)
    assert_type(exceeded.most, float)
    assert_type(exceeded.of, str)


async def rates(limit: RateLimit) -> None:
    assert_type(RateLimit(requests=50, tokens=30_000, per=60), RateLimit)
    assert_type((limit.requests, limit.tokens, limit.per), tuple[int | None, int | None, float])
    admission = await limit.admit(200)
    assert_type(admission, Admission)
    assert_type((admission.time, admission.tokens, admission.counts), tuple[float, int, bool])
    admission.spent(120)


def spending(run: TracedRun, usage: Usage, price: Price, replies: tuple[Message, ...]) -> None:
    assert_type(usage + usage, Usage)
    assert_type(sum([usage], usage), Usage)
    sum([usage])
    assert_type(usage_of(replies), Usage | None)
    assert_type(run.usage, Usage | None)
    assert_type(run.usage_by("agent"), dict[str, Usage])
    assert_type(run.cost({"gpt": Price(input=1, output=2.5, cached=0.1, written=1.25)}), float)
    assert_type(price.of(usage), float)
    assert_type(
        (price.input, price.output, price.cached, price.written), tuple[float, float, float | None, float | None]
    )
    limits(cost=2.5, prices={"gpt": price}, calls=3)

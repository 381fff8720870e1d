"""Records of calls are written in a short way, which says the same as `CallRecord`."""

import pytest
from hypothesis import given, strategies as st

from miniagents import InteractionContext, Message, MessageSequencePromise, MiniAgents, decode, miniagent
from miniagents.calls import Call, Proceed
from miniagents.ext.store._call_records import RecordWriter
from miniagents.messages import CallRecord, Identity


@miniagent(alias="\u2028 strange \x1b <name> \U0001f600", version="1")
async def below(ctx: InteractionContext, wrong: bool) -> None:
    ctx.reply("x")
    if wrong:
        raise ValueError("wrong")


@miniagent
async def above(ctx: InteractionContext, wrong: list[bool]) -> None:
    for each in wrong:
        below.inquire(wrong=each)


@miniagent
async def plain(ctx: InteractionContext) -> None:
    ctx.reply(await ctx.messages)


@pytest.mark.leaves_errors_unread
@given(st.lists(st.booleans(), max_size=3))
async def test_a_written_record_is_the_record(wrong: list[bool]) -> None:
    writer = RecordWriter()
    calls: list[Call] = []

    def check(call: Call) -> None:
        assert decode(writer.written(call), CallRecord) == call.record()

    async def around(call: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        calls.append(call)
        check(call)
        replies = proceed()
        check(call)
        return replies

    async with MiniAgents(around_calls=around, errors_as_messages=True):
        cancelled = plain.inquire("late")
        for _ in range(2):
            await plain.inquire("x")
            await above.inquire(wrong=wrong)
        cancelled.cancel()
    assert len(calls) >= 4
    for call in calls:
        check(call)
        call.mark_replayed()
        assert call.record().replayed
        check(call)


async def test_identities_that_are_forgotten_are_written_again() -> None:
    writer = RecordWriter()
    calls: list[Call] = []

    async def around(call: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        calls.append(call)
        return proceed()

    @miniagent
    async def some(_: InteractionContext) -> None:
        pass

    async with MiniAgents(around_calls=around):
        for number in range(300):
            await some.options(alias=f"agent {number}").inquire()
    for call in (*calls, *calls):
        assert decode(writer.written(call), CallRecord) == call.record()


async def test_what_is_called_is_asked_for_its_identity_again_with_each_batch() -> None:
    class Named:
        name = "one"

        @property
        def identity(self) -> Identity:
            return Identity(kind="tool", name=self.name)

    writer = RecordWriter()
    calls: list[Call] = []

    async def around(call: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
        calls.append(call)
        return proceed()

    async with MiniAgents(around_calls=around):
        await plain.inquire("x")
    [call] = calls
    call.agent = agent = Named()
    assert decode(writer.written(call), CallRecord).called.name == "one"
    agent.name = "two"
    writer.begin()
    assert decode(writer.written(call), CallRecord).called.name == "two"

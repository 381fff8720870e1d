"""What stands on handlers around calls, written by public names alone: caches, replay, spans, approval by a person."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import pytest

from miniagents import (
    Approval,
    Call,
    CallRecord,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MessageType,
    MiniAgents,
    Proceed,
    Promise,
    ToolCall,
    approval,
    decode,
    encode,
    miniagent,
    observe,
    tool,
)

Key: TypeAlias = tuple[object, ...]


async def key_of(call: Call) -> Key | None:
    """What a call is, apart from when it was made; None if that cannot be said."""
    if call.opaque_arguments:
        return None
    messages = await call.messages
    return call.identity, call.arguments, tuple(message.hash_key for message in messages)


# --- an answer cache ---


class Cache:
    """Gives the replies to an equal call again; calls at the same time are made once; failures are not kept."""

    def __init__(self) -> None:
        self.kept: dict[Key, MessageSequencePromise[Message]] = {}

    async def __call__(self, call: Call, proceed: Proceed) -> MessageType[Message] | None:
        key = await key_of(call)
        if key is None:
            return proceed()
        if key not in self.kept:
            self.kept[key] = proceed()
            call.when_ended(lambda: self.kept.pop(key) if call.outcome != "done" else None)
        return self.kept[key]


@pytest.mark.virtual_clock
async def test_an_answer_cache() -> None:
    asked: list[str] = []

    @miniagent(version="1")
    async def model(ctx: InteractionContext, temperature: float = 0.0) -> None:
        question = str((await ctx.messages)[0])
        asked.append(question)
        await asyncio.sleep(1)
        if question == "fail" and len(asked) < 5:
            raise ConnectionError("lost")
        ctx.reply(f"{question} at {temperature}")

    async with MiniAgents(around_calls=Cache()):
        equal = [model.inquire("a"), model.inquire("a"), model.inquire("a", 0.5)]
        assert [str((await replies)[0]) for replies in equal] == ["a at 0.0", "a at 0.0", "a at 0.5"]
        assert asked == ["a", "a"], "one of the equal calls was made, and the one with another argument"
        assert str(await model.inquire("a").only()) == "a at 0.0"
        assert asked == ["a", "a"]
        for _ in range(2):
            assert "lost" in str(await model.inquire("fail").recover(str, ConnectionError))
        await model.inquire("fail")
        await model.inquire("fail")
    assert asked == ["a", "a", "fail", "fail", "fail"], "a failure is not kept, and the success is"


# --- a recorder that replays a killed run ---


class Recording:
    """Keeps the replies of each call that was done as text, by its place, and gives them again."""

    def __init__(self, kept: dict[str, str]) -> None:
        self.kept = kept  # as a file has it

    async def __call__(self, call: Call, proceed: Proceed) -> MessageType[Message] | None:
        place = json.dumps(call.place)
        if place in self.kept:
            record = json.loads(self.kept[place])
            assert record["identity"] == call.identity.hash_key, f"another agent is at {place}"
            return [decode(text, Message) for text in record["replies"]]
        replies = proceed()
        call.when_ended(lambda: self._keep(call, place) if call.outcome == "done" else None)
        return replies

    def _keep(self, call: Call, place: str) -> None:
        replies = [encode(reply).decode() for reply in call.complete_replies]
        self.kept[place] = json.dumps({"identity": call.identity.hash_key, "replies": replies})


class Kill(BaseException):
    """Ends a run in the middle."""


@pytest.mark.virtual_clock
@pytest.mark.parametrize("killed_after", range(12))
async def test_a_recorder_that_replays_a_killed_run(killed_after: int) -> None:
    done: list[str] = []

    @miniagent
    async def leaf(ctx: InteractionContext, name: str) -> None:
        await asyncio.sleep(1)
        done.append(name)
        ctx.reply(f"{name} of {(await ctx.messages)[0]}")

    @miniagent
    async def branch(ctx: InteractionContext, name: str) -> None:
        first = leaf.inquire(ctx.messages, f"{name}1")
        ctx.reply(first)
        ctx.reply(leaf.inquire(first, f"{name}2"))
        await asyncio.sleep(1.5)
        ctx.reply(f"{name} itself")

    @miniagent
    async def root(ctx: InteractionContext) -> None:
        ctx.reply([branch.inquire(ctx.messages, "a"), branch.inquire("other", "b")])
        ctx.reply(branch.inquire(await branch.inquire("last", "c"), "d"))

    async def run(kept: dict[str, str], kill: float | None) -> list[str]:
        async with MiniAgents(around_calls=Recording(kept)):
            replies = root.inquire("question")
            if kill is not None:
                await asyncio.sleep(kill)
                raise Kill
            return [str(reply) for reply in await replies]

    undisturbed = await run({}, None)
    expected = sorted(done)
    done.clear()
    kept: dict[str, str] = {}
    with pytest.raises(Kill):
        await run(kept, killed_after / 2 + 0.25)
    assert await run(kept, None) == undisturbed
    assert sorted(done) == expected, "what was done before the kill is not done again"


# --- spans ---


class Exporter:
    """Spans as they end: name, name of the parent, seconds, attributes."""

    def __init__(self) -> None:
        self.spans: list[dict[str, object]] = []

    async def __call__(self, call: Call, proceed: Proceed) -> MessageType[Message] | None:
        call.when_ended(lambda: self._export(call))
        return proceed()

    def _export(self, call: Call) -> None:
        record: CallRecord = call.record()
        assert decode(encode(record), CallRecord) == record
        span: dict[str, object] = {
            "name": f"{call.kind} {call.name}",
            "parent": None if call.parent is None else f"{call.parent.kind} {call.parent.name}",
            "seconds": None if record.began is None else round((record.ended or 0) - record.began, 3),
            "first": None if record.began is None else round((record.first_piece or 0) - record.began, 3),
            "status": record.outcome,
            "error": record.error,
        }
        self.spans.append(span)


@pytest.mark.virtual_clock
async def test_spans_in_an_exporter_in_memory() -> None:
    @tool
    async def search(query: str) -> str:
        """Search."""
        await asyncio.sleep(2)
        return query

    @miniagent
    async def writer(ctx: InteractionContext) -> None:
        await asyncio.sleep(1)
        ctx.reply("text")
        await asyncio.sleep(1)

    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        ctx.reply(search.answer(ToolCall(id="1", name="search", arguments='{"query": "x"}')))
        await asyncio.sleep(1)
        raise ValueError("no")

    @miniagent
    async def boss(ctx: InteractionContext) -> None:
        one, two = writer.inquire(), failing.inquire()
        ctx.reply(one)
        await two.recover(repr, ValueError)

    exporter = Exporter()
    async with MiniAgents(around_calls=exporter):
        await boss.inquire()
        boss.options(alias="late").inquire().cancel()
    by_name = {str(span["name"]): span for span in exporter.spans}
    assert [*by_name] == ["tool search", "agent failing", "agent writer", "agent boss", "agent late"]
    assert {name: span["parent"] for name, span in by_name.items()} == {
        "agent writer": "agent boss",
        "tool search": "agent failing",
        "agent failing": "agent boss",
        "agent boss": None,
        "agent late": None,
    }
    assert [(span["seconds"], span["first"]) for span in by_name.values()] == [
        (2, 2),
        (2, 2),
        (2, 1),
        (2, 1),
        (None, None),
    ]
    assert by_name["agent failing"]["error"] == "ValueError: no"
    assert [span["status"] for span in exporter.spans] == ["done", "failed", "done", "done", "cancelled"]


# --- approval by a person ---


class Person:
    """Somebody who is shown questions, and answers them when it suits."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, asyncio.Future[Approval]]] = []

    async def ask(self, call: Call) -> Approval:
        answer: asyncio.Future[Approval] = asyncio.get_running_loop().create_future()
        self.asked.append((f"{call.name} {dict(call.arguments)}", answer))
        return await answer


async def test_approval_by_a_person() -> None:
    person = Person()
    deleted: list[str] = []

    @tool
    async def delete(path: str) -> str:
        """Delete a file."""
        deleted.append(path)
        return f"{path} is deleted"

    def call_of(path: str) -> ToolCall:
        return ToolCall(id=path, name="delete", arguments=json.dumps({"path": path}))

    async with MiniAgents(around_calls=approval(person.ask)):
        results = [delete.answer(call_of(path)) for path in ("a", "b", "c", "d")]
        while len(person.asked) < 4:
            await asyncio.sleep(0)
        assert [question for question, _ in person.asked] == [f"delete {{'path': '{path}'}}" for path in "abcd"]
        assert not deleted
        answers: Sequence[Approval] = (True, False, "keep it", {"path": "other"})
        for (_, answer), said in zip(person.asked, answers, strict=True):
            answer.set_result(said)
        told = [await result for result in results]
    assert deleted == ["a", "other"]
    assert [str(result) for result in told] == [
        "a is deleted",
        "the call of tool 'delete' was refused",
        "the call of tool 'delete' was refused: keep it",
        "other is deleted",
    ]
    assert [result.is_error for result in told] == [False, True, True, False]
    assert [result.tool_call_id for result in told] == ["a", "b", "c", "d"]


# --- a store of streams ---


@pytest.mark.virtual_clock
async def test_a_store_that_writes_each_piece_before_its_reader_sees_it() -> None:
    written: list[tuple[int, Any]] = []

    async def storing(_: Call, proceed: Proceed) -> MessageType[Message] | None:
        inner = proceed()

        async def commit() -> tuple[Message, ...]:
            async for seen in observe(inner):
                written.append((seen.position, seen.piece))
                if seen.piece is not None:
                    parts = observe(seen.piece)
                    written.extend([(part.position, part.piece or part.whole) async for part in parts])
            return await inner

        committed = Promise(commit, start_asap=True)
        return list(await committed)

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.reply(["a", "b"])

    async with MiniAgents(around_calls=storing):
        assert [str(reply) for reply in await agent.inquire()] == ["a", "b"]
    assert [position for position, _ in written] == [0, 0, 1, 1, 0, 1, 2]
    assert [piece for _, piece in written if isinstance(piece, str)] == ["a", "b"]

"""What the type checkers must take: the tools for tests. Checked, not run; see `rejects_testing.py` for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import assert_type

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    ToolCall,
    UserMessage,
    miniagent,
)
from miniagents.promising import Promise, PromisingContext, Stream, gather, merge
from miniagents.testing import (
    Answer,
    Asked,
    Cassette,
    CassetteDamagedError,
    CassetteDifference,
    CassetteError,
    CassetteFormatError,
    CassetteMissingError,
    CassetteMode,
    Delivered,
    Pause,
    Reply,
    Scenario,
    ScriptedAgent,
    Several,
    Step,
    UnrecordedCallError,
    VirtualClockEventLoop,
    assert_marbles,
    cassette,
    diagram,
    marble,
    marbles,
    replaced,
    run_marbles,
    scripted_agent,
    transcript,
)


async def seconds() -> AsyncIterator[int]:
    yield 1


def sources() -> None:
    assert_type(marbles("a-b|"), Stream[str])
    assert_type(marbles("1-2|", values=int), Stream[int])
    assert_type(marbles("a-b|", values={"a": 1.5, "b": 2.5}), Stream[float])
    assert_type(marbles("a-!|", errors={"!": KeyError("!"), "#": OSError("no")}, unit=0.5, name="left"), Stream[str])
    assert_type(marbles("1|", values=int, max_ahead=1, start_asap=False).map_pieces(str), Stream[str])
    assert_type(marbles("a|", values=lambda mark: (mark, len(mark))), Stream[tuple[str, int]])
    assert_type(marble("--a"), Promise[str])
    assert_type(marble("--1", values=int, errors={"!": KeyError("!")}, unit=0.5, name="one"), Promise[int])
    assert_type(marble("--a", values={"a": b"bytes"}, start_asap=True), Promise[bytes])


async def diagrams(stream: Stream[int], promise: Promise[str]) -> None:
    assert_type(await diagram(stream), str)
    assert_type(await diagram(promise, unit=0.1, until=20), str)
    assert_type(await diagram({"source": stream, "result": promise}), str)
    assert_type(await diagram(seconds()), str)
    assert_type(await diagram(stream, cancel_at=3, pause=0.5), str)
    _one: Delivered = stream
    _other: Delivered = asyncio.sleep(1)


def scenarios(context: PromisingContext) -> None:
    assert_type(run_marbles(lambda: merge(marbles("a-b-|"), marbles("-1|", values=int))), str)
    assert_type(run_marbles(lambda: marble("-a").map(str.upper), result="map", unit=0.1, until=50), str)
    assert_type(run_marbles(lambda: gather(marble("a"), marble("1", values=int)), context=context), str)
    assert_type(run_marbles(lambda: {"a": marble("a"), "b": marbles("b|")}, context=MiniAgents()), str)
    assert_type(run_marbles(lambda: asyncio.sleep(3)), str)
    assert_type(run_marbles(seconds), str)
    cases: dict[str, Scenario] = {
        "take": lambda: marbles("a-b|").take(1),
        "partition": lambda: dict(zip("ab", marbles("a-b|").partition(str.isupper), strict=True)),
    }
    for case in cases.values():
        assert_type(run_marbles(case), str)
    assert_type(run_marbles(seconds, pause=2, until=5), str)
    assert_type(run_marbles(lambda: marbles("a 9ms b|", times=True), cancel_at=3, subscriptions=True), str)
    assert_marbles(lambda: marbles("a-b|").map_pieces(str.upper), "A-B|")
    assert_marbles(lambda: marble("-a", times=False), {"source ^": "^|", "r": "-a"}, result="r", subscriptions=True)
    assert_marbles(seconds, "1|", unit=0.1, until=50, cancel_at=None, pause=0, context=MiniAgents())


async def scripts() -> None:
    steps: list[Step] = ["a", Pause(1.5), ValueError("no")]
    replies: list[Reply] = ["whole", Message("m"), KeyError("raised"), steps]
    agent = scripted_agent(*replies, alias="shy", pause=0.1)
    assert_type(agent, ScriptedAgent[Message, Message, []])
    _agent: MiniAgent[Message, Message, []] = agent
    assert_type(await transcript(agent.inquire()), str)
    assert_type(VirtualClockEventLoop().time(), float)


@miniagent
async def translate(_: InteractionContext[UserMessage, AssistantMessage], language: str) -> None: ...


async def slowly(asked: Asked[UserMessage]) -> Reply:
    return Several(f"{asked.messages[0]}", ["to", "ken"], AssistantMessage("whole"), Pause(1), ValueError("no"))


def stand_ins(answers: list[Answer[UserMessage]]) -> None:
    fake = scripted_agent("Bonjour", AssistantMessage("Salut"), slowly, of=translate, otherwise="Hi", alias="fake")
    _fake: ScriptedAgent[UserMessage, AssistantMessage, ...] = fake
    assert_type(fake.inquire("Hello", "French"), MessageSequencePromise[AssistantMessage])
    assert_type(fake.asked, tuple[Asked[UserMessage], ...])
    assert_type(fake.asked[0].messages, tuple[UserMessage, ...])
    assert_type(fake.asked[0].promise, MessageSequencePromise[UserMessage])
    assert_type(fake.asked[0].arguments, Mapping[str, object])
    assert_type(scripted_agent(*answers, of=translate).asked, tuple[Asked[UserMessage], ...])
    assert_type(
        scripted_agent("x", takes=UserMessage, gives=AssistantMessage), ScriptedAgent[UserMessage, AssistantMessage, []]
    )
    assert_type(scripted_agent("x", takes=UserMessage), ScriptedAgent[UserMessage, Message, []])
    assert_type(scripted_agent("x", gives=AssistantMessage), ScriptedAgent[Message, AssistantMessage, []])
    assert_type(scripted_agent("x", Several("a", Message("b"))), ScriptedAgent[Message, Message, []])
    scripted_agent(lambda asked: str(asked.messages[0]), otherwise=lambda asked: asked.messages[0])
    scripted_agent(["Let me see.", ToolCall(id="1", name="look"), Pause(1)], gives=AssistantMessage)
    with replaced(translate, fake):
        pass
    with replaced(agent_of_any, scripted_agent("x", of=agent_of_any)):
        pass


@miniagent
async def agent_of_any(_: InteractionContext) -> None: ...


async def cassettes(path: Path, mode: CassetteMode) -> None:
    with cassette(
        path, mode=mode, kinds=["agent"], when=lambda call: call.name == "a", pauses=True, secrets=["s"]
    ) as tape:
        assert_type(tape, Cassette)
        async with MiniAgents(around_calls=tape):
            pass
    async with MiniAgents(around_calls=[tape, cassette("run.cassette")]):
        pass
    assert_type(tape.path, Path)
    assert_type(tape.mode, CassetteMode)
    assert_type(tape.is_recording, bool)
    assert_type(tape.unrecorded, list[UnrecordedCallError])
    assert_type(tape.unused, list[str])


def cassette_errors(
    error: CassetteDamagedError | CassetteFormatError | CassetteMissingError | UnrecordedCallError,
) -> str:
    general: CassetteError = error
    assert_type(general.record, int | None)
    if isinstance(error, UnrecordedCallError):
        assert_type(error.nearest, str | None)
        assert_type(error.difference, CassetteDifference | None)
        return error.call if error.difference is None else error.difference.now
    return general.path + general.reason

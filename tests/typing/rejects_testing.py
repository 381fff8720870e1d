"""What the type checkers must refuse: the tools for tests.

Checked, not run. Each line that is wrong says to both checkers that it is; one that becomes valid is then refused as a
needless comment.
"""

from __future__ import annotations

from miniagents import AssistantMessage, InteractionContext, SystemMessage, UserMessage, miniagent
from miniagents.promising import Promise, Stream
from miniagents.testing import (
    Asked,
    Cassette,
    CassetteDamagedError,
    CassetteDifference,
    CassetteError,
    CassetteFormatError,
    CassetteMissingError,
    Pause,
    ScriptedAgent,
    Several,
    UnrecordedCallError,
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


def sources() -> None:
    marbles(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    marbles("a|", int)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    marbles("a|", values=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    marbles("a|", values={1: "a"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    marbles("a|", errors={"!": "no"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    marbles("a|", unit="s")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    marbles("a|", times=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    marbles("a|", start_asap=None)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    marble("a", max_ahead=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    _stream: Stream[int] = marbles("1|")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _promise: Promise[str] = marble("1", values=int)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    marbles("1|", values=int).map_pieces(str.upper)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    marble("1", values=int).map(str.upper)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def diagrams(stream: Stream[int]) -> None:
    await diagram(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await diagram({"three": 3})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    await diagram({3: stream})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    await diagram(stream, unit="s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await diagram(stream, stream)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    await transcript(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def scenarios(stream: Stream[int]) -> None:
    run_marbles(stream)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run_marbles(lambda: 3)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    run_marbles(lambda: [stream])  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    run_marbles(lambda source: source)  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType, reportUnknownLambdaType]
    run_marbles(lambda: stream, "result")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    run_marbles(lambda: stream, cancel_at="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run_marbles(lambda: stream, pause=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_marbles(stream, "a|")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_marbles(lambda: stream)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_marbles(lambda: stream, ["a|"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_marbles(lambda: stream, "a|", "result")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    run_marbles(lambda: stream, context="new")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def scripts() -> None:
    Pause("long")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    scripted_agent(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    scripted_agent("a", pause="long")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    scripted_agent("a").inquire(temperature=0.3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@miniagent
async def translate(_: InteractionContext[UserMessage, AssistantMessage], language: str) -> None: ...


def stand_ins(fake: ScriptedAgent[UserMessage, AssistantMessage, [str]]) -> None:
    scripted_agent("x", of=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    scripted_agent(3, of=translate)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    scripted_agent("x", of=translate, takes=UserMessage)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    scripted_agent("x", takes=str)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    scripted_agent("x", of=translate).inquire("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    scripted_agent("x", of=translate).inquire(SystemMessage("x"), "y")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    scripted_agent(lambda: "x", gives=AssistantMessage)  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
    fake.asked[0].messages[0].nope  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    fake.asked = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    Several(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Asked("x")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    ScriptedAgent(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    replaced(translate)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    replaced(translate, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def cassettes(tape: Cassette) -> None:
    cassette()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    cassette("a", "once")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    cassette("a", mode="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cassette("a", kinds="agent")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cassette("a", when=lambda call: call.nope)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownLambdaType]
    tape.unused = []  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    Cassette("a")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    CassetteError(3)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    CassetteDamagedError("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    CassetteFormatError("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    CassetteMissingError("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    UnrecordedCallError("a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    CassetteDifference("a", "b", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

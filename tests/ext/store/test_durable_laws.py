"""The law of durable runs: killed at any moment and started again, a run comes to what it comes to undisturbed.

Runs are random trees of calls, with tokens, events, errors, tools, cancellations, replies out of order, and questions
to a person who answers a little later. The process dies at any turn of its loop, also in the middle of a commit, also
several times.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    Call,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    ToolCall,
    miniagent,
    stream_message,
    tool,
)
from miniagents.ext.store import (
    NotStoredError,
    OnCut,
    StoreError,
    StreamEndedError,
    answer_call,
    call_key,
    durable,
    kept_replies,
    once,
    open_calls,
    wait_for_answer,
)
from tests.ext.store.dying import Connection, Died, Disk, lived

pytestmark = pytest.mark.leaves_errors_unread  # those of calls that nobody reads

Way: TypeAlias = Literal["one by one", "together", "passed on", "out of order", "one cancelled"]


@dataclass
class Node:
    """A call: a leaf without inner calls."""

    inner: "tuple[Node, ...]" = ()
    way: Way = "one by one"
    pause: float = 0.0
    messages: int = 1
    fails: bool = False
    kind: Literal["agent", "tool", "person"] = "agent"
    """Who does the work of a leaf."""
    catches: bool = False


@dataclass
class World:
    """What happens in all lives of a run."""

    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    starts: list[str] = field(default_factory=list[str])
    """The leaves that began in this life."""
    seen: set[str] = field(default_factory=set[str])
    """The calls whose ends their callers saw, in all lives."""
    keys: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    connection: Connection = field(default_factory=lambda: Connection(Disk()))
    is_durable: bool = False
    """Whether this is a durable run, and not the undisturbed one."""
    resumes: bool = False
    """Whether leaves that were cut go on behind the messages that they had replied with."""

    def place(self, node: Node, path: str) -> None:
        self.nodes[path] = node
        for number, inner in enumerate(node.inner):
            self.place(inner, f"{path}.{number}")

    def note(self, path: str) -> None:
        if not self.connection.is_dead:
            self.starts.append(path)
            self.keys.setdefault(path, set()).add(call_key())

    def saw(self, path: str) -> None:
        if not self.connection.is_dead:
            self.seen.add(path)


world = World()


@tool
async def work(path: str) -> str:
    """Work."""
    world.note(f"tool {path}")
    await asyncio.sleep(world.nodes[path].pause)
    return f"worked on {path}"


@miniagent
async def leaf(ctx: InteractionContext, path: str) -> None:
    node = world.nodes[path]
    world.note(path)
    asked = "".join([message.text or "" for message in await ctx.messages])
    if node.kind != "agent" and kept_replies():
        return  # it has replied with all that it has
    if node.kind == "person":
        ctx.reply(wait_for_answer() if world.is_durable else AssistantMessage(f"yes to {path}"))
        return
    if node.kind == "tool":
        result = await work.answer(ToolCall(id=path, name="work", arguments=json.dumps({"path": path})))
        world.saw(f"tool {path}")
        ctx.reply(AssistantMessage(f"{result.text} for {asked[-40:]}"))
        return

    async def tokens(number: int) -> AsyncIterator[str]:
        for token in (f"{path}#{number}", "<", asked[-40:], ">"):
            await asyncio.sleep(node.pause)
            yield token

    for number in range(len(kept_replies()), node.messages):
        ctx.reply(stream_message(AssistantMessage, tokens(number)))
    if node.fails:
        await asyncio.sleep(node.pause)
        raise ValueError(path)


@miniagent
async def branch(ctx: InteractionContext, path: str) -> None:
    node = world.nodes[path]
    asked = await once(lambda: f"{path} asks")
    calls = [f"{path}.{number}" for number in range(len(node.inner))]
    if node.way in ("passed on", "out of order"):
        for inner in calls:
            (ctx.reply if node.way == "passed on" else ctx.reply_out_of_order)(made(inner, asked))
        return
    texts: list[str] = []
    if node.way == "together":
        reads = [read(inner, asked, catches=node.catches) for inner in calls]
        for found in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(found, BaseException):
                raise found  # the first one by place: which one is the first by time may change with each start
            texts += found
    else:
        given_up = None
        if node.way == "one cancelled":
            given_up = made(calls.pop(), asked)
        for inner in calls:
            texts += await read(inner, asked + "".join(texts), catches=node.catches)
            if given_up is not None:
                given_up.cancel()
    ctx.reply(AssistantMessage(f"{path}({'|'.join(sorted(texts))})"))


def made(path: str, asked: str) -> MessageSequencePromise[Message]:
    agent = branch if world.nodes[path].inner else leaf
    return agent.inquire(asked, path=path)


async def read(path: str, asked: str, *, catches: bool) -> list[str]:
    """Read all replies, in an order that does not depend on the time."""
    found = await outcome_of(made(path, asked))
    world.saw(path)  # a reader that is cancelled sees no end
    errors = [text for kind, *text in found if kind == "error"]
    if errors and not catches:
        raise ValueError(*errors[0])
    return ["".join(each) for each in found]


Outcome: TypeAlias = list[tuple[str, ...]]


async def outcome_of(promise: MessageSequencePromise[Message]) -> Outcome:
    """Return the messages with their tokens, and the errors."""
    found: Outcome = []
    iterator = aiter(promise)
    while True:
        try:
            message = await anext(iterator)
        except StopAsyncIteration:
            return sorted(found)
        except ValueError as error:
            found.append(("error", str(error)))
            continue
        try:
            tokens = [token async for token in message]
            # messages that were kept are given again as a whole
            found.append(("message", *(["".join(tokens)] if world.resumes else tokens)))
        except ValueError as error:
            found.append(("error", str(error)))


def on_cut(call: Call) -> OnCut:
    return "resume" if world.resumes and call.name == "leaf" else "again"


async def program() -> Outcome:
    world.is_durable = True
    answering = asyncio.ensure_future(person(world.connection))
    try:
        async with durable(world.connection, run="a run", on_cut=on_cut) as run, MiniAgents(around_calls=run):
            return await outcome_of(made("0", "begin"))
    finally:
        answering.cancel()


async def person(connection: Connection) -> None:
    """Answer what is asked, in time."""
    with suppress(StoreError):  # the process is dead
        while True:
            await asyncio.sleep(0.05)
            async for call in open_calls(connection, run="a run"):
                answer = AssistantMessage(f"yes to {call.arguments['path']}")
                with suppress(NotStoredError, StreamEndedError):  # it was given up, or answered, meanwhile
                    await answer_call(connection, run="a run", key=call.key, answer=answer)


async def undisturbed() -> Outcome:
    async with MiniAgents():
        return await outcome_of(made("0", "begin"))


def life(turns: int | None) -> tuple[Outcome, int]:
    """Live once more; check that nothing is made again whose end was seen before."""
    seen = frozenset(world.seen)
    world.starts.clear()
    world.connection = Connection(world.connection.disk)
    try:
        return lived(world.connection, program, turns)
    finally:
        assert not seen.intersection(world.starts)
        assert all(len(keys) == 1 for keys in world.keys.values())


def begun(node: Node, *, resumes: bool = False) -> Outcome:
    """Begin another world, and return the outcome of the run without kills and without a store."""
    world.__init__(resumes=resumes)  # type: ignore[misc]  # agents are named by their modules, and know this one world
    world.place(node, "0")
    world.connection.is_dead = True  # it does not count
    outcome, _ = lived(Connection(Disk()), undisturbed)
    return outcome


leaves = st.builds(
    Node,
    pause=st.sampled_from([0.0, 0.001, 0.02, 0.3]),
    messages=st.integers(0, 3),
    fails=st.booleans(),
    kind=st.sampled_from(["agent", "agent", "tool", "person"]),
)


def branches(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    ways: Final[tuple[Way, ...]] = ("one by one", "together", "passed on", "out of order")
    some = st.builds(
        Node,
        inner=st.lists(inner, min_size=1, max_size=4).map(tuple),
        way=st.sampled_from(ways),
        catches=st.booleans(),
    )
    cancelling = st.builds(
        Node,
        inner=st.lists(inner, min_size=2, max_size=3).map(tuple),
        way=st.just("one cancelled"),
        catches=st.sampled_from([True]),
    )
    return some | cancelling


trees = st.recursive(leaves, branches, max_leaves=10)


@given(tree=trees, kills=st.lists(st.integers(1, 400), min_size=1, max_size=3), resumes=st.booleans())
def test_a_run_that_is_killed_and_started_again_comes_to_what_it_comes_to_undisturbed(
    tree: Node, kills: list[int], resumes: bool
) -> None:
    expected = begun(tree, resumes=resumes)
    for turns in kills:
        with suppress(Died):
            assert life(turns)[0] == expected
    assert life(None)[0] == expected
    assert life(None)[0] == expected


DEEP: Final = Node(
    (
        Node((Node(pause=0.02), Node(pause=0.001, messages=2)), way="together"),
        Node((Node(fails=True), Node(messages=3)), way="one by one", catches=True),
        Node((Node(pause=0.3), Node(pause=0.02)), way="out of order"),
        Node((Node(), Node(pause=0.3)), way="one cancelled", catches=True),
        Node((Node(kind="person"), Node(kind="tool", pause=0.02)), way="together"),
        Node(kind="person"),
    )
)


def test_the_law_holds_for_every_moment_of_a_run() -> None:
    expected = begun(DEEP)
    _, turns = life(None)
    for moment in range(1, turns, 3):
        assert begun(DEEP) == expected
        with suppress(Died):
            life(moment)
        assert life(None)[0] == expected

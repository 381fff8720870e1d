"""`miniagents runs`: lists, the calls of one run, and runs that are followed while they go on."""

import asyncio
import io
import re
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Literal

import pyte
import pytest
from hypothesis import given
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AssistantMessage,
    Call,
    InteractionContext,
    Message,
    MessageType,
    MiniAgents,
    Proceed,
    miniagent,
    stream_message,
)
from miniagents.calls import Price
from miniagents.cli import main
from miniagents.commands._costs import CallsThatCost, Cost, cost_of, price_of
from miniagents.commands._following import Follower, follow, latest_live
from miniagents.commands._live_view import LiveView
from miniagents.commands._run_texts import ListedRun, call_line, table_of
from miniagents.ext.llm import create_openai_agent
from miniagents.ext.store import KeptCall, RunInfo, SQLiteStore
from miniagents.messages import CallRecord, Identity, OpenAIMessage, ToolCall, Usage
from miniagents.printing import is_printable
from miniagents.testing import cassette
from tests.hostile import texts


@miniagent
async def poet(ctx: InteractionContext, fails: bool) -> None:
    ctx.reply("Roses are red")
    if fails:
        raise ValueError("no rhyme\nnowhere")


@miniagent
async def editor(ctx: InteractionContext, gate: asyncio.Event) -> None:
    """Has a poem at once, and then says a word before the gate and one behind it."""

    async def words() -> AsyncIterator[str]:
        yield "before "
        await gate.wait()
        yield "behind"

    ctx.reply(poet.inquire(fails=False))
    ctx.reply(stream_message(AssistantMessage, words()))


async def _kept_runs() -> list[str]:
    async with SQLiteStore("runs.db") as store:
        for fails in (False, True):
            async with MiniAgents(store=store):
                with suppress(ValueError):
                    await poet.inquire(fails=fails)
        return [run.id async for run in store.runs()]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A store with two runs, of which the later one failed; their identifiers, the latest first."""
    monkeypatch.chdir(tmp_path)
    return asyncio.run(_kept_runs())


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be set on Windows")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def timeless(text: str) -> str:
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DAY AND TIME", text)
    return re.sub(r"[\d.]+ m?s\b", "TIME", text)


def info(run: str, **facts: Any) -> RunInfo:  # Any: any facts of a run
    given_or_usual: dict[str, Any] = {  # Any: as above
        "began": 1_700_000_000.0,
        "ended": 1_700_000_002.5,
        "calls": 3,
        "failed": 0,
        "is_live": False,
        **facts,
    }
    return RunInfo(id=run, **given_or_usual)


def record(number: int, *place: int, name: str = "", **facts: Any) -> CallRecord:  # Any: any facts of a record
    given_or_usual: dict[str, Any] = {"began": 1000.0, "ended": 1001.25, "outcome": "done", **facts}  # Any: as above
    called = Identity(kind="agent", name=name or f"agent{number}")
    return CallRecord(run="r", number=number, place=place, called=called, **given_or_usual)


# --- texts ---


@pytest.mark.usefixtures("utc")
def test_the_list_of_runs(snapshot: SnapshotAssertion) -> None:
    began = 1_700_000_000.0
    listed = [
        ListedRun(
            info("3fb27a00ffffffff", calls=12_345, failed=2, is_live=True, ended=None), Cost(), began, None, None
        ),
        ListedRun(info("3fb27a01ffffffff"), Cost(1_234_567, 89, 12.5), began - 1, began + 83, "ValueError: no\nrhyme"),
        ListedRun(info("00", ended=None), Cost(5, 5, 0.25, frozenset({"x"})), began, None, "\x1b[2J gone"),
        ListedRun(info("01", ended=None), Cost(5, 5, 0, frozenset({"x"})), began, began + 7300, None),
    ]
    tables = [table_of(listed, priced=priced, now=began + 10) for priced in (False, True)]
    listed.append(ListedRun(info("02", calls=1200), Cost(), began, began + 1, None, replayed=1100))
    tables.append(table_of(listed, priced=True, now=began + 10))
    assert "\n".join(line for table in tables for line in (*table, "")) == snapshot


def test_the_lines_of_calls(snapshot: SnapshotAssertion) -> None:
    lines = [
        call_line(record(1, 1), [Message("Roses"), AssistantMessage("are\nred"), AssistantMessage()], (), None),
        call_line(
            record(6, 1), [AssistantMessage(tool_calls=(ToolCall(id="1", name="buy", arguments='{"a": 1}'),))], (), None
        ),
        call_line(record(2, 1, 1, outcome="failed", error="ValueError: no"), [Message("x")], (), None),
        call_line(record(3, 1, 1, 1, outcome="cancelled", began=None), (), (), None),
        call_line(record(4, 1, 2, outcome=None, ended=None), (), ("so far",), 1001.0),
        call_line(record(5, outcome=None, ended=None), (), ("so far",), None),
        call_line(record(7, 1, replayed=True), [Message("again")], (), None),
    ]
    assert "\n".join(lines) == snapshot


@given(texts())
def test_no_text_of_a_call_does_anything_to_the_terminal(text: str) -> None:
    text = text.encode(errors="ignore").decode()  # no record holds half of a surrogate pair
    line = call_line(record(1, 1, name=text, error=text, outcome="failed"), (), (), None)
    said = call_line(record(1, 1), [Message(text)], (text,), None)
    assert all(map(is_printable, line + said))


# --- costs ---


def test_prices_are_read() -> None:
    assert price_of("a=b=1,2.5,0.5") == ("a=b", Price(input=1, output=2.5, cached=0.5))
    for wrong in ("x", "x=", "=1,2", "x=1", "x=1,b", "x=1,2,3,4,5", "x=-1,2", "x=nan,1", "x=1,inf"):
        with pytest.raises(ValueError, match="is no price: write MODEL=IN,OUT or"):
            price_of(wrong)


async def test_only_the_answers_of_models_cost() -> None:
    """Agents that pass on an answer have used nothing, and kept answers are not paid again. The longest name counts."""

    def answer(model: str | None, **tokens: int) -> AssistantMessage:
        return AssistantMessage("yes", model=model, usage=Usage(**tokens))

    answers = [
        answer("gpt-5-mini-2025", input_tokens=1_000_000, output_tokens=100_000),
        answer("gpt-5", input_tokens=1000, cache_read_tokens=400, cache_write_tokens=100),
        answer(None, output_tokens=7),
        AssistantMessage("unknown use"),
    ]
    agent, model = Identity(kind="agent", name="local"), Identity(kind="model", name="local")
    async with SQLiteStore(":memory:") as store:
        await store.put(answers)
        calls = [
            KeptCall(
                record=CallRecord(run="r", number=1, called=called, replayed=replayed),
                messages=(),
                replies=tuple(each.hash_key for each in answers),
                stream=None,
            )
            for called, replayed in ((agent, False), (model, False), (model, True))
        ]
        cost = await cost_of(store, calls, dict(map(price_of, ("gpt-5=10,1,5,20", "gpt-5-mini=2,30"))))
    assert cost[:2] == (1_001_000, 100_007)
    assert cost.amount == pytest.approx(2 + 3 + (500 * 10 + 400 * 5 + 100 * 20) / 1e6)
    assert (cost.unpriced, cost.price) == (frozenset({"local"}), "5.0090+")


@pytest.mark.parametrize("is_old", [False, True])
def test_the_agent_that_stands_for_a_model_costs_nothing(is_old: bool) -> None:
    """Older records do not say that it is no model."""
    model, tool = Identity(kind="model", name="x"), Identity(kind="tool", name="x")
    agent = Identity(kind="agent", name="x")
    stands: Literal["agent"] | None = None if is_old else "agent"
    calls: list[tuple[int, int | None, Identity, Literal["agent"] | None]] = [
        (1, None, agent, None),
        (2, 1, model, stands),
        (3, 1, model, stands),
        (4, 3, model, None),
        (5, 2, model, None),
        (6, 2, tool, None),
        (7, 6, model, stands),
        (8, 7, model, None),
        (9, 2, model, None),
        (10, 1, model, None),  # nothing says what it is, and its answer is paid once in any case
    ]
    costly = CallsThatCost()
    found: list[int] = []
    for number, parent, called, kind in calls:
        record = CallRecord(run="r", number=number, parent=parent, called=called, kind=kind)
        found += (
            call.record.number for call in costly.add(KeptCall(record=record, messages=(), replies=(), stream=None))
        )
    found += (call.record.number for call in costly.rest())
    assert found == [4, 5, 8, 9, 10]


# --- the command ---


def test_runs_and_their_calls_are_listed(
    runs: list[str], capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    assert main(["runs", "runs.db"]) == 0
    listed = capsys.readouterr().out
    assert main(["runs", "runs.db", runs[0][:10]]) == 0
    shown = capsys.readouterr().out
    assert main(["runs", "runs.db", "--last", "1", "--price", "x=1,2"]) == 0
    last = capsys.readouterr()
    text = timeless(f"{listed}\n{shown}\n{last.out}\n{last.err}")
    for place, run in enumerate(runs):
        text = text.replace(run, f"RUN{place}").replace(run[:8], f"RUN{place}")
    assert re.sub(" +", " ", text) == snapshot


async def _asked_twice() -> None:
    async def answering(call: Call, proceed: Proceed) -> MessageType[Message]:
        if call.kind != "model":
            return proceed()
        return OpenAIMessage("yes", usage=Usage(input_tokens=10, output_tokens=2))

    model = create_openai_agent("gpt-5", api_key="none")
    async with SQLiteStore("runs.db") as store:
        for _ in range(2):
            with cassette("run.cassette", mode="once") as tape:
                async with MiniAgents(store=store, around_calls=[tape, answering]):
                    await model.inquire("go on?")


def test_what_is_given_again_is_told_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(_asked_twice())
    assert main(["runs", "runs.db"]) == 0
    head, later, earlier = capsys.readouterr().out.splitlines()
    assert re.split("  +", head)[4:8] == ["calls", "replayed", "failed", "tokens in"]
    assert re.split("  +", timeless(later))[4:9] == ["2", "1", "0", "0", "0"]
    assert re.split("  +", timeless(earlier))[4:9] == ["2", "0", "0", "10", "2"]
    assert main(["runs", "runs.db", later.split()[0]]) == 0
    assert "done, replayed, after" in capsys.readouterr().out


def test_a_damaged_run_is_told_and_the_others_listed(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect("runs.db")) as file, file:
        file.execute("UPDATE calls SET record=replace(record, 'poet', 'poem') WHERE run=?", (runs[0],))
    assert main(["runs", "runs.db"]) == 1
    out, err = capsys.readouterr()
    assert "is not what was written" in err
    assert out.splitlines()[1].endswith("it is damaged")
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.db"], "missing.db"),
        (["text.jsonl"], "text.jsonl: this is no store; `MiniAgents(store=...)` keeps runs in one"),
        (["runs.db", "x"], "there is no run 'x'; `miniagents runs` lists them"),
        (["runs.db", "x", "--follow"], "there is no run 'x'"),
        (["runs.db", "--last", "0"], "--last is a number of runs from 1, not 0"),
        (["runs.db", "--price", "gpt-5"], "'gpt-5' is no price: write MODEL=IN,OUT"),
        (["postgresql://localhost:1/x"], "look at the server, its address"),
    ],
)
@pytest.mark.usefixtures("runs")
def test_mistakes(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.jsonl").write_text("{}\n", encoding="utf-8")
    assert main(["runs", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not Path("missing.db").exists()


def test_a_store_without_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def make() -> None:
        async with SQLiteStore("runs.db") as store:
            await store.flush()

    monkeypatch.chdir(tmp_path)
    asyncio.run(make())
    assert main(["runs", "runs.db"]) == 0
    assert capsys.readouterr() == ("", "there is no run yet; `MiniAgents(store=...)` keeps runs\n")


# --- following ---


class Seen:
    """Notes what is shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.below: list[str] = []

    def ended(self, line: str, *, is_wrong: bool = False) -> None:
        self.lines.append(timeless(line) + ("!" if is_wrong else ""))

    def running(self, lines: Sequence[str]) -> None:
        self.below = [timeless(line) for line in lines]


async def test_a_run_is_followed_as_its_calls_speak_and_end() -> None:
    seen, gate = Seen(), asyncio.Event()
    async with SQLiteStore(":memory:") as store:
        async with MiniAgents(store=store) as context:
            replies = editor.inquire(gate=gate)
            while not [stream async for stream in store.streams() if stream.count >= 6]:
                await asyncio.sleep(0.01)
                await context.flush()
            follower = Follower(store, await latest_live(store))
            assert (await follower.look(seen)).is_live
            assert seen.lines == ["  poet (2)  done after TIME: Roses are red"]
            assert seen.below == ["editor (1)  running for TIME: Roses are red before"]
            await follower.look(seen)
            assert len(seen.lines) == 1  # an end is told once
            gate.set()
            await replies
            with pytest.raises(ValueError, match="no rhyme"):
                await poet.inquire(fails=True)
        assert not (await follower.look(seen)).is_live
    assert seen.lines[1:] == [
        "editor (1)  done after TIME: Roses are red before behind",
        "poet (3)  failed after TIME: ValueError: no rhyme!",
    ]
    assert seen.below == ["editor (1)  running for TIME: Roses are red before"]  # `follow` takes it away


def test_a_run_that_has_ended_is_shown_to_its_end(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "runs.db", runs[0], "--follow"]) == 0
    assert timeless(capsys.readouterr().out).splitlines() == [
        "poet (1)  failed after TIME: ValueError: no rhyme",
        f"run {runs[0]}: ended, 1 call, 1 failed",
    ]


async def test_of_a_run_that_is_old_already_only_a_number_is_told() -> None:
    seen = Seen()
    async with SQLiteStore(":memory:") as store:
        async with MiniAgents(store=store):
            for _ in range(150):
                await poet.inquire(fails=False)
        (run,) = [run async for run in store.runs()]
        await Follower(store, run).look(seen)
    assert seen.lines == ["150 calls ended before, 0 failed"]


async def test_the_next_run_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    async with SQLiteStore(":memory:") as store:
        waiting = asyncio.create_task(_follow_the_next(store))
        while "waiting for the next one" not in capsys.readouterr().err:
            await asyncio.sleep(0.01)
        gate = asyncio.Event()
        async with MiniAgents(store=store):
            editor.inquire(gate=gate)
            asyncio.get_running_loop().call_later(0.3, gate.set)
        run = await waiting
    lines = timeless(capsys.readouterr().out).splitlines()
    assert lines[-1] == f"run {run}: ended, 2 calls, 0 failed"
    assert sorted(line.split()[0] for line in lines[:-1]) == ["editor", "poet"]


async def _follow_the_next(store: SQLiteStore) -> str:
    run = await latest_live(store)
    await follow(store, run)
    return run.id


# --- the terminal ---


def test_what_a_terminal_shows(snapshot: SnapshotAssertion) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=60, height=8, color_system="standard", highlight=False)
    screen = pyte.Screen(60, 8)
    stream = pyte.Stream(screen)
    looks: list[str] = []

    def look() -> None:
        stream.feed(out.getvalue().replace("\n", "\r\n"))
        out.seek(0)
        out.truncate()
        looks.append("\n".join(line.rstrip() for line in screen.display).rstrip())

    with LiveView(console) as view:
        view.running(["editor (1)  running for 1.0 s: Roses", "  poet (2)  running for 0.5 s: " + "la " * 30 + "end"])
        look()
        view.ended("  poet (2)  done after 0.7 s: " + "la " * 30)
        view.ended("  bad (3)  failed after 0.1 s: no", is_wrong=True)
        view.running(["editor (1)  running for 1.2 s: Roses are"])
        look()
        view.running([f"agent{number} ({number})  running for 1.0 s" for number in range(20)])
        look()
        view.running(())
        view.ended("run 3fb2: ended, 3 calls, 1 failed")
    look()
    assert "\n----\n".join(looks) == snapshot
    assert not screen.cursor.hidden


@pytest.mark.parametrize("text", ["漢字" * 60, "a漢" * 60, "🙂 " * 60, "e\u0301" * 100])
def test_a_line_of_wide_characters_is_one_line_of_the_terminal(text: str) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=60, height=8, color_system=None, highlight=False)
    screen = pyte.Screen(60, 8)
    with LiveView(console) as view:
        view.ended(f"  poet (2)  done after 0.7 s: {text}")
        view.ended(f"{text[:25]} (3)  done after 0.7 s: x")
        view.running([f"editor (1)  running for 1.0 s: {text}", text])
        pyte.Stream(screen).feed(out.getvalue().replace("\n", "\r\n"))
    shown = [line.rstrip() for line in screen.display if line.strip()]
    assert [line.split()[0] for line in shown[:3:2]] == ["poet", "editor"]
    assert len(shown) == 4


def test_without_rich_a_terminal_is_told_what_to_install(
    runs: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "miniagents.commands._live_view", None)
    assert main(["runs", "runs.db", runs[0], "--follow"]) == 2
    assert "--follow needs rich: pip install 'miniagents[chat]'" in capsys.readouterr().err

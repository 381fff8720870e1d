"""Cassettes: what each mode does, what is refused, what a file must be, and what never enters it."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from miniagents import (
    Call,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    PromiseCancelledError,
    ReasoningDelta,
    StreamEvent,
    ToolCall,
    miniagent,
    stream_message,
    tool,
)
from miniagents.cli import main as command
from miniagents.testing import (
    CassetteDamagedError,
    CassetteDifference,
    CassetteError,
    CassetteFormatError,
    CassetteMissingError,
    CassetteMode,
    Pause,
    UnrecordedCallError,
    cassette,
    scripted_agent,
    transcript,
)

KEY: Final = "sk-planted-0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "run.cassette"


class Town(Message, kw_only=True):
    name: str
    size: int


asked: list[str] = []
"""What `echo` and `weather` were asked."""


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    asked.clear()


@miniagent
async def echo(ctx: InteractionContext, times: int = 1) -> None:
    for message in await ctx.messages:
        asked.append(str(message))
        ctx.reply([str(message)] * times)


def content(path: Path) -> bytes:
    return path.read_bytes()


def is_there(path: Path) -> bool:
    return path.exists()


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


async def say(path: Path, mode: CassetteMode, *texts: str, times: int = 1) -> list[str]:
    with cassette(path, mode=mode, kinds=["agent"]) as tape:
        async with MiniAgents(around_calls=tape):
            return [str(reply) for text in texts for reply in await echo.inquire(text, times=times)]


# --- modes ---


async def test_once_records_where_there_is_no_file_and_replays_where_there_is_one(path: Path) -> None:
    assert await say(path, "once", "a", "b") == ["a", "b"]
    assert await say(path, "once", "b", "a") == ["b", "a"]
    assert asked == ["a", "b"]


async def test_record_makes_all_calls_again(path: Path) -> None:
    await say(path, "record", "a")
    await say(path, "record", "b")
    assert asked == ["a", "b"]
    with pytest.raises(UnrecordedCallError):
        await say(path, "replay", "a")


async def test_replay_needs_a_file(path: Path) -> None:
    with pytest.raises(CassetteMissingError, match="record it with") as caught:
        await say(path, "replay", "a")
    assert isinstance(caught.value, FileNotFoundError)


async def test_none_new_makes_other_calls_and_does_not_record_them(path: Path) -> None:
    await say(path, "record", "a")
    before = content(path)
    assert await say(path, "none_new", "a", "b") == ["a", "b"]
    assert asked == ["a", "b"]
    assert content(path) == before


async def test_a_recording_without_calls_leaves_no_file(path: Path) -> None:
    await say(path, "once")
    assert not is_there(path)


@pytest.mark.parametrize(("error", "is_written"), [(RuntimeError, False), (AssertionError, True)])
async def test_a_program_that_broke_is_not_kept(
    path: Path, error: type[Exception], is_written: bool, logged: list[str]
) -> None:
    with pytest.raises(error), cassette(path, kinds=["agent"]) as tape:
        async with MiniAgents(around_calls=tape):
            await echo.inquire("a")
        raise error("stop")
    assert is_there(path) is is_written
    assert len(logged) == (not is_written)


async def test_only_chosen_calls_are_replayed(path: Path) -> None:
    def is_a(call: Call) -> bool:
        return call.arguments["times"] == 1

    for _ in range(2):
        with cassette(path, kinds=["agent"], when=is_a) as tape:
            async with MiniAgents(around_calls=tape):
                await echo.inquire("a", times=1)
                await echo.inquire("b", times=2)
    assert asked == ["a", "b", "b"]


async def test_what_was_not_replayed_is_told(path: Path) -> None:
    await say(path, "record", "a", "b")
    with cassette(path, mode="replay", kinds=["agent"]) as tape:
        async with MiniAgents(around_calls=tape):
            await echo.inquire("b", times=1)
        assert tape.unused == ["""agent 'echo' with times=1, given "a\""""]


def test_a_cassette_has_to_be_open(path: Path) -> None:
    async def main() -> None:
        async with MiniAgents(around_calls=cassette(path, kinds=["agent"])):
            await echo.inquire("a")

    with pytest.raises(RuntimeError, match=r"with cassette\(...\) as tape"):
        asyncio.run(main())


def test_wrong_arguments_are_refused(path: Path) -> None:
    wrong: Any = "agents"  # Any: nothing that is expected
    with pytest.raises(ValueError, match="mode is one of 'record'"):
        cassette(path, mode=wrong)
    with pytest.raises(ValueError, match="'agents' is no kind"):
        cassette(path, kinds=[wrong])
    with pytest.raises(TypeError, match="kinds is a list"):
        cassette(path, kinds=wrong)
    with pytest.raises(TypeError, match=r"secrets is a list, as in secrets=\['abc'\]"):  # each letter would be one
        cassette(path, secrets="abc")
    tape = cassette(path)
    with tape, pytest.raises(RuntimeError, match="was entered already"):
        tape.__enter__()


# --- what is replayed ---


@pytest.mark.virtual_clock
@pytest.mark.parametrize("pauses", [True, False])
async def test_pieces_events_and_errors_come_again_with_or_without_pauses(path: Path, pauses: bool) -> None:
    model = scripted_agent(["It", ReasoningDelta("hm"), Pause(6), " rains", ConnectionError("lost")])
    seen: list[tuple[str, float]] = []
    for _ in range(2):
        with cassette(path, kinds=["agent"], pauses=pauses) as tape:
            async with MiniAgents(around_calls=tape):
                began = asyncio.get_running_loop().time()
                text = await transcript(model.inquire("How is it?"))
                seen.append((text, round(asyncio.get_running_loop().time() - began)))
    assert seen[1][0] == seen[0][0]
    assert "ConnectionError: lost" in seen[1][0]
    assert seen[1][1] == (6 if pauses else 0)


@pytest.mark.virtual_clock
async def test_messages_that_overtake_each_other_do_so_again(path: Path) -> None:
    @miniagent
    async def two(ctx: InteractionContext) -> None:
        for seconds in (2, 1):
            ctx.reply(stream_message(Message, slow(seconds)))

    async def slow(seconds: int) -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(seconds)
            yield f"{seconds}{number} "

    seen: list[str] = []
    for _ in range(2):
        with cassette(path, kinds=["agent"], pauses=True) as tape:
            async with MiniAgents(around_calls=tape):
                seen.append(await transcript(two.inquire()))
    assert seen[1] == seen[0]
    assert seen[0].index("2 = ") < seen[0].index("1 = ")


class _QuotaError(Exception):
    pass


class _ShapedError(Exception):
    def __init__(self, code: int, *, where: object) -> None:
        super().__init__(f"{code} at {where}", object())


@pytest.mark.parametrize("error", [_QuotaError("no more"), _ShapedError(3, where="here")], ids=["plain", "shaped"])
async def test_errors_have_their_class_again_if_they_can_be_made_again(path: Path, error: Exception) -> None:
    model = scripted_agent(error)
    with cassette(path, kinds=["agent"]) as tape:
        async with MiniAgents(around_calls=tape):
            with pytest.raises(type(error)):
                await model.inquire()
    with cassette(path, kinds=["agent"]) as tape:
        async with MiniAgents(around_calls=tape):
            replies = model.inquire()
            with pytest.raises(Exception) as caught:
                await replies
    is_plain = isinstance(error, _QuotaError)
    assert type(caught.value).__name__ == ("_QuotaError" if is_plain else "RemoteError")
    assert "_QuotaError" in repr(type(error)) or "_ShapedError" in str(caught.value)


@pytest.mark.virtual_clock
@pytest.mark.parametrize("pauses", [True, False])
async def test_a_call_that_was_cancelled_waits_to_be_cancelled_again(path: Path, pauses: bool) -> None:
    model = scripted_agent(["a", Pause(5), "b", Pause(100)])
    for _ in range(2):
        with cassette(path, kinds=["agent"], pauses=pauses) as tape:
            async with MiniAgents(around_calls=tape):
                replies = model.inquire()
                tokens = tokens_of(replies)
                assert [await anext(tokens), await anext(tokens)] == ["a", "b"]
                await asyncio.sleep(3)
                waiting = asyncio.ensure_future(anext(tokens))
                await asyncio.sleep(1)
                assert not waiting.done()
                replies.cancel()
                with pytest.raises(PromiseCancelledError):
                    await waiting


async def tokens_of(replies: MessageSequencePromise[Message]) -> AsyncIterator[str]:
    async for reply in replies:
        async for token in reply:
            yield token


async def test_equal_calls_are_told_apart_by_the_calls_around_them(path: Path) -> None:
    order: list[int] = []
    answers = iter(range(10))

    @miniagent
    async def inner(ctx: InteractionContext) -> None:
        ctx.reply(str(next(answers)))

    @miniagent
    async def outer(ctx: InteractionContext, turns: int, name: str) -> None:
        for _ in range(turns if is_recording else 5 - turns):  # the other one comes first in the replay
            await asyncio.sleep(0)
        order.append(turns)
        ctx.reply([f"{name} {reply}" for reply in await inner.inquire("same")])

    seen: list[list[str]] = []
    for is_recording in (True, False):  # noqa: B007 - `outer` looks at it
        with cassette(path, kinds=["agent"], when=lambda call: call.name == "inner") as tape:
            async with MiniAgents(around_calls=tape):
                both = [outer.inquire(turns=turns, name=name) for turns, name in ((0, "a"), (5, "b"))]
                seen.append([str(reply) for replies in both for reply in await replies])
    assert order == [0, 5, 5, 0]
    assert seen[1] == seen[0]


@tool
async def weather(city: str) -> str:
    """Tell the weather."""
    asked.append(city)
    return f"Rain in {city}"


async def test_tools_are_replayed_with_the_call_of_the_model(path: Path) -> None:
    results: list[tuple[str, str | None]] = []
    for number in range(2):
        with cassette(path) as tape:
            async with MiniAgents(around_calls=tape):
                call = ToolCall(id=f"call-{number}", name="weather", arguments='{"city": "Kiel"}')
                result = await weather.answer(call)
                results.append((str(result), result.tool_call_id))
    assert results == [("Rain in Kiel", "call-0"), ("Rain in Kiel", "call-1")]
    assert asked == ["Kiel"]


# --- calls that are not recorded ---


async def test_a_call_that_is_not_recorded_is_shown_beside_the_nearest_one(path: Path) -> None:
    await say(path, "record", "Hello", "How is the weather in Kiel?")
    with pytest.raises(UnrecordedCallError) as caught:
        await say(path, "replay", "How is the weather in Bonn?")
    error = caught.value
    assert isinstance(error, LookupError)
    assert error.path == str(path)
    assert error.record == 2
    assert error.difference == CassetteDifference(
        "$.messages[0].text", "'How is the weather in Kiel?'", "'How is the weather in Bonn?'"
    )
    assert str(error) == (
        f"{path}: the call is not recorded\n"
        "  now:      agent 'echo' with times=1, given \"How is the weather in Bonn?\"\n"
        "  nearest:  agent 'echo' with times=1, given \"How is the weather in Kiel?\" (record 2)\n"
        "  first difference:\n"
        "    $.messages[0].text\n"
        "    recorded 'How is the weather in Kiel?'\n"
        "    now      'How is the weather in Bonn?'\n"
        'To record all calls again: cassette(..., mode="record"), or delete the file'
    )
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.difference) == (str(error), error.difference)


async def test_arguments_that_differ_are_shown(path: Path) -> None:
    await say(path, "record", "Hello")
    with pytest.raises(UnrecordedCallError) as caught:
        await say(path, "replay", "Hello", times=2)
    assert caught.value.difference == CassetteDifference("$.arguments.times", "1", "2")


async def test_messages_that_are_missing_are_shown(path: Path) -> None:
    with cassette(path, kinds=["agent"]) as tape:
        async with MiniAgents(around_calls=tape):
            await echo.inquire(["a", "b"])
    with cassette(path, kinds=["agent"]) as tape:
        async with MiniAgents(around_calls=tape):
            with pytest.raises(UnrecordedCallError) as caught:
                await echo.inquire("a")
    assert caught.value.difference == CassetteDifference("$.messages[1]", '{"@type":"Message","text":"b"}', "(nothing)")
    assert tape.unrecorded == [caught.value]


async def test_a_call_is_not_replayed_more_often_than_it_was_recorded(path: Path) -> None:
    await say(path, "record", "a")
    with pytest.raises(UnrecordedCallError, match="was recorded 1 times, and is made once more"):
        await say(path, "replay", "a", "a")


async def test_the_cassette_of_another_program_says_what_it_has(path: Path) -> None:
    with cassette(path) as tape:
        async with MiniAgents(around_calls=tape):
            await weather.answer(ToolCall(id="1", name="weather", arguments='{"city": "Kiel"}'))
    with pytest.raises(UnrecordedCallError, match="there is no call of a agent; it has tool 'weather'"):
        await say(path, "replay", "a")


# --- files ---


async def test_the_file_is_records_that_the_command_shows(
    path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    await say(path, "record", "a", "b")
    assert command(["cat", "--type", "RecordedCall", "--where", "called.name=echo", "--count", str(path)]) == 0
    assert b"2  RecordedCall" in capsysbinary.readouterr().out


DAMAGES: Final[list[tuple[Callable[[bytes], bytes], type[CassetteError], str, int | None]]] = [
    (lambda _: b"", CassetteFormatError, "no cassette of miniagents", None),
    (lambda _: b"interactions:\n- request: 1\n", CassetteFormatError, "no cassette of miniagents", None),
    (lambda _: b'{"@type":"Message","text":"a"}\n', CassetteFormatError, "no cassette of miniagents", None),
    (lambda _: b'{"@type":"Message","version":1}\n', CassetteFormatError, "no cassette of miniagents", None),
    (
        lambda data: data.replace(b'"version":1', b'"version":2,"more":1'),
        CassetteFormatError,
        "newer version",
        None,
    ),
    (lambda data: data[:-2], CassetteDamagedError, "in the middle of a record", 2),
    (lambda data: data[:-40] + b"\n", CassetteDamagedError, "restore the file", 2),
    (lambda data: data.replace(b'"frame":"text","text":"b"', b'"frame":"tex"'), CassetteDamagedError, "frame 2", 2),
    (lambda data: data.replace(b'"text":"b"}', b'"text":3}', 2), CassetteDamagedError, "frame", 2),
    (lambda data: data.replace(b'"times":[', b'"times":[1,'), CassetteDamagedError, "times", 1),
    (lambda data: data.replace(b'"key":"', b'"kee":"'), CassetteDamagedError, "key", 1),
    (lambda data: data.replace(b'"key":"', b'"key":"\xff'), CassetteDamagedError, "restore", 1),
]
"""Ways to change a file, and the error of each with its text and its record."""


@pytest.mark.parametrize(("change", "error", "says", "record"), DAMAGES)
async def test_a_file_that_cannot_be_read_is_a_typed_error(
    path: Path, change: Callable[[bytes], bytes], error: type[CassetteError], says: str, record: int | None
) -> None:
    await say(path, "record", "a", "b")
    overwrite(path, change(content(path)))
    with pytest.raises(error, match=says) as caught:
        cassette(path).__enter__()
    assert caught.value.path == str(path)
    assert caught.value.record == record


async def test_a_file_may_end_without_a_line_break(path: Path) -> None:
    """Editors and merges leave it out."""
    await say(path, "record", "a", "b")
    overwrite(path, content(path).removesuffix(b"\n"))
    assert await say(path, "replay", "a", "b") == ["a", "b"]
    await say(path, "record")
    overwrite(path, content(path).removesuffix(b"\n"))
    with pytest.raises(UnrecordedCallError, match="it has no calls"):
        await say(path, "replay", "a")


async def test_what_a_call_was_given_may_be_edited_by_hand(path: Path) -> None:
    """The key of a record is of what it was given before."""
    await say(path, "record", "one", "one")
    data = content(path)
    begin, end = (b'"messages":[{"@type":"Message","text":' + text for text in (b'"one"', b'"two"'))
    before, between, behind = data.split(begin)
    overwrite(path, before + begin + between + end + behind)
    asked.clear()
    assert await say(path, "replay", "two", "one") == ["one", "one"]
    with pytest.raises(UnrecordedCallError, match="recorded 1 times, and is made once more"):
        await say(path, "replay", "two", "two")
    assert asked == []


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize(
    ("named", "instead", "said"),
    [
        (b'"@type":"Town"', b'"@type":"Village"', r"no class with the tag 'Village'"),
        (b'"size":2', b'"size":"two"', r"\$\.size: Expected `int`, got `str`"),
        (b'"size":2', b'"weight":2', "Town needs the field 'size'"),
    ],
)
async def test_replies_that_the_program_cannot_read_are_an_error_that_names_the_file(
    path: Path, named: bytes, instead: bytes, said: str
) -> None:
    """The class of a message has changed since it was recorded, or its module is not imported."""

    @miniagent
    async def find(ctx: InteractionContext) -> None:
        ctx.reply(["found", Town(name="Kiel", size=2)])

    async def found(mode: CassetteMode) -> list[Message]:
        with cassette(path, mode=mode, kinds=["agent"]) as tape:
            async with MiniAgents(around_calls=tape):
                return [*await find.inquire()]

    recorded = await found("record")
    assert await found("replay") == recorded
    overwrite(path, content(path).replace(named, instead))
    with pytest.raises(CassetteDamagedError, match=rf"the replies of agent 'find'.*{said}") as caught:
        await found("replay")
    assert (caught.value.path, caught.value.record) == (str(path), 1)


async def test_every_cut_and_every_changed_byte_is_an_error_or_a_cassette(path: Path) -> None:
    await say(path, "record", "a", "b")
    data = content(path)
    for place in range(len(data)):
        for damaged in (data[:place], data[:place] + b"\x00" + data[place + 1 :], data[:place] + data[place + 1 :]):
            overwrite(path, damaged)
            try:
                with cassette(path, mode="none_new"):
                    pass
            except CassetteError:
                pass


async def test_a_disk_that_is_full_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await say(path, "record", "a")
    before = content(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("miniagents._replacing.write_all", full)
    with pytest.raises(OSError, match="No space left"):
        await say(path, "record", "b")
    assert content(path) == before


# --- secrets ---


@miniagent
async def careless(ctx: InteractionContext, note: str) -> None:
    ctx.reply(f"my key is {KEY}, {note}")
    ctx.reply(stream_message(Message, split()))
    raise ConnectionError(f"refused: {KEY}")


async def split() -> AsyncIterator[str | StreamEvent]:
    yield "it is "
    for letter in KEY:
        yield letter
        yield ReasoningDelta(letter)
    yield "."


@pytest.mark.parametrize("by", ["environment", "argument"])
async def test_secrets_never_enter(path: Path, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "environment":
        monkeypatch.setenv("SOME_API_KEY", KEY)
    name = "SOME_API_KEY" if by == "environment" else "SECRET"
    texts: list[list[str]] = []
    for _ in range(2):
        with cassette(path, kinds=["agent"], secrets=[KEY] if by == "argument" else []) as tape:
            async with MiniAgents(around_calls=tape):
                replies = careless.inquire([f"use {KEY}", '{"nested": "' + KEY + '"}'], note=f'"{KEY}"')
                found: list[str] = []
                pieces = aiter(replies)
                with pytest.raises(ConnectionError):
                    while True:
                        found.append(str(await (await anext(pieces))))
                texts.append(found)
    data = content(path)
    assert KEY.encode() not in data
    assert KEY[3:].encode() not in data
    assert f"use [{name}]".encode() in data
    assert texts[1] == [text.replace(KEY, f"[{name}]") for text in texts[0]]
    for token in (b'"text":"%c"' % letter for letter in KEY.encode()):
        assert token not in data

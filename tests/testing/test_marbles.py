"""Marble diagrams: what is written comes when it is written, and what came is drawn where it came."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given, strategies as st

from miniagents import MiniAgents
from miniagents.promising import (
    NoActiveContextError,
    Promise,
    PromisingContext,
    Stream,
    StreamedPromise,
    concat,
    gather,
    merge,
)
from miniagents.testing import (
    Delivered,
    Scenario,
    VirtualClockEventLoop,
    assert_marbles,
    diagram,
    marble,
    marbles,
    run_marbles,
    scripted_agent,
)
from tests.effort import examples


def picture(*lines: str) -> str:
    return "\n".join(lines)


# --- sources ---


def arrivals(make: Callable[[], Stream[object]]) -> list[tuple[float, object]]:
    """The pieces and errors of a stream and when they come; the end comes as `"|"`."""

    async def main() -> None:
        async with PromisingContext():
            pieces = aiter(make())
            piece: object = None
            while piece != "|":
                try:
                    piece = await anext(pieces)
                except StopAsyncIteration:
                    piece = "|"
                except Exception as error:  # noqa: BLE001 - whatever it is, it is what came
                    piece = repr(error)
                came.append((round(asyncio.get_running_loop().time(), 6), piece))

    came: list[tuple[float, object]] = []
    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        runner.run(main())
    return came


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a-b|", [(0, "a"), (2, "b"), (3, "|")]),
        ("--1#|", [(2, "1"), (3, "ValueError('#')"), (4, "|")]),
        ("a(bc)d(e|)", [(0, "a"), (1, "b"), (1, "c"), (2, "d"), (3, "e"), (3, "|")]),
        ("(#a#)|", [(0, "ValueError('#')"), (0, "a"), (0, "ValueError('#')"), (1, "|")]),
        ("  a -  b |  ", [(0, "a"), (2, "b"), (3, "|")]),
        ("a~60~b|", [(0, "a"), (61, "b"), (62, "|")]),
        ("(  a b )|", [(0, "a"), (0, "b"), (1, "|")]),
        ("|", [(0, "|")]),
    ],
)
def test_things_come_when_the_diagram_says(text: str, expected: list[tuple[float, object]]) -> None:
    assert arrivals(lambda: marbles(text)) == expected
    assert arrivals(lambda: marbles(text, unit=0.5)) == [(when / 2, what) for when, what in expected]


def test_characters_stand_for_values_and_errors() -> None:
    values: dict[str, object] = {"a": None, "b": KeyError("a piece")}
    errors = {"x": KeyError("x"), "!": OSError("no"), "#": TypeError("other")}
    assert [repr(what) for _, what in arrivals(lambda: marbles("abx!#|", values=values, errors=errors))] == [
        *("None", "KeyError('a piece')"),
        *(repr(text) for text in ("KeyError('x')", "OSError('no')", "TypeError('other')", "|")),
    ]
    assert arrivals(lambda: marbles("1-2|", values=int)) == [(0, 1), (2, 2), (3, "|")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a-)b|", "marbles: there is no open group that this could close\n  a-)b|\n    ^"),
        ("a(b|", "marbles: the group is not closed\n  a(b|\n   ^"),
        ("(a(b))|", "marbles: a group cannot have a group inside\n  (a(b))|\n    ^"),
        ("a()|", "marbles: the group is empty\n  a()|\n    ^"),
        ("(a-b)|", "marbles: no time passes inside a group\n  (a-b)|\n    ^"),
        ("(a~2~)|", "marbles: no time passes inside a group\n  (a~2~)|\n    ^"),
        ("a|-b", "marbles: nothing comes after the end\n  a|-b\n    ^"),
        ("(a|b)", "marbles: nothing comes after the end\n  (a|b)\n     ^"),
        ("a||", "marbles: nothing comes after the end\n  a||\n    ^"),
        ("a~x~|", "marbles: a long pause needs a number of units, as in ~60~\n  a~x~|\n   ^"),
        ("a-?|", "marbles: '?' has no meaning; pieces are letters and digits\n  a-?|\n    ^"),
        ("a\n|", "marbles: '\\n' has no meaning; pieces are letters and digits\n  a\n|\n   ^"),
    ],
)
def test_what_is_wrong_with_a_diagram_is_shown(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="^marbles: ") as caught:
        run_marbles(lambda: marbles(text))
    assert str(caught.value) == message


def test_values_that_are_missing_are_shown() -> None:
    with pytest.raises(ValueError, match="has nothing for 'c'\n  ab-c\n     \\^$") as caught:
        run_marbles(lambda: marbles("ab-c", values={"a": 1, "b": 2}))
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(ValueError, match="has nothing for 'x'\n  1x\n   \\^$"):
        run_marbles(lambda: marbles("1x", values=int))


@pytest.mark.parametrize("mark", ["-", "|", " ", "ab", ""])
def test_what_has_a_meaning_stands_for_no_error(mark: str) -> None:
    with pytest.raises(ValueError, match="cannot stand for an error"):
        run_marbles(lambda: marbles("a", errors={mark: ValueError()}))


def test_numbers_are_checked() -> None:
    with pytest.raises(ValueError, match="^unit=0: it must be a positive number$"):
        run_marbles(lambda: marbles("a", unit=0))
    with pytest.raises(ValueError, match="^unit=-1: "):
        run_marbles(lambda: marble("a", unit=-1))
    with pytest.raises(ValueError, match="^max_ahead=0: "):
        run_marbles(lambda: marbles("a", max_ahead=0))
    with pytest.raises(ValueError, match="^unit=0: "):
        run_marbles(lambda: marbles("a|"), unit=0)
    with pytest.raises(ValueError, match="^until=inf: "):
        run_marbles(lambda: marbles("a|"), until=float("inf"))


@pytest.mark.parametrize(("text", "place"), [("--|", 2), ("-ab", 2), ("(a|)", 2), ("a--#", 3)])
def test_a_promise_has_one_value_and_no_end(text: str, place: int) -> None:
    with pytest.raises(ValueError, match="^marble: a promise has one value and no end") as caught:
        run_marbles(lambda: marble(text))
    assert str(caught.value).splitlines()[1:] == [f"  {text}", f"  {' ' * place}^"]


def test_sources_need_a_context() -> None:
    async def main() -> None:
        with pytest.raises(NoActiveContextError):
            marbles("a|")
        with pytest.raises(NoActiveContextError):
            marble("a")

    asyncio.run(main())


def test_sources_start_as_they_or_their_context_say() -> None:
    """P2: a source that nobody reads has nothing on its line until it starts."""

    def scenario() -> Delivered:
        marbles("a|", name="stream")
        marbles("a|", name="eager stream", start_asap=True)
        marbles("a|", name="lazy stream", start_asap=False)
        marble("a", name="promise")
        marble("a", name="eager promise", start_asap=True)
        marble("a", name="lazy promise", start_asap=False)
        return Promise.resolved(1)

    assert run_marbles(scenario) == picture(
        "stream         a|",
        "eager stream   a|",
        "lazy stream",
        "promise        a",
        "eager promise  a",
        "lazy promise",
        "result         1  = 1",
    )
    assert run_marbles(scenario, context=PromisingContext(start_asap=False)) == picture(
        "stream",
        "eager stream   a|",
        "lazy stream",
        "promise",
        "eager promise  a",
        "lazy promise",
        "result         1  = 1",
    )


def test_time_begins_when_a_source_starts() -> None:
    def scenario() -> Delivered:
        stream = marbles("a-b|", start_asap=False)
        return marble("---x", name="trigger").then(lambda _: stream)

    assert run_marbles(scenario) == picture(
        "source      a-b|",
        "trigger  ---x",
        "result   ------[ab]  = ('a', 'b')",
    )


def test_a_bounded_source_waits_for_its_readers() -> None:
    """P9."""

    def scenario() -> Delivered:
        source = marbles("abcd|", max_ahead=2)
        return marble("-----x", name="trigger").then(lambda _: source)

    assert run_marbles(scenario) == picture(
        "source   ab---(cd|)",
        "trigger  -----x",
        "result   -----[abcd]  = ('a', 'b', 'c', 'd')",
    )


def test_a_cancelled_source_shows_when() -> None:
    def scenario() -> dict[str, Delivered]:
        stream, promise = marbles("a-b-c|", name="stream"), marble("-----x", name="promise")
        asyncio.get_running_loop().call_later(3, stream.cancel)
        asyncio.get_running_loop().call_later(4, promise.cancel)
        return {}

    assert run_marbles(scenario) == picture("stream   a-b!", "promise  ----!")


def test_of_sources_at_one_time_the_first_comes_first() -> None:
    def scenario() -> Delivered:
        sources = [marbles(f"{early}--x{number}|") for number, early in enumerate("-a--b")]
        return merge(*sources)

    assert "(01234)|" in run_marbles(scenario)


# --- diagrams ---


events = st.text("ab01#", min_size=1, max_size=1) | st.text("ab01#", min_size=2, max_size=4).map("({})".format)
moments = st.lists(events | st.just("-"), max_size=15).map("".join)


@examples(200)
@given(text=moments, end=st.sampled_from(["|", "(a|)", "--"]))
def test_a_source_and_what_is_read_of_it_look_as_they_were_written(text: str, end: str) -> None:
    source, result = (line.split("  ")[1] for line in run_marbles(lambda: marbles(text + end)).splitlines())
    assert source == result == text + end


@pytest.mark.leaves_errors_unread  # of lines that nobody combines
@examples(50)
@given(texts=st.lists(st.tuples(moments, st.sampled_from(["|", "--"])).map("".join), min_size=1, max_size=4))
def test_lines_can_be_read_back(texts: list[str]) -> None:
    """Spaces align them, and mean nothing."""

    def drawn(texts: list[str]) -> list[str]:
        def scenario() -> dict[str, Delivered]:
            for number, text in enumerate(texts):
                marbles(text, name=f"s{number}")
            return {}

        return [line[4:] for line in run_marbles(scenario).splitlines()]

    lines = drawn(texts)
    assert drawn(lines) == lines
    assert [line.replace(" ", "").rstrip("-") for line in lines] == [text.rstrip("-") for text in texts]


@pytest.mark.parametrize(
    ("value", "mark", "whole"),
    [
        ("a", "a", "'a'"),
        ("ab", "'ab'", "'ab'"),
        ("-", "'-'", "'-'"),
        ("", "''", "''"),
        (1, "1", "1"),
        (10, "<10>", "10"),
        (-1, "<-1>", "-1"),
        (None, "<None>", "None"),
        (("a", 1), "[a1]", "('a', 1)"),
        ((10, 2), "[10,2]", "(10, 2)"),
        ((10,), "[10,]", "(10,)"),
        (("a",), "[a]", "('a',)"),
        ((), "[]", "()"),
        ([1, ("ab", None)], "[1,['ab',None]]", "[1, ('ab', None)]"),
        ({"b", "a"}, "{'a', 'b'}", "{'a', 'b'}"),
        (frozenset[str](), "<frozenset()>", "frozenset()"),
        ({"a": 1}, "{'a': 1}", "{'a': 1}"),
        (KeyError("a"), "<KeyError('a')>", "KeyError('a')"),
        (object(), "<object object>", "<object object>"),
    ],
)
def test_values_are_drawn(value: object, mark: str, whole: str) -> None:
    assert run_marbles(lambda: Promise.resolved(value)) == f"result  {mark}  = {whole}"
    assert run_marbles(lambda: StreamedPromise.of([value])).startswith(f"result  ({mark}|)  = (")


def test_errors_are_drawn() -> None:
    def failing(error: BaseException) -> str:
        return run_marbles(lambda: Promise.failed(error))

    assert failing(ValueError("#")) == "result  #  ! ValueError: #"
    assert failing(ValueError("no")) == "result  <#ValueError>  ! ValueError: no"
    assert failing(TimeoutError()) == "result  <#TimeoutError>  ! TimeoutError"
    assert failing(GeneratorExit()) == "result  <#GeneratorExit>  ! GeneratorExit"
    assert failing(OSError("two\nlines")) == "result  <#OSError>  ! OSError: two lines"
    assert failing(OSError("\x1b[2J")) == "result  <#OSError>  ! OSError: \\x1b[2J"


def test_columns_make_room_for_what_is_long() -> None:
    drawn = run_marbles(lambda: marbles("1-2-3|", values=int, name="s").map_pieces(lambda piece: 100 * piece))
    assert drawn == picture(
        "s       1    -2    -3    |",
        "result  <100>-<200>-<300>|  = (100, 200, 300)",
    )


def test_a_line_that_has_ended_keeps_no_room_for_its_last() -> None:
    drawn = run_marbles(lambda: marble("----a").timeout(1))
    assert drawn == picture(
        "source  ----a",
        "result  -<#TimeoutError>  ! TimeoutError: 'source' gave no result within 1 s",
    )


def test_columns_in_which_no_line_is_alive_are_kept() -> None:
    def scenario() -> dict[str, Delivered]:
        late = marble("x", name="late", start_asap=False)
        loop = asyncio.get_running_loop()
        loop.call_later(5, lambda: tasks.append(loop.create_task(read(late))))
        return {"result": Promise.resolved("y"), "trigger": marble("------z", name="trigger")}

    async def read(promise: Promise[object]) -> None:
        await promise

    tasks: list[asyncio.Task[None]] = []
    assert run_marbles(scenario).splitlines()[0] == "late          x"


def test_long_silence_is_counted() -> None:
    """And takes no time."""
    drawn = run_marbles(lambda: marbles("a~86400~b|").map_pieces(str.upper), until=100_000)
    assert drawn == picture("source  a~86400~b|", "result  A~86400~B|  = ('A', 'B')")


def test_what_lies_between_columns_says_when_it_came() -> None:
    def scenario() -> Delivered:
        return marble("------a").timeout(2.5, default=None)

    assert run_marbles(scenario) == picture("source  ------a", "result  --<None@2.5>  = None")
    assert run_marbles(scenario, unit=0.5) == picture("source  ------a", "result  -----<None>  = None")


def test_what_never_ends_goes_on_to_the_right_edge() -> None:
    assert run_marbles(lambda: merge(marbles("a----", name="a"), marbles("-b|", name="b"))) == picture(
        "a       a----",
        "b       -b|",
        "result  ab---",
    )
    assert run_marbles(lambda: marble("---")) == picture("source  ---", "result  ---")


def test_reading_ends_after_a_time() -> None:
    async def ticks() -> AsyncIterator[int]:
        while True:
            yield 1
            await asyncio.sleep(1)

    def scenario() -> Delivered:
        return StreamedPromise(ticks, total)

    async def total(_: object) -> int:
        return 0

    assert run_marbles(scenario, until=3.5) == "result  1111-"


def test_promises_among_the_pieces_have_lines_of_their_own() -> None:
    def scenario() -> Delivered:
        inner = {"a": marbles("1-2|", name="known"), "b": StreamedPromise.of("xy"), "c": Promise.resolved(3)}
        return marbles("a--b-c|").map_pieces(lambda key: (key, inner[key]))

    assert run_marbles(scenario) == picture(
        "known   1   -2|",
        "source  a   --b   -c   |",
        "result  [a*]--[b*]-[c*]|  = (('a', *), ('b', *), ('c', *))",
        "  [b*]        (xy|)",
        "  [c*]             3",
    )


def test_the_moment_of_a_whole_that_comes_later() -> None:
    async def slow(pieces: object) -> str:
        await asyncio.sleep(2)
        return "whole"

    drawn = run_marbles(lambda: StreamedPromise(lambda: aiter(StreamedPromise.of("ab")), slow))
    assert drawn == "result  (ab|)-=  = 'whole'"


def test_anything_that_is_awaited_or_iterated_is_drawn() -> None:
    async def iterated() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(2)
        raise ValueError("#")

    assert run_marbles(lambda: asyncio.sleep(2, "x")) == "result  --x  = 'x'"
    assert run_marbles(iterated) == "result  a-(#|)"


def test_several_lines_have_labels() -> None:
    def scenario() -> dict[str, Delivered]:
        small, large = marbles("1-5-2|", values=int).partition(lambda piece: piece < 3)
        return {"small": small, "large": large}

    assert run_marbles(scenario) == picture(
        "source  1-5-2|",
        "small   1---2|  = (1, 2)",
        "large   --5--|  = (5,)",
    )


def test_sources_of_one_name_are_numbered() -> None:
    drawn = run_marbles(lambda: gather(marble("-a"), marble("b"), marble("c", name="third")), result="all")
    assert drawn == picture("source 1  -a", "source 2  b", "third     c", "all       -[abc]  = ('a', 'b', 'c')")


def test_agents_are_drawn_in_a_context_of_theirs() -> None:
    def scenario() -> Delivered:
        return scripted_agent("Hello there", pause=1).inquire().map(lambda replies: str(replies[0]))

    assert run_marbles(scenario, context=MiniAgents()) == "result  --'Hello there'  = 'Hello there'"


def test_an_error_of_the_scenario_is_raised() -> None:
    def scenario() -> Delivered:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="^mine$"):
        run_marbles(scenario)


def test_an_error_of_drawing_is_raised() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise LookupError("not me")

    with pytest.raises(LookupError, match="^not me$"):
        run_marbles(lambda: marbles("a|").map_pieces(lambda _: Shy()))


@pytest.mark.parametrize(
    "scenario",
    [
        lambda: merge(marbles("a--"), marbles("-b|")),
        lambda: Promise(lambda: asyncio.sleep(10_000)),
        lambda: marbles("a-b|", max_ahead=1).take(1),
        lambda: marble("--"),
    ],
)
def test_what_never_ends_is_stopped_without_a_word(scenario: Scenario, caplog: pytest.LogCaptureFixture) -> None:
    run_marbles(scenario)
    assert not caplog.records


def test_a_running_loop_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"^run_marbles\(\) runs an event loop of its own"):
            run_marbles(lambda: Promise.resolved(1))

    asyncio.run(main())


def test_a_diagram_in_a_loop_that_runs() -> None:
    async def main() -> str:
        async with PromisingContext():
            await asyncio.sleep(0.3)
            source = marbles("a-b-(c#)|", unit=0.1)
            drawn = await diagram({"source": source, "batch": source.batch(2)}, unit=0.1)
            single = await diagram(marble("--x"))
        return f"{drawn}\n{single}"

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        assert runner.run(main()) == picture(
            "source  a-b   -(c#)  |  ! ValueError: #",
            "batch   --[ab]-([c]#)|  ! ValueError: #",
            "result  --x  = 'x'",
        )


# --- times ---


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a 9ms b|", "9ms"), ("9ms a|", "9ms"), ("a 1.5s", "1.5s"), ("a- 2m |", "2m"), ("1m", "1m"), ("(a 1s b)", "1s")],
)
def test_what_looks_like_a_time_is_refused(text: str, shown: str) -> None:
    """In RxJS it is one; here its letters and digits would be pieces."""
    with pytest.raises(ValueError, match="is '.*' a time or pieces" if "(" not in text else "inside a group") as caught:
        run_marbles(lambda: marbles(text))
    assert str(caught.value).splitlines()[1:] == [f"  {text}", f"  {' ' * text.index(shown)}^"]
    with pytest.raises(ValueError, match="^marble: "):
        run_marbles(lambda: marble(text))


def test_a_time_is_one_if_the_diagram_says_so() -> None:
    assert arrivals(lambda: marbles("a 9ms b 1.5s c 2m (d|)", times=True)) == [
        (0, "a"),
        (1.009, "b"),
        (3.509, "c"),
        (124.509, "d"),
        (124.509, "|"),
    ]
    assert run_marbles(lambda: marble("-- 1s a", times=True, unit=0.5)).splitlines()[0] == "source  --a"
    assert run_marbles(lambda: marbles(" 10ms a|", times=True), unit=0.005).splitlines()[0] == "source  --a|"


@pytest.mark.parametrize("text", ["a9ms|", "9msb|", "1s|", "-1s-|", "m1 s|"])
def test_letters_and_digits_that_stand_among_others_are_pieces(text: str) -> None:
    pieces = [what for _, what in arrivals(lambda: marbles(text))]
    assert pieces == [*text.replace("-", "").replace(" ", "")]
    assert arrivals(lambda: marbles(text, times=True)) == arrivals(lambda: marbles(text))


# --- simultaneous events ---


def test_what_comes_in_a_group_stays_together() -> None:
    assert_marbles(lambda: merge(marbles("(ab)|"), marbles("x|")), "(abx)|")
    assert_marbles(lambda: merge(marbles("(ab)|"), marbles("x|")).map_pieces(str.upper), "(ABX)|")


def test_of_sources_at_one_time_the_one_that_started_first_comes_first() -> None:
    def scenario() -> Delivered:
        lazy = marbles("x-x|", name="lazy", start_asap=False)
        return merge(lazy, marbles("a-a|", name="eager", start_asap=True))

    assert_marbles(scenario, "(ax)-(ax)|", context=PromisingContext(start_asap=False))


def test_a_timeout_takes_what_comes_at_its_moment() -> None:
    assert_marbles(lambda: marble("---a").timeout(3), "---a")
    assert_marbles(lambda: marble("---a").map(str.upper).timeout(3), "---A")
    lazy = PromisingContext(start_asap=False)  # its limit is set before the source has started
    assert_marbles(lambda: marble("---a").timeout(3), "---<#TimeoutError>", context=lazy)
    assert_marbles(lambda: marbles("---a--b|").timeout_pieces(each=3), "---a--b|")


# --- cancelling, slow readers, subscriptions ---


def test_the_results_can_be_cancelled() -> None:
    assert run_marbles(lambda: marbles("a-b-c|").map_pieces(str.upper), cancel_at=3) == picture(
        "source  a-b!",
        "result  A-B(<#PromiseCancelledError>|)  ! PromiseCancelledError: 'source.map_pieces' was cancelled",
    )
    assert run_marbles(lambda: marble("----a", name="one"), cancel_at=2.5).splitlines()[0] == "one     --<!@2.5>"
    assert run_marbles(lambda: marbles("a|"), cancel_at=7) == run_marbles(lambda: marbles("a|"))


def test_what_comes_when_the_results_are_cancelled_is_taken() -> None:
    def scenario() -> dict[str, Delivered]:
        return {"a": marbles("ab-c|", name="s").map_pieces(str.upper), "b": marble("---x", name="p")}

    assert_marbles(scenario, {"a": "AB-(C<#PromiseCancelledError>|)", "b": "---x", "s": "ab-(c!)"}, cancel_at=3)


def test_only_promises_can_be_cancelled() -> None:
    async def ticks() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match="^cancel_at: only a promise can be cancelled, not async_generator$"):
        run_marbles(ticks, cancel_at=1)


def test_readers_can_be_slow() -> None:
    def scenario() -> Delivered:
        return marbles("abcd|", max_ahead=1)

    assert run_marbles(scenario, pause=2) == picture(
        "source  abc-d-|",
        "result  a-b-c-d-|  = ('a', 'b', 'c', 'd')",
    )
    assert run_marbles(lambda: marbles("a#|"), pause=2, unit=0.1).splitlines()[1] == "result  a-#-|  ! ValueError: #"


def test_it_is_shown_when_sources_run() -> None:
    drawn = run_marbles(
        lambda: concat(
            marbles("a-(b|)", name="first", start_asap=False),
            marbles("-x-", name="second", start_asap=False),
            marbles("y|", name="third", start_asap=False),
        ),
        subscriptions=True,
        cancel_at=5,
    )
    assert drawn == picture(
        "first     a-(b|)",
        "first ^   ^-|",
        "second      -x-!",
        "second ^  --^--!",
        "third",
        "third ^",
        "result    a-bx-(<#PromiseCancelledError>|)  ! PromiseCancelledError: 'concat' was cancelled",
    )


def test_a_source_that_goes_on_is_subscribed_to_the_end() -> None:
    assert run_marbles(lambda: merge(marbles("a---"), marbles("-b|")), subscriptions=True) == picture(
        "source 1    a---",
        "source 1 ^  ^---",
        "source 2    -b|",
        "source 2 ^  ^-|",
        "result      ab--",
    )


@pytest.mark.parametrize("option", ["cancel_at", "pause"])
def test_times_of_reading_are_checked(option: str) -> None:
    with pytest.raises(ValueError, match=f"^{option}=-1: give a number that is not negative$"):
        if option == "pause":
            run_marbles(lambda: marbles("a|"), pause=-1)
        else:
            run_marbles(lambda: marbles("a|"), cancel_at=-1)


# --- comparing ---


def test_a_difference_shows_both_pictures() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_marbles(
            lambda: {"up": marbles("a-b|", name="s").map_pieces(str.upper), "one": marble("-x")},
            {"up": "A--B|", "one": "-x", "two": "-y"},
        )
    assert str(raised.value) == picture(
        "the diagram differs in the lines 'up', 'two'",
        "  expected:",
        "    up   A--B|",
        "    one  -x",
        "    two  -y",
        "  drawn:",
        "    s       a-b|",
        "    source  -x",
        "    up      A-B|  = ('A', 'B')",
        "    one     -x    = 'x'",
    )


@pytest.mark.parametrize(
    ("expected", "is_same"),
    [
        ("a-b--|", True),
        ("a - b~2~|", True),
        ("  a-b--|  ", True),
        ("a-b--", False),
        ("a-b-|", False),
        ("a-b---|", False),
        ("ab--|", False),
        ("a-b-(#|)", False),
        ("", False),
    ],
)
def test_events_and_their_times_are_compared(expected: str, is_same: bool) -> None:
    if is_same:
        assert_marbles(lambda: marbles("a-b--|"), expected)
    else:
        with pytest.raises(AssertionError, match="differs in the line 'result'"):
            assert_marbles(lambda: marbles("a-b--|"), expected)


def test_spaces_in_pieces_are_compared() -> None:
    def scenario() -> Delivered:
        return marbles("ab~30~c|").map_pieces({"a": "a  b", "b": 'it\'s "x  y"', "c": "c"}.__getitem__)

    assert_marbles(scenario, """'a  b' 'it\\'s "x  y"' ~30~ c|""")
    with pytest.raises(AssertionError):
        assert_marbles(scenario, """'a b' 'it\\'s "x  y"' ~30~ c|""")
    with pytest.raises(AssertionError):
        assert_marbles(scenario, """'a  b' 'it\\'s "x y"' ~30~ c|""")


def test_what_never_ends_is_compared_up_to_its_last_event() -> None:
    assert_marbles(lambda: merge(marbles("a--"), marbles("-b|")), "ab")
    assert_marbles(lambda: merge(marbles("a--"), marbles("-b|")), "ab------")
    assert_marbles(lambda: marble("---"), "")


def test_comparing_takes_the_options_of_drawing() -> None:
    assert_marbles(lambda: marble("-a", name="s"), {"r": "-a", "s": "-a", "s ^": "^|"}, result="r", subscriptions=True)
    assert_marbles(lambda: marble("-a", unit=1), "--a", unit=0.5, context=MiniAgents())
    assert_marbles(lambda: marbles("abcd|"), "a-b", pause=2, until=3)


def test_a_whole_picture_is_no_line() -> None:
    with pytest.raises(ValueError, match="^assert_marbles: 'result' is more than one line; give several lines by"):
        assert_marbles(lambda: marbles("a|"), run_marbles(lambda: marbles("a|")))

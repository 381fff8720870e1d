"""What a page of a run holds."""

import asyncio
import html
import json
import math
import os
import re
import sys
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from typing_extensions import override

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MessagePromise,
    MiniAgents,
    ToolCall,
    Usage,
    decode,
    miniagent,
    stream_message,
    tool,
    trace,
)
from miniagents.ext.llm import LanguageModelError, create_openai_agent
from miniagents.messages import CallRecord, Identity
from miniagents.picturing.drawn_calls import DrawnCall
from miniagents.picturing.page import html_page
from tests.picturing.pages import HOSTILE, call, data_of, hostile


class Elements(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.outside: list[str] = []
        """Attributes that could load or run something."""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.outside += [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]


@miniagent
async def streaming(ctx: InteractionContext, steps: int) -> None:
    async def tokens() -> AsyncIterator[str]:
        for step in range(steps):
            await asyncio.sleep(1)
            yield str(step)

    ctx.reply(["at once", stream_message(AssistantMessage, tokens(), usage=Usage(input_tokens=1000, output_tokens=2))])


@tool
async def broken(text: str) -> str:
    """Fail."""
    raise ValueError(text)


@pytest.mark.virtual_clock
async def test_a_trace_is_drawn_with_its_pieces_and_texts(tmp_path: Path) -> None:
    @miniagent
    async def root(ctx: InteractionContext) -> None:
        ctx.reply(streaming.inquire("please", steps=3))
        await asyncio.sleep(2)
        raise ConnectionError("lost")

    async with trace() as traced:
        with pytest.raises(ConnectionError):
            await root.inquire()
    path = tmp_path / "run.html"
    traced.write(path)
    page = path.read_text(encoding="utf-8")
    assert f"<title>Run {traced.run.calls[0].run.id}</title>" in page
    data = data_of(page)
    columns = data["columns"]
    assert [data["names"][name] for name in columns["name"]] == ["root", "streaming"]
    assert (columns["depth"], columns["size"], columns["kind"]) == ([0, 1], [2, 1], [0, 0])
    assert columns["outcome"] == [2, 1]
    assert [columns["began"][1], columns["first"][1], columns["ended"][1]] == pytest.approx([0, 0, 3000])
    of_root, of_streaming = data["details"]
    assert of_root["error"] == "ConnectionError: lost"
    assert of_streaming["pieces"] == pytest.approx([0, 1000, 2000, 3000])
    assert of_streaming["count"] == 4
    assert json.loads(of_streaming["arguments"]) == {"steps": 3}
    assert of_streaming["messages"] == [["Message", "please"]]
    assert of_streaming["replies"] == [["Message", "at once"], ["AssistantMessage, assistant", "012"]]
    assert ["tokens", "1,000 in, 2 out"] in of_streaming["facts"]


@pytest.mark.virtual_clock
async def test_a_run_that_goes_on_can_be_drawn() -> None:
    async with trace() as traced:
        replies = streaming.inquire(steps=3)
        never = streaming.inquire(steps=1)
        never.cancel()
        await asyncio.sleep(1.5)
        data = data_of(html.unescape(traced._repr_html_()))
        await replies
    assert data["columns"]["outcome"] == [0, 3]
    assert data["columns"]["ended"] == [None, None]
    assert data["columns"]["began"][1] is None
    assert data["details"][0]["count"] == 2


async def test_tracing_reads_nothing() -> None:
    """Ticks come from outside: lazy work stays undone."""
    begun: list[str] = []

    async def tokens() -> AsyncIterator[str]:
        begun.append("tokens")
        yield "x"

    async def whole(_: AsyncIterable[str]) -> Message:
        return Message("x")

    @miniagent
    async def root(ctx: InteractionContext) -> None:
        ctx.reply(["read", MessagePromise(tokens, whole, start_asap=False)])

    async with trace() as traced:
        assert str(await (await anext(aiter(root.inquire())))) == "read"
    (more,) = data_of(traced.run._page())["details"]
    assert (begun, more["count"], len(more["replies"])) == ([], 1, 1)


async def test_a_trace_inside_of_an_agent() -> None:
    @miniagent
    async def inner(ctx: InteractionContext) -> None:
        async with trace() as traced:
            await streaming.inquire(steps=0)
        ctx.reply(traced.run._page())

    async with MiniAgents():
        page = str(await inner.inquire().only())
    assert data_of(page)["columns"]["depth"] == [0]


@pytest.mark.parametrize("path", ["runs.db", Path("runs.db"), b"runs.db"])
def test_a_path_has_no_calls_to_draw(path: Any) -> None:  # Any: what the checkers refuse
    with pytest.raises(
        TypeError, match="^html_page: give calls, not the path of a file; `miniagents picture FILE` draws"
    ):
        html_page(path, "x")


@pytest.mark.parametrize("count", [0, 1])
def test_pages_of_next_to_nothing(count: int) -> None:
    data = data_of(html_page([call(1)] * count, "x"))
    assert len(data["columns"]["number"]) == count
    assert data["end"] == 1000 * count


def test_the_last_record_of_a_call_counts() -> None:
    data = data_of(html_page([call(1, ended=None, outcome=None), call(2), call(1)], "x"))
    assert data["columns"]["number"] == [1, 2]
    assert data["columns"]["outcome"] == [1, 1]


def test_calls_of_several_runs_stay_apart() -> None:
    data = data_of(html_page([call(1), call(2, 1), call(1, run="s"), call(2, 1, run="s")], "x"))
    assert data["columns"]["depth"] == [0, 1, 0, 1]


@pytest.mark.parametrize("depth", [10, 3000])
def test_deep_calls(depth: int) -> None:
    data = data_of(html_page([call(number, number - 1 or None) for number in range(1, depth + 1)], "x"))
    assert data["columns"]["depth"] == list(range(depth))
    assert data["columns"]["size"] == list(range(depth, 0, -1))


@given(
    st.lists(
        st.tuples(
            st.integers(1, 9),
            st.none() | st.integers(-3, 12),
            st.lists(
                st.none()
                | st.integers()
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.sampled_from([10**400, -(10**400)]),
                min_size=3,
                max_size=3,
            ),
        )
    )
)
def test_whatever_records_say_can_be_drawn(records: list[tuple[int, int | None, list[float | None]]]) -> None:
    """Parents that are missing, younger or the call itself, and times that are none."""
    calls = [
        call(number, parent, began=began, first_piece=first, ended=ended)
        for number, parent, (began, first, ended) in records
    ]
    columns = data_of(html_page(calls, "x"))["columns"]
    assert sorted(columns["number"]) == sorted({number for number, _, _ in records})
    for place, (depth, size) in enumerate(zip(columns["depth"], columns["size"], strict=True)):
        below = columns["depth"][place + 1 : place + size]
        assert all(other > depth for other in below)
    for began, ended in zip(columns["began"], columns["ended"], strict=True):
        assert began is None or (math.isfinite(began) and (ended is None or ended >= began >= 0))


# --- hostile texts ---


def test_no_text_becomes_markup() -> None:
    page = hostile()
    elements = Elements()
    elements.feed(page)
    assert (elements.scripts, elements.outside) == (2, [])
    page.encode()
    (more,) = data_of(page)["details"]
    for text in (more["error"], more["messages"][0][1], more["replies"][0][1], json.loads(more["arguments"])["text"]):
        assert text == HOSTILE.replace("\ud800", "")


@given(st.text(st.characters(exclude_categories=[])))
def test_any_title_and_argument(text: str) -> None:
    page = html_page([call(1, opaque_arguments={"x": text.encode(errors="replace").decode()})], text)
    elements = Elements()
    elements.feed(page)
    assert elements.scripts == 2
    page.encode()
    assert page.isascii() or re.sub(r"<title>.*?</title>", "", page)


def test_the_policy_names_just_the_pages_own_script() -> None:
    page = html_page([call(1)], "x")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_loads_nothing() -> None:
    assert not re.findall(r"https?:|//\w+\.\w|@import|url\(", html_page([call(1)], "x"))


def test_long_texts_are_cut() -> None:
    drawn = DrawnCall(record=call(1).record, messages=(Message("x" * 30_000),))
    (more,) = data_of(html_page([drawn], "x"))["details"]
    assert more["messages"][0][1] == "x" * 20_000 + "\n… and 10,000 more characters"


def test_a_call_whose_replies_were_kept_is_marked() -> None:
    records = [CallRecord(run="r", number=n, called=Identity(kind="agent", name="a"), replayed=n == 2) for n in (1, 2)]
    data = data_of(html_page([DrawnCall(record=record) for record in records], "x"))
    assert data["replayed"] == [1]
    assert data["details"] == [None, {"facts": [["replayed", "the replies were kept from an earlier call"]]}]


async def test_a_notebook_gets_a_frame_that_cannot_reach_it() -> None:
    async with trace() as traced:
        await streaming.inquire("</iframe><script>", steps=0)
    shown = traced._repr_html_()
    assert shown == traced.run._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts"')
    assert shown.count("<") == 2
    assert "allow-same-origin" not in shown


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        trace().write(tmp_path / "run.html")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        trace().write(tmp_path)


async def test_secrets_of_models_are_not_drawn() -> None:
    agent: Any = create_openai_agent(
        "gpt-5", api_key="sk-planted-0123", base_url="http://127.0.0.1:9/v1", max_retries=0
    )
    async with trace() as traced:
        with pytest.raises(LanguageModelError):
            await agent.inquire("Hi")
    assert len(traced.run.calls) == 2
    assert "sk-planted" not in traced.run._page()


def test_kinds_and_identities() -> None:
    drawn = call(1, called=Identity(kind="model", name="m", version="2", details={"provider": "OpenAI"}))
    data = data_of(html_page([drawn], "x"))
    assert data["columns"]["kind"] == [2]
    assert data["details"][0]["facts"] == [["version", "2"], ["provider", "OpenAI"]]


async def test_an_argument_without_json_is_shown_by_its_class() -> None:
    @miniagent
    async def taking(ctx: InteractionContext, thing: object) -> None:
        ctx.reply("x")

    async with trace() as traced:
        await taking.inquire(thing=object())
        await broken.answer(ToolCall(id="1", name="broken", arguments="no json"))
    details = data_of(traced.run._page())["details"]
    assert json.loads(details[0]["arguments"]) == {"thing": "<builtins.object>"}
    assert json.loads(details[1]["arguments"]) == {"": "no json"}


def test_a_text_that_many_calls_have_is_in_the_page_once() -> None:
    said = tuple(Message(f"text number {number}") for number in range(50))
    calls = [DrawnCall(record=call(number).record, messages=said[:number]) for number in range(1, 50)]
    page = html_page(calls, "x")
    assert page.count("text number 3") == 11
    assert data_of(page)["details"][9]["messages"] == [["Message", f"text number {number}"] for number in range(10)]


def test_a_call_that_goes_on_is_drawn_until_now() -> None:
    drawn = [call(1, ended=None, outcome=None)]
    assert data_of(html_page(drawn, "x"))["end"] == 0
    assert data_of(html_page(drawn, "x", until=1061))["end"] == 60_000
    assert data_of(html_page(drawn, "x", until=900))["end"] == 0  # a clock that is late


def test_what_is_not_complete_and_what_is_not_known_is_shown() -> None:
    odd = decode(b'{"@type":"Strange","size":1}', Message, unknown="keep")
    drawn = DrawnCall(record=call(1).record, replies=(odd,), unfinished=("so far",))
    (more,) = data_of(html_page([drawn], "x"))["details"]
    (tag, text), last = more["replies"]
    assert (tag, json.loads(text)) == ("Strange", {"@type": "Strange", "size": 1})
    assert last == ["not complete", "so far"]

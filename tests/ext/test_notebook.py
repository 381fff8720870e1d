"""P12: a session of a notebook is one context for all cells; a real kernel runs the cells of the guide."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from miniagents import (
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    Promise,
    StreamAppender,
    StreamedPromise,
    miniagent,
    stream_message,
)
from miniagents.ext.notebook import open_in_cells

GUIDE = Path(__file__).parents[2] / "miniagents" / "guide" / "notebooks.md"
CELL = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)

MORE_CELLS = (
    "call = greeter.initiate_inquiry().send_message('one')",  # the context has ended
    "agents = open_in_cells(MiniAgents()); call = greeter.initiate_inquiry().send_message('one')",
    "call.send_message('two')\nimport asyncio\nawait asyncio.sleep(0)",
    "print(*await call.reply_sequence())\nawait agents.afinalize()",
)


CELL_OF_HANDLER = """
from miniagents import InteractionContext, MiniAgents, miniagent
from miniagents.ext.notebook import open_in_cells

@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(await ctx.messages)

async def handler(call, proceed):
    print("handler", number)
    return proceed()

agents = open_in_cells(MiniAgents(around_calls=handler))
"""

AGAIN = (
    f"number = 1{CELL_OF_HANDLER}first = agents; call = echo.initiate_inquiry().send_message('one')",
    "await echo.inquire('x');",
    f"number = 2{CELL_OF_HANDLER}",
    "await echo.inquire('x');",
    "print(*await call.reply_sequence())",  # the agents of the first one go on
    "open_in_cells(agents)",  # a mistake, which changes nothing
    "await echo.inquire('x');",
    "await agents.afinalize()",
    "echo.inquire('x')",
    "await first.afinalize(); print(first)",
)


@pytest.mark.filterwarnings("ignore")  # as below
def test_a_cell_that_opens_a_context_can_be_run_again() -> None:
    outputs = outputs_of(AGAIN)
    said = ["".join(output.get("text", "") for output in cell) for cell in outputs]
    assert said == [
        "",
        "handler 1\n",
        "",
        "handler 2\n",
        "one\n",
        "",
        "handler 2\n",
        "",
        "",
        "<MiniAgents closed, 0 tasks>\n",
    ]
    failed = {cell: output["ename"] for cell, found in enumerate(outputs) for output in found if "ename" in output}
    assert failed == {5: "ContextStateError", 8: "ContextStateError"}, outputs


def outputs_of(sources: Iterable[str]) -> list[list[dict[str, Any]]]:
    """Run cells in a real kernel; return what each of them gave."""
    nbformat = pytest.importorskip("nbformat", reason="it is in the extra `test`")
    nbclient = pytest.importorskip("nbclient", reason="it is in the extra `test`")
    pytest.importorskip("ipykernel", reason="it is in the extra `test`")
    notebook: Any = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=60, allow_errors=True).execute()
    return [[dict(output) for output in cell.outputs] for cell in notebook.cells]


@pytest.mark.filterwarnings("ignore")  # of the packages of Jupyter, which are not ours
def test_a_kernel_runs_the_cells_of_the_guide_and_of_a_second_session() -> None:
    guide = CELL.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(guide) == 4
    outputs = outputs_of([*(source for source, _ in guide), *MORE_CELLS])
    said = ["".join(output.get("text", "") for output in cell) for cell in outputs]
    assert said[: len(guide)] == [expected for _, expected in guide]
    failed = [cell for cell, found in enumerate(outputs) if any(output["output_type"] == "error" for output in found)]
    assert failed == [4], outputs
    assert outputs[4][0]["ename"] == "ContextStateError" or "NoActiveContext" in outputs[4][0]["ename"]
    assert "<pre" in outputs[2][0]["data"]["text/html"]
    assert said[-1] == "Hello, one! Hello, two!\n"


def test_a_program_that_is_no_notebook_is_told_so() -> None:
    with pytest.raises(RuntimeError, match="is for cells of notebooks"):
        open_in_cells(MiniAgents())


def html_of(value: Any) -> str:
    return str(value._repr_html_())


def test_a_message_shows_its_class_and_its_text_without_markup() -> None:
    shown = html_of(Message("<script>alert('x')</script> & more"))
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert ">Message<" in shown


def test_promises_show_what_has_come_so_far() -> None:
    async def main() -> None:
        with StreamAppender[str]() as appender:
            promise = stream_message(Message, appender)
            assert "still to come" in html_of(promise)
            appender.append("<i>Hel")
            assert await anext(aiter(promise)) == "<i>Hel"
            assert "&lt;i&gt;Hel…" in html_of(promise)
            appender.append("lo")
        await promise
        assert "&lt;i&gt;Hello</pre>" in html_of(promise)
        assert "&lt;b&gt;" in html_of(MessageSequencePromise.of_messages([Message("<b>")]))

    MiniAgents().run(main())


def test_plain_promises_and_streams_show_what_has_come_so_far() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def answer() -> str:
            await gate.wait()
            return "<b>" * 1_000

        async def numbers() -> AsyncIterator[int]:
            for number in range(200):
                yield number
            raise ValueError("<no>")

        async def whole_of_none(pieces: AsyncIterable[int]) -> int:
            return len([piece async for piece in pieces])

        promise = Promise(answer, name="<answer>")
        assert "&lt;answer&gt;, still to come" in html_of(promise)
        gate.set()
        await promise
        assert re.search(r"<small>&lt;answer&gt;</small><pre[^>]*>&#x27;(&lt;b&gt;)+&lt;?b?…</pre>", html_of(promise))
        with StreamAppender[str](name="letters") as appender:
            appender.append("<a>")
            appender.append("b")
            assert "letters, still to come</small>" in html_of(appender.promise)
            assert "&lt;a&gt;b…</pre>" in html_of(appender.promise)
        stream = StreamedPromise.of([1, 2])
        assert "1\n2\n</pre>" in html_of(stream)
        failing = StreamedPromise(numbers, whole_of_none)
        with pytest.raises(ValueError, match="no"):
            await failing
        shown = html_of(failing)
        assert "\n99\n… 101 more\n</pre>" in shown
        failed = Promise.failed(ValueError("<no>"))
        assert "failed, failed</small>" in html_of(failed)
        assert "ValueError: &lt;no&gt;</pre>" in html_of(failed)
        with pytest.raises(ValueError, match="no"):
            await failed

    MiniAgents().run(main())


def test_a_failed_promise_shows_its_error_behind_what_came_before_it() -> None:
    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        ctx.reply(["before", ValueError("<no>"), "behind"])
        await may_end.wait()

    may_end = asyncio.Event()

    async def main() -> None:
        replies = failing.inquire()
        assert "…" in html_of(replies)
        await anext(aiter(replies))
        shown = html_of(replies)
        assert re.findall("before|ValueError: &lt;no&gt;|behind|…", shown) == [
            "before",
            "ValueError: &lt;no&gt;",
            "behind",
            "…",
        ]
        may_end.set()
        with pytest.raises(ValueError, match="no"):
            await replies

    MiniAgents().run(main())


def test_showing_a_promise_starts_nothing() -> None:
    started: list[str] = []

    @miniagent
    async def lazy(ctx: InteractionContext) -> None:
        started.append("started")
        ctx.reply("there")

    async def main() -> None:
        replies = lazy.inquire()
        html_of(replies)
        await asyncio.sleep(0)
        assert not started
        await replies

    MiniAgents(start_asap=False).run(main())

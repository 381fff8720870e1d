"""Through pipes: the answer, and nothing else, goes to stdout."""

import asyncio
import io
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AnthropicMessage,
    AssistantMessage,
    ErrorMessage,
    InteractionContext,
    MiniAgent,
    MiniAgents,
    Reasoning,
    ToolCall,
    ToolResultMessage,
    UserMessage,
    miniagent,
)
from miniagents.chat.agents import Partner
from miniagents.chat.conversation import Conversation
from miniagents.chat.history import History, read_conversation, write_conversation
from miniagents.chat.plain import PlainView
from miniagents.chat.program import main
from miniagents.chat.scripted import played
from miniagents.testing import VirtualClockEventLoop, scripted_agent
from tests.chat.talking import ScriptedInterrupts
from tests.ext.llm.anthropic.answering import anthropic_messages
from tests.ext.llm.model_server import ModelServer
from tests.watchdog import PATIENCE

AGENTS = """
from miniagents import AssistantMessage, InteractionContext, Message, miniagent

@miniagent
async def shout(ctx: InteractionContext, mark: str = "!") -> None:
    ctx.reply([f"{message}{mark}" for message in await ctx.messages])

@miniagent
async def failing(ctx: InteractionContext) -> None:
    ctx.reply("so far")
    raise ValueError("no more")

@miniagent
async def demanding(ctx: InteractionContext, secret: str) -> None: ...

number = 7
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "OPENAI_BASE_URL",
        "ANTHROPIC_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "chat_agents_of_the_tests.py").write_text(AGENTS, encoding="utf-8")
    (tmp_path / "broken.py").write_text("first = 1\nsecond = first / 0\n", encoding="utf-8")
    (tmp_path / "empty.py").write_text("", encoding="utf-8")
    (tmp_path / "lacking.py").write_text("import not_there_at_all\n", encoding="utf-8")
    yield
    for name in ("chat_agents_of_the_tests", "empty"):
        sys.modules.pop(name, None)


def shown(agent: MiniAgent[Any, Any, ...], *, at_terminal: bool = False) -> tuple[str, str]:
    """What goes to stdout and to stderr, of one question."""
    answer, rest = (Terminal(), Terminal()) if at_terminal else (io.StringIO(), io.StringIO())
    conversation = Conversation(Partner(agent), PlainView(answer, rest), ScriptedInterrupts(), History(None))
    MiniAgents().run(conversation.ask("go"), loop_factory=VirtualClockEventLoop)
    return answer.getvalue(), rest.getvalue()


@miniagent
async def everything(ctx: InteractionContext) -> None:
    """All that a reply may have in it."""
    calls = (ToolCall(id="1", name="time", arguments='{"zone": "CET"}'),)
    ctx.reply(played(AssistantMessage("Let me look.", reasoning=(Reasoning("hm hm"),), tool_calls=calls), 0))
    ctx.reply(ToolResultMessage("12:30\nor so", tool_call_id="1", tool_name="time"))
    ctx.reply(ErrorMessage("ValueError: no", error_type="builtins.ValueError"))
    ctx.reply(AssistantMessage("It is **late**.\n", finish_reason="length"))
    ctx.reply("Done \x1b[2J.")


def test_the_answer_goes_to_stdout_just_as_it_is_and_the_rest_to_stderr() -> None:
    answer, rest = shown(everything)
    assert answer == "Let me look.\n\nIt is **late**.\n\nDone \x1b[2J.\n"
    assert rest == (
        "hm hm\n"
        '[call] time(zone="CET")\n'
        "[result] time: 12:30\nor so\n"
        "[error] ValueError: no\n"
        "[the answer reached the limit of tokens]\n"
    )


def test_where_both_are_one_terminal_lines_do_not_run_together() -> None:
    answer, rest = shown(everything, at_terminal=True)
    assert answer.startswith("Let me look.\n")
    assert "\x1b" not in answer + rest


def test_an_error_is_a_line_on_stderr() -> None:
    assert shown(scripted_agent(["half ", ConnectionError("lost\nin transit")])) == (
        "half \n",
        "miniagents chat: ConnectionError: lost in transit\n",
    )


# --- the program ---


def program(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str, stdin: str = ""
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    monkeypatch.setattr("sys.path", list(sys.path))
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return partial(program, capsys, monkeypatch)


def test_all_of_the_input_is_one_question(run: Run) -> None:
    assert run("chat_agents_of_the_tests:shout", stdin="/help me\nplease\n") == (0, "/help me\nplease!\n", "")
    assert run("chat_agents_of_the_tests:shout", "--ask", "you", "-o", "mark=?") == (0, "you?\n", "")
    assert run("chat_agents_of_the_tests.py:shout", "--ask", "you", "-o", 'mark="1"') == (0, "you1\n", "")


def test_the_exit_status_says_whether_there_is_an_answer(run: Run) -> None:
    assert run("chat_agents_of_the_tests:failing", stdin="go") == (
        1,
        "so far\n",
        "miniagents chat: ValueError: no more\n",
    )


def test_one_question_is_kept_where_that_is_said(run: Run, tmp_path: Path) -> None:
    where = ("chat_agents_of_the_tests:shout", "--send", "last")
    assert run(*where, "--ask", "a")[0] == 0
    assert not (tmp_path / "state").exists()
    assert run(*where, "--ask", "a", "--file", "kept.ndjson")[0] == 0
    assert run(*where, "--ask", "b", "--resume", "kept.ndjson")[:2] == (0, "b!\n")
    assert [str(message) for message in read_conversation(tmp_path / "kept.ndjson")] == ["a", "a!", "b", "b!"]
    assert run(*where, "--ask", "c", "--resume", "kept.ndjson", "--no-save")[0] == 0
    assert len(read_conversation(tmp_path / "kept.ndjson")) == 4
    assert run("--model", "scripted:kept.ndjson", "-o", "pause=0", "--ask", "x") == (0, "a!\n", "")


def test_a_model_gets_back_what_it_needs_of_a_conversation_that_is_resumed(tmp_path: Path) -> None:
    """Reasoning with its signature, calls of tools and their results, from the file."""
    said = AnthropicMessage(
        "Let me look.",
        reasoning=(Reasoning("They want the time.", signature="EqQB=="),),
        tool_calls=(ToolCall(id="call_1", name="time", arguments='{"zone": "CET"}'),),
    )
    result = ToolResultMessage("12:30", tool_call_id="call_1", tool_name="time")
    write_conversation(tmp_path / "kept.ndjson", [UserMessage("What time is it?"), said, result])

    async def ask() -> list[dict[str, Any]]:
        async with ModelServer(anthropic_messages("Half past twelve.")) as server:
            arguments = ["--model", "anthropic:claude-test", "--base-url", server.anthropic_url, "--ask", "Well?"]
            assert await asyncio.to_thread(main, [*arguments, "--resume", "kept.ndjson"]) == 0
            messages: list[dict[str, Any]] = server.requests[0].body["messages"]
            return messages

    _, second, third = asyncio.run(ask())
    assert second["content"] == [
        {"type": "thinking", "thinking": "They want the time.", "signature": "EqQB=="},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "call_1", "name": "time", "input": {"zone": "CET"}},
    ]
    assert third["content"][0]["tool_use_id"] == "call_1"
    assert [str(message) for message in read_conversation(tmp_path / "kept.ndjson")][3:] == [
        "Well?",
        "Half past twelve.",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "some:agent --model scripted",
        "some:agent --base-url http://localhost",
        "--model scripted --resume last --file f",
        "--model scripted -o pause",
    ],
)
def test_a_wrong_command_line_is_explained(run: Run, arguments: str, snapshot: SnapshotAssertion) -> None:
    status, out, err = run(*arguments.split())
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == snapshot


@pytest.mark.parametrize(
    "arguments",
    [
        "--model scripted",  # without a question
        "--model scripted --ask x --resume last",
        "--model scripted --ask x --resume nowhere.ndjson",
        "--model scripted --ask x --resume chat_agents_of_the_tests.py",
        "--model scripted --ask x --file broken.py",
        "--model scripted --ask x -o speed=1",
        "--model scripted --ask x --base-url http://localhost",
        "--model gpt-5 --ask x",
        "--model openai: --ask x",
        "--model openai:gpt-5 --ask x",
        "--model anthropic:claude --ask x",
        "--model openai:gpt-5 --ask x -o api_key=k -o temprature=1",
        "--model openai:gpt-5 --ask x -o api_key=k -o api=chat",
        "--model openai:gpt-5 --ask x -o api_key=k -o client=1",
        "--model anthropic:claude --ask x -o api_key=k -o temperature=1",
        "nowhere --ask x",
        "nowhere.at_all:agent --ask x",
        "nowhere.py:agent --ask x",
        "chat_agents_of_the_tests:nobody --ask x",
        "chat_agents_of_the_tests:number --ask x",
        "chat_agents_of_the_tests --ask x",
        "chat_agents_of_the_tests:demanding --ask x",
        "chat_agents_of_the_tests:shout --ask x -o volume=3",
        "chat_agents_of_the_tests:shout --ask x --system Hi",
        "broken:agent --ask x",
        "broken.py:agent --ask x",
        "lacking:agent --ask x",
        "empty:agent --ask x",
    ],
)
def test_what_must_be_mended_is_said_in_one_line(
    run: Run, arguments: str, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    status, out, err = run(*arguments.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.sub(r" It takes: .*", " It takes: …", err).replace(str(tmp_path), "FOLDER") == snapshot


@pytest.mark.parametrize(("provider", "package"), [("openai", "openai"), ("anthropic", "anthropic")])
def test_a_missing_sdk_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, provider: str, package: str, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert run("--model", f"{provider}:m", "--ask", "x", "-o", "api_key=k") == snapshot


def test_a_missing_extra_is_one_line_and_pipes_need_none() -> None:
    """In a process of its own, in which neither package can be imported."""
    block = (
        "import sys, importlib.util as u; f = u.find_spec; names = ('rich', 'prompt_toolkit', 'markdown_it');"
        "sys.modules.update(dict.fromkeys(names));"
        "u.find_spec = lambda name, *rest: None if name in names else f(name, *rest);"
    )
    call = "from miniagents.cli import main; sys.exit(main(['chat', '--model', 'scripted', '-o', 'pause=0']))"
    piped = subprocess.run(
        [sys.executable, "-c", block + call], input="hi", capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (piped.returncode, piped.stdout.splitlines()[0]) == (0, "You said:")
    terminal = "sys.stdin.isatty = sys.stdout.isatty = lambda: True;"
    asked = subprocess.run(
        [sys.executable, "-c", block + terminal + call],
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr == (
        "miniagents chat: a chat at a terminal needs packages that are not installed (prompt_toolkit, rich); "
        "install them with: pip install 'miniagents[chat]'\n"
    )


def test_a_closed_input_is_no_question() -> None:
    command = f"{sys.executable} -m miniagents chat --model scripted <&-"
    asked = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr == "miniagents chat: there is no question: give one by a pipe, or by --ask TEXT\n"


def test_who_stops_reading_gets_no_traceback() -> None:
    command = f"{sys.executable} -m miniagents chat --model scripted -o pause=0.01 --ask 'one two three' | head -c 3"
    piped = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (piped.stdout, piped.stderr) == ("You", "3 words, and I know only a script.\n")


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_program_that_has_one_question() -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "miniagents", "chat", "--model", "scripted", "-o", "pause=2", "--ask", "x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as asked:
        try:
            assert asked.stderr is not None
            assert asked.stderr.read(1) == b"1"  # it has begun
            asked.send_signal(signal.SIGINT)
            out, err = asked.communicate(timeout=PATIENCE)
        finally:
            asked.kill()
    assert (asked.returncode, out) == (130, b"")
    assert b"Traceback" not in err

"""Tools that the command line gives to a model: functions of the user, and those of MCP servers."""

import asyncio
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from miniagents.chat.program import main
from tests.ext.llm.answers import tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat

TOOLS = '''
from miniagents import InteractionContext, miniagent, tool

def shout(text: str) -> str:
    """Shout."""
    return text.upper()

@tool(approve=True)
def delete(path: str) -> str:
    """Delete a file."""
    raise AssertionError("nobody has approved this")

@miniagent
async def poet(ctx: InteractionContext) -> None:
    """Write a verse."""
    ctx.reply("O day!")

number = 7

def without_types(x): ...
'''

SERVER = """
from mcp.server.mcpserver import MCPServer

server = MCPServer("shop")

@server.tool()
def price(item: str) -> float:
    "Tells the price of an item."
    return {"tea": 3.5}[item]

server.run("stdio")
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
    monkeypatch.setattr("sys.path", list(sys.path))
    (tmp_path / "own_tools.py").write_text(TOOLS, encoding="utf-8")
    (tmp_path / "shop.py").write_text(SERVER, encoding="utf-8")


def asked(*arguments: str, calls: list[Any]) -> list[dict[str, Any]]:
    """The bodies of the requests of a chat of one question, to a model that makes these calls."""

    async def ask() -> list[dict[str, Any]]:
        async with ModelServer(openai_chat(tool_calls=calls), openai_chat("Done.")) as server:
            given = ["--model", "openai:gpt-test", "--base-url", server.openai_url, "--ask", "Go!", *arguments]
            assert await asyncio.to_thread(main, given) == 0
            return [request.body for request in server.requests]

    return asyncio.run(ask())


def test_functions_tools_and_agents_of_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"--tool=own_tools.py:{name}" for name in ("shout", "delete", "poet")]
    calls = [
        tool_call("shout", {"text": "hi"}, id="1"),
        tool_call("delete", {"path": "/"}, id="2"),
        tool_call("poet", {"message": "x"}, id="3"),
    ]
    first, second = asked(*names, "--price", "1/2", calls=calls)
    assert [each["function"]["name"] for each in first["tools"]] == ["shout", "delete", "poet"]
    shouted, refused, verse = (message["content"] for message in second["messages"][-3:])
    assert (shouted, verse) == ("HI", "O day!")
    assert refused.endswith("nobody can be asked whether delete may be called: the chat has no terminal")
    out, err = capsys.readouterr()
    assert out == "Done.\n"
    assert "[cost: 0.0001, in this chat 0.0001]" in err


def test_all_calls_need_approval_if_the_user_says_so() -> None:
    _, second = asked("--tool=own_tools.py:shout", "--approve", calls=[tool_call("shout", {"text": "hi"})])
    assert "nobody can be asked" in second["messages"][-1]["content"]


def test_tools_of_an_mcp_server() -> None:
    pytest.importorskip("mcp", reason="the SDK is in the extra `mcp`")
    command = shlex.join([sys.executable, "shop.py"])
    first, second = asked("--mcp", command, "--tool=own_tools.py:shout", calls=[tool_call("price", {"item": "tea"})])
    assert [each["function"]["name"] for each in first["tools"]] == ["shout", "price"]
    assert second["messages"][-1]["content"] == "3.5"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--tool=own_tools.py"], "--tool own_tools.py: say which function, as in own_tools.py:NAME"),
        (["--tool=own_tools.py:nope"], "--tool: own_tools.py has no 'nope'"),
        (["--tool=own_tools.py:number"], "--tool own_tools.py:number: it is no function, but int"),
        (["--tool=own_tools.py:without_types"], "--tool own_tools.py:without_types: "),
        (["--tool=nowhere.py:x"], "there is no file nowhere.py"),
        (["--tool=own_tools.py:shout", "--tool=own_tools.py:shout"], "shout"),
        (["--mcp", ""], "--mcp: give a command, or an address that begins with http"),
        (["--mcp", "http://"], "--mcp: HTTPServer: the address must begin with"),
        (["--mcp", "'"], "--mcp: No closing quotation"),
        (["--mcp", "no-such-program-anywhere"], "no-such-program-anywhere"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mcp", reason="the SDK is in the extra `mcp`")
    assert main(["--model", "openai:gpt-test", "--base-url", "http://127.0.0.1:9", "--ask", "Go!", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("miniagents chat: ")
    assert error in err
    assert len(err.splitlines()) == 1


def test_tools_are_for_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["own_tools.py:poet", "--tool=own_tools.py:shout", "--ask", "x"]) == 2
    assert "--tool and --mcp are for models: give --model too" in capsys.readouterr().err
    assert main(["--model", "scripted", "--tool=own_tools.py:shout", "--ask", "x"]) == 2
    assert "the scripted model calls no tools" in capsys.readouterr().err
    assert main(["--model", "scripted", "--price", "cheap", "--ask", "x"]) == 2
    assert "'cheap' is not of the form IN/OUT" in capsys.readouterr().err

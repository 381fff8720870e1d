"""Tools of MCP servers: the SDK's own servers, in processes of their own, over stdio and over HTTP."""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from miniagents import ImagePart, MiniAgents, ToolCall, ToolProgress, ToolResultMessage
from miniagents.ext.llm import create_openai_agent
from miniagents.ext.mcp import (
    HTTPServer,
    MCPConnectionError,
    MCPError,
    MCPLimits,
    MCPResultMessage,
    MCPTimeoutError,
    MCPTool,
    StdioServer,
    mcp_tools,
)
from miniagents.ext.mcp._naming import name_for_models
from miniagents.tools import ToolError
from tests.ext.llm.answers import answer, tool_call
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.replies import Saying

SERVING = str(Path(__file__).with_name("serving.py"))
STDIO = StdioServer(sys.executable, SERVING)


def program(text: str) -> StdioServer:
    """A server that is a few lines, with the SDK's `MCPServer` as `server`."""
    head = "from mcp.server.mcpserver import MCPServer\nserver = MCPServer('x')\n"
    return StdioServer(sys.executable, "-c", f"{head}{text}\nserver.run('stdio')")


class OverHTTP:
    """A server over HTTP on a port of its own, which can be ended and started again."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.process = self._started()
        for _ in range(1_000):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the server did not start")

    def _started(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, SERVING, str(self.port)], stderr=subprocess.DEVNULL)

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @property
    def server(self) -> HTTPServer:
        return HTTPServer(f"http://127.0.0.1:{self.port}/mcp", headers={"Authorization": "Bearer sk-planted"})


@contextlib.asynccontextmanager
async def stdio() -> AsyncGenerator[StdioServer]:
    yield STDIO


@contextlib.asynccontextmanager
async def http() -> AsyncGenerator[HTTPServer]:
    running = OverHTTP()
    try:
        await running.start()
        yield running.server
    finally:
        running.end()


each_transport = pytest.mark.parametrize("transport", [stdio, http])


@contextlib.asynccontextmanager
async def tools_of(server: StdioServer | HTTPServer, **options: Any) -> AsyncGenerator[dict[str, MCPTool]]:
    async with MiniAgents(), mcp_tools(server, **options) as tools:
        yield {tool.name: tool for tool in tools}


# --- results ---


@each_transport
async def test_the_tools_of_a_server_are_tools(transport: Callable[[], Any]) -> None:
    async with transport() as server, tools_of(server) as tools:
        add = tools["add"]
        assert (add.name, add.description) == ("add", "Adds two numbers.")
        assert {*add.parameters} >= {"type", "properties", "required"}
        result = await add({"left": 1, "right": 2})
        assert (str(result), result.structured) == ("3", {"result": 3})
        told = await add.answer(ToolCall(id="c1", name="add", arguments='{"left": 1, "right": 2}'))
        assert told == ToolResultMessage("3", tool_call_id="c1", tool_name="add")
        picture = await tools["picture"].answer(ToolCall(id="c2", name="picture"))
        assert str(picture) == "a pixel"
        assert [type(part) for part in picture.content] == [ImagePart]
        assert str(await tools["resources"]({})) == "see\n\nnotes: file:///notes.txt\n\nin it"
        only = await tools["only_structured"]({})
        assert only == MCPResultMessage('{"a":[1,null]}', structured={"a": (1, None)})
        with pytest.raises(ToolError, match="Error executing tool fail: no$"):
            await tools["fail"]({"text": "no"})
        wrong = await add.answer(ToolCall(id="c3", name="add", arguments='{"left": 1}'))
        assert wrong.is_error
        assert "right" in str(wrong)


async def test_a_model_calls_them_in_its_loop() -> None:
    asking = answer(tool_calls=[tool_call("add", {"left": 1, "right": 2}, id="c1")])
    async with (
        ModelServer(Saying(asking), Saying(answer("It is 3."))) as models,
        MiniAgents(),
        mcp_tools(STDIO, allow={"add"}) as tools,
    ):
        agent = create_openai_agent("gpt-test", tools=tools, api_key="k", base_url=f"{models.url}/v1")
        _, result, last = await agent.inquire("What is 1 + 2?")
    assert (str(result), str(last)) == ("3", "It is 3.")


@each_transport
async def test_progress_becomes_events_of_the_call(transport: Callable[[], Any]) -> None:
    async with transport() as server, tools_of(server) as tools:
        promise = tools["steps"].answer(ToolCall(id="c1", name="steps", arguments='{"count": 3}'))
        events = [event async for event in promise.events]
        reports = [event for event in events if isinstance(event, ToolProgress)]
        assert reports[-1] == ToolProgress(progress=3.0, total=3.0, note="step 3")  # earlier ones may be overtaken
        assert str(await promise) == "done"


async def test_no_variable_of_the_program_reaches_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    server = StdioServer(sys.executable, SERVING, env={"OWN": "mine"})
    async with tools_of(server, allow=["environment"]) as tools:
        assert str(await tools["environment"]({"name": "OPENAI_API_KEY"})) == "(none)"
        assert str(await tools["environment"]({"name": "OWN"})) == "mine"


def test_servers_show_no_secrets() -> None:
    shown = repr(
        [
            StdioServer("serve", "--key", "sk-planted", env={"KEY": "sk-planted"}),
            HTTPServer("https://me:sk-planted@host:1/mcp?key=sk-planted", headers={"Authorization": "sk-planted"}),
        ]
    )
    assert shown == "[StdioServer('serve'), HTTPServer('https://host:1/mcp')]"
    with pytest.raises(ValueError, match="must begin with http") as raised:
        HTTPServer("sk-planted")
    assert "sk-planted" not in str(raised.value)


def any_of(given: Any) -> Any:  # Any: what the checkers refuse is to be tried
    return given


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: StdioServer("serve", any_of(["--port", "1"])), "one is a list: give the arguments one by one$"),
        (
            lambda: StdioServer("serve", any_of(1)),
            "^StdioServer: the program and its arguments are texts, .* is a int$",
        ),
        (lambda: StdioServer("serve", env={"PORT": any_of(1)}), "^StdioServer: env: the value of 'PORT' is a int"),
        (lambda: HTTPServer("http://x", headers={"A": any_of(None)}), "^HTTPServer: headers: .* 'A' is a NoneType"),
    ],
)
def test_servers_are_made_of_texts(make: Callable[[], object], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        make()


async def test_what_is_no_server_or_no_limit_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"^mcp_tools: a str is no server; write StdioServer\(command, \.\.\.\) or HTTPS"
    ):
        await mcp_tools(any_of("http://me:sk-planted@host")).__aenter__()
    with pytest.raises(TypeError, match=r"^mcp_tools: limits: 5 is no MCPLimits\(\.\.\.\)$"):
        await mcp_tools(STDIO, limits=any_of(5)).__aenter__()
    with pytest.raises(TypeError, match="^mcp_tools: timeout='30': give a number, not str$"):
        await mcp_tools(STDIO, timeout=any_of("30")).__aenter__()
    with pytest.raises(ValueError, match="^mcp_tools: timeout=0: give seconds above zero$"):
        await mcp_tools(STDIO, timeout=0).__aenter__()


async def test_arguments_that_are_no_dict_are_refused_here_and_the_server_is_not_blamed() -> None:
    async with tools_of(STDIO) as tools:
        with pytest.raises(TypeError, match="^tool 'add': give the arguments as one dict"):
            await any_of(tools["add"])("1")
        with pytest.raises(TypeError, match=r"^add\(\) got an unexpected keyword argument 'left'"):
            await any_of(tools["add"])({}, left=1)


# --- lives ---


async def test_a_server_that_dies_fails_its_running_calls_and_is_started_again(tmp_path: Path) -> None:
    async with tools_of(STDIO) as tools:
        first = int(str(await tools["process"]({})))
        running = tools["hang"]({"path": str(tmp_path / "a")})
        await until((tmp_path / "a").exists)
        with pytest.raises(MCPConnectionError, match="the connection was lost"):
            await tools["die"]({})
        with pytest.raises(MCPConnectionError, match="the connection was lost"):
            await running
        second = int(str(await tools["process"]({})))
        assert second != first
        os.kill(second, 9)  # while nothing runs on it
        await until(lambda: not is_running(second))
        result = await tools["process"].answer(ToolCall(id="c", name="process"))
        assert not result.is_error
        assert int(str(result)) not in (first, second)
    assert not is_running(int(str(result)))


async def test_calls_at_the_same_time_share_one_new_connection() -> None:
    async with tools_of(STDIO) as tools:
        with pytest.raises(MCPConnectionError):
            await tools["die"]({})
        calls = [tools["process"]({}) for _ in range(5)]
        assert len({str(await call) for call in calls}) == 1


async def test_a_server_over_http_that_is_gone_is_reached_again_when_it_is_back() -> None:
    running = OverHTTP()
    try:
        await running.start()
        async with tools_of(running.server) as tools:
            first = str(await tools["process"]({}))
            running.end()
            with pytest.raises(MCPError):
                await tools["process"]({})
            with pytest.raises(MCPConnectionError, match="cannot be opened"):
                await tools["process"]({})
            await running.start()
            assert str(await tools["process"]({})) != first
    finally:
        running.end()


@each_transport
async def test_a_call_that_is_cancelled_is_cancelled_at_the_server(
    transport: Callable[[], Any], tmp_path: Path
) -> None:
    path = tmp_path / "call"
    async with transport() as server, tools_of(server) as tools:
        call = tools["hang"]({"path": str(path)})
        await until(path.exists)
        call.cancel()
        await until(lambda: path.read_text() == "cancelled")
        assert str(await tools["add"]({"left": 1, "right": 1})) == "2"


async def test_a_call_may_take_only_so_long(tmp_path: Path) -> None:
    async with tools_of(STDIO, timeout=0.3) as tools:
        with pytest.raises(MCPTimeoutError, match="did not answer in time"):
            await tools["hang"]({"path": str(tmp_path / "a")})
        assert str(await tools["add"]({"left": 1, "right": 1})) == "2"


async def test_a_call_after_the_block_says_that_it_is_over() -> None:
    async with MiniAgents():
        async with mcp_tools(STDIO, allow=["add"]) as tools:
            pass
        with pytest.raises(MCPConnectionError, match="it was closed: its `async with mcp_tools"):
            await tools[0]({"left": 1, "right": 1})


async def test_agents_share_a_server_by_their_context() -> None:
    async with MiniAgents() as context:
        ((add,), (same,)) = [
            await context.shared_async("server", lambda: mcp_tools(STDIO, allow=["add"])) for _ in range(2)
        ]
        assert add is same
        assert str(await add({"left": 1, "right": 1})) == "2"


async def test_the_block_may_be_cancelled_and_leaves_no_process() -> None:
    found: list[int] = []

    async def block() -> None:
        async with tools_of(STDIO) as tools:
            found.append(int(str(await tools["process"]({}))))
            await asyncio.sleep(1000)

    task = asyncio.create_task(block())
    await until(lambda: bool(found))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_running(found[0])


# --- servers that cannot be used ---


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (StdioServer("no-such-program"), "cannot be opened: FileNotFoundError"),
        (StdioServer("no-such program"), "'no-such program'; give the program and its arguments one by one: Stdio"),
        (StdioServer(sys.executable, "-c", "raise SystemExit('give a key')"), "It wrote:\ngive a key$"),
        (HTTPServer("http://127.0.0.1:9/mcp"), "cannot be opened"),
    ],
)
async def test_a_server_that_does_not_start_says_why(server: StdioServer | HTTPServer, said: str) -> None:
    with pytest.raises(MCPConnectionError, match=said) as raised:
        async with mcp_tools(server):
            pass
    assert raised.value.__cause__ is None  # the traceback is short
    assert raised.value.__suppress_context__


async def test_a_server_that_says_nothing_is_given_up() -> None:
    silent = StdioServer(sys.executable, "-c", "import sys; sys.stdin.read()")
    with pytest.raises(MCPConnectionError, match=r"it did not start within 0.3 s: see MCPLimits\(opening"):
        async with mcp_tools(silent, limits=MCPLimits(opening=0.3)):
            pass


async def test_tools_that_are_not_there_are_named() -> None:
    with pytest.raises(MCPError, match=r"it has no tool 'serach'; it has: 'add', 'die', "):
        async with mcp_tools(STDIO, allow={"serach"}):
            pass
    with pytest.raises(TypeError, match="give a set of names: {'add'}"):
        async with mcp_tools(STDIO, allow="add"):
            pass


# --- what a server says is not trusted ---


async def test_a_result_that_is_too_large_is_refused() -> None:
    async with tools_of(STDIO, limits=MCPLimits(result=1_000)) as tools:
        assert len(str(await tools["large"]({"size": 1_000}))) == 1_000
        result = await tools["large"].answer(ToolCall(id="c", name="large", arguments='{"size": 1001}'))
    assert result.is_error
    assert str(result) == "The result has 1,001 characters, and 1,000 are allowed. Ask for less."


async def test_a_description_that_is_too_large_is_refused_unless_its_tool_is_left_out() -> None:
    server = program(
        "server.tool(name='big', description='x' * 40_000)(lambda: 1)\nserver.tool(name='small')(lambda: 1)"
    )
    with pytest.raises(MCPError, match=r"its tool big takes 40,\d+ bytes to describe, and 32,768 are allowed"):
        async with mcp_tools(server):
            pass
    async with mcp_tools(server, allow={"small"}) as tools:
        assert [tool.name for tool in tools] == ["small"]


async def test_a_server_with_too_many_tools_is_refused() -> None:
    with pytest.raises(MCPError, match="it has more than 3 tools"):
        async with mcp_tools(STDIO, limits=MCPLimits(tools=3)):
            pass


@pytest.mark.parametrize(
    "name", ["", "a" * 65, "files/read", "böse", "a b", "\U0001d4b3", "with\nline", "ok" * 40, "files.read", "\ud800"]
)
def test_names_that_vendors_refuse_are_changed_and_stay_different(name: str) -> None:
    changed = name_for_models(name, "")
    assert changed == name_for_models(name, "")
    assert len(changed) <= 64
    assert changed.isascii()
    assert changed.replace("-", "").replace("_", "").isalnum()
    assert len({name_for_models(other, "") for other in ("a.b", "a/b", "a b", "a_b")}) == 4


async def test_a_changed_name_calls_the_tool_and_a_prefix_keeps_servers_apart() -> None:
    async with tools_of(STDIO, allow={"files/read.all", "add"}, prefix="x_") as tools:
        assert {*tools} == {"x_add", name_for_models("files/read.all", "x_")}
        assert str(await tools[name_for_models("files/read.all", "x_")]({})) == "all"


# --- real servers ---


def installed(module: str) -> list[str] | None:
    found = importlib.util.find_spec(module) is not None
    return [sys.executable, "-m", module] if found else None


def on_path(name: str) -> list[str] | None:
    found = shutil.which(name, path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}")
    return None if found is None else [found]


async def tell_the_time(tools: dict[str, MCPTool]) -> None:
    result = await tools["convert_time"](
        {"source_timezone": "Europe/Berlin", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    )
    assert "Asia/Tokyo" in str(result)
    with pytest.raises(ToolError):
        await tools["get_current_time"]({"timezone": "Nowhere"})


async def look_at_a_repository(tools: dict[str, MCPTool]) -> None:
    root = Path(__file__).parents[3]
    assert str(await tools["git_log"]({"repo_path": str(root), "max_count": 1})).startswith("Commit history")


async def try_everything(tools: dict[str, MCPTool]) -> None:
    assert "hi" in str(await tools["echo"]({"message": "hi"}))
    picture = await tools["get-tiny-image"]({})
    assert any(isinstance(part, ImagePart) for part in picture.content)


async def list_files(tools: dict[str, MCPTool]) -> None:
    text = str(await tools["list_directory"]({"path": str(Path(__file__).parent)}))
    assert "serving.py" in text


REAL: list[tuple[str, list[str] | None, list[str], Callable[[dict[str, MCPTool]], Awaitable[None]]]] = [
    ("mcp-server-time of PyPI", installed("mcp_server_time"), [], tell_the_time),
    ("mcp-server-git of PyPI", installed("mcp_server_git"), [], look_at_a_repository),
    ("@modelcontextprotocol/server-everything of npm", on_path("mcp-server-everything"), [], try_everything),
    (
        "@modelcontextprotocol/server-filesystem of npm",
        on_path("mcp-server-filesystem"),
        [str(Path(__file__).parent)],
        list_files,
    ),
]


@pytest.mark.parametrize(("name", "command", "args", "use"), REAL, ids=[row[0] for row in REAL])
async def test_servers_of_others(
    name: str,
    command: list[str] | None,
    args: list[str],
    use: Callable[[dict[str, MCPTool]], Awaitable[None]],
) -> None:
    if command is None:
        pytest.skip(f"{name} is not installed")
    async with tools_of(StdioServer(*command, *args)) as tools:
        await use(tools)


# --- helpers ---


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that another process does; the watchdog of the tests ends it if it never does."""
    while not holds():
        await asyncio.sleep(0.01)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

"""The chat on a real (pseudo-)terminal, as a person uses it."""

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from miniagents import AssistantMessage
from miniagents.chat.history import read_conversation
from miniagents.chat.terminal_input import PATIENCE
from tests.chat.terminal import Terminal, terminal
from tests.ext.llm.answers import tool_call
from tests.ext.llm.anthropic.answering import anthropic_messages
from tests.ext.llm.model_server import ModelServer
from tests.ext.llm.openai.answering_chat import openai_chat
from tests.ext.llm.replies import http_error

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals"),
    pytest.mark.usefixtures("interruptible"),
]

ALT_ENTER, CTRL_C, CTRL_D, ENTER, BACKSPACE = "\x1b\r", "\x03", "\x04", "\r", "\x7f"
SPINNER = re.compile("[\u2800-\u28ff]")
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?[349][0-7](?:;|m)")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "XDG_STATE_HOME": str(tmp_path),
        "OPENAI_API_KEY": "sk-of-the-tests",
        "ANTHROPIC_API_KEY": "sk-of-the-tests",
    }


def kept_in(environment: dict[str, str]) -> list[str]:
    """The texts of the only conversation that is kept."""
    (path,) = (Path(environment["XDG_STATE_HOME"]) / "miniagents" / "conversations").iterdir()
    return [str(message) for message in read_conversation(path)]


def test_a_chat(environment: dict[str, str], snapshot: SnapshotAssertion) -> None:
    """Several lines in one message, a stopped answer, the same question again, Ctrl+D; then all of it resumed."""
    with terminal("--model", "scripted", "-o", "pause=0.3", environment=environment) as screen:
        screen.until_prompt()
        screen.type(f"a *b*{ALT_ENTER}c d e f g h\\{ENTER}i j k l{ENTER}")
        screen.until("You said")
        screen.type(CTRL_C)
        screen.until("stopped")
        screen.until_prompt()
        screen.type(f"dropped{CTRL_C}")
        screen.until_prompt()
        screen.type(CTRL_D)
        assert screen.ended() == 0
    assert kept_in(environment)[0] == "a *b*\nc d e f g h\ni j k l"
    assert kept_in(environment)[1].startswith("You said:")
    with terminal("--model", "scripted", "-o", "pause=0", "--resume", "last", environment=environment) as screen:
        screen.until_prompt()
        screen.type(f"/retry{ENTER}")
        screen.until("No model is at work here.")
        screen.until_prompt()
        assert screen.text[screen.text.index("/retry") :] == snapshot
        screen.type(f"/quit{ENTER}")
        assert screen.ended() == 0
    assert len(kept_in(environment)) == 2


def test_ctrl_c_twice_at_an_empty_prompt_ends(environment: dict[str, str]) -> None:
    with terminal("--model", "scripted", environment=environment) as screen:
        screen.until_prompt()
        screen.type(CTRL_C)
        screen.until("press Ctrl+C again, or Ctrl+D, to end")
        screen.until_prompt()
        screen.type(CTRL_C)
        assert screen.ended() == 0
    assert "Traceback" not in screen.text


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_are_for_those_who_want_them(environment: dict[str, str], no_color: str) -> None:
    with terminal("--model", "scripted", "-o", "pause=0", environment={**environment, "NO_COLOR": no_color}) as screen:
        screen.until_prompt()
        screen.type(f"`x`{ENTER}")
        screen.until("No model is at work here.")
        screen.until_prompt()
        screen.type(f"/he{CTRL_C}{CTRL_D}")
        assert screen.ended() == 0
    assert bool(COLOUR.search(screen.written)) is not bool(no_color)


def test_a_model_that_stalls_is_stopped_and_its_connection_closed(environment: dict[str, str]) -> None:
    async def main() -> None:
        said = anthropic_messages("One two three four", reasoning="Let me think.")
        async with ModelServer(said.stall(after=12), anthropic_messages("Five.")) as server:
            await asyncio.to_thread(talk, server, asyncio.get_running_loop())
        assert server.clients_gone == 1
        second = server.requests[1].body
        assert second["system"] == "Count."
        assert second["messages"][1] == {"role": "assistant", "content": "One two three"}

    def talk(server: ModelServer, loop: asyncio.AbstractEventLoop) -> None:
        arguments = ("--model", "anthropic:claude-test", "--base-url", server.anthropic_url, "--system", "Count.")
        with terminal(*arguments, environment=environment) as screen:
            screen.until_prompt()
            screen.type(f"Go{ENTER}")
            screen.until("Let me think.", "One two three")
            asyncio.run_coroutine_threadsafe(server.until_stalled(), loop).result()
            screen.type(CTRL_C)
            screen.until("stopped")
            asyncio.run_coroutine_threadsafe(server.until(lambda: server.clients_gone == 1), loop).result()
            screen.type(f"Go on{ENTER}")
            screen.until("Five.", "tokens")
            screen.until_prompt()
            screen.type(CTRL_D)
            assert screen.ended() == 0

    asyncio.run(main())


def test_calls_of_tools_and_errors_of_a_server(environment: dict[str, str], snapshot: SnapshotAssertion) -> None:
    async def main() -> None:
        calls = [tool_call("weather", {"city": "Paris"}), tool_call("time", {"zone": "CET"}, id="call_2")]
        replies = (
            openai_chat("Let me look.", reasoning="They want the weather.", tool_calls=calls),
            http_error(401, message="Incorrect API key provided: sk-of-the-tests."),
            openai_chat("One two three four").reset(after=4),
        )
        async with ModelServer(*replies) as server:
            await asyncio.to_thread(talk, server)

    def talk(server: ModelServer) -> None:
        arguments = ("--model", "openai:gpt-test", "--base-url", server.openai_url, "-o", "max_retries=0")
        with terminal(*arguments, environment=environment, height=30) as screen:
            screen.until_prompt()
            for question, sign in (("Hi", "tokens"), ("Again", "401"), ("And again", "ConnectionError")):
                screen.type(f"{question}{ENTER}")
                screen.until(sign)
                screen.until_prompt()
            assert re.sub(r"(?<=127\.0\.0\.1:)\d{5}", "00000", screen.text) == snapshot
            assert "sk-of-the-tests" not in screen.text
            screen.type(CTRL_D)
            assert screen.ended() == 0

    asyncio.run(main())
    (path,) = (Path(environment["XDG_STATE_HOME"]) / "miniagents" / "conversations").iterdir()
    messages = read_conversation(path)
    assert isinstance(messages[1], AssistantMessage)
    assert [call.name for call in messages[1].tool_calls] == ["weather", "time"]


MODEL_WITH_TOOLS = '''
from miniagents import InteractionContext, miniagent
from miniagents.ext.llm import create_openai_agent
from miniagents.tools import tool


@tool
async def weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: where.
    """
    if city == "Venus":
        raise ValueError("nobody has been there")
    return f"{city}: 21 °C"


@miniagent
async def poet(ctx: InteractionContext) -> None:
    """Writes a verse."""
    for message in await ctx.messages:
        ctx.reply(f"O merry day!\\n{message}!")


model = create_openai_agent("gpt-test", tools=[weather, poet.as_tool()])
'''


def test_tools_at_work(environment: dict[str, str], tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """Calls, their results, those of nested agents, and their errors, as they come; all of it is kept."""
    (tmp_path / "station.py").write_text(MODEL_WITH_TOOLS, encoding="utf-8")

    async def main() -> None:
        calls = [tool_call("weather", {"city": "Kiel"}), tool_call("weather", {"city": "Venus"}, id="call_2")]
        replies = (
            openai_chat("I ask.", tool_calls=calls),
            openai_chat(tool_calls=[tool_call("poet", {"message": "21 °C"}, id="call_3")]),
            openai_chat("There it is."),
        )
        async with ModelServer(*replies) as server:
            await asyncio.to_thread(talk, server)

    def talk(server: ModelServer) -> None:
        where = {**environment, "OPENAI_BASE_URL": server.openai_url}
        with terminal(f"{tmp_path / 'station.py'}:model", environment=where) as screen:
            screen.until_prompt()
            screen.type(f"A verse on Kiel{ENTER}")
            screen.until("There it is.", "tokens")
            screen.until_prompt()
            assert screen.text == snapshot
            screen.type(CTRL_D)
            assert screen.ended() == 0

    asyncio.run(main())
    assert kept_in(environment)[0] == "A verse on Kiel"
    assert kept_in(environment)[-1] == "There it is."
    assert len(kept_in(environment)) == 7


def test_an_agent_that_will_not_stop_can_be_left(environment: dict[str, str], tmp_path: Path) -> None:
    """Even one that holds up the loop: there Ctrl+C ends the program after a while."""
    (tmp_path / "holding.py").write_text(
        "import time\n"
        "from miniagents import InteractionContext, miniagent\n"
        "@miniagent\n"
        "async def holding(ctx: InteractionContext) -> None:\n"
        "    ctx.reply('wait')\n"
        "    time.sleep(1_000_000)\n"
    )
    with terminal(f"{tmp_path / 'holding.py'}:holding", environment=environment) as screen:
        screen.until_prompt()
        screen.type(f"go{ENTER}")
        screen.until_true(lambda: bool(SPINNER.search(screen.text)), "it was not asked")
        screen.type(CTRL_C)
        screen.watch(PATIENCE + 0.2)
        assert "stopped" not in screen.text
        screen.type(CTRL_C)
        assert screen.ended() == 130


def test_what_is_typed_while_an_answer_comes_is_for_the_next_prompt(environment: dict[str, str]) -> None:
    with terminal("--model", "scripted", "-o", "pause=0.1", environment=environment) as screen:
        screen.until_prompt()
        screen.type(f"one{ENTER}")
        screen.until("1 word")
        screen.type(f"typed ahead{ENTER}")
        screen.until("No model is at work here.")
        assert "typed" not in screen.text.split("No model")[0]
        screen.until("2 words", "ahead")
        screen.until_prompt()
        screen.type(CTRL_D)
        assert screen.ended() == 0
    assert kept_in(environment)[2] == "typed ahead"


def test_what_is_typed_before_the_first_prompt_is_asked(environment: dict[str, str]) -> None:
    """Also while Python starts, when the terminal makes lines of it."""
    with terminal("--model", "scripted", "-o", "pause=0", environment=environment) as screen:
        screen.type(f"typed early{ENTER}")
        screen.until_true(lambda: bool(screen.written), "nothing was echoed")
        screen.type(f"and more{ENTER}and a part")
        screen.until("> and more", "> and a part")
        screen.type(f"{CTRL_C}{CTRL_D}")
        assert screen.ended() == 0
    assert kept_in(environment)[0::2] == ["typed early", "and more"]


TOOLS = '''
from miniagents import tool

@tool(approve=True)
async def delete(path: str, force: bool = False) -> str:
    """Delete a file."""
    return f"{path} is deleted{', by force' if force else ''}"

def shout(text: str) -> str:
    """Shout."""
    return text.upper()
'''


def asked_for_tools(
    environment: dict[str, str], tmp_path: Path, talk: Callable[[Terminal], None], replies: int
) -> ModelServer:
    """A talk with a model that calls `delete` and then answers, and again; gives the server."""
    (tmp_path / "own_tools.py").write_text(TOOLS, encoding="utf-8")

    async def main() -> ModelServer:
        answers = [
            reply
            for number in range(1, 4)
            for reply in (
                openai_chat(tool_calls=[tool_call("delete", {"path": f"note {number}"}, id=f"call_{number}")]),
                openai_chat(f"That was {number}."),
            )
        ]
        async with ModelServer(*answers[:replies]) as server:
            await asyncio.to_thread(begin, server)
        return server

    def begin(server: ModelServer) -> None:
        places = [f"--tool={tmp_path / 'own_tools.py'}:{name}" for name in ("delete", "shout")]
        with terminal(
            "--model", "openai:gpt-test", "--base-url", server.openai_url, *places, environment=environment
        ) as screen:
            screen.until_prompt()
            talk(screen)

    return asyncio.run(main())


def until_asked(screen: Terminal) -> None:
    screen.until_true(lambda: screen.lines[-1:] == ["y, n or e (edit) >"], "there was no question")


def test_a_call_is_approved_refused_or_changed(environment: dict[str, str], tmp_path: Path) -> None:
    def talk(screen: Terminal) -> None:
        screen.type(f"one{ENTER}")
        until_asked(screen)
        assert 'may it call delete(path="note 1") ?' in screen.text
        screen.type(f"what{ENTER}")
        screen.until("y: yes")
        until_asked(screen)
        screen.type(f"y{ENTER}")
        screen.until("note 1 is deleted", "That was 1.")
        screen.until_prompt()
        screen.type(f"two{ENTER}")
        until_asked(screen)
        screen.type(f"n it is mine{ENTER}")
        screen.until("was refused: it is mine", "That was 2.")
        screen.until_prompt()
        screen.type(f"three{ENTER}")
        until_asked(screen)
        screen.type(f"e{ENTER}")
        screen.until('arguments > {"path":"note 3"}')
        screen.type(f"{BACKSPACE},{ENTER}")
        screen.until_true(lambda: screen.text.count("arguments >") == 2, "it did not ask again")
        assert "it must be a JSON object" in screen.text
        screen.type(f'{BACKSPACE},"force":true}}{ENTER}')
        screen.until("note 3 is deleted, by force", "That was 3.")
        screen.until_prompt()
        screen.type(CTRL_D)
        assert screen.ended() == 0

    server = asked_for_tools(environment, tmp_path, talk, replies=6)
    assert [each["function"]["name"] for each in server.requests[0].body["tools"]] == ["delete", "shout"]
    assert "it is mine" in str(server.requests[3].body["messages"][-1])


def test_what_was_typed_before_a_question_about_a_call_is_no_answer_to_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    def talk(screen: Terminal) -> None:
        screen.type(f"one{ENTER}yes, and now the next{ENTER}")
        until_asked(screen)
        screen.watch(0.2)
        assert "is deleted" not in screen.text
        screen.type(f"n{ENTER}")
        screen.until("> yes, and now the next")
        until_asked(screen)
        screen.type(CTRL_C)
        screen.until("stopped")
        screen.until_prompt()
        screen.type(CTRL_D)
        assert screen.ended() == 0

    asked_for_tools(environment, tmp_path, talk, replies=3)
    assert "That was 1." in kept_in(environment)

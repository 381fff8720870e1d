"""The command line of `miniagents chat`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from miniagents.chat.costs import read_prices
from miniagents.command_parser import CommandParser, Example
from miniagents.ext.llm.providers import Providers
from miniagents.messages.values.surrogates import mended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from miniagents.calls import Price

__all__ = ["Arguments", "build_parser", "read_arguments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The parsed command line.

    Attributes:
        agent: Where the agent is, as in "package.module:agent"; None for a model.
        model: The model, as in "openai:gpt-5"; None for an agent.
        base_url: The URL of the model's server; None for the vendor's own.
        options: Arguments of the agent, or options of the model, by their names.
        send: Whether the agent is sent the whole conversation or only the last message.
        ask: The only question; None to read questions.
        resume: The conversation to continue: a file, or "last"; None for a new one.
        file: The file to keep the conversation in; None for a new file in the folder of conversations.
        keeps: Whether the conversation is kept in a file at all.
        tools: Where the functions are that a model may call.
        servers: The commands, or addresses, of MCP servers whose tools a model may call.
        approves: Whether the user is asked before each call of a tool, and not only where the tool asks for it.
        prices: What tokens cost; None if that is not known.
    """

    agent: str | None
    model: str | None
    base_url: str | None
    options: Mapping[str, Any]  # Any: options have the types that the agent or the model asks for
    send: Literal["conversation", "last"]
    ask: str | None
    resume: str | None
    file: Path | None
    keeps: bool
    tools: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    approves: bool = False
    prices: Price | None = None


def read_arguments(argv: Sequence[str]) -> Arguments:
    """Read the command line.

    Raises:
        SystemExit: Help was asked for, or the arguments are wrong, which `argparse` has printed.
    """
    parser = build_parser()
    given = parser.parse_args(argv)
    if (given.agent is None) == (given.model is None):
        parser.error("say whom to talk to: an AGENT as in my_package.my_module:my_agent, or --model openai:gpt-5"
                     if given.agent is None else "give an AGENT or --model, not both")  # fmt: skip
    if given.base_url is not None and given.model is None:
        parser.error("--base-url is for models: give --model too")
    if (given.tool or given.mcp) and given.model is None:
        parser.error("--tool and --mcp are for models: give --model too")
    if given.resume is not None and given.file is not None:
        parser.error("--resume goes on in its own file: leave --file out")
    options = dict(given.option)
    if given.system is not None:
        options["system"] = mended(given.system)
    return Arguments(
        agent=given.agent,
        model=given.model,
        base_url=given.base_url,
        options=options,
        send=given.send,
        ask=given.ask,
        resume=given.resume,
        file=given.file,
        keeps=not given.no_save,
        tools=tuple(given.tool),
        servers=tuple(given.mcp),
        approves=given.approve,
        prices=given.price,
    )


def build_parser() -> CommandParser:
    """Return the parser of the command line."""
    parser = CommandParser(
        prog="miniagents chat" if Path(sys.argv[0]).stem == "miniagents" else "python -m miniagents chat",
        description="Talk to an agent or a language model. At a terminal, Enter sends, Alt+Enter begins a new line, "
        "Ctrl+C stops the answer, Ctrl+D ends, and /help says more. Where the input is no terminal, all of it is one "
        "question; the answer goes to stdout, everything else to stderr. "
        "Exit status: 0 done, 1 the answer failed, 2 the arguments or files are wrong, 130 interrupted.",
    )
    parser.add_argument(
        "agent", nargs="?", metavar="AGENT", help="my_package.my_module:my_agent, or my_file.py:my_agent"
    )
    parser.add_argument(
        "--model",
        help=f"{', '.join(f'{each}:NAME' for each in Providers())}; or, without any network, scripted (repeats your "
        "words) or scripted:FILE (answers as in a saved conversation)",
    )
    parser.add_argument("--base-url", metavar="URL", help="the URL of the model's server, if it is not the vendor's")
    parser.add_argument("--system", metavar="TEXT", help="the system message, which tells the model its task")
    parser.add_argument(
        "-o",
        "--option",
        action="append",
        default=[],
        type=_option,
        metavar="NAME=VALUE",
        help="an option of the model, as in -o max_tokens=500 -o api=responses, or an argument of the agent; the value "
        "is read as JSON, or else as text; may be repeated",
    )
    parser.add_argument(
        "--tool",
        action="append",
        default=[],
        metavar="MODULE:NAME",
        help="a function, tool or agent that the model may call, as in my_tools.py:search; may be repeated",
    )
    parser.add_argument(
        "--mcp",
        action="append",
        default=[],
        metavar="COMMAND|URL",
        help="an MCP server whose tools the model may call: a command, as in --mcp 'npx -y some-server', or an address "
        "that begins with http; may be repeated",
    )
    parser.add_argument(
        "--approve",
        action="store_true",
        help="ask before each call of a tool; without it, only about tools that say so (@tool(approve=True))",
    )
    parser.add_argument(
        "--price",
        type=_prices,
        metavar="IN/OUT",
        help="what a million tokens of input and output cost, as in --price 1.25/10, or IN/CACHED/OUT with the price "
        "of input from a cache; then answers are followed by their cost",
    )
    parser.add_argument(
        "--send",
        choices=("conversation", "last"),
        default="conversation",
        help="what an agent is sent: the whole conversation, as models need it (the default), or only the last message",
    )
    parser.add_argument("--ask", metavar="TEXT", help="ask this, show the answer and end")
    parser.add_argument("--resume", metavar="FILE|last", help="continue a saved conversation")
    parser.add_argument("--file", type=Path, help="save the conversation in this file, which must not exist yet")
    parser.add_argument("--no-save", action="store_true", help="do not save the conversation")
    parser.examples = (
        Example("miniagents chat my_agents.py:poet", "talk to the agent `poet` of that file"),
        Example(
            "miniagents chat --model openai:gpt-5 -o reasoning_effort=low --tool my_tools.py:search",
            "talk to a model, with an option of it and a tool of yours",
        ),
        Example("miniagents chat --model scripted --ask 'What is tea?'", "one question, without a network"),
        Example("miniagents chat --model openai:gpt-5 --resume last", "continue the last conversation"),
    )
    return parser


# --- machinery ---


def _prices(text: str) -> Price:
    try:
        return read_prices(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _option(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE, as in temperature=0.5")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value

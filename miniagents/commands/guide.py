"""`miniagents guide`: shows the pages of the guide, which are installed with the package."""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from miniagents.command_parser import CommandParser, Example, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["build_parser", "main", "page", "topics"]

_PAGES: Final = files("miniagents") / "guide"


class Options(argparse.Namespace):
    """The parsed command line."""

    topic: str | None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the name of the command; None for those of the process.

    Returns:
        The exit status: 0 done, 2 an unknown topic or a wrong option.
    """
    known = topics()
    parser = build_parser()
    topic = parser.parse_args(argv, Options()).topic
    if topic is not None and topic not in known:
        remedy = suggestion(topic, known) or "; `miniagents guide` lists the topics"
        parser.error(f"there is no topic {topic!r}{remedy}")
    if topic is None:
        width = max(map(len, known))
        sys.stdout.write("".join(f"{name:{width}}  {summary}\n" for name, summary in known.items()))
        return 0
    _show(page(topic))
    return 0


def build_parser() -> CommandParser:
    """Return the parser of the command line."""
    parser = CommandParser(
        prog="miniagents guide",
        description="Show a page of the guide, or list its topics. Where the output is a terminal and rich is "
        "installed (pip install 'miniagents[chat]'), pages are formatted; otherwise they are Markdown.",
    )
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="the name of a page, such as agents")
    parser.examples = (
        Example("miniagents guide", "the topics"),
        Example("miniagents guide agents", "the page about agents"),
    )
    return parser


def topics() -> Mapping[str, str]:
    """Return the summaries of all pages by the pages' names, in the order of the index."""
    return dict(re.findall(r"^- \[.+\]\((.+)\.md\): (.+)$", _read("index"), re.MULTILINE))


def page(topic: str) -> str:
    """Return a page as Markdown, without the comments that tell the tests how to run it."""
    return re.sub(r"^<!-- .* -->\n+", "", _read(topic), flags=re.MULTILINE)


def _read(name: str) -> str:
    return (_PAGES / f"{name}.md").read_text(encoding="utf-8")


def _show(text: str) -> None:
    if not sys.stdout.isatty() or importlib.util.find_spec("rich") is None:
        sys.stdout.write(text)
        return
    from rich.console import Console  # noqa: PLC0415 - of an extra, which only terminals need
    from rich.markdown import Markdown  # noqa: PLC0415 - needs the extra

    # without hyperlinks, a link shows the name of its page: the next topic to ask for
    Console().print(Markdown(text, code_theme="ansi_dark", inline_code_theme="ansi_dark", hyperlinks=False))

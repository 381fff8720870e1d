"""`miniagents guide`: shows the pages of the guide, which are installed with the package."""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import re
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["main", "page", "topics"]

_PAGES: Final = files("miniagents") / "guide"


class Options(argparse.Namespace):
    """The parsed command line."""

    topic: str | None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments behind the name of the command; those of the process when None.

    Returns:
        The exit status: 0.

    Raises:
        SystemExit: With 0 after `--help`, with 2 for an unknown topic or a wrong option.
    """
    parser = argparse.ArgumentParser(
        prog="miniagents guide",
        description="Show a page of the guide, or list its topics. Where the output is a terminal and rich is "
        "installed (pip install 'miniagents[chat]'), pages are formatted; otherwise they are Markdown.",
    )
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="the name of a page, such as agents")
    topic = parser.parse_args(argv, Options()).topic
    known = topics()
    if topic is None:
        width = max(map(len, known))
        sys.stdout.write("".join(f"{name:{width}}  {summary}\n" for name, summary in known.items()))
        return 0
    if topic not in known:
        near = difflib.get_close_matches(topic, known, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else "`miniagents guide` lists the topics"
        parser.error(f"there is no topic {topic!r}; {remedy}")
    _show(page(topic))
    return 0


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
    from rich.markdown import Markdown  # noqa: PLC0415 - as above

    # without hyperlinks, a link shows the name of its page: the next topic to ask for
    Console().print(Markdown(text, code_theme="ansi_dark", inline_code_theme="ansi_dark", hyperlinks=False))

"""Write descriptions of schemas as docstrings: wrapped, and escaped so that no text can end a docstring."""

import re
import textwrap
from collections.abc import Sequence

from miniagents.codegen.model import ALSO
from miniagents.codegen.names import summary_of
from miniagents.printing import printable

WIDTH = 120
"""The length of lines in generated modules; the formatter gets the same number."""

_PARAGRAPHS = re.compile(r"\n\s*\n")
_QUOTES = '"""'


def docstring(
    text: str, attributes: Sequence[tuple[str, str]] = (), *, also: Sequence[str] = (), name: str = "", indent: int = 0
) -> str:
    """Return a docstring as Python text, with all lines indented except the first.

    Args:
        text: The description of the schema, in paragraphs separated by empty lines.
        attributes: Names and descriptions for the section `Attributes:`.
        also: Rules that no type says, in words.
        name: The name of the class, which is the summary if only attributes are described.
        indent: The number of spaces before every line.
    """
    width = WIDTH - indent
    described = [_attribute(each, doc, width) for each, doc in attributes if doc]
    paragraphs = [*_paragraphs(text), *([f"{ALSO}{'; '.join(also)}."] if also else [])]
    first, *others = paragraphs or [summary_of(name) if name else ""]
    summary, rest = _summary(first, width - 2 * len(_QUOTES))
    blocks = [_wrapped(summary, width - len(_QUOTES))]
    blocks += [_wrapped(paragraph, width) for paragraph in [rest, *others] if paragraph]
    if described:
        blocks.append("\n".join(["Attributes:", *described]))
    body = "\n\n".join(blocks)
    if "\n" in body:
        return textwrap.indent(f"{_QUOTES}{body}\n{_QUOTES}", " " * indent).lstrip(" ")
    return f"{_QUOTES}{body}{_QUOTES}"


def _paragraphs(text: str) -> list[str]:
    found = (" ".join(part.split()) for part in _PARAGRAPHS.split(text))
    return [part for part in found if part]


def _summary(paragraph: str, width: int) -> tuple[str, str]:
    """Split a paragraph into its first sentence, which ends in a full stop, and the rest."""
    match = re.match(r".+?[.!?](?=\s+[A-Z0-9`(\"'])", paragraph)
    if len(_escaped(paragraph)) > width and match is not None:
        return match[0], paragraph[match.end() :].strip()
    return (paragraph if paragraph.endswith((".", "!", "?")) else f"{paragraph}."), ""


def _attribute(name: str, doc: str, width: int) -> str:
    text = " ".join(_paragraphs(doc))
    return textwrap.indent(_wrapped(f"{name}: {text}", width - 4, hanging=4), "    ")


def _wrapped(text: str, width: int, *, hanging: int = 0) -> str:
    lines = textwrap.wrap(
        _escaped(text), width, subsequent_indent=" " * hanging, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Escape `text`, so that it stands for itself between triple quotes, even if it is broken into lines."""
    return printable(text.replace("\\", "\\\\")).replace(_QUOTES, '\\"\\"\\"')

"""Descriptions of schemas as docstrings: wrapped, and unable to end before they should."""

import re
import textwrap
from collections.abc import Sequence

from miniagents.codegen.schema_errors import printable

WIDTH = 120
"""How long lines of generated modules may be; the formatter is told the same."""

_PARAGRAPHS = re.compile(r"\n\s*\n")
_QUOTES = '"""'


def docstring(text: str, attributes: Sequence[tuple[str, str]] = (), *, indent: int = 0) -> str:
    """Return a docstring as Python text, its lines indented but for the first.

    Args:
        text: What the schema says, in paragraphs with empty lines between.
        attributes: Names and descriptions for a section `Attributes:`.
        indent: How many spaces stand before every line.
    """
    width = WIDTH - indent
    first, *others = _paragraphs(text) or [""]
    summary, rest = _summary(first, width - 2 * len(_QUOTES))
    blocks = [_wrapped(summary, width - len(_QUOTES))]
    blocks += [_wrapped(paragraph, width) for paragraph in [rest, *others] if paragraph]
    described = [_attribute(name, doc, width) for name, doc in attributes if doc]
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
    """Return `text` so that between triple quotes it means itself, wherever it is broken into lines."""
    return printable(text.replace("\\", "\\\\")).replace(_QUOTES, '\\"\\"\\"')

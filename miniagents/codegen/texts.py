"""Write texts of schemas for Python and for people, independently of the running Python's version of Unicode."""

import unicodedata

from miniagents.printing import escaped, is_printable


def literal(value: object) -> str:
    r"""Return a text, number or None as Python text, like `repr`, but the same in every version of Python.

    >>> print(literal("it's so\n"), literal(1.5))
    "it's so\n" 1.5
    """
    if not isinstance(value, str):
        return repr(value)
    quote = '"' if "'" in value and '"' not in value else "'"
    body = (f"\\{char}" if char in {quote, "\\"} else char if is_printable(char) else escaped(char) for char in value)
    return f"{quote}{''.join(body)}{quote}"


def is_known(char: str) -> bool:
    """Return whether a character may be part of a name, because every version of Python knows it."""
    return char.isascii() or unicodedata.ucd_3_2_0.category(char) != "Cn"

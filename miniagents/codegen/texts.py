"""Write texts of schemas for Python and for people, independently of the running Python's version of Unicode."""

import unicodedata

_LATE = range(0x13430, 0x13460)
"""Formatting characters of Egyptian hieroglyphs, the only formatting characters added after Unicode 14."""


def is_printable(char: str) -> bool:
    """Return whether a character can be written unescaped.

    Unassigned characters can: they are harmless, and a newer version of Python may know them.
    """
    if char.isascii():
        return char.isprintable()
    return (char.isprintable() or unicodedata.category(char) == "Cn") and ord(char) not in _LATE


def escaped(char: str) -> str:
    r"""Return a character as an escape of Python.

    >>> print(escaped("\n"), escaped("\u2028"))
    \n \u2028
    """
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


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

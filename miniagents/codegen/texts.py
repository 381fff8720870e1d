"""Texts of schemas as Python and people see them, the same whatever version of Unicode the running Python knows."""

import unicodedata

_LATE = range(0x13430, 0x13460)
"""Formatting characters of Egyptian hieroglyphs, the only ones that became such after Unicode 14."""


def is_printable(char: str) -> bool:
    """Whether a character can stand for itself; one that is not known is no danger, another Python may know it."""
    if char.isascii():
        return char.isprintable()
    return (char.isprintable() or unicodedata.category(char) == "Cn") and ord(char) not in _LATE


def escaped(char: str) -> str:
    r"""Return a character as an escape of Python's.

    >>> print(escaped("\n"), escaped("\u2028"))
    \n \u2028
    """
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def literal(value: object) -> str:
    r"""Return a text, number or None as Python text: what `repr` would say, the same in every Python.

    >>> print(literal("it's so\n"), literal(1.5))
    "it's so\n" 1.5
    """
    if not isinstance(value, str):
        return repr(value)
    quote = '"' if "'" in value and '"' not in value else "'"
    body = (f"\\{char}" if char in {quote, "\\"} else char if is_printable(char) else escaped(char) for char in value)
    return f"{quote}{''.join(body)}{quote}"


def is_known(char: str) -> bool:
    """Whether a character can stand in names: every Python knows what it is."""
    return char.isascii() or unicodedata.ucd_3_2_0.category(char) != "Cn"

r"""The part of JSON Schema's regular expressions that Python's mean exactly the same, and its translation.

JSON Schema speaks ECMA-262, msgspec speaks Python's `re`. What is spelt the same and means something else (`$` before
a last newline, `\d` beyond ASCII, `.` and the line separators) is translated; what has no plain counterpart is
refused.
"""

import re
from typing import Final

_CLASSES: Final = {"d": "0-9", "w": "A-Za-z0-9_"}
_TOKEN = re.compile(
    r"\\(?P<escape>[dwDWnrt\\/.*+?^$(){}|\[\]-])"
    r"|(?P<set>\[\^?(?:\\[dwnrt\\/.*+?^$(){}|\[\]-]|[^\\\[\]&~|])+\])"
    r"|(?P<repeat>(?:[*+?]|\{[0-9]{1,4}(?:,(?:[0-9]{1,4})?)?\})\??)"
    r"|(?P<group>\((?:\?:)?|\)|\||\^)"
    r"|(?P<end>\$)"
    r"|(?P<any>\.)"
    r"|(?P<plain>[^\\\[\](){}*+?|^$.])",
    re.DOTALL,
)
_UNCLEAR_SET = re.compile(r"--|-\\[dw]|\\[dw]-(?!\])")
_SET_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def translate(pattern: str) -> str | None:
    r"""Return the pattern for Python's `re` that means the same, or None when it is beyond this translation.

    >>> translate("^[a-z]+$"), translate(r"^\d{4}$"), translate(r"(?<=x)y")
    ('^[a-z]+\\Z', '^[0-9]{4}\\Z', None)
    """
    parts: list[str] = []
    position = 0
    repeatable = False
    while position < len(pattern):
        match = _TOKEN.match(pattern, position)
        if match is None:
            return None
        kind, text = match.lastgroup, match.group()
        if kind == "repeat" and not repeatable:
            return None
        if kind == "set" and _UNCLEAR_SET.search(text):
            return None
        repeatable = kind in {"escape", "set", "any", "plain"} or text == ")"
        parts.append(_translated(kind, text))
        position = match.end()
    translated = "".join(parts)
    try:
        re.compile(translated)
    except (re.error, OverflowError, RecursionError):
        return None
    return translated


def _translated(kind: str | None, text: str) -> str:
    match kind, text:
        case "escape", r"\d" | r"\w":
            return f"[{_CLASSES[text[1]]}]"
        case "escape", r"\D" | r"\W":
            return f"[^{_CLASSES[text[1].lower()]}]"
        case "escape", r"\/":
            return "/"
        case "set", _:
            return _SET_ESCAPE.sub(lambda found: _CLASSES.get(found[1], "/" if found[1] == "/" else found[0]), text)
        case "end", _:
            return r"\Z"
        case "any", _:
            return r"[^\n\r\u2028\u2029]"
        case _:
            return text

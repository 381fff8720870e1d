r"""The syntax of regular expressions of ECMA-262 with the flag `u`, for the format `regex`."""

import re
from typing import Final

_REPEAT: Final = re.compile(r"(?:[*+?]|\{([0-9]+)(?:,([0-9]*))?\})\??")
_GROUP: Final = re.compile(r"\((?:\?(?:[:=!]|<[=!]|<(?P<name>[A-Za-z_$][\w$]*)>))?(?!\?)")
_CODE: Final = r"x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{0*(?:10|[0-9A-Fa-f])?[0-9A-Fa-f]{1,4}\}"
_PROPERTY: Final = r"[pP]\{[A-Za-z_]+(?:=[A-Za-z0-9_]+)?\}"
_ESCAPE: Final = re.compile(
    rf"\\(?:[dDsSwWtnvfrbB]|c[A-Za-z]|0(?![0-9])|{_CODE}|{_PROPERTY}|[\\^$.*+?()\[\]{{}}|/]"
    r"|(?P<number>[1-9][0-9]*)|k<(?P<name>[A-Za-z_$][\w$]*)>)"
)
_MEMBER: Final = re.compile(
    rf"(?P<many>\\[dDsSwW]|\\{_PROPERTY})|\\(?:[tnvfrb-]|c[A-Za-z]|0(?![0-9])|{_CODE}|[\\^$.*+?()\[\]{{}}|/])|[^\]\\]"
)


def is_regex(text: str) -> bool:
    """Return whether a text is a regular expression of ECMA-262."""
    place = 0
    is_atom = False
    opened: list[bool] = []
    names: list[str] = []
    wanted: set[str] = set()
    groups = most = 0
    while place < len(text):
        char = text[place]
        repeat = _REPEAT.match(text, place)
        if repeat is not None:
            least, greatest = repeat[1], repeat[2]
            if not is_atom or (greatest and int(least) > int(greatest)):
                return False
            place, is_atom = repeat.end(), False
        elif char == "(":
            group = _GROUP.match(text, place)
            if group is None:
                return False
            groups += group.group() == "(" or group["name"] is not None
            names += [group["name"]] if group["name"] else []
            opened.append(group.group() in {"(", "(?:"} or group["name"] is not None)
            place, is_atom = group.end(), False
        elif char == ")":
            if not opened:
                return False
            is_atom = opened.pop()
            place += 1
        elif char == "[":
            end = _end_of_set(text, place)
            if end is None:
                return False
            place, is_atom = end, True
        elif char == "\\":
            escape = _ESCAPE.match(text, place)
            if escape is None:
                return False
            most = max(most, int(escape["number"] or 0))
            wanted |= {escape["name"]} if escape["name"] else set[str]()
            place, is_atom = escape.end(), escape.group() not in {"\\b", "\\B"}
        elif char in "]{}*+?":
            return False
        else:
            is_atom = char not in "^$|"
            place += 1
    return not opened and most <= groups and wanted <= {*names} and len(names) == len({*names})


def _end_of_set(text: str, start: int) -> int | None:
    """Return the place behind a set in brackets, or None if it is invalid."""
    place = start + 1 + text.startswith("^", start + 1)
    while not text.startswith("]", place):
        first = _MEMBER.match(text, place)
        if first is None:
            return None
        place = first.end()
        if text.startswith("-", place) and not text.startswith("-]", place):
            last = _MEMBER.match(text, place + 1)
            if last is None or first["many"] or last["many"] or _code(first.group()) > _code(last.group()):
                return None
            place = last.end()
    return place + 1


def _code(member: str) -> int:
    """Return the code point of one character in a set."""
    if len(member) == 1:
        return ord(member)
    rest = member[2:].strip("{}")
    if member[1] in "xu" and rest:
        return int(rest, 16)
    if member[1] == "c":
        return ord(rest) % 32
    return {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "b": 8, "0": 0}.get(member[1], ord(member[1]))

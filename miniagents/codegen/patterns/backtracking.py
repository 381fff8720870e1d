r"""Find patterns that backtrack without end: for which Python tries exponentially many ways to match some text.

A pattern does so if a loop can be gone through in two ways for one text, as in `(a+)+` and `(a|\w)*`. The pattern
becomes an automaton, whose states are its characters and sets. A search in pairs of states finds two ways from a state
to itself. Repetitions that end, lookarounds and references to groups are left out, so not every such pattern is found.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"(?P<open>\((?:\?(?:a?:|<?[=!]))?)|(?P<close>\))|(?P<or>\|)|(?P<empty>\^|\\[ZbB1-9])"
    r"|(?P<repeat>[*+?]|\{(?P<least>[0-9]+)(?P<more>,(?P<most>[0-9]*))?\})\??"
    r"|(?P<atom>\[\^?(?:\\.|[^\]\\])*\]|\\x..|\\u.{4}|\\U.{8}|\\.|.)",
    re.DOTALL,
)
_SAMPLES: Final = "".join(map(chr, range(128))) + "\xe9\u65e5\U0001f600"
"""Characters by which two sets are compared."""

_MOST: Final = 60
"""The greatest number of characters and sets of a pattern that is looked at."""


class _Part(NamedTuple):
    """A part of a pattern: whether it matches the empty text, and the states that it begins and ends with."""

    is_optional: bool
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()


@dataclass(slots=True)
class _Automaton:
    """The states of a pattern, with the characters that lead into each, and the number of ways between two states."""

    chars: list[frozenset[str]] = field(default_factory=list[frozenset[str]])
    ways: Counter[tuple[int, int]] = field(default_factory=Counter[tuple[int, int]])

    def atom(self, text: str) -> _Part:
        expression = re.compile(text)
        self.chars.append(frozenset(char for char in _SAMPLES if expression.fullmatch(char)))
        return _Part(False, (len(self.chars) - 1,), (len(self.chars) - 1,))

    def joined(self, one: _Part, other: _Part) -> _Part:
        self.ways.update((last, first) for last in one.last for first in other.first)
        return _Part(
            one.is_optional and other.is_optional,
            one.first + other.first if one.is_optional else one.first,
            one.last + other.last if other.is_optional else other.last,
        )

    def repeated(self, part: _Part, repeat: re.Match[str]) -> _Part:
        sign = repeat["repeat"]
        if sign in {"*", "+"} or (repeat["more"] and not repeat["most"]):
            self.ways.update((last, first) for last in part.last for first in part.first)
        is_optional = part.is_optional or sign in {"*", "?"} or repeat["least"] == "0"
        return part._replace(is_optional=is_optional)


def backtracks(pattern: str) -> bool:
    r"""Return whether a pattern for Python, as `translate` writes it, backtracks without end for some text.

    >>> backtracks(r"^(a+)+\Z"), backtracks(r"^[a-z]+(-[a-z]+)*\Z")
    (True, False)
    """
    automaton = _Automaton()
    nothing = _Part(is_optional=True)
    open_groups: list[tuple[str, list[_Part]]] = [("", [nothing])]
    last = nothing
    for token in _TOKEN.finditer(pattern):
        _, branches = open_groups[-1]
        if token["repeat"]:
            last = automaton.repeated(last, token)
            continue
        branches[-1] = automaton.joined(branches[-1], last)
        last = nothing
        if token["open"]:
            open_groups.append((token["open"], [nothing]))
        elif token["close"]:
            opening, branches = open_groups.pop()
            last = nothing if opening[-1:] in {"=", "!"} else _either(branches)
        elif token["or"]:
            branches.append(nothing)
        elif token["atom"]:
            last = automaton.atom(token["atom"])
    return len(automaton.chars) <= _MOST and _has_two_ways(automaton)


def _either(branches: Iterable[_Part]) -> _Part:
    every = [*branches]
    return _Part(
        any(each.is_optional for each in every),
        tuple(state for each in every for state in each.first),
        tuple(state for each in every for state in each.last),
    )


def _has_two_ways(automaton: _Automaton) -> bool:
    """Return whether there are two ways from a state to itself for one text."""
    after: dict[int, list[int]] = {}
    for one, other in automaton.ways:
        after.setdefault(one, []).append(other)
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    before: dict[tuple[int, int], list[tuple[int, int]]] = {}
    states = range(len(automaton.chars))
    for pair in ((one, other) for one in states for other in states):
        steps[pair] = [
            (one, other)
            for one in after.get(pair[0], ())
            for other in after.get(pair[1], ())
            if automaton.chars[one] & automaton.chars[other]
        ]
        for each in steps[pair]:
            before.setdefault(each, []).append(pair)
    for state in states:
        start = state, state
        circle = _reached(steps, start) & _reached(before, start)
        if any(one != other for one, other in circle):
            return True
        if any(
            automaton.ways[one, other] > 1
            for one, _ in circle
            for other in after.get(one, ())
            if (other, other) in circle
        ):
            return True
    return False


def _reached(steps: dict[tuple[int, int], list[tuple[int, int]]], start: tuple[int, int]) -> set[tuple[int, int]]:
    """Return the pairs that are reached in one or more steps."""
    found: set[tuple[int, int]] = set()
    todo = [start]
    while todo:
        for each in steps.get(todo.pop(), ()):
            if each not in found:
                found.add(each)
                todo.append(each)
    return found

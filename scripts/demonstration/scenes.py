"""All scenes in their order. Import this module after the classes have been generated."""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from scripts.demonstration import (
    failing,
    from_schema,
    hash_keys,
    measuring,
    mistakes,
    next_steps,
    over_the_wire,
    replaying,
    side_by_side,
)
from scripts.demonstration.stage import Stage

__all__ = ["SCENES", "Scene"]


class Scene(NamedTuple):
    """A part of the show."""

    name: str
    point: str
    """The purpose of the scene, in a sentence."""
    play: Callable[[Stage], Awaitable[None]]
    seconds: float
    """The seconds for which its end stays before the next scene begins."""


SCENES: Final = (
    Scene(
        "A schema becomes a class",
        "Messages are frozen msgspec Structs, generated from JSON Schema files.",
        from_schema.play,
        3,
    ),
    Scene(
        "Mistakes are found before anything runs",
        "Type checkers know what every agent takes and replies.",
        mistakes.play,
        3.5,
    ),
    Scene(
        "Three agents speak at the same time",
        "The editor's answer grows from their advice while they still speak.",
        side_by_side.play,
        1,
    ),
    Scene(
        "One fails in the middle of a sentence",
        "An error stands in its place in the stream; the tokens before it stay.",
        failing.play,
        2.5,
    ),
    Scene(
        "A late reader misses nothing",
        "Every reader of a stream reads it from its first token, at any time.",
        replaying.play,
        2,
    ),
    Scene(
        "A wrong message is refused at the socket",
        "The error has the path to the wrong value, and reading goes on behind it.",
        over_the_wire.play,
        2.5,
    ),
    Scene(
        "Equal messages have equal keys",
        "Keys are SHA-256 hashes of canonical JSON. The help desk was asked again.",
        hash_keys.play,
        2,
    ),
    Scene(
        "What a call costs",
        "CPU time for a call of an agent and its reply, just measured on this machine.",
        measuring.play,
        3,
    ),
    Scene(
        "What to type next",
        "The guide explains all of this, with programs that run.",
        next_steps.play,
        0,
    ),
)

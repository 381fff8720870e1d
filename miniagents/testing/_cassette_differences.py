"""Which recorded call is most like another one, and where both first differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

import msgspec

from miniagents.testing._cassette_errors import CassetteDifference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from miniagents.testing._cassette_file import RecordedCall

__all__ = ["Content", "content_of", "first_difference", "nearest", "shown"]

_Json: TypeAlias = Any  # Any: what JSON decodes to

Content: TypeAlias = "dict[str, _Json]"
"""What a call was given, as JSON."""

_SHOWN: Final = 60
"""How many characters of a text are shown before and behind a difference."""
_MISSING: Final = object()


def content_of(call: RecordedCall) -> Content:
    """Return what a recorded call was given."""
    return {
        "called": msgspec.json.decode(call.called),
        "arguments": msgspec.json.decode(call.arguments),
        "opaque_arguments": dict(call.opaque),
        "messages": [msgspec.json.decode(message) for message in call.messages],
    }


def nearest(now: Content, recorded: Iterable[Content]) -> int | None:
    """Return the place of the recorded call that is most like a call; None if there is none of the same kind."""
    best: int | None = None
    best_likeness: tuple[int, ...] = ()
    for place, each in enumerate(recorded):
        if each["called"].get("kind") == now["called"].get("kind"):
            likeness = _likeness(each, now)
            if best is None or likeness > best_likeness:
                best, best_likeness = place, likeness
    return best


def _likeness(recorded: Content, now: Content) -> tuple[int, ...]:
    called, other = recorded["called"], now["called"]
    arguments: dict[str, _Json] = recorded["arguments"]
    messages: list[_Json] = recorded["messages"]
    same = 0
    for one, two in zip(messages, now["messages"], strict=False):
        if one != two:
            break
        same += 1
    differing = next((_common(one, two) for one, two in zip(messages[same:], now["messages"][same:], strict=False)), 0)
    return (
        called.get("name") == other.get("name"),
        called == other,
        sum(now["arguments"].get(name, _MISSING) == value for name, value in arguments.items()),
        same,
        differing,
        -abs(len(messages) - len(now["messages"])),
    )


def _common(one: _Json, two: _Json) -> int:
    """Return how many characters of two messages are the same."""
    return _same_begin(msgspec.json.encode(one).decode(), msgspec.json.encode(two).decode())


def _same_begin(one: str, two: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def first_difference(recorded: _Json, now: _Json, path: str = "$") -> CassetteDifference | None:
    """Return where two values first differ; None if they are equal."""
    if _is_object(recorded) and _is_object(now):
        parts: Iterable[tuple[str, _Json, _Json]] = (
            (f"{path}.{name}", recorded.get(name, _MISSING), now.get(name, _MISSING))
            for name in dict.fromkeys((*recorded, *now))
        )
    elif _is_array(recorded) and _is_array(now):
        parts = (
            (
                f"{path}[{place}]",
                recorded[place] if place < len(recorded) else _MISSING,
                now[place] if place < len(now) else _MISSING,
            )
            for place in range(max(len(recorded), len(now)))
        )
    else:
        if recorded is now or (type(recorded) is type(now) and recorded == now):
            return None
        return CassetteDifference(path, *_shown_apart(recorded, now))
    for inner, one, two in parts:
        difference = first_difference(one, two, inner)
        if difference is not None:
            return difference
    return None


def _shown_apart(recorded: _Json, now: _Json) -> tuple[str, str]:
    """Return both values as text; of long texts the part around the first difference."""
    if isinstance(recorded, str) and isinstance(now, str):
        start = max(0, _same_begin(recorded, now) - _SHOWN)
        return _part(recorded, start), _part(now, start)
    return _brief(recorded), _brief(now)


def _part(text: str, start: int) -> str:
    end = start + 2 * _SHOWN
    return f"{'…' if start else ''}{text[start:end]!r}{'…' if end < len(text) else ''}"


def _brief(value: _Json) -> str:
    if value is _MISSING:
        return "(nothing)"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]}…"


def shown(content: Content) -> str:
    """Return a call as one line."""
    called = content["called"]
    version = "" if called.get("version") is None else f" of version {called['version']!r}"
    given = "".join(f" {name}={_brief(value)}" for name, value in content["arguments"].items())
    messages: Sequence[_Json] = content["messages"]
    said = ", ".join(_brief(message.get("text", message) if _is_object(message) else message) for message in messages)
    return (
        f"{called.get('kind')} {called.get('name')!r}{version}{given and ' with'}{given}, given {said or 'no messages'}"
    )


# Narrowing by isinstance() alone would leave the types of the elements unknown.


def _is_object(value: _Json) -> TypeGuard[Mapping[str, _Json]]:
    return isinstance(value, Mapping)


def _is_array(value: _Json) -> TypeGuard[list[_Json]]:
    return isinstance(value, list)

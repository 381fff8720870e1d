"""What the frames of an error hold: the variables that trackers of errors record, and the objects that they lead to."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType, ModuleType, TracebackType
from typing import Final

from miniagents.messages.values.freezing import is_list, is_mapping, is_set, is_tuple

TESTS: Final = str(Path(__file__).parents[2])
"""The frames of tests know the key, because they plant it."""

DEEPEST: Final = 8
"""How many attributes and items are followed from a variable."""

NOT_FOLLOWED: Final = ("asyncio", "selectors", "tests", "_pytest", "_asyncio")
"""Packages whose objects are not of the error: the loop leads to all tasks, and so to the server of the test."""


def errors_of(error: BaseException) -> list[BaseException]:
    """Return an error, and all that it is chained to."""
    found: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is None or any(each is one for one in found):
            continue
        found.append(each)
        pending += [each.__cause__, each.__context__]
        grouped: tuple[BaseException, ...] = getattr(each, "exceptions", ())  # of a group
        pending += grouped
    return found


def places_of(secret: str, error: BaseException) -> list[str]:
    """Return the paths from an error, its chain and the variables of all their frames to a text with a secret."""
    places: list[str] = []
    for each in errors_of(error):
        places += _places(secret, type(each).__name__, {"text": str(each), "repr": repr(each), "vars": vars(each)})
        for frame_name, variables in _frames(each.__traceback__):
            places += _places(secret, f"{type(each).__name__} in {frame_name}", variables)
    return places


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, Mapping[str, object]]]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith(TESTS):
            yield code.co_qualname, dict(traceback.tb_frame.f_locals)
        traceback = traceback.tb_next


def _places(secret: str, where: str, variables: Mapping[str, object]) -> list[str]:
    found: list[str] = []
    seen: set[int] = set()
    kept: list[object] = []  # so that no identity is used twice
    pending: list[tuple[str, int, object]] = [(f"{where}: {name}", 0, value) for name, value in variables.items()]
    for path, depth, value in pending:  # it grows
        if isinstance(value, (str, bytes)):
            if secret in (value if isinstance(value, str) else value.decode(errors="replace")):
                found.append(path)
            continue
        if id(value) in seen or depth > DEEPEST or isinstance(value, (type, ModuleType, FunctionType)):
            continue
        if type(value).__module__.partition(".")[0] in NOT_FOLLOWED:
            continue
        seen.add(id(value))
        kept.append(value)
        if secret in repr(value):
            found.append(f"repr of {path}")
        pending += [(f"{path}{step}", depth + 1, inner) for step, inner in _inside(value)]
    return found


def _inside(value: object) -> Iterable[tuple[str, object]]:
    if is_mapping(value):
        yield from ((f"[{key!r:.20}]", item) for key, item in value.items())
        yield from ((".key", key) for key in value)
    elif is_list(value) or is_tuple(value) or is_set(value):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, MethodType):
        yield ".__self__", value.__self__
    else:
        yield from _attributes(value)


def _attributes(value: object) -> Iterable[tuple[str, object]]:
    for cls in type(value).__mro__:
        slots: str | Iterable[str] = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if not name.startswith("__"):
                try:
                    yield f".{name}", object.__getattribute__(value, name)
                except AttributeError:
                    continue
    own: dict[str, object] = getattr(value, "__dict__", {})
    yield from ((f".{name}", item) for name, item in own.items())
    if type(value).__name__ == partial.__name__:
        yield from ((f".{name}", getattr(value, name)) for name in ("func", "args", "keywords"))

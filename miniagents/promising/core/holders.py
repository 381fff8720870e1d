"""Who holds the means to end a wait: the tasks, timers and threads from which a writing end can be reached.

The watch asks this only for tasks that seem to be stuck, because the search looks at all objects of the process. It
does that some ten times, which takes a third of a second if there are a million. It begins at the writing ends and goes
from each object to those that refer to it:

| the object that refers to one that was found     | then                                                        |
|--------------------------------------------------|-------------------------------------------------------------|
| a task                                           | the task is a holder                                        |
| a timer or another callback of a loop, a thread  | somebody outside of all tasks is a holder                   |
| a module, a class                                | any code may find it there                                  |
| an object of the library that writes nothing     | nothing: it does not give its writing end to anybody        |
| the variables of some context                    | the tasks that have these variables are holders             |
| anything else: a closure, a list, a coroutine, … | the search goes on from there                               |

Local variables of plain functions that run right now, in other threads or below the loop, are no objects. An object
that has more references than the search has found is held by one of them, or by code that is not Python's.
"""

from __future__ import annotations

import asyncio
import gc
import math
import sys
import threading
from contextvars import Context
from types import AsyncGeneratorType, CoroutineType, FrameType, MethodType, ModuleType
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeGuard

from typing_extensions import TypeVar

from miniagents.promising.core.followers import Follower
from miniagents.promising.core.production import Production

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set as AbstractSet

__all__ = ["Held", "holders_of", "holders_of_streams", "releases_of"]

K = TypeVar("K")

_LIBRARY: Final = "miniagents."
_MOST_OBJECTS: Final = 10_000
"""A search that finds more than these gives up, and takes the writing ends as held."""


_SHARED: Final = (Context, CoroutineType, AsyncGeneratorType)


class Held:
    """Who can reach something.

    Attributes:
        tasks: The tasks that can, which have not ended.
        acts: Whether a timer, another callback or another thread can.
        is_kept: Whether it is kept in a place that code of any kind can reach.
    """

    __slots__ = ("acts", "is_kept", "tasks")

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[object]] = set()
        self.acts: bool = False
        self.is_kept: bool = False


def holders_of_streams(productions: AbstractSet[Production], looks: float = math.inf) -> dict[Production, Held]:
    """Return who can add something to each of some streams.

    Args:
        productions: The streams.
        looks: How many objects the search may look at before it gives up; each of its steps looks at all objects.
    """
    if not productions:
        return {}
    ends: dict[Production, list[object]] = {production: [] for production in productions}
    for end in gc.get_referrers(*ends):
        if _writes(end):
            for written in gc.get_referents(end):
                if isinstance(written, Production) and written in ends:
                    ends[written].append(end)
    end = None  # it would be a reference that the search does not find
    return holders_of(ends, looks) if any(ends.values()) else {}


def releases_of(lock: list[object]) -> list[object]:
    """Return what a task that has got hold of a lock by `async with` refers to; else the lock, alone in a list."""
    exits: list[object] = [
        each for each in gc.get_referrers(*lock) if isinstance(each, MethodType) and each.__name__ == "__aexit__"
    ]
    return exits or lock


def holders_of(things: dict[K, list[object]], looks: float = math.inf) -> dict[K, Held]:
    """Return who can reach the objects under each key; empties the dictionary, so as to be no holder itself."""
    keys = list(things)
    roots: dict[K, list[int]] = {}
    search: _Search[K] = _Search(looks)
    while things:
        key, objects = things.popitem()
        roots[key] = [search.begin_at(objects.pop()) for _ in range(len(objects))]
    search.run()
    return {key: search.holders(roots[key]) for key in keys}


class _Search(Generic[K]):
    """The objects that refer, over any number of steps, to those at which the search begins."""

    def __init__(self, looks: float) -> None:
        self._steps = looks if looks == math.inf else looks / len(gc.get_objects())  # listing them takes a while, too
        self._found: dict[int, object] = {}
        self._ends: dict[int, Held] = {}  # of objects at which the search stops
        self._above: dict[int, list[int]] = {}  # what refers to an object
        self._references: dict[int, int] = {}  # how many references to an object were found
        self._gave_up = False
        self._stack: set[int] = set()
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:  # a list of frames would be a cycle that holds everything that was found
            self._stack.add(id(frame))
            frame = frame.f_back

    def begin_at(self, thing: object) -> int:
        """Add an object to those at which the search begins; return its key here."""
        self._found[id(thing)] = thing
        return id(thing)

    def run(self) -> None:
        """Find all objects."""
        own = {id(self), id(self.__dict__), id(self._found)}
        level: list[int] = list(self._found)
        while level:
            if len(self._found) > _MOST_OBJECTS or self._steps <= 0:
                self._gave_up = True
                return
            self._steps -= 1
            wanted = set(level)
            level = []
            objects = tuple(self._found[key] for key in wanted)
            for referrer in gc.get_referrers(*objects):
                if referrer is not objects and id(referrer) not in own and self._takes(referrer, wanted):
                    level.append(id(referrer))
            objects, referrer = (), None  # they would be references that were not found
        unknown = {key for key in self._found if self._has_more_references(key)}
        if unknown:
            in_threads = _in_other_threads(unknown)
            for key in unknown:
                end = self._ends[key] = Held()
                end.acts = key in in_threads
                end.is_kept = True

    def holders(self, roots: Iterable[int]) -> Held:
        """Return who can reach some of the objects at which the search began."""
        held = Held()
        held.is_kept = self._gave_up
        seen = set(roots)
        pending = list(seen)
        while pending:
            key = pending.pop()
            end = self._ends.get(key)
            if end is not None:
                held.tasks |= end.tasks
                held.acts |= end.acts
                held.is_kept |= end.is_kept
            above = [each for each in self._above.get(key, ()) if each not in seen]
            seen.update(above)
            pending.extend(above)
        return held

    def _takes(self, referrer: object, wanted: set[int]) -> bool:
        """Note a referrer; return whether the search goes on from it."""
        key = id(referrer)
        is_task = _is_task(referrer)
        for referent in gc.get_referents(referrer):
            target = id(referent)
            if target in wanted:
                self._references[target] = self._references.get(target, 0) + 1
                if is_task or not isinstance(referent, Context):  # others only pass the variables on
                    self._above[target] = [*self._above.get(target, ()), key]
        if key in self._found:
            return False
        self._found[key] = referrer
        end = self._end_at(referrer)
        if end is None:
            return True
        self._ends[key] = end
        return False

    def _end_at(self, referrer: object) -> Held | None:
        """Return who holds an object if that is known without a further search."""
        held = Held()
        if _is_task(referrer):
            if not referrer.done():
                held.tasks.add(referrer)
        elif _is_callback(referrer):
            held.acts = not referrer.cancelled()
        elif isinstance(referrer, threading.Thread) and referrer.is_alive():
            held.acts = True
        elif isinstance(referrer, ModuleType | type) or _is_namespace(referrer):
            held.is_kept = True
        elif isinstance(referrer, FrameType) and id(referrer) in self._stack:
            pass  # of this very search, or of what runs the loop
        elif isinstance(referrer, Follower) or _is_of_library(referrer):
            pass  # the watch knows followers as workers
        else:
            return None
        return held

    def _has_more_references(self, key: int) -> bool:
        if key in self._ends or _is_shared(self._found[key]):
            return False
        # two are the one of the dictionary, and that of the argument
        return sys.getrefcount(self._found[key]) - 2 > self._references.get(key, 0)


# isinstance() alone would leave types unknown


def _is_task(thing: object) -> TypeGuard[asyncio.Task[object]]:
    return isinstance(thing, asyncio.Task)


def _is_namespace(thing: object) -> bool:
    """Return whether an object has the variables of a module."""
    return isinstance(thing, dict) and "__builtins__" in thing


class _Callback(Protocol):
    def cancelled(self) -> bool: ...


def _is_callback(thing: object) -> TypeGuard[_Callback]:
    # those of other loops are no subclasses
    return isinstance(thing, asyncio.Handle) or type(thing).__name__ in ("Handle", "TimerHandle")


def _is_shared(thing: object) -> bool:
    """Return whether other references to an object than those of tasks mean nothing.

    That are the variables of contexts, and coroutines: `asyncio.run(main())` holds one, but only its task goes on.
    """
    return isinstance(thing, _SHARED) or type(thing).__name__.startswith("hamt")


def _is_of_library(thing: object) -> bool:
    return type(thing).__module__.startswith(_LIBRARY) and not _writes(thing)


def _writes(thing: object) -> bool:
    """Return whether an object is one of the library's whose methods write to a stream."""
    return getattr(type(thing), "_writes", None) is True


def _in_other_threads(keys: set[int]) -> set[int]:
    """Return the ids of those objects that are local variables of functions that run in other threads."""
    found: set[int] = set()
    for thread, top in sys._current_frames().items():
        frame: FrameType | None = None if thread == threading.get_ident() else top
        while frame is not None:
            variables: Mapping[str, object] = frame.f_locals
            found.update(key for variable in variables.values() if (key := id(variable)) in keys)
            frame = frame.f_back
    return found

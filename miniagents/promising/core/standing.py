"""Where the tasks of a context stand: what they work for, what they wait for, and at which line of the user's code.

asyncio has no public way to ask this. If its insides look different, the descriptions say less.
"""

from __future__ import annotations

import asyncio
import linecache
import sysconfig
from typing import TYPE_CHECKING, Final

from miniagents.promising.core.callers import call_of, called
from miniagents.promising.core.current import calling
from miniagents.promising.core.joins import frames_of, joined_tasks, variables_of
from miniagents.promising.core.places import Inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType, FrameType

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.production import Production

__all__ = ["is_lock", "lines_of", "thing_awaited", "work_of"]

_MOST_LISTED: Final = 20
"""How many tasks are described; of others only the number is told."""
_WAITS_FOR_THINGS: Final[frozenset[CodeType]] = frozenset(
    vars(kind)[name].__code__
    for kind, *names in (
        (asyncio.Barrier, "wait"),
        (asyncio.Condition, "wait"),
        (asyncio.Event, "wait"),
        (asyncio.Lock, "acquire"),
        (asyncio.Queue, "get", "join", "put"),
        (asyncio.Semaphore, "acquire"),
    )
    for name in names
)


def work_of(context: PromisingContext) -> dict[Worker, Production | None]:
    """Return the tasks and followers of a context, and of those inside."""
    work: dict[Worker, Production | None] = {}
    contexts = [context]
    while contexts:
        for worker, production in tuple(contexts.pop()._tasks.items()):
            if isinstance(worker, Inside):
                contexts.append(worker._context)
            else:
                work[worker] = production
    return work


def thing_awaited(task: Worker) -> object | None:
    """Return the lock, queue, event or the like that a task waits for."""
    if not isinstance(task, asyncio.Task):
        return None
    return next((frame.f_locals.get("self") for frame in frames_of(task) if frame.f_code in _WAITS_FOR_THINGS), None)


def is_lock(thing: object) -> bool:
    """Return whether only a task that has got hold of a thing before can end a wait for it."""
    return isinstance(thing, asyncio.Lock | asyncio.Semaphore)


def lines_of(
    work: Mapping[Worker, Production | None],
    waits: Mapping[Worker, Production],
    lasting: Callable[[Worker], float | None],
) -> list[str]:
    """Describe tasks and followers, each in a line, and in a second one where it stands.

    Args:
        work: The tasks and followers, and what they work for.
        waits: What tasks wait for.
        lasting: Returns for how many seconds at least a task has not moved; None if that is not known.
    """
    lines: list[str] = []
    for worker in list(work)[:_MOST_LISTED]:
        production = work[worker]
        seconds = lasting(worker)
        since = "" if seconds is None or seconds < 0.05 else f", for {seconds:.1f} s"
        lines.append(f"- {_name(worker, production)}{_awaited(worker, waits)}{since}")
        place = _place(worker)
        if place:
            lines.append(f"  {place}")
    if len(work) > _MOST_LISTED:
        lines.append(f"- … {len(work) - _MOST_LISTED} more")
    return lines


def _name(worker: Worker, production: Production | None) -> str:
    if production is not None:
        call = call_of(production)
        name = production.name
    elif isinstance(worker, asyncio.Task):
        variables = variables_of(worker)
        call = None if variables is None else variables.get(calling)
        name = worker.get_name()
    else:
        return "a callback"
    kind = "task " if production is None else ""
    if call is None:
        return f"{kind}{name!r}" if production is None else production._origin()
    names = call.names()
    within = "" if name == names[0] and production is not None else f"{kind}{name!r} of "
    return f"{within}agent {called(names)}"


def _awaited(worker: Worker, waits: Mapping[Worker, Production]) -> str:
    production = waits.get(worker)
    if production is not None:
        return f" waits for {production.name!r}"
    tasks = [task.get_name() for task in joined_tasks(worker) if isinstance(task, asyncio.Task)]
    if tasks:
        more = f" and {len(tasks) - 1} more" if len(tasks) > 1 else ""
        return f" waits for task {tasks[0]!r}{more}"
    thing = thing_awaited(worker)
    return "" if thing is None else f" waits for {_article(type(thing).__name__)}"


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _place(worker: Worker) -> str:
    """Return the innermost line of the user's code at which a task stands."""
    return place_of(frames_of(worker)) if isinstance(worker, asyncio.Task) else ""


def place_of(stack: Iterable[FrameType]) -> str:
    """Return the innermost line of the user's code in a stack, whose innermost frame comes last."""
    frames = [frame for frame in stack if not _is_machinery(frame)]
    own = _last(frame for frame in frames if not frame.f_code.co_filename.startswith(_INSTALLED)) or _last(frames)
    if own is None:
        return ""
    file, line = own.f_code.co_filename, own.f_lineno
    source = linecache.getline(file, line).strip()
    return f"at {file}:{line}, in {own.f_code.co_qualname}" + (f": {source}" if source else "")


def _last(frames: Iterable[FrameType]) -> FrameType | None:
    last: FrameType | None = None
    for frame in frames:
        last = frame
    return last


def _is_machinery(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__"))
    return name.partition(".")[0] == "asyncio" or name.startswith("miniagents.")


_INSTALLED: Final = tuple({sysconfig.get_path(each) for each in ("stdlib", "platstdlib", "purelib", "platlib")})
"""What the files of Python and of installed packages begin with."""

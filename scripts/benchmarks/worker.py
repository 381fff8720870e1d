"""The process of a side: it reads requests as lines of JSON, and answers each with figures and a digest of the result.

It imports only the standard library, because the old release has an environment of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from scripts.benchmarks.loops import loop_factory
from scripts.benchmarks.profiling import ProfilingWatch
from scripts.benchmarks.watch import Watch
from scripts.benchmarks.workloads import SIDES

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["answer", "functions_of", "main", "warm_memory"]


def main() -> None:
    """Answer requests until there are no more; the first argument names the side."""
    functions = functions_of(sys.argv[1])
    kept = warm_memory()
    answers = sys.stdout
    sys.stdout = sys.stderr  # text that a workload prints must not mix with answers
    print(json.dumps(sorted(functions)), file=answers, flush=True)
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)  # Any: as the parent wrote it
        print(json.dumps(answer(functions[request["function"]], request)), file=answers, flush=True)
    del kept


def warm_memory() -> list[bytes]:
    """Return a few objects in each part of some 60 MB of memory, so that Python keeps it for other objects.

    The operating system takes long to give memory, and one side would happen to ask for more of it than the other.
    """
    return [bytes(100) for _ in range(_OBJECTS)][::_KEPT]


_OBJECTS: Final = 500_000
_KEPT: Final = 1_000


def answer(
    function: Callable[..., Coroutine[None, None, object]], request: dict[str, Any]
) -> dict[str, object]:  # Any: as the parent wrote it
    """Run a workload once.

    Returns:
        `figures`, the `digest` of the result and its beginning as text in `shown`. The digest is None if the workload
        has no result to compare. If the workload fails, only `error`.
    """
    watch = ProfilingWatch() if request.get("profile") else Watch()
    try:
        with asyncio.Runner(loop_factory=loop_factory(sys.argv[2:])) as runner:
            result = runner.run(function(watch, request["n"], **request["arguments"]))
    except Exception as error:  # noqa: BLE001  # the parent reports it
        return {"error": f"{type(error).__name__}: {error}"}
    text = json.dumps(result)
    digest = None if result is None else hashlib.sha256(text.encode()).hexdigest()
    answered: dict[str, object] = {"figures": watch.figures, "digest": digest, "shown": text[:120]}
    if isinstance(watch, ProfilingWatch):
        answered["profile"] = watch.told(request["operations"])
    return answered


def functions_of(side: str) -> dict[str, Callable[..., Coroutine[None, None, object]]]:
    """Return the async functions of a side's own modules by their names."""
    modules = [import_module(f"scripts.benchmarks.{name}") for name in SIDES[side]]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if inspect.iscoroutinefunction(value) and value.__module__ == module.__name__
    }


if __name__ == "__main__":
    main()

"""The processes of the sides, as the parent process sees them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from scripts.benchmarks.definitions import Workload

__all__ = ["ROOT", "Side", "SideError", "command"]

ROOT = Path(__file__).resolve().parents[2]

_START = "import sys; sys.path.append({root!r}); from scripts.benchmarks.{module} import main; main()"


def command(python: str, module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this package with any interpreter.

    The interpreter may have another miniagents installed, which must not be shadowed. So the root of the repository is
    the last entry of the path, and the working folder is no entry.
    """
    return [python, "-P", "-c", _START.format(root=str(ROOT), module=module), *arguments]


class SideError(Exception):
    """A side could not run a workload."""


class Side:
    """The process of a side."""

    def __init__(self, name: str, python: str, *options: str) -> None:
        self.name = name
        self._process = subprocess.Popen(  # noqa: S603  # our own command
            command(python, "worker", name, *options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl+C reaches only the parent, which ends this process
        )
        self.functions: set[str] = set(self._read())

    def run(self, workload: Workload, n: int, *, profile: bool = False) -> dict[str, Any]:  # Any: see `worker.answer`
        """Run a workload once.

        Raises:
            SideError: The workload failed, or the process ended.
        """
        request = {
            "function": workload.function,
            "n": n,
            "operations": workload.operations(n),
            "arguments": dict(workload.arguments),
            "profile": profile,
        }
        if self._process.stdin is None:
            raise SideError(f"{self.name}: the process has no input")
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise SideError(f"{self.name}: the process ended before {workload.title!r}") from None
        answered: dict[str, Any] = self._read(workload.title)  # Any: see `worker.answer`
        if "error" in answered:
            raise SideError(f"{self.name}: {workload.title!r} with n={n}: {answered['error']}")
        return answered

    def _read(self, what: str = "its start") -> Any:  # Any: JSON
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise SideError(f"{self.name}: the process ended in {what}, with status {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.terminate()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

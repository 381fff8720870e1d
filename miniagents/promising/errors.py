"""The errors of promises, as a tree.

```
PromisingError
├── NoActiveContextError     something needs a context and there is none
├── ContextStateError        a context entered twice, left twice, or used after its end
├── PromiseCancelledError    the promise that is read was cancelled
├── PromiseDeadlockError     promises wait for each other in a circle
├── AppenderClosedError      an appender used after its end
└── AppenderAbandonedError   a stream whose appender went away without closing it

PromisingWarning
└── TaskAbandonedWarning     a task that did not stop when its context ended
```
"""

from __future__ import annotations

__all__ = [
    "AppenderAbandonedError",
    "AppenderClosedError",
    "ContextStateError",
    "NoActiveContextError",
    "PromiseCancelledError",
    "PromiseDeadlockError",
    "PromisingError",
    "PromisingWarning",
    "TaskAbandonedWarning",
]


class PromisingError(Exception):
    """The base of all errors that promises raise themselves."""


class NoActiveContextError(PromisingError, RuntimeError):
    """Something that needs an active context was used outside of one."""


class ContextStateError(PromisingError, RuntimeError):
    """A context was entered twice, left twice, or asked for new work after its end."""


class PromiseCancelledError(PromisingError):
    """The promise was cancelled before it had a result.

    This is no `asyncio.CancelledError`: the promise was cancelled, not the task that reads it.
    """


class PromiseDeadlockError(PromisingError, RuntimeError):
    """Promises wait for each other in a circle, so that none of them can ever continue.

    Attributes:
        circle: The names of the promises in the circle, each waiting for the next and the last for the first.
    """

    def __init__(self, circle: tuple[str, ...]) -> None:
        super().__init__(circle)
        self.circle = circle

    def __str__(self) -> str:
        if len(self.circle) == 1:
            return f"promise {self.circle[0]!r} waits for itself"
        steps = " -> ".join(repr(name) for name in (*self.circle, self.circle[0]))
        return f"promises wait for each other in a circle: {steps}"


class AppenderClosedError(PromisingError, RuntimeError):
    """A piece was appended to a stream that has already ended."""


class AppenderAbandonedError(PromisingError, RuntimeError):
    """The appender of a stream was dropped, or its context ended, before it was closed."""


class PromisingWarning(RuntimeWarning):
    """The base of all warnings about promises."""


class TaskAbandonedWarning(PromisingWarning):
    """A task did not stop within the `shutdown_timeout` of its context and was given up."""

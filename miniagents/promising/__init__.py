"""Promises: eager, replayable values and streams that know nothing of messages or agents."""

from miniagents.promising.appender import StreamAppender
from miniagents.promising.combine import concat, gather, merge, race
from miniagents.promising.context import PromiseResolvedHandler, PromisingContext
from miniagents.promising.errors import (
    AppenderAbandonedError,
    AppenderClosedError,
    ContextStateError,
    NoActiveContextError,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingError,
    PromisingWarning,
    TaskAbandonedWarning,
)
from miniagents.promising.promise import Promise
from miniagents.promising.sentinels import AWAIT, CLEAR, DEFAULT, Control, Default
from miniagents.promising.sequence import FlatSequence
from miniagents.promising.stream import Stream, StreamedPromise

__all__ = [
    "AWAIT",
    "CLEAR",
    "DEFAULT",
    "AppenderAbandonedError",
    "AppenderClosedError",
    "ContextStateError",
    "Control",
    "Default",
    "FlatSequence",
    "NoActiveContextError",
    "Promise",
    "PromiseCancelledError",
    "PromiseDeadlockError",
    "PromiseResolvedHandler",
    "PromisingContext",
    "PromisingError",
    "PromisingWarning",
    "Stream",
    "StreamAppender",
    "StreamedPromise",
    "TaskAbandonedWarning",
    "concat",
    "gather",
    "merge",
    "race",
]

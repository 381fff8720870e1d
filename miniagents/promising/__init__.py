"""Promises: eager, replayable values and streams that know nothing of messages or agents."""

from miniagents.promising.appender import StreamAppender
from miniagents.promising.combinators.gathering import all_settled, gather
from miniagents.promising.combinators.of_streams import concat, merge, zip_latest
from miniagents.promising.combinators.racing import first_ok, race
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
from miniagents.promising.outcome import Err, Ok, Outcome
from miniagents.promising.promise import Promise
from miniagents.promising.retrying import Backoff, exponential_backoff, retry
from miniagents.promising.sentinels import AWAIT, CLEAR, DEFAULT, Control, Default
from miniagents.promising.sequence import FlatSequence
from miniagents.promising.stream import Stream, StreamedPromise

__all__ = [
    "AWAIT",
    "CLEAR",
    "DEFAULT",
    "AppenderAbandonedError",
    "AppenderClosedError",
    "Backoff",
    "ContextStateError",
    "Control",
    "Default",
    "Err",
    "FlatSequence",
    "NoActiveContextError",
    "Ok",
    "Outcome",
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
    "all_settled",
    "concat",
    "exponential_backoff",
    "first_ok",
    "gather",
    "merge",
    "race",
    "retry",
    "zip_latest",
]

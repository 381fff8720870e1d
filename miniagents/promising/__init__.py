"""Promises: eager, replayable values and streams that know nothing of messages or agents."""

from typing import TYPE_CHECKING

from miniagents._lazy import lazy_names
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
from miniagents.promising.stream import Stream, StreamedPromise

if TYPE_CHECKING:
    from miniagents.promising.appender import StreamAppender
    from miniagents.promising.combinators.gathering import all_settled, gather
    from miniagents.promising.combinators.of_streams import concat, first_to_speak, merge, zip_latest
    from miniagents.promising.combinators.racing import first_ok, race
    from miniagents.promising.outcome import Err, Ok, Outcome
    from miniagents.promising.retrying import Backoff, exponential_backoff, retry, retry_stream
    from miniagents.promising.sequence import FlatSequence
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "appender": ("StreamAppender",),
            "combinators.gathering": ("all_settled", "gather"),
            "combinators.of_streams": ("concat", "first_to_speak", "merge", "zip_latest"),
            "combinators.racing": ("first_ok", "race"),
            "outcome": ("Err", "Ok", "Outcome"),
            "retrying": ("Backoff", "exponential_backoff", "retry", "retry_stream"),
            "sequence": ("FlatSequence",),
        },
    )

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
    "first_to_speak",
    "gather",
    "merge",
    "race",
    "retry",
    "retry_stream",
    "zip_latest",
]

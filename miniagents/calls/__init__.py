"""What stands around every call of an agent, a tool and a model.

A handler is given each call before it begins. It decides whether, how often and with what the call is made, and which
replies go out. Stores, caches, spans, approval and limits are handlers. A `RateLimit` is shared by agents of one key.
"""

from miniagents.calls.approval import Approval, CallRefusedError, approval
from miniagents.calls.call import Call, CallKind, Identified, Run
from miniagents.calls.limiting import LimitExceededError, limits
from miniagents.calls.progress import CallOutcome
from miniagents.calls.rates import Admission, RateLimit
from miniagents.calls.spending import Price, usage_of
from miniagents.calls.surrounding import CallHandler, Proceed

__all__ = [
    "Admission",
    "Approval",
    "Call",
    "CallHandler",
    "CallKind",
    "CallOutcome",
    "CallRefusedError",
    "Identified",
    "LimitExceededError",
    "Price",
    "Proceed",
    "RateLimit",
    "Run",
    "approval",
    "limits",
    "usage_of",
]

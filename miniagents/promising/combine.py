"""Combinators of many promises and streams.

Coroutines and other awaitables can stand for promises: each becomes a promise of its own, and one that is given twice
is awaited once. Any async iterable can stand for a stream, and an iterator that is given twice is read once. The result
is lazy if one of the promises is.
"""

from miniagents.promising.combinators.gathering import all_settled, gather
from miniagents.promising.combinators.of_streams import concat, merge, zip_latest
from miniagents.promising.combinators.racing import first_ok, race

__all__ = ["all_settled", "concat", "first_ok", "gather", "merge", "race", "zip_latest"]

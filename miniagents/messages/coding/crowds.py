"""Crowds: many integers with one hash in JSON, which would make decoding take quadratic time.

Python computes the hash of an integer modulo 2**61 - 1, and nothing keeps it secret. A set or dict compares each new
member with all those of the same hash. Few integers of 64 bits share a hash, so msgspec alone decodes sets and keys of
these (`native_types.py`). This module looks at data with larger ones first.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from contextlib import suppress
from typing import Final

from miniagents.messages.coding.decode_errors import DecodeError

__all__ = ["has_large_integers", "refuse_crowds"]


def has_large_integers(data: bytes | str) -> bool:
    """Return whether JSON may contain integers with more than 64 bits."""
    return bool(_LARGE_IN_TEXT.search(data) if isinstance(data, str) else _LARGE.search(data))


def refuse_crowds(data: bytes | str) -> None:
    """Raise an error if too many different integers in JSON have the same hash.

    Raises:
        DecodeError: They have.
    """
    digits = {*_LARGE_IN_TEXT.findall(data)} if isinstance(data, str) else {*_LARGE.findall(bytes(data))}
    hashes: Counter[int] = Counter()
    for each in digits:
        with suppress(ValueError):  # too many digits for Python, and for msgspec too
            hashes[int(each) % sys.hash_info.modulus] += 1
    crowd = max(hashes.values(), default=0)
    if crowd > _MOST:
        reason = f"{crowd} integers have the same hash, which would take quadratic time; at most {_MOST} are allowed"
        raise DecodeError("$", reason)


_LARGE: Final = re.compile(rb"[0-9]{19,}")
_LARGE_IN_TEXT: Final = re.compile(r"[0-9]{19,}")
_MOST: Final = 100

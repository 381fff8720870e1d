"""Crowds: many integers with one hash in JSON, which would make decoding take quadratic time.

Python computes the hash of an integer modulo 2**61 - 1, and nothing keeps it secret. A set or dict compares each new
member with all those of the same hash. Few integers of 64 bits share a hash, so msgspec alone decodes sets and keys of
these (`native_types.py`). This module looks at data with larger ones first.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import Final

from miniagents.messages.coding.decode_errors import DecodeError

__all__ = ["has_large_integers", "refuse_crowds"]


def has_large_integers(data: bytes | str) -> bool:
    """Return whether JSON may contain integers with 64 bits or more."""
    # A regular expression takes ten times as long, and longer than decoding the data.
    encoded = data.encode(errors="replace") if isinstance(data, str) else bytes(data)
    return _LARGE in encoded.translate(_DIGITS)


def refuse_crowds(data: bytes | str) -> None:
    """Raise an error if too many different integers in JSON have the same hash.

    Raises:
        DecodeError: They have.
    """
    # Of all integers with 20 digits, fewer than `_MOST` share a hash.
    text = data if isinstance(data, str) else bytes(data).decode("latin-1")
    digits = {each for each in re.findall("[0-9]+", text) if len(each) > 20}
    if len(digits) <= _MOST:
        return
    # Longer ones are refused by msgspec.
    hashes = Counter([int(each) % sys.hash_info.modulus for each in digits if len(each) <= _MOST_DIGITS])
    crowd = max(hashes.values(), default=0)
    if crowd > _MOST:
        reason = f"{crowd} integers have the same hash, which would take quadratic time; at most {_MOST} are allowed"
        raise DecodeError("$", reason)


_MOST: Final = 100
_MOST_DIGITS: Final = 4300
_LARGE: Final = b"0" * 19
_DIGITS: Final = bytes(ord("0" if code in b"0123456789" else " ") for code in range(256))
"""What `bytes.translate` makes of each byte: all digits become the same."""

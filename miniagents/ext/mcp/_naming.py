"""The names of a server's tools for models: vendors take only some names."""

from __future__ import annotations

import hashlib
import re
from typing import Final

__all__ = ["name_for_models"]

_LONGEST: Final = 64
_DIGITS: Final = 8
_OTHER: Final = re.compile(r"[^A-Za-z0-9_-]")


def name_for_models(name: str, prefix: str) -> str:
    """Return the name under which models call a tool.

    It depends on the name and the prefix alone, so that it is the same each time. A name that vendors would refuse is
    changed, and ends with digits that differ from name to name.

    >>> name_for_models("search", "web_"), name_for_models("files/read", "")
    ('web_search', 'files_read-2b733164')
    """
    whole = prefix + name
    if 0 < len(whole) <= _LONGEST and not _OTHER.search(whole):
        return whole
    digits = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{_OTHER.sub('_', whole)[: _LONGEST - _DIGITS - 1]}-{digits}"

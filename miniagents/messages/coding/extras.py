"""Move the extras of open records beside their declared properties when they are encoded.

msgspec writes extras as a property "@extra". This module visits all of a value, of any kind. The codec calls it only if
`rewriting.py`, the fast way, is not sure of the value.
"""

from __future__ import annotations

from typing import Any

import msgspec

from miniagents.messages.values.freezers import slot_of
from miniagents.messages.values.freezing import is_list, is_mapping, is_set, is_tuple
from miniagents.messages.values.record import EXTRAS_FIELD, EXTRAS_KEY


def merged(value: object) -> object:
    """Return dicts and lists to encode instead of a value, in which extras stand among the other properties."""
    root: list[object] = [None]
    pending: list[tuple[Any, object, object]] = [(root, 0, value)]  # Any: lists and dicts, with the place to be filled
    while pending:
        target, place, current = pending.pop()
        if isinstance(current, msgspec.Struct):
            target[place] = made = _properties(current)
        elif is_mapping(current):
            target[place] = made = dict(current)
        elif is_tuple(current) or is_list(current) or is_set(current):
            target[place] = items = list(current)
            pending += [(items, index, item) for index, item in enumerate(items)]
            continue
        else:
            target[place] = current
            continue
        pending += [(made, key, item) for key, item in made.items()]
    return root[0]


def _properties(value: msgspec.Struct) -> dict[object, object]:
    """List the properties of one value in the order of msgspec, followed by its extras."""
    config = value.__struct_config__
    made: dict[object, object] = {} if config.tag_field is None else {config.tag_field: config.tag}
    names = value.__struct_fields__
    # Fields without a default come first if fields are not sorted; keyword-only fields count from the end as well.
    defaults = dict(zip(names[len(names) - len(value.__struct_defaults__) :], value.__struct_defaults__, strict=True))
    extras: object = None
    for name, key in zip(names, value.__struct_encode_fields__, strict=True):
        content: object = getattr(value, slot_of(type(value), name))
        if name == EXTRAS_FIELD and key == EXTRAS_KEY:
            extras = content
        elif content is not msgspec.UNSET and not (config.omit_defaults and content is defaults.get(name, defaults)):
            made[key] = content
    if is_mapping(extras):
        made.update(extras)
    return made

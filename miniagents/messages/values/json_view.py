"""`vars(value)`: a Frozen value as plain JSON, for tools that know nothing of messages.

FastAPI answers with `vars(value)` where a function is not annotated, `json.dumps(value, default=vars)` writes it, and
debuggers show it. So it is what `encode` writes. The key that a value has computed is in no such place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniagents.messages.values.frozen import Frozen

__all__ = ["JsonView"]


class JsonView(dict[str, object]):
    """What `vars` gives of a value; its items are the caller's own.

    Setting an item sets an attribute: `functools.cached_property` keeps a result in this way, and finds it without
    `vars` the next time.

    Args:
        owner: The value.
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: Frozen) -> None:
        from miniagents.messages import decode, encode  # noqa: PLC0415  # they are built on values

        super().__init__(decode(encode(owner), dict[str, object]))
        self._owner = owner

    def __setitem__(self, name: str, value: object) -> None:
        """Set an attribute of the value that is no field."""
        if name in self._owner.__struct_fields__:
            raise TypeError(f"{type(self._owner).__qualname__}.{name} is frozen: use `value.replace({name}=...)`")
        self._owner.__kept__[name] = value

"""The hand-written types of the generated frames: what they have in common, and what they take over encoded."""

from typing import TypeAlias

import msgspec

__all__ = ["EncodedObject", "EncodedValue", "FrameBase"]


class FrameBase(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sent and read at once: not hashed, not frozen deeply, and open to properties of newer versions."""


EncodedValue: TypeAlias = msgspec.Raw
"""Any value, as the bytes that stand in the frame."""

EncodedObject: TypeAlias = msgspec.Raw
"""Any object, as the bytes that stand in the frame."""

"""What the tests of records and streams share: classes of messages, and strategies for them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from miniagents.messages import AssistantMessage, FrozenDict, Message, UserMessage


class Reading(Message, kw_only=True, tag="wire.Reading"):
    """One with a field of most kinds."""

    number: int = 0
    ratio: float = 0.0
    raw: bytes = b""
    key: UUID | None = None
    at: datetime | None = None
    by_number: Mapping[int, bytes] = FrozenDict()  # immutable
    anything: object = None
    parts: tuple[Message, ...] = ()


Any1: TypeAlias = Reading | UserMessage | AssistantMessage

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-(2**63), 2**64 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
small: st.SearchStrategy[Any1] = st.one_of(
    st.builds(UserMessage, text=st.none() | texts), st.builds(AssistantMessage, text=texts, model=st.none() | texts)
)
messages: st.SearchStrategy[Any1] = small | st.builds(
    Reading,
    text=st.none() | texts,
    number=integers,
    ratio=floats,
    raw=st.binary(max_size=6),
    key=st.none() | st.uuids(),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    by_number=st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=2), max_size=2),
    anything=plain,
    parts=st.lists(small, max_size=2),
)


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes at places that are given by any numbers."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]

"""M5: records of a list are encoded together; the bytes, the errors and what is written before one are the same."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Final, Literal
from unittest import mock

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import Message, UnknownMessage, UserMessage
from miniagents.wire import RecordWriter, awrite_records, read_records, write_records, writing
from tests.effort import examples
from tests.wire.kinds import Reading, messages

Format = Literal["json", "msgpack"]
FORMATS = pytest.mark.parametrize("format", ["json", "msgpack"])

WRONG: Final[tuple[object, ...]] = (
    msgspec.structs.replace(UserMessage(), text="lone \ud800"),
    [float("nan")],
    object(),
    Reading(number=2**70),
    Reading(anything=UserMessage("not plain")),
    [Message("in a list")],
    UnknownMessage(raw={"@type": "nope"}),
    None,
    1.5,
)
"""Values that cannot be encoded in one of the formats, or not by msgspec alone."""
wrong = st.sampled_from(WRONG)
good: st.SearchStrategy[object] = messages
values = st.lists(good, max_size=8) | st.lists(good | wrong, max_size=8)


def outcome(given_values: Iterable[object], format: Format) -> tuple[bytes, str]:
    """The bytes that are written, and the number of records or the error."""
    file = io.BytesIO()
    try:
        end = f"{write_records(file, given_values, format)} records"
    except (TypeError, ValueError) as error:
        end = repr(error)
    return file.getvalue(), end


def of_each(given_values: Iterable[object], format: Format) -> tuple[bytes, str]:
    """The same of a writer that is given each value by itself."""
    file = io.BytesIO()
    count = 0
    try:
        with RecordWriter(file, format) as writer:
            for value in given_values:
                writer.write(value)
                count += 1
    except (TypeError, ValueError) as error:
        return file.getvalue(), repr(error)
    return file.getvalue(), f"{count} records"


@examples(300)
@given(
    values, st.sampled_from(["json", "msgpack"]), st.sampled_from([1, 2, 3, 256]), st.sampled_from([1, 100, 1 << 16])
)
def test_a_list_is_written_like_each_value_by_itself(
    given_values: list[object], format: Format, together: int, full: int
) -> None:
    right = of_each(given_values, format)
    with mock.patch.object(writing, "_TOGETHER", together), mock.patch.object(writing, "_FULL", full):
        assert outcome(given_values, format) == right
        assert outcome(tuple(given_values), format) == right
        assert outcome(iter(given_values), format) == right


@FORMATS
@pytest.mark.parametrize("value", WRONG)
def test_among_others_a_value_is_written_as_by_itself(value: object, format: Format) -> None:
    several = [UserMessage("a"), value, UserMessage("b")]
    assert outcome(several, format) == of_each(several, format)


@FORMATS
def test_no_value_is_taken_from_an_iterator_behind_one_that_cannot_be_written(format: Format) -> None:
    lone = msgspec.structs.replace(UserMessage(), text="lone \ud800")
    rest = iter([UserMessage("a"), lone, UserMessage("b"), UserMessage("c")])
    with pytest.raises(ValueError, match="surrogate"):
        write_records(io.BytesIO(), rest, format)
    assert list(rest) == [UserMessage("b"), UserMessage("c")]


@FORMATS
def test_an_iterator_may_use_its_values_again(format: Format) -> None:
    def numbers() -> Iterator[dict[str, int]]:
        value = {"number": 0}
        for value["number"] in range(5):
            yield value

    file = io.BytesIO()
    assert write_records(file, numbers(), format) == 5
    assert list(read_records([file.getvalue()], dict[str, int], format)) == [{"number": number} for number in range(5)]


@FORMATS
def test_a_list_that_grows_is_written_to_its_end(format: Format, tmp_path: Path) -> None:
    """Another task may append to it while a slow target takes what is there."""

    async def main() -> None:
        growing = [UserMessage("a")] * 300
        writing_all = asyncio.create_task(awrite_records(tmp_path / "records", growing, format))
        with mock.patch.object(writing, "_FULL", 1):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            growing.append(UserMessage("b"))
            assert await writing_all == 301
        assert list(read_records(tmp_path / "records", UserMessage, format)) == growing

    asyncio.run(main())


@FORMATS
def test_both_kinds_of_iterables_are_counted(format: Format, tmp_path: Path) -> None:
    async def some() -> AsyncIterator[Message]:
        for number in range(3):
            yield Message(str(number))

    async def main() -> None:
        assert await awrite_records(tmp_path / "some", some(), format) == 3
        assert await awrite_records(tmp_path / "some", [Message("a")] * 4, format, append=True) == 4

    asyncio.run(main())
    assert len(list(read_records(tmp_path / "some", Message, format))) == 7

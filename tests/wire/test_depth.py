"""Nesting without end: each reader raises its own error in the place of such a value, and reads what follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Literal, TypeAlias

import pytest

from miniagents import Codec, DecodeError, Message, MiniAgents, UserMessage, decode, encode
from miniagents.wire import RecordError, aread_records, decode_stream, read_records
from miniagents.wire.splitting import frame

Format: TypeAlias = Literal["json", "msgpack"]
Unknown: TypeAlias = Literal["refuse", "ignore", "keep"]

DEEP: Final = 100_000


class DeepHolder(Message, kw_only=True):
    data: object = None


class DeepBranch(Message, kw_only=True):
    branches: tuple[DeepBranch, ...] = ()


NESTED: Final[dict[Format, dict[str, Callable[[int], bytes]]]] = {
    "json": {
        "arrays": lambda depth: b"[" * depth + b"]" * depth,
        "objects": lambda depth: b'{"a":' * depth + b"0" + b"}" * depth,
        "without an end": lambda depth: b"[" * depth,
        "untyped": lambda depth: b'{"@type":"DeepHolder","data":' + b"[" * depth + b"]" * depth + b"}",
        "messages": lambda depth: b'{"@type":"DeepBranch","branches":[' * depth + b"]}" * depth,
        "an unknown field": lambda depth: (
            b'{"@type":"UserMessage","text":"","new":' + b"[" * depth + b"]" * depth + b"}"
        ),
        "an unknown tag": lambda depth: b'{"@type":"Newer","new":' + b'{"a":' * depth + b"0" + b"}" * depth + b"}",
    },
    "msgpack": {
        "arrays": lambda depth: b"\x91" * depth + b"\xc0",
        "objects": lambda depth: b"\x81\xa1a" * depth + b"\xc0",
        "without an end": lambda depth: b"\x91" * depth,
        "keys": lambda depth: b"\x81" * depth + b"\xc0",
        "untyped": lambda depth: b"\x82\xa5@type\xaaDeepHolder\xa4data" + b"\x91" * depth + b"\xc0",
        "messages": lambda depth: b"\x82\xa5@type\xaaDeepBranch\xa8branches\x91" * depth + b"\xc0",
        "an unknown field": lambda depth: (
            b"\x83\xa5@type\xabUserMessage\xa4text\xa0\xa3new" + b"\x91" * depth + b"\xc0"
        ),
        "an unknown tag": lambda depth: b"\x82\xa5@type\xa5Newer\xa3new" + b"\x81\xa1a" * depth + b"\xc0",
    },
}

CASES: Final = pytest.mark.parametrize(
    ("format", "kind"), [(each, kind) for each, kinds in NESTED.items() for kind in kinds]
)


@CASES
@pytest.mark.parametrize("unknown", ["refuse", "ignore", "keep"])
@pytest.mark.parametrize("unique_keys", [False, True])
def test_decode_and_codecs_raise_a_decode_error(format: Format, kind: str, unknown: Unknown, unique_keys: bool) -> None:
    data = NESTED[format][kind](DEEP)
    for form in (object, Message, DeepHolder, DeepBranch, tuple[Message, ...]):
        with pytest.raises(DecodeError):
            decode(data, form, format, unknown=unknown, unique_keys=unique_keys)
        codec: Any = Codec  # Any: the overloads tell apart values of `unknown`
        with pytest.raises(DecodeError):
            codec(form, format, unknown=unknown, unique_keys=unique_keys).decode(data)


def recorded(payload: bytes, format: Format) -> bytes:
    return payload + b"\n" if format == "json" else frame(payload)


@CASES
def test_a_reader_of_records_goes_on_behind_it(format: Format, kind: str) -> None:
    good = recorded(encode(UserMessage("x"), format), format)
    data = good + recorded(NESTED[format][kind](DEEP), format) + good
    errors: list[RecordError] = []
    records = list(read_records([data], Message, format, on_error=errors.append))
    assert records == [UserMessage("x")] * 2
    assert [(error.index, error.offset) for error in errors] == [(1, len(good))]

    async def main() -> list[Message]:
        return [record async for record in aread_records(_once(data), Message, format, on_error=errors.append)]

    assert asyncio.run(main()) == records
    assert len(errors) == 2


@pytest.mark.leaves_errors_unread  # that the stream ends too early
@CASES
def test_a_stream_has_an_error_in_its_place(format: Format, kind: str) -> None:
    async def main() -> None:
        async with MiniAgents():
            with pytest.raises(RecordError, match=r"^record 0 at byte 0"):
                await decode_stream(_once(recorded(NESTED[format][kind](DEEP), format)), Message, format)

    asyncio.run(main())


@pytest.mark.parametrize("depth", range(50, 1_000, 50))
@pytest.mark.parametrize("kind", ["untyped", "messages"])
@pytest.mark.parametrize("format", ["json", "msgpack"])
def test_a_message_that_was_decoded_can_be_encoded_and_compared(format: Format, kind: str, depth: int) -> None:
    """Not every depth that `decode` accepts has a `repr`, which takes more of Python's stack."""
    data = NESTED[format][kind](depth)
    if kind == "messages" and format == "msgpack":
        data = data[:-1] + b"\x81\xa5@type\xaaDeepBranch"
    elif kind == "messages":
        data = data.replace(b"[]", b'[{"@type":"DeepBranch"}]')
    try:
        value = decode(data, Message, format)
    except DecodeError as error:
        assert depth > 400  # the limit depends on how deep the stack is here
        assert error.reason == "nested deeper than Python's recursion limit"
        return
    again = decode(encode(value, format), Message, format)
    assert again == value
    assert again.hash_key == value.hash_key


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data

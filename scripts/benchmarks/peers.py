"""The combinators of aiostream, over sources that are there already."""

from __future__ import annotations

from aiostream import pipe, stream

from scripts.benchmarks.limit_streams import is_kept, numbers
from scripts.benchmarks.watch import Watch


def double(number: int, /, *_: int) -> int:
    """Does next to nothing; an operator takes functions of as many arguments as it has streams."""
    return number * 2


async def combine_map(watch: Watch, n: int) -> object:
    """One operator."""
    read: list[int] = []
    with watch:
        async with (stream.iterate(range(n)) | pipe.map(double)).stream() as streamer:
            read = [piece async for piece in streamer]
    return read


async def combine_filter(watch: Watch, n: int) -> object:
    """One operator."""
    read: list[int] = []
    with watch:
        async with (stream.iterate(range(n)) | pipe.filter(is_kept)).stream() as streamer:
            read = [piece async for piece in streamer]
    return read


async def combine_chain(watch: Watch, n: int) -> object:
    """Three operators."""
    read: list[int] = []
    with watch:
        operators = stream.iterate(range(n)) | pipe.map(double) | pipe.filter(is_kept) | pipe.map(double)
        async with operators.stream() as streamer:
            read = [piece async for piece in streamer]
    return read


async def combine_merge(watch: Watch, n: int) -> object:
    """Two async generators in one stream."""
    read: list[int] = []
    with watch:
        async with stream.merge(numbers(n // 2), numbers(n // 2)).stream() as streamer:
            read = [piece async for piece in streamer]
    return sorted(read)

"""The combinators of aiostream, over sources whose pieces exist already."""

from __future__ import annotations

from aiostream import pipe, stream

from scripts.benchmarks.limit_streams import is_kept, numbers
from scripts.benchmarks.watch import Watch


def double(number: int, /, *_: int) -> int:
    """Double a number; an operator passes its function as many arguments as it has streams."""
    return number * 2


async def combine_map(watch: Watch, n: int) -> object:
    """Apply one operator."""
    read: list[int] = []
    with watch:
        async with (stream.iterate(range(n)) | pipe.map(double)).stream() as streamer:
            read = [piece async for piece in streamer]
    return read


async def combine_filter(watch: Watch, n: int) -> object:
    """Apply one operator."""
    read: list[int] = []
    with watch:
        async with (stream.iterate(range(n)) | pipe.filter(is_kept)).stream() as streamer:
            read = [piece async for piece in streamer]
    return read


async def combine_chain(watch: Watch, n: int) -> object:
    """Apply three operators."""
    read: list[int] = []
    with watch:
        operators = stream.iterate(range(n)) | pipe.map(double) | pipe.filter(is_kept) | pipe.map(double)
        async with operators.stream() as streamer:
            read = [piece async for piece in streamer]
    return read


async def combine_merge(watch: Watch, n: int) -> object:
    """Merge two async generators into one stream."""
    read: list[int] = []
    with watch:
        async with stream.merge(numbers(n // 2), numbers(n // 2)).stream() as streamer:
            read = [piece async for piece in streamer]
    return sorted(read)

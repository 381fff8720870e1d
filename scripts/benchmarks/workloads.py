"""All workloads with their sizes and targets. A new workload is added here and to the sides that can run it.

This module imports only the standard library, because the old release reads it in an environment of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scripts.benchmarks import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SIDES", "WORKLOADS", "Figure", "Workload"]

SIDES = {
    "ours": ("ours_streams", "ours_agents", "ours_messages", "ours_records", "ours_models"),
    "limit": ("limit_streams", "limit_agents", "limit_messages", "limit_records", "limit_models"),
    "old": ("baseline",),
    "aiostream": ("peers",),
}
"""The modules of each side; a side takes part in the workloads for which one of its modules has a function."""


@dataclass(frozen=True)
class Figure:
    """One number that a workload gives, and its targets."""

    name: str = "cpu"
    """The name of the number in `Watch.figures`."""
    unit: str = ""
    scale: float = 1e6
    """The factor that turns seconds or bytes into the unit."""
    per_operation: bool = True
    """Whether the number is divided by the number of operations."""
    most: float | None = None
    """The largest ratio of this library's number to the limit's."""
    least: float | None = None
    """The smallest ratio of the old release's number to this library's."""
    peers: float | None = None
    """The smallest ratio of other libraries' numbers to this library's."""
    absolute: float | None = None
    """The largest number, in its unit."""
    more: float | None = None
    """The largest difference between this library's number and the limit's, in its unit."""
    exponent: float | None = None
    """For growth: the largest exponent of n."""
    is_rate: bool = False
    """Whether more is better; the ratios are ratios of times nevertheless."""
    reason: str = ""
    """The reason why a target is missed, and what was tried; reports show it if the target is missed."""
    title: str = ""
    """The name of the number, after the title of the workload."""


def cpu(
    per: str,
    most: float | None = None,
    least: float | None = None,
    peers: float | None = None,
    reason: str = "",
) -> tuple[Figure, ...]:
    """Return the figure of the CPU time of one operation."""
    return (Figure("cpu", f"µs per {per}", most=most, least=least, peers=peers, reason=reason),)


def rate() -> tuple[Figure, ...]:
    """Return the figure of the bytes that pass in a second of CPU time."""
    return (Figure("rate", "MB/s", 1e-6, per_operation=False, is_rate=True),)


def memory(per: str, most: float | None = None, least: float | None = None, reason: str = "") -> tuple[Figure, ...]:
    """Return the figure of the memory that is kept for each operation."""
    return (Figure("bytes", f"bytes per {per}", 1.0, most=most, least=least, reason=reason),)


@dataclass(frozen=True)
class Workload:
    """A piece of work that each side does in its own way."""

    title: str
    """The title in tables, which starts with a theme and a colon."""
    function: str
    """The name of the function in the modules of the sides."""
    size: int
    """The number of operations in one run."""
    figures: tuple[Figure, ...]
    arguments: Mapping[str, int | bool | str] = field(default_factory=dict[str, "int | bool | str"])
    times: str = ""
    """The argument that multiplies the number of operations."""
    old_size: int | None = None
    """A smaller size for the old release, if it would take too long; 0 leaves the old release out."""
    grows_from: int | None = None
    """For growth: the size that `size` is compared with; the figure is the exponent."""
    counted: int | None = None
    """For the hot paths: the size at which instructions are counted."""
    fixed: bool = False
    """Whether `--quick` keeps the size."""

    def operations(self, size: int) -> int:
        """Return the number of operations in a run of a size."""
        return size * int(self.arguments.get(self.times, 1))

    def title_of(self, figure: Figure) -> str:
        """Return the title of the row of a figure."""
        return f"{self.title} {figure.title}".strip()


def _growth(title: str, function: str, size: int = 100_000, *, reason: str = "") -> Workload:
    figure = Figure("cpu", "exponent of n", 1.0, exponent=1.1, reason=reason)
    return Workload(
        f"growth: {title}, from 1k to {size // 1000}k",
        function,
        size,
        (figure,),
        grows_from=1000,
        old_size=0,
    )


def _codec(verb: str, function: str, least: float, reason: str, by_codec: str) -> list[Workload]:
    """Return the workloads of one message in both formats, by the function and by a codec.

    The old release has only JSON, and no codec.
    """
    names = {"json": "JSON", "msgpack": "MessagePack"}
    return [
        Workload(
            f"messages: {verb} {name}{', by a codec' if by else ''}",
            function,
            20_000,
            cpu("message", 1.1, None if by or key == "msgpack" else least, reason=by_codec if by else reason),
            {"format": key, "by": by} if by else {"format": key},
            old_size=0 if by or key == "msgpack" else 2_000,
            counted=1_000,
        )
        for key, name in names.items()
        for by in ("", "codec")
    ]


def _records(title: str, function: str, *, bare: bool = False) -> list[Workload]:
    """Return the workloads of many messages in both formats; the old release has no records.

    Args:
        title: The title, with a place for the name of the format.
        function: The name of the function.
        bare: Whether to add a workload whose limit writes frames without checksums.
    """
    formats = {"NDJSON": {"format": "json"}, "MessagePack frames": {"format": "msgpack"}}
    found = [
        Workload(title.format(name), function, 20_000, rate(), arguments, old_size=0, counted=1_000)
        for name, arguments in formats.items()
    ]
    if bare:
        name = title.format("MessagePack frames") + ", unchecked limit"
        found.append(Workload(name, function, 20_000, rate(), {"format": "msgpack", "checksum": False}, old_size=0))
    return found


def _wire(title: str, function: str, size: int, **arguments: int) -> list[Workload]:
    """Return the workloads of tokens between processes in both formats; the old release has no such feature."""
    names = {"json": "JSON", "msgpack": "MessagePack"}
    return [
        Workload(
            title.format(name),
            function,
            size,
            cpu("token"),
            {"format": key, **arguments},
            old_size=0,
            counted=size // 20,
        )
        for key, name in names.items()
    ]


WORKLOADS: tuple[Workload, ...] = (
    Workload("tokens: one burst", "tokens", 100_000, cpu("token", 2.0, 25), old_size=20_000, counted=2_000),
    Workload("tokens: bursts of 50", "tokens", 50_000, cpu("token"), {"burst": 50}, old_size=10_000),
    Workload(
        "tokens: one turn per token", "tokens", 10_000, cpu("token", 1.3, 4), {"burst": 1}, old_size=3_000, counted=500
    ),
    Workload(
        "tokens: of an async generator", "generated_tokens", 100_000, cpu("token"), old_size=20_000, counted=2_000
    ),
    Workload(
        "relay: passed on by 1 agent", "relay", 5_000, cpu("token"), {"agents": 1, "mapped": False}, old_size=1000
    ),
    Workload("relay: passed on by 4", "relay", 5_000, cpu("token"), {"agents": 4, "mapped": False}, old_size=1000),
    Workload("relay: passed on by 16", "relay", 5_000, cpu("token"), {"agents": 16, "mapped": False}, old_size=1000),
    Workload("relay: mapped by 1 agent", "relay", 5_000, cpu("token"), {"agents": 1, "mapped": True}, old_size=1000),
    Workload("relay: mapped by 4", "relay", 2_000, cpu("token"), {"agents": 4, "mapped": True}, old_size=500),
    Workload(
        "relay: mapped by 16",
        "relay",
        1_000,
        cpu("token", 2.0, 5),
        {"agents": 16, "mapped": True},
        old_size=200,
        counted=50,
    ),
    Workload(
        "relay: mapped by 16 with generators",
        "relay",
        1_000,
        cpu("token"),
        {"agents": 16, "mapped": True, "by": "generator"},
        old_size=200,
    ),
    Workload(
        "calls: one after another",
        "calls_in_turn",
        2_000,
        cpu("call", 3.0, 13, reason=reasons.CALLS),
        old_size=300,
        counted=100,
    ),
    Workload("calls: 100 at once", "calls_at_once", 100, cpu("call"), fixed=True),
    Workload("calls: 1,000 at once", "calls_at_once", 1_000, cpu("call"), old_size=1_000, counted=100),
    Workload(
        "calls: 10,000 at once", "calls_at_once", 10_000, cpu("call", 3.0, 50, reason=reasons.CALLS), old_size=2_000
    ),
    _growth("calls at once", "calls_at_once", reason=reasons.MANY_CALLS),
    Workload(
        "replay: of a finished stream",
        "replay",
        100_000,
        cpu("token", 1.5, 3.5, reason=reasons.REPLAYED),
        counted=2_000,
    ),
    Workload("fan-out: live to 1 reader", "fan_out", 10_000, cpu("token and reader"), {"readers": 1}, "readers"),
    Workload(
        "fan-out: live to 16 readers",
        "fan_out",
        2_000,
        cpu("token and reader", 1.5, 2.2, reason=reasons.FANNED),
        {"readers": 16},
        "readers",
        counted=50,
    ),
    Workload("fan-out: live to 64 readers", "fan_out", 500, cpu("token and reader"), {"readers": 64}, "readers"),
    Workload("flatten: nested lists", "flatten_lists", 10_000, cpu("message", 3.0, 50), old_size=2_000, counted=1_000),
    Workload(
        "flatten: nested promises",
        "flatten_promises",
        10_000,
        cpu("message", 3.0, 50, reason=reasons.FLATTENED),
        old_size=2_000,
        counted=1_000,
    ),
    Workload("flatten: replies of agents", "flatten_agents", 1_000, cpu("agent"), old_size=200),
    Workload(
        "flatten: out of order",
        "out_of_order",
        1_000,
        cpu("agent", 2.0, 14, reason=reasons.DISORDERED),
        old_size=200,
        counted=100,
    ),
    _growth("flatten nested lists", "flatten_lists"),
    Workload("combine: map", "combine_map", 50_000, cpu("element", 3.0, peers=2), counted=2_000),
    Workload("combine: filter", "combine_filter", 50_000, cpu("element", 3.0, peers=2), counted=2_000),
    Workload("combine: map, filter, map", "combine_chain", 20_000, cpu("element", 3.0, peers=2), counted=2_000),
    Workload("combine: merge", "combine_merge", 20_000, cpu("element", 3.0, peers=4), counted=1_000),
    Workload(
        "messages: create",
        "create",
        5_000,
        cpu("message", 1.5, 50, reason=reasons.CREATED),
        old_size=1_000,
        counted=1_000,
    ),
    Workload(
        "messages: hash_key, first time",
        "hash_first",
        2_000,
        cpu("message", 1.5, 28, reason=reasons.HASHED),
        old_size=500,
        counted=500,
    ),
    *_codec("encode", "encode_messages", 10, reasons.WRITTEN, reasons.CALLED),
    *_codec("decode", "decode_messages", 90, reasons.READ, reasons.READ),
    Workload(
        "messages: decode JSON, a union of three",
        "decode_messages",
        20_000,
        cpu("message", 1.1, reason=reasons.READ),
        {"format": "json", "union": True},
        old_size=0,
    ),
    *(
        Workload(
            f"messages: {verb} {name}, strings alone, by a codec",
            f"{verb}_plain",
            20_000,
            cpu("message", 1.1, reason=reasons.CALLED),
            {"format": key},
            old_size=0,
            counted=1_000,
        )
        for verb in ("encode", "decode")
        for key, name in (("json", "JSON"), ("msgpack", "MessagePack"))
    ),
    *_records("records: write {} in memory", "write_in_memory", bare=True),
    *_records("records: write {} to a file", "write_to_file"),
    *_records("records: read {} from memory", "read_from_memory", bare=True),
    *_records("records: read {} from a file", "read_from_file"),
    *_wire("wire: encode a finished stream as {}", "stream_out", 20_000),
    *_wire("wire: encode as {}, one turn per token", "stream_out", 5_000, burst=1),
    *_wire("wire: decode a stream of {}", "stream_in", 20_000),
    Workload("memory: of a kept token", "memory_of_tokens", 100_000, memory("token", 2.0, 15), old_size=10_000),
    Workload("memory: of a kept message", "memory_of_messages", 5_000, memory("message"), old_size=1_000),
    Workload("memory: of a kept finished call", "memory_of_calls", 2_000, memory("call", 3.0, 7), old_size=300),
    Workload(
        "import:",
        "import_time",
        5,
        (
            Figure("cpu", "ms", 1e3, most=1.3, least=2, title="time", reason=reasons.IMPORTED),
            Figure(
                "modules",
                "modules",
                1.0,
                per_operation=False,
                most=1.3,
                least=2,
                title="added modules",
                reason=reasons.IMPORTED,
            ),
        ),
        fixed=True,
    ),
    Workload(
        "latency: append to sight,",
        "latency",
        5_000,
        (
            Figure("p50", "µs", per_operation=False, title="p50"),
            Figure("p99", "µs", per_operation=False, title="p99"),
        ),
    ),
    Workload(
        "stall: of the loop while 100k tokens pass",
        "stall",
        100_000,
        (Figure("stall", "ms", 1e3, per_operation=False, least=20, absolute=10.0),),
    ),
    _growth("tokens in one burst", "tokens"),
    # after all others, because these import the SDKs, which cost memory and time
    *(
        workload
        for provider, name in (("openai", "OpenAI"), ("anthropic", "Anthropic"))
        for workload in (
            # the CPU time of a token bounds how many tokens a processor handles in a second
            Workload(f"models: {name}, tokens", "model_tokens", 5_000, cpu("token", 1.1), {"provider": provider}),
            Workload(
                f"models: {name}, short answers,",
                "model_first_token",
                100,
                (
                    Figure("p50", "ms", 1e3, per_operation=False, more=1.0, title="time to first token"),
                    Figure("cpu", "µs per answer", title="all of it"),
                ),
                {"provider": provider},
            ),
        )
    ),
)

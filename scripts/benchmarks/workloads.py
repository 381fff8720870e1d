"""All workloads with their sizes and targets.

A new workload is added here, or to `message_workloads.py`, and to the sides that can run it.

This module imports only the standard library, because the old release reads it in an environment of its own.
"""

from __future__ import annotations

from scripts.benchmarks import reasons
from scripts.benchmarks.definitions import Figure, Workload, cpu, memory
from scripts.benchmarks.message_workloads import MESSAGE_WORKLOADS

__all__ = ["SIDES", "WORKLOADS"]

SIDES = {
    "ours": ("ours_streams", "ours_agents", "ours_messages", "ours_kinds", "ours_records", "ours_models"),
    "limit": (
        "limit_streams",
        "limit_agents",
        "limit_messages",
        "limit_kinds",
        "limit_extras",
        "limit_records",
        "limit_conversations",
        "limit_models",
    ),
    "old": ("baseline",),
    "aiostream": ("peers",),
}
"""The modules of each side; a side takes part in the workloads for which one of its modules has a function."""


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


WORKLOADS: tuple[Workload, ...] = (
    Workload("tokens: one burst", "tokens", 100_000, cpu("token", 2.0, 25), old_size=20_000, counted=2_000),
    Workload("tokens: bursts of 50", "tokens", 50_000, cpu("token"), {"burst": 50}, old_size=10_000),
    Workload(
        "tokens: one turn per token", "tokens", 10_000, cpu("token", 1.3, 4), {"burst": 1}, old_size=3_000, counted=500
    ),
    Workload(
        "tokens: of an async generator", "generated_tokens", 100_000, cpu("token"), old_size=20_000, counted=2_000
    ),
    *(
        Workload(
            f"tokens: answers of {length} each", "short_answers", 500, cpu("answer"), {"length": length}, old_size=0
        )
        for length in (1, 10, 100)
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
        cpu("call", 2.2, 13, reason=reasons.CALLS),
        old_size=300,
        counted=100,
    ),
    Workload(
        "calls: recorded, one after another",
        "recorded_calls",
        2_000,
        cpu("call", 3.3, reason=reasons.RECORDED),
        old_size=0,
        counted=100,
    ),
    Workload(
        "calls: with a handler around each, one after another",
        "surrounded_calls",
        2_000,
        cpu("call", 3.4, reason=reasons.SURROUNDED),
        old_size=0,
        counted=100,
    ),
    Workload(
        "calls: kept in a SQLite store, one after another",
        "stored_calls",
        2_000,
        cpu("call", 5.5, reason=reasons.STORED),
        old_size=0,
    ),
    Workload(
        "calls: in a durable run in a SQLite store, one after another",
        "durable_calls",
        500,
        cpu("call", 5.5, reason=reasons.DURABLE),
        old_size=0,
    ),
    Workload(
        "calls: replayed from a cassette, one after another",
        "replayed_calls",
        1_000,
        cpu("call", 18),
        old_size=0,
        counted=100,
    ),
    Workload(
        "calls: answered from a SQLite store, one after another",
        "cached_calls",
        500,
        cpu("call", 32),
        old_size=0,
    ),
    Workload("calls: 100 at once", "calls_at_once", 100, cpu("call"), fixed=True),
    Workload(
        "calls: 1,000 at once",
        "calls_at_once",
        1_000,
        cpu("call", 2.2, reason=reasons.CALLS),
        old_size=1_000,
        counted=100,
    ),
    Workload(
        "calls: 10,000 at once", "calls_at_once", 10_000, cpu("call", 2.2, 50, reason=reasons.CALLS), old_size=2_000
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
    Workload("flatten: nested lists", "flatten_lists", 10_000, cpu("message", 1.5, 50), old_size=2_000, counted=1_000),
    Workload(
        "flatten: nested promises",
        "flatten_promises",
        10_000,
        cpu("message", 2.0, 50, reason=reasons.FLATTENED),
        old_size=2_000,
        counted=1_000,
    ),
    Workload("flatten: replies of agents", "flatten_agents", 1_000, cpu("agent"), old_size=200),
    Workload(
        "flatten: a tree of 2⁷ agents",
        "tree_of_agents",
        20,
        cpu("agent", 3.0, reason=reasons.CALLS),
        {"leaves": 128},
        "leaves",
        old_size=0,
    ),
    *(
        Workload(
            f"flatten: replies through {levels} level{'s' if levels > 1 else ''} of agents",
            "nested_replies",
            2_000,
            cpu("message"),
            {"levels": levels},
            old_size=0,
        )
        for levels in (1, 3, 7)
    ),
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
    *MESSAGE_WORKLOADS,
    Workload("memory: of a kept token", "memory_of_tokens", 100_000, memory("token", 2.0, 15), old_size=10_000),
    Workload("memory: of a kept message", "memory_of_messages", 5_000, memory("message"), old_size=1_000),
    Workload("memory: of a kept finished call", "memory_of_calls", 2_000, memory("call", 3.0, 7), old_size=300),
    Workload(
        "import:",
        "import_time",
        5,
        (
            Figure("cpu", "ms", 1e3, most=1.4, least=2, title="time", reason=reasons.IMPORTED),
            Figure(
                "modules",
                "modules",
                1.0,
                per_operation=False,
                most=1.4,
                least=2,
                title="added modules",
                reason=reasons.IMPORTED,
            ),
        ),
        fixed=True,
    ),
    Workload(
        "import: a generated module of 600 classes",
        "import_classes",
        1,
        (Figure("cpu", "ms", 1e3, most=4.0, reason=reasons.GENERATED),),
        old_size=0,
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
    # 7,500 tokens are 30 kB
    Workload("partial values: a list", "partial_list", 7_500, cpu("token", absolute=30.0), old_size=0),
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

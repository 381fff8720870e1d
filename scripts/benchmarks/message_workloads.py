"""The workloads of messages, codecs, records and streams between processes.

This module imports only the standard library, because the old release reads it in an environment of its own.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from scripts.benchmarks import reasons
from scripts.benchmarks.definitions import Figure, Workload, cpu, rate

__all__ = ["MESSAGE_WORKLOADS"]

BY_CODEC = 1.25
"""The target of closed messages through a codec, in both formats and directions."""
BY_FUNCTION = 1.6
"""Their target through `encode` and `decode`."""
GENERATED = 1.5
"""The target of values of generated classes without undeclared properties."""
UNCOMMON = 3.0
"""The target of undeclared properties, and of unions that are told apart by the properties that are there."""
RECORDS = 1.3
"""The target of records, in both directions."""
CREATE = 1.8 if sys.version_info < (3, 12) else 1.3
"""The target of calling a class: on Python 3.11 a metaclass leaves the fast path of C."""
VERBS = ("encode", "decode")
NAMES = {"json": "JSON", "msgpack": "MessagePack"}


def _codec(verb: str, function: str, least: float, reason: str, by_codec: str) -> list[Workload]:
    """Return the workloads of one message in both formats, by the function and by a codec.

    The old release has only JSON, and no codec.
    """
    return [
        Workload(
            f"messages: {verb} {name}{', by a codec' if by else ''}",
            function,
            20_000,
            cpu(
                "message",
                BY_CODEC if by else BY_FUNCTION,
                None if by or key == "msgpack" else least,
                reason=by_codec if by else reason,
            ),
            {"format": key, "by": by} if by else {"format": key},
            old_size=0 if by or key == "msgpack" else 2_000,
            counted=1_000,
        )
        for key, name in NAMES.items()
        for by in ("", "codec")
    ]


def _records(title: str, function: str, *, bare: bool = False, reason: str = "", framed: str = "") -> list[Workload]:
    """Return the workloads of many messages in both formats; the old release has no records.

    Args:
        title: The title, with a place for the name of the format.
        function: The name of the function.
        bare: Whether to add a workload whose limit writes frames without checksums.
        reason: Why lines of JSON miss their target.
        framed: Why frames do.
    """
    formats = {"NDJSON": {"format": "json"}, "MessagePack frames": {"format": "msgpack"}}
    found = [
        Workload(
            title.format(name),
            function,
            20_000,
            rate(RECORDS, reason if name == "NDJSON" else framed),
            arguments,
            old_size=0,
            counted=1_000,
        )
        for name, arguments in formats.items()
    ]
    if bare:
        name = title.format("MessagePack frames") + ", unchecked limit"
        found.append(Workload(name, function, 20_000, rate(), {"format": "msgpack", "checksum": False}, old_size=0))
    return found


def _wire(title: str, function: str, size: int, **arguments: int) -> list[Workload]:
    """Return the workloads of tokens between processes in both formats; the old release has no such feature."""
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
        for key, name in NAMES.items()
    ]


def _kind(
    title: str, kind: str, most: float, *, format: str = "json", by: str = "codec", verbs: tuple[str, ...] = VERBS
) -> list[Workload]:
    """Return the workloads of values of one kind of `samples.py`; a title of `{}` has a place for the verb."""
    how = {"codec": ", by a codec", "module": ", by its module", "": ""}[by]
    written = reasons.CALLED if by == "codec" else reasons.WRITTEN
    read = reasons.MADE if title.startswith("generated") else reasons.FROZEN if "provider" in kind else reasons.READ
    return [
        Workload(
            title.format(f"{verb} {NAMES[format]}") + how,
            f"{verb}_kind",
            20_000,
            cpu("value", most, reason=written if verb == "encode" else read),
            {"kind": kind, "format": format, "by": by},
            old_size=0,
            counted=200,
        )
        for verb in verbs
    ]


def _with_extras(title: str, kind: str, format: str) -> list[Workload]:
    """Return the workloads of values with properties that their classes do not declare."""
    return [
        Workload(
            f"generated: {verb} {NAMES[format]}, {title}, by a codec",
            f"{verb}_extras",
            20_000,
            cpu("value", UNCOMMON, reason=reasons.MADE),
            {"kind": kind, "format": format},
            old_size=0,
            counted=200,
        )
        for verb in VERBS
    ]


def _short(length: int) -> Workload:
    """Return the workload of decoding streams of a number of tokens each."""
    one = length == 1
    most = 1.6 if length == 100 else None  # the length of a usual answer
    figures = cpu("stream", most, absolute=100.0 if one else None, reason=reasons.ARRIVING if one or most else "")
    title = f"wire: decode streams of {length} token{'' if one else 's'}"
    return Workload(title, "short_streams_in", 200, figures, {"format": "json", "length": length}, old_size=0)


def _conversations() -> list[Workload]:
    """Return the workloads of records of mixed conversations."""
    return [
        Workload(
            f"records: {verb} mixed conversations as {'NDJSON' if key == 'json' else name}",
            f"{verb}_conversations",
            5_000,
            rate(RECORDS, reasons.FROZEN if verb == "read" else reasons.TOGETHER),
            {"format": key},
            old_size=0,
        )
        for verb in ("write", "read")
        for key, name in NAMES.items()
    ]


def _against(library: str, module: str, format: str) -> list[Workload]:
    """Return the workloads whose limit is another library of messages; none if it is not installed."""
    try:
        if find_spec(module) is None:
            return []
    except ModuleNotFoundError:  # not even the package around the module is there
        return []
    return [
        Workload(
            f"records: {verb} mixed conversations, limit: {library}",
            f"{verb}_against",
            5_000,
            cpu("message"),
            {"format": format, "by": library},
            old_size=0,
        )
        for verb in ("write", "read")
    ]


MESSAGE_WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "messages: create",
        "create",
        5_000,
        cpu("message", CREATE, 50, reason=reasons.CREATED),
        old_size=1_000,
        counted=1_000,
    ),
    Workload("messages: create, limit: checked texts", "create", 5_000, cpu("message"), {"checked": True}, old_size=0),
    Workload(
        "messages: hash_key, first time",
        "hash_first",
        2_000,
        cpu("message", 1.6, 28, reason=reasons.HASHED),
        old_size=500,
        counted=500,
    ),
    *_codec("encode", "encode_messages", 10, reasons.WRITTEN, reasons.CALLED),
    *_codec("decode", "decode_messages", 90, reasons.READ, reasons.READ),
    Workload(
        "messages: decode JSON, a union of three",
        "decode_messages",
        20_000,
        cpu("message", BY_FUNCTION, reason=reasons.READ),
        {"format": "json", "union": True},
        old_size=0,
    ),
    *(
        Workload(
            f"messages: {verb} {name}, strings alone, by a codec",
            f"{verb}_plain",
            20_000,
            cpu("message", BY_CODEC, reason=reasons.CALLED),
            {"format": key},
            old_size=0,
            counted=1_000,
        )
        for verb in ("encode", "decode")
        for key, name in NAMES.items()
    ),
    *_kind("messages: {}, strings alone", "small", BY_FUNCTION, by=""),
    *_kind("messages: {}, with nulls", "nulls", BY_FUNCTION, by=""),
    *_kind("messages: {}, with nulls", "nulls", BY_CODEC),
    *_kind("messages: {}, with nulls", "nulls", BY_CODEC, format="msgpack"),
    *_kind("messages: {}, `null` in a text", "null in a text", BY_FUNCTION, by="", verbs=("encode",)),
    *_kind("messages: {}, `null` in a text", "null in a text", BY_CODEC, verbs=("encode",)),
    *(
        workload
        for kind, title in (("Message fields", "`Message` fields"), ("provider_data", "data of a provider"))
        for key in NAMES
        for by, most in (("", BY_FUNCTION), ("codec", BY_CODEC))
        for workload in _kind(f"messages: {{}}, {title}", kind, most, format=key, by=by)
    ),
    *(
        Workload(
            f"messages: decode {name}, data of a provider, by a codec, limit: frozen data",
            "decode_kind",
            20_000,
            cpu("value"),
            {"kind": "provider_data", "format": key, "by": "codec", "frozen": True},
            old_size=0,
        )
        for key, name in NAMES.items()
    ),
    Workload("messages: a new codec's first decode", "new_codec", 200, cpu("codec"), old_size=0),
    Workload(
        "messages: 1,000 classes and one more,",
        "after_one_more_class",
        5,
        tuple(Figure(verb, "ms", 1e3, absolute=2.0, title=f"first {verb}") for verb in VERBS),
        old_size=0,
    ),
    *_kind("generated: {}, an open object", "open", GENERATED),
    *_kind("generated: {}, an open object", "open", GENERATED, by="module"),
    *_kind("generated: {}, an absent union", "absent union", GENERATED),
    *_kind("generated: {}, an agents' message", "agent message", GENERATED),
    *_kind("generated: {}, an agents' message", "agent message", GENERATED, format="msgpack"),
    *_kind("generated: {}, the result of a tool", "tool output", GENERATED),
    *_kind("generated: {}, the result of a tool", "tool output", GENERATED, by="module"),
    *_kind("generated: {}, an event of a vendor", "vendor event", GENERATED),
    *_kind("generated: {}, an event of a vendor", "vendor event", GENERATED, by="module"),
    *_with_extras("an object with extras", "extras", "json"),
    *_with_extras("a message with extras", "agent message with extras", "json"),
    *_with_extras("a message with extras", "agent message with extras", "msgpack"),
    *_kind("generated: {}, a union without a tag", "union", UNCOMMON),
    *_kind("generated: {}, a message with a file", "agent message with a file", UNCOMMON),
    *_kind("generated: {}, a message with a file", "agent message with a file", UNCOMMON, format="msgpack"),
    *_records(
        "records: write {} in memory", "write_in_memory", bare=True, reason=reasons.TOGETHER, framed=reasons.FRAMED
    ),
    *_records("records: write {} to a file", "write_to_file", reason=reasons.TOGETHER, framed=reasons.FRAMED),
    *_records("records: read {} from memory", "read_from_memory", bare=True, reason=reasons.LINES),
    *_records("records: read {} from a file", "read_from_file", reason=reasons.LINES),
    *_conversations(),
    *_against("pydantic", "pydantic", "json"),
    *_against("protobuf", "google.protobuf", "msgpack"),
    *(
        Workload(
            f"records: read one from {name}",
            "read_one",
            200,
            cpu("record"),
            {"format": key},
            old_size=0,
        )
        for key, name in NAMES.items()
    ),
    *_wire("wire: encode a finished stream as {}", "stream_out", 20_000),
    *_wire("wire: encode as {}, one turn per token", "stream_out", 5_000, burst=1),
    *_wire("wire: decode a stream of {}", "stream_in", 20_000),
    *map(_short, (1, 10, 100)),
    Workload(
        "store: a log of tokens that arrive in bursts of 50",
        "log_tokens",
        20_000,
        cpu("token", absolute=6),
        {"burst": 50},
        old_size=0,
    ),
    Workload(
        "store: a late reader of a log of 10,000 tokens",
        "late_reader",
        10_000,
        (Figure("cpu", "ms", 1e3, per_operation=False, absolute=50),),
        old_size=0,
        fixed=True,
    ),
)

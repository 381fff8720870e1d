"""Messages between processes: records in files and sockets, and streams token by token.

A record is one value as `encode` writes it: a line of JSON, or a frame of MessagePack. `reading.py` and `writing.py`
move the bytes of records from and to files and sockets. `splitting.py` finds where records begin and end. `outgoing.py`
and `incoming.py` carry promises of messages that are still arriving.
"""

from typing import TYPE_CHECKING

from miniagents._lazy import teaching
from miniagents.wire._sources import AsyncSource, Source
from miniagents.wire.compression import MAX_RATIO, Compression
from miniagents.wire.decoding import MAX_RECORD_BYTES, RecordDecoder
from miniagents.wire.incoming import decode_stream
from miniagents.wire.outgoing import encode_stream
from miniagents.wire.positions import Pieces
from miniagents.wire.reading import AsyncRecordReader, RecordReader, aread_records, read_records
from miniagents.wire.record_errors import (
    InputLimitError,
    RecordError,
    RecordTooLargeError,
    RemoteError,
    TornRecordError,
)
from miniagents.wire.writing import AsyncTarget, RecordEncoder, RecordWriter, Target, awrite_records, write_records

if not TYPE_CHECKING:  # for checkers this would allow any name
    __getattr__ = teaching(__name__)

__all__ = [
    "MAX_RATIO",
    "MAX_RECORD_BYTES",
    "AsyncRecordReader",
    "AsyncSource",
    "AsyncTarget",
    "Compression",
    "InputLimitError",
    "Pieces",
    "RecordDecoder",
    "RecordEncoder",
    "RecordError",
    "RecordReader",
    "RecordTooLargeError",
    "RecordWriter",
    "RemoteError",
    "Source",
    "Target",
    "TornRecordError",
    "aread_records",
    "awrite_records",
    "decode_stream",
    "encode_stream",
    "read_records",
    "write_records",
]

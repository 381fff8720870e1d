"""What the type checkers must refuse: records, the codec of generated modules, and the validator.

Checked, not run; see `rejects_promising.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from miniagents.messages import (
    NO_EXTRAS,
    AnyJson,
    Extras,
    Maybe,
    OpenRecord,
    Record,
    SchemaCodec,
    SchemaName,
    SchemaTable,
    When,
)
from miniagents.validation import UnsupportedSchemaError, Validator, Violation


class Tree(Record, frozen=True, kw_only=True):
    species: str
    extra_properties: Extras[int] = msgspec.field(default=NO_EXTRAS, name="@extra")


PlaceId: TypeAlias = Annotated[str, SchemaName("PlaceId")]
Part: TypeAlias = Annotated[Tree | None, SchemaName("Part")]


class Stop(Record, frozen=True, kw_only=True):
    id: PlaceId
    side: Annotated[Literal["left", "right"], SchemaName("Side")] = "left"


class Lake(OpenRecord, frozen=True, kw_only=True):
    depth: Maybe[int] = msgspec.UNSET


def packages() -> None:
    Lake(depth=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OpenRecord(extra_properties=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SchemaTable({}, {"Lake": Lake})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SchemaCodec.of_modules({})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def records(tree: Tree) -> None:
    Tree("oak")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Tree(species=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Tree(species="oak", extra_properties={"age": "old"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    tree.species = "elm"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def aliases(codec: SchemaCodec) -> None:
    Stop(id=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Stop(id="a", side="up")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    _number: int = codec.decode(b"1", PlaceId)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _trees: tuple[Stop, ...] = codec.decode(b"[]", tuple[Part, ...])  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    _open: Tree | AnyJson = object()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    When(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SchemaName(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def codecs(codec: SchemaCodec) -> None:
    SchemaCodec({"Tree": {}}, {"Tree": Tree})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    codec.decode({"species": "oak"}, Tree)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    codec.decode(b"{}", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    codec.encode()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    codec.is_sound()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    codec.schema_of()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def validators(validator: Validator) -> None:
    Validator([])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Validator({}, {"miniagents:Message": 3})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    validator.accepts("Point")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    validator.violation("Point", b"[]")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Violation()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    UnsupportedSchemaError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

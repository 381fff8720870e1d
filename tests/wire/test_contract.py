"""The frames of the wire are those of `schemas/frames.schema.json`, the contract for other languages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, get_args

import jsonschema
import msgspec
import pytest

from miniagents import MiniAgents
from miniagents.messages import (
    AssistantMessage,
    MessageSequence,
    ReasoningDelta,
    StreamEvent,
    stream_message,
)
from miniagents.wire import _generated as frames, encode_stream
from miniagents.wire._frames import codec_of_frames

ROOT: Final = Path(__file__).parents[2]
SCHEMA: Final[dict[str, Any]] = json.loads(  # Any: a JSON Schema
    (ROOT / "schemas" / "frames.schema.json").read_text(encoding="utf-8")
)
DEFINITIONS: Final[dict[str, Any]] = SCHEMA["$defs"]  # Any: JSON Schemas
CLASSES: Final[tuple[Any, ...]] = (*get_args(frames.Frame), frames.ErrorInfo)  # Any: Structs


def test_the_contract_has_just_these_frames() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert {cls.__name__ for cls in CLASSES} == DEFINITIONS.keys() - {"EncodedObject", "EncodedValue"}
    listed = [each["$ref"].rpartition("/")[2] for each in SCHEMA["oneOf"]]
    assert listed == [cls.__name__ for cls in get_args(frames.Frame)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_frame_has_the_properties_of_its_class(cls: Any) -> None:  # Any: a Struct
    """With its tag, its defaults, and what must be there."""
    schema = DEFINITIONS[cls.__name__]
    properties = dict(schema["properties"])
    required = set(schema["required"])
    if cls.__struct_config__.tag is not None:
        assert properties.pop("frame")["const"] == cls.__struct_config__.tag
        required.remove("frame")
    assert "additionalProperties" not in schema  # a newer version may add some
    assert not cls.__struct_config__.forbid_unknown_fields
    fields = {field.encode_name: field for field in msgspec.structs.fields(cls)}
    assert fields.keys() == properties.keys()
    assert {name for name, field in fields.items() if field.required} == required
    for name, field in fields.items():
        if not field.required:
            given = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            assert msgspec.json.decode(msgspec.json.encode(given)) == properties[name]["default"]
        types = msgspec.json.schema(field.type)
        kinds = types.get("type") or {each.get("type", "object") for each in types.get("anyOf", [{}])}
        said = properties[name].get("type", "")
        if isinstance(said, str) and isinstance(kinds, str) and said:
            assert said == kinds


async def pieces() -> AsyncIterator[str | StreamEvent]:
    yield ReasoningDelta("hm")
    yield "a"
    raise ValueError("no", 1)


async def test_all_that_is_written_fits() -> None:
    """Of messages, pieces and errors, in their places."""
    async with MiniAgents():
        sequence = MessageSequence[AssistantMessage]()
        sequence.put(AssistantMessage("a", model="m"))
        sequence.put(stream_message(AssistantMessage, pieces(), model="m"))
        sequence.put(ValueError("b"))
        sequence.close()
        data = b"".join([part async for part in encode_stream(sequence.promise)])
    written = [json.loads(line) for line in data.splitlines()]
    for frame in written:
        jsonschema.validate(frame, SCHEMA)
        jsonschema.validate(frame | {"newer": 1}, SCHEMA)
    kinds = {frame["frame"] for frame in written}
    assert kinds == {"sequence", "opened", "text", "event", "failed", "whole", "broken", "end"}


@pytest.mark.parametrize(
    "wrong", [{}, {"frame": "other"}, {"frame": "text"}, {"frame": "text", "text": 1}, {"frame": "failed", "error": {}}]
)
def test_other_frames_do_not(wrong: dict[str, object]) -> None:
    """Neither do they fit the contract, nor are they decoded."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)
    with pytest.raises(ValueError, match=r"\$"):
        codec_of_frames("json").decode(json.dumps(wrong).encode())

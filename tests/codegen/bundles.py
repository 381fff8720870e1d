"""Bundles on the spot for the tests of `lint` and `diff`: definitions that are written as normal schemas already."""

import json
from pathlib import Path

from miniagents.codegen.documents import Document, JsonValue, Place, escape, parse
from miniagents.codegen.reading.bundle import Bundle, Definition
from miniagents.codegen.reading.views import Spot


def bundle(definitions: dict[str, JsonValue], name: str = "types.schema.json") -> Bundle:
    """A bundle of one file with some $defs."""
    document = parse(name, json.dumps({"$defs": definitions}, indent=1).encode())
    made = {key: definition(document, key, schema) for key, schema in definitions.items()}
    return Bundle(made, (Path(name),), "", is_library=False)


def definition(document: Document, key: str, schema: JsonValue) -> Definition:
    place = Place(document, f"#/$defs/{escape(key)}")
    bare = Definition(key, schema, place, {})
    origins = {
        spot.pointer: Place(document, f"{place.pointer}{spot.pointer}") for spot in Spot(bare, "", schema).within()
    }
    return Definition(key, schema, place, origins)

"""The meta-schemas of JSON Schema, which references may lead to although nobody gives their files."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol

from miniagents.codegen.documents import JsonValue, parse
from miniagents.codegen.reading.sources import Source

_FOLDER: Final = Path("/json-schema.org")
"""The folder that the paths of the files begin with; there is no such folder on the disk."""


class _Resource(Protocol):
    @property
    def contents(self) -> JsonValue: ...


def known_schema(uri: str) -> Source | None:
    """Return the meta-schema of JSON Schema, or the vocabulary, with a URI; None if it is none of them.

    Args:
        uri: The URI, with `http` or `https`, without a fragment.
    """
    scheme, _, rest = uri.partition("://")
    return _sources().get(rest) if scheme in {"http", "https"} else None


@cache
def _sources() -> Mapping[str, Source]:
    """Return the meta-schemas by their URIs without scheme."""
    # The package, which `jsonschema` depends on, has no types.
    registry: Mapping[str, _Resource] = import_module("jsonschema_specifications").REGISTRY
    found: dict[str, Source] = {}
    for uri in registry:
        document = parse(uri, json.dumps(registry[uri].contents, indent=2).encode())
        rest = uri.partition("://")[2].removesuffix("#")
        found[rest] = Source(_FOLDER / rest.partition("/")[2], document, (uri,), is_given=False)
    return found

"""Dynamic scopes: what `$dynamicRef` and `$recursiveRef` mean, depending on the schemas that lead to them.

A dynamic reference leads to the outermost schema with the anchor, of all resources on the way to the reference. A scope
holds these outermost schemas. All ways that a run can take are known when schemas are read, so a schema that is reached
with several scopes becomes several definitions. Most files have no dynamic references, and only the empty scope.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from miniagents.codegen.documents import Document

Key: TypeAlias = tuple[Document, str]
"""A schema by its document and JSON pointer."""

Scope: TypeAlias = tuple[tuple[str, Key], ...]
"""The outermost schemas with dynamic anchors, by the names of the anchors, which are sorted."""

ScopedKey: TypeAlias = tuple[Document, str, Scope]
"""A schema by its document and JSON pointer, and the scope in which it is reached."""

RECURSIVE: Final = ""
"""The name that stands for `"$recursiveAnchor": true`, which has none."""


def extended(scope: Scope, anchors: Mapping[str, Key]) -> Scope:
    """Return the scope after entering a resource with some anchors: what is further outside keeps its meaning."""
    new = [(name, key) for name, key in anchors.items() if all(name != known for known, _ in scope)]
    return tuple(sorted([*scope, *new], key=lambda each: each[0])) if new else scope


def meant(scope: Scope, name: str) -> Key | None:
    """Return the outermost schema with an anchor, or None if there is none."""
    return next((key for known, key in scope if known == name), None)
